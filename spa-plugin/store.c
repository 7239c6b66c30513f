/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "store.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "load.h"
#include "make/transforms.h"
#include "sound.h"

#define DEFAULT_MEMORY_MAX	(1024ul * 1024ul * 1024ul)
#define DEFAULT_RATE		48000u

/* handles of several main loops may come and go at the same time */
static pthread_mutex_t stores_lock = PTHREAD_MUTEX_INITIALIZER;
static struct spa_list stores = SPA_LIST_INIT(&stores);

#define to_impl(store)	SPA_CONTAINER_OF(store, struct segue_store_impl, iface)

static int store_configure(struct segue_store *store, const struct segue_store_config *config)
{
	struct segue_store_impl *impl = to_impl(store);
	int res;

	if ((res = segue_fence_configure(&impl->fence, config->props_load, config->load_paths,
					config->n_load_paths)) < 0)
		return res;
	if (config->memory_max > 0) {
		segue_memory_set_max(impl->memory, config->memory_max);
		segue_memory_set_max(impl->node_memory, SPA_MAX(config->memory_max, DEFAULT_MEMORY_MAX));
	}
	if (config->default_rate > 0)
		impl->rate = config->default_rate;
	return 0;
}

static void store_add_listener(struct segue_store *store, struct spa_hook *listener,
		const struct segue_store_events *events, void *data)
{
	spa_hook_list_append(&to_impl(store)->listeners, listener, events, data);
}

static void store_memory_info(struct segue_store *store, struct segue_memory_info *ret)
{
	struct segue_store_impl *impl = to_impl(store);

	*ret = (struct segue_memory_info) {
		.bytes_max = segue_memory_max(impl->memory),
		.bytes_live = segue_memory_bytes(impl->memory, SEGUE_MEMORY_LIVE),
		.bytes_pending = segue_memory_bytes(impl->memory, SEGUE_MEMORY_PENDING),
		.bytes_retired = segue_memory_bytes(impl->memory, SEGUE_MEMORY_RETIRED),
		.n_reclaimed = impl->n_reclaimed,
		.n_live = impl->n_live,
	};
}

static struct segue_sound *store_make(struct segue_store *store, struct segue_recipe *recipe,
		struct segue_error *error)
{
	return segue_load(to_impl(store), recipe, error);
}

static void store_own(struct segue_store *store, struct segue_sound *sound)
{
	segue_sound_own(sound);
}

static void store_disown(struct segue_store *store, struct segue_sound *sound)
{
	segue_sound_disown(sound);
}

static struct segue_sound *store_resolve(struct segue_store *store, struct segue_sound *sound)
{
	return segue_sound_resolve(sound);
}

static void store_sound_info(struct segue_store *store, struct segue_sound *sound,
		struct segue_sound_info *ret)
{
	segue_sound_info(sound, ret);
}

static int store_write(struct segue_store *store, struct segue_sound *sound, int fd, uint64_t *ret,
		struct segue_error *error)
{
	return segue_sound_write(sound, fd, segue_sound_label(sound), NULL, ret, error);
}

static const struct segue_store_methods store_methods = {
	.version = SEGUE_CONTROL_VERSION,
	.configure = store_configure,
	.add_listener = store_add_listener,
	.memory_info = store_memory_info,
	.make = store_make,
	.own = store_own,
	.disown = store_disown,
	.resolve = store_resolve,
	.sound_info = store_sound_info,
	.write = store_write,
	.options_set = segue_options_set,
};

static void store_free(struct segue_store_impl *store)
{
	/* ends all jobs: what they made or gave back is told to the sounds, which must still be there */
	segue_jobs_free(store->jobs);
	store->jobs = NULL;
	segue_sound_free_all(store);
	segue_collector_free(store->collector);
	segue_fence_clear(&store->fence);
	segue_transforms_unref(store->transforms);
	segue_memory_unref(store->node_memory);
	segue_memory_unref(store->memory);
	free(store);
}

static struct segue_store_impl *store_new(const struct spa_support *support, uint32_t n_support)
{
	struct segue_store_impl *store = calloc(1, sizeof(*store));

	if (store == NULL)
		return NULL;
	store->iface.methods = &store_methods;
	store->log = spa_support_find(support, n_support, SPA_TYPE_INTERFACE_Log);
	store->utils = spa_support_find(support, n_support, SPA_TYPE_INTERFACE_LoopUtils);
	store->rate = DEFAULT_RATE;
	spa_list_init(&store->sounds);
	for (uint32_t i = 0; i < SEGUE_STORE_IDENTITIES; i++)
		spa_list_init(&store->by_identity[i]);
	spa_hook_list_init(&store->listeners);
	if (store->utils == NULL) {
		errno = ENOTSUP;
		goto error;
	}
	if (segue_fence_init(&store->fence) < 0 ||
	    (store->memory = segue_memory_new(DEFAULT_MEMORY_MAX)) == NULL ||
	    (store->node_memory = segue_memory_new(DEFAULT_MEMORY_MAX)) == NULL ||
	    /* before there are workers, who may hold the planner for seconds */
	    (store->transforms = segue_transforms_new()) == NULL ||
	    (store->jobs = segue_jobs_new(store->utils, store->log)) == NULL ||
	    (store->collector = segue_collector_new(store->utils)) == NULL)
		goto error;
	return store;
error:
	store_free(store);
	return NULL;
}

struct segue_store_impl *segue_store_get(const struct spa_support *support, uint32_t n_support)
{
	const void *utils = spa_support_find(support, n_support, SPA_TYPE_INTERFACE_LoopUtils);
	struct segue_store_impl *store;

	pthread_mutex_lock(&stores_lock);
	spa_list_for_each(store, &stores, link) {
		if (store->utils == utils)
			goto found;
	}
	if ((store = store_new(support, n_support)) == NULL)
		goto done;
	spa_list_append(&stores, &store->link);
found:
	store->refs++;
done:
	pthread_mutex_unlock(&stores_lock);
	return store;
}

void segue_store_put(struct segue_store_impl *store)
{
	pthread_mutex_lock(&stores_lock);
	if (--store->refs > 0)
		store = NULL;
	else
		spa_list_remove(&store->link);
	pthread_mutex_unlock(&stores_lock);
	if (store != NULL)
		store_free(store);
}
