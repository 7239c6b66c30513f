# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""A convolver as the graph, pw-cli and the configuration see it; and how it comes and goes."""

import re

import numpy as np
import pytest

from bus import BusError, Segue
from chain import RATE, Chain, impulse_response, white
from convolution import Swap, error_db, mix, taps
from files import write_float_wav, write_wav
from fixture import Session, wait_until
from test_props import param, props

DBUS = 'org.freedesktop.DBus.Error.'
ERROR = 'org.segue.Segue1.Error.'
DEFAULTS = {'Gain': 1.0, 'Fade': 0.02, 'Bypass': False, 'Wet': 1.0, 'Dry': 0.0, 'Latency': 0.0, 'LengthMax': 10.0}
KEYS = {'segue.gain', 'segue.fade', 'segue.bypass', 'segue.load', 'segue.wet', 'segue.dry', 'segue.latency',
        'segue.ir.max', 'segue.status'}


# ---- properties

def test_its_settings_are_the_contracts_by_default_and_bad_ones_are_refused_by_name(session, segue):
    room = segue.create('room', 'convolver')
    assert {name: pytest.approx(room.get(name)) for name in DEFAULTS} == DEFAULTS
    segue.bus.wait_until('graph', lambda: room.get('State') == 'empty')
    assert (room.get('Type'), room.get('Mode')) == ('convolver', 'dsp')
    assert (room.get('SwapLead'), room.get('Length')) == (512, 0.0)
    listed = {p.get('name'): p for p in param(session, 'room', 'PropInfo')}
    assert KEYS <= set(listed)
    assert not {'segue.wave', 'segue.frequency', 'segue.trigger'} & set(listed)
    assert listed['segue.wet']['type'] == pytest.approx({'default': 1.0, 'min': 0.0, 'max': 16.0})
    assert KEYS <= set(props(session, 'room'))
    assert {'room:input_FL', 'room:input_FR', 'room:output_FL', 'room:output_FR'} <= set(session.ports())
    info = session.node('room')['info']['props']
    assert 'media.class' not in info
    assert info['media.category'] == 'Filter'
    for name, key, value in (('Wet', 'segue.wet', 17.0), ('Dry', 'segue.dry', -1.0),
                             ('Latency', 'segue.latency', 11.0), ('Gain', 'segue.gain', float('nan'))):
        with pytest.raises(BusError) as error:
            room.set(name, value)
        assert (error.value.name, key in error.value.message) == (DBUS + 'InvalidArgs', True)
    assert {name: pytest.approx(room.get(name)) for name in DEFAULTS} == DEFAULTS


def test_a_convolver_that_would_take_gigabytes_is_refused_and_one_that_takes_many_megabytes_is_not(segue):
    def channels(n):
        return f'[ {" ".join(f"AUX{i}" for i in range(n))} ]'

    with pytest.raises(BusError, match='segue.ir.max') as error:
        segue.create('huge', 'convolver', audio_position=channels(64), segue_ir_max=60.0)
    assert error.value.name == DBUS + 'LimitsExceeded'
    segue.create('large', 'convolver', audio_position=channels(8), segue_ir_max=60.0)
    # while a worker still makes its memory present
    segue.destroy(segue.node('large'))
    assert segue.get('BytesLive') == 0


def test_the_longest_response_is_fixed_when_it_is_made(session, segue):
    room = segue.create('room', 'convolver', segue_ir_max=0.5)
    assert room.get('LengthMax') == 0.5
    with pytest.raises(BusError) as error:
        room.set('LengthMax', 1.0)
    assert error.value.name == DBUS + 'PropertyReadOnly'
    for value in 0.001, 61.0, 'long':
        with pytest.raises(BusError) as error:
            segue.create('other', 'convolver', segue_ir_max=value)
        assert error.value.name == DBUS + 'InvalidArgs'
        assert 'segue.ir.max' in error.value.message
        assert 'other' in error.value.message
    assert room.get('LengthMax') == 0.5


def test_pw_cli_sets_what_the_bus_sees(session, playing):
    room, node_id = playing.room, session.node_id('room')
    for key, value, name in (('segue.wet', 0.5, 'Wet'), ('segue.dry', 0.25, 'Dry'), ('segue.gain', 2.0, 'Gain'),
                             ('segue.latency', 0.01, 'Latency')):
        session.set_props(node_id, **{key: value})
        wait_until(name, lambda: room.get(name) == pytest.approx(value))
        wait_until('Props', lambda: props(session, 'room')[key] == pytest.approx(value))
    playing.recorder.wait_for_frames(4800)
    first, heard, out = playing.split()
    expected = 2.0 * (0.25 * heard.signal + 0.5 * heard.convolved(next(iter(playing.swaps.values())).taps))
    assert error_db(out[:, -1000:], expected[:, -1000:]) < -100


