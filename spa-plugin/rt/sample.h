/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_SAMPLE_H
#define SEGUE_RT_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include <segue/handover.h>

#include "buffers.h"

/** \file
 * Reading samples, at any ratio of rates. Data loop only. */

/** Where a sample will be read next. */
struct segue_playhead {
	uint64_t frame;
	double fraction;	/**< 0..1 of the way to the frame after it: good for any length */
	bool looped;		/**< the loop's first frame is preceded by its last */
};

/** Read n_frames values of a channel at the graph's rate: as they are when the rates are equal and the
 * playhead stands on a frame, interpolated otherwise; zeros behind the end. */
SEGUE_DATA_LOOP void segue_sample_read(const struct segue_sample *sample, uint32_t channel,
		struct segue_playhead head, uint32_t rate, float *ret, uint32_t n_frames);
/** Move the playhead on by as much. */
SEGUE_DATA_LOOP void segue_playhead_advance(struct segue_playhead *head, const struct segue_sample *sample,
		uint32_t rate, uint32_t n_frames);
/** The same time in the same sound made for another rate, to the nearest frame: so values are copied again.
 * A shift of half a frame is inaudible inside a fade; interpolating from then on would dull the highest
 * octave for good.
 * \param old_rate  of the sample `head` was on */
SEGUE_DATA_LOOP struct segue_playhead segue_playhead_remade(const struct segue_playhead *head,
		uint32_t old_rate, const struct segue_sample *sample);

#endif /* SEGUE_RT_SAMPLE_H */
