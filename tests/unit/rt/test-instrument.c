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

/* Instruments: which regions sound, and how. */

#define N	4000u

static struct segue_sample *new_value(float value)
{
	return new_constant(1, &value);
}

static void all_regions_that_match_sound_together(void **state)
{
	struct segue_sample *samples[4] = { new_value(1.0f), new_value(2.0f), new_value(4.0f),
		new_value(8.0f) };
	struct segue_region regions[4] = {
		{ REGION_ALL(samples[0], 60) }, { REGION_ALL(samples[1], 60) },
		{ REGION_ALL(samples[2], 60) }, { REGION_ALL(samples[3], 60) },
	};
	static const struct { uint8_t key, velocity; double expected; uint32_t n; } cases[] = {
		{ 0, 1, 1.0, 1 }, { 60, 1, 3.0, 2 }, { 59, 127, 1.0 + 8.0, 2 }, { 72, 99, 3.0, 2 }, { 72, 100, 15.0, 4 },
		{ 73, 127, 9.0, 2 }, { 60, 127, 15.0, 4 },
	};
	struct segue_instrument *instrument;

	for (uint32_t i = 0; i < 4; i++)
		regions[i].velocity_tracking = 0.0f;
	regions[1].key_low = regions[2].key_low = 60;
	regions[1].key_high = regions[2].key_high = 72;
	regions[2].velocity_low = regions[3].velocity_low = 100;
	instrument = new_instrument(regions, 4);
	for (size_t k = 0; k < SPA_N_ELEMENTS(cases); k++) {
		struct fixture f;
		float out[N];

		fixture_init_keys(&f, 1, &instrument->buffer);
		add_midi(&f, 10, 0x90, cases[k].key, cases[k].velocity);
		add_midi(&f, 2000, 0x80, cases[k].key, 0);
		run_frames(&f, out, 1000, 100);
		assert_near(out[9], 0.0, 0.0);
		assert_near(out[10], cases[k].expected, 1e-6);
		assert_int_equal(segue_source_count_voices(f.source), cases[k].n);
		run_frames(&f, out, N, 100);
		assert_true(out[N - 1] == 0.0f);
		fixture_clear(&f);
	}
	free_instrument(instrument);
	for (uint32_t i = 0; i < 4; i++)
		free_sample(samples[i]);
}

static void gain_pan_and_velocity_tracking_are_the_regions(void **state)
{
	struct segue_sample *s = new_value(1.0f);

	for (int32_t pan = -4; pan <= 4; pan++) {
		struct segue_region region = { REGION_ALL(s, 60) };
		double angle = M_PI / 4.0 * (1.0 + pan / 4.0), gain = 0.5 * (1.0 - 0.25 * (1.0 - pow(64.0 / 127.0, 2.0)));
		struct segue_instrument *instrument;
		struct fixture f;
		float out[2 * N];

		region.gain = 0.5f;
		region.pan = pan / 4.0f;
		region.velocity_tracking = 0.25f;
		instrument = new_instrument(&region, 1);
		fixture_init_keys(&f, 2, &instrument->buffer);
		send_note(&f, 60, 64);
		run_frames(&f, out, N, 100);
		assert_near(out[100], gain * sqrt(2.0) * cos(angle), 1e-6);
		assert_near(out[N + 100], gain * sqrt(2.0) * sin(angle), 1e-6);
		if (pan == 0)
			assert_true(out[100] == out[N + 100]);
		fixture_clear(&f);
		free_instrument(instrument);
	}
	free_sample(s);
}

static void a_root_may_lie_between_keys_and_a_pitch_be_one_for_all(void **state)
{
	struct segue_sample *s = new_sample(1, RATE, 90000);
	static const struct { double root; float tracking; uint8_t key; double step; } cases[] = {
		{ 60.0, 1.0f, 60, 1.0 }, { 60.0, 1.0f, 72, 2.0 }, { 60.0, 0.0f, 72, 1.0 }, { 59.5, 1.0f, 60, 1.0293022366 },
		{ 60.0, 0.5f, 84, 2.0 },
	};

	for (uint32_t i = 0; i < 90000; i++)
		s->data[0][i] = i * 1e-4f;
	for (size_t k = 0; k < SPA_N_ELEMENTS(cases); k++) {
		struct segue_region region = { REGION_ALL(s, cases[k].root) };
		struct segue_instrument *instrument;
		struct fixture f;
		float out[N];

		region.key_tracking = cases[k].tracking;
		instrument = new_instrument(&region, 1);
		fixture_init_keys(&f, 1, &instrument->buffer);
		send_note(&f, cases[k].key, 127);
		run_frames(&f, out, N, 100);
		for (uint32_t i = 1; i < N; i++)
			assert_near(out[i], i * cases[k].step * 1e-4, 3e-6);
		fixture_clear(&f);
		free_instrument(instrument);
	}
	free_sample(s);
}