def test_pw_cli_loads_only_from_where_it_may(session, playing, tmp_path):
    node_id, buffer = session.node_id('room'), playing.room.get('Buffer')
    outside = write_float_wav(tmp_path / 'hall.wav', impulse_response(0.01, 2))
    session.set_props(node_id, **{'segue.load': str(outside)})
    wait_until('refusal', lambda: 'hall.wav' in playing.room.get('LastError'))
    assert (playing.room.get('Buffer'), playing.room.get('State')) == (buffer, 'running')
    (session.path / 'home/Music').mkdir()
    response = impulse_response(0.05, 2)
    left, right = (write_float_wav(session.path / f'home/Music/{c}.wav', response[:, i]) for i, c in enumerate('LR'))
    session.set_props(node_id, **{'segue.load': f'[ "{left}" "{right}" ]'})
    wait_until('status', lambda: props(session, 'room')['segue.status'] == 'ready L.wav')
    playing.recorder.wait_for_frames(9600)
    first, heard, out = playing.split()
    assert error_db(out[:, -1000:], heard.convolved(taps(response, 2, 2))[:, -1000:]) < -100


# ---- latency

def latencies(session, name, direction):
    """What each port tells of a direction, in seconds: {port: (min, max)}."""
    told = {}
    for o in session.objects():
        if o['type'].endswith(':Port') and o['info']['props'].get('port.alias', '').startswith(f'{name}:'):
            for p in o['info']['params'].get('Latency', []):
                if p['direction'] == direction:
                    told[o['info']['props']['port.name']] = (p['minNs'] / 1e9, p['maxNs'] / 1e9)
    return told


def process_latency(session, name):
    text = session.run('pw-cli', 'enum-params', session.node_id(name), 'ProcessLatency').stdout
    return int(re.search(r'ProcessLatency:ns.*?Long (\d+)', text, re.S).group(1)) / 1e9


def test_the_graph_is_told_the_latency_that_was_set(session, segue):
    room = segue.create('room', 'convolver', segue_latency=0.01)
    assert process_latency(session, 'room') == pytest.approx(0.01)
    for direction, ports in (('Output', ('output_FL', 'output_FR')), ('Input', ('input_FL', 'input_FR'))):
        told = latencies(session, 'room', direction)
        assert {p: told[p] for p in ports} == {p: pytest.approx((0.01, 0.01)) for p in ports}
    room.set('Latency', 0.02)
    wait_until('new latency', lambda: process_latency(session, 'room') == pytest.approx(0.02))
    wait_until('on the ports',
               lambda: latencies(session, 'room', 'Output')['output_FL'] == pytest.approx((0.02, 0.02)))


def test_automatic_latency_is_where_the_response_has_its_peak(session, segue, tmp_path):
    room = segue.create('room', 'convolver', segue_latency='auto')
    assert process_latency(session, 'room') == 0
    assert room.get('Latency') == -1.0
    assert props(session, 'room')['segue.latency'] == 'auto'
    for frame in 480, 4800:
        response = np.zeros((9600, 2), 'f4')
        response[100:, :] = 0.1
        response[frame, 1] = -0.9
        room.heard(room.load(write_float_wav(tmp_path / f'{frame}.wav', response)))
        wait_until('latency', lambda: process_latency(session, 'room') == pytest.approx(frame / RATE))
    room.heard(room.clear())
    wait_until('no latency', lambda: process_latency(session, 'room') == 0)


# ---- configuration

def test_a_configured_convolver_sounds_as_it_says(session, tmp_path):
    response = impulse_response(0.2, 2)
    path = write_float_wav(tmp_path / 'hall.wav', response)
    session.start_service(f'''segue.nodes = [
        {{ type = convolver  node.name = room  audio.position = [ FL FR ]  segue.load = "{path}"
           segue.wet = 0.5 }} ]''')
    with session.bus() as bus:
        segue = Segue(bus)
        room = segue.node('room')
        bus.wait_until('response', lambda: room.get('Length') > 0)
        assert room.get('Wet') == 0.5
        chain = Chain(session, segue, room=room)
        chain.recorder.wait_for_position(chain.play() + 9600)
        first, heard, out = chain.split()
        assert error_db(out, 0.5 * heard.convolved(taps(response, 2, 2))) < -100


