/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_CTL_SOUND_H
#define SEGUE_CTL_SOUND_H

#include <stdio.h>

#include "ctl.h"

/** \file
 * Files of the user's handed to the service, which makes a buffer of them. */

/** A sound to be made. */
struct segue_sound_wanted {
	const char *const *files;	/**< paths, or "-": all of standard input */
	int n_files;			/**< 1 and more: their channels are joined */
	const char *node;		/**< whom it is for, for the messages; NULL: nobody */
	const char *kind;		/**< NULL: the service's choice */
	bool keep;			/**< until it is released; otherwise as long as we or a node hold it */
};

/** Open files here, where a relative path means what the shell means, and have them loaded; returns when the
 * headers have been read. An instrument, *.sfz, is one file and opened by the service: its samples lie around it.
 * \param ret  the buffer's path, to be freed */
enum segue_exit segue_sound_load(struct segue_ctl *ctl, const struct segue_sound_wanted *wanted, char **ret);

/** Open a file, or take in all of standard input ("-"), to read it ourselves.
 * \param ret  a descriptor that can be read at any place, if it is a regular file's */
enum segue_exit segue_sound_open(struct segue_ctl *ctl, const char *file, int *ret);

/** Report why a file can't be read or written, by a negative errno.
 * \param node  whom it was for, or NULL */
enum segue_exit segue_sound_fail(struct segue_ctl *ctl, const char *node, const char *file, int res);

/** What files are called in messages, and stdin as the label: "hall.wav", "L.wav + R.wav", "stdin".
 * \return to be freed; NULL: out of memory */
char *segue_sound_name(const char *const *files, int n_files);

/** Tell a person what was loaded: "hall.wav: 2.34 s, 2 channels, peak gain -3.1 dB",
 * "kit.sfz: an instrument of 21.5 s, 2 channels, 8.2M, peak gain -0.3 dB". */
void segue_sound_describe(struct segue_ctl *ctl, FILE *to, const char *name, const char *buffer);

#endif /* SEGUE_CTL_SOUND_H */
