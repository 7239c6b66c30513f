/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "queue.h"

#include <stdlib.h>
#include <string.h>

/* Atomic counts, and a collector that keeps a reference on every live block and looks through all of
 * them for those that nobody else holds, as is done with Arc in Rust. */

struct scan {
	struct segue_block *made;
	uint32_t n_frames;
	struct segue_block **owned;
	uint32_t n_owned, n_owned_max;
	SEGUE_APART(pad_producer);
	struct segue_queue in;
	SEGUE_APART(pad_shared);
	struct segue_block *current;
};

static void *impl_new(const struct segue_setup *setup)
{
	struct scan *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->n_frames = setup->n_frames;
	s->n_owned = setup->n_live;
	s->n_owned_max = setup->n_live + SEGUE_QUEUE_SIZE;
	if ((s->owned = calloc(s->n_owned_max, sizeof(struct segue_block *))) == NULL) {
		free(s);
		return NULL;
	}
	for (uint32_t i = 0; i < setup->n_live; i++) {
		s->owned[i] = setup->live[i];
		s->owned[i]->refs = 2;
	}
	return s;
}

static float *impl_acquire(void *state)
{
	struct scan *s = state;

	return s->n_owned < s->n_owned_max ? segue_block_acquire(&s->made, s->n_frames) : NULL;
}

static void impl_publish(void *state)
{
	struct scan *s = state;

	s->made->refs = 2;
	s->owned[s->n_owned++] = s->made;
	segue_queue_push(&s->in, s->made);
	s->made = NULL;
}

static uint32_t impl_collect(void *state, struct segue_block **garbage)
{
	struct scan *s = state;
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n_owned;) {
		struct segue_block *b = s->owned[i];

		if (__atomic_load_n(&b->refs, __ATOMIC_ACQUIRE) != 1) {
			i++;
			continue;
		}
		s->owned[i] = s->owned[--s->n_owned];
		b->next = *garbage;
		*garbage = b;
		n++;
	}
	return n;
}

static void let_go(struct segue_block *b)
{
	if (b != NULL)
		__atomic_sub_fetch(&b->refs, 1, __ATOMIC_RELEASE);
}

static const float *impl_take(void *state)
{
	struct scan *s = state;
	struct segue_block *newest = NULL, *b;

	while ((b = segue_queue_pop(&s->in)) != NULL) {
		let_go(newest);
		newest = b;
	}
	if (newest == NULL)
		return NULL;
	let_go(s->current);
	s->current = newest;
	return newest->data;
}

static void impl_free(void *state)
{
	struct scan *s = state;
	struct segue_block *garbage = NULL;

	(void)impl_take(s);
	let_go(s->current);
	impl_collect(s, &garbage);
	segue_block_free_list(garbage);
	segue_block_free(s->made);
	free(s->owned);
	free(s);
}

const struct segue_strategy segue_strategy_scan = {
	.name = "scan",
	.description = "pointers through a queue; the collector scans the counts of all live blocks",
	.new = impl_new,
	.free = impl_free,
	.acquire = impl_acquire,
	.publish = impl_publish,
	.collect = impl_collect,
	.take = impl_take,
};
