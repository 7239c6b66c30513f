/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "request.h"

#include <math.h>

#include "requests.h"

/* Requests that end early: cancelled, by others in a burst, or with their node. */

/* ---- cancelling */

static void a_loading_one_can_be_cancelled(void **state)
{
	struct stage *stage = *state;
	struct segue_error error;
	struct segue_sound *slow;
	uint64_t serial;

	slow = stage_load(stage, stage_write_ramp(stage, "long.wav", 2000000, 1, 44100), NULL, &error);
	serial = stage_request(stage, slow);
	stage_disown(stage, slow);
	assert_int_equal(stage_cancel(stage, serial), 0);
	assert_int_equal(stage->n_finished, 0);
	assert_int_equal(stage_cancel(stage, serial), -ENXIO);
	stage_wait(stage, serial);
	assert_failed(stage, serial, -ECANCELED);
	stage_wait_reclaimed(stage, 1);
	/* that isn't an error of the node's */
	assert_string_equal(stage_node_info(stage).last_error, "");
	assert_int_equal(stage_node_info(stage).state, SEGUE_NODE_EMPTY);
}

static void a_scheduled_one_can_be_cancelled(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *sound = ready_wave(stage, "sine");
	uint64_t first, second;

	first = request_at(stage, sound, 10000);
	assert_int_equal(stage_cancel(stage, first), 0);
	stage_wait(stage, first);
	assert_failed(stage, first, -ECANCELED);
	stage_start(stage);
	stage_cycles(stage, 1, 256);
	second = request_at(stage, sound, 20000);
	stage_cycles(stage, 1, 256);
	assert_int_equal(stage_cancel(stage, second), 0);
	stage_wait(stage, second);
	assert_failed(stage, second, -ECANCELED);
	assert_true(stage->position.clock.position < 20000 + 48000);
	assert_int_equal(stage_node_info(stage).sound, 0);
	stage_disown(stage, sound);
}

static void a_taken_one_can_no_longer_be_cancelled(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *sound = ready_wave(stage, "sine");
	uint64_t serial;

	stage_start(stage);
	serial = stage_request(stage, sound);
	stage_cycles(stage, 1, 256);
	assert_int_equal(stage_cancel(stage, serial), -ENXIO);
	stage_wait(stage, serial);
	assert_applied(stage, serial);
	assert_int_equal(stage_cancel(stage, serial), -ENXIO);
	stage_disown(stage, sound);
}

static void an_unknown_one_cannot_be_cancelled(void **state)
{
	struct stage *stage = *state;

	assert_int_equal(stage_cancel(stage, 0), -ENXIO);
	assert_int_equal(stage_cancel(stage, 17), -ENXIO);
}

/* ---- more than the ring holds */

static void a_burst_on_a_data_loop_that_stalls_is_bounded_and_the_last_one_heard(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *sounds[] = { ready_wave(stage, "sine"), ready_wave(stage, "saw") };
	uint64_t serial = 0;
	uint32_t n_superseded = 0;

	stage_start(stage);
	stage_cycles(stage, 1, 256);
	for (uint32_t i = 0; i < 1000; i++) {
		serial = stage_request(stage, sounds[i % 2]);
		assert_int_equal(stage_set_number(stage, "segue.gain", i / 1000.0), 0);
		assert_int_equal(stage_set_number(stage, "segue.frequency", 100.0 + i), 0);
	}
	assert_int_equal(serial, 1000);
	stage_wait(stage, serial);
	for (uint64_t s = 1; s < serial; s++)
		n_superseded += stage_result(stage, s)->finished.result == SEGUE_RESULT_SUPERSEDED;
	assert_int_equal(stage->n_finished, 1000);
	/* one may be taken in each of the cycles that empty the ring */
	assert_true(n_superseded >= 990);
	assert_applied(stage, serial);
	assert_string_equal(stage_get_text(stage, "segue.wave"), "saw");
	stage_disown(stage, sounds[0]);
	stage_disown(stage, sounds[1]);
	/* the last gain is the one that is heard: half a second holds many periods */
	stage_cycles(stage, 10, 2400);
	float peak = 0.0f;
	for (uint32_t i = 0; i < 2400; i++)
		peak = fmaxf(peak, fabsf(stage->out[i]));
	assert_true(peak > 0.8f && peak < 1.1f);
}

