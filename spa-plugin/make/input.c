/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "input.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <spa/utils/defs.h>

#include "layout.h"

/* ----------------------------------------------------- libsndfile on pread */

static sf_count_t vio_get_filelen(void *data)
{
	struct segue_input *input = data;

	return input->file.stat.st_size;
}

static sf_count_t vio_seek(sf_count_t offset, int whence, void *data)
{
	struct segue_input *input = data;

	if (whence == SEEK_CUR)
		offset += input->at;
	else if (whence == SEEK_END)
		offset += input->file.stat.st_size;
	if (offset >= 0)
		input->at = offset;
	return input->at;
}

static sf_count_t vio_read(void *dst, sf_count_t n, void *data)
{
	struct segue_input *input = data;

	n = segue_file_read(&input->file, input->at, dst, SPA_MAX(n, 0));
	input->at += n;
	return n;
}

static sf_count_t vio_write(const void *src, sf_count_t n, void *data)
{
	return 0;
}

static sf_count_t vio_tell(void *data)
{
	struct segue_input *input = data;

	return input->at;
}

/* ------------------------------------------------------------------- magic */

/* Only these reach libsndfile, which would also guess at formats that say nothing of themselves. */
static const struct {
	const char *bytes;
	const char *form;	/* eight bytes on */
} magics[] = {
	{ "RIFF", "WAVE" },
	{ "RIFX", "WAVE" },
	{ "RF64", "WAVE" },
	{ "FORM", "AIFF" },
	{ "FORM", "AIFC" },
	{ "fLaC", "" },
	{ "OggS", "" },
	{ "caff", "" },
	{ ".snd", "" },
	{ "ID3", "" },
};

/* An MPEG audio frame: sync, and none of the values that are reserved. */
static bool is_mpeg(const uint8_t *head)
{
	return head[0] == 0xff && (head[1] & 0xe0) == 0xe0 && (head[1] & 0x18) != 0x08 &&
		(head[1] & 0x06) != 0 && (head[2] & 0xf0) != 0xf0 && (head[2] & 0x0c) != 0x0c;
}

static bool has_magic(struct segue_file *file)
{
	uint8_t head[12] = { 0 };
	size_t i;

	segue_file_read(file, 0, head, sizeof(head));
	for (i = 0; i < SPA_N_ELEMENTS(magics); i++) {
		if (memcmp(head, magics[i].bytes, strlen(magics[i].bytes)) == 0 &&
				memcmp(head + 8, magics[i].form, strlen(magics[i].form)) == 0)
			return true;
	}
	return is_mpeg(head);
}

/* -------------------------------------------------------------------- open */

static int bad(struct segue_input *input, struct segue_make *make, const char *what)
{
	if (segue_make_cancelled(make))
		return -ECANCELED;
	if (input->file.error != 0)
		return segue_error_set(&make->error, -EBADMSG, "%s: can't be read: %s", input->name,
				strerror(input->file.error));
	return segue_error_set(&make->error, -EBADMSG, "%s: %s", input->name, what);
}

static int ends_early(struct segue_input *input, struct segue_make *make, uint64_t n, uint64_t of)
{
	char what[96];

	snprintf(what, sizeof(what), "ends after %" PRIu64 " of %" PRIu64 " frames", n, of);
	return bad(input, make, what);
}

/* Of one value in the file, where all have the same. */
static uint32_t value_bytes(int format)
{
	switch (format & SF_FORMAT_SUBMASK) {
	case SF_FORMAT_PCM_S8: case SF_FORMAT_PCM_U8: case SF_FORMAT_ULAW: case SF_FORMAT_ALAW:
		return 1;
	case SF_FORMAT_PCM_16:
		return 2;
	case SF_FORMAT_PCM_24:
		return 3;
	case SF_FORMAT_PCM_32: case SF_FORMAT_FLOAT:
		return 4;
	case SF_FORMAT_DOUBLE:
		return 8;
	default:
		return 0;
	}
}

/* libsndfile takes what is there for the whole. */
static int check_claim(struct segue_input *input, struct segue_make *make, int format)
{
	uint64_t start, size, end = input->file.stat.st_size, frame = value_bytes(format) * input->channels;

	if (!segue_file_claim(&input->file, &start, &size) || start >= end || size <= end - start)
		return 0;
	return ends_early(input, make, input->frames,
			frame > 0 ? size / frame : (uint64_t)((double)size / (end - start) * input->frames));
}

static int check_header(struct segue_input *input, struct segue_make *make)
{
	if (input->channels < 1 || input->channels > SEGUE_CHANNELS_MAX)
		return segue_error_set(&make->error, -EBADMSG, "%s: has %u channels, not 1 to %u",
				input->name, input->channels, SEGUE_CHANNELS_MAX);
	if (input->rate < SEGUE_RATE_MIN || input->rate > SEGUE_RATE_MAX)
		return segue_error_set(&make->error, -EBADMSG, "%s: has a rate of %u Hz, not %u to %u",
				input->name, input->rate, SEGUE_RATE_MIN, SEGUE_RATE_MAX);
	if (input->frames >= SEGUE_FRAMES_MAX)
		return segue_error_set(&make->error, -EFBIG, "%s: has %" PRIu64 " frames, %llu are too many",
				input->name, input->frames, SEGUE_FRAMES_MAX);
	return 0;
}

