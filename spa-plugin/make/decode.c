/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <spa/utils/defs.h>
#include <spa/utils/string.h>

#include "input.h"
#include "layout.h"
#include "make.h"
#include "path.h"

static struct segue_decoder *decoder_new(struct segue_make *make, uint32_t n_inputs)
{
	struct segue_decoder *decoder;
	uint32_t i;

	decoder = calloc(1, sizeof(*decoder) + n_inputs * sizeof(decoder->inputs[0]));
	if (decoder == NULL || (decoder->identity = calloc(n_inputs, SEGUE_FILE_IDENTITY_MAX)) == NULL) {
		free(decoder);
		segue_error_set(&make->error, -ENOMEM, "%s: no memory", make->name);
		return NULL;
	}
	decoder->n_inputs = n_inputs;
	for (i = 0; i < n_inputs; i++)
		decoder->inputs[i].file.fd = -1;
	return decoder;
}

void segue_decoder_free(struct segue_decoder *decoder)
{
	uint32_t i;

	if (decoder == NULL)
		return;
	for (i = 0; i < decoder->n_inputs; i++)
		segue_input_close(&decoder->inputs[i]);
	free(decoder->identity);
	free(decoder);
}

const struct segue_header *segue_decoder_header(const struct segue_decoder *decoder)
{
	return &decoder->header;
}

const char *segue_decoder_identity(const struct segue_decoder *decoder)
{
	return decoder->identity;
}

/* What is a file in memory has none, and so has a set with one in it. */
static void identify(struct segue_decoder *decoder)
{
	size_t used = 0;

	for (uint32_t i = 0; i < decoder->n_inputs; i++) {
		size_t length = segue_file_identity(&decoder->inputs[i].file, decoder->identity + used);

		if (length == 0) {
			decoder->identity[0] = '\0';
			return;
		}
		used += length;
	}
}

/* The channels of all, their one rate, and the longest one's frames (0: not known). */
static int join(struct segue_decoder *decoder, struct segue_make *make)
{
	struct segue_header *header = &decoder->header;
	uint32_t i;

	header->rate = decoder->inputs[0].rate;
	for (i = 0; i < decoder->n_inputs; i++) {
		const struct segue_input *input = &decoder->inputs[i];

		if (input->rate != header->rate)
			return segue_error_set(&make->error, -EBADMSG, "%s: has a rate of %u Hz, %s has %u",
					input->name, input->rate, decoder->inputs[0].name, header->rate);
		header->channels += input->channels;
		if (input->frames == 0 || (i > 0 && header->frames == 0))
			header->frames = 0;
		else
			header->frames = SPA_MAX(header->frames, input->frames);
	}
	if (header->channels > SEGUE_CHANNELS_MAX)
		return segue_error_set(&make->error, -EBADMSG, "%s: %u channels together, %u at most",
				make->name, header->channels, SEGUE_CHANNELS_MAX);
	return 0;
}

static int select_channels(struct segue_decoder *decoder, struct segue_make *make,
		const struct segue_options *options)
{
	uint32_t i;

	for (i = 0; i < options->n_channels; i++) {
		if (options->channels[i] >= decoder->header.channels)
			return segue_error_set(&make->error, -EINVAL, "%s: channels: there is no %u, the last "
					"is %u", make->name, options->channels[i],
					decoder->header.channels - 1);
	}
	if (options->n_channels > 0)
		decoder->header.channels = options->n_channels;
	return 0;
}

