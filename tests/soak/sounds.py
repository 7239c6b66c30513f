# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""What the soak's nodes are given to play, all of it smooth, and how far the sound can bend at most.

The second difference of a sound tells a step: of a sum of partials below HIGHEST it is at most its peak times
w * w, w being 2 pi HIGHEST / rate (Bernstein). A fade adds what its curve can, and whatever goes straight a
kink at either end. All is computed for the lowest rate, which bends most.
"""

import numpy as np

from convolution import taps
from files import write_float_wav, write_wav
from mix import HURRY

RATE = 48000
LOWEST_RATE = 44100
HIGHEST = 200.0         # Hz, of any partial
PEAK = 0.5
SHORTEST_FADE = 0.05    # seconds
NOTE_PEAK = 0.1
VOICES = 8              # of the keys at once
RAMP = 0.005            # seconds in which gains change and what is cut short ends
W = 2 * np.pi * HIGHEST / LOWEST_RATE
SLACK = 1e-4            # files of 16 bits


def bend_of_content(peak, hertz):
    return peak * (2 * np.pi * hertz / LOWEST_RATE) ** 2 + SLACK


def bend_of_fades(peak, slope):
    """Of fades between two sounds of this peak and slope, which a newer one may hurry in their midst."""
    steepest, sharpest = 1.5 / (HURRY + 1), 6 / (HURRY + 1) ** 2
    kink = 1.5 / (SHORTEST_FADE * LOWEST_RATE + 1)
    return 2 * steepest * 2 * slope + (sharpest + kink) * 2 * peak


def bend_of_ends(peak):
    """Of something that ends, or changes direction, within the shortest ramp there is."""
    return 2 * peak / (RAMP * LOWEST_RATE)


PLAYER_BEND = bend_of_content(PEAK, HIGHEST) + bend_of_fades(PEAK, PEAK * W)
PLAYER_SLOPE = PEAK * W + 2 * PEAK * 1.5 / (HURRY + 1)
ROOM_BEND = PLAYER_BEND + bend_of_fades(PEAK, PLAYER_SLOPE)
# its gain and its frequency are set, too
SYNTH_BEND = PLAYER_BEND + bend_of_ends(PEAK) + PEAK * W
# those that sound, and as many that end; a fade is of all of them
KEYS_BEND = (2 * VOICES * (NOTE_PEAK * W * W + bend_of_ends(NOTE_PEAK)) +
             bend_of_fades(NOTE_PEAK * VOICES, NOTE_PEAK * VOICES * W))


def bends(samples):
    """Second differences, without those that a missing cycle is part of."""
    values = np.abs(np.diff(np.asarray(samples, float), 2))
    return np.nan_to_num(values, nan=0.0)


# ---- recordings

def periods(rng, n_frames=RATE, rate=RATE, peak=PEAK):
    """Whole periods of some partials below HIGHEST, so that it can be a loop."""
    turns = rng.sample(range(1, int(HIGHEST * n_frames / rate)), 3)
    x = 2 * np.pi * np.arange(n_frames) / n_frames
    values = sum(rng.uniform(0.2, 1.0) * np.sin(k * x + rng.uniform(0, 2 * np.pi)) for k in turns)
    return (peak * values / np.abs(values).max()).astype('f4')


def burst(rng, n_frames=RATE // 4, peak=NOTE_PEAK):
    """It comes out of silence and goes there."""
    x = np.arange(n_frames) / n_frames
    turns = rng.randint(2, int(HIGHEST * n_frames / RATE) - 2)
    return (peak * np.sin(np.pi * x) ** 2 * np.sin(2 * np.pi * turns * x)).astype('f4')


def response(rng, seconds):
    """A direct sound, and noise that decays. No more comes out of it than goes in: the sum of what it is made of
    is one."""
    n = round(seconds * RATE)
    noise = np.random.default_rng(rng.getrandbits(32)).normal(0, 1, n) * 10 ** (-3 * np.arange(n) / n)
    noise[0] = 0
    values = 0.6 * noise / np.abs(noise).sum()
    values[0] = 0.4
    return values.astype('f4')


class Files:
    """What is loaded by path, written once."""

    def __init__(self, path, rng):
        path.mkdir()
        self.sounds = [write_float_wav(path / f'sound{k}.wav', periods(rng)) for k in range(4)]
        self.sounds += [write_wav(path / f'sound{k}.wav', periods(rng)) for k in range(4, 6)]
        self.bursts = [write_float_wav(path / f'burst{k}.wav', burst(rng)) for k in range(3)]
        self.responses, self.taps = [], {}
        for k, seconds in enumerate((0.001, 0.02, 0.1, 0.3, 0.7, 1.0, 1.5, 2.0)):
            values = response(rng, seconds)
            self.responses.append(write_float_wav(path / f'room{k}.wav', values))
            self.taps[self.responses[-1]] = taps(values, 1, 1)
        self.broken = path / 'broken.wav'
        self.broken.write_bytes(b'RIFF' + bytes(100))
        self.all = self.sounds + self.bursts + self.responses + [self.broken, path / 'missing.wav']


def wave(rng):
    """One below HIGHEST at up to 100 Hz."""
    return rng.choice(['sine', 'harmonics:1,0.5', 'harmonics:0.3,1', 'harmonics:1,-0.7'])
