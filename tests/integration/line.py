# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""What comes out of a line between two machines: tones, whose level is watched, and clicks, which are timed.

A receiver resamples to follow the sender's clock, so samples can't be compared: what stays is a tone's level, from
window to window. A window is two periods of 0.9 ms. Two periods' neighbours, the tone's partials and its mean, are
nulls of it. Silence of 5 ms is seen, as are 5 ms that were left out, for they aren't whole periods.
"""

import numpy as np

RATE = 48000
PERIOD = 44             # frames: 1091 Hz
PILOT_PERIOD = 37       # frames: 1297 Hz; 5 ms aren't whole periods of that, either
LEAST = 0.8             # of the usual level: less is a gap
CLICK = 0.5             # of the loudest: what is louder is one
CLICK_FRAMES = 48000    # from one to the next


def sine(period, partials=(1.0,), level=0.4):
    """One period, 256 frames long."""
    turn = 2 * np.pi * np.arange(256) / 256
    return level * sum(a * np.sin((i + 1) * turn) for i, a in enumerate(partials))


def levels(samples, period, partial=1):
    """Amplitude of a partial in each window, by the frame it begins at."""
    n = np.arange(2 * period)
    window = np.hanning(2 * period + 1)[:-1] / period
    return 2 * np.abs(np.convolve(samples, (window * np.exp(2j * np.pi * partial * n / period))[::-1], 'valid'))


def gaps(samples, period):
    """(begin, end) of the windows in a row with less of the tone than is usual."""
    level = levels(samples, period)
    low = np.concatenate([[False], level < LEAST * np.median(level), [False]])
    edges = np.flatnonzero(low[1:] != low[:-1])
    return list(zip(edges[::2].tolist(), edges[1::2].tolist()))


def click_train():
    """To be played again and again: one frame, in CLICK_FRAMES."""
    sound = np.zeros((CLICK_FRAMES, 1), 'f4')
    sound[0] = 0.9
    return sound


def click_times(recorder, channel=0):
    """When each click was: seconds of CLOCK_MONOTONIC, as the driver's clock has them."""
    take, cycles = recorder.take(channel), recorder.cycles()
    samples = np.abs(np.nan_to_num(take[:]))
    loud = np.flatnonzero(samples > CLICK * samples.max())
    firsts = loud[np.diff(loud, prepend=-CLICK_FRAMES) > CLICK_FRAMES // 2]
    peaks = [first + int(samples[first:first + 64].argmax()) for first in firsts]
    positions = take.first + np.array(peaks, 'i8')
    cycle = cycles[np.searchsorted(cycles['position'], positions, 'right') - 1]
    return cycle['nsec'] / 1e9 + (positions - cycle['position'].astype('i8')) / RATE


def latencies(sent, received):
    """Seconds from the click before to each that was received; they have to be shorter than from one to the next."""
    received = received[received >= sent[0]]
    return received - sent[np.searchsorted(sent, received, 'right') - 1]
