/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_TESTS_HOST_H
#define SEGUE_TESTS_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include <spa/node/io.h>
#include <spa/node/node.h>
#include <spa/support/log.h>
#include <spa/support/plugin.h>
#include <spa/utils/dict.h>

/** \file
 * What PipeWire does with an SPA node, without PipeWire: its own loops (from its support plugin), a data
 * thread that calls process() in cycle after cycle, ports with io areas and buffers.
 *
 * All functions run on the main thread, which is the main loop's; they fail the program with a message. */

#define HOST_PORTS_MAX		8u
#define HOST_QUANTUM_MAX	8192u
#define HOST_RATE		48000u

/** A cycle has been processed. Data thread.
 * \param out  what each output offers, n_frames values; NULL: nothing */
typedef void (*host_heard)(void *data, const struct spa_io_clock *clock, const float *const out[],
		uint32_t n_frames);

struct host;

/** Make the loops and start the data thread. \param log  NULL: silence */
struct host *host_new(struct spa_log *log);
/** Stop the thread; the node is gone already. */
void host_free(struct host *host);

const struct spa_support *host_support(const struct host *host, uint32_t *n_support);
/** Run the main loop for a while. */
void host_run(struct host *host, uint32_t msec);

/** Make a handle of a factory of an SPA library. */
struct spa_handle *host_load(struct host *host, const char *library, const char *factory,
		const struct spa_dict *info);
void host_unload(struct spa_handle *handle);

int host_accept_io(void *object, uint32_t id, void *data, size_t size);
int host_accept_command(void *object, const struct spa_command *command);
/** Methods of a node without ports that has nothing but a process(). */
#define HOST_NODE_METHODS(process_)	{ SPA_VERSION_NODE_METHODS, .set_io = host_accept_io, \
	.send_command = host_accept_command, .process = (process_) }

/** Put a node with that many audio ports on the graph: format, io, buffers, position, Start, cycles. */
void host_add_node(struct host *host, struct spa_node *node, uint32_t n_in, uint32_t n_out,
		host_heard heard, void *data);
/** Take it off: cycles, Pause, buffers, io. */
void host_remove_node(struct host *host);

/* while it is on the graph; process() goes on meanwhile, as it does in PipeWire */
/** Take the node from the data thread's cycles, or give it back, without telling the node. */
void host_schedule(struct host *host, bool scheduled);
void host_command(struct host *host, uint32_t command);
void host_set_position(struct host *host, bool set);
void host_set_io(struct host *host, enum spa_direction direction, uint32_t port, bool set);
void host_set_format(struct host *host, enum spa_direction direction, uint32_t port, bool set);
/** \param n_buffers  0..2 \param n_frames  the size of each */
void host_set_buffers(struct host *host, enum spa_direction direction, uint32_t port, uint32_t n_buffers,
		uint32_t n_frames);
/** From the next cycle on; at most HOST_QUANTUM_MAX. */
void host_set_quantum(struct host *host, uint32_t n_frames);
/** How many cycles there were. */
uint64_t host_cycles(const struct host *host);
/** Run the main loop until there were that many more cycles. */
void host_wait_cycles(struct host *host, uint64_t n_cycles);

#endif /* SEGUE_TESTS_HOST_H */
