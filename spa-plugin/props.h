/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_PROPS_H
#define SEGUE_PROPS_H

#include <stdbool.h>
#include <stdint.h>

#include <spa/pod/builder.h>
#include <spa/pod/pod.h>

#include <segue/handover.h>

#include "control.h"

/** \file
 * Props and PropInfo pods of a node, from and to its properties (control.h). Main loop.
 *
 * The properties of the node's table travel in `params`, a Struct(key, value, ...). Besides them every
 * node has SPA's own `volume`, `mute` and `channelVolumes`: set_props() and get() of a node take these keys
 * (SEGUE_VALUE_DOUBLE linear 0..16, _BOOL, _DOUBLES one per channel), its table doesn't list them.
 * What get() doesn't know (-ENXIO) is left out.
 *
 * \a adapted: the node is behind PipeWire's adapter. That has these three itself, shows them, and applies
 * `volume`; `mute` and `channelVolumes` it leaves to the node. */

/** Build the PropInfo object number `index`.
 * \return 1, 0 when there are no more, or a negative errno */
SEGUE_MAIN_LOOP int segue_props_build_info(struct segue_node *node, bool adapted, uint32_t index,
		struct spa_pod_builder *b, struct spa_pod **ret);

/** Build the Props object: what is set now.
 * \return 1 or a negative errno */
SEGUE_MAIN_LOOP int segue_props_build(struct segue_node *node, bool adapted, struct spa_pod_builder *b,
		struct spa_pod **ret);

/** Set what a Props object holds. Unknown keys are ignored. All values are checked before the first is
 * set, and a request (segue.load) is made before other settings: a bad one leaves everything as it was.
 * \return how many were set, or -EINVAL, -EROFS or another negative errno, with an error naming the key */
SEGUE_MAIN_LOOP int segue_props_set(struct segue_node *node, bool adapted, const struct spa_pod *props,
		struct segue_error *error);

#endif /* SEGUE_PROPS_H */
