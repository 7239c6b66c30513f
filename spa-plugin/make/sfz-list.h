/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_MAKE_SFZ_LIST_H
#define SEGUE_MAKE_SFZ_LIST_H

#include "sfz-opcodes.h"
#include "sfz.h"

/** \file
 * What an instrument's text has told so far, for sfz.c: regions, their files, and what isn't followed. */

/** Name once what isn't followed, as long as there is room. */
void segue_sfz_note(struct segue_sfz *sfz, const char *before, const char *name, const char *after);
/** Add the region that the settings make, or note why it is left out.
 * \return 0, -EDQUOT: there are as many as may be, or -ENOMEM */
int segue_sfz_add_region(struct segue_sfz *sfz, const struct segue_sfz_settings *settings);

#endif /* SEGUE_MAKE_SFZ_LIST_H */
