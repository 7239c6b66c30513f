/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include <complex.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include <spa/utils/defs.h>

#include "fft.h"
#include "layout.h"
#include "response.h"

#define FRAMES_MIN	64u
#define FRAMES_MAX	65536u	/* of the transform: half as many frequencies */

/* Folded to n frames a recording has the spectrum of the whole, at n frequencies. */
static void fold(const float *data, uint64_t n_frames, float *folded, uint32_t n)
{
	memset(folded, 0, n * sizeof(float));
	for (uint64_t begin = 0; begin < n_frames; begin += n) {
		uint32_t count = (uint32_t)SPA_MIN(n_frames - begin, (uint64_t)n);

		for (uint32_t i = 0; i < count; i++)
			folded[i] += data[begin + i];
	}
}

static float largest(const float complex *bins, uint32_t n)
{
	float square = 0.0f;

	for (uint32_t k = 0; k < n; k++)
		square = SPA_MAX(square, crealf(bins[k]) * crealf(bins[k]) + cimagf(bins[k]) * cimagf(bins[k]));
	return sqrtf(square);
}

int segue_response_gain(struct segue_make *make, const struct segue_sample *sample, float *ret)
{
	uint32_t n = FRAMES_MIN, c;
	struct segue_fft *fft;
	float complex *bins;
	float *folded, gain = 0.0f;
	int res = 0;

	while (n < FRAMES_MAX && n < sample->n_frames)
		n *= 2;
	bins = segue_make_alloc(make, (n / 2 + 1) * sizeof(*bins) + 64 + n * sizeof(*folded));
	if (bins == NULL)
		return make->error.res;
	if ((fft = segue_fft_new(n)) == NULL) {
		segue_memory_free(make->memory, bins);
		return segue_error_set(&make->error, -ENOMEM, "%s: no memory for a transform", make->name);
	}
	folded = SPA_PTR_ALIGN(bins + n / 2 + 1, 64, float);
	for (c = 0; c < sample->n_channels && res == 0; c++) {
		fold(sample->data[c], sample->n_frames, folded, n);
		segue_fft_forward(fft, folded, bins);
		gain = SPA_MAX(gain, largest(bins, n / 2 + 1));
		if (segue_make_cancelled(make))
			res = -ECANCELED;
	}
	segue_fft_free(fft);
	segue_memory_free(make->memory, bins);
	if (res == 0)
		*ret = gain;
	return res;
}
