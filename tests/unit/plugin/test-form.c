/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "sound.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "loads.h"
#include "rt/response.h"

/* What a sound is to convolvers. The stage's node is a source: these tests wait as convolvers do. */

#define N_FRAMES	1000u
#define FRAMES_MAX	100000u

static struct segue_sound *load(struct stage *stage, const char *format)
{
	return load_text(stage, format, SEGUE_KIND_RESPONSE);
}

static struct segue_target target(uint32_t rate, uint32_t n_in, uint32_t n_out)
{
	return (struct segue_target) { rate, n_in, n_out, FRAMES_MAX };
}

static const struct segue_response *respond(struct stage *stage, struct segue_sound *sound,
		struct segue_target t)
{
	struct listener listener;
	struct segue_buffer *buffer;

	if ((buffer = segue_sound_buffer(sound, &t)) == NULL) {
		listener_begin(&listener, sound, &t);
		listener_wait(stage, &listener);
		if (listener.error.res != 0)
			fail_msg("%s", listener.error.message);
		buffer = segue_sound_buffer(sound, &t);
		assert_non_null(buffer);
	}
	return (const struct segue_response *)buffer;
}

static void assert_refused(struct stage *stage, struct segue_sound *sound, struct segue_target t, int res,
		const char *message)
{
	struct listener listener;

	listener_begin(&listener, sound, &t);
	assert_told(stage, &listener, res);
	assert_string_equal(listener.error.message, message);
	assert_null(segue_sound_buffer(sound, &t));
}

static void one_channel_serves_every_layout_with_one_response(void **state)
{
	struct stage *stage = *state;
	struct segue_target t = target(48000, 2, 3);
	const struct segue_response *response;
	struct segue_sound *sound;

	stage_write_ramp(stage, "a.wav", N_FRAMES, 1, 48000);
	sound = load(stage, "@a.wav");
	response = respond(stage, sound, target(48000, 1, 1));
	assert_int_equal(response->paths, SEGUE_PATHS_SHARED);
	assert_ptr_equal(segue_sound_buffer(sound, &t), response);
	stage_disown(stage, sound);
}

static void each_layout_has_a_response_of_its_own(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *sound;

	stage_write_ramp(stage, "a.wav", N_FRAMES, 4, 48000);
	sound = load(stage, "@a.wav");
	assert_int_equal(respond(stage, sound, target(48000, 4, 4))->paths, SEGUE_PATHS_DIAGONAL);
	assert_int_equal(respond(stage, sound, target(48000, 2, 2))->paths, SEGUE_PATHS_MATRIX);
	assert_refused(stage, sound, target(48000, 3, 3), -EBADMSG,
			"a.wav: has 4 channels, where 1, 3 or 9 are needed");
	/* the others are still there */
	assert_int_equal(respond(stage, sound, target(48000, 2, 2))->paths, SEGUE_PATHS_MATRIX);
	stage_disown(stage, sound);
}

static void who_waits_for_the_same_gets_the_same(void **state)
{
	struct stage *stage = *state;
	struct listener first, second;
	struct segue_target t = target(44100, 2, 2);
	struct segue_sound *sound;
	uint64_t bytes;

	stage_write_ramp(stage, "a.wav", N_FRAMES, 2, 48000);
	sound = load(stage, "@a.wav");
	listener_begin(&first, sound, &t);
	listener_begin(&second, sound, &t);
	listener_wait(stage, &first);
	listener_wait(stage, &second);
	bytes = stage_info(stage, sound).bytes;
	assert_non_null(segue_sound_buffer(sound, &t));
	respond(stage, sound, target(48000, 2, 2));
	/* that of the other rate is gone */
	assert_null(segue_sound_buffer(sound, &t));
	assert_in_range(stage_info(stage, sound).bytes, bytes / 2, bytes * 3 / 2);
	stage_disown(stage, sound);
}

static void what_is_too_long_for_one_may_be_right_for_another(void **state)
{
	struct stage *stage = *state;
	struct segue_target t = target(48000, 1, 1), longer = t;
	struct segue_sound *sound;

	stage_write_ramp(stage, "a.wav", 48000, 1, 48000);
	sound = load(stage, "@a.wav");
	t.frames_max = 24000;
	longer.frames_max = 48000;
	assert_refused(stage, sound, t, -EFBIG, "a.wav: has 1.00 s, 0.50 s at most");
	assert_non_null(respond(stage, sound, longer));
	assert_refused(stage, sound, t, -EFBIG, "a.wav: has 1.00 s, 0.50 s at most");
	stage_disown(stage, sound);
}

