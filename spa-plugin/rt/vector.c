/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "vector.h"

#include <spa/utils/defs.h>

/* Each loop is written once, eight floats at a time, and compiled for each kind of processor: the compiler
 * makes two or more registers of eight floats where it must. */

typedef float v8 __attribute__((vector_size(32), may_alias));
typedef float v8_unaligned __attribute__((vector_size(32), aligned(4), may_alias));

#define AT(p)		(*(v8 *)(p))
#define IN(p)		(*(const v8 *)(p))
#define ANY(p)		(*(v8_unaligned *)(p))
#define ANY_IN(p)	(*(const v8_unaligned *)(p))
#define REVERSE(v)	__builtin_shufflevector(v, v, 7, 6, 5, 4, 3, 2, 1, 0)

/* Who multiplies for several blocks has more than the caches hold: floats ahead of their use. Of the response all
 * quads lie one after the other, of an input's spectra only a chunk does. */
#define PREFETCH_H	2048u
#define PREFETCH_X	128u

#define INLINE	SEGUE_DATA_LOOP static inline __attribute__((always_inline))

/* A quad is summed by itself first: so most roundings are small ones. */
INLINE void mac_sums(float *const sums[], const float *const (*xs)[SEGUE_QUAD], const uint32_t n_sums, const float *h,
		const uint32_t n_outputs, uint32_t n_eights)
{
	/* where no store can change them */
	const float *x[SEGUE_SUMS_MAX][SEGUE_QUAD];
	float *ret[SEGUE_SUMS_MAX];

	for (uint32_t s = 0; s < n_sums; s++) {
		ret[s] = sums[s];
		for (uint32_t i = 0; i < SEGUE_QUAD; i++)
			x[s][i] = xs[s][i];
	}
	for (uint32_t k = 0; k < 16 * n_eights; k += 16) {
		v8 re[SEGUE_SUMS_MAX][SEGUE_JOINT_MAX], im[SEGUE_SUMS_MAX][SEGUE_JOINT_MAX];

		if (n_sums > 1) {
#pragma GCC unroll 8
			for (uint32_t i = 0; i < SEGUE_QUAD * n_outputs; i++)
				__builtin_prefetch(h + PREFETCH_H + 16 * i);
#pragma GCC unroll 4
			for (uint32_t i = 0; i < SEGUE_QUAD; i++)
				__builtin_prefetch(x[0][i] + k + PREFETCH_X);
		}
#pragma GCC unroll 4
		for (uint32_t i = 0; i < SEGUE_QUAD; i++) {
#pragma GCC unroll 2
			for (uint32_t o = 0; o < n_outputs; o++) {
				v8 hr = IN(h), hi = IN(h + 8);

#pragma GCC unroll 4
				for (uint32_t s = 0; s < n_sums; s++) {
					v8 xr = IN(x[s][i] + k), xi = IN(x[s][i] + k + 8);

					re[s][o] = i > 0 ? re[s][o] + xr * hr : xr * hr;
					im[s][o] = i > 0 ? im[s][o] + xr * hi : xr * hi;
					re[s][o] -= xi * hi;
					im[s][o] += xi * hr;
				}
				h += 16;
			}
		}
#pragma GCC unroll 4
		for (uint32_t s = 0; s < n_sums; s++) {
#pragma GCC unroll 2
			for (uint32_t o = 0; o < n_outputs; o++) {
				AT(ret[s] + 16 * o) += re[s][o];
				AT(ret[s] + 16 * o + 8) += im[s][o];
			}
			ret[s] += 16 * n_outputs;
		}
	}
}

