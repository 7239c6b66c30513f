/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "cubic.h"

#include "hermite.h"

typedef float v4 __attribute__((vector_size(16), aligned(4), may_alias));

#define AT(p)	(*(v4 *)(p))
#define IN(p)	(*(const v4 *)(p))

void segue_places_find(struct segue_places *places, uint64_t fraction, uint64_t step, uint32_t bits,
		uint32_t n_frames)
{
	/* of 64 bits the ones above the point and 24 below it count, in 32 bits each: they convert in one
	 * instruction */
	for (uint32_t i = 0; i < n_frames; i++) {
		places->frame[i] = (int32_t)(fraction >> bits);
		places->t[i] = (float)((int32_t)(fraction >> (bits - 24)) & 0xffffff) * 0x1p-24f;
		fraction += step;
	}
}

void segue_cubic_read(const float *data, const struct segue_places *places, uint32_t first, float *ret,
		uint32_t n_frames)
{
	const int32_t *frame = places->frame + first;
	const float *ts = places->t + first;
	uint32_t i;

	data--;
	for (i = 0; i + 4 <= n_frames; i += 4) {
		/* four frames' neighbours, then each neighbour of four frames */
		v4 a = IN(data + frame[i]), b = IN(data + frame[i + 1]);
		v4 c = IN(data + frame[i + 2]), d = IN(data + frame[i + 3]);
		v4 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
		v4 y0 = __builtin_shufflevector(ab, cd, 0, 1, 4, 5), y1 = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
		v4 c1, c2, c3, y2, y3, t = IN(ts + i);

		ab = __builtin_shufflevector(a, b, 2, 6, 3, 7);
		cd = __builtin_shufflevector(c, d, 2, 6, 3, 7);
		y2 = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
		y3 = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
		/* segue_hermite() of each */
		c1 = 0.5f * (y2 - y0);
		c2 = y0 - 2.5f * y1 + 2.0f * y2 - 0.5f * y3;
		c3 = 0.5f * (y3 - y0) + 1.5f * (y1 - y2);
		AT(ret + i) = ((c3 * t + c2) * t + c1) * t + y1;
	}
	for (; i < n_frames; i++)
		ret[i] = segue_hermite(data + frame[i], ts[i]);
}

void segue_row_add(float *restrict row, const float *restrict values, float gain, uint32_t n_frames)
{
	for (uint32_t i = 0; i < n_frames; i++)
		row[i] += gain * values[i];
}

void segue_row_add_shaped(float *restrict row, const float *restrict values, float gain,
		const float *restrict gains, uint32_t n_frames)
{
	for (uint32_t i = 0; i < n_frames; i++)
		row[i] += gain * gains[i] * values[i];
}
