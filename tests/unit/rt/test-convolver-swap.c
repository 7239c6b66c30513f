/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "rt/convolver.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <spa/utils/defs.h>

#include "convolver-fixture.h"

/* Promises 2, 3 and 7: what is heard follows from the positions reported, the fades asked for and the whole
 * input convolved with each response alone. */

#define ERROR_MIN	120.0	/* dB below the peak */
#define N_ROOMS		6u

static const uint32_t lengths[N_ROOMS] = { 40, 500, 1500, 9000, 20000, 57344 };

static void init(struct fixture *f, struct room rooms[N_ROOMS], uint32_t n_channels, uint32_t n_frames)
{
	fixture_init(f, 2, 2, lengths[N_ROOMS - 1], n_frames, NULL);
	for (uint32_t i = 0; i < N_ROOMS; i++)
		rooms[i] = new_room(f, n_channels, lengths[i], i);
}

static uint32_t lead_of(const struct segue_ticket *t)
{
	return segue_swap_lead(t->buffer != NULL ? ((const struct segue_response *)t->buffer)->n_levels : 0);
}

/* Weight of a ticket in its i-th frame, when the newer one started `until` frames after it. */
static double weight_of(const struct segue_ticket *t, uint64_t i, const struct segue_ticket *newer)
{
	uint64_t n = llround(t->fade * RATE), hurry, taken;
	double g0, w;

	if (newer == NULL)
		return fade_weight(n, i);
	hurry = lead_of(newer) / 2;
	taken = newer->position - lead_of(newer) - t->position;
	if (n <= taken + hurry || i < taken)
		return fade_weight(n, i);
	/* the last frame's weight before, and the rest of the way by the same curve */
	g0 = taken > 0 ? fade_weight(n, taken - 1) : 0.0;
	w = fade_weight(hurry, i - taken);
	return g0 + (1.0 - g0) * w;
}

static int by_position(const void *a, const void *b)
{
	const struct segue_ticket *x = *(struct segue_ticket *const *)a;
	const struct segue_ticket *y = *(struct segue_ticket *const *)b;

	return (x->position > y->position) - (x->position < y->position);
}

static double value_of(const struct segue_ticket *t, const struct room rooms[], double *const alone[],
		uint32_t frame)
{
	for (uint32_t i = 0; t != NULL && i < N_ROOMS; i++) {
		if (t->buffer == &rooms[i].response->buffer)
			return alone[i][frame];
	}
	return 0.0;
}

static bool is_heard(struct segue_ticket *const applied[], uint32_t n, const struct room *room)
{
	for (uint32_t i = 0; i < n; i++) {
		if (applied[i]->buffer == &room->response->buffer)
			return true;
	}
	return false;
}

/* \param n_frames  from the first one on, without a pause */
static void assert_heard_as_reported(const struct fixture *f, const struct room rooms[], uint32_t n_frames)
{
	struct segue_ticket *applied[TICKETS_MAX];
	double *alone[N_ROOMS], *expected = calloc(n_frames, sizeof(*expected));
	uint32_t n_applied = 0, o, i;

	for (i = 0; i < f->n_tickets; i++) {
		if (segue_ticket_outcome(f->tickets[i]) == SEGUE_OUTCOME_APPLIED)
			applied[n_applied++] = f->tickets[i];
	}
	qsort(applied, n_applied, sizeof(applied[0]), by_position);
	for (o = 0; o < f->config.n_out; o++) {
		uint32_t k = 0;

		for (i = 0; i < N_ROOMS; i++)
			alone[i] = is_heard(applied, n_applied, &rooms[i]) ? convolve(f, &rooms[i], o, 0) : NULL;
		for (uint32_t frame = 0; frame < n_frames; frame++) {
			const struct segue_ticket *old, *new;
			double g = 1.0;

			while (k < n_applied && applied[k]->position <= START + frame)
				k++;
			old = k > 1 ? applied[k - 2] : NULL;
			new = k > 0 ? applied[k - 1] : NULL;
			if (new != NULL && new->position > 0)
				g = weight_of(new, START + frame - new->position,
						k < n_applied ? applied[k] : NULL);
			expected[frame] = (1.0 - g) * value_of(old, rooms, alone, frame) +
				g * value_of(new, rooms, alone, frame);
		}
		assert_at_least(peak_error(f->out[o], expected, n_frames), ERROR_MIN);
		for (i = 0; i < N_ROOMS; i++)
			free(alone[i]);
	}
	free(expected);
}

