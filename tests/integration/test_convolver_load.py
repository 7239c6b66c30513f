# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Responses, good ones, many at once and bad ones: each ends with one result, the sound goes on, memory is level."""

import time

import numpy as np
import pytest

from bus import BusError, Segue
from chain import RATE, Chain, impulse_response
from convolution import error_db, resampled, taps
from files import write_float_wav
from test_convolver_time import band_limited

DBUS = 'org.freedesktop.DBus.Error.'
ERROR = 'org.segue.Segue1.Error.'
GOOD_ENOUGH = -100.0            # dB of the peak


# ---- many

def resident_kib(session):
    with open(f'/proc/{session.processes["service"].pid}/status') as f:
        return next(int(line.split()[1]) for line in f if line.startswith('VmRSS:'))


@pytest.mark.plain
@pytest.mark.parametrize('n, seconds', [(100, 6), pytest.param(1000, 60, marks=pytest.mark.slow)])
def test_requests_for_half_a_second_each_end_as_the_mix(session, segue, n, seconds):
    playing = Chain(session, segue, seconds=seconds + 60)
    playing.swap(*playing.response(0.1))
    playing.play()
    responses = [playing.response(0.5, 100 + k) for k in range(5)]
    begun = time.monotonic()
    bytes_live, rss = [], []
    for k in range(n):
        response, paths = responses[k % len(responses)]
        # each of another gain, so that each is made
        playing.ask(response, paths, (960, 0, 4800, 100)[k % 4], gain=0.5 + k / n / 2)
        if k % 10 == 9:
            bytes_live.append(segue.get('BytesLive') + segue.get('BytesPending') + segue.get('BytesRetired'))
            rss.append(resident_kib(session))
        time.sleep(max(0.0, begun + (k + 1) * seconds / n - time.monotonic()))
    applied = playing.applied()
    playing.recorder.wait_for_position(max(s.position for s in applied) + 9600)
    assert len(applied) > n / 30
    playing.assert_is_the_mix()
    assert playing.room.get('Xruns') == 0
    assert playing.room.get('SwapsApplied') + playing.room.get('SwapsSuperseded') == n + 1

    segue.bus.wait_until('rest', lambda: segue.get('BytesPending') == segue.get('BytesRetired') == 0)
    one = segue.get('BytesLive')
    # the one that sounds, the one it fades to, one that waits, and those that are being made
    print(f'{len(applied)} applied, at most {max(bytes_live) / one:.1f} responses live, '
          f'resident {rss[0]} to {max(rss)} KiB')
    assert max(bytes_live[5:]) < 12 * one
    assert max(rss[len(rss) // 2:]) < max(rss[:len(rss) // 2]) + 16 * 1024
    segue.destroy(playing.room)
    segue.destroy(playing.player)
    segue.bus.wait_until('no bytes', lambda: segue.get('BytesLive') == segue.get('BytesPending') ==
                         segue.get('BytesRetired') == 0)


def test_one_response_of_two_nodes_is_held_once(segue, tmp_path):
    path = write_float_wav(tmp_path / 'hall.wav', impulse_response(1.0, 2))
    first, second = (segue.create(name, 'convolver') for name in ('one', 'two'))
    first.heard(first.load(path))
    held = segue.get('BytesLive')
    assert segue.get('BuffersLive') == 1
    second.heard(second.load(path))
    assert (segue.get('BytesLive'), segue.get('BuffersLive')) == (held, 1)
    assert first.get('Buffer') == second.get('Buffer')
    segue.destroy(first)
    assert segue.get('BytesLive') == held
    segue.destroy(second)
    segue.bus.wait_until('no bytes', lambda: segue.get('BytesLive') == 0)


def test_a_file_loaded_twice_is_made_once(segue, tmp_path):
    path = write_float_wav(tmp_path / 'hall.wav', impulse_response(0.5, 2))
    room = segue.create('room', 'convolver')
    buffer = segue.ready(segue.load_file(path, kind='response'))
    assert segue.load_file(path, kind='response') == buffer
    room.heard(room.set_buffer(buffer))
    held = segue.get('BytesLive')
    room.heard(room.load(path))
    assert (segue.get('BytesLive'), segue.get('BuffersLive')) == (held, 1)
    assert room.get('Buffer') == buffer


def test_a_mono_response_serves_nodes_of_any_layout_and_is_held_once(segue, tmp_path):
    path = write_float_wav(tmp_path / 'hall.wav', impulse_response(1.0, 1))
    mono = segue.create('one', 'convolver', **{'audio.position': '[ MONO ]'})
    mono.heard(mono.load(path))
    held = segue.get('BytesLive')
    stereo = segue.create('two', 'convolver')
    stereo.heard(stereo.load(path))
    assert segue.get('BytesLive') == held


# ---- bad ones

@pytest.fixture
def unchanged(playing):
    """Afterwards the response must have sounded on, and nothing else."""
    buffer, applied = playing.room.get('Buffer'), playing.room.get('SwapsApplied')
    yield playing
    playing.recorder.wait_for_frames(2048)
    playing.assert_is_the_mix()
    assert (playing.room.get('Buffer'), playing.room.get('SwapsApplied')) == (buffer, applied)


def error_of(node, method, *args, **opts):
    """How a request ends that is refused at once, or fails later: name and message."""
    try:
        serial = getattr(node, method)(*args, **opts)
    except BusError as error:
        return error.name, error.message
    finished = node.finished(serial)
    assert finished.result == 'failed', finished
    return finished.error, finished.message


BAD = {
    'missing': (lambda p: None, DBUS + 'FileNotFound'),
    'text': (lambda p: p.write_text('This is not the room you are looking for.\n' * 50), ERROR + 'BadFormat'),
    'NaN': (lambda p: write_float_wav(p, [[0.5, 0.5]] * 100 + [[np.nan, 0.0]]), ERROR + 'BadFormat'),
    'three channels': (lambda p: write_float_wav(p, impulse_response(0.01, 3)), ERROR + 'BadFormat'),
    'eight channels': (lambda p: write_float_wav(p, impulse_response(0.01, 8)), ERROR + 'BadFormat'),
    'over-long': (lambda p: write_float_wav(p, impulse_response(10.5, 1)), ERROR + 'TooLong'),
}


def test_a_bad_response_fails_and_is_named_and_the_one_before_sounds_on(unchanged, tmp_path):
    for kind, (write, expected) in BAD.items():
        path = tmp_path / f'{kind.replace(" ", "-")}.wav'
        write(path)
        name, message = error_of(unchanged.room, 'load', path)
        assert name == expected, (kind, message)
        assert message.startswith(f'room: {path.name}: '), message
        unchanged.room.bus.wait_until('LastError', lambda: unchanged.room.get('LastError') == message[6:])
        assert unchanged.room.get('State') == 'running'


def test_a_table_is_no_response_and_a_response_is_no_sample(segue, unchanged, tmp_path):
    name, message = error_of(unchanged.room, 'set_buffer', segue.ready(segue.generate('sine')))
    assert name == DBUS + 'InvalidArgs', message
    path = write_float_wav(tmp_path / 'hall.wav', impulse_response(0.01, 1))
    response = segue.ready(segue.load_file(path, kind='response'))
    name, message = error_of(unchanged.player, 'set_buffer', response)
    assert name == DBUS + 'InvalidArgs', message
    name, message = error_of(unchanged.player, 'load', path, kind='response')
    assert name == DBUS + 'InvalidArgs', message


def test_a_silent_response_is_silence_and_one_frame_is_a_gain(playing, tmp_path):
    silent = write_float_wav(tmp_path / 'silent.wav', np.zeros((4800, 2)))
    playing.swap(silent, None, 480)
    playing.recorder.wait_for_frames(4800)
    assert playing.room.get('State') == 'running'
    assert not playing.split()[2][:, -1000:].any()
    one = write_float_wav(tmp_path / 'one.wav', [[0.5]])
    playing.swap(one, taps([[0.5]], 2, 2), 480)
    playing.recorder.wait_for_frames(4800)
    playing.assert_is_the_mix()


def test_a_response_longer_than_the_nodes_is_too_long(session, segue, tmp_path):
    chain = Chain(session, segue, segue_ir_max=0.1)
    path = write_float_wav(tmp_path / 'hall.wav', impulse_response(0.101, 2))
    name, message = error_of(chain.room, 'load', path)
    assert name == ERROR + 'TooLong', message
    chain.swap(*chain.response(0.1))
    chain.recorder.wait_for_position(chain.play() + 9600)
    chain.assert_is_the_mix()
    # another node may well take what this one may not
    longer = segue.create('longer', 'convolver')
    longer.heard(longer.load(path))
    assert error_of(chain.room, 'load', path)[0] == ERROR + 'TooLong'


@pytest.mark.parametrize('rate', [192000, 44100])
def test_a_response_of_another_rate_keeps_its_gain_and_length(chain, tmp_path, rate):
    at_48000 = band_limited(impulse_response(0.3, 2))
    ours = resampled(taps(at_48000, 2, 2), 48000, rate)
    path = write_float_wav(tmp_path / 'hall.wav', ours[[0, 1], [0, 1]].T[:round(0.3 * rate)], rate)
    chain.swap(path, taps(at_48000, 2, 2))
    assert chain.room.get('Length') == pytest.approx(0.3, abs=0.001)
    chain.recorder.wait_for_position(chain.play() + 24000)
    first, heard, out = chain.split()
    error = error_db(out, heard.convolved(taps(at_48000, 2, 2)))
    print(f'error: {error:.1f} dB')
    assert error < -80


def test_load_options_shape_a_response(chain, tmp_path):
    response = impulse_response(0.2, 4)
    path = write_float_wav(tmp_path / 'hall.wav', response)
    chosen = np.concatenate([np.zeros((480, 2)), response[960:960 + 4800, [3, 0]]])
    chain.swap(path, taps(chosen, 2, 2), 0, 0.5, channels=[3, 0], offset=0.02, length=0.1, delay=0.01)
    chain.recorder.wait_for_position(chain.play() + 9600)
    chain.assert_is_the_mix()
