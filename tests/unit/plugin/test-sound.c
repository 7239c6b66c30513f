/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "sound.h"

#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "loads.h"

#define LARGE_FRAMES	200000u	/* a worker gives its memory back */
#define SMALL_FRAMES	4000u

static struct segue_sound *resolve(struct stage *stage, struct segue_sound *sound)
{
	return stage->store->methods->resolve(stage->store, sound);
}

static void assert_reclaimed(const struct stage *stage, uint64_t id, bool any_bytes)
{
	for (uint32_t i = 0; i < stage->n_reclaimed; i++) {
		if (stage->reclaimed[i].id == id) {
			assert_true((stage->reclaimed[i].bytes > 0) == any_bytes);
			return;
		}
	}
	fail_msg("%u isn't reclaimed", (unsigned)id);
}

/* ---- the same file */

static void the_same_file_opened_twice_is_one_sound(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *a, *b;
	uint64_t id;

	stage_write_ramp(stage, "a.wav", LARGE_FRAMES, 1, 48000);
	a = load_file(stage, "a.wav");
	b = load_file(stage, "a.wav");
	assert_ptr_not_equal(a, b);
	id = stage_info(stage, b).id;
	stage_wait_state(stage, a, SEGUE_SOUND_READY);
	host_run(stage->host, 20);
	assert_ptr_equal(resolve(stage, b), a);
	stage_wait_reclaimed(stage, 1);
	assert_reclaimed(stage, id, false);
	assert_int_equal(stage_memory(stage).n_live, 1);
	stage_disown(stage, a);
	host_run(stage->host, 20);
	assert_int_equal(stage_info(stage, a).state, SEGUE_SOUND_READY);
	stage_disown(stage, a);
	stage_wait_reclaimed(stage, 2);
}

static void the_same_file_opened_while_it_loads_or_is_ready_is_one_sound(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *a, *b, *c;
	struct listener listener;

	stage_write_ramp(stage, "a.wav", 3000000, 1, 44100);
	a = load_file(stage, "a.wav");
	stage_wait_state(stage, a, SEGUE_SOUND_LOADING);
	b = load_file(stage, "a.wav");
	listener_begin(&listener, b, AT(48000));
	assert_told(stage, &listener, 0);
	assert_ptr_equal(resolve(stage, b), a);
	c = load_file(stage, "a.wav");
	listener_begin(&listener, c, AT(48000));
	assert_told(stage, &listener, 0);
	assert_ptr_equal(resolve(stage, c), a);
	assert_int_equal(stage_memory(stage).n_live, 1);
	for (uint32_t i = 0; i < 3; i++)
		stage_disown(stage, a);
}

static void who_waits_for_the_other_name_at_another_rate_is_told(void **state)
{
	struct stage *stage = *state;
	struct listener first, second;
	struct segue_sound *a, *b;

	stage_write_ramp(stage, "a.wav", SMALL_FRAMES, 1, 48000);
	a = load_file(stage, "a.wav");
	stage_wait_state(stage, a, SEGUE_SOUND_READY);
	b = load_file(stage, "a.wav");
	listener_begin(&first, b, AT(48000));
	listener_begin(&second, b, AT(32000));
	assert_told(stage, &first, 0);
	assert_told(stage, &second, 0);
	/* the first owner may go: the other name keeps it */
	stage_disown(stage, a);
	assert_non_null(segue_sound_buffer(b, AT(0)));
	stage_disown(stage, b);
	stage_wait_reclaimed(stage, 2);
}

static void a_file_that_failed_is_tried_again(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *a, *b;

	stage_write_text(stage, "a.wav", "RIFF");
	a = load_file(stage, "a.wav");
	stage_wait_state(stage, a, SEGUE_SOUND_FAILED);
	assert_non_null(strstr(stage_info(stage, a).error->message, "a.wav: "));
	stage_write_ramp(stage, "a.wav", SMALL_FRAMES, 1, 48000);
	b = load_file(stage, "a.wav");
	stage_wait_state(stage, b, SEGUE_SOUND_READY);
	stage_disown(stage, a);
	stage_wait_reclaimed(stage, 1);
	assert_int_equal(stage->reclaimed[0].bytes, 0);
	stage_disown(stage, b);
	stage_wait_reclaimed(stage, 2);
	assert_true(stage->reclaimed[1].bytes >= SMALL_FRAMES * sizeof(float));
	assert_int_equal(stage_memory(stage).n_reclaimed, 1);
}

