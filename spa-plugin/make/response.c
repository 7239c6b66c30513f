/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "response.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <spa/utils/defs.h>

#include "layout.h"

#define SILENCE		1e-10f	/* of the peak: minutes of it stay below -120 dB */
#define SCAN_FRAMES	65536u	/* between two looks at the job */
#define LARGEST		(SEGUE_LEVELS_MAX - 1)	/* transforms, those of this level */
#define LINE		16u	/* floats in 64 bytes, and in eight bins */

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
	else if (n_in == 1 && n_out == 1)
		return segue_error_set(&make->error, -EBADMSG, "%s: has %u channels, where 1 is needed",
				make->name, n_channels);
	else if (n_in == n_out)
		return segue_error_set(&make->error, -EBADMSG, "%s: has %u channels, where 1, %u or %u are needed",
				make->name, n_channels, n_in, n_in * n_out);
	else
		return segue_error_set(&make->error, -EBADMSG, "%s: has %u channels, where 1 or %u are needed",
				make->name, n_channels, n_in * n_out);
	return 0;
}

/* Eight at a time, whatever the processor has for that. */
static float find_largest(const float *data, uint64_t n_frames)
{
	float largest[8] = { 0.0f };
	uint64_t i;
	uint32_t k;

	for (i = 0; i + 8 <= n_frames; i += 8) {
		for (k = 0; k < 8; k++)
			largest[k] = fabsf(data[i + k]) > largest[k] ? fabsf(data[i + k]) : largest[k];
	}
	for (; i < n_frames; i++)
		largest[0] = SPA_MAX(largest[0], fabsf(data[i]));
	for (k = 1; k < 8; k++)
		largest[0] = SPA_MAX(largest[0], largest[k]);
	return largest[0];
}

