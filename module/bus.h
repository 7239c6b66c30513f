/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_BUS_H
#define SEGUE_BUS_H

#include <pipewire/pipewire.h>

#include "../spa-plugin/control.h"
#include "config.h"
#include "host.h"

/** \file
 * The service on the session bus: org.segue.Segue1.xml. */

struct segue_bus;

/** Offer the store and the host's nodes on the session bus, now or as soon as there is one. Main loop.
 * \param config  its strings are borrowed
 * \return NULL with errno: only for want of memory */
struct segue_bus *segue_bus_new(struct pw_loop *loop, const struct segue_config *config,
		struct segue_store *store, struct segue_host *host);
/** Accepts NULL. */
void segue_bus_free(struct segue_bus *bus);

#endif /* SEGUE_BUS_H */
