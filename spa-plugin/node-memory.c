/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "node-memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <spa/utils/defs.h>

#include "give-back.h"
#include "make/make.h"
#include "store.h"

/* It stays until both the node and the worker are done with it. */
struct segue_node_memory {
	struct segue_job job;
	struct segue_store_impl *store;
	struct segue_memory *memory;
	void *data;
	bool is_owned, is_working;
};

static void finish(struct segue_node_memory *m)
{
	segue_memory_unref(m->memory);
	free(m);
}

static bool is_cancelled(void *data)
{
	return segue_job_cancelled(data);
}

static int on_run(struct segue_job *job)
{
	struct segue_node_memory *m = SPA_CONTAINER_OF(job, struct segue_node_memory, job);

	segue_memory_populate(m->data, is_cancelled, job);
	/* its node has gone meanwhile: giving large memory back takes a while */
	if (segue_job_cancelled(job)) {
		segue_memory_free(m->memory, m->data);
		m->data = NULL;
	}
	return 0;
}

static void on_done(struct segue_job *job, int res)
{
}

static void on_destroy(struct segue_job *job)
{
	struct segue_node_memory *m = SPA_CONTAINER_OF(job, struct segue_node_memory, job);

	m->is_working = false;
	if (m->is_owned)
		return;
	segue_memory_free(m->memory, m->data);
	finish(m);
}

struct segue_node_memory *segue_node_memory_new(struct segue_store_impl *store, size_t size)
{
	struct segue_node_memory *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	if ((m->data = segue_memory_reserve(store->node_memory, size)) == NULL) {
		free(m);
		return NULL;
	}
	m->store = store;
	m->memory = segue_memory_ref(store->node_memory);
	m->is_owned = true;
	m->job.run = on_run;
	m->job.done = on_done;
	m->job.destroy = on_destroy;
	m->job.is_long = size > SEGUE_LONG_BYTES;
	m->is_working = segue_jobs_add(store->jobs, &m->job) == 0;
	return m;
}

void *segue_node_memory_data(const struct segue_node_memory *m)
{
	return m->data;
}

void segue_node_memory_free(struct segue_node_memory *m)
{
	if (m == NULL)
		return;
	m->is_owned = false;
	if (m->is_working) {
		segue_jobs_cancel(m->store->jobs, &m->job);
		return;
	}
	segue_give_back(m->store, m->memory, m->data, NULL, NULL);
	finish(m);
}
