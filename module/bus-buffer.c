/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* busctl --user introspect org.segue.Segue1 /org/segue/Segue1/buffer/1
 * busctl --user call org.segue.Segue1 /org/segue/Segue1/buffer/1 org.segue.Segue1.Buffer Release */

#include "bus-private.h"

#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include <spa/utils/string.h>

/** What the properties are read from. */
struct values {
	const char *kind, *state, *label, *last_error;
	uint32_t channels, rate;
	uint64_t frames, bytes;
	double peak_gain, progress;
};

static const struct segue_bus_row rows[] = {
	{ "State", "s", offsetof(struct values, state), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE },
	{ "Label", "s", offsetof(struct values, label), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE },
	{ "LastError", "s", offsetof(struct values, last_error), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE },
	{ "Progress", "d", offsetof(struct values, progress), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE },
	{ "Kind", "s", offsetof(struct values, kind), SD_BUS_VTABLE_PROPERTY_CONST },
	{ "Channels", "u", offsetof(struct values, channels), SD_BUS_VTABLE_PROPERTY_CONST },
	{ "Rate", "u", offsetof(struct values, rate), SD_BUS_VTABLE_PROPERTY_CONST },
	{ "Frames", "t", offsetof(struct values, frames), SD_BUS_VTABLE_PROPERTY_CONST },
	{ "Bytes", "t", offsetof(struct values, bytes), SD_BUS_VTABLE_PROPERTY_CONST },
	{ "PeakGain", "d", offsetof(struct values, peak_gain), SD_BUS_VTABLE_PROPERTY_CONST },
};
#define N_CHANGING	4	/* the first rows */

static const char *state_name(enum segue_sound_state state)
{
	switch (state) {
	case SEGUE_SOUND_OPENING:
	case SEGUE_SOUND_LOADING:
		return "loading";
	case SEGUE_SOUND_READY:
		return "ready";
	case SEGUE_SOUND_LIVE:
		return "live";
	case SEGUE_SOUND_RETIRED:
		return "retired";
	case SEGUE_SOUND_FAILED:
		return "failed";
	}
	return "failed";
}

static const char *kind_name(enum segue_kind kind)
{
	switch (kind) {
	case SEGUE_KIND_TABLE:
		return "table";
	case SEGUE_KIND_SAMPLE:
		return "sample";
	case SEGUE_KIND_INSTRUMENT:
		return "instrument";
	case SEGUE_KIND_RESPONSE:
		return "response";
	case SEGUE_KIND_UNSET:
		break;
	}
	return "";
}

static struct values values_of(const struct segue_sound_info *info)
{
	return (struct values) {
		.kind = kind_name(info->kind),
		.state = state_name(info->state),
		.label = info->label != NULL ? info->label : "",
		.last_error = info->error != NULL ? info->error->message : "",
		.channels = info->channels,
		.rate = info->rate,
		.frames = info->frames,
		.bytes = info->bytes,
		.peak_gain = info->peak_db,
		.progress = info->progress,
	};
}

/* --------------------------------------------------------- the objects */

const char *segue_bus_buffer_path(char path[SEGUE_BUS_PATH_MAX], uint64_t id)
{
	if (id == 0)
		snprintf(path, SEGUE_BUS_PATH_MAX, "/");
	else
		snprintf(path, SEGUE_BUS_PATH_MAX, SEGUE_BUS_BUFFERS "/%" PRIu64, id);
	return path;
}

