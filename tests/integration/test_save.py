# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""What seguectl save writes is heard again after a restart, and nothing is lost on the way."""

import functools
import json
import os
import stat

import numpy as np
import pytest
from gi.repository import GLib

from bus import BusError, Segue, memfd
from chain import RATE, Chain, white
from convolution import error_db
from files import write_float_wav, write_wav
from fixture import wait_until
from recording import Recorder
from shell import DONE, FAILED, NO_SERVICE

DBUS = 'org.freedesktop.DBus.Error.'
MODULE = '{ name = libpipewire-module-segue  flags = [ ifexists nofail ] }'


def saved_path(session):
    return session.path / 'config/pipewire/segue.conf.d/90-saved.conf'


@pytest.fixture
def save(ctl):
    """Run seguectl save and check its exit status; its output, or what it complained of."""
    return functools.partial(ctl, 'save')


@pytest.fixture
def restart(session):
    """Stop the service and start it again as its configuration says: seen by a new client."""
    buses = []

    def again(fragment=None):
        for name in 'recorder', 'service':
            if name in session.processes:
                assert session.processes[name].stop() is None
        session.start_service(fragment)
        buses.append(session.bus())
        return Segue(buses[-1])
    yield again
    for bus in buses:
        bus.close()


def settled(node):
    """The node, once what it was configured with is heard."""
    node.bus.wait_until('sound', lambda: node.get('State') in ('idle', 'running'))
    return node


def complaints(session):
    return [line for line in session.processes['service'].text().splitlines() if line.startswith(('[E]', '[W]'))]


def wavs(session):
    return sorted(p.name for p in saved_path(session).parent.glob('*.wav'))


# ---- heard again

