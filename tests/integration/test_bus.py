# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""The bus: objects, properties, ownership, and the order in which things are told."""

import os
import time
import xml.etree.ElementTree as xml

import numpy as np
import pytest
from gi.repository import GLib

from bus import MANAGER, PROPERTIES, BusError, Segue, options
from files import write_wav

INVALID_ARGS = 'org.freedesktop.DBus.Error.InvalidArgs'
READ_ONLY = 'org.freedesktop.DBus.Error.PropertyReadOnly'
UNKNOWN_OBJECT = 'org.freedesktop.DBus.Error.UnknownObject'


def refused(call, *args, **named):
    """The error a call ends with."""
    with pytest.raises(BusError) as error:
        call(*args, **named)
    return error.value


def interfaces_of(bus, path):
    text = bus.call(path, 'org.freedesktop.DBus.Introspectable', 'Introspect')
    return {i.get('name'): i for i in xml.fromstring(text).iter('interface')}


# ---- what is there

def test_every_object_introspects_with_the_contracts_names(segue):
    node = segue.create('synth')
    buffer = segue.generate('sine')
    manager = interfaces_of(segue.bus, MANAGER)
    assert 'org.freedesktop.DBus.ObjectManager' in manager
    names = {e.get('name') for e in manager['org.segue.Segue1.Manager']}
    assert names >= {
        'CreateNode', 'DestroyNode', 'LoadFile', 'LoadFd', 'ImportSamples', 'Generate', 'BufferReclaimed',
        'Version', 'BytesMax', 'BytesLive', 'BytesPending', 'BytesRetired', 'BuffersLive', 'BuffersReclaimed'}
    at_node = interfaces_of(segue.bus, node.path)
    assert {e.get('name') for e in at_node['org.segue.Segue1.Node']} >= {
        'SetBuffer', 'Clear', 'Cancel', 'Load', 'LoadFd', 'LoadSamples', 'GetClock', 'Finished', 'Name', 'Type',
        'Mode', 'State', 'Ids', 'Rate', 'SwapLead', 'Buffer', 'LastError', 'Quantum', 'Cycles', 'Xruns',
        'Clipped', 'SwapsApplied', 'SwapsSuperseded', 'LastFinished', 'CycleTime', 'Peak', 'Gain', 'Fade',
        'Bypass'}
    assert {e.get('name') for e in at_node['org.segue.Segue1.Source']} >= {'Wave', 'Frequency', 'Trigger'}
    at_buffer = interfaces_of(segue.bus, buffer)
    assert {e.get('name') for e in at_buffer['org.segue.Segue1.Buffer']} >= {
        'Release', 'Kind', 'Channels', 'Rate', 'Frames', 'Bytes', 'PeakGain', 'State', 'Label', 'LastError',
        'Progress'}


def test_busctl_reads_every_object(session, segue):
    node = segue.create('synth')
    buffer = segue.generate('sine')
    for path in MANAGER, node.path, buffer:
        result = session.run('busctl', '--user', 'introspect', 'org.segue.Segue1', path)
        assert result.returncode == 0, result.stderr


def test_properties_have_the_contracts_types(segue):
    node = segue.create('synth')
    types = {}
    for path in MANAGER, node.path, segue.generate('sine'):
        for interface in interfaces_of(segue.bus, path).values():
            types |= {p.get('name'): p.get('type') for p in interface.iter('property')}
    expected = {
        's': 'Version Name Type Mode State LastError Kind Label Loaded Waveform Trigger',
        'o': 'Buffer', 'au': 'Ids', 'b': 'Bypass', 'ddd': 'CycleTime', 'ad': 'Peak',
        'u': 'SwapLead Quantum Channels BuffersLive',
        't': 'Cycles Xruns Clipped SwapsApplied SwapsSuperseded LastFinished Frames Bytes BytesMax BytesLive '
             'BytesPending BytesRetired BuffersReclaimed',
        'd': 'Gain Fade Frequency PeakGain Progress',
    }
    for kind, names in expected.items():
        for name in names.split():
            assert types[name].strip('()') == kind, name