INLINE void mac(float *const sums[], const float *const (*x)[SEGUE_QUAD], uint32_t n_sums, const float *h,
		uint32_t n_outputs, uint32_t n_eights)
{
	switch (n_sums + (n_outputs - 1) * SEGUE_SUMS_MAX) {
	case 1:
		mac_sums(sums, x, 1, h, 1, n_eights);
		break;
	case 2:
		mac_sums(sums, x, 2, h, 1, n_eights);
		break;
	case 3:
		mac_sums(sums, x, 3, h, 1, n_eights);
		break;
	case 4:
		mac_sums(sums, x, 4, h, 1, n_eights);
		break;
	case 5:
		mac_sums(sums, x, 1, h, 2, n_eights);
		break;
	case 6:
		mac_sums(sums, x, 2, h, 2, n_eights);
		break;
	}
}

INLINE void fir(float *out, const float *x, const float *h, uint32_t n)
{
	if (n <= 8) {
		v8 sum = ANY_IN(out);

		for (uint32_t k = 0; k < SEGUE_FIR_TAPS; k++)
			sum += h[k] * ANY_IN(x - k);
		ANY(out) = sum;
		return;
	}
	for (uint32_t i = 0; i < n; i += SEGUE_FIR_FRAMES, out += SEGUE_FIR_FRAMES, x += SEGUE_FIR_FRAMES) {
		v8 a = ANY_IN(out), b = ANY_IN(out + 8), c = ANY_IN(out + 16), d = ANY_IN(out + 24);

		for (uint32_t k = 0; k < SEGUE_FIR_TAPS; k++) {
			a += h[k] * ANY_IN(x - k);
			b += h[k] * ANY_IN(x + 8 - k);
			c += h[k] * ANY_IN(x + 16 - k);
			d += h[k] * ANY_IN(x + 24 - k);
		}
		ANY(out) = a;
		ANY(out + 8) = b;
		ANY(out + 16) = c;
		ANY(out + 24) = d;
	}
}

/* even = (z[k] + z*[n-k]) / 2, odd = (z[k] - z*[n-k]) / 2i; bin k is even + w^k odd, bin n-k the conjugate of
 * even - w^k odd */
INLINE void untangle(float *spectrum, const float *z, const float *twiddles, uint32_t n)
{
	const uint32_t zim = n + 8, im = SEGUE_BINS(2 * n);

	for (uint32_t k = 0; k <= n / 2; k += 8) {
		v8 wr = IN(twiddles + 2 * k), wi = IN(twiddles + 2 * k + 8);
		v8 ar = IN(z + k), ai = IN(z + zim + k);
		v8 br = ANY_IN(z + n - k - 7), bi = ANY_IN(z + zim + n - k - 7);
		v8 er, ei, or, oi, tr, ti;

		br = REVERSE(br);
		bi = REVERSE(bi);
		er = 0.5f * (ar + br);
		ei = 0.5f * (ai - bi);
		or = 0.5f * (ai + bi);
		oi = 0.5f * (br - ar);
		tr = or * wr - oi * wi;
		ti = or * wi + oi * wr;
		AT(spectrum + k) = er + tr;
		AT(spectrum + im + k) = ei + ti;
		br = er - tr;
		bi = ti - ei;
		ANY(spectrum + n - k - 7) = REVERSE(br);
		ANY(spectrum + im + n - k - 7) = REVERSE(bi);
	}
}

INLINE void tangle(float *z, const float *spectrum, const float *twiddles, uint32_t n)
{
	const uint32_t zim = n + 8, im = SEGUE_BINS(2 * n);

	for (uint32_t k = 0; k <= n / 2; k += 8) {
		v8 wr = IN(twiddles + 2 * k), wi = IN(twiddles + 2 * k + 8);
		v8 ar = IN(spectrum + k), ai = IN(spectrum + im + k);
		v8 br = ANY_IN(spectrum + n - k - 7), bi = ANY_IN(spectrum + im + n - k - 7);
		v8 er, ei, or, oi, tr, ti;

		br = REVERSE(br);
		bi = REVERSE(bi);
		er = ar + br;
		ei = ai - bi;
		tr = ar - br;
		ti = ai + bi;
		/* the conjugate of the twiddle */
		or = tr * wr + ti * wi;
		oi = ti * wr - tr * wi;
		AT(z + k) = er - oi;
		AT(z + zim + k) = ei + or;
		br = er + oi;
		bi = or - ei;
		ANY(z + n - k - 7) = REVERSE(br);
		ANY(z + zim + n - k - 7) = REVERSE(bi);
	}
}

