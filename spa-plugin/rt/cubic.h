/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_CUBIC_H
#define SEGUE_RT_CUBIC_H

#include <stdint.h>

#include <segue/handover.h>

#include "table.h"

/** \file
 * The inner loops of a note. Data loop only. */

/** Where frames are read: between data[frame] and the one after it. */
struct segue_places {
	int32_t frame[SEGUE_BLOCK_FRAMES];
	float t[SEGUE_BLOCK_FRAMES];
};

/** A block on its way to a value: frame i is to + distance * left[i % 8] * left_8 to the power of i / 8. */
struct segue_fall {
	float to, left_8;
	float left[8];
};

/** For each kind of processor; all give the same values. */
struct segue_loops {
	const char *name;
	/** \param fraction, step  what lies behind the binary point is `bits` wide, at least 24 */
	SEGUE_DATA_LOOP void (*find)(struct segue_places *places, uint64_t fraction, uint64_t step, uint32_t bits,
			uint32_t n_frames);
	/** The cubic through four neighbours (hermite.h), for places first..first + n_frames - 1. */
	SEGUE_DATA_LOOP void (*interpolate)(const float *data, const struct segue_places *places, uint32_t first,
			float *ret, uint32_t n_frames);
	/** rows[0][i] += gain * left[i], and the same from right to rows[1]. \param right  NULL: there is no such row */
	SEGUE_DATA_LOOP void (*add)(segue_row *restrict rows, const float *left, const float *right,
			float gain, uint32_t n_frames);
	/** rows[0][i] += gain * gains[i] * left[i], and so on */
	SEGUE_DATA_LOOP void (*add_shaped)(segue_row *restrict rows, const float *left,
			const float *right, float gain, const float *gains, uint32_t n_frames);
	/** The same with what falls as gains, for whole blocks, at least one. */
	SEGUE_DATA_LOOP void (*add_falling)(segue_row *restrict rows, const float *left,
			const float *right, float gain, const struct segue_fall *fall,
			const float *distances, uint32_t n_blocks);
	/** A whole block of what falls. */
	SEGUE_DATA_LOOP void (*fall)(float *row, const struct segue_fall *fall, float distance);
};

/** Plain C, and whatever the compiler makes of it. */
extern const struct segue_loops segue_loops_portable;

/** The fastest this processor can run. Any thread. */
SEGUE_DATA_LOOP const struct segue_loops *segue_loops_best(void);

#endif /* SEGUE_RT_CUBIC_H */
