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

static void rows_get_the_same_values(void **state)
{
	for (size_t k = 0; k < SPA_N_ELEMENTS(lengths); k++) {
		float begin[2][N], rows[2][2][N], values[N], gains[N];
		uint32_t n = lengths[k], i, how, o;

		fill(begin[0], 2 * N);
		fill(values, N);
		fill(gains, N);
		for (how = 0; how < 4; how++) {
			bool shaped = how & 1, alone = how & 2;

			for (i = 0; i < 2; i++) {
				float *other = alone ? NULL : rows[i][1];

				memcpy(rows[i], begin, sizeof(begin));
				if (shaped)
					kind(i)->add_shaped(rows[i][0], other, values, 0.7f, gains, n);
				else
					kind(i)->add(rows[i][0], other, values, 0.7f, n);
			}
			assert_memory_equal(rows[0], rows[1], sizeof(rows[0]));
			for (o = 0; o < 2; o++) {
				for (i = 0; i < N; i++) {
					double gain = i >= n || (alone && o == 1) ? 0.0 : shaped ? 0.7 * (double)gains[i] : 0.7;

					assert_true(fabs((double)rows[0][o][i] - (double)begin[o][i] -
								gain * (double)values[i]) < 1e-6);
				}
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_and_values_are_the_same_ones),
		cmocka_unit_test(rows_get_the_same_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
