/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_BENCH_OPTIONS_H
#define SEGUE_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/** \file
 * The options of all benchmarks; each takes some of them. */

#define SEGUE_EXIT_USAGE	2

enum segue_bench_option {
	SEGUE_OPTION_QUANTUM,
	SEGUE_OPTION_RATE,
	SEGUE_OPTION_SECONDS,
	SEGUE_OPTION_IR,
	SEGUE_OPTION_CYCLES,
	SEGUE_OPTION_FRAMES,
	SEGUE_OPTION_LIVE,
	SEGUE_OPTION_VOICES,
	SEGUE_OPTION_NUMBERS,	/* those before have one */
	SEGUE_OPTION_CHANNELS = SEGUE_OPTION_NUMBERS,
	SEGUE_OPTION_DIAGONAL,
	SEGUE_OPTION_PACED,
	SEGUE_OPTION_JSON,
	SEGUE_OPTION_HELP,
	SEGUE_OPTIONS,
};

#define SEGUE_OPTION_BIT(name)	(1u << SEGUE_OPTION_##name)

struct segue_bench_options {
	double numbers[SEGUE_OPTION_NUMBERS];
	uint32_t n_in, n_out;
	bool diagonal, paced, json;
	uint32_t given;		/**< SEGUE_OPTION_BIT() of each that was */
};

/** Read a benchmark's options; what isn't given stays as it is.
 * \param accepted  SEGUE_OPTION_BIT() of each that it takes, beside --json and --help
 * \param argv      its name comes first
 * \return -1: go on; otherwise an exit status, what there is to say having been said */
int segue_bench_options_read(struct segue_bench_options *options, uint32_t accepted, const char *help, int argc,
		char *argv[]);

/** Say what is wrong. \return SEGUE_EXIT_USAGE */
int segue_bench_usage_error(const char *bench, const char *what, const char *why);

#endif /* SEGUE_BENCH_OPTIONS_H */
