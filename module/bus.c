/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* busctl --user tree org.segue.Segue1 */

#include "bus.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include <spa/utils/result.h>

#include "../spa-plugin/now.h"
#include "bus-private.h"

PW_LOG_TOPIC_STATIC(mod_topic, "mod.segue.bus");
#define PW_LOG_TOPIC_DEFAULT mod_topic

#define DISPATCH_MAX	32	/* messages in a row, before others on the loop get their turn */
#define RETRY_MIN_NSEC	(100 * SPA_NSEC_PER_MSEC)
#define RETRY_MAX_NSEC	(10 * SPA_NSEC_PER_SEC)
#define DEADLINE_NSEC	(4 * SPA_NSEC_PER_SEC)

void segue_bus_arm_timer(struct segue_bus *bus, struct spa_source *timer, uint64_t nsec)
{
	struct timespec value = {
		.tv_sec = nsec / SPA_NSEC_PER_SEC,
		.tv_nsec = nsec % SPA_NSEC_PER_SEC,
	};
	pw_loop_update_timer(bus->loop, timer, &value, NULL, true);
}

/* ----------------------------------------------------------- deadlines */

static void arm_deadline(struct segue_bus *bus)
{
	struct segue_bus_deadline *first;
	uint64_t nsec = 0;

	if (!spa_list_is_empty(&bus->deadlines)) {
		first = spa_list_first(&bus->deadlines, struct segue_bus_deadline, link);
		nsec = first->nsec;
	}
	segue_bus_arm_timer(bus, bus->deadline_timer, nsec);
}

static void on_deadline(void *data, uint64_t expirations)
{
	struct segue_bus *bus = data;
	struct segue_bus_deadline *deadline;
	uint64_t now = segue_now_nsec();

	spa_list_consume(deadline, &bus->deadlines, link) {
		if (deadline->nsec > now)
			break;
		spa_list_remove(&deadline->link);
		deadline->armed = false;
		deadline->expired(deadline);
	}
	arm_deadline(bus);
	segue_bus_rearm(bus);
}

void segue_bus_deadline_add(struct segue_bus *bus, struct segue_bus_deadline *deadline,
		void (*expired)(struct segue_bus_deadline *deadline))
{
	/* all take the same time: the list is in order */
	deadline->nsec = segue_now_nsec() + DEADLINE_NSEC;
	deadline->expired = expired;
	deadline->armed = true;
	spa_list_append(&bus->deadlines, &deadline->link);
	arm_deadline(bus);
}

void segue_bus_deadline_remove(struct segue_bus *bus, struct segue_bus_deadline *deadline)
{
	if (!deadline->armed)
		return;
	deadline->armed = false;
	spa_list_remove(&deadline->link);
	arm_deadline(bus);
}

/* ------------------------------------------------------ the connection */

static void connect_bus(struct segue_bus *bus);

static void retry(struct segue_bus *bus)
{
	segue_bus_arm_timer(bus, bus->retry_timer, segue_now_nsec() + bus->retry_nsec);
	bus->retry_nsec = SPA_MIN(bus->retry_nsec * 2, RETRY_MAX_NSEC);
}

static void on_retry(void *data, uint64_t expirations)
{
	connect_bus(data);
}

static void close_bus(struct segue_bus *bus)
{
	if (bus->io != NULL)
		pw_loop_destroy_source(bus->loop, bus->io);
	bus->io = NULL;
	bus->io_mask = 0;
	segue_bus_arm_timer(bus, bus->timer, 0);
	bus->timeout_usec = UINT64_MAX;
	segue_bus_arm_timer(bus, bus->dirty_timer, 0);

	segue_bus_signal_drop(bus);
	segue_bus_nodes_lost(bus);
	segue_bus_calls_client_gone(bus, NULL);
	segue_bus_saves_free(bus);
	segue_bus_clients_lost(bus);

	/* closed without a flush: that could wait */
	sd_bus_close(bus->bus);
	bus->bus = sd_bus_unref(bus->bus);
}

static void lose_bus(struct segue_bus *bus, int res)
{
	if (!bus->warned)
		pw_log_warn("the session bus is gone (%s), going on without", spa_strerror(res));
	bus->warned = true;
	close_bus(bus);
	retry(bus);
}

static uint32_t poll_to_spa(int events)
{
	return (events & POLLIN ? SPA_IO_IN : 0) | (events & POLLOUT ? SPA_IO_OUT : 0);
}

