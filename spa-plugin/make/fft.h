/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_MAKE_FFT_H
#define SEGUE_MAKE_FFT_H

#include <complex.h>
#include <stdint.h>

/** \file
 * The real Fourier transform: the one place that knows the library behind it. Any thread; one transform may
 * be executed by several at once. Neither direction scales: forward and back again is times n. */

#define SEGUE_FFT_MAX	(1u << 24)

struct segue_fft;

/** \param n  values, 1..SEGUE_FFT_MAX; fast where it has small prime factors
 * \return NULL with errno */
struct segue_fft *segue_fft_new(uint32_t n);
/** \param in   n values, aligned to 16 bytes
 * \param out  n / 2 + 1 bins, aligned to 16 bytes, apart from in */
void segue_fft_forward(const struct segue_fft *fft, const float *in, float complex *out);
/** \param in   n / 2 + 1 bins, aligned to 16 bytes; destroyed
 * \param out  n values, aligned to 16 bytes, apart from in */
void segue_fft_backward(const struct segue_fft *fft, float complex *in, float *out);
void segue_fft_free(struct segue_fft *fft);

struct fftwf_plan_s;

/** Plan a complex transform of split values for the data loop: it executes without allocating. Out of place,
 * imaginary parts at a fixed distance from the real ones, all aligned to 32 bytes.
 * \param distance  floats from the real parts to the imaginary ones; negative: these come first, which makes it
 *                  the way back
 * \return NULL with errno */
struct fftwf_plan_s *segue_fft_plan_split(uint32_t n, int32_t distance);
void segue_fft_plan_free(struct fftwf_plan_s *plan);

#endif /* SEGUE_MAKE_FFT_H */
