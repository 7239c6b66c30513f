/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "give-back.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "loads.h"

/* Large memory takes long to unmap: workers do it. */

#define LARGE_FRAMES	200000u

static pthread_t main_loop;
static uint32_t n_unmapped;	/* by the main loop */

int __real_munmap(void *p, size_t size);
int __wrap_munmap(void *p, size_t size);

int __wrap_munmap(void *p, size_t size)
{
	if (pthread_equal(pthread_self(), main_loop))
		n_unmapped++;
	return __real_munmap(p, size);
}

static void what_is_left_of_a_cancelled_job_is_given_back_by_a_worker(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *sound;

	stage_write_ramp(stage, "a.wav", LARGE_FRAMES, 1, 48000);
	sound = load_file(stage, "a.wav");
	stage_wait_state(stage, sound, SEGUE_SOUND_LOADING);
	/* made meanwhile, but not told */
	usleep(300000);
	n_unmapped = 0;
	stage_disown(stage, sound);
	while (stage_memory(stage).bytes_pending + stage_memory(stage).bytes_retired > 0)
		host_run(stage->host, 1);
	assert_int_equal(n_unmapped, 0);
}

static void large_memory_is_given_back_by_a_worker(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *sound;
	uint64_t bytes;

	stage_write_ramp(stage, "a.wav", LARGE_FRAMES, 1, 48000);
	sound = load_file(stage, "a.wav");
	stage_wait_state(stage, sound, SEGUE_SOUND_READY);
	bytes = stage_info(stage, sound).bytes;
	assert_int_equal(stage_memory(stage).bytes_live, bytes);
	n_unmapped = 0;
	stage_disown(stage, sound);
	assert_int_equal(stage->n_reclaimed, 0);
	assert_int_equal(stage_memory(stage).bytes_live, 0);
	stage_wait_reclaimed(stage, 1);
	assert_int_equal(stage->reclaimed[0].bytes, bytes);
	assert_int_equal(stage_memory(stage).bytes_retired, 0);
	assert_int_equal(n_unmapped, 0);
}

#define test(name)	cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(what_is_left_of_a_cancelled_job_is_given_back_by_a_worker),
		test(large_memory_is_given_back_by_a_worker),
	};

	main_loop = pthread_self();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
