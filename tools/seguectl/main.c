/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include <spa/utils/defs.h>
#include <spa/utils/string.h>

#include "args.h"
#include "bus.h"
#include "commands.h"
#include "json.h"
#include "names.h"

#define MANY	INT32_MAX
#define SWAP	(SEGUE_GROUP_SWAP | SEGUE_GROUP_WAIT)

/* the first one is what happens without a command */
const struct segue_command segue_commands[] = {
	{ "list", "", "all nodes and buffers", segue_command_list, 0, 0 },
	{ "create", "TYPE NAME [KEY=VALUE...]", "make a source (mode=stream) or a convolver (mode=sink); or mode=mic, dsp",
		segue_command_create, 2, MANY, 0, true },
	{ "destroy", "NODE", "remove a node", segue_command_destroy, 1, 1, 0, true },
	{ "load", "NODE FILE... | -", "play or convolve with a file, or standard input; several are joined",
		segue_command_load, 2, MANY, SWAP | SEGUE_GROUP_LOAD, true },
	{ "wave", "NODE WAVEFORM", "play a sine, saw, square, triangle, noise, harmonics:1,0.5 ...",
		segue_command_wave, 2, 2, SWAP | SEGUE_GROUP_WAVE, true },
	{ "clear", "NODE", "fade to silence", segue_command_clear, 1, 1, SWAP, true },
	{ "bypass", "NODE on|off|toggle", "switch a node's effect or sound off, and on again",
		segue_command_bypass, 2, 2, 0, true },
	{ "set", "NODE KEY VALUE", "change a property: set synth gain -6dB",
		segue_command_set, 3, 3, 0, true },
	{ "get", "NODE [KEY]", "print properties", segue_command_get, 1, 2 },
	{ "note", "NODE KEY", "press a key, as 60 or C4, and release it; the node's trigger is notes",
		segue_command_note, 2, 2, SEGUE_GROUP_NOTE, true },
	{ "play", "NODE FILE|BUFFER | -", "play a sound once, beside what the node plays; prints its voice",
		segue_command_play, 2, 2, SEGUE_GROUP_PLAY, true },
	{ "stop", "NODE [VOICE]", "end what play began, all or one, and release all keys",
		segue_command_stop, 1, 2, 0, true },
	{ "buffers", "", "all buffers", segue_command_buffers, 0, 0 },
	{ "keep", "FILE | -", "load a file and keep it for later; prints its buffer's number",
		segue_command_keep, 1, 1, SEGUE_GROUP_LOAD, true },
	{ "release", "BUFFER", "give back what was kept", segue_command_release, 1, 1, 0, true },
	{ "show", "BUFFER|FILE", "a sound's waveform, spectrum, levels and reverberation time",
		segue_command_show, 1, 1, SEGUE_GROUP_SHOW, .local = true },
	{ "monitor", "", "print what is asked for, heard and freed, as it happens",
		segue_command_monitor, 0, 0 },
	{ "top", "", "watch nodes, their levels and times, and memory; q quits", segue_command_top, 0, 0 },
	{ "save", "[FILE]", "write all nodes into the configuration as they are, for the next start",
		segue_command_save, 0, 1 },
	{ "complete", "-- WORD...", "for shells: what the last word of a command line may become",
		segue_command_complete, 1, MANY, .local = true },
	{ 0 },
};

const struct segue_command *segue_command_find(const char *name)
{
	for (const struct segue_command *command = segue_commands; command->name != NULL; command++)
		if (spa_streq(command->name, name))
			return command;
	return NULL;
}

/* A file's name may be anything, but JSON is UTF-8: what isn't becomes a '?'. */
static void make_utf8(char *text)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	locale_t old = uselocale(utf8);
	mbstate_t state = { 0 };
	size_t n;

	while (*text != '\0') {
		n = mbrlen(text, strlen(text), &state);
		if (n == (size_t)-1 || n == (size_t)-2) {
			*text = '?';
			state = (mbstate_t) { 0 };
			n = 1;
		}
		text += n;
	}
	uselocale(old);
	if (utf8 != (locale_t)0)
		freelocale(utf8);
}

