/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_MAKE_TEXT_H
#define SEGUE_MAKE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/** \file
 * Paths as texts, and texts from files in messages. */

/** A text as it can be shown: whole characters, no control codes, no more than fits.
 * \param size  of ret, 16 at least
 * \return ret */
const char *segue_text_show(const char *text, char *ret, size_t size);

void segue_path_to_slashes(char *path);
/** Without `.`, `..` and double slashes, by its text alone: so what is checked is what is opened, whatever
 * links there are. */
void segue_path_normalize(char *path);
/** Whether it may lead out of the folder it is relative to. */
bool segue_path_leaves(const char *path);

#endif /* SEGUE_MAKE_TEXT_H */
