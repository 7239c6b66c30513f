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

#include <spa/control/control.h>
#include <spa/utils/defs.h>

#include "fixture.h"

/* What a channel's controllers do to its notes, and that both MIDIs say the same. */

#define N_FRAMES	6000u

/* On a ramp from one value to another that began i frames ago. */
static double ramp(double from, double to, int64_t i)
{
	double w = i < RAMP ? (i + 1.0) / (RAMP + 1.0) : 1.0;

	return i < 0 ? from : from + (to - from) * w;
}

static void volume_and_expression_are_squared_and_ramped(void **state)
{
	static const uint8_t controllers[] = { 7, 11 };
	struct segue_table *ones = new_ones();
	float out[N_FRAMES];

	for (size_t c = 0; c < SPA_N_ELEMENTS(controllers); c++) {
		double low = pow(50.0 / 127.0, 2.0), mid = ramp(1.0, low, 99);
		struct fixture f;

		fixture_init_keys(&f, 1, &ones->buffer);
		add_midi(&f, 10, 0x90, 60, 127);
		add_midi(&f, 1000, 0xb0, controllers[c], 50);
		add_midi(&f, 1100, 0xb0, controllers[c], 127);	/* in mid-ramp */
		add_midi(&f, 2000, 0xb0, controllers[c], 0);
		add_midi(&f, 2500, 0xb1, controllers[c], 127);	/* another channel's */
		run_frames(&f, out, N_FRAMES, 77);
		for (uint32_t i = 10; i < N_FRAMES; i++)
			assert_near(out[i], i < 1100 ? ramp(1.0, low, (int64_t)i - 1000) : i < 2000 ?
					ramp(mid, 1.0, (int64_t)i - 1100) : ramp(1.0, 0.0, (int64_t)i - 2000), 1e-6);
		fixture_clear(&f);
	}
	free_table(ones);
}

static void what_is_set_before_a_note_is_not_ramped(void **state)
{
	struct segue_table *ones = new_ones();
	struct fixture f;
	float out[1000];

	fixture_init_keys(&f, 1, &ones->buffer);
	add_midi(&f, 10, 0xb0, 7, 100);
	add_midi(&f, 10, 0xb0, 11, 64);
	add_midi(&f, 10, 0x90, 60, 127);
	run_frames(&f, out, 1000, 100);
	for (uint32_t i = 10; i < 1000; i++)
		assert_near(out[i], pow(100.0 / 127.0 * 64.0 / 127.0, 2.0), 1e-6);
	fixture_clear(&f);
	free_table(ones);
}

static void a_pan_has_equal_power_and_is_one_in_the_middle(void **state)
{
	struct segue_table *ones = new_ones();

	for (uint32_t v = 0; v < 128; v++) {
		double p = v <= 64 ? v / 128.0 : 0.5 + (v - 64) / 126.0;
		double left = sqrt(2.0) * cos(p * M_PI / 2.0), right = sqrt(2.0) * sin(p * M_PI / 2.0);
		struct fixture f;
		float out[3 * 1000];

		fixture_init_keys(&f, 3, &ones->buffer);
		add_midi(&f, 0, 0x90, 60, 127);
		add_midi(&f, 100, 0xb0, 10, v);
		run_frames(&f, out, 1000, 100);
		for (uint32_t i = 0; i < 1000; i++) {
			assert_near(out[i], ramp(1.0, left, (int64_t)i - 100), 1e-6);
			assert_near(out[1000 + i], ramp(1.0, right, (int64_t)i - 100), 1e-6);
			assert_true(out[2000 + i] == 1.0f);
		}
		assert_near(out[999] * out[999] + out[1999] * out[1999], 2.0, 1e-5);
		if (v == 64)
			assert_true(out[999] == 1.0f && out[1999] == 1.0f);
		fixture_clear(&f);
	}
	free_table(ones);
}