enum segue_exit segue_fail(struct segue_ctl *ctl, enum segue_exit status, const char *name,
		const char *format, ...)
{
	char *message;
	va_list args;

	va_start(args, format);
	if (vasprintf(&message, format, args) < 0)
		abort();
	va_end(args);
	if (ctl->json) {
		json_object *error = json_object_new_object();

		make_utf8(message);
		json_object_object_add(error, "error", json_object_new_string(name));
		json_object_object_add(error, "message", json_object_new_string(message));
		fprintf(stderr, "%s\n", json_object_to_json_string_ext(error,
					JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(error);
	} else {
		segue_make_one_line(message);
		fprintf(stderr, "seguectl: %s\n", message);
	}
	free(message);
	return status;
}

static void help(const struct segue_command *command)
{
	if (command != NULL) {
		printf("seguectl %s %s\n%s\n\nOptions:\n", command->name, command->synopsis, command->help);
		segue_args_help(command->groups | SEGUE_GROUP_ANY);
		return;
	}
	puts("seguectl [COMMAND] [OPTION...]\n"
		"Play sounds in PipeWire, convolve with impulse responses, and replace them while they sound.\n\n"
		"Commands:");
	for (const struct segue_command *c = segue_commands; c->name != NULL; c++) {
		char usage[64];

		snprintf(usage, sizeof(usage), "%s %s", c->name, c->synopsis);
		printf("  %-32s %s%s\n", usage, c->help, c == segue_commands ? " (without a command)" : "");
	}
	puts("\nOptions:");
	segue_args_help(SEGUE_GROUP_ANY);
	puts("\nOptions of load, wave and clear:");
	segue_args_help(SWAP);
	puts("\nOptions of load, keep and wave:");
	segue_args_help(SEGUE_GROUP_LOAD | SEGUE_GROUP_WAVE);
	puts("\nOptions of play:");
	segue_args_help(SEGUE_GROUP_PLAY);
	puts("\nOptions of note:");
	segue_args_help(SEGUE_GROUP_NOTE);
	puts("\nOptions of show:");
	segue_args_help(SEGUE_GROUP_SHOW);
	puts("\nGains are linear or like -6dB or 80%, times seconds or like 50ms, keys 60 or C4, F#3, Bb2.\n"
		"A file named *.sfz is an instrument, whose samples lie around it.\n"
		"Exit status: 0 done, 1 refused or failed, 2 wrong usage, 3 no service or no bus,\n"
		"4 superseded or cancelled, 5 --timeout passed.");
}

static enum segue_exit find_command(struct segue_ctl *ctl, const char *name)
{
	struct segue_guess guess = { 0 };

	if ((ctl->command = segue_command_find(name)) != NULL)
		return SEGUE_EXIT_OK;
	/* where other programs have a command */
	segue_guess_offer(&guess, name, "--help");
	for (const struct segue_command *c = segue_commands; c->name != NULL; c++)
		segue_guess_offer(&guess, name, c->name);
	if (guess.name == NULL)
		return segue_usage(ctl, "No command '%s'. See seguectl --help", name);
	return segue_usage(ctl, "No command '%s'. Did you mean '%s'?", name, guess.name);
}

static enum segue_exit run(struct segue_ctl *ctl, int argc, char *argv[])
{
	enum segue_exit status;

	if ((status = segue_args_parse(ctl, argc, argv)) != SEGUE_EXIT_OK)
		return status;
	if (ctl->texts[SEGUE_OPTION_VERSION] != NULL) {
		puts("seguectl " SEGUE_VERSION);
		return SEGUE_EXIT_OK;
	}
	if (ctl->n_args > 0 && (status = find_command(ctl, ctl->args[0])) != SEGUE_EXIT_OK)
		return status;
	if (ctl->texts[SEGUE_OPTION_HELP] != NULL) {
		help(ctl->command);
		return SEGUE_EXIT_OK;
	}
	if (ctl->n_args > 0) {
		ctl->args++;
		ctl->n_args--;
	} else {
		ctl->command = &segue_commands[0];
	}
	if ((status = segue_args_check(ctl)) != SEGUE_EXIT_OK)
		return status;
	if (!ctl->command->local && (status = segue_bus_open(ctl)) != SEGUE_EXIT_OK)
		return status;
	return ctl->command->run(ctl);
}

/* What couldn't be printed is lost, and a script must know. But who reads no longer wants no more. */
static enum segue_exit end_output(struct segue_ctl *ctl, enum segue_exit status)
{
	struct pollfd out = { .fd = STDOUT_FILENO };
	int res = fflush(stdout) == 0 ? -EIO : -errno;	/* what failed before has left no reason */

	if (!ferror(stdout) || (poll(&out, 1, 0) > 0 && (out.revents & POLLERR)))
		return status;
	return segue_fail(ctl, status != SEGUE_EXIT_OK ? status : SEGUE_EXIT_FAILED, SD_BUS_ERROR_IO_ERROR,
			"Can't print: %s", strerror(-res));
}

int main(int argc, char *argv[])
{
	struct segue_ctl ctl = { 0 };
	const char **args = calloc(argc + 1, sizeof(*args));
	enum segue_exit status;

	if (args == NULL)
		abort();
	/* for the width of letters in tables; numbers are written the same everywhere */
	setlocale(LC_CTYPE, "");
	ctl.args = args;
	status = end_output(&ctl, run(&ctl, argc, argv));
	sd_bus_flush_close_unref(ctl.bus);
	free(args);
	return status;
}
