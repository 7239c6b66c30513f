# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Play and Stop: sounds fired by one call, beside what the node plays."""

import os

import numpy as np
import pytest

from bus import BusError, Segue, assert_refused
from files import wav_header
from mix import Sample, error_db, phase_origin, wavetable
from notes import END_FRAMES, add_sample, end_weights, fit_sine, frequency, onset, record

RATE = 48000
QUANTUM = 256
GOOD_ENOUGH = -100.0        # dB
ERROR = 'org.segue.Segue1.Error.'
DBUS_ERROR = 'org.freedesktop.DBus.Error.'


def noise(segue, seed, n_frames, **opts):
    """A buffer, and what is in it."""
    values = np.random.default_rng(seed).uniform(-0.3, 0.3, n_frames).astype('f4')
    buffer = segue.import_samples(values, channels=1, rate=RATE, label=f'noise {seed}', **opts)
    return segue.ready(buffer), values


def test_plays_overlap_each_other_and_the_steady_tone(source, segue):
    """Three sounds, the first twice, at their gains: the tone and all of them add up."""
    source.set('Frequency', 375.0)
    position = source.heard(source.wave('sine', fade=0.0, gain=0.25))
    source.recorder.wait_for_position(position + 9600)
    origin = phase_origin(source.recorder.take()[position:position + 8192], position, 375 / RATE)
    sounds = [noise(segue, k, 20000 + 1000 * k) for k in range(3)]
    before = source.recorder.position()
    plays = [(0, 1.0), (2, 2.0), (1, 0.5), (0, 0.25)]
    voices = []
    for k, gain in plays:
        voices.append(source.play(sounds[k][0], gain=gain))
        source.recorder.wait_for_frames(700)
    assert voices == sorted(set(voices))
    source.wait_for_voices(0)
    take = record(source, 2400)
    rest = take[before:] - wavetable('sine', 0.25, 375 / RATE, origin)(np.arange(before, take.end), 0)
    for k, gain in plays:   # the loudest of a sound first
        values = gain * sounds[k][1].astype(float)
        add_sample(rest, int(np.argmax(np.correlate(rest, values, 'valid'))), values, -1.0)
    assert np.abs(rest).max() < 1e-5
    assert source.get('Xruns') == 0


def test_a_loop_plays_until_it_is_stopped(source, segue):
    (one, first), (two, second) = noise(segue, 1, 1000), noise(segue, 2, 1500)
    before = source.recorder.position()
    looped = source.play(one, loop='forward')
    source.wait_for_voices(1)
    begun = onset(record(source, 5000), before)
    other = source.play(two, loop='forward', gain=0.5)
    source.wait_for_voices(2)
    source.recorder.wait_for_frames(5000)
    source.stop(looped)
    source.wait_for_voices(1)
    take = record(source, 5000)
    sound = Sample(first, loop=True)
    rest = take[begun:] - sound(np.arange(begun, take.end), begun)
    started = int(np.flatnonzero(np.abs(rest) > 1e-6)[0])
    sounds_on = Sample(second, loop=True)(np.arange(started, len(rest)), started) * 0.5
    alone = take[begun + started:] - sounds_on
    ended = int(np.flatnonzero(np.abs(alone) > 1e-6)[-1]) + 1      # behind its last 5 ms
    expected = sound(np.arange(begun + started, begun + started + ended), begun)
    expected[-END_FRAMES:] *= end_weights()
    assert error_db(alone[:ended], expected) < GOOD_ENOUGH
    assert np.abs(alone[ended:]).max() < 1e-6

    source.bus.wait_until('end', lambda: has_ended(source, looped))
    assert_refused(DBUS_ERROR + 'UnknownObject', str(looped), source.stop, looped)
    assert_refused(DBUS_ERROR + 'UnknownObject', str(other + 1), source.stop, other + 1)
    source.play(one, loop='forward')
    source.stop(0)
    source.wait_for_voices(0)
    take = record(source, 2400)
    assert not take[take.end - 1200:].any()
    source.stop(0)      # nothing: no error


def test_a_play_that_has_ended_can_not_be_stopped(source, segue):
    buffer, values = noise(segue, 1, 500)
    voice = source.play(buffer)
    source.bus.wait_until('end', lambda: has_ended(source, voice))


def has_ended(node, voice):
    try:
        node.stop(voice)
        return False
    except BusError as error:
        assert error.name == DBUS_ERROR + 'UnknownObject' and str(voice) in error.message
        return True


