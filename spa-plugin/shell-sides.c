/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "shell-sides.h"

#include <errno.h>
#include <stdlib.h>

#define DEFAULT_RATE		48000	/* Hz, before the first driver's */
#define DEFAULT_QUANTUM		1024	/* frames, likewise */

static void init_mono_ports(struct segue_shell *shell, enum spa_direction direction, const uint32_t *channels,
		uint32_t n_channels, struct segue_port *rt)
{
	shell->n_ports[direction] = n_channels;
	for (uint32_t i = 0; i < n_channels; i++)
		segue_shell_port_init(&shell->ports[direction][i], direction, i, channels[i], shell->name, &rt[i]);
}

static void init_planar_port(struct segue_shell *shell, enum spa_direction direction, const uint32_t *channels,
		uint32_t n_channels, struct segue_port *rt)
{
	if (n_channels == 0)
		return;
	shell->n_ports[direction] = 1;
	segue_shell_port_init_planar(shell->ports[direction], direction, channels, n_channels, rt);
}

static int init_ports(struct segue_shell *shell, const struct segue_shell_config *config)
{
	void (*init)(struct segue_shell *shell, enum spa_direction direction, const uint32_t *channels,
			uint32_t n_channels, struct segue_port *rt) = shell->is_device ? init_planar_port :
			init_mono_ports;
	struct segue_shell_port *in, *out;

	shell->rt = calloc(1, sizeof(*shell->rt));
	in = shell->ports[SPA_DIRECTION_INPUT] = calloc(config->n_in + 1, sizeof(*in));
	out = shell->ports[SPA_DIRECTION_OUTPUT] = calloc(config->n_out + 1, sizeof(*out));
	if (shell->rt == NULL || in == NULL || out == NULL)
		return -ENOMEM;
	shell->rt->n_in = config->n_in;
	shell->rt->n_out = config->n_out;
	shell->rt->clock.rate = SPA_FRACTION(1, DEFAULT_RATE);
	shell->rt->clock.duration = DEFAULT_QUANTUM;
	init(shell, SPA_DIRECTION_INPUT, config->in, config->n_in, shell->rt->in);
	init(shell, SPA_DIRECTION_OUTPUT, config->out, config->n_out, shell->rt->out);
	if (config->midi_in && !shell->is_device)
		segue_shell_port_init_midi(&in[config->n_in], shell->n_ports[SPA_DIRECTION_INPUT]++, shell->name,
				&shell->rt->midi);
	return 0;
}

static struct segue_shell_side *add_side(struct segue_shell *shell)
{
	struct segue_shell_side *side = &shell->sides[shell->n_sides++];

	side->shell = shell;
	spa_hook_list_init(&side->hooks);
	return side;
}

static void init_raw(struct segue_shell *shell, const struct spa_dict *info,
		const struct segue_shell_config *config)
{
	struct segue_shell_side *side = add_side(shell);

	side->has[SPA_DIRECTION_INPUT] = side->has[SPA_DIRECTION_OUTPUT] = side->has_props = true;
	segue_shell_info_init(&side->info, info, config->name, config->category,
			config->n_in + config->midi_in, config->n_out);
}

static void init_side(struct segue_shell *shell, const struct spa_dict *info,
		const struct segue_shell_config *config, enum spa_direction direction)
{
	struct segue_shell_side *side = add_side(shell);

	side->has[direction] = true;
	side->has_props = direction == config->front;
	segue_shell_info_init_side(&side->info, info, config->name, direction, side->has_props);
}

static void init_sides(struct segue_shell *shell, const struct spa_dict *info,
		const struct segue_shell_config *config)
{
	if (!config->is_device) {
		init_raw(shell, info, config);
	} else {
		/* the one that runs the engine first */
		if (config->n_in > 0)
			init_side(shell, info, config, SPA_DIRECTION_INPUT);
		init_side(shell, info, config, SPA_DIRECTION_OUTPUT);
	}
	shell->name = shell->sides[0].info.name;
}

int segue_shell_init_sides(struct segue_shell *shell, const struct spa_dict *info,
		const struct segue_shell_config *config)
{
	init_sides(shell, info, config);
	return init_ports(shell, config);
}
