/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "bus.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <spa/utils/defs.h>
#include <spa/utils/string.h>

#include "json.h"
#include "names.h"

#define ERROR_PREFIX	"org.segue.Segue1.Error."
#define REPLY_MIN_USEC	UINT64_C(100000)	/* a request is made, however short it is waited for */
#define REPLY_MAX_USEC	UINT64_C(25000000)

static const struct {
	const char *name;
	enum segue_exit status;
} exits[] = {
	{ ERROR_PREFIX "Superseded", SEGUE_EXIT_CANCELLED },
	{ ERROR_PREFIX "Cancelled", SEGUE_EXIT_CANCELLED },
	{ SD_BUS_ERROR_SERVICE_UNKNOWN, SEGUE_EXIT_NO_SERVICE },
	{ SD_BUS_ERROR_NAME_HAS_NO_OWNER, SEGUE_EXIT_NO_SERVICE },
	{ SD_BUS_ERROR_NO_REPLY, SEGUE_EXIT_NO_SERVICE },
	{ SD_BUS_ERROR_DISCONNECTED, SEGUE_EXIT_NO_SERVICE },
	{ "org.freedesktop.systemd1.NoSuchUnit", SEGUE_EXIT_NO_SERVICE },
};

/* The exit that fits an error by its D-Bus name. */
static enum segue_exit exit_of(const char *name)
{
	for (size_t i = 0; i < SPA_N_ELEMENTS(exits); i++) {
		if (spa_streq(exits[i].name, name))
			return exits[i].status;
	}
	/* the bus failed to start the service, in one of many ways */
	return spa_strstartswith(name, "org.freedesktop.DBus.Error.Spawn.") ?
		SEGUE_EXIT_NO_SERVICE : SEGUE_EXIT_FAILED;
}

enum segue_exit segue_bus_open(struct segue_ctl *ctl)
{
	int res = sd_bus_open_user(&ctl->bus);

	/* sd-bus found neither address nor folder: "No medium found" says nothing to anybody */
	if (res < 0)
		return segue_fail(ctl, SEGUE_EXIT_NO_SERVICE, SD_BUS_ERROR_NO_SERVER,
				"No session bus: %s", res == -ENOMEDIUM ? "DBUS_SESSION_BUS_ADDRESS isn't set" :
				strerror(-res));
	return SEGUE_EXIT_OK;
}

char *segue_bus_node_path(const char *name)
{
	char *path = NULL;

	return sd_bus_path_encode(SEGUE_BUS_NODES, name, &path) < 0 ? NULL : path;
}

char *segue_bus_buffer_path(const char *text)
{
	struct segue_quantity number;
	char *path;

	if (spa_strstartswith(text, SEGUE_BUS_BUFFERS "/"))
		text += strlen(SEGUE_BUS_BUFFERS "/");
	else if (text[0] == '#')
		text++;
	if (segue_unit_parse(SEGUE_UNIT_COUNT, text, &number) < 0)
		return NULL;
	return asprintf(&path, SEGUE_BUS_BUFFERS "/%" PRIu64, number.t) < 0 ? NULL : path;
}

int segue_bus_new_call(struct segue_ctl *ctl, sd_bus_message **ret, const char *path,
		const char *interface, const char *member)
{
	int res = sd_bus_message_new_method_call(ctl->bus, ret, SEGUE_BUS_NAME, path, interface, member);

	return res < 0 ? res : sd_bus_message_set_auto_start(*ret, ctl->command->starts);
}

int segue_bus_append_entry(sd_bus_message *m, const char *key, const struct segue_quantity *value)
{
	switch (value->type) {
	case 'b':
		return sd_bus_message_append(m, "{sv}", key, "b", value->b);
	case 't':
		return sd_bus_message_append(m, "{sv}", key, "t", value->t);
	case 'd':
		return sd_bus_message_append(m, "{sv}", key, "d", value->d);
	default:
		return sd_bus_message_append(m, "{sv}", key, "s", value->s);
	}
}

