/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "fuzz-node.h"

#include <string.h>

#include <spa/utils/string.h>

#include "host.h"
#include "plugin.h"

#define MEMORY_MAX	(4u * 1024u * 1024u)
#define TRIES_MAX	10000u	/* milliseconds */

static struct host *host;
static struct spa_handle *store_handle;
static struct segue_store *store;

static const struct spa_handle_factory *const factories[] = {
	&segue_store_factory, &segue_source_factory, &segue_convolver_factory,
};

static struct spa_handle *make_handle(const char *name, const struct spa_dict *info)
{
	const struct spa_handle_factory *factory = NULL;
	const struct spa_support *support;
	struct spa_handle *handle;
	uint32_t n_support;

	if (host == NULL)
		host = host_new(NULL);
	for (uint32_t i = 0; i < SPA_N_ELEMENTS(factories); i++)
		if (spa_streq(factories[i]->name, name))
			factory = factories[i];
	support = host_support(host, &n_support);
	fuzz_check(factory != NULL && (handle = calloc(1, spa_handle_factory_get_size(factory, info))) != NULL,
			"no %s", name);
	fuzz_check(spa_handle_factory_init(factory, handle, info, support, n_support) == 0, "no %s", name);
	return handle;
}

static void *get(struct spa_handle *handle, const char *type)
{
	void *iface;

	fuzz_check(spa_handle_get_interface(handle, type, &iface) == 0, "no %s", type);
	return iface;
}

static void take_down(void)
{
	host_unload(store_handle);
	host_free(host);
}

struct segue_store *fuzz_store(void)
{
	static struct segue_store_config config = {
		.memory_max = MEMORY_MAX, .default_rate = 48000, .props_load = "paths", .n_load_paths = 1,
	};
	static const char *paths[1];

	if (store != NULL)
		return store;
	paths[0] = fuzz_folder();
	config.load_paths = paths;
	store_handle = make_handle(SEGUE_FACTORY_STORE, NULL);
	store = get(store_handle, SEGUE_TYPE_INTERFACE_Store);
	atexit(take_down);
	fuzz_check(store->methods->configure(store, &config) == 0, "it can't be configured");
	return store;
}

struct fuzz_node fuzz_node_new(const char *factory, bool is_device)
{
	const struct spa_dict_item items[] = {
		{ "node.name", "fuzz" },
		{ "audio.position", "[ FL FR ]" },
		{ SEGUE_KEY_LENGTH_MAX, "0.1" },
		{ SEGUE_KEY_DEVICE, spa_streq(factory, SEGUE_FACTORY_SOURCE) ? "playback" : "capture" },
	};
	struct fuzz_node node;

	(void)fuzz_store();
	node.handle = make_handle(factory, &SPA_DICT_INIT(items, SPA_N_ELEMENTS(items) - !is_device));
	node.control = get(node.handle, SEGUE_TYPE_INTERFACE_Node);
	node.node = get(node.handle, SPA_TYPE_INTERFACE_Node);
	return node;
}

uint64_t fuzz_bytes(void)
{
	struct segue_memory_info info;

	store->methods->memory_info(store, &info);
	return info.bytes_live + info.bytes_pending + info.bytes_retired;
}

void fuzz_node_free(struct fuzz_node *node, uint64_t bytes_kept)
{
	uint32_t tries = 0;

	host_unload(node->handle);
	/* of a sound that was given up a worker may still ask for some, and give it back */
	for (; fuzz_bytes() != bytes_kept && tries < TRIES_MAX; tries++)
		host_run(host, 0);
	fuzz_check(tries < TRIES_MAX, "%zu bytes are held, %zu were kept", (size_t)fuzz_bytes(), (size_t)bytes_kept);
}

struct segue_sound *fuzz_wave(const char *wave, double seconds)
{
	struct segue_recipe recipe = { .type = SEGUE_RECIPE_WAVE, .text = wave, .options = SEGUE_OPTIONS_INIT };
	struct segue_sound_info info = { 0 };
	struct segue_sound *sound;
	struct segue_error error;

	recipe.options.seconds = seconds;
	sound = fuzz_store()->methods->make(store, &recipe, &error);
	fuzz_check(sound != NULL, "%s", error.message);
	while (info.state != SEGUE_SOUND_READY) {
		host_run(host, 0);
		store->methods->sound_info(store, sound, &info);
	}
	return sound;
}
