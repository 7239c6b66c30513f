/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_TEST_FUZZ_NODE_H
#define SEGUE_TEST_FUZZ_NODE_H

#include <spa/node/node.h>
#include <spa/support/plugin.h>

#include "control.h"

#include "fuzz.h"

/** \file
 * Nodes of the real plugin on PipeWire's loops, with real workers, whose cycles the target runs itself. Their store
 * stays from one input to the next. */

struct fuzz_node {
	struct spa_handle *handle;
	struct segue_node *control;
	struct spa_node *node;
};

/** The store: with little memory, and Props that may load what is in fuzz_folder(). */
struct segue_store *fuzz_store(void);
/** \param factory  SEGUE_FACTORY_*. \param is_device  with planar ports, for an adapter */
struct fuzz_node fuzz_node_new(const char *factory, bool is_device);
/** It goes, and with it all it had: nothing is live, pending or retired in the end but what is kept. */
void fuzz_node_free(struct fuzz_node *node, uint64_t bytes_kept);

/** A sound that is ready, to be disowned by nobody. */
struct segue_sound *fuzz_wave(const char *wave, double seconds);
uint64_t fuzz_bytes(void);

#endif /* SEGUE_TEST_FUZZ_NODE_H */
