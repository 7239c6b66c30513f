# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Notes over the bus: what a pressed key sounds like, and what a swap does to it."""

import numpy as np
import pytest

from bus import BusError, Segue, assert_refused
from fixture import wait_until
from mix import Sample, Swap, error_db, mix, wavetable
from notes import end_weights, fit_sine, frequency, held_sine, onset, press, record

RATE = 48000
GOOD_ENOUGH = -90.0         # dB
INVALID_ARGS = 'org.freedesktop.DBus.Error.InvalidArgs'
ERROR = 'org.segue.Segue1.Error.'


# ---- what a key sounds like

def test_a_key_sounds_at_its_pitch_as_loud_as_it_is_struck_and_ends(sine):
    for key, velocity in (69, 127), (69, 64), (60, 1), (0, 100), (127, 90):
        before = press(sine, key, velocity)
        first = onset(record(sine, 12000), before)
        sine.note_off(key)
        sine.wait_for_voices(0)
        take = record(sine, 4800)
        peak, distance = fit_sine(take[first:first + 9600], frequency(key))
        assert peak == pytest.approx((velocity / 127) ** 2, rel=1e-4)
        # at 440 Hz a pitch that is a 10th of a cent off is -43 dB away
        assert distance < GOOD_ENOUGH if velocity > 1 else distance < -60
        assert not take[take.end - 2400:].any()
    assert sine.get('Xruns') == 0


def test_nothing_is_heard_until_a_key_is_pressed(keys, segue):
    assert not record(keys, 2400).samples.any() and keys.get('State') == 'empty'
    keys.note_on(60)        # nothing to sound
    keys.heard(keys.wave('saw'))
    assert keys.get('State') == 'running'
    assert not record(keys, 4800).samples.any()
    assert keys.get('Voices') == 0


