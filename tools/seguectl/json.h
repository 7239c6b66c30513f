/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_CTL_JSON_H
#define SEGUE_CTL_JSON_H

#include <json-c/json.h>

#include "ctl.h"

/** \file
 * The bus's objects as JSON: what --json prints, and what tables are made of.
 *
 * An object is flat: its properties under their D-Bus names, and its path as "Object". */

/** What stands at the message's place: one complete value; dictionaries become objects, variants what
 * they hold, numbers that JSON doesn't have null.
 * \return 0 or a negative errno */
int segue_json_read(sd_bus_message *m, json_object **ret);

/** All objects below a path, in the order of their names, as an array; out of the reply to GetManagedObjects.
 * \return 0 or a negative errno */
int segue_json_read_objects(sd_bus_message *m, const char *below, json_object **ret);
/** The same, asked for. */
enum segue_exit segue_json_objects(struct segue_ctl *ctl, const char *below, json_object **ret);

/** A member as text; NULL: there is none, or it is null. Borrowed from the object. */
const char *segue_json_text(json_object *object, const char *member);
/** A member as a number; NAN: there is none. */
double segue_json_number(json_object *object, const char *member);

/** Print on a line of its own, and free. */
void segue_json_print(json_object *object);

#endif /* SEGUE_CTL_JSON_H */
