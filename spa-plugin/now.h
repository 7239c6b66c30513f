/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_NOW_H
#define SEGUE_NOW_H

#include <stdint.h>
#include <time.h>

#include <spa/utils/defs.h>

#include <segue/handover.h>

/** The main loop's time: CLOCK_MONOTONIC in nanoseconds, as clocks and timers of the graph have it. */
static inline SEGUE_MAIN_LOOP uint64_t segue_now_nsec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return SPA_TIMESPEC_TO_NSEC(&now);
}

#endif /* SEGUE_NOW_H */
