/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "args.h"

#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <spa/utils/defs.h>
#include <spa/utils/string.h>

#include "bus.h"
#include "commands.h"

#define TIMEOUT_MAX	1e9	/* seconds: for ever */

const struct segue_option segue_options[SEGUE_N_OPTIONS] = {
	[SEGUE_OPTION_HELP] = { "help", SEGUE_UNIT_FLAG, SEGUE_GROUP_ANY, NULL,
		"explain seguectl, or one command" },
	[SEGUE_OPTION_VERSION] = { "version", SEGUE_UNIT_FLAG, SEGUE_GROUP_ANY, NULL,
		"print the version" },
	[SEGUE_OPTION_JSON] = { "json", SEGUE_UNIT_FLAG, SEGUE_GROUP_ANY, NULL,
		"results as JSON on stdout, errors as JSON on stderr" },
	[SEGUE_OPTION_WAIT] = { "wait", SEGUE_UNIT_FLAG, SEGUE_GROUP_WAIT, NULL,
		"return when it is heard, and print the frame" },
	[SEGUE_OPTION_TIMEOUT] = { "timeout", SEGUE_UNIT_TIME, SEGUE_GROUP_WAIT, "TIME",
		"wait, but no longer than this; the request stays" },
	[SEGUE_OPTION_LABEL] = { "label", SEGUE_UNIT_TEXT, SEGUE_GROUP_LOAD | SEGUE_GROUP_WAVE, "TEXT",
		"what tables show instead of the file's or wave's name" },
	[SEGUE_OPTION_AT] = { "at", SEGUE_UNIT_COUNT, SEGUE_GROUP_SWAP, "FRAME",
		"heard from this frame of the driver's clock" },
	[SEGUE_OPTION_AFTER] = { "after", SEGUE_UNIT_TIME, SEGUE_GROUP_SWAP, "TIME",
		"heard this long from now" },
	[SEGUE_OPTION_LOOP] = { "loop", SEGUE_UNIT_TEXT, SEGUE_GROUP_LOAD | SEGUE_GROUP_PLAY, "HOW",
		"none, forward, or file: as the file says (none)" },
	[SEGUE_OPTION_LENGTH] = { "length", SEGUE_UNIT_TIME, SEGUE_GROUP_LOAD | SEGUE_GROUP_NOTE, "TIME",
		"leave out what comes after" },
	[SEGUE_OPTION_VELOCITY] = { "velocity", SEGUE_UNIT_COUNT, SEGUE_GROUP_NOTE, "N", "1 to 127 (100)" },
	[SEGUE_OPTION_PNG] = { "png", SEGUE_UNIT_TEXT, SEGUE_GROUP_SHOW, "FILE",
		"draw it into a picture, not on the terminal" },
	{ "late", SEGUE_UNIT_FLAG, SEGUE_GROUP_SWAP, NULL, "too late for --at: as soon as can be, not never" },
	{ "fade", SEGUE_UNIT_TIME, SEGUE_GROUP_SWAP, "TIME", "crossfade; 0 is a hard cut (the node's)" },
	{ "gain", SEGUE_UNIT_GAIN, SEGUE_GROUP_LOAD | SEGUE_GROUP_WAVE | SEGUE_GROUP_PLAY, "GAIN",
		"of the sound itself (1)" },
	{ "normalize", SEGUE_UNIT_TEXT, SEGUE_GROUP_LOAD, "WHAT", "none, peak or energy (none)" },
	{ "offset", SEGUE_UNIT_TIME, SEGUE_GROUP_LOAD, "TIME", "leave out the file's beginning" },
	{ "rootkey", SEGUE_UNIT_KEY, SEGUE_GROUP_LOAD, "KEY", "that plays a sample as it is (the file's, or C4)" },
	{ "seconds", SEGUE_UNIT_TIME, SEGUE_GROUP_WAVE, "TIME", "length of a noise, sweep, impulse or silence" },
	{ "from", SEGUE_UNIT_FREQUENCY, SEGUE_GROUP_WAVE, "FREQ", "a sweep's beginning (20)" },
	{ "to", SEGUE_UNIT_FREQUENCY, SEGUE_GROUP_WAVE, "FREQ", "a sweep's end (20000)" },
	{ "seed", SEGUE_UNIT_COUNT, SEGUE_GROUP_WAVE, "N", "of a noise: the same one again (1)" },
};

