/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_BUS_PRIVATE_H
#define SEGUE_BUS_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

#include "bus-error.h"
#include "bus-property.h"
#include "bus.h"

/** \file
 * What the files of the bus service share. Everything runs on the main loop and nothing waits.
 *
 * bus.c           the connection on the loop
 * bus-signal.c    signals: bounded, and changes of properties at most 10 a second
 * bus-property.c  properties as tables
 * bus-value.c     options and variants
 * bus-client.c    who owns which buffer, and how much
 * bus-call.c      calls that are answered later, and requests that are outstanding
 * bus-load.c      what is being loaded for them
 * bus-save.c      nodes as a configuration has them, sounds as files
 * bus-nodes.c     nodes as they come and go
 * bus-manager.c bus-node.c bus-source.c bus-convolver.c bus-buffer.c   an interface each */

#define SEGUE_BUS_PATH		"/org/segue/Segue1"
#define SEGUE_BUS_NODES		SEGUE_BUS_PATH "/node"
#define SEGUE_BUS_BUFFERS	SEGUE_BUS_PATH "/buffer"
#define SEGUE_BUS_MANAGER	"org.segue.Segue1.Manager"
#define SEGUE_BUS_NODE		"org.segue.Segue1.Node"
#define SEGUE_BUS_SOURCE	"org.segue.Segue1.Source"
#define SEGUE_BUS_CONVOLVER	"org.segue.Segue1.Convolver"
#define SEGUE_BUS_BUFFER	"org.segue.Segue1.Buffer"

/* groups of options for raw samples */
#define SEGUE_BUS_OPTIONS_RAW	(SEGUE_OPTIONS_LOAD | SEGUE_OPTIONS_IMPORT)

#define SEGUE_BUS_SIGNALS_MAX	1000	/* unsent ones */
#define SEGUE_BUS_LOADS_MAX	64	/* under way, of one client */
#define SEGUE_BUS_PATH_MAX	64	/* of a buffer */

/** Something that has properties to announce. */
struct segue_bus_object {
	struct spa_list dirty_link;
	bool dirty;
	void (*announce)(struct segue_bus_object *object);
};

/** Something that may take 4 s. */
struct segue_bus_deadline {
	struct spa_list link;
	bool armed;
	uint64_t nsec;
	void (*expired)(struct segue_bus_deadline *deadline);
};

/** What a type of node adds to the bus, or what all nodes have there. */
struct segue_bus_type {
	const char *name;	/**< NULL: all */
	const char *interface;
	uint32_t flags;		/**< SEGUE_PROPERTY_*: whose settings are properties of the interface */
	const sd_bus_vtable *methods;
	const struct segue_bus_row *rows;	/**< in struct segue_bus_node_values */
	uint32_t n_rows;
};

#define SEGUE_BUS_TYPES		3u	/* what all have counts as one */

struct segue_bus {
	struct pw_loop *loop;
	const char *name;
	const char *save_path;
	struct segue_store *store;
	struct spa_hook store_listener;
	struct segue_host *host;

	/* the connection */
	sd_bus *bus;			/* NULL: there is none */
	struct spa_source *io;
	struct spa_source *timer;	/* sd-bus's own timeouts */
	struct spa_source *retry_timer;
	uint64_t retry_nsec;
	uint32_t io_mask;
	uint64_t timeout_usec;
	bool dispatching;
	bool warned;			/* of the missing bus, once */
	uint64_t n_dispatched;

	/* signals */
	sd_bus_message *unsent[SEGUE_BUS_SIGNALS_MAX];
	uint32_t unsent_first, n_unsent;
	struct spa_list dirty;		/* struct segue_bus_object */
	struct spa_source *dirty_timer;
	uint64_t announced_nsec;

	/* calls */
	struct spa_list loads;		/* struct segue_bus_call, by load_link */
	struct spa_list saves;		/* struct segue_bus_save */
	struct spa_list deadlines;	/* struct segue_bus_deadline, the earliest first */
	struct spa_source *deadline_timer;

	/* objects */
	struct spa_list clients;
	struct spa_list leaving;	/* clients that have left, with what is still to be given up */
	struct spa_source *leaving_timer;
	struct spa_list nodes;
	struct spa_list buffers;
	void *buffers_by_id;		/* a tree of tsearch(3) */
	sd_bus_vtable *manager_vtable, *buffer_vtable;
	sd_bus_vtable *node_vtables[SEGUE_BUS_TYPES];
};