static int select_frames(struct segue_decoder *decoder, struct segue_make *make,
		const struct segue_options *options)
{
	struct segue_header *header = &decoder->header;
	uint64_t length = llround(options->length * header->rate);

	decoder->offset = llround(options->offset * header->rate);
	decoder->delay = llround(options->delay * header->rate);
	decoder->length = length;
	if (options->length > 0.0 && length == 0)
		return segue_error_set(&make->error, -EINVAL, "%s: length: %g s is less than a frame",
				make->name, options->length);
	if (header->frames > 0) {
		if (decoder->offset >= header->frames)
			return segue_error_set(&make->error, -EINVAL, "%s: offset: %g s is beyond the end "
					"at %g s", make->name, options->offset,
					(double)header->frames / header->rate);
		decoder->length = header->frames - decoder->offset;
		if (length > 0)
			decoder->length = SPA_MIN(length, decoder->length);
	}
	header->frames = decoder->length > 0 ? decoder->delay + decoder->length : 0;
	if (SPA_MAX(header->frames, decoder->delay) >= SEGUE_FRAMES_MAX)
		return segue_error_set(&make->error, -EFBIG, "%s: %" PRIu64 " frames with its delay, "
				"%llu are too many", make->name, SPA_MAX(header->frames, decoder->delay),
				SEGUE_FRAMES_MAX);
	header->is_long = header->frames == 0 ||
		header->frames > SEGUE_LONG_SECONDS * (uint64_t)header->rate ||
		header->frames * header->channels * sizeof(float) > SEGUE_LONG_BYTES;
	return 0;
}

static struct segue_decoder *opened(struct segue_decoder *decoder, struct segue_make *make,
		const struct segue_options *options)
{
	if (join(decoder, make) < 0 || select_channels(decoder, make, options) < 0 ||
			select_frames(decoder, make, options) < 0) {
		segue_decoder_free(decoder);
		return NULL;
	}
	identify(decoder);
	return decoder;
}

static void close_rest(int *fds, uint32_t n)
{
	for (uint32_t i = 0; fds != NULL && i < n; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

/* what messages call one of several */
static const char *input_name(char *name, size_t size, const struct segue_make *make, const char *path,
		int fd, uint32_t i, uint32_t n)
{
	char *of_fd = path == NULL ? segue_path_of_fd(fd) : NULL;

	path = path != NULL ? path : of_fd;
	if (n == 1)
		snprintf(name, size, "%s", make->name);
	else if (path != NULL && !segue_path_is_memfd(path))
		snprintf(name, size, "%.*s", (int)size - 1, segue_path_name(path));
	else
		snprintf(name, size, "%s (file %u)", make->name, i + 1);
	free(of_fd);
	return name;
}

struct segue_decoder *segue_decoder_open(struct segue_make *make, const char *const *paths, int *fds, uint32_t n,
		const struct segue_options *options)
{
	struct segue_decoder *decoder = NULL;
	char name[128];
	uint32_t i;
	int res = 0;

	if (n < 1 || n > SEGUE_CHANNELS_MAX)
		segue_error_set(&make->error, -EINVAL, "%s: 1 to %u files can be joined, not %u", make->name,
				SEGUE_CHANNELS_MAX, n);
	else
		decoder = decoder_new(make, n);
	for (i = 0; decoder != NULL && i < n && res == 0; i++) {
		const char *path = fds == NULL ? paths[i] : NULL;

		int fd = fds != NULL ? fds[i] : -1;

		res = segue_input_open(&decoder->inputs[i], make, path, fd,
				input_name(name, sizeof(name), make, path, fd, i, n));
		if (fds != NULL)
			fds[i] = -1;
	}
	close_rest(fds, n);
	if (res < 0) {
		segue_decoder_free(decoder);
		return NULL;
	}
	return decoder != NULL ? opened(decoder, make, options) : NULL;
}

struct segue_decoder *segue_decoder_open_raw(struct segue_make *make, int fd,
		const struct segue_options *options)
{
	struct segue_decoder *decoder = decoder_new(make, 1);
	/* here `channels` is how many there are */
	struct segue_options all = *options;

	if (decoder == NULL) {
		close(fd);
		return NULL;
	}
	if (segue_input_open_raw(&decoder->inputs[0], make, fd, options) < 0) {
		segue_decoder_free(decoder);
		return NULL;
	}
	all.n_channels = 0;
	return opened(decoder, make, &all);
}
