# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Real drum kits (Debian's hydrogen-drumkits, as SFZ): played from MIDI, replaced while they sound."""

import os
import re
import subprocess

import numpy as np
import pytest

import kits
from bus import BusError, Segue
from fixture import wait_until
from mix import error_db
from notes import END_FRAMES, add_sample, end_weights, whole_takes
from recording import Recorder
from test_midi import QUANTUM, Player, frame_of, on

RATE = 48000
GOOD_ENOUGH = -90.0         # dB
NATIVE = 'rumpf_kit_z01_h2'     # 48 kHz, mono, 24 bits
OTHER = 'HardElectro1'          # 44.1 kHz, stereo
HATS = 'VariBreaks'             # 44.1 kHz, mono, hats that end each other

MOST_LATE = 40              # cycles from one drum to the next

pytestmark = [pytest.mark.session(quantum=QUANTUM),
              pytest.mark.skipif(not set(kits.names()) >= {NATIVE, OTHER, HATS}, reason='needs hydrogen-drumkits')]


@pytest.fixture
def music(session):
    """The folder of the kits' SFZ files, where paths may come from by Props too."""
    folder = session.path / 'home/Music'
    folder.mkdir()
    return folder


@pytest.fixture
def drums(session, segue):
    """A stereo source without a sound that waits for keys, recorded."""
    node = segue.create('synth', segue_gain=1.0, segue_trigger='notes', segue_attack=0.0)
    node.recorder = Recorder(session, ['synth:output_FL', 'synth:output_FR'])
    return node


