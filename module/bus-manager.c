/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* busctl --user call org.segue.Segue1 /org/segue/Segue1 org.segue.Segue1.Manager \
 *	CreateNode 'ssa{sv}' source synth 2 audio.position as 2 FL FR segue.gain d 0.1
 * busctl --user call org.segue.Segue1 /org/segue/Segue1 org.segue.Segue1.Manager \
 *	Generate 'sa{sv}' square 1 keep b true */

#include "bus-private.h"

#include <errno.h>

#include <spa/utils/string.h>

/** What the properties are read from. */
struct values {
	const char *version, *save_path;
	struct segue_memory_info memory;
};

#define ROW(name, type, field, flags)	{ name, type, offsetof(struct values, field), flags }

static const struct segue_bus_row rows[] = {
	ROW("Version", "s", version, SD_BUS_VTABLE_PROPERTY_CONST),
	ROW("SavePath", "s", save_path, SD_BUS_VTABLE_PROPERTY_CONST),
	{ "Destroyed", "as" },
	ROW("BytesMax", "t", memory.bytes_max, SD_BUS_VTABLE_PROPERTY_CONST),
	ROW("BytesLive", "t", memory.bytes_live, 0),
	ROW("BytesPending", "t", memory.bytes_pending, 0),
	ROW("BytesRetired", "t", memory.bytes_retired, 0),
	ROW("BuffersReclaimed", "t", memory.n_reclaimed, 0),
	ROW("BuffersLive", "u", memory.n_live, 0),
};

static int append_destroyed(struct segue_bus *bus, sd_bus_message *reply)
{
	void *state = NULL;
	const char *name;
	int res;

	if ((res = sd_bus_message_open_container(reply, 'a', "s")) < 0)
		return res;
	while ((name = segue_host_next_destroyed(bus->host, &state)) != NULL)
		if ((res = sd_bus_message_append_basic(reply, 's', name)) < 0)
			return res;
	return sd_bus_message_close_container(reply);
}

static int get_value(sd_bus *sdbus, const char *path, const char *interface, const char *property,
		sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	struct segue_bus *bus = userdata;
	struct values values = { .version = PACKAGE_VERSION, .save_path = bus->save_path };

	if (spa_streq(property, "Destroyed"))
		return append_destroyed(bus, reply);
	bus->store->methods->memory_info(bus->store, &values.memory);
	return segue_bus_row_append(segue_bus_row_find(rows, SPA_N_ELEMENTS(rows), property), &values,
			reply);
}

/* --------------------------------------------------------------- nodes */

static int on_create_node(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct segue_bus *bus = userdata;
	struct pw_properties *entry;
	struct segue_hosted *hosted;
	struct segue_bus_node *node;
	const char *type, *name;
	struct segue_error why;
	int res;

	if ((res = sd_bus_message_read(m, "ss", &type, &name)) < 0)
		return res;
	if ((entry = pw_properties_new(NULL, NULL)) == NULL)
		return -errno;
	if (segue_bus_read_properties(m, entry, &why) < 0) {
		pw_properties_free(entry);
		return segue_bus_error(error, NULL, &why);
	}
	pw_properties_set(entry, "type", type);
	pw_properties_set(entry, PW_KEY_NODE_NAME, name);

	if ((hosted = segue_host_add(bus->host, entry, &why)) == NULL)
		return segue_bus_error(error, NULL, &why);
	if ((node = segue_bus_node_find(bus, hosted)) == NULL) {
		/* it couldn't be offered on the bus: then it isn't to be had at all */
		segue_error_set(&why, -ENOMEM, "%s: out of memory", hosted->name);
		segue_host_remove(hosted);
		return segue_bus_error(error, NULL, &why);
	}
	segue_bus_node_created(node, m);
	return 1;
}

static int on_destroy_node(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct segue_bus *bus = userdata;
	struct segue_bus_node *node;
	struct segue_error why;
	const char *path;
	int res;

	if ((res = sd_bus_message_read_basic(m, 'o', &path)) < 0)
		return res;
	if ((node = segue_bus_node_by_path(bus, path)) == NULL) {
		segue_error_set(&why, -ENXIO, "%s: no such node", path);
		return segue_bus_error(error, NULL, &why);
	}
	segue_host_remove(node->hosted);
	return sd_bus_reply_method_return(m, NULL);
}

/* ------------------------------------------------------------- buffers */

