/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_CONTROL_H
#define SEGUE_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include <spa/utils/defs.h>
#include <spa/utils/hook.h>
#include <spa/utils/type.h>

#include "error.h"
#include "options.h"

/** \file
 * The one door between the module and the SPA plugin. Everything here runs on the main loop.
 *
 * The module loads handles by their factory's name and asks them for these interfaces, so the code
 * and its state exist once in a process, in the plugin: one *store* (sounds, workers, memory,
 * collector), shared by all handles with the same main loop; and a *node* in each handle of
 * `segue.source` and `segue.convolver`. `segue.store` is a handle without a node. */

#define SEGUE_TYPE_INTERFACE_Store	SPA_TYPE_INFO_INTERFACE_BASE "Segue:Store"
#define SEGUE_TYPE_INTERFACE_Node	SPA_TYPE_INFO_INTERFACE_BASE "Segue:Node"
/* a struct spa_node: the side with the outputs, of a device that has inputs, too */
#define SEGUE_TYPE_INTERFACE_Playback	SPA_TYPE_INFO_INTERFACE_BASE "Segue:Playback"
#define SEGUE_CONTROL_VERSION	0u	/* of all structs below; the module refuses another */

#define SEGUE_FACTORY_STORE	"segue.store"
#define SEGUE_FACTORY_SOURCE	"segue.source"
#define SEGUE_FACTORY_CONVOLVER	"segue.convolver"
#define SEGUE_KEY_LENGTH_MAX	"segue.ir.max"	/* read from a handle's info: fixed from then on */
/* read from a handle's info: it is a device, with one planar port on each side for PipeWire's adapter, and no
 * MIDI input. Which side has the properties: "capture" (the inputs), "playback" */
#define SEGUE_KEY_DEVICE	"segue.device"
#define SEGUE_DEFAULT_POSITION	"[ FL FR ]"	/* the channels of who names none */
#define SEGUE_LENGTH_MAX_MIN	0.01		/* seconds */
#define SEGUE_LENGTH_MAX_MAX	60.0
#define SEGUE_LIBRARY		"segue/libspa-segue"

struct segue_fence;
struct segue_sound;

/* ------------------------------------------------------------------ sounds */

enum segue_recipe_type {
	SEGUE_RECIPE_FILES,	/**< paths: one, or several, joined or of several rates */
	SEGUE_RECIPE_FDS,	/**< fds: audio files, read with pread; likewise */
	SEGUE_RECIPE_SAMPLES,	/**< one of fds: raw 32-bit float, options.import_* */
	SEGUE_RECIPE_WAVE,	/**< text: a name of the contract's list */
	SEGUE_RECIPE_TEXT,	/**< text: what segue.load takes */
};

#define SEGUE_FILES_MAX		64u	/* of one sound */
#define SEGUE_RATES_MAX		8u	/* of those, if each has a rate of its own */

/** What a sound is made from. Strings are borrowed for the call; descriptors are taken over, also on
 * failure. */
struct segue_recipe {
	enum segue_recipe_type type;
	const char *const *paths;
	uint32_t n_paths;
	int fds[SEGUE_FILES_MAX];
	uint32_t n_fds;
	bool is_rates;		/**< the same at several rates: the one of the graph is used, else the highest;
				  *  otherwise the channels of all are joined */
	const char *text;
	struct segue_options options;
	size_t bytes_max;	/**< this sound's own limit besides memory.max; 0: none */
	const struct segue_fence *fence;	/**< which of the files that its file names may be opened, as those of an
						  *  instrument; NULL: any. Its own paths have been held against it */
};

static inline void segue_recipe_close(struct segue_recipe *recipe)
{
	while (recipe->n_fds > 0)
		close(recipe->fds[--recipe->n_fds]);
}

enum segue_sound_state {
	SEGUE_SOUND_OPENING,	/**< its header isn't read yet: channels, rate, frames unknown */
	SEGUE_SOUND_LOADING,
	SEGUE_SOUND_READY,	/**< made; no node holds it */
	SEGUE_SOUND_LIVE,	/**< a node holds it */
	SEGUE_SOUND_RETIRED,	/**< nobody holds it: its memory is being given back */
	SEGUE_SOUND_FAILED,
};

