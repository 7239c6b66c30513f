/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "node.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include <spa/node/keys.h>
#include <spa/utils/string.h>

#include "load.h"
#include "now.h"
#include "request.h"

#define to_impl(node)	SPA_CONTAINER_OF(node, struct segue_node_impl, iface)

static struct spa_log_topic log_topic = SPA_LOG_TOPIC(0, "spa.segue.node");
#undef SPA_LOG_TOPIC_DEFAULT
#define SPA_LOG_TOPIC_DEFAULT &log_topic

/* ---- state */

static enum segue_node_state state_of(const struct segue_node_impl *node)
{
	if (!node->connected)
		return SEGUE_NODE_DISCONNECTED;
	if (segue_node_is_loading(node))
		return SEGUE_NODE_LOADING;
	if (segue_node_sound(node) == NULL)
		return node->last_error.res != 0 ? SEGUE_NODE_FAILED : SEGUE_NODE_EMPTY;
	return node->running ? SEGUE_NODE_RUNNING : SEGUE_NODE_IDLE;
}

void segue_node_update_state(struct segue_node_impl *node, bool force)
{
	enum segue_node_state state = state_of(node);

	if (state == node->state && !force)
		return;
	node->state = state;
	spa_hook_list_call(&node->listeners, struct segue_node_events, changed, 0, SEGUE_NODE_CHANGE_STATE);
}

void segue_node_started(struct segue_node_impl *node)
{
	node->running = true;
	node->changed_nsec = segue_now_nsec();
	node->cycles_at_start = __atomic_load_n(&node->statistics->n_cycles, __ATOMIC_RELAXED);
	segue_node_update_state(node, false);
	segue_collector_arm(node->store->collector, 0);
}

void segue_node_stopped(struct segue_node_impl *node)
{
	node->running = false;
	node->changed_nsec = segue_now_nsec();
	segue_node_update_state(node, false);
	segue_collector_arm(node->store->collector, 0);
}

void segue_node_set_error(struct segue_node_impl *node, const struct segue_error *error)
{
	node->last_error = error != NULL ? *error : (struct segue_error) { 0 };
	node->refused = false;
}

static void node_set_connected(struct segue_node *object, bool connected)
{
	struct segue_node_impl *node = to_impl(object);

	if (node->connected && !connected)
		segue_node_lose_clock(node);
	node->connected = connected;
	segue_node_update_state(node, false);
}

void segue_node_warn(const struct segue_node_impl *node, const struct segue_error *error)
{
	spa_log_warn(node->log, "%s: %s", node->name, error->message);
}

/* ---- properties */

static int node_set(struct segue_node *object, const char *key, const struct segue_value *value,
		struct segue_error *error)
{
	return segue_node_set(to_impl(object), key, value, NULL, error);
}

static int node_set_props(struct segue_node *object, const char *key, const struct segue_value *value,
		struct segue_error *error)
{
	struct segue_node_impl *node = to_impl(object);

	return segue_node_set(node, key, value, &node->store->fence, error);
}

static void node_props_done(struct segue_node *object, const struct segue_error *error)
{
	struct segue_node_impl *node = to_impl(object);

	if (error == NULL && !node->refused)
		return;
	segue_node_set_error(node, error);
	node->refused = error != NULL;
	segue_node_update_state(node, true);
}

static int node_get(struct segue_node *object, const char *key, struct segue_value *ret)
{
	return segue_node_get(to_impl(object), key, ret);
}

static const struct segue_property *node_properties(struct segue_node *object, uint32_t *n)
{
	struct segue_node_impl *node = to_impl(object);

	*n = node->type->n_properties;
	return node->type->properties;
}

int segue_node_configure(struct segue_node_impl *node, const struct spa_dict *info)
{
	struct segue_error error;
	int res;

	for (uint32_t i = 0; i < node->type->n_properties; i++) {
		const struct segue_property *p = &node->type->properties[i];
		const char *text = info != NULL ? spa_dict_lookup(info, p->key) : NULL;
		struct segue_value value = { .type = SEGUE_VALUE_STRING, .s = text };

		if (text == NULL)
			continue;
		if ((res = node_set(&node->iface, p->key, &value, &error)) < 0) {
			spa_log_error(node->log, "%s: %s", node->name, error.message);
			return res;
		}
	}
	return 0;
}

/* ---- reading */

struct segue_target segue_node_target(const struct segue_node_impl *node)
{
	uint32_t rate = node->rate;
	uint64_t frames;

