/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "node-shell.h"

#include <errno.h>
#include <stdlib.h>

#include <spa/node/command.h>
#include <spa/node/io.h>
#include <spa/node/utils.h>
#include <spa/param/latency-utils.h>
#include <spa/param/param.h>
#include <spa/pod/builder.h>
#include <spa/utils/result.h>
#include <spa/utils/string.h>

#include "barrier.h"
#include "params.h"
#include "props.h"
#include "shell-emit.h"

#undef SPA_LOG_TOPIC_DEFAULT
#define SPA_LOG_TOPIC_DEFAULT	&log_topic
static struct spa_log_topic log_topic = SPA_LOG_TOPIC(0, "spa.segue.node");

#define KEY_QUANTUM_LIMIT	"clock.quantum-limit"

#define DEFAULT_RATE		48000	/* Hz, before the first driver's */
#define DEFAULT_QUANTUM		1024	/* frames, likewise */
#define MIN_QUANTUM_LIMIT	32
#define MAX_QUANTUM_LIMIT	65536

/** What a param is built from: the node, or one port of it. */
struct subject {
	struct segue_shell *shell;
	struct segue_shell_port *port;	/* NULL: the node */
};

/** Arguments of the functions that run through the barrier. */
struct change {
	struct segue_ports *ports;
	struct segue_port *port;
	void *io;
	struct spa_buffer **buffers;
	uint32_t n_buffers;
};

static struct segue_shell_port *find_port(struct segue_shell *shell, enum spa_direction direction,
		uint32_t id)
{
	if (direction != SPA_DIRECTION_INPUT && direction != SPA_DIRECTION_OUTPUT)
		return NULL;
	return id < shell->n_ports[direction] ? &shell->ports[direction][id] : NULL;
}

/* -------------------------------------------------------------- data loop */

SEGUE_DATA_LOOP static int impl_node_process(void *object)
{
	struct segue_shell *shell = object;
	struct segue_cycle cycle;

	segue_ports_begin(shell->rt, &cycle);
	shell->ops->process(shell->data, &cycle);
	segue_ports_end(shell->rt, &cycle);
	/* never 0, whatever there was to do: that would stall the graph (impl-node.c) */
	return SPA_STATUS_HAVE_DATA | SPA_STATUS_NEED_DATA;
}

/* called by the consumer, from the data loop */
SEGUE_DATA_LOOP static int impl_node_port_reuse_buffer(void *object, uint32_t port_id, uint32_t buffer_id)
{
	struct segue_shell *shell = object;

	if (port_id >= shell->rt->n_out)
		return -EINVAL;
	segue_port_reuse_buffer(&shell->rt->out[port_id], buffer_id);
	return 0;
}

static void do_set_position(void *data)
{
	struct change *c = data;

	c->ports->position = c->io;
}

static void do_set_io(void *data)
{
	struct change *c = data;

	segue_port_set_io(c->port, c->io);
}

static void do_set_buffers(void *data)
{
	struct change *c = data;

	segue_port_set_buffers(c->port, c->buffers, c->n_buffers);
}

static void do_paused(void *data)
{
	struct segue_shell *shell = data;

	shell->ops->paused(shell->data);
}

/* ---------------------------------------------------------------- changes */

static void on_props_changed(void *data)
{
	struct segue_shell *shell = data;

	segue_shell_info_props_changed(&shell->info);
	segue_shell_emit_node(shell);
}

static void on_node_changed(void *data, uint32_t changes)
{
	struct segue_shell *shell = data;

	/* the state is among the Props, too: segue.status, segue.load */
	if (changes & (SEGUE_NODE_CHANGE_PROPERTIES | SEGUE_NODE_CHANGE_STATE))
		segue_notify(&shell->props_changed);
}

static const struct segue_node_events control_events = {
	.version = SEGUE_CONTROL_VERSION,
	.changed = on_node_changed,
};

/* ----------------------------------------------------------------- params */

static int build_param(void *data, uint32_t id, uint32_t index, struct spa_pod_builder *b,
		struct spa_pod **ret)
{
	struct subject *s = data;

