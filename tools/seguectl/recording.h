/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_CTL_RECORDING_H
#define SEGUE_CTL_RECORDING_H

#include "ctl.h"

/** \file
 * A sound file, read by ourselves. It is to be cleared, also when it couldn't be read. */

struct segue_recording {
	float *data;		/**< frame by frame */
	uint64_t n_frames;
	uint32_t n_channels;
	uint32_t rate;		/**< Hz */
};

/** \param file  a path, or "-": all of standard input */
enum segue_exit segue_recording_read(struct segue_ctl *ctl, const char *file, struct segue_recording *ret);
/** The same of an open file, from its beginning. \return NULL, or why not */
const char *segue_recording_read_fd(int fd, struct segue_recording *ret);
void segue_recording_clear(struct segue_recording *recording);

#endif /* SEGUE_CTL_RECORDING_H */