/* the service mostly names the node itself */
static enum segue_exit fail_about(struct segue_ctl *ctl, enum segue_exit status, const char *name,
		const char *node, const char *message)
{
	if (node != NULL && !(spa_strstartswith(message, node) && message[strlen(node)] == ':'))
		return segue_fail(ctl, status, name, "%s: %s", node, message);
	return segue_fail(ctl, status, name, "%s", message);
}

/* No node 'rom'. Did you mean 'room'? Unless it is there, and something else isn't. */
static enum segue_exit fail_no_object(struct segue_ctl *ctl, const char *node, const char *message)
{
	struct segue_guess guess = { 0 };
	enum segue_exit status;
	json_object *nodes;

	if ((status = segue_json_objects(ctl, SEGUE_BUS_NODES, &nodes)) != SEGUE_EXIT_OK)
		return status;
	for (size_t i = 0; i < json_object_array_length(nodes); i++)
		segue_guess_offer(&guess, node, segue_json_text(json_object_array_get_idx(nodes, i), "Name"));

	if (spa_streq(guess.name, node))
		status = fail_about(ctl, SEGUE_EXIT_FAILED, SD_BUS_ERROR_UNKNOWN_OBJECT, node, message);
	else if (guess.name != NULL)
		status = segue_fail(ctl, SEGUE_EXIT_FAILED, SD_BUS_ERROR_UNKNOWN_OBJECT,
				"No node '%s'. Did you mean '%s'?", node, guess.name);
	else
		status = segue_fail(ctl, SEGUE_EXIT_FAILED, SD_BUS_ERROR_UNKNOWN_OBJECT,
				"No node '%s'. Make it: seguectl create source %s, or convolver", node, node);
	json_object_put(nodes);
	return status;
}

enum segue_exit segue_bus_fail(struct segue_ctl *ctl, const sd_bus_error *error, const char *node)
{
	const char *message = error->message != NULL ? error->message : error->name;
	enum segue_exit status = exit_of(error->name);

	if (sd_bus_error_has_names(error, SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
		return segue_fail(ctl, status, error->name,
				"Segue isn't running. Start it: systemctl --user start segue");
	if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) && segue_now_usec() >= ctl->deadline_usec)
		return segue_fail(ctl, SEGUE_EXIT_TIMEOUT, SD_BUS_ERROR_TIMEOUT, "%s: no answer within %s",
				node != NULL ? node : "Segue", ctl->texts[SEGUE_OPTION_TIMEOUT]);
	if (status == SEGUE_EXIT_NO_SERVICE)
		return segue_fail(ctl, status, error->name, "Segue doesn't answer: %s", message);
	if (node != NULL && sd_bus_error_has_name(error, SD_BUS_ERROR_UNKNOWN_OBJECT))
		return fail_no_object(ctl, node, message);
	if (node != NULL && sd_bus_error_has_name(error, SD_BUS_ERROR_UNKNOWN_METHOD))
		return segue_fail(ctl, status, error->name, "%s: a node of its type can't do that", node);
	return fail_about(ctl, status, error->name, node, message);
}

enum segue_exit segue_bus_fail_gone(struct segue_ctl *ctl)
{
	return segue_fail(ctl, SEGUE_EXIT_NO_SERVICE, SD_BUS_ERROR_NAME_HAS_NO_OWNER, "Segue has stopped");
}

enum segue_exit segue_bus_fail_errno(struct segue_ctl *ctl, int res)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	enum segue_exit status;

	/* the bus itself went, or we don't speak the same language */
	sd_bus_error_set_errno(&error, res);
	status = segue_fail(ctl, SEGUE_EXIT_NO_SERVICE, error.name, "Lost the session bus: %s", strerror(-res));
	sd_bus_error_free(&error);
	return status;
}

int segue_bus_ask(struct segue_ctl *ctl, sd_bus_message *m, sd_bus_error *error, sd_bus_message **ret)
{
	uint64_t now = segue_now_usec(), left = ctl->deadline_usec > now ? ctl->deadline_usec - now : 0;
	uint64_t limit = SPA_CLAMP(left, REPLY_MIN_USEC, REPLY_MAX_USEC);
	int res = sd_bus_call(ctl->bus, m, limit, error, ret);

	/* unless it is the service that waited too long for something */
	if (res == -ETIMEDOUT && segue_now_usec() >= now + limit) {
		sd_bus_error_free(error);
		sd_bus_error_set_const(error, SD_BUS_ERROR_NO_REPLY, "no reply in time");
	}
	return res;
}

