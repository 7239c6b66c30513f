/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_NODE_H
#define SEGUE_NODE_H

#include <stdbool.h>

#include <spa/support/log.h>
#include <spa/support/loop.h>
#include <spa/utils/dict.h>

#include "collector.h"
#include "control.h"
#include "outbox.h"
#include "properties.h"
#include "rt/response.h"
#include "rt/statistics.h"
#include "sound.h"
#include "store.h"

/** \file
 * The main-loop half of every node: properties, requests, and what becomes of them. It knows its engine as
 * a handover to send commands into and a few functions to call through the barrier. */

/** How a type of node that plays notes is told of them. */
struct segue_keys_type {
	uint32_t note_on, note_off, notes_off, play, stop;	/**< commands to its engine */
	/* main loop: beside the commands */
	void (*release_key)(void *engine, uint8_t key);
	bool (*is_releasing)(const void *engine, uint8_t key);
	uint32_t (*count_voices)(const void *engine);
};

/** What a type of node brings. */
struct segue_node_type {
	const char *name;				/**< "source" */
	enum segue_kind kind;				/**< of what is loaded for it, unless told otherwise */
	const struct segue_property *properties;	/**< common ones first */
	uint32_t n_properties;
	uint32_t cancel, volume;			/**< commands to its engine */
	uint32_t commands[SEGUE_PROPERTIES_MAX];	/**< by property; 0: it isn't the engine's business */
	/* through the barrier */
	void (*forget)(void *engine) SEGUE_DATA_LOOP;	/**< a long pause made its history silence; NULL: it has none */
	void (*settle)(void *engine) SEGUE_DATA_LOOP;
	void (*lose_clock)(void *engine) SEGUE_DATA_LOOP;
	void (*drain)(void *engine) SEGUE_DATA_LOOP;
	const struct segue_keys_type *keys;		/**< NULL: it plays none */
};

struct segue_claim;

/** What a node is made of; all outlive it. */
struct segue_node_config {
	const struct spa_dict *info;	/**< of its handle; borrowed for init */
	struct segue_store_impl *store;
	struct spa_log *log;
	struct spa_loop *data_loop;
	const struct segue_node_type *type;
	void *engine;
	struct segue_handover *handover;
	struct segue_statistics *statistics;
	uint32_t n_in, n_channels;	/**< audio inputs and outputs */
	uint64_t frames_max;		/**< of a response, as far as the engine goes */
};

struct segue_node_impl {
	struct segue_node iface;
	char name[SEGUE_LABEL_MAX];	/* node.name, for the log */
	struct segue_store_impl *store;
	struct spa_log *log;
	struct spa_loop *data_loop;
	const struct segue_node_type *type;
	void *engine;
	struct segue_handover *handover;
	struct segue_statistics *statistics;
	struct spa_hook_list listeners;
	struct segue_collected collected;
	uint32_t n_in, n_channels;
	uint64_t frames_max;

	bool connected;
	bool running;
	uint64_t changed_nsec;		/* when it last started or stopped */
	uint64_t cycles_at_start;
	uint32_t rate;			/* Hz; 0: no cycle yet */

	double values[SEGUE_PROPERTIES_MAX];
	double volume;
	bool mute;
	double channel_volumes[SEGUE_CHANNELS_MAX];
	char text[SEGUE_ERROR_MAX + 64];	/* of segue.status as last read */

	uint64_t last_serial;
	uint64_t last_finished;
	uint64_t n_applied, n_superseded;
	uint32_t n_requests;
	uint32_t n_scheduled;		/* those of them with a time */
	struct spa_list requests;	/* accepted and not yet finished, by serial */
	struct segue_outbox outbox;
	struct spa_list heard;		/* claims that were applied and aren't retired, the newest last */
	struct spa_list plays;		/* claims of plays that aren't retired */
	uint64_t last_play;
	struct segue_claim *current;	/* the newest; NULL: nothing was applied yet */
	struct segue_claim *remade;	/* current's sound for another rate, on its way */
	struct segue_waiter remake;
	bool remaking;			/* the waiter waits */
	struct segue_ticket *garbage;	/* collected, not yet freed */
	uint64_t interval_nsec;		/* of looking again */

	enum segue_node_state state;	/* as last told */
	struct segue_error last_error;	/* of the last request; res 0: it went well */
	bool refused;			/* or of the last Props pod */
};

/** \return 0 or a negative errno */
SEGUE_MAIN_LOOP int segue_node_init(struct segue_node_impl *node, const struct segue_node_config *config);
/** Set what an info dict says: every `segue.*` key of the table; others are ignored.
 * \return 0 or a negative errno; the reason has been logged */
