/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "outbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CANCEL	1u
#define GAIN	2u
#define VOLUME	3u
#define N_TICKETS	8u

struct fixture {
	struct segue_outbox outbox;
	struct segue_handover handover;
	struct segue_ticket tickets[N_TICKETS];
	enum segue_outcome withdrawn[N_TICKETS];
};

static void on_withdrawn(struct segue_outbox *outbox, struct segue_ticket *ticket, enum segue_outcome outcome)
{
	struct fixture *f = SPA_CONTAINER_OF(outbox, struct fixture, outbox);
	size_t i = ticket - f->tickets;

	assert_true(i < N_TICKETS);
	assert_int_equal(f->withdrawn[i], SEGUE_OUTCOME_NONE);
	f->withdrawn[i] = outcome;
}

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture) { 0 };
	segue_outbox_init(&f.outbox, &f.handover);
	f.outbox.cancel = CANCEL;
	f.outbox.withdrawn = on_withdrawn;
	for (size_t i = 0; i < N_TICKETS; i++)
		f.tickets[i] = (struct segue_ticket) { .serial = i, .at = SEGUE_NOW, .refs = 1 };
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	segue_outbox_clear(&f->outbox);
	return 0;
}

static void send(struct fixture *f, uint32_t type, uint32_t key, double value)
{
	assert_int_equal(segue_outbox_send(&f->outbox, &(struct segue_command) {
			.type = type, .key = key, .value = value }), 0);
}

static void send_cancel(struct fixture *f, uint64_t serial)
{
	assert_int_equal(segue_outbox_send(&f->outbox, &(struct segue_command) {
			.type = CANCEL, .data = serial }), 0);
}

static void send_swap(struct fixture *f, size_t i)
{
	assert_int_equal(segue_outbox_send(&f->outbox, &(struct segue_command) {
			.type = SEGUE_COMMAND_SWAP, .ticket = &f->tickets[i] }), 0);
}

static void fill(struct fixture *f)
{
	for (uint32_t i = 0; i < SEGUE_RING_SIZE; i++)
		send(f, VOLUME, 1000 + i, i);
	assert_true(segue_outbox_is_empty(&f->outbox));
}

static void drain_full(struct fixture *f)
{
	struct segue_command c;

	for (uint32_t i = 0; i < SEGUE_RING_SIZE; i++) {
		assert_true(segue_handover_take(&f->handover, &c));
		assert_int_equal(c.key, 1000 + i);
	}
	assert_false(segue_handover_take(&f->handover, &c));
	assert_true(segue_outbox_flush(&f->outbox));
	assert_true(segue_outbox_is_empty(&f->outbox));
}

static struct segue_command take(struct fixture *f)
{
	struct segue_command c;

	assert_true(segue_handover_take(&f->handover, &c));
	return c;
}

static void assert_nothing_left(struct fixture *f)
{
	struct segue_command c;

	assert_false(segue_handover_take(&f->handover, &c));
}

static void what_fits_goes_at_once(void **state)
{
	struct fixture *f = *state;

	send_swap(f, 0);
	send(f, GAIN, 0, 0.5);
	assert_true(segue_outbox_is_empty(&f->outbox));
	assert_ptr_equal(take(f).ticket, &f->tickets[0]);
	assert_true(take(f).value == 0.5);
	assert_false(segue_outbox_withdraw(&f->outbox, &f->tickets[0], SEGUE_OUTCOME_CANCELLED));
}

static void what_does_not_fit_waits_in_order(void **state)
{
	struct fixture *f = *state;

	fill(f);
	f->tickets[0].at = f->tickets[2].at = 1000;
	send_swap(f, 0);
	send(f, GAIN, 0, 0.5);
	send_swap(f, 1);
	send_cancel(f, 0);
	send_swap(f, 2);
	assert_false(segue_outbox_flush(&f->outbox));
	drain_full(f);
	assert_ptr_equal(take(f).ticket, &f->tickets[0]);
	assert_int_equal(take(f).type, GAIN);
	assert_ptr_equal(take(f).ticket, &f->tickets[1]);
	assert_int_equal(take(f).type, CANCEL);
	assert_ptr_equal(take(f).ticket, &f->tickets[2]);
	assert_nothing_left(f);
}

