/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "swap.h"

#include <math.h>
#include <string.h>

#include <spa/utils/defs.h>

SEGUE_DATA_LOOP static void dismiss(struct segue_swap *swap, struct segue_ticket *ticket,
		enum segue_outcome outcome)
{
	segue_ticket_answer(ticket, outcome, 0);
	segue_ticket_unref(swap->handover, ticket);
}

SEGUE_DATA_LOOP static bool is_before(const struct segue_swap_entry *a, const struct segue_swap_entry *b)
{
	return a->at != b->at ? a->at < b->at : a->ticket->serial < b->ticket->serial;
}

SEGUE_DATA_LOOP static void insert(struct segue_swap *swap, struct segue_swap_entry entry)
{
	uint32_t i;

	if (swap->n_waiting == SEGUE_SWAP_WAITING_MAX) {
		dismiss(swap, entry.ticket, SEGUE_OUTCOME_TOO_LATE);
		return;
	}
	for (i = swap->n_waiting++; i > 0 && is_before(&entry, &swap->waiting[i - 1]); i--)
		swap->waiting[i] = swap->waiting[i - 1];
	swap->waiting[i] = entry;
}

SEGUE_DATA_LOOP static struct segue_swap_entry take_out(struct segue_swap *swap, uint32_t i)
{
	struct segue_swap_entry entry = swap->waiting[i];

	swap->n_waiting--;
	memmove(&swap->waiting[i], &swap->waiting[i + 1],
			(swap->n_waiting - i) * sizeof(swap->waiting[0]));
	return entry;
}

SEGUE_DATA_LOOP static bool is_after(const struct segue_swap_entry *entry)
{
	return (entry->ticket->flags & SEGUE_TICKET_AFTER) && entry->at != SEGUE_NOW;
}

/* A committed `at` ticket waits again: the frames no longer lead where they did. */
SEGUE_DATA_LOOP static void uncommit(struct segue_swap *swap)
{
	struct segue_swap_entry entry = swap->committed;

	if (entry.ticket == NULL || entry.at == SEGUE_NOW)
		return;
	swap->committed.ticket = NULL;
	segue_ticket_take(entry.ticket, false);
	insert(swap, entry);
}

SEGUE_DATA_LOOP static void commit(struct segue_swap *swap, const struct segue_swap_entry *entry,
		uint64_t wait)
{
	/* a fade with fewer frames left ends as it was */
	if (segue_ramp_left(&swap->fade) > entry->hurry)
		segue_ramp_start(&swap->fade, 1.0, entry->hurry);
	swap->committed = *entry;
	swap->wait = wait;
	segue_ticket_take(entry->ticket, true);
}

/* How long a running fade will still take when this one is committed now. */
SEGUE_DATA_LOOP static uint64_t hurried_left(const struct segue_swap *swap,
		const struct segue_swap_entry *entry)
{
	return SPA_MIN(segue_ramp_left(&swap->fade), (uint64_t)entry->hurry);
}

/* How many frames before its own an `at` ticket must be committed. */
SEGUE_DATA_LOOP static uint64_t notice(const struct segue_swap_entry *entry)
{
	return SPA_MAX(entry->lead, entry->hurry);
}

SEGUE_DATA_LOOP static bool is_due(const struct segue_swap *swap, const struct segue_swap_entry *entry)
{
	return entry->at <= swap->position || entry->at - swap->position <= notice(entry);
}

SEGUE_DATA_LOOP static bool can_be_met(const struct segue_swap *swap, const struct segue_swap_entry *entry)
{
	return entry->at >= swap->position &&
		entry->at - swap->position >= entry->lead &&
		entry->at - swap->position >= hurried_left(swap, entry);
}

/* Commit the `at` ticket whose time has come, and let go of those whose time has passed. */
SEGUE_DATA_LOOP static void commit_scheduled(struct segue_swap *swap)
{
	while (swap->committed.ticket == NULL && swap->n_waiting > 0 &&
	    swap->waiting[0].at != SEGUE_NOW && is_due(swap, &swap->waiting[0])) {
		struct segue_swap_entry entry = take_out(swap, 0);

		if (can_be_met(swap, &entry)) {
			commit(swap, &entry, entry.at - swap->position);
		} else if (entry.ticket->flags & SEGUE_TICKET_LATE) {
			entry.at = SEGUE_NOW;
			insert(swap, entry);
		} else {
			dismiss(swap, entry.ticket, SEGUE_OUTCOME_TOO_LATE);
		}
	}
}

