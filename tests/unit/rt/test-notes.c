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

/* Keys: pitch, onset, level, and what they leave behind. */

#define N_FRAMES	9600u

static const double sine[] = { 1.0 };

/* Against the sine itself: a tenth of a cent is 6e-5 of the frequency, and at 0.2 s 0.7 % of a period of key 69. */
static void all_keys_have_their_pitch_at_every_rate(void **state)
{
	static const uint32_t rates[] = { 44100, 48000, 96000 };
	struct segue_table *table = new_table(1, sine, 1);
	float out[N_FRAMES];

	for (size_t r = 0; r < SPA_N_ELEMENTS(rates); r++) {
		for (uint32_t key = 0; key < 128; key++) {
			struct fixture f;

			fixture_init_keys(&f, 1, &table->buffer);
			f.clock.rate.denom = rates[r];
			add_midi(&f, 37, 0x90, key, 127);
			run_frames(&f, out, N_FRAMES, 256);
			assert_silent(out, 37);
			for (uint32_t i = 37; i < N_FRAMES; i++)
				assert_near(out[i],
						sin(2.0 * M_PI * fmod(key_frequency(key) * (i - 37) / rates[r], 1.0)), 2e-5);
			fixture_clear(&f);
		}
	}
	free_table(table);
}

static void a_note_begins_and_ends_at_the_frame_of_its_event(void **state)
{
	static const uint32_t onsets[] = { 0, 1, 63, 64, 65, 255, 256, 1000 };
	static const uint32_t quanta[] = { 1, 64, 100, 8192 };
	struct segue_table *ones = new_ones();
	float out[4000];

	for (size_t o = 0; o < SPA_N_ELEMENTS(onsets); o++) {
		for (size_t q = 0; q < SPA_N_ELEMENTS(quanta); q++) {
			uint32_t on = onsets[o], off = on + 777;
			struct fixture f;

			fixture_init_keys(&f, 1, &ones->buffer);
			add_midi(&f, on, 0x90, 60, 127);
			add_midi(&f, off, 0x80, 60, 0);
			run_frames(&f, out, 4000, quanta[q]);
			for (uint32_t i = 0; i < 4000; i++)
				assert_near(out[i], i < on ? 0.0 : i < off ? 1.0 :
						last_5_ms(i - off), 1e-6);
			assert_true(out[on] == 1.0f && out[off - 1] == 1.0f);
			assert_silent(out + off + RAMP, 4000 - off - RAMP);
			assert_int_equal(segue_source_count_voices(f.source), 0);
			fixture_clear(&f);
		}
	}
	free_table(ones);
}

static void the_main_loops_keys_sound_from_the_next_cycle_on(void **state)
{
	struct segue_table *ones = new_ones();
	struct fixture f;
	float out[1000];

	fixture_init_keys(&f, 1, &ones->buffer);
	send_note(&f, 60, 127);
	run_frames(&f, out, 500, 100);
	for (uint32_t i = 0; i < 500; i++)
		assert_true(out[i] == 1.0f);
	send_note(&f, 60, 0);
	run_frames(&f, out, 1000, 100);
	assert_near(out[0], last_5_ms(0), 1e-6);
	assert_silent(out + RAMP, 1000 - RAMP);
	/* on and off in one cycle */
	send_note(&f, 60, 127);
	send_note(&f, 60, 0);
	run_frames(&f, out, 1000, 100);
	assert_near(out[0], last_5_ms(0), 1e-6);
	assert_silent(out + RAMP, 1000 - RAMP);
	/* a velocity of 0 is an end as well */
	send_note(&f, 61, 127);
	run_frames(&f, out, 100, 100);
	assert_int_equal(segue_handover_send(f.handover, &(struct segue_command) { SEGUE_SOURCE_NOTE_ON,
				SEGUE_NOTE(61, 0) }), 0);
	run_frames(&f, out, 1000, 100);
	assert_silent(out + RAMP, 1000 - RAMP);
	fixture_clear(&f);
	free_table(ones);
}

