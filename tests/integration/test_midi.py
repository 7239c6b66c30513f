# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""MIDI files, played by pw-midiplay into a source's port.

pw-midiplay of 0.3.65 fills its buffers on its main loop, a cycle ahead: when that comes too late, all that
follows is later by whole cycles. So distances are exact but for those, and none is shorter. Of more than 32
events in a cycle it loses some.
"""

import random
import re

import numpy as np
import pytest

from files import MIDI_DIVISION, MIDI_TEMPO, write_midi
from fixture import wait_until
from notes import END_FRAMES, fit_sine, frequency, whole_takes
from recording import Recorder

RATE = 48000
LEAD = RATE // 2        # until its links have settled
QUANTUM = 1024          # long enough for pw-midiplay on a busy machine, mostly
GOOD_ENOUGH = -90.0     # dB

pytestmark = pytest.mark.session(quantum=QUANTUM)


class Player:
    """Plays events into synth:midi_in."""

    def __init__(self, session):
        self.session = session

    def begin(self, events, tail=4800):
        """The player leaves, which the graph may stumble over, so many frames after the last event."""
        events = [(LEAD + tick, data) for tick, data in events]
        events.append((events[-1][0] + tail, control(0, 0)))    # a bank: nobody's here
        path = write_midi(self.session.path / 'played.mid', events)
        process = self.session.start('midiplay', ['pw-midiplay', '--target', '0', path])
        port = wait_until('port of pw-midiplay',
                          lambda: [p for p in self.session.ports() if p.startswith('pw-midiplay:')])
        self.session.link(port[0], 'synth:midi_in')
        return process

    def play(self, events, tail=4800):
        assert self.begin(events, tail).popen.wait(20) == 0


@pytest.fixture
def player(session):
    return Player(session)


@pytest.fixture
def ones(keys, segue):
    """Keys of a sound that is 1 all the time: a note is its envelope."""
    keys.heard(keys.set_buffer(segue.import_samples(np.ones(64, 'f4'), channels=1, rate=RATE, loop='forward'),
                               fade=0.0))
    return keys


def on(key, velocity=127, channel=1):
    return 0x90 | channel - 1, key, velocity


def off(key, channel=1):
    return 0x80 | channel - 1, key, 0


def control(number, value, channel=1):
    return 0xb0 | channel - 1, number, value


def bend(value, channel=1):
    value += 8192
    return 0xe0 | channel - 1, value & 0x7f, value >> 7


def frame_of(tick):
    """Where pw-midiplay puts it: its seconds are cut off to frames."""
    return int((LEAD + tick) * float(MIDI_TEMPO) / (1000000.0 * MIDI_DIVISION) * RATE)


def recorded(node):
    """All that was recorded, once what was played last is."""
    node.wait_for_voices(0)
    node.recorder.wait_for_frames(4 * END_FRAMES)
    return whole_takes(node.recorder)[0].samples


def changes(samples):
    """Where a sound that stays where it is begins, ends or becomes another."""
    return np.flatnonzero(samples[1:] != samples[:-1]) + 1


def onsets(samples):
    return np.flatnonzero((samples[1:] != 0) & (samples[:-1] == 0)) + 1


def assert_distances(found, ticks):
    """As the file has them, but for whole cycles that pw-midiplay was late by."""
    assert len(found) == len(ticks), (found, ticks)
    late = np.diff(found) - np.diff([frame_of(t) for t in ticks])
    assert (late >= 0).all() and (late % QUANTUM == 0).all(), late


def test_notes_sound_where_and_as_loud_as_the_file_has_them(ones, player):
    """Places within the cycle all different, two keys at once, a note of one frame."""
    events, ticks, velocities, tick = [], [], [], 0
    for k in range(40):
        velocity = 127 - 3 * k
        events += [(tick, on(60, velocity)), (tick + 1 + 7 * k, off(60))]
        ticks.append(tick)
        velocities.append(velocity)
        tick += 700 + 7 * k + 13
    player.play(events)
    samples = recorded(ones)
    found = onsets(samples)
    assert_distances(found, ticks)
    for k, (at, velocity) in enumerate(zip(found, velocities)):
        loud = np.float32((velocity / 127) ** 2)
        held = samples[at:at + 1 + 7 * k]
        assert held[0] == pytest.approx(loud, rel=1e-6)
        assert (held == held[0]).all() or k == 0


@pytest.mark.parametrize('rate', [44100, 96000])
def test_at_other_rates_too(session, ones, player, rate):
    session.force_rate(rate)
    ones.bus.wait_until('rate', lambda: ones.get('Rate') == rate)
    # the sound is made anew, but it is the same one
    ticks = [0, 1111, 2345, 9999]
    player.play([e for t in ticks for e in ((t, on(60)), (t + 200, off(60)))])
    found = onsets(recorded(ones))
    expected = [int((LEAD + t) / RATE * rate + 1e-6) for t in ticks]
    late = np.diff(found) - np.diff(expected)
    quantum = ones.get('Quantum')
    cycles = np.round(late / quantum)
    assert len(found) == 4 and (cycles >= 0).all() and np.abs(late - cycles * quantum).max() <= 1, late


def parts_of(samples, n_least=2 * END_FRAMES):
    """What sounds between silences of so many frames: (first, end) of each."""
    heard = np.flatnonzero(samples)
    breaks = np.flatnonzero(np.diff(heard) > n_least)
    return list(zip(heard[np.r_[0, breaks + 1]], heard[np.r_[breaks, -1]] + 1))


def test_chords_and_bends_are_in_tune(sine, player):
    """Three keys at once; keys that are bent before and while they sound, by two semitones, and back."""
    sine.heard(sine.wave('sine', fade=0.0, gain=0.25))
    chord = 57, 61, 64
    events = [(0, on(k)) for k in chord] + [(12000, off(k)) for k in chord]
    bends = 0, 8191, -8192, 100, 0
    for k, (before, after) in enumerate(zip(bends, bends[1:])):
        tick = 16000 + 16000 * k
        events += [(tick, on(69)), (tick + 6000, bend(after)), (tick + 12000, off(69))]
    player.play(events)
    samples = recorded(sine)
    (first, _), *notes = parts_of(samples)
    part = samples[first:first + 11000].astype(float)
    x = 2 * np.pi * np.arange(len(part))[:, None] * [[frequency(k) / RATE for k in chord]]
    basis = np.concatenate([np.sin(x), np.cos(x)], axis=1)
    assert np.abs(part - basis @ np.linalg.lstsq(basis, part, rcond=None)[0]).max() < 1e-5

    assert len(notes) == 4
    for (first, end), before, after in zip(notes, bends, bends[1:]):
        for part, value in (samples[first:first + 5800], before), (samples[end - 5800:end - END_FRAMES], after):
            peak, distance = fit_sine(part, 440 * 2 ** (value / 8192 / 6))
            assert distance < GOOD_ENOUGH and peak == pytest.approx(0.25, rel=1e-3), (before, after)


def test_the_pedal_holds_what_is_released(ones, player):
    """Two keys: one is up when the pedal comes up, the other is held."""
    ticks = 0, 1000, 3000, 5000, 8000, 9000
    player.play([(0, on(60, 90)), (500, control(64, 127)), (1000, on(67, 127)), (2000, off(60)), (3000, on(48)),
                 (4000, off(48)), (5000, control(64, 63)), (8000, off(67)), (9000, on(60))] + [(9500, off(60))])
    samples = recorded(ones)
    found = changes(samples)
    loud = (90 / 127) ** 2
    # levels before each change that isn't the course of an end
    steps = [int(f) for k, f in enumerate(found) if k == 0 or f - found[k - 1] > 1]
    assert_distances(steps, ticks + (9500,))
    levels = [samples[s - 1] for s in steps] + [samples[-1]]
    assert levels == pytest.approx([0, loud, loud + 1, loud + 2, 1, 0, 1, 0], abs=1e-6)


def test_controllers_set_levels_and_end_sounds(ones, player):
    player.play([
        (0, on(60)), (2000, control(7, 64)), (4000, control(11, 64)), (6000, control(121, 0)),
        (8000, control(7, 127)), (10000, on(72)), (12000, control(120, 0)),
        (14000, on(60)), (14500, on(64)), (16000, control(123, 0)),
        (18000, control(64, 127)), (18000, on(60)), (20000, control(123, 0)), (22000, control(64, 0))])
    samples = recorded(ones)
    found = changes(samples)
    steps = [int(f) for k, f in enumerate(found) if k == 0 or f - found[k - 1] > 1]
    ticks = 0, 2000, 4000, 6000, 8000, 10000, 12000, 14000, 14500, 16000, 18000, 22000
    assert_distances(steps, ticks)
    half = (64 / 127) ** 2
    levels = [samples[s - 1] for s in steps] + [samples[-1]]
    assert levels == pytest.approx([0, 1, half, half ** 2, half, 1, 2, 0, 1, 2, 0, 1, 0], abs=1e-6)


def test_only_the_channel_that_is_set_is_heard(ones, player):
    ones.set('Channel', 2)
    events = [(1000 * c, e) for c in range(1, 17) for e in (on(60, 8 * c - 1, c),)]
    events += [(1000 * c + 500, off(60, c)) for c in range(1, 17)]
    player.play(sorted(events))
    samples = recorded(ones)
    assert len(onsets(samples)) == 1
    assert samples.max() == pytest.approx((15 / 127) ** 2, rel=1e-6)


def test_keys_of_the_bus_and_of_midi_are_apart(ones, player):
    """A key that is pressed on both sides is released by each of them for itself."""
    ones.note_on(60, 127)
    player.play([(0, on(60)), (2000, off(60)), (4000, control(123, 0))])
    assert ones.get('Voices') == 1
    ones.note_off(60)
    samples = recorded(ones)
    assert samples.max() == 2
    assert ones.get('Voices') == 0


def test_midi_is_silent_with_the_trigger_always(ones, player):
    ones.set('Trigger', 'always')
    ones.heard(ones.clear(fade=0.0))
    ones.recorder.wait_for_frames(2400)
    before = ones.recorder.position()
    player.play([(0, on(60)), (2000, off(60))])
    ones.recorder.wait_for_frames(2400)
    assert ones.get('Voices') == 0
    assert not np.nan_to_num(ones.recorder.take()[before:]).any()


def test_pan_of_a_stereo_source_has_equal_power(session, segue, player):
    node = segue.create('synth', segue_gain=1.0, segue_trigger='notes', segue_attack=0.0, segue_release=0.0)
    node.recorder = Recorder(session, ['synth:output_FL', 'synth:output_FR'])
    node.heard(node.set_buffer(segue.import_samples(np.ones(64, 'f4'), channels=1, rate=RATE, loop='forward'),
                               fade=0.0))
    player.play([(0, on(60)), (2000, control(10, 0)), (4000, control(10, 127)), (6000, control(10, 96)),
                 (8000, control(10, 64)), (10000, off(60))])
    recorded(node)
    left, right = (take.samples for take in whole_takes(node.recorder, 2))
    assert len(left) == len(right)
    levels = [(left[s - 1], right[s - 1]) for s in changes(left + 2 * right)]
    for want in (1, 1), (2 ** 0.5, 0), (0, 2 ** 0.5):
        assert any(np.allclose(have, want, atol=1e-5) for have in levels), want
    power = left.astype(float) ** 2 + right.astype(float) ** 2
    assert power.max() < 2.01


def test_1000_events_with_pedals_bends_and_sounds_off_all_end(sine, player):
    """Twenty events a cycle, which pw-midiplay doesn't lose, on all channels."""
    rng = random.Random(7)
    sine.heard(sine.wave('saw', fade=0.0, gain=0.05))
    sine.set('VoicesMax', 24)
    events = []
    for k in range(1000):
        channel, tick = rng.randrange(1, 17), 50 * k
        events.append((tick, rng.choice([
            on(rng.randrange(128), rng.randrange(1, 128), channel), on(rng.randrange(128), 100, channel),
            off(rng.randrange(128), channel), control(64, rng.randrange(128), channel),
            bend(rng.randrange(-8192, 8192), channel), control(rng.choice([7, 10, 11]), rng.randrange(128), channel),
            control(120, 0, channel)])))
    for channel in range(1, 17):
        events += [(52000 + 100 * channel, control(64, 0, channel)), (52050 + 100 * channel, control(123, 0, channel))]
    player.play(events)
    samples = recorded(sine)
    assert np.isfinite(samples).all() and np.abs(samples).max() > 0.1
    assert not samples[-2 * END_FRAMES:].any()


def test_the_port_tells_which_controls_it_reads(session, segue):
    segue.create('synth')
    port = next(o for o in session.objects() if o['type'].endswith(':Port')
                and o['info']['props'].get('port.alias') == 'synth:midi_in')
    assert port['info']['props']['format.dsp'] == '8 bit raw midi'
    text = session.run('pw-cli', 'enum-params', port['id'], 'EnumFormat', check=True).stdout
    assert 'application' in text and 'control' in text
    # SPA_FORMAT_CONTROL_types has no name in 0.3.65: 0x60001, flags of SPA_CONTROL_Midi
    assert re.search(r'(393217|Control:types).*\n.*Choice.*\n *Int 4\n', text), text
