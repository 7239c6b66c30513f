# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""How it is started: own process, inside the daemon, without the module, and badly configured."""

import pathlib

import numpy as np
import pytest

from bus import Segue
from files import write_wav
from fixture import ROOT, wait_until
from recording import Recorder
from versions import before, since

NODES = '''
segue.nodes = [
    { type = source  node.name = synth  audio.position = [ FL FR ]  segue.wave = sine  segue.gain = 1.0 }
    { type = source  node.name = empty  audio.position = [ MONO ] }
]
'''
MODULE = '{ name = libpipewire-module-segue  flags = [ ifexists nofail ] }'
IN_DAEMON = f'context.modules = [ {MODULE} ]\n'
FACTORY = '''
context.spa-libs = { segue.* = segue/libspa-segue }
context.objects = [ { factory = spa-node-factory args = {
    factory.name = segue.source  node.name = raw  audio.position = [ MONO ]
    segue.wave = square  segue.gain = 1.0 } } ]
'''


def loudest(recorder, channel=0):
    recorder.wait_for_frames(9600)
    take = recorder.take(channel)
    return np.abs(take[take.end - 4800:]).max()


def wait_until_heard(session, *ports):
    """The sound is made by a worker, and the test's driver may outrun it."""
    recorder = Recorder(session, list(ports))
    wait_until('sound', lambda: loudest(recorder) > 0.9)


def test_nodes_of_the_configuration_play_at_once(session):
    session.start_service(NODES)
    recorder = Recorder(session, ['synth:output_FL', 'synth:output_FR', 'empty:output_MONO'])
    assert loudest(recorder, 0) > 0.9
    assert loudest(recorder, 1) > 0.9
    assert loudest(recorder, 2) == 0.0
    with session.bus() as bus:
        assert Segue(bus).node('empty').get('State') == 'empty'


def test_a_file_of_the_configuration_plays(session, tmp_path):
    path = write_wav(tmp_path / 'a.wav', np.full(4800, 0.5))
    session.start_service('segue.nodes = [ { type = source  node.name = synth  audio.position = [ MONO ]\n'
                          f'  segue.gain = 1.0  segue.load = {{ file = "{path}"  loop = forward }} }} ]')
    assert loudest(Recorder(session, ['synth:output_MONO'])) == pytest.approx(0.5, abs=1e-3)


def test_a_bad_entry_is_one_error_line_and_the_rest_starts(session):
    service = session.start_service('''
segue.nodes = [
    { type = sitar   node.name = a }
    { type = source  node.name = b  segue.gain = 99 }
    { type = source  node.name = "a name with spaces" }
    { type = source }
    { type = source  node.name = synth }
    { type = source  node.name = synth }
]''')
    with session.bus() as bus:
        assert [p.rsplit('/', 1)[1] for p in Segue(bus).objects() if '/node/' in p] == ['synth']
    errors = [line for line in service.text().splitlines() if line.startswith('[E]')]
    assert len(errors) == 5, errors


@before(1, 4)
@pytest.mark.parametrize('bad', ['{ type = source  node.name = a  audio.position = [ FL }',
                                 '{ type = source  node.name = a  audio.position = [ FL',
                                 '{ type = source  node.name = a', '[ FL }'])
def test_a_bracket_that_does_not_match_spoils_its_entry_alone(session, bad):
    service = session.start_service('context.properties = { }\nsegue.nodes = [ { type = source  node.name = first }\n'
                                    f'{bad}\n{{ type = source  node.name = last }} ]\n')
    with session.bus() as bus:
        assert [p.rsplit('/', 1)[1] for p in Segue(bus).objects() if '/node/' in p] == ['first', 'last']
    errors = [line for line in service.text().splitlines() if line.startswith('[E]')]
    assert len(errors) == 1 and bad.splitlines()[0] in errors[0], errors


@since(1, 4)
def test_a_file_whose_brackets_do_not_match_is_refused_by_pipewire(session):
    service = session.start_service('segue.nodes = [ { type = source  node.name = a  audio.position = [ FL } ]\n')
    with session.bus() as bus:
        assert Segue(bus).get('BuffersLive') == 0
    assert [line for line in service.text().splitlines() if 'error in config' in line and 'test.conf' in line]


