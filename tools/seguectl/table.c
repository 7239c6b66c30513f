/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "table.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <libsmartcols/libsmartcols.h>

#include "json.h"

#define CELL_MAX	256

char *segue_format_property(char *buf, size_t size, json_object *object, const char *property,
		enum segue_format format)
{
	const char *text = segue_json_text(object, property), *slash;
	double number = segue_json_number(object, property);

	if (format == SEGUE_FORMAT_DB && text == NULL)
		return segue_format_db(buf, size, -INFINITY);
	if (text == NULL || text[0] == '\0') {
		snprintf(buf, size, "-");
		return buf;
	}
	switch (format) {
	case SEGUE_FORMAT_TEXT:
		snprintf(buf, size, "%s", text);
		return buf;
	case SEGUE_FORMAT_GAIN:
		return segue_format_gain(buf, size, number);
	case SEGUE_FORMAT_DB:
		return segue_format_db(buf, size, number);
	case SEGUE_FORMAT_TIME:
		return segue_format_time(buf, size, number);
	case SEGUE_FORMAT_FREQUENCY:
		return segue_format_frequency(buf, size, number);
	case SEGUE_FORMAT_FRAMES:
		number /= segue_json_number(object, "Rate");
		return segue_format_time(buf, size, isfinite(number) ? number : 0.0);
	case SEGUE_FORMAT_BYTES:
		return segue_format_bytes(buf, size, number);
	case SEGUE_FORMAT_LAST:
		slash = strrchr(text, '/');
		snprintf(buf, size, "%s", slash == NULL || slash[1] == '\0' ? "-" : slash + 1);
		return buf;
	}
	return buf;
}

static int fill(struct libscols_table *table, const struct segue_column *columns, json_object *objects)
{
	char cell[CELL_MAX];

	for (size_t j = 0; columns[j].heading != NULL; j++) {
		bool text = columns[j].format == SEGUE_FORMAT_TEXT || columns[j].format == SEGUE_FORMAT_LAST;

		if (scols_table_new_column(table, columns[j].heading, 0,
					text ? SCOLS_FL_TRUNC : SCOLS_FL_RIGHT) == NULL)
			return -ENOMEM;
	}
	for (size_t i = 0; i < json_object_array_length(objects); i++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		if (line == NULL)
			return -ENOMEM;
		for (size_t j = 0; columns[j].heading != NULL; j++) {
			segue_format_property(cell, sizeof(cell), json_object_array_get_idx(objects, i),
					columns[j].property, columns[j].format);
			if (scols_line_set_data(line, j, cell) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

enum segue_exit segue_table_print(struct segue_ctl *ctl, const struct segue_column *columns,
		json_object *objects)
{
	struct libscols_table *table = scols_new_table();
	enum segue_exit status = SEGUE_EXIT_OK;

	if (table == NULL || fill(table, columns, objects) < 0 || scols_print_table(table) < 0)
		status = segue_fail_memory(ctl);
	scols_unref_table(table);
	return status;
}