static void other_options_make_another_sound(void **state)
{
	struct stage *stage = *state;
	struct segue_options options[] = {
		SEGUE_OPTIONS_INIT, SEGUE_OPTIONS_INIT, SEGUE_OPTIONS_INIT, SEGUE_OPTIONS_INIT, SEGUE_OPTIONS_INIT,
		SEGUE_OPTIONS_INIT, SEGUE_OPTIONS_INIT, SEGUE_OPTIONS_INIT, SEGUE_OPTIONS_INIT, SEGUE_OPTIONS_INIT,
	};
	struct segue_sound *sounds[SPA_N_ELEMENTS(options)];
	struct segue_error error;

	options[1].gain = 0.5;
	options[2].normalize = SEGUE_NORMALIZE_PEAK;
	options[3].loop = SEGUE_LOOP_OPTION_FORWARD;
	options[4].n_channels = 1;
	options[5].root_key = 40;
	options[6].offset = 0.01;
	options[7].length = 0.01;
	options[8].delay = 0.01;
	strcpy(options[9].label, "other");
	stage_write_ramp(stage, "a.wav", SMALL_FRAMES, 2, 48000);
	for (size_t i = 0; i < SPA_N_ELEMENTS(options); i++)
		sounds[i] = stage_load(stage, stage_path(stage, "a.wav"), &options[i], &error);
	for (size_t i = 0; i < SPA_N_ELEMENTS(options); i++)
		stage_wait_state(stage, sounds[i], SEGUE_SOUND_READY);
	for (size_t i = 0; i < SPA_N_ELEMENTS(options); i++)
		assert_ptr_equal(resolve(stage, sounds[i]), sounds[i]);
	assert_int_equal(stage_memory(stage).n_live, SPA_N_ELEMENTS(options));
	for (size_t i = 0; i < SPA_N_ELEMENTS(options); i++)
		stage_disown(stage, sounds[i]);
}

static struct segue_sound *import(struct stage *stage, int fd, uint32_t channels, uint32_t rate,
		bool interleaved)
{
	struct segue_recipe recipe = {
		.type = SEGUE_RECIPE_SAMPLES, .fds = { dup(fd) }, .n_fds = 1, .options = SEGUE_OPTIONS_INIT,
	};
	struct segue_error error;
	struct segue_sound *sound;

	recipe.options.import_channels = channels;
	recipe.options.import_rate = rate;
	recipe.options.interleaved = interleaved;
	sound = stage->store->methods->make(stage->store, &recipe, &error);
	assert_non_null(sound);
	stage_wait_state(stage, sound, SEGUE_SOUND_READY);
	return sound;
}

static void raw_samples_read_in_another_way_are_another_sound(void **state)
{
	struct stage *stage = *state;
	int fd = memfd_create("raw", 0);
	struct segue_sound *sounds[4];

	assert_int_equal(ftruncate(fd, SMALL_FRAMES * sizeof(float)), 0);
	sounds[0] = import(stage, fd, 1, 48000, true);
	sounds[1] = import(stage, fd, 2, 48000, true);
	sounds[2] = import(stage, fd, 2, 48000, false);
	sounds[3] = import(stage, fd, 1, 32000, true);
	assert_int_equal(stage_info(stage, sounds[1]).channels, 2);
	assert_int_equal(stage_info(stage, sounds[3]).rate, 32000);
	for (uint32_t i = 0; i < 4; i++) {
		assert_ptr_equal(resolve(stage, sounds[i]), sounds[i]);
		stage_disown(stage, sounds[i]);
	}
	close(fd);
}

