/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* The first half of a request's life: accepted, loading, ready, sent to the data loop as a ticket. And how
 * it is told what became of it. */

#include "request.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "barrier.h"
#include "now.h"

#define REQUESTS_MAX	16384u
#define SCHEDULED_MAX	64u

void segue_node_collect_soon(struct segue_node_impl *node, uint64_t nsec)
{
	node->interval_nsec = SEGUE_COLLECT_MIN_NSEC;
	segue_collector_arm(node->store->collector, nsec);
}

/* ---- claims */

struct segue_claim *segue_claim_new(struct segue_sound *sound, struct segue_buffer *buffer)
{
	/* the ticket on a cache line of its own, see handover.h */
	struct segue_claim *claim = aligned_alloc(SEGUE_CACHE_LINE,
			SPA_ROUND_UP_N(sizeof(*claim), SEGUE_CACHE_LINE));

	if (claim == NULL)
		return NULL;
	*claim = (struct segue_claim) { 0 };
	segue_sound_claim(sound);
	spa_list_init(&claim->link);
	claim->sound = sound;
	claim->ticket.buffer = segue_buffer_ref(buffer);
	claim->ticket.refs = 1;
	return claim;
}

void segue_claim_free(struct segue_claim *claim)
{
	segue_buffer_unref(claim->ticket.buffer);
	segue_sound_unclaim(claim->sound);
	free(claim);
}

/* ---- requests */

void segue_request_settle(struct segue_request *r, enum segue_outcome outcome)
{
	if (r->waiting)
		segue_sound_forget(&r->waiter);
	r->waiting = false;
	r->finished = true;
	r->outcome = outcome;
	segue_sound_unwant(r->sound);
	r->sound = NULL;
	segue_node_collect_soon(r->node, 0);
}

static void request_fail(struct segue_request *r, const struct segue_error *error)
{
	r->error = *error;
	segue_request_settle(r, SEGUE_OUTCOME_CANCELLED);
}

static struct segue_error outcome_error(const struct segue_request *r, enum segue_outcome outcome)
{
	struct segue_error e = { 0 };

	switch (outcome) {
	case SEGUE_OUTCOME_TOO_LATE:
		segue_error_set(&e, -ETIME, "at: frame %" PRIu64 " could not be met any more", r->at);
		break;
	case SEGUE_OUTCOME_CLOCK_CHANGED:
		segue_error_set(&e, -ESTALE, "at: the clock that frame %" PRIu64 " belongs to is gone", r->at);
		break;
	case SEGUE_OUTCOME_GONE:
		segue_error_set(&e, -EIDRM, "the node is gone");
		break;
	case SEGUE_OUTCOME_CANCELLED:
		if (r->error.res != 0)
			return r->error;
		segue_error_set(&e, -ECANCELED, "request %" PRIu64 " was cancelled", r->serial);
		break;
	default:
		break;
	}
	return e;
}

void segue_request_finish(struct segue_request *r, enum segue_outcome outcome, uint64_t position)
{
	struct segue_node_impl *node = r->node;
	struct segue_error error = outcome_error(r, outcome);
	struct segue_finished finished = {
		.serial = r->serial,
		.sound = r->sound_id,
		.position = position,
	};

	switch (outcome) {
	case SEGUE_OUTCOME_APPLIED:
		finished.result = SEGUE_RESULT_APPLIED;
		node->n_applied++;
		segue_node_set_error(node, NULL);
		break;
	case SEGUE_OUTCOME_SUPERSEDED:
		finished.result = SEGUE_RESULT_SUPERSEDED;
		node->n_superseded++;
		break;
	default:
		finished.result = SEGUE_RESULT_FAILED;
		finished.error = &error;
		if (error.res != -ECANCELED)
			segue_node_set_error(node, &error);
		if (r->is_setting && error.res != -ECANCELED && error.res != -EIDRM)
			segue_node_warn(node, &error);
		break;
	}
	node->last_finished = r->serial;
	node->n_requests--;
	if (!segue_request_is_now(r))
		node->n_scheduled--;
	spa_list_remove(&r->link);
	spa_hook_list_call(&node->listeners, struct segue_node_events, finished, 0, &finished);
	free(r);
}

bool segue_node_is_loading(const struct segue_node_impl *node)
{
	struct segue_request *r;

	spa_list_for_each(r, &node->requests, link) {
		if (r->claim == NULL && !r->finished)
			return true;
	}
	return false;
}

const struct segue_request *segue_node_next(const struct segue_node_impl *node)
{
	const struct segue_request *r, *next = NULL;

	spa_list_for_each(r, &node->requests, link) {
		if (!r->finished)
			next = r;
	}
	return next;
}

bool segue_node_has_unanswered_now(const struct segue_node_impl *node)
{
	struct segue_request *r;

	spa_list_for_each(r, &node->requests, link) {
		if (r->claim != NULL && segue_request_is_now(r))
			return true;
	}
	return false;
}

/* ---- sending */

static struct segue_request *request_of(struct segue_node_impl *node, const struct segue_claim *claim)
{
	struct segue_request *r;

