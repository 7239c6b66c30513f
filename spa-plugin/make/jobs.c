/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "jobs.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <spa/utils/defs.h>

#include "job-list.h"

static struct spa_log_topic log_topic = SPA_LOG_TOPIC(0, "spa.segue.jobs");
#undef SPA_LOG_TOPIC_DEFAULT
#define SPA_LOG_TOPIC_DEFAULT &log_topic

#define LEFT_BEHIND_MAX	4u
#define N_LANES		3u
#define WORKERS_MAX	(N_LANES + LEFT_BEHIND_MAX)
#define TICK_MSEC	50u	/* of the watchdog; also how often progress is told at most */
#define JOIN_MSEC	500u	/* that threads have to end in at teardown, all together */

enum job_state {
	JOB_QUEUED,
	JOB_RUNNING,
	JOB_TOLD,	/* done() was called, run() hasn't returned */
	JOB_RETURNED,
};

struct worker {
	struct segue_jobs *jobs;
	struct lane *lane;
	pthread_t thread;
	bool used;
	bool aside;		/* another has taken its place: it ends with its job, and nobody joins it */
	struct segue_job *job;	/* what it runs */
	/* the watchdog's */
	uint64_t seen_steps;
	uint32_t seen_progress;
	uint32_t n_still;	/* ticks without a sign of life. Ticks, not time: a process that was
				 * stopped for a while has no stalled jobs */
};

struct lane {
	const char *name;
	int nice;
	pthread_cond_t wake;
	struct segue_job_list queue;
	struct worker *worker;	/* who serves it; started by the first job */
};

/** Shared with the workers, and freed by whoever leaves last: a thread that was left behind may come back
 * long after the main loop's side has gone. */
struct segue_jobs {
	/* main loop */
	struct spa_loop_utils *utils;
	struct spa_log *log;
	struct spa_source *event, *timer;
	uint32_t n_untold;	/* jobs whose done() is to be called; the timer runs while there are any */
	uint32_t stall_ticks, spare_ticks;

	/* all below, and each job's state and next: under the mutex */
	pthread_mutex_t mutex;
	uint32_t refs;		/* the main loop's side, and each thread */
	bool closing;		/* threads end, nothing is signalled */
	bool gone;		/* threads destroy their jobs themselves */
	uint32_t n_aside;
	struct lane lanes[N_LANES];	/* short, long, opening */
	struct worker workers[WORKERS_MAX];
	struct segue_job_list finished;
};

/* ----------------------------------------------------------------- workers */

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

/* Drops one reference and unlocks. */
static void unlock_unref(struct segue_jobs *jobs)
{
	bool last = --jobs->refs == 0;
	size_t i;

	pthread_mutex_unlock(&jobs->mutex);
	if (!last)
		return;
	for (i = 0; i < SPA_N_ELEMENTS(jobs->lanes); i++)
		pthread_cond_destroy(&jobs->lanes[i].wake);
	pthread_mutex_destroy(&jobs->mutex);
	free(jobs);
}

/* Mutex held. */
static void finish(struct segue_jobs *jobs, struct segue_job *job)
{
	if (job->state != JOB_TOLD)
		job->state = JOB_RETURNED;
	segue_job_list_append(&jobs->finished, job);
	if (!jobs->closing)
		spa_loop_utils_signal_event(jobs->utils, jobs->event);
}

/* Mutex held; waits for a job. NULL: the thread shall end. */
static struct segue_job *next_job(struct worker *worker)
{
	struct segue_jobs *jobs = worker->jobs;
	struct lane *lane = worker->lane;

	while (!jobs->closing && !worker->aside && lane->queue.first == NULL)
		pthread_cond_wait(&lane->wake, &jobs->mutex);
	if (jobs->closing || worker->aside)
		return NULL;
	worker->job = segue_job_list_take(&lane->queue);
	worker->job->state = JOB_RUNNING;
	worker->seen_steps = 0;
	worker->seen_progress = 0;
	worker->n_still = 0;
	return worker->job;
}

