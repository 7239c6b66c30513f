/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <spa/utils/defs.h>
#include <spa/utils/string.h>

#include "args.h"
#include "bus.h"
#include "json.h"
#include "names.h"

#define SETTABLE	"bdsynqiuxt"	/* types: what has another can only be read */

/* A property of a node on the bus. */
struct property {
	const char *interface;
	const char *name;
	char type;		/* D-Bus */
	json_object *value;
};

static const char *const interfaces[] = { SEGUE_BUS_NODE, SEGUE_BUS_SOURCE, SEGUE_BUS_CONVOLVER };

static enum segue_exit fail_no_property(struct segue_ctl *ctl, const char *key)
{
	const char *nearest = segue_key_find(key) == NULL ? segue_key_nearest(key) : NULL;

	if (nearest == NULL)
		return segue_fail(ctl, SEGUE_EXIT_FAILED, SD_BUS_ERROR_UNKNOWN_PROPERTY,
				"%s: No property '%s'. See seguectl get %s", ctl->args[0], key, ctl->args[0]);
	return segue_fail(ctl, SEGUE_EXIT_FAILED, SD_BUS_ERROR_UNKNOWN_PROPERTY,
			"%s: No property '%s'. Did you mean '%s'?", ctl->args[0], key, nearest);
}

/* type and value out of the reply to Get */
static int read_property(sd_bus_message *reply, struct property *ret)
{
	const char *contents;
	int res;

	if ((res = sd_bus_message_peek_type(reply, NULL, &contents)) < 0)
		return res;
	ret->type = contents[0];
	return segue_json_read(reply, &ret->value);
}

/* Ask each interface in turn: a type of node decides which one a property is on. */
static enum segue_exit find_property(struct segue_ctl *ctl, const char *path, const char *key,
		struct property *ret)
{
	const struct segue_key *known = segue_key_find(key);

	*ret = (struct property) { .name = known != NULL ? known->name : key };
	for (size_t i = 0; i < SPA_N_ELEMENTS(interfaces); i++) {
		sd_bus_error error = SD_BUS_ERROR_NULL;
		sd_bus_message *m = NULL, *reply = NULL;
		enum segue_exit status = SEGUE_EXIT_OK;
		int res;

		ret->interface = interfaces[i];
		if ((res = segue_bus_new_call(ctl, &m, path, SEGUE_BUS_PROPERTIES, "Get")) >= 0)
			res = sd_bus_message_append(m, "ss", ret->interface, ret->name);
		if (res < 0)
			return segue_bus_send(ctl, res, m, ctl->args[0], NULL);
		if ((res = segue_bus_ask(ctl, m, &error, &reply)) >= 0)
			res = read_property(reply, ret);
		if (res < 0 && !sd_bus_error_is_set(&error))
			status = segue_bus_fail_errno(ctl, res);
		else if (res < 0 && !sd_bus_error_has_names(&error, SD_BUS_ERROR_UNKNOWN_PROPERTY,
					SD_BUS_ERROR_UNKNOWN_INTERFACE))
			status = segue_bus_fail(ctl, &error, ctl->args[0]);
		sd_bus_message_unref(m);
		sd_bus_message_unref(reply);
		sd_bus_error_free(&error);
		if (res >= 0 || status != SEGUE_EXIT_OK)
			return status;
	}
	return fail_no_property(ctl, key);
}

static int append_value(sd_bus_message *m, char type, const struct segue_quantity *value)
{
	const char signature[] = { type, '\0' };

	switch (type) {
	case 'b':
		return sd_bus_message_append(m, "v", signature, value->b);
	case 'd':
		return sd_bus_message_append(m, "v", signature, value->d);
	case 's':
		return sd_bus_message_append(m, "v", signature, value->s);
	case 'x':
	case 't':
		return sd_bus_message_append(m, "v", signature, value->t);
	default:	/* the smaller integers are all passed as int; what doesn't fit isn't valid either */
		return value->t > INT32_MAX ? -ERANGE :
			sd_bus_message_append(m, "v", signature, (int)value->t);
	}
}

static enum segue_exit set_property(struct segue_ctl *ctl, const char *path, const struct property *property,
		const struct segue_quantity *value)
{
	sd_bus_message *m = NULL;
	int res;

	if ((res = segue_bus_new_call(ctl, &m, path, SEGUE_BUS_PROPERTIES, "Set")) >= 0 &&
	    (res = sd_bus_message_append(m, "ss", property->interface, property->name)) >= 0)
		res = append_value(m, property->type, value);
	if (res == -ERANGE) {
		sd_bus_message_unref(m);
		return segue_usage(ctl, "%s: the number is too large", ctl->args[1]);
	}
	return segue_bus_send(ctl, res, m, ctl->args[0], NULL);
}

/* the unit that fits both the type on the bus and what the key stands for */
static enum segue_unit unit_of(const struct segue_key *key, char type)
{
	if (type == 's')
		return SEGUE_UNIT_TEXT;
	if (type == 'b')
		return SEGUE_UNIT_BOOL;
	if (type != 'd')
		return SEGUE_UNIT_COUNT;
	return key != NULL ? key->unit : SEGUE_UNIT_NUMBER;
}

