/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "commands.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <spa/utils/string.h>

#include "bus.h"
#include "json.h"

/* One event, to be printed as it happens: as an object, or as a line. Takes the object. */
__attribute__((format(printf, 3, 4)))
static void print_event(struct segue_ctl *ctl, json_object *event, const char *format, ...)
{
	va_list args;
	char *line;

	if (ctl->json) {
		segue_json_print(event);
		return;
	}
	json_object_put(event);
	va_start(args, format);
	if (vasprintf(&line, format, args) < 0)
		abort();
	va_end(args);
	segue_make_one_line(line);
	puts(line);
	free(line);
}

static json_object *new_event(const char *type)
{
	json_object *event = json_object_new_object();

	json_object_object_add(event, "event", json_object_new_string(type));
	return event;
}

static void add_text(json_object *event, const char *member, const char *text)
{
	json_object_object_add(event, member, json_object_new_string(text));
}

static void add_number(json_object *event, const char *member, uint64_t number)
{
	json_object_object_add(event, member, json_object_new_uint64(number));
}

/* the service's messages begin with the node's name, and so do our lines */
static const char *without_node(const char *message, const char *node)
{
	size_t length = strlen(node);

	return spa_strstartswith(message, node) && spa_strstartswith(message + length, ": ") ?
		message + length + 2 : message;
}

/* the number of /org/segue/Segue1/buffer/7, "" of "/" */
static const char *buffer_number(const char *path)
{
	return strrchr(path, '/') + 1;
}

static int on_finished(sd_bus_message *m, void *data, sd_bus_error *error)
{
	const char *result, *buffer, *name, *message;
	struct segue_ctl *ctl = data;
	uint64_t serial, position;
	json_object *event;
	char *node;
	int res;

	if ((res = sd_bus_message_read(m, "tsotss", &serial, &result, &buffer, &position, &name, &message)) < 0)
		return res;
	if ((res = sd_bus_path_decode(sd_bus_message_get_path(m), SEGUE_BUS_NODES, &node)) <= 0)
		return res;
	event = new_event(result);
	add_text(event, "node", node);
	add_number(event, "serial", serial);
	add_text(event, "buffer", buffer);
	if (spa_streq(result, "applied")) {
		add_number(event, "position", position);
		print_event(ctl, event, "%s: applied at frame %" PRIu64 ", request %" PRIu64 "%s%s", node, position,
				serial, buffer_number(buffer)[0] != '\0' ? ", buffer " : "", buffer_number(buffer));
	} else if (spa_streq(result, "superseded")) {
		print_event(ctl, event, "%s: superseded, request %" PRIu64, node, serial);
	} else {
		add_text(event, "error", name);
		add_text(event, "message", message);
		print_event(ctl, event, "%s: failed, request %" PRIu64 ": %s", node, serial,
				without_node(message, node));
	}
	free(node);
	return 0;
}

static int on_reclaimed(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct segue_ctl *ctl = data;
	uint64_t bytes, age_usec;
	char size[32], age[32];
	const char *buffer;
	json_object *event;
	int res;

	if ((res = sd_bus_message_read(m, "ott", &buffer, &bytes, &age_usec)) < 0)
		return res;
	event = new_event("reclaimed");
	add_text(event, "buffer", buffer);
	add_number(event, "bytes", bytes);
	add_number(event, "age_usec", age_usec);
	print_event(ctl, event, "buffer %s: reclaimed, %s bytes, %s old", buffer_number(buffer),
			segue_format_bytes(size, sizeof(size), bytes),
			segue_format_time(age, sizeof(age), age_usec * 1e-6));
	return 0;
}

static int on_queued(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct segue_ctl *ctl = data;
	const char *buffer, *label;
	json_object *event;
	uint64_t serial;
	char *node;
	int res;

	if ((res = sd_bus_message_read(m, "tos", &serial, &buffer, &label)) < 0 ||
	    (res = sd_bus_path_decode(sd_bus_message_get_path(m), SEGUE_BUS_NODES, &node)) <= 0)
		return res;
	event = new_event("queued");
	add_text(event, "node", node);
	add_number(event, "serial", serial);
	add_text(event, "buffer", buffer);
	add_text(event, "label", label);
	print_event(ctl, event, "%s: queued, request %" PRIu64 "%s%s", node, serial,
			label[0] != '\0' ? ", " : "", label);
	free(node);
	return 0;
}

static int on_owner_changed(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct segue_ctl *ctl = data;
	const char *name, *old, *new;
	int res;

	if ((res = sd_bus_message_read(m, "sss", &name, &old, &new)) < 0)
		return res;
	if (old[0] != '\0')
		print_event(ctl, new_event("stopped"), "Segue has stopped");
	if (new[0] != '\0')
		print_event(ctl, new_event("started"), "Segue has started");
	return 0;
}

enum segue_exit segue_command_monitor(struct segue_ctl *ctl)
{
	struct pollfd out = { .fd = STDOUT_FILENO };
	enum segue_exit status;
	int res;

	/* a reader that leaves ends us in silence, also where SIGPIPE would have been seen by a parent */
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if ((res = segue_bus_listen_owner(ctl, on_owner_changed, ctl)) < 0 ||
	    (res = segue_bus_listen(ctl, NULL, SEGUE_BUS_NODE, "Finished", on_finished, ctl)) < 0 ||
	    (res = segue_bus_listen(ctl, SEGUE_BUS_ROOT, SEGUE_BUS_MANAGER, "BufferReclaimed",
				on_reclaimed, ctl)) < 0 ||
	    (res = segue_bus_listen(ctl, NULL, SEGUE_BUS_NODE, "Queued", on_queued, ctl)) < 0)
		return segue_bus_fail_errno(ctl, res);
	/* is anybody there? */
	if ((status = segue_bus_call(ctl, NULL, NULL, SEGUE_BUS_ROOT, "org.freedesktop.DBus.Peer", "Ping",
					NULL)) != SEGUE_EXIT_OK)
		return status;

	while ((res = segue_bus_wait(ctl, &out, SEGUE_FOREVER)) > 0 && !ferror(stdout))
		;
	return res < 0 && !ferror(stdout) ? segue_bus_fail_errno(ctl, res) : SEGUE_EXIT_OK;
}
