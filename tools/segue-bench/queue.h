/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_BENCH_QUEUE_H
#define SEGUE_BENCH_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "strategies.h"

/** \file
 * A queue of pointers, one producer, one consumer, for the strategies that aren't ours. */

#define SEGUE_QUEUE_SIZE	256u

struct segue_queue {
	uint32_t written;
	SEGUE_APART(pad_written);
	uint32_t taken;
	SEGUE_APART(pad_taken);
	void *slots[SEGUE_QUEUE_SIZE];
};

static inline bool segue_queue_push(struct segue_queue *q, void *p)
{
	if (q->written - __atomic_load_n(&q->taken, __ATOMIC_ACQUIRE) == SEGUE_QUEUE_SIZE)
		return false;
	q->slots[q->written % SEGUE_QUEUE_SIZE] = p;
	__atomic_store_n(&q->written, q->written + 1, __ATOMIC_RELEASE);
	return true;
}

static inline void *segue_queue_pop(struct segue_queue *q)
{
	void *p;

	if (__atomic_load_n(&q->written, __ATOMIC_ACQUIRE) == q->taken)
		return NULL;
	p = q->slots[q->taken % SEGUE_QUEUE_SIZE];
	__atomic_store_n(&q->taken, q->taken + 1, __ATOMIC_RELEASE);
	return p;
}

#endif /* SEGUE_BENCH_QUEUE_H */
