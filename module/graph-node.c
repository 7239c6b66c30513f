/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "graph-node.h"

#include <errno.h>

#include <spa/node/node.h>
#include <spa/utils/result.h>

PW_LOG_TOPIC_STATIC(mod_topic, "mod.segue.graph");
#define PW_LOG_TOPIC_DEFAULT mod_topic

/* The node is going, by our order or by someone else's: not a pointer to it may stay. */
static void on_node_destroy(void *data)
{
	struct segue_graph_node *node = data;

	spa_hook_remove(&node->node_listener);
	node->node = NULL;
	node->events->lost(node->data);
}

static void on_node_port_init(void *data, struct pw_impl_port *port)
{
	struct segue_graph_node *node = data;

	if (node->events->port_init != NULL)
		node->events->port_init(node->data, port);
}

static void on_node_state_changed(void *data, enum pw_node_state old, enum pw_node_state state,
		const char *error)
{
	struct segue_graph_node *node = data;

	if (node->events->state_changed != NULL)
		node->events->state_changed(node->data, state);
}

static const struct pw_impl_node_events node_events = {
	PW_VERSION_IMPL_NODE_EVENTS,
	.destroy = on_node_destroy,
	.port_init = on_node_port_init,
	.state_changed = on_node_state_changed,
};

static void on_proxy_destroy(void *data)
{
	struct segue_graph_node *node = data;

	spa_hook_remove(&node->proxy_listener);
	node->proxy = NULL;
}

static void set_id(struct segue_graph_node *node, uint32_t id)
{
	node->id = id;
	if (node->events->bound != NULL)
		node->events->bound(node->data);
}

static void on_proxy_bound(void *data, uint32_t id)
{
	struct segue_graph_node *node = data;

	set_id(node, id);
}

static void on_proxy_removed(void *data)
{
	struct segue_graph_node *node = data;

	node->events->lost(node->data);
}

static void on_proxy_error(void *data, int seq, int res, const char *message)
{
	struct segue_graph_node *node = data;

	pw_log_error("%s: %s (%s)", pw_properties_get(node->properties, PW_KEY_NODE_NAME), message,
			spa_strerror(res));
}

static const struct pw_proxy_events proxy_events = {
	PW_VERSION_PROXY_EVENTS,
	.destroy = on_proxy_destroy,
	.bound = on_proxy_bound,
	.removed = on_proxy_removed,
	.error = on_proxy_error,
};

int segue_graph_node_connect(struct segue_graph_node *node, struct pw_core *core)
{
	struct pw_properties *properties = pw_properties_copy(node->properties);
	int res;

	/* without them there would be a node all the same, and nobody knew it */
	if (properties == NULL || (node->node = pw_context_create_node(node->context, properties, 0)) == NULL)
		return -errno;
	pw_impl_node_add_listener(node->node, &node->node_listener, &node_events, node);

	if ((res = pw_impl_node_set_implementation(node->node, node->implementation)) < 0)
		goto error;

	if (core != NULL) {
		node->proxy = pw_core_export(core, PW_TYPE_INTERFACE_Node, NULL, node->node, 0);
		if (node->proxy == NULL) {
			res = -errno;
			goto error;
		}
		pw_proxy_add_listener(node->proxy, &node->proxy_listener, &proxy_events, node);
	} else if ((res = pw_impl_node_register(node->node, NULL)) < 0) {
		goto error;
	}
	pw_impl_node_set_active(node->node, node->active);

	if (core == NULL)
		set_id(node, pw_global_get_id(pw_impl_node_get_global(node->node)));
	return 0;
error:
	segue_graph_node_disconnect(node);
	return res;
}

void segue_graph_node_disconnect(struct segue_graph_node *node)
{
	/* the proxy first: it suspends the node and takes it off the data loop */
	if (node->proxy != NULL) {
		struct pw_proxy *proxy = node->proxy;

		on_proxy_destroy(node);
		pw_proxy_destroy(proxy);
	}
	if (node->node != NULL) {
		struct pw_impl_node *impl = node->node;

		spa_hook_remove(&node->node_listener);
		node->node = NULL;
		pw_impl_node_destroy(impl);
	}
	node->id = SPA_ID_INVALID;
	/* 0.3.65 leaves these pointing into the node it has just freed */
	spa_node_set_io(node->implementation, SPA_IO_Position, NULL, 0);
	spa_node_set_io(node->implementation, SPA_IO_Clock, NULL, 0);
}

void segue_graph_node_set_active(struct segue_graph_node *node, bool active)
{
	node->active = active;
	if (node->node != NULL)
		pw_impl_node_set_active(node->node, active);
}

void segue_graph_node_init(struct segue_graph_node *node, struct pw_context *context,
		struct spa_node *implementation, struct pw_properties *properties,
		const struct segue_graph_node_events *events, void *data)
{
	PW_LOG_TOPIC_INIT(mod_topic);

	*node = (struct segue_graph_node) {
		.context = context,
		.implementation = implementation,
		.properties = properties,
		.events = events,
		.data = data,
		.id = SPA_ID_INVALID,
		.active = true,
	};
}

void segue_graph_node_clear(struct segue_graph_node *node)
{
	if (node->implementation == NULL)
		return;
	segue_graph_node_disconnect(node);
	pw_properties_free(node->properties);
	*node = (struct segue_graph_node) { 0 };
}
