/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "bus-private.h"

#include <errno.h>
#include <stdlib.h>

#include <spa/utils/string.h>

#define CLAIMS_PER_TURN	256u	/* of who has left, given up before others on the loop get their turn */

/** A program on the bus that owns buffers or has loads under way. */
struct segue_bus_client {
	struct segue_bus *bus;
	struct spa_list link;
	char *name;			/* unique */
	sd_bus_track *track;
	struct spa_list claims;
	uint32_t n_loads;
	uint64_t bytes;			/* of what it owns and what it loads, as expected */
};

/** One client's ownership of one buffer; the store counts it once. */
struct claim {
	struct spa_list client_link;
	struct spa_list buffer_link;
	struct segue_bus_client *client;
	struct segue_bus_buffer *buffer;
	uint64_t bytes;
};

static void claim_free(struct claim *claim)
{
	claim->client->bytes -= claim->bytes;
	spa_list_remove(&claim->client_link);
	spa_list_remove(&claim->buffer_link);
	free(claim);
}

static void claim_disown(struct claim *claim)
{
	struct segue_bus *bus = claim->buffer->bus;
	struct segue_sound *sound = claim->buffer->sound;

	claim_free(claim);
	bus->store->methods->disown(bus->store, sound);
}

static void client_free(struct segue_bus_client *client)
{
	struct claim *claim;

	segue_bus_calls_client_gone(client->bus, client);
	spa_list_remove(&client->link);
	spa_list_consume(claim, &client->claims, client_link)
		claim_disown(claim);
	sd_bus_track_unref(client->track);
	free(client->name);
	free(client);
}

static void arm_leaving(struct segue_bus *bus)
{
	/* 1: at once */
	segue_bus_arm_timer(bus, bus->leaving_timer, spa_list_is_empty(&bus->leaving) ? 0 : 1);
}

static void on_leaving(void *data, uint64_t expirations)
{
	struct segue_bus *bus = data;
	struct segue_bus_client *client;

	/* what it owned may have gone by itself */
	if (spa_list_is_empty(&bus->leaving))
		return;
	client = spa_list_first(&bus->leaving, struct segue_bus_client, link);
	for (uint32_t i = 0; i < CLAIMS_PER_TURN && !spa_list_is_empty(&client->claims); i++)
		claim_disown(spa_list_first(&client->claims, struct claim, client_link));
	if (spa_list_is_empty(&client->claims))
		client_free(client);
	arm_leaving(bus);
	segue_bus_rearm(bus);
}

static int on_left(sd_bus_track *track, void *userdata)
{
	struct segue_bus_client *client = userdata;
	struct segue_bus *bus = client->bus;

	/* when it is the bus that goes, segue_bus_clients_lost() sees to it */
	if (sd_bus_is_open(sd_bus_track_get_bus(track)) <= 0)
		return 0;
	segue_bus_calls_client_gone(bus, client);
	client->track = sd_bus_track_unref(client->track);
	spa_list_remove(&client->link);
	spa_list_append(&bus->leaving, &client->link);
	arm_leaving(bus);
	return 0;
}

int segue_bus_clients_init(struct segue_bus *bus)
{
	bus->leaving_timer = pw_loop_add_timer(bus->loop, on_leaving, bus);
	return bus->leaving_timer != NULL ? 0 : -errno;
}

void segue_bus_clients_clear(struct segue_bus *bus)
{
	struct segue_bus_client *client;

	spa_list_consume(client, &bus->leaving, link)
		client_free(client);
	if (bus->leaving_timer != NULL)
		pw_loop_destroy_source(bus->loop, bus->leaving_timer);
}

struct segue_bus_client *segue_bus_client_find(struct segue_bus *bus, sd_bus_message *m)
{
	const char *name = sd_bus_message_get_sender(m);
	struct segue_bus_client *client;

	spa_list_for_each(client, &bus->clients, link)
		if (spa_streq(client->name, name))
			return client;
	return NULL;
}

struct segue_bus_client *segue_bus_client_get(struct segue_bus *bus, sd_bus_message *m)
{
	const char *name = sd_bus_message_get_sender(m);
	struct segue_bus_client *client = segue_bus_client_find(bus, m);

	if (client != NULL)
		return client;
	if ((client = calloc(1, sizeof(*client))) == NULL)
		return NULL;
	client->bus = bus;
	spa_list_init(&client->claims);
	spa_list_append(&bus->clients, &client->link);
	if (name == NULL || (client->name = strdup(name)) == NULL ||
	    sd_bus_track_new(bus->bus, &client->track, on_left, client) < 0 ||
	    sd_bus_track_add_sender(client->track, m) < 0) {
		client_free(client);
		return NULL;
	}
	return client;
}

