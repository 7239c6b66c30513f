# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""A bad request ends with one clear error, and the sound goes on as it was."""

import os
import struct

import numpy as np
import pytest
from gi.repository import GLib

from bus import BusError, Segue, error_of, memfd, options
from files import wav_header, write_float_wav, write_wav
from mix import error_db

DBUS = 'org.freedesktop.DBus.Error.'
ERROR = 'org.segue.Segue1.Error.'
PERIOD = 128        # frames of 375 Hz


@pytest.fixture
def playing(source):
    """A source that plays a steady sine; afterwards it must have gone on playing just that."""
    source.set('Frequency', 375.0)
    position = source.heard(source.wave('sine', gain=0.5, fade=0.0))
    buffer = source.get('Buffer')
    applied = source.get('SwapsApplied')
    yield source
    source.recorder.wait_for_frames(2048)
    assert source.recorder.gaps() == []
    steady = source.recorder.take()[position:]
    assert error_db(steady, np.resize(steady[:PERIOD].astype(float), len(steady))) < -100
    assert (source.get('Buffer'), source.get('SwapsApplied')) == (buffer, applied)


def write(path, data):
    path.write_bytes(data)
    return path


def directory(path):
    path.mkdir()
    return path


def fifo(path):
    os.mkfifo(path)
    return path


BAD_FILES = {
    'missing': (lambda p: p, DBUS + 'FileNotFound'),
    'directory': (directory, ERROR + 'BadFormat'),
    'fifo': (fifo, ERROR + 'BadFormat'),
    'device': (lambda p: '/dev/zero', ERROR + 'BadFormat'),
    'text': (lambda p: write(p, b'This is not the sound you are looking for.\n' * 100), ERROR + 'BadFormat'),
    'empty': (lambda p: write(p, b''), ERROR + 'BadFormat'),
    'truncated': (lambda p: write(p, wav_header(1, 48000) + bytes(4000)), ERROR + 'BadFormat'),
    'header only': (lambda p: write(p, wav_header(1, 48000)[:30]), ERROR + 'BadFormat'),
    '0 channels': (lambda p: write(p, wav_header(0, 1000) + bytes(4000)), ERROR + 'BadFormat'),
    '65535 channels': (lambda p: write(p, wav_header(65535, 1) + bytes(4 * 65535)), ERROR + 'BadFormat'),
    '0 frames': (lambda p: write(p, wav_header(1, 0)), ERROR + 'BadFormat'),
    '2^31 frames': (lambda p: write(p, wav_header(2, 1 << 31, data_bytes=0x80000000) + bytes(4000)),
                    ERROR + 'BadFormat'),
    '0 Hz': (lambda p: write(p, wav_header(1, 1000, rate=0) + bytes(4000)), ERROR + 'BadFormat'),
    'NaN': (lambda p: write_float_wav(p, [0.0] * 100 + [np.nan] * 3), ERROR + 'BadFormat'),
    'infinite': (lambda p: write_float_wav(p, [0.0] * 100 + [-np.inf]), ERROR + 'BadFormat'),
}


@pytest.mark.parametrize('kind', BAD_FILES)
def test_a_bad_file_fails_and_is_named(playing, tmp_path, kind):
    make, expected = BAD_FILES[kind]
    path = make(tmp_path / 'bad.wav')
    name, message = error_of(playing, 'load', path)
    assert name == expected, message
    assert os.path.basename(path) in message
    assert message.count('\n') == 0


@pytest.mark.parametrize('kind', [k for k in BAD_FILES if k not in ('missing', 'fifo', 'directory')])
def test_a_bad_descriptor_fails(playing, tmp_path, kind):
    make, expected = BAD_FILES[kind]
    with open(make(tmp_path / 'bad.wav'), 'rb') as f:
        assert error_of(playing, 'load_fd', f.fileno())[0] == expected


def test_a_pipe_is_no_file(playing):
    r, w = os.pipe()
    try:
        assert error_of(playing, 'load_fd', r)[0] in (ERROR + 'BadFormat', DBUS + 'InvalidArgs')
    finally:
        os.close(r)
        os.close(w)


def test_a_failed_request_is_told_by_the_node(playing, tmp_path):
    _, message = error_of(playing, 'load', tmp_path / 'nowhere.wav')
    told = playing.bus.wait_until('LastError', lambda: playing.get('LastError'))
    assert message.endswith(told)
    assert playing.get('State') == 'running'


