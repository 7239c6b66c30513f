/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* What the main loop does to a node whose process() the data loop goes on to run: PipeWire stops a node before or
 * after it takes it from the cycles, or lets it run on. Under ThreadSanitizer each function that isn't run through
 * the barrier is a race with process(): tests/mutations. */

#include "handle.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <spa/node/command.h>
#include <spa/node/utils.h>
#include <spa/param/audio/raw-utils.h>

#include "dummy-node.h"
#include "host.h"
#include "plugin.h"
#include "request.h"

#define N_TIMES		20u
#define N_CYCLES	3u	/* in which process() meets what has changed */
#define N_FRAMES	64u
#define LONG_PAUSE_MSEC	600u	/* more than SEGUE_LONG_PAUSE_NSEC */
#define DEADLINE_MSEC	10000u

#define LOAD(v)		__atomic_load_n(&(v), __ATOMIC_RELAXED)

static const struct spa_dict_item items[] = {
	{ "node.name", "running" },
	{ "audio.position", "[ MONO ]" },
};

/* -------------------------------------------------------------- real nodes */

struct fixture {
	struct host *host;
	struct spa_handle *handle;
	struct segue_node *node;
	struct segue_node_impl *impl;
	struct spa_hook listener;
	uint32_t n_finished;
	struct segue_finished last;
	int last_error;
};

static void on_finished(void *data, const struct segue_finished *finished)
{
	struct fixture *f = data;

	f->n_finished++;
	f->last = *finished;
	f->last_error = finished->error != NULL ? finished->error->res : 0;
}

static const struct segue_node_events events = {
	.version = SEGUE_CONTROL_VERSION,
	.finished = on_finished,
};

static int setup(void **state, const struct spa_handle_factory *factory, uint32_t n_in)
{
	static struct fixture f;
	const struct spa_support *support;
	uint32_t n_support;
	void *node, *spa_node;

	f = (struct fixture) { .host = host_new(NULL) };
	support = host_support(f.host, &n_support);
	f.handle = calloc(1, spa_handle_factory_get_size(factory, NULL));
	assert_non_null(f.handle);
	assert_int_equal(spa_handle_factory_init(factory, f.handle, &SPA_DICT_INIT_ARRAY(items), support, n_support), 0);
	assert_int_equal(spa_handle_get_interface(f.handle, SEGUE_TYPE_INTERFACE_Node, &node), 0);
	assert_int_equal(spa_handle_get_interface(f.handle, SPA_TYPE_INTERFACE_Node, &spa_node), 0);
	f.node = node;
	f.impl = &((struct segue_handle *)f.handle)->node;
	f.node->methods->add_listener(f.node, &f.listener, &events, &f);
	host_add_node(f.host, spa_node, n_in, 1, NULL, NULL);
	host_wait_cycles(f.host, N_CYCLES);
	*state = &f;
	return 0;
}

static int setup_source(void **state)
{
	return setup(state, &segue_source_factory, 0);
}

static int setup_convolver(void **state)
{
	return setup(state, &segue_convolver_factory, 1);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	host_remove_node(f->host);
	host_unload(f->handle);
	host_free(f->host);
	return 0;
}

/* \param at  SEGUE_NOW, or a position */
static void request_silence(struct fixture *f, uint64_t at)
{
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_error error;
	uint64_t serial;

	options.fade = 0.0;
	options.has_at = at != SEGUE_NOW;
	options.at = at;
	assert_int_equal(f->node->methods->request(f->node, NULL, &options, &serial, &error), 0);
}

static void wait_finished(struct fixture *f, uint32_t n)
{
	for (uint32_t msec = 0; msec < DEADLINE_MSEC && f->n_finished < n; msec++)
		host_run(f->host, 1);
	assert_int_equal(f->n_finished, n);
}

