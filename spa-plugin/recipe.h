/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RECIPE_H
#define SEGUE_RECIPE_H

#include <segue/handover.h>

#include "control.h"

/** \file
 * What can be told from a recipe alone. Main loop. */

/** Can it be made at all? \return 0 and what kind of sound it makes; or a negative errno with an error */
SEGUE_MAIN_LOOP int segue_recipe_check(const struct segue_recipe *recipe, enum segue_kind *kind,
		struct segue_error *error);
/** What segue.load takes for it, of a wave segue.wave: its file or waveform alone, or with its options; allocated.
 * NULL: there is no such text, as of samples and of a file in memory. The file system isn't touched. */
SEGUE_MAIN_LOOP char *segue_recipe_text(const struct segue_recipe *recipe);
/** What people call it: the label option, the file's name, the wave's text; allocated.
 * \return NULL: no memory */
SEGUE_MAIN_LOOP char *segue_recipe_label(const struct segue_recipe *recipe);

#endif /* SEGUE_RECIPE_H */
