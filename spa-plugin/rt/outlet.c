/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "outlet.h"

/* Multiply levels by a ramp and move it on. */
SEGUE_DATA_LOOP static void add_ramp(struct segue_outlet_levels *levels, struct segue_ramp *ramp, uint32_t n_frames)
{
	if (!levels->is_moving && ramp->n_frames == 0) {
		levels->rest *= (float)ramp->to;
		return;
	}
	for (uint32_t i = 0; !levels->is_moving && i < n_frames; i++)
		levels->values[i] = levels->rest;
	levels->is_moving = true;
	segue_ramp_apply(ramp, levels->values, n_frames);
}

SEGUE_DATA_LOOP static void multiply(const struct segue_outlet_levels *restrict levels, const float *restrict values,
		float *restrict ret, uint32_t n_frames)
{
	uint32_t i;

	for (i = 0; levels->is_moving && i < n_frames; i++)
		ret[i] = values[i] * levels->values[i];
	for (i = 0; !levels->is_moving && i < n_frames; i++)
		ret[i] = values[i] * levels->rest;
}

void segue_outlet_init(struct segue_outlet *o)
{
	segue_meter_init(&o->meter);
	segue_ramp_jump(&o->gain, 1.0);
	o->bypass.smooth = true;
	segue_ramp_jump(&o->bypass, 1.0);
	segue_ramp_jump(&o->restart, 1.0);
	for (uint32_t c = 0; c < SEGUE_CHANNELS_MAX; c++)
		segue_ramp_jump(&o->volume[c], 1.0);
}

void segue_outlet_advance(struct segue_outlet *o, uint32_t n_frames, struct segue_outlet_levels *ret)
{
	ret->is_moving = false;
	ret->rest = 1.0f;
	add_ramp(ret, &o->gain, n_frames);
	add_ramp(ret, &o->bypass, n_frames);
	add_ramp(ret, &o->restart, n_frames);
}

void segue_outlet_apply(struct segue_outlet *o, const struct segue_outlet_levels *levels, uint32_t output,
		const float *restrict values, float *restrict ret, uint32_t n_frames)
{
	struct segue_ramp *volume = &o->volume[output];
	struct segue_outlet_levels own;

	if (volume->n_frames > 0 || volume->to != 1.0) {
		own = *levels;
		add_ramp(&own, volume, n_frames);
		levels = &own;
	}
	multiply(levels, values, ret, n_frames);
	o->meter.watch(&o->meter, output, ret, n_frames);
}

void segue_outlet_settle(struct segue_outlet *o)
{
	segue_ramp_jump(&o->gain, o->gain.to);
	segue_ramp_jump(&o->bypass, o->bypass.to);
	segue_ramp_jump(&o->restart, 1.0);
	for (uint32_t c = 0; c < SEGUE_CHANNELS_MAX; c++)
		segue_ramp_jump(&o->volume[c], o->volume[c].to);
}
