/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* The factory segue.source: engine, main half and SPA shell put together. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <spa/utils/keys.h>

#include "handle.h"
#include "plugin.h"
#include "rt/source.h"

struct impl {
	struct segue_handle base;
	/* data loop */
	struct segue_source *engine;
};

SEGUE_DATA_LOOP static void on_process(void *data, const struct segue_cycle *cycle)
{
	struct impl *this = data;

	segue_source_process(this->engine, cycle->clock, cycle->midi, cycle->out, cycle->n_frames);
}

SEGUE_DATA_LOOP static void on_paused(void *data)
{
	struct impl *this = data;

	segue_source_pause(this->engine);
}

static const struct segue_shell_ops shell_ops = {
	.process = on_process,
	.paused = on_paused,
	.started = segue_handle_started,
	.stopped = segue_handle_stopped,
};

SEGUE_DATA_LOOP static void engine_settle(void *engine)
{
	segue_source_settle(engine);
}

SEGUE_DATA_LOOP static void engine_lose_clock(void *engine)
{
	segue_source_lose_clock(engine);
}

SEGUE_DATA_LOOP static void engine_drain(void *engine)
{
	segue_source_drain(engine);
}

static void engine_release_key(void *engine, uint8_t key)
{
	segue_source_release_key(engine, key);
}

static bool engine_is_releasing(const void *engine, uint8_t key)
{
	return segue_source_is_releasing(engine, key);
}

static uint32_t engine_count_voices(const void *engine)
{
	return segue_source_count_voices(engine);
}

static const struct segue_keys_type source_keys = {
	.note_on = SEGUE_SOURCE_NOTE_ON,
	.note_off = SEGUE_SOURCE_NOTE_OFF,
	.notes_off = SEGUE_SOURCE_NOTES_OFF,
	.play = SEGUE_SOURCE_PLAY,
	.stop = SEGUE_SOURCE_STOP,
	.release_key = engine_release_key,
	.is_releasing = engine_is_releasing,
	.count_voices = engine_count_voices,
};

static const struct segue_node_type source_type = {
	.name = "source",
	.properties = segue_source_properties,
	.n_properties = SEGUE_PROPERTIES_SOURCE,
	.cancel = SEGUE_SOURCE_CANCEL,
	.volume = SEGUE_SOURCE_VOLUME,
	.commands = {
		[SEGUE_PROPERTY_GAIN] = SEGUE_SOURCE_GAIN,
		[SEGUE_PROPERTY_BYPASS] = SEGUE_SOURCE_BYPASS,
		[SEGUE_PROPERTY_FREQUENCY] = SEGUE_SOURCE_FREQUENCY,
		[SEGUE_PROPERTY_TRIGGER] = SEGUE_SOURCE_TRIGGER,
		[SEGUE_PROPERTY_CHANNEL] = SEGUE_SOURCE_CHANNEL,
		[SEGUE_PROPERTY_VOICES] = SEGUE_SOURCE_VOICES,
		[SEGUE_PROPERTY_ATTACK] = SEGUE_SOURCE_ATTACK,
		[SEGUE_PROPERTY_DECAY] = SEGUE_SOURCE_DECAY,
		[SEGUE_PROPERTY_SUSTAIN] = SEGUE_SOURCE_SUSTAIN,
		[SEGUE_PROPERTY_RELEASE] = SEGUE_SOURCE_RELEASE,
	},
	.settle = engine_settle,
	.lose_clock = engine_lose_clock,
	.drain = engine_drain,
	.keys = &source_keys,
};

static int impl_clear(struct spa_handle *handle)
{
	struct impl *this = (struct impl *)handle;

	spa_return_val_if_fail(handle != NULL, -EINVAL);

	segue_shell_clear(&this->base.shell);
	segue_node_clear(&this->base.node);
	free(this->engine);
	segue_store_put(this->base.store);
	return 0;
}

static size_t impl_get_size(const struct spa_handle_factory *factory, const struct spa_dict *params)
{
	return sizeof(struct impl);
}

static struct segue_source *new_engine(struct impl *this, uint32_t n_channels)
{
	size_t size = SPA_ROUND_UP_N(segue_source_size(n_channels), SEGUE_CACHE_LINE);
	void *memory = aligned_alloc(SEGUE_CACHE_LINE, size);

	if (memory == NULL)
		return NULL;
	memset(memory, 0, size);
	return segue_source_init(memory, n_channels, &this->base.handover, &this->base.statistics);
}

static int impl_init(const struct spa_handle_factory *factory, struct spa_handle *handle,
		const struct spa_dict *info, const struct spa_support *support, uint32_t n_support)
{
	struct impl *this = (struct impl *)handle;
	uint32_t position[SEGUE_CHANNELS_MAX];
	struct segue_shell_config config = {
		.name = "segue-source",
		.category = "Source",
		.out = position,
		.midi_in = true,
	};
	struct segue_node_config node = {
		.info = info,
		.type = &source_type,
	};
	int res;

	spa_return_val_if_fail(factory != NULL && handle != NULL, -EINVAL);

	memset(this, 0, sizeof(*this));
	segue_handle_read_device(info, &config);
	if ((res = segue_shell_position(info, config.is_device ? "playback.props" : NULL, position)) < 0)
		return res;
	config.n_out = node.n_channels = res;
	if ((res = segue_handle_begin(&this->base, support, n_support, impl_clear, &node)) < 0)
		return res;
	if ((node.engine = this->engine = new_engine(this, config.n_out)) == NULL) {
		segue_store_put(this->base.store);
		return -ENOMEM;
	}
	res = segue_node_init(&this->base.node, &node);
	if (res >= 0)
		res = segue_shell_init(&this->base.shell, support, n_support, info, &config,
				&this->base.node.iface, &shell_ops, this);
	if (res >= 0)
		res = segue_node_configure(&this->base.node, info);
	if (res < 0)
		impl_clear(handle);
	return res;
}

static const struct spa_dict_item info_items[] = {
	{ SPA_KEY_FACTORY_AUTHOR, "Segue contributors" },
	{ SPA_KEY_FACTORY_DESCRIPTION, "Play a wavetable or a sample that can be replaced while it sounds" },
	{ SPA_KEY_FACTORY_USAGE, "[audio.position=<FL,FR>] [segue.wave=<sine>] [segue.load=<path>]" },
};

static const struct spa_dict source_info = SPA_DICT_INIT_ARRAY(info_items);

const struct spa_handle_factory segue_source_factory = {
	SPA_VERSION_HANDLE_FACTORY,
	SEGUE_FACTORY_SOURCE,
	&source_info,
	impl_get_size,
	impl_init,
	segue_handle_enum_interface_info,
};
