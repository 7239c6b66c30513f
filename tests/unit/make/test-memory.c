/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "make/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>
#include <spa/utils/defs.h>

#define MAX	(64u * 1024u * 1024u)

/* small, on both sides of the limit, uneven, several slices */
static const size_t sizes[] = { 0, 1, 63, 64, 65, 4096, SEGUE_MEMORY_LARGE - 1, SEGUE_MEMORY_LARGE,
	SEGUE_MEMORY_LARGE + 1, 1000003, 5 * 1024 * 1024 + 7 };

static int setup(void **state)
{
	return (*state = segue_memory_new(MAX)) != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	segue_memory_unref(*state);
	return 0;
}

static void assert_bytes(struct segue_memory *memory, size_t pending, size_t live, size_t retired)
{
	assert_int_equal(segue_memory_bytes(memory, SEGUE_MEMORY_PENDING), pending);
	assert_int_equal(segue_memory_bytes(memory, SEGUE_MEMORY_LIVE), live);
	assert_int_equal(segue_memory_bytes(memory, SEGUE_MEMORY_RETIRED), retired);
}

static void memory_is_zeroed_aligned_writable_and_counted(void **state)
{
	struct segue_memory *memory = *state;

	for (size_t i = 0; i < SPA_N_ELEMENTS(sizes); i++) {
		uint8_t *p = segue_memory_alloc(memory, sizes[i]);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 64, 0);
		for (size_t k = 0; k < sizes[i]; k++)
			assert_int_equal(p[k], 0);
		memset(p, 0xa5, sizes[i]);
		assert_true(segue_memory_size(p) >= sizes[i]);
		assert_true(segue_memory_size(p) <= sizes[i] + 4096 + 128);
		assert_bytes(memory, segue_memory_size(p), 0, 0);
		segue_memory_free(memory, p);
		assert_bytes(memory, 0, 0, 0);
	}
	segue_memory_free(memory, NULL);
}

#define LARGE	((size_t)5 * 1024 * 1024)
#define PAGE	4096

static size_t count_present(const void *p)
{
	unsigned char present[LARGE / PAGE + 1];
	size_t n = 0;

	assert_int_equal(mincore((void *)((uintptr_t)p & ~(uintptr_t)(PAGE - 1)), LARGE, present), 0);
	for (size_t i = 0; i < LARGE / PAGE; i++)
		n += present[i] & 1;
	return n;
}

static void large_memory_is_present(void **state)
{
	struct segue_memory *memory = *state;
	void *p;

	if (sysconf(_SC_PAGESIZE) != PAGE)
		skip();
	p = segue_memory_alloc(memory, LARGE);
	assert_int_equal(count_present(p), LARGE / PAGE);
	segue_memory_free(memory, p);
}

static bool is_cancelled(void *data)
{
	return true;
}

static void reserved_memory_becomes_present_with_what_is_in_it(void **state)
{
	struct segue_memory *memory = *state;
	uint8_t *p;

	if (sysconf(_SC_PAGESIZE) != PAGE)
		skip();
	p = segue_memory_reserve(memory, LARGE);
	assert_non_null(p);
	assert_true(count_present(p) < LARGE / PAGE);
	p[LARGE - 1] = 7;
	segue_memory_populate(p, is_cancelled, NULL);
	assert_true(count_present(p) < LARGE / PAGE);
	segue_memory_populate(p, NULL, NULL);
	assert_int_equal(count_present(p), LARGE / PAGE);
	assert_int_equal(p[LARGE - 1], 7);
	segue_memory_free(memory, p);
	/* a small one always is */
	p = segue_memory_reserve(memory, 100);
	segue_memory_populate(p, NULL, NULL);
	segue_memory_free(memory, p);
}

static void a_resize_keeps_the_contents(void **state)
{
	struct segue_memory *memory = *state;

	for (size_t from = 0; from < SPA_N_ELEMENTS(sizes); from++) {
		for (size_t to = 0; to < SPA_N_ELEMENTS(sizes); to++) {
			uint8_t *p = segue_memory_alloc(memory, sizes[from]), *moved;
			size_t k, kept = SPA_MIN(sizes[from], sizes[to]);

			for (k = 0; k < sizes[from]; k++)
				p[k] = k * 131 >> 3;
			moved = segue_memory_resize(memory, p, sizes[to]);
			assert_non_null(moved);
			for (k = 0; k < kept; k++)
				assert_int_equal(moved[k], (uint8_t)(k * 131 >> 3));
			memset(moved, 1, sizes[to]);
			assert_bytes(memory, segue_memory_size(moved), 0, 0);
			segue_memory_free(memory, moved);
			assert_bytes(memory, 0, 0, 0);
		}
	}
}

