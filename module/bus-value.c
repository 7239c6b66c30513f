/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* busctl --user call org.segue.Segue1 /org/segue/Segue1/node/synth org.segue.Segue1.Source \
 *	Wave 'sa{sv}' saw 2 gain d 0.5 fade u 1 */

#include "bus-private.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <spa/utils/result.h>
#include <spa/utils/string.h>

#include "../spa-plugin/texts.h"

/* a number or a bool; the width doesn't matter to the caller */
static int read_number(sd_bus_message *m, char type, struct segue_value *ret)
{
	union {
		uint8_t y;
		int16_t n;
		uint16_t q;
		int32_t i;
		uint32_t u;
		int64_t x;
		uint64_t t;
		double d;
		int b;
	} v;
	int res;

	if ((res = sd_bus_message_read_basic(m, type, &v)) < 0)
		return res;

	*ret = (struct segue_value) { .type = SEGUE_VALUE_INT };
	switch (type) {
	case 'b':
		ret->type = SEGUE_VALUE_BOOL;
		ret->b = v.b;
		break;
	case 'd':
		ret->type = SEGUE_VALUE_DOUBLE;
		ret->d = v.d;
		break;
	case 'y':
		ret->i = v.y;
		break;
	case 'n':
		ret->i = v.n;
		break;
	case 'q':
		ret->i = v.q;
		break;
	case 'i':
		ret->i = v.i;
		break;
	case 'u':
		ret->i = v.u;
		break;
	case 'x':
		ret->i = v.x;
		break;
	case 't':
		if (v.t > INT64_MAX)
			return -ERANGE;
		ret->i = v.t;
		break;
	}
	return 0;
}

static bool is_number(char type)
{
	return type != '\0' && strchr("ynqiuxtdb", type) != NULL;
}

static int read_array(sd_bus_message *m, char type, uint32_t array[SEGUE_OPTION_CHANNELS_MAX],
		struct segue_value *ret)
{
	const char contents[] = { type, '\0' };
	uint32_t n = 0;
	int res;

	if ((res = sd_bus_message_enter_container(m, 'a', contents)) < 0)
		return res;
	while ((res = sd_bus_message_at_end(m, false)) == 0) {
		struct segue_value v;
		double number;

		if ((res = read_number(m, type, &v)) < 0)
			return res;
		number = v.type == SEGUE_VALUE_DOUBLE ? v.d : v.i;
		if (v.type == SEGUE_VALUE_BOOL || !(number >= 0.0 && number <= UINT32_MAX) ||
		    number != floor(number) || n == SEGUE_OPTION_CHANNELS_MAX)
			return -ERANGE;
		array[n++] = number;
	}
	if (res < 0)
		return res;
	*ret = (struct segue_value) { .type = SEGUE_VALUE_UINTS, .u = { array, n } };
	return sd_bus_message_exit_container(m);
}

int segue_bus_read_value(sd_bus_message *m, const char *type, const char *key,
		struct segue_value *ret, uint32_t array[SEGUE_OPTION_CHANNELS_MAX],
		struct segue_error *error)
{
	int res;

	if (is_number(type[0])) {
		res = read_number(m, type[0], ret);
	} else if (type[0] == 's' || type[0] == 'o') {
		ret->type = SEGUE_VALUE_STRING;
		res = sd_bus_message_read_basic(m, type[0], &ret->s);
	} else if (type[0] == 'a' && is_number(type[1])) {
		res = read_array(m, type[1], array, ret);
	} else {
		return segue_error_set(error, -EINVAL, "%s: wrong type '%s'", key, type);
	}
	if (res == -ERANGE)
		return segue_error_set(error, -EINVAL, "%s: out of range", key);
	if (res < 0)
		return segue_error_set(error, -EINVAL, "%s: can't be read", key);
	return 0;
}

