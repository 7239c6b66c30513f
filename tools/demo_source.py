# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""The demo's first act: a source goes over from one sound to the next, and is compared with formulas."""

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from demo_show import RATE, Heard
from mix import Sample, Swap, mix, phase_origin, silence, wavetable

NODE = 'segue-demo'
PORTS = [f'{NODE}:output_MONO']
FREQUENCY = 440.0
FILE = Path('/usr/share/sounds/alsa/Front_Center.wav')
CONFIG = f'''{{ type = source  node.name = {NODE}  audio.position = [ MONO ]
                segue.wave = sine  segue.frequency = {FREQUENCY}  segue.gain = 1.0 }}'''


@dataclass
class Sound:
    label: str
    wave: str = None        # None: the file
    gain: float = 1.0
    fade: float = 0.02      # seconds
    hold: float = 0.5       # seconds until the next; 0: as soon as it is heard


SOUNDS = ([Sound(f'sine {g:.1f}', 'sine', g, hold=0.0) for g in (0.0, 0.2, 0.4, 0.6)] +
          [Sound('sine 0.8', 'sine', 0.8),
           Sound('saw', 'saw', 0.7, fade=0.1),
           Sound('square', 'square', 0.5, fade=0.0),
           Sound('triangle', 'triangle', 0.8, fade=0.25),
           Sound('harmonics', 'harmonics:1,0,0.5,0,0.25', 0.7),
           Sound(FILE.name, fade=0.05, hold=1.6),
           Sound('sine 0.5', 'sine', 0.5)])


def perform(show):
    """Play it; the swaps as they were heard."""
    node = show.segue.node(NODE)
    show.line('playing', f'{NODE}: sine, {FREQUENCY:g} Hz, quantum {node.get("Quantum")} at {RATE} Hz')
    show.wait_for(show.recorder.position(), 0.5)
    heard = []
    for sound in SOUNDS:
        if sound.wave is None:
            buffer = show.segue.load_file(FILE)
        else:
            buffer = show.segue.generate(sound.wave, gain=sound.gain)
        position = show.swap(node, buffer, sound.label, sound.fade)
        heard.append(Heard(sound.label, position, round(sound.fade * RATE)))
        show.wait_for(position, sound.hold)
    heard.append(Heard('silence', show.clear(node), round(0.02 * RATE)))
    return heard


def read_file(path):
    """As 16 bits decode: n / 32768."""
    with wave.open(str(path)) as w:
        assert (w.getnchannels(), w.getsampwidth(), w.getframerate()) == (1, 2, RATE), path
        return np.frombuffer(w.readframes(w.getnframes()), '<i2') / 32768.0


def compute(heard, take):
    """The same, from formulas: every swap where its position says, and silence at last."""
    step = FREQUENCY / RATE
    opening = take[take.first:take.first + RATE // 4]
    # where the phase of the sine it began with was 0 is only in the recording
    origin = phase_origin(opening, take.first, step)
    swaps = [Swap(take.first, 0, wavetable('sine', 1.0, step, origin))]
    for sound, h in zip(SOUNDS, heard):
        if sound.wave is None:
            plays = Sample(read_file(FILE))
        else:
            plays = wavetable(sound.wave, sound.gain, step, origin)
        swaps.append(Swap(h.position, h.fade, plays))
    swaps.append(Swap(heard[-1].position, heard[-1].fade, silence))
    return mix(swaps, take.first, take.end)
