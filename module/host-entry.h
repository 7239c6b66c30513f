/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_HOST_ENTRY_H
#define SEGUE_HOST_ENTRY_H

#include "host.h"

/** \file
 * What an entry of `segue.nodes` says of itself. Main loop. */

/** Can a node be called so? NULL: it has no name. \return 0, or -EINVAL with an error */
int segue_entry_check_name(const char *name, struct segue_error *error);
/** Read its name, type and mode, and what form goes with that. \return 0, or -EINVAL with an error naming the key */
int segue_entry_read(const struct pw_properties *entry, struct segue_hosted *ret, struct segue_error *error);

#endif /* SEGUE_HOST_ENTRY_H */
