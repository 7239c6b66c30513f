/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "rt/source.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <spa/utils/defs.h>

#include "fixture.h"

/* What is played by itself. */

static void a_sample_is_played_as_it_is_whatever_the_trigger(void **state)
{
	for (uint32_t notes = 0; notes < 2; notes++) {
		struct segue_sample *s = new_noise(1, RATE, 777);
		struct segue_ticket *play;
		struct fixture f;
		float out[2000];

		s->root_key = 33;
		fixture_init(&f, 1);
		send_value(&f, SEGUE_SOURCE_TRIGGER, 0, notes);
		send_value(&f, SEGUE_SOURCE_ATTACK, 0, 1.0);	/* the keys' own */
		run_frames(&f, NULL, 300, 100);
		play = send_play(&f, &s->buffer, 1.0f, SEGUE_NOTE_LOOP_OWN, -1);
		run_frames(&f, out, 500, 100);
		assert_int_equal(segue_ticket_outcome(play), SEGUE_OUTCOME_APPLIED);
		assert_int_equal(play->position, 100000 + 300);
		assert_int_equal(segue_source_count_voices(f.source), 1);
		assert_int_equal(f.handover->n_outstanding, 1);
		assert_memory_equal(out, s->data[0], 500 * sizeof(float));
		run_frames(&f, out, 500, 100);
		assert_memory_equal(out, s->data[0] + 500, 277 * sizeof(float));
		assert_silent(out + 277, 500 - 277);
		/* and is given back when it is over */
		assert_int_equal(play->refs, 0);
		assert_ptr_equal(segue_handover_collect(f.handover), play);
		assert_int_equal(f.handover->n_outstanding, 0);
		fixture_clear(&f);
		free_sample(s);
	}
}

static void plays_overlap_each_with_its_own_gain_and_loop(void **state)
{
	struct segue_sample *s = new_noise(1, RATE, 700), *looped = new_noise(1, RATE, 700);
	struct fixture f;
	float out[2000];

	set_loop(looped, 100, 600);
	fixture_init(&f, 1);
	send_play(&f, &s->buffer, 0.5f, SEGUE_NOTE_LOOP_ALL, -1);
	send_play(&f, &looped->buffer, 0.25f, SEGUE_NOTE_LOOP_NONE, -1);
	send_play(&f, &looped->buffer, 0.125f, SEGUE_NOTE_LOOP_OWN, -1);
	run_frames(&f, out, 2000, 100);
	for (uint32_t i = 0; i < 2000; i++) {
		double expected = 0.5 * s->data[0][i % 700] + (i < 700 ? 0.25 * looped->data[0][i] : 0.0);

		expected += 0.125 * looped->data[0][i < 600 ? i : 100 + (i - 100) % 500];
		assert_near(out[i], expected, 1e-6);
	}
	assert_int_equal(segue_source_count_voices(f.source), 2);
	fixture_clear(&f);
	free_sample(s);
	free_sample(looped);
}

static void a_key_gives_a_play_its_pitch(void **state)
{
	static const double sine[] = { 1.0 };
	struct segue_table *table = new_table(1, sine, 1);
	struct segue_sample *s = new_sample(1, RATE, 9000);
	struct segue_ticket *play;
	struct fixture f;
	float out[2000];

	fixture_init(&f, 1);
	send_value(&f, SEGUE_SOURCE_FREQUENCY, 0, 1234.5);
	play = send_play(&f, &table->buffer, 1.0f, SEGUE_NOTE_LOOP_OWN, -1);
	run_frames(&f, out, 2000, 100);
	for (uint32_t i = 0; i < 2000; i++)
		assert_near(out[i], sin(2.0 * M_PI * 1234.5 * i / RATE), 2e-5);
	send_stop(&f, play->serial);
	run_frames(&f, NULL, 2000, 100);
	play = send_play(&f, &table->buffer, 1.0f, SEGUE_NOTE_LOOP_OWN, 57);
	run_frames(&f, out, 2000, 100);
	for (uint32_t i = 0; i < 2000; i++)
		assert_near(out[i], sin(2.0 * M_PI * 220.0 * i / RATE), 2e-5);
	send_stop(&f, play->serial);
	run_frames(&f, NULL, 2000, 100);
	for (uint32_t i = 0; i < 9000; i++)
		s->data[0][i] = i * 1e-3f;
	s->root_key = 60;
	send_play(&f, &s->buffer, 1.0f, SEGUE_NOTE_LOOP_OWN, 72);
	run_frames(&f, out, 2000, 100);
	for (uint32_t i = 1; i < 2000; i++)
		assert_near(out[i], 2.0 * i * 1e-3, 1e-6);
	fixture_clear(&f);
	free_table(table);
	free_sample(s);
}

