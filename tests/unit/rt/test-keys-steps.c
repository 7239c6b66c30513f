/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "rt/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../handover/delays.h"
#include "fixture.h"

/* Keys across two threads, with one: at each atomic step of a cycle in turn the main loop fills the ring, a strike
 * first, and releases the key beside it. All of this is built with delays.h. */

#define KEY	60u

static struct fixture fixture;
static uint32_t n_left;		/* steps until the main loop's turn; 0: it has had it */

static void strike_and_release(void)
{
	struct segue_command command = { SEGUE_SOURCE_NOTE_ON, SEGUE_NOTE(KEY, 127) };

	while (segue_handover_send(fixture.handover, &command) == 0)
		command = (struct segue_command) { .type = SEGUE_SOURCE_GAIN, .value = 1.0 };
	segue_source_release_key(fixture.source, KEY);
}

void delays_step(void)
{
	if (n_left > 0 && --n_left == 0)
		strike_and_release();
}

bool delays_fail(void)
{
	return false;
}

static void no_key_hangs_whatever_step_it_comes_at(void **state)
{
	struct segue_table *ones = new_ones();
	bool has_acted = true;
	float out[1000];
	uint32_t step;

#ifdef DELAYS_NONE
	skip();
#endif
	fixture_init(&fixture, 1);
	send_value(&fixture, SEGUE_SOURCE_TRIGGER, 0, 1);
	send_value(&fixture, SEGUE_SOURCE_RELEASE, 0, 0.0);
	send_swap(&fixture, &ones->buffer, 0.0, SEGUE_NOW, 0);
	run_frames(&fixture, out, 1000, 100);
	for (step = 1; has_acted; step++) {
		n_left = step;
		run_cycle(&fixture, out, 64, 0, 64);
		has_acted = n_left == 0;
		n_left = 0;
		/* until the ring is empty, and the key is over */
		run_frames(&fixture, out, 1000, 100);
		assert_false(segue_source_is_releasing(fixture.source, KEY));
		assert_int_equal(segue_source_count_voices(fixture.source), 0);
		assert_true(out[999] == 0.0f);
	}
	/* there were steps before the ring, in it and after it */
	assert_true(step > 8);
	fixture_clear(&fixture);
	free_table(ones);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_key_hangs_whatever_step_it_comes_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
