/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* An audio file of any format, from its header to what is heard. */

#include "fuzz-make.h"

/* What libsndfile's libraries leave behind of files they can't read. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libFLAC.so\nleak:libmpg123.so\nleak:libogg.so\nleak:libopus.so\nleak:libvorbis.so";
}

static struct segue_sample *decode(struct segue_make *make, int fd, const struct segue_options *options)
{
	struct segue_decoder *decoder = segue_decoder_open(make, NULL, &fd, 1, options);
	struct segue_sample *sample = NULL;
	struct segue_header header;

	fuzz_check(fd < 0, "the descriptor wasn't taken over");
	if (decoder == NULL)
		return NULL;
	header = *segue_decoder_header(decoder);
	sample = segue_sample_decode(make, decoder, options);
	segue_decoder_free(decoder);
	if (sample != NULL) {
		fuzz_check(sample->n_channels == header.channels && sample->rate == header.rate,
				"it isn't what its header said");
		fuzz_check_sample(sample);
	}
	return sample;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t rates[] = { 48000, 44100, 96000, 8000, 192000, 1000, 768000 };
	struct fuzz_input input = { data, size };
	struct segue_options options;
	struct segue_make make = fuzz_make_begin("thing.wav");
	uint32_t rate = fuzz_pick(&input, rates);
	struct segue_sample *sample;

	options = fuzz_load_options(&input);
	sample = decode(&make, fuzz_memfd(input.data, input.size), &options);
	if (sample != NULL)
		fuzz_use_sample(&make, sample, rate);
	segue_memory_free(make.memory, sample);
	fuzz_make_end(&make, sample != NULL ? 0 : make.error.res);
	return 0;
}
