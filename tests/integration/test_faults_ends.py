# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""A node is destroyed in each state it can be in: its requests end, its memory goes, and others sound on."""

import pathlib
import re
import signal
import time

import numpy as np
import pytest

from bus import BusError, Segue, assert_refused
from faults import open_descriptors
from files import write_wav
from fixture import wait_until
from mix import error_db

GONE = 'org.segue.Segue1.Error.Gone'
RATE = 48000
PERIOD = 128        # frames of 375 Hz


def link(session, node):
    session.link(f'{node.get("Name")}:output_MONO', 'test-sink:playback_FL')
    node.heard(node.wave('saw', fade=0.0))
    node.bus.wait_until('running', lambda: node.get('State') == 'running')


def empty(session, segue, node, folder):
    assert node.get('State') == 'empty'


def failed(session, segue, node, folder):
    with pytest.raises(BusError):
        node.load(folder / 'nowhere.wav')
    node.bus.wait_until('failure', lambda: node.get('State') == 'failed')


def loading(session, segue, node, folder):
    path = write_wav(folder / 'long.wav', np.zeros(60 * 44100), rate=44100)
    node.load(path)
    assert node.get('State') == 'loading'


def idle(session, segue, node, folder):
    node.heard(node.wave('saw'))
    assert node.get('State') == 'idle'


def running(session, segue, node, folder):
    link(session, node)


def in_mid_fade(session, segue, node, folder):
    link(session, node)
    node.heard(node.wave('sine', fade=10.0))


def in_a_fade_that_hurries(session, segue, node, folder):
    link(session, node)
    node.heard(node.wave('sine', fade=10.0))
    node.wave('square', fade=10.0)


def scheduled(session, segue, node, folder):
    link(session, node)
    return [node.wave('sine', at=10 ** 12 + k) for k in range(64)]


def scheduled_where_nothing_runs(session, segue, node, folder):
    return [node.wave('sine', at=10 ** 12 + k) for k in range(64)]


def with_notes_held(session, segue, node, folder):
    node.set('Trigger', 'notes')
    link(session, node)
    for key in range(40, 80):
        node.note_on(key)
    node.wait_for_voices(40)


def with_notes_on_another_sound(session, segue, node, folder):
    node.set('Trigger', 'notes')
    link(session, node)
    node.heard(node.load_samples(np.ones(RATE), channels=1, rate=RATE, loop='forward', fade=0.0))
    for key in range(40, 80):
        node.note_on(key)
    node.wait_for_voices(40)
    node.heard(node.wave('saw', fade=0.0))


def with_plays(session, segue, node, folder):
    link(session, node)
    sound = segue.ready(segue.generate('noise', seconds=60.0))
    for _ in range(10):
        node.play(sound)
    node.wait_for_voices(10)
    segue.release(sound)


# ---- a convolver's own

TAKES_MAX = 10
LONG = np.random.default_rng(1).normal(scale=0.001, size=8 * RATE)     # its lead is as long as any


def link_convolver(session, node):
    session.link('other:output_MONO', 'test-sink:playback_FL')
    node.heard(node.load_samples(LONG, channels=1, rate=RATE, fade=0.0))
    node.bus.wait_until('running', lambda: node.get('State') == 'running')


def wait_cycles(node, count):
    end = node.get('Cycles') + count
    node.bus.wait_until('cycles', lambda: node.get('Cycles') >= end)


def is_finished(node, serial):
    return any(f.serial == serial for f in node.all_finished())


def take(node, gain):
    """A swap that has been taken and isn't heard yet. Only what hasn't been taken can be cancelled."""
    for _ in range(TAKES_MAX):
        serial = node.load_samples(gain * LONG, channels=1, rate=RATE, fade=10.0)
        node.bus.wait_until('response', lambda: node.get('State') != 'loading')
        wait_cycles(node, 3)
        try:
            node.cancel(serial)
        except BusError:
            if not is_finished(node, serial):
                return serial
    raise AssertionError('none was seen between its take and its start')


def taken(session, segue, node, folder):
    link_convolver(session, node)
    return [take(node, 0.5)]


def in_mid_fade_of_responses(session, segue, node, folder):
    link_convolver(session, node)
    node.heard(node.load_samples(0.5 * LONG, channels=1, rate=RATE, fade=10.0))


def hurrying_to_a_response(session, segue, node, folder):
    """The second half of the newer one's lead is what the fade under way has left."""
    in_mid_fade_of_responses(session, segue, node, folder)
    for _ in range(TAKES_MAX):
        serial = take(node, 0.25)
        position = node.clock()[0] + node.get('SwapLead') // 2
        node.bus.wait_until('hurry', lambda: node.clock()[0] >= position)
        if not is_finished(node, serial):
            return
    raise AssertionError('none was seen before its start')


CONVOLVER_STATES = [taken, in_mid_fade_of_responses, hurrying_to_a_response]

STATES = [empty, failed, loading, idle, running, in_mid_fade, in_a_fade_that_hurries, scheduled,
          scheduled_where_nothing_runs, with_notes_held, with_notes_on_another_sound, with_plays, *CONVOLVER_STATES]


def assert_gone(segue, node, serials=()):
    """All of it, each request told, and the name is free."""
    path = node.path
    segue.bus.wait_until('end', lambda: path not in segue.objects())
    for serial in serials or ():
        finished = node.finished(serial)
        assert (finished.result, finished.error) == ('failed', GONE)
    segue.destroy(segue.create('other'))


