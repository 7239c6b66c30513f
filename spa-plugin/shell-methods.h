/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_SHELL_METHODS_H
#define SEGUE_SHELL_METHODS_H

#include "node-shell.h"

/** Give each side of a shell its methods: from now on the graph may call them. */
SEGUE_MAIN_LOOP void segue_shell_init_methods(struct segue_shell *shell);

#endif /* SEGUE_SHELL_METHODS_H */
