/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_COLLECTOR_H
#define SEGUE_COLLECTOR_H

#include <stdint.h>

#include <spa/support/loop.h>
#include <spa/utils/list.h>

#include <segue/handover.h>

/** \file
 * The collector: one timer on the main loop that looks after every node with something outstanding. It is
 * disarmed when no node has. */

#define SEGUE_COLLECT_NEVER	UINT64_MAX

struct segue_collector;

/** What it looks after. Embed it; the three members are the owner's to set. */
struct segue_collected {
	struct spa_list link;
	/** Take back what the data loop has let go, answer what it has answered.
	 * \return nanoseconds until it is worth another look, or SEGUE_COLLECT_NEVER: nothing is outstanding */
	uint64_t (*collect)(void *data);
	void *data;
};

SEGUE_MAIN_LOOP struct segue_collector *segue_collector_new(struct spa_loop_utils *utils);
/** Nothing may be registered any more. Accepts NULL. */
SEGUE_MAIN_LOOP void segue_collector_free(struct segue_collector *collector);
SEGUE_MAIN_LOOP void segue_collector_add(struct segue_collector *collector,
		struct segue_collected *collected);
SEGUE_MAIN_LOOP void segue_collector_remove(struct segue_collected *collected);
/** Look again after this long, or sooner. */
SEGUE_MAIN_LOOP void segue_collector_arm(struct segue_collector *collector, uint64_t nsec);

#endif /* SEGUE_COLLECTOR_H */
