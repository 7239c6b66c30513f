/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_CTL_STATUS_H
#define SEGUE_CTL_STATUS_H

#include <poll.h>

#include <json-c/json.h>

#include "ctl.h"

/** \file
 * All nodes and the service's memory, asked for again and again without waiting for the answer. */

struct segue_status {
	struct segue_ctl *ctl;
	json_object *service;	/**< properties of its manager; NULL: it isn't running */
	json_object *nodes;	/**< as of segue_json_objects() */
	bool fresh;		/**< an answer has come; for the reader to clear */
	uint64_t asked_usec;	/**< an answer is due since then; 0: none is */
	uint64_t next_usec;	/**< when to ask again */
};

/** \return SEGUE_EXIT_NO_SERVICE: there is none to begin with */
enum segue_exit segue_status_init(struct segue_status *status, struct segue_ctl *ctl);
void segue_status_clear(struct segue_status *status);

/** Wait for a message, and ask when it is time to, unless an answer is due. A service that isn't there is an answer,
 * too.
 * \param fd  what else to wake up for
 * \param period_usec  from one question to the next
 * \return as segue_bus_wait(), but it has no deadline */
int segue_status_wait(struct segue_status *status, struct pollfd *fd, uint64_t period_usec);
/** Has the service been silent for too long? */
bool segue_status_is_late(const struct segue_status *status);

#endif /* SEGUE_CTL_STATUS_H */
