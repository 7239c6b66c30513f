/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "rt/swap.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <spa/utils/defs.h>

#include "fixture.h"

/* The schedule against a model that steps frame by frame, holds a fade as the list of its weights, and
 * looks through everything each time. Random leads, so that it serves a convolver as well. */

#define N_CASES		4000
#define N_CYCLES	14
#define TICKETS_MAX_CASE	24u
#define WEIGHTS_MAX	20000u

struct entry {
	struct segue_ticket *ticket;
	uint32_t lead, hurry;
	uint64_t at;
	uint64_t due_nsec;			/* of an `after` ticket */
	bool arrived, over, asap, is_after, counts, committed;
	enum segue_outcome outcome;
	uint64_t position;
};

struct model {
	struct entry entries[TICKETS_MAX_CASE];
	uint32_t n_entries;
	int current, next, committed;		/* index or -1 */
	double weights[WEIGHTS_MAX];		/* of next, frames still to come */
	uint32_t n_weights, first_weight;
	double last_weight;
	uint64_t frame, start_frame;		/* counted from the beginning; of the committed one */
	uint64_t position;
	uint32_t clock_id, rate;
	bool has_clock, has_paused;
};

static uint32_t left(const struct model *m)
{
	return m->n_weights - m->first_weight;
}

static void set_weights(struct model *m, double from, uint32_t n)
{
	assert_true(n <= WEIGHTS_MAX);
	m->n_weights = n;
	m->first_weight = 0;
	for (uint32_t i = 0; i < n; i++) {
		double w = (i + 1.0) / (n + 1.0);

		m->weights[i] = from + (1.0 - from) * smooth(w);
	}
}

static void end(struct model *m, int i, enum segue_outcome outcome)
{
	assert_int_equal(m->entries[i].outcome, SEGUE_OUTCOME_NONE);
	m->entries[i].outcome = outcome;
	m->entries[i].over = true;
}

static bool is_waiting(const struct entry *e)
{
	return e->arrived && !e->over && !e->committed;
}

static void model_commit(struct model *m, int i, uint64_t start_frame)
{
	if (left(m) > m->entries[i].hurry)
		set_weights(m, m->last_weight, m->entries[i].hurry);
	m->entries[i].committed = true;
	m->committed = i;
	m->start_frame = start_frame;
}

static void model_commit_scheduled(struct model *m)
{
	while (m->committed < 0) {
		struct entry *e = NULL;
		uint64_t to_go;

		for (uint32_t i = 0; i < m->n_entries; i++) {
			struct entry *o = &m->entries[i];

			if (is_waiting(o) && !o->asap && (e == NULL || o->at < e->at ||
			    (o->at == e->at && o->ticket->serial < e->ticket->serial)))
				e = o;
		}
		if (e == NULL)
			return;
		to_go = e->at >= m->position ? e->at - m->position : 0;
		if (to_go > e->lead && to_go > e->hurry)
			return;
		if (e->at >= m->position && to_go >= e->lead && to_go >= SPA_MIN(left(m), e->hurry))
			model_commit(m, e - m->entries, m->frame + to_go);
		else if (e->ticket->flags & SEGUE_TICKET_LATE)
			e->asap = true;
		else
			end(m, e - m->entries, SEGUE_OUTCOME_TOO_LATE);
	}
}

static void model_commit_ready(struct model *m)
{
	for (uint32_t i = 0; i < m->n_entries && m->committed < 0; i++) {	/* by serial */
		struct entry *e = &m->entries[i];

		if (is_waiting(e) && e->asap)
			model_commit(m, i, m->frame + SPA_MAX(e->lead, SPA_MIN(left(m), e->hurry)));
	}
}

static void model_start(struct model *m, uint64_t position, uint32_t n_frames)
{
	struct entry *e = &m->entries[m->committed];

	assert_int_equal(m->next, -1);
	m->next = m->committed;
	m->committed = -1;
	end(m, m->next, SEGUE_OUTCOME_APPLIED);
	e->position = position;
	if (n_frames > 0) {
		m->last_weight = 0.0;
		set_weights(m, 0.0, n_frames);
	} else {
		m->last_weight = 1.0;
		set_weights(m, 1.0, 1);
	}
}

static void model_arrive(struct model *m, uint32_t i)
{
	struct entry *e = &m->entries[i];

	for (uint32_t k = 0; k < i && e->asap; k++) {
		if (is_waiting(&m->entries[k]) && m->entries[k].ticket->at == SEGUE_NOW)
			end(m, k, SEGUE_OUTCOME_SUPERSEDED);
	}
	e->arrived = true;
}

