/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "shell-info.h"

#include <stdio.h>

#include <spa/node/keys.h>

#define KEY_NODE_DESCRIPTION	"node.description"
#define KEY_MEDIA_TYPE		"media.type"
#define KEY_MEDIA_CATEGORY	"media.category"
#define KEY_MEDIA_ROLE		"media.role"

enum { IDX_PROP_INFO, IDX_PROPS, IDX_IO, IDX_PROCESS_LATENCY };

SPA_STATIC_ASSERT(IDX_PROCESS_LATENCY < SEGUE_SHELL_NODE_PARAMS, "a param has no room");

static void copy_key(char *dest, size_t size, const struct spa_dict *dict, const char *key, const char *def)
{
	const char *value = spa_dict_lookup(dict, key);

	snprintf(dest, size, "%s", value != NULL ? value : def);
}

static void init_node(struct segue_shell_info *info, uint32_t n_in, uint32_t n_out)
{
	info->params[IDX_PROP_INFO] = SPA_PARAM_INFO(SPA_PARAM_PropInfo, SPA_PARAM_INFO_READ);
	info->params[IDX_PROPS] = SPA_PARAM_INFO(SPA_PARAM_Props, SPA_PARAM_INFO_READWRITE);
	info->params[IDX_IO] = SPA_PARAM_INFO(SPA_PARAM_IO, SPA_PARAM_INFO_READ);
	info->params[IDX_PROCESS_LATENCY] = SPA_PARAM_INFO(SPA_PARAM_ProcessLatency, SPA_PARAM_INFO_READ);
	info->node = SPA_NODE_INFO_INIT();
	info->node.max_input_ports = n_in;
	info->node.max_output_ports = n_out;
	info->node.flags = SPA_NODE_FLAG_RT;
	info->node.props = &info->dict;	/* never NULL: module-adapter of 0.3.65 reads it unasked */
	info->node.params = info->params;
	info->node.n_params = SEGUE_SHELL_NODE_PARAMS;
}

/* What the configuration says is said again: it would override the configuration otherwise. No media.class:
 * a session manager leaves raw nodes alone that have none. */
void segue_shell_info_init(struct segue_shell_info *info, const struct spa_dict *dict, const char *name,
		const char *category, uint32_t n_in, uint32_t n_out)
{
	copy_key(info->name, sizeof(info->name), dict, SPA_KEY_NODE_NAME, name);
	copy_key(info->description, sizeof(info->description), dict, KEY_NODE_DESCRIPTION, info->name);
	copy_key(info->category, sizeof(info->category), dict, KEY_MEDIA_CATEGORY, category);
	copy_key(info->role, sizeof(info->role), dict, KEY_MEDIA_ROLE, "DSP");

	info->items[0] = SPA_DICT_ITEM_INIT(SPA_KEY_NODE_NAME, info->name);
	info->items[1] = SPA_DICT_ITEM_INIT(KEY_NODE_DESCRIPTION, info->description);
	info->items[2] = SPA_DICT_ITEM_INIT(KEY_MEDIA_TYPE, "Audio");
	info->items[3] = SPA_DICT_ITEM_INIT(KEY_MEDIA_CATEGORY, info->category);
	info->items[4] = SPA_DICT_ITEM_INIT(KEY_MEDIA_ROLE, info->role);
	info->dict = SPA_DICT_INIT(info->items, SEGUE_SHELL_NODE_ITEMS);
	init_node(info, n_in, n_out);
}

void segue_shell_info_init_side(struct segue_shell_info *info, const struct spa_dict *dict, const char *name,
		enum spa_direction direction, bool has_props)
{
	copy_key(info->name, sizeof(info->name), dict, SPA_KEY_NODE_NAME, name);
	info->dict = SPA_DICT_INIT(info->items, 0);
	init_node(info, direction == SPA_DIRECTION_INPUT, direction == SPA_DIRECTION_OUTPUT);
	if (!has_props)
		info->params[IDX_PROP_INFO].flags = info->params[IDX_PROPS].flags = 0;
}

static void param_changed(struct segue_shell_info *info, uint32_t index)
{
	info->params[index].flags ^= SPA_PARAM_INFO_SERIAL;
	info->node.change_mask |= SPA_NODE_CHANGE_MASK_PARAMS;
}

void segue_shell_info_props_changed(struct segue_shell_info *info)
{
	param_changed(info, IDX_PROPS);
}

void segue_shell_info_latency_changed(struct segue_shell_info *info)
{
	param_changed(info, IDX_PROCESS_LATENCY);
}
