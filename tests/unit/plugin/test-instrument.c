/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "load.h"
#include "sound.h"
#include "store.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "loads.h"
#include "rt/instrument.h"

/* An SFZ file as a sound: how it is asked for, shared, fenced and given back. */

static void write_kit(struct stage *stage)
{
	stage_write_ramp(stage, "a.wav", 1000, 1, 44100);
	stage_write_ramp(stage, "b.wav", 500, 2, 96000);
	stage_write_text(stage, "kit.sfz", "<region> sample=a.wav key=36 cutoff=3 <region> sample=b.wav key=38\n");
}

static struct segue_sound *load(struct stage *stage, const char *format)
{
	return load_text(stage, format, SEGUE_KIND_UNSET);
}

static void assert_refused(struct stage *stage, const char *format, enum segue_kind kind, const char *message)
{
	struct segue_error error = { 0 };

	assert_null(try_load_text(stage, format, kind, NULL, &error));
	assert_int_equal(error.res, -EINVAL);
	assert_string_equal(error.message, message);
}

static void assert_fails(struct stage *stage, struct segue_sound *sound, int res, const char *message)
{
	assert_non_null(sound);
	stage_wait_state(stage, sound, SEGUE_SOUND_FAILED);
	assert_string_equal(stage_info(stage, sound).error->message, message);
	assert_int_equal(stage_info(stage, sound).error->res, res);
	assert_int_equal(stage_memory(stage).bytes_pending, 0);
	stage_disown(stage, sound);
}

static void its_name_or_its_kind_makes_an_instrument(void **state)
{
	static const char *const texts[] = {
		"@kit.sfz", "@KIT.Sfz", "[ @kit.sfz ]", "{ file = @kit.sfz gain = 0.5 label = drums }",
		"{ file = @kit.txt kind = instrument }",
	};
	struct stage *stage = *state;

	write_kit(stage);
	stage_write_text(stage, "KIT.Sfz", "<region> sample=a.wav\n<region> sample=b.wav");
	stage_write_text(stage, "kit.txt", "<region> sample=a.wav\n<region> sample=b.wav");
	for (size_t i = 0; i < SPA_N_ELEMENTS(texts); i++) {
		struct segue_sound *sound = load(stage, texts[i]);
		struct segue_sound_info info;
		struct segue_instrument *instrument;

		stage_wait_state(stage, sound, SEGUE_SOUND_READY);
		info = stage_info(stage, sound);
		assert_int_equal(info.kind, SEGUE_KIND_INSTRUMENT);
		assert_int_equal(info.channels, 2);
		assert_int_equal(info.rate, 96000);
		assert_int_equal(info.frames, 1500);
		assert_true(info.peak_db < (i == 3 ? -38.0 : -32.0) && info.peak_db > -40.0);
		instrument = SPA_CONTAINER_OF(segue_sound_buffer(sound, AT(0)), struct segue_instrument, buffer);
		assert_int_equal(instrument->n_regions, 2);
		assert_true(instrument->regions[0].gain == (i == 3 ? 0.5f : 1.0f));
		assert_int_equal(info.bytes, instrument->buffer.bytes);
		stage_disown(stage, sound);
	}
}

static void it_is_good_for_any_rate(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *sound;
	struct segue_buffer *buffer;
	uint64_t serial;

	write_kit(stage);
	sound = load(stage, "@kit.sfz");
	stage_wait_state(stage, sound, SEGUE_SOUND_READY);
	buffer = segue_sound_buffer(sound, AT(0));
	assert_non_null(buffer);
	assert_ptr_equal(segue_sound_buffer(sound, AT(44100)), buffer);
	assert_ptr_equal(segue_sound_buffer(sound, AT(192000)), buffer);
	/* a node that plays it goes to another rate with it */
	stage_start(stage);
	serial = stage_request(stage, sound);
	stage_wait(stage, serial);
	assert_int_equal(stage_result(stage, serial)->finished.result, SEGUE_RESULT_APPLIED);
	stage->position.clock.rate = SPA_FRACTION(1, 44100);
	stage_cycles(stage, 10, 256);
	host_run(stage->host, 60);
	assert_int_equal(stage_node_info(stage).rate, 44100);
	assert_ptr_equal(segue_sound_buffer(sound, AT(44100)), buffer);
	stage_disown(stage, sound);
}