struct segue_sound_info {
	uint64_t id;		/**< counts up, never reused: N of the bus path */
	enum segue_sound_state state;
	enum segue_kind kind;
	const char *label;	/**< the option, else the file's name or the wave's text */
	uint32_t channels, rate;	/**< the material's own; of an instrument the most channels, the highest rate */
	uint64_t frames;	/**< and the frames of all files */
	uint64_t bytes;
	uint64_t bytes_expected;	/**< the same; while it loads, at most what its header tells */
	double peak_db;		/**< largest absolute value, dB of full scale; of a response its largest gain, dB;
				  *  -inf for silence */
	double progress;	/**< 0..1 */
	const struct segue_error *error;	/**< why it failed, else NULL */
};

struct segue_memory_info {
	uint64_t bytes_max, bytes_live, bytes_pending, bytes_retired;
	uint64_t n_reclaimed;
	uint32_t n_live;	/**< sounds that are ready or live */
};

struct segue_store_events {
	uint32_t version;
	/** a sound's state or progress changed; not after it was reclaimed */
	void (*sound_changed)(void *data, struct segue_sound *sound);
	/** its memory has been given back; the sound is gone */
	void (*sound_reclaimed)(void *data, uint64_t id, uint64_t bytes, uint64_t age_usec);
	/** what write() of a node or the store began has ended; error NULL: well */
	void (*written)(void *data, uint64_t id, const struct segue_error *error);
};

struct segue_store_config {
	uint64_t memory_max;		/**< bytes */
	uint32_t default_rate;		/**< Hz: the graph's, as long as no node has seen it */
	const char *props_load;		/**< "false", "true", "paths" */
	const char *const *load_paths;	/**< NULL: the built-in ones */
	uint32_t n_load_paths;
};

/** The store. Get it with spa_handle_get_interface(handle, SEGUE_TYPE_INTERFACE_Store, ...). */
struct segue_store {
	const struct segue_store_methods *methods;
};

struct segue_store_methods {
	uint32_t version;	/**< SEGUE_CONTROL_VERSION */

	int (*configure)(struct segue_store *store, const struct segue_store_config *config);
	void (*add_listener)(struct segue_store *store, struct spa_hook *listener,
			const struct segue_store_events *events, void *data);
	void (*memory_info)(struct segue_store *store, struct segue_memory_info *ret);

	/** Begin to make a sound, which may turn out to be one there is (same files, same options): resolve() then.
	 * The caller owns it and calls disown() once. Never waits: files are opened by a worker.
	 * \return NULL with an error: what can be told from the recipe alone, -ENOMEM, or -EBUSY when too
	 *         many files don't answer */
	struct segue_sound *(*make)(struct segue_store *store, struct segue_recipe *recipe,
			struct segue_error *error);
	void (*own)(struct segue_store *store, struct segue_sound *sound);
	/** The last owner's leave cancels a sound that is loading and no node waits for. */
	void (*disown)(struct segue_store *store, struct segue_sound *sound);
	/** Once a sound has left OPENING: the one it turned out to be the same as, or itself. The caller's
	 * ownership moves along. */
	struct segue_sound *(*resolve)(struct segue_store *store, struct segue_sound *sound);
	void (*sound_info)(struct segue_store *store, struct segue_sound *sound,
			struct segue_sound_info *ret);
	/** Write one into a file, as a WAV; the event tells of the end.
	 * \param fd    empty; taken over, also on failure
	 * \param ret   the event's id
	 * \return 0, or -EBUSY: it isn't made yet; -EINVAL: an instrument; with an error */
	int (*write)(struct segue_store *store, struct segue_sound *sound, int fd, uint64_t *ret,
			struct segue_error *error);
	/** segue_options_set(), for the module. */
	int (*options_set)(struct segue_options *options, uint32_t groups, const char *key,
			const struct segue_value *value, struct segue_error *error);
};

/* ------------------------------------------------------------------- nodes */

enum segue_node_state {
	SEGUE_NODE_DISCONNECTED,	/**< no PipeWire: set by the module */
	SEGUE_NODE_EMPTY,
	SEGUE_NODE_LOADING,		/**< a request is on its way */
	SEGUE_NODE_IDLE,		/**< has a sound, isn't scheduled */
	SEGUE_NODE_RUNNING,
	SEGUE_NODE_FAILED,		/**< empty, and the last request failed */
};