def test_a_convolver_is_heard_again(session, segue, save, restart):
    """With a response that no file has, two of its settings changed."""
    chain = Chain(session, segue)
    response, paths = chain.response(0.3, n_channels=4)
    chain.swap(response, paths)
    chain.room.set('Gain', 0.7)
    chain.room.set('Dry', 0.25)
    segue.destroy(chain.player)
    assert save() == f'{saved_path(session)}\n'

    segue = restart()
    chain = Chain(session, segue, room=settled(segue.node('room')))
    chain.recorder.wait_for_position(chain.play() + RATE // 2)
    _, heard, out = chain.split()
    assert error_db(out, 0.7 * (heard.convolved(paths) + 0.25 * heard.signal)) < -100
    assert chain.room.get('Gain') == 0.7


def heard(session, frames=RATE // 2):
    recorder = Recorder(session, ['synth:output_MONO'])
    recorder.wait_for_frames(frames)
    take = recorder.take()
    return take[take.end - frames:]


PERIOD = np.random.default_rng(3).uniform(-0.5, 0.5, (200, 1)).astype('f4')


def from_memory(node, path):
    node.heard(node.load_samples(PERIOD, channels=1, rate=RATE, loop='forward'))


def from_memory_as_a_table(node, path):
    node.heard(node.load_samples(PERIOD, channels=1, rate=RATE, kind='table'))


def from_an_open_file(node, path):
    with open(path, 'rb') as f:
        node.heard(node.load_fd(f.fileno(), gain=0.1, loop='forward', offset=0.001))


def from_a_file_that_is_gone(node, path):
    with open(path, 'rb') as f:
        os.unlink(path)
        node.heard(node.load_fd(f.fileno(), loop='forward'))


def by_its_path(node, path):
    node.heard(node.load(path, normalize='peak', loop='forward', label='a # name = "of" its own'))


def from_options(node, path):
    node.heard(node.load(f'{{ file = {json.dumps(str(path))} loop = forward }}', gain=0.3))


def generated(node, path):
    node.heard(node.wave('pink', seconds=0.1, seed=7, gain=0.3))


def generated_for_keys(node, path):
    node.heard(node.wave('harmonics:1,0.5,0.25', gain=0.9))


@pytest.mark.parametrize('ask', [from_memory, from_memory_as_a_table, from_an_open_file, from_a_file_that_is_gone,
                                 by_its_path, from_options, generated, generated_for_keys])
def test_a_source_is_heard_again(session, segue, save, restart, tmp_path, ask):
    """The same period, which may begin anywhere."""
    path = write_float_wav(tmp_path / 'a name = { of "a file".wav', np.tile(PERIOD, (2, 1)))
    node = segue.create('synth', audio_position='[ MONO ]', segue_gain=0.9, segue_frequency=375.0)
    ask(node, path)
    label, before = node.get('Label'), heard(session)
    save()

    node = settled(restart().node('synth'))
    after = heard(session)
    assert node.get('Label') == label
    assert np.abs(before).max() > 0.01
    shift = np.argmin([np.abs(np.roll(after, -n)[:800] - before[:800]).max() for n in range(9600)])
    assert error_db(after[shift:shift + 9600], before[:9600]) < -100
    assert complaints(session) == []


def test_settings_and_pipewires_own_properties_come_back(session, segue, save, restart):
    segue.create('keys', audio_position=GLib.Variant('as', ['FL', 'FR', 'LFE']), node_latency='256/48000',
                 node_description='A "synthesizer" # of mine', segue_trigger='notes', segue_attack=0.1)
    node = segue.node('keys')
    for name, value in ('Channel', 10), ('Release', 1 / 3), ('Bypass', True), ('Attack', 0.005):
        node.set(name, value)
    segue.create('room', 'convolver', segue_ir_max=1.5, segue_latency='auto',
                 capture_props='{ audio.position = [ FL FR FC ] }', playback_props='{ audio.position = [ FL FR ] }')
    before = {n: segue.node(n).bus.get_all(segue.node(n).path, '') for n in ('keys', 'room')}
    save()
    path = saved_path(session)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert 'segue.attack' not in path.read_text() and 'segue.trigger = notes' in path.read_text()

    segue = restart()
    for name, values in before.items():
        after = segue.bus.get_all(segue.node(name).path, '')
        same = values.keys() - {'Ids', 'CycleTime', 'Cycles', 'Quantum', 'Rate', 'LastFinished', 'State'}
        assert {k: after[k] for k in same} == {k: values[k] for k in same}
    props = session.node('keys')['info']['props']
    assert props['node.description'] == 'A "synthesizer" # of mine'
    assert props['node.latency'] == '256/48000'
    assert {'keys:output_LFE', 'room:input_FC', 'room:output_FR'} <= set(session.ports())
    assert 'override' not in props
    assert complaints(session) == []


def test_what_a_mixer_has_set_comes_back(session, segue, save, restart):
    node = segue.create('synth', audio_position='[ FL FR ]', segue_gain=1.0, segue_frequency=375.0)
    node.heard(node.wave('square'))
    id = session.node_id('synth')
    for text in '{ volume = 0.5 }', '{ channelVolumes = [ 1.0 0.25 ] }', '{ mute = true }', '{ mute = false }':
        session.run('pw-cli', 'set-param', id, 'Props', text, check=True)
    save()
    settled(restart().node('synth'))
    recorder = Recorder(session, ['synth:output_FL', 'synth:output_FR'])
    recorder.wait_for_frames(9600)
    end = recorder.position()
    left, right = (recorder.take(c)[end - 4800:end] for c in (0, 1))
    assert np.abs(left).max() == pytest.approx(0.5, rel=0.3)
    assert error_db(right, 0.25 * left) < -100
    assert complaints(session) == []


def test_a_device_comes_back_with_its_sound_and_its_volume(session, save, restart):
    session.start_wireplumber()
    segue = restart()
    room = segue.create('room', 'convolver', segue_mode='sink', playback_props='{ node.name = to-speakers }')
    room.heard(room.load_samples(PERIOD, channels=1, rate=RATE))
    session.run('wpctl', 'set-volume', room.get('Ids')[0], 0.5, check=True)
    segue.bus.wait_until('volume', lambda: 'Volume: 0.50' in
                         session.run('wpctl', 'get-volume', room.get('Ids')[0]).stdout)
    save()
    room = settled(restart().node('room'))
    room.bus.wait_until('ids', lambda: len(room.get('Ids')) == 2)
    assert (room.get('Mode'), room.get('Label')) == ('sink', 'samples')
    wait_until('volume', lambda: session.run('wpctl', 'get-volume', room.get('Ids')[0]).stdout == 'Volume: 0.50\n')
    assert session.node('to-speakers')
    assert complaints(session) == []


@pytest.mark.parametrize('entry, named', [('volume = loud', 'volume: must be'), ('mute = 3', 'mute: must be'),
                                          ('volume = -1', 'volume: -1 is out of range (0 to 16)'),
                                          ('channelVolumes = 1', 'channelVolumes: must be'),
                                          ('channelVolumes = [ 1 x ]', 'channelVolumes: must be'),
                                          ('channelVolumes = [ 1 17 ]', 'channelVolumes: 17 is out of range')])
def test_a_wrong_volume_in_an_entry_is_named(session, restart, entry, named):
    restart(f'segue.nodes = [ {{ type = source  node.name = synth  {entry} }} ]')
    complaint, = complaints(session)
    assert f'synth: {named}' in complaint


@pytest.mark.parametrize('fragment', ['50-test.conf', '95-test.conf'])
def test_what_was_saved_stands_where_another_fragment_has_the_node_too(session, save, restart, fragment):
    """Whichever is read first."""
    session._write(f'segue.conf.d/{fragment}', '''segue.nodes = [
        { type = source  node.name = synth  audio.position = [ MONO ]  segue.wave = noise  segue.gain = 1.0
          segue.fade = 1.0 }
        { type = source  node.name = other  segue.wave = sine } ]''')
    node = settled(restart().node('synth'))
    node.set('Gain', 0.5)
    node.set('Fade', 0.02)
    node.heard(node.wave('square'))
    save()
    again = restart()
    node = settled(again.node('synth'))
    assert (node.get('Gain'), node.get('Fade'), node.get('Label')) == (0.5, 0.02, 'square')
    assert settled(again.node('other')).get('Label') == 'sine'
    assert complaints(session) == []


def test_a_node_that_was_destroyed_stays_away(session, save, restart):
    """Also after another save; but not when its own fragment was the only one to have it."""
    fragment = 'segue.nodes = [ { type = source  node.name = synth } { type = source  node.name = other } ]'
    segue = restart(fragment)
    segue.create('third')
    save()
    segue = restart()
    for name in 'synth', 'third':
        segue.destroy(segue.node(name))
    for _ in range(2):
        save()
        assert saved_path(session).read_text().count('type = none') == 1
        segue = restart()
        assert segue.node('other')
        for name in 'synth', 'third':
            with pytest.raises(KeyError):
                segue.node(name)
    assert complaints(session) == []
    segue.create('synth')
    save()
    assert restart().node('synth')


def test_a_saved_service_saves_itself_again_as_it_is(session, segue, save, restart):
    node = segue.create('synth')
    node.heard(node.load_samples(PERIOD, channels=1, rate=RATE, loop='forward'))
    save()
    text, files = saved_path(session).read_text(), wavs(session)
    settled(restart().node('synth'))
    save()
    assert saved_path(session).read_text() == text
    assert wavs(session) == files and len(files) == 1


def test_files_beside_it_go_when_they_are_not_used_any_more(session, segue, save):
    node = segue.create('synth')
    node.heard(node.load_samples(PERIOD, channels=1, rate=RATE))
    save()
    first = wavs(session)
    foreign = write_wav(saved_path(session).parent / '90-saved.mine.wav', [0.5])
    node.heard(node.load_samples(PERIOD[:100], channels=1, rate=RATE))
    save()
    assert len(first) == 1 and first[0] not in wavs(session) and len(wavs(session)) == 2
    node.heard(node.wave('saw'))
    save()
    assert wavs(session) == [foreign.name]


# ---- what is on its way

@pytest.fixture
def long_load(tmp_path):
    path = tmp_path / 'long.wav'
    write_wav(path, np.zeros(44100), 44100)
    return path


def test_a_save_in_the_middle_of_a_load_saves_what_is_heard_and_says_so(session, segue, save, restart, long_load):
    node = segue.create('synth')
    node.heard(node.wave('saw'))
    node.load(long_load, after=600.0)
    assert save(status=FAILED) == "seguectl: synth: long.wav isn't heard yet, and isn't saved\n"
    assert settled(restart().node('synth')).get('Label') == 'saw'


def test_saves_while_loads_begin_and_end_are_whole(session, segue, save, restart, tmp_path):
    """Each is one of the two sounds, whatever the moment."""
    node = segue.create('synth')
    node.heard(node.wave('saw'))
    path = write_wav(tmp_path / 'hall.wav', np.full(480000, 0.5), 44100)
    for i in range(10):
        node.load(path, offset=i * 0.001, label=f'hall {i}')
        result = session.run(session.seguectl, 'save', timeout=30)
        assert result.returncode in (DONE, FAILED)
        assert (result.returncode == FAILED) == ("isn't heard yet" in result.stderr), result.stderr
        assert saved_path(session).read_text().count('node.name') == 1
    assert settled(restart().node('synth')).get('Label').startswith(('hall', 'saw'))


@pytest.mark.parametrize('load', ['/no/such.wav', '{ file = /no/such.wav gain = 0.5 }'])
def test_what_is_configured_and_cannot_be_had_now_stays_configured(session, save, restart, load):
    segue = restart(f'segue.nodes = [ {{ type = source  node.name = synth  segue.load = {load} }} ]')
    node = segue.node('synth')
    node.bus.wait_until('failure', lambda: node.get('State') == 'failed')
    save()
    assert f'segue.load = {load}' in saved_path(session).read_text()
    node.heard(node.clear())
    save()
    assert 'segue.load' not in saved_path(session).read_text()


# ---- refusals

def test_without_a_service_it_says_how_to_start_one(session, save):
    assert "Segue isn't running" in save(status=NO_SERVICE)
    assert not saved_path(session).exists()


def test_its_help(session):
    result = session.run(session.seguectl, 'save', '--help')
    assert result.stdout.startswith('seguectl save [FILE]\n') and result.returncode == 0


def test_it_prints_json(segue, save, session):
    segue.create('synth')
    assert json.loads(save('--json')) == {'file': str(saved_path(session)), 'nodes': 1}


def test_a_file_of_ones_own_is_beside_the_shell(session, segue, save):
    node = segue.create('synth')
    node.heard(node.load_samples(PERIOD, channels=1, rate=RATE))
    path = session.path / 'home/mine.conf'
    assert save('mine.conf') == f'{path}\n'
    wav, = (session.path / 'home').glob('mine.synth.*.wav')
    assert f'"{wav}"' in path.read_text()
    assert stat.S_IMODE(wav.stat().st_mode) == 0o600


@pytest.mark.parametrize('path, why', [('/sys/saved.conf', 'ermi'), ('/no/such/saved.conf', 'No such file'),
                                       ('/', 'not a regular file'), ('/dev/null', 'not a regular file')])
def test_where_nothing_can_be_written_is_named(segue, save, path, why):
    segue.create('synth')
    message = save(path, status=FAILED)
    assert message.startswith('seguectl: /') and why in message and message.count('\n') == 1


@pytest.fixture
def small_disk(tmp_path):
    """A file system with room for 32 KiB."""
    mount = tmp_path / 'disk'
    mount.mkdir()
    if os.system(f'mount -t tmpfs -o size=32k tmpfs {mount} 2>/dev/null') != 0:
        pytest.skip('wants to mount a file system')
    yield mount
    os.system(f'umount -l {mount}')


@pytest.mark.parametrize('sound', ['small', 'large'])
def test_on_a_full_disk_the_old_one_stays(segue, save, small_disk, sound):
    """Full when it comes to the file itself, and when it comes to one beside it."""
    node = segue.create('synth')
    node.heard(node.load_samples(PERIOD, channels=1, rate=RATE))
    path = small_disk / 'saved.conf'
    save(path)
    before = {p.name: p.read_bytes() for p in small_disk.iterdir()}
    if sound == 'large':
        node.heard(node.load_samples(white(48000, 1), channels=1, rate=RATE))
    else:
        fill(small_disk / 'filler')
        before['filler'] = (small_disk / 'filler').read_bytes()
    message = save(path, status=FAILED)
    assert 'No space left on device' in message and message.count('\n') == 1
    assert {p.name: p.read_bytes() for p in small_disk.iterdir()} == before


def fill(path):
    with open(path, 'wb', buffering=0) as f:
        try:
            while f.write(b'x' * 4096):
                pass
        except OSError:
            pass


def call_save(node, fd, path='/tmp/x.wav'):
    return node.call('Save', '(hs)', (0, str(path)), fds=[fd])


def refused(node, fd, path='/tmp/x.wav'):
    with pytest.raises(BusError) as error:
        call_save(node, fd, path)
    return error.value.name, error.value.message


def test_save_takes_an_empty_file_open_for_writing(segue, tmp_path):
    node = segue.create('synth')
    node.heard(node.load_samples(PERIOD, channels=1, rate=RATE))
    with memfd(b'') as fd:
        assert refused(node, fd, 'x.wav') == (DBUS + 'InvalidArgs', "synth: path: 'x.wav' isn't absolute")
        entry, missing = call_save(node, fd)
        assert b'file = "/tmp/x.wav"' in bytes(entry) and missing == ''
        assert os.fstat(fd).st_size > PERIOD.nbytes
        assert refused(node, fd) == (DBUS + 'InvalidArgs', "x.wav: isn't empty")
    with open(write_wav(tmp_path / 'a.wav', [0.5]), 'rb') as f:
        assert refused(node, f.fileno())[0] == DBUS + 'AccessDenied'
    ours, its = os.pipe()
    assert refused(node, its) == (DBUS + 'InvalidArgs', 'x.wav: not a regular file')
    os.close(ours)
    os.close(its)
    node.heard(node.wave('saw'))
    with memfd(b'') as fd:
        assert b'segue.wave = saw' in bytes(call_save(node, fd)[0])
        assert os.fstat(fd).st_size == 0


@pytest.mark.session(fragment=f'context.modules = [ {MODULE} ]\n')
def test_inside_the_daemon_it_is_the_daemons_configuration(session, save):
    session.wait_for_name('org.segue.Segue1', session.processes['pipewire'])
    with session.bus() as bus:
        Segue(bus).create('synth')
    path = session.path / 'config/pipewire/pipewire.conf.d/90-saved.conf'
    assert save() == f'{path}\n'
    assert 'node.name = synth' in path.read_text()
