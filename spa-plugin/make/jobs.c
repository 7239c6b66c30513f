/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "jobs-impl.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <spa/utils/defs.h>

static struct spa_log_topic log_topic = SPA_LOG_TOPIC(0, "spa.segue.jobs");
#undef SPA_LOG_TOPIC_DEFAULT
#define SPA_LOG_TOPIC_DEFAULT &log_topic

#define TICK_MSEC	50u	/* of the watchdog; also how often progress is told at most */
#define JOIN_MSEC	500u	/* that threads have at teardown to end what they run, and again to leave */

static struct segue_lane *lane_of(struct segue_jobs *jobs, const struct segue_job *job)
{
	return &jobs->lanes[job->is_opening ? 2 : job->is_long];
}

static bool is_stuck(const struct segue_lane *lane)
{
	const struct segue_worker *worker = lane->worker;

	if (worker == NULL)
		return false;
	if (worker->is_destroying)
		return worker->n_still >= worker->jobs->stall_ticks;
	return worker->job != NULL && worker->job->state == JOB_TOLD;
}

static void update_timer(struct segue_jobs *jobs)
{
	struct timespec tick = { .tv_nsec = jobs->n_untold > 0 ? TICK_MSEC * SPA_NSEC_PER_MSEC : 0 };

	spa_loop_utils_update_timer(jobs->utils, jobs->timer, &tick, &tick, false);
}

static void cancel(struct segue_job *job)
{
	/* release, paired with the acquire in segue_job_cancelled() */
	__atomic_store_n(&job->cancelled, 1, __ATOMIC_RELEASE);
}

static void tell(struct segue_jobs *jobs, struct segue_job *job, int res)
{
	if (__atomic_load_n(&job->cancelled, __ATOMIC_RELAXED))
		res = -ECANCELED;
	if (--jobs->n_untold == 0)
		update_timer(jobs);
	job->done(job, res);
}

/* Mutex held: one that is over is for its worker to destroy. */
static void hand_back(struct segue_jobs *jobs, struct segue_job *job)
{
	struct segue_lane *lane = lane_of(jobs, job);

	job->state = JOB_ENDED;
	segue_job_list_append(&lane->queue, job);
	/* if there is no other, the one that is stuck comes to it when it returns */
	if (is_stuck(lane))
		(void)segue_jobs_start_worker(jobs, lane);
	pthread_cond_signal(&lane->wake);
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
		if (!job->destroy_waits) {
			job->destroy(job);
			continue;
		}
		pthread_mutex_lock(&jobs->mutex);
		hand_back(jobs, job);
		pthread_mutex_unlock(&jobs->mutex);
	}
}

static void on_finished(void *data, uint64_t count)
{
	end_finished(data);
}

/* Mutex held: end what nobody has begun. */
static void finish_queue(struct segue_jobs *jobs, struct segue_lane *lane, int res)
{
	struct segue_job *job = lane->queue.first, *next;

	segue_job_list_init(&lane->queue);
	for (; job != NULL; job = next) {
		next = job->next;
		if (job->state == JOB_ENDED) {
			segue_job_list_append(&lane->queue, job);
			continue;
		}
		job->res = res;
		segue_jobs_finish(jobs, job);
	}
}

/* Mutex held. \return whether the job has shown no sign of life for too long, the first time that is so */
static bool is_stalled(struct segue_jobs *jobs, struct segue_worker *worker)
{
	struct segue_job *job = worker->job;
	uint64_t n_steps = __atomic_load_n(&job->n_steps, __ATOMIC_RELAXED);

	worker->n_still = n_steps == worker->seen_steps ? worker->n_still + 1 : 0;
	worker->seen_steps = n_steps;
	return job->state == JOB_RUNNING && worker->n_still >= jobs->stall_ticks;
}

static bool has_progressed(struct segue_worker *worker)
{
	uint32_t progress = __atomic_load_n(&worker->job->progress, __ATOMIC_RELAXED);
	bool changed = progress != worker->seen_progress && worker->job->state == JOB_RUNNING;

	worker->seen_progress = progress;
	return changed && worker->job->progressed != NULL;
}

static bool is_busy(const struct segue_worker *worker)
{
	return worker->job != NULL || worker->is_destroying;
}

/* Mutex held: whoever waits shall be served. */
static void look_after(struct segue_jobs *jobs, struct segue_lane *lane)
{
	int res;

	if (is_stuck(lane)) {
		if ((res = segue_jobs_start_worker(jobs, lane)) == 0)
			spa_log_warn(jobs->log, "%p: left a thread of %s behind", jobs, lane->name);
		else
			finish_queue(jobs, lane, -ETIMEDOUT);
	} else if (lane->queue.first != NULL && lane->worker != NULL && is_busy(lane->worker) &&
			lane->worker->n_still >= jobs->spare_ticks) {
		(void)segue_jobs_start_worker(jobs, lane);
	}
}

