# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""seguectl as somebody at a shell uses it: what it prints, and how it exits."""

import json
import os
import re
import select
import signal
import subprocess

import numpy as np
import pytest

from files import write_wav
from fixture import ROOT, wait_until
from shell import (CANCELLED, DONE, FAILED, KIT, NO_SERVICE, TIMEOUT, USAGE, catches_interrupts, make_long,
                   read_until)

NOT_RUNNING = "seguectl: Segue isn't running. Start it: systemctl --user start segue\n"


# ---- without a service

@pytest.mark.parametrize('args', [(), ('buffers',), ('get', 'synth'), ('monitor',), ('top',), ('wave', 'synth', 'saw')])
def test_it_says_how_to_start_a_service_that_is_not_running(ctl, args):
    assert ctl(*args, status=NO_SERVICE) == NOT_RUNNING


def test_only_commands_that_change_something_start_the_service(session, ctl):
    started = session.path / 'started'
    script = session.path / 'service'
    script.write_text(f'#!/bin/sh\ntouch {started}\nexit 1\n')
    script.chmod(0o755)
    (session.path / 'services/org.segue.Segue1.service').write_text(
        f'[D-BUS Service]\nName=org.segue.Segue1\nExec={script}\n')
    session.run('busctl', '--user', 'call', 'org.freedesktop.DBus', '/', 'org.freedesktop.DBus', 'ReloadConfig')
    ctl(status=NO_SERVICE)
    ctl('get', 'synth', status=NO_SERVICE)
    assert not started.exists()
    ctl('bypass', 'synth', 'on', status=NO_SERVICE)
    wait_until('start of the service', started.exists)


def test_without_a_bus_it_says_so(session, ctl):
    session.env = session.env | {'DBUS_SESSION_BUS_ADDRESS': 'unix:path=/nonexistent'}
    assert 'No session bus' in ctl(status=NO_SERVICE)


@pytest.mark.parametrize('args', [
    ('laod', 'synth', 'x'), ('load', 'synth'), ('--wiat',), ('clear', 'synth', '--gain', '1'),
    ('load', 'synth', 'x', '--fade', 'long'), ('load', 'synth', 'x', '--at', '-1'), ('release', 'x'),
    ('bypass', 'synth', 'maybe'), ('create', 'source', 'x', 'gian=1')])
def test_wrong_usage_needs_no_service_to_be_told(ctl, args):
    message = ctl(*args, status=USAGE)
    assert message.startswith('seguectl: ') and message.count('\n') == 1


def test_wrong_words_suggest_the_nearest(ctl):
    assert "Did you mean 'load'?" in ctl('laod', status=USAGE)
    assert "Did you mean '--wait'?" in ctl('--wiat', status=USAGE)
    assert "Did you mean 'gain'?" in ctl('create', 'source', 'x', 'gian=1', status=USAGE)


def test_help_names_every_command_and_option(ctl):
    text = ctl('--help')
    for word in ('create destroy load wave clear bypass set get note play stop buffers keep release show monitor top '
                 'complete --json --fade --at --after --wait --timeout --gain --normalize --label --velocity --loop '
                 '--png').split():
        assert word in text, word
    assert '--loop HOW' in text and '--loop   ' in ctl('play', '--help')
    assert 'key is released' in ctl('note', '--help')
    assert ctl('--version').startswith('seguectl ')


def test_the_manual_has_every_command_and_option(session, ctl):
    page = ROOT / 'man/seguectl.1'
    text = page.read_text()
    commands, options = ctl('--help').split('Options:', 1)
    for command in re.findall(r'^  (\w+)', commands, re.M):
        assert f'.It Cm {command}' in text, command
    for option in re.findall(r'^  --(\w+)', options, re.M):
        assert re.search(f'^.It .*Fl -{option}', text, re.M), option
    assert session.run('man', '--warnings', '-E', 'UTF-8', '-l', '-Tutf8', '-Z', page).stderr == ''


# ---- nodes and properties

def test_a_node_is_created_listed_and_destroyed(segue, ctl):
    assert 'No nodes' in ctl()
    assert 'pw-link pad:output_FL' in ctl('create', 'source', 'pad', 'mode=dsp', 'gain=-20dB', 'segue.fade=50ms')
    heading, row = ctl().splitlines()
    assert heading.split()[:4] == ['NODE', 'TYPE', 'MODE', 'STATE']
    assert row.split()[:4] == ['pad', 'source', 'dsp', 'empty']
    assert ctl('get', 'pad', 'gain') == '0.1\n'
    assert ctl('get', 'pad', 'fade') == '0.05\n'
    ctl('destroy', 'pad')
    assert 'No nodes' in ctl()


