/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "host-device.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <spa/node/node.h>
#include <spa/param/audio/raw.h>
#include <spa/utils/result.h>
#include <spa/utils/string.h>

#include "adapter.h"
#include "graph-node.h"
#include "host-handle.h"
#include "host-tail.h"

PW_LOG_TOPIC_STATIC(mod_topic, "mod.segue.device");
#define PW_LOG_TOPIC_DEFAULT mod_topic

/** What a side of a device is to the session manager. */
struct role {
	const char *interface;		/* of the handle */
	const char *props;		/* its own in the entry */
	enum spa_direction direction;
	const char *media_class;
	const char *port;		/* what names of its ports begin with */
	const char *suffix;		/* of its name; "": it is the one that applications choose */
};

/** A way to be a device: the roles of its sides, the outputs' first. */
struct device_mode {
	const char *type, *mode;
	const char *front;		/* SEGUE_KEY_DEVICE */
	struct role roles[SEGUE_HOSTED_IDS];
};

static const struct device_mode modes[] = {
	{ "convolver", "sink", "capture", {
		{ SEGUE_TYPE_INTERFACE_Playback, "playback.props",
			SPA_DIRECTION_OUTPUT, "Stream/Output/Audio", "output", ".output" },
		{ SPA_TYPE_INTERFACE_Node, "capture.props",
			SPA_DIRECTION_INPUT, "Audio/Sink", "playback", "" } } },
	{ "convolver", "mic", "playback", {
		{ SEGUE_TYPE_INTERFACE_Playback, "playback.props",
			SPA_DIRECTION_OUTPUT, "Audio/Source", "capture", "" },
		{ SPA_TYPE_INTERFACE_Node, "capture.props",
			SPA_DIRECTION_INPUT, "Stream/Input/Audio", "input", ".input" } } },
	{ "source", "mic", "playback", {
		{ SPA_TYPE_INTERFACE_Node, "playback.props",
			SPA_DIRECTION_OUTPUT, "Audio/Source", "capture", "" } } },
	{ "source", "stream", "playback", {
		{ SPA_TYPE_INTERFACE_Node, "playback.props",
			SPA_DIRECTION_OUTPUT, "Stream/Output/Audio", "output", "" } } },
};

struct side {
	struct device *device;
	const struct role *role;
	struct segue_adapter adapter;
	struct segue_graph_node graph;
};

struct device {
	struct segue_hosted *hosted;
	struct pw_context *context;
	struct pw_loop *loop;
	struct spa_handle *handle;
	struct spa_hook node_listener;
	struct side sides[SEGUE_HOSTED_IDS];
	uint32_t n_sides;
	struct segue_tail *tail;	/* of a sink */

	struct spa_source *enter_timer;
	struct pw_core *core;
	bool wanted;			/* to be in the graph */
	bool entered;			/* is, or is on its way */
};

static bool is_front(const struct role *role)
{
	return role->suffix[0] == '\0';
}

/* ------------------------------------------------------------ in the graph */

static void on_bound(void *data)
{
	struct side *side = data;
	struct device *device = side->device;
	uint32_t ids[SEGUE_HOSTED_IDS], n = 0;

	for (uint32_t i = 0; i < device->n_sides; i++) {
		struct side *s = &device->sides[i];

		if (s->graph.id == SPA_ID_INVALID)
			return;
		ids[n++] = s->graph.id;
		if (is_front(s->role))
			SPA_SWAP(ids[0], ids[n - 1]);
	}
	device->hosted->node->methods->set_connected(device->hosted->node, true);
	segue_host_set_ids(device->hosted, ids, n);
}

static void on_lost(void *data)
{
	struct side *side = data;

	segue_host_lost(side->device->hosted);
}

static bool is_stream(const struct role *role)
{
	return spa_strstartswith(role->media_class, "Stream/");
}

static void on_port_init(void *data, struct pw_impl_port *port)
{
	struct side *side = data;

	segue_adapter_name_port(port, side->graph.properties, side->role->port, !is_stream(side->role));
}

static void on_state_changed(void *data, enum pw_node_state state)
{
	struct side *side = data;

	/* not on its way out of the graph */
	if (side->device->entered && side->device->tail != NULL && is_front(side->role))
		segue_tail_set_running(side->device->tail, state == PW_NODE_STATE_RUNNING);
}

static const struct segue_graph_node_events graph_events = {
	.bound = on_bound,
	.lost = on_lost,
	.port_init = on_port_init,
	.state_changed = on_state_changed,
};

static void leave(struct device *device)
{
	device->entered = false;
	if (device->tail != NULL)
		segue_tail_disconnect(device->tail);
	/* the inputs' side first: it runs the other one, whose ports lead into its adapter */
	for (uint32_t i = device->n_sides; i-- > 0; )
		segue_graph_node_disconnect(&device->sides[i].graph);
	for (uint32_t i = 0; i < device->n_sides; i++)
		segue_adapter_unload(&device->sides[i].adapter);
}

