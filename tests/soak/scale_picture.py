# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""The picture of scale's table: costs by the number of live buffers."""

import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt     # noqa: E402

INK, FAINT = '#22303c', '#8a97a3'
COLOURS = ['#2e86ab', '#e4572e', '#4f9d69', '#7a5ea8']
STYLE = {
    'font.family': 'DejaVu Sans', 'font.size': 9, 'text.color': INK, 'axes.labelcolor': INK,
    'axes.edgecolor': '#c5cdd4', 'xtick.color': FAINT, 'ytick.color': FAINT, 'axes.spines.top': False,
    'axes.spines.right': False, 'axes.titlelocation': 'left', 'axes.titlesize': 10,
    'axes.titleweight': 'bold', 'axes.titlepad': 10, 'figure.facecolor': 'white',
}
PANELS = [('A cycle of a node on the data loop', 'us', 1e3, 'linear', {'cycle_ns': ''}),
          ('A buffer on the main loop', 'us', 1, 'linear', {
              'load_us': 'a file loaded', 'reclaim_us': 'released and reclaimed',
              'swap_us': 'swapped in, the old one reclaimed'}),
          ('Memory of a buffer of 16 frames', 'bytes', 1, 'linear', {'counted': 'counted', 'resident': 'resident'}),
          ('A list of all objects on the main loop', 'ms', 1, 'log', {'objects_ms': ''})]


def draw(rows, path):
    with plt.rc_context(STYLE):
        figure, panels = plt.subplots(1, len(PANELS), figsize=(15, 3.6), layout='constrained')
        for axes, (title, unit, scale, yscale, lines) in zip(panels, PANELS):
            for k, (key, name) in enumerate(lines.items()):
                for n_nodes in sorted({r['nodes'] for r in rows}):
                    points = [(r['buffers'], r[key] / scale) for r in rows if r['nodes'] == n_nodes]
                    many = n_nodes > 1
                    label = ', '.join(t for t in (name, f'{n_nodes} node{"s" if many else ""}') if t)
                    axes.plot(*zip(*points), '-o' if many else '--o', color=COLOURS[k], ms=3.5, lw=1.2, label=label)
            axes.set(title=title, xlabel='live buffers', ylabel=unit, xscale='log', yscale=yscale)
            if yscale == 'linear':
                axes.set_ylim(bottom=0)
            axes.legend(frameon=False, fontsize=7)
        figure.savefig(path, dpi=110)