static void all_keys_can_be_released_at_once(void **state)
{
	struct segue_table *ones = new_ones();
	struct fixture f;
	float out[1000];

	fixture_init_keys(&f, 1, &ones->buffer);
	send_note(&f, 60, 127);
	add_midi(&f, 10, 0xb3, 64, 127);
	add_midi(&f, 20, 0x93, 61, 127);
	add_midi(&f, 30, 0x83, 61, 0);	/* the pedal holds it */
	run_frames(&f, out, 100, 100);
	assert_int_equal(segue_source_count_voices(f.source), 2);
	send_value(&f, SEGUE_SOURCE_NOTES_OFF, 0, 0);
	run_frames(&f, out, 1000, 100);
	assert_silent(out + RAMP, 1000 - RAMP);
	fixture_clear(&f);
	free_table(ones);
}

static void velocity_is_squared(void **state)
{
	struct segue_table *ones = new_ones();
	struct fixture f;
	float out[64];

	fixture_init_keys(&f, 1, &ones->buffer);
	for (uint32_t v = 1; v < 128; v++) {
		uint64_t now = frame_now(&f);

		add_midi(&f, now, 0xb0, 120, 0);
		add_midi(&f, now, 0x90, 60, v);
		run_frames(&f, NULL, RAMP + 64, 64);
		run_frames(&f, out, 64, 64);
		assert_near(out[0], v * v / (127.0 * 127.0), 1e-6);
	}
	fixture_clear(&f);
	free_table(ones);
}

static void a_sample_at_its_root_key_is_copied_bit_by_bit(void **state)
{
	static const uint64_t loops[][2] = { { 0, 0 }, { 0, 777 }, { 500, 777 }, { 776, 777 }, { 10, 300 } };
	static const uint32_t quanta[] = { 1, 63, 64, 480, 8192 };
	static float out[2 * N_FRAMES];

	for (size_t l = 0; l < SPA_N_ELEMENTS(loops); l++) {
		struct segue_sample *s = new_noise(2, RATE, 777);

		s->root_key = 47;
		if (loops[l][1] > 0)
			set_loop(s, loops[l][0], loops[l][1]);
		for (size_t q = 0; q < SPA_N_ELEMENTS(quanta); q++) {
			struct fixture f;

			fixture_init_keys(&f, 2, &s->buffer);
			add_midi(&f, 123, 0x90, 47, 127);
			run_frames(&f, out, N_FRAMES, quanta[q]);
			for (uint32_t c = 0; c < 2; c++) {
				const float *heard = out + c * N_FRAMES;

				assert_silent(heard, 123);
				for (uint32_t i = 0; i < N_FRAMES - 123; i++) {
					uint64_t at = i;

					if (loops[l][1] > 0 && i >= loops[l][1])
						at = loops[l][0] + (i - loops[l][0]) % (loops[l][1] - loops[l][0]);
					assert_true(heard[123 + i] == (at < 777 ? s->data[c][at] : 0.0f));
				}
			}
			assert_int_equal(segue_source_count_voices(f.source), loops[l][1] > 0);
			fixture_clear(&f);
		}
		free_sample(s);
	}
}

static void other_keys_play_a_sample_faster_or_slower(void **state)
{
	static const uint32_t rates[] = { 44100, 48000, 96000 };
	struct segue_sample *s = new_sample(1, 44100, 90000);
	static float out[N_FRAMES];

	/* a slow sine: what the interpolation leaves of it isn't the point */
	s->root_key = 60;
	for (uint32_t i = 0; i < 90000; i++)
		s->data[0][i] = (float)sin(2.0 * M_PI * i / 450.0);
	set_loop(s, 450, 90000 - 450);
	for (size_t r = 0; r < SPA_N_ELEMENTS(rates); r++) {
		for (uint32_t key = 0; key < 100; key += 3) {
			double step = pow(2.0, (key - 60.0) / 12.0) * 44100.0 / rates[r];
			struct fixture f;

			fixture_init_keys(&f, 1, &s->buffer);
			f.clock.rate.denom = rates[r];
			send_note(&f, key, 127);
			run_frames(&f, out, N_FRAMES, 256);
			for (uint32_t i = ceil(1.0 / step); i < N_FRAMES; i++)	/* but for what nothing precedes */
				assert_near(out[i], sin(2.0 * M_PI * i * step / 450.0), 1e-4);
			fixture_clear(&f);
		}
	}
	free_sample(s);
}

