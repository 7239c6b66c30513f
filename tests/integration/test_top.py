# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""seguectl top, in terminals of several sizes and where there is none."""

import json
import re
import signal

import pytest

from bus import Segue
from fixture import wait_until
from shell import DONE
from tmux import Tmux

NOT_RUNNING = "Segue isn't running. Start it: systemctl --user start segue"


@pytest.fixture
def top(session):
    """Start it in a terminal of this size."""
    terminals = []

    def start(columns, rows, env=None):
        terminal = Tmux(session, columns, rows, session.seguectl, 'top', env=env)
        terminals.append(terminal)
        return terminal
    yield start
    for terminal in terminals:
        terminal.close()


@pytest.fixture
def nodes(session, segue):
    """A source that runs, with a sine of half full scale, and a convolver that doesn't."""
    synth = segue.create('synth', audio_position='[ MONO ]', segue_gain=0.5)
    synth.heard(synth.wave('sine'))
    segue.create('room', kind='convolver', segue_ir_max=1.0)
    session.link('synth:output_MONO', 'test-sink:playback_FL')
    segue.bus.wait_until('level', lambda: max(synth.get('Peak')) > 0.499)
    return synth


def bars(lines):
    return [line for line in lines if re.match(r' +\d+ ', line)]


# ---- on a screen

def test_it_is_tidy_in_80_by_24(nodes, top):
    terminal = top(80, 24)
    lines = terminal.wait_for('-6.0 dB', 'q quits')
    assert re.fullmatch(r'Segue \d\S+: live \S+ of 1\.0G, pending 0, retired 0; 1 sounds, 0 reclaimed', lines[0])
    assert lines[1:5] == [
        '',
        'NODE         STATE        SOUND           CYCLE      MAX  XRUNS  SWAPS      PEAK',
        'room         empty        -                   -        -      0      0   -inf dB',
        '   1              .            .            .            .               -inf dB']
    assert re.fullmatch(r'synth        running      sine +[\d.]+ [um]s +[\d.]+ [um]s +\d+      1   -6\.0 dB', lines[6])
    # 65 columns for 60 dB: 58.5 of them
    assert lines[7] == f'   1 {58 * "█"}▌         -6.0 dB'
    assert {len(line) for line in lines[2:8]} == {80}
    assert [line for line in lines[8:] if line] == ['q quits']
    assert lines[23] == 'q quits'


def test_it_has_more_columns_in_200_by_60(nodes, top):
    lines = top(200, 60).wait_for('-6.0 dB', 'q quits')
    assert lines[2].split() == ('NODE TYPE STATE SOUND VOICES QUANTUM CYCLE 99.9 % MAX XRUNS SWAPS SUPERSEDED '
                                'CLIPPED PEAK LAST ERROR').split()
    columns = {name: lines[2].index(name) for name in ('TYPE', 'STATE', 'SOUND', 'LAST ERROR')}
    for line, words in (lines[3], ('convolver', 'empty', '-', '-')), (lines[6], ('source', 'running', 'sine', '-')):
        for at, word in zip(columns.values(), words):
            assert line[at - 1:].startswith(f' {word}')
    assert {len(line) for line in bars(lines)} == {200}
    assert lines[59] == 'q quits'


def test_a_screen_may_change_its_size(nodes, top):
    terminal = top(80, 24)
    terminal.wait_for('-6.0 dB')
    terminal.resize(200, 60)
    wait_until('the whole of it', lambda: terminal.wait_for('SUPERSEDED')[59] == 'q quits')
    terminal.resize(36, 6)
    lines = terminal.wait_for('NODE         STATE             PEAK\n', 'q quits')
    assert len(lines) == 6 and not bars(lines)
    terminal.resize(1, 1)
    terminal.resize(80, 24)
    terminal.wait_for('SOUND', 'q quits')


def test_what_there_is_no_room_for_is_counted(segue, top):
    for i in range(24):
        segue.create(f'n{i:02}', audio_position='[ MONO ]')
    terminal = top(80, 24)
    lines = terminal.wait_for('n19', 'q quits')
    assert lines[23] == 'q quits; 4 more nodes in a taller window'
    assert 'n20' not in terminal.text() and not bars(lines)
    terminal.resize(80, 60)
    assert len(bars(terminal.wait_for('n23', 'q quits'))) == 24


