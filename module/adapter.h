/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_ADAPTER_H
#define SEGUE_ADAPTER_H

#include <stdbool.h>

#include <spa/node/node.h>
#include <spa/pod/pod.h>
#include <spa/support/plugin.h>
#include <spa/utils/list.h>

#include <pipewire/impl.h>
#include <pipewire/pipewire.h>

/** \file
 * PipeWire's adapter around a side of a device: it has the ports, formats and monitors that session managers and
 * applications expect. Main loop. */

/** Embedded. */
struct segue_adapter {
	struct pw_context *context;
	struct spa_node *follower;
	enum spa_direction direction;
	const struct pw_properties *properties;
	bool fades_volume;
	struct spa_pod *props;		/* what was set when it was unloaded */

	/* while it is loaded */
	struct spa_list link;
	struct spa_handle *handle;
	struct spa_node *adapted;
	struct spa_node_methods methods;
	bool is_overridden;
	struct spa_callbacks callbacks;	/* the graph's, for a triggered one */
	struct spa_node node;		/**< for the graph; without methods while it isn't loaded */
};

/** \param follower  the side; outlives it
 * \param direction  of the side
 * \param properties  of the node in the graph; outlive it
 * \param fades_volume  mute and channel volumes are shown, but left to the side, which moves them without a click:
 *                      the adapter of 0.3.65 jumps */
void segue_adapter_init(struct segue_adapter *adapter, struct pw_context *context, struct spa_node *follower,
		enum spa_direction direction, const struct pw_properties *properties, bool fades_volume);
/** Unload it, and forget it all. Accepts zeroed memory. */
void segue_adapter_clear(struct segue_adapter *adapter);

/** Load it anew for each graph: a session manager expects one without ports. Volumes are as they were.
 * \return 0 or a negative errno */
int segue_adapter_load(struct segue_adapter *adapter);
void segue_adapter_unload(struct segue_adapter *adapter);

/** Name a port as PipeWire's adapters name theirs: `playback_FL`, `monitor_FL`.
 * \param prefix  of a port that isn't a monitor
 * \param is_device  else it is a stream */
void segue_adapter_name_port(struct pw_impl_port *port, const struct pw_properties *of_node, const char *prefix,
		bool is_device);
#endif /* SEGUE_ADAPTER_H */
