/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* The life of a request: accepted, loading, sent to the data loop as a ticket (or parked before it),
 * answered there, finished here, its ticket collected and freed. */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include <spa/utils/result.h>

#include "barrier.h"
#include "node.h"

#define REQUESTS_MAX		16384u
#define SCHEDULED_MAX		64u
#define GARBAGE_PER_TICK	1024u

#define SOON_NSEC		UINT64_C(1000000)
#define INTERVAL_MIN_NSEC	UINT64_C(20000000)
#define INTERVAL_MAX_NSEC	UINT64_C(1000000000)
#define PAUSE_NSEC		UINT64_C(500000000)
#define WATCH_NSEC		UINT64_C(100000000)
#define WATCH_MAX_NSEC		UINT64_C(5000000000)

/** A ticket and what it keeps alive. */
struct segue_claim {
	struct segue_ticket ticket;
	struct segue_sound *sound;	/* claimed; NULL: silence */
	bool retired;			/* the data loop has let go of it */
};

struct request {
	struct spa_list link;
	struct segue_node_impl *node;
	uint64_t serial;
	struct segue_sound *sound;	/* wanted; NULL: silence */
	uint64_t sound_id;
	double fade;
	uint64_t at;
	uint32_t flags;
	struct segue_waiter waiter;
	bool waiting;
	struct segue_claim *claim;	/* its ticket, once it is ready */
	bool finished;			/* the outcome below is final, and only has to be told */
	enum segue_outcome outcome;
	struct segue_error error;	/* outcome CANCELLED with res != 0: it failed */
};

struct parked {
	struct spa_list link;
	struct segue_command command;
};

static uint64_t now_nsec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return SPA_TIMESPEC_TO_NSEC(&now);
}

static void collect_soon(struct segue_node_impl *node, uint64_t nsec)
{
	node->interval_nsec = INTERVAL_MIN_NSEC;
	segue_collector_arm(node->store->collector, nsec);
}

/* ---- claims */

static struct segue_claim *claim_new(struct segue_sound *sound, struct segue_buffer *buffer)
{
	struct segue_claim *claim = calloc(1, sizeof(*claim));

	if (claim == NULL)
		return NULL;
	segue_sound_claim(sound);
	claim->sound = sound;
	claim->ticket.buffer = segue_buffer_ref(buffer);
	claim->ticket.refs = 1;
	return claim;
}

static void claim_free(struct segue_claim *claim)
{
	segue_buffer_unref(claim->ticket.buffer);
	segue_sound_unclaim(claim->sound);
	free(claim);
}

struct segue_sound *segue_node_sound(const struct segue_node_impl *node)
{
	return node->current != NULL ? node->current->sound : NULL;
}

/* ---- requests */

static bool is_now(const struct request *r)
{
	return r->at == SEGUE_NOW;
}

/* its outcome is known on this side; it is told from collect(), never from within a call */
static void request_settle(struct request *r, enum segue_outcome outcome)
{
	if (r->waiting)
		segue_sound_forget(&r->waiter);
	r->waiting = false;
	r->finished = true;
	r->outcome = outcome;
	segue_sound_unwant(r->sound);
	r->sound = NULL;
	collect_soon(r->node, 0);
}

static void request_fail(struct request *r, const struct segue_error *error)
{
	r->error = *error;
	request_settle(r, SEGUE_OUTCOME_CANCELLED);
}

static struct segue_error outcome_error(const struct request *r, enum segue_outcome outcome)
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

static void request_finish(struct request *r, enum segue_outcome outcome, uint64_t position)
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
		node->last_error = (struct segue_error) { 0 };
		break;
	case SEGUE_OUTCOME_SUPERSEDED:
		finished.result = SEGUE_RESULT_SUPERSEDED;
		node->n_superseded++;
		break;
	default:
		finished.result = SEGUE_RESULT_FAILED;
		finished.error = &error;
		if (error.res != -ECANCELED)
			node->last_error = error;
		break;
	}
	node->last_finished = r->serial;
	node->n_requests--;
	if (!is_now(r))
		node->n_scheduled--;
	spa_list_remove(&r->link);
	spa_hook_list_call(&node->listeners, struct segue_node_events, finished, 0, &finished);
	free(r);
}

