/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_HOST_H
#define SEGUE_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include <pipewire/impl.h>
#include <pipewire/pipewire.h>

#include "../spa-plugin/control.h"

/** \file
 * The nodes this process hosts, and its connection to PipeWire. Everything here runs on the main loop.
 *
 * Inside the daemon there is no connection: nodes are registered in its own graph. Elsewhere one
 * connection serves all nodes. It may go and come back; a hosted node, its sound and its properties
 * stay. */

#define SEGUE_NAME_MAX	64
#define SEGUE_KEY_MODE	"segue.mode"
#define SEGUE_KEY_LOAD	"segue.load"
#define SEGUE_KEY_WAVE	"segue.wave"
#define SEGUE_KEY_LOOP_NAME	"node.loop.name"	/* of PipeWire 1.2 and later */

struct segue_host;
struct segue_hosted;

/** How a node is shown to the graph: as it is, or as a device. */
struct segue_host_form {
	/** Load the plugin's handle and apply the entry's segue.* keys.
	 * \param hosted  its type, name and mode are known; its node is filled in
	 * \param entry  as in `segue.nodes`; borrowed
	 * \return NULL with an error */
	void *(*new)(struct pw_context *context, struct segue_hosted *hosted,
			const struct pw_properties *entry, struct segue_error *error);
	/** Leave the graph and unload the handle; its outstanding requests end. */
	void (*free)(void *object);
	/** Enter the graph, as soon as it is ready for it: through a connection, or with NULL that of this
	 * process, the daemon, as nodes that need no connection do there. */
	int (*connect)(void *object, struct pw_core *core);
	/** Leave the graph. The node isn't told that PipeWire is gone: it may be the node that goes. */
	void (*disconnect)(void *object);
	bool needs_core;
};

#define SEGUE_HOSTED_IDS	2u

/** One hosted node. Read-only for everybody but the host. */
struct segue_hosted {
	struct spa_list link;
	struct segue_host *host;
	char name[SEGUE_NAME_MAX + 1];
	const char *type;		/**< "source", "convolver" */
	const char *mode;		/**< "dsp", "sink", "mic", "stream" */
	struct segue_node *node;	/**< the plugin's side of it */
	uint32_t ids[SEGUE_HOSTED_IDS];	/**< in the graph; of a device first that of the node applications choose */
	uint32_t n_ids;			/**< 0: it isn't there */
	bool waits;			/**< not there before its first sound is made */
	struct pw_properties *entry;	/**< what it was made with, as in `segue.nodes` */
	/* the host's own */
	const struct segue_host_form *form;
	void *object;			/* of the form */
	int removed_seq;		/* of the question whether PipeWire is still there */
	bool removed;			/* gone from the graph by someone's order */
	bool left_out;			/* not in the graph for want of something; tried again */
};

/** One listener: the bus. */
struct segue_host_events {
	void (*added)(void *data, struct segue_hosted *hosted);
	/** its ids came or went */
	void (*ids_changed)(void *data, struct segue_hosted *hosted);
	/** about to go; the last moment for \a hosted->node is within this call */
	void (*removing)(void *data, struct segue_hosted *hosted);
	/** it has gone, and every request of it has ended */
	void (*removed)(void *data, const char *name);
};

/** Connect to PipeWire, or begin to try. */
struct segue_host *segue_host_new(struct pw_context *context);
/** Take all nodes down, and the connection. Accepts NULL. */
void segue_host_free(struct segue_host *host);
/** \param events  NULL: none any more */
void segue_host_set_events(struct segue_host *host, const struct segue_host_events *events, void *data);

/** Host another node.
 * \param entry  as in `segue.nodes`; the host owns it from here, also on failure
 * \return NULL with an error: -EINVAL naming the key, -EEXIST the name is taken, or the plugin's */
struct segue_hosted *segue_host_add(struct segue_host *host, struct pw_properties *entry,
		struct segue_error *error);
/** The same for an entry of `segue.nodes`, where `type = none` with `override` takes a node away.
 * \param is_saved  it is what we wrote ourselves: nobody else has it
 * \return 0 or a negative errno with an error */
int segue_host_configure(struct segue_host *host, struct pw_properties *entry, bool is_saved,
		struct segue_error *error);
/** The names that the configuration has, but for what we wrote, and that are no nodes any more.
 * \param state  NULL at first */
const char *segue_host_next_destroyed(struct segue_host *host, void **state);
void segue_host_remove(struct segue_hosted *hosted);
/** A list of struct segue_hosted by link. */
struct spa_list *segue_host_list(struct segue_host *host);
/** Whether nodes can be in a graph now. */
bool segue_host_connected(const struct segue_host *host);
/** Whether they can, or there is a PipeWire that is just about to answer. */
bool segue_host_reachable(const struct segue_host *host);

/** Have a timer come once, so much later. \param nsec  0: not any more */
void segue_host_arm_timer(struct pw_loop *loop, struct spa_source *timer, uint64_t nsec);

/* for the forms: what became of a node in the graph */
void segue_host_set_ids(struct segue_hosted *hosted, const uint32_t ids[], uint32_t n_ids);
void segue_host_lost(struct segue_hosted *hosted);
/** It couldn't enter: \a res is a negative errno. */
void segue_host_left_out(struct segue_hosted *hosted, int res);

#endif /* SEGUE_HOST_H */
