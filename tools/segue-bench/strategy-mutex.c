/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "strategies.h"

#include <pthread.h>
#include <stdlib.h>

/* One pointer, shared under a mutex, its block counted and freed by whoever is last, as with
 * std::shared_ptr: most often the consumer. */

struct mutex {
	struct segue_block *made;
	uint32_t n_frames;
	SEGUE_APART(pad_producer);
	pthread_mutex_t mutex;
	struct segue_block *newest;
	SEGUE_APART(pad_shared);
	struct segue_block *current;
};

static void *impl_new(const struct segue_setup *setup)
{
	struct mutex *m = calloc(1, sizeof(*m));

	if (m != NULL) {
		m->n_frames = setup->n_frames;
		pthread_mutex_init(&m->mutex, NULL);
	}
	return m;
}

static void let_go(struct segue_block *b)
{
	if (b != NULL && __atomic_sub_fetch(&b->refs, 1, __ATOMIC_ACQ_REL) == 0)
		segue_block_free(b);
}

static void impl_free(void *state)
{
	struct mutex *m = state;

	let_go(m->newest);
	let_go(m->current);
	segue_block_free(m->made);
	pthread_mutex_destroy(&m->mutex);
	free(m);
}

static float *impl_acquire(void *state)
{
	struct mutex *m = state;

	return segue_block_acquire(&m->made, m->n_frames);
}

static void impl_publish(void *state)
{
	struct mutex *m = state;
	struct segue_block *old;

	pthread_mutex_lock(&m->mutex);
	old = m->newest;
	m->newest = m->made;
	pthread_mutex_unlock(&m->mutex);
	m->made = NULL;
	let_go(old);
}

static const float *impl_take(void *state)
{
	struct mutex *m = state;
	struct segue_block *old = m->current;

	pthread_mutex_lock(&m->mutex);
	if (m->newest == old) {
		pthread_mutex_unlock(&m->mutex);
		return NULL;
	}
	m->current = m->newest;
	__atomic_add_fetch(&m->current->refs, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&m->mutex);
	let_go(old);
	return m->current->data;
}

const struct segue_strategy segue_strategy_mutex = {
	.name = "mutex",
	.description = "a counted pointer under a mutex, freed by whoever is last",
	.new = impl_new,
	.free = impl_free,
	.acquire = impl_acquire,
	.publish = impl_publish,
	.take = impl_take,
};
