/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "host-tail.h"

#include <errno.h>
#include <stdlib.h>

#include <spa/node/node.h>
#include <spa/param/audio/raw.h>
#include <spa/utils/result.h>

#include "graph-node.h"

PW_LOG_TOPIC_STATIC(mod_topic, "mod.segue.tail");
#define PW_LOG_TOPIC_DEFAULT mod_topic

/* Between two looks whether the tail has ended. What a short one is, the sink runs on for longer. */
#define LOOK_SEC	1.0

struct segue_tail {
	const struct segue_hosted *device;
	struct pw_loop *loop;
	struct pw_core *core;
	struct spa_handle *handle;
	struct segue_graph_node graph;
	struct spa_source *timer;

	struct pw_proxy *link;			/* of the node to itself */
	struct spa_hook link_listener;
};

/* ---------------------------------------------------------------- the link */

static void on_link_destroy(void *data)
{
	struct segue_tail *tail = data;

	spa_hook_remove(&tail->link_listener);
	tail->link = NULL;
}

static void on_link_error(void *data, int seq, int res, const char *message)
{
	struct segue_tail *tail = data;

	pw_log_warn("%s: tails will be cut off: %s", tail->device->name, message);
}

static const struct pw_proxy_events link_events = {
	PW_VERSION_PROXY_EVENTS,
	.destroy = on_link_destroy,
	.error = on_link_error,
};

static int create_link(struct segue_tail *tail)
{
	char id[16];
	const struct spa_dict_item items[] = {
		{ PW_KEY_LINK_OUTPUT_NODE, id },
		{ PW_KEY_LINK_INPUT_NODE, id },
	};

	snprintf(id, sizeof(id), "%u", tail->graph.id);
	tail->link = pw_core_create_object(tail->core, "link-factory", PW_TYPE_INTERFACE_Link, PW_VERSION_LINK,
			&SPA_DICT_INIT_ARRAY(items), 0);
	if (tail->link == NULL)
		return -errno;
	pw_proxy_add_listener(tail->link, &tail->link_listener, &link_events, tail);
	return 0;
}

/* When it is wanted: newer versions don't know a node's ports yet when they tell its id. */
static void link_itself(struct segue_tail *tail)
{
	int res;

	if (tail->graph.id == SPA_ID_INVALID || tail->link != NULL)
		return;
	if ((res = create_link(tail)) < 0)
		pw_log_warn("%s: tails will be cut off: %s", tail->device->name, spa_strerror(res));
}

static void unlink_itself(struct segue_tail *tail)
{
	struct pw_proxy *link = tail->link;

	if (link == NULL)
		return;
	on_link_destroy(tail);
	pw_proxy_destroy(link);
}

/* ---------------------------------------------------------------- the node */

/* without it the sink only loses its tails */
static void on_lost(void *data)
{
	struct segue_tail *tail = data;

	pw_log_warn("%s: tails will be cut off: %s was removed from the graph", tail->device->name,
			pw_properties_get(tail->graph.properties, PW_KEY_NODE_NAME));
}

static const struct segue_graph_node_events graph_events = {
	.lost = on_lost,
};

static double remaining(const struct segue_tail *tail)
{
	struct segue_node_info info;

	tail->device->node->methods->info(tail->device->node, &info);
	return info.tail_sec;
}

static void look_again(struct segue_tail *tail, double seconds)
{
	segue_host_arm_timer(tail->loop, tail->timer, (uint64_t)(seconds * SPA_NSEC_PER_SEC));
}

/* While the sink runs: a player that is linked may be silent for long, and play again. */
static void on_timer(void *data, uint64_t expirations)
{
	struct segue_tail *tail = data;
	double seconds = remaining(tail);

	segue_graph_node_set_active(&tail->graph, seconds > 0.0);
	look_again(tail, SPA_MAX(seconds, LOOK_SEC));
}

void segue_tail_set_running(struct segue_tail *tail, bool running)
{
	if (running)
		link_itself(tail);
	look_again(tail, running ? LOOK_SEC : 0.0);
	/* stopped in its midst, by a player that had been silent for long: then it goes on a little later */
	segue_graph_node_set_active(&tail->graph, running || remaining(tail) > 0.0);
}

int segue_tail_connect(struct segue_tail *tail, struct pw_core *core)
{
	tail->core = core;
	return segue_graph_node_connect(&tail->graph, core);
}

void segue_tail_disconnect(struct segue_tail *tail)
{
	look_again(tail, 0.0);
	unlink_itself(tail);
	segue_graph_node_set_active(&tail->graph, false);
	segue_graph_node_disconnect(&tail->graph);
	tail->core = NULL;
}

/* --------------------------------------------------------------- new, free */

/* A node with an input and an output is all that is wanted: a convolver without a response is one. */
static int make_node(struct segue_tail *tail, struct pw_context *context, const struct pw_properties *of_device)
{
	struct pw_properties *p = pw_properties_new(
			PW_KEY_FACTORY_NAME, SEGUE_FACTORY_CONVOLVER,
			SPA_KEY_LIBRARY_NAME, SEGUE_LIBRARY,
			SEGUE_KEY_LENGTH_MAX, SPA_STRINGIFY(SEGUE_LENGTH_MAX_MIN),
			SPA_KEY_AUDIO_POSITION, "[ MONO ]",
			PW_KEY_NODE_GROUP, pw_properties_get(of_device, PW_KEY_NODE_GROUP),
			/* since 1.2 those of a group share the driver only, these run together */
			PW_KEY_NODE_LINK_GROUP, pw_properties_get(of_device, PW_KEY_NODE_LINK_GROUP),
			PW_KEY_NODE_VIRTUAL, "true",
			NULL);
	void *iface;

	if (p == NULL)
		return -errno;
	pw_properties_setf(p, PW_KEY_NODE_NAME, "%s.tail", tail->device->name);
	pw_properties_set(p, SEGUE_KEY_LOOP_NAME, pw_properties_get(of_device, SEGUE_KEY_LOOP_NAME));
	if ((tail->handle = pw_context_load_spa_handle(context, SEGUE_FACTORY_CONVOLVER, &p->dict)) == NULL) {
		pw_properties_free(p);
		return -errno;
	}
	/* every handle of ours has it */
	(void)spa_handle_get_interface(tail->handle, SPA_TYPE_INTERFACE_Node, &iface);
	segue_graph_node_init(&tail->graph, context, iface, p, &graph_events, tail);
	tail->graph.active = false;
	return 0;
}

struct segue_tail *segue_tail_new(struct pw_context *context, const struct segue_hosted *device,
		const struct pw_properties *properties)
{
	struct segue_tail *tail;
	int res;

	PW_LOG_TOPIC_INIT(mod_topic);

	if ((tail = calloc(1, sizeof(*tail))) == NULL)
		return NULL;
	tail->device = device;
	tail->loop = pw_context_get_main_loop(context);
	if ((tail->timer = pw_loop_add_timer(tail->loop, on_timer, tail)) == NULL ||
	    make_node(tail, context, properties) < 0) {
		res = -errno;
		segue_tail_free(tail);
		errno = -res;
		return NULL;
	}
	return tail;
}

void segue_tail_free(struct segue_tail *tail)
{
	if (tail == NULL)
		return;
	if (tail->handle != NULL) {
		segue_tail_disconnect(tail);
		segue_graph_node_clear(&tail->graph);
		pw_unload_spa_handle(tail->handle);
	}
	if (tail->timer != NULL)
		pw_loop_destroy_source(tail->loop, tail->timer);
	free(tail);
}
