/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_TEST_FUZZ_MAKE_H
#define SEGUE_TEST_FUZZ_MAKE_H

#include "make/make.h"

#include "fuzz.h"

/** \file
 * What workers do with what comes from outside, and what the data loop plays of it. */

/** A make with little memory, whose error is clear. */
struct segue_make fuzz_make_begin(const char *name);
/** What it was refused for says what and names it; nothing is pending any more.
 * \param res  0: it wasn't refused */
void fuzz_make_end(struct segue_make *make, int res);

/** A short sample in fuzz_folder(); one of two channels has a loop. */
void fuzz_write_wav(struct segue_make *make, const char *name, uint32_t n_channels);

/** Whatever a header claimed: all there is are numbers, and loops are within them. */
void fuzz_check_sample(const struct segue_sample *sample);

/** All that a node's options have taken from the input. */
struct segue_options fuzz_load_options(struct fuzz_input *input);

/** Keys and the steady voice of a source play it for some cycles: what is heard are numbers, and the buffer comes
 * back. */
void fuzz_play(struct segue_buffer *buffer);

/** Everything a sample is made into: another rate, a table, a response. And play it all. */
void fuzz_use_sample(struct segue_make *make, const struct segue_sample *sample, uint32_t rate);

#endif /* SEGUE_TEST_FUZZ_MAKE_H */