static int make(struct segue_bus *bus, sd_bus_message *m, struct segue_recipe *recipe,
		uint32_t groups, sd_bus_error *error)
{
	struct segue_error why;

	recipe->options = SEGUE_OPTIONS_INIT;
	groups |= SEGUE_OPTIONS_KEEP;
	if (segue_bus_read_recipe(bus, m, groups, recipe, &why) < 0)
		return segue_bus_error(error, NULL, &why);
	return segue_bus_call_make(bus, m, recipe, error);
}

static int on_load_file(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct segue_recipe recipe = { 0 };
	struct segue_error why;

	if (segue_bus_read_path(m, &recipe, &why) < 0)
		return segue_bus_error(error, NULL, &why);
	return make(userdata, m, &recipe, SEGUE_OPTIONS_LOAD, error);
}

static int make_from_fd(struct segue_bus *bus, sd_bus_message *m, enum segue_recipe_type type,
		uint32_t groups, sd_bus_error *error)
{
	struct segue_recipe recipe = { .type = type };
	struct segue_error why;

	if (segue_bus_read_fd(m, &recipe, &why) < 0)
		return segue_bus_error(error, NULL, &why);
	return make(bus, m, &recipe, groups, error);
}

static int on_load_fd(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return make_from_fd(userdata, m, SEGUE_RECIPE_FDS, SEGUE_OPTIONS_LOAD, error);
}

static int on_import_samples(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return make_from_fd(userdata, m, SEGUE_RECIPE_SAMPLES, SEGUE_BUS_OPTIONS_RAW, error);
}

static int on_generate(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct segue_recipe recipe = { .type = SEGUE_RECIPE_WAVE };
	int res;

	if ((res = sd_bus_message_read_basic(m, 's', &recipe.text)) < 0)
		return res;
	return make(userdata, m, &recipe, SEGUE_OPTIONS_WAVE, error);
}

void segue_bus_manager_reclaimed(struct segue_bus *bus, uint64_t id, uint64_t bytes,
		uint64_t age_usec)
{
	char path[SEGUE_BUS_PATH_MAX];
	sd_bus_message *m;

	/* a load that ended before it had made anything */
	if (bytes == 0)
		return;
	m = segue_bus_signal_new(bus, SEGUE_BUS_PATH, SEGUE_BUS_MANAGER, "BufferReclaimed");
	if (m == NULL)
		return;
	(void)sd_bus_message_append(m, "ott", segue_bus_buffer_path(path, id), bytes, age_usec);
	segue_bus_signal_send(bus, m);
}

static const sd_bus_vtable methods[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_NAMES("CreateNode",
		"ssa{sv}", SD_BUS_PARAM(type) SD_BUS_PARAM(name) SD_BUS_PARAM(properties),
		"o", SD_BUS_PARAM(node), on_create_node, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_NAMES("DestroyNode", "o", SD_BUS_PARAM(node),
		NULL,, on_destroy_node, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_NAMES("LoadFile", "sa{sv}", SD_BUS_PARAM(path) SD_BUS_PARAM(options),
		"o", SD_BUS_PARAM(buffer), on_load_file, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_NAMES("LoadFd", "ha{sv}", SD_BUS_PARAM(file) SD_BUS_PARAM(options),
		"o", SD_BUS_PARAM(buffer), on_load_fd, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_NAMES("ImportSamples", "ha{sv}", SD_BUS_PARAM(file) SD_BUS_PARAM(options),
		"o", SD_BUS_PARAM(buffer), on_import_samples, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_NAMES("Generate", "sa{sv}", SD_BUS_PARAM(waveform) SD_BUS_PARAM(options),
		"o", SD_BUS_PARAM(buffer), on_generate, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_SIGNAL_WITH_NAMES("BufferReclaimed", "ott",
		SD_BUS_PARAM(buffer) SD_BUS_PARAM(bytes) SD_BUS_PARAM(age_usec), 0),
	SD_BUS_VTABLE_END
};

int segue_bus_manager_register(struct segue_bus *bus)
{
	const struct segue_bus_members members = {
		.methods = methods,
		.rows = rows,
		.n_rows = SPA_N_ELEMENTS(rows),
		.get_row = get_value,
	};

	if (bus->manager_vtable == NULL)
		bus->manager_vtable = segue_bus_vtable_new(&members);
	if (bus->manager_vtable == NULL)
		return -ENOMEM;
	return sd_bus_add_object_vtable(bus->bus, NULL, SEGUE_BUS_PATH, SEGUE_BUS_MANAGER,
			bus->manager_vtable, bus);
}
