# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""The example programs, run as their texts say."""

import importlib.util
import re
import sys

import numpy as np

from fixture import ROOT

STREAM = ROOT / 'examples/stream-wavetables.py'
N_PERIODS = 100


def load(path):
    """An example as a module, for its formulas."""
    spec = importlib.util.spec_from_file_location('example', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def partials(samples, n_periods):
    """Amplitudes of the partials of so many periods, the first one first."""
    spectrum = np.abs(np.fft.rfft(samples)) * 2 / len(samples)
    return spectrum[n_periods::n_periods]


def test_a_stream_of_50_wavetables_a_second_is_heard_and_freed(session, segue, source):
    source.set('Frequency', 375.0)      # 128 frames a period
    result = session.run(sys.executable, STREAM, 'synth', '--seconds', 3, timeout=60)
    assert (result.returncode, result.stderr) == (0, ''), result.stderr
    counts = [int(n) for n in re.fullmatch(
        r'(\d+) sent, (\d+) applied, (\d+) superseded, (\d+) failed, (\d+) refused\n', result.stdout).groups()]
    assert counts[0] == sum(counts[1:]) == 150
    assert counts[3:] == [0, 0] and counts[1] > 0

    # the last one goes on, and is the only one left
    source.bus.wait_until('collection', lambda: segue.get('BuffersLive') == 1)
    source.recorder.wait_for_frames(128 * N_PERIODS + 4096)
    take = source.recorder.take()
    end = take.end - 128 * N_PERIODS
    example = load(STREAM)
    table = np.array(example.wavetable(example.bend_of(149)))
    heard = partials(take[end:end + 128 * N_PERIODS], N_PERIODS)[:40]
    assert np.abs(heard - partials(table, 1)[:40]).max() < 1e-3


def test_the_stream_names_a_node_that_is_not_there(session, segue):
    result = session.run(sys.executable, STREAM, 'sinth')
    assert result.returncode == 1 and "No node 'sinth'" in result.stderr
