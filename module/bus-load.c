/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* busctl --user call org.segue.Segue1 /org/segue/Segue1 org.segue.Segue1.Manager \
 *	LoadFile 'sa{sv}' /usr/share/sounds/alsa/Front_Center.wav 0 */

#include "bus-call.h"

#include <errno.h>

void segue_bus_load_end(struct segue_bus_call *call)
{
	if (!call->loading)
		return;
	call->loading = false;
	spa_list_remove(&call->load_link);
	if (call->client != NULL)
		segue_bus_client_end_load(call->client, call->bytes);
	call->client = NULL;
}

struct segue_sound *segue_bus_load_take(struct segue_bus_call *call)
{
	struct segue_sound *sound = call->sound;

	call->sound = NULL;
	segue_bus_deadline_remove(call->bus, &call->deadline);
	return sound;
}

void segue_bus_disown(struct segue_bus *bus, struct segue_sound *sound)
{
	if (sound != NULL)
		bus->store->methods->disown(bus->store, sound);
}

static bool is_loading(const struct segue_sound_info *info)
{
	return info->state == SEGUE_SOUND_OPENING || info->state == SEGUE_SOUND_LOADING;
}

static void open_failed(struct segue_bus_call *call, const struct segue_error *why)
{
	struct segue_bus *bus = call->bus;
	struct segue_sound *sound = segue_bus_load_take(call);

	segue_bus_call_fail(call, why);
	call->refused = true;
	segue_bus_load_end(call);
	segue_bus_call_check(call);
	segue_bus_disown(bus, sound);
}

/* The same, when it is the bus that ends it: what waits for the sound at the node ends too. */
static void open_refused(struct segue_bus_call *call, const struct segue_error *why)
{
	struct segue_bus_node *node = call->node;
	uint64_t serial = call->serial;
	struct segue_error unused;

	open_failed(call, why);
	if (node != NULL)
		(void)node->hosted->node->methods->cancel(node->hosted->node, serial, &unused);
}

static void publish(struct segue_bus_call *call, struct segue_sound *sound)
{
	struct segue_bus_buffer *buffer;
	char path[SEGUE_BUS_PATH_MAX];

	if (call->client == NULL && !call->keep) {
		/* nobody is left to own it */
		segue_bus_disown(call->bus, sound);
		call->message = sd_bus_message_unref(call->message);
		return;
	}
	buffer = segue_bus_buffer_publish(call->bus, sound, call->client, call->keep);
	if (call->message == NULL)
		return;
	if (buffer != NULL)
		(void)sd_bus_reply_method_return(call->message, "o",
				segue_bus_buffer_path(path, buffer->id));
	else
		(void)sd_bus_reply_method_errno(call->message, -ENOMEM, NULL);
	segue_bus_call_answered(call);
}

/* What is kept is the service's, and what is there already is nobody's to load. */
static bool has_room(const struct segue_bus_call *call, const struct segue_sound_info *info,
		struct segue_error *why)
{
	if (call->client == NULL || call->keep || (call->node != NULL && !is_loading(info)))
		return true;
	return segue_bus_client_check_room(call->client, info, why) == 0;
}

static void opened(struct segue_bus_call *call)
{
	struct segue_bus *bus = call->bus;
	struct segue_store *store = bus->store;
	struct segue_sound_info info;
	struct segue_sound *sound;
	struct segue_error why;

	call->sound = store->methods->resolve(store, call->sound);
	store->methods->sound_info(store, call->sound, &info);
	call->id = info.id;
	if (!has_room(call, &info, &why)) {
		open_refused(call, &why);
		return;
	}
	sound = segue_bus_load_take(call);

	if (call->node == NULL) {
		publish(call, sound);
		sound = NULL;
	} else {
		if (!call->wait)
			segue_bus_call_answer(call);
		if (call->client != NULL)
			segue_bus_client_count_load(call->client, call->bytes, info.bytes_expected);
		call->bytes = info.bytes_expected;
	}
	if (!is_loading(&info))
		segue_bus_load_end(call);
	segue_bus_call_check(call);
	segue_bus_disown(bus, sound);
}