static void on_tick(void *data, uint64_t expirations)
{
	struct segue_jobs *jobs = data;
	struct segue_job *progressed[WORKERS_MAX], *stalled[WORKERS_MAX];
	uint32_t i, n_progressed = 0, n_stalled = 0;
	struct segue_worker *worker;

	pthread_mutex_lock(&jobs->mutex);
	for (i = 0; i < WORKERS_MAX; i++) {
		worker = &jobs->workers[i];
		if (!worker->used || !is_busy(worker))
			continue;
		if (worker->is_destroying) {
			worker->n_still++;
			continue;
		}
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
	for (i = 0; i < n_stalled; i++) {
		tell(jobs, stalled[i], -ETIMEDOUT);
		/* should it go on after all it needn't */
		cancel(stalled[i]);
	}
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
	jobs->lanes[0] = (struct segue_lane) { .name = "segue-short", .nice = 0 };
	jobs->lanes[1] = (struct segue_lane) { .name = "segue-long", .nice = 5 };
	jobs->lanes[2] = (struct segue_lane) { .name = "segue-open", .nice = 0 };
	segue_job_list_init(&jobs->finished);
	pthread_mutex_init(&jobs->mutex, NULL);
	pthread_cond_init(&jobs->idle, NULL);
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

int segue_jobs_add(struct segue_jobs *jobs, struct segue_job *job)
{
	struct segue_lane *lane = lane_of(jobs, job);
	int res = 0;

	pthread_mutex_lock(&jobs->mutex);
	if (jobs->closing)
		res = -EBUSY;
	else if (lane->worker == NULL || is_stuck(lane))
		res = segue_jobs_start_worker(jobs, lane);
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

void segue_jobs_cancel(struct segue_jobs *jobs, struct segue_job *job)
{
	pthread_mutex_lock(&jobs->mutex);
	cancel(job);
	if (job->state == JOB_QUEUED) {
		segue_job_list_remove(&lane_of(jobs, job)->queue, job);
		segue_jobs_finish(jobs, job);
	}
	pthread_mutex_unlock(&jobs->mutex);
}

/* Mutex held: nothing new is begun, and what runs is asked to end. */
static void close_jobs(struct segue_jobs *jobs)
{
	size_t i;

	jobs->closing = true;
	for (i = 0; i < SPA_N_ELEMENTS(jobs->lanes); i++)
		finish_queue(jobs, &jobs->lanes[i], -ECANCELED);
	for (i = 0; i < WORKERS_MAX; i++) {
		if (jobs->workers[i].used && jobs->workers[i].job != NULL)
			cancel(jobs->workers[i].job);
	}
}

static struct timespec join_deadline(void)
{
	struct timespec deadline;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_nsec += JOIN_MSEC * SPA_NSEC_PER_MSEC;
	deadline.tv_sec += deadline.tv_nsec / SPA_NSEC_PER_SEC;
	deadline.tv_nsec %= SPA_NSEC_PER_SEC;
	return deadline;
}

/* Mutex held. */
static void wake_all(struct segue_jobs *jobs)
{
	for (size_t i = 0; i < SPA_N_ELEMENTS(jobs->lanes); i++)
		pthread_cond_broadcast(&jobs->lanes[i].wake);
}

static void join_workers(struct segue_jobs *jobs)
{
	struct timespec deadline = join_deadline();
	struct segue_worker *worker;
	size_t i;

	for (i = 0; i < SPA_N_ELEMENTS(jobs->lanes); i++) {
		worker = jobs->lanes[i].worker;
		if (worker != NULL && pthread_timedjoin_np(worker->thread, NULL, &deadline) != 0)
			pthread_detach(worker->thread);
	}
}

/* Mutex held. \return a job that is running, or NULL */
static struct segue_job *find_running(struct segue_jobs *jobs)
{
	struct segue_worker *worker;

	for (worker = jobs->workers; worker < &jobs->workers[WORKERS_MAX]; worker++) {
		if (worker->used && worker->job != NULL && worker->job->state == JOB_RUNNING)
			return worker->job;
	}
	return NULL;
}

void segue_jobs_free(struct segue_jobs *jobs)
{
	struct timespec deadline;
	struct segue_job *job;

	if (jobs == NULL)
		return;
	pthread_mutex_lock(&jobs->mutex);
	close_jobs(jobs);
	deadline = join_deadline();
	while (find_running(jobs) != NULL &&
	       pthread_cond_timedwait(&jobs->idle, &jobs->mutex, &deadline) == 0)
		;
	while ((job = find_running(jobs)) != NULL) {
		/* it runs on although we leave. It can't be destroyed meanwhile: that is still for end_finished() */
		job->state = JOB_TOLD;
		pthread_mutex_unlock(&jobs->mutex);
		tell(jobs, job, -ECANCELED);
		pthread_mutex_lock(&jobs->mutex);
	}
	pthread_mutex_unlock(&jobs->mutex);
	end_finished(jobs);

	pthread_mutex_lock(&jobs->mutex);
	/* one may have returned since */
	while ((job = segue_job_list_take(&jobs->finished)) != NULL)
		hand_back(jobs, job);
	jobs->gone = true;
	wake_all(jobs);
	pthread_mutex_unlock(&jobs->mutex);
	join_workers(jobs);

	pthread_mutex_lock(&jobs->mutex);
	if (jobs->event != NULL)
		spa_loop_utils_destroy_source(jobs->utils, jobs->event);
	if (jobs->timer != NULL)
		spa_loop_utils_destroy_source(jobs->utils, jobs->timer);
	segue_jobs_unlock_unref(jobs);
}
