/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "convolver.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"

#define DEFAULT_RATE	48000
#define DEFAULT_SECONDS	6.0
#define ROUNDS		4u
#define PHASE_FRAMES	32768u	/* after so many the work repeats itself */
#define CHANNELS_MAX	64u
#define PEERS_MAX	2u
#define EXIT_USAGE	2

static const struct segue_convolver_peer *const peers[] = {
	&segue_convolver_ours,
#ifdef HAVE_ZITA_CONVOLVER
	&segue_convolver_zita,
#endif
};

#define N_PEERS	(sizeof(peers) / sizeof(peers[0]))

/* without any option that makes a case */
static const struct {
	uint32_t channels;
	bool diagonal;
	double ir;
	uint32_t quantum;
} matrix[] = {
	{ 2, false, 0.1, 32 }, { 2, false, 0.1, 64 }, { 2, false, 0.1, 256 }, { 2, false, 0.1, 1024 },
	{ 2, false, 1, 32 }, { 2, false, 1, 64 }, { 2, false, 1, 256 }, { 2, false, 1, 1024 },
	{ 2, false, 10, 32 }, { 2, false, 10, 64 }, { 2, false, 10, 256 }, { 2, false, 10, 1024 },
	{ 8, true, 10, 64 }, { 8, false, 1, 64 }, { 8, false, 10, 64 },
};

static const char help[] =
"Usage: segue-bench convolver [OPTION...]\n"
"\n"
"Convolves noise with a response of noise that dies away, and measures each cycle.\n"
"\n"
"  --quantum N       frames of a cycle, 1..8192 (64)\n"
"  --rate HZ         1000..768000 (48000)\n"
"  --seconds S       sound to measure of each case, 0.1..3600 (6)\n"
"  --channels INxOUT inputs and outputs, 1..64 each (2x2)\n"
"  --diagonal        each input to its own output only; otherwise every input to every output\n"
"  --ir SECONDS      length of the response, 0.001..60 (10)\n"
"  --paced           one cycle per quantum of real time, asleep between them: cold caches. Times are the\n"
"                    thread's own CPU time then\n"
"  --json            one object a line\n"
"  --help            this text\n"
"\n"
"Without --quantum, --channels, --diagonal and --ir: all the cases there are figures for.\n"
"Where zita-convolver was there when this was built, it takes turns with ours on the same sound.\n"
"\n"
"  cpu      CPU time of all threads together, in % of the sound's time\n"
"  wc       the worst cycle without the machine's own hiccups: for each phase of 32768 frames the median\n"
"           over its repetitions, then the largest of these\n"
"\n"
"Times are us of the thread that calls; in JSON ns. Exit status: 0 done, 1 failed, 2 usage.\n";

struct options {
	struct segue_convolver_work work;
	bool all, json;
};

static int usage_error(const char *what, const char *why)
{
	fprintf(stderr, "segue-bench: %s: %s\nTry 'segue-bench convolver --help'.\n", what, why);
	return EXIT_USAGE;
}

static bool parse(const char *text, double min, double max, bool whole, double *ret)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end != '\0' || !(value >= min && value <= max) || (whole && value != floor(value)))
		return false;
	*ret = value;
	return true;
}

static bool parse_channels(const char *text, struct segue_convolver_work *work)
{
	char end;

	return sscanf(text, "%ux%u%c", &work->n_in, &work->n_out, &end) == 2 && work->n_in >= 1 &&
		work->n_in <= CHANNELS_MAX && work->n_out >= 1 && work->n_out <= CHANNELS_MAX;
}

