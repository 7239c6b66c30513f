/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "delays.h"

#include <segue/handover.h>

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* A main loop and two data loops as hostile to each other as chance can make them: bursts, delays at every
 * atomic step and between them, voices that outlive their swaps, buffers shared by both nodes. Also built with
 * ThreadSanitizer, which sees every unordered access that the checks here don't. */

#define N_NODES		2u
#define N_VOICES	8u
#define N_WORDS		64u
#define TAKES_PER_CYCLE	64u
#define DEFAULT_SEC	2

struct block {
	struct segue_buffer buffer;
	uint64_t words[N_WORDS];	/* all the same, until it is destroyed */
};

struct claim {
	struct segue_ticket ticket;
	struct claim *next;		/* main loop: sent and not answered, oldest first */
	uint64_t n_retired;		/* data loop: how many of its node were retired before */
};

struct node {
	/* main loop */
	pthread_t thread;
	uint64_t n_sent, n_refused, n_collected, n_seen[SEGUE_OUTCOME_GONE + 1];
	struct claim *unanswered, **unanswered_end;
	/* shared */
	struct segue_handover handover;
	uint32_t stop;
	/* data loop, until it has ended */
	uint64_t random;
	struct segue_ticket *current, *voices[N_VOICES];
	uint64_t n_answered, n_retired, n_errors;
};

static long run_sec = DEFAULT_SEC;
static uint64_t seed;
static uint64_t n_live;		/* main loop: blocks */

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;		/* Marsaglia's xorshift64 */
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void random_delay(uint64_t *state)
{
	uint64_t r = random_next(state);
	struct timespec pause = { 0, (long)(r >> 8) % 100000 };

	if (r % 256 == 0)
		nanosleep(&pause, NULL);
	else if (r % 8 == 1)
		sched_yield();
	else
		for (uint64_t i = r >> 8 & 255; i > 0; i--)
			__asm__ volatile ("");
}

static uint64_t position_of(const struct segue_ticket *t)
{
	return t->serial * 7 + 1;
}

/* ------------------------------------------------------------- data loop */

static void check_block(struct node *n, const struct segue_ticket *t)
{
	const struct block *b = (const struct block *)t->buffer;

	for (uint32_t i = 1; i < N_WORDS; i++)
		if (b->words[i] != b->words[0] || b->words[i] == 0)
			n->n_errors++;
}

static void let_go(struct node *n, struct segue_ticket *t)
{
	if (t == NULL)
		return;
	if (t->refs == 1)
		((struct claim *)t)->n_retired = n->n_retired++;
	segue_ticket_unref(&n->handover, t);
}

static void answer(struct node *n, struct segue_ticket *t, enum segue_outcome outcome)
{
	if (t->outcome != SEGUE_OUTCOME_NONE)
		n->n_errors++;
	segue_ticket_answer(t, outcome, position_of(t));
	n->n_answered++;
}

/* \return how many were taken */
static uint32_t take_newest(struct node *n)
{
	struct segue_ticket *pending = NULL;
	struct segue_command c;
	uint32_t i;

	for (i = 0; i < TAKES_PER_CYCLE && segue_handover_take(&n->handover, &c); i++) {
		if (pending != NULL) {
			answer(n, pending, SEGUE_OUTCOME_SUPERSEDED);
			let_go(n, pending);
		}
		pending = c.ticket;
	}
	if (pending != NULL) {
		answer(n, pending, SEGUE_OUTCOME_APPLIED);
		let_go(n, n->current);
		n->current = pending;
	}
	return i;
}

static void *run_data_loop(void *data)
{
	struct node *n = data;

	delays_seed(n->random);
	while (!__atomic_load_n(&n->stop, __ATOMIC_ACQUIRE)) {
		struct segue_ticket **voice = &n->voices[random_next(&n->random) % N_VOICES];

		take_newest(n);
		let_go(n, *voice);
		*voice = segue_ticket_ref(n->current);
		for (uint32_t i = 0; i < N_VOICES; i++)
			if (n->voices[i] != NULL)
				check_block(n, n->voices[i]);
		random_delay(&n->random);
	}
	while (take_newest(n) > 0)
		;
	let_go(n, n->current);
	for (uint32_t i = 0; i < N_VOICES; i++)
		let_go(n, n->voices[i]);
	return NULL;
}

/* ------------------------------------------------------------- main loop */

static void block_destroy(struct segue_buffer *buffer)
{
	struct block *b = (struct block *)buffer;

	memset(b->words, 0, sizeof(b->words));
	free(b);
	n_live--;
}

static struct block *block_new(uint64_t word)
{
	struct block *b = malloc(sizeof(*b));

	assert_non_null(b);
	b->buffer = (struct segue_buffer) { .refs = 1, .bytes = sizeof(*b), .destroy = block_destroy };
	for (uint32_t i = 0; i < N_WORDS; i++)
		b->words[i] = word;
	n_live++;
	return b;
}

