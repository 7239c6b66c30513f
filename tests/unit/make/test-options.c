/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <spa/utils/defs.h>

#define LOAD	SEGUE_OPTIONS_LOAD
#define IMPORT	(SEGUE_OPTIONS_LOAD | SEGUE_OPTIONS_IMPORT)
#define WAVE	SEGUE_OPTIONS_WAVE
#define KEEP	SEGUE_OPTIONS_KEEP
#define SWAP	SEGUE_OPTIONS_SWAP

#define I(value) { .type = SEGUE_VALUE_INT, .i = (value) }
#define D(value) { .type = SEGUE_VALUE_DOUBLE, .d = (value) }
#define S(value) { .type = SEGUE_VALUE_STRING, .s = (value) }
#define B(value) { .type = SEGUE_VALUE_BOOL, .b = (value) }

static int set(struct segue_options *options, uint32_t groups, const char *key, struct segue_value value)
{
	struct segue_error error = { 0 };
	int res = segue_options_set(options, groups, key, &value, &error);

	if (res < 0)
		print_error("%s\n", error.message);
	return res;
}

static void every_option_sets_its_field_from_any_numeric_type(void **state)
{
	struct segue_options o = SEGUE_OPTIONS_INIT;

	assert_int_equal(set(&o, LOAD, "kind", (struct segue_value)S("table")), 0);
	assert_int_equal(o.kind, SEGUE_KIND_TABLE);
	assert_int_equal(set(&o, LOAD, "kind", (struct segue_value)S("response")), 0);
	assert_int_equal(o.kind, SEGUE_KIND_RESPONSE);
	assert_int_equal(set(&o, LOAD, "rootkey", (struct segue_value)I(127)), 0);
	assert_int_equal(o.root_key, 127);
	assert_int_equal(set(&o, LOAD, "rootkey", (struct segue_value)D(69.0)), 0);
	assert_int_equal(o.root_key, 69);
	assert_int_equal(set(&o, LOAD, "loop", (struct segue_value)S("file")), 0);
	assert_int_equal(o.loop, SEGUE_LOOP_OPTION_FILE);
	assert_int_equal(set(&o, LOAD, "gain", (struct segue_value)I(-2)), 0);
	assert_true(o.gain == -2.0);
	assert_int_equal(set(&o, LOAD, "normalize", (struct segue_value)S("energy")), 0);
	assert_int_equal(o.normalize, SEGUE_NORMALIZE_ENERGY);
	assert_int_equal(set(&o, LOAD, "delay", (struct segue_value)D(0.25)), 0);
	assert_int_equal(set(&o, LOAD, "offset", (struct segue_value)I(3)), 0);
	assert_int_equal(set(&o, LOAD, "length", (struct segue_value)D(1.5)), 0);
	assert_true(o.delay == 0.25 && o.offset == 3.0 && o.length == 1.5);
	assert_int_equal(set(&o, LOAD, "label", (struct segue_value)S("a hall")), 0);
	assert_string_equal(o.label, "a hall");
	assert_int_equal(set(&o, KEEP, "keep", (struct segue_value)B(true)), 0);
	assert_true(o.keep);

	assert_int_equal(set(&o, IMPORT, "rate", (struct segue_value)I(44100)), 0);
	assert_int_equal(o.import_rate, 44100);
	assert_int_equal(set(&o, IMPORT, "interleaved", (struct segue_value)B(false)), 0);
	assert_false(o.interleaved);

	assert_int_equal(set(&o, WAVE, "gain", (struct segue_value)D(0.5)), 0);
	assert_true(o.gain == 0.5);
	assert_int_equal(set(&o, WAVE, "seconds", (struct segue_value)I(2)), 0);
	assert_int_equal(set(&o, WAVE, "from", (struct segue_value)D(30.5)), 0);
	assert_int_equal(set(&o, WAVE, "to", (struct segue_value)I(300)), 0);
	assert_int_equal(set(&o, WAVE, "seed", (struct segue_value)I(1ll << 40)), 0);
	assert_true(o.seconds == 2.0 && o.from == 30.5 && o.to == 300.0 && o.seed == 1ull << 40);

	assert_int_equal(set(&o, SWAP, "fade", (struct segue_value)I(0)), 0);
	assert_true(o.fade == 0.0);
	assert_false(o.has_at || o.has_after);
	assert_int_equal(set(&o, SWAP, "at", (struct segue_value)I(9007199254740991)), 0);
	assert_true(o.has_at && o.at == 9007199254740991u);
	assert_int_equal(set(&o, SWAP, "after", (struct segue_value)D(0.125)), 0);
	assert_true(o.has_after && o.after == 0.125);
	assert_int_equal(set(&o, SWAP, "late", (struct segue_value)B(true)), 0);
	assert_int_equal(set(&o, SWAP, "wait", (struct segue_value)B(true)), 0);
	assert_true(o.late && o.wait);
}

