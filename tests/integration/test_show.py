# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""seguectl show: what it tells of a sound, and how it draws it."""

import json
import math
import os
import re

import matplotlib.image
import numpy as np
import pytest

from files import wav_header, write_float_wav, write_wav
from shell import FAILED, NO_SERVICE, USAGE
from tmux import Tmux

RATE = 48000
GUTTER = 9      # columns left of a plot


@pytest.fixture
def home(session):
    return session.path / 'home'


@pytest.fixture
def shown(session):
    """What a terminal of this size shows then, with a prompt below."""
    def show(columns, rows, *args):
        with Tmux(session, columns, rows, 'sh', '-c', '"$0" "$@"; printf "$ "; read x', session.seguectl,
                  'show', *args) as terminal:
            lines = terminal.wait_for('$')
        return lines[:next(i for i, line in enumerate(lines) if line.startswith('$'))]
    return show


@pytest.fixture
def steps(home):
    """A channel that steps from 0.5 to -0.5 in the middle, and one of half that."""
    left = np.repeat([0.5, -0.5], 12000)
    write_wav(home / 'steps.wav', np.stack([left, left / 2], axis=1))
    return 'steps.wav'


@pytest.fixture
def hall(home):
    """Noise that decays by 60 dB in 0.8 s."""
    t = np.arange(RATE) / RATE
    noise = np.random.default_rng(1).standard_normal(RATE)
    write_float_wav(home / 'hall.wav', 0.1 * noise * 10 ** (-3 * t / 0.8))
    return 'hall.wav'


def plot(line):
    return line[GUTTER:]


# ---- in a terminal

def test_it_is_tidy_in_80_by_24(steps, shown):
    lines = shown(80, 24, steps)
    assert lines[0] == 'steps.wav: 500 ms, 2 channels, 48000 Hz'
    assert lines[1].split() == ['CHANNEL', 'PEAK', 'RMS', 'PEAK', 'GAIN', 'AT', 'T60']
    # the peak gain of a step up and down, at 1 / 0.5 s, less by what the sine's frequency lies between bins
    assert lines[2].split()[:5] == ['1', '-6.0', 'dB', '-6.0', 'dB']
    assert lines[3].split()[:5] == ['2', '-12.0', 'dB', '-12.0', 'dB']
    assert [line[:GUTTER].strip() for line in lines[4:14]] == [
        '0.5', '', 'ch 1', '-0.5', '0.5', '', 'ch 2', '-0.5', '', '0 dB']
    # 71 columns, the step in the middle of the 36th
    assert plot(lines[4]) == 35 * '⠉' + '⠁'
    assert plot(lines[5]) == plot(lines[6]) == ''
    assert plot(lines[7]) == 35 * ' ' + '⢀' + 35 * '⣀'
    assert plot(lines[8]) == plot(lines[11]) == ''
    assert plot(lines[12]) == f'0 s{"250 ms":>36}{"500 ms":>32}'
    assert len(lines) == 22 and max(map(len, lines)) <= 80


def test_it_uses_all_of_200_by_60(steps, shown):
    lines = shown(200, 60, steps)
    assert len(lines) == 58
    assert plot(lines[4]) == 95 * '⠉' + '⠁'
    assert max(map(len, lines)) == 200
    labels = '20 Hz, 50 Hz, 100 Hz, 200 Hz, 500 Hz, 1 kHz, 2 kHz, 5 kHz, 10 kHz, 20 kHz'
    assert lines[-1].split() == labels.replace(',', '').split()


def test_a_sine_stands_over_its_frequency(home, shown):
    write_wav(home / 'sine.wav', 0.5 * np.sin(2 * np.pi * 1000 * np.arange(2 * RATE) / RATE))
    lines = shown(200, 60, 'sine.wav')
    top = next(line for line in lines if line.startswith('    0 dB'))
    assert len(plot(top).strip()) == 1
    place = math.log(1000 / 20) / math.log(1000)
    assert len(plot(top)) - 1 == int(place * 191)
    assert abs(lines[-1].index('1 kHz') + 2 - (len(top) - 1)) <= 1


