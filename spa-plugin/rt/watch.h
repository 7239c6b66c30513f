/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_WATCH_H
#define SEGUE_RT_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include <spa/node/io.h>

#include <segue/handover.h>

/** \file
 * What lies between two cycles, told from the driver's clock. Data loop only. */

struct segue_watch {
	struct spa_io_clock last;	/**< of the last cycle; its duration is 0 before the first */
	bool paused;			/**< off the graph since */
};

struct segue_gap {
	bool is_long;		/**< 0.5 s or more went by: the contract's pause */
	uint64_t n_missed;	/**< cycles that should have run */
};

/** Look at the clock of a cycle that begins. */
SEGUE_DATA_LOOP struct segue_gap segue_watch_cycle(struct segue_watch *watch,
		const struct spa_io_clock *clock);

#endif /* SEGUE_RT_WATCH_H */