/* ---------------------------------------------------------------- bus.c */

/** Take the loop's masks and timers from sd-bus anew: after every send outside a handler. */
void segue_bus_rearm(struct segue_bus *bus);
/** \param nsec  absolute; 0 disarms */
void segue_bus_arm_timer(struct segue_bus *bus, struct spa_source *timer, uint64_t nsec);
void segue_bus_deadline_add(struct segue_bus *bus, struct segue_bus_deadline *deadline,
		void (*expired)(struct segue_bus_deadline *deadline));
void segue_bus_deadline_remove(struct segue_bus *bus, struct segue_bus_deadline *deadline);

/* --------------------------------------------------------- bus-signal.c */

int segue_bus_signal_init(struct segue_bus *bus);
void segue_bus_signal_clear(struct segue_bus *bus);
/** Begin a signal. \return NULL when there is no bus to tell, or no memory */
sd_bus_message *segue_bus_signal_new(struct segue_bus *bus, const char *path, const char *interface,
		const char *member);
/** Send a signal, or keep it until the queue has room, or drop the oldest that is kept.
 * \param message  taken over; NULL is fine */
void segue_bus_signal_send(struct segue_bus *bus, sd_bus_message *message);
/** The queue may have got room. */
void segue_bus_signal_drain(struct segue_bus *bus);
/** Forget what is unsent: the bus is gone. */
void segue_bus_signal_drop(struct segue_bus *bus);
/** Have an object's changes announced soon. */
void segue_bus_object_changed(struct segue_bus *bus, struct segue_bus_object *object);
void segue_bus_object_clear(struct segue_bus_object *object);
void segue_bus_interfaces_removed(struct segue_bus *bus, const char *path,
		const char *const *interfaces);

/* ---------------------------------------------------------- bus-value.c */

/** A list of objects that not all found memory for: without some it would be wrong.
 * \return -ENOMEM */
int segue_bus_paths_free(char **paths);

/** Read a value of one of the types options and settings have. Strings and arrays are valid as long as
 * the message.
 * \param array  room for an array
 * \return 0; -EINVAL: a type nothing here has, with an error that names the key */
int segue_bus_read_value(sd_bus_message *m, const char *type, const char *key,
		struct segue_value *ret, uint32_t array[SEGUE_OPTION_CHANNELS_MAX],
		struct segue_error *error);
/** Read a{sv} into options. \return 0, or negative with an error naming the key */
int segue_bus_read_options(struct segue_bus *bus, sd_bus_message *m, uint32_t groups,
		struct segue_options *options, struct segue_error *error);
/** The same of a recipe, and `join`: more descriptors. They are taken over, and closed on failure. */
int segue_bus_read_recipe(struct segue_bus *bus, sd_bus_message *m, uint32_t groups,
		struct segue_recipe *recipe, struct segue_error *error);
/** Read a{sv} into properties as a configuration has them. */
int segue_bus_read_properties(sd_bus_message *m, struct pw_properties *properties,
		struct segue_error *error);
/** A duplicate of a descriptor that belongs to a message and goes with it. \return it, or negative with an error */
int segue_bus_own_fd(int fd, struct segue_error *error);
/** Read a descriptor, of which a recipe gets a duplicate of our own. \return 0, or negative with an error */
int segue_bus_read_fd(sd_bus_message *m, struct segue_recipe *recipe, struct segue_error *error);
/** Read an absolute path, or a text as segue.load takes it, as a recipe. */
int segue_bus_read_path(sd_bus_message *m, struct segue_recipe *recipe, struct segue_error *error);

/* --------------------------------------------------------- bus-client.c */

struct segue_bus_client;
struct segue_bus_buffer;
struct segue_bus_call;

int segue_bus_clients_init(struct segue_bus *bus);
void segue_bus_clients_clear(struct segue_bus *bus);
/** The client that sent a message; made known and watched if it is new. */
struct segue_bus_client *segue_bus_client_get(struct segue_bus *bus, sd_bus_message *m);
/** The same, or NULL if it isn't known. */
struct segue_bus_client *segue_bus_client_find(struct segue_bus *bus, sd_bus_message *m);
/** How many bytes it may still take. \return 0, or -EDQUOT with an error */
int segue_bus_client_budget(struct segue_bus_client *client, size_t *ret, struct segue_error *error);
/** Is there room for what a sound will be, as its header tells? \return 0, or -EDQUOT with an error */
int segue_bus_client_check_room(struct segue_bus_client *client, const struct segue_sound_info *info,
		struct segue_error *error);
