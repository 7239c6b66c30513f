/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "level.h"

#include <string.h>

#include <spa/utils/defs.h>

#include "level-products.h"

/* ---------------------------------------------------------------- the arrays */

static float *cut(void *memory, size_t *at, size_t n_floats)
{
	float *p = memory != NULL ? SPA_PTROFF(memory, *at, float) : NULL;

	*at += SPA_ROUND_UP_N(n_floats * sizeof(float), (size_t)64);
	return p;
}

/* The last chunk of a woven spectrum, which is the longest. */
SEGUE_DATA_LOOP static size_t chunk_floats(const struct segue_level *l)
{
	return segue_chunk_eights(l->number, segue_level_chunks(l->number) - 1) * 16;
}

size_t segue_level_init(struct segue_level *l, void *memory, uint32_t n_partitions)
{
	size_t at = 0;
	uint32_t j;

	/* one less recent is needed to make again what is heard */
	l->n_slots = n_partitions + 1;
	l->history = cut(memory, &at, (size_t)l->n_in * 3 * l->block);
	l->spectra = cut(memory, &at, (size_t)l->n_in * l->n_slots * segue_level_spectrum_floats(l));
	l->silence = cut(memory, &at, chunk_floats(l));
	l->sum = cut(memory, &at, chunk_floats(l) * SEGUE_JOINT_MAX);
	l->ahead = cut(memory, &at, SEGUE_LANES * l->n_out * segue_products_ahead_floats(l));
	for (j = 0; j < SEGUE_JOINT_MAX; j++)
		l->flat[j] = cut(memory, &at, segue_level_spectrum_floats(l));
	l->blocks = cut(memory, &at, (size_t)2 * SEGUE_LANES * l->n_out * l->block);
	for (j = 0; j < SEGUE_JOINS_MAX; j++)
		l->work.parts[j] = cut(memory, &at, segue_work_floats(l->number, j));
	l->work.in = cut(memory, &at, segue_work_piece_floats(l->number));
	l->work.out = cut(memory, &at, segue_work_piece_floats(l->number));
	l->stage = SEGUE_LEVEL_DONE;
	return at;
}

SEGUE_DATA_LOOP static float *history_of(const struct segue_level *l, uint32_t input, uint64_t index)
{
	return l->history + ((size_t)input * 3 + index % 3) * l->block;
}

SEGUE_DATA_LOOP static float *block_of(const struct segue_level *l, uint32_t which, uint32_t lane,
		uint32_t output)
{
	return l->blocks + (((size_t)which * SEGUE_LANES + lane) * l->n_out + output) * l->block;
}

SEGUE_DATA_LOOP static const struct segue_response *response_of(const struct segue_ticket *ticket)
{
	return ticket != NULL ? (const struct segue_response *)ticket->buffer : NULL;
}

void segue_level_write(struct segue_level *l, uint32_t input, uint64_t now, const float *frames)
{
	segue_transform_scatter(l->transform, l->vector, frames, history_of(l, input, now / l->block),
			(uint32_t)(now % l->block));
}

/* ----------------------------------------------------------------- the items */

/* A step of an input's transform, and when it is whole a chunk of its weaving. */
SEGUE_DATA_LOOP static void forward_step(struct segue_level *l, uint32_t input, uint32_t step, uint64_t end,
		uint64_t silent_before)
{
	uint64_t index = end / l->block, begin = silent_before + 2 * l->block;
	uint32_t n_silent = begin > end ? (uint32_t)SPA_MIN(begin - end, (uint64_t)2 * l->block) : 0, chunk, at;

	if (step < l->transform->n_steps) {
		segue_transform_forward(l->transform, l->vector, &l->work, step, history_of(l, input, index + 1),
				history_of(l, input, index + 2), n_silent, l->flat[0]);
		return;
	}
	chunk = step - l->transform->n_steps;
	at = chunk * SEGUE_CHUNK_EIGHTS;
	segue_spectrum_weave(l->flat[0] + 8 * at, SEGUE_BINS(2 * l->block), segue_chunk_eights(l->number, chunk),
			16, segue_level_spectrum(l, input, end) + 16 * at);
}

SEGUE_DATA_LOOP static uint32_t n_forward_steps(const struct segue_level *l)
{
	return l->transform->n_steps + segue_level_chunks(l->number);
}

SEGUE_DATA_LOOP static uint32_t step_cost(const struct segue_level *l, uint32_t step)
{
	return step < l->transform->n_steps ? segue_transform_cost(l->transform, step) :
		10 * SEGUE_CHUNK_EIGHTS;
}

/* -------------------------------------------------------------- all at once */

