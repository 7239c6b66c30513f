/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <spa/utils/defs.h>

#define ALIGNMENT	64u
#define SLICE		((size_t)2 << 20)	/* a huge page's size, where there are such */
#define PAUSE_NSEC	100000	/* between slices given back */

#ifndef MADV_POPULATE_WRITE
# define MADV_POPULATE_WRITE	23
#endif

struct segue_memory {
	/* all atomic, relaxed: counts that guard nothing else. Only refs orders, at the end. */
	size_t max;
	size_t total;	/* of all states: what is held against max */
	size_t bytes[SEGUE_MEMORY_STATES];
	size_t refs;
};

/* stands in front of what the caller gets */
struct header {
	struct segue_memory *memory;
	size_t size;	/* as kept and counted, this header included */
	uint32_t state;
	bool mapped;
	bool locked;
} __attribute__((aligned(ALIGNMENT)));

static inline struct header *header_of(const void *p)
{
	return (struct header *)p - 1;
}

/* ------------------------------------------------------------------ budget */

struct segue_memory *segue_memory_new(size_t max)
{
	struct segue_memory *memory = calloc(1, sizeof(*memory));

	if (memory == NULL)
		return NULL;
	memory->max = max;
	memory->refs = 1;
	return memory;
}

struct segue_memory *segue_memory_ref(struct segue_memory *memory)
{
	__atomic_add_fetch(&memory->refs, 1, __ATOMIC_RELAXED);
	return memory;
}

void segue_memory_unref(struct segue_memory *memory)
{
	/* acq_rel: whoever frees has seen all that others did before they let go */
	if (memory != NULL && __atomic_sub_fetch(&memory->refs, 1, __ATOMIC_ACQ_REL) == 0)
		free(memory);
}

void segue_memory_set_max(struct segue_memory *memory, size_t max)
{
	__atomic_store_n(&memory->max, max, __ATOMIC_RELAXED);
}

size_t segue_memory_max(const struct segue_memory *memory)
{
	return __atomic_load_n(&memory->max, __ATOMIC_RELAXED);
}

size_t segue_memory_bytes(const struct segue_memory *memory, enum segue_memory_state state)
{
	return __atomic_load_n(&memory->bytes[state], __ATOMIC_RELAXED);
}

static int budget_take(struct segue_memory *memory, size_t size)
{
	size_t total = __atomic_load_n(&memory->total, __ATOMIC_RELAXED), max;

	do {
		max = segue_memory_max(memory);
		if (size > max || total > max - size)
			return -EDQUOT;
	} while (!__atomic_compare_exchange_n(&memory->total, &total, total + size, true,
				__ATOMIC_RELAXED, __ATOMIC_RELAXED));
	__atomic_add_fetch(&memory->bytes[SEGUE_MEMORY_PENDING], size, __ATOMIC_RELAXED);
	return 0;
}

static void budget_give(struct segue_memory *memory, enum segue_memory_state state, size_t size)
{
	__atomic_sub_fetch(&memory->bytes[state], size, __ATOMIC_RELAXED);
	__atomic_sub_fetch(&memory->total, size, __ATOMIC_RELAXED);
}

/* ------------------------------------------------------------------- pages */

/* A write to each page makes it present; done in slices so that the map is never held for long. Locking is
 * a favour of the system: the first refusal ends it, and what is locked stays so until it is unmapped. */
static void make_present(struct header *h, size_t from)
{
	size_t page = sysconf(_SC_PAGESIZE), at, i, end;
	volatile uint8_t *bytes = (volatile uint8_t *)h;
	bool lock = true;

	for (at = 0; at < h->size; at = end) {
		end = SPA_MIN(at + SLICE, h->size);
		for (i = SPA_MAX(at, from); i < end; i += page)
			bytes[i] = 0;
		lock = lock && mlock((uint8_t *)h + at, end - at) == 0;
		h->locked = h->locked || lock;
	}
}

void segue_memory_populate(void *p, bool (*is_cancelled)(void *data), void *data)
{
	struct header *h = header_of(p);
	bool lock = true;
	size_t at, n;

	for (at = 0; h->mapped && at < h->size && !(is_cancelled != NULL && is_cancelled(data)); at += n) {
		n = SPA_MIN(SLICE, h->size - at);
		/* Linux 5.14; before it only locking does this, or the first use */
		(void)madvise((uint8_t *)h + at, n, MADV_POPULATE_WRITE);
		lock = lock && mlock((uint8_t *)h + at, n) == 0;
		h->locked = h->locked || lock;
	}
}

static void unlock(struct header *h)
{
	size_t at;

	for (at = 0; h->locked && at < h->size; at += SLICE)
		munlock((uint8_t *)h + at, SPA_MIN(SLICE, h->size - at));
	h->locked = false;
}

