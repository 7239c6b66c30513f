# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Keys that are pressed, what notes sound like, and where in a recording they do."""

import numpy as np

from mix import phase_origin

END_FRAMES = 240    # in which what is cut short ends, at 48 kHz


def frequency(key):
    return 440 * 2 ** ((key - 69) / 12)


def onset(take, start):
    """The first position from start on that isn't silent."""
    heard = np.flatnonzero(take[start:])
    assert len(heard) > 0, f'nothing is heard from {start} on'
    return start + int(heard[0])


def whole_takes(recorder, n_channels=1):
    """What was recorded of each channel. Where a player was linked, long before its first note, and where it left
    the recorder may have been left out of a cycle (see recording.py): that counts as silence."""
    takes = [recorder.take(c) for c in range(n_channels)]
    for take in takes:
        heard = np.flatnonzero(np.nan_to_num(take.samples))
        missing = np.flatnonzero(np.isnan(take.samples))
        assert len(missing) == 0 or len(heard) > 0, 'nothing was heard'
        assert all(m < heard[0] or m > heard[-1] for m in missing), 'frames are missing'
        take.samples = np.nan_to_num(take.samples)
    return takes


def fit_sine(samples, hertz, rate=48000):
    """A sine of this frequency and a phase of its own: its peak, and how far the samples are from it in dB of
    that peak. A pitch that isn't the one asked for shows as a distance."""
    x = 2 * np.pi * hertz / rate * np.arange(len(samples))
    basis = np.stack([np.sin(x), np.cos(x)], axis=1)
    parts = np.linalg.lstsq(basis, samples.astype(float), rcond=None)[0]
    peak = np.hypot(*parts)
    rest = np.abs(samples - basis @ parts).max()
    return peak, 20 * np.log10(rest / peak) if rest > 0 else -np.inf


def end_weights(n_frames=END_FRAMES):
    """The levels in which a note ends that is cut short, or released with release 0."""
    return 1 - (np.arange(n_frames) + 1) / (n_frames + 1)


def add_sample(out, position, values, gain=1.0, first=0):
    """Add a recording that begins at a position to out, whose first frame is `first`; what is before or
    behind it is left out."""
    at = position - first
    begin, end = max(0, -at), min(len(values), len(out) - at)
    if begin < end:
        out[at + begin:at + end] += gain * values[begin:end].astype(float)


def press(keys, key, velocity=127):
    """Press a key; a position before its onset."""
    before, count = keys.recorder.position(), keys.get('Voices')
    keys.note_on(key, velocity)
    keys.wait_for_voices(count + 1)
    return before


def record(node, n_frames):
    """What is recorded once so much more has been."""
    node.recorder.wait_for_frames(n_frames)
    return node.recorder.take()


def held_sine(keys, key=69):
    """Press a key on a sine; its onset, and where its phase was 0 as far as a fit can tell."""
    before = press(keys, key)
    first = onset(record(keys, 9600), before)
    step = frequency(key) / 48000
    origin = phase_origin(keys.recorder.take()[first + 1:first + 8192], first + 1, step)
    # the first frame of a sine is 0, so it is heard from the next one on
    assert abs(origin % (1 / step) - (first - 1) % (1 / step)) < 1e-3
    return first - 1, step