static void random_swaps_in_random_cycles_are_heard_as_reported(void **state)
{
	static const uint32_t fades[] = { 0, 1, 64, 960, 5000, 30000 };
	static const uint32_t n_frames = 125000;
	uint32_t n_applied = 0;

	for (uint32_t i = 0; i < 6; i++) {
		uint32_t largest = random_below(2) ? 13 : 9;
		struct room rooms[N_ROOMS];
		struct fixture f;

		init(&f, rooms, i % 2 ? 2 : 4, n_frames);
		while (f.n_done < n_frames - 8192) {
			if (random_below(largest == 13 ? 3 : 20) == 0 && f.n_tickets < TICKETS_MAX) {
				uint32_t room = random_below(N_ROOMS + 1);

				send_room(&f, room < N_ROOMS ? &rooms[room] : NULL,
						fades[random_below(SPA_N_ELEMENTS(fades))] / (double)RATE,
						random_below(3) ? SEGUE_NOW : f.clock.position +
						random_below(40000));
			}
			run_frames(&f, 1 + random_below(1u << (1 + random_below(largest))), 8192);
		}
		/* what is heard before may depend on a swap that comes after it */
		for (uint32_t t = 0; t < f.n_tickets; t++)
			n_applied += segue_ticket_outcome(f.tickets[t]) == SEGUE_OUTCOME_APPLIED;
		assert_heard_as_reported(&f, rooms, f.n_done - 40000);
		fixture_clear(&f, rooms, N_ROOMS);
	}
	assert_true(n_applied > 30);
}

static void a_swap_is_heard_exactly_its_lead_after_it_was_taken(void **state)
{
	static const uint32_t leads[N_ROOMS] = { 512, 512, 512, 2048, 16384, 16384 };

	for (uint32_t i = 0; i < N_ROOMS; i++) {
		struct segue_ticket *ticket;
		struct room rooms[N_ROOMS];
		struct fixture f;

		init(&f, rooms, 1, 60000);
		run_frames(&f, 1234, 0);
		ticket = send_room(&f, &rooms[i], 0.02, SEGUE_NOW);
		run_frames(&f, 50000, 0);
		assert_int_equal(ticket->position, START + 1234 + leads[i]);
		assert_heard_as_reported(&f, rooms, f.n_done);
		fixture_clear(&f, rooms, N_ROOMS);
	}
}

static void a_long_response_after_a_short_one_has_heard_the_past(void **state)
{
	struct room rooms[N_ROOMS];
	struct fixture f;

	init(&f, rooms, 4, 120000);
	send_room(&f, &rooms[0], 0.0, SEGUE_NOW);
	run_frames(&f, 70001, 0);
	send_room(&f, &rooms[5], 0.05, SEGUE_NOW);
	run_frames(&f, 49999, 64);
	assert_heard_as_reported(&f, rooms, f.n_done);
	fixture_clear(&f, rooms, N_ROOMS);
}

static void a_third_one_in_mid_fade_makes_the_fade_hurry(void **state)
{
	static const uint32_t quanta[] = { 1024, 64, 480, 8192 };

	for (uint32_t third = 0; third < N_ROOMS; third++) {
		struct room rooms[N_ROOMS];
		struct fixture f;

		init(&f, rooms, 4, 170000);
		send_room(&f, &rooms[4], 0.0, SEGUE_NOW);
		run_frames(&f, 40000, 256);
		send_room(&f, &rooms[5], 1.0, SEGUE_NOW);
		run_frames(&f, 26000, 100);
		send_room(&f, &rooms[third], 0.1, SEGUE_NOW);
		for (uint32_t i = 0; i < 40; i++)
			run_frames(&f, quanta[i % 4], quanta[i % 4]);
		assert_int_equal(f.tickets[2]->position, START + 66000 + lead_of(f.tickets[2]));
		assert_heard_as_reported(&f, rooms, f.n_done);
		fixture_clear(&f, rooms, N_ROOMS);
	}
}

static void clearing_fades_to_silence(void **state)
{
	struct room rooms[N_ROOMS];
	struct fixture f;

	init(&f, rooms, 2, 60000);
	send_room(&f, &rooms[4], 0.0, SEGUE_NOW);
	run_frames(&f, 30000, 480);
	send_room(&f, NULL, 0.1, SEGUE_NOW);
	run_frames(&f, 30000, 480);
	assert_heard_as_reported(&f, rooms, f.n_done);
	for (uint32_t i = 40000; i < 60000; i++)
		assert_true(f.out[0][i] == 0.0f);
	fixture_clear(&f, rooms, N_ROOMS);
}

/* The first room plays, then the node rests and is given the second one, and then the third. */
static void assert_swaps_at_rest(uint32_t rest, const uint32_t order[3])
{
	struct room rooms[N_ROOMS];
	double *expected;
	struct fixture f;

	init(&f, rooms, 4, 140000);
	send_room(&f, &rooms[order[0]], 0.0, SEGUE_NOW);
	run_frames(&f, rest, 0);
	segue_convolver_pause(f.conv);
	for (uint32_t i = 1; i < 3; i++) {
		send_room(&f, &rooms[order[i]], 0.1, SEGUE_NOW);
		segue_convolver_settle(f.conv);
		assert_int_equal(f.tickets[i]->position, 0);
	}
	let_pass(&f, 0.3);
	run_frames(&f, 60000, 0);
	for (uint32_t o = 0; o < 2; o++) {
		expected = convolve(&f, &rooms[order[2]], o, 0);
		assert_at_least(peak_error(f.out[o] + rest, expected + rest, 60000), ERROR_MIN);
		free(expected);
	}
	fixture_clear(&f, rooms, N_ROOMS);
}

