/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_TEST_FUZZ_MODULE_H
#define SEGUE_TEST_FUZZ_MODULE_H

#include <pipewire/pipewire.h>

#include "../../module/config.h"
#include "../../module/host.h"

#include "fuzz.h"

/** \file
 * What the module is made of: a context that reaches no PipeWire, and in it the real plugin. */

struct pw_context *fuzz_context(void);
/** The store, set up anew by each input.
 * \param config  its memory is made less */
struct segue_store *fuzz_module_store(const struct segue_store_config *config);
/** Hosts nodes that never enter a graph. */
struct segue_host *fuzz_host_new(void);
/** All nodes go, and nothing is live, pending or retired in the end. */
void fuzz_host_free(struct segue_host *host);
/** Run the main loop until nothing is. */
void fuzz_wait_reclaimed(void);

#endif /* SEGUE_TEST_FUZZ_MODULE_H */
