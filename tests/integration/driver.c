/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <spa/node/io.h>
#include <spa/node/keys.h>
#include <spa/node/node.h>
#include <spa/node/utils.h>
#include <spa/param/props.h>
#include <spa/pod/parser.h>
#include <spa/support/loop.h>
#include <spa/support/plugin.h>
#include <spa/support/system.h>
#include <spa/utils/names.h>
#include <spa/utils/string.h>

/** \file
 * A driver that never outruns its graph: the next cycle starts when its time has come *and* every node
 * has finished the last one. On a busy machine time stretches instead of cycles being missed, so a
 * recording is exact whatever else runs. With `node.freewheel = true` time runs ahead
 * of everybody's clocks.
 *
 * `Props { params = [ "test.jump" FRAMES ] }` moves the clock's position once, back if negative;
 * `"test.pause" SECONDS` lets no cycle begin for so long. */

/* a node that died in mid-cycle never finishes it, nor does one that is just being started: go on without
 * it, before that is a long pause to the others */
#define WATCHDOG_NSEC	(200 * SPA_NSEC_PER_MSEC)
/* as fast as a recorder of a minute's sound bears */
#define FREEWHEEL_SPEED	4u

struct impl {
	struct spa_handle handle;
	struct spa_node node;

	/* main loop */
	struct spa_loop *data_loop;
	struct spa_system *data_system;
	struct spa_hook_list hooks;
	struct spa_node_info info;
	struct spa_param_info params[1];
	bool started;
	bool freewheel;
	/* set while stopped or through the data loop */
	struct spa_callbacks callbacks;
	struct spa_io_clock *clock;
	struct spa_io_position *position;
	/* data loop */
	struct spa_source timer;
	uint64_t next_nsec;
	uint64_t last_duration;	/* frames, of the last cycle */
	bool complete;		/* every node has finished the last cycle */
	bool due;		/* the next one's time has come */
	int64_t jump;		/* frames */
	uint64_t pause_nsec;	/* before the next cycle */
};

static uint64_t now_nsec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return SPA_TIMESPEC_TO_NSEC(&now);
}

static void arm(struct impl *impl, uint64_t nsec)
{
	struct itimerspec its = {
		.it_value = { nsec / SPA_NSEC_PER_SEC, nsec % SPA_NSEC_PER_SEC },
	};

	spa_system_timerfd_settime(impl->data_system, impl->timer.fd, SPA_FD_TIMER_ABSTIME, &its, NULL);
}

static void start_cycle(struct impl *impl, uint64_t nsec)
{
	uint64_t duration = 1024;
	uint32_t rate = 48000;

	if (impl->position != NULL) {
		duration = impl->position->clock.duration;
		rate = impl->position->clock.rate.denom;
	}
	impl->next_nsec = nsec + duration * SPA_NSEC_PER_SEC / rate / (impl->freewheel ? FREEWHEEL_SPEED : 1);
	if (impl->clock != NULL) {
		/* the position is the one of the cycle that begins */
		impl->clock->position += impl->last_duration + impl->jump;
		SPA_FLAG_UPDATE(impl->clock->flags, SPA_IO_CLOCK_FLAG_FREEWHEEL, impl->freewheel);
		impl->clock->nsec = nsec;
		impl->clock->duration = duration;
		impl->clock->delay = 0;
		impl->clock->rate_diff = 1.0;
		impl->clock->next_nsec = impl->next_nsec;
	}
	impl->jump = 0;
	impl->complete = impl->due = false;
	arm(impl, impl->next_nsec);
	spa_node_call_ready(&impl->callbacks, SPA_STATUS_HAVE_DATA | SPA_STATUS_NEED_DATA);
	/* 0.3.65 puts a new quantum in before the nodes run, and a new rate's between two cycles */
	impl->last_duration = impl->position != NULL ? impl->position->clock.duration : duration;
}

static void on_timer(struct spa_source *source)
{
	struct impl *impl = source->data;
	uint64_t expirations;

	if (spa_system_timerfd_read(impl->data_system, impl->timer.fd, &expirations) < 0)
		return;
	if (impl->pause_nsec > 0) {
		impl->next_nsec = now_nsec() + impl->pause_nsec;
		impl->pause_nsec = 0;
		arm(impl, impl->next_nsec);
	} else if (impl->complete || impl->due) {
		start_cycle(impl, impl->complete ? impl->next_nsec : now_nsec());
	} else {
		impl->due = true;
		arm(impl, now_nsec() + WATCHDOG_NSEC);
	}
}