static void it_is_stopped(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 0; i < N_TIMES; i++) {
		host_command(f->host, SPA_NODE_COMMAND_Pause);
		assert_false(f->impl->running);
		host_wait_cycles(f->host, N_CYCLES);
		host_command(f->host, SPA_NODE_COMMAND_Start);
		assert_true(f->impl->running);
		host_wait_cycles(f->host, N_CYCLES);
	}
}

static void it_settles(void **state)
{
	struct fixture *f = *state;

	host_command(f->host, SPA_NODE_COMMAND_Pause);
	for (uint32_t i = 1; i <= N_TIMES; i++) {
		host_wait_cycles(f->host, N_CYCLES);
		request_silence(f, SEGUE_NOW);
		host_wait_cycles(f->host, N_CYCLES);
		wait_finished(f, i);
		assert_int_equal(f->last.result, SEGUE_RESULT_APPLIED);
	}
}

static void it_forgets_after_a_long_pause(void **state)
{
	struct fixture *f = *state;

	host_command(f->host, SPA_NODE_COMMAND_Pause);
	host_run(f->host, LONG_PAUSE_MSEC);
	host_wait_cycles(f->host, N_CYCLES);
	request_silence(f, SEGUE_NOW);
	host_wait_cycles(f->host, N_CYCLES);
	wait_finished(f, 1);
	assert_int_equal(f->last.result, SEGUE_RESULT_APPLIED);
}

static void it_loses_its_clock(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 1; i <= N_TIMES; i++) {
		request_silence(f, UINT64_MAX / 2);
		host_wait_cycles(f->host, N_CYCLES);
		f->node->methods->set_connected(f->node, false);
		host_wait_cycles(f->host, N_CYCLES);
		wait_finished(f, i);
		assert_int_equal(f->last_error, -ESTALE);
		f->node->methods->set_connected(f->node, true);
	}
}

static void it_gives_everything_back(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 1; i <= N_TIMES; i++) {
		request_silence(f, UINT64_MAX / 2);
		host_wait_cycles(f->host, N_CYCLES);
		segue_node_collect_all(f->impl);
		host_wait_cycles(f->host, N_CYCLES);
		assert_int_equal(f->n_finished, i);
		assert_int_equal(f->last_error, -EIDRM);
		assert_int_equal(f->impl->handover->n_outstanding, 0);
	}
}

/* ---------------------------------------------------------------- a device */

struct device {
	struct host *host;
	struct dummy_node control;
	struct segue_shell shell;
	struct spa_node node;		/* what the data loop runs, in place of an adapter */
	/* data loop; the main loop's before it runs */
	struct spa_io_position position;
	struct spa_io_buffers io;
	struct spa_buffer buffer;
	struct spa_data data;
	struct spa_chunk chunk;
	float samples[N_FRAMES];
	/* shared; atomics */
	uint32_t n_ready, n_cycles;
};

SEGUE_DATA_LOOP static void count_cycle(void *data, const struct segue_cycle *cycle)
{
	struct device *d = data;

	__atomic_add_fetch(&d->n_cycles, 1, __ATOMIC_RELAXED);
}

SEGUE_DATA_LOOP static void ignore_pause(void *data)
{
}

static const struct segue_shell_ops ops = {
	.process = count_cycle,
	.paused = ignore_pause,
};

static int on_ready(void *data, int status)
{
	struct device *d = data;

	__atomic_add_fetch(&d->n_ready, 1, __ATOMIC_RELAXED);
	return 0;
}

static const struct spa_node_callbacks callbacks = {
	SPA_VERSION_NODE_CALLBACKS,
	.ready = on_ready,
};

static int process_device(void *object)
{
	struct device *d = object;

	d->chunk.size = sizeof(d->samples);
	d->io = (struct spa_io_buffers) { SPA_STATUS_HAVE_DATA, 0 };
	spa_node_process(&d->shell.sides[0].node);
	return SPA_STATUS_HAVE_DATA | SPA_STATUS_NEED_DATA;
}

static const struct spa_node_methods methods = HOST_NODE_METHODS(process_device);

