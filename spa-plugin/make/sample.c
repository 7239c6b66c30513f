/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include <math.h>
#include <string.h>

#include <spa/utils/defs.h>

#include "input.h"
#include "layout.h"
#include "make.h"

#define BLOCK_FRAMES	16384u	/* between two looks at the job */
#define FIRST_FRAMES	65536u	/* what is made room for before any has arrived */

/* Where a channel of the result comes from. */
struct route {
	uint32_t input;
	uint32_t channel;
};

/* What decoding needs beside the decoder. */
struct decoding {
	struct segue_make *make;
	struct segue_decoder *decoder;
	struct route routes[SEGUE_CHANNELS_MAX];
	float *blocks[SEGUE_CHANNELS_MAX];	/* of each input, interleaved */
	float *scratch;		/* all of them */
	struct segue_sample *sample;	/* n_frames: as far as there is room */
	uint64_t n_frames;	/* as far as it is filled */
};

static void find_routes(struct decoding *d, const struct segue_options *options, bool raw)
{
	struct segue_decoder *decoder = d->decoder;
	struct route all[SEGUE_CHANNELS_MAX];
	uint32_t i, c, n = 0;

	for (i = 0; i < decoder->n_inputs; i++) {
		for (c = 0; c < decoder->inputs[i].channels; c++)
			all[n++] = (struct route) { .input = i, .channel = c };
	}
	for (c = 0; c < decoder->header.channels; c++)
		d->routes[c] = all[options->n_channels > 0 && !raw ? options->channels[c] : c];
}

static int make_blocks(struct decoding *d)
{
	uint32_t i, n = 0;

	for (i = 0; i < d->decoder->n_inputs; i++)
		n += d->decoder->inputs[i].channels;
	if ((d->scratch = segue_make_alloc(d->make, (uint64_t)n * BLOCK_FRAMES * sizeof(float))) == NULL)
		return d->make->error.res;
	for (i = 0, n = 0; i < d->decoder->n_inputs; i++) {
		d->blocks[i] = d->scratch + (size_t)n * BLOCK_FRAMES;
		n += d->decoder->inputs[i].channels;
	}
	return 0;
}

/* Room for n_frames more. A header's count is a claim: it only bounds the growth. */
static int make_room(struct decoding *d, uint64_t n_frames)
{
	uint64_t claimed = d->decoder->header.frames, n = d->n_frames + n_frames;
	struct segue_sample *sample;

	if (n <= d->sample->n_frames)
		return 0;
	if (n >= SEGUE_FRAMES_MAX)
		return segue_error_set(&d->make->error, -EFBIG, "%s: %llu frames are too many", d->make->name,
				SEGUE_FRAMES_MAX);
	n = SPA_MAX(n, 2 * d->sample->n_frames);
	if (claimed > 0)
		n = SPA_MAX(SPA_MIN(n, claimed), d->n_frames + n_frames);
	if ((sample = segue_sample_resize(d->make, d->sample, n)) == NULL)
		return d->make->error.res;
	d->sample = sample;
	return 0;
}

/* One block of every input. \return frames of the longest */
static int64_t read_block(struct decoding *d, uint64_t n)
{
	int64_t got, longest = 0;
	uint32_t i;

	for (i = 0; i < d->decoder->n_inputs; i++) {
		struct segue_input *input = &d->decoder->inputs[i];

		if ((got = segue_input_read(input, d->make, d->blocks[i], n)) < 0)
			return got;
		/* a shorter file goes on in silence */
		memset(d->blocks[i] + got * input->channels, 0, (n - got) * input->channels * sizeof(float));
		longest = SPA_MAX(longest, got);
	}
	return longest;
}

static int check_value(struct decoding *d, const struct segue_input *input, float value)
{
	if (fabsf(value) <= SEGUE_VALUE_MAX)
		return 0;
	if (isfinite(value))
		return segue_error_set(&d->make->error, -EBADMSG, "%s: has samples beyond %g", input->name,
				SEGUE_VALUE_MAX);
	return segue_error_set(&d->make->error, -EBADMSG, "%s: has samples that are not numbers", input->name);
}

static int append_block(struct decoding *d, uint64_t n)
{
	uint32_t c;
	uint64_t i;
	int res;

	for (c = 0; c < d->sample->n_channels; c++) {
		const struct segue_input *input = &d->decoder->inputs[d->routes[c].input];
		const float *src = d->blocks[d->routes[c].input] + d->routes[c].channel;
		float *dst = d->sample->data[c] + d->n_frames;

		for (i = 0; i < n; i++) {
			dst[i] = src[i * input->channels];
			if ((res = check_value(d, input, dst[i])) < 0)
				return res;
		}
	}
	d->n_frames += n;
	return 0;
}

static int delay(struct decoding *d)
{
	uint64_t n = d->decoder->delay;
	uint32_t c;
	int res;

	if ((res = make_room(d, n)) < 0)
		return res;
	for (c = 0; c < d->sample->n_channels; c++)
		memset(d->sample->data[c], 0, n * sizeof(float));
	d->n_frames = n;
	return 0;
}

static int seek(struct decoding *d)
{
	struct segue_decoder *decoder = d->decoder;
	uint32_t i;
	int res;

	for (i = 0; i < decoder->n_inputs; i++) {
		struct segue_input *input = &decoder->inputs[i];

		/* of several the offset is within the longest only */
		if ((res = segue_input_seek(input, d->make, input->frames > 0 ?
				SPA_MIN(decoder->offset, input->frames) : decoder->offset)) < 0)
			return res;
	}
	return 0;
}

