/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "table.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <spa/utils/defs.h>

#include "fft.h"
#include "layout.h"

#define FRAMES_MIN	2048u
#define FRAMES_PER_PARTIAL	8u
#define PERIOD_MAX	(1u << 20)	/* frames of a sample that is one period */
#define NO_RATE		48000u	/* a period has none, but a file must */

uint32_t segue_table_frames(uint32_t n_partials)
{
	uint32_t n = FRAMES_MIN;

	while (n < FRAMES_PER_PARTIAL * n_partials)
		n *= 2;
	return n;
}

/* All partials there are, then 2^(L/2) of them for each L below, down to one. */
static uint32_t choose_levels(uint32_t n_partials, struct segue_table_level *levels)
{
	uint32_t n_levels = 0, count = SPA_CLAMP(n_partials, 1u, SEGUE_TABLE_PARTIALS_MAX);
	int half_octave = (int)(2.0 * log2(SEGUE_TABLE_PARTIALS_MAX));

	levels[n_levels++].n_partials = count;
	for (; half_octave >= 0; half_octave--) {
		/* a little more than the power, which must not fall short of a whole number */
		uint32_t fewer = exp2(half_octave / 2.0) + 1e-6;

		if (fewer < count)
			levels[n_levels++].n_partials = count = fewer;
	}
	for (count = 0; count < n_levels; count++)
		levels[count].n_frames = segue_table_frames(levels[count].n_partials);
	return n_levels;
}

/* The period goes on beyond its ends. */
static void set_guards(struct segue_table_level *level)
{
	memcpy(level->data - SEGUE_GUARD_FRAMES, level->data + level->n_frames - SEGUE_GUARD_FRAMES,
			SEGUE_GUARD_FRAMES * sizeof(float));
	memcpy(level->data + level->n_frames, level->data, SEGUE_GUARD_FRAMES * sizeof(float));
}

static int fill_level(struct segue_make *make, struct segue_table_level *level,
		const struct segue_spectrum *spectrum)
{
	uint32_t n_partials = SPA_MIN(level->n_partials, spectrum->n_partials);
	size_t size = (level->n_frames / 2 + 1) * sizeof(float complex);
	float complex *bins = segue_make_alloc(make, size);	/* zeroed */
	struct segue_fft *fft;

	if (bins == NULL)
		return make->error.res;
	if ((fft = segue_fft_new(level->n_frames)) == NULL) {
		segue_memory_free(make->memory, bins);
		return segue_error_set(&make->error, -ENOMEM, "%s: no memory for a transform", make->name);
	}
	memcpy(bins + 1, spectrum->bins + 1, n_partials * sizeof(bins[0]));
	segue_fft_backward(fft, bins, level->data);
	set_guards(level);
	segue_fft_free(fft);
	segue_memory_free(make->memory, bins);
	return 0;
}

struct segue_table *segue_table_from_spectra(struct segue_make *make, const struct segue_spectrum *spectra,
		uint32_t n_channels)
{
	struct segue_table_level levels[SEGUE_TABLE_LEVELS_MAX] = { 0 };
	struct segue_table *table;
	uint32_t i, n_levels, n_partials = 0;

	for (i = 0; i < n_channels; i++)
		n_partials = SPA_MAX(n_partials, spectra[i].n_partials);
	n_levels = choose_levels(n_partials, levels);
	if ((table = segue_table_new(make, n_channels, levels, n_levels)) == NULL)
		return NULL;
	for (i = 0; i < n_channels * n_levels; i++) {
		if (segue_make_cancelled(make) ||
				fill_level(make, &table->levels[i], &spectra[i / n_levels]) < 0) {
			segue_memory_free(make->memory, table);
			return NULL;
		}
		segue_job_progress(make->job, i + 1, n_channels * n_levels);
	}
	return table;
}

/* ------------------------------------------------------------- from a sample */

static void analyse(const struct segue_fft *fft, const float *period, uint32_t n, float complex *bins,
		struct segue_spectrum *ret)
{
	uint32_t k, n_partials = SPA_MIN(n / 2, SEGUE_TABLE_PARTIALS_MAX);

