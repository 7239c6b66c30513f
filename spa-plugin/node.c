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

static void emit_changed(struct segue_node_impl *node, uint32_t changes)
{
	spa_hook_list_call(&node->listeners, struct segue_node_events, changed, 0, changes);
}

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
	emit_changed(node, SEGUE_NODE_CHANGE_STATE);
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

static int send_volumes(struct segue_node_impl *node)
{
	int res = 0;

	for (uint32_t c = 0; c < node->n_channels && res == 0; c++) {
		struct segue_command command = {
			.type = node->type->volume,
			.key = c,
			.value = node->mute ? 0.0 : node->volume * node->channel_volumes[c],
		};

		res = segue_node_send(node, &command);
	}
	return res;
}

static int send_setting(struct segue_node_impl *node, uint32_t index)
{
	struct segue_command command = {
		.type = node->type->commands[index],
		.value = node->values[index],
	};

	if (command.type == SEGUE_COMMAND_SWAP)
		return 0;
	if (index == SEGUE_PROPERTY_BYPASS)
		command.key = lround(node->values[SEGUE_PROPERTY_FADE] * SPA_USEC_PER_SEC);
	return segue_node_send(node, &command);
}

static int request_sound(struct segue_node_impl *node, struct segue_sound *sound,
		struct segue_error *error)
{
	struct segue_options options = SEGUE_OPTIONS_INIT;
	uint64_t serial;
	int res;

	if (sound == NULL)
		return error->res;
	res = segue_node_request(node, sound, &options, &serial, error);
	if (res >= 0)
		spa_list_last(&node->requests, struct segue_request, link)->is_setting = true;
	segue_sound_disown(sound);
	return res;
}

static int set_request(struct segue_node_impl *node, uint32_t index, const char *text,
		const struct segue_fence *fence, struct segue_error *error)
{
	struct segue_recipe recipe = {
		.type = SEGUE_RECIPE_WAVE,
		.text = text,
		.options = SEGUE_OPTIONS_INIT,
	};

	if (index == SEGUE_PROPERTY_LOAD) {
		recipe.options.kind = node->type->kind;
		return request_sound(node, segue_load_text(node->store, text, &recipe.options, fence, error),
				error);
	}
	return request_sound(node, segue_sound_make(node->store, &recipe, error), error);
}

static bool is_level(double v)
{
	return v >= 0.0 && v <= 16.0;
}

/* volume, mute and channelVolumes, as every PipeWire node has them */
static int set_volume(struct segue_node_impl *node, const char *key, const struct segue_value *value,
		struct segue_error *error)
{
	if (spa_streq(key, "mute")) {
		if (value->type != SEGUE_VALUE_BOOL)
			return segue_error_set(error, -EINVAL, "mute: must be true or false");
		node->mute = value->b;
	} else if (spa_streq(key, "volume")) {
		if (value->type != SEGUE_VALUE_DOUBLE || !is_level(value->d))
			return segue_error_set(error, -EINVAL, "volume: must be a number from 0 to 16");
		node->volume = value->d;
	} else if (spa_streq(key, "channelVolumes")) {
		if (value->type != SEGUE_VALUE_DOUBLES || value->f.n == 0)
			return segue_error_set(error, -EINVAL, "channelVolumes: must be numbers");
		for (uint32_t i = 0; i < value->f.n; i++) {
			if (!is_level(value->f.values[i]))
				return segue_error_set(error, -EINVAL, "channelVolumes: 0 to 16 each");
		}
		/* the last one serves all that follow */
		for (uint32_t c = 0; c < node->n_channels; c++)
			node->channel_volumes[c] = value->f.values[SPA_MIN(c, value->f.n - 1)];
	} else {
		return segue_error_set(error, -ENXIO, "%s: no such property", key);
	}
	return send_volumes(node);
}

