/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "rt/source.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <spa/utils/defs.h>

#include "fixture.h"

/* Keys across two threads: a main loop that strikes and releases faster than the data loop takes. */

#define N_STRIKES	20000u

struct stage {
	struct fixture f;
	bool is_done;		/* shared */
};

static void *run_data_loop(void *data)
{
	struct stage *s = data;
	float out[64];

	while (!__atomic_load_n(&s->is_done, __ATOMIC_ACQUIRE))
		run_cycle(&s->f, out, 64, 0, 64);
	return NULL;
}

static bool strike(struct stage *s, uint8_t key)
{
	return !segue_source_is_releasing(s->f.source, key) &&
		segue_handover_send(s->f.handover, &(struct segue_command) { SEGUE_SOURCE_NOTE_ON,
				SEGUE_NOTE(key, 127) }) == 0;
}

static void release(struct stage *s, uint8_t key)
{
	struct segue_command command = { SEGUE_SOURCE_NOTE_OFF, key };

	/* in order: behind a bit that is still set a command would be too early */
	if (segue_source_is_releasing(s->f.source, key) || segue_handover_send(s->f.handover, &command) < 0)
		segue_source_release_key(s->f.source, key);
}

static void no_key_hangs(void **state)
{
	struct segue_table *ones = new_ones();
	struct stage s = { .is_done = false };
	uint32_t n_refused = 0, n_bits = 0;
	pthread_t thread;
	float out[1000];

	fixture_init(&s.f, 1);
	send_value(&s.f, SEGUE_SOURCE_TRIGGER, 0, 1);
	send_value(&s.f, SEGUE_SOURCE_VOICES, 0, 256);
	send_value(&s.f, SEGUE_SOURCE_RELEASE, 0, 0.0);
	send_swap(&s.f, &ones->buffer, 0.0, SEGUE_NOW, 0);
	assert_int_equal(pthread_create(&thread, NULL, run_data_loop, &s), 0);
	for (uint32_t i = 0; i < N_STRIKES; i++) {
		uint8_t key = random_below(128);

		if (!strike(&s, key))
			n_refused++;
		release(&s, key);
		n_bits += segue_source_is_releasing(s.f.source, key);
		(void)segue_source_count_voices(s.f.source);
	}
	__atomic_store_n(&s.is_done, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	/* of each kind some, or nothing was tested */
	assert_true(n_bits > 0);
	assert_true(n_refused < N_STRIKES);
	for (uint32_t i = 0; i < 8; i++)
		run_frames(&s.f, out, 1000, 100);
	assert_int_equal(segue_source_count_voices(s.f.source), 0);
	assert_true(out[999] == 0.0f);
	for (uint32_t key = 0; key < 128; key++)
		assert_false(segue_source_is_releasing(s.f.source, key));
	fixture_clear(&s.f);
	free_table(ones);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_key_hangs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
