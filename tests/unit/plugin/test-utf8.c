/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>

/* A code in so many bytes, whether it needs them or not. */
static void write_code(uint32_t code, size_t n, char ret[5])
{
	static const uint8_t first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = n - 1; i > 0; i--, code >>= 6)
		ret[i] = (char)(0x80 | (code & 0x3f));
	ret[0] = (char)(first[n] | code);
	ret[n] = '\0';
}

static size_t count_bytes(uint32_t code)
{
	return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

static bool is_character(uint32_t code)
{
	return code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) && !(code >= 0xfdd0 && code <= 0xfdef) &&
		code % 0x10000 < 0xfffe;
}

static void a_character_has_its_length_in_its_shortest_form_alone(void **state)
{
	char text[5];

	for (uint32_t code = 1; code < 0x200000; code++) {
		for (size_t n = count_bytes(code); n <= 4; n++) {
			write_code(code, n, text);
			assert_int_equal(segue_character_length(text),
					n == count_bytes(code) && is_character(code) ? n : 0);
		}
	}
}

static void what_ends_too_early_is_none(void **state)
{
	static const uint32_t codes[] = { 0x80, 0x7ff, 0x800, 0xfffd, 0x10000, 0x10fffd };
	char text[5];

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		for (size_t n = 1; n < count_bytes(codes[i]); n++) {
			write_code(codes[i], count_bytes(codes[i]), text);
			text[n] = '\0';
			assert_int_equal(segue_character_length(text), 0);
			text[n] = 'a';
			assert_int_equal(segue_character_length(text), 0);
		}
	}
}

static void no_other_byte_begins_one(void **state)
{
	for (uint32_t byte = 0x80; byte < 0x100; byte++) {
		const char text[] = { (char)byte, (char)0x80, (char)0x80, (char)0x80, '\0' };

		if (byte < 0xc0 || byte >= 0xf8)
			assert_int_equal(segue_character_length(text), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_character_has_its_length_in_its_shortest_form_alone),
		cmocka_unit_test(what_ends_too_early_is_none),
		cmocka_unit_test(no_other_byte_begins_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
