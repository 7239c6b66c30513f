/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* busctl --user introspect org.segue.Segue1 /org/segue/Segue1/node/synth org.segue.Segue1.Node
 * busctl --user call org.segue.Segue1 /org/segue/Segue1/node/synth org.segue.Segue1.Node GetClock */

#include "bus-private.h"

#include <errno.h>
#include <stdlib.h>

#include <spa/utils/string.h>

#define OF_ALL	(SEGUE_PROPERTY_SOURCE | SEGUE_PROPERTY_CONVOLVER)
#define CONST	SD_BUS_VTABLE_PROPERTY_CONST
#define EMITS	SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
#define ROW(name, type, field, flags) \
	{ name, type, offsetof(struct segue_bus_node_values, field), flags }

static const struct segue_bus_row rows[] = {
	ROW("Name", "s", name, CONST),
	ROW("Type", "s", info.type, CONST),
	ROW("Mode", "s", mode, CONST),
	ROW("State", "s", state, EMITS),
	ROW("Ids", "au", ids, EMITS),
	ROW("Rate", "u", info.rate, EMITS),
	ROW("SwapLead", "u", info.swap_lead, EMITS),
	ROW("Buffer", "o", buffer, EMITS),
	ROW("Label", "s", info.label, EMITS),
	ROW("Loaded", "s", loaded, EMITS),
	ROW("LastError", "s", info.last_error, EMITS),
	ROW("Quantum", "u", info.quantum, 0),
	ROW("Cycles", "t", info.n_cycles, 0),
	ROW("Xruns", "t", info.n_xruns, 0),
	ROW("Clipped", "t", info.n_clipped, 0),
	ROW("SwapsApplied", "t", info.n_applied, 0),
	ROW("SwapsSuperseded", "t", info.n_superseded, 0),
	ROW("LastFinished", "t", info.last_finished, 0),
	ROW("CycleTime", "(ddd)", info.cycle_usec, 0),
	ROW("Peak", "ad", peaks, 0),
};
#define N_ROWS	SPA_N_ELEMENTS(rows)

static const char *state_name(enum segue_node_state state)
{
	switch (state) {
	case SEGUE_NODE_DISCONNECTED:
		return "disconnected";
	case SEGUE_NODE_EMPTY:
		return "empty";
	case SEGUE_NODE_LOADING:
		return "loading";
	case SEGUE_NODE_IDLE:
		return "idle";
	case SEGUE_NODE_RUNNING:
		return "running";
	case SEGUE_NODE_FAILED:
		return "failed";
	}
	return "failed";
}

static const char *read_text(struct segue_node *node, const char *key)
{
	struct segue_value value;

	return node->methods->get(node, key, &value) >= 0 ? value.s : "";
}

const struct segue_bus_node_values *segue_bus_node_values(struct segue_bus_node *node)
{
	struct segue_bus_node_values *v = &node->values;
	struct segue_hosted *hosted = node->hosted;

	/* once per message: all properties are read one by one */
	if (node->seen == node->bus->n_dispatched)
		return v;
	node->seen = node->bus->n_dispatched;

	hosted->node->methods->info(hosted->node, &v->info);
	v->name = hosted->name;
	v->mode = hosted->mode;
	v->state = state_name(v->info.state);
	v->loaded = read_text(hosted->node, SEGUE_KEY_LOAD);
	v->waveform = read_text(hosted->node, SEGUE_KEY_WAVE);
	v->buffer = segue_bus_buffer_path(v->buffer_path, v->info.sound);
	if (v->info.last_error == NULL)
		v->info.last_error = "";
	v->ids = (struct segue_bus_array) { hosted->n_ids, hosted->ids };
	return v;
}

/* ----------------------------------------------------------- properties */

static int get_value(sd_bus *sdbus, const char *path, const char *interface,
		const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	struct segue_bus_node *node = userdata;
	const struct segue_bus_row *row = segue_bus_row_find(rows, N_ROWS, property);
	const struct segue_bus_node_values *values = segue_bus_node_values(node);

	if (row == NULL)
		row = segue_bus_row_find(node->type->rows, node->type->n_rows, property);
	if (spa_streq(property, "Peak")) {
		/* reading them begins the next span */
		struct segue_bus_node_values *v = &node->values;

		v->peaks.n = SPA_MIN(v->info.n_channels, (uint32_t)SEGUE_BUS_CHANNELS_MAX);
		v->peaks.values = v->peak;
		node->hosted->node->methods->take_peaks(node->hosted->node, v->peak);
	}
	return segue_bus_row_append(row, values, reply);
}

