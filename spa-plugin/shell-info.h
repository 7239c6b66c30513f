/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_SHELL_INFO_H
#define SEGUE_SHELL_INFO_H

#include <stdbool.h>
#include <stdint.h>

#include <spa/node/node.h>
#include <spa/param/param.h>
#include <spa/utils/dict.h>

#include <segue/handover.h>

/** \file
 * What a shell tells of its node: its names and params. */

#define SEGUE_SHELL_NAME_MAX	256u
#define SEGUE_SHELL_NODE_PARAMS	4u
#define SEGUE_SHELL_NODE_ITEMS	5u

struct segue_shell_info {
	char name[SEGUE_SHELL_NAME_MAX], description[SEGUE_SHELL_NAME_MAX];
	char category[64], role[64];
	struct spa_param_info params[SEGUE_SHELL_NODE_PARAMS];
	struct spa_dict_item items[SEGUE_SHELL_NODE_ITEMS];
	struct spa_dict dict;
	struct spa_node_info node;	/**< change_mask: what listeners haven't been told */
};

/** Main loop. Its pointers lead into itself: don't move it.
 * \param dict  the handle's, borrowed: node.name, node.description, media.category, media.role
 * \param name, category  of a node whose dict doesn't say */
SEGUE_MAIN_LOOP void segue_shell_info_init(struct segue_shell_info *info, const struct spa_dict *dict,
		const char *name, const char *category, uint32_t n_in, uint32_t n_out);

/** Of a side of a device: the graph has its adapter's names. Main loop.
 * \param has_props  whether it is the one to show properties */
SEGUE_MAIN_LOOP void segue_shell_info_init_side(struct segue_shell_info *info, const struct spa_dict *dict,
		const char *name, enum spa_direction direction, bool has_props);

/** Main loop: Props have changed; or ProcessLatency. */
SEGUE_MAIN_LOOP void segue_shell_info_props_changed(struct segue_shell_info *info);
SEGUE_MAIN_LOOP void segue_shell_info_latency_changed(struct segue_shell_info *info);

#endif /* SEGUE_SHELL_INFO_H */
