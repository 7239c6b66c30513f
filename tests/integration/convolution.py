# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""What a convolver must have played, computed in double precision from what came in and from the positions
its requests were heard at.

Signals are arrays of channels by frames. Taps are arrays of inputs by outputs by frames, None is silence.
"""

from dataclasses import dataclass

import numpy as np

from mix import curve, error_db as error_of_peak_db, hurried

BLOCKS = ((64, 0), (256, 512), (1024, 2048), (8192, 16384))     # frames of a block, its first tap


def lead(n_frames):
    """SwapLead of a response."""
    return max([512] + [2 * block for block, first in BLOCKS if n_frames > first])


# ---- responses

def taps(response, n_in, n_out):
    """A file's channels (frames by channels) as taps, in-major."""
    channels = np.asarray(response, float).reshape(len(response), -1).T
    ret = np.zeros((n_in, n_out, channels.shape[1]))
    if len(channels) == n_in * n_out and len(channels) > 1:
        ret[:] = channels.reshape(ret.shape)
    else:
        for i in range(n_in):
            ret[i, i] = channels[i if len(channels) > 1 else 0]
    return ret


def resampled(values, rate, new_rate):
    """Taps for another rate, of the same gain and length in seconds; nothing may be above either's band."""
    unit = rate // np.gcd(rate, new_rate)
    n = -(-(values.shape[-1] + rate) // unit) * unit
    bins = np.fft.rfft(values, n)
    n_new = n // unit * (new_rate // np.gcd(rate, new_rate))
    limited = np.zeros(values.shape[:-1] + (n_new // 2 + 1,), complex)
    n_bins = min(bins.shape[-1], limited.shape[-1])
    limited[..., :n_bins] = bins[..., :n_bins]
    return np.fft.irfft(limited, n_new)


# ---- convolutions

class Input:
    """What came into a convolver, silent before. It knows each convolution that was asked for."""

    def __init__(self, signal):
        self.signal = np.asarray(signal, float)
        assert not np.isnan(self.signal).any(), 'frames are missing'
        self._spectra = {}
        self._convolved = {}

    def _spectrum(self, n):
        if n not in self._spectra:
            self._spectra[n] = np.fft.rfft(self.signal, n)
        return self._spectra[n]

    def convolved(self, taps):
        if taps is None:
            return np.zeros_like(self.signal)
        if id(taps) not in self._convolved:
            frames = self.signal.shape[1]
            n = 1 << (frames + taps.shape[2] - 1).bit_length()
            bins = np.einsum('if,iof->of', self._spectrum(n), np.fft.rfft(taps, n))
            # with the taps, so that their id stays theirs
            self._convolved[id(taps)] = np.fft.irfft(bins, n)[:, :frames], taps
        return self._convolved[id(taps)][0]


# ---- swaps

@dataclass
class Swap:
    position: int           # first frame heard
    frames: int             # length of the fade asked for
    taps: np.ndarray = None
    gain: float = 1.0

    @property
    def lead(self):
        return lead(self.taps.shape[2] if self.taps is not None else 0)


def fade_weights(swap, following):
    """Weights of the new from swap.position on until the fade's end, hurried if the next swap was taken
    in its midst."""
    g = curve(swap.frames)
    if following is None:
        return g
    before_take = following.position - following.lead - swap.position
    hurry = following.lead // 2
    if swap.frames - before_take <= hurry:
        return g
    assert before_take >= 0, f'{swap} and {following} are too close'
    return hurried(g[:before_take], hurry)


def mix(source, swaps, first):
    """All frames of a convolver that was silent before the first of the swaps. Positions count from
    `first` in what came in."""
    swaps = sorted(swaps, key=lambda s: s.position)
    old = out = np.zeros_like(source.convolved(next(s.taps for s in swaps if s.taps is not None)))
    for k, swap in enumerate(swaps):
        begin = max(swap.position - first, 0)
        new = source.convolved(swap.taps) * swap.gain if swap.taps is not None else np.zeros_like(out)
        g = fade_weights(swap, swaps[k + 1] if k + 1 < len(swaps) else None)[begin - swap.position + first:]
        g = np.concatenate([g, np.ones(max(new.shape[1] - begin - len(g), 0))])[:new.shape[1] - begin]
        out = out.copy()
        out[:, begin:] = (1 - g) * old[:, begin:] + g * new[:, begin:]
        old = new
    return out


def error_db(recorded, expected, peak=None):
    """Largest difference, in dB of the expected peak."""
    return error_of_peak_db(recorded, expected, np.abs(expected).max() if peak is None else peak)
