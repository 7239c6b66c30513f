/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef JOBS_FIXTURE_H
#define JOBS_FIXTURE_H

#include <semaphore.h>

#include "make/jobs.h"

#include "loop-fixture.h"

#define SOON_MSEC	5000	/* until something that is due must have happened */

struct fixture {
	struct loop_fixture loop;
	struct segue_jobs *jobs;
};

/** A job that can be held up, and keeps a record of itself that outlives it. */
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

struct record *record_new(bool is_long);
void record_free(struct record *r);
/** Of a record, for loop_fixture_run_until(). */
bool is_done(void *data);
bool is_destroyed(void *data);
/** What must hold of every job at its end. */
void assert_ended(struct record *r, int res);
void wait_ended(struct fixture *f, struct record *r, int res);
int jobs_setup(void **state);
int jobs_teardown(void **state);

#endif /* JOBS_FIXTURE_H */
