/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_WETDRY_H
#define SEGUE_RT_WETDRY_H

#include <stdint.h>

#include <segue/handover.h>

#include "buffers.h"
#include "meter.h"
#include "plan.h"
#include "ramp.h"

/** \file
 * What becomes of the convolved and the plain signal: gain * (dry * in + wet * convolved), or bypassed the
 * plain one as it is, times the output's volume; and what is watched on the way. Data loop only. */

struct segue_wetdry {
	struct segue_ramp gain, wet, dry;
	struct segue_ramp bypass;	/**< 0: bypassed, 1: heard */
	struct segue_ramp restart;	/**< 0..1 after a long pause */
	struct segue_ramp volume[SEGUE_CHANNELS_MAX];
	struct segue_meter meter;	/**< of the outputs, in this cycle */
};

/** What the two signals count for in the next frames. */
struct segue_wetdry_levels {
	float wet[SEGUE_TICK_FRAMES], dry[SEGUE_TICK_FRAMES];
};

/** Gain, wet and volumes 1, dry 0, not bypassed. */
SEGUE_DATA_LOOP void segue_wetdry_init(struct segue_wetdry *w);
/** The levels of the next frames, at most a tick; they move on. */
SEGUE_DATA_LOOP void segue_wetdry_advance(struct segue_wetdry *w, uint32_t n_frames,
		struct segue_wetdry_levels *ret);
/** One output with them.
 * \param values  convolved; what is heard when it returns
 * \param in      plain, or NULL: silence */
SEGUE_DATA_LOOP void segue_wetdry_apply(struct segue_wetdry *w, const struct segue_wetdry_levels *levels,
		uint32_t output, const float *in, float *values, uint32_t n_frames);
/** All ramps end. */
SEGUE_DATA_LOOP void segue_wetdry_settle(struct segue_wetdry *w);

#endif /* SEGUE_RT_WETDRY_H */
