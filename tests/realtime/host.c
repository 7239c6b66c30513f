/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "host.h"

#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <spa/node/command.h>
#include <spa/node/utils.h>
#include <spa/param/audio/dsp-utils.h>
#include <spa/param/param.h>
#include <spa/support/loop.h>
#include <spa/support/system.h>
#include <spa/utils/names.h>
#include <spa/utils/result.h>
#include <spa/utils/string.h>

#include <segue/handover.h>

#define SUPPORT_LIBRARY	"support/libspa-support.so"
#define N_DIRECTIONS	2
#define N_BUFFERS	2

#define check(condition, ...)	do { if (!(condition)) fail(__VA_ARGS__); } while (0)

struct buffer {
	struct spa_buffer buffer;
	struct spa_data data;
	struct spa_chunk chunk;
	float samples[HOST_QUANTUM_MAX];
};

struct port {
	struct spa_io_buffers io;
	struct buffer buffers[N_BUFFERS];
	uint32_t n_buffers;	/* changed in the data loop: the consumer's view of them */
};

struct host {
	/* main thread */
	struct spa_handle *system, *main_handle, *data_handle;
	struct spa_loop_control *main_control, *data_control;
	struct spa_loop *data_loop;
	struct spa_log silence;
	struct spa_support support[8];
	uint32_t n_support;
	struct spa_node *node;
	pthread_t thread;
	sem_t entered;
	/* shared */
	uint32_t quantum;
	uint64_t n_cycles;
	/* data thread; the main thread's through invoke() only */
	bool quit, scheduled;
	struct spa_io_position position;
	uint32_t n_ports[N_DIRECTIONS];
	struct port ports[N_DIRECTIONS][HOST_PORTS_MAX];
	host_heard heard;
	void *heard_data;
};

/* What the data loop is told to change: what isn't asked for stays NULL. */
struct change {
	struct host *host;
	struct port *port;
	uint32_t n_buffers;
	bool scheduled, quit;
};

__attribute__((format(printf, 1, 2), noreturn))
static void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

/* ------------------------------------------------------------ data thread */

/* The context in which RealtimeSanitizer objects to whatever may block. The compiler can't see through
 * SPA's method table, that is what the sanitizer is for. */
#if defined(__clang__)
# pragma clang diagnostic push
# pragma clang diagnostic ignored "-Wfunction-effects"
#endif
SEGUE_DATA_LOOP static int process(struct spa_node *node)
{
	return spa_node_process(node);
}
#if defined(__clang__)
# pragma clang diagnostic pop
#endif

static void feed(struct host *host, uint32_t n_frames)
{
	uint32_t i, j;

	for (i = 0; i < host->n_ports[SPA_DIRECTION_INPUT]; i++) {
		struct port *port = &host->ports[SPA_DIRECTION_INPUT][i];

		if (port->n_buffers == 0)
			continue;
		/* the position, so that a test knows what it ought to find */
		for (j = 0; j < n_frames; j++)
			port->buffers[0].samples[j] = (host->position.clock.position + j) % (1u << 20);
		port->buffers[0].chunk.size = SPA_MIN(n_frames * (uint32_t)sizeof(float),
				port->buffers[0].data.maxsize);
		port->io = (struct spa_io_buffers) { SPA_STATUS_HAVE_DATA, 0 };
	}
}

/* \return frames offered; 0: nothing */
static uint32_t consume(struct port *port, const float **ret)
{
	struct spa_io_buffers io = port->io;
	const struct buffer *buffer;

	*ret = NULL;
	/* as PipeWire's tee: the id stays, which hands the buffer back */
	port->io.status = SPA_STATUS_NEED_DATA;
	if (io.status != SPA_STATUS_HAVE_DATA || port->n_buffers == 0)
		return 0;
	check(io.buffer_id < port->n_buffers, "buffer %u of %u is offered", io.buffer_id, port->n_buffers);
	buffer = &port->buffers[io.buffer_id];
	check(buffer->chunk.offset == 0 && buffer->chunk.stride == sizeof(float) &&
			buffer->chunk.size <= buffer->data.maxsize, "a chunk is wrong");
	*ret = buffer->samples;
	return buffer->chunk.size / sizeof(float);
}

