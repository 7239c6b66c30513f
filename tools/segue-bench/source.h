/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_BENCH_SOURCE_H
#define SEGUE_BENCH_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "rt/buffers.h"

/** \file
 * Who plays voices, to be measured side by side. Output is stereo. */

#define SEGUE_PLAYER_OUTPUTS	2u

enum segue_voice_reader {
	SEGUE_READER_TABLE,	/* by a cubic */
	SEGUE_READER_CUBIC,	/* a looped sample, at pitches of four octaves */
	SEGUE_READER_LINEAR,
	SEGUE_READER_UNITY,	/* the same, at its own pitch */
};

struct segue_voice_kind {
	const char *name;
	enum segue_voice_reader reader;
	uint32_t n_channels;	/* of the sample or table */
};

struct segue_voice_work {
	const struct segue_voice_kind *kind;
	uint32_t n_voices, quantum, rate;
	struct segue_buffer *buffers[2];	/* what is played, and what a swap goes over to; borrowed */
};

/** The key a voice plays: each channel of MIDI, of 16 voices, has each key once at most. */
uint32_t segue_voice_work_key(const struct segue_voice_work *work, uint32_t voice);

struct segue_voice_player {
	const char *name;
	const char *envelope;	/* what it does: "moving" in every frame, "held", "none" */
	bool (*can)(const struct segue_voice_kind *kind);
	/** \return NULL: no memory, or not possible */
	void *(*open)(const struct segue_voice_work *work);
	/** The voice begins in the next cycle. */
	void (*strike)(void *data, uint32_t voice);
	/** One quantum. */
	void (*process)(void *data, float *const out[SEGUE_PLAYER_OUTPUTS]);
	/** Voices that sound. */
	uint32_t (*count)(const void *data);
	void (*close)(void *data);
};

extern const struct segue_voice_player segue_player_ours, segue_player_ours_held, segue_player_plain;
#ifdef HAVE_FLUIDSYNTH
extern const struct segue_voice_player segue_player_fluidsynth;
#endif

/** Go over to the other buffer, in the next cycle. What only ours can. \return 0, or -EBUSY: the swap before
 * isn't over */
int segue_player_ours_swap(void *data, uint32_t fade_frames);

/** `segue-bench source`. \return an exit status */
int segue_bench_source(int argc, char *argv[]);

#endif /* SEGUE_BENCH_SOURCE_H */
