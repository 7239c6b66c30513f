# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Every system call that loads or saves fails in turn: one error that names the file, and everything is as it was."""

import errno
import os
import resource

import numpy as np
import pytest
from gi.repository import GLib

from attempts import FAILED, NO_MEMORY, Attempts, try_each
from bus import BusError, Segue, error_of
from faults import Faults
from files import wav_header, write_float_wav

DBUS = 'org.freedesktop.DBus.Error.'
BAD_FORMAT = 'org.segue.Segue1.Error.BadFormat'
LOADS = ('table', 'table_of_a_descriptor', 'response_of_samples', 'response_of_another_rate',
         'response_of_several_rates', 'buffer_of_joined_files', 'instrument')
QUICK = 'table',

# what a call gives, and the errors that may be the answer
GIVES = {
    'open': {-errno.EMFILE: {NO_MEMORY}, -errno.EIO: {BAD_FORMAT}, -errno.EACCES: {DBUS + 'AccessDenied'}},
    'fstat': {-errno.EIO: {BAD_FORMAT}},
    # duplicating, and asking how it is open
    'fcntl': {-errno.EMFILE: {DBUS + 'LimitsExceeded', DBUS + 'InvalidArgs', DBUS + 'AccessDenied'}},
    'pread': {-errno.EIO: {BAD_FORMAT}, 0: {BAD_FORMAT}, 1: set(), -errno.EINTR: set()},
    'readlink': {-errno.EIO: set()},
    'advice': {-errno.EAGAIN: set()},
    'pwrite': {-errno.ENOSPC: {DBUS + 'LimitsExceeded'}, -errno.EIO: {DBUS + 'Failed'}, 1: set(), -errno.EINTR: set()},
}

# what comes as a descriptor isn't opened, and only what is large is advised on; each of the others is met
UNCALLED = {
    'open': {'table_of_a_descriptor', 'response_of_samples', 'buffer_of_joined_files'},
    'advice': {'table', 'table_of_a_descriptor', 'buffer_of_joined_files', 'instrument'},
}


def try_all(stage, folder, name, calls):
    operation = getattr(Attempts(stage, folder), name)
    for call in calls:
        for result, errors in GIVES[call].items():
            print(f'{call} gives {result}')
            try_each(stage, operation, call, lambda e, message: e in errors | ({FAILED} if errors else set()),
                     least=name not in UNCALLED.get(call, ()), result=result)


@pytest.mark.plain
@pytest.mark.parametrize('name', [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in LOADS])
def test_a_call_that_fails_while_it_loads_is_one_error_and_nothing_else(stage, tmp_path, name):
    try_all(stage, tmp_path, name, ['open', 'fstat', 'fcntl', 'pread', 'readlink', 'advice'])


@pytest.mark.plain
@pytest.mark.slow
@pytest.mark.parametrize('name', ['write', 'save'])
def test_a_call_that_fails_while_it_saves_is_one_error_and_nothing_else(stage, tmp_path, name):
    try_all(stage, tmp_path, name, ['fcntl', 'pwrite'])


@pytest.mark.plain
def test_a_worker_that_can_not_be_started_is_one_error(session, tmp_path):
    faults = Faults(session)
    session.start_service(env=faults.env)
    path = write_float_wav(tmp_path / 'a.wav', np.zeros(100))
    with session.bus() as bus:
        segue = Segue(bus)
        # of short jobs and of those that open files
        for ask in lambda: segue.generate('sine'), lambda: segue.load_file(path, kind='sample'):
            faults.arm('thread', result=-errno.EAGAIN)
            with pytest.raises(BusError) as error:
                ask()
            assert error.value.name == NO_MEMORY
            assert faults.disarm()
            segue.release(segue.ready(ask()))
        segue.assert_nothing_is_live()


@pytest.mark.plain
def test_a_service_without_descriptors_refuses_files_and_goes_on(session, source, segue, tmp_path):
    """By the limit of its process, at every number of descriptors that are left."""
    path = write_float_wav(tmp_path / 'a.wav', np.zeros(100))
    source.heard(source.wave('sine', gain=0.5, fade=0.0))
    pid = session.processes['service'].pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    first_free = next(fd for fd in range(1000) if not os.path.exists(f'/proc/{pid}/fd/{fd}'))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (first_free, before[1]))
    try:
        with pytest.raises(BusError) as error:
            segue.load_file(path)
        assert error.value.name == NO_MEMORY and 'a.wav: Too many open files' in error.value.message
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    segue.release(segue.ready(segue.load_file(path)))
    assert source.get('State') == 'running'
    source.recorder.wait_for_frames(4800)
    assert source.recorder.gaps() == []


@pytest.mark.parametrize('size, limits', [(1 << 40, ''), (1 << 30, 'memory.max = 32M')])
def test_a_file_that_does_not_end_is_refused(session, tmp_path, size, limits):
    """Its header doesn't say how long it is, and there is always more of it."""
    path = tmp_path / 'endless.wav'
    path.write_bytes(wav_header(1, 0, data_bytes=0xffffffff))
    os.truncate(path, size)
    service = session.start_service(f'segue.properties = {{ {limits} }}')
    with session.bus() as bus:
        segue = Segue(bus)
        node = segue.create('synth')
        before = service.resident_kib()
        name, message = error_of(node, 'load', path)
        assert name == DBUS + 'LimitsExceeded' and 'endless.wav' in message
        assert service.resident_kib() < before + 64 * 1024
        segue.assert_nothing_is_live()
        node.heard(node.wave('sine'))


@pytest.fixture
def wide_bus(session):
    """One that passes on as many descriptors in a message as the kernel does: by itself dbus-daemon passes 16."""
    session.change_bus('</busconfig>', '<limit name="max_message_unix_fds">253</limit></busconfig>')


def test_more_than_64_files_are_not_joined(wide_bus, segue, tmp_path):
    with open(write_float_wav(tmp_path / 'a.wav', np.zeros(100)), 'rb') as f:
        def join(n):
            opts = {'join': GLib.Variant('ah', list(range(1, n))), 'kind': GLib.Variant('s', 'sample')}
            return segue.call('LoadFd', '(ha{sv})', (0, opts), fds=[f.fileno()] * n)
        buffer = segue.ready(join(64))
        assert segue.buffer(buffer, 'Channels') == 64
        segue.release(buffer)
        with pytest.raises(BusError) as error:
            join(65)
    assert (error.value.name, error.value.message) == (DBUS + 'InvalidArgs', 'join: more than 64 files')
    segue.assert_nothing_is_live()
