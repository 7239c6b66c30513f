/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "make/jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "jobs-fixture.h"

/* Jobs that stand still, in run() or in destroy(): nobody waits for them. */

static void a_job_that_stands_still_times_out_and_its_lane_goes_on(void **state)
{
	struct fixture *f = *state;
	struct record *stuck = record_new(false), *next = record_new(false);

	stuck->patient = true;
	assert_int_equal(segue_jobs_add(f->jobs, &stuck->job), 0);
	assert_true(loop_fixture_run_until(&f->loop, is_done, stuck, SOON_MSEC));
	assert_int_equal(stuck->done_res, -ETIMEDOUT);
	assert_int_equal(stuck->n_destroyed, 0);

	assert_int_equal(segue_jobs_add(f->jobs, &next->job), 0);
	wait_ended(f, next, 0);

	sem_post(&stuck->go);
	wait_ended(f, stuck, -ETIMEDOUT);
	/* what it made is of no use */
	assert_true(stuck->was_cancelled);
	record_free(stuck);
	record_free(next);
}

static void a_cancelled_job_that_stands_still_ends_as_cancelled(void **state)
{
	struct fixture *f = *state;
	struct record *stuck = record_new(false);

	stuck->patient = true;
	assert_int_equal(segue_jobs_add(f->jobs, &stuck->job), 0);
	sem_wait(&stuck->begun);
	segue_jobs_cancel(f->jobs, &stuck->job);
	assert_true(loop_fixture_run_until(&f->loop, is_done, stuck, SOON_MSEC));
	sem_post(&stuck->go);
	wait_ended(f, stuck, -ECANCELED);
	record_free(stuck);
}

static void a_spare_thread_serves_those_who_wait_for_one_that_stands_still(void **state)
{
	struct fixture *f = *state;
	struct record *slow = record_new(false), *waiting = record_new(false);

	segue_jobs_set_stall(f->jobs, 3000);	/* a spare after 0.3 s */
	slow->patient = true;
	assert_int_equal(segue_jobs_add(f->jobs, &slow->job), 0);
	sem_wait(&slow->begun);
	assert_int_equal(segue_jobs_add(f->jobs, &waiting->job), 0);
	assert_true(loop_fixture_run_until(&f->loop, is_destroyed, waiting, 2000));
	assert_ended(waiting, 0);
	assert_int_equal(slow->n_done, 0);

	/* and the slow one's result still counts */
	sem_post(&slow->go);
	wait_ended(f, slow, 0);
	record_free(slow);
	record_free(waiting);
}

static void four_threads_are_left_behind_at_most_then_the_lane_is_busy_until_one_returns(void **state)
{
	struct fixture *f = *state;
	struct record *stuck[5], *queued = record_new(false), *refused = record_new(false);
	struct record *other = record_new(true);

	for (size_t i = 0; i < SPA_N_ELEMENTS(stuck); i++) {
		stuck[i] = record_new(false);
		stuck[i]->patient = true;
		assert_int_equal(segue_jobs_add(f->jobs, &stuck[i]->job), 0);
		if (i == 4)	/* in the queue of a lane that won't be served any more */
			assert_int_equal(segue_jobs_add(f->jobs, &queued->job), 0);
		assert_true(loop_fixture_run_until(&f->loop, is_done, stuck[i], SOON_MSEC));
		assert_int_equal(stuck[i]->done_res, -ETIMEDOUT);
	}
	wait_ended(f, queued, -ETIMEDOUT);
	assert_int_equal(queued->n_run, 0);
	assert_int_equal(segue_jobs_add(f->jobs, &refused->job), -EBUSY);
	assert_int_equal(segue_jobs_add(f->jobs, &other->job), 0);
	wait_ended(f, other, 0);

	sem_post(&stuck[4]->go);
	wait_ended(f, stuck[4], -ETIMEDOUT);
	assert_int_equal(segue_jobs_add(f->jobs, &refused->job), 0);
	wait_ended(f, refused, 0);
	for (size_t i = 0; i < SPA_N_ELEMENTS(stuck); i++) {
		sem_post(&stuck[i]->go);
		wait_ended(f, stuck[i], -ETIMEDOUT);
		record_free(stuck[i]);
	}
	record_free(queued);
	record_free(refused);
	record_free(other);
}