static int read_variant(sd_bus_message *m, const char *key, struct segue_value *ret,
		uint32_t array[SEGUE_OPTION_CHANNELS_MAX], struct segue_error *error)
{
	const char *contents;
	char type;
	int res;

	if (sd_bus_message_peek_type(m, &type, &contents) < 0 ||
	    sd_bus_message_enter_container(m, 'v', contents) < 0)
		return segue_error_set(error, -EINVAL, "%s: can't be read", key);
	if ((res = segue_bus_read_value(m, contents, key, ret, array, error)) < 0)
		return res;
	if (sd_bus_message_exit_container(m) < 0)
		return segue_error_set(error, -EINVAL, "%s: can't be read", key);
	return 0;
}

/* ---------------------------------------------------------- dictionaries */

typedef int (*entry_func_t)(sd_bus_message *m, const char *key, void *data, struct segue_error *error);

static int read_dict(sd_bus_message *m, entry_func_t func, void *data, struct segue_error *error)
{
	const char *key;
	int res;

	if ((res = sd_bus_message_enter_container(m, 'a', "{sv}")) < 0)
		return segue_error_set(error, -EINVAL, "options: can't be read");
	while ((res = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		if ((res = sd_bus_message_read_basic(m, 's', &key)) < 0)
			break;
		if ((res = func(m, key, data, error)) < 0)
			return res;
		if ((res = sd_bus_message_exit_container(m)) < 0)
			break;
	}
	if (res < 0 || sd_bus_message_exit_container(m) < 0)
		return segue_error_set(error, -EINVAL, "options: can't be read");
	return 0;
}

struct read_options {
	struct segue_bus *bus;
	uint32_t groups;
	struct segue_options *options;
	struct segue_recipe *recipe;	/* NULL: no `join` */
};

static int read_join(sd_bus_message *m, struct segue_recipe *recipe, struct segue_error *error)
{
	int res = 0;

	if (sd_bus_message_enter_container(m, 'v', "ah") < 0 ||
	    sd_bus_message_enter_container(m, 'a', "h") < 0)
		return segue_error_set(error, -EINVAL, "join: must be an array of descriptors");
	while (res >= 0 && sd_bus_message_at_end(m, false) == 0)
		res = segue_bus_read_fd(m, recipe, error);
	if (res >= 0 && (sd_bus_message_exit_container(m) < 0 || sd_bus_message_exit_container(m) < 0))
		res = segue_error_set(error, -EINVAL, "join: can't be read");
	return res;
}

static int read_option(sd_bus_message *m, const char *key, void *data, struct segue_error *error)
{
	struct read_options *r = data;
	uint32_t array[SEGUE_OPTION_CHANNELS_MAX];
	struct segue_value value;
	int res;

	if (r->recipe != NULL && r->recipe->type == SEGUE_RECIPE_FDS && spa_streq(key, "join"))
		return read_join(m, r->recipe, error);
	if ((res = read_variant(m, key, &value, array, error)) < 0)
		return res;
	return r->bus->store->methods->options_set(r->options, r->groups, key, &value, error);
}

int segue_bus_read_options(struct segue_bus *bus, sd_bus_message *m, uint32_t groups,
		struct segue_options *options, struct segue_error *error)
{
	struct read_options r = { bus, groups, options, NULL };

	return read_dict(m, read_option, &r, error);
}

int segue_bus_read_recipe(struct segue_bus *bus, sd_bus_message *m, uint32_t groups,
		struct segue_recipe *recipe, struct segue_error *error)
{
	struct read_options r = { bus, groups, &recipe->options, recipe };
	int res = read_dict(m, read_option, &r, error);

	if (res < 0)
		segue_recipe_close(recipe);
	return res;
}

static int read_strings(sd_bus_message *m, const char *key, struct pw_properties *properties,
		struct segue_error *error)
{
	char json[1024];
	struct spa_strbuf buf;
	const char *str;

	spa_strbuf_init(&buf, json, sizeof(json));
	spa_strbuf_append(&buf, "[");
	if (sd_bus_message_enter_container(m, 'v', "as") < 0 ||
	    sd_bus_message_enter_container(m, 'a', "s") < 0)
		return segue_error_set(error, -EINVAL, "%s: can't be read", key);
	while (sd_bus_message_read_basic(m, 's', &str) > 0) {
		if (strpbrk(str, "\"\\") != NULL)
			return segue_error_set(error, -EINVAL, "%s: quotes in '%s'", key, str);
		spa_strbuf_append(&buf, " \"%s\"", str);
	}
	spa_strbuf_append(&buf, " ]");
	if (buf.pos >= sizeof(json) - 1)
		return segue_error_set(error, -EINVAL, "%s: too long", key);
	if (sd_bus_message_exit_container(m) < 0 || sd_bus_message_exit_container(m) < 0)
		return segue_error_set(error, -EINVAL, "%s: can't be read", key);
	pw_properties_set(properties, key, json);
	return 0;
}

static int read_property(sd_bus_message *m, const char *key, void *data, struct segue_error *error)
{
	struct pw_properties *properties = data;
	uint32_t array[SEGUE_OPTION_CHANNELS_MAX];
	const char *contents;
	struct segue_value value;
	char type, number[SEGUE_NUMBER_MAX];
	int res;

	if (sd_bus_message_peek_type(m, &type, &contents) > 0 && spa_streq(contents, "as"))
		return read_strings(m, key, properties, error);
	if ((res = read_variant(m, key, &value, array, error)) < 0)
		return res;

	switch (value.type) {
	case SEGUE_VALUE_BOOL:
		pw_properties_set(properties, key, value.b ? "true" : "false");
		return 0;
	case SEGUE_VALUE_INT:
		pw_properties_setf(properties, key, "%" PRIi64, value.i);
		return 0;
	case SEGUE_VALUE_DOUBLE:
		pw_properties_set(properties, key, segue_number_text(value.d, number));
		return 0;
	case SEGUE_VALUE_STRING:
		pw_properties_set(properties, key, value.s);
		return 0;
	default:
		return segue_error_set(error, -EINVAL, "%s: wrong type", key);
	}
}

int segue_bus_read_properties(sd_bus_message *m, struct pw_properties *properties,
		struct segue_error *error)
{
	return read_dict(m, read_property, properties, error);
}

/* ------------------------------------------------------------- files */

int segue_bus_own_fd(int fd, struct segue_error *error)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return own >= 0 ? own : segue_error_set(error, errno == EMFILE ? -EDQUOT : -errno,
			"file: can't take the descriptor: %s", spa_strerror(-errno));
}