bool segue_node_is_loading(const struct segue_node_impl *node)
{
	struct request *r;

	spa_list_for_each(r, &node->requests, link) {
		if (r->claim == NULL && !r->finished)
			return true;
	}
	return false;
}

static bool has_unanswered_now(const struct segue_node_impl *node)
{
	struct request *r;

	spa_list_for_each(r, &node->requests, link) {
		if (r->claim != NULL && is_now(r))
			return true;
	}
	return false;
}

/* ---- sending, and parking what the ring has no room for */

static void unpark(struct parked *p)
{
	spa_list_remove(&p->link);
	free(p);
}

static struct request *request_of(struct segue_node_impl *node, const struct segue_ticket *ticket)
{
	struct request *r;

	spa_list_for_each(r, &node->requests, link) {
		if (r->claim != NULL && &r->claim->ticket == ticket)
			return r;
	}
	return NULL;
}

/* a parked ticket that the data loop will never see */
static void withdraw(struct segue_node_impl *node, struct parked *p, enum segue_outcome outcome)
{
	struct segue_claim *claim = SPA_CONTAINER_OF(p->command.ticket, struct segue_claim, ticket);
	struct request *r = request_of(node, p->command.ticket);

	if (r != NULL) {
		r->claim = NULL;
		request_settle(r, outcome);
	} else if (claim == node->remade) {
		node->remade = NULL;
	}
	claim_free(claim);
	unpark(p);
}

static bool is_now_swap(const struct segue_command *c)
{
	return c->type == SEGUE_COMMAND_SWAP && c->ticket->at == SEGUE_NOW;
}

/* what a newer command makes pointless: an older swap, an older value of the same setting */
static void forget_outdated(struct segue_node_impl *node, const struct segue_command *command)
{
	struct parked *p, *tmp;

	spa_list_for_each_safe(p, tmp, &node->parked, link) {
		if (is_now_swap(command) && is_now_swap(&p->command))
			withdraw(node, p, SEGUE_OUTCOME_SUPERSEDED);
		else if (command->type != SEGUE_COMMAND_SWAP && command->type != node->type->cancel &&
			 p->command.type == command->type && p->command.key == command->key)
			unpark(p);
	}
}

static void unpark_all(struct segue_node_impl *node)
{
	while (!spa_list_is_empty(&node->parked)) {
		struct parked *p = spa_list_first(&node->parked, struct parked, link);

		if (segue_handover_send(node->handover, &p->command) < 0)
			break;
		unpark(p);
	}
}

int segue_node_send(struct segue_node_impl *node, const struct segue_command *command)
{
	struct parked *p;

	unpark_all(node);
	if (spa_list_is_empty(&node->parked) && segue_handover_send(node->handover, command) == 0)
		return 0;
	forget_outdated(node, command);
	if ((p = calloc(1, sizeof(*p))) == NULL)
		return -ENOMEM;
	p->command = *command;
	spa_list_append(&node->parked, &p->link);
	collect_soon(node, INTERVAL_MIN_NSEC);
	return 0;
}

static void do_settle(void *data)
{
	struct segue_node_impl *node = data;

	node->type->settle(node->engine);
}

/* a node that isn't running takes nothing by itself */
static void settle(struct segue_node_impl *node)
{
	do {
		unpark_all(node);
		segue_barrier(node->data_loop, do_settle, node);
	} while (!spa_list_is_empty(&node->parked));
}

/* ---- from ready to sent */

static void supersede_older(struct segue_node_impl *node, const struct request *ready)
{
	struct request *r;

	spa_list_for_each(r, &node->requests, link) {
		if (r->serial >= ready->serial)
			break;
		if (is_now(r) && r->claim == NULL && !r->finished)
			request_settle(r, SEGUE_OUTCOME_SUPERSEDED);
	}
}

