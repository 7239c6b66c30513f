/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_HOST_HANDLE_H
#define SEGUE_HOST_HANDLE_H

#include "host.h"

/** \file
 * The plugin's handle of a hosted node: its sound and its properties, in a graph or not. Main loop. */

/** What the handle, and the graph, see of an entry: not what is ours.
 * \return NULL for want of memory */
struct pw_properties *segue_handle_properties(struct pw_context *context, const struct pw_properties *entry,
		const char *type);

/** Load the handle and apply the entry's segue.* keys.
 * \param hosted  its type and name are known; its node is filled in
 * \param properties  as above, and what else the handle reads
 * \return NULL with an error */
struct spa_handle *segue_handle_load(struct pw_context *context, struct segue_hosted *hosted,
		const struct pw_properties *properties, const struct pw_properties *entry,
		struct segue_error *error);

#endif /* SEGUE_HOST_HANDLE_H */
