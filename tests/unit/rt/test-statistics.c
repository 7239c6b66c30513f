/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "rt/statistics.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fixture.h"

#define N_CYCLES	200000u

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct segue_statistics));
	return *state == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void without_a_cycle_there_are_no_times(void **state)
{
	struct segue_cycle_times times = segue_statistics_cycle_times(*state);

	assert_near(times.median_usec, 0.0, 0.0);
	assert_near(times.p999_usec, 0.0, 0.0);
	assert_near(times.max_usec, 0.0, 0.0);
}

static void times_are_ranked_over_the_last_4096_cycles(void **state)
{
	struct segue_statistics *s = *state;
	struct segue_cycle_times times;

	/* 1..1000 us in a scrambled order */
	for (uint32_t i = 0; i < 1000; i++)
		s->cycle_nsec[i] = (i * 377 % 1000 + 1) * 1000;
	s->n_timed = 1000;
	times = segue_statistics_cycle_times(s);
	assert_near(times.median_usec, 500.0, 1e-9);
	assert_near(times.p999_usec, 999.0, 1e-9);
	assert_near(times.max_usec, 1000.0, 1e-9);

	for (uint32_t i = 0; i < SEGUE_STATISTICS_CYCLES; i++)
		s->cycle_nsec[i] = 2000;
	s->n_timed = 10 * SEGUE_STATISTICS_CYCLES + 5;
	times = segue_statistics_cycle_times(s);
	assert_near(times.median_usec, 2.0, 1e-9);
	assert_near(times.max_usec, 2.0, 1e-9);
}

static void one_cycle_is_its_own_median_and_maximum(void **state)
{
	struct segue_statistics *s = *state;
	struct segue_cycle_times times;

	s->cycle_nsec[0] = 1500;
	s->n_timed = 1;
	times = segue_statistics_cycle_times(s);
	assert_near(times.median_usec, 1.5, 1e-9);
	assert_near(times.p999_usec, 1.5, 1e-9);
	assert_near(times.max_usec, 1.5, 1e-9);
}

static void a_peak_is_the_largest_since_it_was_read(void **state)
{
	struct segue_statistics *s = *state;

	segue_statistics_add_peak(s, 3, 0.5f);
	segue_statistics_add_peak(s, 3, 0.25f);
	assert_near(segue_statistics_take_peak(s, 3), 0.5, 0.0);
	segue_statistics_add_peak(s, 3, 0.25f);
	assert_near(segue_statistics_take_peak(s, 3), 0.25, 0.0);
	assert_near(segue_statistics_take_peak(s, 2), 0.0, 0.0);
}

/* Cycle i has a clock whose four values all tell i, and a peak of i. */
static void *run_data_loop(void *data)
{
	struct segue_statistics *s = data;

	for (uint32_t i = 1; i <= N_CYCLES; i++) {
		uint64_t begun = segue_statistics_begin_cycle(s,
				&(struct segue_clock) { i, 1000ull * i, 3 * i, 7 * i });

		segue_statistics_add_peak(s, 0, (float)i);
		segue_statistics_end_cycle(s, begun, true);
	}
	return NULL;
}

static void what_another_thread_reads_is_whole_and_in_order(void **state)
{
	struct segue_statistics *s = *state;
	uint64_t last = 0;
	float peak, largest = 0.0f;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, run_data_loop, s), 0);
	while (last < N_CYCLES) {
		struct segue_clock clock = segue_statistics_clock(s);

		assert_int_equal(clock.nsec, 1000 * clock.position);
		assert_int_equal(clock.rate, 3 * clock.position);
		assert_int_equal(clock.quantum, 7 * clock.position);
		assert_true(clock.position >= last);
		last = clock.position;
		peak = segue_statistics_take_peak(s, 0);
		assert_true(peak == 0.0f || peak > largest);
		if (peak > 0.0f)
			largest = peak;
		if (last % 1024 == 0)
			(void)segue_statistics_cycle_times(s);
	}
	pthread_join(thread, NULL);
	peak = segue_statistics_take_peak(s, 0);
	assert_true(SPA_MAX(peak, largest) == (float)N_CYCLES);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_cycle_there_are_no_times),
		TEST(times_are_ranked_over_the_last_4096_cycles),
		TEST(one_cycle_is_its_own_median_and_maximum),
		TEST(a_peak_is_the_largest_since_it_was_read),
		TEST(what_another_thread_reads_is_whole_and_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
