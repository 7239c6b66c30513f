/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_TEST_LOOP_FIXTURE_H
#define SEGUE_TEST_LOOP_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include <spa/support/log.h>
#include <spa/support/loop.h>
#include <spa/support/plugin.h>
#include <spa/support/system.h>

/** \file
 * PipeWire's own loop in a test, without a daemon: from its `support` library, which is looked for in
 * SPA_PLUGIN_DIR and then where PipeWire was installed. */

struct loop_fixture {
	void *library;
	struct spa_handle *log_handle, *system_handle, *loop_handle;
	struct spa_log *log;	/* errors only */
	struct spa_system *system;
	struct spa_loop *loop;
	struct spa_loop_control *control;
	struct spa_loop_utils *utils;
};

/** \return 0, or a negative errno with a line on stderr */
int loop_fixture_init(struct loop_fixture *f);
void loop_fixture_clear(struct loop_fixture *f);
/** Of the clock that timers go by. */
uint64_t loop_fixture_msec(void);
/** Run the loop until done(data), for at most msec. \return whether it was done */
bool loop_fixture_run_until(struct loop_fixture *f, bool (*done)(void *data), void *data, uint32_t msec);

#endif /* SEGUE_TEST_LOOP_FIXTURE_H */
