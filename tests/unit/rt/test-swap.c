/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "rt/source.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <spa/utils/defs.h>

#include "fixture.h"
#include "rt/swap.h"

/* The rules one by one, on the source's engine: lead 0, hurry 256. */

#define FADE(n_frames)	((n_frames) / (double)RATE)

static enum segue_outcome outcome(const struct segue_ticket *t)
{
	return segue_ticket_outcome(t);
}

static void a_now_swap_is_taken_at_the_first_frame_of_a_cycle(void **state)
{
	struct fixture *f = *state;
	struct segue_ticket *t;

	run_frames(f, NULL, 480, 480);
	t = send_swap(f, NULL, FADE(100), SEGUE_NOW, 0);
	run_frames(f, NULL, 480, 480);
	assert_applied(t, START + 480);
}

static void a_newer_swap_supersedes_the_one_that_waits(void **state)
{
	struct fixture *f = *state;
	struct segue_ticket *a = send_swap(f, NULL, 0.0, SEGUE_NOW, 0);
	struct segue_ticket *b = send_swap(f, NULL, 0.0, SEGUE_NOW, 0);

	run_frames(f, NULL, 64, 64);
	assert_int_equal(outcome(a), SEGUE_OUTCOME_SUPERSEDED);
	assert_applied(b, START);
}

/* As send_swap(), of the sound that another ticket asked for. */
static struct segue_ticket *send_remade(struct fixture *f, const struct segue_ticket *original)
{
	struct segue_ticket *ticket = send_swap(f, NULL, 0.0, SEGUE_NOW, SEGUE_TICKET_REMAKE);

	ticket->serial = original->serial;
	return ticket;
}

static void a_sound_made_anew_replaces_itself_and_nothing_newer(void **state)
{
	struct fixture *f = *state;
	struct segue_ticket *a, *b, *anew, *again;

	a = send_swap(f, NULL, 0.0, SEGUE_NOW, 0);
	run_frames(f, NULL, 64, 64);
	anew = send_remade(f, a);
	run_frames(f, NULL, 64, 64);
	assert_applied(anew, START + 64);

	/* a again, behind b which waits */
	b = send_swap(f, NULL, FADE(1000), SEGUE_NOW, 0);
	anew = send_remade(f, a);
	run_frames(f, NULL, 64, 64);
	assert_int_equal(outcome(anew), SEGUE_OUTCOME_SUPERSEDED);
	assert_applied(b, START + 128);

	/* and behind b which sounds */
	anew = send_remade(f, a);
	run_frames(f, NULL, 64, 64);
	assert_int_equal(outcome(anew), SEGUE_OUTCOME_SUPERSEDED);

	/* b, twice */
	anew = send_remade(f, b);
	again = send_remade(f, b);
	run_frames(f, NULL, 2048, 64);
	assert_int_equal(outcome(anew), SEGUE_OUTCOME_SUPERSEDED);
	assert_applied(again, START + 256 + 256);
}

static void a_swap_in_mid_fade_hurries_it_and_follows_on_the_next_frame(void **state)
{
	struct fixture *f = *state;
	struct segue_ticket *a = send_swap(f, NULL, FADE(5000), SEGUE_NOW, 0);
	struct segue_ticket *b;

	run_frames(f, NULL, 1000, 1000);
	b = send_swap(f, NULL, FADE(5000), SEGUE_NOW, 0);
	run_frames(f, NULL, 1000, 1000);
	assert_applied(a, START);
	assert_applied(b, START + 1000 + 256);
}

static void a_fade_about_to_end_ends_as_it_was(void **state)
{
	struct fixture *f = *state;
	struct segue_ticket *b;

	send_swap(f, NULL, FADE(1100), SEGUE_NOW, 0);
	run_frames(f, NULL, 1000, 1000);
	b = send_swap(f, NULL, 0.0, SEGUE_NOW, 0);
	run_frames(f, NULL, 1000, 1000);
	assert_applied(b, START + 1100);
}

static void a_third_and_a_fourth_swap_in_mid_fade_wait_and_supersede_each_other(void **state)
{
	struct fixture *f = *state;
	struct segue_ticket *b, *c, *d;

	send_swap(f, NULL, FADE(5000), SEGUE_NOW, 0);
	run_frames(f, NULL, 64, 64);
	b = send_swap(f, NULL, FADE(1000), SEGUE_NOW, 0);
	run_frames(f, NULL, 64, 64);	/* b is committed to 64 + 256 */
	c = send_swap(f, NULL, FADE(1000), SEGUE_NOW, 0);
	run_frames(f, NULL, 64, 64);
	d = send_swap(f, NULL, FADE(1000), SEGUE_NOW, 0);
	run_frames(f, NULL, 4096, 64);
	assert_applied(b, START + 320);
	assert_int_equal(outcome(c), SEGUE_OUTCOME_SUPERSEDED);
	/* b starts in the cycle at 320, so d is taken at 384 */
	assert_applied(d, START + 384 + 256);
}