static int impl_node_process(void *object)
{
	struct impl *impl = object;

	/* not from here: this still is the last cycle. An expired timer fires at once. */
	impl->complete = true;
	if (impl->due) {
		impl->next_nsec = now_nsec();
		arm(impl, impl->next_nsec);
	}
	return SPA_STATUS_HAVE_DATA | SPA_STATUS_NEED_DATA;
}

static int do_run(struct spa_loop *loop, bool async, uint32_t seq, const void *data, size_t size,
		void *user_data)
{
	struct impl *impl = user_data;
	const bool *run = data;
	/* a follower of another driver stands still */
	bool following = impl->position != NULL && impl->clock != NULL &&
		impl->position->clock.id != impl->clock->id;

	impl->complete = true;
	impl->due = false;
	impl->next_nsec = now_nsec();
	arm(impl, *run && !following ? impl->next_nsec : 0);
	return 0;
}

static void run(struct impl *impl)
{
	spa_loop_invoke(impl->data_loop, do_run, 0, &impl->started, sizeof(impl->started), true, impl);
}

static int do_jump(struct spa_loop *loop, bool async, uint32_t seq, const void *data, size_t size,
		void *user_data)
{
	struct impl *impl = user_data;

	impl->jump = *(const float *)data;
	return 0;
}

static int do_pause(struct spa_loop *loop, bool async, uint32_t seq, const void *data, size_t size,
		void *user_data)
{
	struct impl *impl = user_data;

	impl->pause_nsec = *(const float *)data * SPA_NSEC_PER_SEC;
	return 0;
}

static int impl_node_set_param(void *object, uint32_t id, uint32_t flags, const struct spa_pod *param)
{
	struct impl *impl = object;
	struct spa_pod *params = NULL;
	struct spa_pod_parser parser;
	struct spa_pod_frame frame;
	const char *key;
	float value;

	if (id != SPA_PARAM_Props || param == NULL)
		return -ENOENT;
	if (spa_pod_parse_object(param, SPA_TYPE_OBJECT_Props, NULL,
				SPA_PROP_params, SPA_POD_OPT_Pod(&params)) < 0 || params == NULL)
		return -EINVAL;
	spa_pod_parser_pod(&parser, params);
	if (spa_pod_parser_push_struct(&parser, &frame) < 0 ||
	    spa_pod_parser_get(&parser, SPA_POD_String(&key), SPA_POD_Float(&value), NULL) < 0)
		return -EINVAL;
	if (strcmp(key, "test.jump") == 0)
		return spa_loop_invoke(impl->data_loop, do_jump, 0, &value, sizeof(value), true, impl);
	if (strcmp(key, "test.pause") == 0)
		return spa_loop_invoke(impl->data_loop, do_pause, 0, &value, sizeof(value), true, impl);
	return -EINVAL;
}

static int impl_node_enum_params(void *object, int seq, uint32_t id, uint32_t start, uint32_t num,
		const struct spa_pod *filter)
{
	return -ENOENT;
}

static int impl_node_set_io(void *object, uint32_t id, void *data, size_t size)
{
	struct impl *impl = object;

	switch (id) {
	case SPA_IO_Clock:
		impl->clock = data;
		if (impl->clock != NULL)
			snprintf(impl->clock->name, sizeof(impl->clock->name), "segue.test");
		break;
	case SPA_IO_Position:
		impl->position = data;
		break;
	default:
		return -ENOENT;
	}
	if (impl->started)
		run(impl);
	return 0;
}

static int impl_node_send_command(void *object, const struct spa_command *command)
{
	struct impl *impl = object;

	switch (SPA_NODE_COMMAND_ID(command)) {
	case SPA_NODE_COMMAND_Start:
		impl->started = true;
		break;
	case SPA_NODE_COMMAND_Suspend:
	case SPA_NODE_COMMAND_Pause:
		impl->started = false;
		break;
	default:
		return -ENOTSUP;
	}
	run(impl);
	return 0;
}

static int impl_node_add_listener(void *object, struct spa_hook *listener,
		const struct spa_node_events *events, void *data)
{
	struct impl *impl = object;
	struct spa_dict_item items[] = { { SPA_KEY_NODE_DRIVER, "true" } };
	struct spa_dict dict = SPA_DICT_INIT_ARRAY(items);
	struct spa_hook_list save;

	spa_hook_list_isolate(&impl->hooks, &save, listener, events, data);
	impl->info.props = &dict;
	impl->info.change_mask = SPA_NODE_CHANGE_MASK_FLAGS | SPA_NODE_CHANGE_MASK_PROPS |
		SPA_NODE_CHANGE_MASK_PARAMS;
	spa_node_emit_info(&impl->hooks, &impl->info);
	impl->info.props = NULL;
	spa_hook_list_join(&impl->hooks, &save);
	return 0;
}

