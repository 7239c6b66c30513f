# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""The same sound whatever runs the graph: several data loops or none, a clock that is ahead of time, an ordinary user
with real-time priority and without, nodes that are asynchronous."""

import os
import pathlib

import numpy as np
import pytest

import convolution
from chain import GOOD_ENOUGH, RATE, Chain, Unrecorded, impulse_response
from mix import Swap
from recording import Recorder
from test_swaps import assert_is_the_mix, constant
from versions import since

QUANTUM = 256


def condition(name, *marks, **arguments):
    return pytest.param(name, id=name, marks=[*marks, pytest.mark.session(quantum=QUANTUM, **arguments)])


root = pytest.mark.skipif(os.geteuid() != 0, reason='needs root, to become another')
ORDINARY = [
    condition('with-priority', root, user='nobody', realtime=True),
    condition('without-priority', root, user='nobody'),
]
CONDITIONS = [
    condition('three-loops', since(1, 2), properties='context.num-data-loops = 3'),
    condition('no-loop', since(1, 2), properties='context.num-data-loops = 0'),
    condition('freewheeling', freewheel=True),
    *ORDINARY,
]
conditions = pytest.mark.parametrize('condition', CONDITIONS)


def heed_gaps(recorder, condition):
    """Who has no priority may be left out by a busy machine."""
    if condition == 'without-priority' and recorder.gaps():
        raise Unrecorded(recorder.gaps())


@conditions
def test_a_source_fades(session, segue, source, condition):
    swaps = []
    for value, fade, quantum in (0.25, 0, QUANTUM), (0.75, 4800, 1024), (0.5, 100, 64), (-0.5, 9600, QUANTUM):
        buffer, sound = constant(segue, value)
        serial = source.set_buffer(segue.ready(buffer), fade=fade / RATE)
        session.set_quantum(quantum)
        swaps.append(Swap(source.heard(serial), fade, sound))
        source.recorder.wait_for_frames(fade + 1024)
    source.recorder.wait_for_frames(4800)
    heed_gaps(source.recorder, condition)
    assert_is_the_mix(source, swaps)
    assert source.get('Xruns') == 0


@conditions
def test_a_convolver_swaps_and_has_heard_all_that_came_before(session, playing, condition):
    for k, (seconds, fade, quantum) in enumerate(((0.8, 4800, 1024), (0.005, 100, 64), (0.3, 9600, QUANTUM))):
        serial = playing.ask(*playing.response(seconds, 2 + k), fade)
        session.set_quantum(quantum)
        playing.recorder.wait_for_position(playing.heard(serial) + fade + 4800)
    heed_gaps(playing.recorder, condition)
    playing.assert_is_the_mix()
    assert playing.room.get('Xruns') == 0


@conditions
def test_links_and_nodes_come_and_go_and_nothing_is_left(session, segue, condition):
    """Swaps under way: what PipeWire changes of the ports it doesn't change under a cycle."""
    source, room = segue.create('synth', segue_wave='sine'), segue.create('room', 'convolver')
    links = [('synth:output_FL', 'room:input_FL'), ('synth:output_FR', 'room:input_FR'),
             ('room:output_FL', 'test-sink:playback_FL'), ('synth:output_FL', 'test-sink:playback_FR')]
    for k in range(5):
        for link in links:
            session.link(*link)
        serials = [(source, source.wave('saw', fade=0.1)),
                   (room, room.load_samples(impulse_response(0.1, 2, k), channels=2, rate=RATE, fade=0.1))]
        segue.bus.wait_until('run', lambda: room.get('State') == 'running')
        for node, serial in serials[:1 + k % 2]:
            node.heard(serial)
        for link in links:
            session.unlink(*link)
    for link in links:
        session.link(*link)
    segue.destroy(source)
    segue.destroy(room)
    segue.assert_nothing_is_live()


# ---- that it is so

def data_loops(session):
    tasks = pathlib.Path(f'/proc/{session.processes["service"].pid}/task').iterdir()
    return {t.name for t in tasks if (t / 'comm').read_text().startswith('data-loop')}


@since(1, 2)
@pytest.mark.parametrize('n_loops', [
    pytest.param(n, marks=pytest.mark.session(properties=f'context.num-data-loops = {n}')) for n in (0, 3)])
def test_there_are_as_many_data_loops(session, segue, n_loops):
    """They begin when they are needed."""
    for k in range(3):
        segue.create(f'synth{k}')
    assert len(data_loops(session)) == n_loops


@pytest.mark.parametrize('condition', ORDINARY)
def test_the_data_loop_has_the_priority_its_user_may_have(session, segue, condition):
    service = session.processes['service']
    assert pathlib.Path(f'/proc/{service.pid}').stat().st_uid != 0
    policy = os.sched_getscheduler(int(service.data_thread())) & ~os.SCHED_RESET_ON_FORK
    assert policy == (os.SCHED_FIFO if condition == 'with-priority' else os.SCHED_OTHER)


@pytest.mark.session(freewheel=True)
def test_cycles_ahead_of_time_are_not_timed(source):
    source.recorder.wait_for_frames(10 * RATE)
    assert source.get('Cycles') > 0
    assert source.get('CycleTime') == (0.0, 0.0, 0.0)


# ---- asynchronous nodes

@since(1, 2)
def test_an_asynchronous_source_is_heard_a_cycle_late(session, segue):
    source = segue.create('synth', audio_position='[ MONO ]', segue_gain=1.0, node_async=True)
    source.recorder = Recorder(session, ['synth:output_MONO'])
    swaps = []
    for value, fade in (0.25, 0), (0.75, 4800), (-0.5, 100):
        buffer, sound = constant(segue, value)
        swaps.append(Swap(source.heard(source.set_buffer(buffer, fade=fade / RATE)) + QUANTUM, fade, sound))
        source.recorder.wait_for_frames(fade + 1024)
    source.recorder.wait_for_frames(4800)
    assert_is_the_mix(source, swaps)


@since(1, 2)
def test_an_asynchronous_convolver_hears_and_is_heard_a_cycle_late(session, segue):
    chain = Chain(session, segue, node_async=True)
    chain.swap(*chain.response(0.5))
    start = chain.play() + 9600
    chain.recorder.wait_for_position(start)
    for seconds, fade in (0.1, 4800), (0.3, 100):
        chain.recorder.wait_for_position(chain.swap(*chain.response(seconds), fade) + fade + 4800)
    # nobody waits for who is late
    if lost := [cycle.position for cycle in chain.ran().lost if cycle.position > start]:
        raise Unrecorded(lost)
    swaps = [convolution.Swap(s.position + QUANTUM, s.frames, s.taps) for s in chain.applied()]
    first, heard, out = chain.split()
    heard = convolution.Input(np.pad(heard.signal, ((0, 0), (2 * QUANTUM, 0)))[:, :-2 * QUANTUM])
    assert convolution.error_db(out, convolution.mix(heard, swaps, first)) < GOOD_ENOUGH
