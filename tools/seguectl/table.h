/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_CTL_TABLE_H
#define SEGUE_CTL_TABLE_H

#include <json-c/json.h>

#include "ctl.h"

/** \file
 * Tables for people. */

/** How a column shows its property. */
enum segue_format {
	SEGUE_FORMAT_TEXT,	/**< as it is */
	SEGUE_FORMAT_GAIN,	/**< linear, shown in dB */
	SEGUE_FORMAT_DB,	/**< null: silence */
	SEGUE_FORMAT_TIME,
	SEGUE_FORMAT_FREQUENCY,
	SEGUE_FORMAT_FRAMES,	/**< shown as a time, by "Rate" */
	SEGUE_FORMAT_BYTES,
	SEGUE_FORMAT_LAST,	/**< a path, of which the last word is shown; "/": none */
};

struct segue_column {
	const char *heading;
	const char *property;
	enum segue_format format;
};

/** One property of an object as people read it; "-" for what it doesn't have. \return buf */
char *segue_format_property(char *buf, size_t size, json_object *object, const char *property,
		enum segue_format format);

/** Print one row per object, cut to the terminal's width if stdout is one.
 * \param columns  ends with an empty one */
enum segue_exit segue_table_print(struct segue_ctl *ctl, const struct segue_column *columns,
		json_object *objects);

#endif /* SEGUE_CTL_TABLE_H */
