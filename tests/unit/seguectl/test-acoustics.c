/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "acoustics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <spa/utils/defs.h>

#define RATE		65536u	/* of which a bin of the spectrum is 1 Hz */
#define N_FRAMES	(2 * RATE)

struct fixture {
	float data[N_FRAMES];
	float spectrum[SEGUE_SPECTRUM_BINS];
};

static int setup(void **state)
{
	return (*state = calloc(1, sizeof(struct fixture))) == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static struct segue_measures measure(struct fixture *f, uint64_t n_frames, uint32_t stride)
{
	const struct segue_signal signal = { f->data, n_frames, stride, RATE };
	struct segue_measures ret;

	assert_int_equal(segue_acoustics_measure(&signal, &ret, f->spectrum), 0);
	return ret;
}

static void assert_near(double value, double expected, double share)
{
	if (!(fabs(value - expected) <= share * fabs(expected)))
		fail_msg("%g is not %g", value, expected);
}

/* its square decays by 60 dB in so many seconds */
static double decaying(double seconds, uint32_t i)
{
	return pow(10.0, -3.0 * i / (seconds * RATE));
}

static void levels_of_a_sine_are_its_formulas(void **state)
{
	struct fixture *f = *state;
	struct segue_measures m;

	for (uint32_t i = 0; i < N_FRAMES; i++)
		f->data[i] = 0.5 * sin(2.0 * M_PI * 1000.0 * i / RATE);
	m = measure(f, N_FRAMES, 1);
	assert_near(m.peak, 0.5, 1e-3);
	assert_near(m.rms, 0.5 / sqrt(2.0), 1e-6);
	/* two seconds of it, added up in phase */
	assert_near(m.gain, 0.5 * N_FRAMES / 2.0, 1e-4);
	assert_near(m.gain_frequency, 1000.0, 1e-9);
}

static void channels_are_apart(void **state)
{
	struct fixture *f = *state;
	struct segue_signal right = { f->data + 1, 2, 2, RATE };
	struct segue_measures m;

	f->data[0] = 1.0f;
	f->data[1] = -0.25f;
	f->data[3] = 0.25f;
	assert_near(measure(f, 2, 2).peak, 1.0, 0.0);
	assert_int_equal(segue_acoustics_measure(&right, &m, f->spectrum), 0);
	assert_near(m.peak, 0.25, 0.0);
	/* of (-1, 1) / 4: highest at half the rate, nothing at 0 */
	assert_near(m.gain, 0.5, 1e-6);
	assert_near(m.gain_frequency, RATE / 2.0, 1e-3);
	assert_true(f->spectrum[0] < 1e-12f);
}

static void a_delay_has_no_part_in_the_spectrum(void **state)
{
	struct fixture *f = *state;
	static const uint32_t delays[] = { 0, 1, 1000, N_FRAMES - 1 };

	for (size_t i = 0; i < SPA_N_ELEMENTS(delays); i++) {
		f->data[delays[i]] = 0.5f;
		(void)measure(f, N_FRAMES, 1);
		f->data[delays[i]] = 0.0f;
		for (uint32_t k = 0; k < SEGUE_SPECTRUM_BINS; k++)
			assert_near(f->spectrum[k], 0.25, 1e-5);
	}
}

static void an_exponential_decay_has_its_time(void **state)
{
	struct fixture *f = *state;
	static const double times[] = { 0.01, 0.3, 1.2 };

	for (size_t k = 0; k < SPA_N_ELEMENTS(times); k++) {
		for (uint32_t i = 0; i < N_FRAMES; i++)
			f->data[i] = (i & 1 ? -1.0 : 1.0) * decaying(times[k], i);
		assert_near(measure(f, N_FRAMES, 1).t60, times[k], 0.01);
	}
}

static void what_comes_before_the_decay_is_left_out(void **state)
{
	struct fixture *f = *state;

	/* silence, and a direct sound with the energy of all the rest: 3 dB */
	for (uint32_t i = 1000; i < N_FRAMES; i++)
		f->data[i] = decaying(0.5, i - 1000);
	f->data[999] = sqrt(0.5 * RATE / (6.0 * M_LN10));
	assert_near(measure(f, N_FRAMES, 1).t60, 0.5, 0.01);
}

static void noise_shortens_what_is_taken_of_a_decay(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 0; i < N_FRAMES; i++)
		f->data[i] = decaying(0.5, i) + (i & 1 ? -1.0 : 1.0) * decaying(0.5, RATE * 2 / 5);	/* -48 dB */
	assert_near(measure(f, N_FRAMES / 2, 1).t60, 0.5, 0.05);
}

static void what_does_not_decay_has_no_time(void **state)
{
	struct fixture *f = *state;

	assert_true(isnan(measure(f, N_FRAMES, 1).t60));	/* silence */
	f->data[100] = 1.0f;
	assert_true(isnan(measure(f, N_FRAMES, 1).t60));	/* a click */
	for (uint32_t i = 0; i < N_FRAMES; i++)
		f->data[i] = sin(0.1 * i);
	assert_true(isnan(measure(f, N_FRAMES, 1).t60));
	assert_true(isnan(measure(f, 0, 1).t60));
}

int main(void)
{
#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(levels_of_a_sine_are_its_formulas),
		TEST(channels_are_apart),
		TEST(a_delay_has_no_part_in_the_spectrum),
		TEST(an_exponential_decay_has_its_time),
		TEST(what_comes_before_the_decay_is_left_out),
		TEST(noise_shortens_what_is_taken_of_a_decay),
		TEST(what_does_not_decay_has_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