static void model_uncommit(struct model *m)
{
	if (m->committed >= 0 && !m->entries[m->committed].asap) {
		m->entries[m->committed].committed = false;
		m->committed = -1;
	}
}

static void model_begin(struct model *m, const struct spa_io_clock *clock)
{
	bool changed = m->has_clock && (clock->id != m->clock_id || clock->position < m->position);
	bool moved = changed || m->has_paused || clock->rate.denom != m->rate;

	if (clock->position != m->position || changed)
		model_uncommit(m);
	for (uint32_t i = 0; i < m->n_entries; i++) {
		struct entry *e = &m->entries[i];

		if (!is_waiting(e) || e->asap)
			continue;
		if (!e->is_after && changed)
			end(m, i, SEGUE_OUTCOME_CLOCK_CHANGED);
		if (!e->is_after || (e->counts && !moved))
			continue;
		if (!e->counts)
			e->due_nsec = clock->nsec + e->at;
		e->counts = true;
		e->at = clock->position;
		if (e->due_nsec > clock->nsec)
			e->at += llround((e->due_nsec - clock->nsec) * 1e-9 * clock->rate.denom);
	}
	m->position = clock->position;
	m->clock_id = clock->id;
	m->rate = clock->rate.denom;
	m->has_clock = true;
	m->has_paused = false;
	model_commit_scheduled(m);
	model_commit_ready(m);
}

/* \return weight of next in this frame */
static double model_frame(struct model *m, int *current, int *next)
{
	double weight = 0.0;

	model_commit_scheduled(m);
	if (m->committed >= 0 && m->frame == m->start_frame) {
		model_start(m, m->position, llround(m->entries[m->committed].ticket->fade * m->rate));
		model_commit_scheduled(m);
	}
	*current = m->current;
	*next = m->next;
	if (m->next >= 0) {
		weight = m->last_weight = m->weights[m->first_weight++];
		if (left(m) == 0) {
			m->current = m->next;
			m->next = -1;
		}
	}
	m->frame++;
	m->position++;
	return weight;
}

static void model_settle(struct model *m)
{
	model_uncommit(m);
	for (;;) {
		if (m->next >= 0) {
			m->current = m->next;
			m->next = -1;
			m->n_weights = m->first_weight = 0;
		}
		model_commit_ready(m);
		if (m->committed < 0)
			return;
		model_start(m, 0, 0);
	}
}

static void model_forget(struct model *m)
{
	m->has_paused = true;
	if (m->next < 0)
		return;
	m->current = m->next;
	m->next = -1;
	m->n_weights = m->first_weight = 0;
}

static void add_random_ticket(struct fixture *f, struct model *m, struct segue_swap *swap)
{
	static const uint32_t fades[] = { 0, 1, 2, 63, 64, 255, 256, 257, 300, 1000, 5000, 15000 };
	struct entry *e = &m->entries[m->n_entries];
	struct segue_ticket *t = calloc(1, sizeof(*t));
	uint32_t lead = random_below(3) ? 0 : 64u << random_below(7);

	assert_non_null(t);
	*t = (struct segue_ticket) {
		.serial = m->n_entries + 1,
		.at = SEGUE_NOW,
		.fade = fades[random_below(SPA_N_ELEMENTS(fades))] / (double)m->rate,
		.refs = 1,
	};
	if (random_below(2)) {
		t->flags = (random_below(2) ? SEGUE_TICKET_LATE : 0) |
			(random_below(3) ? 0 : SEGUE_TICKET_AFTER);
		t->at = random_below(random_below(2) ? 600 : 6000);
		if (t->flags & SEGUE_TICKET_AFTER)
			t->at = LASTING(t->at);
		else
			t->at += m->position > 100 ? m->position - 100 : 0;
	}
	*e = (struct entry) {
		.ticket = t,
		.at = t->at,
		.lead = lead,
		.hurry = lead > 0 ? lead / 2 : 256,
		.asap = t->at == SEGUE_NOW,
		.is_after = t->flags & SEGUE_TICKET_AFTER,
	};
	f->handover->n_outstanding++;	/* as sending it would have */
	segue_swap_add(swap, t, e->lead, e->hurry);
	model_arrive(m, m->n_entries++);
}