@pytest.mark.parametrize('key', ['q', 'Q', 'C-c'])
def test_it_ends_by_a_key(segue, top, key):
    terminal = top(80, 24)
    terminal.wait_for('q quits')
    terminal.keys(key)
    assert terminal.status() == DONE


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_as_a_key_does(segue, top, number):
    terminal = top(80, 24)
    terminal.wait_for('q quits')
    terminal.signal(number)
    assert terminal.status() == DONE


def test_it_waits_for_a_service_that_has_gone(session, nodes, top):
    terminal = top(80, 24)
    terminal.wait_for('synth')
    session.processes['service'].stop()
    lines = terminal.wait_for(NOT_RUNNING)
    assert [line for line in lines if line] == [NOT_RUNNING, 'q quits']
    session.start_service()
    with session.bus() as bus:
        Segue(bus).create('again')
    assert 'synth' not in '\n'.join(terminal.wait_for('again'))
    terminal.keys('q')
    assert terminal.status() == DONE


def test_it_can_be_left_while_the_service_is_silent(session, segue, top):
    service = session.processes['service']
    terminal = top(80, 24)
    terminal.wait_for('NODE')
    service.signal(signal.SIGSTOP)
    terminal.wait_for("Segue doesn't answer.")
    service.signal(signal.SIGCONT)
    terminal.wait_for('NODE')
    service.signal(signal.SIGSTOP)
    terminal.wait_for("Segue doesn't answer.")
    terminal.keys('q')
    assert terminal.status() == DONE
    service.signal(signal.SIGCONT)


def test_colours_say_nothing_alone_and_can_be_left_out(nodes, top):
    coloured = top(80, 24)
    coloured.wait_for('-6.0 dB')
    plain = top(80, 24, env={'NO_COLOR': '1'})
    plain.wait_for('-6.0 dB')
    colour = re.compile(r'\x1b\[[\d;]*3[0-7]m')
    assert colour.search('\n'.join(coloured.lines('-e')))
    assert not colour.search('\n'.join(plain.lines('-e')))


def test_without_utf8_it_is_ascii(nodes, top):
    terminal = top(80, 24, env={'LC_ALL': 'C'})
    lines = terminal.wait_for('-6.0 dB', 'q quits')
    assert bars(lines)[-1] == f'   1 {59 * "#"}         -6.0 dB'
    assert '\n'.join(lines).isascii()


# ---- without one

@pytest.mark.parametrize('term', ['dumb', 'unheard-of'])
def test_a_dumb_terminal_gets_a_line_a_second(nodes, top, term):
    terminal = top(200, 24, env={'TERM': term})

    def lines():
        return [line for line in terminal.lines() if line]
    wait_until('two lines', lambda: '\n'.join(lines()).count('peak -6.0 dB') >= 2)
    for line in lines():
        assert re.fullmatch(r'live \S+ of 1\.0G, pending 0, retired 0; '
                            r'room: empty, -, cycle -, peak -inf dB, swaps 0, xruns 0; '
                            r'synth: running, sine, cycle [\d.]+ [um]s, peak \S+ dB, swaps 1, xruns \d+', line)
    terminal.keys('C-c')
    assert terminal.status() == 128 + signal.SIGINT


def test_lines_go_on_when_the_service_comes_back(session, nodes, begin):
    process = begin('top')
    assert 'synth: running' in process.stdout.readline()
    session.processes['service'].stop()
    while (line := process.stdout.readline()) != f'{NOT_RUNNING}\n':
        assert 'synth' in line
    session.start_service()
    while (line := process.stdout.readline()) == f'{NOT_RUNNING}\n':
        pass
    assert line == 'live 0 of 1.0G, pending 0, retired 0\n'


def test_json_is_an_object_a_line_with_the_buses_names(session, nodes, begin):
    process = begin('top', '--json')
    for _ in range(2):
        seen = json.loads(process.stdout.readline())
        assert seen['BytesLive'] > 0 and seen['BuffersLive'] == 1
        assert [node['Name'] for node in seen['Nodes']] == ['room', 'synth']
        assert len(seen['Nodes'][1]['CycleTime']) == 3 and len(seen['Nodes'][1]['Peak']) == 1
    session.processes['service'].stop()
    while 'Nodes' in (seen := json.loads(process.stdout.readline())):
        pass
    assert seen == {'message': NOT_RUNNING}


def test_it_ends_in_silence_when_its_reader_does(segue, begin):
    process = begin('top')
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(20) == DONE
    assert process.stderr.read() == ''