	spa_list_for_each(r, &node->requests, link) {
		if (r->claim == claim)
			return r;
	}
	return NULL;
}

void segue_node_withdrawn(struct segue_outbox *outbox, struct segue_ticket *ticket,
		enum segue_outcome outcome)
{
	struct segue_node_impl *node = SPA_CONTAINER_OF(outbox, struct segue_node_impl, outbox);
	struct segue_claim *claim = SPA_CONTAINER_OF(ticket, struct segue_claim, ticket);
	struct segue_request *r = request_of(node, claim);

	if (r != NULL) {
		r->claim = NULL;
		segue_request_settle(r, outcome);
	} else if (claim == node->remade) {
		node->remade = NULL;
	}
	segue_claim_free(claim);
}

int segue_node_send(struct segue_node_impl *node, const struct segue_command *command)
{
	int res = segue_outbox_send(&node->outbox, command);

	if (!segue_outbox_is_empty(&node->outbox))
		segue_node_collect_soon(node, SEGUE_COLLECT_MIN_NSEC);
	return res;
}

int segue_node_send_now(struct segue_node_impl *node, const struct segue_command *command)
{
	/* what is parked goes first */
	if (!segue_outbox_flush(&node->outbox) || segue_handover_send(node->handover, command) < 0)
		return -EBUSY;
	return 0;
}

bool segue_node_has_long_paused(const struct segue_node_impl *node)
{
	return !node->running && segue_now_nsec() - node->changed_nsec >= SEGUE_LONG_PAUSE_NSEC;
}

SEGUE_DATA_LOOP static void do_forget(void *data)
{
	struct segue_node_impl *node = data;

	node->type->forget(node->engine);
}

SEGUE_DATA_LOOP static void do_settle(void *data)
{
	struct segue_node_impl *node = data;

	node->type->settle(node->engine);
}

void segue_node_settle(struct segue_node_impl *node)
{
	bool all;

	/* other nodes run on the data loop that this one's settling holds up */
	if (node->type->forget && segue_node_has_long_paused(node))
		segue_barrier(node->data_loop, do_forget, node);
	do {
		all = segue_outbox_flush(&node->outbox);
		segue_barrier(node->data_loop, do_settle, node);
	} while (!all);
}

SEGUE_DATA_LOOP static void do_lose_clock(void *data)
{
	struct segue_node_impl *node = data;

	node->type->lose_clock(node->engine);
}

void segue_node_lose_clock(struct segue_node_impl *node)
{
	struct segue_request *r;

	spa_list_for_each(r, &node->requests, link) {
		if (r->claim == NULL && !r->finished && !segue_request_is_now(r) &&
		    !(r->flags & SEGUE_TICKET_AFTER))
			segue_request_settle(r, SEGUE_OUTCOME_CLOCK_CHANGED);
	}
	segue_node_settle(node);
	segue_barrier(node->data_loop, do_lose_clock, node);
	segue_node_collect_soon(node, 0);
}

/* ---- from ready to sent */

static void supersede_older(struct segue_node_impl *node, const struct segue_request *ready)
{
	struct segue_request *r;

	spa_list_for_each(r, &node->requests, link) {
		if (r->serial >= ready->serial)
			break;
		if (segue_request_is_now(r) && r->claim == NULL && !r->finished)
			segue_request_settle(r, SEGUE_OUTCOME_SUPERSEDED);
	}
}

static uint32_t node_rate(const struct segue_node_impl *node)
{
	return node->rate != 0 ? node->rate : node->store->rate;
}

/* from the take of a swap until it is heard: before that there is nothing to see */
static uint64_t lead_nsec(const struct segue_node_impl *node, const struct segue_buffer *buffer)
{
	const struct segue_response *response = (const struct segue_response *)buffer;

	if (node->n_in == 0)
		return 0;
	return segue_swap_lead(response != NULL ? response->n_levels : 0) * SPA_NSEC_PER_SEC / node_rate(node);
}

static void publish(struct segue_request *r, struct segue_buffer *buffer)
{
	struct segue_node_impl *node = r->node;
	struct segue_command command = { .type = SEGUE_COMMAND_SWAP };
	struct segue_error error;

	if ((r->claim = segue_claim_new(r->sound, buffer)) == NULL)
		goto no_memory;
	if (r->flags & SEGUE_TICKET_AFTER)
		r->due_nsec = segue_now_nsec() + r->at;
	r->claim->ticket.serial = r->serial;
	r->claim->ticket.at = r->at;
	r->claim->ticket.fade = r->fade;
	r->claim->ticket.flags = r->flags;
	command.ticket = &r->claim->ticket;
	if (segue_node_send(node, &command) < 0) {
		segue_claim_free(r->claim);
		r->claim = NULL;
		goto no_memory;
	}
	/* the claim keeps the sound from here on */
	segue_sound_unwant(r->sound);
	r->sound = NULL;
	if (segue_request_is_now(r))
		supersede_older(node, r);
	if (node->running) {
		segue_node_collect_soon(node, SEGUE_COLLECT_MIN_NSEC + lead_nsec(node, buffer));
	} else {
		segue_node_settle(node);
		segue_node_collect_soon(node, 0);
	}
	return;
no_memory:
	segue_error_set(&error, -ENOMEM, "no memory for a request");
	request_fail(r, &error);
}

