/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "queue.h"

#include <stdlib.h>

/* Pointers through a queue, and back through another that has room for all that are out. The blocks are
 * allocated and freed by the producer each time, or come from a pool and go back to it. */

struct pointers {
	struct segue_block *made;
	struct segue_block *pool;	/* unused ones, linked by next */
	uint32_t n_frames;
	uint32_t n_out;			/* sent and not back */
	bool pooled;
	SEGUE_APART(pad_producer);
	struct segue_queue in, back;
	SEGUE_APART(pad_shared);
	struct segue_block *current;
};

static void *impl_new(const struct segue_setup *setup)
{
	struct pointers *p = calloc(1, sizeof(*p));

	if (p != NULL)
		p->n_frames = setup->n_frames;
	return p;
}

static uint32_t impl_collect(void *state, struct segue_block **garbage)
{
	struct pointers *p = state;
	struct segue_block **list = p->pooled ? &p->pool : garbage;
	struct segue_block *b;
	uint32_t n;

	for (n = 0; (b = segue_queue_pop(&p->back)) != NULL; n++) {
		b->next = *list;
		*list = b;
	}
	p->n_out -= n;
	return n;
}

static void impl_free(void *state)
{
	struct pointers *p = state;
	struct segue_block *b;

	p->pooled = true;
	impl_collect(p, NULL);
	while ((b = segue_queue_pop(&p->in)) != NULL)
		segue_block_free(b);
	segue_block_free_list(p->pool);
	segue_block_free(p->current);
	segue_block_free(p->made);
	free(p);
}

static void *impl_new_pooled(const struct segue_setup *setup)
{
	struct pointers *p = impl_new(setup);

	/* besides a batch not yet collected: one made, one under way, one current, one to spare */
	for (uint32_t i = 0; p != NULL && i < setup->n_batch + 4; i++) {
		struct segue_block *b = segue_block_new(setup->n_frames);

		if (b == NULL) {
			impl_free(p);
			return NULL;
		}
		for (uint32_t j = 0; j < setup->n_frames; j++)
			b->data[j] = 0.0f;
		b->next = p->pool;
		p->pool = b;
		p->pooled = true;
	}
	return p;
}

static float *impl_acquire(void *state)
{
	struct pointers *p = state;

	if (p->n_out == SEGUE_QUEUE_SIZE)
		return NULL;
	if (!p->pooled)
		return segue_block_acquire(&p->made, p->n_frames);
	if (p->made == NULL && (p->made = p->pool) != NULL)
		p->pool = p->made->next;
	return p->made != NULL ? p->made->data : NULL;
}

static void impl_publish(void *state)
{
	struct pointers *p = state;

	segue_queue_push(&p->in, p->made);
	p->made = NULL;
	p->n_out++;
}

static const float *impl_take(void *state)
{
	struct pointers *p = state;
	struct segue_block *newest = NULL, *b;

	while ((b = segue_queue_pop(&p->in)) != NULL) {
		if (newest != NULL)
			segue_queue_push(&p->back, newest);
		newest = b;
	}
	if (newest == NULL)
		return NULL;
	if (p->current != NULL)
		segue_queue_push(&p->back, p->current);
	p->current = newest;
	return newest->data;
}

const struct segue_strategy segue_strategy_pointers = {
	.name = "pointer queue",
	.description = "pointers through a queue, and back through another",
	.new = impl_new,
	.free = impl_free,
	.acquire = impl_acquire,
	.publish = impl_publish,
	.collect = impl_collect,
	.take = impl_take,
};

const struct segue_strategy segue_strategy_pool = {
	.name = "pool",
	.description = "the same with preallocated blocks: no free() anywhere, a fixed number of blocks",
	.new = impl_new_pooled,
	.free = impl_free,
	.acquire = impl_acquire,
	.publish = impl_publish,
	.collect = impl_collect,
	.take = impl_take,
};
