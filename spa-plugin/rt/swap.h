/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_SWAP_H
#define SEGUE_RT_SWAP_H

#include <stdbool.h>
#include <stdint.h>

#include <spa/node/io.h>

#include <segue/handover.h>

#include "ramp.h"

/** \file
 * When a swap is heard, and how: the contract's schedule, for every engine. Data loop only.
 *
 * Tickets *wait* until they are *committed*, one at a time: a `now` ticket is taken at the first frame of
 * a cycle, an `at` ticket as many frames before its own as the wait may need. Committing makes a running
 * fade hurry, so that it is over when the committed one *starts*; so two tickets at most are sounding.
 * An `after` ticket is an `at` ticket whose frame follows from a time: found when it is taken, and anew when the
 * clock no longer leads there (another one, another rate, a long pause). It never fails.
 * A ticket keeps the one reference it came with through all of this.
 *
 * An engine adds the tickets it has taken, begins the cycle, and renders it in spans:
 *
 *     segue_swap_begin(swap, clock, rate);
 *     for (done = 0; done < n_frames; done += n) {
 *             n = segue_swap_span(swap, n_frames - done);
 *             ... render n frames of swap->current, and of swap->next if there is one ...
 *             segue_swap_advance(swap, n);
 *     } */

#define SEGUE_SWAP_SCHEDULED_MAX	64u	/* the main loop refuses more `at` swaps than that */
#define SEGUE_SWAP_WAITING_MAX		(SEGUE_SWAP_SCHEDULED_MAX + 1u)

/** A ticket on its way. */
struct segue_swap_entry {
	struct segue_ticket *ticket;
	uint64_t at;		/**< position it must start at; SEGUE_NOW: as soon as it can */
	uint32_t lead;		/**< frames an engine needs between commitment and start */
	uint32_t hurry;		/**< frames a fade gets to end in that makes way for it, at least 1 */
	uint64_t due_nsec;	/**< of an `after` ticket: by the clock's time; 0 until a cycle has taken it */
};

struct segue_swap {
	struct segue_handover *handover;	/**< what tickets are retired to */

	struct segue_ticket *current;	/**< what is heard; NULL: silence since the start */
	struct segue_ticket *next;	/**< what is being faded in, or NULL */
	struct segue_ramp fade;		/**< weight of `next`. A hard cut is one frame of weight 1 */

	struct segue_swap_entry committed;	/**< ticket NULL: none */
	uint64_t wait;				/**< frames until it starts */
	/** by position, then serial; behind those what is to be heard as soon as it can: at most one
	 * `now` ticket, and `at` tickets that came too late and don't mind */
	struct segue_swap_entry waiting[SEGUE_SWAP_WAITING_MAX];
	uint32_t n_waiting;

	uint64_t position;		/**< of the next frame, on the driver's clock */
	uint32_t clock_id;
	uint32_t rate;
	bool has_clock;			/**< there has been a cycle */
	bool is_adrift;			/**< what is left of an `after` isn't what the positions say */
};

SEGUE_DATA_LOOP void segue_swap_init(struct segue_swap *swap, struct segue_handover *handover);

/** A ticket has come through the ring. Of two `now` tickets that wait, the one with the greater serial stays.
 * \param lead, hurry  as in struct segue_swap_entry */
SEGUE_DATA_LOOP void segue_swap_add(struct segue_swap *swap, struct segue_ticket *ticket, uint32_t lead,
		uint32_t hurry);
/** Withdraw a ticket that isn't committed yet; does nothing when there is none. */
SEGUE_DATA_LOOP void segue_swap_cancel(struct segue_swap *swap, uint64_t serial);

/** A pause is a long one: the running fade counts as complete, and for an `after` ticket the time that goes by. */
SEGUE_DATA_LOOP void segue_swap_forget(struct segue_swap *swap);
/** A cycle begins, and what came before it has been added. */
SEGUE_DATA_LOOP void segue_swap_begin(struct segue_swap *swap, const struct spa_io_clock *clock, uint32_t rate);
/** How many of the next frames, at most n_max and at least 1, have the same `current` and `next`. */
SEGUE_DATA_LOOP uint32_t segue_swap_span(struct segue_swap *swap, uint32_t n_max);
/** Those frames have been rendered. */
SEGUE_DATA_LOOP void segue_swap_advance(struct segue_swap *swap, uint32_t n_frames);

/** The clock is gone for good: what was scheduled by it has failed, and what comes `after` goes on by the next one. */
SEGUE_DATA_LOOP void segue_swap_lose_clock(struct segue_swap *swap);
/** One step towards rest, for a node that isn't running: complete the fade, or start what can be at once
 * (position 0). `at` tickets wait.
 * \return false when there was nothing to do */
SEGUE_DATA_LOOP bool segue_swap_settle(struct segue_swap *swap);
/** Let every ticket go, those in the ring as well; what wasn't answered is GONE. */
SEGUE_DATA_LOOP void segue_swap_drain(struct segue_swap *swap);

#endif /* SEGUE_RT_SWAP_H */
