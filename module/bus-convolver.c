/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* busctl --user introspect org.segue.Segue1 /org/segue/Segue1/node/room org.segue.Segue1.Convolver
 * busctl --user set-property org.segue.Segue1 /org/segue/Segue1/node/room org.segue.Segue1.Convolver Wet d 0.5 */

#include "bus-private.h"

static const struct segue_bus_row rows[] = {
	{ "Length", "d", offsetof(struct segue_bus_node_values, info.length_sec), 0 },
};

static const sd_bus_vtable methods[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_VTABLE_END
};

const struct segue_bus_type segue_bus_convolver = {
	.name = "convolver",
	.interface = SEGUE_BUS_CONVOLVER,
	.flags = SEGUE_PROPERTY_CONVOLVER,
	.methods = methods,
	.rows = rows,
	.n_rows = SPA_N_ELEMENTS(rows),
};
