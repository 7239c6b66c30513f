/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "requests.h"

void assert_applied(const struct stage *stage, uint64_t serial)
{
	assert_int_equal(stage_result(stage, serial)->finished.result, SEGUE_RESULT_APPLIED);
}

void assert_superseded(const struct stage *stage, uint64_t serial)
{
	assert_int_equal(stage_result(stage, serial)->finished.result, SEGUE_RESULT_SUPERSEDED);
}

void assert_failed(const struct stage *stage, uint64_t serial, int res)
{
	assert_int_equal(stage_result(stage, serial)->finished.result, SEGUE_RESULT_FAILED);
	assert_int_equal(stage_result(stage, serial)->error.res, res);
}

struct segue_sound *ready_wave(struct stage *stage, const char *wave)
{
	struct segue_sound *sound = stage_wave(stage, wave);

	stage_wait_state(stage, sound, SEGUE_SOUND_READY);
	return sound;
}

uint64_t request_at(struct stage *stage, struct segue_sound *sound, uint64_t at)
{
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_error error;
	uint64_t serial;

	options.has_at = true;
	options.at = at;
	assert_int_equal(stage_try_request(stage, sound, &options, &serial, &error), 0);
	return serial;
}

uint64_t request_with_fade(struct stage *stage, struct segue_sound *sound, double fade)
{
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_error error;
	uint64_t serial;

	options.fade = fade;
	assert_int_equal(stage_try_request(stage, sound, &options, &serial, &error), 0);
	return serial;
}