def test_a_bad_entry_leaves_the_others_alone(session, tmp_path):
    service = session.start_service(f'''segue.nodes = [
        {{ type = convolver  node.name = one    segue.ir.max = 1000 }}
        {{ type = convolver  node.name = two    segue.load = "{tmp_path}/nowhere.wav" }}
        {{ type = convolver  node.name = three  segue.wet = loud }}
        {{ type = convolver  node.name = four   capture.props = {{ audio.position = [ FL NOWHERE ] }} }}
        {{ type = convolver  node.name = five }} ]''')
    with session.bus() as bus:
        segue = Segue(bus)
        names = {i['org.segue.Segue1.Node']['Name'] for i in segue.objects().values() if 'org.segue.Segue1.Node' in i}
        assert names == {'two', 'five'}
        two = segue.node('two')
        bus.wait_until('failure', lambda: two.get('State') == 'failed')
        assert two.get('LastError') == 'nowhere.wav: no such file'
    told = [line for line in service.text().splitlines() if 'mod.segue' in line or 'spa.segue' in line]
    for name, key in (('one', 'segue.ir.max'), ('two', 'nowhere.wav'), ('three', 'segue.wet'),
                      ('four', 'capture.props')):
        assert sum(f'{name}: ' in line and key in line for line in told) == 1, told
    assert len(told) == 4, told


EIGHT = ['FL', 'FR', 'FC', 'LFE', 'RL', 'RR', 'SL', 'SR']


def test_eight_inputs_become_two_by_a_file_of_sixteen_channels(session, segue, tmp_path):
    room = segue.create('room', 'convolver', **{
        'capture.props': f'{{ audio.position = [ {" ".join(EIGHT)} ] }}',
        'playback.props': '{ audio.position = [ FL FR ] }'})
    response = impulse_response(0.4, 16)
    path = write_float_wav(tmp_path / 'brir.wav', response)
    chain = Chain(session, segue, EIGHT, ['FL', 'FR'], room)
    chain.swap(path, taps(response, 8, 2))
    chain.recorder.wait_for_position(chain.play() + 9600)
    # nothing else fits but one channel for all
    with pytest.raises(BusError) as error:
        room.load(write_float_wav(tmp_path / 'stereo.wav', response[:, :2]), wait=True)
    assert error.value.name == ERROR + 'BadFormat'
    chain.swap(*chain.response(0.1, 2, 16), 2400)
    chain.recorder.wait_for_position(chain.recorder.position() + 9600)
    chain.assert_is_the_mix()


# ---- PipeWire's own player, and the daemon

