/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "node-shell.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <spa/control/control.h>
#include <spa/node/command.h>
#include <spa/node/utils.h>
#include <spa/param/audio/dsp-utils.h>
#include <spa/param/audio/raw.h>
#include <spa/param/buffers.h>
#include <spa/param/latency-utils.h>
#include <spa/param/props.h>
#include <spa/pod/builder.h>
#include <spa/pod/filter.h>
#include <spa/utils/string.h>

#include <cmocka.h>

#include "dummy-node.h"
#include "host.h"

#define IN	SPA_DIRECTION_INPUT
#define OUT	SPA_DIRECTION_OUTPUT

static const uint32_t channels[] = { SPA_AUDIO_CHANNEL_FL, SPA_AUDIO_CHANNEL_FR };

struct fixture {
	struct host *host;
	struct dummy_node control;
	struct segue_shell shell;
	struct spa_hook listener;
	/* main loop: what the shell told its listener */
	uint32_t n_infos, n_port_infos[2], n_results, last_seq;
	uint32_t props_flags;
	struct spa_dict node_props;
	char port_names[2][4][64], port_channels[2][4][16];
	uint8_t result[8192];
	/* main loop: what the engine was told */
	uint32_t n_started, n_stopped;
	/* data loop; atomics */
	uint32_t n_paused;
	uint32_t n_frames, rate;
	uint64_t position, n_silent_in, n_no_out, n_wrong_in, n_wrong_out, n_heard;
};

#define LOAD(v)		__atomic_load_n(&(v), __ATOMIC_RELAXED)
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

static const struct segue_shell_ops ops = {
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

static const struct spa_node_events events = {
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

static int setup(void **state)
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
				&f.control.iface, &ops, &f) < 0)
		return -1;
	spa_node_add_listener(&f.shell.node, &f.listener, &events, &f);
	*state = &f;
	return 0;
}

static int setup_running(void **state)
{
	struct fixture *f;

	if (setup(state) < 0)
		return -1;
	f = *state;
	host_add_node(f->host, &f->shell.node, 2, 2, on_heard, f);
	host_wait_cycles(f->host, 2);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	spa_hook_remove(&f->listener);
	segue_shell_clear(&f->shell);
	host_free(f->host);
	return 0;
}

static int teardown_running(void **state)
{
	struct fixture *f = *state;

	host_remove_node(f->host);
	return teardown(state);
}

static int enum_port(struct fixture *f, enum spa_direction direction, uint32_t port, uint32_t id)
{
	f->n_results = 0;
	return spa_node_port_enum_params(&f->shell.node, 1, direction, port, id, 0, 100, NULL);
}

static const struct spa_pod *result(struct fixture *f)
{
	return (const struct spa_pod *)f->result;
}

/* ------------------------------------------------------------ description */

static void a_listener_is_told_everything(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->n_infos, 1);
	assert_int_equal(f->n_port_infos[IN], 3);
	assert_int_equal(f->n_port_infos[OUT], 2);
	assert_string_equal(spa_dict_lookup(&f->node_props, "node.name"), "room");
	assert_string_equal(spa_dict_lookup(&f->node_props, "node.description"), "room");
	assert_string_equal(spa_dict_lookup(&f->node_props, "media.type"), "Audio");
	assert_string_equal(spa_dict_lookup(&f->node_props, "media.category"), "Filter");
	assert_string_equal(spa_dict_lookup(&f->node_props, "media.role"), "DSP");
	assert_null(spa_dict_lookup(&f->node_props, "media.class"));
	assert_string_equal(f->port_names[OUT][0], "output_FL|room:output_FL|32 bit float mono audio");
	assert_string_equal(f->port_names[IN][1], "input_FR|room:input_FR|32 bit float mono audio");
	assert_string_equal(f->port_names[IN][2], "midi_in|room:midi_in|8 bit raw midi");
	assert_string_equal(f->port_channels[OUT][1], "FR");
	assert_string_equal(f->port_channels[IN][2], "");
}