static int read_all(struct decoding *d)
{
	uint64_t length = d->decoder->length, done = 0;
	int64_t got = 1;
	int res;

	while (got > 0 && (length == 0 || done < length)) {
		got = read_block(d, length > 0 ? SPA_MIN(length - done, BLOCK_FRAMES) : BLOCK_FRAMES);
		if (got < 0)
			return got;
		if ((res = make_room(d, got)) < 0 || (res = append_block(d, got)) < 0)
			return res;
		done += got;
		segue_make_progress(d->make, done, length);
	}
	if (done == 0)
		return segue_error_set(&d->make->error, -EBADMSG, "%s: has no frames", d->make->name);
	return 0;
}

/* The largest absolute value of all channels, and the largest sum of squares of one. */
static int measure(struct decoding *d, float *peak, double *energy)
{
	uint32_t c;
	uint64_t i;

	*peak = 0.0f;
	*energy = 0.0;
	for (c = 0; c < d->sample->n_channels; c++) {
		const float *data = d->sample->data[c];
		double sum = 0.0;

		for (i = 0; i < d->n_frames; i++) {
			if (i % BLOCK_FRAMES == 0 && segue_make_cancelled(d->make))
				return -ECANCELED;
			*peak = SPA_MAX(*peak, fabsf(data[i]));
			sum += (double)data[i] * data[i];
		}
		*energy = SPA_MAX(*energy, sum);
	}
	return 0;
}

static int scale(struct decoding *d, const struct segue_options *options)
{
	double gain = options->gain, energy;
	uint32_t c;
	uint64_t i;
	float peak;
	int res;

	if (gain == 1.0 && options->normalize == SEGUE_NORMALIZE_NONE)
		return 0;
	if ((res = measure(d, &peak, &energy)) < 0)
		return res;
	if (options->normalize == SEGUE_NORMALIZE_PEAK && peak > 0.0f)
		gain /= peak;
	else if (options->normalize == SEGUE_NORMALIZE_ENERGY && energy > 0.0)
		gain /= sqrt(energy);
	if (peak * fabs(gain) > SEGUE_VALUE_MAX)
		return segue_error_set(&d->make->error, -EINVAL, "%s: gain: %g is too much for its samples",
				d->make->name, options->gain);
	for (c = 0; c < d->sample->n_channels; c++) {
		float *data = d->sample->data[c];

		for (i = 0; i < d->n_frames; i++) {
			if (i % BLOCK_FRAMES == 0 && segue_make_cancelled(d->make))
				return -ECANCELED;
			data[i] *= gain;
		}
	}
	return 0;
}

static void set_loop(struct segue_sample *sample, const struct segue_decoder *decoder,
		const struct segue_options *options)
{
	const struct segue_input *input = &decoder->inputs[0];
	uint64_t start, end;

	if (options->loop == SEGUE_LOOP_OPTION_FORWARD) {
		sample->loop = SEGUE_LOOP_FORWARD;
		sample->loop_end = sample->n_frames;
	} else if (options->loop == SEGUE_LOOP_OPTION_FILE && input->loop_end > input->loop_start &&
			input->loop_start >= decoder->offset) {
		start = input->loop_start - decoder->offset + decoder->delay;
		end = input->loop_end - decoder->offset + decoder->delay;
		/* a loop that was cut into is none */
		if (end <= sample->n_frames) {
			sample->loop = SEGUE_LOOP_FORWARD;
			sample->loop_start = start;
			sample->loop_end = end;
		}
	}
}

static int decode(struct decoding *d, const struct segue_options *options)
{
	const struct segue_header *header = &d->decoder->header;
	struct segue_sample *sample;
	uint64_t first = header->frames > 0 ? SPA_MIN(header->frames, FIRST_FRAMES) : FIRST_FRAMES;
	int res;

	/* so large a claim is refused before anything is read for it */
	if ((res = segue_make_check_size(d->make, segue_sample_bytes(header->channels, header->frames))) < 0)
		return res;
	if ((d->sample = segue_sample_new(d->make, header->channels, first, header->rate)) == NULL)
		return d->make->error.res;
	if ((res = make_blocks(d)) < 0 || (res = delay(d)) < 0 || (res = seek(d)) < 0 ||
			(res = read_all(d)) < 0 || (res = scale(d, options)) < 0)
		return res;
	if (d->n_frames < d->sample->n_frames) {
		if ((sample = segue_sample_resize(d->make, d->sample, d->n_frames)) == NULL)
			return d->make->error.res;
		d->sample = sample;
	}
	segue_sample_clear_guards(d->sample);
	return 0;
}

struct segue_sample *segue_sample_decode(struct segue_make *make, struct segue_decoder *decoder,
		const struct segue_options *options)
{
	struct decoding d = { .make = make, .decoder = decoder };
	int res;

	find_routes(&d, options, decoder->inputs[0].snd == NULL);
	res = decode(&d, options);
	segue_memory_free(make->memory, d.scratch);
	if (res < 0) {
		segue_memory_free(make->memory, d.sample);
		return NULL;
	}
	d.sample->root_key = options->root_key >= 0 ? options->root_key :
		decoder->inputs[0].root_key >= 0 ? decoder->inputs[0].root_key : 60;
	set_loop(d.sample, decoder, options);
	return d.sample;
}
