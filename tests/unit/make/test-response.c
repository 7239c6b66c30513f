/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "make/response.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "make-fixture.h"

#include "make/layout.h"
#include "make/transforms.h"

#define RATE	48000u

struct fixture {
	struct make_fixture *f;
	struct segue_transforms *transforms;
	struct segue_response_target target;
};

static int setup(void **state)
{
	struct fixture *t = calloc(1, sizeof(*t));
	void *base;

	if (t == NULL || make_fixture_setup(&base) < 0 || (t->transforms = segue_transforms_new()) == NULL)
		return -1;
	t->f = base;
	t->target = (struct segue_response_target) { 2, 2, 100000, t->transforms };
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *t = *state;
	void *base = t->f;

	segue_transforms_unref(t->transforms);
	free(t);
	return make_fixture_teardown(&base);
}

static struct segue_sample *new_sample(struct fixture *t, uint32_t n_channels, uint64_t n_frames)
{
	struct segue_sample *sample = segue_sample_new(&t->f->make, n_channels, n_frames, RATE);

	assert_non_null(sample);
	return sample;
}

static struct segue_response *make(struct fixture *t, struct segue_sample *sample)
{
	struct segue_response *response = segue_response_from_sample(&t->f->make, sample, &t->target);

	make_fixture_free(t->f, sample);
	return response;
}

static void channels_are_one_or_the_diagonal_or_the_matrix(void **state)
{
	static const struct {
		uint32_t n_in, n_out, n_channels;
		int paths;	/* enum segue_paths, or -1: refused */
	} cases[] = {
		{ 1, 1, 1, SEGUE_PATHS_SHARED },
		{ 2, 2, 1, SEGUE_PATHS_SHARED },
		{ 2, 2, 2, SEGUE_PATHS_DIAGONAL },
		{ 2, 2, 3, -1 },
		{ 2, 2, 4, SEGUE_PATHS_MATRIX },
		{ 8, 8, 8, SEGUE_PATHS_DIAGONAL },
		{ 8, 8, 64, SEGUE_PATHS_MATRIX },
		{ 1, 2, 2, SEGUE_PATHS_MATRIX },
		{ 3, 1, 3, SEGUE_PATHS_MATRIX },
		{ 2, 4, 4, -1 },
	};
	struct fixture *t = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct segue_sample *sample = new_sample(t, cases[i].n_channels, 100);
		struct segue_response *response;

		sample->data[0][99] = 1.0f;
		t->target.n_in = cases[i].n_in;
		t->target.n_out = cases[i].n_out;
		response = make(t, sample);
		if (cases[i].paths < 0) {
			assert_null(response);
			assert_int_equal(t->f->make.error.res, -EBADMSG);
			continue;
		}
		assert_non_null(response);
		assert_int_equal(response->buffer.type, SEGUE_BUFFER_RESPONSE);
		assert_int_equal(response->buffer.refs, 1);
		assert_int_equal(response->paths, cases[i].paths);
		assert_int_equal(response->n_paths, cases[i].n_channels);
		make_fixture_free(t->f, response);
	}
}

static void a_refusal_names_the_thing_and_what_would_do(void **state)
{
	struct fixture *t = *state;

	assert_null(make(t, new_sample(t, 3, 10)));
	assert_string_equal(t->f->make.error.message, "thing: has 3 channels, where 1, 2 or 4 are needed");
	t->target.n_in = t->target.n_out = 1;
	assert_null(make(t, new_sample(t, 2, 10)));
	assert_string_equal(t->f->make.error.message, "thing: has 2 channels, where 1 is needed");
}

static void silence_at_the_end_is_left_out(void **state)
{
	struct fixture *t = *state;
	struct segue_sample *sample = new_sample(t, 2, 90000);
	struct segue_response *response;

	sample->data[0][10] = -0.5f;
	sample->data[1][2999] = 0.25f;
	sample->data[1][80000] = 1e-12f;
	response = make(t, sample);
	assert_non_null(response);
	assert_int_equal(response->n_frames, 3000);
	assert_int_equal(response->peak_frame, 10);
	assert_int_equal(response->n_levels, 3);
	assert_int_equal(response->n_partitions[0], 8);
	assert_int_equal(response->n_partitions[1], 6);
	assert_int_equal(response->n_partitions[2], 1);
	make_fixture_free(t->f, response);
}

static void the_peak_is_where_any_channel_has_it_first(void **state)
{
	static const struct {
		uint32_t frames[2];	/* of -0.5 in one channel, of 0.5 in the other */
		uint32_t expected;
	} cases[] = {
		{ { 0, 79998 }, 0 }, { { 79998, 79997 }, 79997 }, { { 70000, 5 }, 5 }, { { 65535, 65536 }, 65535 },
		{ { 40000, 30000 }, 30000 },
	};
	struct fixture *t = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct segue_sample *sample = new_sample(t, 2, 79999);
		struct segue_response *response;

		sample->data[0][100] = 0.4f;
		sample->data[0][cases[i].frames[0]] = -0.5f;
		sample->data[1][cases[i].frames[1]] = 0.5f;
		response = make(t, sample);
		assert_non_null(response);
		assert_int_equal(response->peak_frame, cases[i].expected);
		make_fixture_free(t->f, response);
	}
}

