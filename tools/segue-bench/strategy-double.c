/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "strategies.h"

#include <stdlib.h>

/* Two preallocated blocks: the producer writes the one that the consumer doesn't read, and has to wait
 * until the consumer has come over. Nothing to reclaim, and never more than one swap under way. */

struct pair {
	float *blocks[2];	/* constant */
	SEGUE_APART(pad_producer);
	uint32_t written;
	SEGUE_APART(pad_written);
	uint32_t taken;
};

static void impl_free(void *state)
{
	struct pair *p = state;

	free(p->blocks[0]);
	free(p->blocks[1]);
	free(p);
}

static void *impl_new(const struct segue_setup *setup)
{
	struct pair *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	for (uint32_t i = 0; i < 2; i++) {
		if ((p->blocks[i] = segue_floats_new(setup->n_frames)) == NULL) {
			impl_free(p);
			return NULL;
		}
	}
	return p;
}

static float *impl_acquire(void *state)
{
	struct pair *p = state;

	/* acquire: the consumer has done with the block we write next */
	if (__atomic_load_n(&p->taken, __ATOMIC_ACQUIRE) != p->written)
		return NULL;
	return p->blocks[(p->written + 1) % 2];
}

static void impl_publish(void *state)
{
	struct pair *p = state;

	__atomic_store_n(&p->written, p->written + 1, __ATOMIC_RELEASE);
}

static const float *impl_take(void *state)
{
	struct pair *p = state;
	uint32_t written = __atomic_load_n(&p->written, __ATOMIC_ACQUIRE);

	if (written == p->taken)
		return NULL;
	__atomic_store_n(&p->taken, written, __ATOMIC_RELEASE);
	return p->blocks[written % 2];
}

const struct segue_strategy segue_strategy_double = {
	.name = "double buffer",
	.description = "two preallocated blocks; the producer waits for the consumer",
	.new = impl_new,
	.free = impl_free,
	.acquire = impl_acquire,
	.publish = impl_publish,
	.take = impl_take,
};