	segue_fft_forward(fft, period, bins);
	for (k = 1; k <= n_partials; k++)
		/* of the highest bin of an even length both halves are in one */
		ret->bins[k] = bins[k] / (2 * k == n ? 2.0f * n : n);
	ret->n_partials = n_partials;
}

static struct segue_spectrum *analyse_all(struct segue_make *make, const struct segue_sample *sample)
{
	uint32_t c, n = sample->n_frames;
	struct segue_fft *fft = segue_fft_new(n);
	struct segue_spectrum *spectra = segue_make_alloc(make, sample->n_channels * sizeof(*spectra));
	float complex *bins = spectra == NULL ? NULL :
		segue_make_alloc(make, (n / 2 + 1) * sizeof(float complex));

	if (fft == NULL)
		segue_error_set(&make->error, -ENOMEM, "%s: no memory for a transform", make->name);
	if (fft == NULL || bins == NULL) {
		segue_memory_free(make->memory, spectra);
		spectra = NULL;
	}
	for (c = 0; spectra != NULL && c < sample->n_channels; c++)
		analyse(fft, sample->data[c], n, bins, &spectra[c]);
	segue_memory_free(make->memory, bins);
	segue_fft_free(fft);
	return spectra;
}

struct segue_table *segue_table_from_sample(struct segue_make *make, const struct segue_sample *sample)
{
	struct segue_spectrum *spectra;
	struct segue_table *table;

	if (sample->n_frames < 2) {
		segue_error_set(&make->error, -EBADMSG, "%s: one frame is no period", make->name);
		return NULL;
	}
	if (sample->n_frames > PERIOD_MAX) {
		segue_error_set(&make->error, -EFBIG, "%s: a period of %" PRIu64 " frames, %u at most",
				make->name, sample->n_frames, PERIOD_MAX);
		return NULL;
	}
	if ((spectra = analyse_all(make, sample)) == NULL)
		return NULL;
	table = segue_table_from_spectra(make, spectra, sample->n_channels);
	segue_memory_free(make->memory, spectra);
	return table;
}

/* -------------------------------------------------------------- to a sample */

/* An odd number of frames: each of the partials has a bin, and its own alone. */
static uint32_t period_frames(const struct segue_table *table)
{
	return 2 * table->levels[0].n_partials + 1;
}

struct resynthesis {
	struct segue_fft *forward, *backward;
	float complex *bins;		/* of the level, then of the period: its lowest */
};

static void resynthesize(const struct resynthesis *r, const struct segue_table_level *level, float *period)
{
	segue_fft_forward(r->forward, level->data, r->bins);
	r->bins[0] = 0.0f;
	for (uint32_t k = 1; k <= level->n_partials; k++)
		r->bins[k] /= level->n_frames;
	segue_fft_backward(r->backward, r->bins, period);
}

struct segue_sample *segue_sample_from_table(struct segue_make *make, const struct segue_table *table)
{
	const struct segue_table_level *first = &table->levels[0];
	struct segue_sample *sample = segue_sample_new(make, table->n_channels, period_frames(table), NO_RATE);
	struct resynthesis r = {
		.forward = segue_fft_new(first->n_frames),
		.backward = segue_fft_new(period_frames(table)),
		.bins = segue_make_alloc(make, (first->n_frames / 2 + 1) * sizeof(float complex)),
	};

	if (sample != NULL && r.bins != NULL && (r.forward == NULL || r.backward == NULL))
		segue_error_set(&make->error, -ENOMEM, "%s: no memory for a transform", make->name);
	if (sample == NULL || r.bins == NULL || r.forward == NULL || r.backward == NULL) {
		segue_memory_free(make->memory, sample);
		sample = NULL;
	}
	for (uint32_t c = 0; sample != NULL && c < table->n_channels; c++)
		resynthesize(&r, &table->levels[c * table->n_levels], sample->data[c]);
	segue_memory_free(make->memory, r.bins);
	segue_fft_free(r.backward);
	segue_fft_free(r.forward);
	return sample;
}
