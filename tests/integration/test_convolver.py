# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""A convolver in the graph gives the convolution of all that came in, and swaps are heard as the mix."""

import random

import numpy as np

from chain import RATE, Chain, impulse_response
from convolution import Input, error_db, lead, taps
from files import write_float_wav
from mix import curve
from recording import Recorder

DBUS = 'org.freedesktop.DBus.Error.'
ERROR = 'org.segue.Segue1.Error.'


# ---- convolution

def test_mono_is_the_convolution_without_a_frame_of_delay(session, segue, tmp_path):
    chain = Chain(session, segue, ['MONO'])
    response, paths = chain.response(0.45)
    chain.swap(write_float_wav(tmp_path / 'room.wav', response), paths)
    chain.recorder.wait_for_position(chain.play() + 28000)
    chain.assert_is_the_mix()


def test_stereo_is_the_convolution_by_files_of_one_channel_of_two_and_of_four(chain, tmp_path):
    """One for both, one for each, and L>L, L>R, R>L, R>R."""
    start = None
    for n_channels in 1, 2, 4:
        response, paths = chain.response(0.3, n_channels, n_channels)
        position = chain.swap(write_float_wav(tmp_path / f'{n_channels}.wav', response), paths)
        start = start or chain.play()
        chain.recorder.wait_for_position(max(start, position) + 16000)
    chain.assert_is_the_mix()