int segue_bus_read_fd(sd_bus_message *m, struct segue_recipe *recipe, struct segue_error *error)
{
	int fd;

	if (sd_bus_message_read_basic(m, 'h', &fd) < 0)
		return segue_error_set(error, -EINVAL, "file: can't be read");
	if (recipe->n_fds == SEGUE_FILES_MAX)
		return segue_error_set(error, -EINVAL, "join: more than %u files", SEGUE_FILES_MAX);
	if ((fd = segue_bus_own_fd(fd, error)) < 0)
		return fd;
	recipe->fds[recipe->n_fds++] = fd;
	return 0;
}

int segue_bus_read_path(sd_bus_message *m, struct segue_recipe *recipe, struct segue_error *error)
{
	if (sd_bus_message_read_basic(m, 's', &recipe->text) < 0)
		return segue_error_set(error, -EINVAL, "path: can't be read");
	/* what a relative one means only the caller knows */
	if (recipe->text[0] == '\0' || strchr("/[{\"", recipe->text[0]) == NULL)
		return segue_error_set(error, -EINVAL, "%s: not an absolute path", recipe->text);
	recipe->type = SEGUE_RECIPE_TEXT;
	return 0;
}

int segue_bus_paths_free(char **paths)
{
	for (uint32_t i = 0; paths[i] != NULL; i++)
		free(paths[i]);
	free(paths);
	return -ENOMEM;
}
