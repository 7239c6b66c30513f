/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* The factory segue.convolver: engine, main half and SPA shell put together. */

#include <errno.h>
#include <math.h>
#include <string.h>

#include <spa/utils/keys.h>

#include "handle.h"
#include "node-memory.h"
#include "plugin.h"
#include "rt/convolver.h"
#include "rt/meter.h"

/* The engine's state doesn't depend on the rate, so it stays as it is when that changes; but a second has more
 * frames then. There is room for segue.ir.max at this rate, or at the graph's when it was made. */
#define RATE_MAX	96000u

struct impl {
	struct segue_handle base;
	/* main loop */
	struct segue_node_memory *memory;
	struct spa_hook node_listener;
	/* data loop */
	struct segue_convolver *engine;
};

SEGUE_DATA_LOOP static void on_process(void *data, const struct segue_cycle *cycle)
{
	struct impl *this = data;

	if (this->base.shell.is_device)
		segue_meter_watch_silence(cycle->in, this->base.node.n_in, cycle->n_frames, &this->base.statistics);
	segue_convolver_process(this->engine, cycle->clock, cycle->in, cycle->out, cycle->n_frames);
}

SEGUE_DATA_LOOP static void on_paused(void *data)
{
	struct impl *this = data;

	segue_convolver_pause(this->engine);
}

static const struct segue_shell_ops shell_ops = {
	.process = on_process,
	.paused = on_paused,
	.started = segue_handle_started,
	.stopped = segue_handle_stopped,
};

SEGUE_DATA_LOOP static void engine_forget(void *engine)
{
	segue_convolver_forget(engine);
}

SEGUE_DATA_LOOP static void engine_settle(void *engine)
{
	segue_convolver_settle(engine);
}

SEGUE_DATA_LOOP static void engine_lose_clock(void *engine)
{
	segue_convolver_lose_clock(engine);
}

SEGUE_DATA_LOOP static void engine_drain(void *engine)
{
	segue_convolver_drain(engine);
}

static const struct segue_node_type convolver_type = {
	.name = "convolver",
	.kind = SEGUE_KIND_RESPONSE,
	.properties = segue_convolver_properties,
	.n_properties = SEGUE_PROPERTIES_CONVOLVER,
	.cancel = SEGUE_CONVOLVER_CANCEL,
	.volume = SEGUE_CONVOLVER_VOLUME,
	.commands = {
		[SEGUE_PROPERTY_GAIN] = SEGUE_CONVOLVER_GAIN,
		[SEGUE_PROPERTY_BYPASS] = SEGUE_CONVOLVER_BYPASS,
		[SEGUE_PROPERTY_WET] = SEGUE_CONVOLVER_WET,
		[SEGUE_PROPERTY_DRY] = SEGUE_CONVOLVER_DRY,
	},
	.forget = engine_forget,
	.settle = engine_settle,
	.lose_clock = engine_lose_clock,
	.drain = engine_drain,
};

/* ------------------------------------------------------------------ latency */

static uint64_t latency_nsec(const struct impl *this)
{
	const struct segue_response *response = segue_node_response(&this->base.node);
	double seconds = this->base.node.values[SEGUE_PROPERTY_LATENCY];

	if (seconds == SEGUE_AUTOMATIC)
		seconds = response != NULL ? (double)response->peak_frame / response->rate : 0.0;
	return (uint64_t)llround(seconds * SPA_NSEC_PER_SEC);
}

static void on_node_changed(void *data, uint32_t changes)
{
	struct impl *this = data;

	segue_shell_set_latency(&this->base.shell, latency_nsec(this));
}

static const struct segue_node_events node_events = {
	.version = SEGUE_CONTROL_VERSION,
	.changed = on_node_changed,
};

/* ------------------------------------------------------------ init and clear */

static int impl_clear(struct spa_handle *handle)
{
	struct impl *this = (struct impl *)handle;

	spa_return_val_if_fail(handle != NULL, -EINVAL);

	segue_shell_clear(&this->base.shell);
	segue_node_clear(&this->base.node);
	segue_node_memory_free(this->memory);
	segue_store_put(this->base.store);
	return 0;
}

static size_t impl_get_size(const struct spa_handle_factory *factory, const struct spa_dict *params)
{
	return sizeof(struct impl);
}