static void one_output_knows_no_pan(void **state)
{
	struct segue_table *ones = new_ones();
	struct fixture f;
	float out[1000];

	fixture_init_keys(&f, 1, &ones->buffer);
	add_midi(&f, 0, 0xb0, 10, 0);
	add_midi(&f, 0, 0x90, 60, 127);
	run_frames(&f, out, 1000, 100);
	assert_true(out[0] == 1.0f && out[999] == 1.0f);
	fixture_clear(&f);
	free_table(ones);
}

static void sound_off_ends_notes_in_5_ms_whatever_their_release(void **state)
{
	struct segue_table *ones = new_ones();
	struct fixture f;
	float out[2000];

	fixture_init_keys(&f, 1, &ones->buffer);
	send_value(&f, SEGUE_SOURCE_RELEASE, 0, 1.0);
	add_midi(&f, 0, 0xb0, 64, 127);
	add_midi(&f, 0, 0x90, 60, 127);
	add_midi(&f, 0, 0x91, 60, 127);
	add_midi(&f, 500, 0xb0, 120, 0);
	run_frames(&f, out, 2000, 100);
	for (uint32_t i = 0; i < 2000; i++)
		assert_near(out[i], 1.0 + (i < 500 ? 1.0 : fmax(1.0 - (i - 499.0) / (RAMP + 1.0), 0.0)), 1e-6);
	assert_int_equal(segue_source_count_voices(f.source), 1);
	fixture_clear(&f);
	free_table(ones);
}

static void notes_off_releases_keys_unless_the_pedal_holds_them(void **state)
{
	struct segue_table *ones = new_ones();
	struct fixture f;
	float out[3000];

	fixture_init_keys(&f, 1, &ones->buffer);
	add_midi(&f, 0, 0x90, 60, 127);
	add_midi(&f, 0, 0x90, 61, 127);
	add_midi(&f, 500, 0xb0, 123, 0);
	add_midi(&f, 1000, 0xb0, 64, 127);
	add_midi(&f, 1000, 0x90, 60, 127);
	add_midi(&f, 1500, 0xb0, 123, 0);
	add_midi(&f, 2000, 0xb0, 121, 0);	/* lets the pedal go */
	run_frames(&f, out, 3000, 100);
	assert_true(out[499] == 2.0f);
	assert_true(out[999] == 0.0f);
	assert_true(out[1999] == 1.0f);
	assert_true(out[2999] == 0.0f);
	fixture_clear(&f);
	free_table(ones);
}

static void a_reset_leaves_volume_and_pan(void **state)
{
	static const double sine[] = { 1.0 };
	struct segue_table *table = new_table(1, sine, 1);
	struct fixture f;
	float out[2 * N_FRAMES];
	double level = pow(100.0 / 127.0, 2.0);

	fixture_init_keys(&f, 2, &table->buffer);
	add_midi(&f, 0, 0xb0, 7, 100);
	add_midi(&f, 0, 0xb0, 10, 0);
	add_midi(&f, 0, 0xb0, 11, 20);
	add_midi(&f, 0, 0xe0, 0, 0);
	add_midi(&f, 10, 0xb0, 121, 0);
	add_midi(&f, 20, 0x90, 69, 127);
	run_frames(&f, out, N_FRAMES, 100);
	for (uint32_t i = 20; i < N_FRAMES; i++)
		assert_near(out[i], sqrt(2.0) * level * sin(2.0 * M_PI * 440.0 * (i - 20) / RATE), 3e-5);
	fixture_clear(&f);
	free_table(table);
}

