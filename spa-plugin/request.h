/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_REQUEST_H
#define SEGUE_REQUEST_H

#include "node.h"
#include "rt/play.h"

/** \file
 * Requests and claims from the inside, for request.c (accepted, made ready, sent) and collect.c (answered,
 * collected, made anew). */

#define SEGUE_COLLECT_MIN_NSEC	UINT64_C(20000000)
#define SEGUE_COLLECT_MAX_NSEC	UINT64_C(1000000000)
#define SEGUE_LONG_PAUSE_NSEC	UINT64_C(500000000)

/** A ticket and what it keeps alive. */
struct segue_claim {
	union {
		struct segue_ticket ticket;
		struct segue_play play;	/* which begins with its ticket */
	};
	struct spa_list link;		/* of the node's heard ones, or its plays */
	struct segue_sound *sound;	/* claimed; NULL: silence */
	bool retired;			/* the data loop has let go of it */
};

/** A request from its acceptance until its outcome has been told. */
struct segue_request {
	struct spa_list link;
	struct segue_node_impl *node;
	uint64_t serial;
	struct segue_sound *sound;	/* wanted; NULL: silence */
	uint64_t sound_id;
	double fade;
	uint64_t at;			/* as in its ticket */
	uint32_t flags;
	uint64_t due_nsec;		/* when `after` is over, had it been taken as it was sent */
	struct segue_waiter waiter;
	bool waiting;
	bool is_setting;		/* of segue.load, segue.wave: nobody gets an answer */
	bool cancelling;		/* the data loop has been told to withdraw it */
	struct segue_claim *claim;	/* its ticket, once it is ready */
	bool finished;			/* the outcome below is final, and only has to be told */
	enum segue_outcome outcome;
	struct segue_error error;	/* outcome CANCELLED with res != 0: it failed */
};

/** Claim a sound for the data loop. \return NULL: no memory */
SEGUE_MAIN_LOOP struct segue_claim *segue_claim_new(struct segue_sound *sound,
		struct segue_buffer *buffer);
SEGUE_MAIN_LOOP void segue_claim_free(struct segue_claim *claim);

static inline bool segue_request_is_now(const struct segue_request *r)
{
	return r->at == SEGUE_NOW;
}

/** Its outcome is known on this side; it is told by collect(), never from within a call. */
SEGUE_MAIN_LOOP void segue_request_settle(struct segue_request *r, enum segue_outcome outcome);
/** Tell what became of it, and free it. */
SEGUE_MAIN_LOOP void segue_request_finish(struct segue_request *r, enum segue_outcome outcome,
		uint64_t position);
/** The newest request that isn't heard yet, or NULL. */
SEGUE_MAIN_LOOP const struct segue_request *segue_node_next(const struct segue_node_impl *node);
/** Is there a `now` swap the data loop hasn't answered? */
SEGUE_MAIN_LOOP bool segue_node_has_unanswered_now(const struct segue_node_impl *node);
/** Has it been off the graph for as long as the contract calls a long pause? */
SEGUE_MAIN_LOOP bool segue_node_has_long_paused(const struct segue_node_impl *node);
/** Have a node that isn't running take everything: it takes nothing by itself. */
SEGUE_MAIN_LOOP void segue_node_settle(struct segue_node_impl *node);
/** Look again after this long, or sooner. */
SEGUE_MAIN_LOOP void segue_node_collect_soon(struct segue_node_impl *node, uint64_t nsec);

#endif /* SEGUE_REQUEST_H */