INLINE void join(float *spectrum, const float *parts, const float *twiddles, uint32_t n, uint32_t first,
		uint32_t end)
{
	const uint32_t im = SEGUE_BINS(4 * n), pim = SEGUE_BINS(n), size = SEGUE_SPECTRUM(n);

	for (uint32_t k = first; k < end; k += 8) {
		const float *w = twiddles + 6 * k, *p = parts + k;
		v8 ar = IN(p), ai = IN(p + pim), br, bi, cr, ci, dr, di, tr, ti;

		p += size;
		tr = IN(p), ti = IN(p + pim);
		br = tr * IN(w) - ti * IN(w + 8);
		bi = tr * IN(w + 8) + ti * IN(w);
		p += size;
		tr = IN(p), ti = IN(p + pim);
		cr = tr * IN(w + 16) - ti * IN(w + 24);
		ci = tr * IN(w + 24) + ti * IN(w + 16);
		p += size;
		tr = IN(p), ti = IN(p + pim);
		dr = tr * IN(w + 32) - ti * IN(w + 40);
		di = tr * IN(w + 40) + ti * IN(w + 32);

		/* a + c, a - c, b + d, b - d */
		tr = ar + cr, ti = ai + ci, cr = ar - cr, ci = ai - ci;
		ar = br + dr, ai = bi + di, dr = br - dr, di = bi - di;
		ANY(spectrum + k) = tr + ar;
		ANY(spectrum + im + k) = ti + ai;
		ANY(spectrum + n + k) = cr + di;
		ANY(spectrum + im + n + k) = ci - dr;
		/* bins above the half as the conjugates of those below it */
		br = tr - ar, bi = ai - ti;
		ANY(spectrum + 2 * n - k - 7) = REVERSE(br);
		ANY(spectrum + im + 2 * n - k - 7) = REVERSE(bi);
		br = cr - di, bi = -ci - dr;
		ANY(spectrum + n - k - 7) = REVERSE(br);
		ANY(spectrum + im + n - k - 7) = REVERSE(bi);
	}
}

INLINE void part(float *parts, const float *spectrum, const float *twiddles, uint32_t n, uint32_t first,
		uint32_t end)
{
	const uint32_t im = SEGUE_BINS(4 * n), pim = SEGUE_BINS(n), size = SEGUE_SPECTRUM(n);

	for (uint32_t k = first; k < end; k += 8) {
		const float *w = twiddles + 6 * k;
		float *p = parts + k;
		v8 ar = ANY_IN(spectrum + k), ai = ANY_IN(spectrum + im + k);
		v8 br = ANY_IN(spectrum + n + k), bi = ANY_IN(spectrum + im + n + k);
		v8 cr = ANY_IN(spectrum + 2 * n - k - 7), ci = ANY_IN(spectrum + im + 2 * n - k - 7);
		v8 dr = ANY_IN(spectrum + n - k - 7), di = ANY_IN(spectrum + im + n - k - 7);
		v8 tr, ti, ur, ui;

		cr = REVERSE(cr), ci = -REVERSE(ci);
		dr = REVERSE(dr), di = -REVERSE(di);
		/* a + c, a - c, b + d, b - d */
		tr = ar + cr, ti = ai + ci, cr = ar - cr, ci = ai - ci;
		ur = br + dr, ui = bi + di, dr = br - dr, di = bi - di;
		AT(p) = tr + ur;
		AT(p + pim) = ti + ui;
		p += size;
		ar = cr - di, ai = ci + dr;
		AT(p) = ar * IN(w) + ai * IN(w + 8);
		AT(p + pim) = ai * IN(w) - ar * IN(w + 8);
		p += size;
		ar = tr - ur, ai = ti - ui;
		AT(p) = ar * IN(w + 16) + ai * IN(w + 24);
		AT(p + pim) = ai * IN(w + 16) - ar * IN(w + 24);
		p += size;
		ar = cr + di, ai = ci - dr;
		AT(p) = ar * IN(w + 32) + ai * IN(w + 40);
		AT(p + pim) = ai * IN(w + 32) - ar * IN(w + 40);
	}
}

