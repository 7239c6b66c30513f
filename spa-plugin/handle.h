/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_HANDLE_H
#define SEGUE_HANDLE_H

#include <spa/support/plugin.h>

#include "node-shell.h"
#include "node.h"

/** \file
 * What the handles of all types of nodes have in common. */

/** First in a handle. */
struct segue_handle {
	struct spa_handle handle;
	/* main loop */
	struct segue_store_impl *store;
	struct segue_node_impl node;
	struct segue_shell shell;
	/* shared */
	struct segue_handover handover;
	struct segue_statistics statistics;
};

/** Begin to initialise a zeroed handle: its methods, its store, and of a node's config what every type has.
 * \param clear  struct spa_handle's
 * \return 0, or a negative errno: there is nothing to undo */
SEGUE_MAIN_LOOP int segue_handle_begin(struct segue_handle *this, const struct spa_support *support,
		uint32_t n_support, int (*clear)(struct spa_handle *handle), struct segue_node_config *config);

/** For the factories. */
SEGUE_MAIN_LOOP int segue_handle_enum_interface_info(const struct spa_handle_factory *factory,
		const struct spa_interface_info **info, uint32_t *index);
/** Whether it is to be a device, and which side shows properties. */
SEGUE_MAIN_LOOP void segue_handle_read_device(const struct spa_dict *info, struct segue_shell_config *config);
/** For struct segue_shell_ops, whose data begins with a struct segue_handle. */
SEGUE_MAIN_LOOP void segue_handle_started(void *data);
SEGUE_MAIN_LOOP void segue_handle_stopped(void *data);

#endif /* SEGUE_HANDLE_H */
