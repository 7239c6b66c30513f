/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_SHELL_EMIT_H
#define SEGUE_SHELL_EMIT_H

#include "node-shell.h"

/** \file
 * What a shell's listeners are told: infos that have changed, and latencies that pass through. */

SEGUE_MAIN_LOOP void segue_shell_emit_node(struct segue_shell_side *side);
SEGUE_MAIN_LOOP void segue_shell_emit_port(struct segue_shell_side *side, struct segue_shell_port *port);
/** To a new listener: everything. */
SEGUE_MAIN_LOOP void segue_shell_emit_all(struct segue_shell_side *side);
/** Ports of this direction tell their peers what those of the other have been told. */
SEGUE_MAIN_LOOP void segue_shell_pass_latency(struct segue_shell *shell, enum spa_direction direction);

#endif /* SEGUE_SHELL_EMIT_H */
