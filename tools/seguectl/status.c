/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "status.h"

#include <errno.h>

#include "bus.h"
#include "json.h"

#define LATE_USEC	2000000

static void answer(struct segue_status *status, json_object *service)
{
	json_object_put(status->service);
	status->service = service;
	status->asked_usec = 0;
	status->fresh = true;
}

static int on_service(sd_bus_message *reply, void *data, sd_bus_error *error)
{
	struct segue_status *status = data;
	json_object *service;

	if (sd_bus_message_is_method_error(reply, NULL) || segue_json_read(reply, &service) < 0)
		service = NULL;
	answer(status, service);
	return 0;
}

/* An answer may take its time: that it is late is shown, and the call goes on. */
static int call(struct segue_status *status, sd_bus_message *m, int res, sd_bus_message_handler_t handler)
{
	if (res >= 0)
		res = sd_bus_call_async(status->ctl->bus, NULL, m, handler, status, UINT64_MAX);
	sd_bus_message_unref(m);
	return res;
}

static int ask_service(struct segue_status *status)
{
	sd_bus_message *m = NULL;
	int res;

	if ((res = segue_bus_new_call(status->ctl, &m, SEGUE_BUS_ROOT, SEGUE_BUS_PROPERTIES, "GetAll")) >= 0)
		res = sd_bus_message_append(m, "s", SEGUE_BUS_MANAGER);
	return call(status, m, res, on_service);
}

static int on_objects(sd_bus_message *reply, void *data, sd_bus_error *error)
{
	struct segue_status *status = data;
	json_object *nodes;

	if (sd_bus_message_is_method_error(reply, NULL) ||
	    segue_json_read_objects(reply, SEGUE_BUS_NODES, &nodes) < 0) {
		answer(status, NULL);
		return 0;
	}
	json_object_put(status->nodes);
	status->nodes = nodes;
	return ask_service(status);
}

enum segue_exit segue_status_init(struct segue_status *status, struct segue_ctl *ctl)
{
	*status = (struct segue_status) { .ctl = ctl };
	return segue_bus_call(ctl, NULL, NULL, SEGUE_BUS_ROOT, "org.freedesktop.DBus.Peer", "Ping", NULL);
}

void segue_status_clear(struct segue_status *status)
{
	json_object_put(status->service);
	json_object_put(status->nodes);
}

static int ask(struct segue_status *status)
{
	sd_bus_message *m = NULL;
	int res;

	if (status->asked_usec != 0)
		return 0;
	res = segue_bus_new_call(status->ctl, &m, SEGUE_BUS_ROOT, SEGUE_BUS_OBJECTS, "GetManagedObjects");
	status->asked_usec = segue_now_usec();
	return call(status, m, res, on_objects);
}

bool segue_status_is_late(const struct segue_status *status)
{
	return status->asked_usec != 0 && segue_now_usec() - status->asked_usec > LATE_USEC;
}

int segue_status_wait(struct segue_status *status, struct pollfd *fd, uint64_t period_usec)
{
	int res = segue_bus_wait(status->ctl, fd, status->next_usec);

	if (res != -ETIMEDOUT)
		return res;
	status->next_usec = segue_now_usec() + period_usec;
	status->fresh |= segue_status_is_late(status);
	return ask(status);
}