static void the_budget_is_kept_and_a_refused_resize_leaves_the_old(void **state)
{
	struct segue_memory *memory = *state;
	uint8_t *a, *b;
	size_t held;

	assert_int_equal(segue_memory_max(memory), MAX);
	errno = 0;
	assert_null(segue_memory_alloc(memory, MAX));	/* its header is counted, too */
	assert_int_equal(errno, EDQUOT);
	assert_null(segue_memory_alloc(memory, SIZE_MAX));
	assert_int_equal(errno, EDQUOT);
	for (size_t size = 1000; size <= MAX / 2; size *= 1000) {
		a = segue_memory_alloc(memory, size);
		assert_non_null(a);
		a[0] = 42;
		held = segue_memory_size(a);
		errno = 0;
		assert_null(segue_memory_resize(memory, a, MAX));
		assert_int_equal(errno, EDQUOT);
		assert_bytes(memory, held, 0, 0);
		assert_int_equal(a[0], 42);
		/* what is left can be had, and not one page more */
		assert_null(segue_memory_alloc(memory, MAX - held));
		assert_non_null(b = segue_memory_alloc(memory, MAX - held - 8192));
		segue_memory_free(memory, b);
		segue_memory_free(memory, a);
	}
	segue_memory_set_max(memory, 0);
	assert_null(segue_memory_alloc(memory, 0));
	assert_bytes(memory, 0, 0, 0);
}

static void a_move_counts_memory_under_its_new_state(void **state)
{
	struct segue_memory *memory = *state;
	void *a = segue_memory_alloc(memory, 1000), *b = segue_memory_alloc(memory, 1000000);
	size_t size_a = segue_memory_size(a), size_b = segue_memory_size(b);

	segue_memory_move(memory, a, SEGUE_MEMORY_LIVE);
	assert_bytes(memory, size_b, size_a, 0);
	segue_memory_move(memory, b, SEGUE_MEMORY_RETIRED);
	assert_bytes(memory, 0, size_a, size_b);
	segue_memory_move(memory, b, SEGUE_MEMORY_LIVE);
	assert_bytes(memory, 0, size_a + size_b, 0);
	segue_memory_free(memory, a);
	assert_bytes(memory, 0, size_b, 0);
	segue_memory_free(memory, b);
	assert_bytes(memory, 0, 0, 0);
}

static void memory_outlives_its_owner_s_reference(void **state)
{
	struct segue_memory *memory = segue_memory_new(MAX);
	char *p = segue_memory_alloc(memory, 100);

	segue_memory_unref(memory);
	strcpy(p, "still here");
	segue_memory_free(memory, p);	/* frees the budget as well: for LeakSanitizer to see */
	segue_memory_unref(NULL);
}

static void what_cannot_be_locked_is_used_unlocked(void **state)
{
	struct segue_memory *memory = *state;
	struct rlimit before, none;
	uint8_t *p;

	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &before), 0);
	none = before;
	none.rlim_cur = 1024 * 1024;	/* so the first slice is locked, and the rest isn't */
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &none), 0);
	p = segue_memory_alloc(memory, 4 * 1024 * 1024);
	assert_non_null(p);
	p[4 * 1024 * 1024 - 1] = 7;
	p = segue_memory_resize(memory, p, 8 * 1024 * 1024);
	assert_non_null(p);
	assert_int_equal(p[4 * 1024 * 1024 - 1], 7);
	segue_memory_free(memory, p);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &before), 0);
}

static void *churn(void *data)
{
	struct segue_memory *memory = data;
	uint32_t seed = (uintptr_t)&seed;

	for (int i = 0; i < 2000; i++) {
		void *p = segue_memory_alloc(memory, rand_r(&seed) % (i % 50 ? 5000 : 1000000));

		if (p == NULL)
			continue;
		segue_memory_move(memory, p, rand_r(&seed) % SEGUE_MEMORY_STATES);
		segue_memory_free(memory, p);
	}
	return NULL;
}

static void counts_are_right_whoever_allocates_at_once(void **state)
{
	struct segue_memory *memory = *state;
	pthread_t threads[4];

	segue_memory_set_max(memory, 1200000);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, churn, memory), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_bytes(memory, 0, 0, 0);
	segue_memory_free(memory, segue_memory_alloc(memory, 1000000));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(memory_is_zeroed_aligned_writable_and_counted),
		TEST(large_memory_is_present),
		TEST(reserved_memory_becomes_present_with_what_is_in_it),
		TEST(a_resize_keeps_the_contents),
		TEST(the_budget_is_kept_and_a_refused_resize_leaves_the_old),
		TEST(a_move_counts_memory_under_its_new_state),
		TEST(memory_outlives_its_owner_s_reference),
		TEST(what_cannot_be_locked_is_used_unlocked),
		TEST(counts_are_right_whoever_allocates_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
