/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "recording.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include <sndfile.h>

#include <spa/utils/defs.h>

#include "sound.h"

#define BYTES_MAX	(UINT64_C(1) << 30)
#define CHUNK_MIN	65536u	/* values */

/* Room for as much again as is there: a header's count is a claim. NULL: the recording stays as it was. */
static float *grow(struct segue_recording *recording, uint64_t *size)
{
	uint64_t wanted = SPA_MAX(*size * 2, (uint64_t)CHUNK_MIN * recording->n_channels);
	float *data = reallocarray(recording->data, wanted, sizeof(*data));

	if (data != NULL) {
		recording->data = data;
		*size = wanted;
	}
	return data;
}

static bool is_finite(const float *data, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		if (!isfinite(data[i]))
			return false;
	}
	return true;
}

/* why not, or NULL */
static const char *read_frames(SNDFILE *file, struct segue_recording *recording)
{
	uint64_t size = 0, used = 0;
	sf_count_t n;

	do {
		if (used == size && grow(recording, &size) == NULL)
			return "out of memory";
		n = sf_readf_float(file, recording->data + used, (size - used) / recording->n_channels);
		used += SPA_MAX(n, 0) * recording->n_channels;
		if (used * sizeof(float) > BYTES_MAX)
			return "longer than 1 GiB";
	} while (n > 0);
	recording->n_frames = used / recording->n_channels;
	if (recording->n_frames == 0)
		return "no sound in it";
	return is_finite(recording->data, used) ? NULL : "has values that aren't numbers";
}

const char *segue_recording_read_fd(int fd, struct segue_recording *ret)
{
	SF_INFO info = { 0 };
	SNDFILE *file;
	const char *why;

	*ret = (struct segue_recording) { 0 };
	(void)lseek(fd, 0, SEEK_SET);
	if ((file = sf_open_fd(fd, SFM_READ, &info, false)) == NULL)
		return "not an audio file";
	ret->n_channels = info.channels;
	ret->rate = info.samplerate;
	why = read_frames(file, ret);
	sf_close(file);
	return why;
}

static enum segue_exit fail(struct segue_ctl *ctl, const char *file, const char *why)
{
	char *name = segue_sound_name(&file, 1);

	(void)segue_fail(ctl, SEGUE_EXIT_FAILED, "org.segue.Segue1.Error.BadFormat", "%s: %s",
			name != NULL ? name : file, why);
	free(name);
	return SEGUE_EXIT_FAILED;
}

enum segue_exit segue_recording_read(struct segue_ctl *ctl, const char *file, struct segue_recording *ret)
{
	enum segue_exit status;
	const char *why;
	int fd;

	*ret = (struct segue_recording) { 0 };
	if ((status = segue_sound_open(ctl, file, &fd)) != SEGUE_EXIT_OK)
		return status;
	if ((why = segue_recording_read_fd(fd, ret)) != NULL)
		status = fail(ctl, file, why);
	close(fd);
	return status;
}

void segue_recording_clear(struct segue_recording *recording)
{
	free(recording->data);
}
