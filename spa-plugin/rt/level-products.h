/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_LEVEL_PRODUCTS_H
#define SEGUE_RT_LEVEL_PRODUCTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <segue/handover.h>

#include "level.h"
#include "response.h"

/** \file
 * What a level multiplies for its outputs: spectra of its inputs with those of a response, chunk by chunk. Data
 * loop only.
 *
 * Most of the time of a long response goes into reading it. So once in so many blocks, each chunk in its turn, it is
 * multiplied for the next ones as well, as far as their spectra are known. */

/** What outputs that are made together take: of each input n_partitions spectra, all but those from `first` up to
 * `valid` being silence. */
struct segue_products {
	const struct segue_response *response;
	uint32_t output, n_joint;
	uint32_t first, valid;
	uint64_t end;		/**< of the spectrum that partition 0 takes */
	float *ahead;		/**< products of the next blocks; NULL: aren't made */
	uint32_t n_before;	/**< blocks that had this one and more ahead of them */
};

/** Floats an output's `ahead` takes; 0: the level never looks ahead. */
SEGUE_DATA_LOOP size_t segue_products_ahead_floats(const struct segue_level *level);
/** Those of the outputs from one on, with nothing made ahead. */
SEGUE_DATA_LOOP struct segue_products segue_products_find(const struct segue_level *level,
		const struct segue_response *response, uint32_t output, uint32_t first, uint64_t end,
		uint64_t silent_before);

static inline SEGUE_DATA_LOOP bool segue_products_are_silent(const struct segue_products *p)
{
	return p->valid <= p->first;
}

/** Multiply a quad of a chunk; with the last one the outputs' spectra have the chunk. */
SEGUE_DATA_LOOP void segue_products_multiply(struct segue_level *level, const struct segue_products *p,
		uint32_t chunk, uint32_t quad);
/** Quads of a chunk that make one item: all, when there is little to do. */
SEGUE_DATA_LOOP uint32_t segue_products_item_quads(const struct segue_level *level, const struct segue_products *p,
		uint32_t chunk);
/** Instructions of an item, about; or what it waits for memory. */
SEGUE_DATA_LOOP uint64_t segue_products_item_cost(const struct segue_level *level, const struct segue_products *p,
		uint32_t chunk);

#endif /* SEGUE_RT_LEVEL_PRODUCTS_H */