static void swaps_while_the_node_rests_have_heard_the_past(void **state)
{
	static const uint32_t rests[] = { 8192 * 9, 8192 * 9 + 64 * 37, 8192 * 8 + 777 };
	static const uint32_t orders[][3] = { { 1, 2, 5 }, { 5, 1, 5 }, { 5, 5, 4 } };

	for (size_t i = 0; i < SPA_N_ELEMENTS(rests); i++) {
		for (size_t k = 0; k < SPA_N_ELEMENTS(orders); k++)
			assert_swaps_at_rest(rests[i], orders[k]);
	}
}

static void a_swap_while_the_node_rests_for_long_has_heard_silence(void **state)
{
	static const uint32_t rests[] = { 8192 * 6, 8192 * 6 + 64 * 37, 8192 * 5 + 777 };

	for (size_t i = 0; i < SPA_N_ELEMENTS(rests); i++) {
		uint32_t n = 60000, ramp = 240;
		struct room rooms[N_ROOMS];
		double *expected;
		struct fixture f;

		init(&f, rooms, 4, rests[i] + n);
		send_room(&f, &rooms[1], 0.0, SEGUE_NOW);
		run_frames(&f, rests[i], 0);
		send_room(&f, &rooms[5], 0.1, SEGUE_NOW);
		segue_convolver_pause(f.conv);
		let_pass(&f, 1.0);
		segue_convolver_forget(f.conv);
		segue_convolver_settle(f.conv);
		assert_int_equal(f.tickets[1]->position, 0);
		run_frames(&f, n, 0);
		for (uint32_t o = 0; o < 2; o++) {
			expected = convolve(&f, &rooms[5], o, rests[i]);
			for (uint32_t k = 0; k < ramp; k++)
				expected[rests[i] + k] *= (k + 1.0) / (ramp + 1.0);
			assert_at_least(peak_error(f.out[o] + rests[i], expected + rests[i], n), ERROR_MIN);
			free(expected);
		}
		fixture_clear(&f, rooms, N_ROOMS);
	}
}

static void a_short_pause_changes_nothing(void **state)
{
	struct room rooms[N_ROOMS];
	struct fixture f;

	init(&f, rooms, 4, 90000);
	send_room(&f, &rooms[5], 0.0, SEGUE_NOW);
	run_frames(&f, 50001, 480);
	let_pass(&f, 0.4);
	run_frames(&f, 39999, 480);
	assert_heard_as_reported(&f, rooms, f.n_done);
	fixture_clear(&f, rooms, N_ROOMS);
}

static void after_a_long_pause_the_past_is_silence(void **state)
{
	static const uint32_t pauses[] = { 8192 * 6, 8192 * 6 + 64 * 50, 60001 };

	for (size_t i = 0; i < SPA_N_ELEMENTS(pauses); i++) {
		uint32_t from = pauses[i], n = 70000, ramp = 240;
		struct room rooms[N_ROOMS];
		double *expected;
		struct fixture f;

		init(&f, rooms, 4, from + n);
		send_room(&f, &rooms[5], 0.0, SEGUE_NOW);
		run_frames(&f, from, 480);
		let_pass(&f, 10.0);
		run_frames(&f, n, 0);
		for (uint32_t o = 0; o < 2; o++) {
			expected = convolve(&f, &rooms[5], o, from);
			for (uint32_t k = 0; k < ramp; k++)
				expected[from + k] *= (k + 1.0) / (ramp + 1.0);
			assert_at_least(peak_error(f.out[o] + from, expected + from, n), ERROR_MIN);
			free(expected);
		}
		fixture_clear(&f, rooms, N_ROOMS);
	}
}

static void a_fade_in_a_long_pause_is_complete(void **state)
{
	struct room rooms[N_ROOMS];
	double *expected;
	struct fixture f;

	init(&f, rooms, 2, 150000);
	send_room(&f, &rooms[5], 0.0, SEGUE_NOW);
	run_frames(&f, 40000, 480);
	send_room(&f, &rooms[4], 1.0, SEGUE_NOW);
	run_frames(&f, 20000, 480);
	let_pass(&f, 1.0);
	run_frames(&f, 90000, 64);
	expected = convolve(&f, &rooms[4], 0, 60000);
	assert_at_least(peak_error(f.out[0] + 61000, expected + 61000, 89000), ERROR_MIN);
	free(expected);
	fixture_clear(&f, rooms, N_ROOMS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_swaps_in_random_cycles_are_heard_as_reported),
		cmocka_unit_test(a_swap_is_heard_exactly_its_lead_after_it_was_taken),
		cmocka_unit_test(a_long_response_after_a_short_one_has_heard_the_past),
		cmocka_unit_test(a_third_one_in_mid_fade_makes_the_fade_hurry),
		cmocka_unit_test(clearing_fades_to_silence),
		cmocka_unit_test(swaps_while_the_node_rests_have_heard_the_past),
		cmocka_unit_test(a_swap_while_the_node_rests_for_long_has_heard_silence),
		cmocka_unit_test(a_short_pause_changes_nothing),
		cmocka_unit_test(after_a_long_pause_the_past_is_silence),
		cmocka_unit_test(a_fade_in_a_long_pause_is_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
