/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "rt/sample.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <spa/utils/defs.h>

#include "fixture.h"

#define N_FRAMES	6000u

static const uint32_t quanta[] = { 1, 63, 64, 65, 480, 1024, 8192 };

/* The frame of a sample that is heard in the i-th frame, or -1. */
static int64_t frame_at(const struct segue_sample *s, uint64_t i)
{
	if (s->loop == SEGUE_LOOP_FORWARD && i >= s->loop_end)
		return s->loop_start + (i - s->loop_start) % (s->loop_end - s->loop_start);
	return i < s->n_frames ? (int64_t)i : -1;
}

static void play(struct segue_sample *s, uint32_t rate, uint32_t quantum, float *out)
{
	struct fixture f;

	fixture_init(&f, 1);
	f.clock.rate.denom = rate;
	run_frames(&f, out, 100, 100);	/* it begins when it is swapped in, not with the engine */
	send_swap(&f, &s->buffer, 0.0, SEGUE_NOW, 0);
	run_frames(&f, out, N_FRAMES, quantum);
	fixture_clear(&f);
}

static void at_its_own_rate_a_sample_is_copied_bit_by_bit(void **state)
{
	static const uint64_t loops[][2] = {
		{ 0, 0 }, { 0, 777 }, { 0, 1 }, { 500, 777 }, { 776, 777 }, { 10, 300 }
	};

	for (size_t l = 0; l < SPA_N_ELEMENTS(loops); l++) {
		struct segue_sample *s = new_noise(1, RATE, 777);
		float expected[N_FRAMES], out[N_FRAMES];

		if (loops[l][1] > 0)
			set_loop(s, loops[l][0], loops[l][1]);
		for (uint32_t i = 0; i < N_FRAMES; i++)
			expected[i] = frame_at(s, i) >= 0 ? s->data[0][frame_at(s, i)] : 0.0f;
		for (size_t q = 0; q < SPA_N_ELEMENTS(quanta); q++) {
			play(s, RATE, quanta[q], out);
			assert_memory_equal(out, expected, sizeof(expected));
		}
		free_sample(s);
	}
}

static void at_another_rate_a_loop_is_interpolated_across_its_seam(void **state)
{
	static const uint32_t rates[] = { 44100, 96000, 192000, 8000 };
	struct segue_sample *s = new_sample(1, RATE, 1000);
	float out[N_FRAMES];

	/* ten periods in the loop, and one more before it */
	for (uint32_t i = 0; i < 1000; i++)
		s->data[0][i] = (float)sin(2.0 * M_PI * i / 90.0);
	set_loop(s, 90, 990);
	for (size_t r = 0; r < SPA_N_ELEMENTS(rates); r++) {
		for (size_t q = 0; q < SPA_N_ELEMENTS(quanta); q++) {
			play(s, rates[r], quanta[q], out);
			/* but for the very first frame, which nothing precedes */
			for (uint32_t i = 3 * rates[r] / RATE + 1; i < N_FRAMES; i++)
				assert_near(out[i], sin(2.0 * M_PI * i * RATE / rates[r] / 90.0), 1e-4);
		}
	}
	free_sample(s);
}

static void a_loop_of_one_frame_holds_it_at_any_rate(void **state)
{
	struct segue_sample *s = new_noise(1, 44100, 10);
	float out[N_FRAMES];

	set_loop(s, 9, 10);
	play(s, RATE, 480, out);
	for (uint32_t i = 13; i < N_FRAMES; i++)
		assert_near(out[i], s->data[0][9], 1e-6);
	free_sample(s);
}

static void at_another_rate_a_sample_ends_in_silence(void **state)
{
	struct segue_sample *s = new_noise(1, 44100, 441);
	float out[N_FRAMES];
	double sum = 0.0;

	play(s, RATE, 64, out);
	for (uint32_t i = 0; i < 480; i++)
		sum += fabs(out[i]);
	assert_true(sum > 100.0);
	assert_silent(out + 483, N_FRAMES - 483);
	free_sample(s);
}

static void after_hours_the_playhead_is_where_the_ratio_says(void **state)
{
	struct segue_sample s = { .rate = 44100, .n_frames = UINT64_C(1) << 40, .loop_end = 1 };
	struct segue_playhead head = { 0, 0.0, false };
	/* two hours, after another hundred */
	uint64_t n = 7200ull * RATE, before = 100ull * 3600 * 44100;

	head.frame = before;
	for (uint64_t done = 0; done < n; done += 64)
		segue_playhead_advance(&head, &s, RATE, 64);
	assert_near((double)(int64_t)(head.frame - before - 7200ull * 44100) + head.fraction, 0.0, 1e-4);
}