@before(1, 4)
@pytest.mark.parametrize('properties', ['{ load.paths = [ /a  dbus.name = org.example.Segue }', '{ dbus = false ]'])
def test_properties_whose_brackets_do_not_match_are_not_read(session, properties):
    service = session.start_service(f'segue.properties = {properties}\n')
    assert [line for line in service.text().splitlines() if line.startswith('[E]') and 'segue.properties' in line]


def test_a_sound_of_the_configuration_that_cannot_be_had_is_one_line_of_the_log(session):
    service = session.start_service('segue.nodes = [ { type = source  node.name = synth  segue.load = "/no/such.wav" } ]')
    with session.bus() as bus:
        node = Segue(bus).node('synth')
        bus.wait_until('failure', lambda: node.get('State') == 'failed')
    lines = [line for line in service.text().splitlines() if 'such.wav' in line]
    assert len(lines) == 1 and 'synth: such.wav: no such file' in lines[0], lines


def test_fragments_are_read_together(session):
    session._write('segue.conf.d/60-more.conf', 'segue.nodes = [ { type = source  node.name = more } ]')
    session.start_service('segue.nodes = [ { type = source  node.name = synth } ]')
    with session.bus() as bus:
        assert {Segue(bus).node(n).get('Name') for n in ('synth', 'more')} == {'synth', 'more'}


def test_without_dbus_it_plays_all_the_same(session):
    session.start_service('segue.properties = { dbus = false }\n' + NODES, wait=False)
    wait_until_heard(session, 'synth:output_FL')
    with session.bus() as bus:
        assert not bus.has_owner('org.segue.Segue1')


def test_another_bus_name(session):
    service = session.start_service('segue.properties = { dbus.name = org.example.Segue }', wait=False)
    session.wait_for_name('org.example.Segue', service)


@pytest.mark.session(fragment=IN_DAEMON + NODES)
def test_inside_the_daemon(session):
    session.wait_for_name('org.segue.Segue1', session.processes['pipewire'])
    wait_until_heard(session, 'synth:output_FL')
    with session.bus() as bus:
        segue = Segue(bus)
        node = segue.create('second', audio_position='[ MONO ]')
        node.finished(node.wave('saw'))
        segue.destroy(node)


BAD_NODES = '''
segue.nodes = [
    { type = source  node.name = one  segue.gain = 0.5 }
    { type = source  node.name = one }
    { type = source  node.name = two  segue.gain = 0.5 }
    { type = source  node.name = two  segue.gain = 1.5  override = true }
    { type = organ  node.name = a }
    { node.name = b }
    { type = source }
    { type = source  node.name = "c d" }
    { type = source  node.name = e  segue.gain = 99 }
    { type = source  node.name = f  segue.gian = 1 }
    { type = source  node.name = g  segue.load = "a.wav" }
    { type = source  node.name = h  segue.wave = organ }
    { type = convolver  node.name = i  segue.wave = saw }
    { type = source  node.name = j  segue.mode = attic }
    { type = source  node.name = k  audio.position = [ FL FL ] }
    saw
    { type = source  node.name = three }
]
'''
REFUSED = [
    'one: the name is taken', "a: type: 'organ' is neither source nor convolver", 'b: type: missing',
    'node.name: missing', "node.name: 'c d' isn't 1 to 64 of A-Z a-z 0-9 . _ -",
    'e: segue.gain: 99 is out of range (0 to 16 linear)', 'f: segue.gian: no such property',
    'g: a.wav: the path must begin with /', 'h: organ: no such waveform', 'i: segue.wave: no such property',
    "j: segue.mode: 'attic' is none of dsp, sink, mic, stream", "k: audio.position: [ FL FL ] isn't a list of channels",
    "'saw' isn't an object"]


def complaints(session):
    lines = session.processes['service'].text().splitlines()
    return [line for line in lines if line.startswith(('[E]', '[W]')) and 'segue' in line]


