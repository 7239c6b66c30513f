/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "follow.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <spa/utils/defs.h>
#include <spa/utils/string.h>

#include "bus.h"
#include "json.h"
#include "terminal.h"

static void show_progress(struct segue_follow *follow, double progress)
{
	if (!follow->on_screen || follow->name == NULL)
		return;
	fprintf(stderr, "\r%s: %.0f %%\033[K", follow->name, progress * 100.0);
	follow->progress_shown = true;
}

static void hide_progress(struct segue_follow *follow)
{
	if (follow->progress_shown)
		fputs("\r\033[K", stderr);
	follow->progress_shown = false;
}

/* "ready", or beyond it */
static void take_properties(struct segue_follow *follow, json_object *properties)
{
	const char *state = segue_json_text(properties, "State");
	const char *error = segue_json_text(properties, "LastError");
	json_object *progress;

	if (spa_streq(state, "failed")) {
		free(follow->load_error);
		follow->load_error = strdup(error != NULL ? error : "");
	} else if (state != NULL) {
		follow->loaded = !spa_streq(state, "loading");
	}
	if (!follow->loaded && json_object_object_get_ex(properties, "Progress", &progress))
		show_progress(follow, json_object_get_double(progress));
}

static int on_properties_changed(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct segue_follow *follow = data;
	json_object *properties;
	int res;

	if (!spa_streq(sd_bus_message_get_path(m), follow->buffer_path))
		return 0;
	if ((res = sd_bus_message_skip(m, "s")) < 0 || (res = segue_json_read(m, &properties)) < 0)
		return res;
	take_properties(follow, properties);
	json_object_put(properties);
	return 0;
}

static int on_finished(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct segue_follow *follow = data;
	const char *result, *buffer, *name, *message;
	uint64_t serial, position;
	int res;

	if (!spa_streq(sd_bus_message_get_path(m), follow->node_path))
		return 0;
	if ((res = sd_bus_message_read(m, "tsotss", &serial, &result, &buffer, &position, &name, &message)) < 0)
		return res;
	if (serial != follow->serial || follow->finished != NULL)
		return 0;
	follow->finished = json_object_new_object();
	json_object_object_add(follow->finished, "serial", json_object_new_uint64(serial));
	json_object_object_add(follow->finished, "result", json_object_new_string(result));
	json_object_object_add(follow->finished, "buffer", json_object_new_string(buffer));
	json_object_object_add(follow->finished, "position", json_object_new_uint64(position));
	json_object_object_add(follow->finished, "error", json_object_new_string(name));
	json_object_object_add(follow->finished, "message", json_object_new_string(message));
	return 0;
}

static int on_owner_changed(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct segue_follow *follow = data;
	const char *name, *old, *new;
	int res;

	if ((res = sd_bus_message_read(m, "sss", &name, &old, &new)) < 0)
		return res;
	/* another one wouldn't know our request either; the first one comes when we start it */
	follow->service_gone |= old[0] != '\0';
	return 0;
}

static enum segue_exit begin(struct segue_follow *follow)
{
	struct segue_ctl *ctl = follow->ctl;
	int res;

	if ((res = segue_bus_listen(ctl, NULL, SEGUE_BUS_NODE, "Finished", on_finished, follow)) < 0 ||
	    (res = segue_bus_listen(ctl, NULL, SEGUE_BUS_PROPERTIES, "PropertiesChanged",
				on_properties_changed, follow)) < 0 ||
	    (res = segue_bus_listen_owner(ctl, on_owner_changed, follow)) < 0)
		return segue_bus_fail_errno(ctl, res);
	if (follow->node != NULL && (follow->node_path = segue_bus_node_path(follow->node)) == NULL)
		return segue_fail_memory(ctl);
	return SEGUE_EXIT_OK;
}

enum segue_exit segue_follow_run(struct segue_ctl *ctl, const char *node,
		enum segue_exit (*run)(struct segue_follow *follow))
{
	struct segue_follow follow = { .ctl = ctl, .node = node, .interrupt = -1,
		.on_terminal = !ctl->json && isatty(STDERR_FILENO),
		.on_screen = !ctl->json && segue_terminal_is_screen(STDERR_FILENO) };
	enum segue_exit status = begin(&follow);

	if (status == SEGUE_EXIT_OK)
		status = run(&follow);
	if (follow.interrupt >= 0)
		close(follow.interrupt);
	free(follow.name);
	free(follow.load_error);
	free(follow.node_path);
	free(follow.buffer_path);
	json_object_put(follow.finished);
	return status;
}

void segue_follow_catch_interrupt(struct segue_follow *follow)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	follow->interrupt = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (follow->interrupt >= 0)
		sigprocmask(SIG_BLOCK, &set, NULL);
}

/* Whether it still could be cancelled, its Finished tells. A second Ctrl-C ends us. */
static enum segue_exit cancel(struct segue_follow *follow)
{
	struct segue_ctl *ctl = follow->ctl;
	struct signalfd_siginfo info;
	sd_bus_message *m = NULL;
	sigset_t none;
	int res;

