/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_TABLE_H
#define SEGUE_RT_TABLE_H

#include <stdint.h>

#include <segue/handover.h>

#include "buffers.h"

/** \file
 * Reading tables. The steady voice has one phase for all of them, which runs from the engine's first frame on, as each
 * note has its own (note.h); a table keeps no state, so a new one is at once where it would have been. Data loop
 * only. */

/** Levels are chosen once a block of so many frames, counted from the engine's first. */
#define SEGUE_BLOCK_FRAMES	64u

/** As many blocks are rendered at once where nothing but notes sounds. */
#define SEGUE_RUN_BLOCKS	4u
#define SEGUE_RUN_FRAMES	(SEGUE_RUN_BLOCKS * SEGUE_BLOCK_FRAMES)

/** An output's frames. */
typedef float segue_row[SEGUE_RUN_FRAMES];

/** Nothing above this part of the rate is played. */
#define SEGUE_BAND		0.45

#define SEGUE_QUARTER_TONE	1.0293022366434921	/* 2^(1/24) */

/** The running integral of a frequency, in periods. */
struct segue_phase {
	double step;		/**< periods per frame, at most SEGUE_BAND */
	double anchor;		/**< periods, 0..1, n_frames ago: so rounding errors don't pile up, nor
				  *  depend on how frames are cut into cycles */
	uint32_t n_frames;
	uint32_t place;		/**< of the next frame in its block */
	double pitch;		/**< the step this block's level is chosen by */
	double pitch_before;	/**< and the last block's, 0 at first */
};

/** What a table is read by for some frames of one block. */
struct segue_turns {
	uint32_t n_frames;
	uint32_t place;
	double pitch, pitch_before;
	double turns[SEGUE_BLOCK_FRAMES];	/**< phase of each frame, 0..1 periods */
};

/** From the next frame on. */
SEGUE_DATA_LOOP void segue_phase_set_frequency(struct segue_phase *phase, double frequency, uint32_t rate);
/** Choose levels anew at the next frame, without a fade. */
SEGUE_DATA_LOOP void segue_phase_settle(struct segue_phase *phase);
/** How many frames are left of the block. */
SEGUE_DATA_LOOP uint32_t segue_phase_block_left(const struct segue_phase *phase);
/** Run on for n_frames, all of one block. */
SEGUE_DATA_LOOP void segue_phase_run(struct segue_phase *phase, uint32_t n_frames, struct segue_turns *ret);
/** The same for any number of frames that nothing is read by. */
SEGUE_DATA_LOOP void segue_phase_skip(struct segue_phase *phase, uint32_t n_frames);

/** The pitch levels are chosen by in the next block, where `step` periods a frame are played: up at once, down only by a
 * quarter-tone. A vibrato then doesn't flip the level. That the pitch has the hysteresis, and not a table's level,
 * makes a new table choose as if it had always been there. */
static inline SEGUE_DATA_LOOP double segue_pitch_choose(double pitch, double step)
{
	return step > pitch || step * SEGUE_QUARTER_TONE < pitch ? step : pitch;
}
/** Of a channel's levels the one with the most partials that all stay inside the band; the last has one, which
 * always does. */
SEGUE_DATA_LOOP uint32_t segue_table_find_level(const struct segue_table *table, double pitch);

/** Read turns->n_frames values of a channel. */
SEGUE_DATA_LOOP void segue_table_read(const struct segue_table *table, uint32_t channel,
		const struct segue_turns *turns, float *ret);

#endif /* SEGUE_RT_TABLE_H */
