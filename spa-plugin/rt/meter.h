/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_METER_H
#define SEGUE_RT_METER_H

#include <stdint.h>

#include <segue/handover.h>

#include "buffers.h"
#include "statistics.h"

/** \file
 * What is watched of the outputs in a cycle: peaks, and values beyond full scale; and whether the inputs are
 * silent. Data loop only. */

struct segue_meter {
	/** \param values  n_frames of a channel */
	SEGUE_DATA_LOOP void (*watch)(struct segue_meter *meter, uint32_t channel, const float values[],
			uint32_t n_frames);
	float peak[SEGUE_CHANNELS_MAX];
	uint64_t n_clipped;
};

/** Of a zeroed meter: the way this processor watches fastest. */
SEGUE_DATA_LOOP void segue_meter_init(struct segue_meter *meter);
/** The cycle is over. */
SEGUE_DATA_LOOP void segue_meter_report(struct segue_meter *meter, uint32_t n_channels,
		struct segue_statistics *statistics);

/** Count the frames for which nothing but silence has come in.
 * \param in  n_in of them; NULL: nothing arrives there */
SEGUE_DATA_LOOP void segue_meter_watch_silence(const float *const in[], uint32_t n_in, uint32_t n_frames,
		struct segue_statistics *statistics);

#endif /* SEGUE_RT_METER_H */