/** Count a load. \return 0, or -EDQUOT with an error: too many are under way */
int segue_bus_client_begin_load(struct segue_bus_client *client, struct segue_error *error);
/** A load needs other bytes than it was known to. */
void segue_bus_client_count_load(struct segue_bus_client *client, uint64_t before, uint64_t bytes);
/** \param bytes  as counted last. The client may be forgotten */
void segue_bus_client_end_load(struct segue_bus_client *client, uint64_t bytes);
/** A client owns a buffer: it brings one ownership of the store's along. */
int segue_bus_client_own(struct segue_bus_client *client, struct segue_bus_buffer *buffer);
/** The client is forgotten when it has nothing else, and the buffer may be gone.
 * \return 0, or -ENOENT: it doesn't own it */
int segue_bus_client_disown(struct segue_bus_client *client, struct segue_bus_buffer *buffer);
/** The buffer's size is another now; or it has gone and so have its owners' claims. */
void segue_bus_claims_update(struct segue_bus_buffer *buffer, uint64_t bytes);
void segue_bus_claims_drop(struct segue_bus_buffer *buffer);
/** The bus is gone and with it every client: the service keeps what they owned. */
void segue_bus_clients_lost(struct segue_bus *bus);

/* --------------------------------------------------------- bus-buffer.c */

struct segue_bus_buffer {
	struct segue_bus_object object;
	struct segue_bus *bus;
	struct spa_list link;
	struct spa_list claims;		/* of the clients that own it */
	struct segue_sound *sound;
	uint64_t id;
	bool kept;			/* the service owns it */
	uint64_t announced[4];		/* hashes of what may change */
};

int segue_bus_buffer_register(struct segue_bus *bus);
void segue_bus_buffers_free(struct segue_bus *bus);
struct segue_bus_buffer *segue_bus_buffer_by_id(struct segue_bus *bus, uint64_t id);
/** One that nodes may be given. \return NULL with an error: there is none, or it is being reclaimed */
struct segue_bus_buffer *segue_bus_buffer_usable(struct segue_bus *bus, const char *path,
		struct segue_error *error);
/** Make a sound an object of the bus and give it an owner, who may have owned it already.
 * \param client  NULL, if the service keeps it
 * \param keep  the service owns it instead
 * \return NULL for want of memory. The ownership that came with the sound is used up in any case */
struct segue_bus_buffer *segue_bus_buffer_publish(struct segue_bus *bus, struct segue_sound *sound,
		struct segue_bus_client *client, bool keep);
/** The service owns it now; an ownership of the store's comes along. */
void segue_bus_buffer_keep(struct segue_bus_buffer *buffer);
void segue_bus_buffer_changed(struct segue_bus_buffer *buffer, const struct segue_sound_info *info);
/** Its memory has gone back, and now the object goes. */
void segue_bus_buffer_reclaimed(struct segue_bus_buffer *buffer);
/** Write the path of a buffer: "/" for none. */
const char *segue_bus_buffer_path(char path[SEGUE_BUS_PATH_MAX], uint64_t id);

/* ----------------------------------------------------------- bus-node.c */

#define SEGUE_BUS_CHANNELS_MAX	64

/** What the fixed properties of a node are read from. */
struct segue_bus_node_values {
	struct segue_node_info info;
	const char *name, *mode, *state, *buffer;
	const char *loaded, *waveform;	/* of segue.load, segue.wave: "" if it isn't what is heard */
	char buffer_path[SEGUE_BUS_PATH_MAX];
	struct segue_bus_array ids, peaks;
	double peak[SEGUE_BUS_CHANNELS_MAX];
};

/** A request that was accepted, to be told once its caller knows the serial. */
struct segue_bus_queued {
	uint64_t serial;	/**< 0: none, or it was told */
	uint64_t sound;
	char label[SEGUE_LABEL_MAX];
};

struct segue_bus_node {
	struct segue_bus_object object;
	struct segue_bus *bus;
	struct spa_list link;
	struct segue_hosted *hosted;
	const struct segue_bus_type *type;
	char *path;
	struct spa_hook listener;
	struct spa_list calls;		/* struct segue_bus_call, by node_link */
	struct segue_bus_queued *asking;	/* whose request is being made; NULL: nobody's on the bus */
	bool going;			/* its handle may not be asked any more */

