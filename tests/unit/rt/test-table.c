/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "rt/table.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <spa/utils/defs.h>

#include "fixture.h"

#define MINUS_80_DB	1e-4
#define MINUS_100_DB	1e-5

static const double sine[] = { 1.0 };

struct tones {
	struct fixture f;
	struct segue_table *table;
};

static int teardown(void **state)
{
	struct tones *t = *state;

	fixture_clear(&t->f);
	free_table(t->table);
	free(t);
	return 0;
}

static int setup_with(void **state, struct segue_table *table)
{
	struct tones *t = malloc(sizeof(*t));

	assert_non_null(t);
	fixture_init(&t->f, 1);
	t->table = table;
	send_swap(&t->f, &table->buffer, 0.0, SEGUE_NOW, 0);
	*state = t;
	return 0;
}

static int setup_sine(void **state)
{
	return setup_with(state, new_table(1, sine, 1));
}

static int setup_saw(void **state)
{
	double amplitudes[128];

	for (uint32_t p = 0; p < 128; p++)
		amplitudes[p] = 0.5 / (p + 1);
	return setup_with(state, new_table(1, amplitudes, 128));
}

/* Levels that can be told apart: 8 partials read 0.8, 4 read 0.4, 1 reads 0.1. */
static int setup_flat(void **state)
{
	static const uint32_t n_partials[] = { 8, 4, 1 };
	static const float values[] = { 0.8f, 0.4f, 0.1f };

	return setup_with(state, new_flat_table(n_partials, values, 3));
}

static void a_sine_is_the_sine_of_its_phase_at_any_frequency(void **state)
{
	static const double frequencies[] = { 0.01, 20.0, 440.0, 997.3, 12345.6, 20000.0 };
	struct tones *t = *state;
	float out[5000];
	double phase = 0.0;

	for (size_t k = 0; k < SPA_N_ELEMENTS(frequencies); k++) {
		send_value(&t->f, SEGUE_SOURCE_FREQUENCY, 0, frequencies[k]);
		run_frames(&t->f, out, 5000, 480);
		for (uint32_t i = 0; i < 5000; i++) {
			assert_near(out[i], sin(2.0 * M_PI * phase), MINUS_100_DB);
			phase = fmod(phase + frequencies[k] / RATE, 1.0);
		}
	}
}

static void after_ten_minutes_the_phase_is_still_exact(void **state)
{
	struct tones *t = *state;
	uint64_t frame = 0;
	float out[8192];

	send_value(&t->f, SEGUE_SOURCE_FREQUENCY, 0, 441.7);
	for (; frame < 600ull * RATE; frame += 8192)
		run_frames(&t->f, out, 8192, 8192);
	frame -= 8192;
	for (uint32_t i = 0; i < 8192; i++)
		assert_near(out[i], sin(2.0 * M_PI * fmod(441.7L / RATE * (frame + i), 1.0L)), MINUS_100_DB);
}

static void a_frequency_above_the_band_is_its_upper_end(void **state)
{
	struct tones *t = *state;
	float out[1000];

	send_value(&t->f, SEGUE_SOURCE_FREQUENCY, 0, 47000.0);
	run_frames(&t->f, out, 1000, 100);
	for (uint32_t i = 0; i < 1000; i++)
		assert_near(out[i], sin(2.0 * M_PI * 0.45 * i), MINUS_100_DB);
}

static void a_change_of_rate_keeps_the_phase_and_the_pitch(void **state)
{
	static const uint32_t rates[] = { 48000, 44100, 96000, 48000 };
	struct tones *t = *state;
	float out[3000];
	double phase = 0.0;

	send_value(&t->f, SEGUE_SOURCE_FREQUENCY, 0, 1000.0);
	for (size_t k = 0; k < SPA_N_ELEMENTS(rates); k++) {
		t->f.clock.rate.denom = rates[k];
		run_frames(&t->f, out, 3000, 441);
		for (uint32_t i = 0; i < 3000; i++) {
			assert_near(out[i], sin(2.0 * M_PI * phase), MINUS_100_DB);
			phase = fmod(phase + 1000.0 / rates[k], 1.0);
		}
	}
}

#define N_BINS	8192u

/* Amplitude of one bin of N_BINS. */
static double amplitude(const float values[], uint32_t bin)
{
	double re = 0.0, im = 0.0;

	for (uint32_t i = 0; i < N_BINS; i++) {
		double angle = 2.0 * M_PI * ((uint64_t)bin * i % N_BINS) / N_BINS;

		re += values[i] * cos(angle);
		im += values[i] * sin(angle);
	}
	return 2.0 * hypot(re, im) / N_BINS;
}

