/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_MAKE_LAYOUT_H
#define SEGUE_MAKE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "make.h"

/** \file
 * What every maker needs: memory within a make's limits, and buffers laid out in one allocation. Frame 0
 * of each run is aligned to 64 bytes. All on workers. */

/** Memory of a make, zeroed; scratch is given back with segue_memory_free().
 * \return NULL with make->error: -EDQUOT or -ENOMEM */
void *segue_make_alloc(struct segue_make *make, uint64_t size);
/** Grow or shrink what it gave. \return as before; then the old one stays */
void *segue_make_resize(struct segue_make *make, void *p, uint64_t size);
/** Done of total, of this one part of the make. */
void segue_make_progress(struct segue_make *make, uint64_t done, uint64_t total);
/** Whether the make is to end; then make->error is -ECANCELED. A sign of life, too. */
bool segue_make_cancelled(struct segue_make *make);
/** \return 0, or -EDQUOT with make->error: so much more than is allowed that it isn't worth beginning */
int segue_make_check_size(struct segue_make *make, uint64_t size);

/** Bytes a run of frames takes with what stands around it, and which of them is the first frame's first. */
uint64_t segue_run_bytes(uint64_t n_frames);
#define SEGUE_RUN_FIRST		64u

/** Bytes an instrument takes before its runs. */
uint64_t segue_instrument_bytes(uint32_t n_regions);
/** Bytes a sample takes. */
uint64_t segue_sample_bytes(uint32_t n_channels, uint64_t n_frames);
/** A sample of silence that plays once, with root key 60. \return NULL with make->error */
struct segue_sample *segue_sample_new(struct segue_make *make, uint32_t n_channels, uint64_t n_frames,
		uint32_t rate);
/** Change its length. Frames it gains, and its guards, hold anything until they are written.
 * \return the sample, moved; or NULL with make->error: then the old one stays */
struct segue_sample *segue_sample_resize(struct segue_make *make, struct segue_sample *sample,
		uint64_t n_frames);
/** Silence the guards of every channel. */
void segue_sample_clear_guards(struct segue_sample *sample);

/** A table of zeros.
 * \param levels  n_levels, whose n_partials and n_frames each channel gets */
struct segue_table *segue_table_new(struct segue_make *make, uint32_t n_channels,
		const struct segue_table_level *levels, uint32_t n_levels);

#endif /* SEGUE_MAKE_LAYOUT_H */
