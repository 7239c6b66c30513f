/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_FENCE_H
#define SEGUE_FENCE_H

#include <stdint.h>

#include <segue/handover.h>

#include "error.h"

/** \file
 * Which paths may be loaded by whoever sets a node's Props: the node never learns who that is. Refused
 * by the text of the path, before the file system is touched. Main loop. */

enum segue_fence_mode {
	SEGUE_FENCE_PATHS,	/**< below one of the directories; the default */
	SEGUE_FENCE_OPEN,	/**< any path */
	SEGUE_FENCE_CLOSED,	/**< none */
};

struct segue_fence {
	enum segue_fence_mode mode;
	char **dirs;
	uint32_t n_dirs;
};

/** The user's configuration, data and music folders and /usr/share. \return 0 or -ENOMEM */
SEGUE_MAIN_LOOP int segue_fence_init(struct segue_fence *fence);
/** \param dirs  NULL: keep those it has. \return 0, -EINVAL for an unknown mode, -ENOMEM */
SEGUE_MAIN_LOOP int segue_fence_configure(struct segue_fence *fence, const char *mode,
		const char *const *dirs, uint32_t n_dirs);
SEGUE_MAIN_LOOP void segue_fence_clear(struct segue_fence *fence);
/** Into one that isn't initialized; it is of no thread. \return 0 or -ENOMEM */
SEGUE_MAIN_LOOP int segue_fence_copy(struct segue_fence *fence, const struct segue_fence *from);
/** \return 0, or -EACCES with an error naming the path. Any thread, for its own fence. */
int segue_fence_check(const struct segue_fence *fence, const char *path,
		struct segue_error *error);

#endif /* SEGUE_FENCE_H */
