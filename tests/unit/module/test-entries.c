/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "entries.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* A list as its entries come out of it: a good one as it is, a bad one in angle brackets, and how it ends. */
static void assert_entries(const char *text, const char *expected)
{
	static const char *const formats[] = {
		[SEGUE_ENTRY_GOOD] = "%.*s",
		[SEGUE_ENTRY_NO_OBJECT] = "<no object: %.*s>",
		[SEGUE_ENTRY_BRACKETS] = "<brackets: %.*s>",
		[SEGUE_ENTRY_BEHIND] = "<behind%.*s>",
		[SEGUE_ENTRY_UNCLOSED] = "<unclosed%.*s>",
	};
	struct segue_scan list = segue_entries_begin(text, strlen(text)), entry;
	enum segue_entry type = SEGUE_ENTRY_GOOD;
	char seen[1024] = "";
	size_t used = 0;

	while (type != SEGUE_ENTRY_BEHIND && type != SEGUE_ENTRY_UNCLOSED &&
			(type = segue_entries_next(&list, &entry)) != SEGUE_ENTRY_NONE) {
		used += snprintf(seen + used, sizeof(seen) - used, formats[type], (int)(entry.end - entry.at), entry.at);
		assert_true(used < sizeof(seen));
	}
	assert_string_equal(seen, expected);
}

static void good_entries_are_as_they_were_written(void **state)
{
	assert_entries("[]", "");
	assert_entries("[ # none\n ]\n", "");
	assert_entries("[ {a=1},{b=[ 2 3 ] c={ d: [ { e = f } ] }} ]", "{a=1}{b=[ 2 3 ] c={ d: [ { e = f } ] }}");
	assert_entries("[{a=\"] } [ \\\" {\" b=[[1][2]]}]", "{a=\"] } [ \\\" {\" b=[[1][2]]}");
	assert_entries("[ { # } ]\n a = b[c } ]", "{ # } ]\n a = b[c }");
}

static void what_is_no_object_is_left_out(void **state)
{
	assert_entries("[ a {b=1} \"{\" [ c [ d ] ] {e=2} ]",
			"<no object: a>{b=1}<no object: \"{\"><no object: [ c [ d ] ]>{e=2}");
}

static void what_is_not_closed_ends_where_the_next_one_begins(void **state)
{
	assert_entries("[ {a=[ 1 } {b=2} ]", "<brackets: {a=[ 1 }>{b=2}");
	assert_entries("[ {a={ c = d] {b=2} ]", "<brackets: {a={ c = d] >{b=2}");
	assert_entries("[ {a=1 {b=2} ]", "<brackets: {a=1 >{b=2}");
	assert_entries("[ {a=[ 1 {b=2} ]", "<brackets: {a=[ 1 >{b=2}");
	assert_entries("[ {a={ c = d {b=2} ]", "<brackets: {a={ c = d >{b=2}");
	assert_entries("[ {a=1 ]", "<brackets: {a=1 >");
	assert_entries("[ {a=1 ] other = [ ]", "<brackets: {a=1 ><behind>");
	assert_entries("[ {a=1]} {b=2} ]", "<brackets: {a=1]}>{b=2}");
}

static void what_is_closed_twice_does_no_harm_to_others(void **state)
{
	assert_entries("[ {a=1} } {b=2} ]", "{a=1}<brackets: }>{b=2}");
	assert_entries("[ {a=[ 1 ]]} {b=2} ]", "<brackets: {a=[ 1 ]]}>{b=2}");
}

static void a_list_that_does_not_end_is_told(void **state)
{
	assert_entries("[", "<unclosed>");
	assert_entries("[ {a=1}", "{a=1}<unclosed>");
	assert_entries("[ {a=\"1}", "<brackets: {a=\"1}><unclosed>");
	assert_entries("[ {a=1} ] other = [ ]", "{a=1}<behind>");
}

static void depth_has_an_end(void **state)
{
	char text[4 * SEGUE_BRACKETS_MAX];
	struct segue_scan list, entry;

	memset(text, '[', sizeof(text));
	memcpy(text, "[{a=", 4);
	list = segue_entries_begin(text, sizeof(text));
	assert_int_equal(segue_entries_next(&list, &entry), SEGUE_ENTRY_BRACKETS);
	assert_false(segue_brackets_match(text, sizeof(text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_entries_are_as_they_were_written),
		cmocka_unit_test(what_is_no_object_is_left_out),
		cmocka_unit_test(what_is_not_closed_ends_where_the_next_one_begins),
		cmocka_unit_test(what_is_closed_twice_does_no_harm_to_others),
		cmocka_unit_test(a_list_that_does_not_end_is_told),
		cmocka_unit_test(depth_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