INLINE void deal(float *dealt, const float *values)
{
	for (uint32_t i = 0; i < 4; i++) {
		v8 a = ANY_IN(values + 16 * i), b = ANY_IN(values + 16 * i + 8);

		ANY(dealt + 8 * i) = __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
		ANY(dealt + 32 + 8 * i) = __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
	}
}

INLINE void riffle(float *values, const float *dealt)
{
	for (uint32_t i = 0; i < 4; i++) {
		v8 a = ANY_IN(dealt + 8 * i), b = ANY_IN(dealt + 32 + 8 * i);

		ANY(values + 16 * i) = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
		ANY(values + 16 * i + 8) = __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
	}
}

#define COMPILE(kind, attributes) \
SEGUE_DATA_LOOP attributes static void mac_##kind(float *const sums[], const float *const (*x)[SEGUE_QUAD], \
		uint32_t n_sums, const float *h, uint32_t n_outputs, uint32_t n_eights) \
{ \
	mac(sums, x, n_sums, h, n_outputs, n_eights); \
} \
SEGUE_DATA_LOOP attributes static void deal_##kind(float *dealt, const float *values) \
{ \
	deal(dealt, values); \
} \
SEGUE_DATA_LOOP attributes static void riffle_##kind(float *values, const float *dealt) \
{ \
	riffle(values, dealt); \
} \
SEGUE_DATA_LOOP attributes static void fir_##kind(float *out, const float *x, const float *h, uint32_t n) \
{ \
	fir(out, x, h, n); \
} \
SEGUE_DATA_LOOP attributes static void untangle_##kind(float *spectrum, const float *z, \
		const float *twiddles, uint32_t n) \
{ \
	untangle(spectrum, z, twiddles, n); \
} \
SEGUE_DATA_LOOP attributes static void tangle_##kind(float *z, const float *spectrum, \
		const float *twiddles, uint32_t n) \
{ \
	tangle(z, spectrum, twiddles, n); \
} \
SEGUE_DATA_LOOP attributes static void join_##kind(float *spectrum, const float *parts, \
		const float *twiddles, uint32_t n, uint32_t first, uint32_t end) \
{ \
	join(spectrum, parts, twiddles, n, first, end); \
} \
SEGUE_DATA_LOOP attributes static void part_##kind(float *parts, const float *spectrum, \
		const float *twiddles, uint32_t n, uint32_t first, uint32_t end) \
{ \
	part(parts, spectrum, twiddles, n, first, end); \
}

#define METHODS(kind) \
	.name = #kind, \
	.mac = mac_##kind, \
	.fir = fir_##kind, \
	.untangle = untangle_##kind, \
	.tangle = tangle_##kind, \
	.join = join_##kind, \
	.part = part_##kind, \
	.deal = deal_##kind, \
	.riffle = riffle_##kind

COMPILE(portable, )
const struct segue_vector segue_vector_portable = { METHODS(portable) };

#if defined(__x86_64__) || defined(__i386__)

COMPILE(avx2, __attribute__((target("avx2,fma"))))
static const struct segue_vector avx2 = { METHODS(avx2) };

const struct segue_vector *segue_vector_best(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &avx2 :
		&segue_vector_portable;
}

#else

const struct segue_vector *segue_vector_best(void)
{
	return &segue_vector_portable;
}

#endif