static struct segue_ticket *ticket_of(const struct model *m, int i)
{
	return i >= 0 ? m->entries[i].ticket : NULL;
}

static void compare_cycle(struct model *m, struct segue_swap *swap, uint32_t n_frames)
{
	int current, next;

	for (uint32_t done = 0, n; done < n_frames; done += n) {
		n = segue_swap_span(swap, SPA_MIN(n_frames - done, 64u));
		assert_in_range(n, 1, n_frames - done);
		for (uint32_t i = 0; i < n; i++) {
			double weight = model_frame(m, &current, &next);

			assert_ptr_equal(swap->current, ticket_of(m, current));
			assert_ptr_equal(swap->next, ticket_of(m, next));
			if (next >= 0)
				assert_near(segue_ramp_value(&swap->fade, i), weight, 1e-12);
		}
		segue_swap_advance(swap, n);
	}
}

static void compare_answers(const struct model *m)
{
	for (uint32_t i = 0; i < m->n_entries; i++) {
		const struct entry *e = &m->entries[i];

		assert_int_equal(segue_ticket_outcome(e->ticket), e->outcome);
		if (e->outcome != SEGUE_OUTCOME_APPLIED)
			continue;
		assert_int_equal(e->ticket->position, e->position);
		if (e->ticket->at != SEGUE_NOW && !e->asap)
			assert_int_equal(e->ticket->position, e->at);
	}
}

static void random_case(struct fixture *f)
{
	struct model m = { .current = -1, .next = -1, .committed = -1, .rate = 48000, .position = 5000 };
	struct segue_swap swap;
	struct spa_io_clock clock = { .id = 1, .nsec = SPA_NSEC_PER_SEC, .position = m.position, .rate = { 1, m.rate } };
	uint32_t n_frames;

	segue_swap_init(&swap, f->handover);
	for (uint32_t cycle = 0; cycle < N_CYCLES; cycle++) {
		n_frames = random_below(6) ? 1 + random_below(1u << (1 + random_below(13))) : 256;
		for (uint32_t i = random_below(4); i > 0 && m.n_entries < TICKETS_MAX_CASE; i--)
			add_random_ticket(f, &m, &swap);
		if (m.n_entries > 0 && random_below(8) == 0) {
			uint32_t i = random_below(m.n_entries);

			segue_swap_cancel(&swap, m.entries[i].ticket->serial);
			if (is_waiting(&m.entries[i]))
				end(&m, i, SEGUE_OUTCOME_CANCELLED);
		}
		if (random_below(25) == 0) {
			while (segue_swap_settle(&swap))
				;
			model_settle(&m);
		}
		if (random_below(20) == 0)
			clock.position += random_below(2000);
		else if (random_below(40) == 0)
			clock.position -= SPA_MIN(clock.position, (uint64_t)random_below(3000));
		else if (random_below(60) == 0)
			clock.id++;
		if (random_below(20) == 0)
			clock.nsec += random_below(SPA_NSEC_PER_SEC / 10);
		if (random_below(30) == 0)
			clock.rate.denom = clock.rate.denom == 48000 ? 44100 : 48000;
		if (random_below(30) == 0) {
			segue_swap_forget(&swap);
			model_forget(&m);
		}
		segue_swap_begin(&swap, &clock, clock.rate.denom);
		model_begin(&m, &clock);
		compare_cycle(&m, &swap, n_frames);
		clock.position += n_frames;
		clock.nsec += n_frames * SPA_NSEC_PER_SEC / clock.rate.denom;
		compare_answers(&m);
	}
	segue_swap_drain(&swap);
	segue_swap_drain(&swap);
	for (uint32_t i = 0; i < m.n_entries; i++) {
		if (!m.entries[i].over)
			m.entries[i].outcome = SEGUE_OUTCOME_GONE;
	}
	compare_answers(&m);
	(void)segue_handover_collect(f->handover);
	assert_int_equal(f->handover->n_outstanding, 0);
	for (uint32_t i = 0; i < m.n_entries; i++) {
		assert_int_equal(m.entries[i].ticket->refs, 0);
		free(m.entries[i].ticket);
	}
}

static void every_frame_of_thousands_of_random_schedules_is_as_the_model_has_it(void **state)
{
	struct fixture f;

	fixture_init(&f, 1);
	for (uint32_t i = 0; i < N_CASES; i++)
		random_case(&f);
	fixture_clear(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_frame_of_thousands_of_random_schedules_is_as_the_model_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
