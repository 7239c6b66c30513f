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

/* Who gets a voice, who loses his, and what the pedal holds. */

/* An engine that plays ones at full level at once, on one output: what is heard is how many notes there are. */
struct stage {
	struct fixture f;
	struct segue_table *ones;
};

static int setup(void **state)
{
	struct stage *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->ones = new_ones();
	fixture_init_keys(&s->f, 1, &s->ones->buffer);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct stage *s = *state;

	fixture_clear(&s->f);
	free_table(s->ones);
	free(s);
	return 0;
}

static void expect_voices(struct stage *s, uint32_t n)
{
	assert_int_equal(segue_source_count_voices(s->f.source), n);
}

static void no_more_notes_sound_than_there_are_voices(void **state)
{
	struct stage *s = *state;
	float out[1000];

	send_value(&s->f, SEGUE_SOURCE_VOICES, 0, 16);
	for (uint32_t key = 0; key < 128; key++)
		add_midi(&s->f, 100 * (key / 8), 0x90, key, 127);
	run_frames(&s->f, NULL, 1600, 64);
	expect_voices(s, 16);
	run_frames(&s->f, out, 1000, 64);
	assert_true(out[999] == 16.0f);
	for (uint32_t key = 0; key < 128; key++)
		add_midi(&s->f, 3000, 0x80, key, 0);
	run_frames(&s->f, out, 1000, 64);
	assert_true(out[999] == 0.0f);
	expect_voices(s, 0);
}

static void a_chord_larger_than_all_voices_does_not_click(void **state)
{
	struct stage *s = *state;
	float out[1000];

	send_value(&s->f, SEGUE_SOURCE_VOICES, 0, 16);
	for (uint32_t key = 0; key < 128; key++)
		add_midi(&s->f, 10, 0x90, key, 127);
	run_frames(&s->f, out, 1000, 64);
	/* those that lost their voice at once were never heard */
	for (uint32_t i = 0; i < 1000; i++)
		assert_true(out[i] == (i < 10 ? 0.0f : 16.0f));
}

static void a_stolen_voice_ends_in_5_ms(void **state)
{
	struct stage *s = *state;
	float out[1000];

	send_value(&s->f, SEGUE_SOURCE_VOICES, 0, 1);
	add_midi(&s->f, 0, 0x90, 60, 127);
	add_midi(&s->f, 300, 0x90, 61, 127);
	run_frames(&s->f, out, 1000, 100);
	for (uint32_t i = 0; i < 1000; i++)
		assert_near(out[i], i < 300 ? 1.0 : 1.0 + last_5_ms(i - 300), 1e-6);
	expect_voices(s, 1);
}

/* Which of three keys gives way, told by their velocities. */
static void the_oldest_released_one_gives_way_else_the_oldest(void **state)
{
	static const uint8_t velocities[] = { 60, 80, 100 };
	struct stage *s = *state;
	struct fixture *f = &s->f;

	send_value(f, SEGUE_SOURCE_VOICES, 0, 3);
	send_value(f, SEGUE_SOURCE_RELEASE, 0, 60.0);
	/* released: none, the second, the third and then the second, all from the youngest on */
	for (uint32_t k = 0; k < 4; k++) {
		static const uint32_t expected[] = { 0, 1, 1, 0 };
		uint64_t now = frame_now(f);
		double left = 0.0;
		float out[1000];

		for (uint32_t n = 0; n < 3; n++) {
			add_midi(f, now + n, 0x90, 60 + n, velocities[n]);
			left += n == expected[k] ? 0.0 : pow(velocities[n] / 127.0, 2.0);
		}
		for (uint32_t n = 3; n-- > 0; ) {
			if (k == 3 || (k > 0 && n == 1) || (k == 2 && n == 2))
				add_midi(f, now + 10 - n, 0x80, 60 + n, 0);
		}
		add_midi(f, now + 20, 0x90, 70, 1);
		run_frames(f, out, 1000, 50);
		assert_near(out[999], left + pow(1.0 / 127.0, 2.0), 0.01);
		expect_voices(s, 3);
		add_midi(f, now + 1000, 0xb0, 120, 0);
		run_frames(f, NULL, 1000, 100);
		expect_voices(s, 0);
	}
}

