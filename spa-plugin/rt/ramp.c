/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "ramp.h"

void segue_ramp_apply(struct segue_ramp *ramp, float values[], uint32_t n_frames)
{
	float rest = (float)ramp->to;
	uint32_t i;

	if (ramp->n_frames == 0) {
		for (i = 0; rest != 1.0f && i < n_frames; i++)
			values[i] *= rest;
		return;
	}
	for (i = 0; i < n_frames; i++)
		values[i] *= (float)segue_ramp_value(ramp, i);
	segue_ramp_advance(ramp, n_frames);
}
