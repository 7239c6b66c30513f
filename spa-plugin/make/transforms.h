/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_MAKE_TRANSFORMS_H
#define SEGUE_MAKE_TRANSFORMS_H

#include "../rt/spectra.h"

/** \file
 * The transforms of a convolver's levels, planned: for the data loop, and for the maker of responses. */

/** Any thread but the data loop's: waits for the planner. \return one reference, or NULL with errno */
struct segue_transforms *segue_transforms_new(void);
/** Any thread. Every engine and every maker that uses them has a reference. */
struct segue_transforms *segue_transforms_ref(struct segue_transforms *transforms);
/** Any thread. Accepts NULL. */
void segue_transforms_unref(struct segue_transforms *transforms);

#endif /* SEGUE_MAKE_TRANSFORMS_H */
