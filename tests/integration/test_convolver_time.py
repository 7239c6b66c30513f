# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""A convolver across changes of the rate and pauses: never dry, never silent, never an old tail."""

import itertools
import time

import numpy as np
import pytest

from chain import RATE, Unrecorded
from convolution import Input, Swap, error_db, lead, mix, resampled, taps
from fixture import wait_until

GOOD_ENOUGH = -100.0            # dB of the peak
FADE = 0.02                     # seconds: the default


def band_limited(response):
    """Without what one of two rates doesn't have, and nothing at either end that a resampler could smear."""
    n = len(response)
    edge = np.clip(np.minimum(np.arange(n), n - 1 - np.arange(n)) / 300, 0, 1) ** 2
    bins = np.fft.rfft(response, axis=0)
    bins *= (1 / (1 + np.exp((np.fft.rfftfreq(n, 1 / RATE) - 12000) / 800)))[:, None]
    return (np.fft.irfft(bins, n, axis=0) * edge[:, None]).astype('f4')


# ---- the rate

def guesses(ran, k):
    """In the first cycles at another rate PipeWire may run the convolver before some of its inputs are there, or before
    its outputs are, so that nobody hears what it makes: what may have come in, what was played in all, and the number
    of the first cycle that was heard."""
    for played, first in (ran, k), (ran.with_lost_before(k), k + 1):
        if played is None:
            continue
        for silent in itertools.product([False, True], repeat=(first + 1 - k) * len(ran.heard.signal)):
            signal = played.heard.signal.copy()
            for number, channels in zip(range(k, first + 1), np.reshape(silent, (first + 1 - k, -1))):
                signal[channels, played.begins[number]:played.begins[number + 1]] = 0
            yield Input(signal), played, first


def make_out(ran, swaps, change):
    """What happened in the first cycle at another rate, by the one that makes the best mix of it: what was played in
    all, how far that is from what was heard from there on, and from which index."""
    def error(guess):
        heard, played, k = guess
        cycle = slice(played.begins[k], played.begins[k + 1])
        return np.abs((played.out - mix(heard, swaps, 0))[:, cycle]).max()
    heard, played, k = min(guesses(ran, ran.changes()[change]), key=error)
    played.heard = heard
    return played, played.begins[k]


def remade(ran, swaps, taps, change):
    """The swap to what was made for a new rate, the first or the second: which one of those that may have been makes
    the best mix of all that was heard at that rate; how far that is from it, in dB; and all that ran. Swaps by their
    indices."""
    ran, begin = make_out(ran, swaps, change)
    ends = [ran.begins[k] for k in ran.changes()] + [ran.out.shape[1]]
    end = ends[change + 1]
    rate = ran.cycles[ran.changes()[change]].rate
    peak = np.abs(ran.out[:, begin:end]).max()
    differs = np.abs(ran.out[:, begin:end] - mix(ran.heard, swaps, 0)[:, begin:end]).max(axis=0) > peak * 1e-4
    assert differs.any(), 'it was never made for the new rate'
    first = begin + int(np.argmax(differs))
    fading = any(s.position <= first < s.position + s.frames for s in swaps)
    best = (np.inf, None)
    for b in ran.begins:
        # it differs soon after the start, or after the take if that makes a fade hurry
        swap = Swap(b + lead(taps.shape[2]), round(FADE * rate), taps)
        if begin <= b and first - 250 <= (b if fading else swap.position) <= first:
            expected = mix(ran.heard, swaps + [swap], 0)[:, begin:end]
            best = min(best, (error_db(ran.out[:, begin:end], expected), swap), key=lambda e: e[0])
    if best[0] >= GOOD_ENOUGH and ran.gaps:
        raise Unrecorded(ran.gaps)
    assert best[1] is not None, 'it was heard when it could not be'
    print(f'error: {best[0]:.1f} dB, made anew after {(best[1].position - begin) / rate:.3f} s')
    return *best, ran


def change_rate(session, chain, rate, frames=40000):
    session.force_rate(rate)
    chain.room.bus.wait_until('new rate', lambda: chain.room.get('Rate') == rate)
    chain.recorder.wait_for_frames(frames)


def limited(chain, seed=1):
    """Arguments of a swap at 48000 Hz, and the taps for 44100."""
    response = band_limited(chain.response(0.5, seed)[0])
    at_48000 = taps(response, 2, 2)
    return (response, at_48000), resampled(at_48000, 48000, 44100)


def test_a_change_of_rate_keeps_the_old_response_until_the_new_one_is_faded_in(session, segue, chain):
    swap, at_44100 = limited(chain)
    chain.swap(*swap)
    chain.recorder.wait_for_position(chain.play() + 9600)
    bytes_live = segue.get('BytesLive')
    change_rate(session, chain, 44100)
    change_rate(session, chain, 48000)
    assert chain.room.get('State') == 'running'
    assert chain.room.get('LastError') == ''
    assert chain.room.get('Length') == pytest.approx(0.5, abs=0.001)
    assert chain.room.get('Xruns') == 0
    segue.bus.wait_until('old forms reclaimed', lambda: segue.get('BytesLive') <= bytes_live * 1.01)

    ran = chain.ran()
    # PipeWire 0.3.65 runs a cycle before each node has been started again
    assert len(ran.lost) <= 2, ran.lost
    swaps = [Swap(0, 0, swap[1])]
    error, at, ran = remade(ran, swaps, at_44100, 0)
    assert error < GOOD_ENOUGH
    error, at, ran = remade(ran, swaps + [at], swap[1], 1)
    assert error < GOOD_ENOUGH