static void channels_are_a_list_for_a_load_and_a_count_for_an_import(void **state)
{
	struct segue_options o = SEGUE_OPTIONS_INIT;
	static const uint32_t list[] = { 3, 0, 63 };
	struct segue_value value = { .type = SEGUE_VALUE_UINTS, .u = { list, 3 } };

	assert_int_equal(set(&o, LOAD, "channels", value), 0);
	assert_int_equal(o.n_channels, 3);
	assert_memory_equal(o.channels, list, sizeof(list));
	assert_int_equal(set(&o, LOAD, "channels", (struct segue_value)I(1)), 0);
	assert_int_equal(o.n_channels, 1);
	assert_int_equal(o.channels[0], 1);
	assert_int_equal(set(&o, IMPORT, "channels", (struct segue_value)I(2)), 0);
	assert_int_equal(o.import_channels, 2);
	assert_int_equal(o.n_channels, 1);
}

static void a_wrong_value_is_refused_by_name_and_changes_nothing(void **state)
{
	static const uint32_t none[1], far[] = { 0, 64 };
	static const struct { uint32_t groups; const char *key; struct segue_value value; const char *message; } cases[] = {
		{ SWAP, "fadde", D(1), "no such option 'fadde' (fade, at, after, late, wait)" },
		{ SWAP, "gain", D(1), "no such option 'gain' (fade, at, after, late, wait)" },
		{ WAVE, "rate", I(48000), "no such option 'rate' (gain, seconds, from, to, seed, label)" },
		{ LOAD, "rate", I(48000), "no such option 'rate' (kind, rootkey, loop, gain, normalize, channels, "
			"delay, offset, length, label)" },
		{ IMPORT, "", I(1), "no such option '' (channels, rate, interleaved, kind, rootkey, loop, gain, "
			"normalize, delay, offset, length, label)" },
		{ SWAP, "fade", D(10.5), "fade: 10.5 is not in 0..10" },
		{ SWAP, "fade", D(-0.001), "fade: -0.001 is not in 0..10" },
		{ SWAP, "fade", D(NAN), "fade: nan is not in 0..10" },
		{ SWAP, "fade", D(INFINITY), "fade: inf is not in 0..10" },
		{ SWAP, "fade", S("1"), "fade: a number is needed" },
		{ SWAP, "at", I(-1), "at: -1 is not in 0..9007199254740992" },
		{ SWAP, "at", D(1.5), "at: a whole number is needed, not 1.5" },
		{ SWAP, "late", I(1), "late: true or false is needed" },
		{ WAVE, "gain", D(1.5), "gain: 1.5 is not in 0..1" },
		{ LOAD, "gain", D(-INFINITY), "gain: -inf is not in -1000000..1000000" },
		{ LOAD, "rootkey", I(128), "rootkey: 128 is not in 0..127" },
		{ LOAD, "rootkey", D(60.5), "rootkey: a whole number is needed, not 60.5" },
		{ LOAD, "kind", S("noise"), "kind: one of table, sample, instrument, response is needed" },
		{ LOAD, "kind", S(""), "kind: one of table, sample, instrument, response is needed" },
		{ LOAD, "loop", I(1), "loop: one of none, forward, file is needed" },
		{ LOAD, "normalize", B(true), "normalize: one of none, peak, energy is needed" },
		{ LOAD, "label", I(1), "label: a string is needed" },
		{ LOAD, "channels", { .type = SEGUE_VALUE_UINTS, .u = { none, 0 } },
			"channels: 1 to 64 are needed, not 0" },
		{ LOAD, "channels", { .type = SEGUE_VALUE_UINTS, .u = { far, 2 } }, "channels: 64 is not in 0..63" },
		{ LOAD, "channels", I(-1), "channels: -1 is not in 0..63" },
		{ LOAD, "channels", S("0"), "channels: a number is needed" },
		{ IMPORT, "channels", I(0), "channels: 0 is not in 1..64" },
		{ IMPORT, "channels", { .type = SEGUE_VALUE_UINTS, .u = { far, 2 } }, "channels: a number is needed" },
		{ IMPORT, "rate", I(999), "rate: 999 is not in 1000..768000" },
	};

	for (size_t i = 0; i < SPA_N_ELEMENTS(cases); i++) {
		struct segue_options before, after;
		struct segue_error error = { 0 };

		memset(&before, 0, sizeof(before));
		before.gain = 0.5;
		memcpy(&after, &before, sizeof(after));
		assert_int_equal(segue_options_set(&after, cases[i].groups, cases[i].key, &cases[i].value, &error),
				-EINVAL);
		assert_string_equal(error.message, cases[i].message);
		assert_int_equal(error.res, -EINVAL);
		assert_memory_equal(&before, &after, sizeof(before));
	}
}

