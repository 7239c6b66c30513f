/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "make/jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "jobs-fixture.h"

static void record_progressed(struct segue_job *job)
{
	SPA_CONTAINER_OF(job, struct record, job)->n_progressed++;
}

static bool never(void *data)
{
	return false;
}

static void a_job_runs_and_its_result_arrives_on_the_loop(void **state)
{
	static const int results[] = { 0, -EBADMSG };
	struct fixture *f = *state;

	for (size_t i = 0; i < SPA_N_ELEMENTS(results); i++) {
		struct record *r = record_new(false);

		r->result = results[i];
		assert_int_equal(segue_jobs_add(f->jobs, &r->job), 0);
		assert_int_equal(r->n_done, 0);
		wait_ended(f, r, results[i]);
		assert_int_equal(r->n_run, 1);
		record_free(r);
	}
}

static void each_lane_has_a_thread_of_ordinary_priority_with_its_name(void **state)
{
	static const struct { const char *name; int nice; bool is_long, is_opening; } lanes[] = {
		{ "segue-short", 0 }, { "segue-long", 5, true }, { "segue-open", 0, false, true }
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < SPA_N_ELEMENTS(lanes); i++) {
		struct record *r = record_new(lanes[i].is_long);

		r->job.is_opening = lanes[i].is_opening;
		assert_int_equal(segue_jobs_add(f->jobs, &r->job), 0);
		wait_ended(f, r, 0);
		assert_string_equal(r->thread, lanes[i].name);
		assert_int_equal(r->policy, SCHED_OTHER);
		/* who was started with less may not raise it */
		assert_in_range(r->nice, lanes[i].nice, SPA_MAX(lanes[i].nice, getpriority(PRIO_PROCESS, 0)));
		record_free(r);
	}
}

static void jobs_of_a_lane_run_in_the_order_they_came(void **state)
{
	struct fixture *f = *state;
	struct record *r[20];

	for (size_t i = 0; i < SPA_N_ELEMENTS(r); i++) {
		r[i] = record_new(false);
		r[i]->patient = true;
		assert_int_equal(segue_jobs_add(f->jobs, &r[i]->job), 0);
	}
	for (size_t i = 0; i < SPA_N_ELEMENTS(r); i++) {
		sem_wait(&r[i]->begun);
		for (size_t later = i + 1; later < SPA_N_ELEMENTS(r); later++)
			assert_int_equal(sem_trywait(&r[later]->begun), -1);
		sem_post(&r[i]->go);
		wait_ended(f, r[i], 0);
		record_free(r[i]);
	}
}

static void a_short_job_does_not_wait_for_a_long_one(void **state)
{
	struct fixture *f = *state;
	struct record *slow = record_new(true), *quick = record_new(false);

	slow->polls = true;
	assert_int_equal(segue_jobs_add(f->jobs, &slow->job), 0);
	sem_wait(&slow->begun);
	assert_int_equal(segue_jobs_add(f->jobs, &quick->job), 0);
	wait_ended(f, quick, 0);
	assert_int_equal(slow->n_done, 0);
	segue_jobs_cancel(f->jobs, &slow->job);
	wait_ended(f, slow, -ECANCELED);
	record_free(slow);
	record_free(quick);
}

static void a_cancelled_job_in_the_queue_ends_without_having_run(void **state)
{
	struct fixture *f = *state;
	struct record *first = record_new(false), *second = record_new(false), *third = record_new(false);

	first->polls = true;
	assert_int_equal(segue_jobs_add(f->jobs, &first->job), 0);
	sem_wait(&first->begun);
	assert_int_equal(segue_jobs_add(f->jobs, &second->job), 0);
	assert_int_equal(segue_jobs_add(f->jobs, &third->job), 0);
	segue_jobs_cancel(f->jobs, &third->job);
	assert_int_equal(third->n_done, 0);	/* from the loop, not from within */
	wait_ended(f, third, -ECANCELED);
	assert_int_equal(third->n_run, 0);
	assert_int_equal(first->n_done, 0);

	segue_jobs_cancel(f->jobs, &first->job);
	wait_ended(f, second, 0);
	assert_ended(first, -ECANCELED);
	record_free(first);
	record_free(second);
	record_free(third);
}

/* The build with ThreadSanitizer tells: a cancelled job may give back what was in use until then. */
static void a_cancelled_job_sees_what_was_done_before(void **state)
{
	struct fixture *f = *state;
	struct record *r = record_new(false);

	r->polls = true;
	assert_int_equal(segue_jobs_add(f->jobs, &r->job), 0);
	sem_wait(&r->begun);
	r->result = 1;
	segue_jobs_cancel(f->jobs, &r->job);
	wait_ended(f, r, -ECANCELED);
	record_free(r);
}

static void a_cancelled_job_that_ends_well_counts_as_cancelled(void **state)
{
	struct fixture *f = *state;
	struct record *r = record_new(false);

	assert_int_equal(segue_jobs_add(f->jobs, &r->job), 0);
	sem_wait(&r->begun);
	usleep(20000);
	segue_jobs_cancel(f->jobs, &r->job);
	wait_ended(f, r, -ECANCELED);
	record_free(r);
}

