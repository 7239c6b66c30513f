/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "sound.h"

#include <unistd.h>

#include "loads.h"
#include "rt/buffers.h"

/* Sounds made for one rate after another. */

#define SMALL_FRAMES	4000u

static void make_for_rate(struct stage *stage, struct segue_sound *sound, uint32_t rate)
{
	struct listener listener;
	struct segue_buffer *buffer;

	listener_begin(&listener, sound, AT(rate));
	assert_told(stage, &listener, 0);
	buffer = segue_sound_buffer(sound, AT(rate));
	assert_non_null(buffer);
	assert_int_equal(((struct segue_sample *)buffer)->rate, rate);
}

static void the_better_origin_is_kept(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *sound;
	uint64_t at_48k;
	const struct segue_sample *sample;

	stage_write_ramp(stage, "a.wav", 96000, 1, 96000);
	sound = load_file(stage, "a.wav");
	stage_wait_state(stage, sound, SEGUE_SOUND_READY);
	assert_non_null(segue_sound_buffer(sound, AT(48000)));
	assert_null(segue_sound_buffer(sound, AT(96000)));
	at_48k = stage_info(stage, sound).bytes;
	make_for_rate(stage, sound, 96000);
	/* as it was in the file, not from 48 kHz and back */
	sample = (struct segue_sample *)segue_sound_buffer(sound, AT(96000));
	assert_int_equal(sample->n_frames, 96000);
	for (uint32_t i = 0; i < 96000; i += 100)
		assert_true(sample->data[0][i] == (float)i / 96000);
	assert_true(stage_info(stage, sound).bytes < at_48k);
	make_for_rate(stage, sound, 44100);
	make_for_rate(stage, sound, 96000);
	sample = (struct segue_sample *)segue_sound_buffer(sound, AT(96000));
	for (uint32_t i = 0; i < 96000; i += 100)
		assert_true(sample->data[0][i] == (float)i / 96000);
	stage_disown(stage, sound);
	stage_wait_reclaimed(stage, 1);
	assert_int_equal(stage->n_reclaimed, 1);
}

static void several_may_wait_for_several_rates(void **state)
{
	struct stage *stage = *state;
	struct listener listeners[4];
	static const uint32_t rates[4] = { 44100, 32000, 48000, 96000 };
	struct segue_sound *sound;

	stage_write_ramp(stage, "a.wav", SMALL_FRAMES, 1, 48000);
	sound = load_file(stage, "a.wav");
	for (uint32_t i = 0; i < 4; i++) {
		listener_begin(&listeners[i], sound, AT(rates[i]));
	}
	for (uint32_t i = 0; i < 4; i++)
		assert_told(stage, &listeners[i], 0);
	stage_disown(stage, sound);
	/* nothing of what was made in between is left */
	stage_wait_reclaimed(stage, 1);
	assert_int_equal(stage_memory(stage).bytes_live, 0);
}

static void what_a_job_reads_stays_until_the_job_ends(void **state)
{
	struct stage *stage = *state;
	struct listener listener;
	struct segue_sound *sound;

	/* as large as what is freed at once may be */
	stage_write_ramp(stage, "a.wav", 60000, 1, 48000);
	for (uint32_t i = 0; i < 20; i++) {
		sound = load_file(stage, "a.wav");
		stage_wait_state(stage, sound, SEGUE_SOUND_READY);
		listener_begin(&listener, sound, AT(44100 + i));
		usleep(i * 50);
		segue_sound_forget(&listener.waiter);
		stage_disown(stage, sound);
		/* the worker may be reading it */
		assert_int_equal(stage->n_reclaimed, i);
		assert_true(stage_memory(stage).bytes_live + stage_memory(stage).bytes_retired > 0);
		stage_wait_reclaimed(stage, i + 1);
	}
}

static void what_is_made_anew_within_a_job_ends_well(void **state)
{
	struct stage *stage = *state;
	struct listener listener;
	struct segue_sound *sound;

	stage_write_ramp(stage, "a.wav", 60000, 1, 48000);
	sound = load_file(stage, "a.wav");
	listener_begin(&listener, sound, AT(44100));
	/* made for 48 kHz first, then anew; the last owner goes in that */
	stage_wait_state(stage, sound, SEGUE_SOUND_READY);
	assert_int_equal(listener.n_told, 0);
	segue_sound_forget(&listener.waiter);
	stage_disown(stage, sound);
	assert_int_equal(stage->n_reclaimed, 0);
	stage_wait_reclaimed(stage, 1);
	assert_true(stage->reclaimed[0].bytes > 0);
}

static void a_rate_that_cannot_be_made_leaves_the_sound_as_it_is(void **state)
{
	struct stage *stage = *state;
	struct segue_store_config config = { .memory_max = 1 };
	struct listener listener;
	struct segue_sound *sound;

	stage_write_ramp(stage, "a.wav", SMALL_FRAMES, 1, 48000);
	sound = load_file(stage, "a.wav");
	stage_wait_state(stage, sound, SEGUE_SOUND_READY);
	assert_int_equal(stage->store->methods->configure(stage->store, &config), 0);
	listener_begin(&listener, sound, AT(96000));
	assert_told(stage, &listener, -EDQUOT);
	assert_int_equal(stage_info(stage, sound).state, SEGUE_SOUND_READY);
	assert_non_null(segue_sound_buffer(sound, AT(48000)));
	stage_disown(stage, sound);
	stage_wait_reclaimed(stage, 1);
}

static void a_table_from_a_file_keeps_nothing_else(void **state)
{
	struct stage *stage = *state;
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_error error;
	struct segue_sound *sound;

	options.kind = SEGUE_KIND_TABLE;
	stage_write_ramp(stage, "a.wav", 2048, 1, 48000);
	sound = stage_load(stage, stage_path(stage, "a.wav"), &options, &error);
	stage_wait_state(stage, sound, SEGUE_SOUND_READY);
	assert_int_equal(stage_info(stage, sound).bytes, segue_sound_buffer(sound, AT(0))->bytes);
	assert_int_equal(stage_info(stage, sound).kind, SEGUE_KIND_TABLE);
	assert_ptr_equal(segue_sound_buffer(sound, AT(12345)), segue_sound_buffer(sound, AT(0)));
	stage_disown(stage, sound);
}

#define test(name)	cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(the_better_origin_is_kept),
		test(several_may_wait_for_several_rates),
		test(what_a_job_reads_stays_until_the_job_ends),
		test(what_is_made_anew_within_a_job_ends_well),
		test(a_rate_that_cannot_be_made_leaves_the_sound_as_it_is),
		test(a_table_from_a_file_keeps_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
