/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "make/sfz.h"

#include "sfz-fixture.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <spa/utils/defs.h>

#include "../repeat.h"

/* What is malformed, too much or not allowed is refused, and named. */

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
		{ "\xef\xbf\xbe\xef\xbf\xbd", "line 1: '???\xef\xbf\xbd' is no opcode" },
		{ "#define $x a-b <region> $x=3", "line 1: 'a-b' is no opcode" },
		{ "#define $x //\n<region> more=1 $x=3", "line 2: '' is no opcode" },
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
	assert_null(sfz_read_file(f, "kit.sfz"));
	assert_string_equal(f->make.error.message, "kit.sfz: is empty");
	make_fixture_write(f, "kit.sfz", "<region>\0 sample=a.wav", 22);
	assert_null(sfz_read_file(f, "kit.sfz"));
	assert_string_equal(f->make.error.message, "kit.sfz: not an SFZ file");
	assert_int_equal(f->make.error.res, -EBADMSG);
	assert_null(sfz_read_file(f, "none.sfz"));
	assert_int_equal(f->make.error.res, -ENOENT);
	snprintf(path, sizeof(path), "%s/dir.sfz", f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_null(sfz_read_file(f, "dir.sfz"));
	assert_string_equal(f->make.error.message, "kit.sfz: is a directory");
}

static void long_values_are_cut_between_characters(void **state)
{
	static const char *const characters[] = { "x", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9d\x84\x9e", "\xa4" };
	struct make_fixture *f = *state;

	for (size_t i = 0; i < SPA_N_ELEMENTS(characters); i++) {
		for (uint32_t shift = 0; shift < 4; shift++) {
			char *text = repeat("", "y", shift, ""), *value = repeat(text, characters[i], 200, ""), *line, *at;

			line = repeat("<region> pan=", value, 1, "");
			make_fixture_write_text(f, "kit.sfz", line);
			assert_null(sfz_read_file(f, "kit.sfz"));
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
	sfz = sfz_read_text(f, text);
	assert_int_equal(sfz->n_regions, SEGUE_REGIONS_MAX);
	segue_sfz_free(sfz);
	free(text);
	text = repeat("<group> sample=a.wav\n", "<region>", SEGUE_REGIONS_MAX + 1, "");
	assert_refused(f, text, -EDQUOT, "kit.sfz: line 2: more than 4096 regions");
	free(text);

	text = repeat("<region> sample=a.wav\n", "// 45678\n", SEGUE_SFZ_TEXT_MAX / 9 - 4, "");
	segue_sfz_free(sfz_read_text(f, text));
	free(text);
	text = repeat("", " ", SEGUE_SFZ_TEXT_MAX + 1, "");
	assert_refused(f, text, -EFBIG, "kit.sfz: more than 4 MiB of text");
	free(text);
	/* one text included again and again counts each time */
	text = repeat("", " ", SEGUE_SFZ_TEXT_MAX / 4, "");
	make_fixture_write_text(f, "a.sfz", text);
	free(text);
	assert_refused(f, "#include \"a.sfz\"\n#include \"a.sfz\"\n#include \"a.sfz\"\n#include \"a.sfz\"\n", -EFBIG,
			"kit.sfz: a.sfz: more than 4 MiB of text");

	text = repeat("<region> sample=", "x", PATH_MAX - 1 - strlen(f->dir) - 1, "");
	segue_sfz_free(sfz_read_text(f, text));
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
	make_fixture_write_text(f, "kit.sfz", "<region> sample=a.wav");
	assert_null(sfz_read_file(f, "kit.sfz"));
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

	make_fixture_write_text(f, "kit.sfz", "<region> sample=x/../../../tmp/././a.wav\n<region> sample=*sine");
	sfz = segue_sfz_read(&f->make, f->path, &check);
	assert_non_null(sfz);
	assert_int_equal(n, 1);
	segue_sfz_free(sfz);
	make_fixture_write_text(f, "kit.sfz", "<region> sample=a.wav\n<group>\nsample=/x/../b.wav");
	assert_null(segue_sfz_read(&f->make, f->path, &check));
	assert_int_equal(f->make.error.res, -EACCES);
	assert_string_equal(f->make.error.message, "thing: line 3: sample: /b.wav: no");
}

#define test(name)	cmocka_unit_test_setup_teardown(name, make_fixture_setup, make_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(what_is_malformed_is_named),
		test(what_is_no_text_is_refused),
		test(long_values_are_cut_between_characters),
		test(there_are_limits),
		test(a_budget_too_small_for_the_text_is_an_error),
		test(every_samples_path_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
