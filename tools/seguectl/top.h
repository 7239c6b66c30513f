/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_CTL_TOP_H
#define SEGUE_CTL_TOP_H

#include "status.h"

/** \file
 * What top's two faces share: a screen, and lines where there is none. */

/** Why there is nothing to see, once there was an answer; NULL: there is. */
const char *segue_top_trouble(const struct segue_status *status);

/** "live 1.2M of 1.0G, pending 0, retired 0". \return buf */
char *segue_top_format_memory(char *buf, size_t size, const struct segue_status *status);

/** Give each node members for what is a list on the bus: of CycleTime CycleMedian, CycleLong and CycleMax, in seconds,
 * unless it never ran; of Peak PeakMax. */
void segue_top_derive(json_object *nodes);

/** Show it until somebody presses q. */
enum segue_exit segue_top_screen(struct segue_status *status);

#endif /* SEGUE_CTL_TOP_H */
