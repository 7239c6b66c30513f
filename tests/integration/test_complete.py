# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Completion: what seguectl offers, and how bash, zsh and fish put it to use when somebody presses Tab."""

import signal

import numpy as np
import pytest

from files import write_wav
from fixture import ROOT, wait_until
from tmux import Tmux

COMPLETION = ROOT / 'tools/seguectl/completion'
# how each is started without anybody's settings, and learns to complete
SHELLS = {
    'bash': (('bash', '--norc', '--noprofile', '-i'), f'. {COMPLETION}/seguectl.bash'),
    'zsh': (('zsh', '-f', '-i'), f'fpath=({COMPLETION} $fpath); autoload -U compinit; compinit -u -D'),
    'fish': (('fish', '--no-config', '--private'), f'source {COMPLETION}/seguectl.fish'),
}


@pytest.fixture
def told(session):
    """What the last of these words may become, each with what is told of it."""
    def run(*words):
        result = session.run(session.seguectl, 'complete', '--', *words, check=True)
        return dict(line.split('\t') for line in result.stdout.splitlines())
    return run


@pytest.fixture
def complete(told):
    return lambda *words: list(told(*words))


@pytest.fixture
def nodes(session, segue):
    """Two nodes, a kept buffer with an odd label, and files in the folder the shell runs in."""
    segue.create('synth')
    segue.create('room', kind='convolver', segue_ir_max=1.0)
    for name in 'hall.wav', 'my church.wav':
        write_wav(session.path / 'home' / name, np.full(4800, 0.5))
    segue.ready(segue.load_file(session.path / 'home/hall.wav', keep=True, label='a\tb\nc'))


# ---- what is offered

def test_commands_and_options_need_no_service(session, complete):
    session.env = session.env | {'DBUS_SESSION_BUS_ADDRESS': 'unix:path=/nonexistent'}
    assert {'create', 'load', 'top', 'show', 'monitor'} <= set(complete(''))
    assert {'--fade', '--wait', '--gain', '--json', '--help'} <= set(complete('load', 'x', '-'))
    assert set(complete('top', '-')) == set(complete('-')) == {'--help', '--version', '--json'}
    assert complete('destroy', '') == []


def test_arguments_are_what_the_synopsis_says(nodes, complete):
    assert complete('destroy', '') == ['room', 'synth']
    assert complete('load', '--fade', '2s', 'room', '') == complete('load', 'room', 'a.wav', 'b.wav', '') == [':files']
    assert complete('bypass', 'room', '') == ['on', 'off', 'toggle']
    assert complete('create', '') == ['source', 'convolver']
    assert complete('create', 'source', '') == []
    assert {'gain=', 'ir.max=', 'wave='} <= set(complete('create', 'source', 'x', 'fade=1', ''))
    assert 'pink' in complete('wave', 'synth', '')
    assert complete('release', '') == ['1']
    assert complete('play', 'synth', '') == complete('show', '')[::-1] == [':files', '1']
    assert complete('note', 'synth', '') == complete('monitor', '') == complete('nonsense', '') == []


def test_properties_are_the_nodes_own(nodes, complete):
    keys = complete('set', 'room', '')
    assert {'gain', 'wet', 'latency'} <= set(keys) and 'frequency' not in keys
    assert complete('set', 'room', 'latency', '') == ['auto']
    assert complete('set', 'synth', 'trigger', '') == ['always', 'notes']
    assert complete('set', 'synth', 'load', '') == [':files']
    assert complete('set', 'nobody', '') == []


def test_options_have_their_words(complete):
    assert complete('load', 'x', '--normalize', '') == ['none', 'peak', 'energy']
    assert complete('show', '--png', '') == [':files']
    assert complete('load', '--fade', '') == []
    # of play, --loop stands alone
    assert complete('play', '--loop', '') == complete('destroy', '')
    assert complete('load', '--', '--fade') == []


def test_an_option_is_told_as_its_command_has_it(told):
    assert told('play', '-')['--loop'] == 'again and again, until it is stopped'
    assert told('note', '-')['--length'] == 'until the key is released (0.5)'
    assert told('load', '-')['--length'] == 'leave out what comes after'


def test_a_label_stays_on_its_line(session, nodes):
    result = session.run(session.seguectl, 'complete', '--', 'release', '')
    assert result.stdout == '1\ta b c\n'


def test_a_service_that_is_silent_is_not_waited_for(session, nodes, complete):
    session.processes['service'].signal(signal.SIGSTOP)
    try:
        assert complete('destroy', '') == []
    finally:
        session.processes['service'].signal(signal.SIGCONT)


# ---- in the shells

@pytest.fixture(params=SHELLS)
def shell(request, session, nodes):
    command, learn = SHELLS[request.param]
    path = f'{session.build}/tools/seguectl:{session.env["PATH"]}'
    with Tmux(session, 100, 30, *command, env={'PATH': path, 'PS1': '$ '}) as terminal:
        terminal.keys(learn, 'Enter')
        terminal.keys('clear; echo ready', 'Enter')
        wait_until('shell', lambda: terminal.lines()[0] == 'ready')
        yield terminal


def completed(terminal, typed, expected):
    """Type it, press Tab, and see it become that."""
    terminal.keys('-l', typed)
    terminal.wait_for(typed)
    terminal.keys('Tab')
    terminal.wait_for(expected)
    terminal.keys('C-u', 'C-l')
    wait_until('empty line', lambda: 'seguectl' not in terminal.text())


def test_tab_completes(shell):
    completed(shell, 'seguectl mon', 'seguectl monitor')
    completed(shell, 'seguectl destroy sy', 'seguectl destroy synth')
    completed(shell, 'seguectl load room --norm', 'seguectl load room --normalize')
    completed(shell, 'seguectl bypass room to', 'seguectl bypass room toggle')
    completed(shell, 'seguectl create source x freq', 'seguectl create source x frequency=')
    completed(shell, 'seguectl wave synth harm', 'seguectl wave synth harmonics:')
    completed(shell, 'seguectl load room ha', 'seguectl load room hall.wav')
    completed(shell, 'seguectl show ha', 'seguectl show hall.wav')


def test_a_files_blanks_are_quoted(shell):
    completed(shell, 'seguectl load room my', r'seguectl load room my\ church.wav')
    completed(shell, r'seguectl load room my\ ch', r'seguectl load room my\ church.wav')


def test_tab_lists_what_there_is(shell):
    shell.keys('-l', 'seguectl get ')
    shell.keys('Tab', 'Tab')
    shell.wait_for('room', 'synth')
