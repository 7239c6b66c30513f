/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_SPECTRA_H
#define SEGUE_RT_SPECTRA_H

#include <stdint.h>

#include <segue/handover.h>

#include "plan.h"
#include "vector.h"

/** \file
 * Real transforms cut into steps, none of them long: the library's transforms are small ones, on every 2nd,
 * 8th or 32nd frame, and are put together in radix-4 joins.
 *
 * So frames are kept *apart*: a block of B frames as n_streams runs of B / n_streams, frame n in stream
 * n % n_streams. The library is called here and planned for in make/fft.c. */

#define SEGUE_JOINS_MAX		2u
#define SEGUE_SLICE_BINS	256u	/* of a join, in one step */

struct fftwf_plan_s;

/** The transforms of one level, of 2 * block values. Constant. */
struct segue_transform {
	uint32_t block;
	uint32_t n_joins;
	uint32_t n_pieces;	/**< 4^n_joins */
	uint32_t n_streams;	/**< 2 * n_pieces */
	uint32_t n_complex;	/**< bins of a piece: block / n_pieces */
	uint32_t n_steps;	/**< of one transform */
	/** split, imaginary parts n_complex + 8 after the real ones; backward with the two exchanged */
	struct fftwf_plan_s *forward, *backward;
	float *untangle;	/**< twiddles, eight at a time: real parts, imaginary parts */
	float *join[SEGUE_JOINS_MAX];	/**< the same for w^k, w^2k, w^3k */
};

struct segue_transforms {
	uint32_t refs;		/**< atomic; never the data loop's */
	struct segue_transform levels[SEGUE_LEVELS_MAX];
};

/** What is needed between the steps of a transform. */
struct segue_work {
	float *parts[SEGUE_JOINS_MAX];	/**< spectra before each join: segue_work_floats() */
	float *in, *out;		/**< of a piece; may be shared: used within a step only */
};

/** Floats of parts[join]. */
SEGUE_MAIN_LOOP uint32_t segue_work_floats(uint32_t level, uint32_t join);
/** Floats of in and of out. */
SEGUE_MAIN_LOOP uint32_t segue_work_piece_floats(uint32_t level);

/** About how many instructions a step of the way there takes; the way back has the same steps, in groups from
 * the last to the first. */
SEGUE_DATA_LOOP uint32_t segue_transform_cost(const struct segue_transform *t, uint32_t step);

/** One step of the spectrum of two blocks in a row.
 * \param n_silent  frames at the begin that count as silence, 0..2 * block */
SEGUE_DATA_LOOP void segue_transform_forward(const struct segue_transform *t, const struct segue_vector *v,
		const struct segue_work *work, uint32_t step, const float *block, const float *next_block,
		uint32_t n_silent, float *spectrum);

/** One step of the way back, times 2 * block.
 * \param block  of the two blocks only the second one */
SEGUE_DATA_LOOP void segue_transform_backward(const struct segue_transform *t, const struct segue_vector *v,
		const struct segue_work *work, uint32_t step, const float *spectrum, float *block);

/** Put a tick's frames apart into a block, from its frame `offset` on. */
SEGUE_DATA_LOOP void segue_transform_scatter(const struct segue_transform *t, const struct segue_vector *v,
		const float *frames, float *block, uint32_t offset);
/** Add a tick's frames of a block to others. */
SEGUE_DATA_LOOP void segue_transform_gather(const struct segue_transform *t, const struct segue_vector *v,
		const float *block, uint32_t offset, float *frames);

/** Weave bins of a spectrum.
 * \param im      floats from the real parts to the imaginary ones
 * \param stride  floats from eight bins to the next eight, 16 where nothing lies between them */
SEGUE_DATA_LOOP void segue_spectrum_weave(const float *spectrum, uint32_t im, uint32_t n_eights,
		uint32_t stride, float *woven);
/** The way back; silence is left behind. */
SEGUE_DATA_LOOP void segue_spectrum_unweave(float *woven, uint32_t stride, uint32_t n_eights, uint32_t im,
		float *spectrum);

#endif /* SEGUE_RT_SPECTRA_H */