static void fewer_voices_are_heard_at_once(void **state)
{
	struct stage *s = *state;
	float out[1000];

	for (uint32_t key = 0; key < 10; key++)
		add_midi(&s->f, key, 0x90, key, 127);
	run_frames(&s->f, out, 1000, 100);
	assert_true(out[999] == 10.0f);
	send_value(&s->f, SEGUE_SOURCE_VOICES, 0, 3);
	run_frames(&s->f, out, 1000, 100);
	for (uint32_t i = 0; i < 1000; i++)
		assert_near(out[i], 3.0 + 7.0 * last_5_ms(i), 1e-5);
	expect_voices(s, 3);
}

static void a_flood_of_notes_leaves_as_many_as_there_are_voices(void **state)
{
	static const uint32_t n_voices[] = { 1, 16, 64, 256 };
	struct stage *s = *state;
	struct fixture *f = &s->f;
	static float out[48000];

	for (size_t k = 0; k < SPA_N_ELEMENTS(n_voices); k++) {
		uint64_t now = frame_now(f);
		float last = 0.0f, steepest = 0.0f;

		send_value(f, SEGUE_SOURCE_VOICES, 0, n_voices[k]);
		send_value(f, SEGUE_SOURCE_ATTACK, 0, 0.005);
		/* 10,000 in a second, in random keys, some released */
		for (uint32_t i = 0; i < 10000; i++)
			add_midi(f, now + i * 48 / 10, random_below(8) ? 0x90 : 0x80, random_below(128), 127);
		run_frames(f, out, 48000, 256);
		for (uint32_t i = 0; i < 48000; i++) {
			steepest = fmaxf(steepest, fabsf(out[i] - last));
			last = out[i];
		}
		assert_true(segue_source_count_voices(f->source) <= n_voices[k]);
		assert_true(segue_source_count_voices(f->source) > n_voices[k] / 2);
		/* each note's slope is at most that of 5 ms, and 2 * 48 or so are on their way at a time */
		assert_true(steepest < 100.0 / RAMP);
		for (uint32_t key = 0; key < 128; key++)
			add_midi(f, now + 48000, 0x80, key, 0);
		run_frames(f, out, 48000, 256);
		assert_int_equal(segue_source_count_voices(f->source), 0);
		assert_true(out[47999] == 0.0f);
	}
}

static void thousands_of_notes_in_one_frame_are_borne(void **state)
{
	struct stage *s = *state;
	float out[8192];

	send_value(&s->f, SEGUE_SOURCE_VOICES, 0, 256);
	for (uint32_t round = 0; round < 4; round++) {
		for (uint32_t i = 0; i < 1300; i++)
			add_midi(&s->f, round * 100, 0x90, i % 128, 127);
	}
	run_frames(&s->f, out, 8192, 8192);
	expect_voices(s, 256);
	assert_true(out[8191] == 256.0f);
}

static void the_pedal_holds_what_is_released(void **state)
{
	struct stage *s = *state;
	float out[2000];

	add_midi(&s->f, 0, 0x90, 60, 127);
	add_midi(&s->f, 100, 0xb0, 64, 64);
	add_midi(&s->f, 200, 0x80, 60, 0);
	add_midi(&s->f, 300, 0x90, 61, 127);
	add_midi(&s->f, 400, 0x90, 60, 127);	/* again */
	add_midi(&s->f, 500, 0x80, 60, 0);
	add_midi(&s->f, 600, 0xb0, 64, 63);
	add_midi(&s->f, 1000, 0x80, 61, 0);
	run_frames(&s->f, out, 2000, 77);
	for (uint32_t i = 0; i < 2000; i++)
		assert_near(out[i], i < 300 ? 1.0 : i < 400 ? 2.0 : i < 600 ? 3.0 :
				i < 1000 ? 1.0 + 2.0 * last_5_ms(i - 600) : last_5_ms(i - 1000), 2e-6);
}

