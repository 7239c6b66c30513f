/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* What a node is set to: segue.* properties, and volume, mute and channelVolumes as every node has them. */

#include "node.h"

#include <math.h>
#include <stdio.h>

#include <spa/utils/string.h>

#include "load.h"
#include "request.h"

static int send_volumes(struct segue_node_impl *node)
{
	int res = 0;

	for (uint32_t c = 0; c < node->n_channels && res == 0; c++) {
		struct segue_command command = {
			.type = node->type->volume,
			.key = c,
			.value = node->mute ? 0.0 : node->volume * node->channel_volumes[c],
		};

		res = segue_node_send(node, &command);
	}
	return res;
}

static int send_setting(struct segue_node_impl *node, uint32_t index)
{
	struct segue_command command = {
		.type = node->type->commands[index],
		.value = node->values[index],
	};

	if (command.type == SEGUE_COMMAND_SWAP)
		return 0;
	if (index == SEGUE_PROPERTY_BYPASS)
		command.key = lround(node->values[SEGUE_PROPERTY_FADE] * SPA_USEC_PER_SEC);
	return segue_node_send(node, &command);
}

static int request_sound(struct segue_node_impl *node, struct segue_sound *sound,
		struct segue_error *error)
{
	struct segue_options options = SEGUE_OPTIONS_INIT;
	uint64_t serial;
	int res;

	if (sound == NULL)
		return error->res;
	res = segue_node_request(node, sound, &options, &serial, error);
	if (res >= 0)
		spa_list_last(&node->requests, struct segue_request, link)->is_setting = true;
	segue_sound_disown(sound);
	return res;
}

static int set_request(struct segue_node_impl *node, uint32_t index, const char *text,
		const struct segue_fence *fence, struct segue_error *error)
{
	struct segue_options options = SEGUE_OPTIONS_INIT;

	if (index != SEGUE_PROPERTY_LOAD)
		return request_sound(node, segue_load_wave(node->store, text, error), error);
	options.kind = node->type->kind;
	return request_sound(node, segue_load_text(node->store, text, &options, fence, error), error);
}

static bool is_level(double v)
{
	return v >= 0.0 && v <= 16.0;
}

/* volume, mute and channelVolumes, as every PipeWire node has them */
static int set_volume(struct segue_node_impl *node, const char *key, const struct segue_value *value,
		struct segue_error *error)
{
	if (spa_streq(key, "mute")) {
		if (value->type != SEGUE_VALUE_BOOL)
			return segue_error_set(error, -EINVAL, "mute: must be true or false");
		node->mute = value->b;
	} else if (spa_streq(key, "volume")) {
		if (value->type != SEGUE_VALUE_DOUBLE || !is_level(value->d))
			return segue_error_set(error, -EINVAL, "volume: must be a number from 0 to 16");
		node->volume = value->d;
	} else if (spa_streq(key, "channelVolumes")) {
		if (value->type != SEGUE_VALUE_DOUBLES || value->f.n == 0)
			return segue_error_set(error, -EINVAL, "channelVolumes: must be numbers");
		for (uint32_t i = 0; i < value->f.n; i++) {
			if (!is_level(value->f.values[i]))
				return segue_error_set(error, -EINVAL, "channelVolumes: 0 to 16 each");
		}
		/* the last one serves all that follow */
		for (uint32_t c = 0; c < node->n_channels; c++)
			node->channel_volumes[c] = value->f.values[SPA_MIN(c, value->f.n - 1)];
	} else {
		return segue_error_set(error, -ENXIO, "%s: no such property", key);
	}
	return send_volumes(node);
}

int segue_node_set(struct segue_node_impl *node, const char *key, const struct segue_value *value,
		const struct segue_fence *fence, struct segue_error *error)
{
	const struct segue_property *p;
	double kept, before;
	int index, res;

	index = segue_property_find(node->type->properties, node->type->n_properties, key, NULL);
	if (index < 0) {
		if ((res = set_volume(node, key, value, error)) < 0)
			return res;
		goto changed;
	}
	p = &node->type->properties[index];
	if ((res = segue_property_check(p, value, &kept, error)) < 0)
		return res;
	if (p->flags & SEGUE_PROPERTY_REQUEST)
		return set_request(node, index, value->s, fence, error);
	before = node->values[index];
	if ((p->flags & SEGUE_PROPERTY_CREATE_ONLY) && kept != before)
		return segue_error_set(error, -EROFS, "%s: is fixed when the node is made", p->key);
	node->values[index] = kept;
	if (send_setting(node, index) < 0) {
		node->values[index] = before;
		return segue_error_set(error, -ENOMEM, "%s: no memory", p->key);
	}
changed:
	spa_hook_list_call(&node->listeners, struct segue_node_events, changed, 0, SEGUE_NODE_CHANGE_PROPERTIES);
	return 0;
}

int segue_node_init_settings(struct segue_node_impl *node)
{
	const struct segue_node_type *type = node->type;
	int res = 0;

	node->volume = 1.0;
	for (uint32_t c = 0; c < node->n_channels; c++)
		node->channel_volumes[c] = 1.0;
	for (uint32_t i = 0; i < type->n_properties; i++) {
		node->values[i] = type->properties[i].def;
		if (res == 0)
			res = send_setting(node, i);
	}
	return res;
}

/* segue.load, segue.wave: what is heard, if that is what it was made from */
static const char *read_request(const struct segue_node_impl *node, uint32_t index)
{
	const struct segue_sound *sound = segue_node_sound(node);
	const char *text;

	if (sound == NULL)
		return "";
	text = index == SEGUE_PROPERTY_LOAD ? segue_sound_load(sound) : segue_sound_wave(sound);
	return text != NULL ? text : "";
}

static const char *read_status(struct segue_node_impl *node)
{
	const struct segue_sound *sound = segue_node_sound(node);

	if (segue_node_is_loading(node))
		return "loading";
	if (node->last_error.res != 0)
		snprintf(node->text, sizeof(node->text), "failed: %s", node->last_error.message);
	else if (sound != NULL)
		snprintf(node->text, sizeof(node->text), "ready %s", segue_sound_label(sound));
	else
		return "empty";
	return node->text;
}

int segue_node_get(struct segue_node_impl *node, const char *key, struct segue_value *ret)
{
	const struct segue_property *p;
	int index;

	index = segue_property_find(node->type->properties, node->type->n_properties, key, NULL);
	if (index >= 0) {
		p = &node->type->properties[index];
		*ret = segue_property_value(p, node->values[index]);
		if (p->type == SEGUE_VALUE_STRING && p->choices == NULL)
			ret->s = p->flags & SEGUE_PROPERTY_REQUEST ? read_request(node, index) :
				read_status(node);
	} else if (spa_streq(key, "mute")) {
		*ret = (struct segue_value) { .type = SEGUE_VALUE_BOOL, .b = node->mute };
	} else if (spa_streq(key, "volume")) {
		*ret = (struct segue_value) { .type = SEGUE_VALUE_DOUBLE, .d = node->volume };
	} else if (spa_streq(key, "channelVolumes")) {
		*ret = (struct segue_value) { .type = SEGUE_VALUE_DOUBLES,
			.f = { node->channel_volumes, node->n_channels } };
	} else {
		return -ENXIO;
	}
	return 0;
}