void segue_bus_rearm(struct segue_bus *bus)
{
	uint64_t usec, nsec;
	uint32_t mask;

	/* a dispatch ends with this anyway */
	if (bus->io == NULL || bus->dispatching)
		return;

	mask = poll_to_spa(sd_bus_get_events(bus->bus));
	if (mask != bus->io_mask) {
		pw_loop_update_io(bus->loop, bus->io, mask);
		bus->io_mask = mask;
	}
	if (sd_bus_get_timeout(bus->bus, &usec) < 0)
		usec = UINT64_MAX;
	if (usec != bus->timeout_usec || usec == 0) {
		/* 0 means at once, but would disarm the timer; "never" does */
		nsec = usec == UINT64_MAX ? 0 : usec == 0 ? 1 : usec * SPA_NSEC_PER_USEC;
		segue_bus_arm_timer(bus, bus->timer, nsec);
		bus->timeout_usec = usec;
	}
}

static void dispatch(struct segue_bus *bus)
{
	int res = 1;

	bus->dispatching = true;
	for (int i = 0; i < DISPATCH_MAX && res > 0; i++) {
		bus->n_dispatched++;
		res = sd_bus_process(bus->bus, NULL);
	}
	bus->dispatching = false;

	if (res < 0) {
		lose_bus(bus, res);
		return;
	}
	segue_bus_signal_drain(bus);
	segue_bus_rearm(bus);
}

static void on_io(void *data, int fd, uint32_t mask)
{
	dispatch(data);
}

static void on_timer(void *data, uint64_t expirations)
{
	struct segue_bus *bus = data;

	bus->timeout_usec = UINT64_MAX;
	if (bus->bus != NULL)
		dispatch(bus);
}

/* ------------------------------------------------------------ the name */

static int on_owner_pid(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct segue_bus *bus = userdata;
	uint32_t pid = 0;

	if (!sd_bus_message_is_method_error(m, NULL))
		(void)sd_bus_message_read(m, "u", &pid);
	pw_log_warn("'%s' belongs to process %u; going on, and waiting for the name", bus->name, pid);
	return 1;
}

static int on_name(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct segue_bus *bus = userdata;
	uint32_t result;

	if (sd_bus_message_is_method_error(m, NULL)) {
		pw_log_warn("can't have the bus name '%s': %s", bus->name,
				sd_bus_message_get_error(m)->message);
		return 1;
	}
	if (sd_bus_message_read(m, "u", &result) < 0)
		return 1;

	/* the bus answers: a loss from here on is a new one */
	bus->retry_nsec = RETRY_MIN_NSEC;
	bus->warned = false;
	/* of DBUS_REQUEST_NAME_REPLY_*: 1 it is ours, 2 queued, 3 someone else's, 4 ours already */
	if (result == 2 || result == 3)
		(void)sd_bus_call_method_async(bus->bus, NULL, "org.freedesktop.DBus",
				"/org/freedesktop/DBus", "org.freedesktop.DBus",
				"GetConnectionUnixProcessID", on_owner_pid, bus, "s", bus->name);
	else
		pw_log_info("serving as '%s'", bus->name);
	return 1;
}

static int register_objects(struct segue_bus *bus)
{
	int res;

	if ((res = sd_bus_add_object_manager(bus->bus, NULL, SEGUE_BUS_PATH)) < 0 ||
	    (res = segue_bus_manager_register(bus)) < 0 ||
	    (res = segue_bus_buffer_register(bus)) < 0 ||
	    (res = segue_bus_nodes_register(bus)) < 0)
		return res;
	return sd_bus_request_name_async(bus->bus, NULL, bus->name, SD_BUS_NAME_QUEUE, on_name, bus);
}

static void connect_bus(struct segue_bus *bus)
{
	int res;

	if ((res = sd_bus_open_user(&bus->bus)) < 0)
		goto error;
	sd_bus_set_exit_on_disconnect(bus->bus, false);
	if ((res = register_objects(bus)) < 0)
		goto error_close;

	bus->io_mask = SPA_IO_IN;
	bus->io = pw_loop_add_io(bus->loop, sd_bus_get_fd(bus->bus), bus->io_mask, false, on_io, bus);
	if (bus->io == NULL) {
		res = -errno;
		goto error_close;
	}
	dispatch(bus);
	return;

error_close:
	sd_bus_close(bus->bus);
	bus->bus = sd_bus_unref(bus->bus);
error:
	if (!bus->warned)
		pw_log_warn("no session bus (%s): nobody can control the nodes over D-Bus",
				spa_strerror(res));
	bus->warned = true;
	/* without an address there is nothing to wait for */
	if (res != -ENOMEDIUM)
		retry(bus);
}

