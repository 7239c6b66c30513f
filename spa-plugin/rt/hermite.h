/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_HERMITE_H
#define SEGUE_RT_HERMITE_H

#include <segue/handover.h>

/** Between y[1] and y[2], t = 0..1 of the way: the cubic through both with the slopes of their
 * neighbours (Catmull-Rom). At t = 0 it is y[1] exactly. */
static inline SEGUE_DATA_LOOP float segue_hermite(const float y[4], float t)
{
	float c1 = 0.5f * (y[2] - y[0]);
	float c2 = y[0] - 2.5f * y[1] + 2.0f * y[2] - 0.5f * y[3];
	float c3 = 0.5f * (y[3] - y[0]) + 1.5f * (y[1] - y[2]);

	return ((c3 * t + c2) * t + c1) * t + y[1];
}

#endif /* SEGUE_RT_HERMITE_H */
