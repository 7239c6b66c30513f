/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_BUS_CALL_H
#define SEGUE_BUS_CALL_H

#include "bus-private.h"

/** \file
 * Calls from the inside, for bus-call.c (begun, answered, over) and bus-load.c (what they load). */

/** A call of the bus that isn't over: its reply waits for a file's header or for a request's end, or
 * its load is still counted. */
struct segue_bus_call {
	struct segue_bus *bus;
	sd_bus_message *message;	/* to be answered; NULL: it has been */

	/* the load, until its sound is made */
	struct spa_list load_link;
	bool loading;
	struct segue_bus_client *client;	/* NULL: it left */
	uint64_t id;
	uint64_t bytes;			/* as counted at the client */
	/* until the header is read */
	struct segue_sound *sound;	/* owned; NULL: the header is read */
	struct segue_bus_deadline deadline;
	bool keep;

	/* the request, until it is finished */
	struct spa_list node_link;
	struct segue_bus_node *node;	/* NULL: there is none, or it is finished */
	uint64_t serial;
	struct segue_bus_queued queued;
	bool wait;
	bool refused;			/* the caller was told of an error: it knows no serial */
};

/* ----------------------------------------------------------- bus-call.c */

/** Accepts NULL. */
void segue_bus_call_free(struct segue_bus_call *call);
/** Everything about it may be over by now. */
void segue_bus_call_check(struct segue_bus_call *call);
/** Its message has been. */
void segue_bus_call_answered(struct segue_bus_call *call);
/** Answer with the request's serial, or with an error, unless it has been. */
void segue_bus_call_answer(struct segue_bus_call *call);
void segue_bus_call_fail(struct segue_bus_call *call, const struct segue_error *why);

/* ----------------------------------------------------------- bus-load.c */

/** Begin to make a call's sound, within its client's quotas.
 * \param node  it is made for; NULL: anyone
 * \return NULL with an error */
struct segue_sound *segue_bus_load_make(struct segue_bus_call *call, struct segue_bus_client *client,
		struct segue_bus_node *node, struct segue_recipe *recipe, struct segue_error *why);
/** A call for a file begins: it counts, and its header has 4 s. */
void segue_bus_load_begin(struct segue_bus_call *call, struct segue_bus_client *client,
		struct segue_sound *sound, bool wait);
/** A wave has no header to wait for, and isn't a load for long. */
int segue_bus_load_generated(struct segue_bus_call *call, struct segue_bus_client *client,
		struct segue_sound *sound, sd_bus_error *error);
/** Stop waiting for the header; the ownership goes to the caller. \return NULL: it has been read */
struct segue_sound *segue_bus_load_take(struct segue_bus_call *call);
/** It counts no longer. */
void segue_bus_load_end(struct segue_bus_call *call);
/** \param sound  NULL is fine */
void segue_bus_disown(struct segue_bus *bus, struct segue_sound *sound);

#endif /* SEGUE_BUS_CALL_H */
