/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_MAKE_INPUT_H
#define SEGUE_MAKE_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include <sndfile.h>

#include "file.h"
#include "make.h"

/** \file
 * One file being decoded, whatever its format, and the decoder that joins several. All on workers. */

#define SEGUE_FRAMES_MAX	(1ull << 31)	/* less than this many */
#define SEGUE_RATE_MIN		1000u
#define SEGUE_RATE_MAX		768000u

struct segue_input {
	struct segue_file file;
	char name[128];		/* for messages */
	SNDFILE *snd;		/* NULL: raw */
	sf_count_t at;		/* libsndfile's position in the file, in bytes */
	bool interleaved;	/* raw */
	uint32_t channels;
	uint32_t rate;
	uint64_t frames;	/* as the header claims; 0: it doesn't */
	bool estimated;		/* of a format whose headers don't tell exactly */
	uint64_t position;	/* next frame to be read */
	int root_key;		/* of the file's instrument chunk, or -1 */
	uint64_t loop_start, loop_end;	/* the same; equal: no loop */
};

/** Open an audio file. Zeroed memory and a closed input may be opened.
 * \param path  if fd < 0
 * \param fd    taken over, also on failure
 * \return 0 or a negative errno with make->error; then it is closed */
int segue_input_open(struct segue_input *input, struct segue_make *make, const char *path, int fd,
		const char *name);
/** Open raw samples: options->import_*. */
int segue_input_open_raw(struct segue_input *input, struct segue_make *make, int fd,
		const struct segue_options *options);
/** Go to a frame below frames. \return 0 or -EBADMSG with make->error */
int segue_input_seek(struct segue_input *input, struct segue_make *make, uint64_t frame);
/** Read frames, interleaved, from where it stands.
 * \return how many: fewer than n only at the end; or a negative errno with make->error: also when the end
 *         comes before the header's */
int64_t segue_input_read(struct segue_input *input, struct segue_make *make, float *frames, uint64_t n);
void segue_input_close(struct segue_input *input);

struct segue_decoder {
	struct segue_header header;
	char *identity;
	uint64_t offset, length, delay;	/* frames; length 0: to an end that isn't known */
	uint32_t n_inputs;
	struct segue_input inputs[];
};

#endif /* SEGUE_MAKE_INPUT_H */
