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
	uint32_t has_run;	/* atomic */
};

SEGUE_DATA_LOOP static int do_call(struct spa_loop *loop, bool async, uint32_t seq, const void *data, size_t size,
		void *user_data)
{
	struct call *call = user_data;

	call->func(call->data);
	/* release, paired with the acquire in segue_barrier(), which returns after this */
	__atomic_store_n(&call->has_run, 1, __ATOMIC_RELEASE);
	return 0;
}

static void wait_a_little(void)
{
	struct timespec pause = { 0, RETRY_NSEC };

	nanosleep(&pause, NULL);
}

void segue_barrier(struct spa_loop *data_loop, void (*func)(void *data) SEGUE_DATA_LOOP, void *data)
{
	struct call call = { func, data };
	int res;

	/* -EPIPE: the loop's queue was full and func did not run. Going on would free what the data loop
	 * still uses, so this is the one place that waits for as long as it takes. */
	while ((res = spa_loop_invoke(data_loop, do_call, 0, NULL, 0, true, &call)) == -EPIPE)
		wait_a_little();
	/* a signal ends the loop's own wait before func has run, and from then on each such wait is that of the
	 * call before */
	while (res >= 0 && !__atomic_load_n(&call.has_run, __ATOMIC_ACQUIRE))
		wait_a_little();
}
