/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_VECTOR_H
#define SEGUE_RT_VECTOR_H

#include <stdint.h>

#include <segue/handover.h>

/** \file
 * The inner loops of the convolver, for each kind of processor.
 *
 * A *spectrum* of n real values has SEGUE_BINS(n) bins: first all real parts, then all imaginary ones. The
 * bins above n / 2 go on as the conjugates they are, so that groups of eight need no end of their own.
 * Spectra are aligned to 32 bytes. *Woven* they have eight real parts, the eight imaginary ones that belong
 * to them, and so on. */

#define SEGUE_BINS(n)		((n) / 2 + 8)
#define SEGUE_SPECTRUM(n)	(2 * SEGUE_BINS(n))	/* floats */
#define SEGUE_QUAD		4u	/* spectra are multiplied four at a time */
#define SEGUE_JOINT_MAX		2u	/* for so many outputs at once */
#define SEGUE_SUMS_MAX		4u	/* of so many blocks at once: what registers hold */
#define SEGUE_SUMS(n_outputs)	(SEGUE_SUMS_MAX / (n_outputs))
#define SEGUE_FIR_TAPS		64u
#define SEGUE_FIR_FRAMES	32u	/* frames are made in so many, or in 8 when there are no more */

struct segue_vector {
	const char *name;
	/** sums[s] += x[s][0] * h[0] .. x[s][3] * h[3], of woven spectra, for one output or two that share the
	 * inputs: h is read once.
	 * \param n_sums  1..SEGUE_SUMS(n_outputs)
	 * \param h  as sums lie: of eight bins all four x, of each all outputs
	 * \param n_eights  of bins */
	SEGUE_DATA_LOOP void (*mac)(float *const sums[], const float *const (*x)[SEGUE_QUAD], uint32_t n_sums,
			const float *h, uint32_t n_outputs, uint32_t n_eights);
	/** out[i] += sum of h[k] * x[i - k], k < SEGUE_FIR_TAPS. Reads and writes up to the next multiple
	 * of SEGUE_FIR_FRAMES beyond n. */
	SEGUE_DATA_LOOP void (*fir)(float *out, const float *x, const float *h, uint32_t n);
	/** The spectrum of 2 * n real values from the transform of n complex ones: x[2 * a] + i x[2 * a + 1].
	 * \param z   n + 1 bins, the last one equal to the first; imaginary parts from n + 8 on */
	SEGUE_DATA_LOOP void (*untangle)(float *spectrum, const float *z, const float *twiddles, uint32_t n);
	/** The way back, times two. */
	SEGUE_DATA_LOOP void (*tangle)(float *z, const float *spectrum, const float *twiddles, uint32_t n);
	/** The spectrum of 4 * n real values from those of x[4 * a + r], r < 4, which lie one after the
	 * other. Bins first..end - 1 of these. */
	SEGUE_DATA_LOOP void (*join)(float *spectrum, const float *parts, const float *twiddles, uint32_t n,
			uint32_t first, uint32_t end);
	/** The way back, times four. */
	SEGUE_DATA_LOOP void (*part)(float *parts, const float *spectrum, const float *twiddles, uint32_t n,
			uint32_t first, uint32_t end);
	/** 64 values, those of even places before those of odd ones. */
	SEGUE_DATA_LOOP void (*deal)(float *dealt, const float *values);
	/** The way back. */
	SEGUE_DATA_LOOP void (*riffle)(float *values, const float *dealt);
};

/** Plain C, and whatever the compiler makes of it. */
extern const struct segue_vector segue_vector_portable;

/** The fastest this processor can run. Any thread. */
SEGUE_DATA_LOOP const struct segue_vector *segue_vector_best(void);

#endif /* SEGUE_RT_VECTOR_H */
