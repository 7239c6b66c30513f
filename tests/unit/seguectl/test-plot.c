/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "plot.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <spa/utils/defs.h>

#define RATE		48000u
#define N_COLUMNS	100u

static void assert_span(struct segue_span span, double from, double to)
{
	assert_true(fabs(span.from - from) < 1e-6 && fabs(span.to - to) < 1e-6);
}

static void a_column_spans_its_frames(void **state)
{
	static const float data[] = { 0.5f, 9.0f, -0.5f, 9.0f, 0.0f, 9.0f, 0.25f, 9.0f };
	const struct segue_signal signal = { data, 4, 2, RATE };
	struct segue_span spans[2] = { { 1.0f, 0.0f }, { 1.0f, 0.0f } };

	segue_plot_wave(&signal, 0.5, spans, 2);
	assert_span(spans[0], 0.0, 1.0);
	assert_span(spans[1], 0.5, 0.75);
}

static void a_short_wave_fills_all_columns(void **state)
{
	static const float data[] = { 1.0f, -1.0f };
	const struct segue_signal signal = { data, 2, 1, RATE };
	struct segue_span spans[5];

	for (size_t i = 0; i < SPA_N_ELEMENTS(spans); i++)
		spans[i] = (struct segue_span) { 1.0f, 0.0f };
	segue_plot_wave(&signal, 1.0, spans, 5);
	assert_span(spans[0], 1.0, 1.0);
	assert_span(spans[1], 1.0, 1.0);
	assert_span(spans[4], 0.0, 0.0);
}

static void octaves_are_equally_wide(void **state)
{
	double octave = segue_plot_place(40.0, RATE);

	assert_true(fabs(segue_plot_place(20.0, RATE)) < 1e-12);
	assert_true(fabs(segue_plot_place(20000.0, RATE) - 1.0) < 1e-12);
	assert_true(fabs(segue_plot_place(8000.0, RATE) - segue_plot_place(4000.0, RATE) - octave) < 1e-12);
	/* up to half of a low rate */
	assert_true(fabs(segue_plot_place(4000.0, 8000) - 1.0) < 1e-12);
}

static void a_spectrum_is_in_db_below_its_highest(void **state)
{
	static float spectrum[SEGUE_SPECTRUM_BINS];
	struct segue_span spans[N_COLUMNS];

	for (uint32_t k = 0; k < SEGUE_SPECTRUM_BINS; k++) {
		double hz = k * RATE / 2.0 / (SEGUE_SPECTRUM_BINS - 1);

		/* 0, -30 and -90 dB */
		spectrum[k] = hz < 500.0 ? 4.0f : hz < 5000.0 ? 4e-3f : 4e-9f;
	}
	segue_plot_spectrum(spectrum, RATE, spans, N_COLUMNS);
	assert_span(spans[0], 0.0, 1.0);
	assert_span(spans[(int)(N_COLUMNS * segue_plot_place(2000.0, RATE))], 0.0, 0.5);
	assert_span(spans[N_COLUMNS - 1], 0.0, 0.0);
}

static void silence_has_a_spectrum_without_height(void **state)
{
	static const float spectrum[SEGUE_SPECTRUM_BINS];
	struct segue_span spans[N_COLUMNS];

	segue_plot_spectrum(spectrum, RATE, spans, N_COLUMNS);
	for (uint32_t x = 0; x < N_COLUMNS; x++)
		assert_span(spans[x], 0.0, 0.0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_column_spans_its_frames),
		cmocka_unit_test(a_short_wave_fills_all_columns),
		cmocka_unit_test(octaves_are_equally_wide),
		cmocka_unit_test(a_spectrum_is_in_db_below_its_highest),
		cmocka_unit_test(silence_has_a_spectrum_without_height),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