static void a_parked_one_can_be_cancelled(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *sound = ready_wave(stage, "sine");
	uint64_t parked;

	stage_start(stage);
	stage_cycles(stage, 1, 256);
	for (uint32_t i = 0; i < SEGUE_RING_SIZE; i++)
		assert_int_equal(stage_set_number(stage, "segue.frequency", 100.0 + i), 0);
	parked = stage_request(stage, sound);
	assert_int_equal(stage_cancel(stage, parked), 0);
	stage_wait(stage, parked);
	assert_failed(stage, parked, -ECANCELED);
	stage_cycles(stage, 10, 256);
	host_run(stage->host, 50);
	assert_int_equal(stage_node_info(stage).sound, 0);
	assert_int_equal(stage_node_info(stage).n_applied, 0);
	stage_disown(stage, sound);
}

/* ---- the node goes */

static void what_is_outstanding_when_the_node_goes_is_gone(void **state)
{
	struct stage *stage = *state;
	struct segue_error error;
	struct segue_sound *sine = ready_wave(stage, "sine"), *slow;
	uint64_t applied, fading, at, in_ring, parked, loading, parked_at;

	stage_start(stage);
	applied = stage_request(stage, sine);
	stage_wait(stage, applied);
	fading = request_with_fade(stage, sine, 5.0);
	stage_wait(stage, fading);
	at = request_at(stage, sine, 10000000);
	stage_cycles(stage, 1, 256);
	in_ring = stage_request(stage, sine);
	for (uint32_t i = 0; i < SEGUE_RING_SIZE; i++)
		assert_int_equal(stage_set_number(stage, "segue.frequency", 100.0 + i), 0);
	parked_at = request_at(stage, sine, 20000000);
	parked = stage_request(stage, sine);
	slow = stage_load(stage, stage_write_ramp(stage, "long.wav", 2000000, 1, 44100), NULL, &error);
	loading = stage_request(stage, slow);
	stage_disown(stage, slow);
	stage_destroy_node(stage);
	assert_int_equal(stage->n_finished, 7);
	assert_applied(stage, applied);
	assert_applied(stage, fading);
	assert_failed(stage, at, -EIDRM);
	assert_failed(stage, in_ring, -EIDRM);
	assert_failed(stage, parked_at, -EIDRM);
	assert_failed(stage, parked, -EIDRM);
	assert_failed(stage, loading, -EIDRM);
	assert_int_equal(stage_info(stage, sine).state, SEGUE_SOUND_READY);
	stage_disown(stage, sine);
	stage_wait_reclaimed(stage, 2);
}

static void what_was_superseded_but_not_told_is_told_when_the_node_goes(void **state)
{
	struct stage *stage = *state;
	struct segue_error error;
	struct segue_sound *sine = ready_wave(stage, "sine"), *slow;
	uint64_t older, newer;

	slow = stage_load(stage, stage_write_ramp(stage, "long.wav", 2000000, 1, 44100), NULL, &error);
	older = stage_request(stage, slow);
	stage_disown(stage, slow);
	newer = stage_request(stage, sine);
	stage_destroy_node(stage);
	assert_superseded(stage, older);
	assert_applied(stage, newer);
	stage_disown(stage, sine);
}

#define test(name)	cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(a_loading_one_can_be_cancelled),
		test(a_scheduled_one_can_be_cancelled),
		test(a_taken_one_can_no_longer_be_cancelled),
		test(an_unknown_one_cannot_be_cancelled),
		test(a_burst_on_a_data_loop_that_stalls_is_bounded_and_the_last_one_heard),
		test(a_parked_one_can_be_cancelled),
		test(what_is_outstanding_when_the_node_goes_is_gone),
		test(what_was_superseded_but_not_told_is_told_when_the_node_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