static int run_with_progress(struct segue_job *job)
{
	for (int i = 1; i <= 40; i++) {
		segue_job_progress(job, i, 40);
		usleep(20000);
	}
	return 0;
}

static void progress_is_told_at_most_twenty_times_a_second_and_keeps_a_job_alive(void **state)
{
	struct fixture *f = *state;
	struct record *r = record_new(false);
	uint64_t begun = loop_fixture_msec();

	r->job.run = run_with_progress;	/* 0.8 s: longer than a stall */
	r->job.progressed = record_progressed;
	assert_int_equal(segue_jobs_add(f->jobs, &r->job), 0);
	wait_ended(f, r, 0);
	assert_in_range(r->n_progressed, 2, (loop_fixture_msec() - begun) / 50 + 1);
	assert_int_equal(r->job.progress, 1000);
	record_free(r);
}

static void what_waits_when_it_is_destroyed_is_destroyed_by_its_worker(void **state)
{
	struct fixture *f = *state;
	struct record *slow = record_new(true), *run = record_new(false), *queued = record_new(false);

	run->polls = true;
	slow->job.destroy_waits = run->job.destroy_waits = queued->job.destroy_waits = true;
	assert_int_equal(segue_jobs_add(f->jobs, &slow->job), 0);
	wait_ended(f, slow, 0);
	assert_string_equal(slow->destroyer, "segue-long");

	assert_int_equal(segue_jobs_add(f->jobs, &run->job), 0);
	assert_int_equal(segue_jobs_add(f->jobs, &queued->job), 0);
	sem_wait(&run->begun);
	segue_jobs_cancel(f->jobs, &queued->job);
	segue_jobs_cancel(f->jobs, &run->job);
	wait_ended(f, run, -ECANCELED);
	wait_ended(f, queued, -ECANCELED);
	assert_string_equal(run->destroyer, "segue-short");
	assert_string_equal(queued->destroyer, "segue-short");
	assert_int_equal(queued->n_run, 0);
	record_free(slow);
	record_free(run);
	record_free(queued);
}

static void nothing_wakes_the_loop_when_no_job_is_under_way(void **state)
{
	struct fixture *f = *state;
	struct record *r = record_new(false);

	assert_int_equal(segue_jobs_add(f->jobs, &r->job), 0);
	wait_ended(f, r, 0);
	loop_fixture_run_until(&f->loop, never, NULL, 100);
	/* the timer ticks every 50 ms while it is armed */
	assert_int_equal(spa_loop_control_iterate(f->loop.control, 200), 0);
	record_free(r);
}

static void freed_while_busy_every_job_is_cancelled_and_destroyed_once(void **state)
{
	struct fixture *f = *state;
	struct record *r[6];

	for (size_t i = 0; i < SPA_N_ELEMENTS(r); i++) {
		r[i] = record_new(i % 2);
		r[i]->polls = true;
		assert_int_equal(segue_jobs_add(f->jobs, &r[i]->job), 0);
	}
	sem_wait(&r[0]->begun);
	sem_wait(&r[1]->begun);
	segue_jobs_free(f->jobs);
	f->jobs = NULL;
	for (size_t i = 0; i < SPA_N_ELEMENTS(r); i++) {
		assert_ended(r[i], -ECANCELED);
		record_free(r[i]);
	}
}

static void many_jobs_some_cancelled_all_end_once(void **state)
{
	struct fixture *f = *state;
	struct record *r[200];
	size_t i;

	for (i = 0; i < SPA_N_ELEMENTS(r); i++) {
		r[i] = record_new(i % 3 == 0);
		assert_int_equal(segue_jobs_add(f->jobs, &r[i]->job), 0);
		if (i % 5 == 4)
			segue_jobs_cancel(f->jobs, &r[i - 2]->job);
		if (i % 7 == 0)
			spa_loop_control_iterate(f->loop.control, 0);
	}
	for (i = 0; i < SPA_N_ELEMENTS(r); i++) {
		assert_true(loop_fixture_run_until(&f->loop, is_destroyed, r[i], SOON_MSEC));
		assert_int_equal(r[i]->n_done, 1);
		assert_true(r[i]->done_res == 0 || (i % 5 == 2 && r[i]->done_res == -ECANCELED));
		record_free(r[i]);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, jobs_setup, jobs_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(a_job_runs_and_its_result_arrives_on_the_loop),
		TEST(each_lane_has_a_thread_of_ordinary_priority_with_its_name),
		TEST(jobs_of_a_lane_run_in_the_order_they_came),
		TEST(a_short_job_does_not_wait_for_a_long_one),
		TEST(a_cancelled_job_in_the_queue_ends_without_having_run),
		TEST(a_cancelled_job_sees_what_was_done_before),
		TEST(a_cancelled_job_that_ends_well_counts_as_cancelled),
		TEST(progress_is_told_at_most_twenty_times_a_second_and_keeps_a_job_alive),
		TEST(what_waits_when_it_is_destroyed_is_destroyed_by_its_worker),
		TEST(nothing_wakes_the_loop_when_no_job_is_under_way),
		TEST(freed_while_busy_every_job_is_cancelled_and_destroyed_once),
		TEST(many_jobs_some_cancelled_all_end_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
