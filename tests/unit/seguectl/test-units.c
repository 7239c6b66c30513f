/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "units.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <spa/utils/defs.h>

static void numbers_with_units_become_linear_and_si(void **state)
{
	static const struct {
		enum segue_unit unit;
		const char *text;
		double expected;
	} cases[] = {
		{ SEGUE_UNIT_GAIN, "0.5", 0.5 },
		{ SEGUE_UNIT_GAIN, "80%", 0.8 },
		{ SEGUE_UNIT_GAIN, "0dB", 1.0 },
		{ SEGUE_UNIT_GAIN, "-20dB", 0.1 },
		{ SEGUE_UNIT_GAIN, "+20 db", 10.0 },
		{ SEGUE_UNIT_TIME, "2", 2.0 },
		{ SEGUE_UNIT_TIME, "1.5s", 1.5 },
		{ SEGUE_UNIT_TIME, "50ms", 0.05 },
		{ SEGUE_UNIT_TIME, "250 us", 250e-6 },
		{ SEGUE_UNIT_TIME, "2min", 120.0 },
		{ SEGUE_UNIT_FREQUENCY, "440", 440.0 },
		{ SEGUE_UNIT_FREQUENCY, "440Hz", 440.0 },
		{ SEGUE_UNIT_FREQUENCY, "1.2kHz", 1200.0 },
		{ SEGUE_UNIT_NUMBER, "-3", -3.0 },
	};

	for (size_t i = 0; i < SPA_N_ELEMENTS(cases); i++) {
		struct segue_quantity q = { 0 };

		assert_int_equal(segue_unit_parse(cases[i].unit, cases[i].text, &q), 0);
		assert_int_equal(q.type, 'd');
		assert_true(fabs(q.d - cases[i].expected) <= 1e-12 * fabs(cases[i].expected));
	}
}

static void what_is_no_such_value_is_refused_and_leaves_the_result_alone(void **state)
{
	static const struct {
		enum segue_unit unit;
		const char *text;
	} cases[] = {
		{ SEGUE_UNIT_GAIN, "" },
		{ SEGUE_UNIT_GAIN, "loud" },
		{ SEGUE_UNIT_GAIN, "50ms" },
		{ SEGUE_UNIT_GAIN, "6dBx" },
		{ SEGUE_UNIT_GAIN, "nan" },
		{ SEGUE_UNIT_GAIN, "inf" },
		{ SEGUE_UNIT_GAIN, "1e9dB" },
		{ SEGUE_UNIT_TIME, "-6dB" },
		{ SEGUE_UNIT_TIME, "80%" },
		{ SEGUE_UNIT_TIME, "1e308min" },
		{ SEGUE_UNIT_FREQUENCY, "1s" },
		{ SEGUE_UNIT_NUMBER, "1Hz" },
		{ SEGUE_UNIT_COUNT, "-1" },
		{ SEGUE_UNIT_COUNT, " 1" },
		{ SEGUE_UNIT_COUNT, "1.5" },
		{ SEGUE_UNIT_COUNT, "99999999999999999999" },
		{ SEGUE_UNIT_BOOL, "maybe" },
		{ SEGUE_UNIT_BOOL, "2" },
	};

	for (size_t i = 0; i < SPA_N_ELEMENTS(cases); i++) {
		struct segue_quantity q = { .type = '?' };

		assert_int_equal(segue_unit_parse(cases[i].unit, cases[i].text, &q), -EINVAL);
		assert_int_equal(q.type, '?');
	}
}

static void words_for_on_and_off_are_bools(void **state)
{
	static const char *const on[] = { "on", "ON", "true", "yes", "1" };
	static const char *const off[] = { "off", "false", "No", "0" };
	struct segue_quantity q;

	for (size_t i = 0; i < SPA_N_ELEMENTS(on); i++) {
		assert_int_equal(segue_unit_parse(SEGUE_UNIT_BOOL, on[i], &q), 0);
		assert_true(q.type == 'b' && q.b);
	}
	for (size_t i = 0; i < SPA_N_ELEMENTS(off); i++) {
		assert_int_equal(segue_unit_parse(SEGUE_UNIT_BOOL, off[i], &q), 0);
		assert_true(q.type == 'b' && !q.b);
	}
}

static void counts_reach_the_largest_position(void **state)
{
	struct segue_quantity q;

	assert_int_equal(segue_unit_parse(SEGUE_UNIT_COUNT, "18446744073709551615", &q), 0);
	assert_true(q.type == 't' && q.t == UINT64_MAX);
}

static void keys_are_numbers_or_names_around_middle_c(void **state)
{
	static const struct {
		const char *text;
		int expected;
	} cases[] = {
		{ "0", 0 }, { "60", 60 }, { "127", 127 }, { "007", 7 },
		{ "C4", 60 }, { "c4", 60 }, { "A4", 69 }, { "b4", 71 }, { "F#3", 54 }, { "Bb2", 46 }, { "bb2", 46 },
		{ "Cb4", 59 }, { "B#3", 60 }, { "Abb4", 67 }, { "f##4", 67 },
		{ "C-1", 0 }, { "C#-1", 1 }, { "B#-2", 0 }, { "G9", 127 }, { "Abb9", 127 },
	};

	for (size_t i = 0; i < SPA_N_ELEMENTS(cases); i++)
		assert_int_equal(segue_parse_key(cases[i].text), cases[i].expected);
}

