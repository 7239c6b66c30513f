# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""seguectl used wrongly, or where something it needs is missing: one line that says what and why."""

import json
import os
import re
import select
import signal
import subprocess

import numpy as np
import pytest

from files import write_float_wav
from fixture import wait_until
from shell import CANCELLED, DONE, FAILED, NO_SERVICE, TIMEOUT, USAGE, catches_interrupts, make_long, read_until


# ---- words

@pytest.mark.parametrize('args, wrong', [
    (('load', 'synth', '-dash.wav'), '-dash.wav'), (('load', 'synth', 'hall.wav', '-abc'), '-abc'),
    (('-x',), '-x'), (('wave', '-x', 'synth', 'saw'), '-x')])
def test_the_option_that_is_not_there_is_named(ctl, args, wrong):
    assert ctl(*args, status=USAGE) == f"seguectl: No option '{wrong}'. See seguectl --help\n"


def test_an_option_without_its_argument_is_named(ctl):
    assert ctl('load', 'synth', 'hall.wav', '--fade', status=USAGE) == 'seguectl: --fade needs an argument\n'


def test_help_is_an_option(ctl):
    assert "Did you mean '--help'?" in ctl('help', status=USAGE)


def test_the_usage_of_a_command_without_arguments_ends_with_its_name(ctl):
    assert ctl('buffers', 'x', status=USAGE) == 'seguectl: Usage: seguectl buffers\n'


def test_a_message_is_one_line_whatever_is_named(synth, ctl):
    assert ctl('load', 'synth', 'a\nb\x1b[31m.wav', status=FAILED) == (
        'seguectl: synth: a?b?[31m.wav: No such file or directory\n')


def test_an_event_is_one_line_whatever_its_label_is(synth, begin, ctl):
    monitor = begin('monitor')

    def told():
        ctl('wave', 'synth', 'sine', '--label', 'a\nb\x1b[31m')
        return select.select([monitor.stdout], [], [], 0)[0]
    wait_until('listening monitor', told)
    assert re.fullmatch(r'synth: queued, request \d+, a\?b\?\[31m\n', read_until(monitor, 'queued'))


# ---- output

# a line, and more than is kept until it is written
@pytest.mark.parametrize('args', [('get', 'synth', 'gain'), ('--version',), ('get', 'synth'), ('--help',)])
def test_what_can_not_be_printed_is_a_failure(synth, begin, args):
    with open('/dev/full', 'w') as full:
        process = begin(*args, stdout=full)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (FAILED, "seguectl: Can't print: No space left on device\n")


def test_what_can_not_be_printed_at_once_is_a_failure_too(session, segue, ctl, begin):
    for i in range(40):
        ctl('create', 'source', f'{i:064}', 'mode=dsp', 'audio.position=[ MONO ]')
    with open('/dev/full', 'w') as full:
        process = begin(stdout=full)
    _, err = process.communicate(timeout=20)
    assert process.returncode == FAILED and err.startswith("seguectl: Can't print: ")


def test_monitor_tells_that_it_can_not_print(synth, begin, ctl):
    with open('/dev/full', 'w') as full:
        process = begin('monitor', stdout=full)
    while process.poll() is None:
        ctl('wave', 'synth', 'sine')
    assert process.returncode == FAILED
    assert process.stderr.read().startswith("seguectl: Can't print: ")


@pytest.mark.parametrize('args', [('get', 'synth', 'gain'), ('--help',)])
@pytest.mark.parametrize('action', [signal.SIG_DFL, signal.SIG_IGN])
def test_a_reader_that_has_left_misses_nothing(synth, begin, args, action):
    reader, writer = os.pipe()
    os.close(reader)
    process = begin(*args, stdout=writer, preexec_fn=lambda: signal.signal(signal.SIGPIPE, action))
    os.close(writer)
    _, err = process.communicate(timeout=20)
    assert process.returncode == (-signal.SIGPIPE if action == signal.SIG_DFL else DONE)
    assert err == ''


# ---- the bus

def test_a_bus_that_has_no_address_is_told(session, ctl):
    session.env = {k: v for k, v in session.env.items() if k not in ('DBUS_SESSION_BUS_ADDRESS', 'XDG_RUNTIME_DIR')}
    assert ctl(status=NO_SERVICE) == "seguectl: No session bus: DBUS_SESSION_BUS_ADDRESS isn't set\n"


