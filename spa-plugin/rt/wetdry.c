/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "wetdry.h"

#include <math.h>
#include <stdbool.h>

#include <spa/utils/defs.h>

void segue_wetdry_init(struct segue_wetdry *w)
{
	segue_meter_init(&w->meter);
	w->bypass.smooth = true;
	segue_ramp_jump(&w->gain, 1.0);
	segue_ramp_jump(&w->wet, 1.0);
	segue_ramp_jump(&w->dry, 0.0);
	segue_ramp_jump(&w->bypass, 1.0);
	segue_ramp_jump(&w->restart, 1.0);
	for (uint32_t o = 0; o < SEGUE_CHANNELS_MAX; o++)
		segue_ramp_jump(&w->volume[o], 1.0);
}

void segue_wetdry_advance(struct segue_wetdry *w, uint32_t n_frames, struct segue_wetdry_levels *ret)
{
	float heard[SEGUE_TICK_FRAMES], passed[SEGUE_TICK_FRAMES], restart[SEGUE_TICK_FRAMES];
	uint32_t i;

	for (i = 0; i < n_frames; i++)
		heard[i] = restart[i] = ret->wet[i] = ret->dry[i] = 1.0f;
	segue_ramp_apply(&w->bypass, heard, n_frames);
	segue_ramp_apply(&w->restart, restart, n_frames);
	for (i = 0; i < n_frames; i++) {
		passed[i] = restart[i] * (1.0f - heard[i]);
		heard[i] *= restart[i];
	}
	segue_ramp_apply(&w->gain, heard, n_frames);
	segue_ramp_apply(&w->wet, ret->wet, n_frames);
	segue_ramp_apply(&w->dry, ret->dry, n_frames);
	for (i = 0; i < n_frames; i++) {
		ret->wet[i] *= heard[i];
		ret->dry[i] = ret->dry[i] * heard[i] + passed[i];
	}
}

void segue_wetdry_apply(struct segue_wetdry *w, const struct segue_wetdry_levels *levels, uint32_t output,
		const float *in, float *values, uint32_t n_frames)
{
	uint32_t i;

	for (i = 0; i < n_frames; i++)
		values[i] *= levels->wet[i];
	for (i = 0; in != NULL && i < n_frames; i++)
		values[i] += levels->dry[i] * in[i];
	segue_ramp_apply(&w->volume[output], values, n_frames);
	w->meter.watch(&w->meter, output, values, n_frames);
}

void segue_wetdry_settle(struct segue_wetdry *w)
{
	segue_ramp_jump(&w->gain, w->gain.to);
	segue_ramp_jump(&w->wet, w->wet.to);
	segue_ramp_jump(&w->dry, w->dry.to);
	segue_ramp_jump(&w->bypass, w->bypass.to);
	segue_ramp_jump(&w->restart, 1.0);
	for (uint32_t o = 0; o < SEGUE_CHANNELS_MAX; o++)
		segue_ramp_jump(&w->volume[o], w->volume[o].to);
}
