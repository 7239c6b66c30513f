/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* busctl --user introspect org.segue.Segue1 /org/segue/Segue1/node/room org.segue.Segue1.Convolver
 * busctl --user set-property org.segue.Segue1 /org/segue/Segue1/node/room org.segue.Segue1.Convolver Wet d 0.5 */

#include "bus-private.h"

static const struct segue_bus_row rows[] = {
	{ "Length", "d", offsetof(struct segue_bus_node_values, info.length_sec), 0 },
};

static int get_value(sd_bus *sdbus, const char *path, const char *interface, const char *property,
		sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	return segue_bus_row_append(&rows[0], segue_bus_node_values(userdata), reply);
}

static const sd_bus_vtable methods[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_VTABLE_END
};

sd_bus_vtable *segue_bus_convolver_vtable(const struct segue_property *settings, uint32_t n_settings)
{
	const struct segue_bus_members members = {
		.methods = methods,
		.rows = rows,
		.n_rows = SPA_N_ELEMENTS(rows),
		.get_row = get_value,
		.settings = settings,
		.n_settings = n_settings,
		.types = SEGUE_PROPERTY_CONVOLVER,
		.get_setting = segue_bus_node_get_setting,
		.set_setting = segue_bus_node_set_setting,
	};
	return segue_bus_vtable_new(&members);
}