def test_monitor_tells_that_the_bus_is_gone(session, segue, begin, ctl):
    monitor = begin('monitor')
    ctl('create', 'source', 'synth', 'wave=sine')
    assert 'synth' in monitor.stdout.readline()
    session.processes['bus'].kill()
    assert monitor.wait(20) == NO_SERVICE
    assert monitor.stderr.read().startswith('seguectl: Lost the session bus')


@pytest.mark.parametrize('args', [
    ('wave', 'synth', 'saw', '--after', '60', '--wait'), ('load', 'synth', 'long.wav'), ('keep', 'long.wav'),
    ('play', 'synth', 'long.wav')])
def test_a_service_that_stops_is_told_to_who_waits_for_it(session, synth, begin, on_terminal, ctl, args):
    make_long(session.path / 'home/long.wav')
    process, terminal = on_terminal(*args)
    if 'long.wav' in args:
        terminal.read_until('long.wav: 0 %')
    else:
        wait_until('request', lambda: ctl('get', 'synth', 'LastFinished') == '0\n' and
                   catches_interrupts(process))
    session.processes['service'].stop()
    terminal.read_until(None)
    assert process.wait(20) == NO_SERVICE
    assert terminal.text.endswith('seguectl: Segue has stopped\r\n')


# ---- time

def test_a_timeout_limits_the_waiting_for_a_service_that_hangs(session, synth, hall, ctl):
    session.processes['service'].signal(signal.SIGSTOP)
    for args in ('wave', 'synth', 'saw'), ('clear', 'synth'), ('load', 'synth', hall):
        assert ctl(*args, '--timeout', '200ms', status=TIMEOUT) == 'seguectl: synth: no answer within 200ms\n'
    session.processes['service'].signal(signal.SIGCONT)


def test_a_timeout_limits_the_waiting_for_a_file_system(synth, stalled_file, ctl):
    assert ctl('load', 'synth', stalled_file, '--timeout', '200ms', status=TIMEOUT) == (
        'seguectl: synth: no answer within 200ms\n')


def test_a_timeout_limits_the_waiting_for_standard_input(synth, begin):
    process = begin('load', 'synth', '-', '--timeout', '200ms', stdin=subprocess.PIPE)
    assert process.wait(20) == TIMEOUT
    assert process.stderr.read() == 'seguectl: synth: stdin: not read within 200ms\n'


def test_a_request_is_made_however_short_it_is_waited_for(synth, ctl):
    ctl('wave', 'synth', 'saw', '--timeout', '0', status=TIMEOUT)
    wait_until('sound', lambda: ctl('get', 'synth', 'Label') == 'saw\n')


# ---- files

@pytest.fixture
def bad(session):
    """A file whose last sample is no number: nothing before that tells."""
    samples = np.zeros(48000 * 60, 'f4')
    samples[-1] = np.nan
    write_float_wav(session.path / 'home/bad.wav', samples)
    return 'bad.wav'


def test_what_turns_out_bad_is_told_with_the_reason(synth, bad, ctl):
    why = 'bad.wav: has samples that are not numbers\n'
    assert ctl('keep', bad, status=FAILED) == f'seguectl: {why}'
    for command in 'load', 'play':
        assert ctl(command, 'synth', bad, status=FAILED) == f'seguectl: synth: {why}'


def test_ctrl_c_in_mid_load_plays_nothing(session, synth, ctl, on_terminal):
    process, terminal = on_terminal('play', 'synth', make_long(session.path / 'home/long.wav'))
    terminal.read_until('long.wav: 0 %')
    process.send_signal(signal.SIGINT)
    terminal.read_until(None)
    assert process.wait(20) == CANCELLED
    assert terminal.text.endswith('seguectl: synth: long.wav: cancelled\r\n')
    wait_until('end of the load', lambda: 'long.wav' not in ctl('buffers'))


# ---- buffers