static int enter_side(struct side *side)
{
	int res;

	if ((res = segue_adapter_load(&side->adapter)) < 0)
		return res;
	return segue_graph_node_connect(&side->graph, side->device->core);
}

static int enter(struct device *device)
{
	int res = 0;

	device->entered = true;
	if (device->tail != NULL)
		res = segue_tail_connect(device->tail, device->core);
	/* the outputs' side first: the other one, once it runs, has it run as well */
	for (uint32_t i = 0; res >= 0 && i < device->n_sides; i++)
		res = enter_side(&device->sides[i]);
	if (res < 0)
		leave(device);
	return res;
}

/* --------------------------------------------------------- the first sound */

static bool is_loading(const struct device *device)
{
	struct segue_node_info info;

	device->hosted->node->methods->info(device->hosted->node, &info);
	return info.state == SEGUE_NODE_LOADING;
}

static int enter_when_ready(struct device *device)
{
	if (!device->wanted || device->entered)
		return 0;
	device->hosted->waits = device->hosted->waits && is_loading(device);
	return device->hosted->waits ? 0 : enter(device);
}

static void on_enter(void *data, uint64_t expirations)
{
	struct device *device = data;
	int res;

	if ((res = enter_when_ready(device)) < 0)
		pw_log_error("%s: can't enter the graph: %s", device->hosted->name, spa_strerror(res));
}

static void on_node_changed(void *data, uint32_t changes)
{
	struct device *device = data;

	/* not from within the node's own event */
	if (device->wanted && !device->entered)
		segue_host_arm_timer(device->loop, device->enter_timer, 1);
}

static const struct segue_node_events node_events = {
	.version = SEGUE_CONTROL_VERSION,
	.changed = on_node_changed,
};

static int device_connect(void *object, struct pw_core *core)
{
	struct device *device = object;

	device->wanted = true;
	device->core = core;
	/* its state is that of its sound now, not that of the connection */
	if (device->hosted->waits)
		device->hosted->node->methods->set_connected(device->hosted->node, true);
	return enter_when_ready(device);
}

static void device_disconnect(void *object)
{
	struct device *device = object;

	device->wanted = false;
	device->core = NULL;
	leave(device);
}

/* --------------------------------------------------------------- the sides */

static void set_default(struct pw_properties *p, const char *key, const char *value)
{
	if (pw_properties_get(p, key) == NULL)
		pw_properties_set(p, key, value);
}

/* As filter-chain has them, so that a session manager knows what belongs together, and doesn't link a device
 * to itself. What the entry says goes first, and what it says for the side before all.
 * \param own  that; not p's, where it may be replaced by what is in it */
static void set_properties(struct pw_properties *p, const struct device *device, const struct role *role,
		const char *own)
{
	const char *name = device->hosted->name;
	char group[SEGUE_NAME_MAX + 32];

	snprintf(group, sizeof(group), "segue-%u-%s", (unsigned int)getpid(), name);
	set_default(p, PW_KEY_NODE_GROUP, group);
	set_default(p, PW_KEY_NODE_LINK_GROUP, group);
	set_default(p, PW_KEY_NODE_VIRTUAL, "true");
	set_default(p, PW_KEY_NODE_WANT_DRIVER, "true");
	pw_properties_set(p, PW_KEY_MEDIA_CLASS, role->media_class);
	pw_properties_setf(p, PW_KEY_NODE_NAME, "%s%s", name, role->suffix);
	if (is_stream(role))
		pw_properties_set(p, PW_KEY_NODE_AUTOCONNECT, "true");
	/* the hardware's side sounds with the other one, and doesn't keep the hardware awake by itself */
	if (!is_front(role))
		pw_properties_set(p, PW_KEY_NODE_PASSIVE, "true");
	/* run by the inputs' side, not by the driver */
	if (spa_streq(role->interface, SEGUE_TYPE_INTERFACE_Playback))
		pw_properties_set(p, PW_KEY_NODE_TRIGGER, "true");
	if (own != NULL)
		pw_properties_update_string(p, own, strlen(own));
	/* the adapter has no volumes to show before it knows its channels */
	set_default(p, SPA_KEY_AUDIO_POSITION, SEGUE_DEFAULT_POSITION);
	if (pw_properties_get(p, PW_KEY_MEDIA_NAME) == NULL)
		pw_properties_setf(p, PW_KEY_MEDIA_NAME, "%s%s", pw_properties_get(p, PW_KEY_NODE_DESCRIPTION),
				spa_streq(role->suffix, ".output") ? " output" :
				spa_streq(role->suffix, ".input") ? " input" : "");
	pw_properties_set(p, "capture.props", NULL);
	pw_properties_set(p, "playback.props", NULL);
}

