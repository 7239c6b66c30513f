/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include <segue/handover.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* What one thread can see of the header; test-stress.c has two. */

struct fixture {
	struct segue_handover *handover;
	uint32_t n_live;	/* buffers */
	uint32_t n_destroyed;
};

struct block {
	struct segue_buffer buffer;
	struct fixture *fixture;
};

static void block_destroy(struct segue_buffer *buffer)
{
	struct block *b = (struct block *)buffer;

	b->fixture->n_live--;
	b->fixture->n_destroyed++;
	free(b);
}

static struct segue_buffer *block_new(struct fixture *f)
{
	struct block *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	*b = (struct block) {
		.buffer = { .refs = 1, .bytes = sizeof(*b), .destroy = block_destroy },
		.fixture = f,
	};
	f->n_live++;
	return &b->buffer;
}

/* takes over a reference on the buffer */
static struct segue_ticket *ticket_new(struct segue_buffer *buffer, uint64_t serial)
{
	struct segue_ticket *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->buffer = buffer;
	t->serial = serial;
	t->at = SEGUE_NOW;
	t->refs = 1;
	return t;
}

static void ticket_free(struct segue_ticket *t)
{
	segue_buffer_unref(t->buffer);
	free(t);
}

static int send_ticket(struct segue_handover *h, struct segue_ticket *t)
{
	struct segue_command c = { .type = SEGUE_COMMAND_SWAP, .ticket = t };

	return segue_handover_send(h, &c);
}

static struct segue_ticket *take_ticket(struct segue_handover *h)
{
	struct segue_command c = { 0 };

	assert_true(segue_handover_take(h, &c));
	assert_int_equal(c.type, SEGUE_COMMAND_SWAP);
	return c.ticket;
}

/* frees what is collected; how many there were, with serials from `first` on */
static uint32_t collect_in_order(struct segue_handover *h, uint64_t first)
{
	struct segue_ticket *t = segue_handover_collect(h), *next;
	uint32_t n = 0;

	for (; t != NULL; t = next, n++) {
		next = t->next;
		assert_int_equal(t->serial, first + n);
		ticket_free(t);
	}
	return n;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL || (f->handover = calloc(1, sizeof(*f->handover))) == NULL)
		return -1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	bool clean = f->n_live == 0 && f->handover->n_outstanding == 0;

	free(f->handover);
	free(f);
	return clean ? 0 : -1;
}

static void zeroed_memory_is_an_empty_handover(void **state)
{
	struct fixture *f = *state;
	struct segue_command c = { .type = 77 };

	assert_false(segue_handover_take(f->handover, &c));
	assert_int_equal(c.type, 77);
	assert_null(segue_handover_collect(f->handover));
	assert_int_equal(segue_handover_space(f->handover), SEGUE_RING_SIZE);
}

static void a_full_ring_refuses_and_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct segue_handover *h = f->handover;
	struct segue_command c = { .type = 1 };
	struct segue_ticket *t = ticket_new(NULL, 1);

	for (uint32_t i = 0; i < SEGUE_RING_SIZE; i++) {
		c.data = i;
		assert_int_equal(segue_handover_space(h), SEGUE_RING_SIZE - i);
		assert_int_equal(segue_handover_send(h, &c), 0);
	}
	assert_int_equal(segue_handover_send(h, &c), -ENOSPC);
	assert_int_equal(send_ticket(h, t), -ENOSPC);
	assert_int_equal(h->n_outstanding, 0);

	/* one place, one command; then the rest in order */
	assert_true(segue_handover_take(h, &c));
	assert_int_equal(c.data, 0);
	assert_int_equal(send_ticket(h, t), 0);
	assert_int_equal(h->n_outstanding, 1);
	assert_int_equal(send_ticket(h, t), -ENOSPC);
	for (uint32_t i = 1; i < SEGUE_RING_SIZE; i++) {
		assert_true(segue_handover_take(h, &c));
		assert_int_equal(c.data, i);
	}
	assert_ptr_equal(take_ticket(h), t);
	assert_false(segue_handover_take(h, &c));
	segue_ticket_unref(h, t);
	assert_int_equal(collect_in_order(h, 1), 1);
}

