/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_MAKE_INSTRUMENT_H
#define SEGUE_MAKE_INSTRUMENT_H

#include "../rt/instrument.h"
#include "make.h"
#include "sfz.h"

/** \file
 * Instruments from SFZ files, in two steps like samples: opened, so that all that is wrong with their text or
 * missing among their samples is known early, then made. Messages read `kit.sfz: snare.flac: no such file`.
 *
 * Samples keep their own rates: those at the graph's are played as they are, the others interpolated as every
 * pitch is, so that an instrument is good for any rate and is never made again.
 *
 * Each region has a `struct segue_sample` of its own, as it has its own loop; regions that play the same frames
 * of the same file share them. What a region skips of a file isn't kept. */

/** An instrument that was opened; no file stays open. */
struct segue_kit;

/** \param path  of the SFZ file: its samples are found from its folder
 * \param check  for the samples' paths, or NULL
 * \return NULL with make->error */
SEGUE_WORKER struct segue_kit *segue_kit_open(struct segue_make *make, const char *path,
		const struct segue_path_check *check);
/** Most channels, highest rate and all frames of the files (0: one doesn't tell); bytes of the instrument. */
const struct segue_header *segue_kit_header(const struct segue_kit *kit);
/** Of the texts and the samples, see segue_decoder_identity(). */
const char *segue_kit_identity(const struct segue_kit *kit);
/** What isn't followed, as text, or "". */
const char *segue_kit_unfollowed(const struct segue_kit *kit);
/** Accepts NULL. */
void segue_kit_free(struct segue_kit *kit);

/** \return 0, or -EINVAL with an error: of the load options only gain, label and keep make sense */
int segue_instrument_check_options(const struct segue_options *options, struct segue_error *error);
/** Each file is decoded once, one after the other. A file that is another one by now is an error.
 * \param gain  of all regions, linear
 * \param peak  the largest absolute value a region plays at full velocity
 * \return as every maker */
SEGUE_WORKER struct segue_instrument *segue_instrument_make(struct segue_make *make, const struct segue_kit *kit,
		double gain, float *peak);

#endif /* SEGUE_MAKE_INSTRUMENT_H */
