/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* The second half of a request's life: answered by the data loop, told, its ticket collected and freed. And
 * the sound that is heard, made anew when the rate changes. */

#include "request.h"

#include "barrier.h"
#include "now.h"
#include "sound-job.h"

#define GARBAGE_PER_TICK	1024u

#define SOON_NSEC		UINT64_C(1000000)
#define WATCH_NSEC		UINT64_C(100000000)
#define WATCH_MAX_NSEC		UINT64_C(5000000000)

struct segue_sound *segue_node_sound(const struct segue_node_impl *node)
{
	return node->current != NULL ? node->current->sound : NULL;
}

/* ---- the same sound for another rate */

static void on_remade(struct segue_waiter *waiter, const struct segue_error *error)
{
	struct segue_node_impl *node = SPA_CONTAINER_OF(waiter, struct segue_node_impl, remake);
	struct segue_command command = { .type = SEGUE_COMMAND_SWAP };
	struct segue_claim *claim;

	node->remaking = false;
	/* what there is sounds on; the next look tries again when a swap came between */
	if (error != NULL || segue_node_has_unanswered_now(node))
		return;
	claim = segue_claim_new(node->current->sound,
			segue_sound_buffer(node->current->sound, &waiter->target));
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
		segue_claim_free(claim);
		return;
	}
	if (!node->running)
		segue_node_settle(node);
	segue_node_collect_soon(node, node->running ? SEGUE_COLLECT_MIN_NSEC : 0);
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
	struct segue_target target;
	struct segue_buffer *buffer;

	if (clock.rate != 0 && clock.rate != node->rate) {
		node->rate = node->store->rate = clock.rate;
		stop_remaking(node);
		spa_hook_list_call(&node->listeners, struct segue_node_events, changed, 0,
				SEGUE_NODE_CHANGE_RATE);
	}
	/* not while a swap is on its way: this one would supersede it */
	if (sound == NULL || node->remade != NULL || node->remaking || segue_node_has_unanswered_now(node))
		return;
	buffer = node->current->ticket.buffer;
	if (node->rate == 0 || segue_buffer_is_for(buffer, node->rate))
		return;
	target = segue_node_target(node);
	node->remaking = true;
	node->remake.ready = on_remade;
	node->remake.target = target;
	if (segue_sound_buffer(sound, &target) != NULL)
		on_remade(&node->remake, NULL);
	else
		segue_sound_wait(sound, &node->remake, &target);
}

/* ---- collecting */

/* Answers may be seen in another order than they were given. Of those the data loop still has, the later
 * one is what is heard; one that was settled (position 0) has let all before it go. Positions of two clocks
 * don't tell: then the one that is retired first was the older. */
static void hear(struct segue_node_impl *node, struct segue_claim *claim, struct segue_claim **newest)
{
	if (claim->retired)
		return;
	if (*newest == NULL || claim->ticket.position > (*newest)->ticket.position ||
	    (claim->ticket.position == (*newest)->ticket.position &&
	     claim->ticket.serial >= (*newest)->ticket.serial)) {
		spa_list_append(&node->heard, &claim->link);
		*newest = claim;
	} else {
		/* before it */
		spa_list_append(&(*newest)->link, &claim->link);
	}
}

static bool tell_some(struct segue_node_impl *node, struct segue_claim **newest)
{
	struct segue_request *r, *tmp;
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
			hear(node, r->claim, newest);
		}
		any = true;
		segue_request_finish(r, outcome, position);
	}
	if (node->remade != NULL &&
	    (outcome = segue_ticket_outcome(&node->remade->ticket)) != SEGUE_OUTCOME_NONE) {
		if (outcome == SEGUE_OUTCOME_APPLIED)
			hear(node, node->remade, newest);
		node->remade = NULL;
		any = true;
	}
	return any;
}

static bool tell_answers(struct segue_node_impl *node)
{
	struct segue_claim *newest = NULL, *current = NULL;
	bool any = false;

	/* until a look finds none: then what is answered later is newer than all that is heard */
	while (tell_some(node, &newest))
		any = true;
	if (!spa_list_is_empty(&node->heard))
		current = spa_list_last(&node->heard, struct segue_claim, link);
	if (current != node->current) {
		node->current = current;
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
		segue_claim_free(SPA_CONTAINER_OF(ticket, struct segue_claim, ticket));
	}
	return any;
}

