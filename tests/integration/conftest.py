# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

import contextlib
import os
import pathlib
import re
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import again                                   # noqa: E402
from attempts import stage                     # noqa: E402, F401: a fixture
from bus import Segue                          # noqa: E402
from chain import Chain                        # noqa: E402
from files import write_wav                    # noqa: E402
from fixture import BUILD, PLAIN_BUILD, RTSAN_BUILD, Session    # noqa: E402
from recording import Recorder                 # noqa: E402
from shell import begin, ctl, hall, kit, on_terminal, room, synth   # noqa: E402, F401: fixtures


def pytest_configure(config):
    config.pluginmanager.register(again)
    config.addinivalue_line('markers', 'slow: left out unless tests/run is given --all')
    config.addinivalue_line('markers', 'plain: measures, so it runs without sanitizers')
    config.addinivalue_line('markers', 'realtime: process() is watched by RealtimeSanitizer')
    config.addinivalue_line('markers', 'session(**arguments): arguments of the Session')


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what each process of its session has said."""
    outcome = yield
    report = outcome.get_result()
    session = getattr(item, 'segue_session', None)
    if report.failed and session is not None:
        for name, text in session.logs():
            report.sections.append((f'log of {name}', text))


@pytest.fixture
def session(request):
    """A private session with a bus and PipeWire, ended and looked over after the test."""
    marker = request.node.get_closest_marker('session')
    builds = {'plain': PLAIN_BUILD, 'realtime': RTSAN_BUILD}
    build = next((b for name, b in builds.items() if request.node.get_closest_marker(name)), BUILD)
    session = Session(build=build, **(marker.kwargs if marker else {}))
    request.node.segue_session = session
    try:
        with session:
            yield session
    finally:
        session.remove()


@pytest.fixture
def segue(session):
    """The service in a process of its own, seen by a client of its bus."""
    session.start_service()
    with session.bus() as bus:
        yield Segue(bus)


@pytest.fixture
def source(session, segue):
    """A mono source named `synth`, with its output recorded, and that recorder."""
    node = segue.create('synth', audio_position='[ MONO ]', segue_gain=1.0)
    node.recorder = Recorder(session, ['synth:output_MONO'])
    return node


@pytest.fixture
def keys(session, segue):
    """A mono source named `synth` that waits for keys, with no envelope but the 5 ms in which whatever is cut
    short ends; recorded."""
    node = segue.create('synth', audio_position='[ MONO ]', segue_gain=1.0, segue_trigger='notes',
                        segue_attack=0.0, segue_release=0.0)
    node.recorder = Recorder(session, ['synth:output_MONO'])
    return node


@pytest.fixture
def sine(keys):
    keys.heard(keys.wave('sine', fade=0.0, gain=1.0))
    return keys


@pytest.fixture
def chain(session, segue):
    """A stereo player through a stereo convolver, both silent, recorded."""
    return Chain(session, segue)


@pytest.fixture
def playing(chain):
    """Noise through a response of 0.1 s, one file channel for each of the node's."""
    chain.swap(*chain.response(0.1))
    chain.recorder.wait_for_position(chain.play() + 4800)
    return chain


@contextlib.contextmanager
def mounted(session, tmp_path, *args):
    """hall.wav on a file system of stalled_fs.py, where FUSE is to be had, and the process that serves it."""
    server = os.path.join(os.path.dirname(__file__), 'stalled_fs.py')
    mount = tmp_path / 'mount'
    mount.mkdir()
    if not os.access('/dev/fuse', os.R_OK | os.W_OK) or os.geteuid() != 0:
        pytest.skip('needs root and /dev/fuse')
    process = session.start('stalled', ['/usr/bin/python3', server, mount, *args])
    try:
        with session.bus() as bus:
            bus.wait_until('mount', lambda: os.path.ismount(mount) or not process.alive())
        if not process.alive():
            pytest.skip(f'no FUSE here: {process.text()}')
        yield mount / 'hall.wav', process
    finally:
        # ends every wait on it
        process.expected = {0, -signal.SIGKILL}
        process.popen.kill()
        process.popen.wait()
        os.system(f'umount -l {mount} 2>/dev/null')


@pytest.fixture
def stalled_file(session, tmp_path):
    """A file on a file system whose server has been stopped."""
    with mounted(session, tmp_path) as (path, _):
        yield path


@pytest.fixture
def watched_file(session, tmp_path):
    """A file of a second whose file system tells what thread closes it: closers() are the threads up to now."""
    content = write_wav(tmp_path / 'content.wav', [0.5] * 48000)
    with mounted(session, tmp_path, content) as (path, process):
        yield path, lambda: [int(n) for n in re.findall(r'closed by (\d+)', process.text())]