/* ------------------------------------------------------------ the store */

static void on_sound_changed(void *data, struct segue_sound *sound)
{
	struct segue_bus *bus = data;
	struct segue_bus_buffer *buffer;
	struct segue_sound_info info;

	bus->store->methods->sound_info(bus->store, sound, &info);
	if ((buffer = segue_bus_buffer_by_id(bus, info.id)) != NULL)
		segue_bus_buffer_changed(buffer, &info);
	segue_bus_calls_sound_changed(bus, &info);
	segue_bus_rearm(bus);
}

static void on_sound_reclaimed(void *data, uint64_t id, uint64_t bytes, uint64_t age_usec)
{
	struct segue_bus *bus = data;
	struct segue_bus_buffer *buffer;

	segue_bus_calls_sound_reclaimed(bus, id);
	segue_bus_manager_reclaimed(bus, id, bytes, age_usec);
	if ((buffer = segue_bus_buffer_by_id(bus, id)) != NULL)
		segue_bus_buffer_reclaimed(buffer);
	segue_bus_rearm(bus);
}

static void on_written(void *data, uint64_t id, const struct segue_error *error)
{
	segue_bus_saves_written(data, id, error);
}

static const struct segue_store_events store_events = {
	.version = SEGUE_CONTROL_VERSION,
	.sound_changed = on_sound_changed,
	.sound_reclaimed = on_sound_reclaimed,
	.written = on_written,
};

/* --------------------------------------------------------------- new, free */

struct segue_bus *segue_bus_new(struct pw_loop *loop, const struct segue_config *config,
		struct segue_store *store, struct segue_host *host)
{
	struct segue_bus *bus;

	PW_LOG_TOPIC_INIT(mod_topic);

	if ((bus = calloc(1, sizeof(*bus))) == NULL)
		return NULL;
	bus->loop = loop;
	bus->name = config->dbus_name;
	bus->store = store;
	bus->host = host;
	bus->retry_nsec = RETRY_MIN_NSEC;
	bus->timeout_usec = UINT64_MAX;
	bus->save_path = config->save_path;
	spa_list_init(&bus->loads);
	spa_list_init(&bus->saves);
	spa_list_init(&bus->deadlines);
	spa_list_init(&bus->dirty);
	spa_list_init(&bus->clients);
	spa_list_init(&bus->leaving);
	spa_list_init(&bus->buffers);
	spa_list_init(&bus->nodes);

	bus->timer = pw_loop_add_timer(loop, on_timer, bus);
	bus->retry_timer = pw_loop_add_timer(loop, on_retry, bus);
	bus->deadline_timer = pw_loop_add_timer(loop, on_deadline, bus);
	store->methods->add_listener(store, &bus->store_listener, &store_events, bus);
	if (bus->timer == NULL || bus->retry_timer == NULL || bus->deadline_timer == NULL ||
	    segue_bus_signal_init(bus) < 0 || segue_bus_clients_init(bus) < 0) {
		segue_bus_free(bus);
		return NULL;
	}
	segue_bus_nodes_init(bus);
	connect_bus(bus);
	return bus;
}

void segue_bus_free(struct segue_bus *bus)
{
	if (bus == NULL)
		return;
	spa_hook_remove(&bus->store_listener);
	if (bus->bus != NULL)
		close_bus(bus);
	segue_bus_nodes_free(bus);
	segue_bus_calls_free(bus);
	segue_bus_clients_clear(bus);
	segue_bus_buffers_free(bus);
	segue_bus_signal_clear(bus);
	if (bus->timer != NULL)
		pw_loop_destroy_source(bus->loop, bus->timer);
	if (bus->retry_timer != NULL)
		pw_loop_destroy_source(bus->loop, bus->retry_timer);
	if (bus->deadline_timer != NULL)
		pw_loop_destroy_source(bus->loop, bus->deadline_timer);
	free(bus->manager_vtable);
	free(bus->buffer_vtable);
	for (uint32_t i = 0; i < SEGUE_BUS_TYPES; i++)
		free(bus->node_vtables[i]);
	free(bus);
}
