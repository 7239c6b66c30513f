/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_MAKE_RESPONSE_H
#define SEGUE_MAKE_RESPONSE_H

#include <stdint.h>

#include "../rt/response.h"
#include "../rt/spectra.h"
#include "make.h"

/** \file
 * Responses from recordings of them. */

/** What a response is made for. */
struct segue_response_target {
	uint32_t n_in, n_out;
	uint64_t frames_max;	/**< 1..SEGUE_RESPONSE_MAX */
	struct segue_transforms *transforms;
};

/** The largest gain of a channel, linear, at up to 32769 frequencies from 0 Hz to half the rate.
 * \return 0 or a negative errno with make->error */
SEGUE_WORKER int segue_response_gain(struct segue_make *make, const struct segue_sample *sample, float *ret);

/** A recording of a response at another rate, with the same gain at every frequency: a filter's values are
 * smaller the more of them there are.
 * \param own_rate  the sample's, or what it was before it was resampled as a sound, which keeps its values
 * \param frames_max  what is longer then will be refused, and is now
 * \return as every maker */
SEGUE_WORKER struct segue_sample *segue_response_resample(struct segue_make *make,
		const struct segue_sample *sample, uint32_t own_rate, uint32_t rate, uint64_t frames_max);

/** The spectra of a response that is at the graph's rate already. One channel serves every path of the
 * diagonal, n_in = n_out channels are the diagonal, n_in * n_out the full matrix, in-major: anything else is
 * refused (-EBADMSG). What is silent at its end is left out; what is longer then is refused, too (-EFBIG).
 * \return as every maker; the sample is the caller's still */
SEGUE_WORKER struct segue_response *segue_response_from_sample(struct segue_make *make,
		const struct segue_sample *sample, const struct segue_response_target *target);

#endif /* SEGUE_MAKE_RESPONSE_H */