def test_a_nodes_defaults_are_the_contracts(segue):
    node = segue.create('synth')
    expected = {'Name': 'synth', 'Type': 'source', 'Mode': 'dsp', 'State': 'empty', 'Buffer': '/',
                'Gain': 0.25, 'Fade': 0.02, 'Bypass': False, 'Frequency': 440.0, 'Trigger': 'always',
                'SwapLead': 0, 'LastError': '', 'SwapsApplied': 0}
    assert {name: pytest.approx(node.get(name)) if isinstance(value, float) else node.get(name)
            for name, value in expected.items()} == expected


def test_a_generated_buffer_describes_itself(segue):
    buffer = segue.ready(segue.generate('sine', gain=0.5))
    assert segue.buffer(buffer, 'Kind') == 'table'
    assert segue.buffer(buffer, 'Channels') == 1
    assert segue.buffer(buffer, 'PeakGain') == pytest.approx(-6.0206, abs=0.01)
    assert segue.buffer(buffer, 'Bytes') > 0


def test_imported_samples_describe_themselves(segue):
    samples = np.stack([np.linspace(0, 0.5, 1000), np.linspace(0, -0.25, 1000)], axis=1)
    buffer = segue.ready(segue.import_samples(samples, channels=2, rate=44100, label='ramps'))
    assert [segue.buffer(buffer, n) for n in ('Kind', 'Channels', 'Rate', 'Frames', 'Label')] == [
        'sample', 2, 44100, 1000, 'ramps']


# ---- nodes

@pytest.mark.parametrize('name', ['', 'a b', 'x' * 65, 'ä', 'a/b'])
def test_a_bad_name_is_refused(segue, name):
    assert refused(segue.create, name).name == INVALID_ARGS


def test_a_name_that_is_not_a_path_element_is_encoded(segue):
    node = segue.create('2.room-A')
    assert node.path == '/org/segue/Segue1/node/_32_2eroom_2dA'
    assert node.get('Name') == '2.room-A'


def test_a_taken_name_is_refused(segue):
    segue.create('synth')
    assert refused(segue.create, 'synth').name == 'org.segue.Segue1.Error.NameInUse'


def test_an_unknown_type_is_refused(segue):
    assert refused(segue.create, 'synth', kind='sitar').name == INVALID_ARGS


@pytest.mark.parametrize('key, value, name', [
    ('segue.gain', 17.0, INVALID_ARGS), ('segue.gain', -1.0, INVALID_ARGS), ('segue.gain', 'loud', INVALID_ARGS),
    ('segue.fade', 11.0, INVALID_ARGS), ('segue.frequency', 0.0, INVALID_ARGS),
    ('segue.trigger', 'sometimes', INVALID_ARGS), ('segue.nonsense', 1.0, INVALID_ARGS),
    ('segue.status', 'ready', READ_ONLY), ('audio.position', '[ FL XX ]', INVALID_ARGS),
    ('audio.position', '[ ]', INVALID_ARGS)])
def test_a_bad_property_refuses_the_node_and_names_the_key(session, segue, key, value, name):
    error = refused(segue.call, 'CreateNode', '(ssa{sv})', ('source', 'synth', options({key: value})))
    assert error.name == name
    assert key.split('.')[1] in error.message
    assert session.node('synth') is None


def test_the_reply_to_create_comes_when_the_graph_has_the_node(session, segue):
    node = segue.create('synth', audio_position='[ FL FR ]')
    there = session.node('synth')
    assert there is not None
    assert {'synth:output_FL', 'synth:output_FR'} <= set(session.ports())
    assert there['id'] in node.get('Ids')
    assert 'media.class' not in there['info']['props']
    assert there['info']['props'].get('node.description')


def test_a_node_outlives_its_creator(session, segue):
    with session.bus() as other:
        Segue(other).create('synth')
    assert segue.node('synth').get('State') == 'empty'


def test_a_destroyed_node_is_gone_everywhere(session, segue):
    node = segue.create('synth')
    segue.destroy(node)
    assert refused(node.get, 'State').name == UNKNOWN_OBJECT
    assert refused(segue.destroy, node).name == UNKNOWN_OBJECT
    segue.bus.wait_for('InterfacesRemoved', where=lambda path, _: path == node.path)
    assert session.node('synth') is None


def test_settings_are_written_read_and_announced(source):
    since = len(source.bus.signals)
    source.set('Gain', 0.5)
    assert source.get('Gain') == pytest.approx(0.5)
    source.bus.wait_for('PropertiesChanged', source.path, lambda i, changed, _: 'Gain' in changed,
                        since=since)


