/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_MAKE_MEMORY_H
#define SEGUE_MAKE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <segue/handover.h>

/** \file
 * The memory of buffers: prefaulted, page-locked where the limits allow, and every byte counted.
 *
 * Workers allocate (pending); the main loop moves the count on (live, retired) as the sound they belong to
 * goes on; who gives the memory back takes it off. All calls are thread-safe. */

enum segue_memory_state {
	SEGUE_MEMORY_PENDING,
	SEGUE_MEMORY_LIVE,
	SEGUE_MEMORY_RETIRED,
	SEGUE_MEMORY_STATES,
};

/** From this size on memory is mapped for itself, and given back by a worker in slices. */
#define SEGUE_MEMORY_LARGE	(256u * 1024u)

struct segue_memory;

/** \return a budget with one reference, or NULL with errno. It outlives all that was allocated from it:
 * each allocation holds a reference. */
struct segue_memory *segue_memory_new(size_t max);
struct segue_memory *segue_memory_ref(struct segue_memory *memory);
/** Accepts NULL. */
void segue_memory_unref(struct segue_memory *memory);
void segue_memory_set_max(struct segue_memory *memory, size_t max);
size_t segue_memory_max(const struct segue_memory *memory);
size_t segue_memory_bytes(const struct segue_memory *memory, enum segue_memory_state state);

/** Zeroed, aligned to 64 bytes, present in memory, counted as pending. Worker: large sizes take a while.
 * \return NULL with errno ENOMEM, or EDQUOT: over the budget */
SEGUE_WORKER void *segue_memory_alloc(struct segue_memory *memory, size_t size);
/** The same, but large sizes are not present in memory yet: populate() does that. Any thread, at once. */
void *segue_memory_reserve(struct segue_memory *memory, size_t size);
/** Make a reserved allocation present, while others may use it already. Worker: takes a while.
 * \param is_cancelled  asked between slices, with data; NULL: nobody cancels */
SEGUE_WORKER void segue_memory_populate(void *p, bool (*is_cancelled)(void *data), void *data);
/** Grow or shrink a pending allocation, keeping its contents; may move. \return as alloc; on failure the old
 * one stays valid. */
SEGUE_WORKER void *segue_memory_resize(struct segue_memory *memory, void *p, size_t size);
/** What is counted for an allocation: size rounded up as it is kept. */
size_t segue_memory_size(const void *p);
/** Count an allocation under another state. */
void segue_memory_move(struct segue_memory *memory, void *p, enum segue_memory_state state);
/** Give it back and take it off the count. Up to SEGUE_MEMORY_LARGE at once, any thread; above that
 * in slices with pauses, so that the process's memory map is never held for long: workers only.
 * Accepts NULL. */
void segue_memory_free(struct segue_memory *memory, void *p);

#endif /* SEGUE_MAKE_MEMORY_H */