def test_what_is_created_is_heard_without_a_link_of_ones_own(segue, ctl):
    assert ctl('create', 'source', 'synth') == ctl('create', 'convolver', 'room') == ''
    assert (ctl('get', 'synth', 'mode'), ctl('get', 'room', 'mode')) == ('stream\n', 'sink\n')
    assert "a source can't be a sink" in ctl('create', 'source', 'hall', 'mode=sink', status=FAILED)


def test_a_taken_name_is_refused(synth, ctl):
    assert 'synth' in ctl('create', 'source', 'synth', status=FAILED)


@pytest.mark.parametrize('command', [
    ('clear', 'snyth'), ('destroy', 'snyth'), ('get', 'snyth'), ('set', 'snyth', 'gain', '1'),
    ('wave', 'snyth', 'saw'), ('load', 'snyth', 'hall.wav'), ('bypass', 'snyth', 'on')])
def test_a_wrong_node_suggests_the_nearest(synth, hall, ctl, command):
    assert ctl(*command, status=FAILED) == "seguectl: No node 'snyth'. Did you mean 'synth'?\n"


@pytest.mark.parametrize('key, text, shown', [
    ('gain', '-20dB', '0.1'), ('segue.gain', '80%', '0.8'), ('Gain', '2', '2'), ('fade', '1.5s', '1.5'),
    ('fade', '20ms', '0.02'), ('frequency', '1.2kHz', '1200'), ('bypass', 'yes', 'true')])
def test_properties_take_units_and_read_back(synth, ctl, key, text, shown):
    ctl('set', 'synth', key, text)
    assert ctl('get', 'synth', key) == shown + '\n'


def test_a_refused_property_changes_nothing(synth, ctl):
    before = ctl('get', 'synth', 'gain')
    assert 'gain' in ctl('set', 'synth', 'gain', '17', status=FAILED).lower()
    assert "Did you mean 'gain'?" in ctl('set', 'synth', 'gian', '1', status=FAILED)
    ctl('set', 'synth', 'State', 'running', status=FAILED)
    assert ctl('get', 'synth', 'gain') == before


def test_all_properties_are_printed_as_key_and_value(synth, ctl):
    lines = dict(line.split(' ', 1) for line in ctl('get', 'synth').splitlines())
    assert {'Name', 'State', 'gain', 'fade', 'bypass', 'frequency', 'trigger'} <= lines.keys()
    assert lines['gain'] == '0.25'


def test_bypass_toggles(synth, ctl):
    assert ctl('bypass', 'synth', 'toggle') == 'on\n'
    assert ctl('get', 'synth', 'bypass') == 'true\n'
    assert ctl('bypass', 'synth', 'toggle') == 'off\n'


# ---- swaps

def test_a_file_is_loaded_from_where_the_shell_is(synth, hall, ctl):
    assert ctl('load', 'synth', hall, '--wait').startswith('applied at frame ')
    assert 'hall.wav' in ctl()


def test_the_channels_of_several_files_are_joined(session, room, ctl):
    for name, level in ('L', 0.25), ('R', 0.5):
        write_wav(session.path / f'home/{name}.wav', np.append(np.full(1, level), np.zeros(23999)))
    assert ctl('load', 'room', 'L.wav', 'R.wav') == 'L.wav + R.wav: 500 ms, 2 channels, peak gain -6.0 dB\n'
    assert ctl('load', 'room', 'L.wav', 'missing.wav', status=FAILED) == (
        'seguectl: room: missing.wav: No such file or directory\n')
    (session.path / 'home/notes.txt').write_text('no sound\n')
    assert ctl('load', 'room', 'L.wav', 'notes.txt', status=FAILED) == (
        'seguectl: room: notes.txt: not an audio file\n')
    assert '16 files' in ctl('load', 'room', *17 * ['L.wav'], status=USAGE)


def test_an_instrument_is_loaded_by_its_path(session, synth, kit, ctl):
    assert re.fullmatch(KIT, ctl('load', 'synth', kit).strip())
    assert re.fullmatch(KIT, ctl('load', 'synth', session.path / 'home' / kit).strip())
    assert ctl('get', 'synth', 'Label') == 'Kit.SFZ\n'
    assert [row.split()[1:3] for row in ctl('buffers').splitlines()[1:]] == [['instrument', 'Kit.SFZ']]


