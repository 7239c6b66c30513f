/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_BUS_ERROR_H
#define SEGUE_BUS_ERROR_H

#include <systemd/sd-bus.h>

#include "../spa-plugin/error.h"

/** Make text fit for the bus, which cuts off who sends anything but UTF-8: a '?' for each byte that is out of
 * place. File names, and what was shortened, may have some. */
void segue_bus_text_mend(char *text);
/** Append a text so mended, of any length, as a string. */
int segue_bus_text_append(sd_bus_message *m, const char *text);

/** Turn an error into a reply, for `return` in a handler.
 * \param node  the name of the node it is about, or NULL
 * \return negative, never 0 */
int segue_bus_error(sd_bus_error *ret, const char *node, const struct segue_error *error);
/** The same for a call that is answered later. */
void segue_bus_reply_error(sd_bus_message *m, const char *node, const struct segue_error *error);

#endif /* SEGUE_BUS_ERROR_H */