	if (s->port != NULL)
		return segue_shell_port_build(s->port, s->shell->quantum_limit, id, index, b, ret);
	switch (id) {
	case SPA_PARAM_PropInfo:
		return segue_props_build_info(s->shell->control, index, b, ret);
	case SPA_PARAM_Props:
		return index == 0 ? segue_props_build(s->shell->control, b, ret) : 0;
	case SPA_PARAM_ProcessLatency:
		if (index > 0)
			return 0;
		*ret = spa_process_latency_build(b, id, &s->shell->latency);
		return *ret != NULL ? 1 : -ENOMEM;
	case SPA_PARAM_IO:
		if (index > 0)
			return 0;
		return segue_params_build_io(SPA_IO_Position, sizeof(struct spa_io_position), b, ret);
	default:
		return -ENOENT;
	}
}

/* ----------------------------------------------------------- node methods */

static int impl_node_add_listener(void *object, struct spa_hook *listener,
		const struct spa_node_events *events, void *data)
{
	struct segue_shell *shell = object;
	struct spa_hook_list save;

	spa_hook_list_isolate(&shell->hooks, &save, listener, events, data);
	segue_shell_emit_all(shell);
	spa_hook_list_join(&shell->hooks, &save);
	return 0;
}

static int impl_node_set_callbacks(void *object, const struct spa_node_callbacks *callbacks, void *data)
{
	/* they serve drivers and nodes that hand buffers back late: we are neither */
	return 0;
}

static int impl_node_sync(void *object, int seq)
{
	struct segue_shell *shell = object;

	spa_node_emit_result(&shell->hooks, seq, 0, 0, NULL);
	return 0;
}

static int impl_node_enum_params(void *object, int seq, uint32_t id, uint32_t start, uint32_t num,
		const struct spa_pod *filter)
{
	struct segue_shell *shell = object;
	struct subject subject = { shell, NULL };

	return segue_params_emit(&shell->hooks, seq, id, start, num, filter, build_param, &subject);
}

static int impl_node_set_param(void *object, uint32_t id, uint32_t flags, const struct spa_pod *param)
{
	struct segue_shell *shell = object;
	struct segue_error error = { 0 };
	int res;

	if (id != SPA_PARAM_Props)
		return -ENOENT;
	if (param == NULL)
		return -ENOTSUP;
	segue_notify_hold(&shell->props_changed);
	res = segue_props_set(shell->control, param, &error);
	segue_notify_release(&shell->props_changed);
	if (res < 0)
		spa_log_warn(shell->log, "%p: node '%s' keeps its properties: %s (%s)", shell, shell->info.name,
				error.message, spa_strerror(res));
	return SPA_MIN(res, 0);
}

static int impl_node_set_io(void *object, uint32_t id, void *data, size_t size)
{
	struct segue_shell *shell = object;
	struct change c = { .ports = shell->rt, .io = data };

	switch (id) {
	case SPA_IO_Clock:
		/* for a driver to fill in */
		return 0;
	case SPA_IO_Position:
		if (data != NULL && size < sizeof(struct spa_io_position))
			return -EINVAL;
		segue_barrier(shell->data_loop, do_set_position, &c);
		return 0;
	default:
		return -ENOENT;
	}
}

static void set_started(struct segue_shell *shell, bool started)
{
	void (*told)(void *data) = started ? shell->ops->started : shell->ops->stopped;

	if (shell->started == started)
		return;
	shell->started = started;
	segue_barrier(shell->data_loop, do_paused, shell);
	if (told != NULL)
		told(shell->data);
}

static int impl_node_send_command(void *object, const struct spa_command *command)
{
	spa_return_val_if_fail(command != NULL, -EINVAL);

	switch (SPA_NODE_COMMAND_ID(command)) {
	case SPA_NODE_COMMAND_Start:
		set_started(object, true);
		return 0;
	case SPA_NODE_COMMAND_Pause:
	case SPA_NODE_COMMAND_Suspend:
		set_started(object, false);
		return 0;
	case SPA_NODE_COMMAND_ParamBegin:
	case SPA_NODE_COMMAND_ParamEnd:
		return 0;
	default:
		return -ENOTSUP;
	}
}

/* ----------------------------------------------------------- port methods */