void segue_level_forward(struct segue_level *l, uint64_t end, uint64_t silent_before)
{
	uint32_t input, step;

	for (input = 0; input < l->n_in; input++) {
		for (step = 0; step < n_forward_steps(l); step++)
			forward_step(l, input, step, end, silent_before);
	}
}

void segue_level_convolve(struct segue_level *l, const struct segue_response *response, uint32_t first,
		uint64_t end, uint64_t silent_before, float (*frames)[SEGUE_TICK_FRAMES])
{
	float *block = block_of(l, 0, 0, 0);
	uint32_t output, quad, o;
	struct segue_products p;

	for (output = 0; output < l->n_out; output += p.n_joint) {
		p = segue_products_find(l, response, output, first, end, silent_before);
		if (segue_products_are_silent(&p))
			continue;
		for (quad = 0; quad < segue_response_quads(response, l->number); quad++)
			segue_products_multiply(l, &p, 0, quad);
		for (o = 0; o < p.n_joint; o++) {
			segue_transform_backward(l->transform, l->vector, &l->work, 0, l->flat[o], block);
			segue_transform_gather(l->transform, l->vector, block, 0, frames[output + o]);
		}
	}
}

/* ------------------------------------------------------------- item by item */

SEGUE_DATA_LOOP static uint64_t transform_cost(const struct segue_level *l, uint32_t n_steps)
{
	uint64_t cost = 0;

	for (uint32_t step = 0; step < n_steps; step++)
		cost += step_cost(l, step);
	return cost;
}

SEGUE_DATA_LOOP static struct segue_products lane_products(const struct segue_level *l, uint32_t lane,
		uint32_t output)
{
	struct segue_products p = segue_products_find(l, response_of(l->lanes[lane]), output, 0, l->begin,
			l->silent_before);
	size_t n_ahead = segue_products_ahead_floats(l);

	if (n_ahead == 0)
		return p;
	p.ahead = l->ahead + ((size_t)lane * l->n_out + output) * n_ahead;
	p.n_before = l->n_before[lane];
	return p;
}

/* Nothing sounds there: what lies in the block from before must not. */
SEGUE_DATA_LOOP static void silence_output(struct segue_level *l, uint32_t lane, uint32_t output)
{
	memset(block_of(l, !l->heard, lane, output), 0, l->block * sizeof(float));
}

/* Go to the next lane and outputs that have something to be made, from the present ones on. */
SEGUE_DATA_LOOP static void seek_output(struct segue_level *l)
{
	l->step = l->part = 0;
	l->stage = SEGUE_LEVEL_PRODUCTS;
	for (; l->lane < SEGUE_LANES; l->lane++, l->channel = 0) {
		for (; l->lanes[l->lane] != NULL && l->channel < l->n_out; l->channel++) {
			struct segue_products p = lane_products(l, l->lane, l->channel);

			if (!segue_products_are_silent(&p))
				return;
			silence_output(l, l->lane, l->channel);
		}
	}
	l->stage = SEGUE_LEVEL_DONE;
}

SEGUE_DATA_LOOP static void run_forward(struct segue_level *l)
{
	forward_step(l, l->channel, l->step, l->begin, l->silent_before);
	l->done += step_cost(l, l->step);
	if (++l->step < n_forward_steps(l))
		return;
	l->step = 0;
	if (++l->channel < l->n_in)
		return;
	l->channel = 0;
	seek_output(l);
}

SEGUE_DATA_LOOP static void run_products(struct segue_level *l)
{
	struct segue_products p = lane_products(l, l->lane, l->channel);
	uint32_t end = l->part + segue_products_item_quads(l, &p, l->step);

	for (; l->part < end; l->part++)
		segue_products_multiply(l, &p, l->step, l->part);
	l->done += segue_products_item_cost(l, &p, l->step);
	if (l->part < segue_response_quads(p.response, l->number))
		return;
	l->part = 0;
	if (++l->step < segue_level_chunks(l->number))
		return;
	l->step = 0;
	l->stage = SEGUE_LEVEL_BACKWARD;
}

SEGUE_DATA_LOOP static void run_backward(struct segue_level *l)
{
	uint32_t n_joint = segue_response_joint(response_of(l->lanes[l->lane]), l->channel);

	segue_transform_backward(l->transform, l->vector, &l->work, l->step, l->flat[l->part],
			block_of(l, !l->heard, l->lane, l->channel + l->part));
	/* the steps of the way back are those of the way there, in groups from the last to the first */
	l->done += step_cost(l, l->transform->n_steps - 1 - l->step);
	if (++l->step < l->transform->n_steps)
		return;
	l->step = 0;
	if (++l->part < n_joint)
		return;
	l->channel += n_joint;
	seek_output(l);
}

