/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "properties.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <spa/utils/defs.h>

#include <cmocka.h>

#define UNTOUCHED	-77.0

static const struct segue_value yes = { .type = SEGUE_VALUE_BOOL, .b = true };
static const struct segue_value numbers = { .type = SEGUE_VALUE_DOUBLES };

static struct segue_value number(double d)
{
	return (struct segue_value) { .type = SEGUE_VALUE_DOUBLE, .d = d };
}

static struct segue_value whole(int64_t i)
{
	return (struct segue_value) { .type = SEGUE_VALUE_INT, .i = i };
}

static struct segue_value text(const char *s)
{
	return (struct segue_value) { .type = SEGUE_VALUE_STRING, .s = s };
}

static void assert_kept(uint32_t index, struct segue_value value, double expected)
{
	double kept = UNTOUCHED;

	assert_int_equal(segue_property_check(&segue_source_properties[index], &value, &kept, NULL), 0);
	assert_true(kept == expected);
}

static void assert_refused(uint32_t index, struct segue_value value, int res)
{
	const struct segue_property *p = &segue_source_properties[index];
	struct segue_error error = { 0 };
	double kept = UNTOUCHED;

	assert_int_equal(segue_property_check(p, &value, &kept, &error), res);
	assert_int_equal(error.res, res);
	assert_int_equal(strncmp(error.message, p->key, strlen(p->key)), 0);
}

static void a_key_is_found_with_and_without_its_prefix(void **state)
{
	struct segue_error error = { 0 };

	for (uint32_t i = 0; i < SEGUE_PROPERTIES_SOURCE; i++) {
		const char *key = segue_source_properties[i].key;

		assert_int_equal(segue_property_find(segue_source_properties, SEGUE_PROPERTIES_SOURCE, key, NULL), i);
		assert_int_equal(segue_property_find(segue_source_properties, SEGUE_PROPERTIES_SOURCE,
				key + strlen("segue."), NULL), i);
	}
	assert_int_equal(segue_property_find(segue_source_properties, SEGUE_PROPERTIES_SOURCE, "segue.", &error),
			-ENXIO);
	assert_int_equal(segue_property_find(segue_source_properties, SEGUE_PROPERTIES_SOURCE, "Gain", &error),
			-ENXIO);
	assert_non_null(strstr(error.message, "Gain"));
}

struct row {
	uint32_t index;
	double def, min, max;
};

static void assert_rows(const struct segue_property *table, const struct row rows[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct segue_property *p = &table[rows[i].index];

		assert_true(p->def == rows[i].def && p->min == rows[i].min && p->max == rows[i].max);
	}
}

static void the_tables_are_the_contracts(void **state)
{
	static const struct row source[] = {
		{ SEGUE_PROPERTY_GAIN, 0.25, 0.0, 16.0 },
		{ SEGUE_PROPERTY_FADE, 0.02, 0.0, 10.0 },
		{ SEGUE_PROPERTY_BYPASS, 0.0, 0.0, 1.0 },
		{ SEGUE_PROPERTY_FREQUENCY, 440.0, 0.01, 20000.0 },
	};
	static const struct row convolver[] = {
		{ SEGUE_PROPERTY_GAIN, 1.0, 0.0, 16.0 },
		{ SEGUE_PROPERTY_FADE, 0.02, 0.0, 10.0 },
		{ SEGUE_PROPERTY_BYPASS, 0.0, 0.0, 1.0 },
		{ SEGUE_PROPERTY_WET, 1.0, 0.0, 16.0 },
		{ SEGUE_PROPERTY_DRY, 0.0, 0.0, 16.0 },
		{ SEGUE_PROPERTY_LENGTH_MAX, 10.0, 0.01, 60.0 },
	};

	assert_rows(segue_source_properties, source, SPA_N_ELEMENTS(source));
	assert_rows(segue_convolver_properties, convolver, SPA_N_ELEMENTS(convolver));
	assert_true(segue_source_properties[SEGUE_PROPERTY_SOURCE_STATUS].flags & SEGUE_PROPERTY_READ_ONLY);
	assert_true(segue_source_properties[SEGUE_PROPERTY_WAVE].flags & SEGUE_PROPERTY_REQUEST);
	assert_true(segue_source_properties[SEGUE_PROPERTY_LOAD].flags & SEGUE_PROPERTY_REQUEST);
	assert_true(segue_convolver_properties[SEGUE_PROPERTY_LENGTH_MAX].flags & SEGUE_PROPERTY_CREATE_ONLY);
}

