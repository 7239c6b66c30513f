/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "response.h"

#include <complex.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <spa/utils/defs.h>

#include "fft.h"
#include "layout.h"

#define SILENCE		1e-10f	/* of the peak: minutes of it stay below -120 dB */
#define SCAN_FRAMES	65536u	/* between two looks at the job */
#define GAIN_FRAMES	65536u	/* frequencies the gain is looked at, at most, times two */
#define LINE		16u	/* floats in 64 bytes, and in eight bins */

/* ----------------------------------------------------------------------- rate */

struct segue_sample *segue_response_resample(struct segue_make *make, const struct segue_sample *sample,
		uint32_t rate)
{
	struct segue_sample *resampled = segue_sample_resample(make, sample, rate);
	float scale = (float)((double)sample->rate / rate);
	uint64_t i;

	for (uint32_t c = 0; resampled != NULL && c < resampled->n_channels; c++) {
		for (i = 0; i < resampled->n_frames; i++)
			resampled->data[c][i] *= scale;
	}
	return resampled;
}

/* ------------------------------------------------------------------- looking */

static int find_paths(struct segue_make *make, uint32_t n_channels, const struct segue_response_target *target,
		enum segue_paths *ret)
{
	uint32_t n_in = target->n_in, n_out = target->n_out;

	if (n_channels == 1)
		*ret = SEGUE_PATHS_SHARED;
	else if (n_channels == n_in && n_in == n_out)
		*ret = SEGUE_PATHS_DIAGONAL;
	else if (n_channels == n_in * n_out)
		*ret = SEGUE_PATHS_MATRIX;
	else if (n_in == n_out)
		return segue_error_set(&make->error, -EBADMSG, "%s: has %u channels, where 1, %u or %u are needed",
				make->name, n_channels, n_in, n_in * n_out);
	else
		return segue_error_set(&make->error, -EBADMSG, "%s: has %u channels, where 1 or %u are needed",
				make->name, n_channels, n_in * n_out);
	return 0;
}

/* The largest value of all channels, and the first frame that has it. */
static int find_peak(struct segue_make *make, const struct segue_sample *sample, float *ret, uint64_t *ret_frame)
{
	uint64_t i, frame = 0;
	float peak = 0.0f;

	for (uint32_t c = 0; c < sample->n_channels; c++) {
		for (i = 0; i < sample->n_frames; i++) {
			float value = fabsf(sample->data[c][i]);

			if (i % SCAN_FRAMES == 0 && segue_make_cancelled(make))
				return -ECANCELED;
			if (value > peak || (value == peak && i < frame)) {
				peak = value;
				frame = i;
			}
		}
	}
	*ret = peak;
	*ret_frame = frame;
	return 0;
}

/* How many frames there are up to the last one that isn't silent. */
static uint64_t find_end(const struct segue_sample *sample, float threshold)
{
	uint64_t end = 0, i;

	for (uint32_t c = 0; c < sample->n_channels; c++) {
		for (i = sample->n_frames; i > end && fabsf(sample->data[c][i - 1]) <= threshold; i--)
			;
		end = SPA_MAX(end, i);
	}
	return end;
}

/* ------------------------------------------------------------------ the gain */

/* Folded to n frames its transform is that of the whole, at n frequencies. */
static void fold(const float *data, uint64_t n_frames, float *folded, uint32_t n)
{
	memset(folded, 0, n * sizeof(float));
	for (uint64_t begin = 0; begin < n_frames; begin += n) {
		uint32_t count = (uint32_t)SPA_MIN(n_frames - begin, (uint64_t)n);

		for (uint32_t i = 0; i < count; i++)
			folded[i] += data[begin + i];
	}
}

static int find_gain(struct segue_make *make, const struct segue_sample *sample, struct segue_response *response)
{
	uint32_t n = 64, c, k;
	struct segue_fft *fft;
	float complex *bins;
	float *folded, gain = 0.0f;

	while (n < GAIN_FRAMES && n < response->n_frames)
		n *= 2;
	bins = segue_make_alloc(make, (n / 2 + 1) * sizeof(*bins) + 64 + n * sizeof(*folded));
	if (bins == NULL)
		return make->error.res;
	if ((fft = segue_fft_new(n)) == NULL) {
		segue_memory_free(make->memory, bins);
		return segue_error_set(&make->error, -ENOMEM, "%s: no memory for a transform", make->name);
	}
	folded = SPA_PTR_ALIGN(bins + n / 2 + 1, 64, float);
	for (c = 0; c < sample->n_channels && !segue_make_cancelled(make); c++) {
		fold(sample->data[c], response->n_frames, folded, n);
		segue_fft_forward(fft, folded, bins);
		for (k = 0; k <= n / 2; k++) {
			float square = crealf(bins[k]) * crealf(bins[k]) + cimagf(bins[k]) * cimagf(bins[k]);

			gain = SPA_MAX(gain, square);
		}
	}
	response->peak_gain = sqrtf(gain);
	segue_fft_free(fft);
	segue_memory_free(make->memory, bins);
	return c < sample->n_channels ? -ECANCELED : 0;
}

