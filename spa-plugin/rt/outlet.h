/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_OUTLET_H
#define SEGUE_RT_OUTLET_H

#include <stdbool.h>
#include <stdint.h>

#include <segue/handover.h>

#include "buffers.h"
#include "meter.h"
#include "ramp.h"
#include "table.h"

/** \file
 * What becomes of a source's sound: its gain, or silence where it is bypassed, times the output's volume; and what
 * is watched on the way. Data loop only. */

struct segue_outlet {
	struct segue_ramp gain;
	struct segue_ramp bypass;	/**< 0: bypassed, 1: heard */
	struct segue_ramp restart;	/**< 0..1 after a long pause */
	struct segue_ramp volume[SEGUE_CHANNELS_MAX];
	struct segue_meter meter;	/**< of the outputs, in this cycle */
};

/** What frames are multiplied by: all by the same unless a ramp moves. */
struct segue_outlet_levels {
	bool is_moving;
	float rest;
	segue_row values;
};

/** All at 1, not bypassed. */
SEGUE_DATA_LOOP void segue_outlet_init(struct segue_outlet *o);
/** The levels of the next frames, at most SEGUE_RUN_FRAMES; they move on. */
SEGUE_DATA_LOOP void segue_outlet_advance(struct segue_outlet *o, uint32_t n_frames, struct segue_outlet_levels *ret);
/** One output with them. */
SEGUE_DATA_LOOP void segue_outlet_apply(struct segue_outlet *o, const struct segue_outlet_levels *levels,
		uint32_t output, const float *restrict values, float *restrict ret, uint32_t n_frames);
/** All ramps end. */
SEGUE_DATA_LOOP void segue_outlet_settle(struct segue_outlet *o);

#endif /* SEGUE_RT_OUTLET_H */
