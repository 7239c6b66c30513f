/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "node-shell.h"

#include <errno.h>
#include <string.h>

#include <spa/node/command.h>
#include <spa/node/utils.h>
#include <spa/param/audio/raw-utils.h>
#include <spa/param/buffers.h>
#include <spa/param/props.h>
#include <spa/pod/builder.h>

#include "shell-fixture.h"

#define N_FRAMES	64u
#define RATE		44100u

/** A planar port, as an adapter has it: a buffer of two planes. */
struct planes {
	float values[2][N_FRAMES];
	struct spa_chunk chunks[2];
	struct spa_data datas[2];
	struct spa_buffer buffer;
	struct spa_io_buffers io;
};

struct device {
	struct host *host;
	struct dummy_node control;
	struct segue_shell shell;
	struct spa_node *in, *out;
	struct spa_io_position position;
	struct planes planes[2];	/* by direction */
	uint32_t n_cycles, n_ready;
	bool heard_in_time;
};

static const uint32_t channels[] = { SPA_AUDIO_CHANNEL_FL, SPA_AUDIO_CHANNEL_FR };

/* ----------------------------------------------------------------- fixture */

/* twice what comes in */
SEGUE_DATA_LOOP static void process(void *data, const struct segue_cycle *cycle)
{
	struct device *d = data;

	d->n_cycles++;
	for (uint32_t c = 0; c < 2; c++)
		for (uint32_t i = 0; i < cycle->n_frames; i++)
			cycle->out[c][i] = 2.0f * cycle->in[c][i];
}

SEGUE_DATA_LOOP static void paused(void *data)
{
}

static const struct segue_shell_ops ops = {
	.process = process,
	.paused = paused,
};

static int on_ready(void *data, int status)
{
	struct device *d = data;

	d->n_ready++;
	d->heard_in_time = status == SPA_STATUS_HAVE_DATA && d->planes[OUT].io.status == SPA_STATUS_HAVE_DATA;
	return 0;
}

static const struct spa_node_callbacks callbacks = {
	SPA_VERSION_NODE_CALLBACKS,
	.ready = on_ready,
};

static void set_planes(struct spa_node *node, enum spa_direction direction, struct planes *p)
{
	struct spa_buffer *buffers[] = { &p->buffer };
	struct spa_audio_info_raw info = { .format = SPA_AUDIO_FORMAT_F32P, .rate = RATE, .channels = 2,
		.position = { channels[0], channels[1] } };
	uint8_t pod[512];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(pod, sizeof(pod));

	for (uint32_t c = 0; c < 2; c++)
		p->datas[c] = (struct spa_data) { .type = SPA_DATA_MemPtr, .maxsize = sizeof(p->values[c]),
			.data = p->values[c], .chunk = &p->chunks[c] };
	p->buffer = (struct spa_buffer) { .n_datas = 2, .datas = p->datas };
	p->io = SPA_IO_BUFFERS_INIT;
	assert_int_equal(spa_node_port_set_param(node, direction, 0, SPA_PARAM_Format, 0,
				spa_format_audio_raw_build(&b, SPA_PARAM_Format, &info)), 0);
	assert_int_equal(spa_node_port_use_buffers(node, direction, 0, 0, buffers, 1), 0);
	assert_int_equal(spa_node_port_set_io(node, direction, 0, SPA_IO_Buffers, &p->io, sizeof(p->io)), 0);
}

static int setup(void **state)
{
	static struct device d;
	const struct segue_shell_config config = {
		.name = "segue.convolver", .category = "Filter", .in = channels, .out = channels,
		.n_in = 2, .n_out = 2, .is_device = true, .front = IN,
	};
	const struct spa_support *support;
	uint32_t n_support;

	memset(&d, 0, sizeof(d));
	d.host = host_new(NULL);
	dummy_node_init(&d.control);
	support = host_support(d.host, &n_support);
	if (segue_shell_init(&d.shell, support, n_support, NULL, &config, &d.control.iface, &ops, &d) < 0)
		return -1;
	d.in = &d.shell.sides[0].node;
	d.out = &d.shell.sides[1].node;
	d.position.clock.duration = N_FRAMES;
	d.position.clock.rate = SPA_FRACTION(1, RATE);
	spa_node_set_callbacks(d.out, &callbacks, &d);
	*state = &d;
	return 0;
}

