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

/* Swaps under held notes: a note on a table goes over to where it would be on the new buffer, any other one ends
 * where it began, and new ones begin on the newest. */

#define N		8000u

static const double sine[] = { 0.5 }, odd[] = { 0.3, 0.0, -0.2 };

struct stage {
	struct fixture f;
	struct segue_table *sine, *odd;
	struct segue_sample *noise;
};

static int setup(void **state)
{
	struct stage *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->sine = new_table(1, sine, 1);
	s->odd = new_table(1, odd, 3);
	s->noise = new_noise(1, RATE, 20000);
	s->noise->root_key = 60;
	fixture_init_keys(&s->f, 1, &s->sine->buffer);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct stage *s = *state;

	fixture_clear(&s->f);
	free_table(s->sine);
	free_table(s->odd);
	free_sample(s->noise);
	free(s);
	return 0;
}

/* A key's sound so many frames after its onset. */
static double on_sine(double key, int64_t i)
{
	return i < 0 ? 0.0 : 0.5 * sin(2.0 * M_PI * fmod(key_frequency(key) * i / RATE, 1.0));
}

static double on_odd(double key, int64_t i)
{
	double angle = 2.0 * M_PI * fmod(key_frequency(key) * i / RATE, 1.0);

	return i < 0 ? 0.0 : 0.3 * sin(angle) - 0.2 * sin(3.0 * angle);
}

/* Weight of what is faded in, i frames after it began. */
static double weight(int64_t i, int64_t n)
{
	return i < 0 ? 0.0 : i < n ? smooth((i + 1.0) / (n + 1.0)) : 1.0;
}

static void held_notes_on_a_table_go_over_to_the_next_one(void **state)
{
	static const uint32_t fades[] = { 0, 1, 64, 240, 960, 4000 };
	static const uint8_t keys[] = { 40, 60, 77, 100 };
	struct stage *s = *state;
	static float out[N];

	for (size_t k = 0; k < SPA_N_ELEMENTS(fades); k++) {
		struct fixture *f = &s->f;
		uint64_t now = frame_now(f);

		for (uint32_t n = 0; n < 4; n++)
			add_midi(f, now + 10 + 33 * n, 0x90, keys[n], 127);
		send_swap(f, &s->odd->buffer, fades[k] / (double)RATE, START + now + 2000, 0);
		run_frames(f, out, N, 0);
		for (int64_t i = 0; i < N; i++) {
			double old = 0.0, new = 0.0, g = weight(i - 2000, fades[k]);

			for (uint32_t n = 0; n < 4; n++) {
				old += on_sine(keys[n], i - 10 - 33 * n);
				new += on_odd(keys[n], i - 10 - 33 * n);
			}
			assert_near(out[i], (1.0 - g) * old + g * new, 1e-4);
		}
		assert_int_equal(segue_source_count_voices(f->source), 4);
		add_midi(f, now + N, 0xb0, 120, 0);
		run_frames(f, NULL, 1000, 100);
		send_swap(f, &s->sine->buffer, 0.0, SEGUE_NOW, 0);
		run_frames(f, NULL, 1000, 100);
	}
}

static void a_note_in_mid_fade_is_at_once_on_the_next_one_and_at_full_weight(void **state)
{
	struct stage *s = *state;
	static float out[N];

	add_midi(&s->f, 0, 0x90, 60, 127);
	send_swap(&s->f, &s->odd->buffer, 2000.0 / RATE, START + 1000, 0);
	add_midi(&s->f, 999, 0x90, 64, 127);	/* the last one on the old table */
	add_midi(&s->f, 1000, 0x90, 67, 127);	/* the first one on the new one */
	add_midi(&s->f, 1500, 0x90, 71, 127);
	run_frames(&s->f, out, N, 0);
	for (int64_t i = 0; i < N; i++) {
		double g = weight(i - 1000, 2000);

		assert_near(out[i], (1.0 - g) * (on_sine(60, i) + on_sine(64, i - 999)) +
				g * (on_odd(60, i) + on_odd(64, i - 999)) +
				on_odd(67, i - 1000) + on_odd(71, i - 1500), 1e-4);
	}
}

static void notes_and_swaps_of_one_cycle_are_heard_in_order(void **state)
{
	struct stage *s = *state;
	static float out[N];

	run_frames(&s->f, NULL, 1000, 100);
	send_note(&s->f, 60, 127);
	send_swap(&s->f, &s->noise->buffer, 500.0 / RATE, SEGUE_NOW, 0);
	send_note(&s->f, 60, 127);
	run_frames(&s->f, out, N, 100);
	/* the first one begins on the table and goes over, the second one is on the sample from its first frame on */
	for (int64_t i = 0; i < N; i++) {
		double g = weight(i, 500);

		assert_near(out[i], (1.0 - g) * on_sine(60, i) + (g + 1.0) * s->noise->data[0][i], 1e-4);
	}
	assert_int_equal(segue_source_count_voices(s->f.source), 2);
}

