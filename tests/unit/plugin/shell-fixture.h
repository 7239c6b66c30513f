/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_TESTS_SHELL_FIXTURE_H
#define SEGUE_TESTS_SHELL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dummy-node.h"
#include "host.h"
#include "node-shell.h"

/** \file
 * A shell with two inputs, two outputs and a MIDI input around an engine that passes samples on, and what
 * its listener and its engine were told. */

#define IN	SPA_DIRECTION_INPUT
#define OUT	SPA_DIRECTION_OUTPUT

struct fixture {
	struct host *host;
	struct dummy_node control;
	struct segue_shell shell;
	struct spa_hook listener;
	/* main loop: what the shell told its listener */
	uint32_t n_infos, n_port_infos[2], n_results, last_seq;
	uint32_t props_flags;
	struct spa_dict node_props;
	char port_names[2][4][64], port_channels[2][4][16];
	uint8_t result[8192];
	/* main loop: what the engine was told */
	uint32_t n_started, n_stopped;
	/* data loop; atomics */
	uint32_t n_paused;
	uint32_t n_frames, rate;
	uint64_t position, n_silent_in, n_no_out, n_wrong_in, n_wrong_out, n_heard;
};

#define LOAD(v)		__atomic_load_n(&(v), __ATOMIC_RELAXED)

extern const struct segue_shell_ops shell_ops;
/** Its listener; the data is a fixture. */
extern const struct spa_node_events shell_events;

/* for cmocka */
int shell_setup(void **state);
int shell_teardown(void **state);
/** On the graph, with cycles running. */
int shell_setup_running(void **state);
int shell_teardown_running(void **state);

#endif /* SEGUE_TESTS_SHELL_FIXTURE_H */