def test_an_instrument_is_kept(segue, kit, ctl, on_terminal):
    number = ctl('keep', kit, '--label', 'drums').strip()
    assert ctl('buffers').splitlines()[1].split()[:3] == [number, 'instrument', 'drums']
    process, terminal = on_terminal('keep', kit)
    terminal.read_until(None)
    assert process.wait(20) == DONE
    assert re.search(KIT, terminal.text)


def test_what_is_wrong_with_an_instrument_is_told(session, synth, room, kit, hall, ctl):
    (session.path / 'home/bad.sfz').write_text('<region> sample=missing.wav')
    assert ctl('load', 'synth', './bad.sfz', status=FAILED) == (
        'seguectl: synth: bad.sfz: missing.wav: no such file\n')
    assert ctl('load', 'synth', 'none.sfz', status=FAILED) == (
        'seguectl: synth: none.sfz: no such file\n')
    assert ctl('load', 'synth', kit, '--normalize', 'peak', status=FAILED) == (
        "seguectl: synth: normalize: an instrument's regions have their own\n")
    assert ctl('load', 'room', kit, status=FAILED) == (
        'seguectl: room: Kit.SFZ: is an instrument, a convolver needs a recording\n')


def test_an_instrument_is_refused_where_its_folder_is_not_known(session, synth, kit, hall, ctl):
    for files in (hall, kit), (kit, hall):
        assert ctl('load', 'synth', *files, status=FAILED) == (
            "seguectl: synth: Kit.SFZ: an instrument isn't joined with other files\n")
    for command in ('load', 'synth', '-'), ('play', 'synth', '-'):
        assert ctl(*command, stdin=(session.path / 'home' / kit).read_text(), status=FAILED) == (
            "seguectl: synth: stdin: an instrument needs its folder: give its file's name\n")
    assert ctl('keep', '-', stdin='// a kit\n<region>', status=FAILED) == (
        "seguectl: stdin: an instrument needs its folder: give its file's name\n")


def test_standard_input_is_loaded(session, synth, hall, begin):
    with open(session.path / 'home' / hall, 'rb') as f:
        cat = subprocess.Popen(['cat'], stdin=f, stdout=subprocess.PIPE)
    process = begin('load', 'synth', '-', '--wait', stdin=cat.stdout)
    out, err = process.communicate(timeout=20)
    cat.wait()
    assert process.returncode == DONE, err
    assert out.startswith('applied')


@pytest.mark.parametrize('name, make', [
    ('text.txt', lambda p: p.write_text('no sound\n')), ('missing.wav', lambda p: None),
    ('folder', lambda p: p.mkdir()), ('pipe', os.mkfifo), ('empty.wav', lambda p: p.write_bytes(b''))])
def test_a_bad_file_is_named_and_refused_at_once(session, synth, ctl, name, make):
    make(session.path / 'home' / name)
    message = ctl('load', 'synth', name, status=FAILED)
    assert message.startswith(f'seguectl: synth: {name}: ') and message.count('\n') == 1


def test_waves_and_silence_are_heard_when_it_returns(synth, ctl):
    assert ctl('wave', 'synth', 'saw', '--gain', '50%', '--fade', '0', '--wait').startswith('applied at frame ')
    assert ctl('clear', 'synth', '--wait').startswith('applied at frame ')
    assert 'swa' in ctl('wave', 'synth', 'swa', status=FAILED)


def test_load_and_wave_are_keys_too(session, synth, hall, ctl):
    ctl('set', 'synth', 'segue.load', hall)
    assert ctl('get', 'synth', 'load') == f'{session.path}/home/{hall}\n'
    assert ctl('get', 'synth', 'wave') == '\n'
    ctl('set', 'synth', 'wave', 'harmonics:1,0.5')
    wait_until('wave', lambda: ctl('get', 'synth', 'segue.wave') == 'harmonics:1,0.5\n')
    assert ctl('get', 'synth', 'load') == '\n'


def test_a_superseded_request_exits_with_4(session, synth, begin, ctl):
    process = begin('load', 'synth', make_long(session.path / 'home/long.wav'), '--wait')
    wait_until('request', lambda: ctl('get', 'synth', 'State') == 'loading\n')
    ctl('wave', 'synth', 'sine', '--wait')
    _, err = process.communicate(timeout=20)
    assert process.returncode == CANCELLED
    assert err == 'seguectl: synth: superseded by a newer request\n'