SEGUE_DATA_LOOP static void run_item(struct segue_level *l)
{
	switch (l->stage) {
	case SEGUE_LEVEL_FORWARD:
		run_forward(l);
		break;
	case SEGUE_LEVEL_PRODUCTS:
		run_products(l);
		break;
	case SEGUE_LEVEL_BACKWARD:
		run_backward(l);
		break;
	case SEGUE_LEVEL_DONE:
		break;
	}
}

SEGUE_DATA_LOOP static uint64_t lane_cost(const struct segue_level *l, uint32_t lane)
{
	uint32_t output, chunk;
	struct segue_products p;
	uint64_t cost = 0;

	for (output = 0; l->lanes[lane] != NULL && output < l->n_out; output += p.n_joint) {
		p = lane_products(l, lane, output);
		if (segue_products_are_silent(&p))
			continue;
		for (chunk = 0; chunk < segue_level_chunks(l->number); chunk++)
			cost += segue_response_quads(p.response, l->number) / segue_products_item_quads(l, &p, chunk) *
				segue_products_item_cost(l, &p, chunk);
		cost += p.n_joint * transform_cost(l, l->transform->n_steps);
	}
	return cost;
}

SEGUE_DATA_LOOP static void take_lanes(struct segue_level *l, struct segue_ticket *const lanes[SEGUE_LANES])
{
	uint32_t i;

	segue_level_release(l);
	for (i = 0; i < SEGUE_LANES; i++) {
		const struct segue_response *response = response_of(lanes[i]);

		if (response != NULL && response->n_levels > l->number)
			l->lanes[i] = segue_ticket_ref(lanes[i]);
	}
}

void segue_level_release(struct segue_level *l)
{
	for (uint32_t i = 0; i < SEGUE_LANES; i++) {
		segue_ticket_unref(l->handover, l->lanes[i]);
		l->lanes[i] = NULL;
	}
	if (l->stage == SEGUE_LEVEL_PRODUCTS)
		memset(l->sum, 0, chunk_floats(l) * SEGUE_JOINT_MAX * sizeof(float));
	if (l->stage != SEGUE_LEVEL_FORWARD)
		l->stage = SEGUE_LEVEL_DONE;
}

SEGUE_DATA_LOOP static void hear(struct segue_level *l)
{
	l->heard = !l->heard;
	l->heard_begin = l->begin;
	for (uint32_t i = 0; i < SEGUE_LANES; i++)
		l->heard_lanes[i] = l->lanes[i] != NULL;
}

void segue_level_begin(struct segue_level *l, uint64_t now, uint64_t silent_before,
		struct segue_ticket *const lanes[SEGUE_LANES])
{
	hear(l);
	for (uint32_t i = 0; i < SEGUE_LANES; i++)
		l->n_before[i] = l->lanes[i] != NULL && l->lanes[i] == lanes[i] && l->begin > silent_before ?
			SPA_MIN(l->n_before[i] + 1, SEGUE_SUMS_MAX) : 0;
	take_lanes(l, lanes);
	l->begin = now;
	l->silent_before = silent_before;
	l->done = 0;
	l->total = l->n_in * transform_cost(l, n_forward_steps(l)) + lane_cost(l, 0) + lane_cost(l, 1);
	l->stage = SEGUE_LEVEL_FORWARD;
	l->lane = l->channel = l->step = l->part = 0;
}

void segue_level_work(struct segue_level *l, uint64_t now)
{
	uint64_t passed = now - l->begin + SEGUE_TICK_FRAMES, due = l->total * passed / l->block;

	while (l->stage != SEGUE_LEVEL_DONE && (l->done < due || passed == l->block))
		run_item(l);
}

/* Make the block of one begin from the spectra there are. */
SEGUE_DATA_LOOP static void make_at_once(struct segue_level *l, uint64_t begin)
{
	l->begin = begin;
	l->n_before[0] = l->n_before[1] = 0;
	l->lane = l->channel = 0;
	seek_output(l);
	while (l->stage != SEGUE_LEVEL_DONE)
		run_item(l);
}

void segue_level_redo(struct segue_level *l, uint64_t silent_before,
		struct segue_ticket *const lanes[SEGUE_LANES])
{
	uint64_t begin = l->begin;

	while (l->stage == SEGUE_LEVEL_FORWARD)
		run_item(l);
	take_lanes(l, lanes);
	l->silent_before = silent_before;
	if (begin >= l->block) {
		make_at_once(l, begin - l->block);
		hear(l);
	}
	make_at_once(l, begin);
}

void segue_level_read(const struct segue_level *l, uint32_t lane, uint32_t output, uint64_t now,
		uint64_t silent_before, float *frames)
{
	if (l->heard_lanes[lane] && l->heard_begin > silent_before)
		segue_transform_gather(l->transform, l->vector, block_of(l, l->heard, lane, output),
				(uint32_t)(now % l->block), frames);
}
