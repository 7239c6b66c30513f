/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "strategies.h"

#include <stdlib.h>

/* Ours: <segue/handover.h> as a node uses it, answers included. The live blocks have been sent and taken,
 * too, and are never let go; their tickets are freed with them. */

#define TAKES_PER_CYCLE	64u

struct ours {
	struct segue_block *made;
	struct segue_block *garbage;
	uint64_t serial;
	uint32_t n_frames;
	SEGUE_APART(pad_producer);
	struct segue_handover handover;
	SEGUE_APART(pad_shared);
	struct segue_ticket *current;
	uint64_t position;
};

static void on_destroy(struct segue_buffer *buffer)
{
	struct segue_block *b = (struct segue_block *)buffer;

	b->next = *b->garbage;
	*b->garbage = b;
}

static int send_block(struct ours *o, struct segue_block *b)
{
	struct segue_ticket *t = aligned_alloc(SEGUE_CACHE_LINE, sizeof(*t));
	struct segue_command c = { .type = SEGUE_COMMAND_SWAP, .ticket = t };

	if (t == NULL)
		return -ENOMEM;
	*t = (struct segue_ticket) { 0 };
	t->buffer = &b->buffer;
	t->serial = o->serial++;
	t->at = SEGUE_NOW;
	t->refs = 1;
	b->ticket = t;
	return segue_handover_send(&o->handover, &c);
}

static uint32_t impl_collect(void *state, struct segue_block **garbage)
{
	struct ours *o = state;
	struct segue_ticket *t, *next;
	uint32_t n = 0;

	o->garbage = *garbage;
	for (t = segue_handover_collect(&o->handover); t != NULL; t = next, n++) {
		next = t->next;
		segue_buffer_unref(t->buffer);	/* the ticket is freed with the block */
	}
	*garbage = o->garbage;
	return n;
}

static float *impl_acquire(void *state)
{
	struct ours *o = state;

	return segue_block_acquire(&o->made, o->n_frames);
}

static void impl_publish(void *state)
{
	struct ours *o = state;

	o->made->buffer.destroy = on_destroy;
	o->made->garbage = &o->garbage;
	if (send_block(o, o->made) < 0)
		segue_block_free(o->made);
	o->made = NULL;
}

static const float *impl_take(void *state)
{
	struct ours *o = state;
	struct segue_ticket *newest = NULL;
	struct segue_command c;

	for (uint32_t i = 0; i < TAKES_PER_CYCLE && segue_handover_take(&o->handover, &c); i++) {
		if (newest != NULL) {
			segue_ticket_answer(newest, SEGUE_OUTCOME_SUPERSEDED, 0);
			segue_ticket_unref(&o->handover, newest);
		}
		newest = c.ticket;
	}
	if (newest == NULL)
		return NULL;
	segue_ticket_answer(newest, SEGUE_OUTCOME_APPLIED, o->position++);
	segue_ticket_unref(&o->handover, o->current);
	o->current = newest;
	return ((struct segue_block *)newest->buffer)->data;
}

static void impl_free(void *state)
{
	struct ours *o = state;
	struct segue_block *garbage = NULL;

	(void)impl_take(o);
	segue_ticket_unref(&o->handover, o->current);
	impl_collect(o, &garbage);
	segue_block_free_list(garbage);
	segue_block_free(o->made);
	free(o);
}

static void *impl_new(const struct segue_setup *setup)
{
	struct ours *o = calloc(1, sizeof(*o));
	struct segue_command c;

	if (o == NULL)
		return NULL;
	o->n_frames = setup->n_frames;
	for (uint32_t i = 0; i < setup->n_live; i++) {
		if (send_block(o, setup->live[i]) < 0) {
			impl_free(o);
			return NULL;
		}
		segue_handover_take(&o->handover, &c);
	}
	return o;
}

const struct segue_strategy segue_strategy_segue = {
	.name = "segue",
	.description = "ours: tickets through a ring, and back on a stack",
	.new = impl_new,
	.free = impl_free,
	.acquire = impl_acquire,
	.publish = impl_publish,
	.collect = impl_collect,
	.take = impl_take,
};
