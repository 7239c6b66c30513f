/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_BUS_PROPERTY_H
#define SEGUE_BUS_PROPERTY_H

#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

#include "../spa-plugin/control.h"

/** \file
 * Properties of the bus as data. An object's own are rows that say where in a struct the value stands;
 * a node's settings are the plugin's table. A vtable is built of both. */

/** Where a value of type "au" or "ad" stands. */
struct segue_bus_array {
	uint32_t n;
	const void *values;
};

struct segue_bus_row {
	const char *name;
	const char *type;	/**< s o u t d au ad, or (ddd): three doubles */
	size_t offset;
	uint64_t flags;		/**< SD_BUS_VTABLE_PROPERTY_* */
};

const struct segue_bus_row *segue_bus_row_find(const struct segue_bus_row *rows, uint32_t n_rows,
		const char *name);
int segue_bus_row_append(const struct segue_bus_row *row, const void *values, sd_bus_message *m);
/** Equal for equal values: to tell a change. */
uint64_t segue_bus_row_hash(const struct segue_bus_row *row, const void *values);

/** The signature a setting has on the bus. */
const char *segue_bus_setting_type(const struct segue_property *setting);
/** Whether a setting is a property of the interface for nodes of these types (SEGUE_PROPERTY_*). */
bool segue_bus_setting_of(const struct segue_property *setting, uint32_t types);
int segue_bus_value_append(const struct segue_value *value, sd_bus_message *m);
uint64_t segue_bus_value_hash(const struct segue_value *value);

/** What a vtable is built of. */
struct segue_bus_members {
	const sd_bus_vtable *methods;	/**< methods and signals, from START to END */
	const struct segue_bus_row *rows;
	uint32_t n_rows;
	sd_bus_property_get_t get_row;
	const struct segue_property *settings;
	uint32_t n_settings;
	uint32_t types;			/**< of the settings */
	sd_bus_property_get_t get_setting;
	sd_bus_property_set_t set_setting;
};

/** \return a vtable to be freed with free(), or NULL with errno */
sd_bus_vtable *segue_bus_vtable_new(const struct segue_bus_members *members);

#endif /* SEGUE_BUS_PROPERTY_H */
