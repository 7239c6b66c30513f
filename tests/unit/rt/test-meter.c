/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "rt/meter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silence_is_counted_from_the_last_sound_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