static void set_plane(struct device *d, struct spa_node *in)
{
	struct spa_buffer *buffers[] = { &d->buffer };
	struct spa_audio_info_raw info = { .format = SPA_AUDIO_FORMAT_F32P, .rate = HOST_RATE, .channels = 1,
		.position = { SPA_AUDIO_CHANNEL_MONO } };
	uint8_t pod[512];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(pod, sizeof(pod));

	d->data = (struct spa_data) { .type = SPA_DATA_MemPtr, .maxsize = sizeof(d->samples), .data = d->samples,
		.chunk = &d->chunk };
	d->buffer = (struct spa_buffer) { .n_datas = 1, .datas = &d->data };
	assert_int_equal(spa_node_port_set_param(in, SPA_DIRECTION_INPUT, 0, SPA_PARAM_Format, 0,
				spa_format_audio_raw_build(&b, SPA_PARAM_Format, &info)), 0);
	assert_int_equal(spa_node_port_use_buffers(in, SPA_DIRECTION_INPUT, 0, 0, buffers, 1), 0);
	assert_int_equal(spa_node_port_set_io(in, SPA_DIRECTION_INPUT, 0, SPA_IO_Buffers, &d->io, sizeof(d->io)), 0);
}

static int setup_device(void **state)
{
	static struct device d;
	static const uint32_t mono[] = { SPA_AUDIO_CHANNEL_MONO };
	const struct segue_shell_config config = {
		.name = "segue.convolver", .category = "Filter", .in = mono, .out = mono, .n_in = 1, .n_out = 1,
		.is_device = true, .front = SPA_DIRECTION_INPUT,
	};
	const struct spa_support *support;
	uint32_t n_support;

	d = (struct device) { .host = host_new(NULL) };
	dummy_node_init(&d.control);
	support = host_support(d.host, &n_support);
	assert_int_equal(segue_shell_init(&d.shell, support, n_support, NULL, &config, &d.control.iface, &ops, &d), 0);
	d.position.clock.duration = N_FRAMES;
	d.position.clock.rate = SPA_FRACTION(1, HOST_RATE);
	spa_node_set_io(&d.shell.sides[0].node, SPA_IO_Position, &d.position, sizeof(d.position));
	set_plane(&d, &d.shell.sides[0].node);
	d.node.iface = SPA_INTERFACE_INIT(SPA_TYPE_INTERFACE_Node, SPA_VERSION_NODE, &methods, &d);
	host_add_node(d.host, &d.node, 0, 0, NULL, NULL);
	*state = &d;
	return 0;
}

static int teardown_device(void **state)
{
	struct device *d = *state;

	host_remove_node(d->host);
	segue_shell_clear(&d->shell);
	host_free(d->host);
	return 0;
}

static void it_gets_other_callbacks(void **state)
{
	struct device *d = *state;

	for (uint32_t i = 0; i < N_TIMES; i++) {
		uint32_t n = LOAD(d->n_ready), n_cycles = LOAD(d->n_cycles);

		spa_node_set_callbacks(&d->shell.sides[1].node, &callbacks, d);
		host_wait_cycles(d->host, N_CYCLES);
		assert_true(LOAD(d->n_ready) > n && LOAD(d->n_cycles) > n_cycles);
		spa_node_set_callbacks(&d->shell.sides[1].node, NULL, NULL);
		n = LOAD(d->n_ready);
		host_wait_cycles(d->host, N_CYCLES);
		assert_int_equal(LOAD(d->n_ready), n);
	}
}

#define TEST(of, name)		cmocka_unit_test_setup_teardown(name, setup_##of, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(source, it_is_stopped),
		TEST(convolver, it_is_stopped),
		TEST(source, it_settles),
		TEST(convolver, it_settles),
		TEST(convolver, it_forgets_after_a_long_pause),
		TEST(source, it_loses_its_clock),
		TEST(convolver, it_loses_its_clock),
		TEST(source, it_gives_everything_back),
		TEST(convolver, it_gives_everything_back),
		cmocka_unit_test_setup_teardown(it_gets_other_callbacks, setup_device, teardown_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