enum segue_exit segue_command_set(struct segue_ctl *ctl)
{
	const char *key = ctl->args[1], *text = ctl->args[2];
	const struct segue_key *known = segue_key_find(key);
	struct segue_quantity value;
	struct property property;
	enum segue_exit status;
	char *path;

	if (known != NULL && known->request) {
		ctl->args[1] = text;
		ctl->n_args = 2;
		return spa_streq(known->key, "load") ? segue_command_load(ctl) : segue_command_wave(ctl);
	}
	if ((path = segue_bus_node_path(ctl->args[0])) == NULL)
		return segue_fail_memory(ctl);
	if ((status = find_property(ctl, path, key, &property)) == SEGUE_EXIT_OK) {
		if (known != NULL && known->fixed)
			status = segue_fail(ctl, SEGUE_EXIT_FAILED, SD_BUS_ERROR_PROPERTY_READ_ONLY,
					"%s: %s is fixed when the node is made", ctl->args[0], key);
		else if (strchr(SETTABLE, property.type) == NULL)
			status = segue_fail(ctl, SEGUE_EXIT_FAILED, SD_BUS_ERROR_PROPERTY_READ_ONLY,
					"%s: %s can only be read", ctl->args[0], key);
		else if ((status = segue_args_value(ctl, known, unit_of(known, property.type), key, text,
						&value)) == SEGUE_EXIT_OK)
			status = set_property(ctl, path, &property, &value);
		json_object_put(property.value);
	}
	free(path);
	return status;
}

enum segue_exit segue_command_bypass(struct segue_ctl *ctl)
{
	bool toggle = spa_streq(ctl->args[1], "toggle");
	struct segue_quantity value;
	struct property property;
	enum segue_exit status;
	char *path;

	if (!toggle && segue_unit_parse(SEGUE_UNIT_BOOL, ctl->args[1], &value) < 0)
		return segue_usage(ctl, "bypass: '%s' isn't on, off or toggle", ctl->args[1]);
	if ((path = segue_bus_node_path(ctl->args[0])) == NULL)
		return segue_fail_memory(ctl);
	if ((status = find_property(ctl, path, "bypass", &property)) == SEGUE_EXIT_OK) {
		if (toggle)
			value = (struct segue_quantity) { .type = 'b',
				.b = !json_object_get_boolean(property.value) };
		status = set_property(ctl, path, &property, &value);
		json_object_put(property.value);
	}
	if (status == SEGUE_EXIT_OK && toggle && !ctl->json)
		puts(value.b ? "on" : "off");
	free(path);
	return status;
}

static void print_value(const char *name, json_object *value)
{
	const struct segue_key *key = segue_key_find(name);

	if (key != NULL && key->automatic != NULL && json_object_get_double(value) == SEGUE_KEY_AUTOMATIC)
		puts(key->automatic);
	else if (json_object_is_type(value, json_type_string))
		puts(json_object_get_string(value));
	else if (json_object_is_type(value, json_type_double))
		printf("%.7g\n", json_object_get_double(value));	/* what a float holds */
	else
		puts(json_object_to_json_string_ext(value, JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* those with a key of their own, or the others */
static void print_members(json_object *properties, bool with_key)
{
	json_object_object_foreach(properties, name, value) {
		const char *key = segue_key_of(name);

		if ((key != name) != with_key)
			continue;
		printf("%s ", key);
		print_value(name, value);
	}
}

static enum segue_exit get_all(struct segue_ctl *ctl, const char *path)
{
	sd_bus_message *reply;
	json_object *properties;
	enum segue_exit status;
	int res;

	/* "": of all interfaces */
	if ((status = segue_bus_call(ctl, ctl->args[0], &reply, path, SEGUE_BUS_PROPERTIES, "GetAll", "s",
					"")) != SEGUE_EXIT_OK)
		return status;
	res = segue_json_read(reply, &properties);
	sd_bus_message_unref(reply);
	if (res < 0)
		return segue_bus_fail_errno(ctl, res);
	if (ctl->json) {
		segue_json_print(properties);
		return SEGUE_EXIT_OK;
	}
	print_members(properties, true);
	print_members(properties, false);
	json_object_put(properties);
	return SEGUE_EXIT_OK;
}

enum segue_exit segue_command_get(struct segue_ctl *ctl)
{
	struct property property;
	enum segue_exit status;
	json_object *object;
	char *path = segue_bus_node_path(ctl->args[0]);

	if (path == NULL)
		return segue_fail_memory(ctl);
	if (ctl->n_args == 1) {
		status = get_all(ctl, path);
	} else if ((status = find_property(ctl, path, ctl->args[1], &property)) == SEGUE_EXIT_OK) {
		if (ctl->json) {
			object = json_object_new_object();
			json_object_object_add(object, property.name, property.value);
			segue_json_print(object);
		} else {
			print_value(property.name, property.value);
			json_object_put(property.value);
		}
	}
	free(path);
	return status;
}
