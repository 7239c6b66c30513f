/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "request.h"

#include <string.h>

#include "requests.h"

#define SCHEDULED_MAX	64u

/* ---- one request */

static void a_running_node_applies_a_request_at_the_first_frame_of_a_cycle(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *sound = ready_wave(stage, "saw");
	uint64_t serial;

	stage_start(stage);
	stage_cycles(stage, 2, 100);
	serial = stage_request(stage, sound);
	assert_int_equal(serial, 1);
	stage_wait(stage, serial);
	assert_applied(stage, serial);
	assert_int_equal((stage_result(stage, serial)->finished.position - 200) % 256, 0);
	assert_int_equal(stage_result(stage, serial)->finished.sound, stage_info(stage, sound).id);
	assert_int_equal(stage_node_info(stage).state, SEGUE_NODE_RUNNING);
	assert_int_equal(stage_node_info(stage).last_finished, serial);
	assert_string_equal(stage_get_text(stage, "segue.wave"), "saw");
	assert_string_equal(stage_get_text(stage, "segue.load"), "");
	assert_string_equal(stage_get_text(stage, "segue.status"), "ready saw");
	assert_int_equal(stage_info(stage, sound).state, SEGUE_SOUND_LIVE);
	stage_disown(stage, sound);
}

static void a_node_that_is_not_running_applies_at_once(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *sound = ready_wave(stage, "sine");
	uint64_t serial = stage_request(stage, sound);

	assert_int_equal(stage->n_finished, 0);
	stage_wait(stage, serial);
	assert_applied(stage, serial);
	assert_int_equal(stage_result(stage, serial)->finished.position, 0);
	assert_int_equal(stage_node_info(stage).state, SEGUE_NODE_IDLE);
	stage_disown(stage, sound);
}

static void what_ends_in_a_short_pause_is_told_in_it(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *sound = ready_wave(stage, "sine");
	struct segue_clock_info clock;
	uint64_t serial;

	stage_start(stage);
	stage_cycles(stage, 1, 256);
	stage_stop(stage);
	serial = stage_request(stage, sound);
	host_run(stage->host, 200);
	assert_int_equal(stage->n_finished, 1);
	assert_applied(stage, serial);
	assert_int_equal(stage->node->methods->clock(stage->node, &clock), -ENOTCONN);
	stage_disown(stage, sound);
}

static void at_waits_until_the_node_runs(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *sound = ready_wave(stage, "sine");
	uint64_t serial = request_at(stage, sound, 1000);

	host_run(stage->host, 100);
	assert_int_equal(stage->n_finished, 0);
	stage_start(stage);
	stage_wait(stage, serial);
	assert_applied(stage, serial);
	assert_int_equal(stage_result(stage, serial)->finished.position, 1000);
	stage_disown(stage, sound);
}

static void after_is_told_soon_after_it_is_heard(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *sound = ready_wave(stage, "sine");
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_error error;
	uint64_t serial, start;

	stage_start(stage);
	stage_cycles(stage, 1, 480);
	options.has_after = true;
	options.after = 0.2;
	assert_int_equal(stage_try_request(stage, sound, &options, &serial, &error), 0);
	start = stage->position.clock.position;
	for (uint32_t i = 0; i < 40; i++) {
		stage_cycles(stage, 1, 480);
		host_run(stage->host, 10);
	}
	assert_applied(stage, serial);
	assert_int_equal(stage_result(stage, serial)->finished.position, start + 9600);
	stage_disown(stage, sound);
}

static void too_late_fails_and_the_sound_goes_on(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *sound = ready_wave(stage, "sine"), *other = ready_wave(stage, "saw");
	uint64_t first, late;

	stage_start(stage);
	stage_cycles(stage, 10, 1000);
	first = stage_request(stage, sound);
	late = request_at(stage, other, 5);
	stage_wait(stage, late);
	assert_applied(stage, first);
	assert_failed(stage, late, -ETIME);
	assert_non_null(strstr(stage_result(stage, late)->error.message, "frame 5 "));
	assert_string_equal(stage_get_text(stage, "segue.wave"), "sine");
	assert_non_null(strstr(stage_get_text(stage, "segue.status"), "failed: at: frame 5 "));
	assert_non_null(strstr(stage_node_info(stage).last_error, "frame 5 "));
	/* the next one that goes well takes the error away */
	stage_wait(stage, stage_request(stage, other));
	assert_string_equal(stage_node_info(stage).last_error, "");
	stage_disown(stage, sound);
	stage_disown(stage, other);
}

static void another_clock_fails_what_was_scheduled(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *sound = ready_wave(stage, "sine");
	uint64_t serial;

	stage_start(stage);
	stage_cycles(stage, 1, 256);
	serial = request_at(stage, sound, 100000);
	stage_cycles(stage, 1, 256);
	stage_change_clock(stage, 7, 0);
	stage_wait(stage, serial);
	assert_failed(stage, serial, -ESTALE);
	stage_disown(stage, sound);
}

