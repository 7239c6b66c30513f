# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""What the demo leaves behind when it is ended: nothing."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile

import pytest

from fixture import ROOT, wait_until


@pytest.fixture
def folder():
    """Of a short name: the path of a socket in it must not be long."""
    with tempfile.TemporaryDirectory(prefix='segue-demo.') as path:
        yield pathlib.Path(path)


def has_ended(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def test_the_demo_ends_with_its_reader(folder):
    demo = subprocess.Popen([sys.executable, ROOT / 'tools/demo.py'], env=os.environ | {'TMPDIR': str(folder)},
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert 'playing' in demo.stdout.readline()
    demo.stdout.close()
    assert demo.wait(30) == -signal.SIGPIPE
    assert demo.stderr.read() == ''
    assert list(folder.iterdir()) == []


# to all of them, as a terminal sends it, or to the demo alone
@pytest.mark.parametrize('number, kill', [(signal.SIGINT, os.killpg), (signal.SIGINT, os.kill),
                                          (signal.SIGTERM, os.kill), (signal.SIGHUP, os.killpg)])
def test_the_demo_can_be_ended_at_any_time(folder, number, kill):
    demo = subprocess.Popen([sys.executable, ROOT / 'tools/demo.py'], env=os.environ | {'TMPDIR': str(folder)},
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert 'playing' in demo.stdout.readline()
    kill(demo.pid, number)
    assert demo.wait(30) == -number
    assert demo.stderr.read() == ''
    wait_until('end of all processes', lambda: has_ended(demo.pid))
    assert list(folder.iterdir()) == []
