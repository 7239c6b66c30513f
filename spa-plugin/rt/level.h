/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_LEVEL_H
#define SEGUE_RT_LEVEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <segue/handover.h>

#include "response.h"
#include "spectra.h"

/** \file
 * One level of a convolver: the history of its inputs, as frames and as spectra, and the work of making its
 * output blocks, cut into items. Data loop only.
 *
 * Two responses at most sound in a block, each in a *lane* of its own; their outputs are mixed later. */

#define SEGUE_LANES	2u

enum segue_level_stage {
	SEGUE_LEVEL_FORWARD,
	SEGUE_LEVEL_PRODUCTS,
	SEGUE_LEVEL_BACKWARD,
	SEGUE_LEVEL_DONE,
};

struct segue_level {
	/* constant */
	uint32_t number;	/**< of segue_levels[] */
	uint32_t block;
	const struct segue_transform *transform;
	const struct segue_vector *vector;
	struct segue_handover *handover;
	uint32_t n_in, n_out;
	uint32_t n_slots;	/**< spectra kept of each input */
	float *history;		/**< [input * 3 + block % 3], frames apart */
	float *spectra;		/**< [input * n_slots + block % n_slots], woven */
	float *silence;		/**< a chunk of a silent spectrum */
	float *sum;		/**< of products, a chunk of each joint output; silent between two chunks */
	float *ahead;		/**< [lane][output], as sums are: products of the next blocks, which one after the other */
	float *flat[SEGUE_JOINT_MAX];	/**< spectra after or before their weaving */
	float *blocks;		/**< [2][lane][output], frames apart: one is heard while the other is made */
	struct segue_work work;
	/* what is being made: the block of [begin + block, begin + 2 * block) */
	uint64_t begin;
	uint64_t silent_before;	/**< frames before this one count as silence */
	struct segue_ticket *lanes[SEGUE_LANES];	/**< held until it is done; NULL: no part in it */
	uint32_t n_before[SEGUE_LANES];	/**< blocks in a row that were made of the same before it, at most SEGUE_SUMS_MAX */
	uint64_t total, done;	/**< work, about in instructions */
	enum segue_level_stage stage;
	/* where the work stands: the input, or the first of the outputs made together; of products the chunk
	 * and the quad, of the way back the step and the output */
	uint32_t lane, channel, step, part;
	/* what is heard */
	uint32_t heard;		/**< which of blocks */
	uint64_t heard_begin;
	bool heard_lanes[SEGUE_LANES];
};

/** Cut a level's arrays from zeroed memory. \param memory  aligned to 64 bytes; NULL: only count
 * \param n_partitions  of the longest response, at least 1
 * \return bytes, a multiple of 64 */
SEGUE_MAIN_LOOP size_t segue_level_init(struct segue_level *level, void *memory, uint32_t n_partitions);

static inline SEGUE_DATA_LOOP size_t segue_level_spectrum_floats(const struct segue_level *level)
{
	return SEGUE_SPECTRUM(2 * level->block);
}
/** The spectrum of an input's two blocks before frame `end`. */
static inline SEGUE_DATA_LOOP float *segue_level_spectrum(const struct segue_level *level, uint32_t input, uint64_t end)
{
	return level->spectra + ((size_t)input * level->n_slots + end / level->block % level->n_slots) *
		segue_level_spectrum_floats(level);
}

/** A tick's frames of an input, from frame `now` on. */
SEGUE_DATA_LOOP void segue_level_write(struct segue_level *level, uint32_t input, uint64_t now,
		const float *frames);

/** Does a block begin at this tick? */
static inline SEGUE_DATA_LOOP bool segue_level_is_due(const struct segue_level *level, uint64_t now)
{
	return now % level->block == 0;
}
/** What was made is heard from now on; begin to make the next.
 * \param lanes  who will sound in [now + block, now + 2 * block), as far as it is known */
SEGUE_DATA_LOOP void segue_level_begin(struct segue_level *level, uint64_t now, uint64_t silent_before,
		struct segue_ticket *const lanes[SEGUE_LANES]);
/** This tick's part of the work. */
SEGUE_DATA_LOOP void segue_level_work(struct segue_level *level, uint64_t now);
/** Make again, all at once, what is heard and what is being made: for others than it was begun with. */
SEGUE_DATA_LOOP void segue_level_redo(struct segue_level *level, uint64_t silent_before,
		struct segue_ticket *const lanes[SEGUE_LANES]);
/** Let go of the tickets: nothing of them will be made any more. */
SEGUE_DATA_LOOP void segue_level_release(struct segue_level *level);
/** Add a tick's frames of what is heard. */
SEGUE_DATA_LOOP void segue_level_read(const struct segue_level *level, uint32_t lane, uint32_t output,
		uint64_t now, uint64_t silent_before, float *frames);

/* for the level that works within the tick */

/** The spectra of the two blocks before frame `end`. */
SEGUE_DATA_LOOP void segue_level_forward(struct segue_level *level, uint64_t end, uint64_t silent_before);
/** Convolve with the partitions from `first` on, the spectra that end at `end` and before it, and add the
 * frames of each output. */
SEGUE_DATA_LOOP void segue_level_convolve(struct segue_level *level, const struct segue_response *response,
		uint32_t first, uint64_t end, uint64_t silent_before, float (*frames)[SEGUE_TICK_FRAMES]);

#endif /* SEGUE_RT_LEVEL_H */