static void clear_is_silence(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *sound = ready_wave(stage, "square");
	uint64_t serial;

	stage_start(stage);
	stage_wait(stage, stage_request(stage, sound));
	stage_disown(stage, sound);
	serial = stage_request(stage, NULL);
	stage_wait(stage, serial);
	assert_applied(stage, serial);
	assert_int_equal(stage_result(stage, serial)->finished.sound, 0);
	assert_int_equal(stage_node_info(stage).state, SEGUE_NODE_EMPTY);
	assert_string_equal(stage_get_text(stage, "segue.wave"), "");
	assert_string_equal(stage_get_text(stage, "segue.status"), "empty");
	stage_wait_reclaimed(stage, 1);
	stage_cycles(stage, 1, 64);
	assert_true(stage->out[0] == 0.0f && stage->out[63] == 0.0f);
}

/* ---- several */

static void a_newer_one_that_is_ready_first_ends_the_older_and_its_job(void **state)
{
	struct stage *stage = *state;
	struct segue_error error;
	struct segue_sound *wave = ready_wave(stage, "sine"), *slow;
	uint64_t older, newer;

	slow = stage_load(stage, stage_write_ramp(stage, "long.wav", 2000000, 2, 44100), NULL, &error);
	assert_non_null(slow);
	older = stage_request(stage, slow);
	stage_disown(stage, slow);
	assert_int_equal(stage_node_info(stage).state, SEGUE_NODE_LOADING);
	assert_string_equal(stage_get_text(stage, "segue.status"), "loading");
	stage_start(stage);
	stage_cycles(stage, 1, 256);
	newer = stage_request(stage, wave);
	/* nobody wants it any more */
	stage_wait_reclaimed(stage, 1);
	assert_int_equal(stage->reclaimed[0].bytes, 0);
	stage_wait(stage, newer);
	assert_superseded(stage, older);
	assert_applied(stage, newer);
	assert_int_equal(stage_node_info(stage).n_superseded, 1);
	stage_disown(stage, wave);
}

static void a_newer_one_that_fails_supersedes_nothing(void **state)
{
	struct stage *stage = *state;
	struct segue_error error;
	struct segue_sound *slow, *bad;
	uint64_t older, newer;

	slow = stage_load(stage, stage_write_ramp(stage, "long.wav", 500000, 1, 44100), NULL, &error);
	older = stage_request(stage, slow);
	stage_disown(stage, slow);
	bad = stage_load(stage, stage_write_text(stage, "bad.wav", "not a sound"), NULL, &error);
	newer = stage_request(stage, bad);
	stage_disown(stage, bad);
	stage_wait(stage, newer);
	assert_failed(stage, newer, -EBADMSG);
	assert_non_null(strstr(stage_result(stage, newer)->error.message, "bad.wav: "));
	assert_applied(stage, older);
}

static void now_leaves_what_is_scheduled_later(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *sine = ready_wave(stage, "sine"), *saw = ready_wave(stage, "saw");
	uint64_t at, now;

	stage_start(stage);
	stage_cycles(stage, 1, 256);
	at = request_at(stage, saw, 10000);
	now = stage_request(stage, sine);
	stage_wait(stage, now);
	assert_applied(stage, now);
	assert_applied(stage, at);
	assert_int_equal(stage_result(stage, at)->finished.position, 10000);
	assert_string_equal(stage_get_text(stage, "segue.wave"), "saw");
	stage_disown(stage, sine);
	stage_disown(stage, saw);
}

static void the_sixty_fifth_scheduled_one_is_refused(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *sound = ready_wave(stage, "sine");
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_error error;
	uint64_t serial = 99;

	for (uint64_t i = 0; i < SCHEDULED_MAX; i++)
		request_at(stage, sound, 1000 + 300 * (i ^ 21));
	options.has_at = true;
	options.at = 5;
	assert_int_equal(stage_try_request(stage, sound, &options, &serial, &error), -EDQUOT);
	assert_int_equal(serial, 99);
	assert_int_equal(stage->n_accepted, SCHEDULED_MAX);
	stage_start(stage);
	stage_wait(stage, SCHEDULED_MAX);
	for (uint64_t i = 0; i < SCHEDULED_MAX; i++) {
		assert_applied(stage, i + 1);
		assert_int_equal(stage_result(stage, i + 1)->finished.position, 1000 + 300 * (i ^ 21));
	}
	/* there is room again */
	options.late = true;
	assert_int_equal(stage_try_request(stage, sound, &options, &serial, &error), 0);
	stage_wait(stage, serial);
	assert_applied(stage, serial);
	stage_disown(stage, sound);
}

