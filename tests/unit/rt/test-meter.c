/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "rt/meter.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <spa/utils/defs.h>

static void silence_is_counted_from_the_last_sound_on(void **state)
{
	static const float silence[64], sound[64] = { [63] = -1e-20f };
	const float *silent[] = { silence, NULL }, *sounding[] = { silence, sound };
	static struct segue_statistics s;

	segue_meter_watch_silence(silent, 2, 64, &s);
	segue_meter_watch_silence(silent, 2, 63, &s);
	assert_int_equal(s.n_silent, 127);
	segue_meter_watch_silence(sounding, 2, 64, &s);
	assert_int_equal(s.n_silent, 0);
	segue_meter_watch_silence(silent, 2, 64, &s);
	assert_int_equal(s.n_silent, 64);
}

static void the_largest_magnitude_and_all_beyond_full_scale_are_found(void **state)
{
	static const uint32_t lengths[] = { 1, 7, 8, 31, 64 };
	float values[64];

	for (size_t k = 0; k < SPA_N_ELEMENTS(lengths); k++) {
		for (uint32_t at = 0; at < lengths[k]; at++) {
			struct segue_meter meter = { 0 };

			segue_meter_init(&meter);
			for (uint32_t i = 0; i < lengths[k]; i++)
				values[i] = i == at ? -1.5f : i % 2 ? 1.0f : -0.25f;
			meter.watch(&meter, 3, values, lengths[k]);
			assert_true(meter.peak[3] == 1.5f);
			assert_int_equal(meter.n_clipped, 1);
		}
	}
}

static void what_is_no_number_is_no_peak(void **state)
{
	struct segue_meter meter = { .peak = { 0.5f } };
	const float values[] = { NAN, 0.25f };

	segue_meter_init(&meter);
	meter.watch(&meter, 0, values, 2);
	assert_true(meter.peak[0] == 0.5f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_largest_magnitude_and_all_beyond_full_scale_are_found),
		cmocka_unit_test(what_is_no_number_is_no_peak),
		cmocka_unit_test(silence_is_counted_from_the_last_sound_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