static void the_same_text_and_samples_are_one_sound(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *a, *b, *c;

	write_kit(stage);
	a = load(stage, "@kit.sfz");
	b = load(stage, "@kit.sfz");
	stage_wait_state(stage, a, SEGUE_SOUND_READY);
	host_run(stage->host, 20);
	assert_ptr_equal(stage->store->methods->resolve(stage->store, b), a);
	assert_int_equal(stage_memory(stage).n_live, 1);
	/* a sample is another one, the text is the same */
	stage_write_ramp(stage, "b.wav", 400, 2, 96000);
	c = load(stage, "@kit.sfz");
	stage_wait_state(stage, c, SEGUE_SOUND_READY);
	assert_int_equal(stage_memory(stage).n_live, 2);
	assert_int_equal(stage_info(stage, c).frames, 1400);
	stage_disown(stage, a);
	stage_disown(stage, a);
	stage_disown(stage, c);
}

static void what_cannot_be_an_instrument_is_refused(void **state)
{
	struct stage *stage = *state;

	write_kit(stage);
	assert_refused(stage, "{ file = [ @kit.sfz @b.sfz ] kind = instrument }", SEGUE_KIND_UNSET,
			"kind: an instrument is one file");
	assert_refused(stage, "{ rates = [ @kit.sfz ] kind = instrument }", SEGUE_KIND_UNSET,
			"kind: an instrument is one file");
	assert_refused(stage, "{ file = @kit.sfz channels = 1 }", SEGUE_KIND_UNSET,
			"channels: an instrument's regions have their own");
	assert_refused(stage, "{ file = @kit.sfz rootkey = 1 }", SEGUE_KIND_UNSET,
			"rootkey: an instrument's regions have their own");
	/* as a convolver asks */
	assert_refused(stage, "@kit.sfz", SEGUE_KIND_RESPONSE, "kit.sfz: is an instrument, a convolver needs a recording");
	assert_fails(stage, load(stage, "[ @kit.sfz @a.wav ]"), -EBADMSG, "kit.sfz: not an audio file");
	assert_fails(stage, load(stage, "{ file = @kit.sfz kind = sample }"), -EBADMSG, "kit.sfz: not an audio file");
}

static void a_descriptor_is_none(void **state)
{
	struct stage *stage = *state;
	struct segue_recipe recipe = { .type = SEGUE_RECIPE_FDS, .n_fds = 1, .options = SEGUE_OPTIONS_INIT };
	struct segue_error error;

	write_kit(stage);
	recipe.fds[0] = open(stage_path(stage, "kit.sfz"), O_RDONLY);
	assert_null(stage->store->methods->make(stage->store, &recipe, &error));
	assert_int_equal(error.res, -EINVAL);
	assert_string_equal(error.message, "kit.sfz: an instrument needs a path");
	assert_int_equal(recipe.n_fds, 0);
	recipe.fds[recipe.n_fds++] = open(stage_path(stage, "a.wav"), O_RDONLY);
	recipe.options.kind = SEGUE_KIND_INSTRUMENT;
	assert_null(stage->store->methods->make(stage->store, &recipe, &error));
	assert_string_equal(error.message, "kind: an instrument needs a path");
}

static void a_convolver_has_no_use_for_it(void **state)
{
	struct stage *stage = *state;
	struct segue_target target = { .rate = 48000, .n_in = 2, .n_out = 2, .frames_max = 1000 };
	struct segue_sound *sound;
	struct segue_error error;

	write_kit(stage);
	sound = load(stage, "@kit.sfz");
	assert_int_equal(segue_sound_check(sound, AT(48000), &error), 0);
	assert_int_equal(segue_sound_check(sound, &target, &error), -EINVAL);
	assert_string_equal(error.message, "kit.sfz: is an instrument, a convolver needs a recording");
	stage_disown(stage, sound);
}

static void samples_are_fenced_as_their_instrument_is(void **state)
{
	struct stage *stage = *state;
	struct segue_fence *fence = &store_of(stage)->fence;
	const char *const dirs[] = { stage->dir };
	struct segue_error error;
	struct segue_sound *sound;
	char message[256];

	write_kit(stage);
	stage_write_text(stage, "out.sfz", "<region> sample=a.wav\n<region> sample=../../etc/passwd");
	stage_write_text(stage, "in.sfz", "<region> sample=./x/../a.wav");
	assert_int_equal(segue_fence_configure(fence, "paths", dirs, 1), 0);
	sound = try_load_text(stage, "@in.sfz", SEGUE_KIND_UNSET, fence, &error);
	assert_non_null(sound);
	stage_wait_state(stage, sound, SEGUE_SOUND_READY);
	stage_disown(stage, sound);
	assert_fails(stage, try_load_text(stage, "@out.sfz", SEGUE_KIND_UNSET, fence, &error), -EACCES,
			"out.sfz: line 2: "
			"sample: /etc/passwd: not below a folder that Props may load from (load.paths)");
	/* whose path isn't fenced may have samples anywhere */
	assert_fails(stage, load(stage, "@out.sfz"), -EBADMSG, "out.sfz: ../../etc/passwd: not an audio file");
	/* a fence that opens meanwhile doesn't change what was asked */
	sound = try_load_text(stage, "@out.sfz", SEGUE_KIND_UNSET, fence, &error);
	assert_int_equal(segue_fence_configure(fence, "true", NULL, 0), 0);
	snprintf(message, sizeof(message), "out.sfz: line 2: sample: /etc/passwd: not below a folder that Props may load "
			"from (load.paths)");
	assert_fails(stage, sound, -EACCES, message);
}