static void *worker_main(void *data)
{
	struct worker *worker = data;
	struct segue_jobs *jobs = worker->jobs;
	struct segue_job *job;

	pthread_setname_np(pthread_self(), worker->lane->name);
	/* of this thread alone, on Linux; the loop's own thread may have a raised one, that we inherited */
	(void)setpriority(PRIO_PROCESS, gettid(), worker->lane->nice);

	pthread_mutex_lock(&jobs->mutex);
	while ((job = next_job(worker)) != NULL) {
		pthread_mutex_unlock(&jobs->mutex);
		job->res = job->run(job);
		pthread_mutex_lock(&jobs->mutex);
		worker->job = NULL;
		if (jobs->gone)
			job->destroy(job);
		else
			finish(jobs, job);
	}
	if (worker->aside)
		jobs->n_aside--;
	worker->used = false;
	unlock_unref(jobs);
	return NULL;
}

/* Ordinary priority whatever the caller has, and no signals: those are for the loops. */
static int start_thread(struct worker *worker)
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

/* Mutex held: give the lane a thread, setting the one it has aside. */
static int start_worker(struct segue_jobs *jobs, struct lane *lane)
{
	struct worker *old = lane->worker, *worker = jobs->workers;

	if (old != NULL && jobs->n_aside == LEFT_BEHIND_MAX)
		return -EBUSY;
	while (worker->used)	/* the other lanes' and those aside: one is free */
		worker++;
	*worker = (struct worker) { .jobs = jobs, .lane = lane, .used = true };
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

/* --------------------------------------------------------------- main loop */

static bool is_stuck(const struct lane *lane)
{
	return lane->worker != NULL && lane->worker->job != NULL && lane->worker->job->state == JOB_TOLD;
}

static void update_timer(struct segue_jobs *jobs)
{
	struct timespec tick = { .tv_nsec = jobs->n_untold > 0 ? TICK_MSEC * SPA_NSEC_PER_MSEC : 0 };

	spa_loop_utils_update_timer(jobs->utils, jobs->timer, &tick, &tick, false);
}

static void tell(struct segue_jobs *jobs, struct segue_job *job, int res)
{
	if (__atomic_load_n(&job->cancelled, __ATOMIC_RELAXED))
		res = -ECANCELED;
	if (--jobs->n_untold == 0)
		update_timer(jobs);
	job->done(job, res);
}

static void end_finished(struct segue_jobs *jobs)
{
	struct segue_job *job, *next;

	pthread_mutex_lock(&jobs->mutex);
	job = jobs->finished.first;
	segue_job_list_init(&jobs->finished);
	pthread_mutex_unlock(&jobs->mutex);

	for (; job != NULL; job = next) {
		next = job->next;
		if (job->state != JOB_TOLD)
			tell(jobs, job, job->res);
		job->destroy(job);
	}
}

static void on_finished(void *data, uint64_t count)
{
	end_finished(data);
}

/* Mutex held: end what nobody has begun. */
static void finish_queue(struct segue_jobs *jobs, struct lane *lane, int res)
{
	struct segue_job *job;

	while ((job = segue_job_list_take(&lane->queue)) != NULL) {
		job->res = res;
		finish(jobs, job);
	}
}

/* Mutex held. \return whether the job has shown no sign of life for too long, the first time that is so */
static bool is_stalled(struct segue_jobs *jobs, struct worker *worker)
{
	struct segue_job *job = worker->job;
	uint64_t n_steps = __atomic_load_n(&job->n_steps, __ATOMIC_RELAXED);

	worker->n_still = n_steps == worker->seen_steps ? worker->n_still + 1 : 0;
	worker->seen_steps = n_steps;
	return job->state == JOB_RUNNING && worker->n_still >= jobs->stall_ticks;
}

static bool has_progressed(struct worker *worker)
{
	uint32_t progress = __atomic_load_n(&worker->job->progress, __ATOMIC_RELAXED);
	bool changed = progress != worker->seen_progress && worker->job->state == JOB_RUNNING;

	worker->seen_progress = progress;
	return changed && worker->job->progressed != NULL;
}

/* Mutex held: whoever waits shall be served. */
static void look_after(struct segue_jobs *jobs, struct lane *lane)
{
	int res;

	if (is_stuck(lane)) {
		if ((res = start_worker(jobs, lane)) == 0)
			spa_log_warn(jobs->log, "%p: left a thread of %s behind", jobs, lane->name);
		else
			finish_queue(jobs, lane, -ETIMEDOUT);
	} else if (lane->queue.first != NULL && lane->worker != NULL && lane->worker->job != NULL &&
			lane->worker->n_still >= jobs->spare_ticks) {
		(void)start_worker(jobs, lane);
	}
}

static void on_tick(void *data, uint64_t expirations)
{
	struct segue_jobs *jobs = data;
	struct segue_job *progressed[WORKERS_MAX], *stalled[WORKERS_MAX];
	uint32_t i, n_progressed = 0, n_stalled = 0;
	struct worker *worker;

	pthread_mutex_lock(&jobs->mutex);
	for (i = 0; i < WORKERS_MAX; i++) {
		worker = &jobs->workers[i];
		if (!worker->used || worker->job == NULL)
			continue;
		if (has_progressed(worker))
			progressed[n_progressed++] = worker->job;
		if (is_stalled(jobs, worker)) {
			worker->job->state = JOB_TOLD;
			stalled[n_stalled++] = worker->job;
		}
	}
	for (i = 0; i < SPA_N_ELEMENTS(jobs->lanes); i++)
		look_after(jobs, &jobs->lanes[i]);
	pthread_mutex_unlock(&jobs->mutex);

	/* only end_finished() destroys jobs, and it runs on this loop: these stay */
	for (i = 0; i < n_progressed; i++)
		progressed[i]->progressed(progressed[i]);
	for (i = 0; i < n_stalled; i++)
		tell(jobs, stalled[i], -ETIMEDOUT);
}

struct segue_jobs *segue_jobs_new(struct spa_loop_utils *utils, struct spa_log *log)
{
	struct segue_jobs *jobs = calloc(1, sizeof(*jobs));
	size_t i;

	if (jobs == NULL)
		return NULL;
	spa_log_topic_init(log, &log_topic);
	jobs->utils = utils;
	jobs->log = log;
	jobs->refs = 1;
	segue_jobs_set_stall(jobs, SEGUE_JOB_STALL_SEC * 1000);
	jobs->lanes[0] = (struct lane) { .name = "segue-short", .nice = 0 };
	jobs->lanes[1] = (struct lane) { .name = "segue-long", .nice = 5 };
	jobs->lanes[2] = (struct lane) { .name = "segue-open", .nice = 0 };
	segue_job_list_init(&jobs->finished);
	pthread_mutex_init(&jobs->mutex, NULL);
	for (i = 0; i < SPA_N_ELEMENTS(jobs->lanes); i++) {
		segue_job_list_init(&jobs->lanes[i].queue);
		pthread_cond_init(&jobs->lanes[i].wake, NULL);
	}
	jobs->event = spa_loop_utils_add_event(utils, on_finished, jobs);
	jobs->timer = spa_loop_utils_add_timer(utils, on_tick, jobs);
	if (jobs->event == NULL || jobs->timer == NULL) {
		segue_jobs_free(jobs);
		errno = ENOMEM;
		return NULL;
	}
	return jobs;
}

void segue_jobs_set_stall(struct segue_jobs *jobs, uint32_t msec)
{
	jobs->stall_ticks = SPA_MAX(msec / TICK_MSEC, 1u);
	jobs->spare_ticks = SPA_MAX(jobs->stall_ticks / 10, 1u);
}

static struct lane *lane_of(struct segue_jobs *jobs, const struct segue_job *job)
{
	return &jobs->lanes[job->is_opening ? 2 : job->is_long];
}

int segue_jobs_add(struct segue_jobs *jobs, struct segue_job *job)
{
	struct lane *lane = lane_of(jobs, job);
	int res = 0;

	pthread_mutex_lock(&jobs->mutex);
	if (jobs->closing)
		res = -EBUSY;
	else if (lane->worker == NULL || is_stuck(lane))
		res = start_worker(jobs, lane);
	if (res == 0) {
		job->state = JOB_QUEUED;
		segue_job_list_append(&lane->queue, job);
		pthread_cond_signal(&lane->wake);
	}
	pthread_mutex_unlock(&jobs->mutex);

	if (res == 0 && jobs->n_untold++ == 0)
		update_timer(jobs);
	return res;
}

/* Mutex held: a running job is asked to end. */
static void cancel(struct segue_job *job)
{
	/* release, paired with the acquire in segue_job_cancelled() */
	__atomic_store_n(&job->cancelled, 1, __ATOMIC_RELEASE);
}

void segue_jobs_cancel(struct segue_jobs *jobs, struct segue_job *job)
{
	pthread_mutex_lock(&jobs->mutex);
	cancel(job);
	if (job->state == JOB_QUEUED) {
		segue_job_list_remove(&lane_of(jobs, job)->queue, job);
		finish(jobs, job);
	}
	pthread_mutex_unlock(&jobs->mutex);
}

/* Mutex held: nothing new is begun, and what runs is asked to end. */
static void close_jobs(struct segue_jobs *jobs)
{
	size_t i;

	jobs->closing = true;
	for (i = 0; i < SPA_N_ELEMENTS(jobs->lanes); i++) {
		finish_queue(jobs, &jobs->lanes[i], -ECANCELED);
		pthread_cond_broadcast(&jobs->lanes[i].wake);
	}
	for (i = 0; i < WORKERS_MAX; i++) {
		if (jobs->workers[i].used && jobs->workers[i].job != NULL)
			cancel(jobs->workers[i].job);
	}
}

static void join_workers(struct segue_jobs *jobs)
{
	struct timespec deadline;
	struct worker *worker;
	size_t i;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_nsec += JOIN_MSEC * SPA_NSEC_PER_MSEC;
	deadline.tv_sec += deadline.tv_nsec / SPA_NSEC_PER_SEC;
	deadline.tv_nsec %= SPA_NSEC_PER_SEC;
	for (i = 0; i < SPA_N_ELEMENTS(jobs->lanes); i++) {
		worker = jobs->lanes[i].worker;
		if (worker != NULL && pthread_timedjoin_np(worker->thread, NULL, &deadline) != 0)
			pthread_detach(worker->thread);
	}
}

/* Mutex held. \return a job that runs on although we leave, marked as told */
static struct segue_job *next_left_behind(struct segue_jobs *jobs)
{
	struct worker *worker;

	for (worker = jobs->workers; worker < &jobs->workers[WORKERS_MAX]; worker++) {
		if (worker->used && worker->job != NULL && worker->job->state == JOB_RUNNING) {
			worker->job->state = JOB_TOLD;
			return worker->job;
		}
	}
	return NULL;
}

void segue_jobs_free(struct segue_jobs *jobs)
{
	struct segue_job *job;

	if (jobs == NULL)
		return;
	pthread_mutex_lock(&jobs->mutex);
	close_jobs(jobs);
	pthread_mutex_unlock(&jobs->mutex);
	join_workers(jobs);

	pthread_mutex_lock(&jobs->mutex);
	while ((job = next_left_behind(jobs)) != NULL) {
		/* it can't be destroyed meanwhile: that is still for end_finished() */
		pthread_mutex_unlock(&jobs->mutex);
		tell(jobs, job, -ECANCELED);
		pthread_mutex_lock(&jobs->mutex);
	}
	pthread_mutex_unlock(&jobs->mutex);
	end_finished(jobs);

	pthread_mutex_lock(&jobs->mutex);
	jobs->gone = true;
	/* one may have returned since */
	while ((job = segue_job_list_take(&jobs->finished)) != NULL)
		job->destroy(job);
	if (jobs->event != NULL)
		spa_loop_utils_destroy_source(jobs->utils, jobs->event);
	if (jobs->timer != NULL)
		spa_loop_utils_destroy_source(jobs->utils, jobs->timer);
	unlock_unref(jobs);
}