static void a_region_has_an_envelope_of_its_own_or_the_nodes(void **state)
{
	struct segue_sample *s = new_value(1.0f);
	struct segue_region region = { REGION_ALL(s, 60) };
	struct segue_instrument *instrument;
	struct fixture f;
	float out[N];

	region.envelope = (struct segue_envelope_shape) { 0.01f, -1.0f, 0.5f, -1.0f };
	instrument = new_instrument(&region, 1);
	fixture_init_keys(&f, 1, &instrument->buffer);
	send_value(&f, SEGUE_SOURCE_ATTACK, 0, 1.0);
	send_value(&f, SEGUE_SOURCE_DECAY, 0, 0.02);
	send_value(&f, SEGUE_SOURCE_SUSTAIN, 0, 0.1);
	send_value(&f, SEGUE_SOURCE_RELEASE, 0, 0.01);
	add_midi(&f, 0, 0x90, 60, 127);
	add_midi(&f, 2000, 0x80, 60, 0);
	run_frames(&f, out, N, 100);
	for (uint32_t i = 0; i < 2480; i++)
		assert_near(out[i], i < 480 ? (i + 1.0) / 481.0 : i < 2000 ? 0.5 + 0.5 * pow(10.0, -3.0 * (i - 480) / 960.0) :
				(0.5 + 0.5 * pow(10.0, -3.0 * 1520 / 960.0)) * pow(10.0, -3.0 * (i - 2000) / 480.0), 2e-6);
	fixture_clear(&f);
	free_instrument(instrument);
	free_sample(s);
}

static void a_one_shot_plays_to_its_end_whatever_the_key_does(void **state)
{
	struct segue_sample *s = new_noise(1, RATE, 1777);
	struct segue_region region = { REGION_ALL(s, 60) };
	struct segue_instrument *instrument;
	struct fixture f;
	float out[N];

	set_loop(s, 100, 200);
	region.one_shot = true;
	instrument = new_instrument(&region, 1);
	fixture_init_keys(&f, 1, &instrument->buffer);
	add_midi(&f, 0, 0x90, 60, 127);
	add_midi(&f, 50, 0x80, 60, 0);
	add_midi(&f, 60, 0xb0, 123, 0);
	run_frames(&f, out, N, 100);
	assert_memory_equal(out, s->data[0], 1777 * sizeof(float));
	assert_silent(out + 1777, N - 1777);
	assert_int_equal(segue_source_count_voices(f.source), 0);
	/* but sound off, and whoever releases all keys, end it */
	add_midi(&f, N, 0x90, 60, 127);
	add_midi(&f, N + 100, 0xb0, 120, 0);
	run_frames(&f, out, 1000, 100);
	assert_true(out[99] != 0.0f && out[100 + RAMP] == 0.0f);
	send_note(&f, 60, 127);
	run_frames(&f, NULL, 100, 100);
	send_value(&f, SEGUE_SOURCE_NOTES_OFF, 0, 0);
	run_frames(&f, out, 1000, 100);
	assert_true(out[RAMP] == 0.0f);
	fixture_clear(&f);
	free_instrument(instrument);
	free_sample(s);
}