def test_pw_cat_is_convolved_to_the_frame(session, segue, tmp_path):
    room = segue.create('room', 'convolver')
    response = impulse_response(0.3, 4)
    room.heard(room.load_samples(response, channels=4, rate=RATE))
    # silent until it has been linked
    sound = np.concatenate([np.zeros((3 * RATE // 2, 2)), white(8 * RATE, 2)])
    path = write_float_wav(tmp_path / 'noise.wav', sound)
    session.start_wireplumber()
    player = session.start('pw-cat', ['pw-cat', '-p', '--target', '0', '-P', '{ node.name = cat }', path],
                           {'PIPEWIRE_CONFIG_NAME': 'client-rt.conf'})
    player.expected |= {1}
    chain = Chain(session, segue, room=room, player='cat')
    chain.recorder.wait_for_position(chain.recorder.take(0).first + 2 * RATE)
    assert player.alive()
    first, heard, out = chain.split()
    assert error_db(out, heard.convolved(taps(response, 2, 2))) < -100


# ---- coming and going

def test_a_convolver_destroyed_in_mid_fade_leaves_nothing(segue, playing):
    playing.swap(*playing.response(1.0, 2), 10 * RATE)
    playing.recorder.wait_for_frames(2400)
    segue.destroy(playing.room)
    segue.destroy(playing.player)
    segue.assert_nothing_is_live()


def test_a_convolver_destroyed_in_mid_load_answers_gone(segue, playing, tmp_path):
    path = write_wav(tmp_path / 'long.wav', white(9 * 44100, 2, level=0.9), rate=44100)
    waiting = playing.room.load_samples(impulse_response(0.1, 2), channels=2, rate=RATE, at=10 ** 9)
    loading = playing.room.load(path)
    segue.destroy(playing.room)
    finished = playing.room.finished(waiting)
    assert (finished.result, finished.error) == ('failed', ERROR + 'Gone')
    assert playing.room.finished(loading).result in ('failed', 'superseded')
    segue.destroy(playing.player)
    segue.assert_nothing_is_live()


def test_it_ends_in_the_middle_of_everything(session, segue, playing, tmp_path):
    """SIGTERM with a fade, a schedule, a load and a client's buffers: the fixture checks for leaks."""
    path = write_wav(tmp_path / 'long.wav', white(9 * 44100, 2), rate=44100)
    segue.ready(segue.load_file(write_wav(tmp_path / 'kept.wav', white(4800, 2)), kind='response'))
    playing.swap(*playing.response(0.5, 2), 10 * RATE)
    playing.ask(*playing.response(0.5, 3), at=10 ** 9)
    playing.room.load(path)
    assert session.processes['service'].stop() is None


def test_pipewire_killed_and_restarted_finds_the_same_room(session, segue, playing):
    response = next(iter(playing.swaps.values())).taps
    playing.room.set('Gain', 0.5)
    buffer = playing.room.get('Buffer')
    session.processes['recorder'].expected |= {1}
    session.processes['pipewire'].kill()
    segue.bus.wait_until('disconnected', lambda: playing.room.get('State') == 'disconnected')
    session.processes['recorder'].stop()
    playing.stop_playing()
    session.start_pipewire()
    for node in playing.room, playing.player:
        segue.bus.wait_until('node', lambda: node.get('State') != 'disconnected')
    assert playing.room.get('Buffer') == buffer
    again = Chain(session, segue, room=playing.room, player='player')
    again.player = playing.player
    again.recorder.wait_for_position(again.play() + 9600)
    first, heard, out = again.split()
    assert error_db(out, 0.5 * heard.convolved(response)) < -100


def test_the_plugin_alone_in_the_daemon(tmp_path):
    """Without our module: Props are its only control."""
    response = impulse_response(0.2, 2)
    path = write_float_wav(tmp_path / 'hall.wav', response)
    entry = '{{ factory = spa-node-factory args = {{ factory.name = {}  library.name = segue/libspa-segue  {} }} }}'
    fragment = 'context.objects = [ {} {} ]'.format(
        entry.format('segue.convolver', f'node.name = room  audio.position = [ FL FR ]  segue.load = "{path}"'),
        entry.format('segue.source', 'node.name = player  audio.position = [ FL FR ]  segue.gain = 1.0'))
    session = Session(fragment=fragment)
    try:
        with session:
            wait_until('status', lambda: props(session, 'room')['segue.status'] == 'ready hall.wav')
            chain = Chain(session, None, room=session.node('room'), player='player')
            session.set_props(session.node_id('player'), **{'segue.wave': 'noise'})
            chain.recorder.wait_for_position(chain.recorder.position() + RATE)
            first, heard, out = chain.split()
            assert error_db(out, heard.convolved(taps(response, 2, 2))) < -100
            session.set_props(session.node_id('room'), **{'segue.wet': 0.0, 'segue.dry': 1.0})
            chain.recorder.wait_for_frames(4800)
            first, heard, out = chain.split()
            assert np.array_equal(out[:, -1000:], heard.signal[:, -1000:])
    finally:
        session.remove()


def test_inside_the_daemon_with_the_module(tmp_path):
    response = impulse_response(0.2, 2)
    path = write_float_wav(tmp_path / 'hall.wav', response)
    session = Session(fragment=f'''
        context.modules = [ {{ name = libpipewire-module-segue  args = {{ }} }} ]
        segue.nodes = [ {{ type = convolver  node.name = room  segue.load = "{path}" }}
                        {{ type = source  node.name = player  segue.gain = 1.0 }} ]''')
    try:
        with session:
            session.wait_for_name('org.segue.Segue1', session.processes['pipewire'])
            with session.bus() as bus:
                segue = Segue(bus)
                chain = Chain(session, segue, room=segue.node('room'), player='player')
                chain.player = segue.node('player')
                bus.wait_until('response', lambda: chain.room.get('Length') > 0)
                chain.recorder.wait_for_position(chain.play() + 4800)
                chain.swaps[0] = Swap(0, 0, taps(response, 2, 2))
                chain.swap(*chain.response(0.5, 2), 4800)
                chain.recorder.wait_for_frames(9600)
                swaps = list(chain.swaps.values())
                first, heard, out = chain.split()
                swaps[0].position = first
                assert error_db(out, mix(heard, swaps, first)) < -100
                segue.destroy(chain.room)
                segue.destroy(chain.player)
                segue.assert_nothing_is_live()
    finally:
        session.remove()