static void an_at_swap_starts_at_exactly_its_frame_in_any_quantum(void **state)
{
	static const uint32_t quanta[] = { 1, 63, 64, 65, 480, 1024, 8192 };
	struct fixture *f = *state;

	for (size_t i = 0; i < SPA_N_ELEMENTS(quanta); i++) {
		uint64_t now = f->clock.position;
		struct segue_ticket *a = send_swap(f, NULL, FADE(3000), now + 777, 0);
		struct segue_ticket *b = send_swap(f, NULL, 0.0, now + 2001, 0);
		struct segue_ticket *c = send_swap(f, NULL, 0.0, now + 2002, 0);

		run_frames(f, NULL, 8192, quanta[i]);
		assert_applied(a, now + 777);
		assert_applied(b, now + 2001);
		assert_applied(c, now + 2002);
	}
}

static void an_at_swap_that_has_passed_is_too_late_unless_late_will_do(void **state)
{
	struct fixture *f = *state;
	struct segue_ticket *a, *b;

	run_frames(f, NULL, 100, 100);
	a = send_swap(f, NULL, 0.0, START + 99, 0);
	b = send_swap(f, NULL, 0.0, START + 99, SEGUE_TICKET_LATE);
	run_frames(f, NULL, 100, 100);
	assert_int_equal(outcome(a), SEGUE_OUTCOME_TOO_LATE);
	assert_applied(b, START + 100);
}

static void an_at_swap_that_a_fade_stands_in_the_way_of_is_too_late(void **state)
{
	struct fixture *f = *state;
	struct segue_ticket *a, *b;

	send_swap(f, NULL, FADE(5000), SEGUE_NOW, 0);
	run_frames(f, NULL, 100, 100);
	a = send_swap(f, NULL, 0.0, START + 100 + 255, 0);
	b = send_swap(f, NULL, 0.0, START + 100 + 256, 0);
	run_frames(f, NULL, 1000, 100);
	assert_int_equal(outcome(a), SEGUE_OUTCOME_TOO_LATE);
	assert_applied(b, START + 100 + 256);
}

static void a_now_swap_and_an_at_swap_supersede_neither_each_other(void **state)
{
	struct fixture *f = *state;
	struct segue_ticket *a = send_swap(f, NULL, 0.0, START + 5000, 0);
	struct segue_ticket *b = send_swap(f, NULL, 0.0, SEGUE_NOW, 0);

	run_frames(f, NULL, 8000, 1000);
	assert_applied(a, START + 5000);
	assert_applied(b, START);
}

static void what_waits_can_be_cancelled_and_what_is_committed_can_not(void **state)
{
	struct fixture *f = *state;
	struct segue_ticket *a = send_swap(f, NULL, 0.0, START + 1000, 0);
	struct segue_ticket *b = send_swap(f, NULL, 0.0, START + 100, 0);
	struct segue_ticket *c = send_swap(f, NULL, 0.0, SEGUE_NOW, 0);

	send_cancel(f, c->serial);
	send_cancel(f, 99);
	assert_false(segue_ticket_is_taken(b));
	run_frames(f, NULL, 64, 64);
	assert_true(segue_ticket_is_taken(b));
	assert_false(segue_ticket_is_taken(a));
	send_cancel(f, a->serial);
	send_cancel(f, b->serial);
	run_frames(f, NULL, 2048, 64);
	assert_int_equal(outcome(a), SEGUE_OUTCOME_CANCELLED);
	assert_applied(b, START + 100);
	assert_int_equal(outcome(c), SEGUE_OUTCOME_CANCELLED);
}

static void a_node_that_is_not_running_applies_now_swaps_at_once_and_keeps_at_swaps(void **state)
{
	struct fixture *f = *state;
	struct segue_ticket *a, *b, *c, *d;

	send_swap(f, NULL, FADE(5000), SEGUE_NOW, 0);
	run_frames(f, NULL, 64, 64);
	a = send_swap(f, NULL, FADE(5000), SEGUE_NOW, 0);
	run_frames(f, NULL, 64, 64);	/* committed */
	b = send_swap(f, NULL, FADE(5000), SEGUE_NOW, 0);
	c = send_swap(f, NULL, FADE(5000), SEGUE_NOW, 0);
	d = send_swap(f, NULL, 0.0, START + 1000, 0);
	segue_source_pause(f->source);
	segue_source_settle(f->source);
	assert_applied(a, 0);
	assert_int_equal(outcome(b), SEGUE_OUTCOME_SUPERSEDED);
	assert_applied(c, 0);
	assert_int_equal(outcome(d), SEGUE_OUTCOME_NONE);
	run_frames(f, NULL, 2048, 64);
	assert_applied(d, START + 1000);
}

