/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "handover.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

#define DEFAULT_QUANTUM		64
#define DEFAULT_RATE		48000
#define DEFAULT_SECONDS		8.0
#define DEFAULT_CYCLES		20000
#define DEFAULT_FRAMES		64
#define DEFAULT_LIVE		10
#define MAX_BYTES		(1u << 30)	/* of live blocks */

/* without --frames and --live: one grows while the other stays */
static const struct {
	uint32_t n_frames, n_live;
} matrix[] = {
	{ 64, 10 },
	{ 4096, 10 },
	{ 65536, 10 },
	{ 1048576, 10 },
	{ 64, 1000 },
	{ 64, 100000 },
};

#define N_MATRIX	(sizeof(matrix) / sizeof(matrix[0]))

static const char help[] =
"Usage: segue-bench handover [OPTION...]\n"
"\n"
"Hands blocks of floats to a real-time thread in seven ways, side by side on the same work.\n"
"\n"
"  --quantum N   floats of a block that each cycle reads, 1..8192 (64)\n"
"  --rate HZ     cycles' rate is this over the quantum, 1000..768000 (48000)\n"
"  --cycles N    hand-overs to measure of each strategy and case, 1..1000000 (20000)\n"
"  --seconds S   end a case earlier, after so long, 0.1..3600 (8)\n"
"  --frames N    floats of a block, 1..16777216 (all from 64 to 1048576)\n"
"  --live N      blocks in use elsewhere all the time, 1..1000000 (all from 10 to 100000)\n"
"  --paced       one cycle per quantum of real time, asleep between them: cold caches.\n"
"                Otherwise a cycle every 5 us, so that there are many\n"
"  --json        one object a line\n"
"  --help        this text\n"
"\n"
"A producer makes a block and hands it over at a random moment, one at a time. The consumer (a thread\n"
"of real-time priority if it may) goes over to the newest block at the top of each cycle, lets the old\n"
"one go and reads a quantum of the new. The strategies take turns, ten rounds each.\n"
"\n"
"  across      from one thread to another. Cache lines have to travel between processors, which takes\n"
"              from 20 ns to 500 ns each, depending on where the two are\n"
"  alone       both sides in one thread, in turn, blocks written only as far as they are read: what the\n"
"              strategy itself does, with its data in the cache\n"
"\n"
"  median ...  a hand-over: the consumer's going over, in cycles that had something new. Across, what\n"
"              exceeds a quantum is also charged to the cycles that it makes late\n"
"  +read       its median with the reading: who was handed a pointer finds the data in no cache of its\n"
"              own, who copied has paid for that already\n"
"  reclaim     median of the collector: the producer's taking back of what the consumer let go, each 64\n"
"              blocks or 32 MiB, without free(), divided by their number; '-' where there is none\n"
"\n"
"Times are ns and contain two readings of the clock (20 to 30 ns). wc, the worst case without the\n"
"machine's own hiccups: hand-over n is phase n mod 256 (the rings' slots); for each phase the median,\n"
"then the largest of these. A collection of b blocks is phase n mod 256/b. Memory that is freed stays\n"
"with the process: returning it to the system is left out.\n"
"\n"
"Exit status: 0 done, 1 failed, 2 usage.\n";

static void print_json(const struct segue_handover_work *w, const char *strategy, const char *side,
		const struct segue_summary *s)
{
	if (s->n == 0)
		return;
	printf("{\"bench\":\"handover\",\"case\":\"%s, %u floats, %u live, %s\",\"strategy\":\"%s\","
			"\"frames\":%u,\"live\":%u,\"side\":\"%s\",\"samples\":%u,\"mean\":%.1f,\"median\":%.1f,"
			"\"p999\":%.1f,\"wc\":%.1f,\"max\":%.1f}\n",
			strategy, w->n_frames, w->n_live, side, strategy, w->n_frames, w->n_live, side,
			s->n, s->mean, s->median, s->p999, s->wc, s->max);
}

static void print_cells(const struct segue_summary *take, const struct segue_summary *with_read,
		const struct segue_summary *collect)
{
	printf(" |%7.0f%8.0f%8.0f%8.0f", take->median, take->p999, take->wc, with_read->median);
	if (collect->n > 0)
		printf("%8.1f", collect->median);
	else
		printf("%8s", "-");
}

static void print_results(const struct segue_bench_options *o, const struct segue_handover_work *w,
		const struct segue_handover_result results[SEGUE_STRATEGIES_N])
{
	if (!o->json)
		printf("%u floats, %u live\n", w->n_frames, w->n_live);
	for (uint32_t i = 0; i < SEGUE_STRATEGIES_N; i++) {
		const struct segue_handover_result *r = &results[i];
		const char *name = segue_strategies[i]->name;

		if (o->json) {
			print_json(w, name, "across", &r->across);
			print_json(w, name, "across with read", &r->across_read);
			print_json(w, name, "across collector", &r->across_collect);
			print_json(w, name, "alone", &r->alone);
			print_json(w, name, "alone with read", &r->alone_read);
			print_json(w, name, "alone collector", &r->alone_collect);
			continue;
		}
		printf("  %-14s", name);
		print_cells(&r->alone, &r->alone_read, &r->alone_collect);
		print_cells(&r->across, &r->across_read, &r->across_collect);
		printf("\n");
	}
	fflush(stdout);
}

