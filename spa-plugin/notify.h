/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_NOTIFY_H
#define SEGUE_NOTIFY_H

#include <stdbool.h>

#include <spa/support/loop.h>

#include <segue/handover.h>

/** \file
 * Tell of changes ten times a second at most: the first at once, those that follow together, the last
 * value always. The timer is disarmed when nothing changes. Main loop. */

struct segue_notify {
	void (*func)(void *data);
	void *data;
	struct spa_loop_utils *utils;
	struct spa_source *timer;
	bool armed, held, again;
};

/** \param utils  NULL: every change is told at once
 * \return 0 or a negative errno */
SEGUE_MAIN_LOOP int segue_notify_init(struct segue_notify *notify, struct spa_loop_utils *utils,
		void (*func)(void *data), void *data);
/** Accepts zeroed memory. */
SEGUE_MAIN_LOOP void segue_notify_clear(struct segue_notify *notify);
/** Something has changed. */
SEGUE_MAIN_LOOP void segue_notify(struct segue_notify *notify);

/** Several changes are about to be made that belong together; they have been made. */
SEGUE_MAIN_LOOP void segue_notify_hold(struct segue_notify *notify);
SEGUE_MAIN_LOOP void segue_notify_release(struct segue_notify *notify);

#endif /* SEGUE_NOTIFY_H */
