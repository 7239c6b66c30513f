/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_MAKE_MAKE_H
#define SEGUE_MAKE_MAKE_H

#include <stddef.h>
#include <stdint.h>

#include "../error.h"
#include "../options.h"
#include "../rt/buffers.h"
#include "jobs.h"
#include "memory.h"

/** \file
 * The makers of buffers. All run on workers. Each returns a buffer in one allocation of its own, with one
 * reference, buffer.bytes set and buffer.destroy left to the caller; or NULL with make->error filled
 * in (its message begins with the thing's name). */

/* what is long in one way or the other is a job for the long lane */
#define SEGUE_LONG_SECONDS	10u
#define SEGUE_LONG_BYTES	(4u * 1024u * 1024u)

/* The largest value of a sample, its gain included: 240 dB over full scale, so that no sum or transform of any of
 * them, however loud a node is set, is infinite. */
#define SEGUE_VALUE_MAX		1e12f

struct segue_make {
	struct segue_memory *memory;
	struct segue_job *job;		/**< cancellation and progress, or NULL */
	size_t bytes_max;		/**< limit of one allocation of this make; 0: the budget's alone */
	const char *name;		/**< what messages call it: hall.wav */
	uint32_t part, n_parts;		/**< of several things made one after the other, for progress; 0: it is alone */
	struct segue_error error;
};

/** A header as read. Counts are claims: nothing is allocated for them. */
struct segue_header {
	uint32_t channels;	/**< after the `channels` option, and of several files joined */
	uint32_t rate;		/**< Hz */
	uint64_t frames;	/**< after `offset`, `length` and `delay` */
	uint64_t bytes;		/**< it will take; 0: as much as the others tell */
	bool is_long;		/**< over SEGUE_LONG_SECONDS or SEGUE_LONG_BYTES */
};

struct segue_decoder;

/** Open audio files whose channels will be joined (rates must agree; the shorter go on in silence).
 * Regular files and memfds only; formats libsndfile knows, told by their magic.
 * \param paths  NULL: fds
 * \param fds    taken over, also on failure, and -1 then; NULL: paths
 * \param n      of either */
SEGUE_WORKER struct segue_decoder *segue_decoder_open(struct segue_make *make, const char *const *paths,
		int *fds, uint32_t n, const struct segue_options *options);
/** Raw 32-bit float samples, options->import_*, native byte order.
 * \param fd  taken over, also on failure */
SEGUE_WORKER struct segue_decoder *segue_decoder_open_raw(struct segue_make *make, int fd,
		const struct segue_options *options);
const struct segue_header *segue_decoder_header(const struct segue_decoder *decoder);
/** What tells files apart for sharing: device, inode, size and modification time of each, as text; "" when one
 * of them is a memfd. */
const char *segue_decoder_identity(const struct segue_decoder *decoder);
/** Accepts NULL. */
void segue_decoder_free(struct segue_decoder *decoder);

/** Read it all, at its own rate, options applied (channels, offset, length, delay, gain, normalize, loop,
 * root key). Memory grows with what arrives. Values that are no numbers or beyond SEGUE_VALUE_MAX, and an
 * end before the header's, are errors (-EBADMSG). */
SEGUE_WORKER struct segue_sample *segue_sample_decode(struct segue_make *make, struct segue_decoder *decoder,
		const struct segue_options *options);

/** The same sample at another rate: soxr, very high quality, channel by channel; loop points follow.
 * With the rate it has already: a plain copy. A sample that loops as a whole is resampled as the endless
 * signal it stands for, by the ratio of its lengths: no seam. */
SEGUE_WORKER struct segue_sample *segue_sample_resample(struct segue_make *make,
		const struct segue_sample *sample, uint32_t rate);

/** A table from a sample: its frames (2 to 2^20) are one period; its constant part is left out, the rest
 * as loud as it is. */
SEGUE_WORKER struct segue_table *segue_table_from_sample(struct segue_make *make,
		const struct segue_sample *sample);

/** The other way: its period, of as many frames as tell all its partials and no more. */
SEGUE_WORKER struct segue_sample *segue_sample_from_table(struct segue_make *make,
		const struct segue_table *table);

/** Write a sample as a WAV of 32-bit floats, with its root key and its loop: decoded with loop = file it is the
 * same again.
 * \param fd  an empty regular file; stays the caller's
 * \return 0, or a negative errno with make->error: -EDQUOT when there is no room for it */
SEGUE_WORKER int segue_wav_write(struct segue_make *make, const struct segue_sample *sample, int fd);

/** Can this text be generated? `sine saw square triangle noise pink sweep impulse silence
 * harmonics:1,0.5`, and options->gain is in 0..1. \return 0 or -EINVAL with an error */
int segue_wave_check(const char *wave, const struct segue_options *options, struct segue_error *error);
/** SEGUE_KIND_TABLE or SEGUE_KIND_SAMPLE, for a text that passed the check. */
enum segue_kind segue_wave_kind(const char *wave);
/** Channels (1), rate (0 for a table), frames it will have. */
struct segue_header segue_wave_header(const char *wave, const struct segue_options *options, uint32_t rate);
/** A table or a sample of one channel. Peak = options->gain, over all of a table's levels.
 * \param rate  Hz, for samples */
SEGUE_WORKER struct segue_buffer *segue_wave_make(struct segue_make *make, const char *wave,
		const struct segue_options *options, uint32_t rate);

/** Largest absolute value of a table's first level or a sample. Worker: reads it all. */
SEGUE_WORKER float segue_buffer_peak(const struct segue_buffer *buffer);

#endif /* SEGUE_MAKE_MAKE_H */
