/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* What the shells' completion asks for: a candidate a line, with a tab and what it is for behind; ":files" stands for
 * all files. What can't be found out isn't offered. */

#include "commands.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <spa/utils/defs.h>
#include <spa/utils/string.h>

#include "args.h"
#include "bus.h"
#include "json.h"
#include "names.h"

#define ANSWER_USEC	1000000		/* somebody waits at a prompt */
#define FILES		":files"
#define WAVEFORMS	{ "sine", "saw", "square", "triangle", "noise", "pink", "sweep", "impulse", "silence", \
			"harmonics:" }

/** The words before the last one, as understood. */
struct line {
	const struct segue_command *command;	/* NULL: not there yet */
	const char **args;			/* its arguments */
	int n_args;
	const struct segue_option *option;	/* whose argument is to come, or NULL */
	bool options_ended;			/* by -- */
};

static const struct {
	const char *name;		/* of an option, an argument or a property */
	const char *const values[12];
} choices[] = {
	{ "loop", { "none", "forward", "file" } },
	{ "normalize", { "none", "peak", "energy" } },
	{ "TYPE", { "source", "convolver" } },
	{ "WAVEFORM", WAVEFORMS },
	{ "wave", WAVEFORMS },
	{ "bypass", { "on", "off" } },
	{ "trigger", { "always", "notes" } },
	{ "latency", { "auto" } },
	{ "png", { FILES } },
	{ "load", { FILES } },
	{ "FILE", { FILES } },
};

/* what: NULL: nothing more to say */
static void offer(const char *candidate, const char *what)
{
	printf("%s\t", candidate);
	/* a label may have anything in it */
	for (; what != NULL && *what != '\0'; what++)
		putchar(iscntrl((unsigned char)*what) ? ' ' : *what);
	putchar('\n');
}

static bool offer_choices(const char *name)
{
	for (size_t i = 0; i < SPA_N_ELEMENTS(choices); i++) {
		if (!spa_streq(choices[i].name, name))
			continue;
		for (const char *const *value = choices[i].values; *value != NULL; value++)
			offer(*value, NULL);
		return true;
	}
	return false;
}

static void offer_commands(void)
{
	for (const struct segue_command *command = segue_commands; command->name != NULL; command++)
		offer(command->name, command->help);
}

static uint32_t groups_of(const struct line *line)
{
	return SEGUE_GROUP_ANY | (line->command != NULL ? line->command->groups : 0);
}

static void offer_options(const struct line *line)
{
	char name[32];

	for (int i = 0; i < SEGUE_N_OPTIONS; i++) {
		snprintf(name, sizeof(name), "--%s", segue_options[i].name);
		if (segue_options[i].groups & groups_of(line))
			offer(name, segue_option_for(i, groups_of(line))->help);
	}
}

/* ---- what is on the bus */

static json_object *read_objects(struct segue_ctl *ctl, const char *below)
{
	json_object *objects;

	if (ctl->bus == NULL && segue_bus_open(ctl) != SEGUE_EXIT_OK)
		return NULL;
	ctl->deadline_usec = segue_now_usec() + ANSWER_USEC;
	return segue_json_objects(ctl, below, &objects) == SEGUE_EXIT_OK ? objects : NULL;
}

static void offer_nodes(struct segue_ctl *ctl)
{
	json_object *nodes = read_objects(ctl, SEGUE_BUS_NODES);

	for (size_t i = 0; nodes != NULL && i < json_object_array_length(nodes); i++) {
		json_object *node = json_object_array_get_idx(nodes, i);

		offer(segue_json_text(node, "Name"), segue_json_text(node, "Label"));
	}
	json_object_put(nodes);
}

static void offer_buffers(struct segue_ctl *ctl)
{
	json_object *buffers = read_objects(ctl, SEGUE_BUS_BUFFERS);

	for (size_t i = 0; buffers != NULL && i < json_object_array_length(buffers); i++) {
		json_object *buffer = json_object_array_get_idx(buffers, i);

		offer(strrchr(segue_json_text(buffer, "Object"), '/') + 1, segue_json_text(buffer, "Label"));
	}
	json_object_put(buffers);
}

