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

/* What is scheduled, by clocks that change, are lost and stand still. On the source's engine, as in test-swap.c. */

/* As the main loop sends them. */
static struct segue_ticket *send_after(struct fixture *f, uint64_t n_frames)
{
	return send_swap(f, NULL, 0.0, LASTING(n_frames), SEGUE_TICKET_AFTER | SEGUE_TICKET_LATE);
}

static void an_after_swap_counts_from_the_first_cycle_that_runs(void **state)
{
	struct fixture *f = *state;
	struct segue_ticket *a, *b;

	a = send_after(f, 1000);
	segue_source_settle(f->source);
	assert_int_equal(segue_ticket_outcome(a), SEGUE_OUTCOME_NONE);
	run_frames(f, NULL, 512, 512);
	b = send_after(f, 1000);
	run_frames(f, NULL, 2048, 512);
	assert_applied(a, START + 1000);
	assert_applied(b, START + 512 + 1000);
}

static void a_changed_clock_fails_what_was_scheduled_by_it(void **state)
{
	struct fixture *f = *state;
	struct segue_ticket *a, *b, *c;

	run_frames(f, NULL, 512, 512);
	a = send_swap(f, NULL, 0.0, START + 5000, SEGUE_TICKET_LATE);
	run_frames(f, NULL, 512, 512);
	f->clock.id++;
	run_frames(f, NULL, 512, 512);
	assert_int_equal(segue_ticket_outcome(a), SEGUE_OUTCOME_CLOCK_CHANGED);

	b = send_swap(f, NULL, 0.0, f->clock.position + 600, 0);
	run_frames(f, NULL, 512, 512);	/* it is committed by now */
	f->clock.position -= 1;
	c = send_after(f, 100);
	run_frames(f, NULL, 512, 512);
	assert_int_equal(segue_ticket_outcome(b), SEGUE_OUTCOME_CLOCK_CHANGED);
	assert_int_equal(segue_ticket_outcome(c), SEGUE_OUTCOME_APPLIED);
}

static void a_lost_clock_fails_what_was_scheduled_by_it(void **state)
{
	struct fixture *f = *state;
	struct segue_ticket *a, *b;

	run_frames(f, NULL, 512, 512);
	a = send_swap(f, NULL, 0.0, START + 5000, SEGUE_TICKET_LATE);
	b = send_after(f, 100);
	segue_source_lose_clock(f->source);
	assert_int_equal(segue_ticket_outcome(a), SEGUE_OUTCOME_CLOCK_CHANGED);
	/* the next one may have the same id and any position */
	f->clock.position = START + 4000;
	run_frames(f, NULL, 512, 512);
	assert_applied(b, START + 4100);
}

static void an_after_swap_goes_on_by_another_clock(void **state)
{
	struct fixture *f = *state;
	struct segue_ticket *a, *b, *c;

	a = send_after(f, 5000);
	b = send_after(f, 3000);
	c = send_after(f, 512 + 100);	/* committed when the clock changes */
	run_frames(f, NULL, 512, 512);
	assert_true(segue_ticket_is_taken(c));
	f->clock.id++;
	f->clock.position = 17;
	run_frames(f, NULL, 1024, 512);
	f->clock.position = 7;		/* and jumps back */
	run_frames(f, NULL, 8192, 512);
	assert_applied(a, 7 + 5000 - 512 - 1024);
	assert_applied(b, 7 + 3000 - 512 - 1024);
	assert_applied(c, 17 + 100);
}

static void an_after_swap_is_a_time_at_any_rate(void **state)
{
	struct fixture *f = *state;
	struct segue_ticket *a, *b;

	f->clock.rate.denom = 44100;
	a = send_after(f, 4800);
	b = send_after(f, 9600);
	run_frames(f, NULL, 8192, 441);
	f->clock.rate.denom = 96000;
	run_frames(f, NULL, 8192, 441);
	assert_applied(a, START + 4410);
	assert_near(b->position, START + 8192 + (8820 - 8192) * 96000.0 / 44100, 1.0);
}

static void time_without_a_clock_counts_for_an_after_swap(void **state)
{
	struct fixture *f = *state;
	struct segue_ticket *a, *b, *c;

	a = send_after(f, 480000);
	b = send_after(f, 5000);
	run_frames(f, NULL, 480, 480);
	segue_source_pause(f->source);
	segue_source_settle(f->source);
	segue_source_lose_clock(f->source);
	c = send_after(f, 1000);	/* it begins with the next cycle */
	let_pass(f, 1.0);
	f->clock.position = 0;
	run_frames(f, NULL, 480000, 480);
	assert_applied(a, 480000 - 480 - 48000);
	assert_applied(b, 0);
	assert_applied(c, 1000);
}

static void a_pause_in_which_the_clock_stands_still_counts_for_an_after_swap(void **state)
{
	struct fixture *f = *state;
	uint64_t position;
	struct segue_ticket *a;

	a = send_after(f, 96000);
	run_frames(f, NULL, 480, 480);
	position = f->clock.position;
	segue_source_pause(f->source);
	let_pass(f, 1.0);
	f->clock.position = position;
	run_frames(f, NULL, 96000, 480);
	assert_applied(a, START + 96000 - 48000);
}

static void a_clock_of_another_epoch_makes_an_after_swap_wait_no_longer_than_it_asked(void **state)
{
	struct fixture *f = *state;
	struct segue_ticket *a;

	a = send_after(f, 1000);
	run_frames(f, NULL, 480, 480);
	f->clock.id++;
	f->clock.nsec = 0;
	run_frames(f, NULL, 4800, 480);
	assert_applied(a, START + 480 + 1000);
}

static void a_forward_jump_fails_only_what_it_passed(void **state)
{
	struct fixture *f = *state;
	struct segue_ticket *a, *b;

	run_frames(f, NULL, 512, 512);
	a = send_swap(f, NULL, 0.0, START + 600, 0);
	b = send_swap(f, NULL, 0.0, START + 3000, 0);
	run_frames(f, NULL, 64, 64);
	f->clock.position += 1000;
	run_frames(f, NULL, 2048, 64);
	assert_int_equal(segue_ticket_outcome(a), SEGUE_OUTCOME_TOO_LATE);
	assert_applied(b, START + 3000);
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
		TEST(an_after_swap_counts_from_the_first_cycle_that_runs),
		TEST(a_changed_clock_fails_what_was_scheduled_by_it),
		TEST(a_lost_clock_fails_what_was_scheduled_by_it),
		TEST(an_after_swap_goes_on_by_another_clock),
		TEST(an_after_swap_is_a_time_at_any_rate),
		TEST(time_without_a_clock_counts_for_an_after_swap),
		TEST(a_pause_in_which_the_clock_stands_still_counts_for_an_after_swap),
		TEST(a_clock_of_another_epoch_makes_an_after_swap_wait_no_longer_than_it_asked),
		TEST(a_forward_jump_fails_only_what_it_passed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
