# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Responses, good ones, many at once and bad ones: each ends with one result, the sound goes on, memory is level."""

import os
import pathlib
import random
import time

import numpy as np
import pytest

from bus import Segue, error_of, options
from chain import RATE, Chain, impulse_response
from convolution import Input, Swap, error_db, resampled, taps
from files import write_float_wav
from fixture import wait_until
from test_convolver_time import band_limited

DBUS = 'org.freedesktop.DBus.Error.'
ERROR = 'org.segue.Segue1.Error.'
GOOD_ENOUGH = -100.0            # dB of the peak


# ---- many

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
            rss.append(session.processes['service'].resident_kib())
        time.sleep(max(0.0, begun + (k + 1) * seconds / n - time.monotonic()))
    applied = playing.applied()
    playing.recorder.wait_for_position(max(s.position for s in applied) + 9600)
    assert len(applied) > n / 30
    playing.assert_is_the_mix()
    assert playing.room.get('Xruns') == 0
    assert playing.room.get('SwapsApplied') + playing.room.get('SwapsSuperseded') == n + 1

    segue.wait_for_rest()
    one = segue.get('BytesLive')
    # the one that sounds, the one it fades to, one that waits, and those that are being made
    print(f'{len(applied)} applied, at most {max(bytes_live) / one:.1f} responses live, '
          f'resident {rss[0]} to {max(rss)} KiB')
    assert max(bytes_live[5:]) < 12 * one
    assert max(rss[len(rss) // 2:]) < max(rss[:len(rss) // 2]) + 16 * 1024
    segue.destroy(playing.room)
    segue.destroy(playing.player)
    segue.assert_nothing_is_live()


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


def test_one_response_of_nodes_of_other_limits_is_held_once(segue, tmp_path):
    """Asked for at the same time, it is made for each limit."""
    path = write_float_wav(tmp_path / 'hall.wav', impulse_response(2.0, 2))
    one = segue.create('one', 'convolver')
    one.heard(one.load(path))
    held = segue.get('BytesLive')
    one.heard(one.clear())
    segue.bus.wait_until('no bytes', lambda: segue.get('BytesLive') == 0)
    nodes = [one] + [segue.create(f'other-{k}', 'convolver', segue_ir_max=float(k)) for k in (3, 2)]
    for node, serial in [(n, n.load(path)) for n in nodes]:
        node.heard(serial)
        assert node.get('Length') == pytest.approx(2.0, abs=0.001)
    assert segue.get('BytesLive') == held
    for node in nodes:
        segue.destroy(node)
    segue.assert_nothing_is_live()


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


def test_a_response_longer_than_the_nodes_is_too_long_and_one_as_long_is_not(session, segue, tmp_path):
    chain = Chain(session, segue, segue_ir_max=0.57)
    path = write_float_wav(tmp_path / 'hall.wav', impulse_response(0.571, 2))
    name, message = error_of(chain.room, 'load', path)
    assert name == ERROR + 'TooLong', message
    chain.swap(*chain.response(0.57))
    chain.recorder.wait_for_position(chain.play() + 30000)
    chain.assert_is_the_mix()
    # another node may well take what this one may not
    longer = segue.create('longer', 'convolver')
    longer.heard(longer.load(path))
    assert error_of(chain.room, 'load', path)[0] == ERROR + 'TooLong'


def test_a_response_of_another_rate_keeps_its_gain_and_length(chain, tmp_path):
    at_48000 = band_limited(impulse_response(0.3, 2))
    start = None
    for rate in 192000, 44100:
        ours = resampled(taps(at_48000, 2, 2), 48000, rate)[[0, 1], [0, 1]].T[:round(0.3 * rate)]
        chain.swap(write_float_wav(tmp_path / f'{rate}.wav', ours, rate), taps(at_48000, 2, 2))
        assert chain.room.get('Length') == pytest.approx(0.3, abs=0.001)
        start = start or chain.play()
        chain.recorder.wait_for_frames(16000)
    error = chain.error()
    print(f'error: {error:.1f} dB')
    assert error < -90


def test_load_options_shape_a_response(chain, tmp_path):
    response = impulse_response(0.2, 4)
    path = write_float_wav(tmp_path / 'hall.wav', response)
    chosen = np.concatenate([np.zeros((480, 2)), response[960:960 + 4800, [3, 0]]])
    chain.swap(path, taps(chosen, 2, 2), 0, 0.5, channels=[3, 0], offset=0.02, length=0.1, delay=0.01)
    chain.recorder.wait_for_position(chain.play() + 9600)
    chain.assert_is_the_mix()


def test_a_recording_serves_a_source_and_a_convolver_at_once(segue, chain):
    response, paths = chain.response(0.2)
    recording = segue.ready(segue.import_samples(response, channels=2, rate=RATE))
    chain.swaps[chain.room.set_buffer(recording, fade=0.0)] = Swap(0, 0, paths)
    first = chain.player.heard(chain.player.set_buffer(recording, fade=0.0))
    chain.recorder.wait_for_position(first + 9600)
    chain.assert_is_the_mix()
    noise = segue.ready(segue.generate('noise', seconds=0.1, seed=5))
    chain.room.heard(chain.room.set_buffer(noise))
    assert chain.room.get('Buffer') == noise


def test_a_swap_that_was_taken_can_not_be_cancelled_in_its_lead(segue, chain):
    response, _ = chain.response(2.0)
    recording = segue.ready(segue.import_samples(response, channels=2, rate=RATE))
    # made for this node by then: it is sent with the request, and taken by the next cycle
    chain.room.heard(chain.room.set_buffer(recording))
    chain.room.heard(chain.room.clear(fade=0.0))
    serial = chain.room.set_buffer(recording)
    sent = chain.room.clock()[0]
    wait_until('cycles', lambda: chain.room.clock()[0] >= sent + 1024)
    assert error_of(chain.room, 'cancel', serial)[0] == DBUS + 'UnknownObject'
    assert chain.room.finished(serial).result == 'applied'


def test_a_cancelled_load_is_never_heard(segue, unchanged, tmp_path):
    path = write_float_wav(tmp_path / 'hall.wav', impulse_response(5.0, 4, rate=44100), 44100)
    for opts in {}, {'at': 10 ** 10}:
        serial = unchanged.room.load(path, **opts)
        unchanged.room.cancel(serial)
        finished = unchanged.room.finished(serial)
        assert (finished.result, finished.error) == ('failed', ERROR + 'Cancelled')
    unchanged.recorder.wait_for_frames(RATE)
    segue.wait_for_rest()


def test_a_short_response_overtakes_a_long_one_that_is_being_made(playing, tmp_path):
    long = playing.room.load(write_float_wav(tmp_path / 'hall.wav', impulse_response(9.9, 4, rate=44100), 44100))
    playing.swap(*playing.response(0.05, 7), 480)
    assert playing.room.finished(long).result == 'superseded'
    playing.recorder.wait_for_frames(9600)
    playing.assert_is_the_mix()


def test_more_than_memory_max_is_refused(session):
    session.start_service('segue.properties = { memory.max = 4M }')
    with session.bus() as bus:
        segue = Segue(bus)
        chain = Chain(session, segue)
        chain.swap(*chain.response(0.1))
        # its samples fit, its spectra don't
        name, message = error_of(chain.room, 'load_samples', impulse_response(2.0, 4), channels=4, rate=RATE)
        assert name in (DBUS + 'LimitsExceeded', DBUS + 'NoMemory'), message
        segue.wait_for_rest()
        chain.swap(*chain.response(0.2, 2))
        chain.recorder.wait_for_position(chain.play() + 9600)
        chain.assert_is_the_mix()


def test_a_buffer_of_a_client_that_left_sounds_on(session, segue, playing):
    response, paths = playing.response(0.3, 8)
    client = session.bus()
    buffer = Segue(client).ready(Segue(client).import_samples(response, channels=2, rate=RATE, kind='response'))
    playing.swaps[playing.room.set_buffer(buffer, fade=0.0)] = Swap(0, 0, paths)
    playing.applied()
    client.connection.get_stream().close(None)      # as a crash would: no goodbye
    playing.recorder.wait_for_frames(12000)
    playing.assert_is_the_mix()
    playing.swap(None, None)
    segue.bus.wait_until('reclaimed', lambda: buffer not in segue.buffers())


@pytest.mark.slow
@pytest.mark.parametrize('seed', range(3))
def test_anything_at_any_time_ends_as_it_should(session, segue, playing, seed):
    """Swaps, rates, quanta, pauses and settings at random, in two nodes: each request is answered, and what
    was asked for last is heard in the end."""
    rng = random.Random(seed)
    room, other = playing.room, segue.create('other', 'convolver')
    responses = [impulse_response(s, c, 200 + k) for k, (s, c) in
                 enumerate(((0.01, 1), (0.2, 2), (0.5, 4), (1.5, 2)))]
    buffers = [segue.ready(segue.import_samples(r, channels=r.shape[1], rate=RATE, kind='response'))
               for r in responses]
    serials, links = [], set()

    def link():
        for pair in ('player:output_FL', 'other:input_FL'), ('player:output_FR', 'other:input_FR'):
            (session.unlink if pair in links else session.link)(*pair)
            links.symmetric_difference_update({pair})

    def swap():
        node, k = rng.choice([room, other]), rng.randrange(4)
        opts = rng.choice([{}, {'fade': 0.0}, {'fade': 0.5}, {'after': 0.2}])
        if rng.random() < 0.2:
            return node, node.clear(**opts)
        if rng.random() < 0.5:
            return node, node.set_buffer(buffers[k], **opts)
        return node, node.load_samples(responses[k], channels=responses[k].shape[1], rate=RATE,
                                       gain=rng.random(), **opts)

    end = time.monotonic() + 15
    while time.monotonic() < end:
        what = rng.random()
        if what < 0.75:
            serials.append(swap())
        elif what < 0.8:
            session.force_rate(rng.choice([44100, 48000, 96000]))
        elif what < 0.85:
            session.set_quantum(rng.choice([64, 480, 1024, 8192]))
        elif what < 0.9:
            link()
        elif what < 0.93:
            session.set_props(session.node_id('test-driver'), **{'test.pause': rng.choice([0.1, 0.7])})
        else:
            room.set('Bypass', rng.random() < 0.5)
        time.sleep(rng.choice([0.0, 0.02, 0.1]))
    # one that isn't running keeps what is scheduled
    if not links:
        link()
    for node, serial in serials:
        assert node.finished(serial).result in ('applied', 'superseded', 'failed')
    failed = {(f.error, f.message) for node in (room, other) for f in node.all_finished() if f.result == 'failed'}
    assert not failed
    session.set_quantum(256)
    session.force_rate(48000)
    room.set('Bypass', False)
    segue.bus.wait_until('rate', lambda: room.get('Rate') == 48000)
    room.heard(room.load_samples(responses[1], channels=2, rate=RATE, fade=0.0))

    def is_right():
        playing.recorder.wait_for_frames(12000)
        first, takes = playing.takes()
        heard_by_now = np.stack(takes)[:, -24000:]
        if np.isnan(heard_by_now).any():
            return False
        expected = Input(heard_by_now[:2]).convolved(taps(responses[1], 2, 2))
        return error_db(heard_by_now[2:, 12000:], expected[:, 12000:]) < GOOD_ENOUGH
    wait_until('right sound', is_right)
    for buffer in buffers:
        segue.release(buffer)
    for node in room, other, playing.player:
        segue.destroy(node)
    segue.assert_nothing_is_live()


def cpu_seconds(process, thread):
    """Of the thread of this name, 0 where there is none."""
    for task in pathlib.Path(f'/proc/{process.pid}/task').iterdir():
        if (task / 'comm').read_text().strip() == thread:
            return int((task / 'stat').read_text().rsplit(') ', 1)[1].split()[11]) / os.sysconf('SC_CLK_TCK')
    return 0


@pytest.mark.plain
def test_the_first_convolver_is_made_while_a_worker_plans_a_transform(session, segue):
    """FFTW has one planner, and a worker needs seconds of it for noise of a prime number of frames."""
    noise = segue.begin('Generate', '(sa{sv})', ('pink', options({'seconds': 16777213 / 48000})))
    service = session.processes['service']
    segue.bus.wait_until('planning', lambda: cpu_seconds(service, 'segue-long') > 0.5)
    begun = cpu_seconds(service, 'segue-long')
    segue.create('room', 'convolver')
    segue.get('Version')
    # by its clock rather than ours: this machine may be busy
    assert cpu_seconds(service, 'segue-long') - begun < 0.5
    segue.release(noise.result()[0])
