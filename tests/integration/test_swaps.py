# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""A swap is heard as the fade asked for, where its position says, and as nothing else."""

import random

import numpy as np
import pytest

from bus import BusError
from mix import Sample, Swap, error_db, mix, phase_origin, silence, wavetable
from notes import fit_sine

RATE = 48000
FREQUENCY = 375.0               # 128 frames a period
STEP = FREQUENCY / RATE
GOOD_ENOUGH = -100.0            # dB


def constant(segue, value):
    """A buffer that plays one value, and its sound."""
    buffer = segue.import_samples(np.full(64, value, 'f4'), channels=1, rate=RATE, loop='forward')
    return buffer, Sample(np.full(64, np.float32(value)), loop=True)


def start_sine(node):
    """Play a sine; where its phase was 0."""
    node.set('Frequency', FREQUENCY)
    position = node.heard(node.wave('sine', fade=0.0, gain=1.0))
    node.recorder.wait_for_position(position + 8192)
    steady = node.recorder.take()[position:position + 8192]
    return position, phase_origin(steady, position, STEP)


def frames(n):
    """A fade of n frames, as the bus wants it."""
    return n / RATE


def assert_is_the_mix(node, swaps, first=None):
    take = node.recorder.take()
    first = take.first if first is None else first
    # what was swapped in last may not have been recorded yet
    assert error_db(take[first:], mix(swaps, first, take.end)) < GOOD_ENOUGH


def test_a_node_without_sound_is_silent(source):
    source.recorder.wait_for_frames(4800)
    assert not source.recorder.take().samples.any()
    assert source.get('State') == 'empty'


def test_500_swaps_at_random_times_and_fades_equal_the_mix(source, segue):
    rng = random.Random(500)
    noise = np.random.default_rng(500)
    position, origin = start_sine(source)
    sounds = {}
    fades = {}
    swaps = [Swap(position, 0, wavetable('sine', 1.0, STEP, origin))]
    loops = []
    for k in range(4):
        values = noise.uniform(-0.7, 0.7, 1000 + 777 * k).astype('f4')
        buffer = segue.import_samples(values, channels=1, rate=RATE, loop='forward' if k % 2 else 'none')
        loops.append((buffer, Sample(values, loop=k % 2 == 1)))

    for _ in range(500):
        n = rng.choice([0, 0, 1, 2, 64, 255, 256, 257, 960, 5000, rng.randrange(20000)])
        kind = rng.choice(['wave', 'wave', 'buffer', 'clear'])
        if kind == 'wave':
            gain = rng.random()
            wave = rng.choice(['sine', 'harmonics:1,0.5,0.25', 'harmonics:0,0,1', 'triangle'])
            serial = source.wave(wave, gain=gain, fade=frames(n))
            sounds[serial] = wavetable(wave, gain, STEP, origin)
        elif kind == 'buffer':
            buffer, sound = rng.choice(loops)
            serial = source.set_buffer(buffer, fade=frames(n))
            sounds[serial] = sound
        else:
            serial = source.clear(fade=frames(n))
            sounds[serial] = silence
        fades[serial] = n
        source.recorder.wait_for_frames(rng.choice([1, 1, 256, 1000, 3000]))

    for serial in sounds:
        finished = source.finished(serial)
        assert finished.result in ('applied', 'superseded'), finished
        if finished.result == 'applied':
            swaps.append(Swap(finished.position, fades[serial], sounds[serial]))
    assert len(swaps) > 250
    source.recorder.wait_for_frames(24000)
    assert source.recorder.gaps() == []
    assert_is_the_mix(source, swaps)


@pytest.mark.parametrize('offset', [0, 1, 37, 255])
def test_a_swap_at_a_frame_with_fade_0_changes_exactly_that_frame(source, segue, offset):
    low, _ = constant(segue, 0.25)
    high, _ = constant(segue, 0.75)
    source.heard(source.set_buffer(low, fade=0.0))
    at = source.recorder.position() // 256 * 256 + 12800 + offset
    assert source.heard(source.set_buffer(high, at=at, fade=0.0)) == at
    source.recorder.wait_for_position(at + 1024)
    around = source.recorder.take()[at - 1024:at + 1024]
    assert (around[:1024] == np.float32(0.25)).all()
    assert (around[1024:] == np.float32(0.75)).all()


def test_scheduled_swaps_are_heard_in_the_order_of_their_frames(source, segue):
    sounds = [constant(segue, 0.1 * k) for k in range(1, 6)]
    base = source.recorder.position() + 24000
    at = [base + 1000 * k for k in (4, 0, 3, 1, 2)]
    serials = [source.set_buffer(buffer, at=a, fade=frames(500)) for (buffer, _), a in zip(sounds, at)]
    assert [source.heard(s) for s in serials] == at
    source.recorder.wait_for_position(base + 8000)
    assert_is_the_mix(source, [Swap(a, 500, sound) for (_, sound), a in zip(sounds, at)])


def test_a_now_request_leaves_later_scheduled_ones_alone(source, segue):
    low, _ = constant(segue, 0.25)
    high, _ = constant(segue, 0.75)
    at = source.recorder.position() + 24000
    later = source.set_buffer(high, at=at, fade=0.0)
    assert source.heard(source.set_buffer(low, fade=0.0)) < at
    assert source.heard(later) == at