static void a_loop_of_any_length_is_read_across_its_seam_at_any_pitch(void **state)
{
	static const uint64_t loops[][2] = { { 0, 1 }, { 0, 2 }, { 5, 8 }, { 1, 60 }, { 100, 777 }, { 775, 777 } };
	static float out[N_FRAMES];

	for (size_t l = 0; l < SPA_N_ELEMENTS(loops); l++) {
		struct segue_sample *s = new_noise(1, RATE, 777);
		int64_t start = loops[l][0], end = loops[l][1];

		s->root_key = 60;
		set_loop(s, start, end);
		for (uint32_t key = 24; key < 128; key += 13) {
			double step = pow(2.0, (key - 60.0) / 12.0);
			struct fixture f;

			fixture_init_keys(&f, 1, &s->buffer);
			send_note(&f, key, 127);
			run_frames(&f, out, N_FRAMES, 100);
			for (uint32_t i = 0; i < N_FRAMES; i++) {
				double place = i * step, t = place - floor(place), y[4];

				for (int64_t k = -1; k < 3; k++) {
					int64_t at = (int64_t)floor(place) + k;

					if (at >= end)
						at = start + (at - start) % (end - start);
					y[k + 1] = at < 0 ? 0.0 : s->data[0][at];
				}
				assert_near(out[i], ((0.5 * (y[3] - y[0]) + 1.5 * (y[1] - y[2])) * t * t * t) +
						(y[0] - 2.5 * y[1] + 2.0 * y[2] - 0.5 * y[3]) * t * t +
						0.5 * (y[2] - y[0]) * t + y[1], 3e-6);
			}
			fixture_clear(&f);
		}
		free_sample(s);
	}
}

static void begin_key(struct fixture *f, uint32_t n_outputs, struct segue_buffer *buffer)
{
	fixture_init_keys(f, n_outputs, buffer);
	send_note(f, 0, 127);
}

static void notes_find_their_outputs_as_the_steady_voice_does(void **state)
{
	assert_outputs_found(begin_key);
}

static void a_key_is_released_although_the_ring_is_full(void **state)
{
	struct segue_table *ones = new_ones();
	struct fixture f;
	float out[1000];

	fixture_init_keys(&f, 1, &ones->buffer);
	run_frames(&f, out, 100, 100);
	send_note(&f, 60, 127);
	send_note(&f, 61, 127);
	while (segue_handover_space(f.handover) > 0)
		send_value(&f, SEGUE_SOURCE_GAIN, 0, 1.0);
	segue_source_release_key(f.source, 60);
	assert_true(segue_source_is_releasing(f.source, 60));
	assert_false(segue_source_is_releasing(f.source, 61));
	/* 64 commands a cycle: it is heard before it is released */
	for (uint32_t cycle = 0; cycle < 4; cycle++) {
		run_frames(&f, out, 100, 100);
		assert_true(out[99] == 2.0f);
		assert_true(segue_source_is_releasing(f.source, 60));
	}
	run_frames(&f, out, 1000, 1000);
	assert_false(segue_source_is_releasing(f.source, 60));
	assert_near(out[0], 1.0 + last_5_ms(0), 1e-6);
	assert_true(out[RAMP] == 1.0f);
	assert_int_equal(segue_source_count_voices(f.source), 1);
	for (uint32_t key = 0; key < 128; key++)
		segue_source_release_key(f.source, key);
	run_frames(&f, out, 1000, 1000);
	assert_silent(out + RAMP, 1000 - RAMP);
	for (uint32_t key = 0; key < 128; key++)
		assert_false(segue_source_is_releasing(f.source, key));
	fixture_clear(&f);
	free_table(ones);
}

