/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_GRAPH_NODE_H
#define SEGUE_GRAPH_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include <pipewire/impl.h>
#include <pipewire/pipewire.h>

/** \file
 * An SPA node that enters a graph and leaves it: through a connection, or in a daemon its own. Main loop. */

struct segue_graph_node_events {
	/** it has its id; or NULL */
	void (*bound)(void *data);
	/** it was taken out of the graph, and not by us */
	void (*lost)(void *data);
	/** it gets a port, which can still be named; or NULL */
	void (*port_init)(void *data, struct pw_impl_port *port);
	/** it runs, or doesn't any more; or NULL */
	void (*state_changed)(void *data, enum pw_node_state state);
};

/** Embedded. Read-only for everybody else. */
struct segue_graph_node {
	struct pw_context *context;
	struct spa_node *implementation;
	struct pw_properties *properties;
	const struct segue_graph_node_events *events;
	void *data;
	uint32_t id;			/**< SPA_ID_INVALID: it isn't in a graph */
	bool active;			/**< true at first: it may be run */

	/* while it is in a graph */
	struct pw_impl_node *node;
	struct spa_hook node_listener;
	struct pw_proxy *proxy;		/* in a process of its own */
	struct spa_hook proxy_listener;
};

/** \param implementation  outlives it
 * \param properties  of the node in the graph; owned from here */
void segue_graph_node_init(struct segue_graph_node *node, struct pw_context *context,
		struct spa_node *implementation, struct pw_properties *properties,
		const struct segue_graph_node_events *events, void *data);
/** Leave the graph, and forget it all. Accepts zeroed memory. */
void segue_graph_node_clear(struct segue_graph_node *node);

/** Enter the graph: through a connection, or with NULL that of this process, the daemon. */
int segue_graph_node_connect(struct segue_graph_node *node, struct pw_core *core);
/** Leave the graph. */
void segue_graph_node_disconnect(struct segue_graph_node *node);

/** Whether it may be run, now and whenever it enters a graph. */
void segue_graph_node_set_active(struct segue_graph_node *node, bool active);

#endif /* SEGUE_GRAPH_NODE_H */
