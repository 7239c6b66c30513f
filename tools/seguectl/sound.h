/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_CTL_SOUND_H
#define SEGUE_CTL_SOUND_H

#include "ctl.h"

/** \file
 * Files of the user's handed to the service, which makes a buffer of them. */

/** Open a file here, where a relative path means what the shell means, and have it loaded; returns
 * when its header has been read.
 * \param node  whom it is for, for the messages; NULL: nobody
 * \param file  a path, or "-": all of standard input
 * \param keep  it stays until it is released; otherwise as long as we or a node hold it
 * \param ret  the buffer's path, to be freed */
enum segue_exit segue_sound_load(struct segue_ctl *ctl, const char *node, const char *file, bool keep,
		char **ret);

/** A file's name in messages and as the label: without folders, "stdin" for "-". */
const char *segue_sound_name(const char *file);

/** Tell a person what was loaded, on stderr: "hall.wav: 2.34 s, 2 channels, peak -3.1 dB". */
void segue_sound_describe(struct segue_ctl *ctl, const char *name, const char *buffer);

#endif /* SEGUE_CTL_SOUND_H */
