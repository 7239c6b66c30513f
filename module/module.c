/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <stdlib.h>

#include <spa/utils/names.h>
#include <spa/utils/result.h>
#include <spa/utils/string.h>

#include <pipewire/impl.h>
#include <pipewire/pipewire.h>

#include "../spa-plugin/control.h"

#include "bus.h"
#include "config.h"
#include "host.h"

/** \file
 * libpipewire-module-segue: loads the store, hosts the configured nodes, offers them on the bus. */

PW_LOG_TOPIC_STATIC(mod_topic, "mod.segue");
#define PW_LOG_TOPIC_DEFAULT mod_topic

static const struct spa_dict_item module_properties[] = {
	{ PW_KEY_MODULE_DESCRIPTION, "Sources and convolvers whose sound can be replaced while they play" },
	{ PW_KEY_MODULE_USAGE, "[ dbus=<bool> ] [ dbus.name=<bus name> ] [ memory.max=<size> ] "
		"[ load.paths=<folders> ] [ props.load=<false, true or paths> ]" },
	{ PW_KEY_MODULE_VERSION, PACKAGE_VERSION },
};

struct impl {
	struct spa_hook module_listener;

	struct segue_config config;
	struct spa_handle *store_handle;
	struct segue_store *store;
	struct segue_host *host;
	struct segue_bus *bus;
};

/* one module in a process: names, bus name and memory limit belong to the process */
static struct impl *loaded;

static void impl_free(struct impl *impl)
{
	segue_bus_free(impl->bus);
	segue_host_free(impl->host);
	if (impl->store_handle != NULL)
		pw_unload_spa_handle(impl->store_handle);
	segue_config_clear(&impl->config);
	free(impl);
	loaded = NULL;
}

static void on_module_destroy(void *data)
{
	struct impl *impl = data;

	spa_hook_remove(&impl->module_listener);
	impl_free(impl);
}

static const struct pw_impl_module_events module_events = {
	PW_VERSION_IMPL_MODULE_EVENTS,
	.destroy = on_module_destroy,
};

static int load_store(struct impl *impl, struct pw_context *context)
{
	const struct spa_dict_item items[] = {
		{ SPA_KEY_LIBRARY_NAME, SEGUE_LIBRARY },
	};
	void *iface;
	int res;

	impl->store_handle = pw_context_load_spa_handle(context, SEGUE_FACTORY_STORE,
			&SPA_DICT_INIT_ARRAY(items));
	if (impl->store_handle == NULL) {
		res = -errno;
		pw_log_error("can't load %s: %s", SEGUE_LIBRARY, spa_strerror(res));
		return res;
	}
	res = spa_handle_get_interface(impl->store_handle, SEGUE_TYPE_INTERFACE_Store, &iface);
	if (res < 0) {
		pw_log_error("%s has no store: %s", SEGUE_LIBRARY, spa_strerror(res));
		return res;
	}
	impl->store = iface;
	if (impl->store->methods->version != SEGUE_CONTROL_VERSION) {
		pw_log_error("%s is of another version than this module", SEGUE_LIBRARY);
		return -EPROTO;
	}
	return impl->store->methods->configure(impl->store, &impl->config.store);
}

static void on_node_entry(void *data, struct pw_properties *entry, const char *location)
{
	struct impl *impl = data;
	bool is_saved = spa_streq(location, impl->config.save_path);
	struct segue_error error;

	if (segue_host_configure(impl->host, entry, is_saved, &error) < 0)
		pw_log_error("segue.nodes: %s", error.message);
}

SPA_EXPORT
int pipewire__module_init(struct pw_impl_module *module, const char *args);

int pipewire__module_init(struct pw_impl_module *module, const char *args)
{
	struct pw_context *context = pw_impl_module_get_context(module);
	struct impl *impl;
	int res;

	PW_LOG_TOPIC_INIT(mod_topic);

	if (loaded != NULL) {
		pw_log_error("already loaded in this process: once is enough");
		return -EEXIST;
	}
	if ((impl = calloc(1, sizeof(*impl))) == NULL)
		return -errno;
	loaded = impl;

	if ((res = segue_config_init(&impl->config, context, args)) < 0 ||
	    (res = load_store(impl, context)) < 0)
		goto error;

	if ((impl->host = segue_host_new(context)) == NULL) {
		res = -errno;
		goto error;
	}
	/* before the bus: who finds our name finds the nodes, too */
	segue_config_for_each_node(context, on_node_entry, impl);
	if (impl->config.dbus) {
		impl->bus = segue_bus_new(pw_context_get_main_loop(context), &impl->config,
				impl->store, impl->host);
		if (impl->bus == NULL)
			pw_log_warn("going on without D-Bus: %m");
	}

	pw_impl_module_add_listener(module, &impl->module_listener, &module_events, impl);
	pw_impl_module_update_properties(module, &SPA_DICT_INIT_ARRAY(module_properties));
	return 0;
error:
	impl_free(impl);
	return res;
}
