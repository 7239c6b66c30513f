/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "give-back.h"

#include <stdlib.h>

#include <spa/utils/defs.h>

#include "store.h"

struct give_back {
	struct segue_job job;
	struct segue_memory *memory;
	void *p;
	void (*done)(void *data);
	void *data;
};

static int on_run(struct segue_job *job)
{
	struct give_back *g = SPA_CONTAINER_OF(job, struct give_back, job);

	segue_memory_free(g->memory, g->p);
	g->p = NULL;
	return 0;
}

static void on_done(struct segue_job *job, int res)
{
	struct give_back *g = SPA_CONTAINER_OF(job, struct give_back, job);

	if (g->done != NULL)
		g->done(g->data);
}

static void on_destroy(struct segue_job *job)
{
	struct give_back *g = SPA_CONTAINER_OF(job, struct give_back, job);

	/* NULL, unless it was cancelled before its turn */
	segue_memory_free(g->memory, g->p);
	segue_memory_unref(g->memory);
	free(g);
}

static bool give_back_later(struct segue_store_impl *store, struct segue_memory *memory, void *p,
		void (*done)(void *data), void *data)
{
	struct give_back *g;

	if (store->jobs == NULL || (g = calloc(1, sizeof(*g))) == NULL)
		return false;
	g->job.run = on_run;
	g->job.done = on_done;
	g->job.destroy = on_destroy;
	g->job.is_long = true;
	g->memory = segue_memory_ref(memory);
	g->p = p;
	g->done = done;
	g->data = data;
	if (segue_jobs_add(store->jobs, &g->job) == 0)
		return true;
	segue_memory_unref(g->memory);
	free(g);
	return false;
}

void segue_give_back(struct segue_store_impl *store, struct segue_memory *memory, void *p,
		void (*done)(void *data), void *data)
{
	if (segue_memory_size(p) >= SEGUE_MEMORY_LARGE && give_back_later(store, memory, p, done, data))
		return;
	segue_memory_free(memory, p);
	if (done != NULL)
		done(data);
}