@pytest.mark.parametrize('name, value', [('Gain', 16.5), ('Gain', -0.1), ('Gain', float('nan')),
                                         ('Fade', 10.1), ('Frequency', 0.001), ('Trigger', 'never')])
def test_a_setting_out_of_range_is_refused_and_changes_nothing(source, name, value):
    before = source.get(name)
    error = refused(source.set, name, value)
    assert error.name == INVALID_ARGS
    assert source.get(name) == before


def test_changes_are_announced_at_most_ten_times_a_second_and_the_last_always(source):
    since, begun = len(source.bus.signals), time.monotonic()
    for k in range(200):
        source.set('Gain', k / 200)
    source.bus.wait_for('PropertiesChanged', source.path, since=since,
                        where=lambda i, changed, _: changed.get('Gain') == pytest.approx(199 / 200))
    told = [1 for path, _, member, args in source.bus.signals[since:]
            if member == 'PropertiesChanged' and 'Gain' in args[1]]
    assert len(told) <= 10 * (time.monotonic() - begun) + 1


def test_the_clock_is_the_drivers(source):
    before = source.recorder.position()
    position, nsec, rate = source.clock()
    assert rate == 48000
    assert before - 256 <= position <= source.recorder.position() + 256     # a cycle may be under way
    assert nsec > 0


def test_a_node_that_never_ran_has_no_clock(segue):
    assert refused(segue.create('synth').clock).name == 'org.segue.Segue1.Error.Disconnected'


# ---- requests

def test_an_unknown_option_is_refused_by_name(source, segue):
    buffer = segue.generate('sine')
    for call in (lambda: source.set_buffer(buffer, sideways=True),
                 lambda: source.wave('sine', sideways=True), lambda: source.clear(sideways=True),
                 lambda: segue.generate('sine', sideways=True)):
        error = refused(call)
        assert error.name == INVALID_ARGS
        assert 'sideways' in error.message


@pytest.mark.parametrize('opts', [{'fade': 'long'}, {'fade': -1.0}, {'fade': 10.5}, {'at': 'now'}, {'late': 2.5},
                                  {'at': 5, 'after': 1.0}])
def test_a_bad_option_is_refused_by_name(source, opts):
    error = refused(source.clear, **opts)
    assert error.name == INVALID_ARGS
    assert any(key in error.message for key in opts)


@pytest.mark.parametrize('number', [GLib.Variant(t, 1) for t in 'ynqiuxtd'])
def test_any_numeric_type_will_do(source, number):
    source.heard(source.wave('sine', gain=number, fade=number))


def test_a_nodes_properties_have_the_type_they_are_written_in(session, segue):
    """A list as strings, a number, a bool."""
    segue.create('synth', audio_position=GLib.Variant('as', ['FL', 'FR', 'FC']), segue_voices=3,
                 segue_bypass=True, segue_gain=0.5)
    node = segue.node('synth')
    assert (node.get('VoicesMax'), node.get('Bypass'), node.get('Gain')) == (3, True, 0.5)
    assert {p for p in session.ports() if p.startswith('synth:out')} == {
        f'synth:output_{channel}' for channel in ('FL', 'FR', 'FC')}


@pytest.mark.parametrize('value, why', [
    (GLib.Variant('as', ['F"L']), "quotes in 'F\"L'"), (GLib.Variant('as', ['FL'] * 500), 'too long'),
    (GLib.Variant('au', [1]), 'wrong type'), (GLib.Variant('aas', [['FL']]), "wrong type 'aas'"),
    (GLib.Variant('t', 2 ** 63), 'out of range')])
def test_a_nodes_property_of_a_type_it_can_not_have_is_refused(segue, value, why):
    error = refused(segue.create, 'synth', audio_position=value)
    assert (error.name, error.message) == (INVALID_ARGS, f'audio.position: {why}')
    assert not [path for path in segue.objects() if '/node/' in path]


@pytest.mark.parametrize('opts, why', [
    ({'fade': GLib.Variant('(d)', (1.0,))}, "fade: wrong type '(d)'"),
    ({'fade': GLib.Variant('t', 2 ** 63)}, 'fade: out of range'),
    ({'channels': GLib.Variant('ad', [0.5])}, 'channels: out of range'),
    ({'channels': GLib.Variant('ai', [-1])}, 'channels: out of range'),
    ({'keep': True}, "no such option 'keep' (")])