static int teardown(void **state)
{
	struct device *d = *state;

	segue_shell_clear(&d->shell);
	host_free(d->host);
	return 0;
}

static int setup_running(void **state)
{
	struct device *d;

	if (setup(state) < 0)
		return -1;
	d = *state;
	spa_node_set_io(d->in, SPA_IO_Position, &d->position, sizeof(d->position));
	set_planes(d->in, IN, &d->planes[IN]);
	set_planes(d->out, OUT, &d->planes[OUT]);
	return 0;
}

/* what an adapter has converted */
static void feed(struct device *d, float value)
{
	struct planes *p = &d->planes[IN];

	for (uint32_t c = 0; c < 2; c++) {
		for (uint32_t i = 0; i < N_FRAMES; i++)
			p->values[c][i] = value + c;
		p->chunks[c].size = sizeof(p->values[c]);
	}
	p->io = (struct spa_io_buffers) { .status = SPA_STATUS_HAVE_DATA, .buffer_id = 0 };
}

/* ------------------------------------------------------------- description */

struct told {
	struct spa_node_info node;
	uint32_t n_ports[2];
	bool has_props;
};

static void on_info(void *data, const struct spa_node_info *info)
{
	struct told *told = data;

	told->node = *info;
	for (uint32_t i = 0; i < info->n_params; i++)
		if (info->params[i].id == SPA_PARAM_Props)
			told->has_props = info->params[i].flags != 0;
}

static void on_port_info(void *data, enum spa_direction direction, uint32_t port,
		const struct spa_port_info *info)
{
	struct told *told = data;

	told->n_ports[direction]++;
}

static const struct spa_node_events events = {
	SPA_VERSION_NODE_EVENTS,
	.info = on_info,
	.port_info = on_port_info,
};

static struct told ask(struct spa_node *node)
{
	struct told told = { 0 };
	struct spa_hook hook = { 0 };

	spa_node_add_listener(node, &hook, &events, &told);
	spa_hook_remove(&hook);
	return told;
}

static void each_side_has_one_port_of_its_own(void **state)
{
	struct device *d = *state;
	struct told in = ask(d->in), out = ask(d->out);

	assert_int_equal(in.node.max_input_ports, 1);
	assert_int_equal(in.node.max_output_ports, 0);
	assert_true(in.n_ports[IN] == 1 && in.n_ports[OUT] == 0);
	assert_true(out.n_ports[IN] == 0 && out.n_ports[OUT] == 1);
	assert_int_equal(spa_node_port_set_io(d->in, OUT, 0, SPA_IO_Buffers, NULL, 0), -EINVAL);
	assert_int_equal(spa_node_port_set_io(d->out, IN, 0, SPA_IO_Buffers, NULL, 0), -EINVAL);
}

static void only_the_front_has_properties(void **state)
{
	struct device *d = *state;
	uint8_t pod[512];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(pod, sizeof(pod));
	const struct spa_pod *props = spa_pod_builder_add_object(&b, SPA_TYPE_OBJECT_Props, SPA_PARAM_Props,
			SPA_PROP_volume, SPA_POD_Float(0.5f), SPA_PROP_mute, SPA_POD_Bool(true));

	assert_true(ask(d->in).has_props);
	assert_false(ask(d->out).has_props);
	assert_int_equal(spa_node_set_param(d->out, SPA_PARAM_Props, 0, props), -ENOENT);
	assert_int_equal(spa_node_set_param(d->in, SPA_PARAM_Props, 0, props), 0);
	assert_true(d->control.mute);
	/* the adapter applies that one */
	assert_true(d->control.volume == 1.0);
}

/* The first value of a param of a port. */
static struct spa_pod *read_param(struct spa_node *node, enum spa_direction direction, uint32_t id,
		struct spa_pod_builder *b)
{
	struct spa_pod *param = NULL;
	uint32_t index = 0;

	assert_int_equal(spa_node_port_enum_params_sync(node, direction, 0, id, &index, NULL, &param, b), 1);
	return param;
}