def test_a_failed_request_supersedes_nothing(playing, tmp_path, segue):
    buffer = segue.generate('sine')
    later = playing.set_buffer(buffer, at=playing.recorder.position() + 10 ** 6)
    error_of(playing, 'load', tmp_path / 'nowhere.wav')
    playing.cancel(later)
    assert playing.finished(later).error == ERROR + 'Cancelled'


def test_unreadable_is_access_denied(session, segue, tmp_path):
    """Root may read everything, so only another user can show it."""
    if os.geteuid() == 0:
        pytest.skip('root may read everything')
    path = write_wav(tmp_path / 'a.wav', [0.0] * 100)
    path.chmod(0)
    with pytest.raises(BusError) as error:
        segue.load_file(path)
    assert error.value.name == DBUS + 'AccessDenied'


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_fail(playing, value):
    samples = np.zeros(1000, 'f4')
    samples[999] = value
    assert error_of(playing, 'load_samples', samples, channels=1, rate=48000)[0] == ERROR + 'BadFormat'


@pytest.mark.parametrize('opts', [{'channels': 0}, {'channels': 65}, {'channels': 2 ** 31}, {'rate': 0},
                                  {'rate': 10 ** 9}])
def test_counts_that_make_no_sense_are_refused_by_name(playing, opts):
    opts = {'channels': 1, 'rate': 48000} | opts
    name, message = error_of(playing, 'load_samples', np.zeros(1000), **opts)
    assert name == DBUS + 'InvalidArgs'


def test_a_memfd_shrunk_after_the_call_fails(playing):
    """Read with pread, so the end simply comes early, whenever that is: no SIGBUS."""
    with memfd(wav_header(1, 16 << 20)) as fd:
        os.ftruncate(fd, 64 << 20)
        reply = playing.begin('LoadFd', '(ha{sv})', (0, {}), fds=[fd])
        os.ftruncate(fd, 1000)
        try:
            finished = playing.finished(*reply.result())
            name = finished.error
        except BusError as error:
            name = error.name
        assert name == ERROR + 'BadFormat'


def test_more_than_memory_max_is_refused(session):
    session.start_service('segue.properties = { memory.max = 1M }\n')
    with session.bus() as bus:
        segue = Segue(bus)
        assert segue.get('BytesMax') == 1 << 20
        node = segue.create('synth')
        name, _ = error_of(node, 'load_samples', np.zeros(1 << 20), channels=1, rate=48000)
        assert name in (DBUS + 'LimitsExceeded', DBUS + 'NoMemory')
        bus.wait_until('no bytes', lambda: segue.get('BytesLive') + segue.get('BytesPending') == 0)
        node.heard(node.wave('sine'))


@pytest.mark.parametrize('method, signature, arguments', [
    ('ImportSamples', '(ha{sv})', (0, {'channels': 1, 'rate': 48000})),
    ('ImportSamples', '(ha{sv})', (0, {'channels': 1, 'rate': 8000})),
    ('Generate', '(sa{sv})', ('noise', {'seconds': 10.0})), ('Generate', '(sa{sv})', ('saw', {}))])
def test_a_client_holds_half_of_memory_max_however_fast_it_asks(session, method, signature, arguments):
    """What is under way counts by what its header says, not only when it has arrived."""
    session.start_service('segue.properties = { memory.max = 16M }\n')
    what, opts = arguments
    with session.bus() as bus, session.bus() as other, memfd(bytes(1 << 20)) as fd:
        segue = Segue(bus)
        # under different names: else they all are one buffer
        replies = [segue.begin(method, signature, (what, options(opts | {'label': str(k)})), fds=[fd])
                   for k in range(50)]
        assert {error for r in replies if (error := error_name(r))} == {DBUS + 'LimitsExceeded'}
        bus.wait_until('end of all loads', lambda: {b['State'] for b in segue.buffers().values()} == {'ready'})
        assert 1 << 22 < segue.get('BytesLive') <= 1 << 23
        Segue(other).ready(Segue(other).generate('sine'))


def error_name(reply):
    try:
        reply.result()
    except BusError as error:
        return error.name