static void after_a_long_pause_notes_have_ended(void **state)
{
	static const double pauses[] = { 0.0, 0.4, 0.6 };
	struct segue_sample *s = new_noise(1, RATE, 100000);
	struct segue_table *ones = new_ones();
	float out[1000];

	for (size_t p = 0; p < SPA_N_ELEMENTS(pauses); p++) {
		struct segue_ticket *first;
		struct fixture f;

		fixture_init_keys(&f, 1, NULL);
		first = send_swap(&f, &s->buffer, 0.0, SEGUE_NOW, 0);
		send_note(&f, 60, 127);
		send_play(&f, &s->buffer, 1.0f, SEGUE_NOTE_LOOP_OWN, -1);
		run_frames(&f, out, 100, 100);
		send_swap(&f, &ones->buffer, 0.0, SEGUE_NOW, 0);
		send_note(&f, 60, 127);
		run_frames(&f, out, 100, 100);
		assert_int_equal(segue_source_count_voices(f.source), 3);
		let_pass(&f, pauses[p]);
		run_frames(&f, out, 1000, 100);
		assert_int_equal(segue_source_count_voices(f.source), pauses[p] < 0.5 ? 3 : 0);
		assert_int_equal(first->refs, pauses[p] < 0.5 ? 1 : 0);
		if (pauses[p] > 0.5)
			assert_silent(out, 1000);
		fixture_clear(&f);
	}
	free_sample(s);
	free_table(ones);
}

static void settling_ends_notes(void **state)
{
	struct segue_sample *s = new_noise(1, RATE, 100000);
	struct segue_ticket *played;
	struct fixture f;
	float out[1000];

	fixture_init_keys(&f, 1, &s->buffer);
	send_note(&f, 60, 127);
	played = send_play(&f, &s->buffer, 1.0f, SEGUE_NOTE_LOOP_OWN, -1);
	run_frames(&f, out, 100, 100);
	send_note(&f, 62, 127);
	segue_source_release_key(f.source, 62);
	segue_source_settle(f.source);
	assert_int_equal(segue_source_count_voices(f.source), 0);
	assert_int_equal(played->refs, 0);
	assert_false(segue_source_is_releasing(f.source, 62));
	played = send_play(&f, &s->buffer, 1.0f, SEGUE_NOTE_LOOP_OWN, -1);
	segue_source_settle(f.source);
	assert_int_equal(segue_ticket_outcome(played), SEGUE_OUTCOME_APPLIED);
	assert_int_equal(played->position, 0);
	assert_int_equal(played->refs, 0);
	run_frames(&f, out, 1000, 100);
	assert_silent(out, 1000);
	fixture_clear(&f);
	free_sample(s);
}

static void the_trigger_decides_between_keys_and_the_steady_voice(void **state)
{
	struct segue_table *ones = new_ones();
	struct fixture f;
	float out[1000];

	fixture_init(&f, 1);
	send_value(&f, SEGUE_SOURCE_ATTACK, 0, 0);
	send_value(&f, SEGUE_SOURCE_RELEASE, 0, 0);
	send_swap(&f, &ones->buffer, 0.0, SEGUE_NOW, 0);
	send_note(&f, 60, 127);
	add_midi(&f, 10, 0x90, 60, 127);
	run_frames(&f, out, 1000, 100);
	for (uint32_t i = 0; i < 1000; i++)
		assert_true(out[i] == 1.0f);
	send_value(&f, SEGUE_SOURCE_TRIGGER, 0, 1);
	run_frames(&f, out, 1000, 100);
	for (uint32_t i = 0; i < 1000; i++)
		assert_near(out[i], last_5_ms(i), 1e-6);
	send_note(&f, 60, 127);
	run_frames(&f, out, 1000, 100);
	for (uint32_t i = 0; i < 1000; i++)
		assert_true(out[i] == 1.0f);
	send_value(&f, SEGUE_SOURCE_TRIGGER, 0, 0);
	run_frames(&f, out, 1000, 100);
	for (uint32_t i = 0; i < 1000; i++)
		assert_near(out[i], 1.0, 1e-6);		/* one goes as the other comes */
	assert_int_equal(segue_source_count_voices(f.source), 0);
	fixture_clear(&f);
	free_table(ones);
}