static void a_held_note_can_be_stolen_and_nothing_hangs(void **state)
{
	struct stage *s = *state;
	float out[1000];

	send_value(&s->f, SEGUE_SOURCE_VOICES, 0, 8);
	add_midi(&s->f, 0, 0xb0, 64, 127);
	for (uint32_t key = 0; key < 128; key++) {
		add_midi(&s->f, 10 * key, 0x90, key, 127);
		add_midi(&s->f, 10 * key + 5, 0x80, key, 0);
	}
	run_frames(&s->f, NULL, 1300, 64);
	expect_voices(s, 8);
	add_midi(&s->f, 1300, 0xb0, 64, 0);
	run_frames(&s->f, out, 1000, 64);
	expect_voices(s, 0);
	assert_true(out[999] == 0.0f);
}

static void channels_have_keys_of_their_own(void **state)
{
	struct stage *s = *state;
	float out[1000];

	send_note(&s->f, 60, 127);
	add_midi(&s->f, 0, 0x90, 60, 127);
	add_midi(&s->f, 0, 0x95, 60, 127);
	add_midi(&s->f, 100, 0x85, 60, 0);
	run_frames(&s->f, out, 1000, 100);
	assert_true(out[99] == 3.0f);
	assert_true(out[999] == 2.0f);
	add_midi(&s->f, 1000, 0x80, 60, 0);
	run_frames(&s->f, out, 1000, 100);
	assert_true(out[999] == 1.0f);
	send_note(&s->f, 60, 0);
	run_frames(&s->f, out, 1000, 100);
	assert_true(out[999] == 0.0f);
}

static void what_another_channel_sends_is_not_heard(void **state)
{
	struct stage *s = *state;
	float out[1000];

	send_value(&s->f, SEGUE_SOURCE_CHANNEL, 0, 3);
	add_midi(&s->f, 0, 0x90, 60, 127);
	add_midi(&s->f, 0, 0x92, 61, 127);
	add_midi(&s->f, 10, 0x82, 60, 0);
	add_midi(&s->f, 10, 0x80, 61, 0);
	add_midi(&s->f, 10, 0xb0, 120, 0);
	run_frames(&s->f, out, 1000, 100);
	for (uint32_t i = 0; i < 1000; i++)
		assert_true(out[i] == 1.0f);
	/* one that is no longer heard can't be released by its key: it is when the channel changes */
	add_midi(&s->f, 1000, 0xb2, 64, 127);
	run_frames(&s->f, NULL, 100, 100);
	send_value(&s->f, SEGUE_SOURCE_CHANNEL, 0, 4);
	run_frames(&s->f, out, 1000, 100);
	assert_true(out[999] == 0.0f);
	expect_voices(s, 0);
}

static void an_empty_engine_takes_no_voice(void **state)
{
	struct stage *s = *state;
	float out[1000];

	send_swap(&s->f, NULL, 0.0, SEGUE_NOW, 0);
	send_note(&s->f, 60, 127);
	add_midi(&s->f, 10, 0x90, 60, 127);
	run_frames(&s->f, out, 1000, 100);
	assert_true(out[999] == 0.0f);
	expect_voices(s, 0);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_more_notes_sound_than_there_are_voices),
		TEST(a_chord_larger_than_all_voices_does_not_click),
		TEST(a_stolen_voice_ends_in_5_ms),
		TEST(the_oldest_released_one_gives_way_else_the_oldest),
		TEST(fewer_voices_are_heard_at_once),
		TEST(a_flood_of_notes_leaves_as_many_as_there_are_voices),
		TEST(thousands_of_notes_in_one_frame_are_borne),
		TEST(the_pedal_holds_what_is_released),
		TEST(a_held_note_can_be_stolen_and_nothing_hangs),
		TEST(channels_have_keys_of_their_own),
		TEST(what_another_channel_sends_is_not_heard),
		TEST(an_empty_engine_takes_no_voice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