	struct segue_bus_node_values values;
	uint64_t seen;			/* n_dispatched the values were read at */
	uint64_t *announced;		/* hashes of what may change */

	/* CreateNode() that waits for the graph */
	sd_bus_message *create;
	struct segue_bus_deadline create_deadline;
};

/** The values of the fixed properties, as of this message. */
const struct segue_bus_node_values *segue_bus_node_values(struct segue_bus_node *node);
/** Get ready to announce what changes from now on. */
int segue_bus_node_announce_init(struct segue_bus_node *node);
/** Tell that a request is on its way, once. */
void segue_bus_node_emit_queued(struct segue_bus_node *node, struct segue_bus_queued *queued);
void segue_bus_node_emit_finished(struct segue_bus_node *node,
		const struct segue_finished *finished);
/** Of every node. */
extern const struct segue_bus_type segue_bus_common;
/** \param settings  the plugin's table
 * \return to be freed with free(), or NULL with errno */
sd_bus_vtable *segue_bus_node_vtable(const struct segue_bus_type *type, const struct segue_property *settings,
		uint32_t n_settings);

/* --------------------------------------- bus-source.c bus-convolver.c */

extern const struct segue_bus_type segue_bus_source, segue_bus_convolver;

/* ---------------------------------------------------------- bus-nodes.c */

/** Register the interfaces of nodes, once there has been one: their properties are the plugin's. */
int segue_bus_nodes_register(struct segue_bus *bus);
struct segue_bus_node *segue_bus_node_by_path(struct segue_bus *bus, const char *path);
struct segue_bus_node *segue_bus_node_find(struct segue_bus *bus, const struct segue_hosted *hosted);
/** Answer CreateNode() when the graph has the node. */
void segue_bus_node_created(struct segue_bus_node *node, sd_bus_message *m);
void segue_bus_nodes_init(struct segue_bus *bus);
void segue_bus_nodes_free(struct segue_bus *bus);
/** The bus is gone: nobody waits any more. */
void segue_bus_nodes_lost(struct segue_bus *bus);

/* -------------------------------------------------------- bus-manager.c */

int segue_bus_manager_register(struct segue_bus *bus);
void segue_bus_manager_reclaimed(struct segue_bus *bus, uint64_t id, uint64_t bytes,
		uint64_t age_usec);

/* ----------------------------------------------------------- bus-call.c */

/** Make a sound for the caller of the manager and reply with its object once its header is read.
 * \param recipe  its options and its material; a descriptor is taken over, also on failure */
int segue_bus_call_make(struct segue_bus *bus, sd_bus_message *m, struct segue_recipe *recipe,
		sd_bus_error *error);
/** Make a sound for a node and reply with the request's serial. */
int segue_bus_call_load(struct segue_bus_node *node, sd_bus_message *m, struct segue_recipe *recipe,
		sd_bus_error *error);
/** Ask a node for a sound that is made, or NULL for silence, and reply with the serial. */
int segue_bus_call_swap(struct segue_bus_node *node, sd_bus_message *m, struct segue_sound *sound,
		const struct segue_options *options, sd_bus_error *error);
void segue_bus_call_finished(struct segue_bus_node *node, const struct segue_finished *finished);
/** The client is gone, or the bus with all clients (NULL): what it asked for goes on. */
void segue_bus_calls_client_gone(struct segue_bus *bus, struct segue_bus_client *client);
/** The node is gone: whatever of it wasn't answered is. */
void segue_bus_calls_node_gone(struct segue_bus_node *node);
void segue_bus_calls_free(struct segue_bus *bus);

/* ----------------------------------------------------------- bus-load.c */

void segue_bus_calls_sound_changed(struct segue_bus *bus, const struct segue_sound_info *info);
void segue_bus_calls_sound_reclaimed(struct segue_bus *bus, uint64_t id);

/* ----------------------------------------------------------- bus-save.c */

/** Answer Node.Save(), now or when what is heard has been written. */
int segue_bus_save(struct segue_bus_node *node, sd_bus_message *m, sd_bus_error *error);
/** Answer Buffer.Write(), likewise. */
int segue_bus_write(struct segue_bus_buffer *buffer, sd_bus_message *m, sd_bus_error *error);
void segue_bus_saves_written(struct segue_bus *bus, uint64_t id, const struct segue_error *error);
/** Nobody waits any more. */
void segue_bus_saves_free(struct segue_bus *bus);

#endif /* SEGUE_BUS_PRIVATE_H */