/* those the node has */
static void offer_keys(struct segue_ctl *ctl, const char *name)
{
	json_object *nodes = read_objects(ctl, SEGUE_BUS_NODES);

	for (size_t i = 0; nodes != NULL && i < json_object_array_length(nodes); i++) {
		json_object *node = json_object_array_get_idx(nodes, i);

		if (!spa_streq(segue_json_text(node, "Name"), name))
			continue;
		json_object_object_foreach(node, property, value)
			if (segue_key_of(property) != property)
				offer(segue_key_of(property), json_object_get_string(value));
	}
	json_object_put(nodes);
}

/* ---- what stands at a place */

static void offer_assignments(void)
{
	char text[64];

	for (const struct segue_key *key = segue_keys; key->key != NULL; key++) {
		snprintf(text, sizeof(text), "%s=", key->key);
		offer(text, NULL);
	}
}

/* One of the things an argument may be, as the synopsis calls it. */
static void offer_argument(struct segue_ctl *ctl, const struct line *line, const char *what)
{
	if (spa_streq(what, "NODE"))
		offer_nodes(ctl);
	else if (spa_streq(what, "BUFFER"))
		offer_buffers(ctl);
	else if (spa_streq(what, "KEY=VALUE"))
		offer_assignments();
	else if (spa_streq(what, "KEY") && !(line->command->groups & SEGUE_GROUP_NOTE))
		offer_keys(ctl, line->args[0]);
	else if (spa_streq(what, "VALUE"))
		offer_choices(line->args[1]);
	else if (!offer_choices(what) && islower((unsigned char)what[0]))
		offer(what, NULL);
}

/* The word of the synopsis for the next argument, without brackets and dots; the last one with dots is for all that
 * follow. */
static bool find_argument(const struct line *line, char *ret, size_t size)
{
	const char *word = line->command->synopsis;
	size_t length = strcspn(word, " ");

	for (int i = 0; i < line->n_args && memchr(word, '.', length) == NULL; i++) {
		word += length + strspn(word + length, " ");
		length = strcspn(word, " ");
	}
	word += strspn(word, "[");
	snprintf(ret, size, "%.*s", (int)strcspn(word, " .]"), word);
	return ret[0] != '\0' && ret[0] != '|';
}

static void offer_next_argument(struct segue_ctl *ctl, const struct line *line)
{
	char words[32], *word, *rest;

	if (line->n_args >= line->command->max_args || !find_argument(line, words, sizeof(words)))
		return;
	for (word = strtok_r(words, "|", &rest); word != NULL; word = strtok_r(NULL, "|", &rest))
		offer_argument(ctl, line, word);
}

/* ---- the line */

static const struct segue_option *find_option(const struct line *line, const char *name)
{
	for (int i = 0; i < SEGUE_N_OPTIONS; i++)
		if (spa_streq(segue_options[i].name, name))
			return segue_option_for(i, groups_of(line));
	return NULL;
}

/* false: nothing sensible can follow */
static bool take_word(struct line *line, const char *word)
{
	if (line->option != NULL) {
		line->option = NULL;
	} else if (!line->options_ended && spa_streq(word, "--")) {
		line->options_ended = true;
	} else if (!line->options_ended && spa_strstartswith(word, "--")) {
		const struct segue_option *option = find_option(line, word + 2);

		line->option = option != NULL && option->argument != NULL ? option : NULL;
	} else if (line->command == NULL) {
		line->command = segue_command_find(word);
		return line->command != NULL;
	} else {
		line->args[line->n_args++] = word;
	}
	return true;
}

static void offer_for(struct segue_ctl *ctl, const struct line *line, const char *last)
{
	if (line->option != NULL)
		offer_choices(line->option->name);
	else if (!line->options_ended && last[0] == '-')
		offer_options(line);
	else if (line->command == NULL)
		offer_commands();
	else
		offer_next_argument(ctl, line);
}

enum segue_exit segue_command_complete(struct segue_ctl *ctl)
{
	struct line line = { .args = ctl->args };	/* which is read further on than it is written */

	for (int i = 0; i < ctl->n_args - 1; i++)
		if (!take_word(&line, ctl->args[i]))
			return SEGUE_EXIT_OK;
	offer_for(ctl, &line, ctl->args[ctl->n_args - 1]);
	return SEGUE_EXIT_OK;
}