def test_many_channels_share_a_waveform(home, shown):
    samples = np.zeros((4800, 16))
    samples[0, 3] = 0.5
    write_wav(home / 'many.wav', samples)
    lines = shown(80, 60, 'many.wav')
    assert [line.split()[0] for line in lines[2:18]] == [str(c + 1) for c in range(16)]
    assert [line for line in lines if line.startswith('     all')]
    assert plot(next(line for line in lines if line.startswith('     0.5'))) == '⡇'


def test_without_utf8_it_is_ascii(steps, ctl, session):
    session.env = session.env | {'LC_ALL': 'C'}
    lines = ctl('show', steps).splitlines()
    assert '\n'.join(lines).isascii()
    assert plot(lines[4]).rstrip() == 36 * '.'


# ---- in numbers

def test_json_has_what_formulas_have(hall, steps, ctl):
    seen = json.loads(ctl('show', '--json', hall))
    assert (seen['Name'], seen['Frames'], seen['Rate'], len(seen['Channels'])) == ('hall.wav', RATE, RATE, 1)
    assert seen['Channels'][0]['T60'] == pytest.approx(0.8, rel=0.02)
    seen = json.loads(ctl('show', '--json', steps))['Channels']
    assert [c['Peak'] for c in seen] == pytest.approx([0.5, 0.25], rel=1e-3)
    assert [c['Rms'] for c in seen] == pytest.approx([0.5, 0.25], rel=1e-3)
    assert [c['T60'] for c in seen] == [None, None]
    # |1 - 2 z^n + z^2n| / |1 - z| of n frames up and n down has its largest value near 0.37 / n
    assert seen[0]['PeakGain'] == pytest.approx(2 * seen[1]['PeakGain'], rel=1e-3)
    assert seen[0]['PeakGain'] == pytest.approx(0.5 * 12000 * 1.449, rel=1e-3)
    assert seen[0]['PeakGainFrequency'] == pytest.approx(0.371 * RATE / 12000, abs=0.4)


def test_the_peak_gain_is_the_services(segue, hall, ctl):
    segue.create('room', kind='convolver', audio_position='[ MONO ]', segue_ir_max=1.0)
    told = ctl('load', 'room', hall).strip()
    gain = json.loads(ctl('show', hall, '--json'))['Channels'][0]['PeakGain']
    assert told.endswith(f'peak gain {20 * math.log10(gain):.1f} dB')


def test_standard_input_is_shown(home, steps, ctl):
    with open(home / steps, 'rb') as f:
        assert ctl('show', '-', stdin=f).startswith('stdin: 500 ms, 2 channels, 48000 Hz\n')


# ---- as a picture

def test_a_picture_is_small_and_has_the_waveform(steps, home, ctl):
    text = ctl('show', steps, '--png', 'steps.png')
    assert text.count('\n') == 4 and text.startswith('steps.wav: 500 ms')
    assert (home / 'steps.png').stat().st_size < 40 * 1024
    picture = matplotlib.image.imread(home / 'steps.png')[..., :3]
    assert picture.shape == (440, 800, 3)
    blue = np.abs(picture - [0.18, 0.53, 0.67]).max(axis=2) < 0.02
    rows, columns = np.nonzero(blue)
    assert (columns.min(), columns.max()) == (64, 783)
    # a strip of 70 rows for each channel, of which the second one's levels are a quarter and three
    first, second = rows[rows < 146], rows[rows >= 146]
    assert (first.min(), first.max(), second.min(), second.max()) == (76, 145, 146 + 17, 146 + 52)


def test_a_picture_that_can_not_be_written_is_told(steps, ctl):
    assert ctl('show', steps, '--png', 'nowhere/a.png', status=FAILED) == (
        'seguectl: a.png: No such file or directory\n')
    assert ctl('show', steps, '--png', '/dev/full', status=FAILED) == 'seguectl: full: No space left on device\n'


# ---- of the bus

def without_title(text):
    return text.split('\n', 1)[1]


