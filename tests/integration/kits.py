# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""SFZ instruments of Hydrogen's drum kits (Debian package hydrogen-drumkits).

A kit is a folder with a drumkit.xml: instruments, each with one file or with layers for ranges of
velocity. The samples stay where they are: the SFZ names their folder.

    python3 kits.py                     names of the kits there are
    python3 kits.py ForzeeStereo DIR    writes DIR/ForzeeStereo.sfz, prints its regions
"""

import dataclasses
import math
import pathlib
import sys
import xml.etree.ElementTree as ElementTree

KITS = pathlib.Path('/usr/share/hydrogen/data/drumkits')
FIRST_KEY = 36      # Hydrogen's own: instruments from here up, in the file's order


@dataclasses.dataclass
class Region:
    """What write_sfz() has made a region of."""
    file: str
    key: int
    low: int            # velocities
    high: int
    gain: float         # linear
    pan: float          # -100..100
    transpose: float    # semitones
    group: int          # of instruments that end each other; 0: none


def names():
    """Kits that are installed."""
    return sorted(p.parent.name for p in KITS.glob('*/drumkit.xml'))


def local(element):
    """Its name; only some kits have a namespace."""
    return element.tag.rpartition('}')[2]


def children(element, name):
    return [c for c in element if local(c) == name]


def text(element, name, default):
    found = children(element, name)
    return found[0].text.strip() if found and found[0].text else default


def number(element, name, default):
    return float(text(element, name, default))


def layers(instrument):
    """(file, least velocity 0..1, gain, semitones), the softest first; only those whose files are there."""
    found = [(text(layer, 'filename', ''), number(layer, 'min', 0), number(layer, 'gain', 1), number(layer, 'pitch', 0))
             for layer in children(instrument, 'layer')]
    if not found:
        found = [(text(instrument, 'filename', ''), 0.0, 1.0, 0.0)]
    return sorted((layer for layer in found if layer[0]), key=lambda layer: layer[1])


def instrument_regions(instrument, key, folder):
    """Ranges of velocity that meet but don't overlap, as a few kits' do."""
    gain = number(instrument, 'volume', 1) * number(instrument, 'gain', 1)
    pan = 100 * (number(instrument, 'pan_R', 1) - number(instrument, 'pan_L', 1))
    group = int(number(instrument, 'muteGroup', -1)) + 1
    found = [layer for layer in layers(instrument) if (folder / layer[0]).is_file()]
    lows = [round(127 * layer[1]) for layer in found] + [128]
    regions = []
    for i, (file, _, layer_gain, pitch) in enumerate(found):
        low = 0 if not regions else lows[i]
        if low < lows[i + 1] and gain * layer_gain > 0:
            regions.append(Region(file, key, low, lows[i + 1] - 1, gain * layer_gain, max(-100, min(100, pan)),
                                  pitch, group))
    return regions


def read_kit(folder):
    """All its regions."""
    root = ElementTree.parse(folder / 'drumkit.xml').getroot()
    instruments = [i for part in children(root, 'instrumentList') for i in children(part, 'instrument')]
    regions = []
    for i, instrument in enumerate(instruments):
        if text(instrument, 'isMuted', 'false') != 'true' and FIRST_KEY + i <= 127:
            regions += instrument_regions(instrument, FIRST_KEY + i, folder)
    return regions


def write_sfz(name, to):
    """Write to/NAME.sfz. Returns its path and its regions, in the file's order."""
    folder = KITS / name
    regions = read_kit(folder)
    lines = [f'// {name}, from {folder}/drumkit.xml', '<control>', f'default_path={folder}/',
             '<global> loop_mode=one_shot']
    for r in regions:
        line = f'<region> key={r.key} lovel={r.low} hivel={r.high} volume={20 * math.log10(r.gain):.4f}'
        if r.pan:
            line += f' pan={r.pan:.2f}'
        if r.transpose:
            line += f' transpose={r.transpose:.4f}'
        if r.group:
            line += f' group={r.group} off_by={r.group}'
        lines.append(f'{line} sample={r.file}')
    path = pathlib.Path(to) / f'{name}.sfz'
    path.write_text('\n'.join(lines) + '\n')
    return path, regions


def main(args):
    if len(args) == 2:
        path, regions = write_sfz(*args)
        print(path)
        for r in regions:
            print(r)
    elif args:
        sys.exit(__doc__)
    else:
        print('\n'.join(names()))


if __name__ == '__main__':
    main(sys.argv[1:])