def test_an_option_that_can_not_be_is_refused_with_its_name(source, tmp_path, opts, why):
    path = write_wav(tmp_path / 'a.wav', np.zeros(100))
    error = refused(source.load, path, **opts)
    assert error.name == INVALID_ARGS and error.message.startswith(f'synth: {why}')
    if 'channels' not in opts:
        assert refused(source.wave, 'sine', **opts).message.startswith(f'synth: {why}')


def test_a_relative_path_is_refused(segue, source):
    for load, who in (segue.load_file, ''), (source.load, 'synth: '):
        for path in 'hall.wav', '':
            error = refused(load, path)
            assert (error.name, error.message) == (INVALID_ARGS, f'{who}{path}: not an absolute path')


@pytest.mark.parametrize('numbers', [GLib.Variant('a' + t, [1, 0]) for t in 'ynqiuxtd'])
def test_an_array_of_any_numeric_type_will_do(source, tmp_path, numbers):
    source.heard(source.load(write_wav(tmp_path / 'a.wav', np.zeros((100, 2))), channels=numbers))


def test_the_signal_never_precedes_the_reply_that_carries_its_serial(session, segue):
    """On a node that isn't running a swap is applied at once: the race is the tightest there."""
    node = segue.create('synth')
    buffer = segue.ready(segue.generate('sine'))
    for _ in range(50):
        since = len(node.bus.signals)
        reply = node.begin('SetBuffer', '(oa{sv})', (buffer, {}))
        node.bus.wait_until('reply', lambda: reply.done or any(
            member == 'Finished' for _, _, member, _ in node.bus.signals[since:]))
        assert reply.done
        serial, = reply.result()
        assert node.finished(serial).position == 0


def test_serials_grow(source):
    serials = [source.wave('sine') for _ in range(20)]
    assert serials == sorted(set(serials))


def test_cancelling_what_is_over_is_refused(source):
    serial = source.wave('sine')
    source.heard(serial)
    assert refused(source.cancel, serial).name in (UNKNOWN_OBJECT, INVALID_ARGS)


def test_the_65th_scheduled_swap_is_refused(source, segue):
    buffer = segue.generate('sine')
    far = source.recorder.position() + 10 ** 7
    for k in range(64):
        source.set_buffer(buffer, at=far + k)
    assert refused(source.set_buffer, buffer, at=far + 64).name in (
        'org.segue.Segue1.Error.Busy', 'org.freedesktop.DBus.Error.LimitsExceeded')


# ---- buffers

def test_an_object_is_announced_before_the_reply_that_names_it(segue):
    since = len(segue.bus.signals)
    reply = segue.begin('Generate', '(sa{sv})', ('sine', {}))
    segue.bus.wait_until('reply', lambda: reply.done)
    path, = reply.result()
    assert any(member == 'InterfacesAdded' and args[0] == path
               for _, _, member, args in segue.bus.signals[since:])


def test_numbers_of_buffers_count_up_and_are_never_reused(segue):
    numbers = []
    for _ in range(3):
        buffer = segue.ready(segue.generate('sine'))
        numbers.append(int(buffer.rsplit('/', 1)[1]))
        segue.release(buffer)
        segue.bus.wait_for('BufferReclaimed', where=lambda path, *_: path == buffer)
    assert numbers == sorted(set(numbers))


def test_a_released_buffer_is_reclaimed_with_its_bytes(segue):
    buffer = segue.ready(segue.generate('sine'))
    size = segue.buffer(buffer, 'Bytes')
    segue.release(buffer)
    _, told, _ = segue.bus.wait_for('BufferReclaimed', where=lambda path, *_: path == buffer)
    assert told == size
    assert segue.buffers() == {}
    segue.bus.wait_until('no live bytes', lambda: segue.get('BytesLive') == 0)


def test_a_buffer_lives_while_a_node_plays_it(source, segue):
    buffer = segue.generate('sine')
    source.heard(source.set_buffer(buffer, fade=0.0))
    segue.release(buffer)
    assert segue.buffers()[buffer]['State'] == 'live'
    assert source.get('Buffer') == buffer
    source.heard(source.clear(fade=0.0))
    segue.bus.wait_for('BufferReclaimed', where=lambda path, *_: path == buffer)


