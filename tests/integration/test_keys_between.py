# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Floods of keys, and keys under pauses, other clocks, a full ring and a service that ends."""

import random
import signal
import time

import numpy as np
import pytest

from bus import PROPERTIES, BusError, assert_refused, variant
from files import write_midi
from fixture import wait_until
from mix import Swap, error_db, mix, silence, wavetable
from notes import fit_sine, frequency, held_sine, onset, press, record
from recording import Recorder

RATE = 48000
GOOD_ENOUGH = -90.0         # dB
ERROR = 'org.segue.Segue1.Error.'


def assert_sounds(sine):
    before = press(sine, 69)
    first = onset(record(sine, 9600), before)
    assert fit_sine(sine.recorder.take()[first:], 440)[1] < GOOD_ENOUGH


# ---- floods

def count_hung(keys):
    keys.wait_for_voices(0)
    take = record(keys, 4800)
    return np.count_nonzero(take[take.end - 2400:])


def test_2000_keys_as_fast_as_the_bus_takes_them(sine, segue):
    """Ordered, and none hangs. Busy is an answer to NoteOn, never to NoteOff."""
    rng = random.Random(2000)
    sine.set('Release', 0.01)
    replies = []
    for k in range(2000):
        key = rng.randrange(128)
        if k % 2:
            replies.append(('NoteOff', sine.begin('NoteOff', '(y)', (key,), interface=sine.SOURCE)))
        else:
            replies.append(('NoteOn', sine.begin('NoteOn', '(yy)', (key, rng.randrange(1, 128)),
                                                 interface=sine.SOURCE)))
        if k % 100 == 99:       # or our own bus would hold them
            sine.bus.wait_until('replies', lambda: replies[-1][1].done)
    accepted = 0
    for name, reply in replies:
        try:
            reply.result()
            accepted += name == 'NoteOn'
        except BusError as error:
            assert (name, error.name) == ('NoteOn', ERROR + 'Busy')
    assert accepted > 100
    for key in range(128):
        sine.note_off(key)
    assert count_hung(sine) == 0
    assert sine.get('Xruns') == 0
    assert np.isfinite(sine.recorder.take().samples).all()


def test_keys_plays_and_swaps_at_random_leave_nothing(keys, segue):
    """Tables, samples, silence; fades that hurry; voices that are stolen."""
    rng = random.Random(3)
    keys.set('VoicesMax', 12)
    keys.set('Release', 0.02)
    noise = np.random.default_rng(3)
    sounds = [segue.ready(segue.import_mono(noise.uniform(-0.1, 0.1, 500 + 3000 * k),
                                      loop='forward' if k % 2 else 'none')) for k in range(4)]
    sounds += [segue.ready(segue.generate(wave, gain=0.1)) for wave in ('saw', 'square', 'sine')]
    serials = []
    for _ in range(600):
        try:
            action = rng.random()
            if action < 0.2:
                serials.append(keys.set_buffer(rng.choice(sounds), fade=rng.choice([0, 0.001, 0.02, 0.3])))
            elif action < 0.22:
                serials.append(keys.clear(fade=0.01))
            elif action < 0.3:
                keys.play(rng.choice(sounds), gain=rng.random(), loop=rng.choice(['none', 'forward']))
            elif action < 0.32:
                keys.stop(0)
            elif action < 0.6:
                keys.note_off(rng.randrange(48, 72))
            else:
                keys.note_on(rng.randrange(48, 72), rng.randrange(1, 128))
        except BusError as error:
            assert error.name == ERROR + 'Busy'
    assert all(keys.finished(s).result in ('applied', 'superseded') for s in serials)
    assert len([s for s in serials if keys.finished(s).result == 'applied']) > 10
    keys.stop(0)
    keys.notes_off()
    keys.heard(keys.clear(fade=0.0))
    for sound in sounds:
        segue.release(sound)
    assert count_hung(keys) == 0
    take = keys.recorder.take()
    assert np.isfinite(take.samples).all() and 0.05 < np.abs(take.samples).max() < 2.0
    segue.assert_nothing_is_live()
    assert keys.get('Xruns') == 0