static void a_play_is_stopped_in_5_ms_by_its_serial(void **state)
{
	struct segue_table *ones = new_ones();
	struct segue_ticket *a, *b;
	struct fixture f;
	float out[1000];

	fixture_init(&f, 1);
	a = send_play(&f, &ones->buffer, 1.0f, SEGUE_NOTE_LOOP_OWN, -1);
	b = send_play(&f, &ones->buffer, 1.0f, SEGUE_NOTE_LOOP_OWN, -1);
	send_stop(&f, 77);
	run_frames(&f, out, 100, 100);
	assert_true(out[99] == 2.0f);
	send_stop(&f, a->serial);
	send_value(&f, SEGUE_SOURCE_NOTES_OFF, 0, 0);	/* isn't for plays */
	run_frames(&f, out, 1000, 100);
	for (uint32_t i = 0; i < 1000; i++)
		assert_near(out[i], 1.0 + last_5_ms(i), 1e-6);
	assert_int_equal(a->refs, 0);
	assert_int_equal(b->refs, 1);
	/* a play in the same cycle as its stop */
	a = send_play(&f, &ones->buffer, 1.0f, SEGUE_NOTE_LOOP_OWN, -1);
	send_stop(&f, a->serial);
	run_frames(&f, out, 1000, 100);
	assert_int_equal(a->refs, 0);
	assert_int_equal(segue_source_count_voices(f.source), 1);
	fixture_clear(&f);
	free_table(ones);
}

static void a_play_does_not_follow_a_swap(void **state)
{
	static const uint32_t n_partials[] = { 1 };
	static const float twos[] = { 2.0f };
	struct segue_table *ones = new_ones(), *two = new_flat_table(n_partials, twos, 1);
	struct fixture f;
	float out[1000];

	fixture_init(&f, 1);
	send_value(&f, SEGUE_SOURCE_TRIGGER, 0, 1);
	send_swap(&f, &ones->buffer, 0.0, SEGUE_NOW, 0);
	send_play(&f, &ones->buffer, 1.0f, SEGUE_NOTE_LOOP_OWN, -1);
	run_frames(&f, out, 100, 100);
	send_swap(&f, &two->buffer, 0.005, SEGUE_NOW, 0);
	run_frames(&f, out, 1000, 100);
	for (uint32_t i = 0; i < 1000; i++)
		assert_true(out[i] == 1.0f);
	fixture_clear(&f);
	free_table(ones);
	free_table(two);
}

static void what_is_nothing_is_applied_and_given_back(void **state)
{
	struct segue_ticket *play;
	struct fixture f;

	fixture_init(&f, 1);
	play = send_play(&f, NULL, 1.0f, SEGUE_NOTE_LOOP_OWN, -1);
	run_frames(&f, NULL, 100, 100);
	assert_int_equal(segue_ticket_outcome(play), SEGUE_OUTCOME_APPLIED);
	assert_int_equal(play->refs, 0);
	fixture_clear(&f);
}

static void a_drained_play_is_gone(void **state)
{
	struct segue_table *ones = new_ones();
	struct segue_ticket *a, *b;
	struct fixture f;

	fixture_init(&f, 1);
	a = send_play(&f, &ones->buffer, 1.0f, SEGUE_NOTE_LOOP_OWN, -1);
	run_frames(&f, NULL, 100, 100);
	b = send_play(&f, &ones->buffer, 1.0f, SEGUE_NOTE_LOOP_OWN, -1);
	segue_source_drain(f.source);
	assert_int_equal(segue_ticket_outcome(a), SEGUE_OUTCOME_APPLIED);
	assert_int_equal(segue_ticket_outcome(b), SEGUE_OUTCOME_GONE);
	assert_int_equal(a->refs + b->refs, 0);
	fixture_clear(&f);
	free_table(ones);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sample_is_played_as_it_is_whatever_the_trigger),
		cmocka_unit_test(plays_overlap_each_with_its_own_gain_and_loop),
		cmocka_unit_test(a_key_gives_a_play_its_pitch),
		cmocka_unit_test(a_play_is_stopped_in_5_ms_by_its_serial),
		cmocka_unit_test(a_play_does_not_follow_a_swap),
		cmocka_unit_test(what_is_nothing_is_applied_and_given_back),
		cmocka_unit_test(a_drained_play_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
