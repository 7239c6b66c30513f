/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* What the graph calls: each side of a shell as a spa_node. */

#include "shell-methods.h"

#include <errno.h>

#include <spa/node/command.h>
#include <spa/node/io.h>
#include <spa/node/utils.h>
#include <spa/param/latency-utils.h>
#include <spa/param/param.h>
#include <spa/pod/builder.h>
#include <spa/utils/result.h>

#include "barrier.h"
#include "params.h"
#include "props.h"
#include "rt/pages.h"
#include "shell-emit.h"

#undef SPA_LOG_TOPIC_DEFAULT
#define SPA_LOG_TOPIC_DEFAULT	&log_topic
static struct spa_log_topic log_topic = SPA_LOG_TOPIC(0, "spa.segue.node");

/** What a param is built from: the node, or one port of it. */
struct subject {
	struct segue_shell_side *side;
	struct segue_shell_port *port;	/* NULL: the node */
};

/** Arguments of the functions that run through the barrier. */
struct change {
	struct segue_ports *ports;
	struct segue_shell_port *port;
	struct segue_shell_side *side;
	struct spa_callbacks callbacks;
	void *io;
	struct spa_buffer **buffers;
	uint32_t n_buffers;
};

static struct segue_shell_port *find_port(struct segue_shell_side *side, enum spa_direction direction,
		uint32_t id)
{
	if ((direction != SPA_DIRECTION_INPUT && direction != SPA_DIRECTION_OUTPUT) || !side->has[direction])
		return NULL;
	return id < side->shell->n_ports[direction] ? &side->shell->ports[direction][id] : NULL;
}

/* The side that runs the engine. */
static bool is_first(const struct segue_shell_side *side)
{
	return side == &side->shell->sides[0];
}

/* -------------------------------------------------------------- data loop */

SEGUE_DATA_LOOP static void run_cycle(struct segue_shell *shell)
{
	struct segue_cycle cycle;

	segue_ports_begin(shell->rt, &cycle);
	shell->ops->process(shell->data, &cycle);
	segue_ports_end(shell->rt, &cycle);
}

SEGUE_DATA_LOOP static int impl_node_process(void *object)
{
	struct segue_shell_side *side = object;

	run_cycle(side->shell);
	/* never 0, whatever there was to do: that would stall the graph (impl-node.c) */
	return SPA_STATUS_HAVE_DATA | SPA_STATUS_NEED_DATA;
}

/* Of a device with inputs, from the data loop. An adapter calls it until it has what it wants: the engine runs
 * once for each buffer that came in. What ready() does is PipeWire's: it runs the other side's adapter, and wakes
 * what waits for that. */
static int process_inputs(void *object)
{
	struct segue_shell_side *side = object;
	struct segue_shell *shell = side->shell;

	if (segue_port_has_arrived(&shell->rt->in[0])) {
		run_cycle(shell);
		spa_node_call_ready(&shell->sides[1].callbacks, SPA_STATUS_HAVE_DATA);
	}
	return SPA_STATUS_NEED_DATA;
}

/* Its other side has nothing but what the inputs' brought. */
SEGUE_DATA_LOOP static int process_outputs(void *object)
{
	return SPA_STATUS_NEED_DATA;
}

/* called by the consumer, from the data loop */
SEGUE_DATA_LOOP static int impl_node_port_reuse_buffer(void *object, uint32_t port_id, uint32_t buffer_id)
{
	struct segue_shell_side *side = object;
	struct segue_shell_port *port = find_port(side, SPA_DIRECTION_OUTPUT, port_id);

	if (port == NULL)
		return -EINVAL;
	for (uint32_t i = 0; i < segue_shell_port_n_rt(port); i++)
		segue_port_reuse_buffer(&port->rt[i], buffer_id);
	return 0;
}

SEGUE_DATA_LOOP static void do_set_position(void *data)
{
	struct change *c = data;

	c->ports->position = c->io;
}

SEGUE_DATA_LOOP static void do_set_io(void *data)
{
	struct change *c = data;

	for (uint32_t i = 0; i < segue_shell_port_n_rt(c->port); i++)
		segue_port_set_io(&c->port->rt[i], c->io);
}

SEGUE_DATA_LOOP static void do_set_buffers(void *data)
{
	struct change *c = data;

	for (uint32_t i = 0; i < segue_shell_port_n_rt(c->port); i++)
		segue_port_set_buffers(&c->port->rt[i], c->buffers, c->n_buffers);
}

