/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "strategies.h"

#include <stdlib.h>
#include <string.h>

/* The data itself is copied into a preallocated queue and out of it again. Nothing to reclaim. */

#define N_SLOTS	4u

struct copy {
	float *made;
	float *slots[N_SLOTS];
	uint32_t n_frames;
	SEGUE_APART(pad_producer);
	uint32_t written;
	SEGUE_APART(pad_written);
	uint32_t taken;
	SEGUE_APART(pad_taken);
	float *current;
};

static void impl_free(void *state)
{
	struct copy *c = state;

	free(c->made);
	for (uint32_t i = 0; i < N_SLOTS; i++)
		free(c->slots[i]);
	free(c->current);
	free(c);
}

static void *impl_new(const struct segue_setup *setup)
{
	struct copy *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->n_frames = setup->n_frames;
	c->made = segue_floats_new(c->n_frames);
	c->current = segue_floats_new(c->n_frames);
	for (uint32_t i = 0; i < N_SLOTS; i++)
		c->slots[i] = segue_floats_new(c->n_frames);
	for (uint32_t i = 0; i < N_SLOTS; i++) {
		if (c->made == NULL || c->current == NULL || c->slots[i] == NULL) {
			impl_free(c);
			return NULL;
		}
	}
	return c;
}

static float *impl_acquire(void *state)
{
	struct copy *c = state;

	return c->written - __atomic_load_n(&c->taken, __ATOMIC_ACQUIRE) < N_SLOTS ? c->made : NULL;
}

static void impl_publish(void *state)
{
	struct copy *c = state;

	memcpy(c->slots[c->written % N_SLOTS], c->made, c->n_frames * sizeof(float));
	__atomic_store_n(&c->written, c->written + 1, __ATOMIC_RELEASE);
}

static const float *impl_take(void *state)
{
	struct copy *c = state;
	uint32_t written = __atomic_load_n(&c->written, __ATOMIC_ACQUIRE);

	if (written == c->taken)
		return NULL;
	memcpy(c->current, c->slots[(written - 1) % N_SLOTS], c->n_frames * sizeof(float));
	__atomic_store_n(&c->taken, written, __ATOMIC_RELEASE);
	return c->current;
}

const struct segue_strategy segue_strategy_copy = {
	.name = "memcpy queue",
	.description = "the data copied into a preallocated queue and out of it",
	.new = impl_new,
	.free = impl_free,
	.acquire = impl_acquire,
	.publish = impl_publish,
	.take = impl_take,
};
