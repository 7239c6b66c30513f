/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <math.h>
#include <string.h>

#include <spa/utils/defs.h>
#include <spa/utils/string.h>

#include "input.h"
#include "layout.h"
#include "make.h"
#include "wave.h"

/* The waveforms there are; those without a filler are Fourier series. */
static const struct wave {
	const char *name;
	double seconds;		/* if the options don't say */
	int (*fill)(struct segue_make *make, const struct segue_options *options, struct segue_sample *sample);
} waves[] = {
	{ "sine" },
	{ "saw" },
	{ "square" },
	{ "triangle" },
	{ "noise", 10.0, segue_noise_fill },
	{ "pink", 10.0, segue_pink_fill },
	{ "sweep", 5.0, segue_sweep_fill },
	{ "impulse", 1.0, segue_impulse_fill },
	{ "silence", 1.0, segue_silence_fill },
	{ "harmonics:" },
};

static const struct wave *find(const char *wave)
{
	const struct wave *w;
	size_t length;

	for (w = waves; w < &waves[SPA_N_ELEMENTS(waves)]; w++) {
		length = strlen(w->name);
		if (w->name[length - 1] == ':' ? strncmp(wave, w->name, length) == 0 : spa_streq(wave, w->name))
			return w;
	}
	return NULL;
}

int segue_wave_check(const char *wave, const struct segue_options *options, struct segue_error *error)
{
	const struct wave *w = find(wave);
	struct segue_spectrum spectrum;

	if (w == NULL)
		return segue_error_set(error, -EINVAL, "%s: no such waveform (sine, saw, square, triangle, "
				"noise, pink, sweep, impulse, silence, harmonics:1,0.5,...)", wave);
	if (!(options->gain >= 0.0 && options->gain <= 1.0))
		return segue_error_set(error, -EINVAL, "%s: gain: %g is not in 0..1", wave, options->gain);
	return w->fill == NULL ? segue_series_fill(wave, &spectrum, error) : 0;
}

enum segue_kind segue_wave_kind(const char *wave)
{
	return find(wave)->fill == NULL ? SEGUE_KIND_TABLE : SEGUE_KIND_SAMPLE;
}

struct segue_header segue_wave_header(const char *wave, const struct segue_options *options, uint32_t rate)
{
	const struct wave *w = find(wave);
	struct segue_header header = { .channels = 1 };
	struct segue_spectrum spectrum;
	double seconds;

	if (w->fill == NULL) {
		(void)segue_series_fill(wave, &spectrum, NULL);
		header.frames = segue_table_frames(spectrum.n_partials);
		return header;
	}
	seconds = options->seconds > 0.0 ? options->seconds : w->seconds;
	header.rate = rate;
	header.frames = SPA_MAX(llround(seconds * rate), 1);
	header.is_long = seconds > SEGUE_LONG_SECONDS;
	return header;
}

/* ------------------------------------------------------------------ tables */

static float largest(const float *data, uint64_t n)
{
	float peak = 0.0f;
	uint64_t i;

	for (i = 0; i < n; i++)
		peak = SPA_MAX(peak, fabsf(data[i]));
	return peak;
}

/* One factor for all levels, so that they stay each other's likeness. */
static void scale_table(struct segue_table *table, float gain)
{
	struct segue_table_level *level, *end = table->levels + table->n_levels;
	float peak = 0.0f, *value;

	for (level = table->levels; level < end; level++)
		peak = SPA_MAX(peak, largest(level->data, level->n_frames));
	for (level = table->levels; level < end; level++) {
		for (value = level->data - SEGUE_GUARD_FRAMES;
				value < level->data + level->n_frames + SEGUE_GUARD_FRAMES; value++)
			*value = *value / peak * gain;
	}
}

static struct segue_buffer *make_table(struct segue_make *make, const char *wave, float gain)
{
	struct segue_spectrum spectrum;
	struct segue_table *table;

	if (segue_series_fill(wave, &spectrum, &make->error) < 0 ||
			(table = segue_table_from_spectra(make, &spectrum, 1)) == NULL)
		return NULL;
	scale_table(table, gain);
	return &table->buffer;
}

/* ----------------------------------------------------------------- samples */

static struct segue_buffer *make_sample(struct segue_make *make, const struct wave *w,
		const struct segue_options *options, const struct segue_header *header)
{
	struct segue_sample *sample;

	if (header->frames >= SEGUE_FRAMES_MAX) {
		segue_error_set(&make->error, -EFBIG, "%s: seconds: at most %g at %u Hz", make->name,
				(double)SEGUE_FRAMES_MAX / header->rate, header->rate);
		return NULL;
	}
	if ((sample = segue_sample_new(make, 1, header->frames, header->rate)) == NULL)
		return NULL;
	if (w->fill(make, options, sample) < 0) {
		segue_memory_free(make->memory, sample);
		return NULL;
	}
	return &sample->buffer;
}

struct segue_buffer *segue_wave_make(struct segue_make *make, const char *wave,
		const struct segue_options *options, uint32_t rate)
{
	struct segue_header header;

	if (segue_wave_check(wave, options, &make->error) < 0)
		return NULL;
	header = segue_wave_header(wave, options, rate);
	if (segue_wave_kind(wave) == SEGUE_KIND_TABLE)
		return make_table(make, wave, options->gain);
	return make_sample(make, find(wave), options, &header);
}

float segue_buffer_peak(const struct segue_buffer *buffer)
{
	const struct segue_table *table = SPA_CONTAINER_OF(buffer, struct segue_table, buffer);
	const struct segue_sample *sample = SPA_CONTAINER_OF(buffer, struct segue_sample, buffer);
	float peak = 0.0f;
	uint32_t c;

	if (buffer->type == SEGUE_BUFFER_TABLE) {
		for (c = 0; c < table->n_channels; c++) {
			const struct segue_table_level *level = &table->levels[c * table->n_levels];

			peak = SPA_MAX(peak, largest(level->data, level->n_frames));
		}
	} else {
		for (c = 0; c < sample->n_channels; c++)
			peak = SPA_MAX(peak, largest(sample->data[c], sample->n_frames));
	}
	return peak;
}
