/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "adapter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <spa/node/utils.h>
#include <spa/param/param.h>
#include <spa/param/props.h>
#include <spa/pod/dynamic.h>
#include <spa/pod/iter.h>
#include <spa/utils/names.h>

#define LIBRARY		"audioconvert/libspa-audioconvert"
#define POD_SIZE	4096

/* Those that fade volumes or are triggered. Their nodes have the methods of the adapter, which are called with the
 * adapter's own object: this is how those that are ours find back. */
static struct spa_list overridden = SPA_LIST_INIT(&overridden);

static struct segue_adapter *find_adapter(const void *object)
{
	struct segue_adapter *adapter;

	spa_list_for_each(adapter, &overridden, link)
		if (adapter->adapted->iface.cb.data == object)
			return adapter;
	return NULL;
}

/* The same, with the volumes that the adapter applies at one. As long as each pod has them, it never looks at
 * those it shows, which the follower gets with the same pod. */
static struct spa_pod *build_props(struct spa_pod_builder *b, const struct spa_pod_object *props)
{
	const float one = 1.0f;
	const struct spa_pod_prop *prop;
	struct spa_pod_frame f;

	spa_pod_builder_push_object(b, &f, SPA_TYPE_OBJECT_Props, SPA_PARAM_Props);
	SPA_POD_OBJECT_FOREACH(props, prop) {
		if (prop->key != SPA_PROP_softMute && prop->key != SPA_PROP_softVolumes)
			spa_pod_builder_raw_padded(b, prop, SPA_POD_PROP_SIZE(prop));
	}
	spa_pod_builder_add(b,
			SPA_PROP_softMute,    SPA_POD_Bool(false),
			SPA_PROP_softVolumes, SPA_POD_Array(sizeof(one), SPA_TYPE_Float, 1, &one),
			0);
	return spa_pod_builder_pop(b, &f);
}

static int set_props(struct segue_adapter *adapter, uint32_t flags, const struct spa_pod *props)
{
	struct spa_pod_dynamic_builder b;
	uint8_t buffer[POD_SIZE];
	struct spa_pod *softened;
	int res = -ENOMEM;

	spa_pod_dynamic_builder_init(&b, buffer, sizeof(buffer), POD_SIZE);
	if ((softened = build_props(&b.b, (const struct spa_pod_object *)props)) != NULL)
		res = spa_node_set_param(adapter->adapted, SPA_PARAM_Props, flags, softened);
	spa_pod_dynamic_builder_clean(&b);
	return res;
}

static int fader_set_param(void *object, uint32_t id, uint32_t flags, const struct spa_pod *param)
{
	struct segue_adapter *adapter = find_adapter(object);

	if (id == SPA_PARAM_Props && param != NULL && spa_pod_is_object_type(param, SPA_TYPE_OBJECT_Props))
		return set_props(adapter, flags, param);
	return spa_node_set_param(adapter->adapted, id, flags, param);
}

/* -------------------------------------------------------------- the trigger */

/* What the follower has is fetched when the node is run. The adapter's own way fetches it before, and since 1.0 that
 * reaches whoever waits for the node only after it has been woken, or too late. */
static int on_follower_ready(void *data, int status)
{
	struct segue_adapter *adapter = data;

	return spa_node_call_ready(&adapter->callbacks, SPA_STATUS_NEED_DATA);
}

static const struct spa_node_callbacks follower_callbacks = {
	SPA_VERSION_NODE_CALLBACKS,
	.ready = on_follower_ready,
};

static int triggered_set_callbacks(void *object, const struct spa_node_callbacks *callbacks, void *data)
{
	struct segue_adapter *adapter = find_adapter(object);
	int res;

	if ((res = spa_node_set_callbacks(adapter->adapted, callbacks, data)) < 0)
		return res;
	adapter->callbacks = SPA_CALLBACKS_INIT(callbacks, data);
	/* in place of the adapter's */
	return spa_node_set_callbacks(adapter->follower, &follower_callbacks, adapter);
}

/* 0.x waits until the adapter has sent on what it fetched */
static bool is_triggered(const struct segue_adapter *adapter)
{
	return pw_properties_get_bool(adapter->properties, PW_KEY_NODE_TRIGGER, false) &&
		atoi(pw_get_library_version()) > 0;
}

/* ------------------------------------------------------------- load, unload */

static void override_methods(struct segue_adapter *adapter)
{
	bool triggered = is_triggered(adapter);

	adapter->is_overridden = triggered || adapter->fades_volume;
	if (!adapter->is_overridden)
		return;
	adapter->methods = *(const struct spa_node_methods *)adapter->node.iface.cb.funcs;
	if (adapter->fades_volume)
		adapter->methods.set_param = fader_set_param;
	if (triggered)
		adapter->methods.set_callbacks = triggered_set_callbacks;
	adapter->node.iface.cb.funcs = &adapter->methods;
	spa_list_append(&overridden, &adapter->link);
}

