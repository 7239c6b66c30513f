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
#define N_EIGHTS	65u

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

/* Of so many blocks, each 16 floats further on. */
static void multiply(const struct fixture *f, uint32_t i, float *out, uint32_t n_sums, uint32_t n_outputs)
{
	const float *x[SEGUE_SUMS_MAX][SEGUE_QUAD];
	float *sums[SEGUE_SUMS_MAX];

	for (uint32_t s = 0; s < n_sums; s++) {
		sums[s] = out + s * SIZE / SEGUE_SUMS_MAX;
		for (uint32_t q = 0; q < SEGUE_QUAD; q++)
			x[s][q] = f->in[q] + 16 * s;
	}
	kind(f, i)->mac(sums, x, n_sums, f->in[4], n_outputs, N_EIGHTS);
}

static void products_are_equal(void **state)
{
	struct fixture *f = *state;

	for (uint32_t n_outputs = 1; n_outputs <= SEGUE_JOINT_MAX; n_outputs++) {
		const uint32_t counts[] = { 1, SEGUE_SUMS(n_outputs) };

		for (uint32_t k = 0; k < 2; k++) {
			for (uint32_t i = 0; i < 2; i++)
				multiply(f, i, f->out[i], counts[k], n_outputs);
			assert_equal(f);
		}
	}
}

/* Blocks multiplied together are what they are one by one. */
static void sums_do_not_know_of_each_other(void **state)
{
	struct fixture *f = *state;

	for (uint32_t n_outputs = 1; n_outputs <= SEGUE_JOINT_MAX; n_outputs++) {
		memcpy(f->out[1], f->out[0], SIZE * sizeof(float));
		multiply(f, 1, f->out[0], SEGUE_SUMS(n_outputs), n_outputs);
		for (uint32_t s = 0; s < SEGUE_SUMS(n_outputs); s++) {
			const float *const x[1][SEGUE_QUAD] = { { f->in[0] + 16 * s, f->in[1] + 16 * s, f->in[2] + 16 * s,
				f->in[3] + 16 * s } };
			float *sum = f->out[1] + s * SIZE / SEGUE_SUMS_MAX;

			kind(f, 1)->mac(&sum, x, 1, f->in[4], n_outputs, N_EIGHTS);
		}
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
		cmocka_unit_test_setup_teardown(sums_do_not_know_of_each_other, setup, teardown),
		cmocka_unit_test_setup_teardown(sums_of_taps_are_equal, setup, teardown),
		cmocka_unit_test_setup_teardown(transforms_are_equal, setup, teardown),
		cmocka_unit_test_setup_teardown(dealing_and_riffling_undo_each_other, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
