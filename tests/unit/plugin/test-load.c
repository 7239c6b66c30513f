/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "load.h"

#include <stdlib.h>
#include <string.h>

#include "../repeat.h"
#include "loads.h"

static void assert_refused(struct stage *stage, const char *text, const char *named)
{
	struct segue_error error = { 0 };

	if (segue_load_text(store_of(stage), text, &SEGUE_OPTIONS_INIT, NULL, &error) != NULL)
		fail_msg("'%.60s' is accepted", text);
	assert_int_equal(error.res, -EINVAL);
	if (strstr(error.message, named) == NULL)
		fail_msg("'%.200s' doesn't name %s", error.message, named);
}

static struct segue_sound_info load(struct stage *stage, const char *format)
{
	struct segue_sound *sound = load_text(stage, format, SEGUE_KIND_UNSET);
	struct segue_sound_info info;

	stage_wait_state(stage, sound, SEGUE_SOUND_READY);
	info = stage_info(stage, sound);
	stage_disown(stage, sound);
	return info;
}

static void assert_fails(struct stage *stage, const char *format, const char *message)
{
	struct segue_sound *sound = load_text(stage, format, SEGUE_KIND_UNSET);

	stage_wait_state(stage, sound, SEGUE_SOUND_FAILED);
	assert_string_equal(stage_info(stage, sound).error->message, message);
	stage_disown(stage, sound);
}

static void a_path_may_have_spaces_and_quotes(void **state)
{
	struct stage *stage = *state;

	stage_write_ramp(stage, "a b.wav", 100, 1, 48000);
	stage_write_ramp(stage, "c\"d.wav", 200, 1, 48000);
	assert_int_equal(load(stage, "@a b.wav").frames, 100);
	assert_int_equal(load(stage, "\"@a b.wav\"").frames, 100);
	assert_int_equal(load(stage, "@c\"d.wav").frames, 200);
	assert_int_equal(load(stage, "\"@c\\\"d.wav\"").frames, 200);
	assert_int_equal(load(stage, "[ \"@a b.wav\" ]").frames, 100);
	assert_int_equal(load(stage, "{ file = \"@a b.wav\" }").frames, 100);
}

static void several_files_are_joined(void **state)
{
	struct stage *stage = *state;

	stage_write_ramp(stage, "l.wav", 100, 1, 48000);
	stage_write_ramp(stage, "r.wav", 200, 2, 48000);
	assert_int_equal(load(stage, "[ @l.wav @r.wav ]").channels, 3);
	assert_int_equal(load(stage, "[ \"@l.wav\", \"@r.wav\" ]").frames, 200);
	assert_int_equal(load(stage, "{ file = [ @r.wav @l.wav ] channels = [ 2 0 ] }").channels, 2);
}

static void the_file_of_the_graphs_rate_is_taken_else_the_highest(void **state)
{
	struct stage *stage = *state;

	stage_write_ramp(stage, "32.wav", 100, 2, 32000);
	stage_write_ramp(stage, "48.wav", 200, 2, 48000);
	stage_write_ramp(stage, "96.wav", 300, 2, 96000);
	stage_write_ramp(stage, "mono.wav", 300, 1, 96000);
	assert_int_equal(load(stage, "{ rates = [ @32.wav @48.wav @96.wav ] }").frames, 200);
	assert_int_equal(load(stage, "{ rates = [ @32.wav @96.wav ] }").frames, 300);
	assert_fails(stage, "{ rates = [ @48.wav @mono.wav ] }", "48.wav: its files have 2 and 1 channels");
	assert_fails(stage, "{ rates = [ @96.wav @96.wav ] }", "96.wav: two of its files have 96000 Hz");
}

static void options_are_taken(void **state)
{
	struct stage *stage = *state;

	stage_write_ramp(stage, "a.wav", 48000, 2, 48000);
	assert_int_equal(load(stage, "{ file = @a.wav length = 0.5 }").frames, 24000);
	assert_int_equal(load(stage, "{ \"length\": 0.25, \"file\": \"@a.wav\" }").frames, 12000);
	assert_int_equal(load(stage, "{ file = @a.wav channels = 1 }").channels, 1);
	assert_true(load(stage, "{ file = @a.wav gain = 0.5 }").peak_db < -6.0);
}

static void an_option_is_the_same_in_the_text_and_beside_it(void **state)
{
	struct stage *stage = *state;
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_error error = { 0 };
	struct segue_sound *first, *second;

	options.gain = 0.1;
	first = segue_load_text(store_of(stage), stage_write_ramp(stage, "a.wav", 100, 1, 48000), &options, NULL,
			&error);
	stage_wait_state(stage, first, SEGUE_SOUND_READY);
	second = load_text(stage, "{ file = @a.wav gain = 0.1 }", SEGUE_KIND_UNSET);
	host_run(stage->host, 50);
	assert_ptr_equal(segue_sound_resolve(second), first);
	stage_disown(stage, first);
	stage_disown(stage, first);
}

