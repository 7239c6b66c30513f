# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""The demo's picture, an act in each column: the recording with its swaps marked, looks from nearby, and the
error."""

from dataclasses import dataclass

import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt     # noqa: E402
from matplotlib import patheffects  # noqa: E402
import numpy as np                  # noqa: E402

INK = '#22303c'
FAINT = '#8a97a3'
PALE = '#d5dbe0'
COMPUTED = '#e4572e'
BLUE, VIOLET = '#2e86ab', '#7a5ea8'
TONES = ['#2e86ab', '#5aa9c4', '#3b7d8c', '#6c8ebf', '#4361a8', '#7a5ea8', '#a05195', '#c8553d', '#d98324',
         '#8f9e3c', '#4f9d69', '#2e86ab']
KEYS = ['#2e86ab', '#d98324', '#d98324']
VOICES = [PALE, '#5aa9c4', '#c8553d', '#8f9e3c', '#d98324', '#7a5ea8']
STYLE = {
    'font.family': 'DejaVu Sans', 'font.size': 9, 'text.color': INK, 'axes.labelcolor': INK,
    'axes.edgecolor': '#c5cdd4', 'xtick.color': FAINT, 'ytick.color': FAINT, 'axes.spines.top': False,
    'axes.spines.right': False, 'axes.titlelocation': 'left', 'axes.titlesize': 10,
    'axes.titleweight': 'bold', 'axes.titlepad': 10, 'figure.facecolor': 'white',
}


@dataclass
class Part:
    """An act: what was recorded of it, what was computed, and the swaps in it."""
    take: object
    computed: np.ndarray
    heard: list
    start: int
    stop: int       # positions
    rate: int

    def seconds(self, position):
        return (position - self.take.first) / self.rate

    def recorded(self, start, stop):
        return self.take[start:stop]

    def expected(self, start, stop):
        return self.computed[start - self.take.first:stop - self.take.first]

    def sounds(self, opening):
        """(label, start, stop) of each, beginning with what there was before the first swap."""
        starts = [(opening, self.start)] + [(h.label, h.position) for h in self.heard]
        stops = [start for _, start in starts[1:]] + [self.stop]
        return [(label, start, stop) for (label, start), stop in zip(starts, stops)]

    def swap(self, label):
        return next(h for h in self.heard if h.label == label)


def envelope(samples, n):
    """Smallest and largest value of each of n stretches; a missed cycle is silence."""
    samples = np.nan_to_num(samples)
    edges = np.linspace(0, len(samples), n + 1).astype(int)
    low = [samples[a:b].min() if b > a else 0.0 for a, b in zip(edges, edges[1:])]
    high = [samples[a:b].max() if b > a else 0.0 for a, b in zip(edges, edges[1:])]
    return low, high


def fill(axes, part, samples, start, stop, **style):
    n = max(2, int((stop - start) / (part.stop - part.start) * 1600))
    axes.fill_between(np.linspace(part.seconds(start), part.seconds(stop), n), *envelope(samples, n), lw=0.4,
                      **style)


def draw_whole(axes, part, opening, colours, title, behind=None, full=1.0):
    """Each sound in its colour, its name above; `behind`: another recording of the same time."""
    if behind is not None:
        fill(axes, part, behind[part.start:part.stop], part.start, part.stop, color=PALE)
    for k, (label, start, stop) in enumerate(part.sounds(opening)):
        fill(axes, part, part.recorded(start, stop), start, stop, color=colours[k % len(colours)])
        if k > 0:
            axes.axvline(part.seconds(start), color=INK, lw=0.5, alpha=0.5)
        # names of short ones would lie upon each other: another panel has them
        if stop - start > 0.2 * part.rate and label:
            axes.text(part.seconds((start + stop) / 2), 1.1 * full, label, ha='center', fontsize=7.5)
    axes.set(title=title, ylim=(-1.25 * full, 1.25 * full), xlim=(part.seconds(part.start), part.seconds(part.stop)),
             ylabel='full scale')


def draw_near(axes, part, start, stop, title, names=True):
    """Some frames with the swaps in them, recorded and computed."""
    times = (np.arange(start, stop) - part.take.first) / part.rate
    axes.plot(times, part.recorded(start, stop), color=BLUE, lw=1.1, label='recorded')
    every = max(1, (stop - start) // 260)
    axes.plot(times[::every], part.expected(start, stop)[::every], '.', color=COMPUTED, ms=2.2, label='computed')
    top = 1.1 * np.abs(part.expected(start, stop)).max()
    for h in part.heard:
        if start <= h.position < stop:
            at = part.seconds(h.position)
            axes.axvline(at, color=INK, lw=0.8)
            axes.axvspan(at, min(at + h.fade / part.rate, times[-1]), color=VIOLET, alpha=0.08, lw=0)
            axes.text(at, top, f' {h.label}' if names else '', fontsize=7.5, ha='left')
    axes.set(title=title, ylim=(-top, 1.2 * top), xlim=(times[0], times[-1]), ylabel='full scale')
    axes.legend(loc='lower right', bbox_to_anchor=(1, 1), frameon=False, ncol=2, fontsize=8)


def draw_spectrum(axes, part, title, size=2048, low=90, ticks=(0.1, 0.3, 1, 3, 10)):
    """Which frequencies sound when, 60 dB of them."""
    samples = np.nan_to_num(part.recorded(part.start, part.stop))
    step = 256
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::step] * np.hanning(size)
    level = 20 * np.log10(np.abs(np.fft.rfft(frames)) + 1e-9).T
    # rows for pixels, between the transform's
    shown = np.geomspace(low, 12000, 400)
    rows = shown * size / part.rate
    below, part_above = np.floor(rows).astype(int), (rows % 1)[:, np.newaxis]
    level = (1 - part_above) * level[below] + part_above * level[below + 1]
    times = part.seconds(part.start) + (np.arange(len(frames)) * step + size / 2) / part.rate
    axes.imshow(level, origin='lower', aspect='auto', cmap='magma', vmin=level.max() - 60, vmax=level.max(),
                extent=(times[0], times[-1], np.log10(low / 1000), np.log10(12)), interpolation='bilinear')
    for h in part.heard:
        axes.axvline(part.seconds(h.position), color='white', lw=0.8, alpha=0.8)
    axes.set(title=title, ylabel='kHz', xlim=(times[0], times[-1]))
    axes.set_yticks(np.log10(ticks), [f'{tick:g}' for tick in ticks])


def draw_error(axes, part):
    error = np.nan_to_num(part.recorded(part.start, part.stop) - part.expected(part.start, part.stop))
    fill(axes, part, error * 1e6, part.start, part.stop, color=COMPUTED)
    axes.set(title='Recorded minus computed, in millionths of full scale', ylabel='1e-6', xlabel='seconds',
             xlim=(part.seconds(part.start), part.seconds(part.stop)))


def draw_source(axes, part):
    quick = [h.position for h in part.heard[:5]]
    saw = part.swap('saw')
    edge = part.rate // 200

    draw_whole(axes[0], part, 'sine', TONES, 'A source: a line where each replacement was first heard')
    draw_near(axes[1], part, quick[0] - 2 * edge, quick[-1] + 10 * edge,
              'Five replacements in a row (fades shaded)')
    draw_near(axes[2], part, saw.position - edge, saw.position + saw.fade + edge,
              'One fade: sine to saw in 100 ms, in phase')
    draw_error(axes[3], part)


def draw_convolver(axes, part, went_in, name):
    swap = part.swap(name)
    edge = part.rate // 100

    draw_whole(axes[0], part, '', VOICES, 'A convolver: a voice (grey) through three cabinets and a hall', went_in)
    draw_spectrum(axes[1], part, 'What each of them does to it (frequencies, 60 dB)')
    draw_near(axes[2], part, swap.position - 2 * edge, swap.position + swap.fade + 2 * edge,
              f'One fade: to {name} in mid-word', names=False)
    draw_error(axes[3], part)


def draw_notes(axes, part, notes):
    """A piano roll over what is heard: each key as a line at its pitch, while it is held."""
    draw_spectrum(axes, part, 'Its keys (light lines) and what is heard (60 dB)', 4096, 80)
    outline = [patheffects.withStroke(linewidth=3.6, foreground='black')]
    for note in notes:
        pitch = np.log10(0.44) + (note.key - 69) / 12 * np.log10(2)
        axes.plot([part.seconds(note.on), part.seconds(note.off)], [pitch, pitch], color='#8ff0ff', lw=2,
                  solid_capstyle='butt', path_effects=outline)
    swap = part.heard[0]
    axes.text(part.seconds(swap.position), np.log10(8), f' {swap.label}', color='white', fontsize=7.5)


def draw_looks(axes, part, places, n_frames, title):
    """Looks from nearby, side by side: (name, position) of each."""
    width = n_frames / part.rate * 1000
    top = 1.1 * max(np.abs(part.expected(at, at + n_frames)).max() for _, at in places)
    for k, (name, at) in enumerate(places):
        times = k * 1.12 * width + np.arange(n_frames) / part.rate * 1000
        axes.plot(times, part.recorded(at, at + n_frames), color=BLUE, lw=1.1, label='recorded' if k == 0 else None)
        axes.plot(times[::4], part.expected(at, at + n_frames)[::4], '.', color=COMPUTED, ms=2.2,
                  label='computed' if k == 0 else None)
        axes.text(times[0], top, name, fontsize=7.5)
        axes.axvspan(times[0], times[-1], color=VIOLET, alpha=0.08 if 0 < k < len(places) - 1 else 0.0, lw=0)
    axes.set(title=title, ylim=(-top, 1.2 * top), xlim=(0, times[-1]), ylabel='full scale')
    axes.set_xticks([k * 1.12 * width + x for k in range(len(places)) for x in (0, width / 2)],
                    [f'{x:.0f} ms' if x else '0' for _ in places for x in (0, width / 2)])
    axes.legend(loc='lower right', bbox_to_anchor=(1, 1), frameon=False, ncol=2, fontsize=8)


def draw_keys(axes, part, opening, notes):
    saw = part.heard[0]
    look = part.rate // 64
    middle = saw.position + (saw.fade - look) // 2

    draw_whole(axes[0], part, opening, KEYS, f'A synthesizer: {opening} goes over to {saw.label} under a held chord',
               full=0.6)
    draw_notes(axes[1], part, notes)
    draw_looks(axes[2], part, [(opening, saw.position - look), ('in the middle of the fade', middle),
                               (saw.label, saw.position + saw.fade)], look,
               f'Before, in and after the fade of {1000 * saw.fade / part.rate:.0f} ms')
    draw_error(axes[3], part)


def draw(path, source, room, keys, rate):
    """Of each act (recording, what was computed, the swaps in it); and of the second what went in, of the third
    the notes."""
    tenth = rate // 10
    tones, (voices, went_in), (waves, notes) = source[2], room[2:], keys[2:]
    first = Part(*source, source[0].first, tones[-1].position + tenth, rate)
    second = Part(*room[:3], voices[0].position - tenth, voices[-1].position + tenth, rate)
    third = Part(*keys[:2], waves[1:], min(n.on for n in notes) - 2 * tenth, waves[-1].position + tenth, rate)

    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(4, 3, figsize=(21, 10), height_ratios=[1.25, 1.25, 1.25, 0.7])
        draw_source(axes[:, 0], first)
        draw_convolver(axes[:, 1], second, went_in, voices[2].label)
        draw_keys(axes[:, 2], third, waves[0].label, notes)
        figure.suptitle('Segue: sounds, impulse responses and instruments, replaced while they sound', x=0.012,
                        ha='left', fontsize=14, fontweight='bold')
        figure.tight_layout(rect=(0, 0, 1, 0.985), h_pad=1.8, w_pad=2.5)
        figure.savefig(path, dpi=100)
        plt.close(figure)
