/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "commands.h"

#include <inttypes.h>
#include <stdio.h>

#include <spa/utils/string.h>

#include "args.h"
#include "bus.h"
#include "follow.h"
#include "json.h"
#include "sound.h"

#define FILES_MAX	16	/* descriptors a session bus passes in one message */

static bool must_wait(const struct segue_ctl *ctl)
{
	/* a limit to the waiting would mean nothing without it */
	return ctl->texts[SEGUE_OPTION_WAIT] != NULL || ctl->texts[SEGUE_OPTION_TIMEOUT] != NULL;
}

/* Send a request that replies with its serial; argument is its first, types "s", "o" or "". */
static enum segue_exit request(struct segue_follow *follow, const char *interface, const char *member,
		const char *types, const char *argument, uint32_t groups)
{
	struct segue_ctl *ctl = follow->ctl;
	sd_bus_message *m = NULL, *reply;
	enum segue_exit status;
	int res;

	if ((res = segue_bus_new_call(ctl, &m, follow->node_path, interface, member)) >= 0 &&
	    (res = sd_bus_message_append(m, types, argument)) >= 0 &&
	    (res = sd_bus_message_open_container(m, 'a', "{sv}")) >= 0 &&
	    (res = segue_args_append(ctl, groups, m)) >= 0)
		res = sd_bus_message_close_container(m);
	if ((status = segue_bus_send(ctl, res, m, follow->node, &reply)) != SEGUE_EXIT_OK)
		return status;
	res = sd_bus_message_read(reply, "t", &follow->serial);
	sd_bus_message_unref(reply);
	if (res < 0)
		return segue_bus_fail_errno(ctl, res);
	segue_follow_catch_interrupt(follow);
	return SEGUE_EXIT_OK;
}

static void print_applied(struct segue_follow *follow)
{
	uint64_t position;
	json_object *value;

	if (follow->ctl->json) {
		segue_json_print(json_object_get(follow->finished));
		return;
	}
	json_object_object_get_ex(follow->finished, "position", &value);
	position = json_object_get_uint64(value);
	printf("applied at frame %" PRIu64 "%s\n", position, position == 0 ? " (the node isn't running)" : "");
}

/* after the request was accepted */
static enum segue_exit conclude(struct segue_follow *follow)
{
	enum segue_exit status;

	if (must_wait(follow->ctl)) {
		if ((status = segue_follow_finish(follow)) == SEGUE_EXIT_OK)
			print_applied(follow);
		return status;
	}
	if (follow->ctl->json) {
		json_object *accepted = json_object_new_object();

		json_object_object_add(accepted, "serial", json_object_new_uint64(follow->serial));
		segue_json_print(accepted);
	}
	return SEGUE_EXIT_OK;
}

static bool is_put_off(const struct segue_ctl *ctl)
{
	return ctl->texts[SEGUE_OPTION_AT] != NULL || ctl->texts[SEGUE_OPTION_AFTER] != NULL;
}

/* What the node makes of a file: a convolver needs it at the file's own rate, and its gain is what counts. */
static enum segue_exit read_kind(struct segue_follow *follow, const char **ret)
{
	struct segue_ctl *ctl = follow->ctl;
	enum segue_exit status;
	sd_bus_message *reply;
	const char *type;
	int res;

	if ((status = segue_bus_call(ctl, follow->node, &reply, follow->node_path, SEGUE_BUS_PROPERTIES, "Get",
					"ss", SEGUE_BUS_NODE, "Type")) != SEGUE_EXIT_OK)
		return status;
	if ((res = sd_bus_message_read(reply, "v", "s", &type)) >= 0)
		*ret = spa_streq(type, "convolver") ? "response" : NULL;
	sd_bus_message_unref(reply);
	return res < 0 ? segue_bus_fail_errno(ctl, res) : SEGUE_EXIT_OK;
}

static enum segue_exit load(struct segue_follow *follow)
{
	struct segue_ctl *ctl = follow->ctl;
	struct segue_sound_wanted wanted = { .files = ctl->args + 1, .n_files = ctl->n_args - 1,
		.node = follow->node };
	enum segue_exit status;

	if ((follow->name = segue_sound_name(wanted.files, wanted.n_files)) == NULL)
		return segue_fail_memory(ctl);
	/* a buffer of the manager's rather than the node's own: it has a progress, and properties */
	if ((status = read_kind(follow, &wanted.kind)) != SEGUE_EXIT_OK ||
	    (status = segue_sound_load(ctl, &wanted, &follow->buffer_path)) != SEGUE_EXIT_OK ||
	    (status = request(follow, SEGUE_BUS_NODE, "SetBuffer", "o", follow->buffer_path,
				SEGUE_GROUP_SWAP)) != SEGUE_EXIT_OK ||
	    (status = segue_follow_load(follow)) != SEGUE_EXIT_OK)
		return status;
	/* what a node can't have of it shows only when it has been asked for it */
	if (!is_put_off(ctl) && (status = segue_follow_finish(follow)) != SEGUE_EXIT_OK)
		return status;
	if ((status = conclude(follow)) == SEGUE_EXIT_OK && !ctl->json)
		segue_sound_describe(ctl, stdout, follow->name, follow->buffer_path);
	return status;
}

enum segue_exit segue_command_load(struct segue_ctl *ctl)
{
	if (ctl->n_args > 1 + FILES_MAX)
		return segue_usage(ctl, "%s: more than %d files", ctl->args[0], FILES_MAX);
	return segue_follow_run(ctl, ctl->args[0], load);
}

static enum segue_exit wave(struct segue_follow *follow)
{
	enum segue_exit status = request(follow, SEGUE_BUS_SOURCE, "Wave", "s", follow->ctl->args[1],
			SEGUE_GROUP_WAVE | SEGUE_GROUP_SWAP);

	return status == SEGUE_EXIT_OK ? conclude(follow) : status;
}

enum segue_exit segue_command_wave(struct segue_ctl *ctl)
{
	return segue_follow_run(ctl, ctl->args[0], wave);
}

static enum segue_exit clear(struct segue_follow *follow)
{
	enum segue_exit status = request(follow, SEGUE_BUS_NODE, "Clear", "", NULL, SEGUE_GROUP_SWAP);

	return status == SEGUE_EXIT_OK ? conclude(follow) : status;
}

enum segue_exit segue_command_clear(struct segue_ctl *ctl)
{
	return segue_follow_run(ctl, ctl->args[0], clear);
}
