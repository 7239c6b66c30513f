/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "watch.h"

#include <spa/utils/defs.h>

#define LONG_PAUSE_NSEC	(SPA_NSEC_PER_SEC / 2)

/* Time between the end of the last cycle and the begin of this one. */
SEGUE_DATA_LOOP static int64_t gap_nsec(const struct spa_io_clock *last, const struct spa_io_clock *clock)
{
	uint64_t duration_nsec = last->duration * SPA_NSEC_PER_SEC / SPA_MAX(last->rate.denom, 1u);

	return (int64_t)(clock->nsec - last->nsec - duration_nsec);
}

struct segue_gap segue_watch_cycle(struct segue_watch *watch, const struct spa_io_clock *clock)
{
	const struct spa_io_clock *last = &watch->last;
	struct segue_gap gap = { false, 0 };
	/* a freewheeling clock's time isn't ours */
	bool real_time = !((last->flags | clock->flags) & SPA_IO_CLOCK_FLAG_FREEWHEEL);
	uint64_t expected = last->position + last->duration;

	if (last->duration > 0 && real_time) {
		gap.is_long = gap_nsec(last, clock) >= (int64_t)LONG_PAUSE_NSEC;
		if (!gap.is_long && !watch->paused && clock->id == last->id && clock->position > expected)
			gap.n_missed = SPA_MAX((clock->position - expected) / last->duration, (uint64_t)1);
	}
	watch->last = *clock;
	watch->paused = false;
	return gap;
}
