/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "rt/source.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <spa/utils/defs.h>

#include "fixture.h"

/* An engine that plays a constant 0.5, so that what is heard is its levels. */
struct steady {
	struct fixture f;
	struct segue_sample *half;
};

static int setup(void **state)
{
	static const float half[] = { 0.5f };
	struct steady *s = malloc(sizeof(*s));

	assert_non_null(s);
	fixture_init(&s->f, 2);
	s->half = new_constant(1, half);
	send_swap(&s->f, &s->half->buffer, 0.0, SEGUE_NOW, 0);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct steady *s = *state;

	fixture_clear(&s->f);
	free_sample(s->half);
	free(s);
	return 0;
}

/* Part of the way after frame i of a ramp of n. */
static double way(uint32_t i, uint32_t n)
{
	return i < n ? (i + 1.0) / (n + 1.0) : 1.0;
}

static void an_empty_engine_is_silent(void **state)
{
	struct fixture f;
	float out[2 * 1000];

	for (uint32_t i = 0; i < 2000; i++)
		out[i] = NAN;
	fixture_init(&f, 2);
	run_frames(&f, out, 1000, 300);
	assert_silent(out, 2000);
	fixture_clear(&f);
}

static void begin_steady(struct fixture *f, uint32_t n_outputs, struct segue_buffer *buffer)
{
	fixture_init(f, n_outputs);
	send_swap(f, buffer, 0.0, SEGUE_NOW, 0);
}

static void channels_find_their_outputs(void **state)
{
	assert_outputs_found(begin_steady);
}

static void what_is_set_before_the_first_cycle_is_not_ramped(void **state)
{
	struct steady *s = *state;
	float out[2 * 100];

	send_value(&s->f, SEGUE_SOURCE_GAIN, 0, 0.5);
	send_value(&s->f, SEGUE_SOURCE_VOLUME, 1, 0.5);
	run_frames(&s->f, out, 100, 100);
	for (uint32_t i = 0; i < 100; i++) {
		assert_near(out[i], 0.25, 1e-7);
		assert_near(out[100 + i], 0.125, 1e-7);
	}
}

static void gain_and_volumes_go_straight_to_their_value_in_5_ms(void **state)
{
	struct steady *s = *state;
	float out[2 * 1000];

	run_frames(&s->f, NULL, 100, 100);
	send_value(&s->f, SEGUE_SOURCE_GAIN, 0, 0.2);
	send_value(&s->f, SEGUE_SOURCE_VOLUME, 1, 0.0);
	send_value(&s->f, SEGUE_SOURCE_VOLUME, 2, 0.0);	/* there is none */
	run_frames(&s->f, out, 1000, 90);
	for (uint32_t i = 0; i < 1000; i++) {
		double gain = 1.0 - 0.8 * way(i, RAMP);

		assert_near(out[i], 0.5 * gain, 1e-7);
		assert_near(out[1000 + i], 0.5 * gain * (1.0 - way(i, RAMP)), 1e-7);
	}
	assert_true(out[1999] == 0.0f);
}

static void a_gain_set_in_mid_ramp_goes_on_from_where_it_is(void **state)
{
	struct steady *s = *state;
	float out[2 * 1000];
	double from = 1.0 - way(119, RAMP);

	run_frames(&s->f, NULL, 100, 100);
	send_value(&s->f, SEGUE_SOURCE_GAIN, 0, 0.0);
	run_frames(&s->f, NULL, 120, 120);
	send_value(&s->f, SEGUE_SOURCE_GAIN, 0, 2.0);
	run_frames(&s->f, out, 1000, 90);
	for (uint32_t i = 0; i < 1000; i++)
		assert_near(out[i], 0.5 * (from + (2.0 - from) * way(i, RAMP)), 1e-6);
}

static void bypass_is_a_fade_to_silence_behind_which_the_sound_runs_on(void **state)
{
	struct segue_sample *noise = new_noise(1, RATE, 5000);
	struct steady *s = *state;
	float out[2 * 5000];

	run_frames(&s->f, NULL, 100, 100);
	send_swap(&s->f, &noise->buffer, 0.0, SEGUE_NOW, 0);
	send_value(&s->f, SEGUE_SOURCE_BYPASS, 20000, 1.0);	/* 960 frames */
	run_cycle(&s->f, out, 5000, 0, 2000);
	send_value(&s->f, SEGUE_SOURCE_BYPASS, 10000, 0.0);	/* 480 frames */
	run_cycle(&s->f, out, 5000, 2000, 3000);
	for (uint32_t i = 0; i < 5000; i++) {
		double heard = i < 2000 ? 1.0 - smooth(way(i, 960)) : smooth(way(i - 2000, 480));

		assert_near(out[i], heard * noise->data[0][i], 1e-6);
	}
	send_swap(&s->f, NULL, 0.0, SEGUE_NOW, 0);
	run_frames(&s->f, NULL, 100, 100);
	free_sample(noise);
}

