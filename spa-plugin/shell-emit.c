/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "shell-emit.h"

#include <spa/node/utils.h>
#include <spa/param/latency-utils.h>

#define NODE_CHANGES		(SPA_NODE_CHANGE_MASK_FLAGS | SPA_NODE_CHANGE_MASK_PROPS | \
				 SPA_NODE_CHANGE_MASK_PARAMS)
#define PORT_CHANGES		(SPA_PORT_CHANGE_MASK_FLAGS | SPA_PORT_CHANGE_MASK_PROPS | \
				 SPA_PORT_CHANGE_MASK_PARAMS)

void segue_shell_emit_node(struct segue_shell_side *side)
{
	if (side->info.node.change_mask != 0)
		spa_node_emit_info(&side->hooks, &side->info.node);
	side->info.node.change_mask = 0;
}

void segue_shell_emit_port(struct segue_shell_side *side, struct segue_shell_port *port)
{
	if (port->info.change_mask != 0)
		spa_node_emit_port_info(&side->hooks, port->direction, port->id, &port->info);
	port->info.change_mask = 0;
}

void segue_shell_emit_all(struct segue_shell_side *side)
{
	struct segue_shell *shell = side->shell;
	uint32_t direction, i;

	side->info.node.change_mask = NODE_CHANGES;
	segue_shell_emit_node(side);
	for (direction = 0; direction < 2; direction++) {
		for (i = 0; side->has[direction] && i < shell->n_ports[direction]; i++) {
			shell->ports[direction][i].info.change_mask = PORT_CHANGES;
			segue_shell_emit_port(side, &shell->ports[direction][i]);
		}
	}
}

/* A port tells its peers what the audio ports of the other side have been told, and what passing through adds.
 * Port directions and those of latencies go together: OUTPUT is how long ago it was captured. */
void segue_shell_pass_latency(struct segue_shell *shell, enum spa_direction direction)
{
	enum spa_direction other = SPA_DIRECTION_REVERSE(direction);
	struct spa_latency_info info;
	uint32_t i;

	spa_latency_info_combine_start(&info, direction);
	for (i = 0; i < shell->n_ports[other]; i++) {
		if (!shell->ports[other][i].is_midi)
			spa_latency_info_combine(&info, &shell->ports[other][i].latency[direction]);
	}
	spa_latency_info_combine_finish(&info);
	spa_process_latency_info_add(&shell->latency, &info);
	for (i = 0; i < shell->n_ports[direction]; i++) {
		struct segue_shell_port *port = &shell->ports[direction][i];

		if (port->is_midi)
			continue;
		segue_shell_port_tell_latency(port, info);
		for (uint32_t side = 0; side < shell->n_sides; side++)
			if (shell->sides[side].has[direction])
				segue_shell_emit_port(&shell->sides[side], port);
	}
}

void segue_shell_set_latency(struct segue_shell *shell, uint64_t nsec)
{
	if (shell->latency.ns == nsec)
		return;
	shell->latency.ns = nsec;
	for (uint32_t i = 0; i < shell->n_sides; i++) {
		segue_shell_info_latency_changed(&shell->sides[i].info);
		segue_shell_emit_node(&shell->sides[i]);
	}
	segue_shell_pass_latency(shell, SPA_DIRECTION_INPUT);
	segue_shell_pass_latency(shell, SPA_DIRECTION_OUTPUT);
}