def test_a_change_of_rate_in_mid_fade_hurries_it(session, chain):
    """The fade goes on with the old data; what is made for the new rate follows as any newer swap does."""
    (one, _), (two, two_at_44100) = limited(chain, 1), limited(chain, 2)
    chain.swap(*one)
    chain.recorder.wait_for_position(chain.play() + 9600)
    begun = chain.swap(*two, 96000)
    chain.recorder.wait_for_position(begun + 2400)
    change_rate(session, chain, 44100, 48000)
    ran = chain.ran()
    swaps = [Swap(0, 0, one[1]), Swap(ran.index(begun), 96000, two[1])]
    assert len(ran.changes()) == 1
    assert remade(ran, swaps, two_at_44100, 0)[0] < GOOD_ENOUGH


def test_rates_that_change_faster_than_responses_are_made_end_with_the_right_one(session, chain):
    """And there is sound of the right level all the time."""
    swap, at_44100 = limited(chain)
    chain.swap(*swap)
    start = chain.play()
    chain.recorder.wait_for_position(start + 24000)
    rates = 44100, 96000, 48000, 44100
    for rate in rates:
        session.force_rate(rate)
        chain.recorder.wait_for_frames(4000)

    def is_right():
        """It may have to wait for one or two that were made for rates of before."""
        nonlocal ran, expected
        chain.recorder.wait_for_frames(12000)
        ran = chain.ran()
        expected = ran.heard.convolved(at_44100)[:, -4800:]
        return error_db(ran.out[:, -4800:], expected) < GOOD_ENOUGH
    ran = expected = None
    wait_until('response for the last rate', is_right)
    assert chain.room.get('LastError') == ''
    assert chain.room.get('Length') == pytest.approx(0.5, abs=0.001)
    assert len(ran.lost) <= len(rates), ran.lost
    heard = ran.out[:, ran.index(start) + 24000:]
    windows = heard[:, :heard.shape[1] // 480 * 480].reshape(2, -1, 480)
    level = np.sqrt((windows ** 2).mean(axis=2))
    print(f'level: {level.min():.3f} to {level.max():.3f}')
    assert level.min() > np.sqrt((expected ** 2).mean()) / 4


def test_two_nodes_share_what_is_made_for_the_new_rate(session, segue, chain):
    buffer = segue.ready(segue.import_samples(chain.response(0.5)[0], channels=2, rate=RATE, kind='response'))
    other = segue.create('other', 'convolver')
    session.link('player:output_FL', 'other:input_FL')
    for room in chain.room, other:
        room.heard(room.set_buffer(buffer))
    held = segue.get('BytesLive')
    for rate in 44100, 48000:
        change_rate(session, chain, rate, 24000)
        segue.bus.wait_until('rate', lambda: other.get('Rate') == rate)
        for room in chain.room, other:
            segue.bus.wait_until('length', lambda: room.get('Length') == pytest.approx(0.5, abs=0.001))
            assert (room.get('LastError'), room.get('Buffer')) == ('', buffer)
    segue.bus.wait_until('once', lambda: segue.get('BytesLive') <= held * 1.01)


# ---- pauses

def test_a_short_pause_of_the_graph_is_no_event(session, playing):
    driver = session.node_id('test-driver')
    for k in range(2):
        playing.ask(*playing.response(0.3, 5 + k), 24000)
        playing.recorder.wait_for_frames(20000)
        session.set_props(driver, **{'test.pause': 0.1})
        playing.recorder.wait_for_frames(20000)
    nsec = playing.recorder.cycles()['nsec']
    pauses = np.diff(nsec.astype(int))
    assert (pauses > 100e6).sum() == 2
    playing.assert_is_the_mix()
    assert playing.room.get('Xruns') == 0


@pytest.mark.parametrize('seconds', [0.6, pytest.param(10.0, marks=pytest.mark.slow)])
def test_after_a_long_pause_of_the_graph_history_is_silence_and_sound_starts_with_a_ramp(session, playing, seconds):
    """And a fade is complete that had just begun."""
    longer = playing.response(1.0, 5)
    playing.swap(*longer, 10 * RATE)
    session.set_props(session.node_id('test-driver'), **{'test.pause': seconds})
    before = playing.recorder.position()
    playing.recorder.wait_for_position(before + 24000)
    cycles = playing.recorder.cycles()
    k = int(np.argmax(np.diff(cycles['nsec'].astype(int)))) + 1
    assert int(cycles[k]['nsec']) - int(cycles[k - 1]['nsec']) > 0.5e9
    first, heard, out = playing.split()
    begin = int(cycles[k]['position']) - first
    heard.signal[:, :begin] = 0.0
    expected = heard.convolved(longer[1])[:, begin:]
    n = round(0.005 * RATE)
    ramp = np.ones(expected.shape[1])
    ramp[:n] = (np.arange(n) + 1) / (n + 1)
    assert error_db(out[:, begin:], expected * ramp) < GOOD_ENOUGH


def pause(chain, meanwhile):
    """Cut the convolver's links and make them again. Where it was heard last and where it is heard again
    for certain, and how long that took."""
    chain.pause(meanwhile)
    chain.recorder.wait_for_frames(2048)
    if chain.recorder.gaps():
        raise Unrecorded(chain.recorder.gaps())
    cycles = chain.recorder.cycles()
    n = len(chain.inputs)
    linked = np.array([cycles['linked'] >> n + i & 1 for i in range(len(chain.outputs))])
    off = np.nonzero(~linked.any(axis=0))[0]
    on = off[-1] + np.argmax(linked[:, off[-1]:].all(axis=0))
    # a node may be left out of the cycles in which its links are made
    return (int(cycles[off[0]]['position']), int(cycles[on + 4]['position']),
            (int(cycles[on]['nsec']) - int(cycles[off[0]]['nsec'])) / 1e9)


def short_pause(chain, meanwhile=lambda: time.sleep(0.05)):
    """One that was shorter than 0.5 s, however busy the machine is."""
    paused, resumed, seconds = pause(chain, meanwhile)
    if seconds > 0.4:
        pytest.skip(f'the links took {seconds:.1f} s')
    return paused, resumed


def assert_goes_on(chain, taps, paused, resumed):
    """The convolver stood still for some whole cycles and went on with its tail. Only silence came in
    since before the pause."""
    chain.recorder.wait_for_position(resumed + 4800)
    first, heard, out = chain.split()
    tail = heard.convolved(taps)
    part = slice(resumed - first, resumed - first + 4800)
    errors = [error_db(out[:, part], tail[:, part.start - still:part.stop - still])
              for still in range(256, resumed - paused + 256, 256)]
    print(f'error: {min(errors):.1f} dB after {256 * (np.argmin(errors) + 1)} frames')
    assert min(errors) < GOOD_ENOUGH


def test_a_tail_goes_on_after_a_short_pause_of_the_node(playing):
    response = playing.response(1.0, 5)
    playing.recorder.wait_for_position(playing.swap(*response, 0) + 9600)
    playing.stop_playing()
    assert_goes_on(playing, response[1], *short_pause(playing))


def test_after_a_long_pause_of_the_node_there_is_no_old_tail(playing):
    response = playing.response(1.0, 5)
    playing.recorder.wait_for_position(playing.swap(*response, 0) + 9600)
    playing.stop_playing()
    paused, resumed, seconds = pause(playing, lambda: time.sleep(0.7))
    first, _, out = playing.split()
    before, after = out[:, :paused - first], out[:, paused - first:]
    assert np.nanmax(np.abs(before[:, -4800:])) > 0.01
    assert not after[~np.isnan(after)].any()
    playing.recorder.wait_for_position(playing.play() + 9600)
    first, heard, out = playing.split()
    heard.signal[:, :resumed - first] = 0.0
    assert error_db(out[:, resumed - first:], heard.convolved(response[1])[:, resumed - first:]) < GOOD_ENOUGH


def test_a_response_loaded_in_a_short_pause_goes_on_with_its_own_tail(playing):
    """It was applied at once, and has heard what the one before has heard."""
    first, second = playing.response(1.0, 5), playing.response(0.8, 6)
    playing.recorder.wait_for_position(playing.swap(*first, 0) + 9600)
    buffer = playing.segue.ready(playing.segue.import_samples(second[0], channels=2, rate=RATE, kind='response'))
    playing.stop_playing()

    def swap():
        playing.room.bus.wait_until('pause', lambda: playing.room.get('State') == 'idle')
        finished = playing.room.finished(playing.room.set_buffer(buffer, fade=5.0))
        assert (finished.result, finished.position) == ('applied', 0)
    assert_goes_on(playing, second[1], *short_pause(playing, swap))


def test_a_response_loaded_in_a_long_pause_has_heard_silence(playing):
    second = playing.response(0.8, 6)
    playing.recorder.wait_for_position(playing.swap(*playing.response(1.0, 5), 0) + 9600)

    def swap():
        time.sleep(0.7)
        finished = playing.room.finished(playing.room.load_samples(second[0], channels=2, rate=RATE, fade=5.0))
        assert (finished.result, finished.position) == ('applied', 0)
    playing.stop_playing()
    _, resumed, _ = pause(playing, swap)
    playing.recorder.wait_for_position(playing.play() + 9600)
    first, heard, out = playing.split()
    heard.signal[:, :resumed - first] = 0.0
    assert error_db(out[:, resumed - first:], heard.convolved(second[1])[:, resumed - first:]) < GOOD_ENOUGH
