/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "make/sfz.h"

#include "make-fixture.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <spa/utils/defs.h>
#include <spa/utils/string.h>

static void write_text(struct make_fixture *f, const char *name, const char *text)
{
	make_fixture_write(f, name, text, strlen(text));
}

static struct segue_sfz *read_file(struct make_fixture *f, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	f->make.name = "kit.sfz";
	return segue_sfz_read(&f->make, path, NULL);
}

static struct segue_sfz *read_text(struct make_fixture *f, const char *text)
{
	struct segue_sfz *sfz;

	write_text(f, "kit.sfz", text);
	if ((sfz = read_file(f, "kit.sfz")) == NULL)
		fail_msg("'%.60s': %s", text, f->make.error.message);
	/* nothing of it is kept in counted memory */
	assert_int_equal(make_fixture_bytes(f), 0);
	return sfz;
}

static void assert_refused(struct make_fixture *f, const char *text, int res, const char *message)
{
	write_text(f, "kit.sfz", text);
	f->make.error = (struct segue_error) { 0 };
	if (read_file(f, "kit.sfz") != NULL)
		fail_msg("'%.60s' is accepted", text);
	assert_string_equal(f->make.error.message, message);
	assert_int_equal(f->make.error.res, res);
	assert_int_equal(make_fixture_bytes(f), 0);
}

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
	struct segue_sfz *sfz = read_text(*state, "<region> sample=piano C4.wav");
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
	struct segue_sfz *sfz = read_text(*state,
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
		sfz = read_text(*state, text);
		assert_int_equal(sfz->regions[0].region.key_low, cases[i].key);
		assert_int_equal(sfz->regions[0].region.key_high, cases[i].key);
		assert_true(sfz->regions[0].center == cases[i].key);
		segue_sfz_free(sfz);
	}
}

