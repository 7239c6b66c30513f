/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_HOST_TAIL_H
#define SEGUE_HOST_TAIL_H

#include "host.h"

/** \file
 * Keeps a sink running until its tail has rung out. Main loop.
 *
 * PipeWire stops what nobody plays to at once, and with it the sink, whose own link to the hardware is passive.
 * What keeps a group of nodes running is a link that isn't: here, that of a small node to itself, which is
 * in the sink's group and active as long as the sink has something to say. */

struct segue_tail;

/** \param device  its name and node
 * \param properties  of its nodes, whose group this one joins; borrowed
 * \return NULL with errno */
struct segue_tail *segue_tail_new(struct pw_context *context, const struct segue_hosted *device,
		const struct pw_properties *properties);
/** Accepts NULL. */
void segue_tail_free(struct segue_tail *tail);

int segue_tail_connect(struct segue_tail *tail, struct pw_core *core);
void segue_tail_disconnect(struct segue_tail *tail);
/** The sink runs, or doesn't any more. */
void segue_tail_set_running(struct segue_tail *tail, bool running);

#endif /* SEGUE_HOST_TAIL_H */
