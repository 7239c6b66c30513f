/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_BENCH_HANDOVER_H
#define SEGUE_BENCH_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "measure.h"
#include "strategies.h"

/** \file
 * The same work for every strategy: a producer makes blocks and hands them over, a consumer goes over to
 * the newest at the top of each cycle and reads a quantum of it. */

struct segue_handover_work {
	uint32_t n_frames;	/**< floats of a block */
	uint32_t n_live;	/**< blocks in use elsewhere all the time */
	uint32_t quantum;	/**< floats read per cycle, if the block has as many */
	uint32_t rate;		/**< Hz */
	uint32_t cycles;	/**< hand-overs to measure of each strategy, and as many alone */
	double seconds;		/**< but no longer than this, all strategies together */
	bool paced;		/**< a cycle per quantum of real time, not every 5 us */
};

/** One strategy's. */
struct segue_handover_result {
	/* between two threads: cache lines travel, which is the machine's part */
	struct segue_summary across;		/**< newest taken, old let go */
	struct segue_summary across_read;	/**< the same with the first quantum read */
	struct segue_summary across_collect;	/**< per block taken back, without free() */
	/* both sides in one thread, in turn: what the strategy does by itself */
	struct segue_summary alone, alone_read, alone_collect;
	uint32_t n_torn;	/**< blocks that weren't whole: must be 0 */
};

/** Runs all strategies, interleaved.
 * \param ret       in the order of segue_strategies
 * \param realtime  whether the thread had real-time priority
 * \return 0 or a negative errno */
int segue_handover_bench(const struct segue_handover_work *work,
		struct segue_handover_result ret[SEGUE_STRATEGIES_N], bool *realtime);

/** `segue-bench handover`. \return an exit status */
int segue_bench_handover(int argc, char *argv[]);

#endif /* SEGUE_BENCH_HANDOVER_H */
