/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "host-dsp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <spa/node/node.h>
#include <spa/utils/names.h>
#include <spa/utils/result.h>
#include <spa/utils/string.h>

#include "levels.h"

PW_LOG_TOPIC_STATIC(mod_topic, "mod.segue.dsp");
#define PW_LOG_TOPIC_DEFAULT mod_topic

struct segue_dsp {
	struct pw_context *context;
	struct segue_hosted *hosted;
	struct pw_properties *properties;	/* of the node in the graph */

	struct spa_handle *handle;
	struct spa_node *spa_node;

	/* while it is in a graph */
	struct pw_impl_node *node;
	struct spa_hook node_listener;
	struct pw_proxy *proxy;			/* in a process of its own */
	struct spa_hook proxy_listener;
};

/* The node is going, by our order or by someone else's: not a pointer to it may stay. */
static void on_node_destroy(void *data)
{
	struct segue_dsp *dsp = data;

	spa_hook_remove(&dsp->node_listener);
	dsp->node = NULL;
	segue_host_lost(dsp->hosted);
}

static const struct pw_impl_node_events node_events = {
	PW_VERSION_IMPL_NODE_EVENTS,
	.destroy = on_node_destroy,
};

static void on_proxy_destroy(void *data)
{
	struct segue_dsp *dsp = data;

	spa_hook_remove(&dsp->proxy_listener);
	dsp->proxy = NULL;
}

static void on_proxy_bound(void *data, uint32_t id)
{
	struct segue_dsp *dsp = data;

	dsp->hosted->node->methods->set_connected(dsp->hosted->node, true);
	segue_host_set_id(dsp->hosted, id);
}

static void on_proxy_removed(void *data)
{
	struct segue_dsp *dsp = data;

	segue_host_lost(dsp->hosted);
}

static void on_proxy_error(void *data, int seq, int res, const char *message)
{
	struct segue_dsp *dsp = data;

	pw_log_error("%s: %s (%s)", dsp->hosted->name, message, spa_strerror(res));
}

static const struct pw_proxy_events proxy_events = {
	PW_VERSION_PROXY_EVENTS,
	.destroy = on_proxy_destroy,
	.bound = on_proxy_bound,
	.removed = on_proxy_removed,
	.error = on_proxy_error,
};

int segue_dsp_connect(struct segue_dsp *dsp, struct pw_core *core)
{
	struct segue_hosted *hosted = dsp->hosted;
	int res;

	dsp->node = pw_context_create_node(dsp->context, pw_properties_copy(dsp->properties), 0);
	if (dsp->node == NULL)
		return -errno;
	pw_impl_node_add_listener(dsp->node, &dsp->node_listener, &node_events, dsp);

	if ((res = pw_impl_node_set_implementation(dsp->node, dsp->spa_node)) < 0)
		goto error;

	if (core != NULL) {
		dsp->proxy = pw_core_export(core, PW_TYPE_INTERFACE_Node, NULL, dsp->node, 0);
		if (dsp->proxy == NULL) {
			res = -errno;
			goto error;
		}
		pw_proxy_add_listener(dsp->proxy, &dsp->proxy_listener, &proxy_events, dsp);
	} else if ((res = pw_impl_node_register(dsp->node, NULL)) < 0) {
		goto error;
	}
	pw_impl_node_set_active(dsp->node, true);

	if (core == NULL) {
		hosted->node->methods->set_connected(hosted->node, true);
		segue_host_set_id(hosted, pw_global_get_id(pw_impl_node_get_global(dsp->node)));
	}
	return 0;
error:
	segue_dsp_disconnect(dsp);
	return res;
}

void segue_dsp_disconnect(struct segue_dsp *dsp)
{
	/* the proxy first: it suspends the node and takes it off the data loop */
	if (dsp->proxy != NULL) {
		struct pw_proxy *proxy = dsp->proxy;

		on_proxy_destroy(dsp);
		pw_proxy_destroy(proxy);
	}
	if (dsp->node != NULL) {
		struct pw_impl_node *node = dsp->node;

		spa_hook_remove(&dsp->node_listener);
		dsp->node = NULL;
		pw_impl_node_destroy(node);
	}
	/* 0.3.65 leaves these pointing into the node it has just freed */
	spa_node_set_io(dsp->spa_node, SPA_IO_Position, NULL, 0);
	spa_node_set_io(dsp->spa_node, SPA_IO_Clock, NULL, 0);
}

/* ------------------------------------------------------------- the handle */

/* Settings, by the plugin's table: a wrong one is refused by name. */
static int apply_settings(struct segue_node *node, const struct spa_dict *dict,
		struct segue_error *error)
{
	const struct spa_dict_item *item;

	spa_dict_for_each(item, dict) {
		const struct segue_value value = { .type = SEGUE_VALUE_STRING, .s = item->value };
		int res;

		if (segue_level_is(item->key))
			res = segue_level_set(node, item->key, item->value, error);
		else if (spa_strstartswith(item->key, "segue.") && !spa_streq(item->key, "segue.mode"))
			res = node->methods->set(node, item->key, &value, error);
		else
			continue;
		if (res == -ENXIO)
			return segue_error_set(error, -EINVAL, "%s: no such property", item->key);
		if (res < 0)
			return res;
	}
	return 0;
}

/* Of what is ours, a handle reads this when it is made. A bad value is left to apply_settings() to refuse,
 * which says why: a handle can't. */
