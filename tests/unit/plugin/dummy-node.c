/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "dummy-node.h"

#include <stdio.h>

#include <spa/utils/string.h>

#include "properties.h"

#define to_dummy(object)	SPA_CONTAINER_OF(object, struct dummy_node, iface)

static const char *const modes[] = { "always", "notes", "x", NULL };

static const struct segue_property properties[DUMMY_N_PROPERTIES] = {
	[DUMMY_GAIN] = { .key = "segue.gain", .type = SEGUE_VALUE_DOUBLE, .def = 0.25, .max = 16.0,
		.description = "Gain" },
	[DUMMY_FADE] = { .key = "segue.fade", .type = SEGUE_VALUE_DOUBLE, .def = 0.02, .min = 0.01,
		.max = 10.0, .description = "Fade" },
	[DUMMY_SWITCH] = { .key = "segue.bypass", .type = SEGUE_VALUE_BOOL, .max = 1.0 },
	[DUMMY_COUNT] = { .key = "segue.voices", .type = SEGUE_VALUE_INT, .def = 64, .min = 1, .max = 256 },
	[DUMMY_MODE] = { .key = "segue.trigger", .type = SEGUE_VALUE_STRING, .choices = modes },
	[DUMMY_LOAD] = { .key = "segue.load", .type = SEGUE_VALUE_STRING, .flags = SEGUE_PROPERTY_REQUEST },
	[DUMMY_WAVE] = { .key = "segue.wave", .type = SEGUE_VALUE_STRING, .flags = SEGUE_PROPERTY_REQUEST },
	[DUMMY_FIXED] = { .key = "segue.ir.max", .type = SEGUE_VALUE_DOUBLE, .def = 10.0, .max = 60.0,
		.flags = SEGUE_PROPERTY_CREATE_ONLY },
	[DUMMY_STATUS] = { .key = "segue.status", .type = SEGUE_VALUE_STRING,
		.flags = SEGUE_PROPERTY_READ_ONLY },
};

static void add_listener(struct segue_node *object, struct spa_hook *listener,
		const struct segue_node_events *events, void *data)
{
	spa_hook_list_append(&to_dummy(object)->listeners, listener, events, data);
}

static const struct segue_property *get_properties(struct segue_node *object, uint32_t *n)
{
	*n = DUMMY_N_PROPERTIES;
	return properties;
}

static int set_standard(struct dummy_node *node, const char *key, const struct segue_value *value)
{
	uint32_t i;

	if (spa_streq(key, "volume"))
		node->volume = value->d;
	else if (spa_streq(key, "mute"))
		node->mute = value->b;
	else
		for (i = 0; i < SPA_MIN(value->f.n, DUMMY_CHANNELS); i++)
			node->channel_volumes[i] = value->f.values[i];
	return 0;
}

static int set(struct segue_node *object, const char *key, const struct segue_value *value,
		struct segue_error *error)
{
	struct dummy_node *node = to_dummy(object);
	int i = segue_property_find(properties, DUMMY_N_PROPERTIES, key, NULL), res;

	if (i < 0)
		set_standard(node, key, value);
	else if ((res = segue_property_check(&properties[i], value, &node->numbers[i], error)) < 0)
		return res;
	else if (i == DUMMY_LOAD && spa_streq(value->s, DUMMY_BAD_PATH))
		return segue_error_set(error, -ENOENT, "%s: no such file", value->s);
	else if (value->type == SEGUE_VALUE_STRING)
		snprintf(node->texts[i], sizeof(node->texts[i]), "%s", value->s);
	if (i == DUMMY_LOAD) {
		node->fade_of_load = node->numbers[DUMMY_FADE];
		node->n_requests++;
	}
	node->n_sets++;
	dummy_node_change(node, SEGUE_NODE_CHANGE_PROPERTIES);
	return 0;
}

static int get(struct segue_node *object, const char *key, struct segue_value *ret)
{
	struct dummy_node *node = to_dummy(object);
	int i = segue_property_find(properties, DUMMY_N_PROPERTIES, key, NULL);

	if (i >= 0) {
		*ret = segue_property_value(&properties[i], node->numbers[i]);
		if (ret->type == SEGUE_VALUE_STRING)
			ret->s = node->texts[i];
	} else if (spa_streq(key, "volume")) {
		*ret = (struct segue_value) { .type = SEGUE_VALUE_DOUBLE, .d = node->volume };
	} else if (spa_streq(key, "mute")) {
		*ret = (struct segue_value) { .type = SEGUE_VALUE_BOOL, .b = node->mute };
	} else {
		*ret = (struct segue_value) { .type = SEGUE_VALUE_DOUBLES,
			.f = { node->channel_volumes, DUMMY_CHANNELS } };
	}
	return 0;
}

static void props_done(struct segue_node *object, const struct segue_error *error)
{
	to_dummy(object)->answer = error != NULL ? error->res : 0;
}

static const struct segue_node_methods methods = {
	.version = SEGUE_CONTROL_VERSION,
	.add_listener = add_listener,
	.properties = get_properties,
	.set = set,
	.set_props = set,
	.props_done = props_done,
	.get = get,
};

void dummy_node_init(struct dummy_node *node)
{
	uint32_t i;

	*node = (struct dummy_node) { .iface = { &methods }, .volume = 1.0 };
	spa_hook_list_init(&node->listeners);
	for (i = 0; i < DUMMY_N_PROPERTIES; i++)
		node->numbers[i] = properties[i].def;
	for (i = 0; i < DUMMY_CHANNELS; i++)
		node->channel_volumes[i] = 1.0;
	snprintf(node->texts[DUMMY_MODE], sizeof(node->texts[0]), "%s", modes[0]);
}

void dummy_node_change(struct dummy_node *node, uint32_t changes)
{
	spa_hook_list_call(&node->listeners, struct segue_node_events, changed, 0, changes);
}