static int impl_node_port_enum_params(void *object, int seq, enum spa_direction direction,
		uint32_t port_id, uint32_t id, uint32_t start, uint32_t num, const struct spa_pod *filter)
{
	struct segue_shell *shell = object;
	struct subject subject = { shell, find_port(shell, direction, port_id) };

	spa_return_val_if_fail(subject.port != NULL, -EINVAL);
	return segue_params_emit(&shell->hooks, seq, id, start, num, filter, build_param, &subject);
}

static void set_buffers(struct segue_shell *shell, struct segue_shell_port *port,
		struct spa_buffer **buffers, uint32_t n_buffers)
{
	struct change c = { .port = port->rt, .buffers = buffers, .n_buffers = n_buffers };

	segue_barrier(shell->data_loop, do_set_buffers, &c);
}

static int port_set_format(struct segue_shell *shell, struct segue_shell_port *port,
		const struct spa_pod *format)
{
	if (format != NULL && segue_shell_port_check_format(port, format) < 0)
		return -EINVAL;
	if (format == NULL)
		set_buffers(shell, port, NULL, 0);
	segue_shell_port_set_have_format(port, format != NULL);
	return 0;
}

static int impl_node_port_set_param(void *object, enum spa_direction direction, uint32_t port_id,
		uint32_t id, uint32_t flags, const struct spa_pod *param)
{
	struct segue_shell *shell = object;
	struct segue_shell_port *port = find_port(shell, direction, port_id);
	int res = -ENOENT;

	spa_return_val_if_fail(port != NULL, -EINVAL);
	if (id == SPA_PARAM_Format)
		res = port_set_format(shell, port, param);
	else if (id == SPA_PARAM_Latency && (res = segue_shell_port_set_latency(port, param)) >= 0)
		segue_shell_pass_latency(shell, SPA_DIRECTION_REVERSE(direction));
	segue_shell_emit_port(shell, port);
	return res;
}

static int impl_node_port_use_buffers(void *object, enum spa_direction direction, uint32_t port_id,
		uint32_t flags, struct spa_buffer **buffers, uint32_t n_buffers)
{
	struct segue_shell *shell = object;
	struct segue_shell_port *port = find_port(shell, direction, port_id);
	uint32_t i;

	spa_return_val_if_fail(port != NULL, -EINVAL);
	if (n_buffers > 0 && !port->have_format)
		return -EIO;
	if (n_buffers > SEGUE_PORT_BUFFERS_MAX)
		return -ENOSPC;
	for (i = 0; i < n_buffers; i++)
		if (!segue_port_can_use(buffers[i]))
			return -EINVAL;
	set_buffers(shell, port, buffers, n_buffers);
	return 0;
}

static int impl_node_port_set_io(void *object, enum spa_direction direction, uint32_t port_id, uint32_t id,
		void *data, size_t size)
{
	struct segue_shell *shell = object;
	struct segue_shell_port *port = find_port(shell, direction, port_id);
	struct change c;

	spa_return_val_if_fail(port != NULL, -EINVAL);
	if (id != SPA_IO_Buffers)
		return -ENOENT;
	if (data != NULL && size < sizeof(struct spa_io_buffers))
		return -EINVAL;
	c = (struct change) { .port = port->rt, .io = data };
	segue_barrier(shell->data_loop, do_set_io, &c);
	return 0;
}

static const struct spa_node_methods impl_node = {
	SPA_VERSION_NODE_METHODS,
	.add_listener = impl_node_add_listener,
	.set_callbacks = impl_node_set_callbacks,
	.sync = impl_node_sync,
	.enum_params = impl_node_enum_params,
	.set_param = impl_node_set_param,
	.set_io = impl_node_set_io,
	.send_command = impl_node_send_command,
	.port_enum_params = impl_node_port_enum_params,
	.port_set_param = impl_node_port_set_param,
	.port_use_buffers = impl_node_port_use_buffers,
	.port_set_io = impl_node_port_set_io,
	.port_reuse_buffer = impl_node_port_reuse_buffer,
	.process = impl_node_process,
};

/* ---------------------------------------------------------- init and clear */

