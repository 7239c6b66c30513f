/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_STATISTICS_H
#define SEGUE_RT_STATISTICS_H

#include <stdbool.h>
#include <stdint.h>

#include <segue/handover.h>

#include "buffers.h"

/** \file
 * What a node tells of itself: written by the data loop, read by the main loop at any time. Each
 * number is a relaxed atomic; the clock's four belong together and are guarded by a sequence. */

#define SEGUE_STATISTICS_CYCLES	4096u

struct segue_statistics {
	uint32_t cycle_nsec[SEGUE_STATISTICS_CYCLES];	/* ring of the last cycles' times */
	uint64_t n_timed;	/* cycles written to it, freewheeling ones left out */
	uint64_t n_cycles;
	uint64_t n_xruns;	/* cycles missed */
	uint64_t n_clipped;	/* output values beyond full scale */
	float peak[SEGUE_CHANNELS_MAX];	/* largest since it was last read; the reader sets 0 */
	uint64_t n_silent;	/* frames since anything but silence came into a device */

	uint32_t sequence;	/* odd while the clock below is being written */
	uint64_t position;	/* of the last cycle's first frame */
	uint64_t nsec;
	uint32_t rate;
	uint32_t quantum;
};

struct segue_cycle_times {
	double median_usec, p999_usec, max_usec;
};

struct segue_clock {
	uint64_t position, nsec;
	uint32_t rate, quantum;	/* 0: there was no cycle yet */
};

/** Data loop: process() begins. \return when, for segue_statistics_end_cycle() */
SEGUE_DATA_LOOP uint64_t segue_statistics_begin_cycle(struct segue_statistics *s,
		const struct segue_clock *clock);
/** Data loop: process() ends.
 * \param is_timed  whether its time counts: not when freewheeling */
SEGUE_DATA_LOOP void segue_statistics_end_cycle(struct segue_statistics *s, uint64_t begun, bool is_timed);
SEGUE_DATA_LOOP void segue_statistics_add_xruns(struct segue_statistics *s, uint64_t n);
SEGUE_DATA_LOOP void segue_statistics_add_clipped(struct segue_statistics *s, uint64_t n);
/** Data loop: the largest absolute value of a channel in this cycle. */
SEGUE_DATA_LOOP void segue_statistics_add_peak(struct segue_statistics *s, uint32_t channel, float peak);

/** Main loop. All zero when no cycle was timed. Sorts a copy of up to 4096 values. */
SEGUE_MAIN_LOOP struct segue_cycle_times segue_statistics_cycle_times(const struct segue_statistics *s);
/** Main loop: the driver's clock at the last cycle. */
SEGUE_MAIN_LOOP struct segue_clock segue_statistics_clock(const struct segue_statistics *s);
/** Main loop: largest absolute value of a channel since the last call. */
SEGUE_MAIN_LOOP float segue_statistics_take_peak(struct segue_statistics *s, uint32_t channel);

#endif /* SEGUE_RT_STATISTICS_H */