static bool is_for_handle(const char *key, const char *value)
{
	double seconds;

	return spa_streq(key, SEGUE_KEY_LENGTH_MAX) && spa_atod(value, &seconds) &&
		seconds >= SEGUE_LENGTH_MAX_MIN && seconds <= SEGUE_LENGTH_MAX_MAX;
}

/* What the graph sees of an entry: not what is ours. */
static struct pw_properties *graph_properties(struct pw_context *context,
		const struct pw_properties *entry, const char *factory)
{
	const struct pw_properties *of_context = pw_context_get_properties(context);
	struct pw_properties *p = pw_properties_new(NULL, NULL);
	const struct spa_dict_item *item;

	if (p == NULL)
		return NULL;
	spa_dict_for_each(item, &entry->dict) {
		if ((!spa_strstartswith(item->key, "segue.") || is_for_handle(item->key, item->value)) &&
		    !spa_streq(item->key, "type") && !spa_streq(item->key, "override") && !segue_level_is(item->key))
			pw_properties_set(p, item->key, item->value);
	}
	/* last: what is loaded isn't the entry's to say */
	pw_properties_set(p, PW_KEY_FACTORY_NAME, factory);
	pw_properties_set(p, SPA_KEY_LIBRARY_NAME, SEGUE_LIBRARY);
	/* nothing adds it to a handle's dictionary for us */
	pw_properties_set(p, "clock.quantum-limit",
			pw_properties_get(of_context, "default.clock.quantum-limit"));
	return p;
}

/* Settings come later: of what a handle is given it can only refuse the channels. */
static int refuse_channels(const struct pw_properties *properties, struct segue_error *error)
{
	static const char *const keys[] = { "audio.position", "capture.props", "playback.props" };
	char names[64] = "";
	const char *text = NULL;
	uint32_t n = 0;

	for (uint32_t i = 0; i < SPA_N_ELEMENTS(keys); i++) {
		const char *value = pw_properties_get(properties, keys[i]);

		if (value == NULL)
			continue;
		text = value;
		strcat(strcat(names, n++ > 0 ? ", " : ""), keys[i]);
	}
	if (n == 0)
		return segue_error_set(error, -EINVAL, "%s", spa_strerror(-EINVAL));
	if (n == 1 && pw_properties_get(properties, keys[0]) != NULL)
		return segue_error_set(error, -EINVAL, "%s: %s isn't a list of channels", names, text);
	return segue_error_set(error, -EINVAL, "%s: audio.position isn't a list of channels", names);
}

static int load_handle(struct segue_dsp *dsp, const char *factory, struct segue_error *error)
{
	struct segue_hosted *hosted = dsp->hosted;
	void *iface;
	int res;

	/* the handle and its node get the same properties, node.loop.name among them: newer versions
	 * choose the data loop by it for each */
	dsp->handle = pw_context_load_spa_handle(dsp->context, factory, &dsp->properties->dict);
	if (dsp->handle == NULL) {
		res = -errno;
		if (res == -EINVAL)
			return refuse_channels(dsp->properties, error);
		if (res == -EDQUOT)
			return segue_error_set(error, res, "segue.ir.max: so many inputs of such a length are more "
					"than memory.max leaves to nodes");
		return segue_error_set(error, res, "can't make a %s: %s", hosted->type,
				spa_strerror(res));
	}
	if ((res = spa_handle_get_interface(dsp->handle, SPA_TYPE_INTERFACE_Node, &iface)) < 0)
		return segue_error_set(error, res, "%s has no node", factory);
	dsp->spa_node = iface;
	if ((res = spa_handle_get_interface(dsp->handle, SEGUE_TYPE_INTERFACE_Node, &iface)) < 0)
		return segue_error_set(error, res, "%s has no control", factory);
	hosted->node = iface;
	if (hosted->node->methods->version != SEGUE_CONTROL_VERSION)
		return segue_error_set(error, -EPROTO, "%s is of another version", SEGUE_LIBRARY);
	hosted->node->methods->set_connected(hosted->node, false);
	return 0;
}

static void dsp_free(struct segue_dsp *dsp)
{
	if (dsp == NULL)
		return;
	if (dsp->handle != NULL)
		pw_unload_spa_handle(dsp->handle);
	pw_properties_free(dsp->properties);
	free(dsp);
}

struct segue_dsp *segue_dsp_new(struct pw_context *context, struct segue_hosted *hosted,
		const struct pw_properties *entry, struct segue_error *error)
{
	struct segue_dsp *dsp;
	char factory[32];
	int res;

	PW_LOG_TOPIC_INIT(mod_topic);

	snprintf(factory, sizeof(factory), "segue.%s", hosted->type);
	if ((dsp = calloc(1, sizeof(*dsp))) == NULL ||
	    (dsp->properties = graph_properties(context, entry, factory)) == NULL) {
		res = segue_error_set(error, -ENOMEM, "out of memory");
		goto error;
	}
	dsp->context = context;
	dsp->hosted = hosted;
	if ((res = load_handle(dsp, factory, error)) < 0 ||
	    (res = apply_settings(hosted->node, &entry->dict, error)) < 0)
		goto error;
	return dsp;
error:
	dsp_free(dsp);
	errno = -res;
	return NULL;
}

void segue_dsp_free(struct segue_dsp *dsp)
{
	if (dsp == NULL)
		return;
	segue_dsp_disconnect(dsp);
	dsp_free(dsp);
}