static int open_snd(struct segue_input *input, struct segue_make *make)
{
	static SF_VIRTUAL_IO vio = { vio_get_filelen, vio_seek, vio_read, vio_write, vio_tell };
	SF_INFO info = { 0 };
	SF_INSTRUMENT instrument;
	int type, res;

	if (!has_magic(&input->file))
		return bad(input, make, "not an audio file");
	if ((input->snd = sf_open_virtual(&vio, SFM_READ, &info, input)) == NULL)
		return bad(input, make, "not an audio file that can be decoded");
	type = info.format & SF_FORMAT_TYPEMASK;
	input->channels = SPA_MAX(info.channels, 0);
	input->rate = SPA_MAX(info.samplerate, 0);
	/* SF_COUNT_MAX: a FLAC stream that went through a pipe doesn't tell */
	input->frames = info.frames == SF_COUNT_MAX ? 0 : SPA_MAX(info.frames, 0);
	input->estimated = type == SF_FORMAT_MPEG;
	if ((res = check_claim(input, make, info.format)) < 0 || (res = check_header(input, make)) < 0)
		return res;
	if (info.frames == 0)
		return bad(input, make, "has no frames");

	if (sf_command(input->snd, SFC_GET_INSTRUMENT, &instrument, sizeof(instrument)) == SF_TRUE) {
		input->root_key = (uint8_t)instrument.basenote <= 127 ? instrument.basenote : -1;
		if (instrument.loop_count > 0 && instrument.loops[0].mode == SF_LOOP_FORWARD) {
			input->loop_start = instrument.loops[0].start;
			input->loop_end = instrument.loops[0].end;
		}
	}
	return 0;
}

static int open_file(struct segue_input *input, struct segue_make *make, const char *path, int fd,
		const char *name)
{
	memset(input, 0, sizeof(*input));
	input->root_key = -1;
	input->file.job = make->job;
	snprintf(input->name, sizeof(input->name), "%s", name);
	return segue_file_open(&input->file, path, fd, input->name, &make->error);
}

int segue_input_open(struct segue_input *input, struct segue_make *make, const char *path, int fd,
		const char *name)
{
	int res = open_file(input, make, path, fd, name);

	if (res == 0 && (res = open_snd(input, make)) < 0)
		segue_input_close(input);
	return res;
}

static int open_raw(struct segue_input *input, struct segue_make *make, const struct segue_options *options)
{
	uint64_t size = input->file.stat.st_size, frame = options->import_channels * sizeof(float);

	input->channels = options->import_channels;
	input->rate = options->import_rate;
	input->interleaved = options->interleaved;
	if (input->channels < 1 || input->channels > SEGUE_CHANNELS_MAX)
		return segue_error_set(&make->error, -EINVAL, "%s: channels: 1 to %u are needed, not %u",
				input->name, SEGUE_CHANNELS_MAX, input->channels);
	if (input->rate < SEGUE_RATE_MIN || input->rate > SEGUE_RATE_MAX)
		return segue_error_set(&make->error, -EINVAL, "%s: rate: %u to %u Hz are needed, not %u",
				input->name, SEGUE_RATE_MIN, SEGUE_RATE_MAX, input->rate);
	if (size % frame != 0)
		return segue_error_set(&make->error, -EBADMSG, "%s: %" PRIu64 " bytes aren't whole frames of "
				"%u channels", input->name, size, input->channels);
	input->frames = size / frame;
	return check_header(input, make);
}

int segue_input_open_raw(struct segue_input *input, struct segue_make *make, int fd,
		const struct segue_options *options)
{
	int res = open_file(input, make, NULL, fd, make->name);

	if (res == 0 && (res = open_raw(input, make, options)) < 0)
		segue_input_close(input);
	return res;
}

void segue_input_close(struct segue_input *input)
{
	if (input->snd != NULL)
		sf_close(input->snd);
	input->snd = NULL;
	segue_file_close(&input->file);
}

/* -------------------------------------------------------------------- read */

int segue_input_seek(struct segue_input *input, struct segue_make *make, uint64_t frame)
{
	input->file.job = make->job;
	if (input->snd != NULL && frame > 0 && sf_seek(input->snd, frame, SEEK_SET) != (sf_count_t)frame)
		return bad(input, make, "can't be read from where offset begins");
	input->position = frame;
	return 0;
}

/* One channel of raw samples that lie one channel after the other in the file. */
static uint64_t read_planar(struct segue_input *input, uint32_t channel, float *frames, uint64_t n)
{
	uint64_t at = (channel * input->frames + input->position) * sizeof(float), done, i, got;
	float run[1024];

	for (done = 0; done < n; done += got) {
		got = SPA_MIN(n - done, SPA_N_ELEMENTS(run));
		got = segue_file_read(&input->file, at + done * sizeof(float), run, got * sizeof(float));
		if ((got /= sizeof(float)) == 0)
			break;
		for (i = 0; i < got; i++)
			frames[(done + i) * input->channels + channel] = run[i];
	}
	return done;
}

static uint64_t read_raw(struct segue_input *input, float *frames, uint64_t n)
{
	uint64_t size = input->channels * sizeof(float), got = n;
	uint32_t c;

	if (input->interleaved)
		return segue_file_read(&input->file, input->position * size, frames, n * size) / size;
	for (c = 0; c < input->channels; c++)
		got = SPA_MIN(got, read_planar(input, c, frames, n));
	return got;
}

int64_t segue_input_read(struct segue_input *input, struct segue_make *make, float *frames, uint64_t n)
{
	uint64_t got, left = input->frames - SPA_MIN(input->position, input->frames);
	uint64_t expected = input->frames > 0 ? SPA_MIN(n, left) : n;

	input->file.job = make->job;
	if (input->snd != NULL)
		got = SPA_MAX(sf_readf_float(input->snd, frames, expected), 0);
	else
		got = read_raw(input, frames, expected);
	input->position += got;
	if (segue_make_cancelled(make))
		return -ECANCELED;
	if (input->file.error != 0)
		return bad(input, make, "can't be read");
	if (got < expected && input->frames > 0 && !input->estimated)
		return ends_early(input, make, input->position, input->frames);
	return got;
}
