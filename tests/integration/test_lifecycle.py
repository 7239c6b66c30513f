# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Nodes, clients, the bus and PipeWire come and go; nothing is lost and nothing leaks.

The service's exit status and the leak check at its end are looked at by the session fixture.
"""

import signal
import threading
import time

import numpy as np
import pytest

from bus import BusError, Segue, assert_refused, variant
from files import write_wav
from mix import error_db
from recording import Recorder

ERROR = 'org.segue.Segue1.Error.'
RATE = 48000
PERIOD = 128        # frames of 375 Hz


def play_sine(node, gain=0.5):
    node.set('Frequency', 375.0)
    return node.heard(node.wave('sine', gain=gain, fade=0.0))


def assert_steady(samples, gain=0.5):
    """A whole-period sine of this peak, with nothing in between."""
    assert error_db(samples, np.resize(samples[:PERIOD].astype(float), len(samples))) < -100
    # its peak may lie between two frames
    assert gain * np.cos(np.pi / PERIOD) * 0.9999 < np.abs(samples).max() < gain * 1.0001


def assert_goes_on(recorder, gain=0.5):
    recorder.wait_for_frames(RATE)
    take = recorder.take()
    assert_steady(take[take.end - RATE // 2:], gain)


# ---- nodes

def test_a_short_pause_continues_as_if_nothing_had_been(session, source):
    """Unlinked and linked again: the node isn't scheduled in between."""
    play_sine(source)
    session.unlink('synth:output_MONO', 'recorder:input_0')
    session.link('synth:output_MONO', 'recorder:input_0')
    assert_goes_on(source.recorder)
    assert source.get('Xruns') == 0


def test_after_a_long_pause_sound_starts_with_a_ramp_of_5_ms(session, source):
    play_sine(source)
    session.unlink('synth:output_MONO', 'recorder:input_0')
    source.bus.wait_until('pause', lambda: source.get('State') != 'running')
    paused = source.recorder.position()
    time.sleep(0.8)     # the pause itself
    session.link('synth:output_MONO', 'recorder:input_0')
    source.recorder.wait_for_frames(RATE)
    take = source.recorder.take()
    resumed = take[paused:][~np.isnan(take[paused:])]
    resumed = resumed[np.nonzero(resumed)[0][0]:]
    ramp = RATE * 5 // 1000
    assert np.all(np.abs(resumed[:ramp]) <= 0.5 * (np.arange(ramp) + 2) / ramp)
    assert np.abs(resumed[:ramp]).max() > 0.1
    assert_steady(resumed[ramp:])


def test_a_swap_of_a_suspended_node_is_applied_at_once(segue):
    node = segue.create('synth')
    finished = node.finished(node.wave('sine', fade=5.0))
    assert (finished.result, finished.position) == ('applied', 0)
    assert node.get('State') == 'idle'


def test_a_scheduled_swap_of_a_suspended_node_waits(session, source, segue):
    buffer = segue.generate('sine')
    session.unlink('synth:output_MONO', 'recorder:input_0')
    source.bus.wait_until('pause', lambda: source.get('State') != 'running')
    at = source.recorder.position() + 2 * RATE
    serial = source.set_buffer(buffer, at=at, fade=0.0)
    assert not any(f.serial == serial for f in source.all_finished())
    session.link('synth:output_MONO', 'recorder:input_0')
    assert source.heard(serial) == at


def test_a_node_destroyed_in_mid_fade(source, segue):
    play_sine(source)
    source.wave('saw', fade=10.0)
    source.recorder.wait_for_frames(2400)
    segue.destroy(source)
    segue.assert_nothing_is_live()


def test_a_node_destroyed_in_mid_load_answers_gone(source, segue, tmp_path):
    path = write_wav(tmp_path / 'long.wav', np.zeros(10 * 44100), rate=44100)
    waiting = source.wave('sine', at=source.recorder.position() + 10 ** 8)
    loading = source.load(path)
    segue.destroy(source)
    assert (source.finished(waiting).result, source.finished(waiting).error) == ('failed', ERROR + 'Gone')
    assert source.finished(loading).result in ('failed', 'applied')
    segue.assert_nothing_is_live()


def test_a_node_destroyed_before_a_swap_was_taken_answers_gone(session, source, segue):
    """PipeWire stands still, so the data loop takes nothing."""
    play_sine(source)
    session.processes['pipewire'].signal(signal.SIGSTOP)
    try:
        time.sleep(0.1)     # the cycle under way
        waiting = source.set_buffer(segue.ready(segue.generate('saw')))
        segue.destroy(source)
        finished = source.finished(waiting)
        assert (finished.result, finished.error) == ('failed', ERROR + 'Gone')
    finally:
        session.processes['pipewire'].signal(signal.SIGCONT)


