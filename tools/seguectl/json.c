/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <spa/utils/string.h>

#include "bus.h"

static json_object *new_double(double number)
{
	char text[32];

	if (!isfinite(number))
		return NULL;
	return json_object_new_double_s(number, segue_format_number(text, sizeof(text), number));
}

static int read_basic(sd_bus_message *m, char type, json_object **ret)
{
	union {
		uint8_t y;
		int b;
		int16_t n;
		uint16_t q;
		int32_t i;
		uint32_t u;
		int64_t x;
		uint64_t t;
		double d;
		const char *s;
	} v;
	int res = sd_bus_message_read_basic(m, type, &v);

	if (res < 0)
		return res;
	switch (type) {
	case 'y':
		*ret = json_object_new_int(v.y);
		break;
	case 'b':
		*ret = json_object_new_boolean(v.b);
		break;
	case 'n':
		*ret = json_object_new_int(v.n);
		break;
	case 'q':
		*ret = json_object_new_int(v.q);
		break;
	case 'i':
		*ret = json_object_new_int(v.i);
		break;
	case 'u':
		*ret = json_object_new_int64(v.u);
		break;
	case 'x':
		*ret = json_object_new_int64(v.x);
		break;
	case 't':
		*ret = json_object_new_uint64(v.t);
		break;
	case 'd':
		*ret = new_double(v.d);
		break;
	case 's':
	case 'o':
	case 'g':
		*ret = json_object_new_string(v.s);
		break;
	default:	/* a descriptor says nothing to anybody else */
		*ret = NULL;
	}
	return 0;
}

static int read_entries(sd_bus_message *m, json_object *ret)
{
	json_object *key, *value;
	int res;

	while ((res = sd_bus_message_at_end(m, false)) == 0) {
		if ((res = sd_bus_message_enter_container(m, 'e', NULL)) < 0 ||
		    (res = segue_json_read(m, &key)) < 0)
			return res;
		if ((res = segue_json_read(m, &value)) >= 0)
			json_object_object_add(ret, json_object_get_string(key), value);
		json_object_put(key);
		if (res < 0 || (res = sd_bus_message_exit_container(m)) < 0)
			return res;
	}
	return res;
}

static int read_elements(sd_bus_message *m, json_object *ret)
{
	json_object *element;
	int res;

	while ((res = sd_bus_message_at_end(m, false)) == 0) {
		if ((res = segue_json_read(m, &element)) < 0)
			return res;
		json_object_array_add(ret, element);
	}
	return res;
}

int segue_json_read(sd_bus_message *m, json_object **ret)
{
	const char *contents;
	json_object *value = NULL;
	char type;
	int res;

	if ((res = sd_bus_message_peek_type(m, &type, &contents)) <= 0)
		return res < 0 ? res : -EBADMSG;
	if (strchr("avr", type) == NULL)
		return read_basic(m, type, ret);

	if ((res = sd_bus_message_enter_container(m, type, contents)) < 0)
		return res;
	if (type == 'v') {
		res = segue_json_read(m, &value);
	} else if (type == 'a' && contents[0] == '{') {
		value = json_object_new_object();
		res = read_entries(m, value);
	} else {
		value = json_object_new_array();
		res = read_elements(m, value);
	}
	if (res < 0 || (res = sd_bus_message_exit_container(m)) < 0) {
		json_object_put(value);
		return res;
	}
	*ret = value;
	return 0;
}

/* one object of GetManagedObjects, without the interfaces every object has */
static json_object *flatten(const char *path, json_object *interfaces)
{
	json_object *flat = json_object_new_object();

	json_object_object_add(flat, "Object", json_object_new_string(path));
	json_object_object_foreach(interfaces, interface, properties) {
		if (!spa_strstartswith(interface, SEGUE_BUS_NAME "."))
			continue;
		json_object_object_foreach(properties, name, value)
			json_object_object_add(flat, name, json_object_get(value));
	}
	return flat;
}

static int compare_paths(const void *a, const void *b)
{
	/* buffer/10 comes after buffer/9 */
	return strverscmp(segue_json_text(*(json_object **)a, "Object"),
			segue_json_text(*(json_object **)b, "Object"));
}

int segue_json_read_objects(sd_bus_message *m, const char *below, json_object **ret)
{
	json_object *managed, *list;
	int res;

	if ((res = segue_json_read(m, &managed)) < 0)
		return res;
	list = json_object_new_array();
	json_object_object_foreach(managed, path, interfaces) {
		if (spa_strstartswith(path, below) && path[strlen(below)] == '/')
			json_object_array_add(list, flatten(path, interfaces));
	}
	json_object_put(managed);
	json_object_array_sort(list, compare_paths);
	*ret = list;
	return 0;
}

enum segue_exit segue_json_objects(struct segue_ctl *ctl, const char *below, json_object **ret)
{
	sd_bus_message *reply;
	enum segue_exit status;
	int res;

	if ((status = segue_bus_call(ctl, NULL, &reply, SEGUE_BUS_ROOT, SEGUE_BUS_OBJECTS,
					"GetManagedObjects", NULL)) != SEGUE_EXIT_OK)
		return status;
	res = segue_json_read_objects(reply, below, ret);
	sd_bus_message_unref(reply);
	return res < 0 ? segue_bus_fail_errno(ctl, res) : SEGUE_EXIT_OK;
}

const char *segue_json_text(json_object *object, const char *member)
{
	json_object *value = NULL;

	json_object_object_get_ex(object, member, &value);
	return value != NULL ? json_object_get_string(value) : NULL;
}

double segue_json_number(json_object *object, const char *member)
{
	json_object *value = NULL;

	json_object_object_get_ex(object, member, &value);
	return value != NULL ? json_object_get_double(value) : NAN;
}

void segue_json_print(json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}