static const struct segue_property *settings_of(struct segue_bus_node *node, uint32_t *n)
{
	return node->hosted->node->methods->properties(node->hosted->node, n);
}

static const struct segue_property *find_setting(struct segue_bus_node *node, const char *name)
{
	uint32_t n;
	const struct segue_property *settings = settings_of(node, &n);

	for (uint32_t i = 0; i < n; i++)
		if (settings[i].name != NULL && spa_streq(settings[i].name, name))
			return &settings[i];
	return NULL;
}

static int get_setting(sd_bus *sdbus, const char *path, const char *interface,
		const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	struct segue_bus_node *node = userdata;
	struct segue_node *target = node->hosted->node;
	const struct segue_property *setting = find_setting(node, property);
	struct segue_value value;
	int res;

	if ((res = target->methods->get(target, setting->key, &value)) < 0)
		return res;
	/* a number that is a text in other places: there is one type here */
	if (setting->automatic != NULL && value.type == SEGUE_VALUE_STRING)
		value = (struct segue_value) { .type = SEGUE_VALUE_DOUBLE, .d = -1.0 };
	return segue_bus_value_append(&value, reply);
}

static int set_setting(sd_bus *sdbus, const char *path, const char *interface,
		const char *property, sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct segue_bus_node *node = userdata;
	struct segue_node *target = node->hosted->node;
	const struct segue_property *setting = find_setting(node, property);
	uint32_t array[SEGUE_OPTION_CHANNELS_MAX];
	struct segue_value value;
	struct segue_error why;
	int res;

	if ((res = segue_bus_read_value(m, segue_bus_setting_type(setting), property, &value, array,
			&why)) < 0 ||
	    (res = target->methods->set(target, setting->key, &value, &why)) < 0)
		return segue_bus_error(error, node->hosted->name, &why);
	segue_bus_object_changed(node->bus, &node->object);
	return 0;
}

/* What is announced: which of an interface's values differ from the last time. */
struct changes {
	char *names[64];
	uint32_t n;
};

static void compare(struct changes *changes, const char *name, uint64_t hash, uint64_t *announced)
{
	if (hash != *announced && changes->n < SPA_N_ELEMENTS(changes->names) - 1)
		changes->names[changes->n++] = (char *)name;
	*announced = hash;
}

static void find_changes(struct segue_bus_node *node, struct changes *common, struct changes *own)
{
	const struct segue_bus_node_values *values = segue_bus_node_values(node);
	struct segue_node *target = node->hosted->node;
	uint32_t n_settings;
	const struct segue_property *s = settings_of(node, &n_settings);

	*common = *own = (struct changes) { 0 };
	for (uint32_t i = 0; i < N_ROWS; i++)
		if (rows[i].flags & EMITS)
			compare(common, rows[i].name, segue_bus_row_hash(&rows[i], values),
					&node->announced[i]);
	for (uint32_t i = 0; i < n_settings; i++) {
		struct changes *changes = segue_bus_setting_of(&s[i], OF_ALL) ? common :
			segue_bus_setting_of(&s[i], node->type->flags) ? own : NULL;
		struct segue_value value;

		if (changes != NULL && target->methods->get(target, s[i].key, &value) >= 0)
			compare(changes, s[i].name, segue_bus_value_hash(&value),
					&node->announced[N_ROWS + i]);
	}
}

static void emit(struct segue_bus_node *node, const char *interface, struct changes *changes)
{
	if (changes->n > 0)
		(void)sd_bus_emit_properties_changed_strv(node->bus->bus, node->path, interface,
				changes->names);
}

static void announce(struct segue_bus_object *object)
{
	struct segue_bus_node *node = SPA_CONTAINER_OF(object, struct segue_bus_node, object);
	struct changes common, own;

	find_changes(node, &common, &own);
	emit(node, SEGUE_BUS_NODE, &common);
	emit(node, node->type->interface, &own);
}

/* -------------------------------------------------------------- methods */