static void cycle(struct host *host)
{
	struct spa_io_clock *clock = &host->position.clock;
	const float *out[HOST_PORTS_MAX];
	uint32_t i, n, n_frames = UINT32_MAX;
	int status;

	clock->duration = __atomic_load_n(&host->quantum, __ATOMIC_RELAXED);
	feed(host, clock->duration);
	status = process(host->node);
	check(status == (SPA_STATUS_HAVE_DATA | SPA_STATUS_NEED_DATA), "process() returns %d", status);
	for (i = 0; i < host->n_ports[SPA_DIRECTION_OUTPUT]; i++)
		if ((n = consume(&host->ports[SPA_DIRECTION_OUTPUT][i], &out[i])) > 0)
			n_frames = SPA_MIN(n_frames, n);
	if (host->heard != NULL)
		host->heard(host->heard_data, clock, out, n_frames != UINT32_MAX ? n_frames : 0);
	clock->position += clock->duration;
	clock->nsec += clock->duration * SPA_NSEC_PER_SEC / HOST_RATE;
	__atomic_add_fetch(&host->n_cycles, 1, __ATOMIC_RELAXED);
}

static void *run_data_loop(void *data)
{
	struct host *host = data;

	spa_loop_control_enter(host->data_control);
	sem_post(&host->entered);
	while (!host->quit) {
		spa_loop_control_iterate(host->data_control, host->scheduled ? 0 : -1);
		if (host->scheduled)
			cycle(host);
	}
	spa_loop_control_leave(host->data_control);
	return NULL;
}

static int do_change(struct spa_loop *loop, bool async, uint32_t seq, const void *data, size_t size,
		void *user_data)
{
	const struct change *c = user_data;

	if (c->port != NULL) {
		c->port->n_buffers = c->n_buffers;
		/* not with new ones: the node may have offered one already */
		if (c->n_buffers == 0)
			c->port->io = (struct spa_io_buffers) { SPA_STATUS_NEED_DATA, SPA_ID_INVALID };
	} else {
		c->host->scheduled = c->scheduled;
		c->host->quit = c->quit;
	}
	return 0;
}

static void change(struct host *host, struct change *c)
{
	c->host = host;
	spa_loop_invoke(host->data_loop, do_change, 0, NULL, 0, true, c);
}

/* ------------------------------------------------------------------ loops */

static void drop_log(void *object, enum spa_log_level level, const char *file, int line, const char *func,
		const char *format, ...)
{
}

static const struct spa_log_methods silent_methods = {
	SPA_VERSION_LOG_METHODS,
	.log = drop_log,
};

int host_accept_io(void *object, uint32_t id, void *data, size_t size)
{
	return 0;
}

int host_accept_command(void *object, const struct spa_command *command)
{
	return 0;
}

struct spa_handle *host_load(struct host *host, const char *library, const char *name,
		const struct spa_dict *info)
{
	const struct spa_handle_factory *factory;
	spa_handle_factory_enum_func_t enum_func;
	struct spa_handle *handle;
	uint32_t index = 0;
	void *so;
	int res;

	/* never closed: what is in it may be needed by a sanitizer's report */
	check((so = dlopen(library, RTLD_NOW)) != NULL, "%s", dlerror());
	check((enum_func = dlsym(so, SPA_HANDLE_FACTORY_ENUM_FUNC_NAME)) != NULL, "%s", dlerror());
	do {
		check(enum_func(&factory, &index) > 0, "%s: no factory %s", library, name);
	} while (!spa_streq(factory->name, name));
	check((handle = calloc(1, spa_handle_factory_get_size(factory, info))) != NULL, "no memory");
	res = spa_handle_factory_init(factory, handle, info, host->support, host->n_support);
	check(res >= 0, "%s: %s", name, spa_strerror(res));
	return handle;
}

void host_unload(struct spa_handle *handle)
{
	spa_handle_clear(handle);
	free(handle);
}

static void *get(struct spa_handle *handle, const char *type)
{
	void *iface;

	check(spa_handle_get_interface(handle, type, &iface) >= 0, "no interface %s", type);
	return iface;
}

static void add_support(struct host *host, const char *type, void *iface)
{
	host->support[host->n_support++] = SPA_SUPPORT_INIT(type, iface);
}

struct host *host_new(struct spa_log *log)
{
	const char *dir = getenv("SPA_SUPPORT_DIR");
	struct host *host = calloc(1, sizeof(*host));
	char library[4096];
	void *system;