def test_each_bad_entry_is_one_error_and_the_rest_starts(session):
    session.start_service(BAD_NODES)
    with session.bus() as bus:
        nodes = {name: Segue(bus).node(name) for name in ('one', 'two', 'three')}
        assert nodes['one'].get('Gain') == 0.5 and nodes['two'].get('Gain') == 1.5
        assert len([path for path in Segue(bus).objects() if '/node/' in path]) == 3
    told = complaints(session)
    assert len(told) == len(REFUSED), told
    for line, text in zip(told, REFUSED):
        assert line.startswith('[E]') and text in line


def test_a_bad_property_is_one_error_and_has_its_default(session):
    session.start_service('segue.properties = { dbus = maybe  dbus.name = "no name"  memory.max = 3x\n'
                          '    props.load = often  load.path = [ "/" ] }')
    with session.bus() as bus:
        assert Segue(bus).get('BytesMax') == 1 << 30
    told = complaints(session)
    assert len(told) == 5, told
    for text in ("ignoring unknown key 'load.path'", "dbus = 'maybe' isn't true or false",
                 "dbus.name = 'no name' isn't a bus name", "memory.max = '3x' isn't a size such as 1G",
                 "props.load = 'often' isn't false, true or paths"):
        assert any(text in line for line in told), text


def test_nodes_that_are_no_list_are_refused(session):
    session.start_service('segue.nodes = { type = source  node.name = synth }')
    assert [line for line in complaints(session) if "segue.nodes isn't an array" in line]


def test_without_the_plugin_the_module_says_so(session):
    session.env = session.env | {'SPA_PLUGIN_DIR': session.env['SPA_PLUGIN_DIR'].split(':')[-1]}
    service = session.start_service(wait=False)
    service.expected = {254}    # -ENOENT, as PipeWire says it
    wait_until('end', lambda: not service.alive())
    assert "can't load segue/libspa-segue" in service.text()


@pytest.mark.session(fragment=IN_DAEMON + NODES)
def test_a_node_taken_out_of_the_daemon_is_gone(session):
    session.wait_for_name('org.segue.Segue1', session.processes['pipewire'])
    session.run('pw-cli', 'destroy', session.node_id('empty'))
    with session.bus() as bus:
        segue = Segue(bus)
        bus.wait_until('end', lambda: not any(path.endswith('/empty') for path in segue.objects()))
        bus.wait_until('sound', lambda: segue.node('synth').get('Label') == 'sine')


@pytest.mark.session(fragment=(ROOT / 'module/50-segue.conf').read_text())
def test_the_daemons_example_as_shipped(session):
    session.wait_for_name('org.segue.Segue1', session.processes['pipewire'])


@pytest.mark.session(fragment=f'context.modules = [ {MODULE} {MODULE} ]')
def test_a_second_module_in_one_process_is_refused(session):
    wait_until('error line', lambda: any(
        line.startswith('[E]') and 'segue' in line for line in session.processes['pipewire'].text().splitlines()))
    session.wait_for_name('org.segue.Segue1', session.processes['pipewire'])


@pytest.mark.session(fragment=FACTORY)
def test_the_factory_works_without_our_module(session):
    recorder = Recorder(session, ['raw:output_MONO'])
    wait_until('sound', lambda: loudest(recorder) > 0.9)
    session.set_props(session.node_id('raw'), **{'segue.wave': 'silence'})
    wait_until('silence', lambda: loudest(recorder) == 0.0)


@pytest.mark.plain
def test_spa_inspect_lists_the_factories(session):
    """It crashes once it makes an instance, of any sound library: the list comes before."""
    result = session.run('spa-inspect', pathlib.Path(session.path / 'spa/segue/libspa-segue.so'))
    assert 'segue.source' in result.stdout
    assert 'error' not in result.stderr.lower()


def test_wireplumber_leaves_the_raw_node_alone(session):
    session.start_wireplumber()
    session.start_service(NODES)
    recorder = Recorder(session, ['synth:output_FL'])
    assert loudest(recorder) > 0.9
    links = session.run('pw-link', '-l').stdout
    assert 'test-sink:playback' not in links.split('synth:output_FL', 1)[-1].split('synth:output_FR', 1)[0]


def test_the_service_logs_nothing_alarming_in_a_quiet_life(session, source):
    source.heard(source.wave('sine'))
    lines = session.processes['service'].text().splitlines()
    assert [line for line in lines if line.startswith(('[E]', '[W]')) and 'segue' in line] == []
