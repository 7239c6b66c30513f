/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_NODE_SHELL_H
#define SEGUE_NODE_SHELL_H

#include <stdbool.h>
#include <stdint.h>

#include <spa/node/node.h>
#include <spa/support/log.h>
#include <spa/support/loop.h>
#include <spa/support/plugin.h>
#include <spa/utils/dict.h>
#include <spa/utils/hook.h>

#include "control.h"
#include "notify.h"
#include "rt/ports.h"
#include "shell-info.h"
#include "shell-port.h"

/** \file
 * What every SPA node repeats: a raw node with mono float DSP ports and perhaps a MIDI input, around
 * an engine that only knows arrays of floats. Or a device: the same engine shown as a node with the inputs
 * and a node with the outputs, each with one planar port, as PipeWire's adapter wants them.
 *
 * Embed a `struct segue_shell`, give it an ops table, and hand out `&shell->sides[0].node` as the handle's
 * SPA_TYPE_INTERFACE_Node: that one runs the engine. Of a device with inputs it is theirs; in the same cycle the
 * one with the outputs, `&shell->sides[1].node`, is ready by its callback.
 *
 * Properties are read and set through `struct segue_node` (control.h); a change the node tells of flips the serial
 * of Props, at most ten times a second.
 *
 * Everything here runs on the main loop but ops->process() and ops->paused(). */

struct segue_shell_ops {
	/** Data loop: render one cycle. */
	void (*process)(void *data, const struct segue_cycle *cycle) SEGUE_DATA_LOOP;
	/** Through the barrier: the node has been put on the graph or taken off it. */
	void (*paused)(void *data) SEGUE_DATA_LOOP;
	/** Main loop, after it: process() will be called from now on; or isn't any more. May be NULL. */
	void (*started)(void *data);
	void (*stopped)(void *data);
};

struct segue_shell_config {
	const char *name;		/**< of a node without node.name */
	const char *category;		/**< media.category of a node without: "Source", "Filter" */
	const uint32_t *in, *out;	/**< channel ids (enum spa_audio_channel) */
	uint32_t n_in, n_out;		/**< 0..SEGUE_PORT_CHANNELS_MAX */
	bool midi_in;			/**< one more input, after the others */
	bool is_device;
	enum spa_direction front;	/**< of a device: the side that shows properties */
};

/** A node as the graph sees it: the whole of a raw one, or a side of a device. */
struct segue_shell_side {
	struct spa_node node;		/**< SPA_TYPE_INTERFACE_Node */
	struct spa_node_methods methods;
	struct segue_shell *shell;
	bool has[2];			/* ports of this direction */
	bool has_props;
	struct spa_hook_list hooks;
	struct segue_shell_info info;
	struct spa_callbacks callbacks;	/* data loop's; the main loop's only within the barrier */
};

struct segue_shell {
	struct segue_shell_side sides[2];
	/* main loop, constant once initialised */
	struct spa_log *log;
	struct spa_loop *data_loop;
	const struct segue_shell_ops *ops;
	void *data;
	struct segue_node *control;
	const char *name;		/* for the log */
	uint32_t quantum_limit;
	bool is_device;
	uint32_t n_sides;
	uint32_t n_ports[2];		/* by direction */
	/* main loop */
	struct spa_hook control_listener;
	struct segue_notify props_changed;
	bool started;
	struct spa_process_latency_info latency;
	struct segue_shell_port *ports[2];	/* by direction, n_ports of each */
	/* data loop; the main loop's only within the barrier */
	struct segue_ports *rt;
};

/** Make the shell. Its memory may be anything.
 * \param info  the handle's; borrowed for the call. Read: node.name, node.description, media.category,
 *              media.role, clock.quantum-limit
 * \param node  properties; its methods must work already. Outlives the shell
 * \return 0, -EINVAL without a data loop, or -ENOMEM */
SEGUE_MAIN_LOOP int segue_shell_init(struct segue_shell *shell, const struct spa_support *support,
		uint32_t n_support, const struct spa_dict *info, const struct segue_shell_config *config,
		struct segue_node *node, const struct segue_shell_ops *ops, void *data);

/** What passes through takes this long: told as ProcessLatency, and added to the ports' Latency. */
SEGUE_MAIN_LOOP void segue_shell_set_latency(struct segue_shell *shell, uint64_t nsec);

/** Undo it. The data loop has let go of the node: process() isn't called any more. Accepts a shell whose
 * init failed, and zeroed memory. */
SEGUE_MAIN_LOOP void segue_shell_clear(struct segue_shell *shell);

#endif /* SEGUE_NODE_SHELL_H */
