/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "terminal.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <spa/utils/defs.h>

struct expected {
	const char *text;
	int width;
	bool right;
	const char *fitted;
};

static void check(const struct expected *cases, size_t n)
{
	char buf[64];

	for (size_t i = 0; i < n; i++)
		assert_string_equal(segue_terminal_fit(buf, sizeof(buf), cases[i].text, cases[i].width, cases[i].right),
				cases[i].fitted);
}

static void a_text_is_filled_up_or_cut_to_its_columns(void **state)
{
	static const struct expected cases[] = {
		{ "hall", 6, false, "hall  " },
		{ "hall", 6, true, "  hall" },
		{ "hall", 4, false, "hall" },
		{ "church", 4, false, "chu…" },
		{ "church", 1, true, "…" },
		{ "church", 0, false, "" },
		{ "church", -1, false, "" },
		{ "", 2, false, "  " },
	};

	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	check(cases, SPA_N_ELEMENTS(cases));
}

static void columns_are_counted_rather_than_bytes(void **state)
{
	static const struct expected cases[] = {
		{ "Möhre", 6, false, "Möhre " },
		{ "音楽", 5, true, " 音楽" },
		{ "音楽", 3, false, "音…" },
		/* half of a wide sign can't be shown */
		{ "音楽", 2, false, "… " },
		{ "e\u0301te\u0301", 3, false, "e\u0301te\u0301" },
	};

	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	check(cases, SPA_N_ELEMENTS(cases));
}

static void what_would_upset_a_terminal_is_left_out(void **state)
{
	static const struct expected cases[] = {
		{ "a\033[31mb", 8, false, "a?[31mb " },
		{ "a\nb", 3, false, "a?b" },
		{ "caf\xe9", 5, false, "caf? " },
	};
	char buf[64];

	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	check(cases, SPA_N_ELEMENTS(cases));
	assert_string_equal(segue_terminal_clean(buf, sizeof(buf), "\033[31m Möhre\302\233"), "?[31m Möhre?");
}

static void without_utf8_a_cut_is_ascii(void **state)
{
	static const struct expected cases[] = { { "church", 4, false, "chu." } };

	assert_non_null(setlocale(LC_CTYPE, "C"));
	assert_false(segue_terminal_has_utf8());
	check(cases, SPA_N_ELEMENTS(cases));
}

static void colours_are_used_unless_they_are_unwanted(void **state)
{
	unsetenv("NO_COLOR");
	assert_true(segue_terminal_wants_colour());
	setenv("NO_COLOR", "", true);
	assert_true(segue_terminal_wants_colour());
	setenv("NO_COLOR", "0", true);
	assert_false(segue_terminal_wants_colour());
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_filled_up_or_cut_to_its_columns),
		cmocka_unit_test(columns_are_counted_rather_than_bytes),
		cmocka_unit_test(what_would_upset_a_terminal_is_left_out),
		cmocka_unit_test(without_utf8_a_cut_is_ascii),
		cmocka_unit_test(colours_are_used_unless_they_are_unwanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
