# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""The demo's picture: the recording with its swaps marked, two looks from nearby, and the error."""

import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt     # noqa: E402
import numpy as np                  # noqa: E402

INK = '#22303c'
FAINT = '#8a97a3'
COMPUTED = '#e4572e'
COLOURS = ['#2e86ab', '#5aa9c4', '#3b7d8c', '#6c8ebf', '#4361a8', '#7a5ea8', '#a05195', '#c8553d', '#d98324',
           '#8f9e3c', '#4f9d69', '#2e86ab']
STYLE = {
    'font.family': 'DejaVu Sans', 'font.size': 9, 'text.color': INK, 'axes.labelcolor': INK,
    'axes.edgecolor': '#c5cdd4', 'xtick.color': FAINT, 'ytick.color': FAINT, 'axes.spines.top': False,
    'axes.spines.right': False, 'axes.titlelocation': 'left', 'axes.titlesize': 10,
    'axes.titleweight': 'bold', 'axes.titlepad': 10, 'figure.facecolor': 'white',
}


def envelope(samples, n):
    """Smallest and largest value of each of n stretches."""
    edges = np.linspace(0, len(samples), n + 1).astype(int)
    low = [np.nanmin(samples[a:b]) if b > a else 0.0 for a, b in zip(edges, edges[1:])]
    high = [np.nanmax(samples[a:b]) if b > a else 0.0 for a, b in zip(edges, edges[1:])]
    return low, high


def draw_whole(axes, take, parts, rate):
    """Each sound in its colour, its name above."""
    for k, (label, start, stop) in enumerate(parts):
        samples = take[start:stop]
        n = max(2, int(len(samples) / len(take.samples) * 2400))
        times = (np.linspace(start, stop, n) - take.first) / rate
        axes.fill_between(times, *envelope(samples, n), color=COLOURS[k % len(COLOURS)], lw=0.4)
        if k > 0:
            axes.axvline((start - take.first) / rate, color=INK, lw=0.5, alpha=0.5)
    # names of short ones would lie upon each other: the second panel has them
    for label, start, stop in parts:
        if stop - start > 0.2 * rate:
            axes.text(((start + stop) / 2 - take.first) / rate, 1.1, label, ha='center', fontsize=8)
    axes.set(title='The recording: a line where each replacement was first heard', ylim=(-1.25, 1.25),
             xlim=(0, len(take.samples) / rate), ylabel='full scale', xlabel='seconds')


def draw_near(axes, take, computed, marks, start, stop, rate, title):
    """Some frames with the swaps in them; `marks` are (label, position, fade in frames)."""
    start, stop = max(start, take.first), min(stop, take.end)
    times = (np.arange(start, stop) - take.first) / rate
    axes.plot(times, take[start:stop], color=COLOURS[0], lw=1.1, label='recorded')
    every = max(1, (stop - start) // 260)
    axes.plot(times[::every], computed[start - take.first:stop - take.first:every], '.', color=COMPUTED,
              ms=2.2, label='computed')
    for label, position, fade in marks:
        if start <= position < stop:
            at = (position - take.first) / rate
            axes.axvline(at, color=INK, lw=0.8)
            axes.axvspan(at, min(at + fade / rate, times[-1]), color=COLOURS[5], alpha=0.08, lw=0)
            axes.text(at, 1.06, f' {label}', fontsize=8, ha='left')
    axes.set(title=title, ylim=(-1.1, 1.3), xlim=(times[0], times[-1]), ylabel='full scale',
             xlabel='seconds')
    axes.legend(loc='lower right', bbox_to_anchor=(1, 1), frameon=False, ncol=2, fontsize=8)


def draw_error(axes, take, computed, rate):
    error = np.nan_to_num(take.samples - computed)
    low, high = envelope(error * 1e6, 2400)
    times = np.linspace(0, len(error) / rate, 2400)
    axes.fill_between(times, low, high, color=COMPUTED, lw=0.4)
    axes.set(title='Recorded minus computed, in millionths of full scale', xlim=(0, times[-1]),
             xlabel='seconds', ylabel='1e-6')


def draw(path, take, computed, heard, last, rate):
    """`heard`: (act, position) of each swap; `last`: where silence began."""
    marks = [(act.label, position, act.fade * rate) for act, position in heard]
    starts = [('sine', take.first)] + [(label, p) for label, p, _ in marks] + [('silence', last)]
    stops = [p for _, p in starts[1:]] + [take.end]
    parts = [(label, start, stop) for (label, start), stop in zip(starts, stops)]
    quick = [p for _, p, _ in marks[:5]]
    fade = next((p, f) for label, p, f in marks if label == 'saw')

    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(4, 1, figsize=(12, 11), height_ratios=[1.25, 1.25, 1.25, 0.7])
        draw_whole(axes[0], take, parts, rate)
        draw_near(axes[1], take, computed, marks, quick[0] - rate // 100, quick[-1] + rate // 20, rate,
                  'Five replacements, each as soon as the last was heard (fades shaded)')
        draw_near(axes[2], take, computed, marks, fade[0] - rate // 200, int(fade[0] + fade[1] + rate // 200),
                  rate, 'One fade from nearby: sine to saw in 100 ms, in phase')
        draw_error(axes[3], take, computed, rate)
        figure.suptitle('Segue: a source whose sound is replaced while it plays', x=0.02, ha='left',
                        fontsize=14, fontweight='bold')
        figure.tight_layout(rect=(0, 0, 1, 0.985), h_pad=2.0)
        figure.savefig(path, dpi=110)
        plt.close(figure)