static void send_claim(struct node *n, struct segue_buffer *buffer)
{
	struct claim *claim = calloc(1, sizeof(*claim));
	struct segue_command c = { .type = SEGUE_COMMAND_SWAP, .ticket = &claim->ticket };

	assert_non_null(claim);
	claim->ticket.buffer = buffer;
	claim->ticket.serial = n->n_sent;
	claim->ticket.refs = 1;
	if (segue_handover_send(&n->handover, &c) < 0) {
		n->n_refused++;
		free(claim);
		return;
	}
	segue_buffer_ref(buffer);
	n->n_sent++;
	*n->unanswered_end = claim;
	n->unanswered_end = &claim->next;
}

/* answers come in the order of the serials, and are whole while the data loop still has the ticket */
static void read_answers(struct node *n)
{
	struct claim *claim;

	while ((claim = n->unanswered) != NULL) {
		enum segue_outcome outcome = segue_ticket_outcome(&claim->ticket);

		if (outcome == SEGUE_OUTCOME_NONE)
			return;
		assert_int_equal(claim->ticket.position, position_of(&claim->ticket));
		n->n_seen[outcome]++;
		if ((n->unanswered = claim->next) == NULL)
			n->unanswered_end = &n->unanswered;
	}
}

static void collect(struct node *n)
{
	struct segue_ticket *t = segue_handover_collect(&n->handover), *next;

	read_answers(n);	/* before their tickets are freed: a retired one has been answered */
	for (; t != NULL; t = next) {
		next = t->next;
		assert_int_not_equal(segue_ticket_outcome(t), SEGUE_OUTCOME_NONE);
		assert_int_equal(((struct claim *)t)->n_retired, n->n_collected++);
		segue_buffer_unref(t->buffer);
		free(t);
	}
}

static void run_main_loop(struct node *nodes, uint64_t random)
{
	struct timespec now, end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += run_sec;
	do {
		uint64_t r = random_next(&random);
		uint32_t burst = r % 64 == 0 ? 2 * SEGUE_RING_SIZE : r % 4;

		for (uint32_t i = 0; i < burst; i++) {
			struct block *b = block_new(r | 1);

			for (uint32_t j = 0; j < N_NODES; j++)
				if (r >> (8 + j) & 1 || i % N_NODES == j)
					send_claim(&nodes[j], &b->buffer);
			segue_buffer_unref(&b->buffer);
		}
		random_delay(&random);
		for (uint32_t j = 0; j < N_NODES; j++)
			if (r >> (16 + j) & 1)
				collect(&nodes[j]);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec));
}

static void every_ticket_is_answered_and_collected_once_and_nothing_is_left(void **state)
{
	static struct node nodes[N_NODES];

	print_message("%ld s with seed %llu\n", run_sec, (unsigned long long)seed);
	for (uint32_t j = 0; j < N_NODES; j++) {
		nodes[j].random = 88172645463325252ull + N_NODES * seed + j;
		nodes[j].unanswered_end = &nodes[j].unanswered;
		assert_int_equal(pthread_create(&nodes[j].thread, NULL, run_data_loop, &nodes[j]), 0);
	}
	delays_seed(seed);
	run_main_loop(nodes, 2463534242ull + seed);

	for (uint32_t j = 0; j < N_NODES; j++) {
		struct node *n = &nodes[j];

		__atomic_store_n(&n->stop, 1, __ATOMIC_RELEASE);
		assert_int_equal(pthread_join(n->thread, NULL), 0);
		collect(n);
		print_message("node %u: %llu sent, %llu refused, %llu applied, %llu superseded\n", j,
				(unsigned long long)n->n_sent, (unsigned long long)n->n_refused,
				(unsigned long long)n->n_seen[SEGUE_OUTCOME_APPLIED],
				(unsigned long long)n->n_seen[SEGUE_OUTCOME_SUPERSEDED]);
		assert_int_equal(n->n_errors, 0);
		assert_int_equal(n->n_answered, n->n_sent);
		assert_int_equal(n->n_retired, n->n_sent);
		assert_int_equal(n->n_collected, n->n_sent);
		assert_null(n->unanswered);
		assert_int_equal(n->n_seen[SEGUE_OUTCOME_APPLIED] + n->n_seen[SEGUE_OUTCOME_SUPERSEDED],
				n->n_sent);
		assert_int_equal(n->handover.n_outstanding, 0);
		/* the run has met what it is for */
		assert_true(n->n_seen[SEGUE_OUTCOME_APPLIED] > 100);
		assert_true(n->n_seen[SEGUE_OUTCOME_SUPERSEDED] > 100);
		assert_true(n->n_refused > 0);
	}
	assert_int_equal(n_live, 0);
}

/* test-stress [SECONDS [SEED]]: chance is another every time, unless the seed is given */
int main(int argc, char *argv[])
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_ticket_is_answered_and_collected_once_and_nothing_is_left),
	};
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)now.tv_nsec;
	if (argc > 1)
		run_sec = strtol(argv[1], NULL, 0);
	return cmocka_run_group_tests_name("handover stress", tests, NULL, NULL);
}