@pytest.mark.parametrize('wave', ['', 'sinus', 'harmonics:', 'harmonics:1,x', 'harmonics:nan', 'harmonics:0,0'])
def test_an_unknown_waveform_is_refused(playing, wave):
    name, message = error_of(playing, 'wave', wave)
    assert name == DBUS + 'InvalidArgs'
    assert wave.split(':')[0] in message


@pytest.mark.parametrize('gain', [1.5, -0.1, float('nan'), 'loud'])
def test_a_waves_gain_is_0_to_1(playing, gain):
    name, message = error_of(playing, 'wave', 'sine', gain=gain)
    assert name == DBUS + 'InvalidArgs'
    assert 'gain' in message


def test_an_unknown_node_is_refused(playing, segue):
    with pytest.raises(BusError) as error:
        segue.bus.call('/org/segue/Segue1/node/nowhere', 'org.segue.Segue1.Node', 'Clear', '(a{sv})', ({},))
    assert error.value.name == DBUS + 'UnknownObject'


def test_an_unknown_option_is_refused_by_name(playing, tmp_path):
    name, message = error_of(playing, 'load', tmp_path / 'a.wav', sideways=1)
    assert name == DBUS + 'InvalidArgs'
    assert 'sideways' in message


@pytest.mark.parametrize('key, value', [
    ('channels', GLib.Variant('s', 'left')), ('channels', [7]), ('offset', -1.0), ('length', float('inf')),
    ('normalize', 'loudest'), ('loop', 'backward'), ('kind', 'opera'), ('rootkey', 128)])
def test_a_bad_load_option_is_refused_by_name(playing, tmp_path, key, value):
    path = write_wav(tmp_path / 'a.wav', [0.0] * 100)
    name, message = error_of(playing, 'load', path, **{key: value})
    assert name == DBUS + 'InvalidArgs'
    assert key in message


def test_a_wrong_signature_is_refused(playing):
    with pytest.raises(BusError) as error:
        playing.call('SetBuffer', '(s)', ('sine',))
    assert error.value.name == DBUS + 'InvalidArgs'


def test_a_kind_of_another_node_is_refused(playing, tmp_path):
    path = write_wav(tmp_path / 'a.wav', [0.0] * 100)
    name, _ = error_of(playing, 'load', path, kind='response')
    assert name == DBUS + 'InvalidArgs'


def test_a_file_system_that_never_answers_times_out(playing, segue, stalled_file):
    """Other requests go on meanwhile, and the service ends without it."""
    load = segue.begin('LoadFile', '(sa{sv})', (str(stalled_file), {}), deadline=30)
    for k in range(20):
        segue.release(segue.generate('sine', seed=k))
    with pytest.raises(BusError) as error:
        load.result(30)
    assert error.value.name == DBUS + 'Timeout'


def test_waves_are_heard_beside_files_that_never_answer(source, segue, stalled_file):
    loads = [segue.begin('LoadFile', '(sa{sv})', (str(stalled_file), options({'gain': k / 10})), deadline=30)
             for k in range(10)]
    source.heard(source.wave('sine'))
    assert not any(load.done for load in loads)
    for load in loads:
        with pytest.raises(BusError) as error:
            load.result(30)
        assert error.value.name in (DBUS + 'Timeout', ERROR + 'Busy')


def test_no_descriptor_is_lost_over_bad_files(session, playing, tmp_path):
    fds = f'/proc/{session.processes["service"].pid}/fd'
    bad = write(tmp_path / 'bad.wav', b'x' * 1000)
    error_of(playing, 'load', bad)
    before = len(os.listdir(fds))
    for _ in range(20):
        error_of(playing, 'load', bad)
    assert len(os.listdir(fds)) <= before


def test_noise_in_every_byte_of_a_header_never_kills(playing, tmp_path):
    """Whatever a header claims, the answer is an error or a sound; the process lives (fuzzing is elsewhere)."""
    good = bytearray(wav_header(1, 100) + struct.pack('<100f', *([0.0] * 100)))
    for at in range(0, 44, 3):
        data = bytearray(good)
        data[at] ^= 0xff
        serial = None
        try:
            serial = playing.load(write(tmp_path / 'noise.wav', bytes(data)),
                                  at=playing.recorder.position() + 10 ** 7)
        except BusError:
            continue
        try:
            playing.cancel(serial)
        except BusError:
            pass
        assert playing.finished(serial).result == 'failed'