	check(host != NULL, "no memory");
	snprintf(library, sizeof(library), "%s/%s", dir != NULL ? dir : SPA_PLUGIN_DIR, SUPPORT_LIBRARY);
	host->silence.iface = SPA_INTERFACE_INIT(SPA_TYPE_INTERFACE_Log, SPA_VERSION_LOG, &silent_methods, NULL);
	add_support(host, SPA_TYPE_INTERFACE_Log, log != NULL ? log : &host->silence);
	host->system = host_load(host, library, SPA_NAME_SUPPORT_SYSTEM, NULL);
	system = get(host->system, SPA_TYPE_INTERFACE_System);
	add_support(host, SPA_TYPE_INTERFACE_System, system);
	host->main_handle = host_load(host, library, SPA_NAME_SUPPORT_LOOP, NULL);
	host->data_handle = host_load(host, library, SPA_NAME_SUPPORT_LOOP, NULL);
	host->main_control = get(host->main_handle, SPA_TYPE_INTERFACE_LoopControl);
	host->data_control = get(host->data_handle, SPA_TYPE_INTERFACE_LoopControl);
	host->data_loop = get(host->data_handle, SPA_TYPE_INTERFACE_Loop);
	add_support(host, SPA_TYPE_INTERFACE_Loop, get(host->main_handle, SPA_TYPE_INTERFACE_Loop));
	add_support(host, SPA_TYPE_INTERFACE_LoopUtils,
			get(host->main_handle, SPA_TYPE_INTERFACE_LoopUtils));
	add_support(host, SPA_TYPE_INTERFACE_DataLoop, host->data_loop);
	add_support(host, SPA_TYPE_INTERFACE_DataSystem, system);
	spa_loop_control_enter(host->main_control);

	host->quantum = 256;
	host->position.clock.rate = SPA_FRACTION(1, HOST_RATE);
	sem_init(&host->entered, 0, 0);
	check(pthread_create(&host->thread, NULL, run_data_loop, host) == 0, "no thread");
	/* before that an invoke would run here, beside it */
	sem_wait(&host->entered);
	return host;
}

void host_free(struct host *host)
{
	change(host, &(struct change) { .quit = true });
	pthread_join(host->thread, NULL);
	sem_destroy(&host->entered);
	spa_loop_control_leave(host->main_control);
	host_unload(host->data_handle);
	host_unload(host->main_handle);
	host_unload(host->system);
	free(host);
}

const struct spa_support *host_support(const struct host *host, uint32_t *n_support)
{
	*n_support = host->n_support;
	return host->support;
}

static uint64_t now_nsec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return SPA_TIMESPEC_TO_NSEC(&now);
}

void host_run(struct host *host, uint32_t msec)
{
	uint64_t end = now_nsec() + msec * SPA_NSEC_PER_MSEC;

	do {
		spa_loop_control_iterate(host->main_control, 1);
	} while (now_nsec() < end);
}

/* ------------------------------------------------------------------- node */

static struct port *get_port(struct host *host, enum spa_direction direction, uint32_t port)
{
	check(port < host->n_ports[direction], "no port %u", port);
	return &host->ports[direction][port];
}

void host_schedule(struct host *host, bool scheduled)
{
	change(host, &(struct change) { .scheduled = scheduled });
}

void host_command(struct host *host, uint32_t command)
{
	int res = spa_node_send_command(host->node, &SPA_NODE_COMMAND_INIT(command));

	check(res >= 0, "command %u: %s", command, spa_strerror(res));
}

void host_set_position(struct host *host, bool set)
{
	int res = spa_node_set_io(host->node, SPA_IO_Position, set ? &host->position : NULL,
			sizeof(host->position));

	check(res >= 0, "set_io: %s", spa_strerror(res));
}

void host_set_io(struct host *host, enum spa_direction direction, uint32_t id, bool set)
{
	struct port *port = get_port(host, direction, id);
	int res = spa_node_port_set_io(host->node, direction, id, SPA_IO_Buffers, set ? &port->io : NULL,
			sizeof(port->io));

	check(res >= 0, "port_set_io: %s", spa_strerror(res));
}