/* what some are to other commands */
static const struct {
	int option;
	struct segue_option is;
} others[] = {
	{ SEGUE_OPTION_LOOP, { "loop", SEGUE_UNIT_TEXT, SEGUE_GROUP_PLAY, NULL,
		"again and again, until it is stopped" } },
	{ SEGUE_OPTION_LENGTH, { "length", SEGUE_UNIT_TIME, SEGUE_GROUP_NOTE, "TIME",
		"until the key is released (0.5)" } },
};

const struct segue_option *segue_option_for(int option, uint32_t groups)
{
	for (size_t i = 0; i < SPA_N_ELEMENTS(others); i++)
		if (others[i].option == option && (others[i].is.groups & groups))
			return &others[i].is;
	return &segue_options[option];
}

static enum segue_exit unknown_option(struct segue_ctl *ctl, const char *text)
{
	struct segue_guess guess = { 0 };

	if (spa_strstartswith(text, "--")) {
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)strcspn(text + 2, "="), text + 2);
		for (size_t i = 0; i < SEGUE_N_OPTIONS; i++)
			segue_guess_offer(&guess, name, segue_options[i].name);
	}
	if (guess.name == NULL)
		return segue_usage(ctl, "No option '%s'. See seguectl --help", text);
	return segue_usage(ctl, "No option '%s'. Did you mean '--%s'?", text, guess.name);
}

static enum segue_exit set_option(struct segue_ctl *ctl, int i, const char *text)
{
	const struct segue_option *option = &segue_options[i];

	if (segue_unit_parse(option->unit, text, &ctl->options[i]) < 0)
		return segue_usage(ctl, "--%s: '%s' isn't %s", option->name, text,
				segue_unit_example(option->unit));
	if (ctl->options[i].type == 'd' && option->unit == SEGUE_UNIT_TIME && ctl->options[i].d < 0.0)
		return segue_usage(ctl, "--%s: '%s' is negative", option->name, text);
	ctl->texts[i] = text;
	return SEGUE_EXIT_OK;
}

static bool looks_like_number(const char *text)
{
	return text[0] == '-' && (isdigit((unsigned char)text[1]) || text[1] == '.');
}

/* as the command has them whose name was found, if it was */
static void make_longs(const struct segue_ctl *ctl, struct option longs[SEGUE_N_OPTIONS])
{
	const struct segue_command *command = ctl->n_args > 0 ? segue_command_find(ctl->args[0]) : NULL;

	for (int i = 0; i < SEGUE_N_OPTIONS; i++) {
		const struct segue_option *option = segue_option_for(i, command != NULL ? command->groups : 0);

		longs[i] = (struct option) { option->name,
			option->argument != NULL ? required_argument : no_argument, NULL, 256 + i };
	}
}

enum segue_exit segue_args_parse(struct segue_ctl *ctl, int argc, char *argv[])
{
	struct option longs[SEGUE_N_OPTIONS + 1] = { 0 };
	enum segue_exit status = SEGUE_EXIT_OK;
	const char *word;
	int c;

	/* known before the first error is written */
	for (int i = 1; i < argc && !spa_streq(argv[i], "--"); i++)
		ctl->json |= spa_streq(argv[i], "--json");

