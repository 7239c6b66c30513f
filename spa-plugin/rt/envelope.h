/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_ENVELOPE_H
#define SEGUE_RT_ENVELOPE_H

#include <stdbool.h>
#include <stdint.h>

#include <segue/handover.h>

#include "cubic.h"
#include "instrument.h"
#include "table.h"

/** \file
 * How loud a note is, from its beginning to its end. Data loop only.
 *
 * The attack goes straight up: frame i of n has (i + 1) / (n + 1). The decay's distance to the sustain level, and
 * the release, fall by 60 dB in the time given, frame i by 60 dB * i / n. What is left of a release, or of a decay
 * to nothing, goes straight down in 5 ms, as does a note that is cut short; so does a release of 0 s. Every
 * value follows from the number of its frame in its stage, whatever way frames are cut into cycles. */

enum segue_stage {
	SEGUE_STAGE_ATTACK,
	SEGUE_STAGE_DECAY,
	SEGUE_STAGE_SUSTAIN,
	SEGUE_STAGE_RELEASE,
	SEGUE_STAGE_END,	/**< the last 5 ms */
	SEGUE_STAGE_OVER,
};

struct segue_envelope {
	struct segue_envelope_shape shape;	/**< nothing negative in it */
	enum segue_stage stage;
	uint64_t done, n_frames;	/**< of the stage */
	double from, to;		/**< of it; sustain: `to` */
	/* decay and release */
	double slope;			/**< log2 of what is left after a frame */
	uint32_t offset;		/**< of the stage's first frame in a block of them */
	double distance;		/**< from `to`, where the block begins */
	double left_block;		/**< of it after SEGUE_BLOCK_FRAMES */
	struct segue_fall fall;		/**< any block */
};

SEGUE_DATA_LOOP void segue_envelope_start(struct segue_envelope *envelope,
		const struct segue_envelope_shape *shape, uint32_t rate);
/** The key is up. */
SEGUE_DATA_LOOP void segue_envelope_release(struct segue_envelope *envelope, uint32_t rate);
/** End in 5 ms. */
SEGUE_DATA_LOOP void segue_envelope_end(struct segue_envelope *envelope, uint32_t rate);
/** The values of the next n_frames frames, at most SEGUE_BLOCK_FRAMES; move on by as many. Not while it
 * sustains: its value is `to` until something else is asked for.
 * \param place  of the first one in its block; none is of the next block */
SEGUE_DATA_LOOP void segue_envelope_run(struct segue_envelope *envelope, const struct segue_loops *loops,
		uint32_t rate, uint32_t place, float *ret, uint32_t n_frames);

/** How many whole blocks from here on fall? */
static inline SEGUE_DATA_LOOP uint64_t segue_envelope_count_falling(const struct segue_envelope *e)
{
	bool falls = (e->stage == SEGUE_STAGE_DECAY || e->stage == SEGUE_STAGE_RELEASE) && e->done > 0 &&
		(e->offset + e->done) % SEGUE_BLOCK_FRAMES == 0;

	return falls ? (e->n_frames - e->done) / SEGUE_BLOCK_FRAMES : 0;
}

/** What comes after the stage's last frame. */
SEGUE_DATA_LOOP void segue_envelope_enter_next(struct segue_envelope *envelope, uint32_t rate);

/** Move on by so many of them.
 * \param ret  distance of each from where it falls to */
static inline SEGUE_DATA_LOOP void segue_envelope_fall(struct segue_envelope *e, uint32_t rate, float ret[],
		uint32_t n_blocks)
{
	double distance = e->distance;
	uint32_t b = 0;

	do {
		ret[b] = (float)distance;
		distance *= e->left_block;
	} while (++b < n_blocks);
	e->distance = distance;
	e->done += n_blocks * SEGUE_BLOCK_FRAMES;
	if (e->done == e->n_frames)
		segue_envelope_enter_next(e, rate);
}

#endif /* SEGUE_RT_ENVELOPE_H */