static void its_peak_is_its_gain(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *sound;

	/* a ramp is loudest at 0 Hz, where its values add up */
	stage_write_ramp(stage, "a.wav", 4800, 1, 48000);
	sound = load(stage, "@a.wav");
	stage_wait_state(stage, sound, SEGUE_SOUND_READY);
	assert_float_equal(stage_info(stage, sound).peak_db, 20.0 * log10(4799.0 * 4800.0 / 2.0 / 48000.0), 1e-3);
	stage_disown(stage, sound);
}

static void the_file_for_the_rate_is_used_as_it_is(void **state)
{
	struct stage *stage = *state;
	const struct segue_response *response;
	struct segue_sound *sound;

	stage_write_ramp(stage, "48.wav", 480, 1, 48000);
	stage_write_ramp(stage, "96.wav", 960, 1, 96000);
	sound = load(stage, "{ rates = [ @48.wav @96.wav ] }");
	response = respond(stage, sound, target(96000, 2, 2));
	assert_int_equal(response->n_frames, 960);
	assert_float_equal(response->head[10], 10.0 / 96000.0, 1e-7);
	response = respond(stage, sound, target(48000, 2, 2));
	assert_int_equal(response->n_frames, 480);
	assert_float_equal(response->head[10], 10.0 / 48000.0, 1e-7);
	stage_disown(stage, sound);
}

static void a_sample_that_was_resampled_has_the_gain_of_its_file(void **state)
{
	static const uint32_t rates[] = { 44100, 48000, 96000 };
	struct stage *stage = *state;
	struct segue_sound *sample, *sound;

	stage_write_ramp(stage, "a.wav", 44100, 1, 44100);
	sample = load_text(stage, "@a.wav", SEGUE_KIND_SAMPLE);
	sound = load(stage, "@a.wav");
	for (size_t i = 0; i < SPA_N_ELEMENTS(rates); i++) {
		struct segue_target t = target(rates[i], 2, 2);
		const struct segue_response *a = respond(stage, sample, t), *b = respond(stage, sound, t);

		for (uint32_t k = 0; k < SEGUE_FIR_TAPS; k++)
			assert_float_equal(a->head[k], b->head[k], 1e-6f);
	}
	stage_disown(stage, sample);
	stage_disown(stage, sound);
}

static void a_sample_can_be_a_response_and_a_table_can_not(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *sample = stage_wave(stage, "noise"), *table = stage_wave(stage, "sine");
	struct segue_target t = target(48000, 2, 2), source = { .rate = 48000 };
	struct segue_error error;
	struct segue_sound *response;

	assert_int_equal(segue_sound_check(sample, &t, &error), 0);
	assert_int_equal(segue_sound_check(table, &t, &error), -EINVAL);
	assert_string_equal(error.message, "sine: is a table, a convolver needs a recording");
	t.frames_max = 10 * 48000;
	assert_non_null(respond(stage, sample, t));
	assert_non_null(segue_sound_buffer(sample, &source));

	stage_write_ramp(stage, "a.wav", N_FRAMES, 2, 48000);
	response = load(stage, "@a.wav");
	assert_int_equal(segue_sound_check(response, &source, &error), -EINVAL);
	assert_string_equal(error.message, "a.wav: is a response, a source needs a table or a sample");
	stage_disown(stage, sample);
	stage_disown(stage, table);
	stage_disown(stage, response);
}

static void who_waits_is_told_when_the_file_is_bad(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *sound;

	stage_write_text(stage, "a.wav", "no sound");
	sound = load(stage, "@a.wav");
	assert_refused(stage, sound, target(48000, 1, 1), -EBADMSG, "a.wav: not an audio file");
	stage_disown(stage, sound);
}

/* at any point of its making: teardown asserts that nothing is left */
static void a_sound_nobody_wants_any_more_takes_its_responses_along(void **state)
{
	struct stage *stage = *state;
	struct segue_target t = target(48000, 2, 2);
	struct listener listener;
	struct segue_sound *sound;

	stage_write_ramp(stage, "a.wav", FRAMES_MAX, 4, 44100);
	for (uint32_t msec = 0; msec < 60; msec += 3) {
		sound = load(stage, "@a.wav");
		listener_begin(&listener, sound, &t);
		host_run(stage->host, msec);
		if (listener.n_told == 0)
			segue_sound_forget(&listener.waiter);
		stage_disown(stage, sound);
	}
}

#define test(name)	cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(one_channel_serves_every_layout_with_one_response),
		test(each_layout_has_a_response_of_its_own),
		test(who_waits_for_the_same_gets_the_same),
		test(what_is_too_long_for_one_may_be_right_for_another),
		test(its_peak_is_its_gain),
		test(the_file_for_the_rate_is_used_as_it_is),
		test(a_sample_that_was_resampled_has_the_gain_of_its_file),
		test(a_sample_can_be_a_response_and_a_table_can_not),
		test(who_waits_is_told_when_the_file_is_bad),
		test(a_sound_nobody_wants_any_more_takes_its_responses_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