@pytest.mark.parametrize('state', STATES)
def test_a_node_is_destroyed(session, source, segue, tmp_path, state):
    source.set('Frequency', 375.0)
    began = source.heard(source.wave('sine', gain=0.5, fade=0.0))
    service = session.processes['service']
    descriptors = len(open_descriptors(service))
    node = segue.create('other', 'convolver' if state in CONVOLVER_STATES else 'source', audio_position='[ MONO ]')
    serials = state(session, segue, node, tmp_path)
    segue.destroy(node)
    assert_gone(segue, node, serials)
    source.recorder.wait_for_frames(4800)
    steady = source.recorder.take()[began:]
    assert error_db(steady, np.resize(steady[:PERIOD].astype(float), len(steady))) < -100
    segue.destroy(source)
    segue.assert_nothing_is_live()
    wait_until('no more descriptors than before', lambda: len(open_descriptors(service)) <= descriptors)


def test_a_convolver_is_destroyed_while_its_response_is_made_for_another_rate(session, segue):
    service = session.processes['service']
    descriptors = len(open_descriptors(service))
    node = segue.create('other', 'convolver', audio_position='[ FL FR ]')
    session.link('other:output_FL', 'test-sink:playback_FL')
    room = np.random.default_rng(1).normal(size=(10 * RATE, 4))
    node.heard(node.load_samples(room, channels=4, rate=RATE, fade=0.0), deadline=30)
    segue.wait_for_rest()
    session.force_rate(44100)
    segue.bus.wait_until('response for the new rate', lambda: segue.get('BytesPending') > 0)
    segue.destroy(node)
    assert_gone(segue, node)
    segue.assert_nothing_is_live()
    wait_until('no more descriptors than before', lambda: len(open_descriptors(service)) <= descriptors)


def test_a_node_is_destroyed_with_swaps_and_notes_parked(session, source, segue):
    """PipeWire stands still, so nothing is taken: more settings and notes than the ring has room for."""
    source.set('Trigger', 'notes')
    source.heard(source.wave('sine', fade=0.0))
    session.processes['pipewire'].signal(signal.SIGSTOP)
    try:
        time.sleep(0.1)     # the cycle under way
        for k in range(300):
            source.set('Gain', k / 300)
            try:
                source.note_on(k % 128)
            except BusError as error:
                assert error.name == 'org.segue.Segue1.Error.Busy'
        serials = [source.set_buffer(segue.ready(segue.generate('saw', gain=k / 10))) for k in range(10)]
        segue.destroy(source)
        ended = [source.finished(serial) for serial in serials]
        assert {(f.result, f.error) for f in ended[:-1]} <= {('superseded', ''), ('failed', GONE)}
        assert ended[-1].error == GONE
    finally:
        session.processes['pipewire'].signal(signal.SIGCONT)
    for buffer in segue.buffers():
        segue.release(buffer)
    segue.assert_nothing_is_live()


def test_a_node_is_destroyed_while_pipewire_is_away(session, segue, source):
    source.heard(source.wave('sine', fade=0.0))
    waiting = source.wave('saw', at=10 ** 12)
    session.processes['recorder'].expected |= {1}
    session.processes['pipewire'].kill()
    source.bus.wait_until('disconnected', lambda: source.get('State') == 'disconnected')
    assert source.finished(waiting).error == 'org.segue.Segue1.Error.ClockChanged'
    source.heard(source.wave('saw', fade=10.0))
    segue.destroy(source)
    segue.assert_nothing_is_live()
    session.processes['recorder'].stop()
    session.start_pipewire()
    segue.create('synth')


# ---- PipeWire goes and comes

TRIES = [50, 100, 200, 400, 500, 500, 500]     # milliseconds to the next one


class Timers:
    """What a process asks of its timers."""

    def __init__(self, session, process):
        self.log = session.path / 'timers'
        strace = session.start('strace', ['strace', '-qq', '-e', 'trace=timerfd_settime', '-o', self.log,
                                          '-p', process.pid])
        status = pathlib.Path(f'/proc/{process.pid}/status')
        wait_until('trace', lambda: f'TracerPid:\t{strace.pid}' in status.read_text())

    def have_waited(self, expected):
        once = r'timerfd_settime\(\d+, 0, {it_interval={tv_sec=0, tv_nsec=0}, it_value={tv_sec=(\d+), tv_nsec=(\d+)}}'
        # others ask for theirs in between
        asked = iter([int(s) * 1000 + int(ns) // 10 ** 6 for s, ns in re.findall(once, self.log.read_text())])
        return all(msec in asked for msec in expected)


@pytest.mark.plain
def test_no_pause_between_two_tries_to_connect_comes_near_a_second(session):
    service = session.start_service('segue.nodes = [ { type = source  node.name = synth } ]')
    timers = Timers(session, service)
    session.processes['pipewire'].kill()
    wait_until('tries', lambda: timers.have_waited(TRIES))
    session.start_pipewire()
    assert session.node_id('synth')


@pytest.mark.plain
def test_a_node_that_can_not_enter_the_graph_tries_less_and_less_often(session):
    service = session.start_service()
    timers = Timers(session, service)
    with session.bus() as bus:
        session.run('prlimit', '--pid', service.pid, f'--nofile={len(open_descriptors(service)) + 1}:', check=True)
        assert_refused('org.freedesktop.DBus.Error.Timeout', 'synth', Segue(bus).create, 'synth')
        assert timers.have_waited(TRIES)
        session.run('prlimit', '--pid', service.pid, '--nofile=1024:', check=True)
        Segue(bus).create('synth')
