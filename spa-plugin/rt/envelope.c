/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "envelope.h"

#include <math.h>
#include <string.h>

#include <spa/utils/defs.h>

#define END_SEC		0.005
#define SLOPE_60_DB	-9.965784284662087	/* log2(10^-3) */
#define STEEPEST	32.0		/* log2 of how far a block may fall */
#define NOTHING		0x1p-24		/* a distance that no float beside 1 shows */

SEGUE_DATA_LOOP static bool is_exponential(const struct segue_envelope *e)
{
	return e->stage == SEGUE_STAGE_DECAY || e->stage == SEGUE_STAGE_RELEASE;
}

SEGUE_DATA_LOOP static void enter(struct segue_envelope *e, enum segue_stage stage, double from, double to,
		uint64_t n_frames)
{
	e->stage = stage;
	e->from = from;
	e->to = to;
	e->n_frames = n_frames;
	e->done = 0;
}

/* Fall by 60 dB in so many seconds. */
SEGUE_DATA_LOOP static void enter_exponential(struct segue_envelope *e, enum segue_stage stage, double from,
		double to, double frames, uint64_t n_frames)
{
	enter(e, stage, from, to, n_frames);
	e->slope = SLOPE_60_DB / frames;
	e->left_block = exp2(e->slope * SEGUE_BLOCK_FRAMES);
	e->fall.to = (float)to;
	for (uint32_t i = 0; i < 8; i++)
		e->fall.left[i] = i == 0 ? 1.0f : (float)exp2(e->slope * i);
	e->fall.left_8 = (float)exp2(e->slope * 8.0);
}

SEGUE_DATA_LOOP static void enter_end(struct segue_envelope *e, double from, uint32_t rate)
{
	enter(e, from > 0.0 ? SEGUE_STAGE_END : SEGUE_STAGE_OVER, from, 0.0, llround(END_SEC * rate));
}

SEGUE_DATA_LOOP static void enter_decay(struct segue_envelope *e, uint32_t rate)
{
	double frames = (double)e->shape.decay * rate, sustain = e->shape.sustain;

	if (frames < 0.5 || 1.0 - sustain < NOTHING)
		enter(e, sustain > 0.0 ? SEGUE_STAGE_SUSTAIN : SEGUE_STAGE_OVER, sustain, sustain, 0);
	else if (sustain > 0.0)
		enter_exponential(e, SEGUE_STAGE_DECAY, 1.0, sustain, frames,
				(uint64_t)ceil(frames * log2(NOTHING / (1.0 - sustain)) / SLOPE_60_DB));
	else
		enter_exponential(e, SEGUE_STAGE_DECAY, 1.0, 0.0, frames, llround(frames));
}

void segue_envelope_enter_next(struct segue_envelope *e, uint32_t rate)
{
	if (e->stage == SEGUE_STAGE_ATTACK)
		enter_decay(e, rate);
	else if (e->stage == SEGUE_STAGE_DECAY && e->to > 0.0)
		enter(e, SEGUE_STAGE_SUSTAIN, e->to, e->to, 0);
	else if (is_exponential(e))
		enter_end(e, e->from * exp2(e->slope * (double)e->n_frames), rate);
	else
		enter(e, SEGUE_STAGE_OVER, 0.0, 0.0, 0);
}

/* The value of the next frame. */
SEGUE_DATA_LOOP static double level(const struct segue_envelope *e)
{
	if (e->stage == SEGUE_STAGE_SUSTAIN || e->stage == SEGUE_STAGE_OVER)
		return e->to;
	if (is_exponential(e))
		return e->to + (e->from - e->to) * exp2(e->slope * (double)e->done);
	return e->from + (e->to - e->from) * (double)(e->done + 1) / (double)(e->n_frames + 1);
}

void segue_envelope_start(struct segue_envelope *e, const struct segue_envelope_shape *shape, uint32_t rate)
{
	e->shape = *shape;
	enter(e, SEGUE_STAGE_ATTACK, 0.0, 1.0, llround((double)shape->attack * rate));
	if (e->n_frames == 0)
		enter_decay(e, rate);
}

void segue_envelope_release(struct segue_envelope *e, uint32_t rate)
{
	double frames = (double)e->shape.release * rate, from = level(e);

	if (e->stage >= SEGUE_STAGE_RELEASE)
		return;
	if (frames < 0.5 || !(from > 0.0))
		enter_end(e, from, rate);
	else
		enter_exponential(e, SEGUE_STAGE_RELEASE, from, 0.0, frames, llround(frames));
}

void segue_envelope_end(struct segue_envelope *e, uint32_t rate)
{
	if (e->stage < SEGUE_STAGE_END)
		enter_end(e, level(e), rate);
}

SEGUE_DATA_LOOP static void run_linear(const struct segue_envelope *e, float *ret, uint32_t n_frames)
{
	double slope = (e->to - e->from) / (double)(e->n_frames + 1);

	for (uint32_t i = 0; i < n_frames; i++)
		ret[i] = (float)(e->from + slope * (double)(int32_t)(e->done + i + 1));
}

/* The stage's blocks are the engine's: so a whole one is worked out once. */
SEGUE_DATA_LOOP static void begin_blocks(struct segue_envelope *e, uint32_t place)
{
	/* but what falls faster than any float can hold, counted back to the engine's, has its own */
	e->offset = -e->slope * SEGUE_BLOCK_FRAMES < STEEPEST ? place : 0;
	e->distance = (e->from - e->to) * exp2(-e->slope * e->offset);
}

/* Frames of one block: the whole block is worked out, because it takes no longer. */
SEGUE_DATA_LOOP static void run_exponential(struct segue_envelope *e, const struct segue_loops *loops, float *ret,
		uint32_t n_frames)
{
	uint32_t place = (e->offset + e->done) % SEGUE_BLOCK_FRAMES;
	float block[SEGUE_BLOCK_FRAMES], *row = n_frames == SEGUE_BLOCK_FRAMES ? ret : block;

	loops->fall(row, &e->fall, (float)e->distance);
	if (row == block)
		memcpy(ret, block + place, n_frames * sizeof(*ret));
	if (place + n_frames == SEGUE_BLOCK_FRAMES)
		e->distance *= e->left_block;
}

void segue_envelope_run(struct segue_envelope *e, const struct segue_loops *loops, uint32_t rate, uint32_t place,
		float *ret, uint32_t n_frames)
{
	uint32_t n;

	for (; n_frames > 0; place += n, ret += n, n_frames -= n) {
		if (e->stage == SEGUE_STAGE_SUSTAIN || e->stage == SEGUE_STAGE_OVER) {
			for (n = 0; n < n_frames; n++)
				ret[n] = (float)e->to;
			return;
		}
		n = (uint32_t)SPA_MIN((uint64_t)n_frames, e->n_frames - e->done);
		if (is_exponential(e)) {
			if (e->done == 0)
				begin_blocks(e, place);
			n = SPA_MIN(n, SEGUE_BLOCK_FRAMES - (uint32_t)((e->offset + e->done) % SEGUE_BLOCK_FRAMES));
			run_exponential(e, loops, ret, n);
		} else {
			run_linear(e, ret, n);
		}
		e->done += n;
		if (e->done == e->n_frames)
			segue_envelope_enter_next(e, rate);
	}
}