static int set_property(struct segue_node_impl *node, const char *key, const struct segue_value *value,
		const struct segue_fence *fence, struct segue_error *error)
{
	const struct segue_property *p;
	double kept, before;
	int index, res;

	index = segue_property_find(node->type->properties, node->type->n_properties, key, NULL);
	if (index < 0) {
		if ((res = set_volume(node, key, value, error)) < 0)
			return res;
		goto changed;
	}
	p = &node->type->properties[index];
	if ((res = segue_property_check(p, value, &kept, error)) < 0)
		return res;
	if (p->flags & SEGUE_PROPERTY_REQUEST)
		return set_request(node, index, value->s, fence, error);
	before = node->values[index];
	if ((p->flags & SEGUE_PROPERTY_CREATE_ONLY) && kept != before)
		return segue_error_set(error, -EROFS, "%s: is fixed when the node is made", p->key);
	node->values[index] = kept;
	if (send_setting(node, index) < 0) {
		node->values[index] = before;
		return segue_error_set(error, -ENOMEM, "%s: no memory", p->key);
	}
changed:
	emit_changed(node, SEGUE_NODE_CHANGE_PROPERTIES);
	return 0;
}

static int node_set(struct segue_node *object, const char *key, const struct segue_value *value,
		struct segue_error *error)
{
	return set_property(to_impl(object), key, value, NULL, error);
}

static int node_set_props(struct segue_node *object, const char *key, const struct segue_value *value,
		struct segue_error *error)
{
	struct segue_node_impl *node = to_impl(object);
	int res = set_property(node, key, value, &node->store->fence, error);

	/* who asks with pw-cli gets no answer but segue.status */
	if (res < 0 && error != NULL) {
		node->last_error = *error;
		segue_node_update_state(node, true);
	}
	return res;
}

/* segue.load, segue.wave: what is heard, if that is what it was made from */
static const char *read_request(const struct segue_node_impl *node, uint32_t index)
{
	const struct segue_sound *sound = segue_node_sound(node);
	const char *text;

	if (sound == NULL)
		return "";
	text = index == SEGUE_PROPERTY_LOAD ? segue_sound_path(sound) : segue_sound_wave(sound);
	return text != NULL ? text : "";
}

static const char *read_status(struct segue_node_impl *node)
{
	const struct segue_sound *sound = segue_node_sound(node);

	if (segue_node_is_loading(node))
		return "loading";
	if (node->last_error.res != 0)
		snprintf(node->text, sizeof(node->text), "failed: %s", node->last_error.message);
	else if (sound != NULL)
		snprintf(node->text, sizeof(node->text), "ready %s", segue_sound_label(sound));
	else
		return "empty";
	return node->text;
}

static int node_get(struct segue_node *object, const char *key, struct segue_value *ret)
{
	struct segue_node_impl *node = to_impl(object);
	const struct segue_property *p;
	int index;

	index = segue_property_find(node->type->properties, node->type->n_properties, key, NULL);
	if (index >= 0) {
		p = &node->type->properties[index];
		*ret = segue_property_value(p, node->values[index]);
		if (p->type == SEGUE_VALUE_STRING && p->choices == NULL)
			ret->s = p->flags & SEGUE_PROPERTY_REQUEST ? read_request(node, index) :
				read_status(node);
	} else if (spa_streq(key, "mute")) {
		*ret = (struct segue_value) { .type = SEGUE_VALUE_BOOL, .b = node->mute };
	} else if (spa_streq(key, "volume")) {
		*ret = (struct segue_value) { .type = SEGUE_VALUE_DOUBLE, .d = node->volume };
	} else if (spa_streq(key, "channelVolumes")) {
		*ret = (struct segue_value) { .type = SEGUE_VALUE_DOUBLES,
			.f = { node->channel_volumes, node->n_channels } };
	} else {
		return -ENXIO;
	}
	return 0;
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

	*ret = (struct segue_node_info) {
		.type = node->type->name,
		.state = state_of(node),
		.last_error = node->last_error.message,
		.sound = sound != NULL ? segue_sound_id(sound) : 0,
		.label = sound != NULL ? segue_sound_label(sound) : "",
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
	.properties = node_properties,
	.set = node_set,
	.set_props = node_set_props,
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
	int res = 0;

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
		.volume = 1.0,
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
	for (uint32_t c = 0; c < node->n_channels; c++)
		node->channel_volumes[c] = 1.0;
	for (uint32_t i = 0; i < type->n_properties; i++) {
		node->values[i] = type->properties[i].def;
		if (res == 0)
			res = send_setting(node, i);
	}
	return res;
}

void segue_node_clear(struct segue_node_impl *node)
{
	segue_node_collect_all(node);
	segue_collector_remove(&node->collected);
	/* promise 4: nothing is lost, nothing leaks */
	assert(node->handover->n_outstanding == 0 && node->n_requests == 0);
	spa_hook_list_clean(&node->listeners);
}
