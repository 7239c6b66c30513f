/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "commands.h"

#include <stdio.h>

#include <spa/utils/string.h>

#include "bus.h"
#include "json.h"
#include "table.h"

static const struct segue_column node_columns[] = {
	{ "NODE", "Name", SEGUE_FORMAT_TEXT },
	{ "TYPE", "Type", SEGUE_FORMAT_TEXT },
	{ "MODE", "Mode", SEGUE_FORMAT_TEXT },
	{ "STATE", "State", SEGUE_FORMAT_TEXT },
	{ "SOUND", "Label", SEGUE_FORMAT_TEXT },
	{ "GAIN", "Gain", SEGUE_FORMAT_GAIN },
	{ "FADE", "Fade", SEGUE_FORMAT_TIME },
	{ "XRUNS", "Xruns", SEGUE_FORMAT_TEXT },
	{ "LAST ERROR", "LastError", SEGUE_FORMAT_TEXT },
	{ 0 },
};

static const struct segue_column buffer_columns[] = {
	{ "BUFFER", "Object", SEGUE_FORMAT_LAST },
	{ "KIND", "Kind", SEGUE_FORMAT_TEXT },
	{ "LABEL", "Label", SEGUE_FORMAT_TEXT },
	{ "STATE", "State", SEGUE_FORMAT_TEXT },
	{ "LENGTH", "Frames", SEGUE_FORMAT_FRAMES },
	{ "CHANNELS", "Channels", SEGUE_FORMAT_TEXT },
	{ "RATE", "Rate", SEGUE_FORMAT_TEXT },
	{ "SIZE", "Bytes", SEGUE_FORMAT_BYTES },
	{ "PEAK", "PeakGain", SEGUE_FORMAT_DB },
	{ 0 },
};

static bool any_disconnected(json_object *nodes)
{
	for (size_t i = 0; i < json_object_array_length(nodes); i++) {
		if (spa_streq(segue_json_text(json_object_array_get_idx(nodes, i), "State"), "disconnected"))
			return true;
	}
	return false;
}

static enum segue_exit print_nodes(struct segue_ctl *ctl, json_object *nodes)
{
	enum segue_exit status;

	if (json_object_array_length(nodes) == 0) {
		puts("No nodes. Make one: seguectl create source NAME, or convolver");
		return SEGUE_EXIT_OK;
	}
	if ((status = segue_table_print(ctl, node_columns, nodes)) != SEGUE_EXIT_OK)
		return status;
	if (any_disconnected(nodes))
		puts("PipeWire is down: disconnected nodes come back with it.");
	return SEGUE_EXIT_OK;
}

enum segue_exit segue_command_list(struct segue_ctl *ctl)
{
	json_object *nodes = NULL, *buffers = NULL;
	enum segue_exit status;

	if ((status = segue_json_objects(ctl, SEGUE_BUS_NODES, &nodes)) != SEGUE_EXIT_OK ||
	    (status = segue_json_objects(ctl, SEGUE_BUS_BUFFERS, &buffers)) != SEGUE_EXIT_OK)
		goto out;

	if (ctl->json) {
		for (size_t i = 0; i < json_object_array_length(buffers); i++)
			json_object_array_add(nodes, json_object_get(json_object_array_get_idx(buffers, i)));
		segue_json_print(json_object_get(nodes));
		goto out;
	}
	status = print_nodes(ctl, nodes);
	if (status == SEGUE_EXIT_OK && json_object_array_length(buffers) > 0) {
		puts("");
		status = segue_table_print(ctl, buffer_columns, buffers);
	}
out:
	json_object_put(nodes);
	json_object_put(buffers);
	return status;
}

enum segue_exit segue_command_buffers(struct segue_ctl *ctl)
{
	json_object *buffers;
	enum segue_exit status;

	if ((status = segue_json_objects(ctl, SEGUE_BUS_BUFFERS, &buffers)) != SEGUE_EXIT_OK)
		return status;
	if (ctl->json) {
		segue_json_print(buffers);
		return SEGUE_EXIT_OK;
	}
	if (json_object_array_length(buffers) == 0)
		puts("No buffers.");
	else
		status = segue_table_print(ctl, buffer_columns, buffers);
	json_object_put(buffers);
	return status;
}
