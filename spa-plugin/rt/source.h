/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_SOURCE_H
#define SEGUE_RT_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include <spa/node/io.h>

#include <segue/handover.h>

#include "statistics.h"

/** \file
 * The source engine: a steady voice on a table or a sample (`trigger = always`). It knows ports only
 * as arrays of floats; whatever hosts it hands in the clock of the cycle. */

/** Settings, sent as commands in order with swaps. Before the first cycle nothing is ramped. */
enum segue_source_command {
	/* 0 is SEGUE_COMMAND_SWAP */
	SEGUE_SOURCE_CANCEL = 1,	/**< data: serial of a swap that isn't taken yet */
	SEGUE_SOURCE_GAIN,		/**< value: linear; ramped */
	SEGUE_SOURCE_BYPASS,		/**< value: 0 or 1; key: length of the fade, in microseconds */
	SEGUE_SOURCE_FREQUENCY,		/**< value: Hz */
	SEGUE_SOURCE_VOLUME,		/**< value: linear, key: channel; ramped (mute is volume 0) */
};

struct segue_source;

/** Bytes an engine needs. Any thread. */
size_t segue_source_size(uint32_t n_channels);

/** Set up an engine on the caller's memory. Before the data loop runs it; there is nothing to undo but
 * segue_source_drain().
 * \param memory      segue_source_size() zeroed bytes, aligned as calloc() aligns
 * \param n_channels  outputs, 1..SEGUE_CHANNELS_MAX
 * \param handover    where its commands come from; outlives the engine, as do the statistics
 * \return the engine: frequency 440 Hz, gain and volumes 1, not bypassed */
struct segue_source *segue_source_init(void *memory, uint32_t n_channels,
		struct segue_handover *handover, struct segue_statistics *statistics);

/** Render one cycle. Data loop.
 * \param clock  the driver's, with this cycle's position, rate, nsec, duration, id and flags
 * \param out    n_channels pointers to n_frames values; NULL for a port nobody listens to
 * \param n_frames  1..8192 */
SEGUE_DATA_LOOP void segue_source_process(struct segue_source *source,
		const struct spa_io_clock *clock, float *const out[], uint32_t n_frames);

/** The node has been taken off the graph or put back on it: what was missed meanwhile is a pause, not
 * missed cycles. Through the barrier only. */
SEGUE_DATA_LOOP void segue_source_pause(struct segue_source *source);

/** PipeWire is gone and its clock with it: what was scheduled by that has failed. Through the barrier. */
SEGUE_DATA_LOOP void segue_source_lose_clock(struct segue_source *source);

/** Take every command although no cycle runs: `now` swaps are applied at once (position 0), running
 * fades complete, settings jump; `at` swaps wait. Through the barrier only: runs on the data loop, or in
 * its place. */
SEGUE_DATA_LOOP void segue_source_settle(struct segue_source *source);

/** Let everything go: ring, schedule, fade, voice; what wasn't answered is GONE. Through the barrier. */
SEGUE_DATA_LOOP void segue_source_drain(struct segue_source *source);

#endif /* SEGUE_RT_SOURCE_H */
