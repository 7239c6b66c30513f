/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_SAVE_H
#define SEGUE_SAVE_H

#include "host.h"

/** \file
 * A node as it is now, written as the entry of `segue.nodes` that makes it again: what config.c reads. Main loop. */

/** Does a text of its own tell what the node plays, or does it play nothing? Otherwise that has to be written into
 * a file first. */
bool segue_save_has_text(const struct segue_hosted *hosted);
/** The entry: what the node was made with and is set to now, in place of any lower fragment's of its name.
 * \param load  segue.load for what it plays; NULL: its own text
 * \return allocated; NULL: no memory */
char *segue_save_entry(const struct segue_hosted *hosted, const char *load);
/** What isn't in the entry, as a sentence for people, or "".
 * \return allocated; NULL: no memory */
char *segue_save_missing(const struct segue_hosted *hosted);

#endif /* SEGUE_SAVE_H */