def test_what_is_not_kept_can_not_be_released(synth, hall, ctl):
    assert ctl('release', '999', status=FAILED) == 'seguectl: No buffer 999. See seguectl buffers\n'
    ctl('load', 'synth', hall)
    number = ctl('buffers').splitlines()[1].split()[0]
    assert ctl('release', number, status=FAILED) == f"seguectl: buffer {number}: neither kept nor the caller's\n"


# ---- nodes

def test_a_node_that_can_not_have_its_sound_is_not_made(session, segue, ctl):
    (session.path / 'home/notes.txt').write_text('no sound\n')
    for file, why in ('missing.wav', 'no such file'), ('notes.txt', 'not an audio file'):
        for key in 'load', 'segue.load':
            assert ctl('create', 'source', 'synth', f'{key}={file}', status=FAILED) == (
                f'seguectl: synth: {file}: {why}\n')
    assert 'No nodes' in ctl()


def test_a_node_is_made_with_its_sound(segue, hall, ctl):
    assert 'pw-link synth:output_FL' in ctl('create', 'source', 'synth', 'mode=dsp', f'load={hall}')
    assert ctl('get', 'synth', 'Label') == f'{hall}\n'
    ctl('create', 'source', 'saw', 'wave=saw')
    assert ctl('get', 'saw', 'wave') == 'saw\n'


# ---- JSON, and names

def test_what_is_made_is_json_too(segue, hall, ctl):
    assert json.loads(ctl('create', 'source', 'synth', '--json')) == {'node': '/org/segue/Segue1/node/synth'}
    buffer = json.loads(ctl('keep', hall, '--json'))['buffer']
    assert buffer.startswith('/org/segue/Segue1/buffer/')
    assert json.loads(ctl('get', 'synth', '--json'))['Gain'] == 0.25
    ctl('release', buffer)


@pytest.mark.parametrize('args, why', [
    (('create', 'source', 'synth', 'gain'), "'gain' isn't KEY=VALUE"),
    (('create', 'source', 'synth', '=1'), "'=1' isn't KEY=VALUE"),
    (('create', 'source', b'\xff'), "Can't be sent over the bus: a name or text isn't UTF-8"),
    (('create', 'source', 'synth', b'node.description=\xff'), "node.description: isn't UTF-8"),
    (('clear', b'synth', '--fade', '-1'), "--fade: '-1' is negative")])
def test_what_is_no_name_and_value_is_told(session, segue, args, why):
    result = subprocess.run([session.seguectl, *args], env=session.env, capture_output=True, timeout=20)
    assert (result.returncode, result.stderr.decode()) == (USAGE, f'seguectl: {why}\n')


# ---- properties

@pytest.mark.parametrize('given, why', [
    ('gain=loud', "gain: 'loud' isn't a gain like 0.5, -6dB or 80%"),
    ('segue.fade=1h', "segue.fade: '1h' isn't a time like 50ms or 1.5s"),
    ('channel=1.5', "channel: '1.5' isn't a whole number"), ('bypass=maybe', "bypass: 'maybe' isn't on or off"),
    ('latency=long', "latency: 'long' isn't a time like 50ms or 1.5s, or auto")])
def test_a_value_a_node_can_not_be_made_with_is_told_as_by_set(ctl, given, why):
    assert ctl('create', 'source', 'synth', given, status=USAGE) == f'seguectl: {why}\n'


def test_a_word_that_is_none_of_a_few_is_told_which(synth, ctl):
    why = "seguectl: {}: segue.trigger: 'never' isn't one of always, notes\n"
    assert ctl('set', 'synth', 'trigger', 'never', status=FAILED) == why.format('synth')
    assert ctl('create', 'source', 'keys', 'trigger=never', status=FAILED) == why.format('keys')


@pytest.mark.parametrize('key', ['Buffer', 'Ids', 'CycleTime', 'Peak'])
def test_what_is_no_setting_can_only_be_read(synth, ctl, key):
    for value in '6', 'x':
        assert ctl('set', 'synth', key, value, status=FAILED) == f'seguectl: synth: {key} can only be read\n'


def test_a_number_too_large_is_refused_under_the_name_it_was_called(synth, ctl):
    assert ctl('set', 'synth', 'segue.channel', '4294967296', status=USAGE) == (
        'seguectl: segue.channel: the number is too large\n')