static void what_is_too_long_is_refused_and_silence_is_not_long(void **state)
{
	struct fixture *t = *state;
	struct segue_sample *sample = new_sample(t, 1, 150000);
	struct segue_response *response;

	sample->data[0][99999] = 1.0f;
	response = make(t, sample);
	assert_non_null(response);
	make_fixture_free(t->f, response);

	sample = new_sample(t, 1, 150000);
	sample->data[0][100000] = 1.0f;
	assert_null(make(t, sample));
	assert_int_equal(t->f->make.error.res, -EFBIG);
	assert_string_equal(t->f->make.error.message, "thing: has 2.08 s, 2.08 s at most");
}

static void a_silent_response_has_no_partitions(void **state)
{
	struct fixture *t = *state;
	struct segue_response *response = make(t, new_sample(t, 2, 1000));

	assert_non_null(response);
	assert_int_equal(response->n_frames, 0);
	assert_int_equal(response->n_levels, 0);
	make_fixture_free(t->f, response);
}

static float gain_of(struct fixture *t, struct segue_sample *sample)
{
	float gain = -1.0f;

	assert_int_equal(segue_response_gain(&t->f->make, sample, &gain), 0);
	make_fixture_free(t->f, sample);
	return gain;
}

static void the_gain_is_that_of_the_loudest_frequency(void **state)
{
	static const uint32_t lengths[] = { 1, 100, 65536, 90000 };
	struct fixture *t = *state;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct segue_sample *sample = new_sample(t, 2, lengths[i]);

		/* a comb: at half the rate, or at 0 Hz, all add up */
		for (uint32_t k = 0; k < lengths[i]; k++) {
			sample->data[0][k] = 0.01f;
			sample->data[1][k] = k % 2 ? -0.02f : 0.02f;
		}
		assert_true(fabs(gain_of(t, sample) / (0.02 * lengths[i]) - 1.0) < 1e-4);
	}
	assert_true(gain_of(t, new_sample(t, 2, 1000)) == 0.0f);
}

static void another_rate_keeps_the_gain(void **state)
{
	static const uint32_t rates[] = { 32000, 44100, 96000, 192000 };
	struct fixture *t = *state;
	struct segue_sample *sample, *resampled;

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		/* a low pass: loudest at 0 Hz, where all add up */
		sample = new_sample(t, 1, 4800);
		for (uint32_t k = 0; k < 4800; k++)
			sample->data[0][k] = 1e-3f * (k < 2400 ? k : 4800 - k) / 2400.0f;
		resampled = segue_response_resample(&t->f->make, sample, sample->rate, rates[i], 100000);
		assert_non_null(resampled);
		assert_true(fabs(gain_of(t, resampled) / gain_of(t, sample) - 1.0) < 1e-3);
	}
	sample = new_sample(t, 1, 4800);
	sample->data[0][2400] = 1.0f;
	assert_null(segue_response_resample(&t->f->make, sample, sample->rate, 96000, 4800));
	assert_string_equal(t->f->make.error.message, "thing: has 0.05 s, 0.05 s at most");
	make_fixture_free(t->f, sample);
}

static void a_budget_too_small_fails_and_leaves_nothing(void **state)
{
	struct fixture *t = *state;
	struct segue_sample *sample = new_sample(t, 4, 50000);
	size_t held = make_fixture_bytes(t->f), max;

	for (uint32_t c = 0; c < 4; c++)
		sample->data[c][49999] = 1.0f;
	for (max = held; ; max += 65536) {
		struct segue_response *response;

		segue_memory_set_max(t->f->memory, max);
		response = segue_response_from_sample(&t->f->make, sample, &t->target);
		if (response != NULL) {
			make_fixture_free(t->f, response);
			break;
		}
		assert_int_equal(t->f->make.error.res, -EDQUOT);
		assert_int_equal(make_fixture_bytes(t->f), held);
	}
	assert_true(max > held);
	make_fixture_free(t->f, sample);
}

static void a_cancelled_make_ends(void **state)
{
	struct fixture *t = *state;
	struct segue_job job = { .cancelled = 1 };

	t->f->make.job = &job;
	assert_null(make(t, new_sample(t, 1, 1000)));
	assert_int_equal(t->f->make.error.res, -ECANCELED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(channels_are_one_or_the_diagonal_or_the_matrix, setup, teardown),
		cmocka_unit_test_setup_teardown(a_refusal_names_the_thing_and_what_would_do, setup, teardown),
		cmocka_unit_test_setup_teardown(silence_at_the_end_is_left_out, setup, teardown),
		cmocka_unit_test_setup_teardown(the_peak_is_where_any_channel_has_it_first, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_too_long_is_refused_and_silence_is_not_long, setup,
				teardown),
		cmocka_unit_test_setup_teardown(a_silent_response_has_no_partitions, setup, teardown),
		cmocka_unit_test_setup_teardown(the_gain_is_that_of_the_loudest_frequency, setup, teardown),
		cmocka_unit_test_setup_teardown(another_rate_keeps_the_gain, setup, teardown),
		cmocka_unit_test_setup_teardown(a_budget_too_small_fails_and_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_cancelled_make_ends, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