static int add_side(struct device *device, const struct pw_properties *properties, const struct role *role)
{
	struct side *side = &device->sides[device->n_sides];
	struct pw_properties *p = pw_properties_copy(properties);
	void *follower;
	int res;

	if (p == NULL)
		return -errno;
	set_properties(p, device, role, pw_properties_get(properties, role->props));
	if ((res = spa_handle_get_interface(device->handle, role->interface, &follower)) < 0) {
		pw_properties_free(p);
		return res;
	}
	segue_adapter_init(&side->adapter, device->context, follower, role->direction, p, is_front(role));
	side->device = device;
	side->role = role;
	segue_graph_node_init(&side->graph, device->context, &side->adapter.node, p, &graph_events, side);
	device->n_sides++;
	return 0;
}

static int add_sides(struct device *device, const struct device_mode *mode,
		const struct pw_properties *properties, struct segue_error *error)
{
	int res = 0;

	for (uint32_t i = 0; res >= 0 && i < SEGUE_HOSTED_IDS && mode->roles[i].interface != NULL; i++)
		res = add_side(device, properties, &mode->roles[i]);
	if (res < 0)
		return segue_error_set(error, res, "can't make its nodes: %s", spa_strerror(res));
	return 0;
}

static int add_tail(struct device *device, struct segue_error *error)
{
	device->tail = segue_tail_new(device->context, device->hosted, device->sides[0].graph.properties);
	if (device->tail == NULL)
		return segue_error_set(error, -errno, "can't make what keeps its tail: %m");
	return 0;
}

static const struct device_mode *find_mode(const struct segue_hosted *hosted)
{
	const struct device_mode *mode = modes;

	while (!spa_streq(mode->type, hosted->type) || !spa_streq(mode->mode, hosted->mode))
		mode++;
	return mode;
}

/* --------------------------------------------------------------- new, free */

static void device_free(void *object)
{
	struct device *device = object;

	device_disconnect(device);
	segue_tail_free(device->tail);
	for (uint32_t i = 0; i < device->n_sides; i++) {
		segue_graph_node_clear(&device->sides[i].graph);
		segue_adapter_clear(&device->sides[i].adapter);
	}
	if (device->handle != NULL) {
		spa_hook_remove(&device->node_listener);
		pw_unload_spa_handle(device->handle);
	}
	if (device->enter_timer != NULL)
		pw_loop_destroy_source(device->loop, device->enter_timer);
	free(device);
}

static int make(struct device *device, struct pw_properties *properties, const struct pw_properties *entry,
		struct segue_error *error)
{
	struct segue_hosted *hosted = device->hosted;
	const struct device_mode *mode = find_mode(hosted);
	int res;

	/* newer versions choose a data loop for each node and handle: it has to be the same one for all of these */
	set_default(properties, SEGUE_KEY_LOOP_NAME, "data-loop.0");
	pw_properties_set(properties, SEGUE_KEY_DEVICE, mode->front);
	device->handle = segue_handle_load(device->context, hosted, properties, entry, error);
	if (device->handle == NULL)
		return -errno;
	pw_properties_set(properties, SEGUE_KEY_DEVICE, NULL);
	hosted->node->methods->add_listener(hosted->node, &device->node_listener, &node_events, device);
	if ((res = add_sides(device, mode, properties, error)) >= 0 && spa_streq(mode->mode, "sink"))
		res = add_tail(device, error);
	return res;
}

static void *device_new(struct pw_context *context, struct segue_hosted *hosted,
		const struct pw_properties *entry, struct segue_error *error)
{
	struct pw_properties *properties;
	struct device *device;
	int res;

	PW_LOG_TOPIC_INIT(mod_topic);

	if ((device = calloc(1, sizeof(*device))) == NULL) {
		segue_error_set(error, -ENOMEM, "out of memory");
		return NULL;
	}
	device->hosted = hosted;
	device->context = context;
	device->loop = pw_context_get_main_loop(context);
	device->enter_timer = pw_loop_add_timer(device->loop, on_enter, device);
	properties = segue_handle_properties(context, entry, hosted->type);
	hosted->waits = true;
	if (device->enter_timer == NULL || properties == NULL)
		res = segue_error_set(error, -ENOMEM, "out of memory");
	else
		res = make(device, properties, entry, error);
	pw_properties_free(properties);
	if (res < 0) {
		device_free(device);
		return NULL;
	}
	return device;
}

const struct segue_host_form segue_host_device = {
	.new = device_new,
	.free = device_free,
	.connect = device_connect,
	.disconnect = device_disconnect,
	/* newer daemons take ready() from drivers alone, unless a node is exported */
	.needs_core = true,
};