static void a_key_centre_beside_a_key_stands_whatever_their_order(void **state)
{
	struct segue_sfz *sfz = read_text(*state,
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
	struct segue_sfz *sfz = read_text(*state,
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
	struct segue_sfz *sfz = read_text(*state,
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
	struct segue_sfz *sfz = read_text(f,
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
	struct segue_sfz *sfz = read_text(*state,
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
	struct segue_sfz *sfz = read_text(*state,
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
	sfz = read_text(*state, text);
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

	write_text(f, "hats.sfz", "<region> key=$hat sample=hat.wav");
	write_text(f, "names.txt", "#define $hat 42\n");
	sfz = read_text(f, "#include \"names.txt\"\n<group> volume=-3 #include \"./hats.sfz\" hivel=3\n"
			"#define $x hats\n#include \"$x.sfz\"");
	assert_int_equal(sfz->n_regions, 2);
	assert_int_equal(sfz->regions[0].region.key_low, 42);
	assert_int_equal(sfz->regions[0].region.velocity_high, 3);
	assert_int_equal(sfz->regions[1].region.velocity_high, 127);
	assert_true(sfz->regions[1].region.gain < 0.71f);
	identity = strdup(sfz->identity);
	segue_sfz_free(sfz);
	/* all of them make it what it is */
	write_text(f, "names.txt", "#define $hat  42\n");
	sfz = read_file(f, "kit.sfz");
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
	write_text(f, "a.sfz", "\n\n<region> key=h4");
	assert_refused(f, "#include \"a.sfz\"", -EBADMSG, "kit.sfz: a.sfz: line 3: key: 'h4' isn't a key");
	write_text(f, "a.sfz", "#include \"b.sfz\"");
	write_text(f, "b.sfz", "#include \"a.sfz\"");
	assert_refused(f, "#include \"a.sfz\"", -EBADMSG,
			"kit.sfz: a.sfz: line 1: #include: more than 16 within each other");
	/* not endless, but far too much: 2^13 times */
	write_text(f, "a.sfz", "// a");
	for (int i = 14; i >= 0; i--) {
		char name[8], text[64];

		snprintf(name, sizeof(name), "%d", i);
		if (i == 14)
			strcpy(text, "#include \"a.sfz\" #include \"a.sfz\"");
		else
			snprintf(text, sizeof(text), "#include \"%d\" #include \"%d\"", i + 1, i + 1);
		write_text(f, name, text);
	}
	write_text(f, "kit.sfz", "#include \"2\"");
	assert_null(read_file(f, "kit.sfz"));
	assert_non_null(strstr(f->make.error.message, "#include: more than 1000"));
}

/* ---- what is wrong */

static void what_is_malformed_is_named(void **state)
{
	static const struct { const char *text, *message; } cases[] = {
		{ "<region> sample=a.wav\nlokey=x9", "line 2: lokey: 'x9' isn't a key" },
		{ "<region> lokey=", "line 1: lokey: '' isn't a number" },
		{ "<region>\n\r\nhikey=128", "line 3: hikey: 128 is not in -1..127" },
		{ "<region> key=60.5", "line 1: key: 60.5 is not a whole number" },
		{ "<region> key=c10", "line 1: key: 'c10' isn't a key" },
		{ "<region> key=g#9", "line 1: key: 'g#9' isn't a key" },
		{ "<region> key=c", "line 1: key: 'c' isn't a key" },
		{ "<region> key=c##4", "line 1: key: 'c##4' isn't a key" },
		{ "<region> key=36 37", "line 1: key: '36 37' isn't a number" },
		{ "<region> volume=1e999", "line 1: volume: '1e999' isn't a number" },
		{ "<region> volume=loud", "line 1: volume: 'loud' isn't a number" },
		{ "<region> volume=0x10", "line 1: volume: '0x10' isn't a number" },
		{ "<region> volume=nan", "line 1: volume: nan is not in -144..48" },
		{ "<region> volume=-inf", "line 1: volume: -inf is not in -144..48" },
		{ "<region> pan=-100.1", "line 1: pan: -100.1 is not in -100..100" },
		{ "<region> tune=99999999999999999999", "line 1: tune: 99999999999999999999 is not in -9600..9600" },
		{ "<region> offset=-1", "line 1: offset: -1 is not in 0..4294967295" },
		{ "<region> end=-2", "line 1: end: -2 is not in -1..4294967295" },
		{ "<region> group=4294967296", "line 1: group: 4294967296 is not in -2147483648..4294967295" },
		{ "<region> loop_mode=pingpong", "line 1: loop_mode: 'pingpong' isn't known" },
		{ "<region> loop_mode=", "line 1: loop_mode: '' isn't known" },
		{ "<region> trigger=later", "line 1: trigger: 'later' isn't known" },
		{ "<region> pitch_keycenter=-1", "line 1: pitch_keycenter: -1 is not in 0..127" },
		{ "<region> sample=", "line 1: sample: no file is named" },
		{ "<region> sample= <group>", "line 1: sample: no file is named" },
		{ "<region>\nsample", "line 2: 'sample' is no opcode" },
		{ "<region>\n=3", "line 2: '=3' is no opcode" },
		{ "<region>\nkey =3", "line 2: 'key =3' is no opcode" },
		{ "RIFF\x01\x02\xff\xc3\xa4", "line 1: 'RIFF???\xc3\xa4' is no opcode" },
		{ "#define $x a-b <region> $x=3", "line 1: 'a-b' is no opcode" },
		{ "#define x 3", "line 1: #define: a name that begins with $ is needed" },
		{ "#define $ 3", "line 1: #define: a name that begins with $ is needed" },
		{ "#defines", "line 1: #define: a name that begins with $ is needed" },
		{ "#pragma", "line 1: '#pragma' is no opcode" },
		{ "<region", "line 1: a header isn't <name>" },
		{ "<>", "line 1: a header isn't <name>" },
		{ "<re gion>", "line 1: a header isn't <name>" },
		{ "<region_that_is_longer_than_any_header>", "line 1: a header isn't <name>" },
		{ "a=1\n\n/* <region>\n", "line 3: a comment doesn't end" },
		{ "/*/", "line 1: a comment doesn't end" },
		{ "/", "line 1: '/' is no opcode" },
		{ " \n", "has no regions" },
		{ "<group> sample=a.wav", "has no regions" },
		{ "<region> sample=a.wav trigger=release",
			"has no region that can be played (not followed: trigger=release)" },
	};

	for (size_t i = 0; i < SPA_N_ELEMENTS(cases); i++) {
		char message[256];

		snprintf(message, sizeof(message), "kit.sfz: %s", cases[i].message);
		assert_refused(*state, cases[i].text, -EBADMSG, message);
	}
}

static void what_is_no_text_is_refused(void **state)
{
	struct make_fixture *f = *state;
	char path[64];

	make_fixture_write(f, "kit.sfz", "", 0);
	assert_null(read_file(f, "kit.sfz"));
	assert_string_equal(f->make.error.message, "kit.sfz: is empty");
	make_fixture_write(f, "kit.sfz", "<region>\0 sample=a.wav", 22);
	assert_null(read_file(f, "kit.sfz"));
	assert_string_equal(f->make.error.message, "kit.sfz: not an SFZ file");
	assert_int_equal(f->make.error.res, -EBADMSG);
	assert_null(read_file(f, "none.sfz"));
	assert_int_equal(f->make.error.res, -ENOENT);
	snprintf(path, sizeof(path), "%s/dir.sfz", f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_null(read_file(f, "dir.sfz"));
	assert_string_equal(f->make.error.message, "kit.sfz: is a directory");
}

/* before, then what n times, then after; freed by the caller */
static char *repeat(const char *before, const char *what, uint32_t n, const char *after)
{
	char *text = malloc(strlen(before) + n * strlen(what) + strlen(after) + 1), *p = stpcpy(text, before);

	while (n-- > 0)
		p = stpcpy(p, what);
	strcpy(p, after);
	return text;
}

static void long_values_are_cut_between_characters(void **state)
{
	static const char *const characters[] = { "x", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9d\x84\x9e", "\xa4" };
	struct make_fixture *f = *state;

	for (size_t i = 0; i < SPA_N_ELEMENTS(characters); i++) {
		for (uint32_t shift = 0; shift < 4; shift++) {
			char *text = repeat("", "y", shift, ""), *value = repeat(text, characters[i], 200, ""), *line, *at;

			line = repeat("<region> pan=", value, 1, "");
			write_text(f, "kit.sfz", line);
			assert_null(read_file(f, "kit.sfz"));
			/* a whole number of them, or of what stands for them */
			at = strstr(f->make.error.message, "pan: '") + 6 + shift;
			assert_non_null(strstr(at, "...' isn't a number"));
			assert_int_equal(strcspn(at, ".") % strlen(characters[i]), 0);
			assert_true(i == 4 ? *at == '?' : memcmp(at, characters[i], strlen(characters[i])) == 0);
			free(text);
			free(value);
			free(line);
		}
	}
}

static void there_are_limits(void **state)
{
	struct make_fixture *f = *state;
	struct segue_sfz *sfz;
	char *text;

	text = repeat("<group> sample=a.wav ", "<region>", SEGUE_REGIONS_MAX, "");
	sfz = read_text(f, text);
	assert_int_equal(sfz->n_regions, SEGUE_REGIONS_MAX);
	segue_sfz_free(sfz);
	free(text);
	text = repeat("<group> sample=a.wav\n", "<region>", SEGUE_REGIONS_MAX + 1, "");
	assert_refused(f, text, -EDQUOT, "kit.sfz: line 2: more than 4096 regions");
	free(text);

	text = repeat("<region> sample=a.wav\n", "// 45678\n", SEGUE_SFZ_TEXT_MAX / 9 - 4, "");
	segue_sfz_free(read_text(f, text));
	free(text);
	text = repeat("", " ", SEGUE_SFZ_TEXT_MAX + 1, "");
	assert_refused(f, text, -EFBIG, "kit.sfz: more than 4 MiB of text");
	free(text);
	/* one text included again and again counts each time */
	text = repeat("", " ", SEGUE_SFZ_TEXT_MAX / 4, "");
	write_text(f, "a.sfz", text);
	free(text);
	assert_refused(f, "#include \"a.sfz\"\n#include \"a.sfz\"\n#include \"a.sfz\"\n#include \"a.sfz\"\n", -EFBIG,
			"kit.sfz: a.sfz: more than 4 MiB of text");

	text = repeat("<region> sample=", "x", PATH_MAX - 1 - strlen(f->dir) - 1, "");
	segue_sfz_free(read_text(f, text));
	free(text);
	text = repeat("<region> sample=", "x", PATH_MAX - strlen(f->dir) - 1, "");
	assert_refused(f, text, -EBADMSG, "kit.sfz: line 1: a path of more than 4095 bytes");
	free(text);
	text = repeat("<region> sample=", "x", PATH_MAX, "");
	assert_refused(f, text, -EBADMSG, "kit.sfz: line 1: a text of more than 4095 bytes");
	free(text);
	text = repeat("<control> default_path=", "x", PATH_MAX - 1, "<region> sample=x");
	assert_refused(f, text, -EBADMSG, "kit.sfz: line 1: sample: a path of more than 4095 bytes");
	free(text);
	text = repeat("<region> ", "x", 256, "=1");
	assert_refused(f, text, -EBADMSG, "kit.sfz: line 1: a text of more than 255 bytes");
	free(text);
	/* each twice as long as the one before */
	text = repeat("#define $a 0123456789", "\n#define $a $a$a", 10, "");
	assert_refused(f, text, -EBADMSG, "kit.sfz: line 10: a text of more than 4095 bytes");
	free(text);
	text = malloc(100000);
	text[0] = '\0';
	for (uint32_t i = 0, used = 0; i < 2049; i++)
		used += sprintf(text + used, "#define $v%u 1\n", i);
	assert_refused(f, text, -EBADMSG, "kit.sfz: line 2049: #define: more than 2048 names");
	free(text);
}

static void a_budget_too_small_for_the_text_is_an_error(void **state)
{
	struct make_fixture *f = *state;

	segue_memory_set_max(f->memory, 10);
	write_text(f, "kit.sfz", "<region> sample=a.wav");
	assert_null(read_file(f, "kit.sfz"));
	assert_int_equal(f->make.error.res, -EDQUOT);
}

static int refuse_b(void *data, const char *path, struct segue_error *error)
{
	uint32_t *n = data;

	(*n)++;
	assert_null(strstr(path, ".."));
	assert_null(strstr(path, "//"));
	assert_true(path[0] == '/');
	return strstr(path, "/b.wav") != NULL ? segue_error_set(error, -EACCES, "%s: no", path) : 0;
}

static void every_samples_path_is_checked(void **state)
{
	struct make_fixture *f = *state;
	uint32_t n = 0;
	struct segue_path_check check = { refuse_b, &n };
	struct segue_sfz *sfz;

	write_text(f, "kit.sfz", "<region> sample=x/../../../tmp/././a.wav\n<region> sample=*sine");
	sfz = segue_sfz_read(&f->make, f->path, &check);
	assert_non_null(sfz);
	assert_int_equal(n, 1);
	segue_sfz_free(sfz);
	write_text(f, "kit.sfz", "<region> sample=a.wav\n<group>\nsample=/x/../b.wav");
	assert_null(segue_sfz_read(&f->make, f->path, &check));
	assert_int_equal(f->make.error.res, -EACCES);
	assert_string_equal(f->make.error.message, "thing: line 3: sample: /b.wav: no");
}

/* ---- anything at all */

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Whatever is read is refused with a message or has regions; the sanitizers see to the rest. */
static void assert_ends_well(struct make_fixture *f, const char *bytes, size_t size)
{
	struct segue_sfz *sfz;

	make_fixture_write(f, "kit.sfz", bytes, size);
	f->make.error = (struct segue_error) { 0 };
	sfz = read_file(f, "kit.sfz");
	assert_int_equal(make_fixture_bytes(f), 0);
	if (sfz == NULL) {
		assert_true(f->make.error.res < 0);
		assert_memory_equal(f->make.error.message, "kit.sfz: ", 9);
		return;
	}
	assert_true(sfz->n_regions > 0 && sfz->n_files > 0);
	for (uint32_t i = 0; i < sfz->n_regions; i++) {
		const struct segue_sfz_region *r = &sfz->regions[i];

		assert_true(r->file < sfz->n_files);
		assert_true(r->region.key_high <= 127 && r->region.velocity_high <= 127);
		assert_true(isfinite(r->region.gain) && fabsf(r->region.pan) <= 1.0f);
	}
	segue_sfz_free(sfz);
}

static const char *const seeds[] = {
	("<control>default_path=a\\b/ <global>key=c4 volume=-3<master>tune=5\n<group>lokey=c#1 hikey=60 // x\n"
		"<region>sample=a b.wav loop_mode=one_shot /* x */ offset=5 end=10 <region> sample=../c.wav trigger=release"),
	"#define $A 36\n#define $B $A.wav\n#include \"inc.sfz\"\n<region> key=$A sample=$B ampeg_release=0.5 pan=-100\n",
	"<region> sample=x.wav loop_start=1 loop_end=2 group=-1 off_by=3 seq_position=1 lorand=0 sw_last=c2 sw_default=24",
};

static void text_changed_at_random_ends_well(void **state)
{
	static const char alphabet[] = "<>=$#\"/*\\\n\r\t .c#-0169eregion$Ainclude\x80\xff\x01";
	struct make_fixture *f = *state;
	uint64_t seed = 88172645463325252u;
	char text[1024];

	write_text(f, "inc.sfz", "<region> sample=i.wav #include \"inc2.sfz\" key=$A");
	write_text(f, "inc2.sfz", "lovel=$A #define $A 5");
	for (uint32_t i = 0; i < 4000; i++) {
		const char *from = seeds[next_random(&seed) % SPA_N_ELEMENTS(seeds)];
		size_t size = strlen(from);

		memcpy(text, from, size + 1);
		for (uint64_t n = next_random(&seed) % 12; n > 0 && size > 1; n--) {
			size_t at = next_random(&seed) % size, to = next_random(&seed) % size;
			size_t length = SPA_MIN(next_random(&seed) % 16, size - SPA_MAX(at, to));

			switch (next_random(&seed) % 5) {
			case 0:
				text[at] = alphabet[next_random(&seed) % (sizeof(alphabet) - 1)];
				break;
			case 1:	/* cut short */
				if (next_random(&seed) % 4 == 0)
					size = at;
				break;
			case 2:
				memmove(text + at, text + to, length);
				break;
			case 3:	/* without some */
				memmove(text + at, text + at + length, size - at - length);
				size -= length;
				break;
			case 4:	/* twice */
				if (size + length < sizeof(text)) {
					memmove(text + at + length, text + at, size - at);
					size += length;
				}
				break;
			}
		}
		assert_ends_well(f, text, size);
	}
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
		test(what_is_malformed_is_named),
		test(what_is_no_text_is_refused),
		test(long_values_are_cut_between_characters),
		test(there_are_limits),
		test(a_budget_too_small_for_the_text_is_an_error),
		test(every_samples_path_is_checked),
		test(text_changed_at_random_ends_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
