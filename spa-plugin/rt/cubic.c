/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "cubic.h"

#include "hermite.h"

typedef float v4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef float v8 __attribute__((vector_size(32), aligned(4), may_alias));

#define IN(p)	(*(const v4 *)(p))
/* the neighbours of two frames */
#define PAIR(p, q)	__builtin_shufflevector(IN(p), IN(q), 0, 1, 2, 3, 4, 5, 6, 7)
/* of two pairs, of each half the first two or the last two, in turn; of that the first or second half of each half */
#define LOW(a, b)	__builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define HIGH(a, b)	__builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define FIRST(a, b)	__builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define SECOND(a, b)	__builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15)

#define INLINE	SEGUE_DATA_LOOP static inline __attribute__((always_inline))

INLINE void find(struct segue_places *places, uint64_t fraction, uint64_t step, uint32_t bits, uint32_t n_frames)
{
	/* of 64 bits the ones above the point and 24 below it count, in 32 bits each: they convert in one
	 * instruction */
	for (uint32_t i = 0; i < n_frames; i++) {
		places->frame[i] = (int32_t)(fraction >> bits);
		places->t[i] = (float)((int32_t)(fraction >> (bits - 24)) & 0xffffff) * 0x1p-24f;
		fraction += step;
	}
}

INLINE void interpolate(const float *data, const struct segue_places *places, uint32_t first, float *ret,
		uint32_t n_frames)
{
	const int32_t *frame = places->frame + first;
	const float *ts = places->t + first;
	uint32_t i;

	data--;
	for (i = 0; i + 8 <= n_frames; i += 8) {
		/* eight frames' neighbours, then each neighbour of eight frames */
		v8 a = PAIR(data + frame[i], data + frame[i + 4]), b = PAIR(data + frame[i + 1], data + frame[i + 5]);
		v8 c = PAIR(data + frame[i + 2], data + frame[i + 6]), d = PAIR(data + frame[i + 3], data + frame[i + 7]);
		v8 ab = LOW(a, b), cd = LOW(c, d), t = *(const v8 *)(ts + i);
		v8 y0 = FIRST(ab, cd), y1 = SECOND(ab, cd), y2, y3, c1, c2, c3;

		ab = HIGH(a, b);
		cd = HIGH(c, d);
		y2 = FIRST(ab, cd);
		y3 = SECOND(ab, cd);
		/* segue_hermite() of each */
		c1 = 0.5f * (y2 - y0);
		c2 = y0 - 2.5f * y1 + 2.0f * y2 - 0.5f * y3;
		c3 = 0.5f * (y3 - y0) + 1.5f * (y1 - y2);
		*(v8 *)(ret + i) = ((c3 * t + c2) * t + c1) * t + y1;
	}
	for (; i < n_frames; i++)
		ret[i] = segue_hermite(data + frame[i], ts[i]);
}

INLINE void add(segue_row *restrict rows, const float *restrict left, const float *restrict right,
		float gain, uint32_t n_frames)
{
	uint32_t i;

	for (i = 0; right == NULL && i < n_frames; i++)
		rows[0][i] += gain * left[i];
	for (i = 0; right == left && i < n_frames; i++) {
		rows[0][i] += gain * left[i];
		rows[1][i] += gain * left[i];
	}
	for (i = 0; right != NULL && right != left && i < n_frames; i++) {
		rows[0][i] += gain * left[i];
		rows[1][i] += gain * right[i];
	}
}

INLINE void add_shaped(segue_row *restrict rows, const float *restrict left,
		const float *restrict right, float gain, const float *restrict gains, uint32_t n_frames)
{
	uint32_t i;

	for (i = 0; right == NULL && i < n_frames; i++)
		rows[0][i] += gain * gains[i] * left[i];
	for (i = 0; right == left && i < n_frames; i++) {
		rows[0][i] += gain * gains[i] * left[i];
		rows[1][i] += gain * gains[i] * left[i];
	}
	for (i = 0; right != NULL && right != left && i < n_frames; i++) {
		rows[0][i] += gain * gains[i] * left[i];
		rows[1][i] += gain * gains[i] * right[i];
	}
}