static void a_remade_sample_goes_on_at_the_same_time(void **state)
{
	struct segue_sample *old = new_sample(1, 44100, 44100), *new = new_sample(1, 48000, 48000);
	struct fixture f;
	float out[4800];

	/* a ramp over a second tells the time */
	for (uint32_t i = 0; i < 44100; i++)
		old->data[0][i] = i / 44100.0f;
	for (uint32_t i = 0; i < 48000; i++)
		new->data[0][i] = i / 48000.0f;
	fixture_init(&f, 1);
	f.clock.rate.denom = 44100;
	send_swap(&f, &old->buffer, 0.0, SEGUE_NOW, 0);
	run_frames(&f, out, 2205, 441);		/* 50 ms */
	f.clock.rate.denom = 48000;
	run_frames(&f, out, 4800, 480);		/* 100 ms, interpolated */
	for (uint32_t i = 0; i < 4800; i++)
		assert_near(out[i], 0.05 + i / 48000.0, 1e-6);
	send_swap(&f, &new->buffer, 0.02, SEGUE_NOW, SEGUE_TICKET_REMAKE);
	run_frames(&f, out, 4800, 480);
	for (uint32_t i = 0; i < 4800; i++)
		assert_near(out[i], 0.15 + i / 48000.0, 0.51 / 48000.0);
	/* from its frames as they are: 0.15 s is a whole number of them */
	assert_memory_equal(out + 2400, new->data[0] + 7200 + 2400, 2400 * sizeof(float));
	fixture_clear(&f);
	free_sample(old);
	free_sample(new);
}

static void a_remade_loop_goes_on_inside_the_loop(void **state)
{
	struct segue_sample *s = new_noise(1, 48000, 48000);
	struct segue_playhead head = { 44099, 0.9, true };

	set_loop(s, 24000, 48000);
	head = segue_playhead_remade(&head, 44100, s);
	assert_int_equal(head.frame, 24000);
	assert_true(head.looped);
	head = (struct segue_playhead) { 22050, 0.5, true };
	head = segue_playhead_remade(&head, 44100, s);
	assert_int_equal(head.frame, 24001);
	assert_near(head.fraction, 0.0, 0.0);
	free_sample(s);
}

static void a_remade_sample_does_not_replace_another(void **state)
{
	struct segue_sample *a = new_noise(1, RATE, 5000), *b = new_noise(1, RATE, 5000);
	struct segue_ticket *remade;
	struct fixture f;
	float out[1000];

	fixture_init(&f, 1);
	send_swap(&f, &a->buffer, 0.0, SEGUE_NOW, 0);
	run_frames(&f, out, 1000, 100);
	send_swap(&f, &b->buffer, 0.0, SEGUE_NOW, 0);
	run_frames(&f, out, 1000, 100);
	remade = send_swap(&f, &a->buffer, 0.0, SEGUE_NOW, SEGUE_TICKET_REMAKE);
	remade->serial = 1;
	run_frames(&f, out, 1000, 100);
	assert_int_equal(segue_ticket_outcome(remade), SEGUE_OUTCOME_SUPERSEDED);
	assert_memory_equal(out, b->data[0] + 1000, sizeof(out));
	fixture_clear(&f);
	free_sample(a);
	free_sample(b);
}

static void another_sample_begins_at_its_first_frame_and_one_after_a_table_too(void **state)
{
	static const double sine[] = { 1.0 };
	struct segue_table *table = new_table(1, sine, 1);
	struct segue_sample *a = new_noise(1, RATE, 5000), *b = new_noise(1, RATE, 5000);
	struct fixture f;
	float out[1000];

	fixture_init(&f, 1);
	send_swap(&f, &a->buffer, 0.0, SEGUE_NOW, 0);
	run_frames(&f, out, 1000, 100);
	send_swap(&f, &b->buffer, 0.0, SEGUE_NOW, 0);
	run_frames(&f, out, 1000, 100);
	assert_memory_equal(out, b->data[0], sizeof(out));
	send_swap(&f, &table->buffer, 0.0, SEGUE_NOW, 0);
	run_frames(&f, out, 1000, 100);
	send_swap(&f, &a->buffer, 0.0, SEGUE_NOW, SEGUE_TICKET_REMAKE);
	run_frames(&f, out, 1000, 100);
	assert_memory_equal(out, a->data[0], sizeof(out));
	fixture_clear(&f);
	free_sample(a);
	free_sample(b);
	free_table(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_its_own_rate_a_sample_is_copied_bit_by_bit),
		cmocka_unit_test(at_another_rate_a_loop_is_interpolated_across_its_seam),
		cmocka_unit_test(a_loop_of_one_frame_holds_it_at_any_rate),
		cmocka_unit_test(at_another_rate_a_sample_ends_in_silence),
		cmocka_unit_test(after_hours_the_playhead_is_where_the_ratio_says),
		cmocka_unit_test(a_remade_sample_goes_on_at_the_same_time),
		cmocka_unit_test(a_remade_loop_goes_on_inside_the_loop),
		cmocka_unit_test(a_remade_sample_does_not_replace_another),
		cmocka_unit_test(another_sample_begins_at_its_first_frame_and_one_after_a_table_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
