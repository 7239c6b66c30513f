/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_CONFIG_H
#define SEGUE_CONFIG_H

#include <stdbool.h>

#include <pipewire/pipewire.h>

#include "../spa-plugin/control.h"

/** \file
 * What the configuration says: `segue.properties` under the module's arguments, and `segue.nodes`. */

struct segue_config {
	bool dbus;
	const char *dbus_name;
	struct segue_store_config store;
	/* what the strings above point into */
	struct pw_properties *properties;
	char **load_paths;
	char *save_path;	/**< the fragment `seguectl save` writes; "": there is no place for it */
};

/** Read the properties of all fragments, then the module's arguments over them. A bad value is
 * logged and its default stands. Main loop.
 * \param args  the module's, or NULL */
int segue_config_init(struct segue_config *config, struct pw_context *context, const char *args);
void segue_config_clear(struct segue_config *config);

/** Hand over each entry of `segue.nodes`, in the order of the fragments, those with `override` after all others:
 * PipeWire reads the user's fragments before the system's. What can't be read is logged and left out. Main loop.
 * \param entry     the callee owns it
 * \param location  the file it is from */
void segue_config_for_each_node(struct pw_context *context,
		void (*callback)(void *data, struct pw_properties *entry, const char *location), void *data);

#endif /* SEGUE_CONFIG_H */
