/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <spa/utils/json.h>
#include <spa/utils/string.h>

#include "args.h"
#include "bus.h"
#include "follow.h"
#include "json.h"
#include "names.h"

#define DEFAULT_POSITION	"FL FR"
#define POSITION_DELIMITERS	" ,[]\""

static int append_property(sd_bus_message *m, const struct segue_key *key, const char *name,
		const struct segue_quantity *value)
{
	struct segue_quantity path;
	char *full = NULL, *absolute = NULL;
	int res;

	if (key == NULL)
		return segue_bus_append_entry(m, name, value);
	if (asprintf(&full, "segue.%s", key->key) < 0)
		return -ENOMEM;
	if (spa_streq(key->key, "load")) {
		/* a list and an object have whole paths */
		absolute = strchr("[{", value->s[0]) != NULL ? strdup(value->s) : segue_args_path(value->s);
		path = (struct segue_quantity) { .type = 's', .s = absolute };
		value = &path;
	}
	res = value == &path && absolute == NULL ? -ENOMEM : segue_bus_append_entry(m, full, value);
	free(absolute);
	free(full);
	return res;
}

/* KEY=VALUE: ours with their units, and any of PipeWire's, which have a dot, as they are */
static enum segue_exit parse_property(struct segue_ctl *ctl, const char *argument, sd_bus_message *m)
{
	const char *equals = strchr(argument, '='), *nearest;
	struct segue_quantity value;
	const struct segue_key *key;
	enum segue_exit status;
	char name[128];
	int res;

	if (equals == NULL || equals == argument)
		return segue_usage(ctl, "'%s' isn't KEY=VALUE", argument);
	snprintf(name, sizeof(name), "%.*s", (int)(equals - argument), argument);
	key = segue_key_find(name);
	if (key == NULL && (strchr(name, '.') == NULL || spa_strstartswith(name, "segue."))) {
		nearest = segue_key_nearest(name);
		return segue_usage(ctl, nearest != NULL ? "No property '%s'. Did you mean '%s'?" :
				"No property '%s'", name, nearest);
	}
	if ((status = segue_args_value(ctl, key, key != NULL ? key->unit : SEGUE_UNIT_TEXT, name, equals + 1,
					&value)) != SEGUE_EXIT_OK)
		return status;
	if ((res = append_property(m, key, name, &value)) < 0)
		return segue_usage(ctl, "%s: %s", name, res == -EINVAL ? "isn't UTF-8" : strerror(-res));
	return SEGUE_EXIT_OK;
}

/* what was given as KEY=VALUE; NULL: nothing */
static const char *given(const struct segue_ctl *ctl, const char *key)
{
	size_t length = strlen(key);

	for (int i = 2; i < ctl->n_args; i++) {
		if (spa_strstartswith(ctl->args[i], key) && ctl->args[i][length] == '=')
			return ctl->args[i] + length + 1;
	}
	return NULL;
}

/* the same for a key of ours, which may have its prefix */
static const char *given_property(const struct segue_ctl *ctl, const char *key)
{
	char full[32];
	const char *value = given(ctl, key);

	snprintf(full, sizeof(full), "segue.%s", key);
	return value != NULL ? value : given(ctl, full);
}

/* The channels of one side, as the service reads them: those of its own properties, or the node's. */
static void read_position(const struct segue_ctl *ctl, const char *side, char *ret, size_t size)
{
	const char *position = given(ctl, "audio.position"), *value;
	const char *props = side != NULL ? given(ctl, side) : NULL;
	struct spa_json outer, items;
	char key[64];
	int length;

	snprintf(ret, size, "%s", position != NULL ? position : DEFAULT_POSITION);
	if (props == NULL)
		return;
	spa_json_init(&outer, props, strlen(props));
	if (spa_json_enter_object(&outer, &items) <= 0)
		return;
	while (spa_json_get_string(&items, key, sizeof(key)) > 0 &&
	       (length = spa_json_next(&items, &value)) > 0) {
		if (spa_json_is_container(value, length))
			length = spa_json_container_len(&items, value, length);
		if (spa_streq(key, "audio.position"))
			snprintf(ret, size, "%.*s", length, value);
	}
}

/* a line per channel */
static void print_side(const struct segue_ctl *ctl, const char *side, const char *from, const char *into)
{
	char position[512], *channel, *rest;

	read_position(ctl, side, position, sizeof(position));
	for (channel = strtok_r(position, POSITION_DELIMITERS, &rest); channel != NULL;
	     channel = strtok_r(NULL, POSITION_DELIMITERS, &rest))
		printf("  pw-link %s_%s %s_%s\n", from, channel, into, channel);
}

