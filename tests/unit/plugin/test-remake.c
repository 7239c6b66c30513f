/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host.h"
#include "recipe.h"
#include "sound.h"
#include "store.h"

/** \file
 * A sound that is made anew for another rate, and let go before that is done. */

#define RATE		48000u
#define DEADLINE_MSEC	20000u

struct fixture {
	struct host *host;
	struct segue_store_impl *store;
	struct segue_sound *sound;	/* owned once, and ready */
	struct segue_waiter waiter;
	int n_told;
};

static bool is_ready(struct segue_sound *sound)
{
	struct segue_sound_info info;

	segue_sound_info(sound, &info);
	return info.state == SEGUE_SOUND_READY;
}

static size_t count_bytes(const struct fixture *f)
{
	size_t n = 0;

	for (uint32_t state = 0; state < SEGUE_MEMORY_STATES; state++)
		n += segue_memory_bytes(f->store->memory, state);
	return n;
}

static int setup(void **state)
{
	static struct fixture f;
	struct segue_recipe recipe = {
		.type = SEGUE_RECIPE_WAVE,
		.text = "noise",
		.options = SEGUE_OPTIONS_INIT,
	};
	const struct spa_support *support;
	struct segue_error error;
	uint32_t n_support, msec;

	f = (struct fixture) { .host = host_new(NULL) };
	support = host_support(f.host, &n_support);
	f.store = segue_store_get(support, n_support);
	assert_non_null(f.store);
	f.store->rate = RATE;
	f.sound = segue_sound_make(f.store, &recipe, &error);
	assert_non_null(f.sound);
	for (msec = 0; msec < DEADLINE_MSEC && !is_ready(f.sound); msec++)
		host_run(f.host, 1);
	assert_true(is_ready(f.sound));
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	segue_store_put(f->store);
	host_free(f->host);
	return 0;
}

static void on_told(struct segue_waiter *waiter, const struct segue_error *error)
{
	SPA_CONTAINER_OF(waiter, struct fixture, waiter)->n_told++;
}

static void begin_remake(struct fixture *f)
{
	const struct segue_target target = { .rate = 44100 };

	f->waiter.ready = on_told;
	assert_null(segue_sound_buffer(f->sound, &target));
	segue_sound_wait(f->sound, &f->waiter, &target);
}

static void what_a_worker_reads_stays_until_it_has_ended(void **state)
{
	struct fixture *f = *state;
	size_t bytes = segue_sound_buffer(f->sound, &(struct segue_target) { 0 })->bytes;
	uint32_t msec;

	begin_remake(f);
	segue_sound_forget(&f->waiter);
	segue_sound_disown(f->sound);
	/* the job's end is told by the main loop, which hasn't run since */
	assert_true(segue_memory_bytes(f->store->memory, SEGUE_MEMORY_LIVE) >= bytes);
	for (msec = 0; msec < DEADLINE_MSEC && count_bytes(f) > 0; msec++)
		host_run(f->host, 1);
	assert_int_equal(count_bytes(f), 0);
	assert_true(spa_list_is_empty(&f->store->sounds));
	assert_int_equal(f->n_told, 0);
}

static void a_store_ends_while_its_sound_is_made_anew(void **state)
{
	struct fixture *f = *state;

	begin_remake(f);
	segue_sound_forget(&f->waiter);
	segue_sound_disown(f->sound);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_a_worker_reads_stays_until_it_has_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(a_store_ends_while_its_sound_is_made_anew, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
