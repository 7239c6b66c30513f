/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "fuzz-module.h"

#include <errno.h>
#include <unistd.h>

#define MEMORY_MAX	(4u * 1024u * 1024u)
#define TRIES_MAX	10000u	/* milliseconds */

static struct pw_main_loop *main_loop;
static struct pw_context *context;
static struct spa_handle *store_handle;
static struct segue_store *store;

/* instead of PipeWire's, which leaves memory behind where there is no protocol to connect by */
struct pw_core *pw_context_connect(struct pw_context *of, struct pw_properties *properties, size_t user_data_size)
{
	pw_properties_free(properties);
	errno = ECONNREFUSED;
	return NULL;
}

/* The plugin is found as segue/libspa-segue in a plugin folder, as if it were installed. */
static void link_plugin(void)
{
	char path[4096];

	fuzz_check(symlink(SEGUE_PLUGIN_BUILD, fuzz_path("segue")) == 0, "no link");
	snprintf(path, sizeof(path), "%s:" SPA_PLUGIN_DIR, fuzz_folder());
	setenv("SPA_PLUGIN_DIR", path, 1);
}

struct pw_context *fuzz_context(void)
{
	if (context != NULL)
		return context;
	link_plugin();
	setenv("PIPEWIRE_DEBUG", "0", 0);
	pw_init(NULL, NULL);
	main_loop = pw_main_loop_new(NULL);
	context = pw_context_new(pw_main_loop_get_loop(main_loop),
			pw_properties_new(PW_KEY_CONFIG_NAME, "null", NULL), 0);
	fuzz_check(context != NULL, "no context");
	return context;
}

struct segue_store *fuzz_module_store(const struct segue_store_config *config)
{
	const struct spa_dict_item items[] = { { SPA_KEY_LIBRARY_NAME, SEGUE_LIBRARY } };
	struct segue_store_config less = *config;
	void *iface;

	if (store == NULL) {
		store_handle = pw_context_load_spa_handle(fuzz_context(), SEGUE_FACTORY_STORE,
				&SPA_DICT_INIT_ARRAY(items));
		fuzz_check(store_handle != NULL && spa_handle_get_interface(store_handle,
					SEGUE_TYPE_INTERFACE_Store, &iface) == 0, "no store");
		store = iface;
	}
	less.memory_max = SPA_MIN(less.memory_max, MEMORY_MAX);
	fuzz_check(store->methods->configure(store, &less) == 0, "it can't be configured");
	return store;
}

struct segue_host *fuzz_host_new(void)
{
	struct segue_host *host = segue_host_new(fuzz_context());

	fuzz_check(host != NULL, "no host");
	return host;
}

void fuzz_wait_reclaimed(void)
{
	struct pw_loop *loop = pw_main_loop_get_loop(main_loop);
	struct segue_memory_info info;
	uint32_t tries = 0;

	pw_loop_enter(loop);
	do {
		(void)pw_loop_iterate(loop, tries > 0);
		store->methods->memory_info(store, &info);
	} while ((info.n_live > 0 || info.bytes_live + info.bytes_pending + info.bytes_retired > 0) &&
			tries++ < TRIES_MAX);
	pw_loop_leave(loop);
	fuzz_check(tries < TRIES_MAX, "%zu bytes are live, %zu pending, %zu retired", (size_t)info.bytes_live,
			(size_t)info.bytes_pending, (size_t)info.bytes_retired);
}

void fuzz_host_free(struct segue_host *host)
{
	segue_host_free(host);
	fuzz_wait_reclaimed();
}