static void a_second_listener_does_not_repeat_it_to_the_first(void **state)
{
	struct fixture *f = *state, other = { 0 };
	struct spa_hook hook;

	spa_node_add_listener(&f->shell.node, &hook, &events, &other);
	assert_int_equal(other.n_infos, 1);
	assert_int_equal(other.n_port_infos[IN] + other.n_port_infos[OUT], 5);
	assert_int_equal(f->n_infos, 1);
	spa_hook_remove(&hook);
}

static int position_of(const char *text, uint32_t *ids)
{
	struct spa_dict_item item = SPA_DICT_ITEM_INIT("audio.position", text);

	return segue_shell_position(&SPA_DICT_INIT(&item, 1), ids);
}

static void the_position_is_read_in_either_notation(void **state)
{
	uint32_t ids[SEGUE_PORT_CHANNELS_MAX] = { 0 };
	char many[2048] = "[ ";
	uint32_t i;

	assert_int_equal(segue_shell_position(NULL, ids), 2);
	assert_int_equal(position_of("[ FR FL LFE ]", ids), 3);
	assert_int_equal(ids[0], SPA_AUDIO_CHANNEL_FR);
	assert_int_equal(ids[2], SPA_AUDIO_CHANNEL_LFE);
	assert_int_equal(position_of("MONO", ids), 1);
	assert_int_equal(ids[0], SPA_AUDIO_CHANNEL_MONO);
	assert_int_equal(position_of("FL,AUX63", ids), 2);
	assert_int_equal(ids[1], SPA_AUDIO_CHANNEL_AUX63);
	assert_int_equal(position_of("", ids), -EINVAL);
	assert_int_equal(position_of("[ ]", ids), -EINVAL);
	assert_int_equal(position_of("[ FL XY ]", ids), -EINVAL);
	assert_int_equal(position_of("[ FL FL ]", ids), -EINVAL);
	for (i = 0; i < 64; i++)
		snprintf(many + strlen(many), 8, "AUX%u ", i);
	assert_int_equal(position_of(many, ids), 64);
	strcat(many, "FL");
	assert_int_equal(position_of(many, ids), -EINVAL);
}

static void a_nameless_node_is_called_as_its_type(void **state)
{
	struct fixture *f = *state;
	const struct segue_shell_config config = { .name = "segue.source", .category = "Source" };
	struct segue_shell shell;
	const struct spa_support *support;
	uint32_t n_support;

	support = host_support(f->host, &n_support);
	assert_int_equal(segue_shell_init(&shell, support, n_support, NULL, &config, &f->control.iface,
				&ops, f), 0);
	assert_string_equal(spa_dict_lookup(shell.info.node.props, "node.name"), "segue.source");
	segue_shell_clear(&shell);
	segue_shell_clear(&shell);
	/* no data loop, no node */
	assert_int_equal(segue_shell_init(&shell, NULL, 0, NULL, &config, &f->control.iface, &ops, f),
			-EINVAL);
	segue_shell_clear(&shell);
}

/* ----------------------------------------------------------------- params */

static void unknown_params_and_ports_are_refused(void **state)
{
	struct fixture *f = *state;
	struct spa_node *node = &f->shell.node;

	assert_int_equal(spa_node_enum_params(node, 1, SPA_PARAM_EnumFormat, 0, 1, NULL), -ENOENT);
	assert_int_equal(spa_node_enum_params(node, 1, SPA_PARAM_Props, 0, 0, NULL), -EINVAL);
	assert_int_equal(enum_port(f, OUT, 0, SPA_PARAM_Props), -ENOENT);
	assert_int_equal(enum_port(f, OUT, 2, SPA_PARAM_EnumFormat), -EINVAL);
	assert_int_equal(enum_port(f, IN, 3, SPA_PARAM_EnumFormat), -EINVAL);
	assert_int_equal(spa_node_set_io(node, SPA_IO_Memory, NULL, 0), -ENOENT);
	assert_int_equal(spa_node_port_set_io(node, OUT, 0, SPA_IO_Range, NULL, 0), -ENOENT);
	assert_int_equal(spa_node_set_param(node, SPA_PARAM_Format, 0, NULL), -ENOENT);
	assert_int_equal(spa_node_add_port(node, OUT, 9, NULL), -ENOTSUP);
	assert_int_equal(spa_node_remove_port(node, OUT, 0), -ENOTSUP);
	assert_int_equal(spa_node_send_command(node, &SPA_NODE_COMMAND_INIT(SPA_NODE_COMMAND_Drain)),
			-ENOTSUP);
	assert_int_equal(spa_node_send_command(node, &SPA_NODE_COMMAND_INIT(SPA_NODE_COMMAND_ParamBegin)),
			0);
}

