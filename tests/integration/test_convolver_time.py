# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""A convolver across changes of the rate and pauses: never dry, never silent, never an old tail."""

import numpy as np
import pytest

from chain import RATE
from convolution import Swap, error_db, fade_weights, resampled, taps

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

def remade(out, begins, old, new, begin, end, rate):
    """Where between begin and end one convolution was faded into the other, and how far all is from that
    mix in dB: as a request's would be, its fade starts SwapLead after a cycle's begin."""
    peak = np.abs(old[:, begin:end]).max()
    differs = np.abs(out[:, begin:end] - old[:, begin:end]).max(axis=0) > peak * 1e-4
    assert differs.any(), 'it was never made for the new rate'
    first = begin + int(np.argmax(differs))
    best = (np.inf, 0)
    for b in begins:
        start = b + 2 * 8192
        if begin <= b and first - 200 <= start <= first:
            g = np.ones(end - start)
            g[:round(FADE * rate)] = fade_weights(Swap(start, round(FADE * rate)), None)
            expected = np.concatenate([old[:, begin:start], (1 - g) * old[:, start:end] + g * new[:, start:end]], axis=1)
            best = min(best, (error_db(out[:, begin:end], expected), start))
    return best


def test_a_change_of_rate_keeps_the_old_response_until_the_new_one_is_faded_in(session, segue, chain):
    response = band_limited(chain.response(0.5)[0])
    at_48000 = taps(response, 2, 2)
    at_44100 = resampled(at_48000, 48000, 44100)
    chain.swap(response, at_48000)
    chain.recorder.wait_for_position(chain.play() + 9600)
    bytes_live = segue.get('BytesLive')
    changes = []
    for rate in 44100, 48000:
        changes.append(chain.recorder.position())
        session.force_rate(rate)
        segue.bus.wait_until('new rate', lambda: chain.room.get('Rate') == rate)
        chain.recorder.wait_for_frames(40000)
    assert chain.room.get('State') == 'running'
    assert chain.room.get('LastError') == ''
    assert chain.room.get('Length') == pytest.approx(0.5, abs=0.001)
    assert chain.room.get('Xruns') == 0
    segue.bus.wait_until('old forms reclaimed', lambda: segue.get('BytesLive') <= bytes_live * 1.01)

    begins, heard, out, lost = chain.cycles_that_ran()
    # PipeWire 0.3.65 runs a cycle before each node has been started again
    assert len(lost) <= 2, lost
    rates = chain.recorder.cycles()
    rates = rates[~np.isin(rates['position'], lost)]['rate']
    first, second = (b for b, before, after in zip(begins[1:], rates, rates[1:]) if before != after)
    old, new = heard.convolved(at_48000), heard.convolved(at_44100)
    assert error_db(out[:, first - 4800:first], old[:, first - 4800:first]) < GOOD_ENOUGH
    for begin, end, a, b, rate in (first, second, old, new, 44100), (second, out.shape[1], new, old, 48000):
        error, start = remade(out, begins, a, b, begin, end, rate)
        print(f'error: {error:.1f} dB, made anew after {(start - begin) / rate:.3f} s')
        assert error < GOOD_ENOUGH


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


def pause(chain, seconds):
    """Cut the convolver's links and make them again. Where it was heard last and where it is heard again
    for certain, and how long that took."""
    chain.pause(seconds)
    chain.recorder.wait_for_frames(2048)
    cycles = chain.recorder.cycles()
    n = len(chain.inputs)
    linked = np.array([cycles['linked'] >> n + i & 1 for i in range(len(chain.outputs))])
    off = np.nonzero(~linked.any(axis=0))[0]
    on = off[-1] + np.argmax(linked[:, off[-1]:].all(axis=0))
    # a node may be left out of the cycles in which its links are made
    return (int(cycles[off[0]]['position']), int(cycles[on + 4]['position']),
            (int(cycles[on]['nsec']) - int(cycles[off[0]]['nsec'])) / 1e9)


def short_pause(chain):
    """One that was shorter than 0.5 s, however busy the machine is."""
    paused, resumed, seconds = pause(chain, 0.05)
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
    paused, resumed, seconds = pause(playing, 0.7)
    first, _, out = playing.split()
    before, after = out[:, :paused - first], out[:, paused - first:]
    assert np.nanmax(np.abs(before[:, -4800:])) > 0.01
    assert not after[~np.isnan(after)].any()
    playing.recorder.wait_for_position(playing.play() + 9600)
    first, heard, out = playing.split()
    heard.signal[:, :resumed - first] = 0.0
    assert error_db(out[:, resumed - first:], heard.convolved(response[1])[:, resumed - first:]) < GOOD_ENOUGH