def test_a_buffer_is_shown_as_its_file(segue, steps, ctl):
    number = ctl('keep', steps).strip()
    shown = ctl('show', number)
    assert shown.startswith(f'steps.wav (buffer {number}, sample, ready): 500 ms, 2 channels, 48000 Hz\n')
    assert without_title(shown) == without_title(ctl('show', f'#{number}')) == without_title(ctl('show', steps))
    channels = [json.loads(ctl('show', name, '--json'))['Channels'] for name in (number, steps)]
    assert channels[0] == channels[1]


def test_a_response_is_shown_as_it_was_loaded(segue, hall, home, ctl):
    segue.create('room', kind='convolver', audio_position='[ MONO ]', segue_ir_max=1.0)
    ctl('load', 'room', hall)
    shown = ctl('show', '1', '--png', 'a.png')
    assert shown.startswith('hall.wav (buffer 1, response, live): 1 s, 1 channel, 48000 Hz\n')
    assert without_title(shown) == without_title(ctl('show', hall, '--png', 'b.png'))


def test_a_table_is_shown_as_at_440_hz(segue, ctl):
    segue.ready(segue.generate('square'))
    lines = ctl('show', '1').splitlines()
    assert re.fullmatch(r'square \(buffer 1, table, ready\): a period of \d+ frames, 1 channel, as at 440 Hz', lines[0])
    axis = next(line for line in lines if line.startswith(' ' * GUTTER + '0 s'))
    assert axis.split() == ['0', 's', '1.14', 'ms', '2.27', 'ms']


def test_a_buffer_that_can_not_be_shown_is_told(segue, home, steps, ctl):
    (home / 'kit.sfz').write_text(f'<region> sample={steps}')
    number = ctl('keep', 'kit.sfz').strip()
    assert ctl('show', number, status=FAILED) == (
        'seguectl: kit.sfz: an instrument is many sounds: show one of its samples\n')
    assert ctl('show', '99', status=FAILED) == (
        'seguectl: No buffer 99. See seguectl buffers; a file of that name is ./99\n')


# ---- what can't be shown

def test_a_file_needs_neither_service_nor_bus(session, steps, ctl):
    session.env = session.env | {'DBUS_SESSION_BUS_ADDRESS': 'unix:path=/nonexistent'}
    ctl('show', steps)
    assert 'No session bus' in ctl('show', '7', status=NO_SERVICE)


@pytest.mark.parametrize('name, make, why', [
    ('missing.wav', lambda p: None, 'No such file or directory'),
    ('text.txt', lambda p: p.write_text('no sound\n'), 'not an audio file'),
    ('folder', lambda p: p.mkdir(), 'not an audio file'),
    ('pipe', os.mkfifo, 'not an audio file'),
    ('none.wav', lambda p: p.write_bytes(wav_header(1, 0)), 'no sound in it'),
    ('nan.wav', lambda p: write_float_wav(p, [0.5, np.nan]), "has values that aren't numbers"),
    ('kit.sfz', lambda p: p.write_text('<region>'), 'an instrument is many sounds: show one of its samples')])
def test_a_bad_file_is_named_and_refused(home, ctl, name, make, why):
    make(home / name)
    assert ctl('show', name, status=FAILED) == f'seguectl: {name}: {why}\n'
    assert json.loads(ctl('show', name, '--json', status=FAILED))['message'] == f'{name}: {why}'


@pytest.mark.parametrize('name, shown', [('a\033[31m.wav', 'a?[31m.wav'), ('caf\udce9.wav', 'caf?.wav')])
def test_a_name_upsets_neither_terminal_nor_picture(home, steps, ctl, name, shown):
    (home / steps).rename(home / name)
    assert ctl('show', name).startswith(f'{shown}: 500 ms')
    assert ctl('show', name, '--png', 'a.png').startswith(f'{shown}: 500 ms')
    assert (home / 'a.png').exists()
    assert json.loads(ctl('show', name, '--json'))['Name'] == shown


def test_wrong_usage_is_told(steps, ctl):
    assert ctl('show', status=USAGE) == 'seguectl: Usage: seguectl show BUFFER|FILE\n'
    assert ctl('buffers', '--png', 'a.png', status=USAGE) == 'seguectl: buffers takes no --png\n'