/* --------------------------------------------------------------- the spectra */

static size_t round_up(size_t n_floats)
{
	return SPA_ROUND_UP_N(n_floats, (size_t)LINE);
}

/* Floats of a level, quads filled up with silence. */
static size_t level_size(const struct segue_response *r, uint32_t level)
{
	/* outputs that have spectra of their own */
	size_t n_outputs = r->paths == SEGUE_PATHS_MATRIX ? r->n_out : r->n_paths;

	return n_outputs * segue_response_quads(r, level) * SEGUE_QUAD * segue_level_eights(level) * LINE;
}

static struct segue_response *new_response(struct segue_make *make, const struct segue_sample *sample,
		const struct segue_response_target *target, enum segue_paths paths, uint64_t n_frames)
{
	struct segue_response r = { .paths = paths, .n_paths = sample->n_channels, .rate = sample->rate,
		.n_frames = n_frames, .n_levels = segue_levels_used(n_frames), .n_inputs = 1, .n_joint = 1 };
	size_t head = SPA_ROUND_UP_N(sizeof(r), LINE * sizeof(float));
	size_t n_floats = round_up(r.n_paths * SEGUE_FIR_TAPS);
	struct segue_response *response;
	uint32_t i;

	if (paths != SEGUE_PATHS_SHARED) {
		r.n_in = target->n_in;
		r.n_out = target->n_out;
	}
	if (paths == SEGUE_PATHS_MATRIX) {
		r.n_inputs = target->n_in;
		r.n_joint = SEGUE_JOINT_MAX;
	}
	for (i = 0; i < r.n_levels; i++) {
		r.n_partitions[i] = segue_level_partitions(i, n_frames);
		n_floats += level_size(&r, i);
	}
	if ((response = segue_make_alloc(make, head + n_floats * sizeof(float))) == NULL)
		return NULL;
	r.head = SPA_PTROFF(response, head, float);
	r.spectra[0] = r.head + round_up(r.n_paths * SEGUE_FIR_TAPS);
	for (i = 1; i < r.n_levels; i++)
		r.spectra[i] = r.spectra[i - 1] + level_size(&r, i - 1);
	r.buffer = (struct segue_buffer) { .refs = 1, .type = SEGUE_BUFFER_RESPONSE,
		.bytes = segue_memory_size(response) };
	*response = r;
	return response;
}

/* What one partition after the other is made in. */
struct making {
	struct segue_make *make;
	const struct segue_vector *vector;
	const struct segue_transforms *transforms;
	struct segue_work work;
	float *taps;	/* a block, apart */
	float *silence;	/* a block */
	float *spectrum;
	void *memory;
	uint64_t done, total;	/* frames */
};

static int begin_making(struct making *m, const struct segue_response *response)
{
	uint32_t i, j, block = 0, piece = 0, parts[SEGUE_JOINS_MAX] = { 0 };
	float *p;

	for (i = 0; i < response->n_levels; i++) {
		block = SPA_MAX(block, segue_levels[i].block);
		piece = SPA_MAX(piece, segue_work_piece_floats(i));
		for (j = 0; j < SEGUE_JOINS_MAX; j++)
			parts[j] = SPA_MAX(parts[j], segue_work_floats(i, j));
	}
	p = m->memory = segue_make_alloc(m->make, (2 * block + SEGUE_SPECTRUM(2 * block) + 2 * round_up(piece) +
			round_up(parts[0]) + round_up(parts[1])) * sizeof(float));
	if (p == NULL)
		return m->make->error.res;
	m->taps = p;
	m->silence = p += block;
	m->spectrum = p += block;
	m->work.in = p += SEGUE_SPECTRUM(2 * block);
	m->work.out = p += round_up(piece);
	m->work.parts[0] = p += round_up(piece);
	m->work.parts[1] = p + round_up(parts[0]);
	return 0;
}