/* @ stands for the stage's directory. */
static void with_dir(struct stage *stage, const char *format, char *ret, size_t size)
{
	size_t used = 0;

	for (; *format != '\0'; format++)
		used += snprintf(ret + used, size - used, "%.*s", *format == '@' ? (int)strlen(stage->dir) : 1,
				*format == '@' ? stage->dir : format);
}

static void what_is_loaded_reads_back_with_its_options(void **state)
{
	static const struct {
		const char *text;
		double gain;	/* beside it */
		const char *read;
	} cases[] = {
		{ "@/a b.wav", 1.0, "@/a b.wav" },
		{ "@/a b.wav", 0.5, "{ file = \"@/a b.wav\" gain = 0.5 }" },
		{ "{ file = \"@/a b.wav\" }", 1.0, "@/a b.wav" },
		{ "{ gain = 2 file = [ @/c.wav, @/c.wav ] channels = 1 }", 0.5,
			"{ file = [ \"@/c.wav\" \"@/c.wav\" ] gain = 2 channels = [ 1 ] }" },
		{ "[ @/c.wav @/c.wav ]", 1.0, "[ \"@/c.wav\" \"@/c.wav\" ]" },
		{ "{ rates = [ @/c.wav ] }", 1.0, "{ rates = [ \"@/c.wav\" ] }" },
		{ "[ @/c.wav ]", 1.0, "@/c.wav" },
	};
	struct stage *stage = *state;
	char text[512], read[512];

	stage_write_ramp(stage, "a b.wav", 100, 1, 48000);
	stage_write_ramp(stage, "c.wav", 100, 1, 48000);
	for (size_t i = 0; i < SPA_N_ELEMENTS(cases); i++) {
		struct segue_options options = SEGUE_OPTIONS_INIT;
		struct segue_error error = { 0 };
		struct segue_sound *sound;

		options.gain = cases[i].gain;
		with_dir(stage, cases[i].text, text, sizeof(text));
		with_dir(stage, cases[i].read, read, sizeof(read));
		sound = segue_load_text(store_of(stage), text, &options, NULL, &error);
		assert_non_null(sound);
		assert_string_equal(segue_sound_load(sound), read);
		assert_null(segue_sound_wave(sound));
		stage_disown(stage, sound);
		/* and it is the same again */
		sound = segue_load_text(store_of(stage), read, &SEGUE_OPTIONS_INIT, NULL, &error);
		assert_non_null(sound);
		assert_string_equal(segue_sound_load(sound), read);
		stage_disown(stage, sound);
	}
}

static void a_wave_may_have_options(void **state)
{
	static const char *const cases[][2] = {
		{ "saw", "saw" },
		{ "{ wave = saw }", "saw" },
		{ "{ gain = 0.5, \"wave\": \"harmonics:1,0.5\" }", "{ wave = \"harmonics:1,0.5\" gain = 0.5 }" },
		{ "{ wave = sweep from = 20 to = 200 seconds = 0.5 label = low }",
			"{ wave = \"sweep\" seconds = 0.5 to = 200 label = \"low\" }" },
	};
	static const char *const wrong[][2] = {
		{ "{ gain = 0.5 }", "waveform" }, { "{ wave = saw gain = 2 }", "gain" }, { "{ wave = }", "wave" },
		{ "{ wave = saw loop = none }", "loop" }, { "{ wave = saw", "isn't closed" },
		{ "{ wave = saw keep = true }", "no such option 'keep' (" }, { "{ wave = { } }", "wave" },
	};
	struct stage *stage = *state;
	struct segue_error error = { 0 };
	struct segue_sound *sound;

	for (size_t i = 0; i < SPA_N_ELEMENTS(cases); i++) {
		sound = segue_load_wave(store_of(stage), cases[i][0], &error);
		assert_non_null(sound);
		assert_string_equal(segue_sound_wave(sound), cases[i][1]);
		assert_null(segue_sound_load(sound));
		stage_disown(stage, sound);
	}
	for (size_t i = 0; i < SPA_N_ELEMENTS(wrong); i++) {
		assert_null(segue_load_wave(store_of(stage), wrong[i][0], &error));
		assert_int_equal(error.res, -EINVAL);
		if (strstr(error.message, wrong[i][1]) == NULL)
			fail_msg("'%s' doesn't name %s", error.message, wrong[i][1]);
	}
}