	/* taken, so that it doesn't end us when it is unblocked */
	(void)!read(follow->interrupt, &info, sizeof(info));
	close(follow->interrupt);
	follow->interrupt = -1;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	hide_progress(follow);

	if (follow->serial == 0) {
		(void)segue_bus_call(ctl, NULL, NULL, follow->buffer_path, SEGUE_BUS_BUFFER, "Release", NULL);
		return segue_fail(ctl, SEGUE_EXIT_CANCELLED, "org.segue.Segue1.Error.Cancelled", "%s%s%s: cancelled",
				follow->node != NULL ? follow->node : "", follow->node != NULL ? ": " : "",
				follow->name);
	}
	/* no reply is asked for */
	if ((res = segue_bus_new_call(ctl, &m, follow->node_path, SEGUE_BUS_NODE, "Cancel")) >= 0 &&
	    (res = sd_bus_message_append(m, "t", follow->serial)) >= 0)
		res = sd_bus_send(ctl->bus, m, NULL);
	sd_bus_message_unref(m);
	return res < 0 ? segue_bus_fail_errno(ctl, res) : SEGUE_EXIT_OK;
}

static enum segue_exit fail_timeout(struct segue_follow *follow)
{
	hide_progress(follow);
	return segue_fail(follow->ctl, SEGUE_EXIT_TIMEOUT, SD_BUS_ERROR_TIMEOUT,
			"%s: not heard within %s; the request stays", follow->node,
			follow->ctl->texts[SEGUE_OPTION_TIMEOUT]);
}

/* one step of waiting */
static enum segue_exit wait_once(struct segue_follow *follow)
{
	struct pollfd fd = { .fd = follow->interrupt, .events = POLLIN };
	int res = segue_bus_wait(follow->ctl, &fd, follow->ctl->deadline_usec);

	if (res == 0)
		return cancel(follow);
	if (res == -ETIMEDOUT)
		return fail_timeout(follow);
	if (res > 0 && !follow->service_gone)
		return SEGUE_EXIT_OK;
	hide_progress(follow);
	return res < 0 ? segue_bus_fail_errno(follow->ctl, res) : segue_bus_fail_gone(follow->ctl);
}

static enum segue_exit report(struct segue_follow *follow)
{
	const char *result = segue_json_text(follow->finished, "result");
	const char *name = segue_json_text(follow->finished, "error");
	sd_bus_error error;

	if (spa_streq(result, "applied"))
		return SEGUE_EXIT_OK;
	if (spa_streq(result, "superseded"))
		return segue_fail(follow->ctl, SEGUE_EXIT_CANCELLED, "org.segue.Segue1.Error.Superseded",
				"%s: superseded by a newer request", follow->node);
	if (spa_streq(name, "org.segue.Segue1.Error.Cancelled"))
		return segue_fail(follow->ctl, SEGUE_EXIT_CANCELLED, name, "%s: cancelled, the old sound stays",
				follow->node);
	error = SD_BUS_ERROR_MAKE_CONST(name, segue_json_text(follow->finished, "message"));
	return segue_bus_fail(follow->ctl, &error, follow->node);
}

/* the state before the first change we hear of */
static enum segue_exit read_state(struct segue_follow *follow)
{
	enum segue_exit status;
	sd_bus_message *reply;
	json_object *properties;
	int res;

	if ((status = segue_bus_call(follow->ctl, follow->node, &reply, follow->buffer_path,
					SEGUE_BUS_PROPERTIES, "GetAll", "s", SEGUE_BUS_BUFFER)) != SEGUE_EXIT_OK)
		return status;
	if ((res = segue_json_read(reply, &properties)) >= 0) {
		take_properties(follow, properties);
		json_object_put(properties);
	}
	sd_bus_message_unref(reply);
	return res < 0 ? segue_bus_fail_errno(follow->ctl, res) : SEGUE_EXIT_OK;
}

enum segue_exit segue_follow_load(struct segue_follow *follow)
{
	enum segue_exit status = read_state(follow);

	/* a node's request says in its Finished why the load has failed */
	while (status == SEGUE_EXIT_OK && !follow->loaded && follow->finished == NULL &&
	       !(follow->load_error != NULL && follow->serial == 0))
		status = wait_once(follow);
	if (status != SEGUE_EXIT_OK)
		return status;

	hide_progress(follow);
	if (follow->finished != NULL)
		return report(follow);
	if (follow->load_error != NULL)
		return segue_fail(follow->ctl, SEGUE_EXIT_FAILED, "org.segue.Segue1.Error.BadFormat", "%s%s%s",
				follow->node != NULL ? follow->node : "", follow->node != NULL ? ": " : "",
				follow->load_error);
	return SEGUE_EXIT_OK;
}

enum segue_exit segue_follow_finish(struct segue_follow *follow)
{
	enum segue_exit status = SEGUE_EXIT_OK;

	while (status == SEGUE_EXIT_OK && follow->finished == NULL)
		status = wait_once(follow);
	return status == SEGUE_EXIT_OK ? report(follow) : status;
}