static int on_set_buffer(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct segue_bus_node *node = userdata;
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_bus_buffer *buffer;
	struct segue_error why;
	const char *path;
	int res;

	if ((res = sd_bus_message_read_basic(m, 'o', &path)) < 0)
		return res;
	if (segue_bus_read_options(node->bus, m, SEGUE_OPTIONS_SWAP, &options, &why) < 0 ||
	    (buffer = segue_bus_buffer_usable(node->bus, path, &why)) == NULL)
		return segue_bus_error(error, node->hosted->name, &why);
	return segue_bus_call_swap(node, m, buffer->sound, &options, error);
}

static int on_clear(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct segue_bus_node *node = userdata;
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_error why;

	if (segue_bus_read_options(node->bus, m, SEGUE_OPTIONS_SWAP, &options, &why) < 0)
		return segue_bus_error(error, node->hosted->name, &why);
	return segue_bus_call_swap(node, m, NULL, &options, error);
}

static int on_cancel(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct segue_bus_node *node = userdata;
	struct segue_node *target = node->hosted->node;
	struct segue_error why;
	uint64_t serial;
	int res;

	if ((res = sd_bus_message_read_basic(m, 't', &serial)) < 0)
		return res;
	if (target->methods->cancel(target, serial, &why) < 0)
		return segue_bus_error(error, node->hosted->name, &why);
	return sd_bus_reply_method_return(m, NULL);
}

static int load(struct segue_bus_node *node, sd_bus_message *m, struct segue_recipe *recipe,
		uint32_t groups, sd_bus_error *error)
{
	struct segue_error why;

	recipe->options = SEGUE_OPTIONS_INIT;
	groups |= SEGUE_OPTIONS_SWAP;
	if (segue_bus_read_recipe(node->bus, m, groups, recipe, &why) < 0)
		return segue_bus_error(error, node->hosted->name, &why);
	return segue_bus_call_load(node, m, recipe, error);
}

static int on_load(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct segue_bus_node *node = userdata;
	struct segue_recipe recipe = { 0 };
	struct segue_error why;

	if (segue_bus_read_path(m, &recipe, &why) < 0)
		return segue_bus_error(error, node->hosted->name, &why);
	return load(node, m, &recipe, SEGUE_OPTIONS_LOAD, error);
}

static int load_fd(struct segue_bus_node *node, sd_bus_message *m, enum segue_recipe_type type,
		uint32_t groups, sd_bus_error *error)
{
	struct segue_recipe recipe = { .type = type };
	struct segue_error why;

	if (segue_bus_read_fd(m, &recipe, &why) < 0)
		return segue_bus_error(error, node->hosted->name, &why);
	return load(node, m, &recipe, groups, error);
}

static int on_load_fd(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return load_fd(userdata, m, SEGUE_RECIPE_FDS, SEGUE_OPTIONS_LOAD, error);
}

static int on_load_samples(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return load_fd(userdata, m, SEGUE_RECIPE_SAMPLES, SEGUE_BUS_OPTIONS_RAW, error);
}

static int on_get_clock(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	static const struct segue_error disconnected = { -ENOTCONN, "no driver runs it" };
	struct segue_bus_node *node = userdata;
	struct segue_node *target = node->hosted->node;
	struct segue_clock_info clock;

	if (target->methods->clock(target, &clock) < 0)
		return segue_bus_error(error, node->hosted->name, &disconnected);
	return sd_bus_reply_method_return(m, "ttu", clock.position, clock.nsec, clock.rate);
}

static int on_save(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return segue_bus_save(userdata, m, error);
}

void segue_bus_node_emit_queued(struct segue_bus_node *node, struct segue_bus_queued *queued)
{
	char path[SEGUE_BUS_PATH_MAX];
	sd_bus_message *m;

	if (queued->serial == 0)
		return;
	m = segue_bus_signal_new(node->bus, node->path, SEGUE_BUS_NODE, "Queued");
	if (m != NULL) {
		(void)sd_bus_message_append(m, "to", queued->serial,
				segue_bus_buffer_path(path, queued->sound));
		(void)segue_bus_text_append(m, queued->label);
	}
	queued->serial = 0;
	segue_bus_signal_send(node->bus, m);
}