static void the_counters_may_wrap_around(void **state)
{
	struct fixture *f = *state;
	struct segue_handover *h = f->handover;
	struct segue_command c = { .type = 1 };
	uint64_t sent = 0, taken = 0;

	h->written = h->taken = h->taken_seen = UINT32_MAX - 2 * SEGUE_RING_SIZE - 3;
	/* in bursts of every size, so that the wrap is met full, empty and between */
	for (uint32_t burst = 1; burst <= SEGUE_RING_SIZE; burst++) {
		for (uint32_t i = 0; i < burst; i++) {
			c.data = sent++;
			assert_int_equal(segue_handover_send(h, &c), 0);
		}
		assert_int_equal(segue_handover_space(h), SEGUE_RING_SIZE - burst);
		while (segue_handover_take(h, &c))
			assert_int_equal(c.data, taken++);
		assert_int_equal(taken, sent);
	}
	assert_true(h->written < UINT32_MAX / 2);

	h->written = h->taken = h->taken_seen = UINT32_MAX - SEGUE_RING_SIZE / 2;
	for (uint32_t i = 0; i < SEGUE_RING_SIZE; i++)
		assert_int_equal(segue_handover_send(h, &c), 0);
	assert_int_equal(segue_handover_space(h), 0);
	assert_int_equal(segue_handover_send(h, &c), -ENOSPC);
}

static void a_command_arrives_as_it_was_sent(void **state)
{
	struct fixture *f = *state;
	static const double values[] = { 0.0, -0.0, 1e-308, 440.0, 20000.0 };
	struct segue_command c;

	for (uint32_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		c = (struct segue_command) { .type = i + 1, .key = 100 + i, .value = values[i] };
		assert_int_equal(segue_handover_send(f->handover, &c), 0);
	}
	for (uint32_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		assert_true(segue_handover_take(f->handover, &c));
		assert_int_equal(c.type, i + 1);
		assert_int_equal(c.key, 100 + i);
		assert_memory_equal(&c.value, &values[i], sizeof(double));
	}
	/* only tickets are outstanding */
	assert_int_equal(f->handover->n_outstanding, 0);
}

static void an_answer_is_seen_before_the_ticket_is_retired(void **state)
{
	struct fixture *f = *state;
	struct segue_handover *h = f->handover;
	struct segue_ticket *t = ticket_new(block_new(f), 1);

	assert_int_equal(send_ticket(h, t), 0);
	assert_int_equal(segue_ticket_outcome(t), SEGUE_OUTCOME_NONE);
	assert_ptr_equal(take_ticket(h), t);
	assert_int_equal(segue_ticket_outcome(t), SEGUE_OUTCOME_NONE);
	segue_ticket_answer(t, SEGUE_OUTCOME_APPLIED, UINT64_C(1) << 40);
	assert_int_equal(segue_ticket_outcome(t), SEGUE_OUTCOME_APPLIED);
	assert_int_equal(t->position, UINT64_C(1) << 40);
	assert_null(segue_handover_collect(h));
	assert_int_equal(h->n_outstanding, 1);

	segue_ticket_unref(h, t);
	assert_ptr_equal(segue_handover_collect(h), t);
	assert_int_equal(segue_ticket_outcome(t), SEGUE_OUTCOME_APPLIED);
	assert_int_equal(h->n_outstanding, 0);
	ticket_free(t);
}

