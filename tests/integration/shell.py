# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""seguectl as somebody at a shell runs it, in a folder of its own: fixtures, and what they share."""

import os
import pty
import signal
import subprocess

import numpy as np
import pytest

from files import wav_header, write_wav

DONE, FAILED, USAGE, NO_SERVICE, CANCELLED, TIMEOUT = range(6)     # exit statuses
# the instrument's line: its samples' 188 KiB, and what tells of them
KIT = r'Kit\.SFZ: an instrument of 500 ms, 2 channels, (189|19\d)K, peak gain -6\.0 dB'


def make_long(path):
    """A minute after the other of silence that has to be resampled: 20 of them."""
    frames = 20 * 60 * 44100
    header = wav_header(1, frames, 44100)
    path.write_bytes(header)
    os.truncate(path, len(header) + 4 * frames)
    return path.name


def catches_interrupts(process):
    """Does it take Ctrl-C itself by now? Before it has made its request that ends it."""
    with open(f'/proc/{process.pid}/status') as f:
        blocked = next(line for line in f if line.startswith('SigBlk:'))
    return int(blocked.split()[1], 16) >> (signal.SIGINT - 1) & 1


def read_until(process, word):
    for line in process.stdout:
        if word in line:
            return line
    raise AssertionError(f'monitor ended without {word}')


@pytest.fixture
def ctl(session):
    """Run it and check its exit status; its output."""
    def run(*args, status=DONE, stdin=''):
        given = {'input' if isinstance(stdin, str) else 'stdin': stdin}
        result = session.run(session.seguectl, *args, timeout=30, cwd=session.path / 'home', **given)
        assert result.returncode == status, result.stderr
        assert (result.stderr == '') == (status == DONE), result.stderr
        return result.stdout if status == DONE else result.stderr
    return run


def heed_interrupts():
    """Who was started in a shell's background doesn't, and what it starts neither."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def begin(session):
    """Start it, to be looked at while it runs; ended after the test."""
    running = []

    def start(*args, **options):
        options = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, 'text': True, 'env': session.env,
                   'preexec_fn': heed_interrupts} | options
        process = subprocess.Popen([session.seguectl, *args], cwd=session.path / 'home', **options)
        running.append(process)
        return process
    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def synth(segue, ctl):
    ctl('create', 'source', 'synth', 'mode=dsp', 'audio.position=[ MONO ]')


@pytest.fixture
def room(segue, ctl):
    ctl('create', 'convolver', 'room', 'mode=dsp', 'ir.max=1s')


@pytest.fixture
def hall(session):
    """A file in the folder seguectl runs in: 0.5 s, stereo, peak -6.02 dB."""
    write_wav(session.path / 'home/hall.wav', np.full((24000, 2), 0.5))
    return 'hall.wav'


@pytest.fixture
def kit(session, hall):
    """An instrument in a folder of seguectl's: its samples lie beside that."""
    (session.path / 'home/kits').mkdir()
    text = f'<region> key=36 sample=../{hall} <region> key=38 sample=../{hall} end=99'
    (session.path / 'home/kits/Kit.SFZ').write_text(text)
    return 'kits/Kit.SFZ'


class Terminal:
    """What a process has written to its terminal so far."""

    def __init__(self):
        self.ours, self.its = pty.openpty()
        self.text = ''

    def read_until(self, word):
        """Read on, with word None to the end."""
        while word is None or word not in self.text:
            try:
                self.text += os.read(self.ours, 4096).decode()
            except OSError:     # a terminal's way to say that its last user has left
                assert word is None, self.text
                return


@pytest.fixture
def on_terminal(session, begin):
    """Start it on a terminal: the process, and the terminal."""
    terminals = []

    def start(*args, term='xterm'):
        terminal = Terminal()
        terminals.append(terminal)
        process = begin(*args, stdout=terminal.its, stderr=terminal.its, env=session.env | {'TERM': term})
        os.close(terminal.its)
        return process, terminal
    yield start
    for terminal in terminals:
        os.close(terminal.ours)