static void a_note_goes_over_to_a_sample_at_the_place_it_would_have(void **state)
{
	struct stage *s = *state;
	static float out[N];

	add_midi(&s->f, 100, 0x90, 60, 127);
	add_midi(&s->f, 500, 0xe0, 0, 0x7f);		/* the integral of its frequency, bends and all */
	add_midi(&s->f, 500, 0xe0, 0, 0x40);
	send_swap(&s->f, &s->noise->buffer, 1000.0 / RATE, START + 2000, 0);
	run_frames(&s->f, out, N, 0);
	for (int64_t i = 100; i < N; i++) {
		double g = weight(i - 2000, 1000);

		assert_near(out[i], (1.0 - g) * on_sine(60, i - 100) + g * s->noise->data[0][i - 100], 1e-4);
	}
	/* as it would be had it begun there: bit by bit */
	assert_memory_equal(out + 3000, s->noise->data[0] + 2900, (N - 3000) * sizeof(float));
}

static void a_note_goes_over_to_a_loop_inside_the_loop(void **state)
{
	struct segue_sample *loop = new_noise(1, RATE, 300);
	struct stage *s = *state;
	static float out[N];

	loop->root_key = 60;
	set_loop(loop, 50, 250);
	send_note(&s->f, 60, 127);
	run_frames(&s->f, NULL, 1000, 100);
	send_swap(&s->f, &loop->buffer, 0.0, SEGUE_NOW, 0);
	run_frames(&s->f, out, N, 100);
	for (uint32_t i = 0; i < N; i++)
		assert_true(out[i] == loop->data[0][50 + (1000 + i - 50) % 200]);
	send_swap(&s->f, NULL, 0.0, SEGUE_NOW, 0);
	send_note(&s->f, 60, 0);
	run_frames(&s->f, NULL, 1000, 100);
	free_sample(loop);
}

static void a_note_beyond_a_samples_end_ends_with_the_fade(void **state)
{
	struct segue_sample *brief = new_noise(1, RATE, 300);
	struct stage *s = *state;
	static float out[N];

	brief->root_key = 60;
	send_note(&s->f, 60, 127);
	run_frames(&s->f, NULL, 1000, 100);
	send_swap(&s->f, &brief->buffer, 500.0 / RATE, SEGUE_NOW, 0);
	run_frames(&s->f, out, N, 100);
	for (int64_t i = 0; i < N; i++)
		assert_near(out[i], (1.0 - weight(i, 500)) * on_sine(60, 1000 + i), 1e-4);
	assert_int_equal(segue_source_count_voices(s->f.source), 0);
	send_swap(&s->f, NULL, 0.0, SEGUE_NOW, 0);
	run_frames(&s->f, NULL, 1000, 100);
	free_sample(brief);
}

static void a_note_on_a_sample_ends_where_it_began(void **state)
{
	struct stage *s = *state;
	struct segue_ticket *ticket = send_swap(&s->f, &s->noise->buffer, 0.0, SEGUE_NOW, 0);
	static float out[N];

	send_note(&s->f, 60, 127);
	run_frames(&s->f, NULL, 1000, 100);
	send_swap(&s->f, &s->odd->buffer, 500.0 / RATE, SEGUE_NOW, 0);
	run_frames(&s->f, out, N, 100);
	assert_memory_equal(out, s->noise->data[0] + 1000, sizeof(out));
	/* its ticket lives as long as it does */
	assert_int_equal(ticket->refs, 1);
	send_note(&s->f, 60, 0);
	run_frames(&s->f, NULL, 239, 100);
	assert_int_equal(ticket->refs, 1);
	run_frames(&s->f, NULL, 1, 100);
	assert_int_equal(ticket->refs, 0);
}

static void a_tables_ticket_goes_with_the_fade(void **state)
{
	struct stage *s = *state;
	struct segue_ticket *next;

	send_note(&s->f, 60, 127);
	send_note(&s->f, 64, 127);
	run_frames(&s->f, NULL, 1000, 100);
	next = send_swap(&s->f, &s->odd->buffer, 500.0 / RATE, SEGUE_NOW, 0);
	run_frames(&s->f, NULL, 499, 100);
	assert_int_equal(s->f.tickets[0]->refs, 3);
	assert_int_equal(next->refs, 3);
	run_frames(&s->f, NULL, 1, 100);
	assert_int_equal(s->f.tickets[0]->refs, 0);
	assert_int_equal(next->refs, 3);
}

