/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "shell-fixture.h"

#include <stdio.h>
#include <string.h>

#include <spa/node/utils.h>
#include <spa/param/audio/raw.h>

static const uint32_t channels[] = { SPA_AUDIO_CHANNEL_FL, SPA_AUDIO_CHANNEL_FR };

#define STORE(v, to)	__atomic_store_n(&(v), to, __ATOMIC_RELAXED)

/* ----------------------------------------------------------------- engine */

/* passes the input on; a missing one counts, and gives zeros */
SEGUE_DATA_LOOP static void engine_process(void *data, const struct segue_cycle *cycle)
{
	struct fixture *f = data;
	uint32_t c, i;

	STORE(f->n_frames, cycle->n_frames);
	STORE(f->rate, cycle->clock->rate.denom);
	STORE(f->position, cycle->clock->position);
	for (c = 0; c < SPA_N_ELEMENTS(channels); c++) {
		const float *in = cycle->in[c];
		float *out = cycle->out[c];

		if (in == NULL)
			STORE(f->n_silent_in, LOAD(f->n_silent_in) + 1);
		if (out == NULL)
			STORE(f->n_no_out, LOAD(f->n_no_out) + 1);
		for (i = 0; i < cycle->n_frames; i++) {
			/* what the host feeds */
			if (in != NULL && in[i] != (float)((cycle->clock->position + i) % (1u << 20)))
				STORE(f->n_wrong_in, LOAD(f->n_wrong_in) + 1);
			if (out != NULL)
				out[i] = in != NULL ? in[i] : 0.0f;
		}
	}
}

SEGUE_DATA_LOOP static void engine_paused(void *data)
{
	struct fixture *f = data;

	STORE(f->n_paused, LOAD(f->n_paused) + 1);
}

static void engine_started(void *data)
{
	struct fixture *f = data;

	f->n_started++;
	assert_int_equal(LOAD(f->n_paused), f->n_started + f->n_stopped);
}

static void engine_stopped(void *data)
{
	struct fixture *f = data;

	f->n_stopped++;
	assert_int_equal(LOAD(f->n_paused), f->n_started + f->n_stopped);
}

const struct segue_shell_ops shell_ops = {
	.process = engine_process,
	.paused = engine_paused,
	.started = engine_started,
	.stopped = engine_stopped,
};

/* on the host's data thread, after each cycle */
static void on_heard(void *data, const struct spa_io_clock *clock, const float *const out[],
		uint32_t n_frames)
{
	struct fixture *f = data;
	uint32_t c, i;

	for (c = 0; c < SPA_N_ELEMENTS(channels); c++) {
		for (i = 0; out[c] != NULL && i < n_frames; i++)
			if (out[c][i] != 0.0f && out[c][i] != (float)((clock->position + i) % (1u << 20)))
				STORE(f->n_wrong_out, LOAD(f->n_wrong_out) + 1);
		if (out[c] != NULL)
			STORE(f->n_heard, LOAD(f->n_heard) + n_frames);
	}
}

/* --------------------------------------------------------------- listener */

static void on_info(void *data, const struct spa_node_info *info)
{
	struct fixture *f = data;
	uint32_t i;

	f->n_infos++;
	assert_non_null(info->props);
	f->node_props = *info->props;
	for (i = 0; i < info->n_params; i++)
		if (info->params[i].id == SPA_PARAM_Props)
			f->props_flags = info->params[i].flags;
}

static void on_port_info(void *data, enum spa_direction direction, uint32_t port,
		const struct spa_port_info *info)
{
	struct fixture *f = data;
	const char *channel = spa_dict_lookup(info->props, "audio.channel");

	f->n_port_infos[direction]++;
	assert_true(port < 4);
	snprintf(f->port_names[direction][port], sizeof(f->port_names[0][0]), "%s|%s|%s",
			spa_dict_lookup(info->props, "port.name"), spa_dict_lookup(info->props, "port.alias"),
			spa_dict_lookup(info->props, "format.dsp"));
	snprintf(f->port_channels[direction][port], sizeof(f->port_channels[0][0]), "%s",
			channel != NULL ? channel : "");
}

static void on_result(void *data, int seq, int res, uint32_t type, const void *result)
{
	struct fixture *f = data;
	const struct spa_result_node_params *params = result;

	f->n_results++;
	f->last_seq = seq;
	if (type == SPA_RESULT_TYPE_NODE_PARAMS) {
		assert_true(SPA_POD_SIZE(params->param) <= sizeof(f->result));
		memcpy(f->result, params->param, SPA_POD_SIZE(params->param));
	}
}

const struct spa_node_events shell_events = {
	SPA_VERSION_NODE_EVENTS,
	.info = on_info,
	.port_info = on_port_info,
	.result = on_result,
};

/* ---------------------------------------------------------------- fixture */

static const struct spa_dict_item items[] = {
	SPA_DICT_ITEM_INIT("node.name", "room"),
	SPA_DICT_ITEM_INIT("clock.quantum-limit", "4096"),
};

int shell_setup(void **state)
{
	static struct fixture f;
	const struct segue_shell_config config = {
		.name = "segue.source", .category = "Filter", .in = channels, .out = channels,
		.n_in = 2, .n_out = 2, .midi_in = true,
	};
	const struct spa_support *support;
	uint32_t n_support;

	f = (struct fixture) { .host = host_new(NULL) };
	dummy_node_init(&f.control);
	support = host_support(f.host, &n_support);
	if (segue_shell_init(&f.shell, support, n_support, &SPA_DICT_INIT_ARRAY(items), &config,
				&f.control.iface, &shell_ops, &f) < 0)
		return -1;
	spa_node_add_listener(&f.shell.sides[0].node, &f.listener, &shell_events, &f);
	*state = &f;
	return 0;
}

int shell_setup_running(void **state)
{
	struct fixture *f;

	if (shell_setup(state) < 0)
		return -1;
	f = *state;
	host_add_node(f->host, &f->shell.sides[0].node, 2, 2, on_heard, f);
	host_wait_cycles(f->host, 2);
	return 0;
}

int shell_teardown(void **state)
{
	struct fixture *f = *state;

	spa_hook_remove(&f->listener);
	segue_shell_clear(&f->shell);
	host_free(f->host);
	return 0;
}

int shell_teardown_running(void **state)
{
	struct fixture *f = *state;

	host_remove_node(f->host);
	return shell_teardown(state);
}
