# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""pw-cli's way in: PropInfo, Props, and the fence around paths."""

import json

import numpy as np
import pytest

from files import write_wav
from fixture import ROOT, wait_until
from recording import Recorder

KEYS = ['segue.gain', 'segue.fade', 'segue.bypass', 'segue.load', 'segue.wave', 'segue.frequency',
        'segue.trigger', 'segue.status']


def param(session, name, kind):
    """A node's params of one kind, as pw-dump reads them."""
    return session.node(name)['info']['params'].get(kind, [])


def props(session, name='synth'):
    """The Props' key and value pairs."""
    for p in param(session, name, 'Props'):
        if 'params' in p:
            items = p['params']
            return dict(zip(items[::2], items[1::2]))
    return {}


def set_until(session, key, value, expected):
    session.set_props(session.node_id('synth'), **{key: value})
    wait_until(f'{key} = {expected}', lambda: props(session).get(key) == expected)


def test_propinfo_lists_every_key_with_type_and_default(session, segue):
    segue.create('synth')
    listed = {p.get('name'): p for p in param(session, 'synth', 'PropInfo')}
    assert set(KEYS) <= set(listed)
    gain = listed['segue.gain']
    assert gain['params'] is True
    assert gain['type'] == pytest.approx({'default': 0.25, 'min': 0.0, 'max': 16.0})


def test_the_manual_page_has_every_key(session, segue):
    segue.create('synth')
    segue.create('room', 'convolver')
    page = (ROOT / 'man/segue.conf.5').read_text()
    keys = {p['name'] for node in ('synth', 'room') for p in param(session, node, 'PropInfo')
            if p.get('name', '').startswith('segue.')}
    assert keys > set(KEYS)
    assert {key for key in keys if f'Va {key}' not in page} == {'segue.status'}     # which isn't set


def test_pw_cli_enumerates_them_cleanly(session, segue):
    segue.create('synth')
    for kind in 'PropInfo', 'Props':
        result = session.run('pw-cli', 'enum-params', session.node_id('synth'), kind)
        assert result.returncode == 0
        assert 'error' not in (result.stdout + result.stderr).lower()


def test_props_are_read_by_their_keys(session, segue):
    segue.create('synth', segue_gain=0.5)
    values = props(session)
    assert set(KEYS) <= set(values)
    assert values['segue.gain'] == pytest.approx(0.5)
    assert values['segue.frequency'] == pytest.approx(440)


@pytest.mark.parametrize('key, value, bus_name', [
    ('segue.gain', 0.5, 'Gain'), ('segue.gain', 1, 'Gain'), ('segue.fade', 0.25, 'Fade'),
    ('segue.frequency', 220, 'Frequency'), ('segue.bypass', True, 'Bypass')])
def test_a_setting_arrives_from_pw_cli_and_is_seen_on_the_bus(session, segue, key, value, bus_name):
    node = segue.create('synth')
    session.set_props(session.node_id('synth'), **{key: value})
    wait_until(bus_name, lambda: node.get(bus_name) == pytest.approx(value))
    wait_until('Props', lambda: props(session)[key] == pytest.approx(value))


def test_a_setting_from_the_bus_is_seen_by_pw_cli(session, segue):
    segue.create('synth').set('Gain', 0.75)
    wait_until('Props', lambda: props(session)['segue.gain'] == pytest.approx(0.75))


def test_a_bad_value_is_refused_and_changes_nothing(session, segue):
    node = segue.create('synth')
    for value in 17.0, -1.0, 'loud':
        session.set_props(session.node_id('synth'), **{'segue.gain': value})
    session.set_props(session.node_id('synth'), **{'segue.fade': 0.5})
    wait_until('the good one', lambda: node.get('Fade') == pytest.approx(0.5))
    assert node.get('Gain') == pytest.approx(0.25)


def test_what_was_refused_is_told_until_something_is_not(session, segue):
    node = segue.create('synth')
    set_until(session, 'segue.gain', 17.0, pytest.approx(0.25))
    wait_until('status', lambda: props(session)['segue.status'] ==
               'failed: segue.gain: 17 is out of range (0 to 16 linear)')
    assert node.get('LastError') == 'segue.gain: 17 is out of range (0 to 16 linear)'
    set_until(session, 'segue.gain', 0.5, pytest.approx(0.5))
    wait_until('status', lambda: props(session)['segue.status'] == 'empty')
    assert node.get('LastError') == ''


def test_a_failed_load_is_told_whatever_else_is_set(session, source, wav):
    session.set_props(session.node_id('synth'), **{'segue.load': f'{wav.parent}/missing.wav'})
    failed = 'failed: missing.wav: no such file'
    wait_until('status', lambda: props(session)['segue.status'] == failed)
    set_until(session, 'segue.gain', 0.5, pytest.approx(0.5))
    assert props(session)['segue.status'] == failed


def test_an_unknown_key_is_ignored(session, segue):
    node = segue.create('synth')
    session.set_props(session.node_id('synth'), **{'channelmix.upmix': True, 'segue.gain': 0.5})
    wait_until('the known one', lambda: node.get('Gain') == pytest.approx(0.5))


def test_a_wave_is_asked_for_and_read_back(session, source):
    set_until(session, 'segue.wave', 'sine', 'sine')
    source.recorder.wait_for_frames(9600)
    take = source.recorder.take()
    assert np.abs(take[take.end - 4800:]).max() > 0.9
    assert props(session)['segue.status'].startswith('ready')