def read_flac(path):
    """Frames by channels, and the rate."""
    data = subprocess.run(['flac', '-dcs', '--force-raw-format', '--endian=little', '--sign=signed', path], check=True,
                          capture_output=True).stdout
    rate, bits, channels = (int(n) for n in subprocess.run(
        ['metaflac', '--show-sample-rate', '--show-bps', '--show-channels', path], check=True,
        capture_output=True, text=True).stdout.split())
    width = bits // 8
    padded = np.zeros((len(data) // width, 4), 'u1')
    padded[:, 4 - width:] = np.frombuffer(data, 'u1').reshape(-1, width)
    values = padded.view('<i4')[:, 0] / 2.0 ** 31
    return values.reshape(-1, channels).astype('f4'), rate


def at_rate(values, rate):
    """One channel as it is read at the graph's rate: the cubic through four neighbours, at places whose step has
    48 bits of fraction."""
    if rate == RATE:
        return values
    step = int(rate / RATE * 2 ** 48 + 0.5)
    places = [k * step for k in range(int((len(values) + 1) / rate * RATE) + 1)]
    frames = np.array([p >> 48 for p in places])
    t = np.array([(p & 2 ** 48 - 1) / 2 ** 48 for p in places])
    padded = np.concatenate([[0.0], values.astype(float), np.zeros(4)])
    y = [padded[frames + k] for k in range(4)]
    c1 = (y[2] - y[0]) / 2
    c2 = y[0] - 2.5 * y[1] + 2 * y[2] - y[3] / 2
    c3 = (y[3] - y[0]) / 2 + 1.5 * (y[1] - y[2])
    return ((c3 * t + c2) * t + c1) * t + y[1]


class Kit:
    """A kit of the package as an SFZ file, and what its drums sound like."""

    def __init__(self, name, folder, edit=lambda text: text):
        self.name = name
        self.path, regions = kits.write_sfz(name, folder)
        self.path.write_text(edit(self.path.read_text()))
        self.regions = {r.key: r for r in regions}
        self._files, self._sounds = {}, {}

    def sound(self, key, velocity=127):
        """Both channels of a drum."""
        if (key, velocity) not in self._sounds:
            r = self.regions[key]
            angle = np.pi / 4 * (1 + r.pan / 100)
            sides = np.sqrt(2) * np.array([np.cos(angle), np.sin(angle)]) if r.pan else (1, 1)
            gain = r.gain * (velocity / 127) ** 2
            self._sounds[key, velocity] = [gain * side * c.astype(float) for side, c in zip(sides, self.file(key))]
        return self._sounds[key, velocity]

    def file(self, key):
        """Both channels of a drum's file, at the graph's rate."""
        if key not in self._files:
            values, rate = read_flac(kits.KITS / self.name / self.regions[key].file)
            self._files[key] = [at_rate(values[:, min(c, values.shape[1] - 1)], rate) for c in (0, 1)]
        return self._files[key]


def wait_for_silence(node):
    node.wait_for_voices(0)
    node.recorder.wait_for_frames(4 * END_FRAMES)


def silence_after(node):
    """Both channels of the recording, once all that was played is in it."""
    wait_for_silence(node)
    return whole_takes(node.recorder, 2)


def place(rest, sound_at, earliest, n_frames=1000):
    """Where a drum begins in what others leave: where it was written, or pw-midiplay was some cycles late."""
    def distance(at):
        values = sound_at(at)[:n_frames]
        return np.abs(rest[at:at + len(values)] - values).max()
    last = min(earliest + MOST_LATE * QUANTUM, len(rest) - n_frames)
    return min(range(earliest, last, QUANTUM), key=distance)


def mixed(takes, pattern, sound_of):
    """What (tick, key, velocity)s must sound like in both channels, drums placed where they are found; and where.

    sound_of(key, velocity, position) is a drum's channels, if it begins there."""
    out = [np.zeros(len(t.samples)) for t in takes]
    heard, first = takes[0].samples.astype(float), takes[0].first
    places = []
    for k, (tick, key, velocity) in enumerate(pattern):
        if k == 0:
            at = int(np.flatnonzero(heard)[0])
            at -= int(np.flatnonzero(sound_of(key, velocity, first + at)[0])[0])
        else:
            at = place(heard - out[0], lambda at: sound_of(key, velocity, first + at)[0],
                       at + frame_of(tick) - frame_of(pattern[k - 1][0]))
        places.append(first + at)
        for channel, values in zip(out, sound_of(key, velocity, first + at)):
            add_sample(channel, at, values)
    return out, places


def assert_is_the_mix(takes, pattern, sound_of):
    out, places = mixed(takes, pattern, sound_of)
    for take, expected in zip(takes, out):
        assert error_db(take.samples, expected) < GOOD_ENOUGH
    return places


def hits(pattern):
    return [(tick, on(key, velocity)) for tick, key, velocity in pattern]


# ---- what it sounds like

def test_each_drum_at_the_graphs_rate_is_its_file_bit_by_bit(session, keys, music):
    kit = Kit(NATIVE, music, lambda text: re.sub(r' volume=\S+', '', text))
    keys.heard(keys.load(kit.path, fade=0.0))
    pattern, tick = [], 0
    for key in (36, 39, 42, 43, 46):
        pattern.append((tick, key))
        tick += len(kit.file(key)[0]) + 1000
    Player(session).play([(t, on(key)) for t, key in pattern], tail=RATE // 2)
    wait_for_silence(keys)
    samples = whole_takes(keys.recorder)[0].samples
    for _, key in pattern:
        values = kit.file(key)[0]
        first = int(np.flatnonzero(samples)[0]) - int(np.flatnonzero(values)[0])
        assert np.array_equal(samples[first:first + len(values)], values), kit.regions[key]
        samples = samples[first + len(values):]
    assert not samples.any()


def test_drums_of_another_rate_with_their_levels_and_sides_are_the_mix_of_their_files(session, drums, music):
    """All drums of a stereo kit, over each other."""
    kit = Kit(OTHER, music)
    drums.heard(drums.load(kit.path, fade=0.0))
    pattern = [(3001 * k, key, 127 - 5 * k) for k, key in enumerate(sorted(kit.regions))]
    Player(session).play(hits(pattern), tail=RATE // 2)
    takes = silence_after(drums)
    assert_is_the_mix(takes, pattern, lambda key, velocity, at: kit.sound(key, velocity))


def test_a_closed_hat_ends_an_open_one(session, drums, music):
    kit = Kit(HATS, music)
    drums.heard(drums.load(kit.path, fade=0.0))
    opened = next(k for k, r in kit.regions.items() if r.file == 'VP Hat 1 Op.flac')
    closed = next(k for k, r in kit.regions.items() if r.file == 'VP Hat 1 Cl.flac')
    Player(session).play([(0, on(opened)), (3000, on(closed))], tail=RATE // 4)
    left, _ = silence_after(drums)
    heard = left.samples.astype(float)
    values = kit.sound(opened)[0]
    first = int(np.flatnonzero(heard)[0]) - int(np.flatnonzero(values)[0])
    # where it is the open one alone no more
    second = first + 3000 + QUANTUM * next(k for k in range(MOST_LATE) if np.abs(
        heard[first + 3000 + k * QUANTUM:][:50] - values[3000 + k * QUANTUM:][:50]).max() > 1e-6)
    cut = values[:second - first + END_FRAMES].copy()
    cut[-END_FRAMES:] *= end_weights()
    expected = np.zeros(len(heard))
    add_sample(expected, first, cut)
    add_sample(expected, second, kit.sound(closed)[0])
    assert error_db(left.samples, expected) < GOOD_ENOUGH


def test_another_kit_in_mid_pattern(session, drums, segue, music):
    """Drums that sound end on their own, new ones are the new kit's, and the old kit goes after its last one."""
    old, new = Kit(NATIVE, music), Kit(OTHER, music)
    first, second = (segue.ready(segue.load_file(k.path)) for k in (old, new))
    assert segue.buffer(first, 'Kind') == 'instrument'
    drums.heard(drums.set_buffer(first, fade=0.0))
    segue.release(first)
    pattern = [(2003 * k, 36 + (5 * k) % 12, 100) for k in range(24)]
    player = Player(session).begin(hits(pattern), tail=RATE)
    wait_until('half of it', lambda: drums.get('Voices') >= 2)
    at = drums.recorder.position() + 16000
    assert drums.heard(drums.set_buffer(second, at=at, fade=0.5)) == at
    # no note of it is over by now: its last sounds for longer than a second
    assert not any(member == 'BufferReclaimed' for _, _, member, _ in drums.bus.signals)
    drums.bus.wait_for('BufferReclaimed', where=lambda b, *_: b == first)
    now = drums.recorder.position()
    assert player.popen.wait(20) == 0
    takes = silence_after(drums)

    def kit_at(position):
        return old if position < at else new
    places = assert_is_the_mix(takes, pattern, lambda key, velocity, position: kit_at(position).sound(key, velocity))
    last_end = max(position + len(old.sound(key)[0]) for (_, key, _), position in zip(pattern, places)
                   if kit_at(position) is old)
    assert places[0] < at < places[-1] and at < last_end <= now + 2 * QUANTUM
    assert drums.get('Buffer') == second


# ---- how it is loaded

def test_a_kit_is_loaded_by_configuration_bus_pw_cli_and_seguectl(session, music):
    kit, other = Kit(HATS, music), Kit(OTHER, music)
    session.start_service('segue.nodes = [ { type = source  node.name = synth  segue.trigger = notes '
                          f'segue.load = "{kit.path}" }} ]')
    with session.bus() as bus:
        node = Segue(bus).node('synth')
        id = session.node_id('synth')

        def heard(which):
            bus.wait_until(which.path.name, lambda: status(session) == f'ready {which.path.name}')
        heard(kit)
        node.heard(node.load(other.path))
        heard(other)
        session.set_props(id, **{'segue.load': str(kit.path)})
        heard(kit)
        session.run(session.seguectl, 'load', 'synth', other.path, check=True)
        heard(other)


def status(session):
    for p in session.node('synth')['info']['params'].get('Props', []):
        if 'params' in p:
            return dict(zip(p['params'][::2], p['params'][1::2]))['segue.status']
    return None


def test_a_kit_by_descriptor_is_refused(segue, music):
    """Its samples lie about its path, and a descriptor has none."""
    node = segue.create('synth')
    fd = os.open(Kit(HATS, music).path, os.O_RDONLY)
    try:
        for load in node.load_fd, segue.load_fd:
            with pytest.raises(BusError) as error:
                load(fd)
            assert 'path' in error.value.message and 'VariBreaks.sfz' in error.value.message
    finally:
        os.close(fd)


def test_a_kit_without_one_of_its_samples_is_refused_and_the_old_one_plays_on(session, drums, segue, music):
    kit = Kit(HATS, music)
    drums.heard(drums.load(kit.path, fade=0.0))
    broken = Kit(OTHER, music, lambda text: text.replace('HardHse_K_02.flac', 'gone.flac'))
    for load in drums.load, segue.load_file:
        with pytest.raises(BusError) as error:
            result = load(broken.path)
            drums.heard(result)
        assert error.value.name == 'org.freedesktop.DBus.Error.FileNotFound'
        assert 'HardElectro1.sfz' in error.value.message and 'gone.flac' in error.value.message
        assert error.value.message.count('gone.flac') == 1
    drums.note_on(36)
    drums.wait_for_voices(1)
    takes = silence_after(drums)
    assert_is_the_mix(takes, [(0, 36, 127)], lambda key, velocity, at: kit.sound(key, velocity))
    assert drums.get('SwapsApplied') == 1


def test_a_kit_is_played_beside_the_sound_of_the_node(session, drums, segue, music):
    """Play with a key, and without: an instrument's middle C."""
    kit = Kit(HATS, music)
    buffer = segue.ready(segue.load_file(kit.path))
    drums.play(buffer, key=40, velocity=64)
    drums.wait_for_voices(1)
    takes = silence_after(drums)
    assert_is_the_mix(takes, [(0, 40, 64)], lambda key, velocity, at: kit.sound(key, velocity))
    drums.play(buffer)      # none of its drums
    drums.recorder.wait_for_frames(2400)
    assert drums.get('Voices') == 0
