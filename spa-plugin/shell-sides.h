/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_SHELL_SIDES_H
#define SEGUE_SHELL_SIDES_H

#include "node-shell.h"

/** \file
 * What a shell is made of: the node or nodes the graph sees, and their ports. */

/** Of a shell that has nothing yet. Main loop.
 * \return 0 or -ENOMEM: then there may be some of it, for segue_shell_clear() */
SEGUE_MAIN_LOOP int segue_shell_init_sides(struct segue_shell *shell, const struct spa_dict *info,
		const struct segue_shell_config *config);

#endif /* SEGUE_SHELL_SIDES_H */