static void take_retired(struct segue_node_impl *node)
{
	struct segue_ticket **end = &node->garbage;

	while (*end != NULL)
		end = &(*end)->next;
	*end = segue_handover_collect(node->handover);
	for (struct segue_ticket *t = *end; t != NULL; t = t->next) {
		struct segue_claim *claim = SPA_CONTAINER_OF(t, struct segue_claim, ticket);

		claim->retired = true;
		spa_list_remove(&claim->link);
		spa_list_init(&claim->link);
	}
}

/* Notes on what is heard hold it no longer than itself, but a pause ends them too. */
static bool has_paused_notes(const struct segue_node_impl *node)
{
	const struct segue_keys_type *keys = node->type->keys;

	return keys != NULL && !node->running && keys->count_voices(node->engine) > 0;
}

/* is there anything the data loop owes us, besides what it plays and what it has been told to wait for? */
static bool is_owed(const struct segue_node_impl *node)
{
	uint32_t n_kept = node->current != NULL ? 1 : 0;
	struct segue_request *r;

	spa_list_for_each(r, &node->requests, link) {
		if (r->claim != NULL && !segue_request_is_now(r) && !r->cancelling)
			n_kept++;
	}
	return !segue_outbox_is_empty(&node->outbox) || node->handover->n_outstanding > n_kept ||
		segue_node_has_unanswered_now(node) || has_paused_notes(node);
}

static uint64_t until_due(const struct segue_request *r, const struct segue_clock *clock, uint64_t now)
{
	uint64_t position = clock->position + (now - clock->nsec) * clock->rate / SPA_NSEC_PER_SEC;

	if (r->flags & SEGUE_TICKET_AFTER)
		return r->due_nsec > now ? r->due_nsec - now : 0;
	return r->at > position ? (uint64_t)((r->at - position) * 1e9 / clock->rate) : 0;
}

/* until the first scheduled swap is due, as far as can be told */
static uint64_t until_scheduled(const struct segue_node_impl *node)
{
	struct segue_clock clock = segue_statistics_clock(node->statistics);
	uint64_t nsec = SEGUE_COLLECT_MAX_NSEC, now = segue_now_nsec();
	struct segue_request *r;

	if (clock.rate == 0)
		return nsec;
	spa_list_for_each(r, &node->requests, link) {
		if (r->claim != NULL && !segue_request_is_now(r))
			nsec = SPA_MIN(nsec, SEGUE_COLLECT_MIN_NSEC + until_due(r, &clock, now));
	}
	return nsec;
}

static uint64_t next_look(struct segue_node_impl *node, bool progress)
{
	uint64_t now = segue_now_nsec(), next = SEGUE_COLLECT_NEVER;
	uint64_t since = now - node->changed_nsec;

	if (progress)
		node->interval_nsec = SEGUE_COLLECT_MIN_NSEC;
	else
		node->interval_nsec = SPA_MIN(node->interval_nsec * 2, SEGUE_COLLECT_MAX_NSEC);

	if (node->garbage != NULL)
		return SOON_NSEC;
	if (is_owed(node))
		next = node->running || since >= SEGUE_LONG_PAUSE_NSEC ? node->interval_nsec :
			SEGUE_LONG_PAUSE_NSEC - since;
	/* who waits for a swap to be heard is told soon after: a convolver's lead is longer than the first looks */
	if (node->running && segue_node_has_unanswered_now(node))
		next = SPA_MIN(next, WATCH_NSEC);
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

	segue_outbox_flush(&node->outbox);
	/* a pause that has become a long one: fades count as complete, what was sent is taken */
	if (is_owed(node) && segue_node_has_long_paused(node))
		segue_node_settle(node);
	/* what is retired has been answered: tell the answers while its tickets are there */
	take_retired(node);
	answers = tell_answers(node);
	garbage = free_garbage(node, GARBAGE_PER_TICK);
	check_rate(node);
	segue_node_update_state(node, answers);
	return next_look(node, answers || garbage);
}

SEGUE_DATA_LOOP static void do_drain(void *data)
{
	struct segue_node_impl *node = data;

	node->type->drain(node->engine);
}

void segue_node_collect_all(struct segue_node_impl *node)
{
	struct segue_request *r, *tmp;

	stop_remaking(node);
	spa_list_for_each_safe(r, tmp, &node->requests, link) {
		if (r->claim == NULL && !r->finished)
			segue_request_settle(r, SEGUE_OUTCOME_GONE);
	}
	segue_outbox_clear(&node->outbox);
	segue_barrier(node->data_loop, do_drain, node);
	take_retired(node);
	tell_answers(node);
	free_garbage(node, UINT32_MAX);
}