SEGUE_DATA_LOOP static void do_set_callbacks(void *data)
{
	struct change *c = data;

	c->side->callbacks = c->callbacks;
}

SEGUE_DATA_LOOP static void do_paused(void *data)
{
	struct segue_shell *shell = data;

	segue_pages_touch_stack();
	shell->ops->paused(shell->data);
}

/* ----------------------------------------------------------------- params */

/* The graph's rate, in Hz; 0: there is no graph. */
static uint32_t graph_rate(const struct segue_shell *shell)
{
	/* the pointer changes on this loop; what it leads to is the driver's */
	const struct spa_io_position *position = shell->rt->position;

	return position != NULL ? __atomic_load_n(&position->clock.rate.denom, __ATOMIC_RELAXED) : 0;
}

static int build_param(void *data, uint32_t id, uint32_t index, struct spa_pod_builder *b,
		struct spa_pod **ret)
{
	struct subject *s = data;
	struct segue_shell *shell = s->side->shell;

	if (s->port != NULL)
		return segue_shell_port_build(s->port, shell->quantum_limit, graph_rate(shell), id, index, b, ret);
	switch (id) {
	case SPA_PARAM_PropInfo:
		if (!s->side->has_props)
			return -ENOENT;
		return segue_props_build_info(shell->control, shell->is_device, index, b, ret);
	case SPA_PARAM_Props:
		if (!s->side->has_props)
			return -ENOENT;
		return index == 0 ? segue_props_build(shell->control, shell->is_device, b, ret) : 0;
	case SPA_PARAM_ProcessLatency:
		if (index > 0)
			return 0;
		*ret = spa_process_latency_build(b, id, &shell->latency);
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
	struct segue_shell_side *side = object;
	struct spa_hook_list save;

	spa_hook_list_isolate(&side->hooks, &save, listener, events, data);
	segue_shell_emit_all(side);
	spa_hook_list_join(&side->hooks, &save);
	return 0;
}

/* They serve drivers, nodes that hand buffers back late, and those that another one runs: the second side of
 * a device. */
static int impl_node_set_callbacks(void *object, const struct spa_node_callbacks *callbacks, void *data)
{
	struct segue_shell_side *side = object;
	struct change c = { .side = side, .callbacks = SPA_CALLBACKS_INIT(callbacks, data) };

	if (!is_first(side))
		segue_barrier(side->shell->data_loop, do_set_callbacks, &c);
	return 0;
}

static int impl_node_sync(void *object, int seq)
{
	struct segue_shell_side *side = object;

	spa_node_emit_result(&side->hooks, seq, 0, 0, NULL);
	return 0;
}

static int impl_node_enum_params(void *object, int seq, uint32_t id, uint32_t start, uint32_t num,
		const struct spa_pod *filter)
{
	struct segue_shell_side *side = object;
	struct subject subject = { side, NULL };

	return segue_params_emit(&side->hooks, seq, id, start, num, filter, build_param, &subject);
}

static int impl_node_set_param(void *object, uint32_t id, uint32_t flags, const struct spa_pod *param)
{
	struct segue_shell_side *side = object;
	struct segue_shell *shell = side->shell;
	struct segue_error error = { 0 };
	int res;

	if (id != SPA_PARAM_Props || !side->has_props)
		return -ENOENT;
	if (param == NULL)
		return -ENOTSUP;
	segue_notify_hold(&shell->props_changed);
	res = segue_props_set(shell->control, shell->is_device, param, &error);
	segue_notify_release(&shell->props_changed);
	if (res < 0)
		spa_log_warn(shell->log, "%p: node '%s' keeps its properties: %s (%s)", shell, shell->name,
				error.message, spa_strerror(res));
	return SPA_MIN(res, 0);
}

static int impl_node_set_io(void *object, uint32_t id, void *data, size_t size)
{
	struct segue_shell_side *side = object;
	struct segue_shell *shell = side->shell;
	struct change c = { .ports = shell->rt, .io = data };

	switch (id) {
	case SPA_IO_Clock:
		/* for a driver to fill in */
		return 0;
	case SPA_IO_Position:
		if (data != NULL && size < sizeof(struct spa_io_position))
			return -EINVAL;
		/* both sides of a device have one driver, but learn of it one after the other */
		if (is_first(side))
			segue_barrier(shell->data_loop, do_set_position, &c);
		return 0;
	default:
		return -ENOENT;
	}
}

static void set_started(struct segue_shell_side *side, bool started)
{
	struct segue_shell *shell = side->shell;
	void (*told)(void *data) = started ? shell->ops->started : shell->ops->stopped;

	if (!is_first(side) || shell->started == started)
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
	struct segue_shell_side *side = object;
	struct subject subject = { side, find_port(side, direction, port_id) };

	spa_return_val_if_fail(subject.port != NULL, -EINVAL);
	return segue_params_emit(&side->hooks, seq, id, start, num, filter, build_param, &subject);
}

static void set_buffers(struct segue_shell *shell, struct segue_shell_port *port,
		struct spa_buffer **buffers, uint32_t n_buffers)
{
	struct change c = { .port = port, .buffers = buffers, .n_buffers = n_buffers };

