/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_TEST_LOADS_H
#define SEGUE_TEST_LOADS_H

#include "load.h"
#include "sound.h"
#include "stage.h"
#include "store.h"

/** \file
 * Sounds from files on a stage, and who waits for them without a node. */

/** For a source at that rate. */
#define AT(hz)	(&(const struct segue_target) { .rate = (hz) })

struct segue_store_impl *store_of(struct stage *stage);

/** What a text of segue.load asks for; @ in it stands for the stage's directory and a slash.
 * \return NULL with an error */
struct segue_sound *try_load_text(struct stage *stage, const char *format, enum segue_kind kind,
		const struct segue_fence *fence, struct segue_error *error);
/** The same, which mustn't be refused. */
struct segue_sound *load_text(struct stage *stage, const char *format, enum segue_kind kind);
/** A file of the stage's. */
struct segue_sound *load_file(struct stage *stage, const char *name);

struct listener {
	struct segue_waiter waiter;
	uint32_t n_told;
	struct segue_error error;
};

void listener_begin(struct listener *listener, struct segue_sound *sound, const struct segue_target *target);
/** Run the main loop until it is told, once. */
void listener_wait(struct stage *stage, const struct listener *listener);
/** And that so. \param res  0, or that of the error */
void assert_told(struct stage *stage, const struct listener *listener, int res);

#endif /* SEGUE_TEST_LOADS_H */