def test_a_frame_that_has_passed_is_too_late(source, segue):
    buffer, _ = constant(segue, 0.5)
    source.recorder.wait_for_position(9600)
    finished = source.finished(source.set_buffer(buffer, at=4800))
    assert (finished.result, finished.error) == ('failed', 'org.segue.Segue1.Error.TooLate')


def test_a_frame_that_has_passed_is_heard_late_when_asked_for(source, segue):
    buffer, _ = constant(segue, 0.5)
    source.recorder.wait_for_position(9600)
    assert source.heard(source.set_buffer(buffer, at=4800, late=True)) > 4800


def test_after_counts_from_the_take(source, segue):
    buffer, _ = constant(segue, 0.5)
    before = source.recorder.position()
    serial = source.set_buffer(buffer, after=0.5, fade=0.0)
    asked = source.recorder.position()
    position = source.heard(serial)
    assert before + 24000 - 256 <= position <= asked + 24000 + 512    # two cycles may be under way
    assert (position - 24000) % 256 == 0


def test_a_clock_that_jumps_back_fails_what_was_scheduled(session, source, segue):
    """Forward is another matter: that is what missed cycles look like."""
    buffer, _ = constant(segue, 0.5)
    source.recorder.wait_for_position(48000)
    serial = source.set_buffer(buffer, at=source.recorder.position() + 96000)
    session.set_props(session.node_id('test-driver'), **{'test.jump': -12000.0})
    finished = source.finished(serial)
    assert (finished.result, finished.error) == ('failed', 'org.segue.Segue1.Error.ClockChanged')


def test_a_cancelled_request_is_never_heard(source, segue):
    buffer, _ = constant(segue, 0.5)
    serial = source.set_buffer(buffer, at=source.recorder.position() + 12000)
    source.cancel(serial)
    finished = source.finished(serial)
    assert (finished.result, finished.error) == ('failed', 'org.segue.Segue1.Error.Cancelled')
    source.recorder.wait_for_frames(24000)
    assert not source.recorder.take().samples.any()


def test_wait_replies_when_it_is_heard(source, segue):
    buffer, _ = constant(segue, 0.5)
    at = source.recorder.position() + 24000
    serial = source.set_buffer(buffer, at=at, wait=True)
    assert source.recorder.position() >= at - 256
    assert source.heard(serial) == at


def test_wait_fails_with_the_requests_error(source, segue):
    buffer, _ = constant(segue, 0.5)
    with pytest.raises(BusError) as error:
        source.set_buffer(buffer, at=1, wait=True)
    assert error.value.name == 'org.segue.Segue1.Error.TooLate'


def test_clear_fades_to_silence(source, segue):
    buffer, sound = constant(segue, 0.5)
    first = source.heard(source.set_buffer(buffer, fade=0.0))
    last = source.heard(source.clear(fade=frames(1000)))
    source.recorder.wait_for_position(last + 4800)
    assert_is_the_mix(source, [Swap(first, 0, sound), Swap(last, 1000, silence)])
    assert source.get('Buffer') == '/'
    assert source.get('State') == 'empty'


def test_a_quantum_that_changes_in_mid_fade_is_not_heard(session, source):
    position, origin = start_sine(source)
    swaps = [Swap(position, 0, wavetable('sine', 1.0, STEP, origin))]
    for k, quantum in enumerate((64, 480, 1000, 1, 8192, 37)):
        wave = 'harmonics:0.1,0.2' if k % 2 else 'sine'
        serial = source.wave(wave, gain=0.9, fade=frames(12000))
        session.set_quantum(quantum)
        swaps.append(Swap(source.heard(serial), 12000, wavetable(wave, 0.9, STEP, origin)))
        source.recorder.wait_for_frames(13000)
    source.recorder.wait_for_frames(13000)
    assert source.recorder.gaps() == []
    assert_is_the_mix(source, swaps)
    assert source.get('Xruns') == 0


def test_a_quantum_that_is_forced_is_heard_as_a_pause_at_most(session, source):
    """Since 1.2 it starts everybody anew: before and behind that there is the same sine, from the first frame on."""
    start_sine(source)
    for quantum in 64, 480, 1024, 256:
        session.force_quantum(quantum)
        source.bus.wait_until('quantum', lambda: source.get('Quantum') == quantum)
        source.recorder.wait_for_frames(9600)
    cycles = source.recorder.cycles()
    take = source.recorder.take()
    begins = [0] + [k for k in range(1, len(cycles)) if cycles[k]['n_frames'] != cycles[k - 1]['n_frames']]
    parts = [take[int(a['position']):int(b['position'] + b['n_frames'])]
             for a, b in zip(cycles[begins], cycles[[b - 1 for b in begins[1:]] + [-1]])]
    assert len(parts) == 5
    for part in parts[1:]:
        peak, distance = fit_sine(part, FREQUENCY)
        assert peak == pytest.approx(1.0, rel=1e-3) and distance < GOOD_ENOUGH
    assert source.get('Xruns') == 0
