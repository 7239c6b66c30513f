/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "options.h"
#include "sound.h"

#define DEFAULT_SECONDS	120.0
#define OFFSETS		8u	/* of a swap from the beginning of a largest block, evenly spread */
#define BLOCK_FRAMES	8192u
#define ROUNDS_MIN	3u

static const double lengths[] = { 0.1, 1, 10 };		/* without --ir */
static const double fades[] = { 0.02, 1 };		/* seconds */

static const char help[] =
"Usage: segue-bench swap [OPTION...]\n"
"\n"
"Convolves noise, goes over to another response again and again, and measures each cycle.\n"
"\n"
"  --quantum N       frames of a cycle, 1..8192 (64)\n"
"  --rate HZ         1000..768000 (48000)\n"
"  --seconds S       sound to measure of each case, 0.1..3600 (120), but three rounds at least\n"
"  --channels INxOUT inputs and outputs, 1..64 each (2x2)\n"
"  --diagonal        each input to its own output only; otherwise every input to every output\n"
"  --ir SECONDS      length of both responses, 0.001..60 (0.1, 1 and 10)\n"
"  --paced           one cycle per quantum of real time, asleep between them: cold caches. Times are the\n"
"                    thread's own CPU time then\n"
"  --json            one object a line\n"
"  --help            this text\n"
"\n"
"Each case has a fade of 20 ms and one of 1 s.\n"
"\n"
"  before   32768 frames before a swap is taken\n"
"  swap     from the cycle that takes it to the one in which its fade ends\n"
"  after    32768 frames after that\n"
"  wc       the worst cycle without the machine's own hiccups. A round has a swap at each of eight places\n"
"           in a largest block; for each cycle of the round the median over the rounds, then the largest\n"
"  /before  mean and wc as multiples of those before\n"
"\n"
"Times are us; in JSON ns. Exit status: 0 done, 1 failed, 2 usage.\n";

enum { BEFORE, SWAP, AFTER, N_PARTS };

static const char *const names[N_PARTS] = { "before", "swap", "after" };

struct run {
	struct segue_sound sound;
	struct segue_player player;
	uint32_t fade;			/* frames */
	struct segue_samples samples[N_PARTS];
	uint32_t n_phases[N_PARTS];	/* cycles of a round */
};

static void print_result(bool json, const struct run *run)
{
	const struct segue_convolver_work *w = run->sound.work;
	struct segue_summary s[N_PARTS];
	char name[128];

	for (uint32_t i = 0; i < N_PARTS; i++) {
		s[i] = segue_samples_summary(&run->samples[i], run->n_phases[i]);
		snprintf(name, sizeof(name), "%ux%u%s %g s %u, fade %g s, %s", w->n_in, w->n_out,
				w->diagonal ? " diagonal" : "", w->ir, w->quantum, (double)run->fade / w->rate, names[i]);
		if (json)
			printf("{\"bench\":\"swap\",\"case\":\"%s\",\"channels\":\"%ux%u\",\"diagonal\":%s,"
					"\"ir\":%g,\"quantum\":%u,\"rate\":%u,\"paced\":%s,\"fade\":%g,\"part\":\"%s\","
					"\"samples\":%u,\"mean\":%.1f,\"median\":%.1f,\"p999\":%.1f,\"wc\":%.1f,"
					"\"max\":%.1f}\n", name, w->n_in, w->n_out, w->diagonal ? "true" : "false", w->ir,
					w->quantum, w->rate, w->paced ? "true" : "false", (double)run->fade / w->rate,
					names[i], s[i].n, s[i].mean, s[i].median, s[i].p999, s[i].wc, s[i].max);
		else
			printf("%-40s %8.2f %8.2f %8.2f %8.2f %8.2f %6.2f %6.2f\n", name, s[i].mean / 1e3,
					s[i].median / 1e3, s[i].p999 / 1e3, s[i].wc / 1e3, s[i].max / 1e3,
					s[i].mean / s[BEFORE].mean, s[i].wc / s[BEFORE].wc);
	}
	fflush(stdout);
}