static void on_ready(struct segue_waiter *waiter, const struct segue_error *error)
{
	struct segue_request *r = SPA_CONTAINER_OF(waiter, struct segue_request, waiter);
	struct segue_sound *sound = segue_sound_final(r->sound);
	struct segue_node_impl *node = r->node;

	r->waiting = false;
	if (error != NULL) {
		request_fail(r, error);
		return;
	}
	segue_sound_want(sound);
	segue_sound_unwant(r->sound);
	r->sound = sound;
	r->sound_id = segue_sound_id(sound);
	publish(r, segue_sound_buffer(sound, &waiter->target));
	segue_node_update_state(node, false);
}

static int check_swap(const struct segue_node_impl *node, const struct segue_options *o,
		struct segue_error *error)
{
	if (o->has_at && o->has_after)
		return segue_error_set(error, -EINVAL, "after: at and after exclude each other");
	if ((o->has_at || o->has_after) && node->n_scheduled >= SCHEDULED_MAX)
		return segue_error_set(error, -EDQUOT, "at: %u swaps are scheduled already", SCHEDULED_MAX);
	if (node->n_requests >= REQUESTS_MAX)
		return segue_error_set(error, -EBUSY, "%u requests are outstanding", REQUESTS_MAX);
	return 0;
}

static void request_time(struct segue_request *r, const struct segue_options *o)
{
	r->at = SEGUE_NOW;
	r->flags = o->late ? SEGUE_TICKET_LATE : 0;
	if (o->has_at) {
		r->at = o->at;
	} else if (o->has_after) {
		r->at = llround(o->after * SPA_NSEC_PER_SEC);
		r->flags = SEGUE_TICKET_AFTER | SEGUE_TICKET_LATE;
	}
}

int segue_node_request(struct segue_node_impl *node, struct segue_sound *sound,
		const struct segue_options *options, uint64_t *ret, struct segue_error *error)
{
	struct segue_target target = segue_node_target(node);
	struct segue_sound_info info;
	struct segue_buffer *buffer;
	struct segue_request *r;
	int res;

	if ((res = check_swap(node, options, error)) < 0)
		return res;
	if (sound != NULL) {
		sound = segue_sound_final(sound);
		segue_sound_info(sound, &info);
		if (info.error != NULL) {
			*error = *info.error;
			return error->res;
		}
		if ((res = segue_sound_check(sound, &target, error)) < 0)
			return res;
	}
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return segue_error_set(error, -ENOMEM, "no memory for a request");
	r->node = node;
	r->serial = ++node->last_serial;
	r->sound = sound;
	r->sound_id = sound != NULL ? info.id : 0;
	r->fade = options->fade >= 0.0 ? options->fade : node->values[SEGUE_PROPERTY_FADE];
	request_time(r, options);
	r->waiter.ready = on_ready;
	segue_sound_want(sound);
	node->n_requests++;
	if (!segue_request_is_now(r))
		node->n_scheduled++;
	spa_list_append(&node->requests, &r->link);
	*ret = r->serial;
	spa_hook_list_call(&node->listeners, struct segue_node_events, accepted, 0, r->serial, r->sound_id,
			sound != NULL ? info.label : "");

	buffer = sound != NULL ? segue_sound_buffer(sound, &target) : NULL;
	if (sound == NULL || buffer != NULL) {
		publish(r, buffer);
	} else {
		r->waiting = true;
		segue_sound_wait(sound, &r->waiter, &target);
	}
	segue_node_update_state(node, false);
	return 0;
}

/* may it still be cancelled, as far as can be told? */
static bool is_open(const struct segue_request *r)
{
	return !r->finished && (r->claim == NULL || (!segue_ticket_is_taken(&r->claim->ticket) &&
			segue_ticket_outcome(&r->claim->ticket) == SEGUE_OUTCOME_NONE));
}

int segue_node_cancel(struct segue_node_impl *node, uint64_t serial, struct segue_error *error)
{
	struct segue_command command = { .type = node->type->cancel, .data = serial };
	struct segue_request *r;

	spa_list_for_each(r, &node->requests, link) {
		if (r->serial == serial && is_open(r))
			goto found;
	}
	return segue_error_set(error, -ENXIO, "request %" PRIu64 " isn't outstanding, or was taken", serial);
found:
	if (r->cancelling)
		return 0;
	if (r->claim == NULL) {
		segue_request_settle(r, SEGUE_OUTCOME_CANCELLED);
	} else if (!segue_outbox_withdraw(&node->outbox, &r->claim->ticket, SEGUE_OUTCOME_CANCELLED)) {
		if (segue_node_send(node, &command) < 0)
			return segue_error_set(error, -ENOMEM, "no memory to cancel a request");
		r->cancelling = true;
		if (!node->running)
			segue_node_settle(node);
		segue_node_collect_soon(node, 0);
	}
	segue_node_update_state(node, false);
	return 0;
}
