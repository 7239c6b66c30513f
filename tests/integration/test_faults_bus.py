# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""The bus goes at each step of a request, stands still, or refuses: what was accepted goes on, and nothing leaks."""

import signal

import numpy as np
import pytest

from bus import BusError, Segue, options
from faults import open_descriptors
from files import write_wav
from fixture import wait_until
from mix import curve, error_db

RATE = 48000
PERIOD = 128        # frames of 375 Hz
SERVICE = 'org.segue.Segue1'
SWAPS = 15000       # two signals each


@pytest.fixture
def playing(source):
    """A source that plays a sine; from which position."""
    source.set('Frequency', 375.0)
    source.position = source.heard(source.wave('sine', gain=0.5, fade=0.0))
    source.recorder.wait_for_position(source.position + PERIOD)
    return source


def unit_sine(playing, first, end):
    """What the recorded sine is as one of full scale, from its first period on."""
    period = playing.recorder.take()[playing.position:playing.position + PERIOD].astype(float) / 0.5
    return period[(np.arange(first, end) - playing.position) % PERIOD]


def assert_steady(playing, first, gain=0.5):
    playing.recorder.wait_for_frames(4800)
    assert playing.recorder.gaps() == []
    take = playing.recorder.take()
    assert error_db(take[first:], gain * unit_sine(playing, first, take.end)) < -100


class Restart:
    """The bus is killed; and a new one is there, with the service on it."""

    def __init__(self, session):
        self.session = session

    def kill(self):
        self.session.processes['bus'].kill()

    def again(self):
        self.session.start_bus()
        self.session.wait_for_name(SERVICE, self.session.processes['service'])
        return Segue(self.session.bus())


@pytest.fixture
def restart(session):
    return Restart(session)


def end(segue):
    """All that is left is taken away."""
    for path in segue.objects():
        if '/node/' in path:
            segue.call('DestroyNode', '(o)', (path,))
    for path in segue.buffers():
        segue.release(path)
    segue.assert_nothing_is_live()
    segue.bus.close()


@pytest.mark.slow
def test_it_goes_before_a_file_is_opened(restart, segue, playing, stalled_file):
    """Nobody is left to be told, and the worker gives up by itself."""
    segue.begin('LoadFile', '(sa{sv})', (str(stalled_file), {}))
    playing.begin('Load', '(sa{sv})', (str(stalled_file), {}))
    # answered after them
    assert playing.get('State') == 'loading'
    restart.kill()
    again = restart.again()
    node = again.node('synth')
    again.bus.wait_until('end of loading', lambda: node.get('State') == 'running', deadline=30)
    assert node.get('SwapsApplied') == 1
    assert_steady(playing, playing.position)
    end(again)


def test_it_goes_while_a_sound_is_made(session, restart, segue, playing, tmp_path):
    """What was accepted is heard."""
    path = write_wav(tmp_path / 'long.wav', np.full(20 * 44100, 0.25), rate=44100)
    serial = playing.load(path, kind='sample', loop='forward', fade=0.0)
    restart.kill()
    again = restart.again()
    node = again.node('synth')
    again.bus.wait_until('swap', lambda: node.get('LastFinished') == serial)
    assert (node.get('SwapsApplied'), node.get('Label')) == (2, 'long.wav')
    assert playing.recorder.gaps() == []
    end(again)


def test_it_goes_before_a_scheduled_swap_and_stays_away_until_after_it(restart, segue, playing):
    at = playing.recorder.position() + RATE
    serial = playing.wave('sine', gain=0.25, fade=0.0, at=at)
    restart.kill()
    playing.recorder.wait_for_position(at + 4800)
    again = restart.again()
    node = again.node('synth')
    again.bus.wait_until('swap', lambda: node.get('LastFinished') == serial)
    take = playing.recorder.take()
    assert error_db(take[playing.position:at], 0.5 * unit_sine(playing, playing.position, at)) < -100
    assert_steady(playing, at, 0.25)
    end(again)