static bool plays_notes(const struct segue_ctl *ctl)
{
	return spa_streq(given_property(ctl, "trigger"), "notes");
}

/* Nothing links a raw node by itself: say how. */
static void print_links(struct segue_ctl *ctl)
{
	bool convolves = spa_streq(ctl->args[0], "convolver");
	char in[80], out[80];

	if (!spa_streq(given_property(ctl, "mode"), "dsp"))
		return;
	snprintf(in, sizeof(in), "%s:input", ctl->args[1]);
	snprintf(out, sizeof(out), "%s:output", ctl->args[1]);
	if (convolves) {
		puts("To hear something through it, link that and where it goes (pw-link -o and -i list both):");
		print_side(ctl, "capture.props", "SOURCE:output", in);
		print_side(ctl, "playback.props", out, "SINK:playback");
	} else {
		puts("To hear it, link it (pw-link -i lists where to):");
		print_side(ctl, NULL, out, "SINK:playback");
		if (plays_notes(ctl))
			printf("To play it, link a keyboard to it (pw-link -o lists them):\n"
					"  pw-link KEYBOARD %s:midi_in\n", ctl->args[1]);
	}
}

static enum segue_exit build_create(struct segue_ctl *ctl, sd_bus_message *m, int *ret)
{
	enum segue_exit status = SEGUE_EXIT_OK;
	int res;

	if ((res = sd_bus_message_append(m, "ss", ctl->args[0], ctl->args[1])) < 0 ||
	    (res = sd_bus_message_open_container(m, 'a', "{sv}")) < 0)
		goto out;
	for (int i = 2; status == SEGUE_EXIT_OK && i < ctl->n_args; i++)
		status = parse_property(ctl, ctl->args[i], m);
	if (status != SEGUE_EXIT_OK)
		goto out;
	/* who says nothing wants to hear it */
	if (given_property(ctl, "mode") == NULL && (res = sd_bus_message_append(m, "{sv}", "segue.mode", "s",
					spa_streq(ctl->args[0], "convolver") ? "sink" : "stream")) < 0)
		goto out;
	res = sd_bus_message_close_container(m);
out:
	*ret = res;
	return status;
}

/* A node that can't have the sound it was made for is none that was asked for. */
static enum segue_exit wait_for_sound(struct segue_follow *follow)
{
	struct segue_ctl *ctl = follow->ctl;
	enum segue_exit status;

	if (given_property(ctl, "load") == NULL && given_property(ctl, "wave") == NULL)
		return SEGUE_EXIT_OK;
	follow->serial = 1;	/* a node counts its requests */
	if ((status = segue_follow_finish(follow)) == SEGUE_EXIT_FAILED)
		(void)segue_bus_call(ctl, follow->node, NULL, SEGUE_BUS_ROOT, SEGUE_BUS_MANAGER, "DestroyNode",
				"o", follow->node_path);
	return status;
}

static void print_created(struct segue_ctl *ctl, const char *path)
{
	json_object *created;

	if (!ctl->json) {
		print_links(ctl);
		return;
	}
	created = json_object_new_object();
	json_object_object_add(created, "node", json_object_new_string(path));
	segue_json_print(created);
}

static enum segue_exit create(struct segue_follow *follow)
{
	struct segue_ctl *ctl = follow->ctl;
	sd_bus_message *m = NULL;
	enum segue_exit status = SEGUE_EXIT_OK;
	int res;

	if ((res = segue_bus_new_call(ctl, &m, SEGUE_BUS_ROOT, SEGUE_BUS_MANAGER, "CreateNode")) >= 0 &&
	    (status = build_create(ctl, m, &res)) != SEGUE_EXIT_OK) {
		sd_bus_message_unref(m);
		return status;
	}
	if ((status = segue_bus_send(ctl, res, m, NULL, NULL)) == SEGUE_EXIT_OK &&
	    (status = wait_for_sound(follow)) == SEGUE_EXIT_OK)
		print_created(ctl, follow->node_path);
	return status;
}

enum segue_exit segue_command_create(struct segue_ctl *ctl)
{
	return segue_follow_run(ctl, ctl->args[1], create);
}

enum segue_exit segue_command_destroy(struct segue_ctl *ctl)
{
	char *path = segue_bus_node_path(ctl->args[0]);
	enum segue_exit status;

	if (path == NULL)
		return segue_fail_memory(ctl);
	status = segue_bus_call(ctl, ctl->args[0], NULL, SEGUE_BUS_ROOT, SEGUE_BUS_MANAGER, "DestroyNode",
			"o", path);
	free(path);
	return status;
}
