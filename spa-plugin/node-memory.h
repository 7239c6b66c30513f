/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_NODE_MEMORY_H
#define SEGUE_NODE_MEMORY_H

#include <stddef.h>

#include <segue/handover.h>

/** \file
 * The memory an engine works in: held against a limit of its own, made present and given back by a worker. */

struct segue_store_impl;
struct segue_node_memory;

/** Zeroed, aligned to 64 bytes; to be used at once, and present a few milliseconds later.
 * \return NULL with errno: EDQUOT over the limit, or ENOMEM */
SEGUE_MAIN_LOOP struct segue_node_memory *segue_node_memory_new(struct segue_store_impl *store, size_t size);
SEGUE_MAIN_LOOP void *segue_node_memory_data(const struct segue_node_memory *m);
/** Nobody uses it any more. Accepts NULL. */
SEGUE_MAIN_LOOP void segue_node_memory_free(struct segue_node_memory *m);

#endif /* SEGUE_NODE_MEMORY_H */
