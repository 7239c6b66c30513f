/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* busctl --user call org.segue.Segue1 /org/segue/Segue1 org.freedesktop.DBus.ObjectManager \
 *	GetManagedObjects */

#include "bus-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <spa/utils/string.h>

PW_LOG_TOPIC_STATIC(mod_topic, "mod.segue.nodes");
#define PW_LOG_TOPIC_DEFAULT mod_topic

#define OF_ALL	0u

static const struct segue_bus_type *const types[SEGUE_BUS_TYPES] = {
	[OF_ALL] = &segue_bus_common,
	&segue_bus_source,
	&segue_bus_convolver,
};

/* ------------------------------------------------------------- finding */

struct segue_bus_node *segue_bus_node_by_path(struct segue_bus *bus, const char *path)
{
	struct segue_bus_node *node;

	spa_list_for_each(node, &bus->nodes, link)
		if (!node->going && spa_streq(node->path, path))
			return node;
	return NULL;
}

struct segue_bus_node *segue_bus_node_find(struct segue_bus *bus, const struct segue_hosted *hosted)
{
	struct segue_bus_node *node;

	spa_list_for_each(node, &bus->nodes, link)
		if (!node->going && node->hosted == hosted)
			return node;
	return NULL;
}

static int find_of_type(sd_bus *sdbus, const char *path, const char *interface, void *userdata,
		void **ret, sd_bus_error *error)
{
	struct segue_bus_node *node = segue_bus_node_by_path(userdata, path);

	*ret = node;
	return node != NULL && (spa_streq(interface, segue_bus_common.interface) ||
			spa_streq(interface, node->type->interface));
}

static int list_nodes(sd_bus *sdbus, const char *prefix, void *userdata, char ***ret,
		sd_bus_error *error)
{
	struct segue_bus *bus = userdata;
	struct segue_bus_node *node;
	size_t n = 0;
	char **paths;

	spa_list_for_each(node, &bus->nodes, link)
		n++;
	if ((paths = calloc(n + 1, sizeof(char *))) == NULL)
		return -errno;
	n = 0;
	spa_list_for_each(node, &bus->nodes, link)
		if (!node->going && (paths[n++] = strdup(node->path)) == NULL)
			return segue_bus_paths_free(paths);
	*ret = paths;
	return 0;
}

static int register_type(struct segue_bus *bus, uint32_t type)
{
	int res;

	if (bus->node_vtables[type] == NULL || bus->bus == NULL)
		return 0;
	res = sd_bus_add_fallback_vtable(bus->bus, NULL, SEGUE_BUS_NODES, types[type]->interface,
			bus->node_vtables[type], find_of_type, bus);
	if (res < 0 || type != OF_ALL)
		return res;
	return sd_bus_add_node_enumerator(bus->bus, NULL, SEGUE_BUS_NODES, list_nodes, bus);
}

int segue_bus_nodes_register(struct segue_bus *bus)
{
	int res = 0;

	for (uint32_t i = 0; res >= 0 && i < SEGUE_BUS_TYPES; i++)
		res = register_type(bus, i);
	return res;
}

/* The first node of a type brings the table of its settings, the first of all those that all have. */
static int make_vtable(struct segue_bus *bus, uint32_t type, struct segue_node *node)
{
	uint32_t n;
	const struct segue_property *settings = node->methods->properties(node, &n);

	if (bus->node_vtables[type] != NULL)
		return 0;
	if ((bus->node_vtables[type] = segue_bus_node_vtable(types[type], settings, n)) == NULL)
		return -ENOMEM;
	return register_type(bus, type);
}

static uint32_t find_type(const char *name)
{
	uint32_t i = SEGUE_BUS_TYPES - 1;

	while (i > OF_ALL && !spa_streq(types[i]->name, name))
		i--;
	return i;
}

/* ----------------------------------------------------------- CreateNode */

static void reply_created(struct segue_bus_node *node)
{
	segue_bus_deadline_remove(node->bus, &node->create_deadline);
	if (node->create != NULL)
		(void)sd_bus_reply_method_return(node->create, "o", node->path);
	node->create = sd_bus_message_unref(node->create);
	segue_bus_rearm(node->bus);
}

static void refuse_created(struct segue_bus_node *node, const struct segue_error *why)
{
	if (node->create != NULL)
		segue_bus_reply_error(node->create, node->hosted->name, why);
	node->create = sd_bus_message_unref(node->create);
}

static void on_create_expired(struct segue_bus_deadline *deadline)
{
	struct segue_bus_node *node =
		SPA_CONTAINER_OF(deadline, struct segue_bus_node, create_deadline);
	static const struct segue_error late = { -ETIMEDOUT, "the graph hasn't taken the node within 4 s" };
	struct segue_hosted *hosted = node->hosted;

	/* PipeWire went meanwhile, or a device's sound takes its time: the node will be there later */
	if (!segue_host_connected(node->bus->host) || hosted->waits) {
		reply_created(node);
		return;
	}
	refuse_created(node, &late);
	segue_host_remove(hosted);
}