def test_the_envelope_is_the_one_that_is_set(keys, segue):
    """On a sound that is 1: attack in a line, decay and release by 60 dB in their times."""
    keys.heard(keys.set_buffer(segue.import_mono(np.ones(64), loop='forward'), fade=0.0))
    for name, value in ('Attack', 0.1), ('Decay', 0.2), ('Sustain', 0.25), ('Release', 0.15):
        keys.set(name, value)
    before = press(keys, 60)
    first = onset(record(keys, RATE // 2), before)
    keys.note_off(60)
    keys.wait_for_voices(0)
    take = record(keys, RATE // 4)
    attack, decay, release = (round(RATE * s) for s in (0.1, 0.2, 0.15))
    assert np.abs(take[first:first + attack] - (np.arange(attack) + 1) / attack).max() < 2 / attack
    decayed = take[first + attack:first + attack + decay]
    assert np.abs(decayed - (0.25 + 0.75 * 10 ** (-3 * np.arange(decay) / decay))).max() < 1e-3
    begun = first + attack + decay + int(np.flatnonzero(take[first + attack + decay:] < 0.2499)[0])
    assert np.abs(take[begun - 4800:begun - 1] - 0.25).max() < 1e-3
    released = take[begun:begun + release - 10]
    assert np.abs(released - 0.25 * 10 ** (-3 * np.arange(len(released)) / release)).max() < 1e-3
    assert not take[take.end - 2400:].any()


def test_all_notes_off_releases_every_key(sine):
    for key in 60, 64, 67:
        press(sine, key)
    sine.notes_off()
    sine.wait_for_voices(0)
    take = record(sine, 4800)
    assert not take[take.end - 2400:].any()


def test_velocity_0_releases(sine):
    press(sine, 60)
    sine.note_on(60, 0)
    sine.wait_for_voices(0)


def test_what_cant_be_played_is_refused_by_name(session, segue):
    node = segue.create('synth', audio_position='[ MONO ]')
    assert_refused(INVALID_ARGS, '^synth: .*trigger', node.note_on, 60, 100)
    node.set('Trigger', 'notes')
    for key, velocity in (128, 100), (255, 0), (60, 128):
        assert_refused(INVALID_ARGS, '^synth: .*127', node.note_on, key, velocity)
    assert_refused(INVALID_ARGS, '^synth: .*127', node.note_off, 128)
    assert_refused(ERROR + 'Disconnected', '^synth: .*running', node.note_on, 60, 100)
    # never refused
    node.note_off(60)
    node.notes_off()


# ---- settings

SETTINGS = [('Trigger', 'segue.trigger', 'notes', 'always'), ('Channel', 'segue.channel', 16, 2),
            ('VoicesMax', 'segue.voices', 256, 1), ('Attack', 'segue.attack', 0.5, 0.0),
            ('Decay', 'segue.decay', 60.0, 0.25), ('Sustain', 'segue.sustain', 0.0, 0.5),
            ('Release', 'segue.release', 1.5, 0.125)]


def test_settings_are_the_same_on_the_bus_with_pw_cli_with_seguectl_and_in_the_configuration(session):
    entries = ' '.join(f'{key} = {json_text(value)}' for _, key, value, _ in SETTINGS)
    session.start_service(f'segue.nodes = [ {{ type = source  node.name = synth  {entries} }} ]')
    with session.bus() as bus:
        node = Segue(bus).node('synth')
        for name, key, value, other in SETTINGS:
            assert node.get(name) == value
            node.set(name, other)
            assert node.get(name) == other
            session.set_props(session.node_id('synth'), **{key: value})
            wait_until(name, lambda: node.get(name) == value)
            session.run(session.seguectl, 'set', 'synth', key.removeprefix('segue.'), other, check=True)
            assert node.get(name) == other
            bus.wait_for('PropertiesChanged', node.path,
                         lambda i, changed, *_: changed.get(name) == other)


def json_text(value):
    return f'"{value}"' if isinstance(value, str) else value


def test_settings_have_defaults_and_limits(segue):
    node = segue.create('synth')
    defaults = {'Trigger': 'always', 'Channel': 0, 'VoicesMax': 64, 'Attack': 0.005, 'Decay': 0.0, 'Sustain': 1.0,
                'Release': 0.05}
    for name, value in defaults.items():
        assert node.get(name) == value
    for name, value in (('Trigger', 'keys'), ('Channel', 17), ('Channel', 0.5), ('VoicesMax', 0),
                        ('VoicesMax', 257), ('Attack', -1.0), ('Decay', 61.0), ('Sustain', 1.5),
                        ('Release', float('nan'))):
        with pytest.raises(BusError) as error:
            node.set(name, value)
        assert error.value.name == INVALID_ARGS
        assert node.get(name) == defaults[name]


def test_the_trigger_changes_in_mid_sound(keys):
    """The steady tone comes and goes; keys are let go."""
    keys.set('Frequency', 375.0)
    keys.heard(keys.wave('sine', fade=0.0, gain=0.5))
    press(keys, 69)
    keys.set('Trigger', 'always')
    keys.wait_for_voices(0)
    take = record(keys, RATE // 2)
    peak, distance = fit_sine(take[take.end - 12000:], 375.0)
    assert peak == pytest.approx(0.5, rel=1e-3) and distance < GOOD_ENOUGH
    keys.set('Trigger', 'notes')
    take = record(keys, RATE // 4)
    assert not take[take.end - 2400:].any()


# ---- swaps under held keys

def test_a_held_key_on_a_table_follows_swaps_without_a_break(sine):
    first, step = held_sine(sine)
    swaps = [Swap(first, 0, wavetable('sine', 1.0, step, first))]
    for wave, n in ('saw', 4800), ('harmonics:0.2,0,0.5', 0), ('square', 300), ('sine', 12000), ('triangle', 960):
        serial = sine.wave(wave, gain=0.75, fade=n / RATE)
        swaps.append(Swap(sine.heard(serial), n, wavetable(wave, 0.75, step, first)))
    take = record(sine, 4800)
    assert error_db(take[first:], mix(swaps, first, take.end)) < GOOD_ENOUGH
    assert sine.get('Voices') == 1
    assert sine.get('SwapsApplied') == 6


def test_a_held_key_on_a_table_goes_over_to_a_sample_where_it_would_be(sine, segue):
    """An octave above its root: every other frame from the onset on."""
    first, step = held_sine(sine)
    values = np.random.default_rng(8).uniform(-0.5, 0.5, 3000).astype('f4')
    buffer = segue.ready(segue.import_mono(values, loop='forward', rootkey=57))
    position = sine.heard(sine.set_buffer(buffer, fade=0.05))
    take = record(sine, 9600)
    octave = Sample(values[::2], loop=True)
    expected = mix([Swap(first, 0, wavetable('sine', 1.0, step, first)),
                    Swap(position, 2400, lambda positions, start: octave(positions, first))], first, take.end)
    assert error_db(take[first:], expected) < GOOD_ENOUGH
    assert sine.get('Voices') == 1


def test_a_new_key_uses_the_new_wave_at_once(sine, segue):
    """Pressed right after the swap was asked for, in a fade of a second: it is all new, the held one isn't yet."""
    first, step = held_sine(sine)
    keys = sine
    table = segue.ready(segue.generate('harmonics:0,0.5', gain=1.0))
    serial = keys.set_buffer(table, fade=1.0)
    keys.note_on(81)
    position = keys.heard(serial)
    keys.wait_for_voices(2)
    take = record(keys, RATE // 2)
    held = mix([Swap(first, 0, wavetable('sine', 1.0, step, first)),
                Swap(position, RATE, wavetable('harmonics:0,0.5', 1.0, step, first))], position, take.end)
    second = 2 * step
    new = take[position:] - held
    start = position + int(np.flatnonzero(np.abs(new) > 1e-3)[0]) - 1
    expected = np.zeros(len(new))
    expected[start - position:] = wavetable('harmonics:0,0.5', 1.0, second, start)(
        np.arange(start, take.end), start)
    assert error_db(new, expected) < GOOD_ENOUGH


def test_a_held_key_on_a_looped_sample_is_left_alone_and_keeps_it_alive(keys, segue):
    values = np.random.default_rng(4).uniform(-0.3, 0.3, 1000).astype('f4')
    buffer = segue.import_mono(values, loop='forward')
    keys.heard(keys.set_buffer(buffer, fade=0.0))
    segue.release(buffer)
    keys.set('Release', 0.25)
    before = press(keys, 60)
    first = onset(record(keys, 2400), before)
    swap = keys.heard(keys.wave('sine', fade=0.05, gain=0.5))
    take = record(keys, RATE // 4)
    held = Sample(values, loop=True)
    assert np.array_equal(take[first:], held(np.arange(first, take.end), first).astype('f4'))
    assert take.end > swap + RATE // 8
    # a new one beside it, on what there is now
    before = press(keys, 69)
    take = record(keys, 9600)
    rest = take[before:] - held(np.arange(before, take.end), first)
    peak, distance = fit_sine(rest[-4800:], 440)
    assert peak == pytest.approx(0.5, rel=1e-3) and distance < GOOD_ENOUGH
    keys.note_off(69)
    keys.wait_for_voices(1)
    keys.recorder.wait_for_frames(2400)

    assert not any(args[0] == buffer for args in segue.reclaimed())
    assert segue.buffer(buffer, 'State') == 'live'
    keys.note_off(60)
    args = keys.bus.wait_for('BufferReclaimed', where=lambda b, *_: b == buffer)
    now = keys.recorder.position()
    assert args[1] > 4000
    take = record(keys, 2400)
    ended = onset_of_end(take)
    assert ended <= now + 512
    n = RATE // 4
    weights = np.concatenate([10 ** (-3 * np.arange(n) / n), 1e-3 * end_weights()])
    start = ended - len(weights)
    expected = held(np.arange(start, ended), first) * weights
    assert error_db(take[start:ended], expected) < GOOD_ENOUGH


def onset_of_end(take):
    """The frame after the last one that is heard."""
    return take.first + int(np.flatnonzero(take.samples)[-1]) + 1


def test_a_sample_without_a_loop_plays_to_its_end_whatever_is_swapped_in(keys, segue):
    values = np.random.default_rng(5).uniform(-0.5, 0.5, 40000).astype('f4')
    buffer = segue.import_mono(values)
    keys.heard(keys.set_buffer(buffer, fade=0.0))
    segue.release(buffer)
    before = press(keys, 60)
    keys.clear(fade=0.0)
    first = onset(record(keys, 4800), before)
    assert not any(args[0] == buffer for args in segue.reclaimed())
    keys.wait_for_voices(0)
    keys.bus.wait_for('BufferReclaimed', where=lambda b, *_: b == buffer)
    take = record(keys, 2400)
    assert np.array_equal(take[first:first + 40000], values)
    assert not take[first + 40000:].any()
    assert segue.get('BuffersLive') == 0


def test_a_sample_keeps_its_pitch_by_its_root_key(keys, segue):
    """An octave above its root it is read twice as fast: every other frame."""
    values = np.random.default_rng(6).uniform(-0.5, 0.5, 4000).astype('f4')
    keys.heard(keys.set_buffer(segue.import_mono(values, rootkey=50), fade=0.0))
    before = press(keys, 62)
    take = record(keys, 9600)
    first = onset(take, before)
    assert np.array_equal(take[first:first + 2000], values[::2])
