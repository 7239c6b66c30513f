/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_INSTRUMENT_H
#define SEGUE_RT_INSTRUMENT_H

#include <stdbool.h>
#include <stdint.h>

#include <segue/handover.h>

#include "buffers.h"

/** \file
 * A buffer of many recordings and when each of them sounds: one SFZ instrument. A worker fills it in, after
 * that nothing in it changes. */

#define SEGUE_REGIONS_MAX	4096u

/** Seconds, and a level 0..1; negative: the node's own. */
struct segue_envelope_shape {
	float attack, decay, sustain, release;
};

/** One recording over a range of keys and velocities. */
struct segue_region {
	uint8_t key_low, key_high;		/**< inclusive */
	uint8_t velocity_low, velocity_high;	/**< inclusive */
	bool one_shot;		/**< plays to its end whatever the key does */
	uint32_t group;		/**< 0: none */
	uint32_t off_by;	/**< a note of that group ends this one; 0: none does */
	double root;		/**< key that plays it at its own pitch, with its tuning: may lie between two */
	float key_tracking;	/**< semitones of pitch per key: 1, or 0 for one pitch everywhere */
	float velocity_tracking;	/**< 1: as loud as (v / 127)^2, 0: always as loud as at 127 */
	float gain;		/**< linear */
	float pan;		/**< -1 left .. 1 right, equal power, 0: as it is */
	struct segue_envelope_shape envelope;
	const struct segue_sample *sample;	/**< with its loop; in the same memory; its buffer isn't used */
};

/** \param velocity  0..1 */
static inline SEGUE_DATA_LOOP bool segue_region_matches(const struct segue_region *region, uint8_t key, double velocity)
{
	uint8_t v = (uint8_t)(velocity * 127.0 + 0.5);

	return key >= region->key_low && key <= region->key_high && v >= region->velocity_low &&
		v <= region->velocity_high;
}

struct segue_instrument {
	struct segue_buffer buffer;
	uint32_t n_regions;
	struct segue_region *regions;	/**< in the file's order: all that match a note sound together */
};

#endif /* SEGUE_RT_INSTRUMENT_H */