static void a_label_has_its_longest_length(void **state)
{
	struct segue_options o = SEGUE_OPTIONS_INIT;
	char label[SEGUE_LABEL_MAX + 1] = "";
	struct segue_value value = S(label);

	memset(label, 'x', SEGUE_LABEL_MAX - 1);
	assert_int_equal(segue_options_set(&o, LOAD, "label", &value, NULL), 0);
	assert_string_equal(o.label, label);
	label[SEGUE_LABEL_MAX - 1] = 'x';
	assert_int_equal(segue_options_set(&o, LOAD, "label", &value, NULL), -EINVAL);
}

static void assert_written(const struct segue_options *options, uint32_t groups, const char *expected)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	segue_options_write(options, groups, to);
	fclose(to);
	assert_string_equal(text, expected);
	free(text);
}

static void what_is_not_as_it_is_anyway_is_written(void **state)
{
	struct segue_options o = SEGUE_OPTIONS_INIT;

	assert_written(&o, LOAD, "");
	assert_written(&o, WAVE, "");
	o.kind = SEGUE_KIND_TABLE;
	o.root_key = 0;
	o.loop = SEGUE_LOOP_OPTION_FORWARD;
	o.gain = 0.1;
	o.normalize = SEGUE_NORMALIZE_PEAK;
	o.channels[0] = 3;
	o.channels[1] = 0;
	o.n_channels = 2;
	o.delay = 1.0 / 3.0;
	o.length = 1e-7;
	strcpy(o.label, "a \"b\" \\ {");
	o.keep = true;
	o.fade = 2.0;
	assert_written(&o, LOAD, " kind = table rootkey = 0 loop = forward gain = 0.1 normalize = peak"
			" channels = [ 3 0 ] delay = 0.3333333333333333 length = 1e-07"
			" label = \"a \\\"b\\\" \\\\ {\"");
	/* it is what a convolver's loads are */
	o = SEGUE_OPTIONS_INIT;
	o.kind = SEGUE_KIND_RESPONSE;
	assert_written(&o, LOAD, "");
	o.seconds = 2.5;
	o.from = 30.0;
	o.seed = UINT64_C(9007199254740992);
	assert_written(&o, WAVE, " seconds = 2.5 from = 30 seed = 9007199254740992");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_option_sets_its_field_from_any_numeric_type),
		cmocka_unit_test(channels_are_a_list_for_a_load_and_a_count_for_an_import),
		cmocka_unit_test(a_wrong_value_is_refused_by_name_and_changes_nothing),
		cmocka_unit_test(a_label_has_its_longest_length),
		cmocka_unit_test(what_is_not_as_it_is_anyway_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