static void at_and_after_exclude_each_other(void **state)
{
	struct stage *stage = *state;
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_error error;
	uint64_t serial;

	options.has_at = options.has_after = true;
	assert_int_equal(stage_try_request(stage, NULL, &options, &serial, &error), -EINVAL);
	assert_int_equal(stage->n_accepted, 0);
}

static void a_failed_sound_is_refused_with_its_error(void **state)
{
	struct stage *stage = *state;
	struct segue_error error;
	struct segue_sound *sound = stage_load(stage, stage_path(stage, "none.wav"), NULL, &error);
	uint64_t serial;

	stage_wait_state(stage, sound, SEGUE_SOUND_FAILED);
	assert_int_equal(stage_try_request(stage, sound, NULL, &serial, &error), -ENOENT);
	assert_non_null(strstr(error.message, "none.wav: "));
	stage_disown(stage, sound);
}

/* ---- what is heard */

static void what_is_heard_is_known_when_the_clock_has_changed_between_two_swaps(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *saw = ready_wave(stage, "saw"), *square = ready_wave(stage, "square");
	uint64_t second;

	stage_start(stage);
	stage_change_clock(stage, 1, 1000000);
	request_with_fade(stage, saw, 0.0);
	stage_cycles(stage, 1, 64);
	stage_change_clock(stage, 2, 0);
	second = request_with_fade(stage, square, 0.2);
	stage_cycles(stage, 4, 64);
	/* both are told in one go, in mid-fade */
	while (stage->n_finished < 2)
		host_run(stage->host, 5);
	/* the fade ends, and the first one's memory is given back */
	stage_cycles(stage, 3, 8000);
	stage_disown(stage, saw);
	stage_wait_reclaimed(stage, 1);
	assert_applied(stage, second);
	assert_string_equal(stage_get_text(stage, "segue.wave"), "square");
	assert_int_equal(stage_node_info(stage).sound, stage_info(stage, square).id);
	stage_disown(stage, square);
}

static void a_new_rate_has_the_sound_made_anew_where_it_is(void **state)
{
	struct stage *stage = *state;
	struct segue_error error;
	struct segue_sound *sound;
	uint64_t bytes, n = 0;
	double seconds;

	sound = stage_load(stage, stage_write_ramp(stage, "ramp.wav", 480000, 1, 48000), NULL, &error);
	stage_start(stage);
	stage_wait(stage, stage_request(stage, sound));
	seconds = (double)(stage->position.clock.position - stage_result(stage, 1)->finished.position) / 48000;
	bytes = stage_info(stage, sound).bytes;
	stage_stop(stage);
	stage->position.clock.rate = SPA_FRACTION(1, 96000);
	stage_start(stage);
	while (stage_info(stage, sound).bytes < 2 * bytes - 8192 || n < 100) {
		stage_cycles(stage, 1, 256);
		host_run(stage->host, 0);
		/* frame 100 of the cycle, but where a fade is being mixed of two that agree */
		assert_float_equal(stage->out[100], seconds + (n * 256 + 100) / 96000.0, 1e-4);
		n++;
		assert_true(n < 3000);
	}
	assert_int_equal(stage_node_info(stage).rate, 96000);
	for (; n < 3000 && stage_memory(stage).bytes_live > 2 * bytes; n++) {
		stage_cycles(stage, 1, 256);
		host_run(stage->host, 0);
		assert_float_equal(stage->out[100], seconds + (n * 256 + 100) / 96000.0, 1e-4);
	}
	/* the old one is let go when the new one is faded in */
	assert_true(stage_memory(stage).bytes_live <= 2 * bytes);
	assert_int_equal(stage->n_finished, 1);
	assert_string_equal(stage_get_text(stage, "segue.status"), "ready ramp.wav");
	stage_disown(stage, sound);
}

#define test(name)	cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(a_running_node_applies_a_request_at_the_first_frame_of_a_cycle),
		test(a_node_that_is_not_running_applies_at_once),
		test(what_ends_in_a_short_pause_is_told_in_it),
		test(at_waits_until_the_node_runs),
		test(after_is_told_soon_after_it_is_heard),
		test(too_late_fails_and_the_sound_goes_on),
		test(another_clock_fails_what_was_scheduled),
		test(clear_is_silence),
		test(a_newer_one_that_is_ready_first_ends_the_older_and_its_job),
		test(a_newer_one_that_fails_supersedes_nothing),
		test(now_leaves_what_is_scheduled_later),
		test(the_sixty_fifth_scheduled_one_is_refused),
		test(at_and_after_exclude_each_other),
		test(a_failed_sound_is_refused_with_its_error),
		test(what_is_heard_is_known_when_the_clock_has_changed_between_two_swaps),
		test(a_new_rate_has_the_sound_made_anew_where_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
