/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_MAKE_JOBS_H
#define SEGUE_MAKE_JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include <spa/support/log.h>
#include <spa/support/loop.h>

#include <segue/handover.h>

/** \file
 * Work off both loops: a worker each for short jobs, long ones and those that open files, so that short jobs
 * never wait behind long ones, nor anything for a file system that doesn't answer.
 *
 * A job that makes no progress for SEGUE_JOB_STALL_SEC fails with -ETIMEDOUT; its thread is left behind
 * (4 at most, then further jobs on that lane are refused with -EBUSY) and replaced. A lane whose
 * thread has stood still for a second while others wait is given a spare thread before that. */

#define SEGUE_JOB_STALL_SEC	10

struct segue_jobs;

/** Embed it in what is being made; zero it before use. */
struct segue_job {
	/** Worker: do the work. Look at segue_job_cancelled() at least every few milliseconds.
	 * \return 0 or a negative errno */
	int (*run)(struct segue_job *job);
	/** Main loop, exactly once: run's result, -ECANCELED or -ETIMEDOUT. After -ETIMEDOUT run may
	 * still be running, as cancelled: touch nothing that it writes. */
	void (*done)(struct segue_job *job, int res);
	/** Main loop, or a worker where destroy_waits, or after teardown the thread that was left behind: after
	 * done(), and when run() has returned. Frees the job. Must only use what is thread-safe. */
	void (*destroy)(struct segue_job *job);
	/** Main loop: progress has changed, at most 20 times a second. May be NULL. */
	void (*progressed)(struct segue_job *job);
	bool is_long;		/**< which lane */
	bool is_opening;	/**< a lane of its own, whatever is_long says */
	bool destroy_waits;	/**< destroy() closes files or the like: its lane's worker does it. Main loop, set
				 * in done() at the latest */

	/* owned by jobs.c */
	struct segue_job *next;
	int res;
	uint32_t state;
	uint32_t cancelled;	/* atomic */
	uint32_t progress;	/* atomic: thousandths */
	uint64_t n_steps;	/* atomic: any sign of life */
};

/** Main loop. \return NULL with errno */
SEGUE_MAIN_LOOP struct segue_jobs *segue_jobs_new(struct spa_loop_utils *utils, struct spa_log *log);
/** Main loop: cancels all, calls done(-ECANCELED) for what hasn't, has it destroyed and joins the workers, but
 * never a thread that stands still. Accepts NULL. */
SEGUE_MAIN_LOOP void segue_jobs_free(struct segue_jobs *jobs);
/** Main loop: how long a job may go without a sign of life, instead of SEGUE_JOB_STALL_SEC; a spare
 * thread is given after a tenth of it. For tests. */
SEGUE_MAIN_LOOP void segue_jobs_set_stall(struct segue_jobs *jobs, uint32_t msec);
/** Main loop. \return 0, -EBUSY or -ENOMEM: then neither done nor destroy will be called */
SEGUE_MAIN_LOOP int segue_jobs_add(struct segue_jobs *jobs, struct segue_job *job);
/** Main loop: ask it to end; done(-ECANCELED) follows from the loop, also if it ends well meanwhile. */
SEGUE_MAIN_LOOP void segue_jobs_cancel(struct segue_jobs *jobs, struct segue_job *job);

/** Worker: has the work become useless? A sign of life, too. Accepts NULL (false). */
SEGUE_WORKER bool segue_job_cancelled(struct segue_job *job);
/** Worker: done of total. Accepts NULL. */
SEGUE_WORKER void segue_job_progress(struct segue_job *job, uint64_t done, uint64_t total);

#endif /* SEGUE_MAKE_JOBS_H */