static int impl_node_set_callbacks(void *object, const struct spa_node_callbacks *callbacks, void *data)
{
	struct impl *impl = object;

	impl->callbacks = SPA_CALLBACKS_INIT(callbacks, data);
	return 0;
}

static const struct spa_node_methods impl_node = {
	SPA_VERSION_NODE_METHODS,
	.add_listener = impl_node_add_listener,
	.set_callbacks = impl_node_set_callbacks,
	.enum_params = impl_node_enum_params,
	.set_param = impl_node_set_param,
	.set_io = impl_node_set_io,
	.send_command = impl_node_send_command,
	.process = impl_node_process,
};

static int do_remove_timer(struct spa_loop *loop, bool async, uint32_t seq, const void *data,
		size_t size, void *user_data)
{
	struct impl *impl = user_data;

	spa_loop_remove_source(impl->data_loop, &impl->timer);
	return 0;
}

static int impl_get_interface(struct spa_handle *handle, const char *type, void **ret)
{
	struct impl *impl = SPA_CONTAINER_OF(handle, struct impl, handle);

	if (strcmp(type, SPA_TYPE_INTERFACE_Node) != 0)
		return -ENOENT;
	*ret = &impl->node;
	return 0;
}

static int impl_clear(struct spa_handle *handle)
{
	struct impl *impl = SPA_CONTAINER_OF(handle, struct impl, handle);

	spa_loop_invoke(impl->data_loop, do_remove_timer, 0, NULL, 0, true, impl);
	spa_system_close(impl->data_system, impl->timer.fd);
	return 0;
}

static size_t impl_get_size(const struct spa_handle_factory *factory, const struct spa_dict *params)
{
	return sizeof(struct impl);
}

static int impl_init(const struct spa_handle_factory *factory, struct spa_handle *handle,
		const struct spa_dict *info, const struct spa_support *support, uint32_t n_support)
{
	struct impl *impl = SPA_CONTAINER_OF(handle, struct impl, handle);
	const char *freewheel = info != NULL ? spa_dict_lookup(info, "node.freewheel") : NULL;

	handle->get_interface = impl_get_interface;
	handle->clear = impl_clear;
	impl->data_loop = spa_support_find(support, n_support, SPA_TYPE_INTERFACE_DataLoop);
	impl->data_system = spa_support_find(support, n_support, SPA_TYPE_INTERFACE_DataSystem);
	if (impl->data_loop == NULL || impl->data_system == NULL)
		return -EINVAL;

	spa_hook_list_init(&impl->hooks);
	impl->node.iface = SPA_INTERFACE_INIT(SPA_TYPE_INTERFACE_Node, SPA_VERSION_NODE, &impl_node, impl);
	impl->params[0] = SPA_PARAM_INFO(SPA_PARAM_Props, SPA_PARAM_INFO_WRITE);
	impl->info = SPA_NODE_INFO_INIT();
	impl->info.flags = SPA_NODE_FLAG_RT;
	impl->info.params = impl->params;
	impl->info.n_params = SPA_N_ELEMENTS(impl->params);
	impl->freewheel = freewheel != NULL && spa_atob(freewheel);

	impl->timer = (struct spa_source) {
		.func = on_timer,
		.data = impl,
		.fd = spa_system_timerfd_create(impl->data_system, CLOCK_MONOTONIC,
				SPA_FD_CLOEXEC | SPA_FD_NONBLOCK),
		.mask = SPA_IO_IN,
	};
	if (impl->timer.fd < 0)
		return impl->timer.fd;
	return spa_loop_add_source(impl->data_loop, &impl->timer);
}

static const struct spa_interface_info interfaces[] = {
	{ SPA_TYPE_INTERFACE_Node, },
};

static int impl_enum_interface_info(const struct spa_handle_factory *factory,
		const struct spa_interface_info **info, uint32_t *index)
{
	if (*index >= SPA_N_ELEMENTS(interfaces))
		return 0;
	*info = &interfaces[(*index)++];
	return 1;
}

static const struct spa_handle_factory driver_factory = {
	SPA_VERSION_HANDLE_FACTORY,
	"segue.test.driver",
	NULL,
	impl_get_size,
	impl_init,
	impl_enum_interface_info,
};

SPA_EXPORT int spa_handle_factory_enum(const struct spa_handle_factory **factory, uint32_t *index)
{
	if (*index > 0)
		return 0;
	(*index)++;
	*factory = &driver_factory;
	return 1;
}