static void a_group_ends_those_that_wait_for_it_in_5_ms(void **state)
{
	struct segue_sample *a = new_value(1.0f), *b = new_value(2.0f), *c = new_value(4.0f);
	struct segue_region regions[] = { { REGION_ALL(a, 60) }, { REGION_ALL(a, 60) }, { REGION_ALL(b, 60) },
		{ REGION_ALL(c, 60) } };
	static const uint8_t keys[] = { 60, 60, 61, 62 };
	struct segue_instrument *instrument;
	struct fixture f;
	float out[N];

	/* an open hi-hat of two recordings that end each other's last stroke, and a closed one that ends it */
	for (uint32_t i = 0; i < 4; i++)
		regions[i].key_low = regions[i].key_high = keys[i];
	regions[0].group = regions[1].group = regions[0].off_by = regions[1].off_by = 1;
	regions[0].one_shot = false;
	regions[2].group = 1;
	instrument = new_instrument(regions, 4);
	fixture_init_keys(&f, 1, &instrument->buffer);
	add_midi(&f, 0, 0x90, 60, 127);
	add_midi(&f, 500, 0x90, 60, 127);
	add_midi(&f, 1000, 0x90, 62, 127);	/* no group */
	add_midi(&f, 1500, 0x90, 61, 127);
	run_frames(&f, out, N, 100);
	for (uint32_t i = 0; i < N; i++)
		assert_near(out[i], i < 500 ? 2.0 : i < 1000 ? 2.0 + 2.0 * last_5_ms(i - 500) : i < 1500 ? 6.0 :
				6.0 + 2.0 * last_5_ms(i - 1500), 1e-5);
	fixture_clear(&f);
	free_instrument(instrument);
	free_sample(a);
	free_sample(b);
	free_sample(c);
}

static void a_note_keeps_its_kit_until_it_ends(void **state)
{
	struct segue_sample *a = new_noise(1, RATE, 3000), *b = new_noise(1, RATE, 3000);
	struct segue_region first = { REGION_ALL(a, 60) }, second = { REGION_ALL(b, 60) };
	struct segue_instrument *old = new_instrument(&first, 1), *new = new_instrument(&second, 1);
	struct fixture f;
	float out[N];

	fixture_init_keys(&f, 1, &old->buffer);
	send_note(&f, 60, 127);
	run_frames(&f, NULL, 1000, 100);
	send_swap(&f, &new->buffer, 0.02, SEGUE_NOW, 0);
	send_note(&f, 60, 127);
	run_frames(&f, out, 1900, 100);
	for (uint32_t i = 0; i < 1900; i++)
		assert_near(out[i], a->data[0][1000 + i] + b->data[0][i], 1e-6);
	assert_int_equal(f.tickets[0]->refs, 1);
	run_frames(&f, out, 200, 100);
	assert_int_equal(f.tickets[0]->refs, 0);
	assert_int_equal(f.tickets[1]->refs, 2);
	fixture_clear(&f);
	free_instrument(old);
	free_instrument(new);
	free_sample(a);
	free_sample(b);
}

static void an_instrument_can_be_played_by_itself(void **state)
{
	struct segue_sample *a = new_noise(1, RATE, 3000), *b = new_noise(1, RATE, 3000);
	struct segue_region regions[] = { { REGION_ALL(a, 36) }, { REGION_ALL(b, 60) } };
	struct segue_instrument *kit;
	struct segue_ticket *play;
	struct fixture f;
	float out[1000];

	regions[0].key_high = 36;
	regions[1].key_low = 60;
	kit = new_instrument(regions, 2);
	fixture_init(&f, 1);
	send_value(&f, SEGUE_SOURCE_ATTACK, 0, 0.0);
	send_value(&f, SEGUE_SOURCE_RELEASE, 0, 0.0);
	play = send_play(&f, &kit->buffer, 0.5f, SEGUE_NOTE_LOOP_OWN, 36);
	send_play(&f, &kit->buffer, 1.0f, SEGUE_NOTE_LOOP_OWN, -1);
	run_frames(&f, out, 1000, 100);
	for (uint32_t i = 0; i < 1000; i++)
		assert_near(out[i], 0.5 * a->data[0][i] + b->data[0][i], 1e-6);
	send_stop(&f, play->serial);
	run_frames(&f, out, 1000, 100);
	for (uint32_t i = RAMP; i < 1000; i++)
		assert_true(out[i] == b->data[0][1000 + i]);
	fixture_clear(&f);
	free_instrument(kit);
	free_sample(a);
	free_sample(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_regions_that_match_sound_together),
		cmocka_unit_test(gain_pan_and_velocity_tracking_are_the_regions),
		cmocka_unit_test(a_root_may_lie_between_keys_and_a_pitch_be_one_for_all),
		cmocka_unit_test(a_region_has_an_envelope_of_its_own_or_the_nodes),
		cmocka_unit_test(a_one_shot_plays_to_its_end_whatever_the_key_does),
		cmocka_unit_test(a_group_ends_those_that_wait_for_it_in_5_ms),
		cmocka_unit_test(a_note_keeps_its_kit_until_it_ends),
		cmocka_unit_test(an_instrument_can_be_played_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