static void its_format_is_planar_at_the_graphs_rate(void **state)
{
	struct device *d = *state;
	uint8_t pod[1024];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(pod, sizeof(pod));
	struct spa_audio_info_raw info = { 0 };
	int blocks = 0;

	spa_node_set_io(d->in, SPA_IO_Position, &d->position, sizeof(d->position));
	assert_true(spa_format_audio_raw_parse(read_param(d->out, OUT, SPA_PARAM_EnumFormat, &b), &info) >= 0);
	assert_int_equal(info.format, SPA_AUDIO_FORMAT_F32P);
	assert_int_equal(info.channels, 2);
	assert_int_equal(info.rate, RATE);
	assert_memory_equal(info.position, channels, sizeof(channels));
	set_planes(d->out, OUT, &d->planes[OUT]);
	assert_true(spa_pod_parse_object(read_param(d->out, OUT, SPA_PARAM_Buffers, &b),
				SPA_TYPE_OBJECT_ParamBuffers, NULL,
				SPA_PARAM_BUFFERS_blocks, SPA_POD_Int(&blocks)) >= 0);
	assert_int_equal(blocks, 2);
}

static void another_format_is_refused(void **state)
{
	struct device *d = *state;
	struct spa_audio_info_raw info = { .format = SPA_AUDIO_FORMAT_F32P, .rate = RATE, .channels = 3 };
	struct spa_buffer one_plane = { .n_datas = 1, .datas = d->planes[IN].datas }, *buffers[] = { &one_plane };
	uint8_t pod[512];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(pod, sizeof(pod));

	assert_int_equal(spa_node_port_set_param(d->in, IN, 0, SPA_PARAM_Format, 0,
				spa_format_audio_raw_build(&b, SPA_PARAM_Format, &info)), -EINVAL);
	set_planes(d->in, IN, &d->planes[IN]);
	assert_int_equal(spa_node_port_use_buffers(d->in, IN, 0, 0, buffers, 1), -EINVAL);
}

/* ----------------------------------------------------------------- cycles */

static void what_comes_in_goes_out_in_the_same_cycle(void **state)
{
	struct device *d = *state;

	feed(d, 1.0f);
	assert_int_equal(spa_node_process(d->in), SPA_STATUS_NEED_DATA);
	assert_int_equal(d->n_ready, 1);
	assert_true(d->heard_in_time);
	for (uint32_t i = 0; i < N_FRAMES; i++) {
		assert_true(d->planes[OUT].values[0][i] == 2.0f);
		assert_true(d->planes[OUT].values[1][i] == 4.0f);
	}
	assert_int_equal(d->planes[OUT].chunks[1].size, N_FRAMES * sizeof(float));
	assert_int_equal(d->planes[IN].io.status, SPA_STATUS_NEED_DATA);
}

static void the_engine_runs_once_for_each_buffer(void **state)
{
	struct device *d = *state;

	for (uint32_t k = 1; k <= 3; k++) {
		feed(d, k);
		for (uint32_t i = 0; i < 3; i++)
			spa_node_process(d->in);
		assert_int_equal(spa_node_process(d->out), SPA_STATUS_NEED_DATA);
		assert_int_equal(d->n_cycles, k);
		assert_int_equal(d->n_ready, k);
		assert_true(d->planes[OUT].values[0][0] == 2.0f * k);
	}
}

static void it_runs_as_its_inputs_do(void **state)
{
	struct device *d = *state;
	const struct spa_command start = SPA_NODE_COMMAND_INIT(SPA_NODE_COMMAND_Start);

	assert_int_equal(spa_node_send_command(d->out, &start), 0);
	assert_false(d->shell.started);
	assert_int_equal(spa_node_send_command(d->in, &start), 0);
	assert_true(d->shell.started);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_side_has_one_port_of_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(only_the_front_has_properties, setup, teardown),
		cmocka_unit_test_setup_teardown(its_format_is_planar_at_the_graphs_rate, setup, teardown),
		cmocka_unit_test_setup_teardown(another_format_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(what_comes_in_goes_out_in_the_same_cycle, setup_running, teardown),
		cmocka_unit_test_setup_teardown(the_engine_runs_once_for_each_buffer, setup_running, teardown),
		cmocka_unit_test_setup_teardown(it_runs_as_its_inputs_do, setup_running, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
