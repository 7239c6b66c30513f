/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* The threads of jobs.c. */

#include "jobs-impl.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <spa/utils/defs.h>

bool segue_job_cancelled(struct segue_job *job)
{
	if (job == NULL)
		return false;
	/* relaxed: the watchdog only compares */
	__atomic_add_fetch(&job->n_steps, 1, __ATOMIC_RELAXED);
	/* acquire, paired with the release in cancel(): who is cancelled may give back what was in use until then */
	return __atomic_load_n(&job->cancelled, __ATOMIC_ACQUIRE) != 0;
}

void segue_job_progress(struct segue_job *job, uint64_t done, uint64_t total)
{
	if (job == NULL)
		return;
	__atomic_store_n(&job->progress, total > 0 ? (uint32_t)(1000.0 * done / total) : 0, __ATOMIC_RELAXED);
	__atomic_add_fetch(&job->n_steps, 1, __ATOMIC_RELAXED);
}

void segue_jobs_unlock_unref(struct segue_jobs *jobs)
{
	bool last = --jobs->refs == 0;
	size_t i;

	pthread_mutex_unlock(&jobs->mutex);
	if (!last)
		return;
	for (i = 0; i < SPA_N_ELEMENTS(jobs->lanes); i++)
		pthread_cond_destroy(&jobs->lanes[i].wake);
	pthread_cond_destroy(&jobs->idle);
	pthread_mutex_destroy(&jobs->mutex);
	free(jobs);
}

void segue_jobs_finish(struct segue_jobs *jobs, struct segue_job *job)
{
	if (job->state != JOB_TOLD)
		job->state = JOB_RETURNED;
	segue_job_list_append(&jobs->finished, job);
	if (jobs->closing)
		pthread_cond_signal(&jobs->idle);
	else
		spa_loop_utils_signal_event(jobs->utils, jobs->event);
}

/* Mutex held; waits for a job. NULL: the thread shall end. */
static struct segue_job *next_job(struct segue_worker *worker)
{
	struct segue_jobs *jobs = worker->jobs;
	struct segue_lane *lane = worker->lane;
	struct segue_job *job;

	while (!jobs->gone && !worker->aside && lane->queue.first == NULL)
		pthread_cond_wait(&lane->wake, &jobs->mutex);
	if (worker->aside)
		return NULL;
	job = segue_job_list_take(&lane->queue);
	worker->seen_steps = 0;
	worker->seen_progress = 0;
	worker->n_still = 0;
	return job;
}

/* Mutex held, but not meanwhile. */
static void run(struct segue_worker *worker, struct segue_job *job)
{
	struct segue_jobs *jobs = worker->jobs;

	worker->job = job;
	job->state = JOB_RUNNING;
	pthread_mutex_unlock(&jobs->mutex);
	job->res = job->run(job);
	pthread_mutex_lock(&jobs->mutex);
	worker->job = NULL;
	if (jobs->gone)
		job->destroy(job);
	else
		segue_jobs_finish(jobs, job);
}

/* Likewise. */
static void destroy(struct segue_worker *worker, struct segue_job *job)
{
	worker->is_destroying = true;
	pthread_mutex_unlock(&worker->jobs->mutex);
	job->destroy(job);
	pthread_mutex_lock(&worker->jobs->mutex);
	worker->is_destroying = false;
}

static void *worker_main(void *data)
{
	struct segue_worker *worker = data;
	struct segue_jobs *jobs = worker->jobs;
	struct segue_job *job;

	pthread_setname_np(pthread_self(), worker->lane->name);
	/* of this thread alone, on Linux; the loop's own thread may have a raised one, that we inherited */
	(void)setpriority(PRIO_PROCESS, gettid(), worker->lane->nice);

	pthread_mutex_lock(&jobs->mutex);
	while ((job = next_job(worker)) != NULL) {
		if (job->state == JOB_ENDED)
			destroy(worker, job);
		else
			run(worker, job);
	}
	if (worker->aside)
		jobs->n_aside--;
	worker->used = false;
	segue_jobs_unlock_unref(jobs);
	return NULL;
}

/* Ordinary priority whatever the caller has, and no signals: those are for the loops. */
static int start_thread(struct segue_worker *worker)
{
	static const struct sched_param normal = { .sched_priority = 0 };
	sigset_t all, before;
	pthread_attr_t attr;
	int res;

	if ((res = pthread_attr_init(&attr)) != 0)
		return -res;
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_OTHER);
	pthread_attr_setschedparam(&attr, &normal);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	res = pthread_create(&worker->thread, &attr, worker_main, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -res;
}

int segue_jobs_start_worker(struct segue_jobs *jobs, struct segue_lane *lane)
{
	struct segue_worker *old = lane->worker, *worker = jobs->workers;

	if (old != NULL && jobs->n_aside == LEFT_BEHIND_MAX)
		return -EBUSY;
	while (worker->used)	/* the other lanes' and those aside: one is free */
		worker++;
	*worker = (struct segue_worker) { .jobs = jobs, .lane = lane, .used = true };
	if (start_thread(worker) < 0) {
		worker->used = false;
		return -ENOMEM;
	}
	jobs->refs++;
	lane->worker = worker;
	if (old != NULL) {
		old->aside = true;
		jobs->n_aside++;
		pthread_detach(old->thread);
	}
	return 0;
}