void segue_bus_node_created(struct segue_bus_node *node, sd_bus_message *m)
{
	node->create = sd_bus_message_ref(m);
	if (node->hosted->n_ids > 0 || !segue_host_reachable(node->bus->host))
		reply_created(node);
	else
		segue_bus_deadline_add(node->bus, &node->create_deadline, on_create_expired);
}

/* --------------------------------------------------- coming and going */

static void on_changed(void *data, uint32_t changes)
{
	struct segue_bus_node *node = data;

	if (!node->going)
		segue_bus_object_changed(node->bus, &node->object);
}

static void on_accepted(void *data, uint64_t serial, uint64_t sound, const char *label)
{
	struct segue_bus_node *node = data;
	struct segue_bus_queued mine, *queued = node->asking != NULL ? node->asking : &mine;

	queued->serial = serial;
	queued->sound = sound;
	snprintf(queued->label, sizeof(queued->label), "%s", label);
	if (queued == &mine)
		segue_bus_node_emit_queued(node, queued);
}

static void on_finished(void *data, const struct segue_finished *finished)
{
	segue_bus_call_finished(data, finished);
}

static const struct segue_node_events node_events = {
	.version = SEGUE_CONTROL_VERSION,
	.changed = on_changed,
	.accepted = on_accepted,
	.finished = on_finished,
};

static void node_free(struct segue_bus_node *node)
{
	segue_bus_object_clear(&node->object);
	segue_bus_deadline_remove(node->bus, &node->create_deadline);
	sd_bus_message_unref(node->create);
	segue_bus_calls_node_gone(node);
	spa_list_remove(&node->link);
	free(node->announced);
	free(node->path);
	free(node);
}

static void on_added(void *data, struct segue_hosted *hosted)
{
	struct segue_bus *bus = data;
	uint32_t type = find_type(hosted->type);
	struct segue_bus_node *node;

	if ((node = calloc(1, sizeof(*node))) == NULL)
		goto error;
	node->bus = bus;
	node->hosted = hosted;
	node->type = types[type];
	node->seen = UINT64_MAX;
	spa_list_init(&node->calls);
	spa_list_append(&bus->nodes, &node->link);
	if (sd_bus_path_encode(SEGUE_BUS_NODES, hosted->name, &node->path) < 0 ||
	    make_vtable(bus, OF_ALL, hosted->node) < 0 ||
	    make_vtable(bus, type, hosted->node) < 0 ||
	    segue_bus_node_announce_init(node) < 0) {
		node_free(node);
		goto error;
	}
	hosted->node->methods->add_listener(hosted->node, &node->listener, &node_events, node);
	if (bus->bus != NULL)
		(void)sd_bus_emit_object_added(bus->bus, node->path);
	segue_bus_rearm(bus);
	return;
error:
	pw_log_error("%s: can't be offered on the bus: out of memory", hosted->name);
}

static void on_ids_changed(void *data, struct segue_hosted *hosted)
{
	struct segue_bus_node *node = segue_bus_node_find(data, hosted);

	if (node == NULL)
		return;
	segue_bus_object_changed(node->bus, &node->object);
	if (node->create != NULL && hosted->n_ids > 0)
		reply_created(node);
}

static void on_removing(void *data, struct segue_hosted *hosted)
{
	struct segue_bus_node *node = segue_bus_node_find(data, hosted);

	if (node == NULL)
		return;
	/* requests may still end, and that is told; anything else isn't there any more */
	node->going = true;
	segue_bus_object_clear(&node->object);
}

static void on_removed(void *data, const char *name)
{
	static const struct segue_error gone = { -EIDRM, "the node was destroyed" };
	struct segue_bus *bus = data;
	struct segue_bus_node *node, *tmp;

	spa_list_for_each_safe(node, tmp, &bus->nodes, link) {
		if (!node->going || !spa_streq(node->hosted->name, name))
			continue;
		refuse_created(node, &gone);
		/* its listener's list went with the handle */
		segue_bus_calls_node_gone(node);
		segue_bus_interfaces_removed(bus, node->path,
				(const char *const[]) { SEGUE_BUS_NODE, node->type->interface, NULL });
		node_free(node);
	}
	segue_bus_rearm(bus);
}

static const struct segue_host_events host_events = {
	.added = on_added,
	.ids_changed = on_ids_changed,
	.removing = on_removing,
	.removed = on_removed,
};

void segue_bus_nodes_init(struct segue_bus *bus)
{
	struct segue_hosted *hosted;

	PW_LOG_TOPIC_INIT(mod_topic);

	segue_host_set_events(bus->host, &host_events, bus);
	spa_list_for_each(hosted, segue_host_list(bus->host), link)
		on_added(bus, hosted);
}

void segue_bus_nodes_free(struct segue_bus *bus)
{
	struct segue_bus_node *node;

	segue_host_set_events(bus->host, NULL, NULL);
	spa_list_consume(node, &bus->nodes, link) {
		spa_hook_remove(&node->listener);
		node_free(node);
	}
}

void segue_bus_nodes_lost(struct segue_bus *bus)
{
	struct segue_bus_node *node;

	spa_list_for_each(node, &bus->nodes, link) {
		segue_bus_object_clear(&node->object);
		segue_bus_deadline_remove(bus, &node->create_deadline);
		node->create = sd_bus_message_unref(node->create);
	}
}