static void unmap(struct header *h)
{
	static const struct timespec pause = { .tv_nsec = PAUSE_NSEC };
	size_t size = h->size, at, n;	/* the header goes with the first slice */

	unlock(h);
	for (at = 0; at < size; at += n) {
		n = SPA_MIN(SLICE, size - at);
		madvise((uint8_t *)h + at, n, MADV_DONTNEED);
		if (at + n < size)
			nanosleep(&pause, NULL);
	}
	munmap(h, size);
}

/* -------------------------------------------------------------- allocation */

/* What a request of this size takes: the header, rounded up; 0: more than there can be. */
static size_t kept_size(size_t size, bool mapped)
{
	size_t unit = mapped ? (size_t)sysconf(_SC_PAGESIZE) : ALIGNMENT;

	if (size > SIZE_MAX / 2)
		return 0;
	return SPA_ROUND_UP_N(size + sizeof(struct header), unit);
}

/* In huge pages where the size and the system allow: what streams through large spectra looks up fewer pages. */
static struct header *map(size_t size)
{
	size_t spare = size >= SLICE ? SLICE : 0, before;
	uint8_t *p = mmap(NULL, size + spare, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (spare == 0)
		return (struct header *)p;
	before = SPA_PTR_ALIGN(p, SLICE, uint8_t) - p;
	if (before > 0)
		munmap(p, before);
	if (before < spare)
		munmap(p + before + size, spare - before);
	(void)madvise(p + before, size, MADV_HUGEPAGE);
	return (struct header *)(p + before);
}

static struct header *get(size_t size, bool mapped)
{
	void *p;

	if (mapped)
		return map(size);
	if (posix_memalign(&p, ALIGNMENT, size) != 0)
		return NULL;
	return memset(p, 0, size);
}

void *segue_memory_reserve(struct segue_memory *memory, size_t size)
{
	bool mapped = size >= SEGUE_MEMORY_LARGE;
	size_t kept = kept_size(size, mapped);
	struct header *h;

	if (kept == 0 || budget_take(memory, kept) < 0) {
		errno = EDQUOT;
		return NULL;
	}
	if ((h = get(kept, mapped)) == NULL) {
		budget_give(memory, SEGUE_MEMORY_PENDING, kept);
		errno = ENOMEM;
		return NULL;
	}
	*h = (struct header) { .memory = memory, .size = kept, .state = SEGUE_MEMORY_PENDING,
		.mapped = mapped };
	__atomic_add_fetch(&memory->refs, 1, __ATOMIC_RELAXED);
	return h + 1;
}

void *segue_memory_alloc(struct segue_memory *memory, size_t size)
{
	void *p = segue_memory_reserve(memory, size);

	if (p != NULL && header_of(p)->mapped)
		make_present(header_of(p), sizeof(struct header));
	return p;
}

static void *resize_by_copy(struct header *h, size_t size)
{
	void *p = segue_memory_alloc(h->memory, size);

	if (p == NULL)
		return NULL;
	memcpy(p, h + 1, SPA_MIN(size, h->size - sizeof(*h)));
	segue_memory_free(h->memory, h + 1);
	return p;
}

void *segue_memory_resize(struct segue_memory *memory, void *p, size_t size)
{
	struct header *h = header_of(p), *moved;
	size_t old = h->size, kept = kept_size(size, true);

	if (!h->mapped)
		return resize_by_copy(h, size);
	if (kept == 0 || (kept > old && budget_take(memory, kept - old) < 0)) {
		errno = EDQUOT;
		return NULL;
	}
	/* what is locked in part lies in several areas, which can't be moved as one; should the system
	 * keep them apart, copy */
	unlock(h);
	if ((moved = mremap(h, old, kept, MREMAP_MAYMOVE)) == MAP_FAILED) {
		if (kept > old)
			budget_give(memory, SEGUE_MEMORY_PENDING, kept - old);
		return resize_by_copy(h, size);
	}
	if (kept < old)
		budget_give(memory, moved->state, old - kept);
	moved->size = kept;
	make_present(moved, SPA_MIN(old, kept));
	return moved + 1;
}

size_t segue_memory_size(const void *p)
{
	return header_of(p)->size;
}

void segue_memory_move(struct segue_memory *memory, void *p, enum segue_memory_state state)
{
	struct header *h = header_of(p);

	__atomic_add_fetch(&memory->bytes[state], h->size, __ATOMIC_RELAXED);
	__atomic_sub_fetch(&memory->bytes[h->state], h->size, __ATOMIC_RELAXED);
	h->state = state;
}

void segue_memory_free(struct segue_memory *memory, void *p)
{
	struct header *h, info;

	if (p == NULL)
		return;
	h = header_of(p);
	info = *h;
	if (h->mapped)
		unmap(h);
	else
		free(h);
	budget_give(memory, info.state, info.size);
	segue_memory_unref(memory);
}
