/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "rt/vector.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What the fastest code gives equals what the plain code gives; that this is right the convolver's tests tell. */

#define SIZE	65536u

struct fixture {
	const struct segue_vector *best;
	float *in[6], *out[2];	/* aligned; the second output is the fast one's */
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	uint32_t seed = 1;

	f->best = segue_vector_best();
	for (uint32_t i = 0; i < 6; i++) {
		f->in[i] = aligned_alloc(64, SIZE * sizeof(float));
		for (uint32_t k = 0; k < SIZE; k++) {
			seed = seed * 1664525u + 1013904223u;
			f->in[i][k] = (float)((int32_t)seed / 2147483648.0);
		}
	}
	for (uint32_t i = 0; i < 2; i++) {
		f->out[i] = aligned_alloc(64, SIZE * sizeof(float));
		memcpy(f->out[i], f->in[5], SIZE * sizeof(float));
	}
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 0; i < 6; i++)
		free(f->in[i]);
	for (uint32_t i = 0; i < 2; i++)
		free(f->out[i]);
	free(f);
	return 0;
}

static const struct segue_vector *kind(const struct fixture *f, uint32_t i)
{
	return i == 0 ? &segue_vector_portable : f->best;
}

static void assert_equal(const struct fixture *f)
{
	for (uint32_t k = 0; k < SIZE; k++)
		assert_true(fabsf(f->out[0][k] - f->out[1][k]) <= 2e-5f);
}

static void products_are_equal(void **state)
{
	struct fixture *f = *state;

	for (uint32_t n_outputs = 1; n_outputs <= SEGUE_JOINT_MAX; n_outputs++) {
		for (uint32_t i = 0; i < 2; i++)
			kind(f, i)->mac(f->out[i], (const float *const *)f->in, NULL, NULL, f->in[4], n_outputs, 65);
		assert_equal(f);
		for (uint32_t i = 0; i < 2; i++)
			kind(f, i)->mac(f->out[i], (const float *const *)f->in, f->out[i] + SIZE / 2,
					(const float *const *)f->in + 1, f->in[5], n_outputs, 65);
		assert_equal(f);
	}
}

static void sums_of_taps_are_equal(void **state)
{
	static const uint32_t counts[] = { 1, 7, 8, 9, 31, 32, 33, 63 };
	struct fixture *f = *state;

	for (size_t n = 0; n < sizeof(counts) / sizeof(counts[0]); n++) {
		for (uint32_t i = 0; i < 2; i++)
			kind(f, i)->fir(f->out[i], f->in[0] + 101, f->in[1], counts[n]);
		for (uint32_t k = 0; k < counts[n]; k++)
			assert_true(fabsf(f->out[0][k] - f->out[1][k]) <= 2e-5f);
	}
}

static void transforms_are_equal(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 0; i < 2; i++) {
		kind(f, i)->untangle(f->out[i], f->in[0], f->in[1], 64);
		kind(f, i)->tangle(f->out[i] + 1024, f->in[2], f->in[1], 256);
		kind(f, i)->join(f->out[i] + 4096, f->in[0], f->in[1], 1024, 0, 256);
		kind(f, i)->join(f->out[i] + 4096, f->in[0], f->in[1], 1024, 256, 520);
		kind(f, i)->part(f->out[i] + 16384, f->in[2], f->in[3], 1024, 0, 520);
	}
	assert_equal(f);
}

static void dealing_and_riffling_undo_each_other(void **state)
{
	struct fixture *f = *state;
	float dealt[64], back[64];

	for (uint32_t i = 0; i < 2; i++) {
		kind(f, i)->deal(dealt, f->in[0]);
		for (uint32_t k = 0; k < 32; k++) {
			assert_true(dealt[k] == f->in[0][2 * k]);
			assert_true(dealt[32 + k] == f->in[0][2 * k + 1]);
		}
		kind(f, i)->riffle(back, dealt);
		assert_memory_equal(back, f->in[0], sizeof(back));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(products_are_equal, setup, teardown),
		cmocka_unit_test_setup_teardown(sums_of_taps_are_equal, setup, teardown),
		cmocka_unit_test_setup_teardown(transforms_are_equal, setup, teardown),
		cmocka_unit_test_setup_teardown(dealing_and_riffling_undo_each_other, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