/* The spectrum of a block's taps. */
static void transform_taps(struct making *m, const struct segue_transform *t, const float *data,
		uint64_t n_frames)
{
	float scale = 1.0f / (2.0f * t->block);
	uint32_t i, begin, step;

	for (begin = 0; begin < t->block; begin += SEGUE_TICK_FRAMES) {
		float tick[SEGUE_TICK_FRAMES];

		for (i = 0; i < SEGUE_TICK_FRAMES; i++)
			tick[i] = begin + i < n_frames ? data[begin + i] * scale : 0.0f;
		segue_transform_scatter(t, m->vector, tick, m->taps, begin);
	}
	for (step = 0; step < t->n_steps; step++)
		segue_transform_forward(t, m->vector, &m->work, step, m->taps, m->silence, 0, m->spectrum);
}

/* Put it where it is multiplied. */
static void store_spectrum(const struct making *m, const struct segue_response *r, uint32_t level,
		uint32_t path, uint32_t partition)
{
	uint32_t input = r->paths == SEGUE_PATHS_MATRIX ? path / r->n_out : 0;
	uint32_t output = r->paths == SEGUE_PATHS_MATRIX ? path % r->n_out : path;
	uint32_t first = output / r->n_joint * r->n_joint, n_joint = segue_response_joint(r, first);
	uint32_t pair = input * r->n_partitions[level] + partition, chunk;

	for (chunk = 0; chunk < segue_level_chunks(level); chunk++) {
		float *quad = segue_response_spectra(r, level, first, chunk, pair / SEGUE_QUAD);

		segue_spectrum_weave(m->spectrum + chunk * SEGUE_CHUNK_EIGHTS * 8,
				SEGUE_BINS(2 * segue_levels[level].block), segue_chunk_eights(level, chunk),
				SEGUE_QUAD * n_joint * LINE,
				quad + (pair % SEGUE_QUAD * n_joint + output - first) * LINE);
	}
}

static int make_level(struct making *m, const struct segue_response *response, uint32_t level, uint32_t path,
		const float *data)
{
	uint32_t block = segue_levels[level].block, p;
	uint64_t begin = segue_levels[level].first;

	for (p = 0; p < response->n_partitions[level]; p++, begin += block) {
		if (segue_make_cancelled(m->make))
			return -ECANCELED;
		transform_taps(m, &m->transforms->levels[level], data + begin,
				SPA_MIN(response->n_frames - begin, (uint64_t)block));
		store_spectrum(m, response, level, path, p);
		m->done += block;
		segue_job_progress(m->make->job, SPA_MIN(m->done, m->total), m->total);
	}
	return 0;
}

static int make_spectra(struct segue_make *make, const struct segue_sample *sample,
		const struct segue_response_target *target, const struct segue_response *response)
{
	struct making m = { .make = make, .vector = segue_vector_best(), .transforms = target->transforms,
		.total = response->n_paths * response->n_frames };
	uint32_t path, level;
	int res = begin_making(&m, response);

	for (path = 0; res == 0 && path < response->n_paths; path++) {
		memcpy(response->head + path * SEGUE_FIR_TAPS, sample->data[path],
				SPA_MIN(response->n_frames, (uint64_t)SEGUE_FIR_TAPS) * sizeof(float));
		for (level = 0; res == 0 && level < response->n_levels; level++)
			res = make_level(&m, response, level, path, sample->data[path]);
	}
	segue_memory_free(make->memory, m.memory);
	return res;
}

struct segue_response *segue_response_from_sample(struct segue_make *make, const struct segue_sample *sample,
		const struct segue_response_target *target)
{
	struct segue_response *response;
	enum segue_paths paths = SEGUE_PATHS_SHARED;
	uint64_t n_frames, peak_frame;
	float peak;

	if (find_paths(make, sample->n_channels, target, &paths) < 0 ||
			find_peak(make, sample, &peak, &peak_frame) < 0)
		return NULL;
	n_frames = find_end(sample, peak * SILENCE);
	if (n_frames > target->frames_max) {
		segue_error_set(&make->error, -EFBIG, "%s: has %.2f s, %.2f s at most", make->name,
				(double)n_frames / sample->rate, (double)target->frames_max / sample->rate);
		return NULL;
	}
	if ((response = new_response(make, sample, target, paths, n_frames)) == NULL)
		return NULL;
	response->peak_frame = peak_frame;
	if (make_spectra(make, sample, target, response) < 0 || find_gain(make, sample, response) < 0) {
		segue_memory_free(make->memory, response);
		return NULL;
	}
	return response;
}
