/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_SWAP_H
#define SEGUE_RT_SWAP_H

#include <stdbool.h>
#include <stdint.h>

#include <segue/handover.h>

/** \file
 * When a swap is heard, and how: the contract's schedule, for every engine. Data loop only.
 *
 * A `now` ticket waits as *pending* (a newer one supersedes it) until no other waits to be faded
 * in; then it is *taken* at the first frame of a cycle: committed, to start after `lead` frames and
 * not before the running fade has ended, which hurries. An `at` ticket waits in the schedule and
 * is taken in time for its frame. So two tickets at most are sounding. */

#define SEGUE_SWAP_SCHEDULED_MAX	64u

struct segue_fade {
	uint64_t n_frames;	/**< length; 0: no fade is running */
	uint64_t done;		/**< frames already rendered */
	double from;		/**< weight of the new before the first frame: 0, or g0 of a hurried fade */
};

/** Weight of the new in frame i of a fade of n: from + (1-from) * (w*w*(3-2w)), w = (i+1)/(n+1). */
SEGUE_DATA_LOOP double segue_fade_weight(const struct segue_fade *fade, uint64_t i);

struct segue_swap {
	struct segue_handover *handover;
	/** hurry of a fade that ticket `next` interrupts, and frames from a take to the first frame;
	 * both follow from the buffer. Source: 256 and 0. */
	uint32_t (*hurry)(const struct segue_ticket *next);
	uint32_t (*lead)(const struct segue_ticket *next);

	struct segue_ticket *current;	/**< what is heard; NULL: silence since the start */
	struct segue_ticket *next;	/**< what is faded in, while fade.n_frames > 0 */
	struct segue_fade fade;
	struct segue_ticket *committed;	/**< taken, starts in `wait` frames */
	uint64_t wait;
	struct segue_ticket *pending;	/**< the newest `now` ticket not yet taken */
	struct segue_ticket *scheduled[SEGUE_SWAP_SCHEDULED_MAX];	/**< by position, then serial */
	uint32_t n_scheduled;
	uint64_t position;		/**< of the next frame, on the driver's clock */
	uint32_t clock_id;
	uint32_t rate;
};

#endif /* SEGUE_RT_SWAP_H */
