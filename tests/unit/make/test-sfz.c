/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "make/sfz.h"

#include "sfz-fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <spa/utils/defs.h>

/* the path of a region's sample below the fixture's directory */
static const char *sample_of(struct make_fixture *f, const struct segue_sfz *sfz, uint32_t region)
{
	const char *path = sfz->files[sfz->regions[region].file].path;
	size_t n = strlen(f->dir);

	return strncmp(path, f->dir, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

/* ---- what the format's documentation has */

static void a_region_has_the_formats_defaults(void **state)
{
	struct segue_sfz *sfz = sfz_read_text(*state, "<region> sample=piano C4.wav");
	const struct segue_sfz_region *r = &sfz->regions[0];

	assert_int_equal(sfz->n_regions, 1);
	assert_string_equal(sample_of(*state, sfz, 0), "piano C4.wav");
	assert_string_equal(sfz->files[0].name, "piano C4.wav");
	assert_string_equal(sfz->unfollowed, "");
	assert_int_equal(r->region.key_low, 0);
	assert_int_equal(r->region.key_high, 127);
	assert_int_equal(r->region.velocity_low, 0);
	assert_int_equal(r->region.velocity_high, 127);
	assert_false(r->region.one_shot);
	assert_int_equal(r->region.group, 0);
	assert_int_equal(r->region.off_by, 0);
	assert_true(r->region.key_tracking == 1.0f);
	assert_true(r->region.velocity_tracking == 1.0f);
	assert_true(r->region.gain == 1.0f);
	assert_true(r->region.pan == 0.0f);
	assert_true(r->region.envelope.attack < 0.0f && r->region.envelope.decay < 0.0f);
	assert_true(r->region.envelope.sustain < 0.0f && r->region.envelope.release < 0.0f);
	assert_true(r->center == 60.0 && r->tuning == 0.0);
	assert_int_equal(r->loop, SEGUE_SFZ_LOOP_FILE);
	assert_true(r->loop_start == SEGUE_SFZ_UNSET && r->loop_end == SEGUE_SFZ_UNSET);
	assert_true(r->first == 0 && r->end == SEGUE_SFZ_UNSET);
	segue_sfz_free(sfz);
}

static void opcodes_are_followed(void **state)
{
	struct segue_sfz *sfz = sfz_read_text(*state,
		"<region>lokey=c4 hikey=c#4 lovel=10 hivel=20 pitch_keycenter=db4 pitch_keytrack=50 transpose=-12\n"
		"tune=25 volume=-6.0206 amplitude=50 pan=-50 amp_veltrack=25 ampeg_attack=0.5 ampeg_decay=1\n"
		"ampeg_sustain=25 ampeg_release=2 loop_mode=loop_continuous loop_start=100 loop_end=199 offset=50\n"
		"end=299 group=7 off_by=4294967295 sample=a.wav\n"
		"<region> loopmode=one_shot loopstart=1 loopend=2 offby=3 group=-1 key=36 sample=b.wav end=0");
	const struct segue_sfz_region *r = sfz->regions;

	assert_int_equal(sfz->n_regions, 2);
	assert_int_equal(r[0].region.key_low, 60);
	assert_int_equal(r[0].region.key_high, 61);
	assert_int_equal(r[0].region.velocity_low, 10);
	assert_int_equal(r[0].region.velocity_high, 20);
	assert_true(r[0].center == 61.0 && r[0].tuning == -11.75);
	assert_true(r[0].region.key_tracking == 0.5f);
	assert_true(fabsf(r[0].region.gain - 0.25f) < 1e-5f);
	assert_true(r[0].region.pan == -0.5f && r[0].region.velocity_tracking == 0.25f);
	assert_true(r[0].region.envelope.attack == 0.5f && r[0].region.envelope.decay == 1.0f);
	assert_true(r[0].region.envelope.sustain == 0.25f && r[0].region.envelope.release == 2.0f);
	assert_int_equal(r[0].loop, SEGUE_SFZ_LOOP_FORWARD);
	assert_true(r[0].loop_start == 100 && r[0].loop_end == 200);
	assert_true(r[0].first == 50 && r[0].end == 300);
	assert_int_equal(r[0].region.group, 7);
	assert_int_equal(r[0].region.off_by, UINT32_MAX);
	assert_true(r[1].region.one_shot);
	assert_int_equal(r[1].loop, SEGUE_SFZ_LOOP_NONE);
	assert_true(r[1].loop_start == 1 && r[1].loop_end == 3 && r[1].end == 1);
	assert_int_equal(r[1].region.off_by, 3);
	assert_int_equal(r[1].region.group, UINT32_MAX);
	assert_true(r[1].region.key_low == 36 && r[1].region.key_high == 36 && r[1].center == 36.0);
	segue_sfz_free(sfz);
}

static void keys_have_numbers_and_names(void **state)
{
	static const struct { const char *text; uint32_t key; } cases[] = {
		{ "0", 0 }, { "127", 127 }, { "60.0", 60 }, { "c-1", 0 }, { "C4", 60 }, { "c4", 60 },
		{ "cb4", 59 }, { "b#3", 60 }, { "a4", 69 }, { "A#4", 70 }, { "Bb4", 70 }, { "bb-1", 10 }, { "b3", 59 },
		{ "g9", 127 }, { "d#0", 15 }, { "e2", 40 }, { "f2", 41 },
	};

	for (size_t i = 0; i < SPA_N_ELEMENTS(cases); i++) {
		struct segue_sfz *sfz;
		char text[64];

		snprintf(text, sizeof(text), "<region> key=%s sample=a.wav", cases[i].text);
		sfz = sfz_read_text(*state, text);
		assert_int_equal(sfz->regions[0].region.key_low, cases[i].key);
		assert_int_equal(sfz->regions[0].region.key_high, cases[i].key);
		assert_true(sfz->regions[0].center == cases[i].key);
		segue_sfz_free(sfz);
	}
}

static void a_key_centre_beside_a_key_stands_whatever_their_order(void **state)
{
	struct segue_sfz *sfz = sfz_read_text(*state,
		"<group> pitch_keycenter=70\n"
		"<region> key=40 sample=a.wav\n"
		"<region> key=40 pitch_keycenter=50 sample=a.wav\n"
		"<region> pitch_keycenter=50 key=40 sample=a.wav\n"
		"<region> lokey=40 sample=a.wav\n"
		"<region> pitch_keycenter=sample sample=a.wav\n");
	static const double centers[] = { 40, 50, 50, 70, SEGUE_SFZ_KEY_OF_FILE };

	for (uint32_t i = 0; i < 5; i++)
		assert_true(sfz->regions[i].center == centers[i]);
	assert_int_equal(sfz->n_files, 1);
	segue_sfz_free(sfz);
}

static void headers_inherit_from_those_above(void **state)
{
	struct segue_sfz *sfz = sfz_read_text(*state,
		"lokey=1\n"
		"<region> sample=a.wav\n"
		"<global> lokey=2 lovel=3\n"
		"<region> sample=a.wav\n"
		"<group> hikey=100\n"
		"<region> sample=a.wav lovel=5\n"
		"<region> sample=a.wav\n"
		"<master> lovel=6 sample=m.wav\n"
		"<region> hikey=99\n"
		"<group> hivel=50\n"
		"<region> lokey=9\n"
		"<group>\n"
		"<region>\n"
		"<master>\n"
		"<region> sample=a.wav\n"
		"<global>\n"
		"<region> sample=a.wav\n");
	static const struct { uint8_t lokey, hikey, lovel, hivel; const char *sample; } expected[] = {
		{ 1, 127, 0, 127, "a.wav" },
		{ 2, 127, 3, 127, "a.wav" },
		{ 2, 100, 5, 127, "a.wav" },
		{ 2, 100, 3, 127, "a.wav" },
		{ 2, 99, 6, 127, "m.wav" },
		{ 9, 127, 6, 50, "m.wav" },
		{ 2, 127, 6, 127, "m.wav" },
		{ 2, 127, 3, 127, "a.wav" },
		{ 0, 127, 0, 127, "a.wav" },
	};

	assert_int_equal(sfz->n_regions, SPA_N_ELEMENTS(expected));
	for (uint32_t i = 0; i < sfz->n_regions; i++) {
		const struct segue_region *r = &sfz->regions[i].region;

		assert_int_equal(r->key_low, expected[i].lokey);
		assert_int_equal(r->key_high, expected[i].hikey);
		assert_int_equal(r->velocity_low, expected[i].lovel);
		assert_int_equal(r->velocity_high, expected[i].hivel);
		assert_string_equal(sample_of(*state, sfz, i), expected[i].sample);
	}
	segue_sfz_free(sfz);
}

static void values_end_where_the_next_thing_begins(void **state)
{
	struct segue_sfz *sfz = sfz_read_text(*state,
		"\xef\xbb\xbf// kit\r\n/* <region> sample=x.wav\r\n*/<region>/**/ sample=a b.wav // hikey=3\r"
		"key=40 /* in\nbetween */ lovel=3//\n"
		"<region>sample=Snare (left) - 1.wav\thikey=50<region>  sample=d  e.wav   \n"
		"<region> sample=f.wav #define $K 5 lokey=$K <region>sample=g-h_i#j.wav");
	static const char *const samples[] = { "a b.wav", "Snare (left) - 1.wav", "d  e.wav", "f.wav", "g-h_i#j.wav" };

	assert_int_equal(sfz->n_regions, SPA_N_ELEMENTS(samples));
	for (uint32_t i = 0; i < sfz->n_regions; i++)
		assert_string_equal(sample_of(*state, sfz, i), samples[i]);
	assert_int_equal(sfz->regions[0].region.key_high, 40);
	assert_int_equal(sfz->regions[0].region.velocity_low, 3);
	assert_int_equal(sfz->regions[1].region.key_high, 50);
	assert_int_equal(sfz->regions[3].region.key_low, 5);
	segue_sfz_free(sfz);
}

static void paths_are_relative_to_the_instrument(void **state)
{
	struct make_fixture *f = *state;
	struct segue_sfz *sfz = sfz_read_text(f,
		"<control> default_path=samples\\drums\\ <region> sample=a.wav\n"
		"<region> sample=..\\b.wav\n"
		"<control> default_path=snare_\n<region> sample=soft.wav\n"
		"<control> <region> sample=./x/.././c.wav <region> sample=/usr/./share/d.wav // none: \"//\"\n<region> sample=a/b/..\n"
		"<region> sample=../../../../../e.wav <region> sample=samples/drums/a.wav");
	static const char *const samples[] = { "samples/drums/a.wav", "samples/b.wav", "snare_soft.wav", "c.wav",
		"/usr/share/d.wav", "a", "/e.wav", "samples/drums/a.wav" };

	assert_int_equal(sfz->n_regions, SPA_N_ELEMENTS(samples));
	for (uint32_t i = 0; i < sfz->n_regions; i++)
		assert_string_equal(sample_of(f, sfz, i), samples[i]);
	/* each once */
	assert_int_equal(sfz->n_files, SPA_N_ELEMENTS(samples) - 1);
	assert_string_equal(sfz->files[1].name, "samples/drums/../b.wav");
	segue_sfz_free(sfz);
}

static void variables_stand_for_their_values(void **state)
{
	struct segue_sfz *sfz = sfz_read_text(*state,
		"#define $KICK 36\n#define $KICKS 35 #define $name Big Drum\n#define $EXT wav\n#define $file $name.$EXT\n"
		"<region> key=$KICK sample=$name.$EXT\n"
		"<region> key=$KICKS sample=$file\n"
		"#define $kind key #define $K 8\n"
		"<region> lo$kind=$KICK hi$kind=3$K sample=cost $5.wav\n"
		"#define $KICK 40\n<region> key=$KICK sample=$KICK$.wav");
	static const struct { uint32_t low, high; const char *sample; } expected[] = {
		{ 36, 36, "Big Drum.wav" }, { 35, 35, "Big Drum.wav" }, { 36, 38, "cost $5.wav" }, { 40, 40, "40$.wav" },
	};

	assert_int_equal(sfz->n_regions, SPA_N_ELEMENTS(expected));
	for (uint32_t i = 0; i < sfz->n_regions; i++) {
		assert_int_equal(sfz->regions[i].region.key_low, expected[i].low);
		assert_int_equal(sfz->regions[i].region.key_high, expected[i].high);
		assert_string_equal(sample_of(*state, sfz, i), expected[i].sample);
	}
	segue_sfz_free(sfz);
}

static void what_is_not_followed_is_named_once(void **state)
{
	struct segue_sfz *sfz = sfz_read_text(*state,
		"<control> note_offset=1 set_cc7=100 <curve> curve_index=7 v000=1 <global> cutoff=1000 <curve>\n"
		"<region> sample=a.wav cutoff=50 resonance=3 region_label=x cut=1 amp_veltrack=-20\n"
		"<region> sample=b.wav trigger=attack cutoff=3 trigger=release\n"
		"<region> sample=c.wav trigger=first <region> sample=c.wav trigger=legato\n"
		"<region> sample=d.wav end=-1 <region> sample=*sine <region> key=3 <region> sample=e.wav hikey=-1\n"
		"<region> sample=f.wav seq_length=2 seq_position=2 <region> sample=f.wav lorand=0.5 hirand=1\n"
		"<region> sample=g.wav sw_last=c1 sw_default=c0 <region> sample=h.wav on_locc64=127\n"
		"<region> sample=a.wav lokey=-1 sw_last=24 sw_default=c1 seq_position=1 lorand=0 trigger=release trigger=attack");

	assert_int_equal(sfz->n_regions, 2);
	assert_int_equal(sfz->n_files, 1);
	assert_int_equal(sfz->regions[1].region.key_low, 0);
	assert_true(sfz->regions[0].region.velocity_tracking == 0.0f);
	assert_string_equal(sfz->unfollowed, "note_offset, set_cc7, <curve>, cutoff, resonance, cut, amp_veltrack, "
			"trigger=release, trigger=first, trigger=legato, end=-1, sample=*, a region without a sample, "
			"hikey=-1, seq_position, lorand, sw_last, on_locc64, on_locc");
	segue_sfz_free(sfz);
}

static void there_is_an_end_to_naming(void **state)
{
	char *text = malloc(200000), *p = stpcpy(text, "<region> sample=a.wav ");
	struct segue_sfz *sfz;

	for (uint32_t i = 0; i < 5000; i++)
		p += sprintf(p, "some_opcode_%u=%u ", i, i);
	sfz = sfz_read_text(*state, text);
	assert_true(strlen(sfz->unfollowed) > 900);
	assert_non_null(strstr(sfz->unfollowed, "some_opcode_10, "));
	assert_string_equal(sfz->unfollowed + strlen(sfz->unfollowed) - 5, ", ...");
	segue_sfz_free(sfz);
	free(text);
}

/* ---- includes */

static void texts_are_included(void **state)
{
	struct make_fixture *f = *state;
	struct segue_sfz *sfz;
	char *identity;

	make_fixture_write_text(f, "hats.sfz", "<region> key=$hat sample=hat.wav");
	make_fixture_write_text(f, "names.txt", "#define $hat 42\n");
	sfz = sfz_read_text(f, "#include \"names.txt\"\n<group> volume=-3 #include \"./hats.sfz\" hivel=3\n"
			"#define $x hats\n#include \"$x.sfz\"");
	assert_int_equal(sfz->n_regions, 2);
	assert_int_equal(sfz->regions[0].region.key_low, 42);
	assert_int_equal(sfz->regions[0].region.velocity_high, 3);
	assert_int_equal(sfz->regions[1].region.velocity_high, 127);
	assert_true(sfz->regions[1].region.gain < 0.71f);
	identity = strdup(sfz->identity);
	segue_sfz_free(sfz);
	/* all of them make it what it is */
	make_fixture_write_text(f, "names.txt", "#define $hat  42\n");
	sfz = sfz_read_file(f, "kit.sfz");
	assert_non_null(sfz);
	assert_string_not_equal(sfz->identity, identity);
	segue_sfz_free(sfz);
	free(identity);
}

static void includes_stay_below_the_folder_and_end(void **state)
{
	struct make_fixture *f = *state;

	assert_refused(f, "\n#include \"../x.sfz\"", -EACCES,
			"kit.sfz: line 2: #include: '../x.sfz' isn't below the instrument's folder");
	assert_refused(f, "#include \"a\\..\\..\\x.sfz\"", -EACCES,
			"kit.sfz: line 1: #include: 'a/../../x.sfz' isn't below the instrument's folder");
	assert_refused(f, "#include \"/etc/passwd\"", -EACCES,
			"kit.sfz: line 1: #include: '/etc/passwd' isn't below the instrument's folder");
	assert_refused(f, "#include \"none.sfz\"", -ENOENT, "kit.sfz: none.sfz: no such file");
	assert_refused(f, "#include none.sfz", -EBADMSG, "kit.sfz: line 1: #include: a name in quotes is needed");
	assert_refused(f, "#include \"none.sfz", -EBADMSG, "kit.sfz: line 1: #include: a name in quotes is needed");
	assert_refused(f, "#include \"\"", -EBADMSG, "kit.sfz: : is a directory");
	assert_refused(f, "#include \"kit.sfz\"", -EBADMSG,
			"kit.sfz: kit.sfz: line 1: #include: more than 16 within each other");
	make_fixture_write_text(f, "a.sfz", "\n\n<region> key=h4");
	assert_refused(f, "#include \"a.sfz\"", -EBADMSG, "kit.sfz: a.sfz: line 3: key: 'h4' isn't a key");
	make_fixture_write_text(f, "a.sfz", "#include \"b.sfz\"");
	make_fixture_write_text(f, "b.sfz", "#include \"a.sfz\"");
	assert_refused(f, "#include \"a.sfz\"", -EBADMSG,
			"kit.sfz: a.sfz: line 1: #include: more than 16 within each other");
	/* not endless, but far too much: 2^13 times */
	make_fixture_write_text(f, "a.sfz", "// a");
	for (int i = 14; i >= 0; i--) {
		char name[8], text[64];

		snprintf(name, sizeof(name), "%d", i);
		if (i == 14)
			strcpy(text, "#include \"a.sfz\" #include \"a.sfz\"");
		else
			snprintf(text, sizeof(text), "#include \"%d\" #include \"%d\"", i + 1, i + 1);
		make_fixture_write_text(f, name, text);
	}
	make_fixture_write_text(f, "kit.sfz", "#include \"2\"");
	assert_null(sfz_read_file(f, "kit.sfz"));
	assert_non_null(strstr(f->make.error.message, "#include: more than 1000"));
}

#define test(name)	cmocka_unit_test_setup_teardown(name, make_fixture_setup, make_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(a_region_has_the_formats_defaults),
		test(opcodes_are_followed),
		test(keys_have_numbers_and_names),
		test(a_key_centre_beside_a_key_stands_whatever_their_order),
		test(headers_inherit_from_those_above),
		test(values_end_where_the_next_thing_begins),
		test(paths_are_relative_to_the_instrument),
		test(variables_stand_for_their_values),
		test(what_is_not_followed_is_named_once),
		test(there_is_an_end_to_naming),
		test(texts_are_included),
		test(includes_stay_below_the_folder_and_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
