/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* A shell is made: its sides, their ports, and who tells of changes; and cleared. */

#include "node-shell.h"

#include <errno.h>
#include <stdlib.h>

#include <spa/utils/string.h>

#include "shell-emit.h"
#include "shell-methods.h"

#define KEY_QUANTUM_LIMIT	"clock.quantum-limit"

#define MIN_QUANTUM_LIMIT	32
#define MAX_QUANTUM_LIMIT	65536
#define DEFAULT_RATE		48000	/* Hz, before the first driver's */
#define DEFAULT_QUANTUM		1024	/* frames, likewise */

/* ---------------------------------------------------------------- changes */

static void on_props_changed(void *data)
{
	struct segue_shell *shell = data;

	for (uint32_t i = 0; i < shell->n_sides; i++) {
		if (!shell->sides[i].has_props)
			continue;
		segue_shell_info_props_changed(&shell->sides[i].info);
		segue_shell_emit_node(&shell->sides[i]);
	}
}

static void on_node_changed(void *data, uint32_t changes)
{
	struct segue_shell *shell = data;

	/* the state is among the Props, too: segue.status, segue.load */
	if (changes & (SEGUE_NODE_CHANGE_PROPERTIES | SEGUE_NODE_CHANGE_STATE))
		segue_notify(&shell->props_changed);
}

static const struct segue_node_events control_events = {
	.version = SEGUE_CONTROL_VERSION,
	.changed = on_node_changed,
};

/* -------------------------------------------------------- sides and ports */

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

/* ---------------------------------------------------------- init and clear */

static uint32_t read_quantum_limit(const struct spa_dict *info)
{
	const char *text = spa_dict_lookup(info, KEY_QUANTUM_LIMIT);
	uint32_t limit;

	if (text == NULL || !spa_atou32(text, &limit, 0))
		return SEGUE_QUANTUM_MAX;
	return SPA_CLAMP(limit, (uint32_t)MIN_QUANTUM_LIMIT, (uint32_t)MAX_QUANTUM_LIMIT);
}

int segue_shell_init(struct segue_shell *shell, const struct spa_support *support, uint32_t n_support,
		const struct spa_dict *info, const struct segue_shell_config *config,
		struct segue_node *node, const struct segue_shell_ops *ops, void *data)
{
	struct spa_loop_utils *main_utils;

	spa_return_val_if_fail(config->n_in <= SEGUE_PORT_CHANNELS_MAX, -EINVAL);
	spa_return_val_if_fail(config->n_out <= SEGUE_PORT_CHANNELS_MAX, -EINVAL);

	*shell = (struct segue_shell) { .ops = ops, .data = data, .control = node, .is_device = config->is_device };
	shell->log = spa_support_find(support, n_support, SPA_TYPE_INTERFACE_Log);
	shell->data_loop = spa_support_find(support, n_support, SPA_TYPE_INTERFACE_DataLoop);
	main_utils = spa_support_find(support, n_support, SPA_TYPE_INTERFACE_LoopUtils);
	if (shell->data_loop == NULL)
		return -EINVAL;
	info = info != NULL ? info : &SPA_DICT_INIT(NULL, 0);
	shell->quantum_limit = read_quantum_limit(info);
	init_sides(shell, info, config);
	if (init_ports(shell, config) < 0 ||
	    segue_notify_init(&shell->props_changed, main_utils, on_props_changed, shell) < 0) {
		segue_shell_clear(shell);
		return -ENOMEM;
	}
	node->methods->add_listener(node, &shell->control_listener, &control_events, shell);
	segue_shell_init_methods(shell);
	return 0;
}

void segue_shell_clear(struct segue_shell *shell)
{
	spa_hook_remove(&shell->control_listener);
	segue_notify_clear(&shell->props_changed);
	for (uint32_t i = 0; i < shell->n_sides; i++)
		spa_hook_list_clean(&shell->sides[i].hooks);
	free(shell->rt);
	free(shell->ports[SPA_DIRECTION_INPUT]);
	free(shell->ports[SPA_DIRECTION_OUTPUT]);
	*shell = (struct segue_shell) { 0 };
}