static void a_change_of_rate_keeps_the_pitch_of_held_notes(void **state)
{
	static const uint32_t rates[] = { 48000, 44100, 96000 };
	struct segue_table *table = new_table(1, sine, 1);
	double phase = 0.0;
	struct fixture f;
	float out[3000];

	fixture_init_keys(&f, 1, &table->buffer);
	send_note(&f, 72, 127);
	for (size_t r = 0; r < SPA_N_ELEMENTS(rates); r++) {
		f.clock.rate.denom = rates[r];
		run_frames(&f, out, 3000, 441);
		for (uint32_t i = 0; i < 3000; i++) {
			assert_near(out[i], sin(2.0 * M_PI * phase), 2e-5);
			phase = fmod(phase + key_frequency(72) / rates[r], 1.0);
		}
	}
	fixture_clear(&f);
	free_table(table);
}

/* A saw is all partials that its level has and nothing else; none of them comes near half the rate. */
static void a_high_saw_has_no_aliases_whatever_its_bend(void **state)
{
	static const uint32_t rates[] = { 44100, 48000, 96000 };
	double amplitudes[128];
	struct segue_table *table;
	static float out[48000];

	for (uint32_t p = 0; p < 128; p++)
		amplitudes[p] = 0.5 / (p + 1);
	table = new_table(1, amplitudes, 128);
	for (size_t r = 0; r < SPA_N_ELEMENTS(rates); r++) {
		double phase = 0.0, pitch = 0.0, before = 0.0, step = 0.0;
		struct fixture f;
		uint32_t e = 0;

		fixture_init_keys(&f, 1, &table->buffer);
		f.clock.rate.denom = rates[r];
		add_midi(&f, 0, 0x90, 108, 127);
		/* up and down again, twice a second; then steady somewhere */
		for (uint32_t i = 0; i < 40000; i += 32) {
			uint32_t bend = lround(8191.5 + 8191.5 * sin(4.0 * M_PI * i / 48000.0));

			add_midi(&f, i, 0xe0, bend & 0x7f, bend >> 7);
		}
		run_frames(&f, out, 48000, 256);
		for (uint32_t i = 0; i < 48000; i++) {
			double w = (i % 64 + 1) / 65.0, g = smooth(w), sum = 0.0;

			if (i % 32 == 0 && i < 40000) {
				const uint8_t *bytes = f.score.events[++e].bytes;

				step = key_frequency(108) / rates[r] *
					pow(2.0, ((bytes[2] << 7 | bytes[1]) - 8192) / 8192.0 / 6.0);
			}
			if (i == 0)
				pitch = step;
			if (i % 64 == 0) {
				before = pitch;
				if (step > pitch || step * 1.0293022366 < pitch)
					pitch = step;
			}
			for (uint32_t k = 0; k < 2; k++) {
				double weight = k ? g : 1.0 - g;
				const struct segue_table_level *level = table->levels;

				while (level->n_partials * (k ? pitch : before) > 0.45)
					level++;
				assert_true(level->n_partials * step < 0.47);
				for (uint32_t p = 1; p <= level->n_partials; p++)
					sum += weight * amplitudes[p - 1] * sin(2.0 * M_PI * p * phase);
			}
			/* 80 dB below the fundamental */
			assert_near(out[i], sum, 0.5 * 1e-4);
			phase = fmod(phase + step, 1.0);
		}
		fixture_clear(&f);
	}
	free_table(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_keys_have_their_pitch_at_every_rate),
		cmocka_unit_test(a_high_saw_has_no_aliases_whatever_its_bend),
		cmocka_unit_test(a_note_begins_and_ends_at_the_frame_of_its_event),
		cmocka_unit_test(the_main_loops_keys_sound_from_the_next_cycle_on),
		cmocka_unit_test(all_keys_can_be_released_at_once),
		cmocka_unit_test(velocity_is_squared),
		cmocka_unit_test(a_sample_at_its_root_key_is_copied_bit_by_bit),
		cmocka_unit_test(other_keys_play_a_sample_faster_or_slower),
		cmocka_unit_test(a_loop_of_any_length_is_read_across_its_seam_at_any_pitch),
		cmocka_unit_test(notes_find_their_outputs_as_the_steady_voice_does),
		cmocka_unit_test(a_key_is_released_although_the_ring_is_full),
		cmocka_unit_test(after_a_long_pause_notes_have_ended),
		cmocka_unit_test(settling_ends_notes),
		cmocka_unit_test(the_trigger_decides_between_keys_and_the_steady_voice),
		cmocka_unit_test(a_change_of_rate_keeps_the_pitch_of_held_notes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