static void sync_answers_with_its_number(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(spa_node_sync(&f->shell.node, 7), 0);
	assert_int_equal(f->n_results, 1);
	assert_int_equal(f->last_seq, 7);
}

static void all_property_infos_can_be_read_in_parts(void **state)
{
	struct fixture *f = *state;
	struct spa_node *node = &f->shell.node;

	assert_int_equal(spa_node_enum_params(node, 1, SPA_PARAM_PropInfo, 0, 1000, NULL), 0);
	assert_int_equal(f->n_results, 3 + DUMMY_N_PROPERTIES);
	f->n_results = 0;
	assert_int_equal(spa_node_enum_params(node, 1, SPA_PARAM_PropInfo, 2, 3, NULL), 0);
	assert_int_equal(f->n_results, 3);
}

static void a_filter_selects(void **state)
{
	struct fixture *f = *state;
	uint8_t buffer[256];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(buffer, sizeof(buffer));
	const struct spa_pod *filter = spa_pod_builder_add_object(&b, SPA_TYPE_OBJECT_PropInfo,
			SPA_PARAM_PropInfo, SPA_PROP_INFO_name, SPA_POD_String("segue.fade"));
	const char *name = NULL;

	assert_int_equal(spa_node_enum_params(&f->shell.node, 1, SPA_PARAM_PropInfo, 0, 1000, filter), 0);
	assert_int_equal(f->n_results, 1);
	assert_true(spa_pod_parse_object(result(f), SPA_TYPE_OBJECT_PropInfo, NULL,
			SPA_PROP_INFO_name, SPA_POD_String(&name)) >= 0);
	assert_string_equal(name, "segue.fade");
}

static void a_port_speaks_of_buffers_once_it_has_a_format(void **state)
{
	struct fixture *f = *state;
	uint8_t pod[256];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(pod, sizeof(pod));
	struct spa_audio_info_dsp info = { .format = SPA_AUDIO_FORMAT_DSP_F32 };
	struct spa_buffer buffer = { 0 }, *buffers[] = { &buffer };
	struct spa_node *node = &f->shell.node;
	const struct spa_pod_prop *size;
	uint32_t n_values, kind;

	assert_int_equal(enum_port(f, OUT, 0, SPA_PARAM_EnumFormat), 0);
	assert_int_equal(f->n_results, 1);
	assert_int_equal(enum_port(f, OUT, 0, SPA_PARAM_Format), -EIO);
	assert_int_equal(enum_port(f, OUT, 0, SPA_PARAM_Buffers), -EIO);
	assert_int_equal(spa_node_port_use_buffers(node, OUT, 0, 0, buffers, 1), -EIO);
	assert_int_equal(spa_node_port_set_param(node, OUT, 0, SPA_PARAM_Format, 0,
			spa_format_audio_dsp_build(&b, SPA_PARAM_Format, &info)), 0);
	assert_int_equal(f->n_port_infos[OUT], 3);
	assert_int_equal(enum_port(f, OUT, 0, SPA_PARAM_Format), 0);
	assert_int_equal(f->n_results, 1);
	assert_int_equal(enum_port(f, OUT, 0, SPA_PARAM_Buffers), 0);
	assert_non_null(size = spa_pod_find_prop(result(f), NULL, SPA_PARAM_BUFFERS_size));
	assert_int_equal(*(int32_t *)SPA_POD_BODY(spa_pod_get_values(&size->value, &n_values, &kind)),
			4096 * sizeof(float));
	/* a buffer without memory */
	assert_int_equal(spa_node_port_use_buffers(node, OUT, 0, 0, buffers, 1), -EINVAL);
	assert_int_equal(spa_node_port_use_buffers(node, OUT, 0, 0, buffers, 65), -ENOSPC);
	assert_int_equal(spa_node_port_set_param(node, OUT, 0, SPA_PARAM_Format, 0, NULL), 0);
	assert_int_equal(enum_port(f, OUT, 0, SPA_PARAM_Format), -EIO);
}

