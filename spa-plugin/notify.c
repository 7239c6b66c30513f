/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "notify.h"

#include <errno.h>

#include <spa/utils/defs.h>

#define INTERVAL_NSEC	(100 * SPA_NSEC_PER_MSEC)

void segue_notify(struct segue_notify *notify)
{
	struct timespec value = { .tv_nsec = INTERVAL_NSEC }, once = { 0 };

	notify->again = notify->armed || notify->held;
	if (notify->again)
		return;
	if (notify->timer != NULL) {
		spa_loop_utils_update_timer(notify->utils, notify->timer, &value, &once, false);
		notify->armed = true;
	}
	notify->func(notify->data);
}

void segue_notify_hold(struct segue_notify *notify)
{
	notify->held = true;
}

void segue_notify_release(struct segue_notify *notify)
{
	notify->held = false;
	if (notify->again)
		segue_notify(notify);
}

static void on_timer(void *data, uint64_t expirations)
{
	struct segue_notify *notify = data;

	notify->armed = false;
	if (notify->again)
		segue_notify(notify);
}

int segue_notify_init(struct segue_notify *notify, struct spa_loop_utils *utils, void (*func)(void *data),
		void *data)
{
	*notify = (struct segue_notify) { .func = func, .data = data, .utils = utils };
	if (utils == NULL)
		return 0;
	notify->timer = spa_loop_utils_add_timer(utils, on_timer, notify);
	return notify->timer != NULL ? 0 : -errno;
}

void segue_notify_clear(struct segue_notify *notify)
{
	if (notify->timer != NULL)
		spa_loop_utils_destroy_source(notify->utils, notify->timer);
	*notify = (struct segue_notify) { 0 };
}