static void publish(struct request *r, struct segue_buffer *buffer)
{
	struct segue_node_impl *node = r->node;
	struct segue_command command = { .type = SEGUE_COMMAND_SWAP };
	struct segue_error error;

	if ((r->claim = claim_new(r->sound, buffer)) == NULL)
		goto no_memory;
	r->claim->ticket.serial = r->serial;
	r->claim->ticket.at = r->at;
	r->claim->ticket.fade = r->fade;
	r->claim->ticket.flags = r->flags;
	command.ticket = &r->claim->ticket;
	if (segue_node_send(node, &command) < 0) {
		claim_free(r->claim);
		r->claim = NULL;
		goto no_memory;
	}
	/* the claim keeps the sound from here on */
	segue_sound_unwant(r->sound);
	r->sound = NULL;
	if (is_now(r))
		supersede_older(node, r);
	if (node->running) {
		collect_soon(node, INTERVAL_MIN_NSEC);
	} else {
		settle(node);
		collect_soon(node, 0);
	}
	return;
no_memory:
	segue_error_set(&error, -ENOMEM, "no memory for a request");
	request_fail(r, &error);
}

static void on_ready(struct segue_waiter *waiter, int res)
{
	struct request *r = SPA_CONTAINER_OF(waiter, struct request, waiter);
	struct segue_sound *sound = segue_sound_final(r->sound);
	struct segue_node_impl *node = r->node;

	r->waiting = false;
	if (res < 0) {
		request_fail(r, segue_sound_error(sound));
		return;
	}
	segue_sound_want(sound);
	segue_sound_unwant(r->sound);
	r->sound = sound;
	r->sound_id = segue_sound_id(sound);
	publish(r, segue_sound_any_buffer(sound));
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

static void request_time(struct request *r, const struct segue_options *o)
{
	r->at = SEGUE_NOW;
	r->flags = o->late ? SEGUE_TICKET_LATE : 0;
	if (o->has_at) {
		r->at = o->at;
	} else if (o->has_after) {
		uint32_t rate = r->node->rate != 0 ? r->node->rate : r->node->store->rate;

		r->at = llround(o->after * rate);
		r->flags = SEGUE_TICKET_AFTER | SEGUE_TICKET_LATE;
	}
}

int segue_node_request(struct segue_node_impl *node, struct segue_sound *sound,
		const struct segue_options *options, uint64_t *ret, struct segue_error *error)
{
	struct segue_sound_info info;
	struct segue_buffer *buffer;
	struct request *r;
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
	if (!is_now(r))
		node->n_scheduled++;
	spa_list_append(&node->requests, &r->link);
	*ret = r->serial;

	buffer = sound != NULL ? segue_sound_buffer(sound, node->rate) : NULL;
	if (sound == NULL || buffer != NULL) {
		publish(r, buffer);
	} else {
		r->waiting = true;
		segue_sound_wait(sound, &r->waiter, node->rate);
	}
	segue_node_update_state(node, false);
	return 0;
}

static struct parked *find_parked(struct segue_node_impl *node, const struct request *r)
{
	struct parked *p;

	spa_list_for_each(p, &node->parked, link) {
		if (r->claim != NULL && p->command.type == SEGUE_COMMAND_SWAP &&
		    p->command.ticket == &r->claim->ticket)
			return p;
	}
	return NULL;
}

int segue_node_cancel(struct segue_node_impl *node, uint64_t serial, struct segue_error *error)
{
	struct segue_command command = { .type = node->type->cancel, .data = serial };
	struct request *r;
	struct parked *p;

	spa_list_for_each(r, &node->requests, link) {
		if (r->serial == serial && !r->finished)
			goto found;
	}
	return segue_error_set(error, -ENXIO, "request %" PRIu64 " isn't outstanding", serial);
found:
	if (r->claim == NULL) {
		request_settle(r, SEGUE_OUTCOME_CANCELLED);
	} else if ((p = find_parked(node, r)) != NULL) {
		withdraw(node, p, SEGUE_OUTCOME_CANCELLED);
	} else {
		if (segue_node_send(node, &command) < 0)
			return segue_error_set(error, -ENOMEM, "no memory to cancel a request");
		if (!node->running)
			settle(node);
		collect_soon(node, 0);
	}
	segue_node_update_state(node, false);
	return 0;
}

/* ---- the same sound for another rate */

static void on_remade(struct segue_waiter *waiter, int res)
{
	struct segue_node_impl *node = SPA_CONTAINER_OF(waiter, struct segue_node_impl, remake);
	struct segue_command command = { .type = SEGUE_COMMAND_SWAP };
	struct segue_claim *claim;

	node->remaking = false;
	/* what there is sounds on; the next look tries again when a swap came between */
	if (res < 0 || has_unanswered_now(node))
		return;
	claim = claim_new(node->current->sound, segue_sound_any_buffer(node->current->sound));
	if (claim == NULL)
		return;
	/* the serial of what it replaces: if the data loop plays another by then, it is superseded */
	claim->ticket.serial = node->current->ticket.serial;
	claim->ticket.at = SEGUE_NOW;
	claim->ticket.fade = node->values[SEGUE_PROPERTY_FADE];
	claim->ticket.flags = SEGUE_TICKET_REMAKE;
	command.ticket = &claim->ticket;
	node->remade = claim;
	if (segue_node_send(node, &command) < 0) {
		node->remade = NULL;
		claim_free(claim);
		return;
	}
	if (!node->running)
		settle(node);
	collect_soon(node, node->running ? INTERVAL_MIN_NSEC : 0);
}

static void stop_remaking(struct segue_node_impl *node)
{
	if (node->remaking)
		segue_sound_forget(&node->remake);
	node->remaking = false;
}

static void check_rate(struct segue_node_impl *node)
{
	struct segue_clock clock = segue_statistics_clock(node->statistics);
	struct segue_sound *sound = segue_node_sound(node);
	struct segue_buffer *buffer;

	if (clock.rate != 0 && clock.rate != node->rate) {
		node->rate = node->store->rate = clock.rate;
		stop_remaking(node);
		spa_hook_list_call(&node->listeners, struct segue_node_events, changed, 0,
				SEGUE_NODE_CHANGE_RATE);
	}
	/* not while a swap is on its way: this one would supersede it */
	if (sound == NULL || node->remade != NULL || node->remaking || has_unanswered_now(node))
		return;
	buffer = node->current->ticket.buffer;
	if (node->rate == 0 || buffer->type != SEGUE_BUFFER_SAMPLE ||
	    ((struct segue_sample *)buffer)->rate == node->rate)
		return;
	node->remaking = true;
	if (segue_sound_buffer(sound, node->rate) != NULL)
		on_remade(&node->remake, 0);
	else
		segue_sound_wait(sound, &node->remake, node->rate);
}

/* ---- collecting */

/* Answers may be seen in another order than they were given. Of those the data loop still has, the later
 * one is what is heard; one that was settled (position 0) has let all before it go. */
static struct segue_claim *later(struct segue_claim *applied, struct segue_claim *claim)
{
	if (claim->retired)
		return applied;
	if (applied == NULL || claim->ticket.position > applied->ticket.position)
		return claim;
	return claim->ticket.position == applied->ticket.position &&
		claim->ticket.serial >= applied->ticket.serial ? claim : applied;
}

static bool tell_answers(struct segue_node_impl *node)
{
	struct segue_claim *applied = NULL;
	struct request *r, *tmp;
	enum segue_outcome outcome;
	bool any = false;

	spa_list_for_each_safe(r, tmp, &node->requests, link) {
		uint64_t position = 0;

		outcome = r->outcome;
		if (r->claim != NULL)
			outcome = segue_ticket_outcome(&r->claim->ticket);
		if (outcome == SEGUE_OUTCOME_NONE)
			continue;
		if (outcome == SEGUE_OUTCOME_APPLIED) {
			position = r->claim->ticket.position;
			applied = later(applied, r->claim);
		}
		any = true;
		request_finish(r, outcome, position);
	}
	if (node->remade != NULL &&
	    (outcome = segue_ticket_outcome(&node->remade->ticket)) != SEGUE_OUTCOME_NONE) {
		if (outcome == SEGUE_OUTCOME_APPLIED)
			applied = later(applied, node->remade);
		node->remade = NULL;
		any = true;
	}
	if (applied != NULL) {
		node->current = applied;
		stop_remaking(node);
	}
	return any;
}

static bool free_garbage(struct segue_node_impl *node, uint32_t n_max)
{
	bool any = node->garbage != NULL;

	for (uint32_t i = 0; i < n_max && node->garbage != NULL; i++) {
		struct segue_ticket *ticket = node->garbage;

		node->garbage = ticket->next;
		claim_free(SPA_CONTAINER_OF(ticket, struct segue_claim, ticket));
	}
	return any;
}

static void take_retired(struct segue_node_impl *node)
{
	struct segue_ticket **end = &node->garbage;

	while (*end != NULL)
		end = &(*end)->next;
	*end = segue_handover_collect(node->handover);
	for (struct segue_ticket *t = *end; t != NULL; t = t->next)
		SPA_CONTAINER_OF(t, struct segue_claim, ticket)->retired = true;
}

/* is there anything the data loop owes us, besides what it plays and what it has been told to wait for? */
static bool is_owed(const struct segue_node_impl *node)
{
	uint32_t n_kept = node->current != NULL ? 1 : 0;
	struct request *r;

	spa_list_for_each(r, &node->requests, link) {
		if (r->claim != NULL && !is_now(r))
			n_kept++;
	}
	return !spa_list_is_empty(&node->parked) || node->handover->n_outstanding > n_kept ||
		has_unanswered_now(node);
}

/* until the first scheduled swap is due, as far as can be told */
static uint64_t until_scheduled(const struct segue_node_impl *node)
{
	struct segue_clock clock = segue_statistics_clock(node->statistics);
	uint64_t nsec = INTERVAL_MAX_NSEC, position;
	struct request *r;

	if (clock.rate == 0)
		return nsec;
	position = clock.position + (now_nsec() - clock.nsec) * clock.rate / SPA_NSEC_PER_SEC;
	spa_list_for_each(r, &node->requests, link) {
		if (r->claim == NULL || is_now(r) || r->flags & SEGUE_TICKET_AFTER)
			continue;
		nsec = SPA_MIN(nsec, r->at <= position ? INTERVAL_MIN_NSEC : INTERVAL_MIN_NSEC +
				(uint64_t)((r->at - position) * 1e9 / clock.rate));
	}
	return nsec;
}

static uint64_t next_look(struct segue_node_impl *node, bool progress)
{
	uint64_t now = now_nsec(), next = SEGUE_COLLECT_NEVER;
	uint64_t since = now - node->changed_nsec;

	if (progress)
		node->interval_nsec = INTERVAL_MIN_NSEC;
	else
		node->interval_nsec = SPA_MIN(node->interval_nsec * 2, INTERVAL_MAX_NSEC);

	if (node->garbage != NULL)
		return SOON_NSEC;
	if (is_owed(node))
		next = node->interval_nsec;
	if (node->running && node->n_scheduled > 0)
		next = SPA_MIN(next, until_scheduled(node));
	/* after a start the rate is known with the first cycle */
	if (node->running && since < WATCH_MAX_NSEC &&
	    __atomic_load_n(&node->statistics->n_cycles, __ATOMIC_RELAXED) <= node->cycles_at_start)
		next = SPA_MIN(next, WATCH_NSEC);
	return next;
}

uint64_t segue_node_collect(void *data)
{
	struct segue_node_impl *node = data;
	bool answers, garbage;

	unpark_all(node);
	/* a pause that has become a long one: fades count as complete, what was sent is taken */
	if (!node->running && is_owed(node)) {
		uint64_t since = now_nsec() - node->changed_nsec;

		if (since < PAUSE_NSEC)
			return PAUSE_NSEC - since;
		settle(node);
	}
	/* what is retired has been answered: tell the answers while its tickets are there */
	take_retired(node);
	answers = tell_answers(node);
	garbage = free_garbage(node, GARBAGE_PER_TICK);
	check_rate(node);
	segue_node_update_state(node, answers);
	return next_look(node, answers || garbage);
}

static void do_drain(void *data)
{
	struct segue_node_impl *node = data;

	node->type->drain(node->engine);
}

void segue_node_collect_all(struct segue_node_impl *node)
{
	struct request *r, *tmp;
	struct parked *p;

	stop_remaking(node);
	spa_list_for_each_safe(r, tmp, &node->requests, link) {
		if (r->claim == NULL && !r->finished)
			request_settle(r, SEGUE_OUTCOME_GONE);
	}
	spa_list_consume(p, &node->parked, link) {
		if (p->command.type == SEGUE_COMMAND_SWAP)
			withdraw(node, p, SEGUE_OUTCOME_GONE);
		else
			unpark(p);
	}
	segue_barrier(node->data_loop, do_drain, node);
	take_retired(node);
	tell_answers(node);
	node->current = NULL;
	free_garbage(node, UINT32_MAX);
}
