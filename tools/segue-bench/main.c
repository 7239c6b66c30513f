/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "convolver.h"
#include "handover.h"
#include "options.h"
#include "source.h"

static const struct {
	const char *name;
	int (*run)(int argc, char *argv[]);
} benches[] = {
	{ "handover", segue_bench_handover },
	{ "convolver", segue_bench_convolver },
	{ "swap", segue_bench_swap },
	{ "source", segue_bench_source },
};

static const char help[] =
"Usage: segue-bench handover|convolver|source|swap [OPTION...]\n"
"\n"
"  handover   hand blocks of floats to a real-time thread, in seven ways\n"
"  convolver  convolve with responses of many lengths, zita-convolver beside it\n"
"  source     play voices from tables and samples, plain loops and fluidsynth beside it\n"
"  swap       replace a convolver's response while it plays\n"
"\n"
"segue-bench BENCHMARK --help tells what is measured, and its options.\n";

static int run(int argc, char *argv[])
{
	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		fputs(help, stdout);
		return EXIT_SUCCESS;
	}
	for (size_t i = 0; argc > 1 && i < sizeof(benches) / sizeof(benches[0]); i++) {
		if (strcmp(argv[1], benches[i].name) == 0)
			return benches[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr, "segue-bench: %s%s (handover, convolver, source, swap). See segue-bench --help\n",
			argc > 1 ? argv[1] : "name a benchmark", argc > 1 ? ": no such benchmark" : "");
	return SEGUE_EXIT_USAGE;
}

int main(int argc, char *argv[])
{
	int status = run(argc, argv);

	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "segue-bench: can't print: %s\n", strerror(errno));
	return status != EXIT_SUCCESS ? status : EXIT_FAILURE;
}
