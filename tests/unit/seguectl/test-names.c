/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <spa/utils/defs.h>

static void distance_counts_slips_of_the_finger(void **state)
{
	static const struct {
		const char *a, *b;
		size_t expected;
	} cases[] = {
		{ "room", "room", 0 },
		{ "room", "Room", 0 },
		{ "rom", "room", 1 },
		{ "rooom", "room", 1 },
		{ "roam", "room", 1 },
		{ "romo", "room", 1 },
		{ "kitten", "sitting", 3 },
		{ "", "abc", 3 },
		{ "abc", "", 3 },
		{ "", "", 0 },
		{ "ca", "abc", 3 },	/* optimal string alignment: no letter is touched twice */
	};

	for (size_t i = 0; i < SPA_N_ELEMENTS(cases); i++) {
		assert_int_equal(segue_distance(cases[i].a, cases[i].b), cases[i].expected);
		assert_int_equal(segue_distance(cases[i].b, cases[i].a), cases[i].expected);
	}
}

static void words_of_any_length_are_compared_safely(void **state)
{
	char longest[300];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(segue_distance(longest, "room"), 299);
	assert_int_equal(segue_distance("room", longest), 299);
	assert_int_equal(segue_distance(longest, longest), 0);
}

static const char *guess(const char *word, const char *const *names, size_t n)
{
	struct segue_guess guess = { 0 };

	for (size_t i = 0; i < n; i++)
		segue_guess_offer(&guess, word, names[i]);
	return guess.name;
}

static void the_nearest_name_is_suggested_and_no_distant_one(void **state)
{
	static const char *const names[] = { "synth", "room", "rooms", "broom" };

	assert_string_equal(guess("rom", names, SPA_N_ELEMENTS(names)), "room");
	assert_string_equal(guess("roms", names, SPA_N_ELEMENTS(names)), "rooms");
	assert_string_equal(guess("Snyth", names, SPA_N_ELEMENTS(names)), "synth");
	assert_null(guess("cathedral", names, SPA_N_ELEMENTS(names)));
	assert_null(guess("x", names, SPA_N_ELEMENTS(names)));
	assert_null(guess("rom", names, 0));
}

static void a_name_of_any_length_suggests_none_but_its_like(void **state)
{
	char longest[65], longer[66], word[300];
	const char *const names[] = { longest, "room" };

	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	memcpy(longest, word, 64);
	longest[64] = '\0';
	memcpy(longer, word, 65);
	longer[65] = '\0';
	assert_string_equal(guess(longer, names, SPA_N_ELEMENTS(names)), longest);
	assert_null(guess(word, names, SPA_N_ELEMENTS(names)));
}

static void a_key_is_found_by_each_of_its_names(void **state)
{
	static const char *const names[] = { "ir.max", "segue.ir.max", "LengthMax", "lengthmax" };

	for (size_t i = 0; i < SPA_N_ELEMENTS(names); i++) {
		const struct segue_key *key = segue_key_find(names[i]);

		assert_non_null(key);
		assert_string_equal(key->name, "LengthMax");
		assert_int_equal(key->unit, SEGUE_UNIT_TIME);
	}
	assert_string_equal(segue_key_find("segue.voices")->name, "VoicesMax");
	assert_string_equal(segue_key_find("gain")->name, "Gain");
}

static void voices_that_sound_are_not_voices_at_most(void **state)
{
	assert_null(segue_key_find("Voices"));
	assert_string_equal(segue_key_find("voices")->name, "VoicesMax");
}

static void load_and_wave_are_set_by_a_request(void **state)
{
	assert_true(segue_key_find("segue.load")->request);
	assert_true(segue_key_find("wave")->request);
	assert_false(segue_key_find("gain")->request);
	assert_string_equal(segue_key_of("Loaded"), "load");
}

static void unknown_keys_are_not_found_but_suggest_one(void **state)
{
	assert_null(segue_key_find("gian"));
	assert_null(segue_key_find("segue."));
	assert_null(segue_key_find(""));
	assert_string_equal(segue_key_nearest("gian"), "gain");
	assert_string_equal(segue_key_nearest("segue.freqency"), "frequency");
	assert_null(segue_key_nearest("node.description"));
}

static void only_a_latency_may_be_a_word(void **state)
{
	assert_string_equal(segue_key_find("segue.latency")->automatic, "auto");
	assert_null(segue_key_find("fade")->automatic);
}

static void what_is_fixed_when_a_node_is_made_is_known(void **state)
{
	assert_true(segue_key_find("LengthMax")->fixed);
	assert_true(segue_key_find("mode")->fixed);
	assert_false(segue_key_find("latency")->fixed);
}

static void a_property_is_shown_under_its_key(void **state)
{
	assert_string_equal(segue_key_of("VoicesMax"), "voices");
	assert_string_equal(segue_key_of("Gain"), "gain");
	assert_string_equal(segue_key_of("State"), "State");
	assert_string_equal(segue_key_of("Xruns"), "Xruns");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(distance_counts_slips_of_the_finger),
		cmocka_unit_test(words_of_any_length_are_compared_safely),
		cmocka_unit_test(the_nearest_name_is_suggested_and_no_distant_one),
		cmocka_unit_test(a_name_of_any_length_suggests_none_but_its_like),
		cmocka_unit_test(a_key_is_found_by_each_of_its_names),
		cmocka_unit_test(voices_that_sound_are_not_voices_at_most),
		cmocka_unit_test(load_and_wave_are_set_by_a_request),
		cmocka_unit_test(unknown_keys_are_not_found_but_suggest_one),
		cmocka_unit_test(only_a_latency_may_be_a_word),
		cmocka_unit_test(what_is_fixed_when_a_node_is_made_is_known),
		cmocka_unit_test(a_property_is_shown_under_its_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
