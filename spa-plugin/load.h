/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_LOAD_H
#define SEGUE_LOAD_H

#include <segue/handover.h>

#include "control.h"
#include "fence.h"

/** \file
 * Sounds from whatever asks for them: recipes, and the texts of segue.load and segue.wave. */

struct segue_store_impl;

/** Make the sound a recipe asks for.
 * \return owned once, or NULL with an error */
SEGUE_MAIN_LOOP struct segue_sound *segue_load(struct segue_store_impl *store, struct segue_recipe *recipe,
		struct segue_error *error);
/** Make the sound a text asks for: a path, `[ L.wav R.wav ]`, `{ file = ... OPTION = ... }` or
 * `{ rates = [ a.wav b.wav ] OPTION = ... }`.
 * \param options  unless the text has others
 * \param fence    NULL: any path
 * \return as segue_load() */
SEGUE_MAIN_LOOP struct segue_sound *segue_load_text(struct segue_store_impl *store, const char *text,
		const struct segue_options *options, const struct segue_fence *fence, struct segue_error *error);

/** Make the wave a text asks for: a waveform, or `{ wave = ... OPTION = ... }`. \return as segue_load() */
SEGUE_MAIN_LOOP struct segue_sound *segue_load_wave(struct segue_store_impl *store, const char *text,
		struct segue_error *error);

#endif /* SEGUE_LOAD_H */
