/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_OUTBOX_H
#define SEGUE_OUTBOX_H

#include <stdbool.h>

#include <spa/utils/defs.h>
#include <spa/utils/list.h>

#include <segue/handover.h>

/** \file
 * Commands on their way into the ring. What it has no room for is parked in order: at most one `now` swap
 * (a newer one replaces it) and one value of each setting, so that it can't grow. Main loop only. */

struct segue_outbox {
	struct segue_handover *handover;
	uint32_t cancel;		/**< a type of command that each stands for itself */
	struct spa_list parked;
	/** A parked ticket that the data loop will never see: it is the owner's again. */
	void (*withdrawn)(struct segue_outbox *outbox, struct segue_ticket *ticket,
			enum segue_outcome outcome);
};

SEGUE_MAIN_LOOP void segue_outbox_init(struct segue_outbox *outbox, struct segue_handover *handover);
/** \return 0; -ENOMEM: it could not be parked */
SEGUE_MAIN_LOOP int segue_outbox_send(struct segue_outbox *outbox, const struct segue_command *command);
/** Send what is parked. \return true when nothing is any more */
SEGUE_MAIN_LOOP bool segue_outbox_flush(struct segue_outbox *outbox);
/** Withdraw a ticket if it is parked. \return false: it isn't */
SEGUE_MAIN_LOOP bool segue_outbox_withdraw(struct segue_outbox *outbox, struct segue_ticket *ticket,
		enum segue_outcome outcome);
/** Withdraw everything, as Gone. */
SEGUE_MAIN_LOOP void segue_outbox_clear(struct segue_outbox *outbox);

static inline SEGUE_MAIN_LOOP bool segue_outbox_is_empty(const struct segue_outbox *outbox)
{
	return spa_list_is_empty(&outbox->parked);
}

#endif /* SEGUE_OUTBOX_H */
