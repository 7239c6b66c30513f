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

/* volume, mute or channelVolumes; -1: neither */
static int find_volume(const char *key)
{
	int i = SEGUE_PROPERTIES_VOLUME - 1;

	while (i >= 0 && !spa_streq(segue_volume_properties[i].key, key))
		i--;
	return i;
}

static void tell_change(struct segue_node_impl *node)
{
	spa_hook_list_call(&node->listeners, struct segue_node_events, changed, 0, SEGUE_NODE_CHANGE_PROPERTIES);
}

static int set_volume(struct segue_node_impl *node, uint32_t index, const struct segue_value *value,
		struct segue_error *error)
{
	double kept;
	int res;

	if ((res = segue_property_check(&segue_volume_properties[index], value, &kept, error)) < 0)
		return res;
	switch (index) {
	case SEGUE_PROPERTY_VOLUME:
		node->volume = kept;
		break;
	case SEGUE_PROPERTY_MUTE:
		node->mute = kept != 0.0;
		break;
	case SEGUE_PROPERTY_CHANNEL_VOLUMES:
		/* the last one serves all that follow */
		for (uint32_t c = 0; c < node->n_channels; c++)
			node->channel_volumes[c] = value->f.values[SPA_MIN(c, value->f.n - 1)];
		break;
	}
	if ((res = send_volumes(node)) >= 0)
		tell_change(node);
	return res;
}

static int set_property(struct segue_node_impl *node, uint32_t index, const struct segue_value *value,
		const struct segue_fence *fence, struct segue_error *error)
{
	const struct segue_property *p = &node->type->properties[index];
	double kept, before = node->values[index];
	int res;

	if ((res = segue_property_check(p, value, &kept, error)) < 0)
		return res;
	if (p->flags & SEGUE_PROPERTY_REQUEST)
		return set_request(node, index, value->s, fence, error);
	if ((p->flags & SEGUE_PROPERTY_CREATE_ONLY) && kept != before)
		return segue_error_set(error, -EROFS, "%s: is fixed when the node is made", p->key);
	node->values[index] = kept;
	if (send_setting(node, index) < 0) {
		node->values[index] = before;
		return segue_error_set(error, -ENOMEM, "%s: no memory", p->key);
	}
	tell_change(node);
	return 0;
}

int segue_node_set(struct segue_node_impl *node, const char *key, const struct segue_value *value,
		const struct segue_fence *fence, struct segue_error *error)
{
	int index = find_volume(key);

	if (index >= 0)
		return set_volume(node, index, value, error);
	index = segue_property_find(node->type->properties, node->type->n_properties, key, error);
	return index >= 0 ? set_property(node, index, value, fence, error) : index;
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

static void get_volume(const struct segue_node_impl *node, uint32_t index, struct segue_value *ret)
{
	switch (index) {
	case SEGUE_PROPERTY_VOLUME:
		*ret = (struct segue_value) { .type = SEGUE_VALUE_DOUBLE, .d = node->volume };
		break;
	case SEGUE_PROPERTY_MUTE:
		*ret = (struct segue_value) { .type = SEGUE_VALUE_BOOL, .b = node->mute };
		break;
	case SEGUE_PROPERTY_CHANNEL_VOLUMES:
		*ret = (struct segue_value) { .type = SEGUE_VALUE_DOUBLES,
			.f = { node->channel_volumes, node->n_channels } };
		break;
	}
}

int segue_node_get(struct segue_node_impl *node, const char *key, struct segue_value *ret)
{
	const struct segue_property *p;
	int index = find_volume(key);

	if (index >= 0) {
		get_volume(node, index, ret);
		return 0;
	}
	index = segue_property_find(node->type->properties, node->type->n_properties, key, NULL);
	if (index < 0)
		return index;
	p = &node->type->properties[index];
	*ret = segue_property_value(p, node->values[index]);
	if (p->type == SEGUE_VALUE_STRING && p->choices == NULL)
		ret->s = p->flags & SEGUE_PROPERTY_REQUEST ? read_request(node, index) : read_status(node);
	return 0;
}