def test_a_stop_doesnt_release_keys_nor_a_key_a_play(keys, segue):
    keys.heard(keys.wave('sine', gain=0.5))
    buffer, _ = noise(segue, 1, 500)
    voice = keys.play(buffer, loop='forward')
    keys.note_on(60)
    keys.wait_for_voices(2)
    keys.notes_off()
    keys.wait_for_voices(1)
    keys.note_on(60)
    keys.wait_for_voices(2)
    keys.stop(0)
    keys.wait_for_voices(1)
    assert has_ended_soon(keys, voice)


def has_ended_soon(node, voice):
    node.bus.wait_until('end', lambda: has_ended(node, voice))
    return True


def test_a_buffer_lives_until_its_play_has_ended_whoever_leaves(session, source, segue):
    """Released by its maker; its maker gone."""
    released, values = noise(segue, 1, 30000)
    before = source.recorder.position()
    source.play(released)
    segue.release(released)
    client = session.bus()
    left, _ = noise(Segue(client), 2, 1000)
    Segue(client).node('synth').play(left, loop='forward', gain=0.0)
    client.close()
    source.wait_for_voices(2)
    assert segue.reclaimed() == []
    source.bus.wait_for('BufferReclaimed', where=lambda b, *_: b == released)
    now = source.recorder.position()
    take = record(source, 2400)
    begun = onset(take, before)
    assert np.array_equal(take[begun:begun + 30000], values)
    assert not take[begun + 30000:].any()
    assert begun + 30000 <= now + 2 * QUANTUM
    assert segue.reclaimed() == [released]
    source.stop(0)
    source.bus.wait_for('BufferReclaimed', where=lambda b, *_: b == left)
    segue.assert_nothing_is_live()


def test_what_can_not_be_played_is_refused_by_name(source, segue, tmp_path):
    long = tmp_path / 'long.wav'
    frames = 20 * 60 * 44100
    long.write_bytes(wav_header(1, frames, 44100))
    os.truncate(long, long.stat().st_size + 4 * frames)
    loading = segue.load_file(long)
    assert_refused(ERROR + 'Busy', 'long.wav', source.play, loading)
    segue.release(loading)

    buffer, _ = noise(segue, 1, 500)
    assert_refused(DBUS_ERROR + 'UnknownObject', 'buffer', source.play, '/org/segue/Segue1/buffer/999')
    for opts in {'gain': -1.0}, {'gain': 17.0}, {'loop': 'backward'}, {'key': 128}, {'velocity': 0}, {'fade': 1.0}:
        assert_refused(DBUS_ERROR + 'InvalidArgs', next(iter(opts)), source.play, buffer, **opts)
    idle = segue.create('idle')
    assert_refused(ERROR + 'Disconnected', 'idle', idle.play, buffer)
    source.recorder.wait_for_frames(2400)
    assert source.get('Voices') == 0 and not source.recorder.take().samples.any()


def test_a_table_plays_at_the_nodes_frequency_or_a_keys(source, segue):
    table = segue.ready(segue.generate('sine', gain=1.0))
    source.set('Frequency', 375.0)
    for opts, hertz, peak in (({}, 375.0, 1.0), ({'key': 81, 'velocity': 64}, frequency(81), (64 / 127) ** 2)):
        voice = source.play(table, **opts)
        source.wait_for_voices(1)
        take = record(source, 12000)
        found, distance = fit_sine(take[take.end - 9600:], hertz)
        assert found == pytest.approx(peak, rel=1e-3) and distance < -90
        source.stop(voice)
        source.wait_for_voices(0)
        source.recorder.wait_for_frames(2400)


def test_plays_beyond_the_voices_there_are_take_the_oldest_ones_places(source, segue):
    source.set('VoicesMax', 8)
    buffer, _ = noise(segue, 1, 500)
    voices = []
    while len(voices) < 100:
        try:
            voices.append(source.play(buffer, loop='forward'))
        except BusError as error:
            assert error.name == ERROR + 'Busy'
    source.bus.wait_until('the first ones to end', lambda: has_ended(source, voices[50]))
    assert source.get('Voices') <= 8
    segue.release(buffer)
    source.stop(0)
    source.wait_for_voices(0)
    source.bus.wait_for('BufferReclaimed')
    take = record(source, 2400)
    assert not take[take.end - 1200:].any() and np.isfinite(take.samples).all()
    assert source.get('Xruns') == 0