void segue_bus_node_emit_finished(struct segue_bus_node *node,
		const struct segue_finished *finished)
{
	static const char *const results[] = {
		[SEGUE_RESULT_APPLIED] = "applied",
		[SEGUE_RESULT_SUPERSEDED] = "superseded",
		[SEGUE_RESULT_FAILED] = "failed",
	};
	const bool failed = finished->result == SEGUE_RESULT_FAILED && finished->error != NULL;
	sd_bus_error error = SD_BUS_ERROR_NULL;
	char path[SEGUE_BUS_PATH_MAX];
	sd_bus_message *m;

	m = segue_bus_signal_new(node->bus, node->path, SEGUE_BUS_NODE, "Finished");
	if (m == NULL)
		return;
	if (failed)
		(void)segue_bus_error(&error, node->hosted->name, finished->error);
	(void)sd_bus_message_append(m, "tsotss", finished->serial, results[finished->result],
			segue_bus_buffer_path(path, finished->sound), finished->position,
			failed ? error.name : "", failed ? error.message : "");
	sd_bus_error_free(&error);
	segue_bus_signal_send(node->bus, m);
}

static const sd_bus_vtable methods[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_NAMES("SetBuffer",
		"oa{sv}", SD_BUS_PARAM(buffer) SD_BUS_PARAM(options),
		"t", SD_BUS_PARAM(serial), on_set_buffer, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_NAMES("Clear", "a{sv}", SD_BUS_PARAM(options),
		"t", SD_BUS_PARAM(serial), on_clear, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_NAMES("Cancel", "t", SD_BUS_PARAM(serial),
		NULL,, on_cancel, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_NAMES("Load", "sa{sv}", SD_BUS_PARAM(path) SD_BUS_PARAM(options),
		"t", SD_BUS_PARAM(serial), on_load, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_NAMES("LoadFd", "ha{sv}", SD_BUS_PARAM(file) SD_BUS_PARAM(options),
		"t", SD_BUS_PARAM(serial), on_load_fd, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_NAMES("LoadSamples", "ha{sv}", SD_BUS_PARAM(file) SD_BUS_PARAM(options),
		"t", SD_BUS_PARAM(serial), on_load_samples, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_NAMES("GetClock", NULL,,
		"ttu", SD_BUS_PARAM(position) SD_BUS_PARAM(nsec) SD_BUS_PARAM(rate),
		on_get_clock, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_NAMES("Save", "hs", SD_BUS_PARAM(file) SD_BUS_PARAM(path),
		"ays", SD_BUS_PARAM(entry) SD_BUS_PARAM(missing), on_save, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_SIGNAL_WITH_NAMES("Queued", "tos",
		SD_BUS_PARAM(serial) SD_BUS_PARAM(buffer) SD_BUS_PARAM(label), 0),
	SD_BUS_SIGNAL_WITH_NAMES("Finished", "tsotss",
		SD_BUS_PARAM(serial) SD_BUS_PARAM(result) SD_BUS_PARAM(buffer)
		SD_BUS_PARAM(position) SD_BUS_PARAM(error) SD_BUS_PARAM(message), 0),
	SD_BUS_VTABLE_END
};

const struct segue_bus_type segue_bus_common = {
	.interface = SEGUE_BUS_NODE,
	.flags = OF_ALL,
	.methods = methods,
	.rows = rows,
	.n_rows = N_ROWS,
};

sd_bus_vtable *segue_bus_node_vtable(const struct segue_bus_type *type, const struct segue_property *settings,
		uint32_t n_settings)
{
	const struct segue_bus_members members = {
		.methods = type->methods,
		.rows = type->rows,
		.n_rows = type->n_rows,
		.get_row = get_value,
		.settings = settings,
		.n_settings = n_settings,
		.types = type->flags,
		.get_setting = get_setting,
		.set_setting = set_setting,
	};
	return segue_bus_vtable_new(&members);
}

/* Remember what a client reads when the object appears: only what differs later is announced. */
int segue_bus_node_announce_init(struct segue_bus_node *node)
{
	struct changes common, own;
	uint32_t n_settings;

	(void)settings_of(node, &n_settings);
	if ((node->announced = calloc(N_ROWS + n_settings, sizeof(uint64_t))) == NULL)
		return -errno;
	node->object.announce = announce;
	find_changes(node, &common, &own);
	return 0;
}