static void a_key_is_a_whole_number_on_the_bus(void **state)
{
	struct segue_quantity q = { .type = '?' };

	assert_int_equal(segue_unit_parse(SEGUE_UNIT_KEY, "H4", &q), -EINVAL);
	assert_int_equal(q.type, '?');
	assert_int_equal(segue_unit_parse(SEGUE_UNIT_KEY, "F#3", &q), 0);
	assert_true(q.type == 't' && q.t == 54);
}

static void what_is_no_key_is_refused(void **state)
{
	static const char *const texts[] = {
		"", " 60", "60 ", "128", "-1", "1.5", "0x3c", "99999999999999999999", "18446744073709551676",
		"C", "#4", "H4", "C4 ", " C4", "C 4", "C4.5", "C--1", "C+4", "C-", "C4x", "do4",
		"Cb-1", "C-2", "G#9", "A9", "C10", "C99999999999999999999", "C-99999999999999999999",
		"C357913945", "\xc3\xa9",
	};

	for (size_t i = 0; i < SPA_N_ELEMENTS(texts); i++)
		assert_int_equal(segue_parse_key(texts[i]), -EINVAL);
}

static void values_are_written_as_people_read_them(void **state)
{
	char buf[32];

	assert_string_equal(segue_format_gain(buf, sizeof(buf), 0.1), "-20.0 dB");
	assert_string_equal(segue_format_gain(buf, sizeof(buf), 0.0), "-inf dB");
	assert_string_equal(segue_format_db(buf, sizeof(buf), -3.14), "-3.1 dB");
	assert_string_equal(segue_format_db(buf, sizeof(buf), -0.04), "0.0 dB");
	assert_string_equal(segue_format_db(buf, sizeof(buf), -0.06), "-0.1 dB");
	assert_string_equal(segue_format_time(buf, sizeof(buf), 0.0), "0 s");
	assert_string_equal(segue_format_time(buf, sizeof(buf), 0.02), "20 ms");
	assert_string_equal(segue_format_time(buf, sizeof(buf), 12.5e-6), "12.5 us");
	assert_string_equal(segue_format_time(buf, sizeof(buf), 1.5), "1.5 s");
	assert_string_equal(segue_format_time(buf, sizeof(buf), 125.0), "2:05");
	assert_string_equal(segue_format_bytes(buf, sizeof(buf), 1023), "1023");
	assert_string_equal(segue_format_bytes(buf, sizeof(buf), 1536), "1.5K");
	assert_string_equal(segue_format_bytes(buf, sizeof(buf), 1048575), "1.0M");
	assert_string_equal(segue_format_bytes(buf, sizeof(buf), UINT64_C(12) << 30), "12G");
}

static void times_and_frequencies_do_not_round_to_the_wrong_unit(void **state)
{
	char buf[32];

	assert_string_equal(segue_format_time(buf, sizeof(buf), 0.9999), "1 s");
	assert_string_equal(segue_format_time(buf, sizeof(buf), 59.99), "1:00");
	assert_string_equal(segue_format_time(buf, sizeof(buf), 59.5), "59.5 s");
	assert_string_equal(segue_format_time(buf, sizeof(buf), 0.9999e-3), "1 ms");
	assert_string_equal(segue_format_frequency(buf, sizeof(buf), 999.4), "999 Hz");
	assert_string_equal(segue_format_frequency(buf, sizeof(buf), 999.6), "1 kHz");
	assert_string_equal(segue_format_frequency(buf, sizeof(buf), 12345.0), "12.3 kHz");
}

static void numbers_read_back_as_they_were_with_few_digits(void **state)
{
	static const double numbers[] = { 0.1, 1.0 / 3.0, 1e-300, 123456789.0, (float)0.2f, 440.0 };
	char buf[32];

	for (size_t i = 0; i < SPA_N_ELEMENTS(numbers); i++)
		assert_true(strtod(segue_format_number(buf, sizeof(buf), numbers[i]), NULL) == numbers[i]);
	assert_string_equal(segue_format_number(buf, sizeof(buf), 0.1), "0.1");
	assert_string_equal(segue_format_number(buf, sizeof(buf), 440.0), "440");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_with_units_become_linear_and_si),
		cmocka_unit_test(what_is_no_such_value_is_refused_and_leaves_the_result_alone),
		cmocka_unit_test(words_for_on_and_off_are_bools),
		cmocka_unit_test(counts_reach_the_largest_position),
		cmocka_unit_test(keys_are_numbers_or_names_around_middle_c),
		cmocka_unit_test(a_key_is_a_whole_number_on_the_bus),
		cmocka_unit_test(what_is_no_key_is_refused),
		cmocka_unit_test(values_are_written_as_people_read_them),
		cmocka_unit_test(times_and_frequencies_do_not_round_to_the_wrong_unit),
		cmocka_unit_test(numbers_read_back_as_they_were_with_few_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