static void print_heading(const struct segue_handover_work *w)
{
	printf("Handing blocks of floats to a real-time thread: ns, two readings of the clock included\n"
			"(quantum %u at %u Hz, %s; see --help)\n\n", w->quantum, w->rate,
			w->paced ? "paced in real time" : "a cycle every 5 us");
	for (uint32_t i = 0; i < SEGUE_STRATEGIES_N; i++)
		printf("  %-14s%s\n", segue_strategies[i]->name, segue_strategies[i]->description);
	printf("\n%16s | %-39s| %s\n%16s |", "", "alone", "across", "");
	for (uint32_t i = 0; i < 2; i++)
		printf("%7s%8s%8s%8s%8s%s", "median", "p99.9", "wc", "+read", "reclaim", i == 0 ? " |" : "\n");
}

/* how much ours depends on what it shouldn't depend on */
static void print_spread(const char *of, double (*value)(const struct segue_handover_result *r),
		const struct segue_handover_result ours[N_MATRIX])
{
	double size_min = 1e300, size_max = 0, live_min = 1e300, live_max = 0;

	for (size_t i = 0; i < N_MATRIX; i++) {
		double v = value(&ours[i]);

		if (matrix[i].n_live == DEFAULT_LIVE) {
			size_min = v < size_min ? v : size_min;
			size_max = v > size_max ? v : size_max;
		}
		if (matrix[i].n_frames == DEFAULT_FRAMES) {
			live_min = v < live_min ? v : live_min;
			live_max = v > live_max ? v : live_max;
		}
	}
	printf("%s, segue: %.1f to %.1f (%.2fx) over sizes, %.1f to %.1f (%.2fx) over live counts\n", of,
			size_min, size_max, size_max / size_min, live_min, live_max, live_max / live_min);
}

static double handover_median(const struct segue_handover_result *r)
{
	return r->alone.median;
}

static double collector_median(const struct segue_handover_result *r)
{
	return r->alone_collect.median;
}

static int run_cases(const struct segue_bench_options *o)
{
	bool all = !(o->given & (SEGUE_OPTION_BIT(FRAMES) | SEGUE_OPTION_BIT(LIVE))), realtime = false;
	struct segue_handover_result results[SEGUE_STRATEGIES_N], ours[N_MATRIX];
	struct segue_handover_work work = {
		.n_frames = (uint32_t)o->numbers[SEGUE_OPTION_FRAMES],
		.n_live = (uint32_t)o->numbers[SEGUE_OPTION_LIVE],
		.quantum = (uint32_t)o->numbers[SEGUE_OPTION_QUANTUM],
		.rate = (uint32_t)o->numbers[SEGUE_OPTION_RATE],
		.cycles = (uint32_t)o->numbers[SEGUE_OPTION_CYCLES],
		.seconds = o->numbers[SEGUE_OPTION_SECONDS],
		.paced = o->paced,
	};

	if ((uint64_t)work.n_frames * work.n_live * sizeof(float) > MAX_BYTES)
		return segue_bench_usage_error("handover", "frames", "with so many live blocks over 1 GiB");
	if (!o->json)
		print_heading(&work);
	for (size_t i = 0; i < (all ? N_MATRIX : 1); i++) {
		int res;

		if (all) {
			work.n_frames = matrix[i].n_frames;
			work.n_live = matrix[i].n_live;
		}
		if ((res = segue_handover_bench(&work, results, &realtime)) < 0) {
			fprintf(stderr, "segue-bench: %s\n", strerror(-res));
			return EXIT_FAILURE;
		}
		print_results(o, &work, results);
		ours[i] = results[SEGUE_STRATEGIES_N - 1];
		for (uint32_t j = 0; j < SEGUE_STRATEGIES_N; j++) {
			if (results[j].n_torn > 0) {
				fprintf(stderr, "segue-bench: %s: %u blocks weren't whole\n",
						segue_strategies[j]->name, results[j].n_torn);
				return EXIT_FAILURE;
			}
		}
	}
	if (!realtime)
		fprintf(stderr, "segue-bench: no real-time priority, or one processor only: expect outliers\n");
	if (all && !o->json) {
		printf("\n");
		print_spread("hand-over alone", handover_median, ours);
		print_spread("reclaim alone", collector_median, ours);
	}
	return EXIT_SUCCESS;
}

int segue_bench_handover(int argc, char *argv[])
{
	struct segue_bench_options o = { .numbers = {
		[SEGUE_OPTION_QUANTUM] = DEFAULT_QUANTUM,
		[SEGUE_OPTION_RATE] = DEFAULT_RATE,
		[SEGUE_OPTION_CYCLES] = DEFAULT_CYCLES,
		[SEGUE_OPTION_SECONDS] = DEFAULT_SECONDS,
		[SEGUE_OPTION_FRAMES] = DEFAULT_FRAMES,
		[SEGUE_OPTION_LIVE] = DEFAULT_LIVE,
	} };
	int res = segue_bench_options_read(&o, SEGUE_OPTION_BIT(QUANTUM) | SEGUE_OPTION_BIT(RATE) |
			SEGUE_OPTION_BIT(CYCLES) | SEGUE_OPTION_BIT(SECONDS) | SEGUE_OPTION_BIT(FRAMES) |
			SEGUE_OPTION_BIT(LIVE) | SEGUE_OPTION_BIT(PACED), help, argc, argv);

	return res < 0 ? run_cases(&o) : res;
}