void host_set_format(struct host *host, enum spa_direction direction, uint32_t id, bool set)
{
	struct spa_audio_info_dsp info = { .format = SPA_AUDIO_FORMAT_DSP_F32 };
	uint8_t buffer[256];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(buffer, sizeof(buffer));
	struct spa_pod *format = spa_format_audio_dsp_build(&b, SPA_PARAM_Format, &info);
	int res;

	if (!set)
		change(host, &(struct change) { .port = get_port(host, direction, id) });
	res = spa_node_port_set_param(host->node, direction, id, SPA_PARAM_Format, 0, set ? format : NULL);
	check(res >= 0, "port_set_param: %s", spa_strerror(res));
}

void host_set_buffers(struct host *host, enum spa_direction direction, uint32_t id, uint32_t n_buffers,
		uint32_t n_frames)
{
	struct port *port = get_port(host, direction, id);
	struct spa_buffer *buffers[N_BUFFERS];
	uint32_t i;
	int res;

	check(n_buffers <= N_BUFFERS && n_frames <= HOST_QUANTUM_MAX, "too many buffers");
	/* nothing is fed or consumed until the node has them */
	change(host, &(struct change) { .port = port });
	res = spa_node_port_use_buffers(host->node, direction, id, 0, NULL, 0);
	check(res >= 0, "port_use_buffers: %s", spa_strerror(res));
	for (i = 0; i < n_buffers; i++) {
		struct buffer *b = &port->buffers[i];

		b->chunk = (struct spa_chunk) { 0 };
		b->data = (struct spa_data) {
			.type = SPA_DATA_MemPtr,
			.data = b->samples,
			.maxsize = n_frames * sizeof(float),
			.chunk = &b->chunk,
		};
		b->buffer = (struct spa_buffer) { .n_datas = 1, .datas = &b->data };
		buffers[i] = &b->buffer;
	}
	res = spa_node_port_use_buffers(host->node, direction, id, 0, buffers, n_buffers);
	check(res >= 0, "port_use_buffers: %s", spa_strerror(res));
	change(host, &(struct change) { .port = port, .n_buffers = n_buffers });
}

static void for_each_port(struct host *host, void (*func)(struct host *host, enum spa_direction direction,
			uint32_t port))
{
	uint32_t direction, i;

	for (direction = 0; direction < N_DIRECTIONS; direction++)
		for (i = 0; i < host->n_ports[direction]; i++)
			func(host, direction, i);
}

/* in the order of 0.3.65 */
static void connect_port(struct host *host, enum spa_direction direction, uint32_t port)
{
	host_set_io(host, direction, port, true);
	host_set_format(host, direction, port, true);
	host_set_buffers(host, direction, port, 1, HOST_QUANTUM_MAX);
}

static void disconnect_port(struct host *host, enum spa_direction direction, uint32_t port)
{
	host_set_io(host, direction, port, false);
	host_set_format(host, direction, port, false);
}

void host_add_node(struct host *host, struct spa_node *node, uint32_t n_in, uint32_t n_out,
		host_heard heard, void *data)
{
	check(n_in <= HOST_PORTS_MAX && n_out <= HOST_PORTS_MAX, "too many ports");
	host->node = node;
	host->heard = heard;
	host->heard_data = data;
	host->n_ports[SPA_DIRECTION_INPUT] = n_in;
	host->n_ports[SPA_DIRECTION_OUTPUT] = n_out;
	host_set_position(host, true);
	for_each_port(host, connect_port);
	host_command(host, SPA_NODE_COMMAND_Start);
	host_schedule(host, true);
}

void host_remove_node(struct host *host)
{
	host_schedule(host, false);
	host_command(host, SPA_NODE_COMMAND_Suspend);
	for_each_port(host, disconnect_port);
	host_set_position(host, false);
}

void host_set_quantum(struct host *host, uint32_t n_frames)
{
	check(n_frames > 0 && n_frames <= HOST_QUANTUM_MAX, "quantum %u", n_frames);
	__atomic_store_n(&host->quantum, n_frames, __ATOMIC_RELAXED);
}

uint64_t host_cycles(const struct host *host)
{
	return __atomic_load_n(&host->n_cycles, __ATOMIC_RELAXED);
}

void host_wait_cycles(struct host *host, uint64_t n_cycles)
{
	uint64_t end = host_cycles(host) + n_cycles;

	while (host_cycles(host) < end)
		host_run(host, 0);
}
