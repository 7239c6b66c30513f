/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_CONVOLVER_H
#define SEGUE_RT_CONVOLVER_H

#include <stddef.h>
#include <stdint.h>

#include <spa/node/io.h>

#include <segue/handover.h>

#include "buffers.h"
#include "response.h"
#include "spectra.h"
#include "statistics.h"

/** \file
 * The convolver engine: inputs, responses, outputs, with no latency of its own. It knows ports only as arrays
 * of floats; whatever hosts it hands in the clock of the cycle.
 *
 * Its state follows from the number of frames alone, however they are cut into cycles. Frames are worked on
 * in ticks: the taps of the tick itself by a spectrum when a cycle brings the whole tick, directly otherwise. */

/** Settings, sent as commands in order with swaps. Before the first cycle nothing is ramped. */
enum segue_convolver_command {
	/* 0 is SEGUE_COMMAND_SWAP */
	SEGUE_CONVOLVER_CANCEL = 1,	/**< data: serial of a swap that isn't taken yet */
	SEGUE_CONVOLVER_GAIN,		/**< value: linear; ramped, as those that follow */
	SEGUE_CONVOLVER_WET,		/**< value: linear */
	SEGUE_CONVOLVER_DRY,		/**< value: linear */
	SEGUE_CONVOLVER_BYPASS,		/**< value: 0 or 1; key: length of the fade, in microseconds */
	SEGUE_CONVOLVER_VOLUME,		/**< value: linear, key: output */
};

struct segue_convolver_config {
	uint32_t n_in, n_out;		/**< 1..SEGUE_CHANNELS_MAX */
	uint64_t frames_max;		/**< of the longest response, 1..SEGUE_RESPONSE_MAX */
	const struct segue_transforms *transforms;	/**< outlive the engine, as do the next two */
	struct segue_handover *handover;
	struct segue_statistics *statistics;
	const struct segue_vector *vector;	/**< NULL: the best */
};

struct segue_convolver;

/** Bytes an engine needs. Any thread. */
SEGUE_MAIN_LOOP size_t segue_convolver_size(const struct segue_convolver_config *config);

/** Set up an engine on the caller's memory. Before the data loop runs it; there is nothing to undo but
 * segue_convolver_drain().
 * \param memory  segue_convolver_size() zeroed bytes
 * \return the engine: silent, gain, wet and volumes 1, dry 0, not bypassed */
SEGUE_MAIN_LOOP struct segue_convolver *segue_convolver_init(void *memory, const struct segue_convolver_config *config);

/** Render one cycle. Data loop. Tickets carry a struct segue_response for these inputs and outputs, of
 * frames_max frames at most, or no buffer: silence.
 * \param clock  the driver's, with this cycle's position, rate, nsec, duration, id and flags
 * \param in     n_in pointers to n_frames values; NULL: silence
 * \param out    n_out pointers to n_frames values; NULL for a port nobody listens to. May be those of in
 * \param n_frames  1..8192 */
SEGUE_DATA_LOOP void segue_convolver_process(struct segue_convolver *conv, const struct spa_io_clock *clock,
		const float *const in[], float *const out[], uint32_t n_frames);

/** The node has been taken off the graph or put back on it: what was missed meanwhile is a pause, not missed
 * cycles. Through the barrier only. */
SEGUE_DATA_LOOP void segue_convolver_pause(struct segue_convolver *conv);

/** The pause has become a long one: what was heard counts as silence, which the next cycle would find, too.
 * Before settle, it spares that the work of looking back. Through the barrier only. */
SEGUE_DATA_LOOP void segue_convolver_forget(struct segue_convolver *conv);

/** Take every command although no cycle runs: `now` swaps are applied at once (position 0) with the history
 * there is, running fades complete, settings jump; `at` swaps wait. Through the barrier only. A swap costs
 * a few milliseconds here. */
SEGUE_DATA_LOOP void segue_convolver_settle(struct segue_convolver *conv);

/** The clock is gone for good: what was scheduled by it has failed. Through the barrier. */
SEGUE_DATA_LOOP void segue_convolver_lose_clock(struct segue_convolver *conv);

/** Let everything go: ring, schedule, fade, levels; what wasn't answered is GONE. Through the barrier. */
SEGUE_DATA_LOOP void segue_convolver_drain(struct segue_convolver *conv);

#endif /* SEGUE_RT_CONVOLVER_H */
