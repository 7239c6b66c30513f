/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_BUFFERS_H
#define SEGUE_RT_BUFFERS_H

#include <stdint.h>

#include <segue/handover.h>

/** \file
 * What the data loop reads: the layouts of the buffers a source plays. Workers fill them in, after
 * that nothing in them changes until they are destroyed. */

/** `segue_buffer.type` */
enum segue_buffer_type {
	SEGUE_BUFFER_TABLE = 1,
	SEGUE_BUFFER_SAMPLE,
	SEGUE_BUFFER_RESPONSE,	/**< rt/response.h */
	SEGUE_BUFFER_INSTRUMENT,	/**< rt/instrument.h */
};

#define SEGUE_CHANNELS_MAX	64u

/* Each stored run of frames has this many before its first and after its last frame, so that an
 * interpolator may read across the ends: a table's continue its period, a sample's are zero. */
#define SEGUE_GUARD_FRAMES	4u

#define SEGUE_TABLE_PARTIALS_MAX	2048u
#define SEGUE_TABLE_LEVELS_MAX		24u

/** One period, holding its partials up to n_partials only. */
struct segue_table_level {
	uint32_t n_partials;	/**< a voice at frequency f uses it while n_partials * f <= 0.45 * rate */
	uint32_t n_frames;	/**< a power of two, at least 2048 and 8 * n_partials */
	float *data;		/**< n_frames values of one period, phase 0 first, guarded */
};

/** A band-limited wavetable: one period, stored as half-octave levels. No rate: it is pitched. */
struct segue_table {
	struct segue_buffer buffer;
	uint32_t n_channels;
	uint32_t n_levels;	/**< the same for each channel, from the most partials to the fewest;
				  *  the last has one partial */
	struct segue_table_level *levels;	/**< [channel * n_levels + level] */
};

enum segue_loop_mode {
	SEGUE_LOOP_NONE,
	SEGUE_LOOP_FORWARD,
};

/** A recording. */
struct segue_sample {
	struct segue_buffer buffer;
	uint32_t n_channels;
	uint32_t rate;		/**< Hz, of the data */
	uint64_t n_frames;
	enum segue_loop_mode loop;
	uint64_t loop_start;	/**< first frame of the loop */
	uint64_t loop_end;	/**< the frame after its last, loop_start < loop_end <= n_frames */
	uint32_t root_key;	/**< MIDI key that plays it at its own pitch */
	float *data[SEGUE_CHANNELS_MAX];	/**< planar, n_frames values each, guarded */
};

#endif /* SEGUE_RT_BUFFERS_H */