	/* '-': arguments in their order, as options, so that we see "-6dB" before getopt takes it apart */
	opterr = 0;
	while (status == SEGUE_EXIT_OK && optind < argc) {
		if (looks_like_number(argv[optind])) {
			ctl->args[ctl->n_args++] = argv[optind++];
			continue;
		}
		make_longs(ctl, longs);
		word = argv[optind];	/* optind stays on it while it has letters left */
		c = getopt_long(argc, argv, "-:h", longs, NULL);
		if (c == -1)
			break;
		if (c == 1)
			ctl->args[ctl->n_args++] = optarg;
		else if (c == 'h')
			status = set_option(ctl, SEGUE_OPTION_HELP, "");
		else if (c == ':')
			status = segue_usage(ctl, "%s needs an argument", word);
		else if (c == '?')
			status = unknown_option(ctl, word);
		else
			status = set_option(ctl, c - 256, optarg != NULL ? optarg :
					c - 256 == SEGUE_OPTION_LOOP ? "forward" : "");
	}
	while (optind < argc)	/* after "--" */
		ctl->args[ctl->n_args++] = argv[optind++];
	return status;
}

enum segue_exit segue_args_check(struct segue_ctl *ctl)
{
	const struct segue_command *command = ctl->command;

	for (int i = 0; i < SEGUE_N_OPTIONS; i++) {
		if (ctl->texts[i] != NULL && !(segue_options[i].groups & (command->groups | SEGUE_GROUP_ANY)))
			return segue_usage(ctl, "%s takes no --%s", command->name, segue_options[i].name);
	}
	if (ctl->n_args < command->min_args || ctl->n_args > command->max_args)
		return segue_usage(ctl, "Usage: seguectl %s%s%s", command->name,
				command->synopsis[0] != '\0' ? " " : "", command->synopsis);
	ctl->deadline_usec = SEGUE_FOREVER;
	if (ctl->texts[SEGUE_OPTION_TIMEOUT] != NULL)
		ctl->deadline_usec = segue_now_usec() +
			SPA_MIN(ctl->options[SEGUE_OPTION_TIMEOUT].d, TIMEOUT_MAX) * 1e6;
	return SEGUE_EXIT_OK;
}

enum segue_exit segue_args_value(struct segue_ctl *ctl, const struct segue_key *key, enum segue_unit unit,
		const char *name, const char *text, struct segue_quantity *ret)
{
	const char *automatic = key != NULL ? key->automatic : NULL;

	if (automatic != NULL && strcasecmp(text, automatic) == 0)
		*ret = (struct segue_quantity) { .type = 'd', .d = SEGUE_KEY_AUTOMATIC };
	else if (segue_unit_parse(unit, text, ret) < 0)
		return segue_usage(ctl, "%s: '%s' isn't %s%s%s", name, text, segue_unit_example(unit),
				automatic != NULL ? ", or " : "", automatic != NULL ? automatic : "");
	return SEGUE_EXIT_OK;
}

int segue_args_append(struct segue_ctl *ctl, uint32_t groups, sd_bus_message *m)
{
	int res;

	for (int i = 0; i < SEGUE_N_OPTIONS; i++) {
		if (ctl->texts[i] == NULL || !(segue_options[i].groups & groups))
			continue;
		if ((res = segue_bus_append_entry(m, segue_options[i].name, &ctl->options[i])) < 0)
			return res;
	}
	return 0;
}

char *segue_args_path(const char *file)
{
	char *folder, *path;

	if (file[0] == '/')
		return strdup(file);
	if ((folder = getcwd(NULL, 0)) == NULL)
		return NULL;
	path = spa_aprintf("%s/%s", folder, file);
	free(folder);
	return path;
}

static void print_help(const struct segue_option *option)
{
	char usage[32];

	snprintf(usage, sizeof(usage), "--%s%s%s", option->name, option->argument != NULL ? " " : "",
			option->argument != NULL ? option->argument : "");
	printf("  %-18s %s\n", usage, option->help);
}

void segue_args_help(uint32_t groups)
{
	for (int i = 0; i < SEGUE_N_OPTIONS; i++)
		if (segue_options[i].groups & groups)
			print_help(segue_option_for(i, groups));
}
