/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* Raw samples in any layout, as LoadSamples and ImportSamples take them. */

#include "fuzz-make.h"

#include <string.h>

static float value_of(const struct fuzz_input *input, const struct segue_options *options, uint64_t n_frames,
		uint64_t frame, uint32_t channel)
{
	uint64_t place = options->interleaved ? frame * options->import_channels + channel : channel * n_frames + frame;
	float value;

	memcpy(&value, input->data + place * sizeof(value), sizeof(value));
	return value;
}

/* As it is: every value is where the layout says. */
static void check_layout(const struct fuzz_input *input, const struct segue_options *options,
		const struct segue_sample *sample)
{
	uint64_t n_frames = input->size / sizeof(float) / options->import_channels;

	if (options->gain != 1.0 || options->normalize != SEGUE_NORMALIZE_NONE || options->delay > 0.0 ||
	    options->offset > 0.0 || options->length > 0.0)
		return;
	fuzz_check(sample->n_frames == n_frames && sample->n_channels == options->import_channels,
			"%u channels of %zu frames instead of %u of %zu", sample->n_channels, (size_t)sample->n_frames,
			options->import_channels, (size_t)n_frames);
	for (uint32_t c = 0; c < sample->n_channels; c++)
		for (uint64_t i = 0; i < n_frames; i++)
			fuzz_check(sample->data[c][i] == value_of(input, options, n_frames, i, c),
					"frame %zu of channel %u isn't where it was", (size_t)i, c);
}

static struct segue_sample *import(struct segue_make *make, const struct fuzz_input *input,
		const struct segue_options *options)
{
	struct segue_decoder *decoder = segue_decoder_open_raw(make, fuzz_memfd(input->data, input->size), options);
	struct segue_sample *sample = NULL;

	if (decoder == NULL)
		return NULL;
	sample = segue_sample_decode(make, decoder, options);
	segue_decoder_free(decoder);
	if (sample == NULL)
		return NULL;
	fuzz_check_sample(sample);
	check_layout(input, options, sample);
	return sample;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t channels[] = { 1, 2, 3, 4, 64, 0, 65, UINT32_MAX },
		rates[] = { 48000, 44100, 1000, 768000, 0, 999, UINT32_MAX };
	struct fuzz_input input = { data, size };
	struct segue_options options;
	struct segue_make make = fuzz_make_begin("samples");
	struct segue_sample *sample;
	uint32_t n_channels = fuzz_pick(&input, channels), rate = fuzz_pick(&input, rates);
	bool is_planar = fuzz_choose(&input, 2);

	options = fuzz_load_options(&input);
	options.import_channels = n_channels;
	options.import_rate = rate;
	options.interleaved = !is_planar;
	sample = import(&make, &input, &options);
	if (sample != NULL)
		fuzz_use_sample(&make, sample, 48000);
	segue_memory_free(make.memory, sample);
	fuzz_make_end(&make, sample != NULL ? 0 : make.error.res);
	return 0;
}
