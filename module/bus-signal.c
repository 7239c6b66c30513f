/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* busctl --user monitor org.segue.Segue1 */

#include "bus-private.h"

#include <errno.h>

#include "../spa-plugin/now.h"

PW_LOG_TOPIC_STATIC(mod_topic, "mod.segue.signal");
#define PW_LOG_TOPIC_DEFAULT mod_topic

#define ANNOUNCE_NSEC	(100 * SPA_NSEC_PER_MSEC)

/* sd-bus keeps what the bus doesn't take and can't drop it again: beyond some we keep it ourselves. */
static bool queue_is_full(struct segue_bus *bus)
{
	uint64_t n;

	return sd_bus_get_n_queued_write(bus->bus, &n) < 0 || n >= SEGUE_BUS_SIGNALS_MAX;
}

/* ------------------------------------------------------------- events */

sd_bus_message *segue_bus_signal_new(struct segue_bus *bus, const char *path, const char *interface,
		const char *member)
{
	sd_bus_message *m;

	if (bus->bus == NULL || sd_bus_message_new_signal(bus->bus, &m, path, interface, member) < 0)
		return NULL;
	return m;
}

static sd_bus_message *take_unsent(struct segue_bus *bus)
{
	sd_bus_message *m = bus->unsent[bus->unsent_first];

	bus->unsent_first = (bus->unsent_first + 1) % SEGUE_BUS_SIGNALS_MAX;
	bus->n_unsent--;
	return m;
}

static void keep_unsent(struct segue_bus *bus, sd_bus_message *m)
{
	if (bus->n_unsent == SEGUE_BUS_SIGNALS_MAX) {
		pw_log_debug("nobody reads: dropping the oldest signal");
		sd_bus_message_unref(take_unsent(bus));
	}
	bus->unsent[(bus->unsent_first + bus->n_unsent++) % SEGUE_BUS_SIGNALS_MAX] = m;
}

void segue_bus_signal_send(struct segue_bus *bus, sd_bus_message *m)
{
	if (m == NULL)
		return;
	if (bus->n_unsent > 0 || queue_is_full(bus)) {
		keep_unsent(bus, m);
		return;
	}
	(void)sd_bus_send(bus->bus, m, NULL);
	sd_bus_message_unref(m);
	segue_bus_rearm(bus);
}

void segue_bus_signal_drain(struct segue_bus *bus)
{
	while (bus->n_unsent > 0 && !queue_is_full(bus)) {
		sd_bus_message *m = take_unsent(bus);

		(void)sd_bus_send(bus->bus, m, NULL);
		sd_bus_message_unref(m);
	}
}

void segue_bus_signal_drop(struct segue_bus *bus)
{
	while (bus->n_unsent > 0)
		sd_bus_message_unref(take_unsent(bus));
}

void segue_bus_interfaces_removed(struct segue_bus *bus, const char *path,
		const char *const *interfaces)
{
	sd_bus_message *m = segue_bus_signal_new(bus, SEGUE_BUS_PATH,
			"org.freedesktop.DBus.ObjectManager", "InterfacesRemoved");

	if (m == NULL)
		return;
	(void)sd_bus_message_append(m, "o", path);
	(void)sd_bus_message_append_strv(m, (char **)interfaces);
	segue_bus_signal_send(bus, m);
}

/* ------------------------------------------------------------- changes */

static void arm_announce(struct segue_bus *bus)
{
	/* at once after a quiet while, else in time for at most 10 a second */
	segue_bus_arm_timer(bus, bus->dirty_timer, bus->announced_nsec + ANNOUNCE_NSEC);
}

static void on_announce(void *data, uint64_t expirations)
{
	struct segue_bus *bus = data;
	struct segue_bus_object *object;

	bus->announced_nsec = segue_now_nsec();
	while (bus->bus != NULL && !spa_list_is_empty(&bus->dirty)) {
		if (queue_is_full(bus)) {
			arm_announce(bus);
			break;
		}
		object = spa_list_first(&bus->dirty, struct segue_bus_object, dirty_link);
		segue_bus_object_clear(object);
		bus->n_dispatched++;
		object->announce(object);
	}
	segue_bus_rearm(bus);
}

void segue_bus_object_changed(struct segue_bus *bus, struct segue_bus_object *object)
{
	if (object->dirty || bus->bus == NULL)
		return;
	if (spa_list_is_empty(&bus->dirty))
		arm_announce(bus);
	object->dirty = true;
	spa_list_append(&bus->dirty, &object->dirty_link);
}

void segue_bus_object_clear(struct segue_bus_object *object)
{
	if (!object->dirty)
		return;
	object->dirty = false;
	spa_list_remove(&object->dirty_link);
}

int segue_bus_signal_init(struct segue_bus *bus)
{
	PW_LOG_TOPIC_INIT(mod_topic);

	bus->dirty_timer = pw_loop_add_timer(bus->loop, on_announce, bus);
	return bus->dirty_timer != NULL ? 0 : -errno;
}

void segue_bus_signal_clear(struct segue_bus *bus)
{
	segue_bus_signal_drop(bus);
	if (bus->dirty_timer != NULL)
		pw_loop_destroy_source(bus->loop, bus->dirty_timer);
}