INLINE void add_falling_block(segue_row *restrict rows, const float *restrict left,
		const float *restrict right, float gain, const struct segue_fall *fall, float distance)
{
	v8 lanes = distance * *(const v8 *)fall->left;

	for (uint32_t i = 0; i < SEGUE_BLOCK_FRAMES; i += 8) {
		v8 gains = gain * (fall->to + lanes), value = gains * *(const v8 *)(left + i);

		*(v8 *)(rows[0] + i) += value;
		if (right != NULL && right != left)
			value = gains * *(const v8 *)(right + i);
		if (right != NULL)
			*(v8 *)(rows[1] + i) += value;
		lanes *= fall->left_8;
	}
}

INLINE void add_falling(segue_row *restrict rows, const float *restrict left, const float *restrict right, float gain,
		const struct segue_fall *fall, const float *distances, uint32_t n_blocks)
{
	add_falling_block(rows, left, right, gain, fall, distances[0]);
	for (uint32_t b = 1, i = SEGUE_BLOCK_FRAMES; b < n_blocks; b++, i += SEGUE_BLOCK_FRAMES)
		add_falling_block((segue_row *)(rows[0] + i), left + i, right != NULL ? right + i : NULL, gain, fall,
				distances[b]);
}

INLINE void fall(float *row, const struct segue_fall *of, float distance)
{
	v8 lanes = distance * *(const v8 *)of->left;

	for (uint32_t i = 0; i < SEGUE_BLOCK_FRAMES; i += 8) {
		*(v8 *)(row + i) = of->to + lanes;
		lanes *= of->left_8;
	}
}

#define COMPILE(kind, attributes) \
SEGUE_DATA_LOOP attributes static void find_##kind(struct segue_places *places, uint64_t fraction, uint64_t step, \
		uint32_t bits, uint32_t n_frames) \
{ \
	find(places, fraction, step, bits, n_frames); \
} \
SEGUE_DATA_LOOP attributes static void interpolate_##kind(const float *data, const struct segue_places *places, \
		uint32_t first, float *ret, uint32_t n_frames) \
{ \
	interpolate(data, places, first, ret, n_frames); \
} \
SEGUE_DATA_LOOP attributes static void add_##kind(segue_row *restrict rows, const float *left, \
		const float *right, float gain, uint32_t n_frames) \
{ \
	if (n_frames == SEGUE_BLOCK_FRAMES) \
		add(rows, left, right, gain, SEGUE_BLOCK_FRAMES); \
	else \
		add(rows, left, right, gain, n_frames); \
} \
SEGUE_DATA_LOOP attributes static void add_shaped_##kind(segue_row *restrict rows, \
		const float *left, const float *right, float gain, const float *gains, uint32_t n_frames) \
{ \
	add_shaped(rows, left, right, gain, gains, n_frames); \
} \
SEGUE_DATA_LOOP attributes static void add_falling_##kind(segue_row *restrict rows, \
		const float *left, const float *right, float gain, const struct segue_fall *fall, \
		const float *distances, uint32_t n_blocks) \
{ \
	add_falling(rows, left, right, gain, fall, distances, n_blocks); \
} \
SEGUE_DATA_LOOP attributes static void fall_##kind(float *row, const struct segue_fall *of, float distance) \
{ \
	fall(row, of, distance); \
}

#define METHODS(kind) \
	.name = #kind, \
	.find = find_##kind, \
	.interpolate = interpolate_##kind, \
	.add = add_##kind, \
	.add_shaped = add_shaped_##kind, \
	.add_falling = add_falling_##kind, \
	.fall = fall_##kind

COMPILE(portable, )
const struct segue_loops segue_loops_portable = { METHODS(portable) };

#if defined(__x86_64__) || defined(__i386__)

/* without FMA, which rounds differently */
COMPILE(avx2, __attribute__((target("avx2"))))
static const struct segue_loops avx2 = { METHODS(avx2) };

SEGUE_DATA_LOOP const struct segue_loops *segue_loops_best(void)
{
	return __builtin_cpu_supports("avx2") ? &avx2 : &segue_loops_portable;
}

#else

SEGUE_DATA_LOOP const struct segue_loops *segue_loops_best(void)
{
	return &segue_loops_portable;
}

#endif