/* A sound made anew only replaces itself: by its serial. */
SEGUE_DATA_LOOP static bool is_outdated(const struct segue_swap *swap, const struct segue_ticket *ticket)
{
	const struct segue_ticket *newest = swap->next != NULL ? swap->next : swap->current;

	return (ticket->flags & SEGUE_TICKET_REMAKE) &&
		(newest == NULL || newest->serial != ticket->serial);
}

/* Commit the oldest of those that are to be heard as soon as they can, unless another goes first. */
SEGUE_DATA_LOOP static void commit_ready(struct segue_swap *swap)
{
	uint32_t i = 0;

	while (i < swap->n_waiting && swap->waiting[i].at != SEGUE_NOW)
		i++;
	while (i < swap->n_waiting && swap->committed.ticket == NULL) {
		struct segue_swap_entry entry = take_out(swap, i);

		if (is_outdated(swap, entry.ticket))
			dismiss(swap, entry.ticket, SEGUE_OUTCOME_SUPERSEDED);
		else
			commit(swap, &entry, SPA_MAX((uint64_t)entry.lead, hurried_left(swap, &entry)));
	}
}

SEGUE_DATA_LOOP static void start(struct segue_swap *swap, double fade_frames, uint64_t position)
{
	uint64_t n_frames = fade_frames > 0.0 ? (uint64_t)llround(fade_frames) : 0;

	swap->next = swap->committed.ticket;
	swap->committed.ticket = NULL;
	segue_ramp_jump(&swap->fade, n_frames > 0 ? 0.0 : 1.0);
	segue_ramp_start(&swap->fade, 1.0, SPA_MAX(n_frames, (uint64_t)1));
	segue_ticket_answer(swap->next, SEGUE_OUTCOME_APPLIED, position);
}

SEGUE_DATA_LOOP static void fail_scheduled(struct segue_swap *swap, enum segue_outcome outcome)
{
	uint32_t i = 0;

	while (i < swap->n_waiting) {
		if (swap->waiting[i].at != SEGUE_NOW && !is_after(&swap->waiting[i]))
			dismiss(swap, take_out(swap, i).ticket, outcome);
		else
			i++;
	}
}

/* How many frames are left of an `after` ticket, which begins to count now if it doesn't yet. */
SEGUE_DATA_LOOP static uint64_t count_left(const struct segue_swap *swap, struct segue_swap_entry *entry, uint64_t nsec)
{
	uint64_t left;

	if (entry->due_nsec == 0)
		entry->due_nsec = nsec + entry->ticket->at;
	left = entry->due_nsec > nsec ? entry->due_nsec - nsec : 0;
	/* another driver's time may be another one */
	left = SPA_MIN(left, entry->ticket->at);
	return (uint64_t)llround((double)left * swap->rate / SPA_NSEC_PER_SEC);
}

/* Find the frames of `after` tickets: of those that have come, and of all once they are adrift. */
SEGUE_DATA_LOOP static void find_after(struct segue_swap *swap, uint64_t nsec)
{
	uint32_t i, n_waiting = swap->n_waiting;

	/* inserting each again where it stood is an insertion sort in place */
	swap->n_waiting = 0;
	for (i = 0; i < n_waiting; i++) {
		struct segue_swap_entry entry = swap->waiting[i];

		if (is_after(&entry) && (entry.due_nsec == 0 || swap->is_adrift))
			entry.at = swap->position + count_left(swap, &entry, nsec);
		insert(swap, entry);
	}
	swap->is_adrift = false;
}

SEGUE_DATA_LOOP static void finish_fade(struct segue_swap *swap)
{
	segue_ramp_jump(&swap->fade, 1.0);
	if (swap->next == NULL)
		return;
	segue_ticket_unref(swap->handover, swap->current);
	swap->current = swap->next;
	swap->next = NULL;
}

void segue_swap_init(struct segue_swap *swap, struct segue_handover *handover)
{
	*swap = (struct segue_swap) { .handover = handover, .fade.smooth = true };
}