def test_a_wave_that_does_not_exist_fails_in_the_status(session, source):
    source.heard(source.wave('sine'))
    session.set_props(session.node_id('synth'), **{'segue.wave': 'sinus'})
    wait_until('LastError', lambda: 'sinus' in source.get('LastError'))
    assert source.get('State') == 'running'


@pytest.fixture
def wav(session):
    """A file where paths are allowed by default: below the user's music."""
    music = session.path / 'home/Music'
    music.mkdir()
    return write_wav(music / 'tone.wav', np.full(48000, 0.5))


def test_a_path_below_the_users_music_is_loaded(session, source, wav):
    session.set_props(session.node_id('synth'), **{'segue.load': str(wav)})
    wait_until('status', lambda: props(session)['segue.status'] == 'ready tone.wav')
    assert props(session)['segue.load'] == str(wav)


@pytest.mark.parametrize('text', ['[ "{wav}" "{wav}" ]', '{{ rates = [ "{wav}" ] gain = 0.5 }}'])
def test_what_is_heard_reads_back_as_it_was_asked_for(session, source, wav, text):
    session.set_props(session.node_id('synth'), **{'segue.load': text.format(wav=wav)})
    wait_until('status', lambda: props(session)['segue.status'] == 'ready tone.wav')
    assert props(session)['segue.load'] == text.format(wav=wav)


def test_a_memfd_is_called_what_its_maker_calls_it(session, source):
    source.heard(source.load_samples(np.full(480, 0.5), channels=1, rate=48000))
    wait_until('status', lambda: props(session)['segue.status'] == 'ready samples')
    assert props(session)['segue.load'] == ''


@pytest.mark.parametrize('text', [
    '{{ file = "{wav}" channels = [ 0 x ] }}', '{{ file = "{wav}" channels = [ 0.5 ] }}',
    '{{ file = "{wav}" gian = 1 }}', '{{ gain = 1 }}', '[ ]', '[ "{wav}" {{ }} ]', 'tone.wav'])
def test_a_bad_load_is_refused_whole(session, source, wav, text):
    source.heard(source.wave('sine'))
    session.set_props(session.node_id('synth'), **{'segue.load': text.format(wav=wav)})
    wait_until('refusal', lambda: source.get('LastError') != '')
    assert source.get('SwapsApplied') == 1


@pytest.mark.parametrize('path', ['/etc/passwd', '/tmp/../etc/passwd', '{home}/Music/../../x.wav',
                                  '{home}/Music/link.wav'])
def test_a_path_outside_is_refused(session, source, wav, path):
    source.heard(source.wave('sine'))
    (wav.parent / 'link.wav').symlink_to('/etc/passwd')
    asked = path.format(home=session.path / 'home')
    session.set_props(session.node_id('synth'), **{'segue.load': asked})
    wait_until('refusal', lambda: source.get('LastError') != '')
    assert source.get('State') == 'running'


def test_props_load_false_refuses_every_path(session, wav):
    session.start_service('segue.properties = { props.load = false }\n'
                          'segue.nodes = [ { type = source  node.name = synth } ]')
    session.set_props(session.node_id('synth'), **{'segue.load': str(wav)})
    wait_until('refusal', lambda: props(session)['segue.status'].startswith('failed'))


def test_load_paths_replace_the_built_in_ones(session, tmp_path, wav):
    allowed = write_wav(tmp_path / 'allowed.wav', np.zeros(100))
    session.start_service(f'segue.properties = {{ load.paths = [ "{tmp_path}" ] }}\n'
                          'segue.nodes = [ { type = source  node.name = synth } ]')
    session.set_props(session.node_id('synth'), **{'segue.load': str(wav)})
    wait_until('refusal', lambda: props(session)['segue.status'].startswith('failed'))
    session.set_props(session.node_id('synth'), **{'segue.load': str(allowed)})
    wait_until('status', lambda: props(session)['segue.status'] == 'ready allowed.wav')


def test_volume_and_mute_work_on_the_raw_node(session, source):
    source.heard(source.wave('sine', gain=1.0, fade=0.0))
    node_id = session.node_id('synth')

    def level():
        source.recorder.wait_for_frames(9600)
        take = source.recorder.take()
        return np.abs(take[take.end - 4800:]).max()

    for text, expected in (('{ volume = 0.5 }', 0.5), ('{ channelVolumes = [ 0.5 ] }', 0.25),
                           ('{ mute = true }', 0.0), ('{ mute = false }', 0.25)):
        session.run('pw-cli', 'set-param', node_id, 'Props', text)
        assert level() == pytest.approx(expected, abs=1e-3), text


def test_no_step_is_heard_when_a_gain_changes(source):
    source.set('Frequency', 375.0)
    position = source.heard(source.wave('sine', gain=1.0, fade=0.0))
    source.recorder.wait_for_frames(2400)
    source.set('Gain', 0.1)
    source.set('Bypass', True)
    source.recorder.wait_for_frames(9600)
    samples = source.recorder.take()[position:]
    # a sine at full level moves by 2 pi / 128 a frame at most
    assert np.abs(np.diff(samples)).max() < 2 * np.pi / 128 * 1.1
    assert not samples[-1000:].any()


def test_pw_dump_of_the_whole_graph_is_valid(session, segue):
    segue.create('synth')
    assert json.loads(session.run('pw-dump').stdout)
    Recorder(session, ['synth:output_FL'])
