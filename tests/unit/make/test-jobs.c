/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "make/jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "loop-fixture.h"

#define STALL_MSEC	500	/* instead of 10 s */
#define SOON_MSEC	5000	/* until something that is due must have happened */

struct fixture {
	struct loop_fixture loop;
	struct segue_jobs *jobs;
};

/* A job that can be held up, and keeps a record of itself that outlives it. */
struct record {
	struct segue_job job;
	sem_t begun, go;
	bool patient;		/* waits for `go`, without a sign of life */
	bool polls;		/* works until it is cancelled */
	bool clings;		/* its destroy() waits for `go` */
	bool was_cancelled;	/* when it returned */
	int result;
	int done_res;
	uint32_t n_run, n_done, n_destroyed, n_progressed;	/* destroyed: atomic */
	char thread[32], destroyer[32];
	int policy, nice;
};

static int record_run(struct segue_job *job)
{
	struct record *r = SPA_CONTAINER_OF(job, struct record, job);
	struct sched_param param;

	r->n_run++;
	pthread_getname_np(pthread_self(), r->thread, sizeof(r->thread));
	pthread_getschedparam(pthread_self(), &r->policy, &param);
	r->nice = getpriority(PRIO_PROCESS, gettid());
	sem_post(&r->begun);
	if (r->patient)
		sem_wait(&r->go);
	while (r->polls && !segue_job_cancelled(job))
		usleep(1000);
	r->was_cancelled = segue_job_cancelled(job);
	return r->result;
}

static void record_done(struct segue_job *job, int res)
{
	struct record *r = SPA_CONTAINER_OF(job, struct record, job);

	r->done_res = res;
	r->n_done++;
}

static void record_destroy(struct segue_job *job)
{
	struct record *r = SPA_CONTAINER_OF(job, struct record, job);

	pthread_getname_np(pthread_self(), r->destroyer, sizeof(r->destroyer));
	if (r->clings) {
		sem_post(&r->begun);
		sem_wait(&r->go);
	}
	__atomic_add_fetch(&r->n_destroyed, 1, __ATOMIC_RELEASE);
}

static void record_progressed(struct segue_job *job)
{
	SPA_CONTAINER_OF(job, struct record, job)->n_progressed++;
}

static struct record *record_new(bool is_long)
{
	struct record *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->job.run = record_run;
	r->job.done = record_done;
	r->job.destroy = record_destroy;
	r->job.is_long = is_long;
	sem_init(&r->begun, 0, 0);
	sem_init(&r->go, 0, 0);
	return r;
}

static void record_free(struct record *r)
{
	sem_destroy(&r->begun);
	sem_destroy(&r->go);
	free(r);
}

static bool is_done(void *data)
{
	return ((struct record *)data)->n_done > 0;
}

static bool is_destroyed(void *data)
{
	return __atomic_load_n(&((struct record *)data)->n_destroyed, __ATOMIC_ACQUIRE) > 0;
}

static bool never(void *data)
{
	return false;
}

/* What must hold of every job at its end. */
static void assert_ended(struct record *r, int res)
{
	assert_int_equal(r->n_done, 1);
	assert_int_equal(r->done_res, res);
	assert_int_equal(__atomic_load_n(&r->n_destroyed, __ATOMIC_ACQUIRE), 1);
}

static void wait_ended(struct fixture *f, struct record *r, int res)
{
	assert_true(loop_fixture_run_until(&f->loop, is_destroyed, r, SOON_MSEC));
	assert_ended(r, res);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL || loop_fixture_init(&f->loop) < 0 ||
			(f->jobs = segue_jobs_new(f->loop.utils, f->loop.log)) == NULL)
		return -1;
	segue_jobs_set_stall(f->jobs, STALL_MSEC);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	segue_jobs_free(f->jobs);
	loop_fixture_clear(&f->loop);
	free(f);
	return 0;
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(a_job_runs_and_its_result_arrives_on_the_loop),
		TEST(each_lane_has_a_thread_of_ordinary_priority_with_its_name),
		TEST(jobs_of_a_lane_run_in_the_order_they_came),
		TEST(a_short_job_does_not_wait_for_a_long_one),
		TEST(a_cancelled_job_in_the_queue_ends_without_having_run),
		TEST(a_cancelled_job_sees_what_was_done_before),
		TEST(a_cancelled_job_that_ends_well_counts_as_cancelled),
		TEST(progress_is_told_at_most_twenty_times_a_second_and_keeps_a_job_alive),
		TEST(a_job_that_stands_still_times_out_and_its_lane_goes_on),
		TEST(a_cancelled_job_that_stands_still_ends_as_cancelled),
		TEST(a_spare_thread_serves_those_who_wait_for_one_that_stands_still),
		TEST(four_threads_are_left_behind_at_most_then_the_lane_is_busy_until_one_returns),
		TEST(what_waits_when_it_is_destroyed_is_destroyed_by_its_worker),
		TEST(a_lane_goes_on_beside_one_that_can_not_be_destroyed),
		TEST(nothing_wakes_the_loop_when_no_job_is_under_way),
		TEST(freed_while_busy_every_job_is_cancelled_and_destroyed_once),
		TEST(freed_while_a_job_stands_still_its_thread_destroys_it_when_it_returns),
		TEST(freed_while_jobs_can_not_be_destroyed_nobody_waits_for_them),
		TEST(many_jobs_some_cancelled_all_end_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