#define SEGUE_PROPERTY_SOURCE		(1u << 0)	/**< node types that have it */
#define SEGUE_PROPERTY_CONVOLVER	(1u << 1)
#define SEGUE_PROPERTY_READ_ONLY	(1u << 2)
#define SEGUE_PROPERTY_CREATE_ONLY	(1u << 3)
#define SEGUE_PROPERTY_REQUEST		(1u << 4)	/**< segue.load, segue.wave: a method on the bus */

/** One row of the contract's table of node properties. */
struct segue_property {
	const char *key;		/**< segue.gain */
	const char *name;		/**< Gain: on the bus; NULL: a method or something else there */
	enum segue_value_type type;
	double def, min, max;		/**< numbers and bools */
	const char *const *choices;	/**< strings: NULL-terminated, the first is the default; NULL: any */
	const char *unit;		/**< s, Hz, linear, or NULL */
	const char *description;
	uint32_t flags;			/**< SEGUE_PROPERTY_* */
	const char *automatic;		/**< a number that may be this text, too, and is -1 then; or NULL */
};

enum segue_result {
	SEGUE_RESULT_APPLIED,
	SEGUE_RESULT_SUPERSEDED,
	SEGUE_RESULT_FAILED,
};

struct segue_finished {
	uint64_t serial;
	enum segue_result result;
	uint64_t sound;			/**< its id; 0: none (Clear) */
	uint64_t position;		/**< APPLIED: first frame heard; 0: the node wasn't running */
	const struct segue_error *error;	/**< FAILED */
};

#define SEGUE_NODE_CHANGE_STATE		(1u << 0)	/**< state, last error, sound */
#define SEGUE_NODE_CHANGE_RATE		(1u << 1)	/**< rate, swap lead */
#define SEGUE_NODE_CHANGE_PROPERTIES	(1u << 2)	/**< a setting */

struct segue_node_events {
	uint32_t version;
	void (*changed)(void *data, uint32_t changes);
	/** from within request(), set() and set_props(): a request has got its serial
	 * \param sound  its id; 0: none. \param label  of it, or "" */
	void (*accepted)(void *data, uint64_t serial, uint64_t sound, const char *label);
	/** exactly once for each serial accepted() has told, never from within these calls */
	void (*finished)(void *data, const struct segue_finished *finished);
};

struct segue_node_info {
	const char *type;		/**< "source", "convolver" */
	enum segue_node_state state;
	const char *last_error;		/**< "" when the last request went well */
	uint64_t sound;			/**< id of what is heard (after its fade), 0: none */
	const char *label;		/**< of it, or "" */
	uint64_t next;			/**< serial of the newest request that isn't heard yet, 0: none */
	const char *next_label;		/**< of its sound, or "" */
	uint32_t rate, quantum;		/**< of the last cycle, 0 before it */
	uint32_t swap_lead;		/**< frames */
	uint32_t n_channels;		/**< outputs */
	uint64_t n_cycles, n_xruns, n_clipped;
	uint64_t n_applied, n_superseded;
	uint64_t last_finished;		/**< serial */
	double cycle_usec[3];		/**< median, p99.9, max over the last 4096 cycles */
	uint32_t n_voices;		/**< of a source */
	double length_sec;		/**< of the response */
	double tail_sec;		/**< of a convolver that is a device: how much longer it would sound if
					  *  nothing came in any more */
};

struct segue_clock_info {
	uint64_t position, nsec;
	uint32_t rate;
};

/** A node. Get it with spa_handle_get_interface(handle, SEGUE_TYPE_INTERFACE_Node, ...). */
struct segue_node {
	const struct segue_node_methods *methods;
};

struct segue_node_methods {
	uint32_t version;	/**< SEGUE_CONTROL_VERSION */

	void (*add_listener)(struct segue_node *node, struct spa_hook *listener,
			const struct segue_node_events *events, void *data);
	/** Whether there is a PipeWire to play to. True at first. */
	void (*set_connected)(struct segue_node *node, bool connected);