def test_zero_frames_are_added_by_a_response_of_one_frame(chain):
    """The output is the input, frame by frame."""
    one = np.ones((1, 1), 'f4')
    chain.swap(one, taps(one, 2, 2))
    start = chain.play()
    chain.recorder.wait_for_position(start + RATE // 2)
    first, heard, out = chain.split()
    assert error_db(out[:, start - first:], heard.signal[:, start - first:]) < -120


# ---- swaps

def test_a_response_swapped_in_mid_noise_has_heard_all_that_came_before(playing):
    """One that is longer than all that has been heard so far; then back again; by fades of any length."""
    for seconds, seed, fade in ((1.0, 2, 12000), (0.005, 3, 0), (0.3, 4, 1), (0.8, 5, 960), (0.01, 6, 5000)):
        position = playing.swap(*playing.response(seconds, seed), fade)
        playing.recorder.wait_for_position(position + fade + 4800)
    playing.assert_is_the_mix()


def test_a_third_that_is_ready_in_mid_fade_hurries_it(playing):
    """By every combination of leads."""
    for k, (second, third) in enumerate(((0.005, 0.005), (0.005, 0.5), (0.5, 0.005), (0.5, 0.5), (0.04, 0.3))):
        begun = playing.swap(*playing.response(second, 10 + k), 48000)
        hurried = playing.swap(*playing.response(third, 20 + k), 480)
        assert hurried < begun + 48000
        playing.recorder.wait_for_position(hurried + 2400)
    playing.assert_is_the_mix()


def test_swaps_as_fast_as_they_are_asked_for_equal_the_mix(playing):
    rng = random.Random(30)
    rooms = [playing.response(seconds, 30 + k, channels) for k, (seconds, channels) in
             enumerate(((0.003, 1), (0.02, 2), (0.1, 4), (0.4, 2), (0.9, 4), (0.05, 1)))]
    for k in range(35):
        response, paths = rng.choice(rooms)
        fade = rng.choice([0, 1, 64, 500, 5000, 20000])
        if rng.random() < 0.15:
            playing.ask(None, None, fade)
        else:
            playing.ask(response, paths, fade, gain=rng.uniform(0.1, 1.0))
        playing.recorder.wait_for_frames(rng.choice([1, 500, 3000, 9000]))
    playing.recorder.wait_for_frames(30000)
    assert len(playing.applied()) > 5
    playing.assert_is_the_mix()
    assert playing.room.get('Xruns') == 0


def test_a_quantum_that_changes_is_no_event(session, playing):
    for k, quantum in enumerate((1024, 64, 480, 8192)):
        serial = playing.ask(*playing.response(0.4, 40 + k), 9000)
        session.set_quantum(quantum)
        playing.heard(serial)
        playing.recorder.wait_for_frames(2000)
    session.set_quantum(256)
    playing.recorder.wait_for_frames(16000)
    playing.assert_is_the_mix()
    assert playing.room.get('Xruns') == 0


def test_a_swap_at_a_frame_is_heard_at_exactly_that_frame(playing):
    for seconds, offset in ((0.4, 0), (0.005, 37), (0.1, 255)):
        at = playing.recorder.position() // 256 * 256 + lead(seconds * RATE) + 24576 + offset
        assert playing.swap(*playing.response(seconds, 50), 100, at=at) == at
    playing.recorder.wait_for_frames(4800)
    playing.assert_is_the_mix()


def test_a_swap_is_heard_swaplead_after_a_cycles_begin(playing):
    for seconds, expected in ((0.5, 16384), (0.1, 2048), (0.02, 512), (0.005, 512)):
        serial = playing.ask(*playing.response(seconds, 60), 0)
        position = playing.heard(serial)
        playing.room.bus.wait_until('SwapLead', lambda: playing.room.get('SwapLead') == expected)
        assert (position - expected) % 256 == playing.recorder.cycles()[0]['position'] % 256
    # and what is wanted sooner than that is too late
    response, paths = playing.response(0.5, 61)
    serial = playing.room.load_samples(response, channels=2, rate=RATE, fade=0.0,
                                       at=playing.recorder.position() + 12000)
    finished = playing.room.finished(serial)
    assert (finished.result, finished.error) == ('failed', ERROR + 'TooLate')
    playing.recorder.wait_for_frames(4800)
    playing.assert_is_the_mix()


def test_clear_fades_to_silence_and_a_load_comes_back_with_its_history(playing):
    playing.swap(None, None, 2000)
    playing.recorder.wait_for_frames(9600)
    assert playing.room.get('State') == 'empty'
    position = playing.swap(*playing.response(0.8, 70), 480)
    playing.recorder.wait_for_position(position + 9600)
    playing.assert_is_the_mix()


# ---- levels

def test_wet_dry_and_gain_end_where_they_were_told(playing):
    """gain * (dry * in + wet * convolved), from what has been heard all along."""
    for k, (name, value) in enumerate((('Dry', 0.5), ('Wet', 0.25), ('Gain', 3.0), ('Wet', 0.0), ('Dry', 0.0),
                                       ('Wet', 1.0))):
        playing.room.set(name, value)
        playing.recorder.wait_for_frames(2400)
        first, heard, out = playing.split()
        wet, dry, gain = (playing.room.get(n) for n in ('Wet', 'Dry', 'Gain'))
        taps = next(iter(playing.swaps.values())).taps
        expected = gain * (dry * heard.signal + wet * heard.convolved(taps))
        assert error_db(out[:, -1000:], expected[:, -1000:], 1.0) < -100, (name, value)


def test_bypass_is_the_input_and_the_history_is_kept(playing):
    taps = next(iter(playing.swaps.values())).taps
    for bypassed in True, False:
        playing.room.set('Bypass', bypassed)
        playing.recorder.wait_for_frames(4800)
        first, heard, out = playing.split()
        expected = heard.signal if bypassed else heard.convolved(taps)
        assert error_db(out[:, -1000:], expected[:, -1000:]) < (-150 if bypassed else -100)


def test_no_step_is_heard_when_a_level_changes(chain):
    """A constant through a response of one frame: the levels themselves."""
    one = np.ones((1, 1), 'f4')
    chain.swap(one, taps(one, 2, 2))
    start = chain.play(np.full((4800, 2), 0.5, 'f4'))
    for name, value in (('Gain', 0.5), ('Dry', 1.0), ('Wet', 0.0), ('Bypass', True), ('Bypass', False),
                        ('Gain', 1.0)):
        chain.room.set(name, value)
        chain.recorder.wait_for_frames(2400)
    first, _, out = chain.split()
    assert np.abs(np.diff(out[:, start - first + 1:])).max() < 0.5 / (0.005 * RATE) * 1.01
    assert np.allclose(out[:, -100:], 0.5)


def test_bypass_is_faded_over_the_nodes_fade(playing):
    """Into the input as it is, by the curve of a swap; where from is for the test to find."""
    n = 4800
    playing.room.set('Fade', n / RATE)
    before = playing.recorder.position()
    playing.room.set('Bypass', True)
    playing.recorder.wait_for_frames(n + 9600)
    first, heard, out = playing.split()
    wet = heard.convolved(next(iter(playing.swaps.values())).taps)
    errors = []
    for c in playing.recorder.cycles():
        start = int(c['position']) - first
        if int(c['position']) >= before - 512 and start + n + 1000 < out.shape[1]:
            g = np.concatenate([curve(n), np.ones(1000)])
            part = slice(start, start + len(g))
            errors.append(error_db(out[:, part], (1 - g) * wet[:, part] + g * heard.signal[:, part]))
    assert min(errors) < -100


def test_after_counts_from_the_take(playing):
    before = playing.recorder.position()
    serial = playing.ask(*playing.response(0.05, 80), 100, after=0.5)
    playing.room.bus.wait_until('response', lambda: playing.room.get('State') == 'running')
    made = playing.recorder.position()
    position = playing.heard(serial)
    assert before + 24000 - 256 <= position <= made + 24000 + 512     # two cycles may be under way
    playing.recorder.wait_for_frames(2400)
    playing.assert_is_the_mix()


def test_a_convolver_after_a_convolver_is_both(session, segue, playing):
    """In one cycle: no frame is added."""
    second = segue.create('second', 'convolver')
    response = impulse_response(0.2, 2, 9)
    second.heard(second.load_samples(response, channels=2, rate=RATE))
    for c in 'FL', 'FR':
        session.link(f'room:output_{c}', f'second:input_{c}')
    playing.recorder.process.stop()
    recorder = Recorder(session, [f'{n}:output_{c}' for n in ('room', 'second') for c in ('FL', 'FR')])
    recorder.wait_for_frames(24000)
    takes = [recorder.take(c) for c in range(4)]
    first, end = max(t.first for t in takes), min(t.end for t in takes)
    heard, out = Input([t[first:end] for t in takes[:2]]), np.stack([t[first:end] for t in takes[2:]])
    # what came in before the recording has passed by then
    assert error_db(out[:, len(response):], heard.convolved(taps(response, 2, 2))[:, len(response):]) < -100
