/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "bus-property.h"

#include <stdlib.h>
#include <string.h>

#include <spa/utils/string.h>

#include "bus-error.h"

/* FNV-1a, 64 bits */
static uint64_t hash(const void *data, size_t size)
{
	const uint8_t *p = data;
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < size; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* --------------------------------------------------------------- rows */

const struct segue_bus_row *segue_bus_row_find(const struct segue_bus_row *rows, uint32_t n_rows,
		const char *name)
{
	for (uint32_t i = 0; i < n_rows; i++)
		if (spa_streq(rows[i].name, name))
			return &rows[i];
	return NULL;
}

int segue_bus_row_append(const struct segue_bus_row *row, const void *values, sd_bus_message *m)
{
	const void *value = SPA_PTROFF(values, row->offset, void);
	const struct segue_bus_array *array = value;
	const double *d = value;

	switch (row->type[0]) {
	case 's':
		return segue_bus_text_append(m, *(const char *const *)value);
	case 'o':
		return sd_bus_message_append_basic(m, 'o', *(const char *const *)value);
	case 'a':
		return sd_bus_message_append_array(m, row->type[1], array->values,
				array->n * (row->type[1] == 'u' ? sizeof(uint32_t) : sizeof(double)));
	case '(':
		return sd_bus_message_append(m, "(ddd)", d[0], d[1], d[2]);
	default:
		return sd_bus_message_append_basic(m, row->type[0], value);
	}
}

uint64_t segue_bus_row_hash(const struct segue_bus_row *row, const void *values)
{
	const void *value = SPA_PTROFF(values, row->offset, void);
	const struct segue_bus_array *array = value;
	const char *str;

	switch (row->type[0]) {
	case 's':
	case 'o':
		str = *(const char *const *)value;
		return hash(str, strlen(str));
	case 'a':
		return hash(array->values,
				array->n * (row->type[1] == 'u' ? sizeof(uint32_t) : sizeof(double)));
	case 'u':
		return hash(value, sizeof(uint32_t));
	case '(':
		return hash(value, 3 * sizeof(double));
	default:
		return hash(value, sizeof(uint64_t));
	}
}

/* ----------------------------------------------------------- settings */

const char *segue_bus_setting_type(const struct segue_property *setting)
{
	static const char *const types[] = {
		[SEGUE_VALUE_BOOL] = "b",
		[SEGUE_VALUE_INT] = "i",
		[SEGUE_VALUE_DOUBLE] = "d",
		[SEGUE_VALUE_STRING] = "s",
		[SEGUE_VALUE_UINTS] = "au",
		[SEGUE_VALUE_DOUBLES] = "ad",
	};
	return types[setting->type];
}

bool segue_bus_setting_of(const struct segue_property *setting, uint32_t types)
{
	const uint32_t all = SEGUE_PROPERTY_SOURCE | SEGUE_PROPERTY_CONVOLVER;

	return setting->name != NULL && !(setting->flags & SEGUE_PROPERTY_REQUEST) &&
		(setting->flags & all) == types;
}

int segue_bus_value_append(const struct segue_value *value, sd_bus_message *m)
{
	int i;

	switch (value->type) {
	case SEGUE_VALUE_BOOL:
		i = value->b;
		return sd_bus_message_append_basic(m, 'b', &i);
	case SEGUE_VALUE_INT:
		i = value->i;
		return sd_bus_message_append_basic(m, 'i', &i);
	case SEGUE_VALUE_DOUBLE:
		return sd_bus_message_append_basic(m, 'd', &value->d);
	case SEGUE_VALUE_STRING:
		return segue_bus_text_append(m, value->s);
	case SEGUE_VALUE_UINTS:
		return sd_bus_message_append_array(m, 'u', value->u.values,
				value->u.n * sizeof(uint32_t));
	case SEGUE_VALUE_DOUBLES:
		return sd_bus_message_append_array(m, 'd', value->f.values,
				value->f.n * sizeof(double));
	}
	return -EINVAL;
}

uint64_t segue_bus_value_hash(const struct segue_value *value)
{
	switch (value->type) {
	case SEGUE_VALUE_BOOL:
		return value->b;
	case SEGUE_VALUE_INT:
		return value->i;
	case SEGUE_VALUE_DOUBLE:
		return hash(&value->d, sizeof(value->d));
	case SEGUE_VALUE_STRING:
		return hash(value->s, strlen(value->s));
	case SEGUE_VALUE_UINTS:
		return hash(value->u.values, value->u.n * sizeof(uint32_t));
	case SEGUE_VALUE_DOUBLES:
		return hash(value->f.values, value->f.n * sizeof(double));
	}
	return 0;
}

/* ------------------------------------------------------------- vtables */

static size_t count_methods(const sd_bus_vtable *methods)
{
	size_t n = 0;

	while (methods[n].type != _SD_BUS_VTABLE_END)
		n++;
	return n;
}

sd_bus_vtable *segue_bus_vtable_new(const struct segue_bus_members *members)
{
	size_t n = count_methods(members->methods);
	sd_bus_vtable *vtable;

	/* zeroed: sd-bus reads the unused parts of its unions */
	vtable = calloc(n + members->n_rows + members->n_settings + 1, sizeof(*vtable));
	if (vtable == NULL)
		return NULL;
	memcpy(vtable, members->methods, n * sizeof(*vtable));

	for (uint32_t i = 0; i < members->n_rows; i++) {
		const struct segue_bus_row *row = &members->rows[i];

		vtable[n++] = (sd_bus_vtable) SD_BUS_PROPERTY(row->name, row->type,
				members->get_row, 0, row->flags);
	}
	for (uint32_t i = 0; i < members->n_settings; i++) {
		const struct segue_property *s = &members->settings[i];
		const char *type = segue_bus_setting_type(s);

		if (!segue_bus_setting_of(s, members->types))
			continue;
		if (s->flags & (SEGUE_PROPERTY_READ_ONLY | SEGUE_PROPERTY_CREATE_ONLY))
			vtable[n++] = (sd_bus_vtable) SD_BUS_PROPERTY(s->name, type,
					members->get_setting, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE);
		else
			vtable[n++] = (sd_bus_vtable) SD_BUS_WRITABLE_PROPERTY(s->name, type,
					members->get_setting, members->set_setting, 0,
					SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE |
					SD_BUS_VTABLE_UNPRIVILEGED);
	}
	vtable[n] = (sd_bus_vtable) SD_BUS_VTABLE_END;
	return vtable;
}