	/** As the store's make(), for this node: a response where a convolver is asked, unless the options say
	 * otherwise. */
	struct segue_sound *(*make)(struct segue_node *node, struct segue_recipe *recipe,
			struct segue_error *error);
	/** Ask for a sound, now or at a time, once it is ready.
	 * \param sound  borrowed: the node claims it for itself. NULL: silence (Clear)
	 * \param options  the swap's; others are ignored
	 * \param ret  the serial, greater than all before
	 * \return 0 or a negative errno with an error; then there is no serial and no event */
	int (*request)(struct segue_node *node, struct segue_sound *sound,
			const struct segue_options *options, uint64_t *ret, struct segue_error *error);
	/** End a request that isn't taken yet as failed, -ECANCELED.
	 * \return 0, or -ENXIO: no such request is outstanding */
	int (*cancel)(struct segue_node *node, uint64_t serial, struct segue_error *error);

	/** Write what is heard into a file, as a WAV, so that it can be had again; the store's event tells of the end.
	 * \param fd    empty; taken over, also on failure
	 * \param path  what the file is going to be called
	 * \param load  what segue.load takes for it; allocated
	 * \param ret   the event's id
	 * \return 0, or -EINVAL: nothing is heard, or an instrument; with an error */
	int (*write)(struct segue_node *node, int fd, const char *path, char **load, uint64_t *ret,
			struct segue_error *error);

	/** The table of this node's type, segue.* keys in the contract's order. */
	const struct segue_property *(*properties)(struct segue_node *node, uint32_t *n);
	/** Set one property. Key with or without "segue.".
	 * \return 0; -ENXIO unknown key, -EROFS, -EINVAL wrong type or out of range, with an error */
	int (*set)(struct segue_node *node, const char *key, const struct segue_value *value,
			struct segue_error *error);
	/** The same for whoever may set the node's Props: paths to load are fenced (props.load). */
	int (*set_props)(struct segue_node *node, const char *key, const struct segue_value *value,
			struct segue_error *error);
	/** What came of a whole Props pod, for segue.status: who sends one gets no answer.
	 * \param error  NULL: all of it was set, and what another was refused for is over */
	void (*props_done)(struct segue_node *node, const struct segue_error *error);
	/** Read one property; strings are valid until the next call.
	 * \return 0 or -ENXIO */
	int (*get)(struct segue_node *node, const char *key, struct segue_value *ret);

	/* a source's keys and plays; they are heard from the first frame of the next cycle on */

	/** Press a key. \param key, velocity  0..127; velocity 0 releases it
	 * \return 0; -EINVAL out of range, or it plays no notes; -ENOTCONN it isn't running; -EBUSY the data loop
	 *         hasn't taken what was sent before: all with an error */
	int (*note_on)(struct segue_node *node, uint32_t key, uint32_t velocity, struct segue_error *error);
	/** Release a key: never refused but for its range. */
	int (*note_off)(struct segue_node *node, uint32_t key, struct segue_error *error);
	/** Release all keys, MIDI's too. \return 0, or -ENOMEM */
	int (*notes_off)(struct segue_node *node, struct segue_error *error);
	/** Play a sound that is ready once, beside everything else.
	 * \param options  those of SEGUE_OPTIONS_PLAY
	 * \param ret  its number, for stop()
	 * \return as note_on() (whatever the trigger is), and -EINVAL for a response, -EBUSY for what still loads */
	int (*play)(struct segue_node *node, struct segue_sound *sound, const struct segue_options *options,
			uint64_t *ret, struct segue_error *error);
	/** \param play  0: all. \return 0, or -ENXIO: it has ended, or never was */
	int (*stop)(struct segue_node *node, uint64_t play, struct segue_error *error);

	void (*info)(struct segue_node *node, struct segue_node_info *ret);
	/** Largest absolute values since the last call, linear, n_channels of them. */
	void (*take_peaks)(struct segue_node *node, double peaks[]);
	/** \return 0, or -ENOTCONN: no driver has run it yet, or it isn't running */
	int (*clock)(struct segue_node *node, struct segue_clock_info *ret);
};

#endif /* SEGUE_CONTROL_H */
