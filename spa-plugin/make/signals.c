/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "wave.h"

#include <complex.h>
#include <errno.h>
#include <math.h>

#include <spa/utils/defs.h>

#include "fft.h"
#include "layout.h"

#define BLOCK_FRAMES	16384u	/* between two looks at the job */
#define SWEEP_FADE	0.005	/* seconds */

/* ------------------------------------------------------------------- noise */

/* splitmix64 (Vigna): spreads a small seed over the generator's state */
static uint64_t split_mix(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static uint64_t rotate(uint64_t x, int bits)
{
	return (x << bits) | (x >> (64 - bits));
}

/* xoshiro256** 1.0 (Blackman and Vigna) */
static uint64_t next_random(uint64_t s[4])
{
	uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

static void loop_all(struct segue_sample *sample)
{
	sample->loop = SEGUE_LOOP_FORWARD;
	sample->loop_start = 0;
	sample->loop_end = sample->n_frames;
}

static int fill_white(struct segue_make *make, uint64_t seed, float gain, struct segue_sample *sample)
{
	uint64_t state[4], i;

	for (i = 0; i < 4; i++)
		state[i] = split_mix(&seed);
	for (i = 0; i < sample->n_frames; i++) {
		if (i % BLOCK_FRAMES == 0 && segue_make_cancelled(make))
			return -ECANCELED;
		/* 25 bits, odd: symmetric about zero, which never occurs */
		sample->data[0][i] = gain * ((int64_t)((next_random(state) >> 40) * 2 + 1) - (1 << 24)) /
			(float)(1 << 24);
	}
	return 0;
}

int segue_noise_fill(struct segue_make *make, const struct segue_options *options, struct segue_sample *sample)
{
	loop_all(sample);
	return fill_white(make, options->seed, options->gain, sample);
}

static void scale_to_peak(float *data, uint64_t n, float peak)
{
	float largest = 0.0f;
	uint64_t i;

	for (i = 0; i < n; i++)
		largest = SPA_MAX(largest, fabsf(data[i]));
	for (i = 0; i < n; i++)
		data[i] *= largest > 0.0f ? peak / largest : 0.0f;
}

int segue_pink_fill(struct segue_make *make, const struct segue_options *options, struct segue_sample *sample)
{
	uint64_t k, n = sample->n_frames;
	float complex *bins;
	struct segue_fft *fft;
	int res;

	if (n > SEGUE_FFT_MAX)
		return segue_error_set(&make->error, -EFBIG, "%s: seconds: at most %g at %u Hz", make->name,
				(double)SEGUE_FFT_MAX / sample->rate, sample->rate);
	loop_all(sample);
	if ((res = fill_white(make, options->seed, 1.0f, sample)) < 0)
		return res;
	if ((bins = segue_make_alloc(make, (n / 2 + 1) * sizeof(bins[0]))) == NULL)
		return make->error.res;
	if ((fft = segue_fft_new(n)) == NULL) {
		segue_memory_free(make->memory, bins);
		return segue_error_set(&make->error, -ENOMEM, "%s: no memory for a transform", make->name);
	}
	segue_fft_forward(fft, sample->data[0], bins);
	bins[0] = 0.0f;
	for (k = 1; k <= n / 2; k++)
		bins[k] /= sqrtf(k);
	segue_fft_backward(fft, bins, sample->data[0]);
	scale_to_peak(sample->data[0], n, options->gain);
	segue_fft_free(fft);
	segue_memory_free(make->memory, bins);
	return 0;
}

/* ------------------------------------------------------- sweep and the rest */

int segue_sweep_fill(struct segue_make *make, const struct segue_options *options, struct segue_sample *sample)
{
	/* a little below half the rate, for whoever plays it at another one */
	double top = 0.49 * sample->rate, from = SPA_MIN(options->from, top), to = SPA_MIN(options->to, top);
	double seconds = (double)sample->n_frames / sample->rate, octaves = log(to / from), t, phase;
	uint64_t i, n_fade = SPA_MIN((uint64_t)(SWEEP_FADE * sample->rate), sample->n_frames / 2);

	if (options->from > top && options->to > top)
		return segue_error_set(&make->error, -EINVAL, "%s: from and to are beyond %g Hz, which is "
				"as high as %u Hz can hold", make->name, top, sample->rate);
	for (i = 0; i < sample->n_frames; i++) {
		if (i % BLOCK_FRAMES == 0 && segue_make_cancelled(make))
			return -ECANCELED;
		t = (double)i / sample->rate;
		phase = from == to ? from * t : from * seconds / octaves * expm1(t / seconds * octaves);
		sample->data[0][i] = options->gain * sin(2.0 * M_PI * phase);
	}
	for (i = 0; i < n_fade; i++) {
		double w = 0.5 - 0.5 * cos(M_PI * i / n_fade);

		sample->data[0][i] *= w;
		sample->data[0][sample->n_frames - 1 - i] *= w;
	}
	return 0;
}

int segue_impulse_fill(struct segue_make *make, const struct segue_options *options,
		struct segue_sample *sample)
{
	sample->data[0][0] = options->gain;
	return 0;
}

int segue_silence_fill(struct segue_make *make, const struct segue_options *options,
		struct segue_sample *sample)
{
	loop_all(sample);
	return 0;
}
