/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_TEST_REQUESTS_H
#define SEGUE_TEST_REQUESTS_H

#include "stage.h"

/** \file
 * Requests of a stage's node, and what became of them. */

struct segue_sound *ready_wave(struct stage *stage, const char *wave);

/** With the node's own fade. \return its serial */
uint64_t request_at(struct stage *stage, struct segue_sound *sound, uint64_t at);
uint64_t request_with_fade(struct stage *stage, struct segue_sound *sound, double fade);

void assert_applied(const struct stage *stage, uint64_t serial);
void assert_superseded(const struct stage *stage, uint64_t serial);
void assert_failed(const struct stage *stage, uint64_t serial, int res);

#endif /* SEGUE_TEST_REQUESTS_H */