/* Forget one that neither owns nor loads anything. */
static void client_check(struct segue_bus_client *client)
{
	if (client != NULL && client->n_loads == 0 && spa_list_is_empty(&client->claims))
		client_free(client);
}

static uint64_t bytes_max(struct segue_bus_client *client)
{
	struct segue_memory_info memory;
	struct segue_store *store = client->bus->store;

	store->methods->memory_info(store, &memory);
	return memory.bytes_max / 2;
}

int segue_bus_client_budget(struct segue_bus_client *client, size_t *ret, struct segue_error *error)
{
	uint64_t max = bytes_max(client);

	if (client->bytes >= max)
		return segue_error_set(error, -EDQUOT, "the caller holds half of memory.max");
	*ret = max - client->bytes;
	return 0;
}

static bool owns(struct segue_bus_client *client, struct segue_bus_buffer *buffer)
{
	struct claim *claim;

	spa_list_for_each(claim, &buffer->claims, buffer_link)
		if (claim->client == client)
			return true;
	return false;
}

int segue_bus_client_check_room(struct segue_bus_client *client, const struct segue_sound_info *info,
		struct segue_error *error)
{
	struct segue_bus_buffer *buffer = segue_bus_buffer_by_id(client->bus, info->id);

	if ((buffer != NULL && owns(client, buffer)) ||
	    client->bytes + info->bytes_expected <= bytes_max(client))
		return 0;
	return segue_error_set(error, -EDQUOT, "%s: the caller would hold more than half of memory.max",
			info->label);
}

int segue_bus_client_begin_load(struct segue_bus_client *client, struct segue_error *error)
{
	if (client->n_loads >= SEGUE_BUS_LOADS_MAX)
		return segue_error_set(error, -EDQUOT, "%d loads of the caller are under way",
				SEGUE_BUS_LOADS_MAX);
	client->n_loads++;
	return 0;
}

void segue_bus_client_count_load(struct segue_bus_client *client, uint64_t before, uint64_t bytes)
{
	client->bytes += bytes - before;
}

void segue_bus_client_end_load(struct segue_bus_client *client, uint64_t bytes)
{
	client->bytes -= bytes;
	client->n_loads--;
	client_check(client);
}

int segue_bus_client_own(struct segue_bus_client *client, struct segue_bus_buffer *buffer)
{
	struct segue_store *store = client->bus->store;
	struct segue_sound_info info;
	struct claim *claim;

	if (owns(client, buffer)) {
		/* once is enough */
		store->methods->disown(store, buffer->sound);
		return 0;
	}
	if ((claim = calloc(1, sizeof(*claim))) == NULL)
		return -errno;
	store->methods->sound_info(store, buffer->sound, &info);
	claim->client = client;
	claim->buffer = buffer;
	claim->bytes = info.bytes_expected;
	client->bytes += info.bytes_expected;
	spa_list_append(&client->claims, &claim->client_link);
	spa_list_append(&buffer->claims, &claim->buffer_link);
	return 0;
}

int segue_bus_client_disown(struct segue_bus_client *client, struct segue_bus_buffer *buffer)
{
	struct segue_bus *bus = buffer->bus;
	struct segue_sound *sound = buffer->sound;
	struct claim *claim;

	spa_list_for_each(claim, &buffer->claims, buffer_link) {
		if (claim->client == client) {
			claim_free(claim);
			/* before the sound goes: that may end the client's last load, and then the client */
			client_check(client);
			bus->store->methods->disown(bus->store, sound);
			return 0;
		}
	}
	return -ENOENT;
}

void segue_bus_claims_update(struct segue_bus_buffer *buffer, uint64_t bytes)
{
	struct claim *claim;

	spa_list_for_each(claim, &buffer->claims, buffer_link) {
		claim->client->bytes += bytes - claim->bytes;
		claim->bytes = bytes;
	}
}

void segue_bus_claims_drop(struct segue_bus_buffer *buffer)
{
	struct claim *claim;

	spa_list_consume(claim, &buffer->claims, buffer_link) {
		struct segue_bus_client *client = claim->client;

		claim_free(claim);
		client_check(client);
	}
}

/* A restart of the bus loses nothing: the clients' names are void, so what they owned becomes the
 * service's until someone releases it. */
void segue_bus_clients_lost(struct segue_bus *bus)
{
	struct segue_bus_client *client;
	struct claim *claim;

	spa_list_consume(client, &bus->clients, link) {
		spa_list_consume(claim, &client->claims, client_link) {
			struct segue_bus_buffer *buffer = claim->buffer;

			claim_free(claim);
			segue_bus_buffer_keep(buffer);
		}
		client_free(client);
	}
}
