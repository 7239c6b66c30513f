/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "options.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define CHANNELS_MAX	64u

static const struct {
	const char *name;
	int has_argument;
	double min, max;	/* of a number */
	bool whole;
} table[SEGUE_OPTIONS] = {
	[SEGUE_OPTION_QUANTUM] = { "quantum", required_argument, 1, 8192, true },
	[SEGUE_OPTION_RATE] = { "rate", required_argument, 1000, 768000, true },
	[SEGUE_OPTION_SECONDS] = { "seconds", required_argument, 0.1, 3600, false },
	[SEGUE_OPTION_IR] = { "ir", required_argument, 0.001, 60, false },
	[SEGUE_OPTION_CYCLES] = { "cycles", required_argument, 1, 1000000, true },
	[SEGUE_OPTION_FRAMES] = { "frames", required_argument, 1, 16777216, true },
	[SEGUE_OPTION_LIVE] = { "live", required_argument, 1, 1000000, true },
	[SEGUE_OPTION_VOICES] = { "voices", required_argument, 1, 256, true },
	[SEGUE_OPTION_CHANNELS] = { "channels", required_argument },
	[SEGUE_OPTION_DIAGONAL] = { "diagonal", no_argument },
	[SEGUE_OPTION_PACED] = { "paced", no_argument },
	[SEGUE_OPTION_JSON] = { "json", no_argument },
	[SEGUE_OPTION_HELP] = { "help", no_argument },
};

int segue_bench_usage_error(const char *bench, const char *what, const char *why)
{
	fprintf(stderr, "segue-bench %s: %s: %s. See segue-bench %s --help\n", bench, what, why, bench);
	return SEGUE_EXIT_USAGE;
}

/* A letter may be one of several in a word, which getopt isn't through with then. */
static int refuse_option(const char *bench, const char *word)
{
	const char letter[] = { '-', (char)optopt, '\0' };

	return segue_bench_usage_error(bench, optopt > ' ' ? letter : word, "no such option");
}

static int refuse_number(const char *bench, enum segue_bench_option option)
{
	char why[64];

	snprintf(why, sizeof(why), "not a %s from %g to %.8g", table[option].whole ? "whole number" : "number",
			table[option].min, table[option].max);
	return segue_bench_usage_error(bench, table[option].name, why);
}

static bool parse_number(const char *text, enum segue_bench_option option, double *ret)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end != '\0' || !(value >= table[option].min && value <= table[option].max) ||
	    (table[option].whole && value != floor(value)))
		return false;
	*ret = value;
	return true;
}

static bool parse_channels(const char *text, struct segue_bench_options *o)
{
	char end;

	return sscanf(text, "%ux%u%c", &o->n_in, &o->n_out, &end) == 2 && o->n_in >= 1 &&
		o->n_in <= CHANNELS_MAX && o->n_out >= 1 && o->n_out <= CHANNELS_MAX;
}

int segue_bench_options_read(struct segue_bench_options *o, uint32_t accepted, const char *help, int argc,
		char *argv[])
{
	struct option long_options[SEGUE_OPTIONS + 1] = { 0 };
	uint32_t i, n = 0;
	int c;

	accepted |= SEGUE_OPTION_BIT(JSON) | SEGUE_OPTION_BIT(HELP);
	for (i = 0; i < SEGUE_OPTIONS; i++) {
		if (accepted & (1u << i))
			long_options[n++] = (struct option) { table[i].name, table[i].has_argument, NULL, (int)i };
	}
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
		if (c == '?')
			return refuse_option(argv[0], argv[optind - 1]);
		if (c == ':')
			return segue_bench_usage_error(argv[0], argv[optind - 1], "needs an argument");
		if (c < SEGUE_OPTION_NUMBERS && !parse_number(optarg, c, &o->numbers[c]))
			return refuse_number(argv[0], c);
		if (c == SEGUE_OPTION_CHANNELS && !parse_channels(optarg, o))
			return segue_bench_usage_error(argv[0], table[c].name, "not INxOUT, 1..64 each");
		if (c == SEGUE_OPTION_HELP || c == 'h') {
			fputs(help, stdout);
			return EXIT_SUCCESS;
		}
		o->given |= 1u << c;
	}
	o->diagonal = o->given & SEGUE_OPTION_BIT(DIAGONAL);
	o->paced = o->given & SEGUE_OPTION_BIT(PACED);
	o->json = o->given & SEGUE_OPTION_BIT(JSON);
	if (optind < argc)
		return segue_bench_usage_error(argv[0], argv[optind], "unexpected");
	if (o->diagonal && o->n_in != o->n_out)
		return segue_bench_usage_error(argv[0], "diagonal", "as many inputs as outputs are needed");
	return -1;
}
