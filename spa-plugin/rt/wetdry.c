/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "wetdry.h"

#include <math.h>
#include <stdbool.h>

#include <spa/utils/defs.h>

void segue_wetdry_init(struct segue_wetdry *w)
{
	w->bypass.smooth = true;
	segue_ramp_jump(&w->gain, 1.0);
	segue_ramp_jump(&w->wet, 1.0);
	segue_ramp_jump(&w->dry, 0.0);
	segue_ramp_jump(&w->bypass, 1.0);
	segue_ramp_jump(&w->restart, 1.0);
	for (uint32_t o = 0; o < SEGUE_CHANNELS_MAX; o++)
		segue_ramp_jump(&w->volume[o], 1.0);
}

/* Multiply levels by a ramp and move it on. */
SEGUE_DATA_LOOP static void apply_ramp(struct segue_ramp *ramp, float levels[], uint32_t n_frames)
{
	float rest = (float)ramp->to;
	uint32_t i;

	if (ramp->n_frames == 0) {
		for (i = 0; rest != 1.0f && i < n_frames; i++)
			levels[i] *= rest;
		return;
	}
	for (i = 0; i < n_frames; i++)
		levels[i] *= (float)segue_ramp_value(ramp, i);
	segue_ramp_advance(ramp, n_frames);
}

void segue_wetdry_advance(struct segue_wetdry *w, uint32_t n_frames, struct segue_wetdry_levels *ret)
{
	float heard[SEGUE_TICK_FRAMES], passed[SEGUE_TICK_FRAMES], restart[SEGUE_TICK_FRAMES];
	uint32_t i;

	for (i = 0; i < n_frames; i++)
		heard[i] = restart[i] = ret->wet[i] = ret->dry[i] = 1.0f;
	apply_ramp(&w->bypass, heard, n_frames);
	apply_ramp(&w->restart, restart, n_frames);
	for (i = 0; i < n_frames; i++) {
		passed[i] = restart[i] * (1.0f - heard[i]);
		heard[i] *= restart[i];
	}
	apply_ramp(&w->gain, heard, n_frames);
	apply_ramp(&w->wet, ret->wet, n_frames);
	apply_ramp(&w->dry, ret->dry, n_frames);
	for (i = 0; i < n_frames; i++) {
		ret->wet[i] *= heard[i];
		ret->dry[i] = ret->dry[i] * heard[i] + passed[i];
	}
}

SEGUE_DATA_LOOP static void watch_levels(struct segue_wetdry *w, uint32_t output, const float values[],
		uint32_t n_frames)
{
	float peaks[8] = { w->peak[output] };
	uint32_t i, k, n_clipped = 0;

	/* eight at a time: one peak alone would wait for itself */
	for (i = 0; i + 8 <= n_frames; i += 8) {
		for (k = 0; k < 8; k++)
			peaks[k] = fabsf(values[i + k]) > peaks[k] ? fabsf(values[i + k]) : peaks[k];
	}
	for (; i < n_frames; i++)
		peaks[0] = SPA_MAX(peaks[0], fabsf(values[i]));
	for (k = 1; k < 8; k++)
		peaks[0] = SPA_MAX(peaks[0], peaks[k]);
	for (i = 0; i < n_frames; i++)
		n_clipped += fabsf(values[i]) > 1.0f;
	w->peak[output] = peaks[0];
	w->n_clipped += n_clipped;
}

void segue_wetdry_apply(struct segue_wetdry *w, const struct segue_wetdry_levels *levels, uint32_t output,
		const float *in, float *values, uint32_t n_frames)
{
	uint32_t i;

	for (i = 0; i < n_frames; i++)
		values[i] *= levels->wet[i];
	for (i = 0; in != NULL && i < n_frames; i++)
		values[i] += levels->dry[i] * in[i];
	apply_ramp(&w->volume[output], values, n_frames);
	watch_levels(w, output, values, n_frames);
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

void segue_wetdry_report(struct segue_wetdry *w, uint32_t n_out, struct segue_statistics *statistics)
{
	for (uint32_t o = 0; o < n_out; o++) {
		segue_statistics_add_peak(statistics, o, w->peak[o]);
		w->peak[o] = 0.0f;
	}
	if (w->n_clipped > 0)
		segue_statistics_add_clipped(statistics, w->n_clipped);
	w->n_clipped = 0;
}
