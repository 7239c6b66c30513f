/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "convolver.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "options.h"
#include "sound.h"

#define DEFAULT_SECONDS	6.0
#define ROUNDS		4u
#define MAKES		5u	/* of a response, to be measured */
#define SETTLE_NSEC	10000000

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
"  snr      how far ours is from the direct sum in double precision, in dB\n"
"  make     making the response off the data loop, median, ms of CPU time\n"
"  wc       the worst cycle without the machine's own hiccups: for each phase of 32768 frames the median\n"
"           over its repetitions, then the largest of these\n"
"\n"
"Times are us of the thread that calls; in JSON ns. Exit status: 0 done, 1 failed, 2 usage.\n";

/* ------------------------------------------------------------------- the run */

struct run {
	struct segue_sound sound;
	struct segue_player players[N_PEERS];
	struct segue_samples samples[N_PEERS];
	double cpu_nsec[N_PEERS];	/* of all threads */
	struct segue_samples makes;	/* of ours */
	double snr;
};

static void clear_run(struct run *run)
{
	for (uint32_t p = 0; p < N_PEERS; p++) {
		if (run->players[p].data != NULL)
			peers[p]->close(run->players[p].data);
		segue_samples_clear(&run->samples[p]);
	}
	segue_samples_clear(&run->makes);
	segue_sound_clear(&run->sound);
}

static int init_run(struct run *run, const struct segue_convolver_work *work)
{
	uint32_t n_cycles = (uint32_t)ceil(work->seconds * work->rate / work->quantum) + ROUNDS, i;

	*run = (struct run) { 0 };
	if (segue_sound_init(&run->sound, work) < 0 || segue_samples_init(&run->makes, MAKES) < 0)
		return -ENOMEM;
	for (i = 0; i < N_PEERS; i++) {
		if (segue_samples_init(&run->samples[i], n_cycles) < 0)
			return -ENOMEM;
		run->players[i] = (struct segue_player) { peers[i],
			peers[i]->open(work, run->sound.paths, run->sound.n_frames) };
	}
	return run->players[0].data != NULL ? 0 : -ENOMEM;
}

/* Threads of its own are done with what they have been given. */
static uint64_t settled_cpu_nsec(void)
{
	nanosleep(&(struct timespec) { .tv_nsec = SETTLE_NSEC }, NULL);
	return segue_clock_nsec(CLOCK_PROCESS_CPUTIME_ID);
}

static void run_peer(struct run *run, uint32_t p, uint32_t n_cycles)
{
	uint64_t begun = settled_cpu_nsec();

	segue_sound_play(&run->sound, &run->players[p], n_cycles, &run->samples[p]);
	run->cpu_nsec[p] += (double)(settled_cpu_nsec() - begun);
}

static void print_result(bool json, const struct run *run, uint32_t p)
{
	const struct segue_convolver_work *w = run->sound.work;
	uint32_t n_phases = (SEGUE_PHASE_FRAMES + w->quantum - 1) / w->quantum;
	struct segue_summary s = segue_samples_summary(&run->samples[p], n_phases);
	struct segue_summary makes = segue_samples_summary(&run->makes, 1);
	double quantum_nsec = 1e9 * w->quantum / w->rate, cpu = 100.0 * run->cpu_nsec[p] / s.n / quantum_nsec;
	char name[128];

	snprintf(name, sizeof(name), "%ux%u%s %g s %u", w->n_in, w->n_out, w->diagonal ? " diagonal" : "", w->ir,
			w->quantum);
	if (json) {
		printf("{\"bench\":\"convolver\",\"case\":\"%s\",\"convolver\":\"%s\",\"channels\":\"%ux%u\","
				"\"diagonal\":%s,\"ir\":%g,\"quantum\":%u,\"rate\":%u,\"paced\":%s,\"samples\":%u,"
				"\"cpu\":%.4f,\"mean\":%.1f,\"median\":%.1f,\"p999\":%.1f,\"wc\":%.1f,\"max\":%.1f",
				name, peers[p]->name, w->n_in, w->n_out, w->diagonal ? "true" : "false", w->ir, w->quantum,
				w->rate, w->paced ? "true" : "false", s.n, cpu, s.mean, s.median, s.p999, s.wc, s.max);
		if (p == 0)
			printf(",\"snr\":%.1f,\"make\":%.0f", run->snr, makes.median);
		printf("}\n");
	} else {
		printf("%-22s %-6s %8.3f %8.2f %8.2f %8.2f %8.2f %8.2f %6.2f %7.2f%%", name, peers[p]->name, cpu,
				s.mean / 1e3, s.median / 1e3, s.p999 / 1e3, s.wc / 1e3, s.max / 1e3, s.wc / s.mean,
				100.0 * s.wc / quantum_nsec);
		if (p == 0)
			printf(" %6.1f %6.1f", run->snr, makes.median / 1e6);
		printf("\n");
	}
	fflush(stdout);
}

static int run_case(bool json, const struct segue_convolver_work *work)
{
	uint32_t n_cycles = (uint32_t)ceil(work->seconds * work->rate / work->quantum / ROUNDS), p, i;
	struct run run;
	int res;

	if ((res = init_run(&run, work)) < 0)
		goto done;
	for (i = 0; i < MAKES; i++)
		segue_samples_add(&run.makes, segue_convolver_ours_make(run.players[0].data));
	for (p = 0; p < N_PEERS; p++) {
		if (run.players[p].data != NULL)
			segue_sound_play(&run.sound, &run.players[p], segue_sound_warm_cycles(&run.sound), NULL);
	}
	for (i = 0; i < ROUNDS; i++) {
		for (p = N_PEERS; p-- > 0; ) {
			if (run.players[p].data != NULL)
				run_peer(&run, p, n_cycles);
		}
	}
	/* ours was the last */
	run.snr = segue_sound_snr(&run.sound, &run.players[0]);
	for (p = 0; p < N_PEERS; p++) {
		if (run.players[p].data != NULL)
			print_result(json, &run, p);
	}
done:
	clear_run(&run);
	return res;
}

int segue_bench_convolver(int argc, char *argv[])
{
	struct segue_bench_options o;
	struct segue_convolver_work work;
	bool all;
	int res = segue_sound_read_options(&o, DEFAULT_SECONDS, help, argc, argv);

	if (res >= 0)
		return res;
	work = segue_sound_work(&o);
	if ((res = segue_sound_check(&work, "convolver")) >= 0)
		return res;
	all = !(o.given & SEGUE_SOUND_CASE);
	if (!o.json)
		printf("%-22s %-6s %8s %8s %8s %8s %8s %8s %6s %8s %6s %6s\n", o.paced ? "paced" : "burst", "", "cpu %",
				"mean us", "median", "p99.9", "wc", "max", "wc/m", "wc/q", "snr", "make");
	res = 0;
	for (size_t i = 0; res == 0 && i < (all ? sizeof(matrix) / sizeof(matrix[0]) : 1); i++) {
		if (all) {
			work.n_in = work.n_out = matrix[i].channels;
			work.diagonal = matrix[i].diagonal;
			work.ir = matrix[i].ir;
			work.quantum = matrix[i].quantum;
		}
		res = run_case(o.json, &work);
	}
	if (res < 0)
		fprintf(stderr, "segue-bench: %s\n", strerror(-res));
	return res < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
