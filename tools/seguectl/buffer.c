/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "follow.h"
#include "json.h"
#include "sound.h"

static enum segue_exit keep(struct segue_follow *follow)
{
	struct segue_ctl *ctl = follow->ctl;
	const struct segue_sound_wanted wanted = { .files = ctl->args, .n_files = 1, .keep = true };
	enum segue_exit status;

	if ((follow->name = segue_sound_name(ctl->args, 1)) == NULL)
		return segue_fail_memory(ctl);
	if ((status = segue_sound_load(ctl, &wanted, &follow->buffer_path)) != SEGUE_EXIT_OK)
		return status;
	segue_follow_catch_interrupt(follow);
	if ((status = segue_follow_load(follow)) != SEGUE_EXIT_OK) {
		/* what came of it is of no use to anybody */
		if (follow->load_error != NULL)
			(void)segue_bus_call(ctl, NULL, NULL, follow->buffer_path, SEGUE_BUS_BUFFER,
					"Release", NULL);
		return status;
	}
	if (follow->on_terminal)
		segue_sound_describe(ctl, stderr, follow->name, follow->buffer_path);
	if (ctl->json) {
		json_object *kept = json_object_new_object();

		json_object_object_add(kept, "buffer", json_object_new_string(follow->buffer_path));
		segue_json_print(kept);
	} else {
		puts(follow->buffer_path + strlen(SEGUE_BUS_BUFFERS "/"));
	}
	return SEGUE_EXIT_OK;
}

enum segue_exit segue_command_keep(struct segue_ctl *ctl)
{
	return segue_follow_run(ctl, NULL, keep);
}

static enum segue_exit release(struct segue_ctl *ctl, const char *path)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *m = NULL;
	enum segue_exit status;
	int res;

	if ((res = segue_bus_new_call(ctl, &m, path, SEGUE_BUS_BUFFER, "Release")) < 0)
		return segue_bus_fail_errno(ctl, res);
	if (segue_bus_ask(ctl, m, &error, NULL) >= 0)
		status = SEGUE_EXIT_OK;
	else if (sd_bus_error_has_name(&error, SD_BUS_ERROR_UNKNOWN_OBJECT))
		status = segue_fail(ctl, SEGUE_EXIT_FAILED, error.name, "No buffer %s. See seguectl buffers",
				path + strlen(SEGUE_BUS_BUFFERS "/"));
	else
		status = segue_bus_fail(ctl, &error, NULL);
	sd_bus_error_free(&error);
	sd_bus_message_unref(m);
	return status;
}

enum segue_exit segue_command_release(struct segue_ctl *ctl)
{
	char *path = segue_bus_buffer_path(ctl->args[0]);
	enum segue_exit status;

	if (path == NULL)
		return segue_usage(ctl, "'%s' isn't a buffer's number", ctl->args[0]);
	status = release(ctl, path);
	free(path);
	return status;
}
