/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_BENCH_SOURCE_PLAIN_H
#define SEGUE_BENCH_SOURCE_PLAIN_H

#include <stdint.h>

/** \file
 * A voice as one would write it at first: no envelope, no swaps, nothing but a loop. */

struct segue_plain_voice {
	const float *data[2];	/* of a sample with one channel both are the same */
	double place, step;	/* frames */
	uint32_t frame;		/* instead of place, where it is copied */
	uint32_t loop_start, loop_end;
	float gain;
};

/* Add n_frames of a voice of one channel or of two, and move on. */
void segue_plain_cubic(struct segue_plain_voice *voice, float *restrict left, float *restrict right, uint32_t n_frames);
void segue_plain_cubic_stereo(struct segue_plain_voice *voice, float *restrict left, float *restrict right,
		uint32_t n_frames);
void segue_plain_linear(struct segue_plain_voice *voice, float *restrict left, float *restrict right, uint32_t n_frames);
void segue_plain_unity(struct segue_plain_voice *voice, float *restrict left, float *restrict right, uint32_t n_frames);
void segue_plain_unity_stereo(struct segue_plain_voice *voice, float *restrict left, float *restrict right,
		uint32_t n_frames);

#endif /* SEGUE_BENCH_SOURCE_PLAIN_H */