static uint32_t read_quantum_limit(const struct spa_dict *info)
{
	const char *text = spa_dict_lookup(info, KEY_QUANTUM_LIMIT);
	uint32_t limit;

	if (text == NULL || !spa_atou32(text, &limit, 0))
		return SEGUE_QUANTUM_MAX;
	return SPA_CLAMP(limit, (uint32_t)MIN_QUANTUM_LIMIT, (uint32_t)MAX_QUANTUM_LIMIT);
}

static int init_ports(struct segue_shell *shell, const struct segue_shell_config *config)
{
	struct segue_shell_port *in, *out;
	uint32_t i;

	shell->n_ports[SPA_DIRECTION_INPUT] = config->n_in + config->midi_in;
	shell->n_ports[SPA_DIRECTION_OUTPUT] = config->n_out;
	shell->rt = calloc(1, sizeof(*shell->rt));
	in = shell->ports[SPA_DIRECTION_INPUT] = calloc(config->n_in + 1, sizeof(*in));
	out = shell->ports[SPA_DIRECTION_OUTPUT] = calloc(config->n_out + 1, sizeof(*out));
	if (shell->rt == NULL || in == NULL || out == NULL)
		return -ENOMEM;
	shell->rt->n_in = config->n_in;
	shell->rt->n_out = config->n_out;
	shell->rt->clock.rate = SPA_FRACTION(1, DEFAULT_RATE);
	shell->rt->clock.duration = DEFAULT_QUANTUM;
	for (i = 0; i < config->n_in; i++)
		segue_shell_port_init(&in[i], SPA_DIRECTION_INPUT, i, config->in[i], shell->info.name,
				&shell->rt->in[i]);
	for (i = 0; i < config->n_out; i++)
		segue_shell_port_init(&out[i], SPA_DIRECTION_OUTPUT, i, config->out[i], shell->info.name,
				&shell->rt->out[i]);
	if (config->midi_in)
		segue_shell_port_init_midi(&in[config->n_in], config->n_in, shell->info.name, &shell->rt->midi);
	return 0;
}

int segue_shell_init(struct segue_shell *shell, const struct spa_support *support, uint32_t n_support,
		const struct spa_dict *info, const struct segue_shell_config *config,
		struct segue_node *node, const struct segue_shell_ops *ops, void *data)
{
	struct spa_loop_utils *main_utils;

	spa_return_val_if_fail(config->n_in <= SEGUE_PORT_CHANNELS_MAX, -EINVAL);
	spa_return_val_if_fail(config->n_out <= SEGUE_PORT_CHANNELS_MAX, -EINVAL);

	*shell = (struct segue_shell) { .ops = ops, .data = data, .control = node };
	shell->log = spa_support_find(support, n_support, SPA_TYPE_INTERFACE_Log);
	shell->data_loop = spa_support_find(support, n_support, SPA_TYPE_INTERFACE_DataLoop);
	main_utils = spa_support_find(support, n_support, SPA_TYPE_INTERFACE_LoopUtils);
	spa_log_topic_init(shell->log, &log_topic);
	if (shell->data_loop == NULL)
		return -EINVAL;
	spa_hook_list_init(&shell->hooks);
	info = info != NULL ? info : &SPA_DICT_INIT(NULL, 0);
	shell->quantum_limit = read_quantum_limit(info);
	segue_shell_info_init(&shell->info, info, config->name, config->category,
			config->n_in + config->midi_in, config->n_out);
	if (init_ports(shell, config) < 0 ||
	    segue_notify_init(&shell->props_changed, main_utils, on_props_changed, shell) < 0) {
		segue_shell_clear(shell);
		return -ENOMEM;
	}
	node->methods->add_listener(node, &shell->control_listener, &control_events, shell);
	shell->node.iface = SPA_INTERFACE_INIT(SPA_TYPE_INTERFACE_Node, SPA_VERSION_NODE, &impl_node, shell);
	return 0;
}

void segue_shell_clear(struct segue_shell *shell)
{
	spa_hook_remove(&shell->control_listener);
	segue_notify_clear(&shell->props_changed);
	if (shell->hooks.list.next != NULL)
		spa_hook_list_clean(&shell->hooks);
	free(shell->rt);
	free(shell->ports[SPA_DIRECTION_INPUT]);
	free(shell->ports[SPA_DIRECTION_OUTPUT]);
	*shell = (struct segue_shell) { 0 };
}