static int new_engine(struct impl *this, const struct segue_convolver_config *config)
{
	if ((this->memory = segue_node_memory_new(this->base.store, segue_convolver_size(config))) == NULL)
		return -errno;
	this->engine = segue_convolver_init(segue_node_memory_data(this->memory), config);
	return 0;
}

/* A value out of range is refused when the properties are set. */
static double read_length_max(const struct spa_dict *info)
{
	const struct segue_property *p = &segue_convolver_properties[SEGUE_PROPERTY_LENGTH_MAX];
	const char *text = info != NULL ? spa_dict_lookup(info, p->key) : NULL;
	struct segue_value value = { .type = SEGUE_VALUE_STRING, .s = text };
	double seconds;

	return text != NULL && segue_property_check(p, &value, &seconds, NULL) >= 0 ? seconds : p->def;
}

static int init_node(struct impl *this, struct segue_node_config *config)
{
	double length_max = read_length_max(config->info);
	uint64_t frames_max = (uint64_t)ceil(length_max * SPA_MAX(RATE_MAX, this->base.store->rate));
	struct segue_convolver_config engine = {
		.n_in = config->n_in,
		.n_out = config->n_channels,
		.frames_max = SPA_MIN(frames_max, (uint64_t)SEGUE_RESPONSE_MAX),
		.transforms = this->base.store->transforms,
		.handover = &this->base.handover,
		.statistics = &this->base.statistics,
	};
	int res;

	if ((res = new_engine(this, &engine)) < 0)
		return res;
	config->engine = this->engine;
	config->frames_max = engine.frames_max;
	res = segue_node_init(&this->base.node, config);
	this->base.node.values[SEGUE_PROPERTY_LENGTH_MAX] = length_max;
	return res;
}

static int impl_init(const struct spa_handle_factory *factory, struct spa_handle *handle,
		const struct spa_dict *info, const struct spa_support *support, uint32_t n_support)
{
	struct impl *this = (struct impl *)handle;
	uint32_t in[SEGUE_CHANNELS_MAX], out[SEGUE_CHANNELS_MAX];
	struct segue_shell_config config = {
		.name = "segue-convolver",
		.category = "Filter",
		.in = in,
		.out = out,
	};
	struct segue_node_config node = {
		.info = info,
		.type = &convolver_type,
	};
	int res, n_in, n_out;

	spa_return_val_if_fail(factory != NULL && handle != NULL, -EINVAL);

	memset(this, 0, sizeof(*this));
	if ((n_in = segue_shell_position(info, "capture.props", in)) < 0 ||
	    (n_out = segue_shell_position(info, "playback.props", out)) < 0)
		return -EINVAL;
	config.n_in = node.n_in = n_in;
	config.n_out = node.n_channels = n_out;
	segue_handle_read_device(info, &config);
	if ((res = segue_handle_begin(&this->base, support, n_support, impl_clear, &node)) < 0)
		return res;
	if ((res = init_node(this, &node)) < 0) {
		segue_node_memory_free(this->memory);
		segue_store_put(this->base.store);
		return res;
	}
	res = segue_shell_init(&this->base.shell, support, n_support, info, &config, &this->base.node.iface, &shell_ops,
			this);
	if (res >= 0) {
		this->base.node.iface.methods->add_listener(&this->base.node.iface, &this->node_listener, &node_events, this);
		res = segue_node_configure(&this->base.node, info);
	}
	if (res < 0)
		impl_clear(handle);
	return res;
}

static const struct spa_dict_item info_items[] = {
	{ SPA_KEY_FACTORY_AUTHOR, "Segue contributors" },
	{ SPA_KEY_FACTORY_DESCRIPTION, "Convolve with an impulse response that can be replaced while it sounds" },
	{ SPA_KEY_FACTORY_USAGE, "[audio.position=<FL,FR>] [segue.load=<path>] [segue.ir.max=<seconds>]" },
};

static const struct spa_dict convolver_info = SPA_DICT_INIT_ARRAY(info_items);

const struct spa_handle_factory segue_convolver_factory = {
	SPA_VERSION_HANDLE_FACTORY,
	SEGUE_FACTORY_CONVOLVER,
	&convolver_info,
	impl_get_size,
	impl_init,
	segue_handle_enum_interface_info,
};