static int compare_ids(const void *a, const void *b)
{
	const struct segue_bus_buffer *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

struct segue_bus_buffer *segue_bus_buffer_by_id(struct segue_bus *bus, uint64_t id)
{
	const struct segue_bus_buffer key = { .id = id };
	struct segue_bus_buffer **found = tfind(&key, &bus->buffers_by_id, compare_ids);

	return found != NULL ? *found : NULL;
}

static struct segue_bus_buffer *find_by_path(struct segue_bus *bus, const char *path)
{
	static const char prefix[] = SEGUE_BUS_BUFFERS "/";
	char again[SEGUE_BUS_PATH_MAX];
	uint64_t id;

	if (!spa_strstartswith(path, prefix))
		return NULL;
	id = strtoull(path + sizeof(prefix) - 1, NULL, 10);
	/* one spelling only */
	if (id == 0 || !spa_streq(segue_bus_buffer_path(again, id), path))
		return NULL;
	return segue_bus_buffer_by_id(bus, id);
}

struct segue_bus_buffer *segue_bus_buffer_usable(struct segue_bus *bus, const char *path,
		struct segue_error *error)
{
	struct segue_bus_buffer *buffer = find_by_path(bus, path);
	struct segue_sound_info info;

	if (buffer != NULL)
		bus->store->methods->sound_info(bus->store, buffer->sound, &info);
	/* one that is being reclaimed is still to be seen, but no more to be had */
	if (buffer != NULL && info.state != SEGUE_SOUND_RETIRED)
		return buffer;
	segue_error_set(error, -ENXIO, "%s: no such buffer", path);
	return NULL;
}

static void announce(struct segue_bus_object *object)
{
	struct segue_bus_buffer *buffer = SPA_CONTAINER_OF(object, struct segue_bus_buffer, object);
	struct segue_bus *bus = buffer->bus;
	char *changed[N_CHANGING + 1];
	char path[SEGUE_BUS_PATH_MAX];
	struct segue_sound_info info;
	struct values values;
	uint32_t n = 0;

	bus->store->methods->sound_info(bus->store, buffer->sound, &info);
	values = values_of(&info);
	for (uint32_t i = 0; i < N_CHANGING; i++) {
		uint64_t hash = segue_bus_row_hash(&rows[i], &values);

		if (hash != buffer->announced[i])
			changed[n++] = (char *)rows[i].name;
		buffer->announced[i] = hash;
	}
	changed[n] = NULL;
	if (n > 0)
		(void)sd_bus_emit_properties_changed_strv(bus->bus,
				segue_bus_buffer_path(path, buffer->id), SEGUE_BUS_BUFFER, changed);
}

static struct segue_bus_buffer *buffer_new(struct segue_bus *bus, struct segue_sound *sound,
		const struct segue_sound_info *info)
{
	struct segue_bus_buffer *buffer;
	struct values values = values_of(info);
	char path[SEGUE_BUS_PATH_MAX];

	if ((buffer = calloc(1, sizeof(*buffer))) == NULL)
		return NULL;
	buffer->bus = bus;
	buffer->object.announce = announce;
	buffer->sound = sound;
	buffer->id = info->id;
	spa_list_init(&buffer->claims);
	for (uint32_t i = 0; i < N_CHANGING; i++)
		buffer->announced[i] = segue_bus_row_hash(&rows[i], &values);
	if (tsearch(buffer, &bus->buffers_by_id, compare_ids) == NULL) {
		free(buffer);
		return NULL;
	}
	spa_list_append(&bus->buffers, &buffer->link);
	if (bus->bus != NULL)
		(void)sd_bus_emit_object_added(bus->bus, segue_bus_buffer_path(path, buffer->id));
	return buffer;
}

static void buffer_free(struct segue_bus_buffer *buffer)
{
	struct segue_bus *bus = buffer->bus;

	segue_bus_claims_drop(buffer);
	segue_bus_object_clear(&buffer->object);
	tdelete(buffer, &bus->buffers_by_id, compare_ids);
	spa_list_remove(&buffer->link);
	free(buffer);
}

struct segue_bus_buffer *segue_bus_buffer_publish(struct segue_bus *bus, struct segue_sound *sound,
		struct segue_bus_client *client, bool keep)
{
	struct segue_bus_buffer *buffer;
	struct segue_sound_info info;

	bus->store->methods->sound_info(bus->store, sound, &info);
	buffer = segue_bus_buffer_by_id(bus, info.id);
	if (buffer == NULL)
		buffer = buffer_new(bus, sound, &info);

	if (buffer != NULL && keep) {
		segue_bus_buffer_keep(buffer);
		return buffer;
	}
	if (buffer != NULL && segue_bus_client_own(client, buffer) == 0)
		return buffer;
	/* which may reclaim it: then the object is gone as well */
	bus->store->methods->disown(bus->store, sound);
	return NULL;
}

void segue_bus_buffer_keep(struct segue_bus_buffer *buffer)
{
	struct segue_store *store = buffer->bus->store;

	if (buffer->kept)
		store->methods->disown(store, buffer->sound);
	buffer->kept = true;
}

void segue_bus_buffer_changed(struct segue_bus_buffer *buffer, const struct segue_sound_info *info)
{
	segue_bus_claims_update(buffer, info->bytes_expected);
	segue_bus_object_changed(buffer->bus, &buffer->object);
}

void segue_bus_buffer_reclaimed(struct segue_bus_buffer *buffer)
{
	static const char *const interfaces[] = { SEGUE_BUS_BUFFER, NULL };
	struct segue_bus *bus = buffer->bus;
	char path[SEGUE_BUS_PATH_MAX];

	segue_bus_buffer_path(path, buffer->id);
	buffer_free(buffer);
	segue_bus_interfaces_removed(bus, path, interfaces);
}

void segue_bus_buffers_free(struct segue_bus *bus)
{
	struct segue_bus_buffer *buffer;

	spa_list_consume(buffer, &bus->buffers, link) {
		if (buffer->kept)
			bus->store->methods->disown(bus->store, buffer->sound);
		buffer_free(buffer);
	}
}

/* ------------------------------------------------------- the interface */

static int find_buffer(sd_bus *sdbus, const char *path, const char *interface, void *userdata,
		void **ret, sd_bus_error *error)
{
	struct segue_bus *bus = userdata;

	*ret = find_by_path(bus, path);
	return *ret != NULL;
}

static int list_buffers(sd_bus *sdbus, const char *prefix, void *userdata, char ***ret,
		sd_bus_error *error)
{
	struct segue_bus *bus = userdata;
	struct segue_bus_buffer *buffer;
	size_t n = 0;
	char **paths;

	spa_list_for_each(buffer, &bus->buffers, link)
		n++;
	if ((paths = calloc(n + 1, sizeof(char *))) == NULL)
		return -errno;
	n = 0;
	spa_list_for_each(buffer, &bus->buffers, link) {
		char path[SEGUE_BUS_PATH_MAX];

		if ((paths[n++] = strdup(segue_bus_buffer_path(path, buffer->id))) == NULL)
			return segue_bus_paths_free(paths);
	}
	*ret = paths;
	return 0;
}

static int get_value(sd_bus *sdbus, const char *path, const char *interface, const char *property,
		sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	struct segue_bus_buffer *buffer = userdata;
	struct segue_store *store = buffer->bus->store;
	struct segue_sound_info info;
	struct values values;

	store->methods->sound_info(store, buffer->sound, &info);
	values = values_of(&info);
	return segue_bus_row_append(segue_bus_row_find(rows, SPA_N_ELEMENTS(rows), property), &values,
			reply);
}

static int on_release(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct segue_bus_buffer *buffer = userdata;
	struct segue_bus *bus = buffer->bus;
	struct segue_bus_client *client;
	struct segue_error why;

	/* disowning may reclaim at once: then the buffer is gone, and perhaps the client */
	if ((client = segue_bus_client_find(bus, m)) != NULL &&
	    segue_bus_client_disown(client, buffer) == 0)
		return sd_bus_reply_method_return(m, NULL);
	if (!buffer->kept) {
		segue_error_set(&why, -EACCES, "buffer %" PRIu64 ": neither kept nor the caller's",
				buffer->id);
		return segue_bus_error(error, NULL, &why);
	}
	buffer->kept = false;
	bus->store->methods->disown(bus->store, buffer->sound);
	return sd_bus_reply_method_return(m, NULL);
}

static int on_write(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return segue_bus_write(userdata, m, error);
}

static const sd_bus_vtable methods[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_NAMES("Write", "h", SD_BUS_PARAM(file), NULL,, on_write, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("Release", NULL, NULL, on_release, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END
};

int segue_bus_buffer_register(struct segue_bus *bus)
{
	const struct segue_bus_members members = {
		.methods = methods,
		.rows = rows,
		.n_rows = SPA_N_ELEMENTS(rows),
		.get_row = get_value,
	};
	int res;

	if (bus->buffer_vtable == NULL)
		bus->buffer_vtable = segue_bus_vtable_new(&members);
	if (bus->buffer_vtable == NULL)
		return -ENOMEM;
	res = sd_bus_add_fallback_vtable(bus->bus, NULL, SEGUE_BUS_BUFFERS, SEGUE_BUS_BUFFER,
			bus->buffer_vtable, find_buffer, bus);
	if (res < 0)
		return res;
	return sd_bus_add_node_enumerator(bus->bus, NULL, SEGUE_BUS_BUFFERS, list_buffers, bus);
}