enum segue_exit segue_bus_send(struct segue_ctl *ctl, int built, sd_bus_message *m, const char *node,
		sd_bus_message **ret)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	enum segue_exit status = SEGUE_EXIT_OK;

	if (built < 0) {
		/* sd-bus refuses what isn't UTF-8, the only thing that can be wrong with our arguments */
		status = segue_fail(ctl, SEGUE_EXIT_USAGE, SD_BUS_ERROR_INVALID_ARGS,
				"Can't be sent over the bus: %s",
				built == -EINVAL ? "a name or text isn't UTF-8" : strerror(-built));
	} else if (segue_bus_ask(ctl, m, &error, &reply) < 0) {
		status = segue_bus_fail(ctl, &error, node);
	} else if (ret != NULL) {
		*ret = sd_bus_message_ref(reply);
	}
	sd_bus_error_free(&error);
	sd_bus_message_unref(reply);
	sd_bus_message_unref(m);
	return status;
}

enum segue_exit segue_bus_call(struct segue_ctl *ctl, const char *node, sd_bus_message **ret,
		const char *path, const char *interface, const char *member, const char *types, ...)
{
	sd_bus_message *m = NULL;
	va_list args;
	int res = segue_bus_new_call(ctl, &m, path, interface, member);

	if (res >= 0 && types != NULL) {
		va_start(args, types);
		res = sd_bus_message_appendv(m, types, args);
		va_end(args);
	}
	return segue_bus_send(ctl, res, m, node, ret);
}

int segue_bus_listen(struct segue_ctl *ctl, const char *path, const char *interface, const char *member,
		sd_bus_message_handler_t handler, void *data)
{
	return sd_bus_match_signal(ctl->bus, NULL, SEGUE_BUS_NAME, path, interface, member, handler, data);
}

int segue_bus_listen_owner(struct segue_ctl *ctl, sd_bus_message_handler_t handler, void *data)
{
	return sd_bus_add_match(ctl->bus, NULL, "type='signal',sender='org.freedesktop.DBus',"
			"path='/org/freedesktop/DBus',interface='org.freedesktop.DBus',"
			"member='NameOwnerChanged',arg0='" SEGUE_BUS_NAME "'", handler, data);
}

uint64_t segue_now_usec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * UINT64_C(1000000) + now.tv_nsec / 1000;
}

int segue_poll_timeout(uint64_t deadline_usec)
{
	uint64_t now = segue_now_usec();

	if (deadline_usec == SEGUE_FOREVER)
		return -1;
	return deadline_usec > now ? SPA_MIN((deadline_usec - now + 999) / 1000, UINT64_C(1000000)) : 0;
}

int segue_bus_wait(struct segue_ctl *ctl, struct pollfd *fd, uint64_t deadline_usec)
{
	struct pollfd fds[2] = { 0 };
	uint64_t usec = 0;
	int res;

	if ((res = sd_bus_process(ctl->bus, NULL)) != 0)
		return SPA_MIN(res, 1);
	if ((res = sd_bus_get_timeout(ctl->bus, &usec)) < 0 || (res = sd_bus_get_events(ctl->bus)) < 0)
		return res;

	fds[0] = (struct pollfd) { .fd = sd_bus_get_fd(ctl->bus), .events = res };
	fds[1] = fd != NULL ? *fd : (struct pollfd) { .fd = -1 };

	if (poll(fds, SPA_N_ELEMENTS(fds), segue_poll_timeout(SPA_MIN(usec, deadline_usec))) < 0 && errno != EINTR)
		return -errno;
	if (fds[1].revents != 0) {
		fd->revents = fds[1].revents;
		return 0;
	}
	return segue_now_usec() >= deadline_usec ? -ETIMEDOUT : 1;
}
