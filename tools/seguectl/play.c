/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* Keys and plays: what sounds at once, beside the sound a node has. */

#include "commands.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <spa/utils/defs.h>

#include "args.h"
#include "bus.h"
#include "follow.h"
#include "json.h"
#include "sound.h"

#define DEFAULT_LENGTH		0.5	/* s, of a note */
#define LENGTH_MAX		1e9	/* s */
#define DEFAULT_VELOCITY	100

/* Those that would end us, which nohup's doesn't. */
static void catch_signals(sigset_t *ret)
{
	static const int endings[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action;

	sigemptyset(ret);
	for (size_t i = 0; i < SPA_N_ELEMENTS(endings); i++) {
		sigaction(endings[i], NULL, &action);
		if (action.sa_handler != SIG_IGN)
			sigaddset(ret, endings[i]);
	}
	sigprocmask(SIG_BLOCK, ret, NULL);
}

/* Until then, or until one of these signals comes. */
static void wait_seconds(double seconds, const sigset_t *signals)
{
	uint64_t end = segue_now_usec() + (uint64_t)(SPA_MIN(seconds, LENGTH_MAX) * 1e6), now;
	siginfo_t info;
	int res;

	do {
		now = segue_now_usec();
		res = sigtimedwait(signals, &info, &(struct timespec) { now < end ? (end - now) / 1000000 : 0,
				now < end ? (end - now) % 1000000 * 1000 : 0 });
	} while (res < 0 && errno == EINTR);
	if (res > 0)	/* it ends us when it may */
		raise(info.si_signo);
}

static enum segue_exit press(struct segue_ctl *ctl, const char *path, int key)
{
	uint64_t velocity = ctl->texts[SEGUE_OPTION_VELOCITY] != NULL ?
		ctl->options[SEGUE_OPTION_VELOCITY].t : DEFAULT_VELOCITY;
	double length = ctl->texts[SEGUE_OPTION_LENGTH] != NULL ? ctl->options[SEGUE_OPTION_LENGTH].d :
		DEFAULT_LENGTH;
	enum segue_exit status;
	sigset_t signals;

	if (velocity < 1 || velocity > 127)
		return segue_usage(ctl, "--velocity: '%s' isn't 1 to 127", ctl->texts[SEGUE_OPTION_VELOCITY]);
	/* not before the key is released */
	catch_signals(&signals);
	status = segue_bus_call(ctl, ctl->args[0], NULL, path, SEGUE_BUS_SOURCE, "NoteOn", "yy", key,
			(int)velocity);
	if (status == SEGUE_EXIT_OK) {
		wait_seconds(length, &signals);
		status = segue_bus_call(ctl, ctl->args[0], NULL, path, SEGUE_BUS_SOURCE, "NoteOff", "y", key);
	}
	sigprocmask(SIG_UNBLOCK, &signals, NULL);
	return status;
}

enum segue_exit segue_command_note(struct segue_ctl *ctl)
{
	int key = segue_parse_key(ctl->args[1]);
	enum segue_exit status;
	char *path;

	if (key < 0)
		return segue_usage(ctl, "'%s' isn't %s", ctl->args[1], segue_unit_example(SEGUE_UNIT_KEY));
	if ((path = segue_bus_node_path(ctl->args[0])) == NULL)
		return segue_fail_memory(ctl);
	status = press(ctl, path, key);
	free(path);
	return status;
}

static enum segue_exit print_voice(struct segue_ctl *ctl, sd_bus_message *reply)
{
	uint64_t voice;
	int res = sd_bus_message_read(reply, "t", &voice);

	sd_bus_message_unref(reply);
	if (res < 0)
		return segue_bus_fail_errno(ctl, res);
	if (ctl->json) {
		json_object *played = json_object_new_object();

		json_object_object_add(played, "voice", json_object_new_uint64(voice));
		segue_json_print(played);
	} else {
		printf("%" PRIu64 "\n", voice);
	}
	return SEGUE_EXIT_OK;
}

static enum segue_exit play_buffer(struct segue_follow *follow)
{
	struct segue_ctl *ctl = follow->ctl;
	sd_bus_message *m = NULL, *reply;
	enum segue_exit status;
	int res;

	if ((res = segue_bus_new_call(ctl, &m, follow->node_path, SEGUE_BUS_SOURCE, "Play")) >= 0 &&
	    (res = sd_bus_message_append(m, "o", follow->buffer_path)) >= 0 &&
	    (res = sd_bus_message_open_container(m, 'a', "{sv}")) >= 0 &&
	    (res = segue_args_append(ctl, SEGUE_GROUP_PLAY, m)) >= 0)
		res = sd_bus_message_close_container(m);
	if ((status = segue_bus_send(ctl, res, m, follow->node, &reply)) != SEGUE_EXIT_OK)
		return status;
	return print_voice(ctl, reply);
}

/* A number is a buffer's; a file of that name is ./60. */
static enum segue_exit play(struct segue_follow *follow)
{
	struct segue_ctl *ctl = follow->ctl;
	const struct segue_sound_wanted wanted = { .files = ctl->args + 1, .n_files = 1, .node = follow->node };
	enum segue_exit status;

	if ((follow->buffer_path = segue_bus_buffer_path(ctl->args[1])) != NULL)
		return play_buffer(follow);
	if ((follow->name = segue_sound_name(ctl->args + 1, 1)) == NULL)
		return segue_fail_memory(ctl);
	/* its node keeps it when we leave the bus */
	if ((status = segue_sound_load(ctl, &wanted, &follow->buffer_path)) != SEGUE_EXIT_OK)
		return status;
	segue_follow_catch_interrupt(follow);
	if ((status = segue_follow_load(follow)) != SEGUE_EXIT_OK)
		return status;
	return play_buffer(follow);
}

enum segue_exit segue_command_play(struct segue_ctl *ctl)
{
	return segue_follow_run(ctl, ctl->args[0], play);
}

static enum segue_exit stop(struct segue_ctl *ctl, const char *path)
{
	struct segue_quantity voice = { .t = 0 };	/* all */
	enum segue_exit status;

	if (ctl->n_args > 1 && (segue_unit_parse(SEGUE_UNIT_COUNT, ctl->args[1], &voice) < 0 || voice.t == 0))
		return segue_usage(ctl, "'%s' isn't a voice's number", ctl->args[1]);
	status = segue_bus_call(ctl, ctl->args[0], NULL, path, SEGUE_BUS_SOURCE, "Stop", "t", voice.t);
	if (status == SEGUE_EXIT_OK && voice.t == 0)
		status = segue_bus_call(ctl, ctl->args[0], NULL, path, SEGUE_BUS_SOURCE, "AllNotesOff", NULL);
	return status;
}

enum segue_exit segue_command_stop(struct segue_ctl *ctl)
{
	char *path = segue_bus_node_path(ctl->args[0]);
	enum segue_exit status;

	if (path == NULL)
		return segue_fail_memory(ctl);
	status = stop(ctl, path);
	free(path);
	return status;
}