static void another_format_is_refused(void **state)
{
	struct fixture *f = *state;
	uint8_t pod[256];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(pod, sizeof(pod));
	struct spa_audio_info_dsp info = { .format = SPA_AUDIO_FORMAT_S16 };
	const struct spa_pod *format = spa_format_audio_dsp_build(&b, SPA_PARAM_Format, &info);

	assert_int_equal(spa_node_port_set_param(&f->shell.node, OUT, 0, SPA_PARAM_Format, 0, format), -EINVAL);
	info.format = SPA_AUDIO_FORMAT_DSP_F32;
	format = spa_format_audio_dsp_build(&b, SPA_PARAM_Format, &info);
	/* audio into the MIDI port */
	assert_int_equal(spa_node_port_set_param(&f->shell.node, IN, 2, SPA_PARAM_Format, 0, format), -EINVAL);
}

static void the_midi_port_asks_for_midi_1(void **state)
{
	struct fixture *f = *state;
	const struct spa_pod_prop *types;
	struct spa_pod *choice;
	uint32_t n_values, kind;

	assert_int_equal(enum_port(f, IN, 2, SPA_PARAM_EnumFormat), 0);
	assert_int_equal(f->n_results, 1);
	types = spa_pod_find_prop(result(f), NULL, 0x60001);
	assert_non_null(types);
	choice = spa_pod_get_values(&types->value, &n_values, &kind);
	assert_int_equal(*(int32_t *)SPA_POD_BODY(choice), 1 << SPA_CONTROL_Midi);
	/* and takes what it offers */
	assert_int_equal(spa_node_port_set_param(&f->shell.node, IN, 2, SPA_PARAM_Format, 0, result(f)), 0);
}

static void latency_of_the_other_side_is_kept(void **state)
{
	struct fixture *f = *state;
	uint8_t pod[256];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(pod, sizeof(pod));
	struct spa_latency_info info = SPA_LATENCY_INFO(SPA_DIRECTION_INPUT, .min_rate = 64, .max_rate = 64);
	const struct spa_pod *param = spa_latency_build(&b, SPA_PARAM_Latency, &info);
	struct spa_latency_info got;

	assert_int_equal(spa_node_port_set_param(&f->shell.node, OUT, 0, SPA_PARAM_Latency, 0, param), 0);
	assert_int_equal(spa_node_port_set_param(&f->shell.node, IN, 0, SPA_PARAM_Latency, 0, param), -EINVAL);
	f->n_results = 0;
	assert_int_equal(spa_node_port_enum_params(&f->shell.node, 1, OUT, 0, SPA_PARAM_Latency, IN, 1, NULL), 0);
	assert_int_equal(f->n_results, 1);
	assert_int_equal(spa_latency_parse(result(f), &got), 0);
	assert_int_equal(got.min_rate, 64);
}

/* ------------------------------------------------------------------ Props */

static int set_volume(struct fixture *f, float volume)
{
	uint8_t pod[256];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(pod, sizeof(pod));
	const struct spa_pod *props = spa_pod_builder_add_object(&b, SPA_TYPE_OBJECT_Props, SPA_PARAM_Props,
			SPA_PROP_volume, SPA_POD_Float(volume),
			SPA_PROP_mute,   SPA_POD_Bool(true));

	return spa_node_set_param(&f->shell.node, SPA_PARAM_Props, 0, props);
}

