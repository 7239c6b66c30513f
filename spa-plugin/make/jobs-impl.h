/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_MAKE_JOBS_IMPL_H
#define SEGUE_MAKE_JOBS_IMPL_H

#include <pthread.h>

#include "job-list.h"
#include "jobs.h"

/** \file
 * The jobs from the inside, for jobs.c (the main loop's side) and workers.c (the threads'). */

#define LEFT_BEHIND_MAX	4u
#define N_LANES		3u
#define WORKERS_MAX	(N_LANES + LEFT_BEHIND_MAX)

enum segue_job_state {
	JOB_QUEUED,
	JOB_RUNNING,
	JOB_TOLD,	/* done() was called, run() hasn't returned */
	JOB_RETURNED,
	JOB_ENDED,	/* back in its lane, to be destroyed */
};

struct segue_worker {
	struct segue_jobs *jobs;
	struct segue_lane *lane;
	pthread_t thread;
	bool used;
	bool aside;		/* another has taken its place: it ends with its job, and nobody joins it */
	struct segue_job *job;	/* what it runs */
	bool is_destroying;	/* one that has ended */
	/* the watchdog's */
	uint64_t seen_steps;
	uint32_t seen_progress;
	uint32_t n_still;	/* ticks without a sign of life. Ticks, not time: a process that was
				 * stopped for a while has no stalled jobs */
};

struct segue_lane {
	const char *name;
	int nice;
	pthread_cond_t wake;
	struct segue_job_list queue;
	struct segue_worker *worker;	/* who serves it; started by the first job */
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
	pthread_cond_t idle;	/* a job was finished while closing */
	uint32_t refs;		/* the main loop's side, and each thread */
	bool closing;		/* nothing is begun or signalled */
	bool gone;		/* threads destroy their jobs themselves, and end */
	uint32_t n_aside;
	struct segue_lane lanes[N_LANES];	/* short, long, opening */
	struct segue_worker workers[WORKERS_MAX];
	struct segue_job_list finished;
};

/* The mutex held, all of them: */

/** Give the lane a thread, setting the one it has aside. \return 0, -EBUSY or -ENOMEM */
SEGUE_MAIN_LOOP int segue_jobs_start_worker(struct segue_jobs *jobs, struct segue_lane *lane);
/** Told or not, it is over. */
void segue_jobs_finish(struct segue_jobs *jobs, struct segue_job *job);
/** Drops one reference and unlocks. */
void segue_jobs_unlock_unref(struct segue_jobs *jobs);

#endif /* SEGUE_MAKE_JOBS_IMPL_H */