def test_it_goes_in_mid_fade(restart, segue, playing):
    position = playing.heard(playing.wave('sine', gain=0.25, fade=1.0))
    restart.kill()
    playing.recorder.wait_for_position(position + RATE)
    g = curve(RATE)
    expected = ((1 - g) * 0.5 + g * 0.25) * unit_sine(playing, position, position + RATE)
    assert error_db(playing.recorder.take()[position:position + RATE], expected) < -100
    assert_steady(playing, position + RATE, 0.25)
    end(restart.again())


def test_it_goes_before_a_new_node_is_in_the_graph(session, restart, segue, playing):
    pipewire = session.processes['pipewire']
    pipewire.signal(signal.SIGSTOP)
    try:
        segue.begin('CreateNode', '(ssa{sv})', ('source', 'other', {}))
        segue.bus.wait_until('node', lambda: any('/other' in p for p in segue.objects()))
        restart.kill()
    finally:
        pipewire.signal(signal.SIGCONT)
    again = restart.again()
    again.bus.wait_until('node in the graph', lambda: again.node('other').get('State') == 'empty')
    end(again)


def test_it_goes_with_clients_that_own_buffers(restart, segue, playing):
    """They are the service's then, and anyone may release them."""
    buffer = segue.ready(segue.generate('noise'))
    restart.kill()
    again = restart.again()
    assert again.buffer(buffer, 'State') == 'ready'
    assert_steady(playing, playing.position)
    end(again)


def test_it_goes_again_and_again_right_after_a_call(session, restart, segue, playing):
    """Whether it was read or not: it is a swap to the same."""
    service = session.processes['service']
    descriptors = len(open_descriptors(service))
    for k in range(10):
        node = segue.node('synth')
        for _ in range(k):
            node.begin('Wave', '(sa{sv})', ('sine', options({'gain': 0.5})), interface=node.SOURCE)
        segue.bus.connection.flush_sync(None)
        restart.kill()
        segue.bus.close()
        segue = restart.again()
    assert_steady(playing, playing.position)
    wait_until('no more descriptors than before', lambda: len(open_descriptors(service)) <= descriptors)
    end(segue)


# ---- it stands still, or says no

def ask_by_props(session, n):
    """So many swaps, none of them over the bus."""
    node_id = session.node_id('synth')
    lines = [f'set-param {node_id} Props {{ params = [ "segue.wave" "{{ wave = sine gain = 0.5 label = L{k} }}" ] }}'
             for k in range(n)]
    session.run('pw-cli', input='\n'.join([*lines, 'quit', '']), timeout=60)


@pytest.mark.plain
@pytest.mark.slow
def test_a_bus_that_takes_nothing_costs_the_oldest_signals_and_nothing_else(session, segue, playing):
    """More than the connection holds, which sd-bus gives 8 MiB, and the 1000 each that sd-bus and we keep."""
    service = session.processes['service']
    first = playing.get('LastFinished')
    session.processes['bus'].signal(signal.SIGSTOP)
    try:
        before = service.resident_kib()
        for _ in range(SWAPS // 1000):
            ask_by_props(session, 1000)
        assert service.resident_kib() < before + 8 * 1024
    finally:
        session.processes['bus'].signal(signal.SIGCONT)
    assert_steady(playing, playing.position)
    last = playing.wave('sine', gain=0.5, fade=0.0)
    playing.heard(last, deadline=60)
    told = [f.serial for f in playing.all_finished()]
    assert len(told) < last - first, f'none of {last - first} was dropped'
    assert told[-100:] == sorted(told[-100:])
    assert len(told) == len(set(told))


def test_a_name_that_is_refused_is_one_line_of_the_log(session):
    session.change_bus('<allow own="*"/>', f'<allow own="*"/><deny own="{SERVICE}"/>')
    with session.bus() as bus:
        service = session.start_service('segue.nodes = [ { type = source  node.name = synth } ]', wait=False)
        wait_until('refusal', lambda: "can't have the bus name" in service.text())
        assert session.node_id('synth')
        assert not bus.has_owner(SERVICE)
        with pytest.raises(BusError):
            Segue(bus).get('Version')
    lines = [line for line in service.text().splitlines() if line.startswith(('[E]', '[W]')) and 'segue' in line]
    assert len(lines) == 1 and f"can't have the bus name '{SERVICE}'" in lines[0], lines