static void one_set_flips_the_serial_once_and_is_told_whole(void **state)
{
	struct fixture *f = *state;
	uint32_t before = f->props_flags;

	assert_int_equal(set_volume(f, 0.5f), 0);
	assert_true(f->control.volume == 0.5 && f->control.mute);
	assert_int_equal(f->n_infos, 2);
	assert_int_equal(f->props_flags, before ^ SPA_PARAM_INFO_SERIAL);
	host_run(f->host, 250);
	assert_int_equal(f->n_infos, 2);
}

static void a_bad_set_is_refused_without_a_sign_of_change(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set_volume(f, -1.0f), -EINVAL);
	assert_true(f->control.volume == 1.0 && !f->control.mute);
	assert_int_equal(f->n_infos, 1);
}

static void a_storm_of_changes_is_told_ten_times_a_second(void **state)
{
	struct fixture *f = *state;
	uint32_t i;

	for (i = 0; i < 250; i++) {
		dummy_node_change(&f->control, SEGUE_NODE_CHANGE_STATE);
		host_run(f->host, 1);
	}
	assert_in_range(f->n_infos, 3, 20);
	/* the last one always, then nothing */
	host_run(f->host, 250);
	i = f->n_infos;
	host_run(f->host, 250);
	assert_int_equal(f->n_infos, i);
	dummy_node_change(&f->control, SEGUE_NODE_CHANGE_STATE);
	assert_int_equal(f->n_infos, i + 1);
	/* a new rate isn't among the Props */
	host_run(f->host, 250);
	dummy_node_change(&f->control, SEGUE_NODE_CHANGE_RATE);
	assert_int_equal(f->n_infos, i + 1);
}

/* ---------------------------------------------------------------- running */

static void start_and_stop_are_told_once_each(void **state)
{
	struct fixture *f = *state;

	assert_true(segue_shell_started(&f->shell));
	assert_int_equal(f->n_started, 1);
	host_command(f->host, SPA_NODE_COMMAND_Start);
	assert_int_equal(f->n_started, 1);
	host_command(f->host, SPA_NODE_COMMAND_Pause);
	host_command(f->host, SPA_NODE_COMMAND_Suspend);
	assert_int_equal(f->n_stopped, 1);
	assert_false(segue_shell_started(&f->shell));
}

static void samples_pass_unharmed_at_every_quantum(void **state)
{
	static const uint32_t quanta[] = { 1, 16, 63, 64, 65, 1000, 1024, 8192, 256 };
	struct fixture *f = *state;
	uint32_t i;

	for (i = 0; i < SPA_N_ELEMENTS(quanta); i++) {
		host_set_quantum(f->host, quanta[i]);
		host_wait_cycles(f->host, 3);
		assert_int_equal(LOAD(f->n_frames), quanta[i]);
		assert_int_equal(LOAD(f->rate), HOST_RATE);
	}
	assert_true(LOAD(f->n_heard) > 0);
	assert_int_equal(LOAD(f->n_silent_in) + LOAD(f->n_no_out), 0);
	assert_int_equal(LOAD(f->n_wrong_in) + LOAD(f->n_wrong_out), 0);
}

static void a_small_buffer_bounds_the_cycle(void **state)
{
	struct fixture *f = *state;

	host_set_quantum(f->host, 1024);
	host_set_buffers(f->host, OUT, 1, 1, 100);
	host_wait_cycles(f->host, 3);
	assert_int_equal(LOAD(f->n_frames), 100);
	assert_int_equal(LOAD(f->n_wrong_out), 0);
}

static void two_buffers_are_used_in_turn(void **state)
{
	struct fixture *f = *state;

	uint64_t n;

	host_set_buffers(f->host, OUT, 0, 2, 1024);
	n = LOAD(f->n_no_out);
	host_wait_cycles(f->host, 10);
	assert_int_equal(LOAD(f->n_no_out), n);
	assert_int_equal(LOAD(f->n_wrong_out), 0);
}

