/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_BARRIER_H
#define SEGUE_BARRIER_H

#include <spa/support/loop.h>

#include <segue/handover.h>

/** Run func on the data loop, or in its place when it has no thread, and wait until it has run: nothing of
 * the node's runs on the data loop at the same time. Main thread only; for io, format and buffer changes,
 * start, stop, teardown and swaps of a node that isn't running; never per request on a running node. */
SEGUE_MAIN_LOOP void segue_barrier(struct spa_loop *data_loop, void (*func)(void *data) SEGUE_DATA_LOOP,
		void *data);

#endif /* SEGUE_BARRIER_H */