static void what_comes_later_does_not_overtake(void **state)
{
	struct fixture *f = *state;

	fill(f);
	send(f, GAIN, 0, 0.5);
	send_swap(f, 0);
	/* there is room for one: that is the oldest's */
	take(f);
	send(f, VOLUME, 0, 0.25);
	for (uint32_t i = 1; i < SEGUE_RING_SIZE; i++)
		take(f);
	assert_int_equal(take(f).type, GAIN);
	assert_nothing_left(f);
	assert_true(segue_outbox_flush(&f->outbox));
	assert_ptr_equal(take(f).ticket, &f->tickets[0]);
	assert_int_equal(take(f).type, VOLUME);
}

static void only_the_newest_now_swap_waits(void **state)
{
	struct fixture *f = *state;

	fill(f);
	f->tickets[1].at = 5;
	send_swap(f, 0);
	send_swap(f, 1);
	send(f, GAIN, 0, 0.5);
	send_swap(f, 2);
	assert_int_equal(f->withdrawn[0], SEGUE_OUTCOME_SUPERSEDED);
	send_swap(f, 3);
	assert_int_equal(f->withdrawn[2], SEGUE_OUTCOME_SUPERSEDED);
	assert_int_equal(f->withdrawn[1], SEGUE_OUTCOME_NONE);
	assert_int_equal(f->withdrawn[3], SEGUE_OUTCOME_NONE);
	drain_full(f);
	assert_ptr_equal(take(f).ticket, &f->tickets[1]);
	assert_int_equal(take(f).type, GAIN);
	assert_ptr_equal(take(f).ticket, &f->tickets[3]);
	assert_nothing_left(f);
}

static void a_scheduled_swap_replaces_nothing(void **state)
{
	struct fixture *f = *state;

	fill(f);
	f->tickets[1].at = f->tickets[2].at = 5;
	send_swap(f, 0);
	send_swap(f, 1);
	send_swap(f, 2);
	drain_full(f);
	for (size_t i = 0; i < 3; i++)
		assert_ptr_equal(take(f).ticket, &f->tickets[i]);
}

static void of_a_setting_only_the_last_value_waits(void **state)
{
	struct fixture *f = *state;

	fill(f);
	for (uint32_t i = 0; i < 1000; i++) {
		send(f, GAIN, 0, i);
		send(f, VOLUME, 0, i);
		send(f, VOLUME, 1, i + 0.5);
	}
	drain_full(f);
	assert_true(take(f).value == 999.0);
	assert_true(take(f).value == 999.0);
	assert_true(take(f).value == 999.5);
	assert_nothing_left(f);
}

static void each_cancel_stands_for_itself(void **state)
{
	struct fixture *f = *state;

	fill(f);
	for (uint64_t i = 0; i < 5; i++)
		send_cancel(f, i);
	drain_full(f);
	for (uint64_t i = 0; i < 5; i++)
		assert_int_equal(take(f).data, i);
	assert_nothing_left(f);
}

static void what_waits_can_be_withdrawn(void **state)
{
	struct fixture *f = *state;

	fill(f);
	f->tickets[0].at = 5;
	send_swap(f, 0);
	send_swap(f, 1);
	assert_true(segue_outbox_withdraw(&f->outbox, &f->tickets[0], SEGUE_OUTCOME_CANCELLED));
	assert_int_equal(f->withdrawn[0], SEGUE_OUTCOME_CANCELLED);
	assert_false(segue_outbox_withdraw(&f->outbox, &f->tickets[0], SEGUE_OUTCOME_CANCELLED));
	drain_full(f);
	assert_ptr_equal(take(f).ticket, &f->tickets[1]);
	assert_nothing_left(f);
}

static void what_is_cleared_is_gone(void **state)
{
	struct fixture *f = *state;

	fill(f);
	f->tickets[0].at = 5;
	send_swap(f, 0);
	send(f, GAIN, 0, 0.5);
	send_swap(f, 1);
	segue_outbox_clear(&f->outbox);
	assert_int_equal(f->withdrawn[0], SEGUE_OUTCOME_GONE);
	assert_int_equal(f->withdrawn[1], SEGUE_OUTCOME_GONE);
	assert_true(segue_outbox_is_empty(&f->outbox));
	drain_full(f);
	assert_nothing_left(f);
}

#define test(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(what_fits_goes_at_once),
		test(what_does_not_fit_waits_in_order),
		test(what_comes_later_does_not_overtake),
		test(only_the_newest_now_swap_waits),
		test(a_scheduled_swap_replaces_nothing),
		test(of_a_setting_only_the_last_value_waits),
		test(each_cancel_stands_for_itself),
		test(what_waits_can_be_withdrawn),
		test(what_is_cleared_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
