/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_MAKE_INSTRUMENT_H
#define SEGUE_MAKE_INSTRUMENT_H

#include "../rt/instrument.h"
#include "kit.h"
#include "make.h"

/** \file
 * Instruments from SFZ files, in two steps like samples: opened (kit.h), then made.
 *
 * Samples keep their own rates: those at the graph's are played as they are, the others interpolated as every
 * pitch is, so that an instrument is good for any rate and is never made again.
 *
 * Each region has a `struct segue_sample` of its own, as it has its own loop; regions that play the same frames
 * of the same file share them. What a region skips of a file isn't kept. */

/** \return 0, or -EINVAL with an error: of the load options only gain, label and keep make sense */
int segue_instrument_check_options(const struct segue_options *options, struct segue_error *error);
/** Each file is decoded once, one after the other. A file that is another one by now is an error.
 * \param gain  of all regions, linear
 * \param peak  the largest absolute value a region plays at full velocity
 * \return as every maker */
SEGUE_WORKER struct segue_instrument *segue_instrument_make(struct segue_make *make, const struct segue_kit *kit,
		double gain, float *peak);

#endif /* SEGUE_MAKE_INSTRUMENT_H */
