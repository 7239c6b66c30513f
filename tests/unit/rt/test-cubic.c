/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "rt/cubic.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <spa/utils/defs.h>

#include "rt/hermite.h"

/* The fastest loops give the very values the plain ones give, whatever processor a recording is made on; and those
 * are what the formula says. */

#define N	SEGUE_BLOCK_FRAMES
#define DISTANCE	0.75f
#define SIZE	1024u

static const uint32_t lengths[] = { 0, 1, 3, 4, 7, 8, 9, 15, 16, 31, 63, 64 };

static uint32_t seed = 1;

static float noise(void)
{
	seed = seed * 1664525u + 1013904223u;
	return (float)((int32_t)seed / 2147483648.0);
}

static void fill(float *values, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		values[i] = noise();
}

static const struct segue_loops *kind(uint32_t i)
{
	return i == 0 ? &segue_loops_portable : segue_loops_best();
}

static void places_and_values_are_the_same_ones(void **state)
{
	static float data[SIZE];

	fill(data, SIZE);
	for (size_t k = 0; k < SPA_N_ELEMENTS(lengths); k++) {
		for (uint32_t first = 0; first < 3; first++) {
			struct segue_places places[2];
			float ret[2][N];
			uint32_t n = lengths[k] > first ? lengths[k] - first : 0;
			uint64_t fraction = (uint64_t)(fabsf(noise()) * 0x1p47f), step = (uint64_t)(fabsf(noise()) * 0x1p51f);

			for (uint32_t i = 0; i < 2; i++) {
				memset(&places[i], 0, sizeof(places[i]));
				kind(i)->find(&places[i], fraction, step, 48, lengths[k]);
				kind(i)->interpolate(data + 1, &places[i], first, ret[i], n);
			}
			assert_memory_equal(&places[0], &places[1], sizeof(places[0]));
			assert_memory_equal(ret[0], ret[1], n * sizeof(float));
			for (uint32_t i = 0; i < n; i++) {
				double place = ((double)fraction + (double)(first + i) * (double)step) * 0x1p-48;
				uint32_t frame = (uint32_t)place;

				assert_int_equal(places[0].frame[first + i], frame);
				assert_true(fabs(place - frame - (double)places[0].t[first + i]) < 1e-7);
				assert_true(fabsf(ret[0][i] - segue_hermite(data + frame, places[0].t[first + i])) < 1e-6f);
			}
		}
	}
}

/* of what falls, in double precision */
static double fallen(const struct segue_fall *fall, uint32_t i)
{
	return fall->to + (double)DISTANCE * (double)fall->left[i % 8] * pow((double)fall->left_8, i / 8);
}

static void what_falls_is_its_formula(void **state)
{
	struct segue_fall fall = { .to = 0.25f, .left = { 1.0f } };
	float rows[2][N];

	for (uint32_t i = 1; i < 8; i++)
		fall.left[i] = (float)exp2(-0.01 * i);
	fall.left_8 = (float)exp2(-0.08);
	for (uint32_t i = 0; i < 2; i++)
		kind(i)->fall(rows[i], &fall, DISTANCE);
	assert_memory_equal(rows[0], rows[1], sizeof(rows[0]));
	for (uint32_t i = 0; i < N; i++)
		assert_true(fabs((double)rows[0][i] - fallen(&fall, i)) < 1e-6);
}

static const struct segue_fall falling = {
	.to = 0.25f, .left = { 1.0f, 0.9f, 0.8f, 0.7f, 0.6f, 0.5f, 0.4f, 0.3f }, .left_8 = 0.2f };

enum { PLAIN, SHAPED, FALLING, N_HOWS };	/* what gains do */
enum { ONE, TWO_SAME, TWO_OTHER, N_ROWS };	/* where what goes */

static void rows_get_the_same_values(void **state)
{
	const float distance = DISTANCE;

	for (size_t k = 0; k < SPA_N_ELEMENTS(lengths) * N_HOWS * N_ROWS; k++) {
		segue_row begin[2], rows[2][2];
		float values[2][N], gains[N];
		uint32_t n = lengths[k / (N_HOWS * N_ROWS)], how = k / N_ROWS % N_HOWS, to = k % N_ROWS, i, o;
		const float *left = values[0], *right = to == ONE ? NULL : values[to == TWO_OTHER];

		if (how == FALLING && n < N)
			continue;
		fill(begin[0], 2 * SEGUE_RUN_FRAMES);
		fill(values[0], 2 * N);
		fill(gains, N);
		for (i = 0; i < 2; i++) {
			memcpy(rows[i], begin, sizeof(begin));
			if (how == PLAIN)
				kind(i)->add(rows[i], left, right, 0.7f, n);
			else if (how == SHAPED)
				kind(i)->add_shaped(rows[i], left, right, 0.7f, gains, n);
			else
				kind(i)->add_falling(rows[i], left, right, 0.7f, &falling, &distance, 1);
		}
		assert_memory_equal(rows[0], rows[1], sizeof(rows[0]));
		for (o = 0; o < 2; o++) {
			const float *from = o == 0 ? left : right;

			for (i = 0; i < N; i++) {
				double gain = how == PLAIN ? 0.7 : 0.7 * (how == SHAPED ? gains[i] : fallen(&falling, i));
				double added = i < n && from != NULL ? gain * (double)from[i] : 0.0;

				assert_true(fabs((double)rows[0][o][i] - (double)begin[o][i] - added) < 1e-6);
			}
		}
	}
}

/* A shape that falls gives what falling gives: cycles of any length sound the same. */
static void falling_is_being_shaped_by_what_falls(void **state)
{
	const float distance = DISTANCE;
	segue_row rows[2][2] = { { { 0.0f } } };
	float values[2][N], gains[N];

	fill(values[0], 2 * N);
	for (uint32_t i = 0; i < 2; i++) {
		kind(i)->fall(gains, &falling, DISTANCE);
		kind(i)->add_falling(rows[0], values[0], values[1], 0.7f, &falling, &distance, 1);
		kind(i)->add_shaped(rows[1], values[0], values[1], 0.7f, gains, N);
		assert_memory_equal(rows[0], rows[1], sizeof(rows[0]));
	}
}

static void blocks_fall_one_after_the_other(void **state)
{
	static const float distances[SEGUE_RUN_BLOCKS] = { 0.75f, 0.5f, -0.25f, 1.0f };
	segue_row values[2], rows[2][2] = { { { 0.0f } } };

	fill(values[0], 2 * SEGUE_RUN_FRAMES);
	for (uint32_t i = 0; i < 2; i++) {
		kind(i)->add_falling(rows[0], values[0], values[1], 0.7f, &falling, distances, SEGUE_RUN_BLOCKS);
		for (uint32_t b = 0; b < SEGUE_RUN_BLOCKS; b++)
			kind(i)->add_falling((segue_row *)(rows[1][0] + b * N), values[0] + b * N, values[1] + b * N,
					0.7f, &falling, &distances[b], 1);
		assert_memory_equal(rows[0], rows[1], sizeof(rows[0]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_and_values_are_the_same_ones),
		cmocka_unit_test(what_falls_is_its_formula),
		cmocka_unit_test(rows_get_the_same_values),
		cmocka_unit_test(falling_is_being_shaped_by_what_falls),
		cmocka_unit_test(blocks_fall_one_after_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