static void settling_lets_settings_and_fades_jump(void **state)
{
	static const float quarter[] = { 0.25f };
	struct segue_sample *next = new_constant(1, quarter);
	struct steady *s = *state;
	float out[2 * 100];

	run_frames(&s->f, NULL, 100, 100);
	send_swap(&s->f, &next->buffer, 1.0, SEGUE_NOW, 0);
	send_value(&s->f, SEGUE_SOURCE_GAIN, 0, 0.5);
	run_frames(&s->f, NULL, 100, 100);
	send_value(&s->f, SEGUE_SOURCE_VOLUME, 1, 0.5);
	segue_source_settle(s->f.source);
	run_frames(&s->f, out, 100, 100);
	for (uint32_t i = 0; i < 100; i++) {
		assert_near(out[i], 0.125, 1e-7);
		assert_near(out[100 + i], 0.0625, 1e-7);
	}
	send_swap(&s->f, NULL, 0.0, SEGUE_NOW, 0);
	run_frames(&s->f, NULL, 100, 100);
	free_sample(next);
}

static void a_drained_engine_is_silent(void **state)
{
	struct steady *s = *state;
	float out[2 * 100];

	run_frames(&s->f, NULL, 100, 100);
	segue_source_drain(s->f.source);
	run_frames(&s->f, out, 100, 100);
	assert_silent(out, 200);
}

static void an_output_nobody_listens_to_may_be_missing(void **state)
{
	struct steady *s = *state;
	float one[100], *out[] = { NULL, one };

	segue_source_process(s->f.source, &s->f.clock, NULL, out, 100);
	for (uint32_t i = 0; i < 100; i++)
		assert_near(one[i], 0.5, 1e-7);
}

/* Halfway through a fade from 0.5 to silence, time passes. */
static void pause_in_mid_fade(struct fixture *f, double seconds, float *out, uint32_t n_frames)
{
	run_frames(f, NULL, 480, 480);
	send_swap(f, NULL, 0.1, SEGUE_NOW, 0);		/* 4800 frames */
	run_frames(f, NULL, 2400, 480);
	segue_source_pause(f->source);
	let_pass(f, seconds);
	run_frames(f, out, n_frames, 480);
}

static void after_a_short_pause_a_fade_goes_on_as_if_nothing_had_been(void **state)
{
	static const double pauses[] = { 0.0, 0.1, 0.4999 };
	struct steady *s = *state;
	float out[2 * 4800];

	for (size_t k = 0; k < SPA_N_ELEMENTS(pauses); k++) {
		pause_in_mid_fade(&s->f, pauses[k], out, 4800);
		for (uint32_t i = 0; i < 4800; i++)
			assert_near(out[i], 0.5 * (1.0 - smooth(way(2400 + i, 4800))), 1e-6);
		send_swap(&s->f, &s->half->buffer, 0.0, SEGUE_NOW, 0);
	}
}

static void after_a_long_pause_fades_are_complete_and_sound_restarts_in_5_ms(void **state)
{
	static const double pauses[] = { 0.5001, 10.0 };
	struct steady *s = *state;
	float out[2 * 4800];

	for (size_t k = 0; k < SPA_N_ELEMENTS(pauses); k++) {
		pause_in_mid_fade(&s->f, pauses[k], out, 4800);
		assert_silent(out, 4800);
		send_swap(&s->f, &s->half->buffer, 0.0, SEGUE_NOW, 0);
		run_frames(&s->f, NULL, 480, 480);
		let_pass(&s->f, pauses[k]);
		run_frames(&s->f, out, 4800, 480);
		for (uint32_t i = 0; i < 4800; i++)
			assert_near(out[i], 0.5 * way(i, RAMP), 1e-6);
	}
}