/* One swap, and on to where the next one is due. \return cycles, 0: not possible */
static uint32_t run_swap(struct run *run, bool measured)
{
	uint32_t quantum = run->sound.work->quantum, counts[N_PARTS], i, n = 0, n_frames;

	counts[BEFORE] = counts[AFTER] = (SEGUE_PHASE_FRAMES + quantum - 1) / quantum;
	for (i = 0; i < N_PARTS; i++) {
		if (i == SWAP) {
			if ((n_frames = segue_convolver_ours_swap(run->player.data, run->fade)) == 0)
				return 0;
			counts[SWAP] = (n_frames + quantum - 1) / quantum;
		}
		segue_sound_play(&run->sound, &run->player, counts[i], measured ? &run->samples[i] : NULL);
		run->n_phases[i] = OFFSETS * counts[i];
		n += counts[i];
	}
	n_frames = (n * quantum + BLOCK_FRAMES - 1) / BLOCK_FRAMES * BLOCK_FRAMES + BLOCK_FRAMES / OFFSETS;
	i = n_frames / quantum - n;
	segue_sound_play(&run->sound, &run->player, i, NULL);
	return n + i;
}

static int run_rounds(struct run *run)
{
	const struct segue_convolver_work *w = run->sound.work;
	uint32_t n, n_rounds, i;

	/* it makes the second response, and tells how long a swap takes */
	if ((n = run_swap(run, false)) == 0)
		return -ENOMEM;
	n_rounds = (uint32_t)(w->seconds * w->rate / w->quantum / n / OFFSETS);
	n_rounds = n_rounds < ROUNDS_MIN ? ROUNDS_MIN : n_rounds;
	for (i = 0; i < N_PARTS; i++) {
		if (segue_samples_init(&run->samples[i], n_rounds * run->n_phases[i]) < 0)
			return -ENOMEM;
	}
	for (i = 0; i < n_rounds * OFFSETS; i++) {
		if (run_swap(run, true) == 0)
			return -ENOMEM;
	}
	return 0;
}

static int run_case(bool json, const struct segue_convolver_work *work, double fade)
{
	struct run run = { .player.peer = &segue_convolver_ours, .fade = (uint32_t)(fade * work->rate) };
	int res = segue_sound_init(&run.sound, work);

	if (res == 0) {
		run.player.data = run.player.peer->open(work, run.sound.paths, run.sound.n_frames);
		res = run.player.data != NULL ? 0 : -ENOMEM;
	}
	if (res == 0) {
		segue_sound_play(&run.sound, &run.player, segue_sound_warm_cycles(&run.sound), NULL);
		res = run_rounds(&run);
	}
	if (res == 0)
		print_result(json, &run);
	if (run.player.data != NULL)
		run.player.peer->close(run.player.data);
	for (uint32_t i = 0; i < N_PARTS; i++)
		segue_samples_clear(&run.samples[i]);
	segue_sound_clear(&run.sound);
	return res;
}

int segue_bench_swap(int argc, char *argv[])
{
	struct segue_bench_options o;
	struct segue_convolver_work work;
	size_t i, k, n_lengths;
	int res = segue_sound_read_options(&o, DEFAULT_SECONDS, help, argc, argv);

	if (res >= 0)
		return res;
	work = segue_sound_work(&o);
	if ((res = segue_sound_check(&work, "swap")) >= 0)
		return res;
	n_lengths = o.given & SEGUE_OPTION_BIT(IR) ? 1 : sizeof(lengths) / sizeof(lengths[0]);
	if (!o.json)
		printf("%-40s %8s %8s %8s %8s %8s %6s %6s\n", o.paced ? "paced" : "burst", "mean us", "median", "p99.9",
				"wc", "max", "/before", "wc/");
	for (res = 0, i = 0; res == 0 && i < n_lengths; i++) {
		if (n_lengths > 1)
			work.ir = lengths[i];
		for (k = 0; res == 0 && k < sizeof(fades) / sizeof(fades[0]); k++)
			res = run_case(o.json, &work, fades[k]);
	}
	if (res < 0)
		fprintf(stderr, "segue-bench: %s\n", strerror(-res));
	return res < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