def test_all_keys_with_16_voices(sine, segue):
    sine.set('VoicesMax', 16)
    sine.heard(sine.wave('sine', fade=0.0, gain=0.05))
    for key in range(128):
        wait_until_taken(sine, key)
        assert sine.get('Voices') <= 16
    assert sine.get('Voices') == 16
    # the youngest ones are left: the last 16
    take = record(sine, RATE // 4)
    steady = take[take.end - 9600:].astype(float)
    x = 2 * np.pi * np.arange(len(steady))[:, None] * np.array([frequency(k) for k in range(112, 128)]) / RATE
    basis = np.concatenate([np.sin(x), np.cos(x)], axis=1)
    parts = np.linalg.lstsq(basis, steady, rcond=None)[0]
    assert np.abs(steady - basis @ parts).max() < 1e-4
    assert np.allclose(np.hypot(parts[:16], parts[16:]), 0.05, atol=1e-4)
    for key in range(128):
        sine.note_off(key)
    assert count_hung(sine) == 0
    sine.clear(fade=0.0)
    segue.assert_nothing_is_live()
    assert sine.get('Xruns') == 0


def wait_until_taken(keys, key):
    """Press a key; again while the data loop has too much to take."""
    def accepted():
        try:
            keys.note_on(key)
            return True
        except BusError as error:
            assert error.name == ERROR + 'Busy'
            return False
    wait_until('room', accepted)


def test_a_quantum_that_changes_under_a_key_is_not_heard(session, sine):
    first, step = held_sine(sine)
    swaps = [Swap(first, 0, wavetable('sine', 1.0, step, first))]
    for quantum in 1, 8192, 37:
        session.set_quantum(quantum)
        sine.recorder.wait_for_frames(10000)
        serial = sine.wave('saw', gain=0.5, fade=0.1)
        swaps.append(Swap(sine.heard(serial), 4800, wavetable('saw', 0.5, step, first)))
    take = record(sine, 4800)
    assert error_db(take[first:], mix(swaps, first, take.end)) < GOOD_ENOUGH
    assert sine.recorder.gaps() == [] and sine.get('Voices') == 1 and sine.get('Xruns') == 0


def test_after_a_long_pause_notes_have_ended(session, sine):
    press(sine, 69)
    session.unlink('synth:output_MONO', 'recorder:input_0')
    sine.bus.wait_until('pause', lambda: sine.get('State') != 'running')
    paused = sine.recorder.position()
    time.sleep(0.8)     # the pause itself
    session.link('synth:output_MONO', 'recorder:input_0')
    take = record(sine, RATE // 2)
    assert not np.nan_to_num(take[paused + 1024:]).any()
    assert sine.get('Voices') == 0
    before = press(sine, 69)
    first = onset(record(sine, 9600), before)
    assert fit_sine(sine.recorder.take()[first + 480:], 440)[1] < GOOD_ENOUGH


def test_notes_have_ended_after_a_long_pause_without_waiting_for_its_end(session, sine):
    press(sine, 69)
    session.unlink('synth:output_MONO', 'recorder:input_0')
    sine.bus.wait_until('pause', lambda: sine.get('State') != 'running')
    sine.wait_for_voices(0)


def test_after_a_short_pause_a_key_sounds_on(session, sine):
    press(sine, 69)
    session.unlink('synth:output_MONO', 'recorder:input_0')
    session.link('synth:output_MONO', 'recorder:input_0')
    take = record(sine, RATE)
    assert fit_sine(take[take.end - RATE // 2:], 440)[1] < GOOD_ENOUGH
    assert sine.get('Voices') == 1


# ---- what comes between

def test_clear_under_a_held_key_fades_to_silence(sine):
    first, step = held_sine(sine)
    position = sine.heard(sine.clear(fade=0.05))
    sine.wait_for_voices(0)
    take = record(sine, 4800)
    expected = mix([Swap(first, 0, wavetable('sine', 1.0, step, first)), Swap(position, 2400, silence)],
                   first, take.end)
    assert error_db(take[first:], expected) < GOOD_ENOUGH
    sine.heard(sine.wave('saw', fade=0.0))
    assert sine.get('Voices') == 0


def test_a_ring_that_is_full_refuses_keys_but_releases_them(session, sine):
    """PipeWire stands still, so nothing is taken."""
    pipewire = session.processes['pipewire']
    pipewire.signal(signal.SIGSTOP)
    try:
        time.sleep(0.05)    # the cycle under way
        refused = False
        for _ in range(20):
            for key in range(128):
                try:
                    sine.note_on(key)
                except BusError as error:
                    assert error.name == ERROR + 'Busy'
                    refused = True
            if refused:
                break
        assert refused
        for key in range(1, 128):
            sine.note_off(key)
        # it would be released with the one before
        assert_refused(ERROR + 'Busy', '^synth: ', sine.note_on, 127)
        sine.notes_off()
    finally:
        pipewire.signal(signal.SIGCONT)
    assert count_hung(sine) == 0
    assert_sounds(sine)


@pytest.mark.session(quantum=8192)
def test_all_notes_off_ends_keys_of_midi_though_the_ring_is_full(session, sine):
    path = write_midi(session.path / 'held.mid', [(RATE // 2, [0x90, 60, 100]), (RATE * 60, [0x80, 60, 0])])
    session.start('midiplay', ['pw-midiplay', '--target', '0', path]).expected |= {1}
    ports = wait_until('port of pw-midiplay', lambda: [p for p in session.ports() if p.startswith('pw-midiplay:')])
    session.link(ports[0], 'synth:midi_in')
    sine.wait_for_voices(1)
    press(sine, 72)
    for k in range(600):    # 64 are taken in a cycle of 0.17 s
        sine.begin('Set', '(ssv)', (sine.INTERFACE, 'Gain', variant(k / 600)), interface=PROPERTIES)
    sine.notes_off()
    assert count_hung(sine) == 0


def test_a_change_of_rate_keeps_a_held_key_in_tune(session, sine):
    press(sine, 69)
    session.force_rate(44100)
    sine.bus.wait_until('new rate', lambda: sine.get('Rate') == 44100)
    take = record(sine, 44100)
    peak, distance = fit_sine(take[take.end - 22050:], 440, 44100)
    assert peak == pytest.approx(1.0, rel=1e-3) and distance < GOOD_ENOUGH
    assert sine.get('Voices') == 1


def test_notes_end_with_pipewire_and_keys_sound_again_when_it_is_back(session, sine, segue):
    press(sine, 69)
    session.processes['recorder'].expected |= {1}
    session.processes['pipewire'].kill()
    sine.bus.wait_until('disconnected', lambda: sine.get('State') == 'disconnected')
    assert_refused(ERROR + 'Disconnected', '^synth: .*running', sine.note_on, 60)
    sine.note_off(69)
    assert sine.get('Voices') == 0
    session.processes['recorder'].stop()
    session.start_pipewire()
    sine.recorder = Recorder(session, ['synth:output_MONO'])
    assert not record(sine, 4800).samples.any()
    assert_sounds(sine)


def test_a_node_destroyed_with_keys_pressed_and_plays_looping_leaves_nothing(keys, segue):
    keys.heard(keys.set_buffer(segue.import_mono(np.ones(1000), loop='forward', keep=True), fade=0.0))
    for key in 60, 64:
        press(keys, key)
    keys.play(segue.ready(segue.import_mono(np.full(500, 0.25))), loop='forward')
    keys.heard(keys.wave('sine', fade=0.0))
    keys.note_on(69)
    keys.wait_for_voices(4)
    keys.wave('saw', fade=10.0)
    keys.recorder.wait_for_frames(2400)
    segue.destroy(keys)
    for path in segue.buffers():
        segue.release(path)
    segue.assert_nothing_is_live()


def test_the_service_ends_with_keys_pressed_and_plays_looping(session, keys, segue):
    """The fixture looks for leaks."""
    keys.heard(keys.wave('sine', fade=0.0))
    keys.play(segue.ready(segue.import_mono(np.full(500, 0.25))), loop='forward')
    keys.note_on(60)
    keys.wait_for_voices(2)
    keys.wave('saw', fade=10.0)
    assert session.processes['service'].stop() is None
