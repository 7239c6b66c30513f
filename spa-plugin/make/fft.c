/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "fft.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <fftw3.h>

struct segue_fft {
	fftwf_plan forward, backward;
};

/* FFTW's planner has one state for the whole process. A long transform takes a worker seconds to plan, so a main
 * loop gets here only when it has no workers: before they begin, and after they have ended. */
static pthread_mutex_t planner = PTHREAD_MUTEX_INITIALIZER;

struct segue_fft *segue_fft_new(uint32_t n)
{
	/* an estimated plan only looks at the addresses: alike, aligned, and not the same */
	static float a[4] __attribute__((aligned(64))), b[4] __attribute__((aligned(64)));
	struct segue_fft *fft = calloc(1, sizeof(*fft));

	if (fft == NULL)
		return NULL;
	pthread_mutex_lock(&planner);
	fft->forward = fftwf_plan_dft_r2c_1d(n, a, (fftwf_complex *)b, FFTW_ESTIMATE);
	fft->backward = fftwf_plan_dft_c2r_1d(n, (fftwf_complex *)b, a, FFTW_ESTIMATE);
	pthread_mutex_unlock(&planner);
	if (fft->forward == NULL || fft->backward == NULL) {
		segue_fft_free(fft);
		errno = ENOMEM;
		return NULL;
	}
	return fft;
}

void segue_fft_forward(const struct segue_fft *fft, const float *in, float complex *out)
{
	/* out of place a forward transform keeps its input */
	fftwf_execute_dft_r2c(fft->forward, (float *)in, out);
}

void segue_fft_backward(const struct segue_fft *fft, float complex *in, float *out)
{
	fftwf_execute_dft_c2r(fft->backward, in, out);
}

void segue_fft_free(struct segue_fft *fft)
{
	if (fft == NULL)
		return;
	pthread_mutex_lock(&planner);
	fftwf_destroy_plan(fft->forward);
	fftwf_destroy_plan(fft->backward);
	pthread_mutex_unlock(&planner);
	free(fft);
}

fftwf_plan segue_fft_plan_split(uint32_t n, int32_t distance)
{
	fftwf_iodim dim = { n, 1, 1 };
	size_t size = n + abs(distance);
	/* an estimated plan only looks at the addresses; their distances must be the right ones */
	float *memory = fftwf_alloc_real(2 * size), *in = memory, *out = memory + size;
	fftwf_plan plan = NULL;

	if (memory != NULL) {
		if (distance < 0) {
			in -= distance;
			out -= distance;
		}
		pthread_mutex_lock(&planner);
		plan = fftwf_plan_guru_split_dft(1, &dim, 0, NULL, in, in + distance, out, out + distance,
				FFTW_ESTIMATE);
		pthread_mutex_unlock(&planner);
		fftwf_free(memory);
	}
	if (plan == NULL)
		errno = ENOMEM;
	return plan;
}

void segue_fft_plan_free(fftwf_plan plan)
{
	if (plan == NULL)
		return;
	pthread_mutex_lock(&planner);
	fftwf_destroy_plan(plan);
	pthread_mutex_unlock(&planner);
}