static void freewheeling_knows_no_pauses(void **state)
{
	struct steady *s = *state;
	float out[2 * 480];

	s->f.clock.flags = SPA_IO_CLOCK_FLAG_FREEWHEEL;
	run_frames(&s->f, NULL, 480, 480);
	let_pass(&s->f, 3.0);
	run_frames(&s->f, out, 480, 480);
	assert_near(out[0], 0.5, 1e-7);
	s->f.clock.flags = 0;
	let_pass(&s->f, 3.0);
	run_frames(&s->f, out, 480, 480);
	assert_near(out[0], 0.5, 1e-7);
	assert_int_equal(s->f.statistics->n_xruns, 0);
}

static void missed_cycles_are_counted_but_pauses_are_not(void **state)
{
	struct steady *s = *state;
	struct fixture *f = &s->f;

	run_frames(f, NULL, 4800, 480);
	assert_int_equal(f->statistics->n_xruns, 0);
	let_pass(f, 0.03);			/* three cycles */
	run_frames(f, NULL, 480, 480);
	assert_int_equal(f->statistics->n_xruns, 3);
	let_pass(f, 0.001);			/* a part of one */
	run_frames(f, NULL, 480, 480);
	assert_int_equal(f->statistics->n_xruns, 4);
	segue_source_pause(f->source);
	let_pass(f, 0.03);
	run_frames(f, NULL, 480, 480);
	let_pass(f, 2.0);
	run_frames(f, NULL, 480, 480);
	f->clock.id++;
	let_pass(f, 0.03);
	run_frames(f, NULL, 480, 480);
	f->clock.position -= 9600;
	run_frames(f, NULL, 480, 480);
	assert_int_equal(f->statistics->n_xruns, 4);
}

static void peaks_and_clipped_values_are_counted(void **state)
{
	struct steady *s = *state;
	struct fixture *f = &s->f;

	run_frames(f, NULL, 4800, 480);
	assert_near(segue_statistics_take_peak(f->statistics, 0), 0.5, 1e-7);
	assert_near(segue_statistics_take_peak(f->statistics, 0), 0.0, 0.0);
	assert_near(segue_statistics_take_peak(f->statistics, 1), 0.5, 1e-7);
	send_value(f, SEGUE_SOURCE_VOLUME, 1, -4.0);
	run_frames(f, NULL, RAMP, 480);
	f->statistics->n_clipped = 0;
	run_frames(f, NULL, 4800, 480);
	assert_int_equal(f->statistics->n_clipped, 4800);
	assert_near(segue_statistics_take_peak(f->statistics, 0), 0.5, 1e-7);
	assert_near(segue_statistics_take_peak(f->statistics, 1), 2.0, 1e-7);
}

static void cycles_are_timed_unless_freewheeling_and_the_clock_is_told(void **state)
{
	struct steady *s = *state;
	struct fixture *f = &s->f;
	struct segue_clock clock = segue_statistics_clock(f->statistics);

	assert_int_equal(clock.rate, 0);
	run_frames(f, NULL, 4800, 480);
	f->clock.flags = SPA_IO_CLOCK_FLAG_FREEWHEEL;
	run_frames(f, NULL, 4800, 480);
	clock = segue_statistics_clock(f->statistics);
	assert_int_equal(clock.position, f->clock.position - 480);
	assert_int_equal(clock.nsec, f->clock.nsec - 480 * SPA_NSEC_PER_SEC / RATE);
	assert_int_equal(clock.rate, RATE);
	assert_int_equal(clock.quantum, 480);
	assert_int_equal(f->statistics->n_cycles, 20);
	assert_int_equal(f->statistics->n_timed, 10);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_engine_is_silent),
		cmocka_unit_test(channels_find_their_outputs),
		TEST(what_is_set_before_the_first_cycle_is_not_ramped),
		TEST(gain_and_volumes_go_straight_to_their_value_in_5_ms),
		TEST(a_gain_set_in_mid_ramp_goes_on_from_where_it_is),
		TEST(bypass_is_a_fade_to_silence_behind_which_the_sound_runs_on),
		TEST(settling_lets_settings_and_fades_jump),
		TEST(a_drained_engine_is_silent),
		TEST(an_output_nobody_listens_to_may_be_missing),
		TEST(after_a_short_pause_a_fade_goes_on_as_if_nothing_had_been),
		TEST(after_a_long_pause_fades_are_complete_and_sound_restarts_in_5_ms),
		TEST(freewheeling_knows_no_pauses),
		TEST(missed_cycles_are_counted_but_pauses_are_not),
		TEST(peaks_and_clipped_values_are_counted),
		TEST(cycles_are_timed_unless_freewheeling_and_the_clock_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
