/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "jobs-fixture.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#define STALL_MSEC	500	/* instead of 10 s */

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

struct record *record_new(bool is_long)
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

void record_free(struct record *r)
{
	sem_destroy(&r->begun);
	sem_destroy(&r->go);
	free(r);
}

bool is_done(void *data)
{
	return ((struct record *)data)->n_done > 0;
}

bool is_destroyed(void *data)
{
	return __atomic_load_n(&((struct record *)data)->n_destroyed, __ATOMIC_ACQUIRE) > 0;
}

void assert_ended(struct record *r, int res)
{
	assert_int_equal(r->n_done, 1);
	assert_int_equal(r->done_res, res);
	assert_int_equal(__atomic_load_n(&r->n_destroyed, __ATOMIC_ACQUIRE), 1);
}

void wait_ended(struct fixture *f, struct record *r, int res)
{
	assert_true(loop_fixture_run_until(&f->loop, is_destroyed, r, SOON_MSEC));
	assert_ended(r, res);
}

int jobs_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL || loop_fixture_init(&f->loop) < 0 ||
			(f->jobs = segue_jobs_new(f->loop.utils, f->loop.log)) == NULL)
		return -1;
	segue_jobs_set_stall(f->jobs, STALL_MSEC);
	*state = f;
	return 0;
}

int jobs_teardown(void **state)
{
	struct fixture *f = *state;

	segue_jobs_free(f->jobs);
	loop_fixture_clear(&f->loop);
	free(f);
	return 0;
}