def test_a_buffer_goes_with_its_client(session, segue):
    other = session.bus()
    kept = Segue(other).generate('saw', keep=True)
    lost = segue.ready(Segue(other).generate('sine'))
    other.close()
    segue.bus.wait_for('BufferReclaimed', where=lambda path, *_: path == lost)
    assert list(segue.buffers()) == [kept]
    segue.release(kept)
    segue.bus.wait_for('BufferReclaimed', where=lambda path, *_: path == kept)


def test_the_same_file_is_one_buffer_for_all_who_loaded_it(session, segue, tmp_path):
    path = tmp_path / 'a.wav'
    write_wav(path, np.zeros(1000, 'f4'))
    with session.bus() as bus:
        first, second = segue.load_file(path), Segue(bus).load_file(path)
        assert first == second
        assert segue.load_file(path, gain=0.5) != first
    assert first in segue.buffers()


def test_someone_elses_buffer_is_not_released(session, segue):
    buffer = segue.generate('sine')
    with session.bus() as bus:
        with pytest.raises(BusError):
            Segue(bus).release(buffer)
    assert buffer in segue.buffers()


@pytest.mark.parametrize('name', [b'caf\xe9.wav', b'\xff' * 200 + b'.wav', 'ä'.encode() * 120 + b'x.wav',
                                  '\ufdd0\ufffe\U0010ffff.wav'.encode()])
def test_a_file_may_have_any_name(source, segue, tmp_path, name):
    """The bus cuts off who sends it anything but UTF-8, be it a whole name or one that was cut short; and sd-bus
    sends nothing that never is to be a character."""
    path = os.path.join(os.fsencode(tmp_path), name)
    os.rename(write_wav(tmp_path / 'a.wav', np.zeros(1000, 'f4')), path)
    with open(path, 'rb') as f:
        source.heard(source.load_fd(f.fileno()))
        assert '.wav' in segue.buffer(segue.load_fd(f.fileno()), 'Label')
    os.truncate(path, 0)
    with open(path, 'rb') as f:
        assert refused(source.load_fd, f.fileno()).message.startswith('synth: ')
    assert source.get('State') == 'running'


def test_a_text_is_read_back_whole_however_long_it_is(source, tmp_path):
    wave = 'harmonics:' + ','.join(f'0.{k:03}' for k in range(1, 200))
    source.heard(source.wave(wave))
    assert source.bus.get(source.path, source.SOURCE, 'Waveform') == wave
    folder = tmp_path / ('ä' * 100) / ('x' * 200) / ('y' * 200)
    folder.mkdir(parents=True)
    path = write_wav(folder / 'a.wav', np.zeros(1000, 'f4'))
    source.heard(source.load(path))
    assert source.get('Loaded') == str(path)


def test_an_unknown_buffer_is_refused(source):
    assert refused(source.set_buffer, '/org/segue/Segue1/buffer/12345').name == UNKNOWN_OBJECT


def test_descriptors_are_not_kept_open(session, source, segue, tmp_path):
    path = tmp_path / 'a.wav'
    write_wav(path, np.zeros(1000, 'f4'))
    count = lambda: len(os.listdir(f'/proc/{session.processes["service"].pid}/fd'))   # noqa: E731
    with open(path, 'rb') as f:
        source.heard(source.load_fd(f.fileno()))
        before = count()
        for _ in range(20):
            source.heard(source.load_fd(f.fileno()))
    segue.bus.wait_until('as many descriptors as before', lambda: count() <= before)


def test_a_second_service_goes_on_without_the_name(session, segue):
    process = session.start('second', ['pipewire', '-c', 'segue.conf'], session._sanitizer_env('second'))
    segue.bus.wait_until('log line', lambda: 'org.segue.Segue1' in process.text())
    assert process.alive()
    assert segue.get('Version')


def test_get_all_reads_what_each_property_reads(source):
    values = source.bus.call(source.path, PROPERTIES, 'GetAll', '(s)', ('org.segue.Segue1.Node',))
    assert values['Name'] == 'synth'
    assert len(values['CycleTime']) == 3
    assert len(values['Peak']) == 1