/* Through a mapping: that leaves the time of its last change as it was. */
static void a_memfd_that_was_written_again_is_another_sound(void **state)
{
	struct stage *stage = *state;
	size_t size = SMALL_FRAMES * sizeof(float);
	int fd = memfd_create("raw", 0);
	struct segue_sound *first, *second;
	float *frames;

	assert_int_equal(ftruncate(fd, size), 0);
	frames = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(frames, MAP_FAILED);
	frames[0] = 0.5f;
	first = import(stage, fd, 1, 48000, true);
	frames[0] = 0.25f;
	second = import(stage, fd, 1, 48000, true);
	assert_ptr_equal(resolve(stage, second), second);
	assert_true(fabs(stage_info(stage, first).peak_db - 20.0 * log10(0.5)) < 0.01);
	assert_true(fabs(stage_info(stage, second).peak_db - 20.0 * log10(0.25)) < 0.01);
	stage_disown(stage, first);
	stage_disown(stage, second);
	munmap(frames, size);
	close(fd);
}

/* ---- coming and going */

static void nobody_wants_a_sound_that_loads(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *sound;
	uint64_t id;

	stage_write_ramp(stage, "a.wav", 3000000, 1, 44100);
	sound = load_file(stage, "a.wav");
	stage_disown(stage, sound);
	stage_wait_reclaimed(stage, 1);
	sound = load_file(stage, "a.wav");
	id = stage_info(stage, sound).id;
	assert_int_equal(id, 2);
	stage_wait_state(stage, sound, SEGUE_SOUND_LOADING);
	stage_disown(stage, sound);
	stage_wait_reclaimed(stage, 2);
	assert_reclaimed(stage, id, false);
}

static void a_budget_that_is_exceeded_fails_that_sound_alone(void **state)
{
	struct stage *stage = *state;
	struct segue_store_config config = { .memory_max = 1024 * 1024 };
	struct segue_sound *large, *small, *again;

	assert_int_equal(stage->store->methods->configure(stage->store, &config), 0);
	stage_write_ramp(stage, "large.wav", 3000000, 1, 48000);
	stage_write_ramp(stage, "small.wav", SMALL_FRAMES, 1, 48000);
	small = load_file(stage, "small.wav");
	large = load_file(stage, "large.wav");
	stage_wait_state(stage, large, SEGUE_SOUND_FAILED);
	assert_int_equal(stage_info(stage, large).error->res, -EDQUOT);
	assert_non_null(strstr(stage_info(stage, large).error->message, "large.wav: "));
	stage_wait_state(stage, small, SEGUE_SOUND_READY);
	assert_int_equal(stage_memory(stage).bytes_pending, 0);
	/* with more of it the same file is tried again, although the one that failed is still owned */
	config.memory_max = 1024 * 1024 * 1024;
	assert_int_equal(stage->store->methods->configure(stage->store, &config), 0);
	again = load_file(stage, "large.wav");
	stage_wait_state(stage, again, SEGUE_SOUND_READY);
	assert_ptr_equal(resolve(stage, again), again);
	stage_disown(stage, again);
	stage_disown(stage, large);
	stage_disown(stage, small);
}

static void a_store_may_go_with_jobs_running_and_owners_left(void **state)
{
	struct stage *stage = *state;

	stage_write_ramp(stage, "a.wav", 3000000, 1, 44100);
	stage_write_ramp(stage, "b.wav", 1000000, 1, 48000);
	stage_wait_state(stage, load_file(stage, "b.wav"), SEGUE_SOUND_READY);
	load_file(stage, "a.wav");
	stage_disown(stage, load_file(stage, "a.wav"));
	stage_wave(stage, "sine");
	stage_destroy_node(stage);
	host_unload(stage->store_handle);
	stage->store_handle = NULL;
	assert_int_equal(stage->n_reclaimed, 4);
}

#define test(name)	cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(the_same_file_opened_twice_is_one_sound),
		test(the_same_file_opened_while_it_loads_or_is_ready_is_one_sound),
		test(who_waits_for_the_other_name_at_another_rate_is_told),
		test(a_file_that_failed_is_tried_again),
		test(other_options_make_another_sound),
		test(raw_samples_read_in_another_way_are_another_sound),
		test(a_memfd_that_was_written_again_is_another_sound),
		test(nobody_wants_a_sound_that_loads),
		test(a_budget_that_is_exceeded_fails_that_sound_alone),
		test(a_store_may_go_with_jobs_running_and_owners_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