void segue_swap_add(struct segue_swap *swap, struct segue_ticket *ticket, uint32_t lead, uint32_t hurry)
{
	bool is_now = ticket->at == SEGUE_NOW;
	uint32_t i;

	for (i = 0; is_now && i < swap->n_waiting; i++) {
		if (swap->waiting[i].ticket->at != SEGUE_NOW)
			continue;
		/* the older one by its request: what was made anew may come after a newer one */
		if (ticket->serial < swap->waiting[i].ticket->serial) {
			dismiss(swap, ticket, SEGUE_OUTCOME_SUPERSEDED);
			return;
		}
		dismiss(swap, take_out(swap, i).ticket, SEGUE_OUTCOME_SUPERSEDED);
		break;
	}
	insert(swap, (struct segue_swap_entry) { ticket, ticket->at, lead, hurry, 0 });
}

void segue_swap_cancel(struct segue_swap *swap, uint64_t serial)
{
	for (uint32_t i = 0; i < swap->n_waiting; i++) {
		if (swap->waiting[i].ticket->serial == serial) {
			dismiss(swap, take_out(swap, i).ticket, SEGUE_OUTCOME_CANCELLED);
			return;
		}
	}
}

void segue_swap_forget(struct segue_swap *swap)
{
	finish_fade(swap);
	swap->is_adrift = true;
}

void segue_swap_begin(struct segue_swap *swap, const struct spa_io_clock *clock, uint32_t rate)
{
	bool changed = swap->has_clock && (clock->id != swap->clock_id || clock->position < swap->position);

	if (changed || clock->position != swap->position)
		uncommit(swap);
	if (changed)
		fail_scheduled(swap, SEGUE_OUTCOME_CLOCK_CHANGED);
	swap->is_adrift |= changed || rate != swap->rate;
	swap->clock_id = clock->id;
	swap->position = clock->position;
	swap->rate = rate;
	swap->has_clock = true;
	find_after(swap, clock->nsec);
	commit_scheduled(swap);
	commit_ready(swap);
}

void segue_swap_lose_clock(struct segue_swap *swap)
{
	uncommit(swap);
	fail_scheduled(swap, SEGUE_OUTCOME_CLOCK_CHANGED);
	swap->has_clock = false;
	swap->is_adrift = true;
}

uint32_t segue_swap_span(struct segue_swap *swap, uint32_t n_max)
{
	uint64_t n_frames = n_max;

	commit_scheduled(swap);
	if (swap->committed.ticket != NULL && swap->wait == 0) {
		start(swap, swap->committed.ticket->fade * swap->rate, swap->position);
		commit_scheduled(swap);
	}
	if (swap->next != NULL)
		n_frames = SPA_MIN(n_frames, segue_ramp_left(&swap->fade));
	if (swap->committed.ticket != NULL)
		n_frames = SPA_MIN(n_frames, swap->wait);
	else if (swap->n_waiting > 0 && swap->waiting[0].at != SEGUE_NOW)
		n_frames = SPA_MIN(n_frames,
				swap->waiting[0].at - notice(&swap->waiting[0]) - swap->position);
	return (uint32_t)n_frames;
}

void segue_swap_advance(struct segue_swap *swap, uint32_t n_frames)
{
	swap->position += n_frames;
	if (swap->committed.ticket != NULL)
		swap->wait -= n_frames;
	segue_ramp_advance(&swap->fade, n_frames);
	if (segue_ramp_left(&swap->fade) == 0)
		finish_fade(swap);
}

bool segue_swap_settle(struct segue_swap *swap)
{
	if (swap->next != NULL) {
		finish_fade(swap);
		return true;
	}
	uncommit(swap);
	commit_ready(swap);
	if (swap->committed.ticket == NULL)
		return false;
	start(swap, 0.0, 0);
	return true;
}

void segue_swap_drain(struct segue_swap *swap)
{
	struct segue_command command;

	for (uint32_t i = 0; i < SEGUE_RING_SIZE && segue_handover_take(swap->handover, &command); i++) {
		if (segue_command_has_ticket(&command))
			dismiss(swap, command.ticket, SEGUE_OUTCOME_GONE);
	}
	while (swap->n_waiting > 0)
		dismiss(swap, take_out(swap, 0).ticket, SEGUE_OUTCOME_GONE);
	if (swap->committed.ticket != NULL)
		dismiss(swap, swap->committed.ticket, SEGUE_OUTCOME_GONE);
	swap->committed.ticket = NULL;
	finish_fade(swap);
	segue_ticket_unref(swap->handover, swap->current);
	swap->current = NULL;
}
