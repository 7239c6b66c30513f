/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_RESPONSE_H
#define SEGUE_RT_RESPONSE_H

#include <stdint.h>

#include <segue/handover.h>

#include "buffers.h"
#include "plan.h"
#include "vector.h"

/** \file
 * The buffer a convolver plays: a response's spectra. A worker makes it, after that nothing in it changes. */

enum segue_paths {
	SEGUE_PATHS_SHARED,	/**< one path, which serves every channel */
	SEGUE_PATHS_DIAGONAL,	/**< one per channel */
	SEGUE_PATHS_MATRIX,	/**< in-major: all outputs of the first input, then those of the second */
};

struct segue_response {
	struct segue_buffer buffer;
	enum segue_paths paths;
	uint32_t n_paths;
	uint32_t n_in, n_out;	/**< of a shared one 0: any number, the same of both */
	uint32_t rate;		/**< Hz, of what it was made from */
	uint64_t n_frames;	/**< after trailing silence was cut off; 0: silent */
	uint64_t peak_frame;	/**< where the largest value of all paths is */
	uint32_t n_levels;	/**< levels 0..n_levels - 1 have partitions */
	uint32_t n_partitions[SEGUE_LEVELS_MAX];
	uint32_t n_inputs;	/**< that an output hears: n_in, or 1 */
	uint32_t n_joint;	/**< outputs whose products are made together: they share their inputs */
	float *head;		/**< the first SEGUE_FIR_TAPS values of each path */
	/** Scaled for the way back, in the order they are multiplied: joint outputs, chunks of bins, quads of
	 * pairs, eights of bins, pairs of the quad, outputs; then eight real and eight imaginary parts. A pair
	 * is an input's partition: those of the first input, then those of the next. */
	float *spectra[SEGUE_LEVELS_MAX];
};

static inline SEGUE_DATA_LOOP uint32_t segue_response_quads(const struct segue_response *r, uint32_t level)
{
	return (r->n_inputs * r->n_partitions[level] + SEGUE_QUAD - 1) / SEGUE_QUAD;
}

/** How many outputs are made together with the one that is the first of them. */
static inline SEGUE_DATA_LOOP uint32_t segue_response_joint(const struct segue_response *r, uint32_t output)
{
	return r->n_joint > 1 ? SPA_MIN(r->n_joint, r->n_out - output) : 1;
}

/** A quad's spectra in one chunk of bins.
 * \param output  the first of those made together */
static inline SEGUE_DATA_LOOP float *segue_response_spectra(const struct segue_response *r, uint32_t level,
		uint32_t output, uint32_t chunk, uint32_t quad)
{
	uint32_t n_joint = segue_response_joint(r, output), n_quads = segue_response_quads(r, level);
	size_t eights = (size_t)(r->paths == SEGUE_PATHS_SHARED ? 0 : output) * n_quads *
		segue_level_eights(level);

	eights += ((size_t)chunk * SEGUE_CHUNK_EIGHTS * n_quads +
			(size_t)quad * segue_chunk_eights(level, chunk)) * n_joint;
	return r->spectra[level] + eights * SEGUE_QUAD * 16;
}

/** The first input that an output hears. */
static inline SEGUE_DATA_LOOP uint32_t segue_response_input(const struct segue_response *r, uint32_t output)
{
	return r->paths == SEGUE_PATHS_MATRIX ? 0 : output;
}

static inline SEGUE_DATA_LOOP uint32_t segue_response_path(const struct segue_response *r, uint32_t input,
		uint32_t output)
{
	return r->paths == SEGUE_PATHS_MATRIX ? input * r->n_out + output :
		r->paths == SEGUE_PATHS_DIAGONAL ? output : 0;
}

#endif /* SEGUE_RT_RESPONSE_H */