def test_a_node_made_before_pipewire_has_answered_waits_for_the_graph(session):
    pipewire = session.processes['pipewire']
    pipewire.signal(signal.SIGSTOP)
    try:
        session.start_service()
        with session.bus() as bus:
            threading.Timer(0.3, lambda: pipewire.signal(signal.SIGCONT)).start()
            assert Segue(bus).create('synth').get('State') == 'empty'
    finally:
        pipewire.signal(signal.SIGCONT)


def test_a_node_the_graph_does_not_take_is_none(session, segue):
    session.processes['pipewire'].signal(signal.SIGSTOP)
    with pytest.raises(BusError) as refused:
        segue.create('synth')
    session.processes['pipewire'].signal(signal.SIGCONT)
    assert refused.value.name == 'org.freedesktop.DBus.Error.Timeout'
    assert refused.value.message == "synth: the graph hasn't taken the node within 4 s"
    assert not [path for path in segue.objects() if '/node/' in path]
    segue.create('synth')


@pytest.mark.parametrize('method, signature, args', [
    ('DestroyNode', '(o)', ('/org/segue/Segue1/node/synth',)),
    ('CreateNode', '(ssa{sv})', ('source', 'synth', {'override': variant(True)}))])
def test_who_waits_for_a_node_is_told_when_it_goes_first(session, segue, method, signature, args):
    pipewire = session.processes['pipewire']
    pipewire.signal(signal.SIGSTOP)
    try:
        making = segue.begin('CreateNode', '(ssa{sv})', ('source', 'synth', {}))
        ending = segue.begin(method, signature, args)
        assert_refused(ERROR + 'Gone', '^synth: the node was destroyed$', making.result)
    finally:
        pipewire.signal(signal.SIGCONT)
    ending.result()


def test_a_node_that_somebody_takes_out_of_the_graph_is_gone(session, segue, source):
    serial = source.wave('sine', at=10 ** 10)
    session.run('pw-cli', 'destroy', session.node_id('synth'))
    assert source.finished(serial).error == 'org.segue.Segue1.Error.Gone'
    segue.bus.wait_until('end', lambda: not [path for path in segue.objects() if '/node/' in path])


def test_a_client_killed_with_buffers_held(session, source, segue):
    client = session.bus()
    other = Segue(client)
    playing = other.generate('sine')
    for k in range(5):
        other.generate('noise', seed=k)
    source.heard(source.set_buffer(playing, fade=0.0))
    client.connection.get_stream().close(None)      # as a crash would: no goodbye
    segue.bus.wait_until('only the one that is heard', lambda: list(segue.buffers()) == [playing])
    source.heard(source.clear(fade=0.0))
    segue.assert_nothing_is_live()


def test_a_client_gone_while_its_file_loads(session, segue, tmp_path):
    path = write_wav(tmp_path / 'long.wav', np.zeros(30 * 44100), rate=44100)
    client = session.bus()
    Segue(client).begin('LoadFile', '(sa{sv})', (str(path), {}))
    client.connection.flush_sync(None)
    client.connection.get_stream().close(None)
    segue.assert_nothing_is_live()


def test_a_buffer_released_while_its_file_loads(segue, tmp_path):
    """It is all that its client has, so the client is forgotten with it."""
    path = write_wav(tmp_path / 'long.wav', np.zeros(30 * 44100), rate=44100)
    segue.release(segue.load_file(path))
    segue.assert_nothing_is_live()


# ---- the bus

def test_the_bus_killed_and_restarted(session, segue, source):
    play_sine(source)
    session.processes['bus'].kill()
    source.recorder.wait_for_frames(RATE)
    session.start_bus()
    session.wait_for_name('org.segue.Segue1', session.processes['service'])
    with session.bus() as bus:
        again = Segue(bus)
        node = again.node('synth')
        node.recorder = source.recorder
        assert node.get('State') == 'running'
        assert source.recorder.gaps() == []
        assert_steady(source.recorder.take()[source.recorder.take().end - RATE:])
        node.heard(node.wave('saw'))
        again.destroy(node)
        again.assert_nothing_is_live()


def test_no_bus_at_all_and_one_later(session):
    session.processes['bus'].kill()
    service = session.start_service('segue.nodes = [ { type = source  node.name = synth } ]', wait=False)
    assert session.node_id('synth')
    session.start_bus()
    session.wait_for_name('org.segue.Segue1', service)


# ---- PipeWire

