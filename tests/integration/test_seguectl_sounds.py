# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""seguectl's keys, plays and buffers."""

import json
import re
import signal

import numpy as np
import pytest

from files import write_float_wav
from fixture import wait_until
from shell import FAILED, KIT, USAGE


@pytest.fixture
def keys(session, segue, ctl):
    """A source that plays notes, and runs."""
    ctl('create', 'source', 'keys', 'mode=dsp', 'audio.position=[ MONO ]', 'trigger=notes', 'release=5ms')
    ctl('wave', 'keys', 'saw', '--wait')
    session.link('keys:output_MONO', 'test-sink:playback_FL')
    wait_until('running node', lambda: int(ctl('get', 'keys', 'Cycles')) > 0)
    return 'keys'


def test_a_synthesizer_comes_with_the_link_of_its_keyboard(session, segue, ctl):
    assert 'midi_in' not in ctl('create', 'source', 'steady', 'mode=dsp', 'trigger=always')
    links = [line.split() for line in ctl('create', 'source', 'keys', 'segue.mode=dsp', 'segue.trigger=notes').splitlines()]
    assert links[-1] == ['pw-link', 'KEYBOARD', 'keys:midi_in']
    assert 'keys:midi_in' in session.ports()


def wait_for_voices(ctl, n):
    wait_until(f'{n} voices', lambda: ctl('get', 'keys', 'Voices') == f'{n}\n')


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_key_is_pressed_and_released(keys, begin, ctl, number):
    process = begin('note', keys, 'F#3', '--length', '60s', '--velocity', '127',
                    preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
    wait_for_voices(ctl, 1)
    ctl('note', keys, '60', '--length', '1ms')
    process.send_signal(number)
    # it ends by the signal, so that a script does, and its key is up
    assert process.wait(20) == -number
    wait_for_voices(ctl, 0)


def test_a_signal_that_is_ignored_does_not_end_a_note(keys, begin, ctl):
    """As with nohup: the window may close, the key stays pressed."""
    process = begin('note', keys, '60', '--length', '60s',
                    preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    wait_for_voices(ctl, 1)
    process.send_signal(signal.SIGHUP)
    ctl('note', keys, '62', '--length', '1ms')
    wait_for_voices(ctl, 1)
    assert process.poll() is None


def test_what_is_no_key_or_velocity_is_wrong_usage(ctl):
    for key in 'H4', '128', 'C', 'C99999999999999999999':
        assert ctl('note', 'keys', key, status=USAGE) == (
            f"seguectl: '{key}' isn't a key: 0 to 127, or a name like C4 or F#3\n")
    assert 'a name like C4' in ctl('load', 'keys', 'x.wav', '--rootkey', 'H4', status=USAGE)
    for velocity in '0', '128':
        assert 'velocity' in ctl('note', 'keys', '60', '--velocity', velocity, status=USAGE)


def test_a_sound_is_played_beside_others_until_it_is_stopped(keys, hall, ctl):
    first = ctl('play', keys, hall, '--loop', '--gain', '-6dB')
    second = json.loads(ctl('play', keys, ctl('keep', hall).strip(), '--loop', '--json'))['voice']
    wait_for_voices(ctl, 2)
    ctl('stop', keys, str(second))
    wait_for_voices(ctl, 1)
    assert first != f'{second}\n'
    ctl('stop', keys)
    wait_for_voices(ctl, 0)
    assert ctl('stop', keys, '99', status=FAILED) == "seguectl: keys: voice 99 isn't playing\n"


def test_an_instrument_is_played(keys, kit, ctl):
    # 60 is none of its keys: nothing sounds
    ctl('play', keys, kit)
    assert re.fullmatch(KIT, ctl('load', keys, kit).strip())
    ctl('note', keys, '36', '--length', '1ms')


def test_a_sample_has_a_root_key(keys, hall, ctl):
    assert ctl('load', keys, hall, '--rootkey', 'F#3', '--loop', 'forward') == (
        'hall.wav: 500 ms, 2 channels, peak gain -6.0 dB\n')
    ctl('note', keys, 'F#3', '--length', '1ms')


def test_what_can_not_be_played_is_told(segue, keys, hall, ctl):
    ctl('create', 'source', 'idle')
    assert ctl('play', 'idle', hall, status=FAILED) == (
        "seguectl: idle: it isn't running: nothing is linked to it\n")
    assert ctl('note', 'idle', '60', status=FAILED) == (
        'seguectl: idle: NoteOn: segue.trigger is always, not notes\n')
    assert 'no such buffer' in ctl('play', keys, '999', status=FAILED)
    assert ctl('play', 'kesy', hall, status=FAILED) == "seguectl: No node 'kesy'. Did you mean 'keys'?\n"
    ctl('stop', keys, 'all', status=USAGE)


# ---- buffers

def test_what_is_kept_stays_until_it_is_released(segue, hall, ctl):
    number = ctl('keep', hall, '--label', 'the hall').strip()
    row = ctl('buffers').splitlines()[1]
    assert row.split()[0] == number
    for word in 'sample', 'the hall', '500 ms', '-6.0 dB':
        assert word in row
    ctl('release', f'#{number}')
    wait_until('end of the buffer', lambda: ctl('buffers') == 'No buffers.\n')
    assert number in ctl('release', number, status=FAILED)


def test_what_turns_out_bad_is_not_kept(segue, ctl, tmp_path):
    """Only its samples tell, long after its header."""
    samples = np.zeros(48000 * 60, 'f4')
    samples[-1] = np.nan
    bad = write_float_wav(tmp_path / 'bad.wav', samples)
    assert 'bad.wav' in ctl('keep', bad, status=FAILED)
    wait_until('end of the buffer', lambda: ctl('buffers') == 'No buffers.\n')