	segue_barrier(shell->data_loop, do_set_buffers, &c);
}

static int port_set_format(struct segue_shell *shell, struct segue_shell_port *port,
		const struct spa_pod *format)
{
	int rate = 0;

	if (format != NULL && (rate = segue_shell_port_check_format(port, format)) < 0)
		return rate;
	if (format == NULL)
		set_buffers(shell, port, NULL, 0);
	port->rate = rate;
	segue_shell_port_set_have_format(port, format != NULL);
	return 0;
}

static int impl_node_port_set_param(void *object, enum spa_direction direction, uint32_t port_id,
		uint32_t id, uint32_t flags, const struct spa_pod *param)
{
	struct segue_shell_side *side = object;
	struct segue_shell_port *port = find_port(side, direction, port_id);
	int res = -ENOENT;

	spa_return_val_if_fail(port != NULL, -EINVAL);
	if (id == SPA_PARAM_Format)
		res = port_set_format(side->shell, port, param);
	else if (id == SPA_PARAM_Latency && (res = segue_shell_port_set_latency(port, param)) >= 0)
		segue_shell_pass_latency(side->shell, SPA_DIRECTION_REVERSE(direction));
	segue_shell_emit_port(side, port);
	return res;
}

static int impl_node_port_use_buffers(void *object, enum spa_direction direction, uint32_t port_id,
		uint32_t flags, struct spa_buffer **buffers, uint32_t n_buffers)
{
	struct segue_shell_side *side = object;
	struct segue_shell_port *port = find_port(side, direction, port_id);
	uint32_t i;

	spa_return_val_if_fail(port != NULL, -EINVAL);
	if (n_buffers > 0 && !port->have_format)
		return -EIO;
	if (n_buffers > SEGUE_PORT_BUFFERS_MAX)
		return -ENOSPC;
	for (i = 0; i < n_buffers; i++)
		if (!segue_port_can_use(buffers[i], segue_shell_port_n_rt(port)))
			return -EINVAL;
	segue_shell_port_touch_buffers(port, buffers, n_buffers);
	set_buffers(side->shell, port, buffers, n_buffers);
	return 0;
}

static int impl_node_port_set_io(void *object, enum spa_direction direction, uint32_t port_id, uint32_t id,
		void *data, size_t size)
{
	struct segue_shell_side *side = object;
	struct segue_shell_port *port = find_port(side, direction, port_id);
	struct change c;

	spa_return_val_if_fail(port != NULL, -EINVAL);
	if (id != SPA_IO_Buffers)
		return -ENOENT;
	if (data != NULL && size < sizeof(struct spa_io_buffers))
		return -EINVAL;
	c = (struct change) { .port = port, .io = data };
	segue_barrier(side->shell->data_loop, do_set_io, &c);
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
};

void segue_shell_init_methods(struct segue_shell *shell)
{
	spa_log_topic_init(shell->log, &log_topic);
	for (uint32_t i = 0; i < shell->n_sides; i++) {
		struct segue_shell_side *side = &shell->sides[i];

		side->methods = impl_node;
		side->methods.process = shell->n_sides == 1 ? impl_node_process :
			is_first(side) ? process_inputs : process_outputs;
		side->node.iface = SPA_INTERFACE_INIT(SPA_TYPE_INTERFACE_Node, SPA_VERSION_NODE, &side->methods, side);
	}
}