static void without_a_position_time_goes_on(void **state)
{
	struct fixture *f = *state;
	uint64_t position;

	host_set_quantum(f->host, 480);
	host_wait_cycles(f->host, 2);
	host_set_position(f->host, false);
	position = LOAD(f->position);
	host_wait_cycles(f->host, 5);
	assert_int_equal(LOAD(f->n_frames), 480);
	assert_true(LOAD(f->position) >= position + 4 * 480);
	assert_int_equal((LOAD(f->position) - position) % 480, 0);
	host_set_position(f->host, true);
}

static void a_port_without_io_or_buffers_gets_no_samples(void **state)
{
	struct fixture *f = *state;
	uint64_t n;

	host_set_io(f->host, OUT, 0, false);
	n = LOAD(f->n_no_out);
	host_wait_cycles(f->host, 3);
	assert_true(LOAD(f->n_no_out) >= n + 2);
	host_set_io(f->host, OUT, 0, true);
	host_set_format(f->host, IN, 1, false);
	n = LOAD(f->n_silent_in);
	host_wait_cycles(f->host, 3);
	assert_true(LOAD(f->n_silent_in) >= n + 2);
	assert_int_equal(LOAD(f->n_wrong_in) + LOAD(f->n_wrong_out), 0);
}

/* what 0.3.65 does while process() runs, and more of it */
static void io_and_buffers_change_while_it_runs(void **state)
{
	struct fixture *f = *state;
	uint32_t i;

	for (i = 0; i < 300; i++) {
		enum spa_direction direction = i % 2 ? IN : OUT;
		uint32_t port = i / 2 % 2;

		host_set_quantum(f->host, 1 + i * 27 % HOST_QUANTUM_MAX);
		host_set_io(f->host, direction, port, false);
		host_set_buffers(f->host, direction, port, 1 + i % 2, 16 + i);
		host_set_io(f->host, direction, port, true);
		if (i % 7 == 0) {
			host_set_position(f->host, false);
			host_set_format(f->host, direction, port, false);
			host_set_format(f->host, direction, port, true);
			host_set_buffers(f->host, direction, port, 1, 1024);
			host_set_position(f->host, true);
		}
		if (i % 11 == 0) {
			host_command(f->host, SPA_NODE_COMMAND_Pause);
			host_command(f->host, SPA_NODE_COMMAND_Start);
		}
	}
	assert_int_equal(LOAD(f->n_wrong_out), 0);
}

#define IDLE(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)
#define RUNNING(name)	cmocka_unit_test_setup_teardown(name, setup_running, teardown_running)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IDLE(a_listener_is_told_everything),
		IDLE(a_second_listener_does_not_repeat_it_to_the_first),
		IDLE(the_position_is_read_in_either_notation),
		IDLE(a_nameless_node_is_called_as_its_type),
		IDLE(unknown_params_and_ports_are_refused),
		IDLE(sync_answers_with_its_number),
		IDLE(all_property_infos_can_be_read_in_parts),
		IDLE(a_filter_selects),
		IDLE(a_port_speaks_of_buffers_once_it_has_a_format),
		IDLE(another_format_is_refused),
		IDLE(the_midi_port_asks_for_midi_1),
		IDLE(latency_of_the_other_side_is_kept),
		IDLE(one_set_flips_the_serial_once_and_is_told_whole),
		IDLE(a_bad_set_is_refused_without_a_sign_of_change),
		IDLE(a_storm_of_changes_is_told_ten_times_a_second),
		RUNNING(start_and_stop_are_told_once_each),
		RUNNING(samples_pass_unharmed_at_every_quantum),
		RUNNING(a_small_buffer_bounds_the_cycle),
		RUNNING(two_buffers_are_used_in_turn),
		RUNNING(without_a_position_time_goes_on),
		RUNNING(a_port_without_io_or_buffers_gets_no_samples),
		RUNNING(io_and_buffers_change_while_it_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