static void a_latency_is_a_time_or_automatic(void **state)
{
	const struct segue_property *p = &segue_convolver_properties[SEGUE_PROPERTY_LATENCY];
	const struct segue_value values[] = { text("auto"), number(-1.0), text("0.25"), number(-0.5), text("soon") };
	const double expected[] = { SEGUE_AUTOMATIC, SEGUE_AUTOMATIC, 0.25 };
	struct segue_error error;
	double kept;

	for (size_t i = 0; i < SPA_N_ELEMENTS(expected); i++) {
		assert_int_equal(segue_property_check(p, &values[i], &kept, &error), 0);
		assert_true(kept == expected[i]);
	}
	for (size_t i = SPA_N_ELEMENTS(expected); i < SPA_N_ELEMENTS(values); i++)
		assert_int_equal(segue_property_check(p, &values[i], &kept, &error), -EINVAL);
	assert_string_equal(segue_property_value(p, SEGUE_AUTOMATIC).s, "auto");
	assert_true(segue_property_value(p, 0.25).d == 0.25);
}

static void any_number_will_do_within_the_range(void **state)
{
	assert_kept(SEGUE_PROPERTY_GAIN, number(0.0), 0.0);
	assert_kept(SEGUE_PROPERTY_GAIN, number(16.0), 16.0);
	assert_kept(SEGUE_PROPERTY_GAIN, whole(3), 3.0);
	assert_kept(SEGUE_PROPERTY_GAIN, text("0.5"), 0.5);
	assert_refused(SEGUE_PROPERTY_GAIN, number(-1e-9), -EINVAL);
	assert_refused(SEGUE_PROPERTY_GAIN, number(16.0001), -EINVAL);
	assert_refused(SEGUE_PROPERTY_GAIN, number(NAN), -EINVAL);
	assert_refused(SEGUE_PROPERTY_GAIN, number(INFINITY), -EINVAL);
	assert_refused(SEGUE_PROPERTY_GAIN, text("nan"), -EINVAL);
	assert_refused(SEGUE_PROPERTY_GAIN, text("1 dB"), -EINVAL);
	assert_refused(SEGUE_PROPERTY_GAIN, text(""), -EINVAL);
	assert_refused(SEGUE_PROPERTY_GAIN, yes, -EINVAL);
	assert_refused(SEGUE_PROPERTY_GAIN, numbers, -EINVAL);
	assert_refused(SEGUE_PROPERTY_FREQUENCY, number(0.0), -EINVAL);
}

static void a_switch_is_on_or_off(void **state)
{
	assert_kept(SEGUE_PROPERTY_BYPASS, yes, 1.0);
	assert_kept(SEGUE_PROPERTY_BYPASS, whole(0), 0.0);
	assert_kept(SEGUE_PROPERTY_BYPASS, number(1.0), 1.0);
	assert_kept(SEGUE_PROPERTY_BYPASS, text("true"), 1.0);
	assert_kept(SEGUE_PROPERTY_BYPASS, text("false"), 0.0);
	assert_refused(SEGUE_PROPERTY_BYPASS, whole(2), -EINVAL);
	assert_refused(SEGUE_PROPERTY_BYPASS, number(0.5), -EINVAL);
	assert_refused(SEGUE_PROPERTY_BYPASS, text("on"), -EINVAL);
	assert_refused(SEGUE_PROPERTY_BYPASS, numbers, -EINVAL);
}

static void texts_are_texts(void **state)
{
	assert_kept(SEGUE_PROPERTY_TRIGGER, text("always"), 0.0);
	assert_kept(SEGUE_PROPERTY_TRIGGER, text("notes"), 1.0);
	assert_refused(SEGUE_PROPERTY_TRIGGER, text("sometimes"), -EINVAL);
	assert_refused(SEGUE_PROPERTY_TRIGGER, number(0.0), -EINVAL);
	assert_kept(SEGUE_PROPERTY_LOAD, text("/a.wav"), 0.0);
	assert_refused(SEGUE_PROPERTY_LOAD, number(1.0), -EINVAL);
	assert_refused(SEGUE_PROPERTY_SOURCE_STATUS, text("ready"), -EROFS);
}

static void a_kept_value_reads_back(void **state)
{
	assert_true(segue_property_value(&segue_source_properties[SEGUE_PROPERTY_GAIN], 0.5).d == 0.5);
	assert_true(segue_property_value(&segue_source_properties[SEGUE_PROPERTY_BYPASS], 1.0).b);
	assert_false(segue_property_value(&segue_source_properties[SEGUE_PROPERTY_BYPASS], 0.0).b);
	assert_string_equal(segue_property_value(&segue_source_properties[SEGUE_PROPERTY_TRIGGER], 0.0).s,
			"always");
	assert_string_equal(segue_property_value(&segue_source_properties[SEGUE_PROPERTY_LOAD], 0.0).s, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_found_with_and_without_its_prefix),
		cmocka_unit_test(the_tables_are_the_contracts),
		cmocka_unit_test(a_latency_is_a_time_or_automatic),
		cmocka_unit_test(any_number_will_do_within_the_range),
		cmocka_unit_test(a_switch_is_on_or_off),
		cmocka_unit_test(texts_are_texts),
		cmocka_unit_test(a_kept_value_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
