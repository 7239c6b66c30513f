/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "barrier.h"

#include <errno.h>
#include <time.h>

#define RETRY_NSEC	1000000L

struct call {
	void (*func)(void *data) SEGUE_DATA_LOOP;
	void *data;
};

SEGUE_DATA_LOOP static int do_call(struct spa_loop *loop, bool async, uint32_t seq, const void *data, size_t size,
		void *user_data)
{
	const struct call *call = user_data;

	call->func(call->data);
	return 0;
}

void segue_barrier(struct spa_loop *data_loop, void (*func)(void *data) SEGUE_DATA_LOOP, void *data)
{
	struct call call = { func, data };

	/* -EPIPE: the loop's queue was full and func did not run. Going on would free what the data loop
	 * still uses, so this is the one place that waits for as long as it takes. */
	while (spa_loop_invoke(data_loop, do_call, 0, NULL, 0, true, &call) == -EPIPE) {
		struct timespec pause = { 0, RETRY_NSEC };

		nanosleep(&pause, NULL);
	}
}