/* The phase that a list of bends gives. */
static void a_bend_is_heard_from_its_frame_on(void **state)
{
	static const double sine[] = { 1.0 };
	static const struct { uint32_t frame, value; } bends[] = {
		{ 0, 0 }, { 333, 16383 }, { 1000, 8192 }, { 1001, 12288 }, { 1002, 4096 }, { 3000, 0 }, { 4000, 8193 },
	};
	struct segue_table *table = new_table(1, sine, 1);
	double phase = 0.0, bend = 0.0;
	struct fixture f;
	float out[N_FRAMES];
	size_t k = 0;

	fixture_init_keys(&f, 1, &table->buffer);
	add_midi(&f, 0, 0x90, 81, 127);
	for (size_t b = 0; b < SPA_N_ELEMENTS(bends); b++)
		add_midi(&f, bends[b].frame, 0xe0, bends[b].value & 0x7f, bends[b].value >> 7);
	run_frames(&f, out, N_FRAMES, 100);
	for (uint32_t i = 0; i < N_FRAMES; i++) {
		for (; k < SPA_N_ELEMENTS(bends) && bends[k].frame == i; k++)
			bend = 2.0 * ((double)bends[k].value - 8192.0) / 8192.0;
		assert_near(out[i], sin(2.0 * M_PI * phase), 2e-5);
		phase = fmod(phase + 880.0 * pow(2.0, bend / 12.0) / RATE, 1.0);
	}
	fixture_clear(&f);
	free_table(table);
}

static void a_bend_moves_samples_as_well(void **state)
{
	struct segue_sample *s = new_sample(1, RATE, 90000);
	struct fixture f;
	float out[N_FRAMES];
	double place = 0.0;

	for (uint32_t i = 0; i < 90000; i++)
		s->data[0][i] = i * 1e-4f;
	s->root_key = 60;
	fixture_init_keys(&f, 1, &s->buffer);
	add_midi(&f, 0, 0x90, 60, 127);
	add_midi(&f, 1000, 0xe0, 0, 0x60);	/* a semitone */
	add_midi(&f, 3000, 0xe0, 0, 0x40);
	run_frames(&f, out, N_FRAMES, 100);
	for (uint32_t i = 0; i < N_FRAMES; i++) {
		assert_near(out[i], place * 1e-4, 3e-6);
		place += i >= 1000 && i < 3000 ? pow(2.0, 1.0 / 12.0) : 1.0;
	}
	fixture_clear(&f);
	free_sample(s);
}

/* 7 bits as 32, which MIDI 2.0 makes of them: their middle stays the middle. */
static uint32_t scale_up(uint32_t value, uint32_t bits)
{
	uint32_t low = bits - 1, rest = value & ((1u << low) - 1), scaled = value << (32 - bits);

	if (value <= 1u << low)
		return scaled;
	for (int32_t shift = 32 - (int32_t)bits - (int32_t)low; shift > -(int32_t)low; shift -= (int32_t)low)
		scaled |= shift >= 0 ? rest << shift : rest >> -shift;
	return scaled;
}

static void add_packet(struct fixture *f, uint32_t type, uint64_t frame, uint8_t status, uint8_t a, uint8_t b)
{
	uint32_t words[2] = { type << 28 | status << 16 | a << 8 | b, 0 };

	if (type == 4) {
		words[0] &= 0xffffff00;
		if ((status & 0xf0) == 0x90 && b == 0)
			words[0] = (words[0] & 0xff0fffff) | 0x00800000;
		else if ((status & 0xe0) == 0x80)
			words[1] = scale_up(b, 7) & 0xffff0000;
		else if ((status & 0xf0) == 0xe0)
			words[1] = scale_up(b << 7 | a, 14);
		else
			words[1] = scale_up(b, 7);
		if ((status & 0xf0) == 0xe0)
			words[0] &= 0xffff0000;
	}
	add_bytes(f, frame, SEGUE_CONTROL_UMP, words, type == 4 ? 8 : 4);
}