def test_a_timeout_exits_with_5_and_leaves_the_request(synth, ctl):
    message = ctl('wave', 'synth', 'saw', '--after', '60', '--timeout', '50ms', status=TIMEOUT)
    assert '50ms' in message


def test_ctrl_c_cancels_the_request(synth, begin, ctl):
    process = begin('wave', 'synth', 'saw', '--after', '60', '--wait')
    wait_until('request', lambda: catches_interrupts(process))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == CANCELLED
    assert err == 'seguectl: synth: cancelled, the old sound stays\n'
    wait_until('end of the request', lambda: ctl('get', 'synth', 'State') == 'empty\n')


def test_a_load_tells_what_was_loaded(synth, hall, ctl, on_terminal):
    assert ctl('load', 'synth', hall) == 'hall.wav: 500 ms, 2 channels, peak gain -6.0 dB\n'
    process, terminal = on_terminal('load', 'synth', hall, '--after', '60')
    terminal.read_until(None)
    assert process.wait(20) == DONE
    assert terminal.text.endswith('hall.wav: 500 ms, 2 channels, peak gain -6.0 dB\r\n')


def test_ctrl_c_in_mid_load_keeps_the_old_sound(session, synth, hall, ctl, on_terminal):
    ctl('load', 'synth', hall)
    process, terminal = on_terminal('load', 'synth', make_long(session.path / 'home/long.wav'))
    terminal.read_until('long.wav: 0 %')
    process.send_signal(signal.SIGINT)
    terminal.read_until(None)
    assert process.wait(20) == CANCELLED
    assert terminal.text.endswith('seguectl: synth: cancelled, the old sound stays\r\n')
    assert ctl('get', 'synth', 'Label') == 'hall.wav\n'
    wait_until('end of the load', lambda: 'long.wav' not in ctl('buffers'))


def test_a_dumb_terminal_gets_no_progress(session, synth, ctl, on_terminal):
    process, terminal = on_terminal('load', 'synth', make_long(session.path / 'home/long.wav'), term='dumb')
    wait_until('load', lambda: 'loading' in ctl('buffers'))
    wait_until('progress', lambda: json.loads(ctl('buffers', '--json'))[0]['Progress'] > 0)
    process.send_signal(signal.SIGINT)
    terminal.read_until(None)
    assert process.wait(20) == CANCELLED
    assert terminal.text == 'seguectl: synth: cancelled, the old sound stays\r\n'


# ---- convolvers

def test_a_convolver_comes_with_the_links_of_both_its_sides(session, segue, ctl):
    out = ctl('create', 'convolver', 'room', 'segue.mode=dsp', 'capture.props={ audio.position = [ MONO ] }',
              'wet=-6dB', 'latency=auto')
    links = [line.split() for line in out.splitlines()[1:]]
    assert links == [['pw-link', 'SOURCE:output_MONO', 'room:input_MONO'],
                     ['pw-link', 'room:output_FL', 'SINK:playback_FL'],
                     ['pw-link', 'room:output_FR', 'SINK:playback_FR']]
    ports = {p for p in session.ports() if p.startswith('room:')}
    assert ports == {port for link in links for port in link if port.startswith('room:')}
    assert ctl('get', 'room', 'wet') == '0.5011872\n'


def test_a_response_is_heard_or_refused_when_load_returns(session, room, hall, ctl):
    # of 24000 times 0.5, added up
    assert ctl('load', 'room', hall) == 'hall.wav: 500 ms, 2 channels, peak gain 81.6 dB\n'
    assert ctl('get', 'room', 'Length') == '0.5\n'
    write_wav(session.path / 'home/three.wav', np.full((100, 3), 0.5))
    write_wav(session.path / 'home/long.wav', np.full(96000, 0.5))
    assert ctl('load', 'room', 'three.wav', status=FAILED) == (
        'seguectl: room: three.wav: has 3 channels, where 1, 2 or 4 are needed\n')
    assert ctl('load', 'room', 'long.wav', status=FAILED) == (
        'seguectl: room: long.wav: has 2.00 s, 1.00 s at most\n')
    assert ctl('get', 'room', 'Label') == 'hall.wav\n'


def test_a_latency_may_be_automatic(room, ctl):
    assert ctl('get', 'room', 'latency') == '0\n'
    ctl('set', 'room', 'latency', 'auto')
    assert ctl('get', 'room', 'latency') == 'auto\n'
    assert 'latency auto\n' in ctl('get', 'room')
    assert json.loads(ctl('get', 'room', 'latency', '--json')) == {'Latency': -1}
    assert ctl('set', 'room', 'latency', 'long', status=USAGE) == (
        "seguectl: latency: 'long' isn't a time like 50ms or 1.5s, or auto\n")
    ctl('set', 'room', 'segue.latency', '5ms')
    assert ctl('get', 'room', 'Latency') == '0.005\n'