	if (node->n_in == 0)
		return (struct segue_target) { .rate = rate };
	if (rate == 0)
		rate = node->store->rate;
	/* not cut off: 0.57 * 48000 is a little below 27360 */
	frames = llround(node->values[SEGUE_PROPERTY_LENGTH_MAX] * rate);
	return (struct segue_target) { rate, node->n_in, node->n_channels, SPA_MIN(frames, node->frames_max) };
}

const struct segue_response *segue_node_response(const struct segue_node_impl *node)
{
	const struct segue_claim *claim = node->current;

	return node->n_in > 0 && claim != NULL ? (const struct segue_response *)claim->ticket.buffer : NULL;
}

/* The longest response of those that sound, less what was silence already. What is late by a block, or by a
 * swap's lead, is within the largest lead. */
static double tail_sec(const struct segue_node_impl *node)
{
	uint64_t n_silent = __atomic_load_n(&node->statistics->n_silent, __ATOMIC_RELAXED), longest = 0;
	uint32_t rate = segue_statistics_clock(node->statistics).rate;
	const struct segue_claim *claim;

	if (node->n_in == 0 || rate == 0)
		return 0.0;
	spa_list_for_each(claim, &node->heard, link) {
		const struct segue_response *response = (const struct segue_response *)claim->ticket.buffer;

		if (response != NULL && !claim->retired)
			longest = SPA_MAX(longest, response->n_frames + segue_swap_lead(SEGUE_LEVELS_MAX));
	}
	return longest > n_silent ? (double)(longest - n_silent) / rate : 0.0;
}

static void node_info(struct segue_node *object, struct segue_node_info *ret)
{
	struct segue_node_impl *node = to_impl(object);
	const struct segue_statistics *s = node->statistics;
	struct segue_cycle_times times = segue_statistics_cycle_times(s);
	struct segue_clock clock = segue_statistics_clock(s);
	struct segue_sound *sound = segue_node_sound(node);
	const struct segue_response *response = segue_node_response(node);
	const struct segue_request *next = segue_node_next(node);
	const struct segue_sound *next_sound = next == NULL ? NULL :
		next->claim != NULL ? next->claim->sound : next->sound;

	*ret = (struct segue_node_info) {
		.type = node->type->name,
		.state = state_of(node),
		.last_error = node->last_error.message,
		.sound = sound != NULL ? segue_sound_id(sound) : 0,
		.label = sound != NULL ? segue_sound_label(sound) : "",
		.next = next != NULL ? next->serial : 0,
		.next_label = next_sound != NULL ? segue_sound_label(next_sound) : "",
		.rate = clock.rate,
		.quantum = clock.quantum,
		.swap_lead = node->n_in > 0 ? segue_swap_lead(response != NULL ? response->n_levels : 0) : 0,
		.n_channels = node->n_channels,
		.n_cycles = __atomic_load_n(&s->n_cycles, __ATOMIC_RELAXED),
		.n_xruns = __atomic_load_n(&s->n_xruns, __ATOMIC_RELAXED),
		.n_clipped = __atomic_load_n(&s->n_clipped, __ATOMIC_RELAXED),
		.n_applied = node->n_applied,
		.n_superseded = node->n_superseded,
		.last_finished = node->last_finished,
		.cycle_usec = { times.median_usec, times.p999_usec, times.max_usec },
		.n_voices = node->type->keys != NULL ? node->type->keys->count_voices(node->engine) : 0,
		.length_sec = response != NULL ? (double)response->n_frames / response->rate : 0.0,
		.tail_sec = tail_sec(node),
	};
}

static void node_take_peaks(struct segue_node *object, double peaks[])
{
	struct segue_node_impl *node = to_impl(object);

	for (uint32_t c = 0; c < node->n_channels; c++)
		peaks[c] = segue_statistics_take_peak(node->statistics, c);
}

static int node_clock(struct segue_node *object, struct segue_clock_info *ret)
{
	struct segue_node_impl *node = to_impl(object);
	struct segue_clock clock = segue_statistics_clock(node->statistics);

	if (!node->connected || !node->running || clock.rate == 0)
		return -ENOTCONN;
	*ret = (struct segue_clock_info) { clock.position, clock.nsec, clock.rate };
	return 0;
}

/* ---- the rest of the interface */