/* The largest value of all channels, and the first frame that has it. */
static int find_peak(struct segue_make *make, const struct segue_sample *sample, float *ret, uint64_t *ret_frame)
{
	uint64_t begin, i, frame = 0;
	float peak = 0.0f;

	for (uint32_t c = 0; c < sample->n_channels; c++) {
		const float *data = sample->data[c];

		for (begin = 0; begin < sample->n_frames; begin += SCAN_FRAMES) {
			float largest = find_largest(data + begin, SPA_MIN(sample->n_frames - begin,
						(uint64_t)SCAN_FRAMES));

			if (segue_make_cancelled(make))
				return -ECANCELED;
			if (largest < peak || (largest == peak && begin >= frame))
				continue;
			for (i = begin; fabsf(data[i]) < largest; i++)
				;
			frame = largest > peak ? i : SPA_MIN(i, frame);
			peak = largest;
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

/* Its length without the silence at its end, if that isn't too long, and where its peak is. */
static int find_extent(struct segue_make *make, const struct segue_sample *sample, uint64_t frames_max,
		uint64_t *ret, uint64_t *ret_peak)
{
	float peak;
	int res = find_peak(make, sample, &peak, ret_peak);

	if (res < 0)
		return res;
	*ret = find_end(sample, peak * SILENCE);
	if (*ret > frames_max)
		return segue_error_set(&make->error, -EFBIG, "%s: has %.2f s, %.2f s at most", make->name,
				(double)*ret / sample->rate, (double)frames_max / sample->rate);
	return 0;
}

/* ----------------------------------------------------------------------- rate */

struct segue_sample *segue_response_resample(struct segue_make *make, const struct segue_sample *sample,
		uint32_t own_rate, uint32_t rate, uint64_t frames_max)
{
	double ratio = (double)sample->rate / rate;
	float scale = (float)((double)own_rate / rate);
	struct segue_sample *resampled;
	uint64_t i, unused;

	/* minutes of it aren't resampled to be refused */
	if (find_extent(make, sample, (uint64_t)ceil(frames_max * ratio), &unused, &unused) < 0)
		return NULL;
	resampled = segue_sample_resample(make, sample, rate);
	for (uint32_t c = 0; resampled != NULL && c < resampled->n_channels; c++) {
		for (i = 0; i < resampled->n_frames; i++)
			resampled->data[c][i] *= scale;
	}
	return resampled;
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

/* What one spectrum after the other is made in. */
struct making {
	struct segue_make *make;
	const struct segue_vector *vector;
	const struct segue_transforms *transforms;
	struct segue_work work;
	float *blocks[2];	/* of the largest size, apart */
	float *spectrum;
	void *memory;
	uint64_t done, total;	/* frames */
};

static int begin_making(struct making *m)
{
	uint32_t i, block = segue_levels[LARGEST].block;
	size_t sizes[] = { block, block, SEGUE_SPECTRUM(2 * block), segue_work_piece_floats(LARGEST),
		segue_work_piece_floats(LARGEST), segue_work_floats(LARGEST, 0), segue_work_floats(LARGEST, 1) };
	float **arrays[] = { &m->blocks[0], &m->blocks[1], &m->spectrum, &m->work.in, &m->work.out,
		&m->work.parts[0], &m->work.parts[1] };
	size_t at = 0;

	for (i = 0; i < SPA_N_ELEMENTS(sizes); i++)
		at += round_up(sizes[i]);
	if ((m->memory = segue_make_alloc(m->make, at * sizeof(float))) == NULL)
		return m->make->error.res;
	for (at = 0, i = 0; i < SPA_N_ELEMENTS(sizes); i++) {
		*arrays[i] = (float *)m->memory + at;
		at += round_up(sizes[i]);
	}
	return 0;
}

/* Put a block's frames apart, times scale; what is missing is silence. */
static void scatter(struct making *m, const struct segue_transform *t, const float *data, uint64_t n_frames,
		float scale, float *block)
{
	float tick[SEGUE_TICK_FRAMES], last[SEGUE_TICK_FRAMES];
	uint32_t i, begin;

	for (begin = 0; begin < t->block; begin += SEGUE_TICK_FRAMES) {
		const float *frames = data + begin;

		if (n_frames < begin + SEGUE_TICK_FRAMES) {
			memset(last, 0, sizeof(last));
			if (n_frames > begin)
				memcpy(last, frames, (n_frames - begin) * sizeof(float));
			frames = last;
		}
		for (i = 0; i < SEGUE_TICK_FRAMES; i++)
			tick[i] = frames[i] * scale;
		segue_transform_scatter(t, m->vector, tick, block, begin);
	}
}

static void transform(struct making *m, const struct segue_transform *t)
{
	for (uint32_t step = 0; step < t->n_steps; step++)
		segue_transform_forward(t, m->vector, &m->work, step, m->blocks[0], m->blocks[1], 0, m->spectrum);
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
	const struct segue_transform *t = &m->transforms->levels[level];
	uint32_t block = t->block, p;
	uint64_t begin = segue_levels[level].first;

	memset(m->blocks[1], 0, block * sizeof(float));

	for (p = 0; p < response->n_partitions[level]; p++, begin += block) {
		if (segue_make_cancelled(m->make))
			return -ECANCELED;
		scatter(m, t, data + begin, response->n_frames - begin, 0.5f / block, m->blocks[0]);
		transform(m, t);
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
	int res = begin_making(&m);

	for (path = 0; res == 0 && path < response->n_paths; path++) {
		const float *data = sample->data[path];

		memcpy(response->head + path * SEGUE_FIR_TAPS, data,
				SPA_MIN(response->n_frames, (uint64_t)SEGUE_FIR_TAPS) * sizeof(float));
		for (level = 0; res == 0 && level < response->n_levels; level++)
			res = make_level(&m, response, level, path, data);
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

	if (find_paths(make, sample->n_channels, target, &paths) < 0 ||
			find_extent(make, sample, target->frames_max, &n_frames, &peak_frame) < 0)
		return NULL;
	if ((response = new_response(make, sample, target, paths, n_frames)) == NULL)
		return NULL;
	response->peak_frame = peak_frame;
	if (make_spectra(make, sample, target, response) < 0) {
		segue_memory_free(make->memory, response);
		return NULL;
	}
	return response;
}
