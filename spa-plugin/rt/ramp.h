/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_RAMP_H
#define SEGUE_RT_RAMP_H

#include <stdbool.h>
#include <stdint.h>

#include <segue/handover.h>

/** \file
 * A value on its way to another: gains go straight, fades by the smoothstep. Every value follows from
 * the frame's number alone, so it doesn't matter how the frames are cut into cycles. */

struct segue_ramp {
	double from, to;
	uint64_t n_frames;	/**< frames between the two; 0: at rest on `to` */
	uint64_t done;		/**< of them, passed */
	bool smooth;		/**< w*w*(3-2w) rather than w */
};

/** The smoothstep: 0 at 0, 1 at 1, level at both ends. */
static inline SEGUE_DATA_LOOP double segue_smooth(double w)
{
	return w * w * (3.0 - 2.0 * w);
}

/** Value in the i-th of the frames to come: w = (frame + 1) / (n_frames + 1). */
static inline SEGUE_DATA_LOOP double segue_ramp_value(const struct segue_ramp *ramp, uint64_t i)
{
	uint64_t frame = ramp->done + i;
	double w;

	if (frame >= ramp->n_frames)
		return ramp->to;
	w = (double)(frame + 1) / (double)(ramp->n_frames + 1);
	return ramp->from + (ramp->to - ramp->from) * (ramp->smooth ? segue_smooth(w) : w);
}

/** Value in the last frame passed. */
static inline SEGUE_DATA_LOOP double segue_ramp_last(const struct segue_ramp *ramp)
{
	if (ramp->n_frames > 0 && ramp->done == 0)
		return ramp->from;
	return segue_ramp_value(ramp, (uint64_t)-1);
}

static inline SEGUE_DATA_LOOP uint64_t segue_ramp_left(const struct segue_ramp *ramp)
{
	return ramp->n_frames - ramp->done;
}

static inline SEGUE_DATA_LOOP void segue_ramp_jump(struct segue_ramp *ramp, double to)
{
	ramp->from = ramp->to = to;
	ramp->n_frames = ramp->done = 0;
}

/** Set out for another value, from wherever it is. n_frames = 0: jump. */
static inline SEGUE_DATA_LOOP void segue_ramp_start(struct segue_ramp *ramp, double to, uint64_t n_frames)
{
	ramp->from = segue_ramp_last(ramp);
	ramp->to = to;
	ramp->n_frames = n_frames;
	ramp->done = 0;
}

static inline SEGUE_DATA_LOOP void segue_ramp_advance(struct segue_ramp *ramp, uint64_t n_frames)
{
	if (n_frames < segue_ramp_left(ramp))
		ramp->done += n_frames;
	else
		segue_ramp_jump(ramp, ramp->to);
}

/** Multiply values by it, and move it on. */
SEGUE_DATA_LOOP void segue_ramp_apply(struct segue_ramp *ramp, float values[], uint32_t n_frames);

#endif /* SEGUE_RT_RAMP_H */