static void node_add_listener(struct segue_node *object, struct spa_hook *listener,
		const struct segue_node_events *events, void *data)
{
	spa_hook_list_append(&to_impl(object)->listeners, listener, events, data);
}

static struct segue_sound *node_make(struct segue_node *object, struct segue_recipe *recipe,
		struct segue_error *error)
{
	struct segue_node_impl *node = to_impl(object);

	if (recipe->options.kind == SEGUE_KIND_UNSET)
		recipe->options.kind = node->type->kind;
	return segue_load(node->store, recipe, error);
}

static int node_request(struct segue_node *object, struct segue_sound *sound,
		const struct segue_options *options, uint64_t *ret, struct segue_error *error)
{
	return segue_node_request(to_impl(object), sound, options, ret, error);
}

static int node_write(struct segue_node *object, int fd, const char *path, char **load, uint64_t *ret,
		struct segue_error *error)
{
	struct segue_sound *sound = segue_node_sound(to_impl(object));

	if (sound != NULL)
		return segue_sound_write(sound, fd, path, load, ret, error);
	close(fd);
	return segue_error_set(error, -EINVAL, "nothing is heard");
}

static int node_note_on(struct segue_node *object, uint32_t key, uint32_t velocity, struct segue_error *error)
{
	return segue_node_note_on(to_impl(object), key, velocity, error);
}

static int node_note_off(struct segue_node *object, uint32_t key, struct segue_error *error)
{
	return segue_node_note_off(to_impl(object), key, error);
}

static int node_notes_off(struct segue_node *object, struct segue_error *error)
{
	return segue_node_notes_off(to_impl(object), error);
}

static int node_play(struct segue_node *object, struct segue_sound *sound, const struct segue_options *options,
		uint64_t *ret, struct segue_error *error)
{
	return segue_node_play(to_impl(object), sound, options, ret, error);
}

static int node_stop(struct segue_node *object, uint64_t play, struct segue_error *error)
{
	return segue_node_stop(to_impl(object), play, error);
}

static int node_cancel(struct segue_node *object, uint64_t serial, struct segue_error *error)
{
	return segue_node_cancel(to_impl(object), serial, error);
}

static const struct segue_node_methods node_methods = {
	.version = SEGUE_CONTROL_VERSION,
	.add_listener = node_add_listener,
	.set_connected = node_set_connected,
	.make = node_make,
	.request = node_request,
	.cancel = node_cancel,
	.write = node_write,
	.properties = node_properties,
	.set = node_set,
	.set_props = node_set_props,
	.props_done = node_props_done,
	.get = node_get,
	.note_on = node_note_on,
	.note_off = node_note_off,
	.notes_off = node_notes_off,
	.play = node_play,
	.stop = node_stop,
	.info = node_info,
	.take_peaks = node_take_peaks,
	.clock = node_clock,
};

int segue_node_init(struct segue_node_impl *node, const struct segue_node_config *config)
{
	const struct segue_node_type *type = config->type;
	const char *name = config->info != NULL ? spa_dict_lookup(config->info, SPA_KEY_NODE_NAME) : NULL;

	*node = (struct segue_node_impl) {
		.iface = { &node_methods },
		.store = config->store,
		.log = config->log,
		.data_loop = config->data_loop,
		.type = type,
		.engine = config->engine,
		.handover = config->handover,
		.statistics = config->statistics,
		.n_in = config->n_in,
		.n_channels = config->n_channels,
		.frames_max = config->frames_max,
		.connected = true,
		.state = SEGUE_NODE_EMPTY,
	};
	snprintf(node->name, sizeof(node->name), "%s", name != NULL ? name : type->name);
	spa_log_topic_init(node->log, &log_topic);
	spa_hook_list_init(&node->listeners);
	spa_list_init(&node->requests);
	spa_list_init(&node->heard);
	spa_list_init(&node->plays);
	segue_outbox_init(&node->outbox, node->handover);
	node->outbox.cancel = type->cancel;
	node->outbox.withdrawn = segue_node_withdrawn;
	node->collected.collect = segue_node_collect;
	node->collected.data = node;
	segue_collector_add(node->store->collector, &node->collected);
	return segue_node_init_settings(node);
}

void segue_node_clear(struct segue_node_impl *node)
{
	segue_node_collect_all(node);
	segue_collector_remove(&node->collected);
	/* promise 4: nothing is lost, nothing leaks */
	assert(node->handover->n_outstanding == 0 && node->n_requests == 0);
	spa_hook_list_clean(&node->listeners);
}