/* The same random part, as bytes and in both kinds of packets. */
static void packets_sound_as_bytes_do(void **state)
{
	static const uint8_t statuses[] = { 0x80, 0x90, 0x90, 0xb0, 0xe0 }, controllers[] = { 7, 10, 11, 64, 121, 123 };
	static float out[3][2 * 48000];
	double amplitudes[20];
	struct segue_table *table;

	for (uint32_t p = 0; p < 20; p++)
		amplitudes[p] = 0.1 / (p + 1);
	table = new_table(1, amplitudes, 20);
	for (uint32_t k = 0; k < 3; k++) {
		struct fixture f;
		uint64_t seed = 77;

		fixture_init_keys(&f, 2, &table->buffer);
		for (uint32_t i = 0; i < 400; i++) {
			uint8_t status, a, b;

			seed = seed * 6364136223846793005u + 1442695040888963407u;
			status = statuses[(seed >> 33) % 5];
			a = status == 0xb0 ? controllers[(seed >> 40) % 6] : (status & 0xe0) == 0x80 ?
				40 + (seed >> 40) % 40 : (seed >> 40) & 0x7f;
			b = (seed >> 50) & 0x7f;
			if (k == 0)
				add_midi(&f, i * 113, status, a, b);
			else
				add_packet(&f, k == 1 ? 2 : 4, i * 113, status, a, b);
		}
		run_frames(&f, out[k], 48000, 256);
		fixture_clear(&f);
	}
	assert_memory_equal(out[0], out[1], sizeof(out[0]));
	for (uint32_t i = 0; i < 2 * 48000; i++)
		assert_near(out[0][i], out[2][i], 1e-4);
	free_table(table);
}

static void malformed_events_are_skipped_and_the_others_heard(void **state)
{
	static const uint8_t half[] = { 0x90, 60 };
	struct segue_table *ones = new_ones();
	struct fixture f;
	float out[1000];

	fixture_init_keys(&f, 1, &ones->buffer);
	add_bytes(&f, 5, SPA_CONTROL_Midi, half, sizeof(half));
	add_midi(&f, 10, 0x90, 60, 127);
	add_bytes(&f, 15, SPA_CONTROL_Midi, half, sizeof(half));
	run_frames(&f, out, 1000, 100);
	for (uint32_t i = 0; i < 1000; i++)
		assert_true(out[i] == (i < 10 ? 0.0f : 1.0f));
	fixture_clear(&f);
	free_table(ones);
}

static void an_event_behind_the_cycles_end_is_late_rather_than_lost(void **state)
{
	struct segue_table *ones = new_ones();
	struct fixture f;
	float out[100], *outputs[] = { out };
	struct {
		struct spa_pod_sequence sequence;
		struct spa_pod_control control;
		uint8_t bytes[8];
	} midi = {
		.sequence.pod = { sizeof(midi) - sizeof(struct spa_pod), SPA_TYPE_Sequence },
		.control = { 5000, SPA_CONTROL_Midi, { 3, SPA_TYPE_Bytes } },
		.bytes = { 0x90, 60, 127 },
	};

	fixture_init_keys(&f, 1, &ones->buffer);
	f.clock.duration = 100;
	segue_source_process(f.source, &f.clock, &midi.sequence, outputs, 100);
	assert_true(out[99] == 0.0f);
	f.clock.position += 100;
	run_frames(&f, out, 100, 100);
	assert_true(out[0] == 1.0f);
	fixture_clear(&f);
	free_table(ones);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(volume_and_expression_are_squared_and_ramped),
		cmocka_unit_test(what_is_set_before_a_note_is_not_ramped),
		cmocka_unit_test(a_pan_has_equal_power_and_is_one_in_the_middle),
		cmocka_unit_test(one_output_knows_no_pan),
		cmocka_unit_test(sound_off_ends_notes_in_5_ms_whatever_their_release),
		cmocka_unit_test(notes_off_releases_keys_unless_the_pedal_holds_them),
		cmocka_unit_test(a_reset_leaves_volume_and_pan),
		cmocka_unit_test(a_bend_is_heard_from_its_frame_on),
		cmocka_unit_test(a_bend_moves_samples_as_well),
		cmocka_unit_test(packets_sound_as_bytes_do),
		cmocka_unit_test(malformed_events_are_skipped_and_the_others_heard),
		cmocka_unit_test(an_event_behind_the_cycles_end_is_late_rather_than_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