static void what_is_no_file_is_refused(void **state)
{
	assert_refused(*state, "a.wav", "a.wav");
	assert_refused(*state, "[ /a.wav b.wav ]", "b.wav");
	assert_refused(*state, "{ file = b.wav }", "b.wav");
	assert_refused(*state, "[ ]", "segue.load");
	assert_refused(*state, "[ /a.wav", "isn't closed");
	assert_refused(*state, " { file = /a.wav ", "isn't closed");
	assert_refused(*state, "{ file = [ /a.wav }", "isn't closed");
	assert_refused(*state, "[ /a.wav ] ]", "don't match");
	assert_refused(*state, "{ }", "segue.load");
	assert_refused(*state, "{ file = [ ] }", "segue.load");
	assert_refused(*state, "{ gain = 0.5 }", "segue.load");
	assert_refused(*state, "{ file }", "file");
	assert_refused(*state, "", "segue.load");
	assert_refused(*state, "\"\"", "segue.load");
	assert_refused(*state, "[ /a.wav \"\" ]", "segue.load");
}

static void a_wrong_option_is_named(void **state)
{
	assert_refused(*state, "{ file = /a.wav fiel = 1 }", "'fiel'");
	assert_refused(*state, "{ file = /a.wav gain = loud }", "gain");
	assert_refused(*state, "{ file = /a.wav gain = [ 1 ] }", "gain");
	assert_refused(*state, "{ file = /a.wav gain = { } }", "gain");
	assert_refused(*state, "{ file = /a.wav keep = 1 }", "keep");
	assert_refused(*state, "{ file = /a.wav keep = true }", "keep");
	assert_refused(*state, "{ file = /a.wav channels = [ -1 ] }", "channels");
	assert_refused(*state, "{ file = /a.wav channels = [ ] }", "channels");
	assert_refused(*state, "{ file = /a.wav channels = [ 0 one ] }", "channels");
	assert_refused(*state, "{ file = /a.wav rootkey = 128 }", "rootkey");
	assert_refused(*state, "{ file = /a.wav rates = [ /b.wav /c.wav ] }", "rates");
	assert_refused(*state, "{ rates = [ /a.wav /b.wav ] kind = table }", "rates");
	assert_refused(*state, "{ rates = [ /1 /2 /3 /4 /5 /6 /7 /8 /9 ] }", "rates");
	assert_refused(*state, "{ file = /a.wav fade = 1 }", "'fade'");
	assert_refused(*state, "{ file = /a.wav "
			"a_key_that_is_longer_than_any_option_there_is_and_will_ever_be_in_it = 1 }", "segue.load");
}

static void too_much_is_refused(void **state)
{
	char *texts[] = {
		repeat("[ ", "/a.wav ", 65, "]"),
		repeat("/", "x", 4096, ""),
		repeat("\"/", "x", 4096, "\""),
		repeat("[ /a.wav /", "x", 4096, " /b.wav ]"),
		repeat("{ file = /", "x", 4096, " }"),
		repeat("{ file = [ /a.wav /", "x", 4096, " ] }"),
		repeat("{ file = /a.wav channels = [ ", "0 ", 65, "] }"),
	};

	for (size_t i = 0; i < SPA_N_ELEMENTS(texts); i++) {
		assert_refused(*state, texts[i], i < 6 ? "segue.load" : "channels");
		free(texts[i]);
	}
}

static void a_fence_is_asked_for_every_file(void **state)
{
	struct stage *stage = *state;
	struct segue_fence *fence = &store_of(stage)->fence;
	struct segue_error error = { 0 };

	assert_null(segue_load_text(store_of(stage), "/etc/passwd", &SEGUE_OPTIONS_INIT, fence, &error));
	assert_int_equal(error.res, -EACCES);
	assert_null(segue_load_text(store_of(stage), "[ /usr/share/a.wav /etc/passwd ]", &SEGUE_OPTIONS_INIT, fence, &error));
	assert_int_equal(error.res, -EACCES);
	assert_null(segue_load_text(store_of(stage), "{ file = [ /usr/share/a.wav /etc/passwd ] }", &SEGUE_OPTIONS_INIT,
			fence, &error));
	assert_int_equal(error.res, -EACCES);
	assert_int_equal(stage->n_reclaimed, 0);
}

#define test(name)	cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(a_path_may_have_spaces_and_quotes),
		test(several_files_are_joined),
		test(the_file_of_the_graphs_rate_is_taken_else_the_highest),
		test(options_are_taken),
		test(an_option_is_the_same_in_the_text_and_beside_it),
		test(what_is_loaded_reads_back_with_its_options),
		test(a_wave_may_have_options),
		test(what_is_no_file_is_refused),
		test(a_wrong_option_is_named),
		test(too_much_is_refused),
		test(a_fence_is_asked_for_every_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