SEGUE_MAIN_LOOP int segue_node_configure(struct segue_node_impl *node, const struct spa_dict *info);
/** process() will be called; or isn't any more. */
SEGUE_MAIN_LOOP void segue_node_started(struct segue_node_impl *node);
SEGUE_MAIN_LOOP void segue_node_stopped(struct segue_node_impl *node);
/** Answer what is outstanding (Gone), take back everything from the data loop and free it. */
SEGUE_MAIN_LOOP void segue_node_clear(struct segue_node_impl *node);

/** Log why a request failed that nobody else is told of. */
SEGUE_MAIN_LOOP void segue_node_warn(const struct segue_node_impl *node, const struct segue_error *error);
/** Remember why the last request failed, for segue.status. \param error  NULL: it went well */
SEGUE_MAIN_LOOP void segue_node_set_error(struct segue_node_impl *node, const struct segue_error *error);
/** Tell listeners if the state isn't what they were told last. */
SEGUE_MAIN_LOOP void segue_node_update_state(struct segue_node_impl *node, bool force);
SEGUE_MAIN_LOOP struct segue_sound *segue_node_sound(const struct segue_node_impl *node);
/** What it needs of a sound, at the rate it runs at. */
SEGUE_MAIN_LOOP struct segue_target segue_node_target(const struct segue_node_impl *node);
/** The response that is heard; NULL: none, or it is no convolver. */
SEGUE_MAIN_LOOP const struct segue_response *segue_node_response(const struct segue_node_impl *node);

/* settings.c */

/** The defaults. \return 0 or -ENOMEM */
SEGUE_MAIN_LOOP int segue_node_init_settings(struct segue_node_impl *node);
/** \param fence  that a path must be within; NULL: none
 * \return 0 or a negative errno, with an error */
SEGUE_MAIN_LOOP int segue_node_set(struct segue_node_impl *node, const char *key, const struct segue_value *value,
		const struct segue_fence *fence, struct segue_error *error);
/** \return 0 or -ENXIO */
SEGUE_MAIN_LOOP int segue_node_get(struct segue_node_impl *node, const char *key, struct segue_value *ret);

/* request.c and collect.c: what node.c needs of them */
SEGUE_MAIN_LOOP int segue_node_request(struct segue_node_impl *node, struct segue_sound *sound,
		const struct segue_options *options, uint64_t *ret, struct segue_error *error);
SEGUE_MAIN_LOOP int segue_node_cancel(struct segue_node_impl *node, uint64_t serial,
		struct segue_error *error);
/** PipeWire is gone and its clock with it: what was asked for by that clock fails. */
SEGUE_MAIN_LOOP void segue_node_lose_clock(struct segue_node_impl *node);
/** Send a setting in order with the swaps. \return 0 or -ENOMEM */
SEGUE_MAIN_LOOP int segue_node_send(struct segue_node_impl *node, const struct segue_command *command);
/** The outbox's withdrawn(). */
SEGUE_MAIN_LOOP void segue_node_withdrawn(struct segue_outbox *outbox, struct segue_ticket *ticket,
		enum segue_outcome outcome);
SEGUE_MAIN_LOOP uint64_t segue_node_collect(void *data);
SEGUE_MAIN_LOOP bool segue_node_is_loading(const struct segue_node_impl *node);
/** Send what can't wait until there is room. \return 0 or -EBUSY */
SEGUE_MAIN_LOOP int segue_node_send_now(struct segue_node_impl *node, const struct segue_command *command);
/** Everything back from the data loop, which has let go: outstanding requests end as Gone. */
SEGUE_MAIN_LOOP void segue_node_collect_all(struct segue_node_impl *node);

/* keys.c */
SEGUE_MAIN_LOOP int segue_node_note_on(struct segue_node_impl *node, uint32_t key, uint32_t velocity,
		struct segue_error *error);
SEGUE_MAIN_LOOP int segue_node_note_off(struct segue_node_impl *node, uint32_t key, struct segue_error *error);
SEGUE_MAIN_LOOP int segue_node_notes_off(struct segue_node_impl *node, struct segue_error *error);
SEGUE_MAIN_LOOP int segue_node_play(struct segue_node_impl *node, struct segue_sound *sound,
		const struct segue_options *options, uint64_t *ret, struct segue_error *error);
SEGUE_MAIN_LOOP int segue_node_stop(struct segue_node_impl *node, uint64_t play, struct segue_error *error);

#endif /* SEGUE_NODE_H */