static int load(struct segue_adapter *adapter)
{
	struct pw_properties *p = pw_properties_copy(adapter->properties);
	void *iface;

	if (p == NULL)
		return -errno;
	pw_properties_set(p, SPA_KEY_LIBRARY_NAME, LIBRARY);
	pw_properties_set(p, "factory.mode", adapter->direction == SPA_DIRECTION_INPUT ? "merge" : "split");
	pw_properties_setf(p, "audio.adapt.follower", "pointer:%p", (void *)adapter->follower);
	adapter->handle = pw_context_load_spa_handle(adapter->context, SPA_NAME_AUDIO_ADAPT, &p->dict);
	pw_properties_free(p);
	if (adapter->handle == NULL)
		return -errno;
	/* every adapter has it */
	(void)spa_handle_get_interface(adapter->handle, SPA_TYPE_INTERFACE_Node, &iface);
	adapter->adapted = iface;
	adapter->node = *adapter->adapted;
	return 0;
}

int segue_adapter_load(struct segue_adapter *adapter)
{
	int res;

	if ((res = load(adapter)) < 0)
		return res;
	override_methods(adapter);
	if (adapter->props != NULL)
		(void)spa_node_set_param(&adapter->node, SPA_PARAM_Props, 0, adapter->props);
	return 0;
}

/* The first of its Props are the adapter's own. */
static void keep_props(struct segue_adapter *adapter)
{
	struct spa_pod_dynamic_builder b;
	uint8_t buffer[POD_SIZE];
	struct spa_pod *props;
	uint32_t index = 0;

	spa_pod_dynamic_builder_init(&b, buffer, sizeof(buffer), POD_SIZE);
	if (spa_node_enum_params_sync(adapter->adapted, SPA_PARAM_Props, &index, NULL, &props, &b.b) == 1) {
		free(adapter->props);
		adapter->props = spa_pod_copy(props);
	}
	spa_pod_dynamic_builder_clean(&b);
}

void segue_adapter_unload(struct segue_adapter *adapter)
{
	if (adapter->handle == NULL)
		return;
	keep_props(adapter);
	if (adapter->is_overridden)
		spa_list_remove(&adapter->link);
	pw_unload_spa_handle(adapter->handle);
	adapter->handle = NULL;
	adapter->adapted = NULL;
	adapter->node = (struct spa_node) { 0 };
}

void segue_adapter_init(struct segue_adapter *adapter, struct pw_context *context, struct spa_node *follower,
		enum spa_direction direction, const struct pw_properties *properties, bool fades_volume)
{
	*adapter = (struct segue_adapter) {
		.context = context,
		.follower = follower,
		.direction = direction,
		.properties = properties,
		.fades_volume = fades_volume,
	};
}

void segue_adapter_clear(struct segue_adapter *adapter)
{
	segue_adapter_unload(adapter);
	free(adapter->props);
	*adapter = (struct segue_adapter) { 0 };
}

/* --------------------------------------------------------------------- ports */

void segue_adapter_name_port(struct pw_impl_port *port, const struct pw_properties *of_node, const char *prefix,
		bool is_device)
{
	const struct pw_properties *old = pw_impl_port_get_properties(port);
	const char *node_name = pw_properties_get(of_node, PW_KEY_NODE_DESCRIPTION);
	const char *channel = pw_properties_get(old, PW_KEY_AUDIO_CHANNEL);
	bool is_monitor = pw_properties_get_bool(old, PW_KEY_PORT_MONITOR, false);
	char name[64], alias[256], path[256];
	const struct spa_dict_item items[] = {
		{ PW_KEY_PORT_NAME, name },
		{ PW_KEY_PORT_ALIAS, alias },
		{ PW_KEY_OBJECT_PATH, path },
		{ PW_KEY_PORT_PHYSICAL, "true" },
		{ PW_KEY_PORT_TERMINAL, "true" },
	};
	uint32_t n_items = is_device && !is_monitor ? SPA_N_ELEMENTS(items) : 3;

	prefix = is_monitor ? "monitor" : prefix;
	snprintf(name, sizeof(name), "%s_%s", prefix, channel != NULL ? channel : "UNK");
	snprintf(alias, sizeof(alias), "%s:%s", node_name, name);
	snprintf(path, sizeof(path), "%s:%s_%u", node_name, prefix, pw_impl_port_get_id(port));
	pw_impl_port_update_properties(port, &SPA_DICT_INIT(items, n_items));
}
