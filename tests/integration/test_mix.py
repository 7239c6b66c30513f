# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""The reference itself: expected values by hand."""

import numpy as np

from mix import HURRY, Sample, Swap, curve, levels, mix, phase_origin, wavetable

ONES = Sample(np.ones(1), loop=True)
TWOS = Sample(np.full(1, 2.0), loop=True)


def test_a_fade_of_one_frame_is_half_way():
    assert list(mix([Swap(2, 1, ONES)], 0, 5)) == [0, 0, 0.5, 1, 1]


def test_a_hard_cut_is_wholly_new():
    assert list(mix([Swap(1, 0, ONES), Swap(3, 0, TWOS)], 0, 5)) == [0, 1, 1, 2, 2]


def test_a_window_shows_the_middle_of_a_fade():
    whole = mix([Swap(10, 100, ONES), Swap(200, 50, TWOS)], 0, 300)
    assert np.array_equal(whole[60:220], mix([Swap(10, 100, ONES), Swap(200, 50, TWOS)], 60, 220))


def test_a_hurried_fade_goes_on_from_its_weight_and_ends_before_the_next():
    out = mix([Swap(0, 10000, ONES), Swap(1000 + HURRY, 0, TWOS)], 0, 2000)
    g0 = curve(10000)[999]
    assert out[999] == g0
    assert out[1000] > g0
    assert np.isclose(out[1000 + HURRY - 1], g0 + (1 - g0) * curve(HURRY)[-1])
    assert out[1000 + HURRY] == 2


def test_a_sample_starts_where_it_is_swapped_in_and_ends_in_silence():
    assert list(mix([Swap(2, 0, Sample(np.array([1.0, 2.0])))], 0, 6)) == [0, 0, 1, 2, 0, 0]


def test_the_peak_of_harmonics_is_the_one_asked_for():
    values = wavetable('harmonics:1,0.5,0.25', 0.8, 1 / 4096)(np.arange(4096), 0)
    assert np.isclose(np.abs(values).max(), 0.8, atol=1e-6)


def test_a_phase_is_found_again():
    values = wavetable('sine', 0.5, 1 / 128, origin=5.25)(np.arange(1000, 3000), 0)
    assert np.isclose((phase_origin(values, 1000, 1 / 128) - 5.25 + 64) % 128, 64)


def test_levels_lose_half_an_octave_each():
    assert levels(2048)[:4] == [2048, 1448, 1024, 724]
    assert levels(2048)[-4:] == [5, 4, 2, 1]
    assert levels(3) == [3, 2, 1]
    assert levels(1) == [1]


def test_partials_beyond_the_band_are_left_out():
    assert len(wavetable('saw', 1.0, 440 / 48000).amplitudes) == 45
    assert len(wavetable('saw', 1.0, 20000 / 48000).amplitudes) == 1
