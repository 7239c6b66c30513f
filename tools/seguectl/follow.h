/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_CTL_FOLLOW_H
#define SEGUE_CTL_FOLLOW_H

#include <json-c/json.h>

#include "ctl.h"

/** \file
 * What becomes of a request: its progress, its end, Ctrl-C and --timeout. */

struct segue_follow {
	struct segue_ctl *ctl;
	bool on_terminal;	/**< somebody watches stderr */
	bool on_screen;		/**< where a line can be written again */
	bool progress_shown;
	int interrupt;		/**< Ctrl-C as a descriptor; -1: it ends us */

	const char *node;	/**< whom it is about; NULL: nobody */
	char *node_path;
	/* the caller fills these in as it learns them; NULL and 0 before */
	char *name;		/**< of the sound, for the progress */
	char *buffer_path;
	uint64_t serial;	/* 0: the buffer is all that is asked for */

	/* what signals have told */
	bool loaded;
	char *load_error;	/**< why it failed; NULL: it didn't */
	bool service_gone;
	json_object *finished;	/**< the arguments of Finished, by their names; NULL: not yet */
};

/** Run what makes a request, or a load, and waits for it: signals are heard before, so that nothing is missed.
 * \param node  whom it is about, or NULL */
enum segue_exit segue_follow_run(struct segue_ctl *ctl, const char *node,
		enum segue_exit (*run)(struct segue_follow *follow));

/** From now on Ctrl-C cancels the request, or the load, instead of ending us. */
void segue_follow_catch_interrupt(struct segue_follow *follow);

/** Wait until the buffer is loaded, or the request has ended. Shows progress on a terminal. */
enum segue_exit segue_follow_load(struct segue_follow *follow);
/** Wait until the request has ended.
 * \return SEGUE_EXIT_OK: it is heard; anything else has been reported */
enum segue_exit segue_follow_finish(struct segue_follow *follow);

#endif /* SEGUE_CTL_FOLLOW_H */