@pytest.mark.parametrize('key', ['ir.max', 'segue.ir.max', 'LengthMax'])
def test_what_is_fixed_says_so_under_the_name_it_was_called(room, ctl, key):
    assert ctl('set', 'room', key, '20', status=FAILED) == (
        f'seguectl: room: {key} is fixed when the node is made\n')
    assert ctl('get', 'room', key) == '1\n'


def test_what_another_type_of_node_has_is_refused(room, synth, ctl):
    assert ctl('wave', 'room', 'saw', status=FAILED) == "seguectl: room: a node of its type can't do that\n"
    assert "No property 'frequency'" in ctl('set', 'room', 'frequency', '440', status=FAILED)
    assert "No property 'wet'" in ctl('set', 'synth', 'wet', '1', status=FAILED)


# ---- JSON

def test_json_has_the_buses_names(synth, hall, ctl):
    serial = json.loads(ctl('load', 'synth', hall, '--json'))['serial']
    heard = json.loads(ctl('wave', 'synth', 'saw', '--wait', '--json'))
    assert heard['result'] == 'applied' and heard['serial'] > serial and heard['position'] >= 0
    nodes = [o for o in json.loads(ctl('--json')) if o.get('Name') == 'synth']
    assert len(nodes) == 1 and nodes[0]['Gain'] == 0.25 and nodes[0]['Fade'] == 0.02
    assert json.loads(ctl('get', 'synth', 'gain', '--json')) == {'Gain': 0.25}
    assert isinstance(json.loads(ctl('buffers', '--json')), list)


def test_errors_are_json_too(synth, ctl):
    error = json.loads(ctl('--json', 'clear', 'nobody', status=FAILED))
    assert error['error'] == 'org.freedesktop.DBus.Error.UnknownObject'
    assert 'nobody' in error['message']
    assert json.loads(ctl('--json', 'clear', status=USAGE)).keys() == {'error', 'message'}


@pytest.mark.parametrize('args, status', [
    (('load', 'synth', b'caf\xe9.wav'), FAILED), (('clear', b'\xff'), FAILED), ((b'\xfe\xff',), USAGE),
    (('get', 'synth', b'\xff'), USAGE), (('release', 'caf\xe9'.encode() + b'\xc3'), USAGE)])
def test_json_is_utf8_whatever_the_arguments_are(session, synth, args, status):
    result = subprocess.run([session.seguectl, '--json', *args], env=session.env,
                            cwd=session.path / 'home', capture_output=True, timeout=20)
    assert result.returncode == status
    assert json.loads(result.stderr.decode()).keys() == {'error', 'message'}


# ---- monitor

def test_monitor_tells_what_happens_and_survives_a_restart(session, synth, begin, ctl):
    monitor = begin('monitor', '--json')
    def heard():
        ctl('wave', 'synth', 'sine', '--wait')
        return select.select([monitor.stdout], [], [], 0)[0]
    wait_until('listening monitor', heard)
    ctl('wave', 'synth', 'saw', '--wait')
    applied = json.loads(read_until(monitor, '"applied"'))
    assert applied['node'] == 'synth' and applied['serial'] > 0
    ctl('clear', 'synth', '--wait')
    assert json.loads(read_until(monitor, '"reclaimed"'))['bytes'] > 0

    session.processes['service'].stop()
    read_until(monitor, '"stopped"')
    session.start_service()
    read_until(monitor, '"started"')
    ctl('create', 'source', 'synth')
    ctl('wave', 'synth', 'sine', '--wait')
    assert json.loads(read_until(monitor, '"applied"'))['node'] == 'synth'


@pytest.mark.parametrize('action', [signal.SIG_DFL, signal.SIG_IGN])
def test_monitor_ends_in_silence_when_its_reader_does(synth, begin, action):
    monitor = begin('monitor', preexec_fn=lambda: signal.signal(signal.SIGPIPE, action))
    monitor.stdout.close()
    assert monitor.wait(20) == DONE
    assert monitor.stderr.read() == ''


def test_with_pipewire_down_the_table_says_so(session, synth, ctl):
    session.processes['pipewire'].kill()
    wait_until('disconnection', lambda: 'disconnected' in ctl())
    assert 'PipeWire is down' in ctl()