static void clearing_fades_held_notes_out(void **state)
{
	struct stage *s = *state;
	static float out[N];

	send_note(&s->f, 60, 127);
	run_frames(&s->f, NULL, 1000, 100);
	send_swap(&s->f, NULL, 500.0 / RATE, SEGUE_NOW, 0);
	run_frames(&s->f, out, N, 100);
	for (int64_t i = 0; i < N; i++)
		assert_near(out[i], (1.0 - weight(i, 500)) * on_sine(60, 1000 + i), 1e-4);
	assert_int_equal(segue_source_count_voices(s->f.source), 0);
	assert_int_equal(s->f.tickets[0]->refs, 0);
}

static void a_note_goes_over_to_a_region_that_matches(void **state)
{
	struct stage *s = *state;
	struct segue_region regions[] = { { REGION_ALL(s->noise, 60) }, { REGION_ALL(s->noise, 60) } };
	struct segue_instrument *kit;
	static float out[N];

	regions[0].key_high = 40;
	regions[1].gain = 0.5f;
	kit = new_instrument(regions, 2);
	send_note(&s->f, 60, 127);
	run_frames(&s->f, NULL, 1000, 100);
	send_swap(&s->f, &kit->buffer, 500.0 / RATE, SEGUE_NOW, 0);
	run_frames(&s->f, out, N, 100);
	for (int64_t i = 0; i < N; i++) {
		double g = weight(i, 500);

		assert_near(out[i], (1.0 - g) * on_sine(60, 1000 + i) + g * 0.5 * s->noise->data[0][1000 + i], 1e-4);
	}
	send_swap(&s->f, NULL, 0.0, SEGUE_NOW, 0);
	send_note(&s->f, 60, 0);
	run_frames(&s->f, NULL, 1000, 100);
	free_instrument(kit);
}

static void a_bend_in_mid_fade_moves_both(void **state)
{
	struct stage *s = *state;
	static float out[N];
	double phase = 0.0;

	add_midi(&s->f, 0, 0x90, 60, 127);
	add_midi(&s->f, 1500, 0xe0, 0, 0x60);		/* a semitone */
	send_swap(&s->f, &s->odd->buffer, 2000.0 / RATE, START + 1000, 0);
	run_frames(&s->f, out, N, 0);
	for (int64_t i = 0; i < N; i++) {
		double g = weight(i - 1000, 2000), angle = 2.0 * M_PI * phase;

		assert_near(out[i], (1.0 - g) * 0.5 * sin(angle) + g * (0.3 * sin(angle) - 0.2 * sin(3.0 * angle)), 1e-4);
		phase = fmod(phase + key_frequency(i < 1500 ? 60 : 61) / RATE, 1.0);
	}
}

static void a_remade_sample_is_for_new_notes(void **state)
{
	struct stage *s = *state;
	struct segue_sample *remade = new_noise(1, RATE, 20000);
	struct segue_ticket *ticket = send_swap(&s->f, &s->noise->buffer, 0.0, SEGUE_NOW, 0);
	static float out[N];

	remade->root_key = 60;
	send_note(&s->f, 60, 127);
	run_frames(&s->f, NULL, 1000, 100);
	send_swap(&s->f, &remade->buffer, 500.0 / RATE, SEGUE_NOW, SEGUE_TICKET_REMAKE);
	run_frames(&s->f, out, N, 100);
	assert_memory_equal(out, s->noise->data[0] + 1000, sizeof(out));
	send_note(&s->f, 60, 0);
	send_note(&s->f, 60, 127);
	run_frames(&s->f, out, N, 100);
	assert_memory_equal(out + 240, remade->data[0] + 240, (N - 240) * sizeof(float));
	assert_int_equal(ticket->refs, 0);
	send_swap(&s->f, NULL, 0.0, SEGUE_NOW, 0);
	send_note(&s->f, 60, 0);
	run_frames(&s->f, NULL, 1000, 100);
	free_sample(remade);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(held_notes_on_a_table_go_over_to_the_next_one),
		TEST(a_note_in_mid_fade_is_at_once_on_the_next_one_and_at_full_weight),
		TEST(notes_and_swaps_of_one_cycle_are_heard_in_order),
		TEST(a_note_goes_over_to_a_sample_at_the_place_it_would_have),
		TEST(a_note_goes_over_to_a_loop_inside_the_loop),
		TEST(a_note_beyond_a_samples_end_ends_with_the_fade),
		TEST(a_note_on_a_sample_ends_where_it_began),
		TEST(a_tables_ticket_goes_with_the_fade),
		TEST(clearing_fades_held_notes_out),
		TEST(a_note_goes_over_to_a_region_that_matches),
		TEST(a_bend_in_mid_fade_moves_both),
		TEST(a_remade_sample_is_for_new_notes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