static void a_lane_goes_on_beside_one_that_can_not_be_destroyed(void **state)
{
	struct fixture *f = *state;
	struct record *stuck = record_new(false), *next = record_new(false);

	stuck->job.destroy_waits = stuck->clings = true;
	assert_int_equal(segue_jobs_add(f->jobs, &stuck->job), 0);
	assert_true(loop_fixture_run_until(&f->loop, is_done, stuck, SOON_MSEC));
	assert_int_equal(segue_jobs_add(f->jobs, &next->job), 0);
	wait_ended(f, next, 0);
	assert_int_equal(stuck->n_destroyed, 0);

	sem_post(&stuck->go);
	wait_ended(f, stuck, 0);
	record_free(stuck);
	record_free(next);
}

static void freed_while_a_job_stands_still_its_thread_destroys_it_when_it_returns(void **state)
{
	struct fixture *f = *state;
	struct record *stuck = record_new(false), *queued = record_new(false), *told = record_new(true);

	told->patient = true;
	assert_int_equal(segue_jobs_add(f->jobs, &told->job), 0);
	assert_true(loop_fixture_run_until(&f->loop, is_done, told, SOON_MSEC));
	stuck->patient = true;
	assert_int_equal(segue_jobs_add(f->jobs, &stuck->job), 0);
	assert_int_equal(segue_jobs_add(f->jobs, &queued->job), 0);
	sem_wait(&stuck->begun);

	segue_jobs_free(f->jobs);
	f->jobs = NULL;
	assert_ended(queued, -ECANCELED);
	assert_int_equal(stuck->n_done, 1);
	assert_int_equal(stuck->done_res, -ECANCELED);
	assert_int_equal(stuck->n_destroyed, 0);
	assert_int_equal(told->n_destroyed, 0);

	sem_post(&stuck->go);
	sem_post(&told->go);
	wait_ended(f, stuck, -ECANCELED);
	wait_ended(f, told, -ETIMEDOUT);
	usleep(50000);	/* for the threads to let go of the shared state, before a leak is looked for */
	record_free(stuck);
	record_free(queued);
	record_free(told);
}

static void freed_while_jobs_can_not_be_destroyed_nobody_waits_for_them(void **state)
{
	struct fixture *f = *state;
	struct record *stuck = record_new(false), *queued = record_new(false), *other = record_new(true);
	uint64_t begun;

	stuck->job.destroy_waits = stuck->clings = true;
	queued->job.destroy_waits = other->job.destroy_waits = true;
	other->polls = true;
	assert_int_equal(segue_jobs_add(f->jobs, &stuck->job), 0);
	sem_wait(&stuck->begun);
	assert_true(loop_fixture_run_until(&f->loop, is_done, stuck, SOON_MSEC));
	sem_wait(&stuck->begun);
	assert_int_equal(segue_jobs_add(f->jobs, &queued->job), 0);
	assert_int_equal(segue_jobs_add(f->jobs, &other->job), 0);
	sem_wait(&other->begun);

	begun = loop_fixture_msec();
	segue_jobs_free(f->jobs);
	f->jobs = NULL;
	assert_in_range(loop_fixture_msec() - begun, 0, 2000);
	assert_ended(other, -ECANCELED);
	assert_string_equal(other->destroyer, "segue-long");
	assert_int_equal(queued->done_res, -ECANCELED);
	assert_int_equal(stuck->n_destroyed, 0);

	sem_post(&stuck->go);
	wait_ended(f, stuck, 0);
	wait_ended(f, queued, -ECANCELED);
	usleep(50000);	/* as above */
	record_free(stuck);
	record_free(queued);
	record_free(other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, jobs_setup, jobs_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(a_job_that_stands_still_times_out_and_its_lane_goes_on),
		TEST(a_cancelled_job_that_stands_still_ends_as_cancelled),
		TEST(a_spare_thread_serves_those_who_wait_for_one_that_stands_still),
		TEST(four_threads_are_left_behind_at_most_then_the_lane_is_busy_until_one_returns),
		TEST(a_lane_goes_on_beside_one_that_can_not_be_destroyed),
		TEST(freed_while_a_job_stands_still_its_thread_destroys_it_when_it_returns),
		TEST(freed_while_jobs_can_not_be_destroyed_nobody_waits_for_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