static void draining_answers_everything(void **state)
{
	struct fixture *f = *state;
	struct segue_ticket *a, *b, *c, *d;

	send_swap(f, NULL, FADE(5000), SEGUE_NOW, 0);
	run_frames(f, NULL, 64, 64);
	a = send_swap(f, NULL, 0.0, SEGUE_NOW, 0);
	run_frames(f, NULL, 64, 64);
	b = send_swap(f, NULL, 0.0, SEGUE_NOW, 0);
	c = send_swap(f, NULL, 0.0, START + 100000, 0);
	run_frames(f, NULL, 64, 64);
	d = send_swap(f, NULL, 0.0, SEGUE_NOW, 0);
	segue_source_drain(f->source);
	assert_int_equal(outcome(a), SEGUE_OUTCOME_GONE);
	assert_int_equal(outcome(b), SEGUE_OUTCOME_GONE);
	assert_int_equal(outcome(c), SEGUE_OUTCOME_GONE);
	assert_int_equal(outcome(d), SEGUE_OUTCOME_GONE);
	(void)segue_handover_collect(f->handover);
	assert_int_equal(f->handover->n_outstanding, 0);
	/* and it can go on afterwards */
	a = send_swap(f, NULL, 0.0, SEGUE_NOW, 0);
	run_frames(f, NULL, 64, 64);
	assert_int_equal(outcome(a), SEGUE_OUTCOME_APPLIED);
}

static void the_schedule_refuses_what_it_has_no_room_for(void **state)
{
	struct fixture *f = *state;
	struct segue_ticket *last = NULL;
	uint32_t n_refused = 0;

	for (uint32_t i = 0; i < SEGUE_SWAP_WAITING_MAX + 1; i++)
		last = send_swap(f, NULL, 0.0, START + 50000 + i, 0);
	run_frames(f, NULL, 64, 64);
	run_frames(f, NULL, 64, 64);
	for (uint32_t i = 0; i < f->n_tickets; i++)
		n_refused += outcome(f->tickets[i]) == SEGUE_OUTCOME_TOO_LATE;
	assert_int_equal(n_refused, 1);
	assert_int_equal(outcome(last), SEGUE_OUTCOME_TOO_LATE);
}

static void at_most_64_commands_are_taken_in_a_cycle(void **state)
{
	struct fixture *f = *state;
	struct segue_ticket *t;

	for (uint32_t i = 0; i < 64; i++)
		send_value(f, SEGUE_SOURCE_GAIN, 0, 1.0);
	t = send_swap(f, NULL, 0.0, SEGUE_NOW, 0);
	run_frames(f, NULL, 64, 64);
	assert_int_equal(outcome(t), SEGUE_OUTCOME_NONE);
	run_frames(f, NULL, 64, 64);
	assert_applied(t, START + 64);
}

static int setup(void **state)
{
	struct fixture *f = malloc(sizeof(*f));

	fixture_init(f, 1);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	fixture_clear(*state);
	free(*state);
	return 0;
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_now_swap_is_taken_at_the_first_frame_of_a_cycle),
		TEST(a_newer_swap_supersedes_the_one_that_waits),
		TEST(a_sound_made_anew_replaces_itself_and_nothing_newer),
		TEST(a_swap_in_mid_fade_hurries_it_and_follows_on_the_next_frame),
		TEST(a_fade_about_to_end_ends_as_it_was),
		TEST(a_third_and_a_fourth_swap_in_mid_fade_wait_and_supersede_each_other),
		TEST(an_at_swap_starts_at_exactly_its_frame_in_any_quantum),
		TEST(an_at_swap_that_has_passed_is_too_late_unless_late_will_do),
		TEST(an_at_swap_that_a_fade_stands_in_the_way_of_is_too_late),
		TEST(a_now_swap_and_an_at_swap_supersede_neither_each_other),
		TEST(what_waits_can_be_cancelled_and_what_is_committed_can_not),
		TEST(a_node_that_is_not_running_applies_now_swaps_at_once_and_keeps_at_swaps),
		TEST(draining_answers_everything),
		TEST(the_schedule_refuses_what_it_has_no_room_for),
		TEST(at_most_64_commands_are_taken_in_a_cycle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