static void what_is_wrong_fails_it_alone(void **state)
{
	struct stage *stage = *state;
	struct segue_store_config config = { .memory_max = 1024 * 1024 };
	struct segue_sound *good;

	write_kit(stage);
	good = load(stage, "@kit.sfz");
	stage_wait_state(stage, good, SEGUE_SOUND_READY);
	stage_write_text(stage, "bad.sfz", "<region>\nkey=h sample=a.wav");
	assert_fails(stage, load(stage, "@bad.sfz"), -EBADMSG, "bad.sfz: line 2: key: 'h' isn't a key");
	stage_write_text(stage, "bad.sfz", "<region> sample=none.wav");
	assert_fails(stage, load(stage, "@bad.sfz"), -ENOENT, "bad.sfz: none.wav: no such file");
	assert_fails(stage, load(stage, "@none.sfz"), -ENOENT, "none.sfz: no such file");
	stage_write_ramp(stage, "large.wav", 3000000, 1, 48000);
	stage_write_text(stage, "large.sfz", "<region> sample=large.wav");
	assert_int_equal(stage->store->methods->configure(stage->store, &config), 0);
	stage_wait_state(stage, good, SEGUE_SOUND_READY);
	{
		struct segue_sound *large = load(stage, "@large.sfz");

		stage_wait_state(stage, large, SEGUE_SOUND_FAILED);
		assert_int_equal(stage_info(stage, large).error->res, -EDQUOT);
		assert_memory_equal(stage_info(stage, large).error->message, "large.sfz: ", 11);
		stage_disown(stage, large);
	}
	assert_int_equal(stage_info(stage, good).state, SEGUE_SOUND_READY);
	stage_disown(stage, good);
}

static void it_may_be_left_at_any_time(void **state)
{
	struct stage *stage = *state;

	stage_write_ramp(stage, "a.wav", 1000000, 1, 44100);
	stage_write_ramp(stage, "b.wav", 1000000, 2, 44100);
	stage_write_text(stage, "kit.sfz", "<region> sample=a.wav <region> sample=b.wav");
	for (uint32_t i = 0; i < 20; i++) {
		struct segue_sound *sound = load(stage, "@kit.sfz");

		host_run(stage->host, i % 4);
		usleep(i * 500);
		host_run(stage->host, 0);
		stage_disown(stage, sound);
	}
	stage_wait_reclaimed(stage, 20);
}

static void its_expected_size_is_an_upper_bound(void **state)
{
	struct stage *stage = *state;
	struct segue_sound *sound;
	uint64_t expected;

	stage_write_ramp(stage, "a.wav", 3000000, 1, 44100);
	stage_write_ramp(stage, "b.wav", 1000000, 2, 44100);
	stage_write_text(stage, "kit.sfz", "<region> sample=a.wav <region> sample=b.wav");
	sound = load(stage, "@kit.sfz");
	stage_wait_state(stage, sound, SEGUE_SOUND_LOADING);
	expected = stage_info(stage, sound).bytes_expected;
	stage_wait_state(stage, sound, SEGUE_SOUND_READY);
	assert_true(stage_info(stage, sound).bytes <= expected);
	assert_true(expected <= stage_info(stage, sound).bytes + 16384);
	stage_disown(stage, sound);
}

#define test(name)	cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(its_name_or_its_kind_makes_an_instrument),
		test(it_is_good_for_any_rate),
		test(the_same_text_and_samples_are_one_sound),
		test(what_cannot_be_an_instrument_is_refused),
		test(a_descriptor_is_none),
		test(a_convolver_has_no_use_for_it),
		test(samples_are_fenced_as_their_instrument_is),
		test(what_is_wrong_fails_it_alone),
		test(it_may_be_left_at_any_time),
		test(its_expected_size_is_an_upper_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