static void nothing_but_partials_inside_the_band_is_heard(void **state)
{
	/* odd bins of 8192, so that whatever folds over falls between the partials */
	static const uint32_t bins[] = { 19, 67, 173, 451, 1201, 2999 };
	struct tones *t = *state;
	float out[N_BINS];

	for (size_t k = 0; k < SPA_N_ELEMENTS(bins); k++) {
		double total = 0.0, partials = 0.0;
		uint32_t n_partials = 0;

		send_value(&t->f, SEGUE_SOURCE_FREQUENCY, 0, (double)bins[k] * RATE / N_BINS);
		run_frames(&t->f, out, 128, 64);	/* of the level's change */
		run_frames(&t->f, out, N_BINS, 1024);
		for (uint32_t i = 0; i < N_BINS; i++)
			total += 2.0 * out[i] * out[i] / N_BINS;
		for (uint32_t p = 1; p <= 128 && p * bins[k] <= 0.45 * N_BINS; p++) {
			double a = amplitude(out, p * bins[k]);

			partials += a * a;
			if (a > 0.25 / p)
				n_partials = p;
		}
		assert_true(sqrt(fabs(total - partials)) < MINUS_80_DB);
		/* half-octave levels: at worst one such step below what the band holds */
		assert_true(n_partials == 128 || (n_partials + 1) * M_SQRT2 * bins[k] > 0.45 * N_BINS);
	}
}

static void a_change_of_level_is_faded_over_a_block(void **state)
{
	struct tones *t = *state;
	float out[512];

	/* 8 partials fit below 2700 Hz */
	send_value(&t->f, SEGUE_SOURCE_FREQUENCY, 0, 2600.0);
	run_frames(&t->f, out, 512, 100);
	for (uint32_t i = 0; i < 512; i++)
		assert_near(out[i], 0.8, 1e-6);
	send_value(&t->f, SEGUE_SOURCE_FREQUENCY, 0, 2800.0);
	run_frames(&t->f, out, 512, 25);	/* several cycles to a block */
	for (uint32_t i = 0; i < 512; i++) {
		double w = (i + 1.0) / 65.0;

		assert_near(out[i], i < 64 ? 0.8 - 0.4 * smooth(w) : 0.4, 1e-6);
	}
}

static void a_vibrato_within_a_quarter_tone_does_not_change_the_level(void **state)
{
	static const double frequencies[] = { 2690.0, 2710.0, 2690.0, 2650.0, 2720.0, 2660.0 };
	struct tones *t = *state;
	float out[512];

	for (size_t k = 0; k < SPA_N_ELEMENTS(frequencies); k++) {
		send_value(&t->f, SEGUE_SOURCE_FREQUENCY, 0, frequencies[k]);
		run_frames(&t->f, out, 512, 64);
		assert_near(out[511], k == 0 ? 0.8 : 0.4, 1e-6);
	}
	send_value(&t->f, SEGUE_SOURCE_FREQUENCY, 0, 2720.0 / 1.0294);
	run_frames(&t->f, out, 512, 64);
	assert_near(out[511], 0.8, 1e-6);
}

static void a_table_comes_in_with_the_level_it_would_have_had(void **state)
{
	struct tones *t = *state;
	float out[512];

	send_swap(&t->f, NULL, 0.0, SEGUE_NOW, 0);
	send_value(&t->f, SEGUE_SOURCE_FREQUENCY, 0, 2710.0);
	run_frames(&t->f, out, 512, 64);
	send_value(&t->f, SEGUE_SOURCE_FREQUENCY, 0, 2690.0);
	run_frames(&t->f, out, 512, 64);
	send_swap(&t->f, &t->table->buffer, 0.0, SEGUE_NOW, 0);
	run_frames(&t->f, out, 512, 64);
	for (uint32_t i = 0; i < 512; i++)
		assert_near(out[i], 0.4, 1e-6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_sine_is_the_sine_of_its_phase_at_any_frequency,
				setup_sine, teardown),
		cmocka_unit_test_setup_teardown(after_ten_minutes_the_phase_is_still_exact,
				setup_sine, teardown),
		cmocka_unit_test_setup_teardown(a_frequency_above_the_band_is_its_upper_end,
				setup_sine, teardown),
		cmocka_unit_test_setup_teardown(a_change_of_rate_keeps_the_phase_and_the_pitch,
				setup_sine, teardown),
		cmocka_unit_test_setup_teardown(nothing_but_partials_inside_the_band_is_heard,
				setup_saw, teardown),
		cmocka_unit_test_setup_teardown(a_change_of_level_is_faded_over_a_block,
				setup_flat, teardown),
		cmocka_unit_test_setup_teardown(a_vibrato_within_a_quarter_tone_does_not_change_the_level,
				setup_flat, teardown),
		cmocka_unit_test_setup_teardown(a_table_comes_in_with_the_level_it_would_have_had,
				setup_flat, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
