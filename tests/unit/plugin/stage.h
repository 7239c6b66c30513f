/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_TEST_STAGE_H
#define SEGUE_TEST_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <spa/node/io.h>
#include <spa/node/node.h>

#include "control.h"
#include "host.h"

/** \file
 * A source of the real plugin on PipeWire's loops, with real workers and files, whose cycles the test runs
 * itself: nothing happens on the data loop or the main loop but when it says so. */

#define STAGE_RATE		48000u
#define STAGE_EVENTS_MAX	4096u
#define STAGE_DEADLINE_MSEC	10000u

struct stage_finished {
	struct segue_finished finished;
	struct segue_error error;
};

struct stage_reclaimed {
	uint64_t id, bytes;
};

struct stage {
	struct host *host;
	struct spa_handle *store_handle, *handle;	/* handle NULL: the node is gone */
	struct segue_store *store;
	struct segue_node *node;
	struct spa_node *spa_node;
	struct spa_hook store_listener, node_listener;
	char dir[32];
	bool started;

	struct spa_io_position position;
	struct spa_io_buffers io;
	struct spa_buffer buffer;
	struct spa_data data;
	struct spa_chunk chunk;
	float out[8192];		/* of the last cycle */

	bool calling;			/* within request() */
	uint32_t n_finished, n_reclaimed, n_accepted, n_changes;
	struct stage_finished finished[STAGE_EVENTS_MAX];
	struct stage_reclaimed reclaimed[STAGE_EVENTS_MAX];
};

/** cmocka's setup and teardown. Teardown asserts that no memory and no sound is left. */
int stage_setup(void **state);
int stage_teardown(void **state);

/** The node goes, as PipeWire has it; what it told before stays in `finished`. */
void stage_destroy_node(struct stage *stage);
void stage_start(struct stage *stage);
void stage_stop(struct stage *stage);
/** Run cycles of so many frames: 1..8192. */
void stage_cycles(struct stage *stage, uint32_t n_cycles, uint32_t n_frames);
/** Go to another driver, whose clock stands there. */
void stage_change_clock(struct stage *stage, uint32_t id, uint64_t position);

/** Run the main loop until all requests up to this serial have been told of, cycles (of 256) meanwhile if the
 * node is started. */
void stage_wait(struct stage *stage, uint64_t serial);
/** Run the main loop until this many sounds have been reclaimed. */
void stage_wait_reclaimed(struct stage *stage, uint32_t n);
/** Run the main loop until a sound is in this state, or is the other name of one that is. */
void stage_wait_state(struct stage *stage, struct segue_sound *sound, enum segue_sound_state state);
/** What became of a request; it has been told, once. */
const struct stage_finished *stage_result(const struct stage *stage, uint64_t serial);

struct segue_sound *stage_wave(struct stage *stage, const char *wave);
/** \param options  NULL: none. \param error  may be NULL */
struct segue_sound *stage_load(struct stage *stage, const char *path, const struct segue_options *options,
		struct segue_error *error);
void stage_disown(struct stage *stage, struct segue_sound *sound);
struct segue_sound_info stage_info(struct stage *stage, struct segue_sound *sound);
struct segue_memory_info stage_memory(const struct stage *stage);
struct segue_node_info stage_node_info(const struct stage *stage);

/** Ask for a sound (NULL: silence), with no fade. \return its serial */
uint64_t stage_request(struct stage *stage, struct segue_sound *sound);
/** \param options  NULL: the default ones */
int stage_try_request(struct stage *stage, struct segue_sound *sound, const struct segue_options *options,
		uint64_t *ret, struct segue_error *error);
int stage_cancel(struct stage *stage, uint64_t serial);
int stage_set_number(struct stage *stage, const char *key, double d);
int stage_set_text(struct stage *stage, const char *key, const char *text, struct segue_error *error);
const char *stage_get_text(struct stage *stage, const char *key);
double stage_get_number(struct stage *stage, const char *key);

/** A WAV file whose frame i has the value i / rate in every channel; its path is valid until the next call. */
const char *stage_write_ramp(struct stage *stage, const char *name, uint32_t n_frames, uint32_t channels,
		uint32_t rate);
const char *stage_write_text(struct stage *stage, const char *name, const char *text);
/** A path below the stage's directory, valid until the next call. */
const char *stage_path(struct stage *stage, const char *name);

#endif /* SEGUE_TEST_STAGE_H */
