/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sndfile.h>
#include <spa/utils/defs.h>

#include "layout.h"
#include "make.h"

#define BLOCK_FRAMES	4096u
#define WAV_MAX		(UINT32_MAX - 4096u)	/* bytes of samples: a WAV tells its size in 32 bits */

struct wav {
	struct segue_make *make;
	int fd;
	sf_count_t at, size;
	int error;		/* of the file system's */
};

/* ---------------------------------------------------- libsndfile on pwrite */

static sf_count_t vio_get_filelen(void *data)
{
	struct wav *wav = data;

	return wav->size;
}

static sf_count_t vio_seek(sf_count_t offset, int whence, void *data)
{
	struct wav *wav = data;

	wav->at = offset + (whence == SEEK_CUR ? wav->at : whence == SEEK_END ? wav->size : 0);
	return wav->at;
}

static sf_count_t vio_read(void *dst, sf_count_t n, void *data)
{
	return 0;
}

static sf_count_t vio_write(const void *src, sf_count_t n, void *data)
{
	struct wav *wav = data;
	sf_count_t done = 0;
	ssize_t res;

	while (done < n && wav->error == 0) {
		res = pwrite(wav->fd, (const uint8_t *)src + done, n - done, wav->at);
		if (res < 0 && errno != EINTR)
			wav->error = errno;
		done += SPA_MAX(res, 0);
		wav->at += SPA_MAX(res, 0);
	}
	wav->size = SPA_MAX(wav->size, wav->at);
	return done;
}

static sf_count_t vio_tell(void *data)
{
	struct wav *wav = data;

	return wav->at;
}

/* -------------------------------------------------------------------- write */

static int fail(const struct wav *wav, int err)
{
	bool is_full = err == ENOSPC || err == EDQUOT || err == EFBIG;

	return segue_error_set(&wav->make->error, is_full ? -EDQUOT : -EIO, "%s: can't be written: %s",
			wav->make->name, strerror(err));
}

static int check_file(struct segue_make *make, int fd)
{
	int flags = fcntl(fd, F_GETFL);
	struct stat st;

	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY || (flags & O_PATH))
		return segue_error_set(&make->error, -EACCES, "%s: not open for writing", make->name);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return segue_error_set(&make->error, -EINVAL, "%s: not a regular file", make->name);
	if (st.st_size > 0)
		return segue_error_set(&make->error, -EINVAL, "%s: isn't empty", make->name);
	return 0;
}

static void describe(SNDFILE *snd, const struct segue_sample *sample)
{
	SF_INSTRUMENT instrument = {
		.gain = 1,
		.basenote = sample->root_key,
		.velocity_hi = 127,
		.key_hi = 127,
		.loop_count = sample->loop == SEGUE_LOOP_FORWARD ? 1 : 0,
		.loops[0] = { .mode = SF_LOOP_FORWARD, .start = sample->loop_start, .end = sample->loop_end },
	};

	/* which would hold the time of day */
	sf_command(snd, SFC_SET_ADD_PEAK_CHUNK, NULL, SF_FALSE);
	sf_command(snd, SFC_SET_INSTRUMENT, &instrument, sizeof(instrument));
}

static int write_frames(struct wav *wav, SNDFILE *snd, const struct segue_sample *sample, float *block)
{
	uint32_t n_channels = sample->n_channels;
	uint64_t at, n;

	for (at = 0; at < sample->n_frames; at += n) {
		n = SPA_MIN(BLOCK_FRAMES, sample->n_frames - at);
		for (uint32_t c = 0; c < n_channels; c++)
			for (uint64_t i = 0; i < n; i++)
				block[i * n_channels + c] = sample->data[c][at + i];
		if (segue_make_cancelled(wav->make))
			return -ECANCELED;
		if (sf_writef_float(snd, block, n) != (sf_count_t)n || wav->error != 0)
			return fail(wav, wav->error != 0 ? wav->error : EIO);
		segue_make_progress(wav->make, at + n, sample->n_frames);
	}
	return 0;
}

static int write_wav(struct wav *wav, const struct segue_sample *sample, float *block)
{
	static SF_VIRTUAL_IO vio = { vio_get_filelen, vio_seek, vio_read, vio_write, vio_tell };
	SF_INFO info = {
		.samplerate = sample->rate,
		.channels = sample->n_channels,
		.format = SF_FORMAT_WAV | SF_FORMAT_FLOAT,
	};
	SNDFILE *snd = sf_open_virtual(&vio, SFM_WRITE, &info, wav);
	int res;

	if (snd == NULL)
		return fail(wav, wav->error != 0 ? wav->error : EIO);
	describe(snd, sample);
	res = write_frames(wav, snd, sample, block);
	/* which completes the header */
	if ((sf_close(snd) != 0 || wav->error != 0) && res == 0)
		res = fail(wav, wav->error != 0 ? wav->error : EIO);
	return res;
}

int segue_wav_write(struct segue_make *make, const struct segue_sample *sample, int fd)
{
	struct wav wav = { .make = make, .fd = fd };
	float *block;
	int res;

	if (sample->n_frames * sample->n_channels > WAV_MAX / sizeof(float))
		return segue_error_set(&make->error, -EFBIG, "%s: too long for a WAV", make->name);
	if ((res = check_file(make, fd)) < 0)
		return res;
	if ((block = segue_make_alloc(make, BLOCK_FRAMES * sample->n_channels * sizeof(float))) == NULL)
		return make->error.res;
	res = write_wav(&wav, sample, block);
	segue_memory_free(make->memory, block);
	return res;
}