/* \return 0, an exit status, or -1: help was asked for */
static int parse_options(struct options *o, int argc, char *argv[])
{
	enum { QUANTUM, RATE, SECONDS, IR, N_NUMBERS, CHANNELS, DIAGONAL, PACED, JSON, HELP };
	static const struct option long_options[] = {
		{ "quantum", required_argument, NULL, QUANTUM },
		{ "rate", required_argument, NULL, RATE },
		{ "seconds", required_argument, NULL, SECONDS },
		{ "ir", required_argument, NULL, IR },
		{ "channels", required_argument, NULL, CHANNELS },
		{ "diagonal", no_argument, NULL, DIAGONAL },
		{ "paced", no_argument, NULL, PACED },
		{ "json", no_argument, NULL, JSON },
		{ "help", no_argument, NULL, HELP },
		{ 0 }
	};
	static const struct {
		double min, max;
	} ranges[N_NUMBERS] = {
		[QUANTUM] = { 1, 8192 },
		[RATE] = { 1000, 768000 },
		[SECONDS] = { 0.1, 3600 },
		[IR] = { 0.001, 60 },
	};
	double n[N_NUMBERS] = { [QUANTUM] = 64, [RATE] = DEFAULT_RATE, [SECONDS] = DEFAULT_SECONDS, [IR] = 10 };
	int c, index;

	o->all = true;
	o->work.n_in = o->work.n_out = 2;
	while ((c = getopt_long(argc, argv, "", long_options, &index)) != -1) {
		if (c == '?')
			return EXIT_USAGE;	/* getopt has said why */
		if (c < N_NUMBERS && !parse(optarg, ranges[c].min, ranges[c].max, c == QUANTUM || c == RATE, &n[c]))
			return usage_error(long_options[index].name, "not a number in its range");
		if (c == CHANNELS && !parse_channels(optarg, &o->work))
			return usage_error("channels", "not INxOUT, 1..64 each");
		if (c == HELP)
			return -1;
		o->work.diagonal |= c == DIAGONAL;
		o->work.paced |= c == PACED;
		o->json |= c == JSON;
		o->all &= c != QUANTUM && c != IR && c != CHANNELS && c != DIAGONAL;
	}
	if (optind < argc)
		return usage_error(argv[optind], "unexpected");
	if (o->work.diagonal && o->work.n_in != o->work.n_out)
		return usage_error("diagonal", "as many inputs as outputs are needed");
	o->work.quantum = (uint32_t)n[QUANTUM];
	o->work.rate = (uint32_t)n[RATE];
	o->work.seconds = n[SECONDS];
	o->work.ir = n[IR];
	return 0;
}

/* ------------------------------------------------------------------- the run */

struct run {
	const struct segue_convolver_work *work;
	void *data[PEERS_MAX];
	struct segue_samples samples[PEERS_MAX];
	double cpu_nsec[PEERS_MAX];	/* of all threads */
	float **paths;
	float *in[CHANNELS_MAX], *out[CHANNELS_MAX];
	uint32_t n_frames;		/* of a path */
	uint64_t next_nsec;		/* paced: when the next cycle begins */
};