def test_pipewire_killed_and_restarted_same_nodes_same_sound(session, segue, source):
    play_sine(source)
    session.processes['recorder'].expected |= {1}
    session.processes['pipewire'].kill()
    source.bus.wait_until('disconnected', lambda: source.get('State') == 'disconnected')
    session.processes['recorder'].stop()
    session.start_pipewire()
    source.bus.wait_until('node', lambda: source.get('State') != 'disconnected')
    recorder = Recorder(session, ['synth:output_MONO'])
    assert_goes_on(recorder)
    assert source.get('Frequency') == 375.0
    assert source.get('Ids') == [session.node_id('synth')]
    source.recorder = recorder
    source.heard(source.wave('saw'))
    segue.destroy(source)
    segue.assert_nothing_is_live()


def test_requests_while_pipewire_is_away(session, segue, source):
    play_sine(source)
    session.processes['pipewire'].kill()
    source.bus.wait_until('disconnected', lambda: source.get('State') == 'disconnected')
    finished = source.finished(source.wave('sine', gain=0.25))
    assert (finished.result, finished.position) == ('applied', 0)
    with pytest.raises(BusError) as error:
        source.clock()
    assert error.value.name == ERROR + 'Disconnected'
    session.processes['recorder'].stop()
    session.start_pipewire()
    recorder = Recorder(session, ['synth:output_MONO'])
    assert_goes_on(recorder, 0.25)


def test_a_scheduled_swap_does_not_survive_its_clock(session, source, segue):
    buffer = segue.generate('sine')
    serial = source.set_buffer(buffer, at=source.recorder.position() + 10 * RATE)
    session.processes['pipewire'].kill()
    source.bus.wait_until('disconnected', lambda: source.get('State') == 'disconnected')
    session.processes['recorder'].stop()
    session.start_pipewire()
    # the new clock counts from 0 again: let it pass where the old one was
    Recorder(session, ['synth:output_MONO']).wait_for_position(RATE)
    finished = source.finished(serial)
    assert (finished.result, finished.error) == ('failed', ERROR + 'ClockChanged')


def test_a_swap_after_some_time_survives_its_clock(session, source, segue):
    """The time without one counts."""
    buffer = segue.ready(segue.generate('sine'))
    _, asked, _ = source.clock()
    serial = source.set_buffer(buffer, after=2.0)
    source.recorder.wait_for_frames(4800)       # it has been taken
    session.processes['pipewire'].kill()
    source.bus.wait_until('disconnected', lambda: source.get('State') == 'disconnected')
    session.processes['recorder'].stop()
    session.start_pipewire()
    recorder = Recorder(session, ['synth:output_MONO'])
    _, back, _ = source.clock()
    position = source.heard(serial)
    now, nsec, rate = source.clock()
    heard = nsec - (now - position) * 1e9 / rate
    assert asked + 1.9e9 < heard < max(asked + 2.1e9, back)
    recorder.wait_for_position(position + 4800)
    assert recorder.take()[position:].any()


def test_pipewire_absent_at_the_start_and_there_later(session):
    session.processes['pipewire'].kill()
    session.start_service('segue.nodes = [ { type = source  node.name = synth } ]')
    with session.bus() as bus:
        node = Segue(bus).node('synth')
        assert node.get('State') == 'disconnected'
        session.start_pipewire()
        bus.wait_until('node', lambda: node.get('State') != 'disconnected')


def test_a_change_of_rate_keeps_the_sound(session, source):
    """375 Hz at 44100 Hz: the pitch stays, and there is no silence."""
    play_sine(source)
    session.force_rate(44100)
    source.bus.wait_until('new rate', lambda: source.get('Rate') == 44100)
    source.recorder.wait_for_frames(2 * 44100)
    take = source.recorder.take()
    last = take[take.end - 44100:].astype(float)
    spectrum = np.abs(np.fft.rfft(last * np.hanning(len(last)))) / len(last) * 4
    assert np.argmax(spectrum) == 375
    assert np.isclose(spectrum[375], 0.5, atol=1e-3)


# ---- the service

def test_it_ends_in_the_middle_of_everything(session, source, segue, tmp_path):
    """SIGTERM with a fade, a schedule, a load and a client's buffers: the fixture checks for leaks."""
    path = write_wav(tmp_path / 'long.wav', np.zeros(30 * 44100), rate=44100)
    buffer = segue.generate('noise')
    play_sine(source)
    source.wave('saw', fade=10.0)
    source.set_buffer(buffer, at=source.recorder.position() + 10 ** 8)
    source.load(path)
    assert session.processes['service'].stop() is None
