/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "make-fixture.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <spa/utils/defs.h>

#include "make/layout.h"

#define FREQUENCY	997.0

static double sine(double frequency, double t)
{
	return 0.5 * sin(2.0 * M_PI * frequency * t);
}

static struct segue_sample *sine_sample(struct make_fixture *f, uint32_t rate, uint64_t n_frames, double frequency)
{
	struct segue_sample *sample = segue_sample_new(&f->make, 2, n_frames, rate);

	assert_non_null(sample);
	for (uint64_t i = 0; i < n_frames; i++) {
		sample->data[0][i] = sine(frequency, (double)i / rate);
		sample->data[1][i] = -sample->data[0][i];
	}
	return sample;
}

/* Largest deviation from the sine, relative to full scale, in dB, away from the ends. */
static double error_db(const struct segue_sample *sample, double frequency, double rate, uint64_t margin)
{
	double worst = 1e-30;

	for (uint64_t i = margin; i + margin < sample->n_frames; i++) {
		double expected = sine(frequency, (double)i / rate);

		worst = fmax(worst, fabs(sample->data[0][i] - expected));
		worst = fmax(worst, fabs(sample->data[1][i] + expected));
	}
	return 20.0 * log10(worst);
}

static void a_sine_is_the_same_sine_at_any_rate(void **state)
{
	static const uint32_t rates[][2] = {
		{ 44100, 48000 }, { 48000, 44100 }, { 96000, 48000 }, { 22050, 192000 }, { 12345, 48000 },
		{ 48000, 8000 },
	};
	struct make_fixture *f = *state;

	for (size_t i = 0; i < SPA_N_ELEMENTS(rates); i++) {
		uint32_t from = rates[i][0], to = rates[i][1];
		struct segue_sample *sample = sine_sample(f, from, from + 17, FREQUENCY), *other;

		other = segue_sample_resample(&f->make, sample, to);
		assert_non_null(other);
		assert_int_equal(other->rate, to);
		assert_int_equal(other->n_frames, llround((double)(from + 17) * to / from));
		/* the ends are steps, whose ringing is right */
		assert_true(error_db(other, FREQUENCY, to, to / 10) < -120.0);
		for (uint32_t g = 0; g < SEGUE_GUARD_FRAMES; g++)
			assert_true(other->data[1][other->n_frames + g] == 0.0f);
		make_fixture_free(f, sample);
		make_fixture_free(f, other);
	}
}

static void the_same_rate_is_a_plain_copy(void **state)
{
	struct make_fixture *f = *state;
	struct segue_sample *sample = sine_sample(f, 48000, 1000, FREQUENCY), *other;

	sample->loop = SEGUE_LOOP_FORWARD;
	sample->loop_start = 10;
	sample->loop_end = 990;
	sample->root_key = 33;
	other = segue_sample_resample(&f->make, sample, 48000);
	assert_memory_equal(other->data[1], sample->data[1], 1000 * sizeof(float));
	assert_int_equal(other->loop_start, 10);
	assert_int_equal(other->loop_end, 990);
	assert_int_equal(other->root_key, 33);
	make_fixture_free(f, sample);
	make_fixture_free(f, other);
}

static void loop_points_follow_the_rate(void **state)
{
	struct make_fixture *f = *state;
	struct segue_sample *sample = sine_sample(f, 44100, 44100, FREQUENCY), *other;

	sample->loop = SEGUE_LOOP_FORWARD;
	sample->loop_start = 441;
	sample->loop_end = 22050;
	other = segue_sample_resample(&f->make, sample, 96000);
	assert_int_equal(other->loop, SEGUE_LOOP_FORWARD);
	assert_int_equal(other->loop_start, 960);
	assert_int_equal(other->loop_end, 48000);
	make_fixture_free(f, sample);
	make_fixture_free(f, other);
}

/* A loop of whole periods stays one: of any length, at its very ends too. */
static void a_sample_that_is_a_loop_has_no_seam(void **state)
{
	static const struct { uint32_t from, to; uint64_t n_frames; uint32_t periods; } cases[] = {
		{ 44100, 48000, 44100, 997 }, { 44100, 48000, 147, 3 }, { 44100, 48000, 100, 1 },
		{ 48000, 44100, 9973, 331 }, { 96000, 48000, 501, 7 }, { 8000, 192000, 31, 2 },
	};
	struct make_fixture *f = *state;

	for (size_t i = 0; i < SPA_N_ELEMENTS(cases); i++) {
		double frequency = (double)cases[i].periods * cases[i].from / cases[i].n_frames, rate;
		struct segue_sample *sample = sine_sample(f, cases[i].from, cases[i].n_frames, frequency);
		struct segue_sample *other;

		sample->loop = SEGUE_LOOP_FORWARD;
		sample->loop_end = sample->n_frames;
		other = segue_sample_resample(&f->make, sample, cases[i].to);
		assert_non_null(other);
		assert_int_equal(other->loop_end, other->n_frames);
		/* so many periods in so many frames */
		rate = (double)other->n_frames * cases[i].from / cases[i].n_frames;
		assert_true(error_db(other, frequency, rate, 0) < -120.0);
		make_fixture_free(f, sample);
		make_fixture_free(f, other);
	}
}

static void a_single_frame_can_be_resampled(void **state)
{
	struct make_fixture *f = *state;

	for (int loop = 0; loop < 2; loop++) {
		struct segue_sample *sample = sine_sample(f, 48000, 1, FREQUENCY), *other;

		sample->data[0][0] = 0.5f;
		sample->loop = loop ? SEGUE_LOOP_FORWARD : SEGUE_LOOP_NONE;
		sample->loop_end = loop;
		other = segue_sample_resample(&f->make, sample, 8000);
		assert_non_null(other);
		assert_int_equal(other->n_frames, 1);
		if (loop)
			assert_true(fabsf(other->data[0][0] - 0.5f) < 1e-6f);
		make_fixture_free(f, sample);
		make_fixture_free(f, other);
	}
}

static void it_ends_when_cancelled_or_over_its_limit(void **state)
{
	struct make_fixture *f = *state;
	struct segue_job job = { .cancelled = 1 };
	struct segue_sample *sample = sine_sample(f, 44100, 44100, FREQUENCY);
	size_t bytes = make_fixture_bytes(f);

	f->make.job = &job;
	assert_null(segue_sample_resample(&f->make, sample, 48000));
	assert_int_equal(f->make.error.res, -ECANCELED);
	f->make.job = NULL;
	f->make.bytes_max = 100000;
	assert_null(segue_sample_resample(&f->make, sample, 48000));
	assert_int_equal(f->make.error.res, -EDQUOT);
	f->make.bytes_max = 0;
	segue_memory_set_max(f->memory, bytes + 1000);
	assert_null(segue_sample_resample(&f->make, sample, 48000));
	assert_int_equal(f->make.error.res, -EDQUOT);
	assert_int_equal(make_fixture_bytes(f), bytes);
	make_fixture_free(f, sample);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_fixture_setup, make_fixture_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(a_sine_is_the_same_sine_at_any_rate),
		TEST(the_same_rate_is_a_plain_copy),
		TEST(loop_points_follow_the_rate),
		TEST(a_sample_that_is_a_loop_has_no_seam),
		TEST(a_single_frame_can_be_resampled),
		TEST(it_ends_when_cancelled_or_over_its_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