static uint64_t cpu_nsec(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static float noise(void)
{
	static uint32_t state = 1;

	state = state * 1664525u + 1013904223u;
	return (float)((int32_t)state / 2147483648.0);
}

static float *new_noise(uint32_t n_frames, double decay)
{
	float *data = malloc(n_frames * sizeof(*data));

	for (uint32_t i = 0; data != NULL && i < n_frames; i++)
		data[i] = noise() * (float)exp(-decay * i / n_frames);
	return data;
}

static void clear_run(struct run *run)
{
	for (uint32_t p = 0; p < N_PEERS; p++) {
		if (run->data[p] != NULL)
			peers[p]->close(run->data[p]);
		segue_samples_clear(&run->samples[p]);
	}
	for (uint32_t i = 0; run->paths != NULL && i < segue_convolver_work_paths(run->work); i++)
		free(run->paths[i]);
	free(run->paths);
	for (uint32_t i = 0; i < CHANNELS_MAX; i++) {
		free(run->in[i]);
		free(run->out[i]);
	}
}

static int init_run(struct run *run, const struct segue_convolver_work *work)
{
	uint32_t n_cycles = (uint32_t)ceil(work->seconds * work->rate / work->quantum) + ROUNDS;
	uint32_t i, n_paths = segue_convolver_work_paths(work);

	*run = (struct run) { .work = work, .n_frames = (uint32_t)fmax(work->ir * work->rate, 1.0) };
	if ((run->paths = calloc(n_paths, sizeof(*run->paths))) == NULL)
		return -ENOMEM;
	for (i = 0; i < n_paths; i++) {
		if ((run->paths[i] = new_noise(run->n_frames, 6.9)) == NULL)
			return -ENOMEM;
	}
	for (i = 0; i < CHANNELS_MAX; i++) {
		if ((run->in[i] = new_noise(work->quantum, 0.0)) == NULL ||
		    (run->out[i] = calloc(work->quantum, sizeof(float))) == NULL)
			return -ENOMEM;
	}
	for (i = 0; i < N_PEERS; i++) {
		if (segue_samples_init(&run->samples[i], n_cycles) < 0)
			return -ENOMEM;
		run->data[i] = peers[i]->open(work, run->paths, run->n_frames);
	}
	return run->data[0] != NULL ? 0 : -ENOMEM;
}

static void wait_for_cycle(struct run *run)
{
	uint64_t now = segue_now_nsec(), period = (uint64_t)run->work->quantum * 1000000000u / run->work->rate;
	struct timespec ts;

	run->next_nsec += period;
	if (run->next_nsec + 100 * period < now)
		run->next_nsec = now;
	ts = (struct timespec) { (time_t)(run->next_nsec / 1000000000u), (long)(run->next_nsec % 1000000000u) };
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static void run_peer(struct run *run, uint32_t p, uint32_t n_cycles, bool measured)
{
	bool paced = run->work->paced && measured;
	clockid_t clock = paced ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
	uint64_t cpu = cpu_nsec(CLOCK_PROCESS_CPUTIME_ID), begun;

	for (uint32_t i = 0; i < n_cycles; i++) {
		if (paced)
			wait_for_cycle(run);
		begun = cpu_nsec(clock);
		peers[p]->process(run->data[p], (const float *const *)run->in, run->out);
		if (measured)
			segue_samples_add(&run->samples[p], (double)(cpu_nsec(clock) - begun));
	}
	if (measured)
		run->cpu_nsec[p] += (double)(cpu_nsec(CLOCK_PROCESS_CPUTIME_ID) - cpu);
}

static void print_result(const struct options *o, const struct run *run, uint32_t p)
{
	const struct segue_convolver_work *w = run->work;
	uint32_t n_phases = (PHASE_FRAMES + w->quantum - 1) / w->quantum;
	struct segue_summary s = segue_samples_summary(&run->samples[p], n_phases);
	double quantum_nsec = 1e9 * w->quantum / w->rate, cpu = 100.0 * run->cpu_nsec[p] / s.n / quantum_nsec;
	char name[128];

	snprintf(name, sizeof(name), "%ux%u%s %g s %u", w->n_in, w->n_out, w->diagonal ? " diagonal" : "", w->ir,
			w->quantum);
	if (o->json)
		printf("{\"bench\":\"convolver\",\"case\":\"%s\",\"convolver\":\"%s\",\"channels\":\"%ux%u\","
				"\"diagonal\":%s,\"ir\":%g,\"quantum\":%u,\"rate\":%u,\"paced\":%s,\"samples\":%u,"
				"\"cpu\":%.4f,\"mean\":%.1f,\"median\":%.1f,\"p999\":%.1f,\"wc\":%.1f,\"max\":%.1f}\n",
				name, peers[p]->name, w->n_in, w->n_out, w->diagonal ? "true" : "false", w->ir, w->quantum,
				w->rate, w->paced ? "true" : "false", s.n, cpu, s.mean, s.median, s.p999, s.wc, s.max);
	else
		printf("%-22s %-6s %8.3f %8.2f %8.2f %8.2f %8.2f %8.2f %6.2f %7.2f%%\n", name, peers[p]->name, cpu,
				s.mean / 1e3, s.median / 1e3, s.p999 / 1e3, s.wc / 1e3, s.max / 1e3, s.wc / s.mean,
				100.0 * s.wc / quantum_nsec);
	fflush(stdout);
}

static int run_case(const struct options *o, const struct segue_convolver_work *work)
{
	uint32_t n_cycles = (uint32_t)ceil(work->seconds * work->rate / work->quantum / ROUNDS), p, round;
	/* until every partition has heard something */
	uint32_t n_warm = (uint32_t)((work->ir + 0.8) * work->rate / work->quantum);
	struct run run;
	int res;

	if ((res = init_run(&run, work)) == 0) {
		for (p = 0; p < N_PEERS; p++) {
			if (run.data[p] != NULL)
				run_peer(&run, p, n_warm, false);
		}
		run.next_nsec = segue_now_nsec();
		for (round = 0; round < ROUNDS; round++) {
			for (p = 0; p < N_PEERS; p++) {
				if (run.data[p] != NULL)
					run_peer(&run, p, n_cycles, true);
			}
		}
		for (p = 0; p < N_PEERS; p++) {
			if (run.data[p] != NULL)
				print_result(o, &run, p);
		}
	}
	clear_run(&run);
	return res;
}

int segue_bench_convolver(int argc, char *argv[])
{
	struct options o = { 0 };
	int res;

	if ((res = parse_options(&o, argc, argv)) != 0) {
		if (res < 0)
			fputs(help, stdout);
		return res < 0 ? EXIT_SUCCESS : res;
	}
	if (!o.json)
		printf("%-22s %-6s %8s %8s %8s %8s %8s %8s %6s %8s\n", o.work.paced ? "paced" : "burst", "", "cpu %",
				"mean us", "median", "p99.9", "wc", "max", "wc/m", "wc/q");
	if (!o.all)
		res = run_case(&o, &o.work);
	for (size_t i = 0; o.all && res == 0 && i < sizeof(matrix) / sizeof(matrix[0]); i++) {
		struct segue_convolver_work work = o.work;

		work.n_in = work.n_out = matrix[i].channels;
		work.diagonal = matrix[i].diagonal;
		work.ir = matrix[i].ir;
		work.quantum = matrix[i].quantum;
		res = run_case(&o, &work);
	}
	if (res < 0)
		fprintf(stderr, "segue-bench: %s\n", strerror(-res));
	return res < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
