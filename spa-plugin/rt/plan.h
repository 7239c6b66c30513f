/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_PLAN_H
#define SEGUE_RT_PLAN_H

#include <stdint.h>

#include <spa/utils/defs.h>

#include <segue/handover.h>

/** \file
 * How a response is cut up: the same for every convolver and every response, so that any response finds the
 * history it needs in any convolver.
 *
 * Frames come in ticks. Level 0 works within the tick. A level above it, of block B, makes the output block
 * [T, T+B) during the ticks of [T-B, T), from what had come in before T-B: so its first tap is 2 * B. */

#define SEGUE_TICK_FRAMES	64u
#define SEGUE_LEVELS_MAX	4u
#define SEGUE_RESPONSE_MAX	(60u * 768000u)	/* frames */

#define SEGUE_SWAP_LEAD_MIN	512u

struct segue_level_shape {
	uint32_t block;		/**< frames of a partition */
	uint32_t first;		/**< its first tap */
	uint32_t n_joins;	/**< its transforms are put together from 4^n_joins small ones */
};

/* 4096 between the last two would cost two channels more in transforms than it saves them in products */
static const struct segue_level_shape segue_levels[SEGUE_LEVELS_MAX] = {
	{ 64, 0, 0 },
	{ 256, 512, 0 },
	{ 1024, 2048, 1 },
	{ 8192, 16384, 2 },
};

/** How many partitions of a level a response of so many frames has. */
static inline SEGUE_DATA_LOOP uint32_t segue_level_partitions(uint32_t level, uint64_t n_frames)
{
	const struct segue_level_shape *shape = &segue_levels[level];
	uint64_t end = n_frames;

	if (level + 1 < SEGUE_LEVELS_MAX)
		end = SPA_MIN(end, (uint64_t)segue_levels[level + 1].first);
	return end > shape->first ? (uint32_t)((end - shape->first + shape->block - 1) / shape->block) : 0;
}

/** Products are made in chunks of bins, so that their sums stay in the fastest cache: the last chunk has the
 * remaining bins, too. */
#define SEGUE_CHUNK_EIGHTS	64u

static inline SEGUE_DATA_LOOP uint32_t segue_level_chunks(uint32_t level)
{
	return SPA_MAX(segue_levels[level].block / 8 / SEGUE_CHUNK_EIGHTS, 1u);
}

/** Of a level's spectra, in eights of bins. */
static inline SEGUE_DATA_LOOP uint32_t segue_level_eights(uint32_t level)
{
	return segue_levels[level].block / 8 + 1;
}

static inline SEGUE_DATA_LOOP uint32_t segue_chunk_eights(uint32_t level, uint32_t chunk)
{
	return chunk + 1 == segue_level_chunks(level) ? segue_level_eights(level) - chunk * SEGUE_CHUNK_EIGHTS :
		SEGUE_CHUNK_EIGHTS;
}

/** How many levels it uses: those from 0 on. */
static inline SEGUE_DATA_LOOP uint32_t segue_levels_used(uint64_t n_frames)
{
	uint32_t n = 0;

	while (n < SEGUE_LEVELS_MAX && segue_level_partitions(n, n_frames) > 0)
		n++;
	return n;
}

/** Frames from the take of a swap to its start: the block of every level that holds the start, and those that
 * follow, are begun with both responses known. */
static inline SEGUE_DATA_LOOP uint32_t segue_swap_lead(uint32_t n_levels)
{
	return n_levels > 0 ? SPA_MAX(2 * segue_levels[n_levels - 1].block, SEGUE_SWAP_LEAD_MIN) :
		SEGUE_SWAP_LEAD_MIN;
}

#endif /* SEGUE_RT_PLAN_H */
