# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""What a source must have played, computed slowly from the positions its requests were heard at.

A sound here is a function from positions of the driver's clock (a numpy array) to values in double
precision, and of the position it was swapped in at, which a sample starts from and a table ignores.
"""

from dataclasses import dataclass
from typing import Callable

import numpy as np

HURRY = 256     # frames of a source's fade that is interrupted


def curve(n):
    """Weights of the new in a fade of n frames."""
    w = (np.arange(n) + 1) / (n + 1)
    return w * w * (3 - 2 * w)


def hurried(g, n):
    """Weights of a fade that hurries after these, and is over within n frames."""
    g0 = g[-1] if len(g) else 0.0
    return np.concatenate([g, g0 + (1 - g0) * curve(n)])


# ---- sounds

def silence(positions, start):
    return np.zeros(len(positions))


@dataclass
class Table:
    """Sine-phase partials at a frequency, in periods from the position where its phase was 0."""
    amplitudes: list
    cycles_per_frame: float
    origin: float = 0.0

    def __call__(self, positions, start):
        phase = 2 * np.pi * (self.cycles_per_frame * (positions - self.origin))
        values = np.zeros(len(positions))
        for k, amplitude in enumerate(self.amplitudes):
            values += amplitude * np.sin((k + 1) * phase)
        return values


PARTIALS_MAX = 2048
BAND = 0.45         # of the rate: higher partials are left out


def series(wave):
    """Amplitudes of a waveform's partials, the first one first."""
    k = np.arange(1, PARTIALS_MAX + 1)
    odd = k % 2 == 1
    if wave.startswith('harmonics:'):
        return np.array([float(a) for a in wave.split(':')[1].split(',')])
    return {
        'sine': np.array([1.0]),
        'saw': 2 / (np.pi * k),
        'square': np.where(odd, 4 / (np.pi * k), 0.0),
        'triangle': np.where(odd, np.where(k % 4 == 1, 8, -8) / (np.pi * k) ** 2, 0.0),
    }[wave]


def levels(n_partials):
    """How many partials each stored level has: all of them, then half an octave less each time."""
    powers = [int(2 ** (half / 2) + 1e-6) for half in range(22, -1, -1)]
    return [n_partials] + sorted({p for p in powers if p < n_partials}, reverse=True)


def wavetable(wave, peak, cycles_per_frame, origin=0.0):
    """A waveform as it sounds at a frequency; `peak` is the largest value of all its levels."""
    amplitudes = series(wave)
    largest, chosen = 0.0, None
    for n in levels(len(amplitudes)):
        frames = max(2048, 1 << int(np.ceil(np.log2(8 * n))))
        bins = np.zeros(frames // 2 + 1, complex)
        bins[1:n + 1] = -0.5j * frames * amplitudes[:n]
        largest = max(largest, np.abs(np.fft.irfft(bins)).max())
        if chosen is None and (n * cycles_per_frame <= BAND or n == 1):
            chosen = n
    return Table(list(amplitudes[:chosen] * peak / largest), cycles_per_frame, origin)


@dataclass
class Sample:
    """A recording at the graph's rate, played from its first frame; silence after its end."""
    values: np.ndarray
    loop: bool = False

    def __call__(self, positions, start):
        i = np.asarray(positions - start, dtype=np.int64)
        if self.loop:
            return self.values[i % len(self.values)].astype(float)
        inside = (i >= 0) & (i < len(self.values))
        return np.where(inside, self.values[np.clip(i, 0, len(self.values) - 1)], 0.0)


def phase_origin(samples, first, cycles_per_frame):
    """Where the phase of a recorded sine was 0: a least-squares fit. `first` is its first position."""
    x = 2 * np.pi * cycles_per_frame * np.arange(len(samples))
    a, b = np.linalg.lstsq(np.stack([np.sin(x), np.cos(x)], axis=1), samples.astype(float), rcond=None)[0]
    return first - np.arctan2(b, a) / (2 * np.pi * cycles_per_frame)


# ---- swaps

@dataclass
class Swap:
    position: int       # first frame heard
    frames: int         # length of the fade asked for
    sound: Callable


def fade_weights(swap, following):
    """Weights of the new from swap.position on until the fade's end, hurried if the next swap's
    position tells so."""
    g = curve(swap.frames)
    if following is None or swap.position + swap.frames <= following.position:
        return g
    hurried_after = following.position - HURRY - swap.position
    assert hurried_after >= 0, f'{swap} and {following} are too close'
    return hurried(g[:hurried_after], HURRY)


def mix(swaps, first, end):
    """Frames first..end-1 of a source that was silent before the first of the swaps."""
    swaps = sorted(swaps, key=lambda s: s.position)
    starts = [max(first, min(s.position, end)) for s in swaps]
    out = np.zeros(end - first)
    old, old_start = silence, 0
    for k, swap in enumerate(swaps):
        stop = starts[k + 1] if k + 1 < len(swaps) else end
        positions = np.arange(swap.position, max(stop, swap.position))
        values = swap.sound(positions, swap.position)
        g = fade_weights(swap, swaps[k + 1] if k + 1 < len(swaps) else None)[:len(positions)]
        faded = positions[:len(g)]
        values[:len(g)] = (1 - g) * old(faded, old_start) + g * values[:len(g)]
        inside = positions >= first
        out[positions[inside] - first] = values[inside]
        old, old_start = swap.sound, swap.position
    return out


def error_db(recorded, expected, peak=1.0):
    """Largest difference, in dB of a peak."""
    recorded, expected = np.asarray(recorded), np.asarray(expected)
    assert recorded.shape == expected.shape, (recorded.shape, expected.shape)
    assert not np.isnan(recorded).any(), f'{np.isnan(recorded).sum()} values are missing'
    worst = np.abs(recorded - expected).max()
    return 20 * np.log10(worst / peak) if worst > 0 else -np.inf