static void the_first_retired_is_collected_first(void **state)
{
	struct fixture *f = *state;
	struct segue_handover *h = f->handover;
	static const uint32_t sizes[] = { 1, 2, 3, SEGUE_RING_SIZE };
	uint64_t serial = 0;

	for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t first = serial;

		for (uint32_t j = 0; j < sizes[i]; j++)
			assert_int_equal(send_ticket(h, ticket_new(block_new(f), serial++)), 0);
		for (uint32_t j = 0; j < sizes[i]; j++)
			segue_ticket_unref(h, take_ticket(h));
		assert_int_equal(f->n_live, sizes[i]);
		assert_int_equal(collect_in_order(h, first), sizes[i]);
		assert_int_equal(f->n_live, 0);
		assert_null(segue_handover_collect(h));
	}
	assert_int_equal(f->n_destroyed, serial);
}

static void a_ticket_is_retired_by_its_last_use(void **state)
{
	struct fixture *f = *state;
	struct segue_handover *h = f->handover;
	struct segue_ticket *t;

	assert_int_equal(send_ticket(h, ticket_new(block_new(f), 5)), 0);
	t = take_ticket(h);
	for (uint32_t i = 0; i < 64; i++)	/* voices */
		assert_ptr_equal(segue_ticket_ref(t), t);
	for (uint32_t i = 0; i < 64; i++) {
		segue_ticket_unref(h, t);
		assert_null(segue_handover_collect(h));
	}
	segue_ticket_unref(h, t);
	assert_int_equal(collect_in_order(h, 5), 1);
	assert_int_equal(f->n_destroyed, 1);
}

static void a_buffer_of_several_nodes_is_destroyed_once_after_the_last(void **state)
{
	struct fixture *f = *state;
	struct segue_handover nodes[3] = { 0 };
	struct segue_buffer *b = block_new(f);

	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(send_ticket(&nodes[i], ticket_new(segue_buffer_ref(b), i)), 0);
	segue_buffer_unref(b);	/* its maker's */
	assert_int_equal(b->refs, 3);

	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(f->n_destroyed, 0);
		segue_ticket_unref(&nodes[i], take_ticket(&nodes[i]));
		assert_int_equal(collect_in_order(&nodes[i], i), 1);
		assert_int_equal(nodes[i].n_outstanding, 0);
	}
	assert_int_equal(f->n_destroyed, 1);
}

static void nothing_is_accepted_where_a_reference_is_dropped(void **state)
{
	struct fixture *f = *state;

	segue_buffer_unref(NULL);
	assert_null(segue_buffer_ref(NULL));
	segue_ticket_unref(f->handover, NULL);
	assert_null(segue_ticket_ref(NULL));
	assert_null(segue_handover_collect(f->handover));

	/* a ticket without a buffer is silence */
	assert_int_equal(send_ticket(f->handover, ticket_new(NULL, 9)), 0);
	segue_ticket_unref(f->handover, take_ticket(f->handover));
	assert_int_equal(collect_in_order(f->handover, 9), 1);
}

static void what_different_threads_write_is_a_cache_line_apart(void **state)
{
	static const size_t offsets[] = {
		offsetof(struct segue_handover, n_outstanding),	/* after `written`, the main loop's */
		offsetof(struct segue_handover, taken),
		offsetof(struct segue_handover, retired),
		offsetof(struct segue_handover, ring),
	};

	for (uint32_t i = 1; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		assert_true(offsets[i] - offsets[i - 1] >= SEGUE_CACHE_LINE);
	/* memory from calloc() will do */
	assert_true(_Alignof(struct segue_handover) <= _Alignof(max_align_t));
}

int main(void)
{
#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(zeroed_memory_is_an_empty_handover),
		TEST(a_full_ring_refuses_and_changes_nothing),
		TEST(the_counters_may_wrap_around),
		TEST(a_command_arrives_as_it_was_sent),
		TEST(an_answer_is_seen_before_the_ticket_is_retired),
		TEST(the_first_retired_is_collected_first),
		TEST(a_ticket_is_retired_by_its_last_use),
		TEST(a_buffer_of_several_nodes_is_destroyed_once_after_the_last),
		TEST(nothing_is_accepted_where_a_reference_is_dropped),
		TEST(what_different_threads_write_is_a_cache_line_apart),
	};

	return cmocka_run_group_tests_name("handover", tests, NULL, NULL);
}