/* Whether a sound's state is news to a load. */
static bool is_news(const struct segue_bus_call *call, const struct segue_sound_info *info)
{
	return call->sound != NULL ? info->state != SEGUE_SOUND_OPENING : !is_loading(info);
}

static void sound_changed(struct segue_bus_call *call, const struct segue_sound_info *info)
{
	static const struct segue_error unknown = { -EIO, "can't be opened" };

	if (call->sound != NULL) {
		if (info->state == SEGUE_SOUND_FAILED)
			open_failed(call, info->error != NULL ? info->error : &unknown);
		else
			opened(call);
	} else {
		segue_bus_load_end(call);
		segue_bus_call_check(call);
	}
}

/* A call that ends may give up a sound, which may end another call: look from the start again. */
void segue_bus_calls_sound_changed(struct segue_bus *bus, const struct segue_sound_info *info)
{
	struct segue_bus_call *call;
again:
	spa_list_for_each(call, &bus->loads, load_link) {
		if (call->id == info->id && is_news(call, info)) {
			sound_changed(call, info);
			goto again;
		}
	}
}

void segue_bus_calls_sound_reclaimed(struct segue_bus *bus, uint64_t id)
{
	struct segue_bus_call *call, *tmp;

	spa_list_for_each_safe(call, tmp, &bus->loads, load_link) {
		if (call->id == id && call->sound == NULL) {
			segue_bus_load_end(call);
			segue_bus_call_check(call);
		}
	}
}

static void on_expired(struct segue_bus_deadline *deadline)
{
	struct segue_bus_call *call = SPA_CONTAINER_OF(deadline, struct segue_bus_call, deadline);
	struct segue_sound_info info;
	struct segue_error why;

	call->bus->store->methods->sound_info(call->bus->store, call->sound, &info);
	segue_error_set(&why, -ETIMEDOUT, "%s: can't be opened within 4 s",
			info.label != NULL ? info.label : "the file");
	open_refused(call, &why);
}

void segue_bus_load_begin(struct segue_bus_call *call, struct segue_bus_client *client,
		struct segue_sound *sound, bool wait)
{
	struct segue_bus *bus = call->bus;
	struct segue_sound_info info;

	bus->store->methods->sound_info(bus->store, sound, &info);
	call->client = client;
	call->sound = sound;
	call->id = info.id;
	call->wait = wait;
	call->loading = true;
	spa_list_append(&bus->loads, &call->load_link);
	/* who waits for the sound waits for the header too: the worker's own patience is the limit */
	if (!wait)
		segue_bus_deadline_add(bus, &call->deadline, on_expired);
	/* another's load may have read it already */
	if (is_news(call, &info))
		sound_changed(call, &info);
}

struct segue_sound *segue_bus_load_make(struct segue_bus_call *call, struct segue_bus_client *client,
		struct segue_bus_node *node, struct segue_recipe *recipe, struct segue_error *why)
{
	struct segue_store *store = call->bus->store;
	struct segue_node *target = node != NULL ? node->hosted->node : NULL;
	struct segue_sound *sound = NULL;

	if (segue_bus_client_begin_load(client, why) < 0)
		return NULL;
	if (segue_bus_client_budget(client, &recipe->bytes_max, why) >= 0)
		sound = target != NULL ? target->methods->make(target, recipe, why) :
			store->methods->make(store, recipe, why);
	if (sound == NULL)
		segue_bus_client_end_load(client, 0);
	return sound;
}

int segue_bus_load_generated(struct segue_bus_call *call, struct segue_bus_client *client,
		struct segue_sound *sound, sd_bus_error *error)
{
	struct segue_sound_info info;
	struct segue_error why;
	int res = 1;

	call->bus->store->methods->sound_info(call->bus->store, sound, &info);
	call->client = client;
	if (has_room(call, &info, &why)) {
		publish(call, sound);
	} else {
		segue_bus_disown(call->bus, sound);
		res = segue_bus_error(error, NULL, &why);
	}
	segue_bus_client_end_load(client, 0);
	segue_bus_call_free(call);
	return res;
}
