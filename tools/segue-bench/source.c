/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "source.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <spa/utils/defs.h>

#include "make/layout.h"
#include "measure.h"
#include "options.h"
#include "sound.h"

#define DEFAULT_QUANTUM	64
#define DEFAULT_RATE	48000
#define DEFAULT_SECONDS	6.0
#define DEFAULT_VOICES	64
#define ROUNDS		45u	/* they take turns; an odd number: one of them is in the middle */
#define MEMORY_MAX	((size_t)1 << 30)
#define ROOT_KEY	60u
#define LOWEST_KEY	36u
#define N_KEYS		49u	/* four octaves */
#define KEY_STRIDE	13u	/* to the next voice's; it shares no factor with N_KEYS */

static const struct segue_voice_kind kinds[] = {
	{ "table", SEGUE_READER_TABLE, 1 },
	{ "cubic", SEGUE_READER_CUBIC, 1 },
	{ "cubic stereo", SEGUE_READER_CUBIC, 2 },
	{ "linear", SEGUE_READER_LINEAR, 1 },
	{ "unity", SEGUE_READER_UNITY, 1 },
	{ "unity stereo", SEGUE_READER_UNITY, 2 },
};

static const uint32_t counts[] = { 1, 64, 256 };	/* without --voices */
static const uint32_t quanta[] = { 64, 256 };		/* without --quantum */

static const struct segue_voice_player *const players[] = {
	&segue_player_ours,
	&segue_player_ours_held,
	&segue_player_plain,
#ifdef HAVE_FLUIDSYNTH
	&segue_player_fluidsynth,
#endif
};

#define N_PLAYERS	(sizeof(players) / sizeof(players[0]))

static const char help[] =
"Usage: segue-bench source [OPTION...]\n"
"\n"
"Plays voices to two outputs, side by side with plain loops in C and (where it was there when this was\n"
"built) fluidsynth.\n"
"\n"
"  --voices N    1..256 (1, 64 and 256)\n"
"  --quantum N   frames of a cycle, 1..8192 (64 and 256)\n"
"  --rate HZ     1000..768000 (48000)\n"
"  --seconds S   sound to measure of each, 0.1..3600 (6)\n"
"  --cycles N    cycles to measure of each, 1..1000000 (what --seconds says)\n"
"  --json        one object a line\n"
"  --help        this text\n"
"\n"
"  table   one period of a saw, keys of four octaves; a cubic through four neighbours\n"
"  cubic   a looped sample of a second, keys of four octaves around its own, by the same cubic\n"
"  linear  the same, between two neighbours: ours has no such thing\n"
"  unity   the same sample at its own pitch: nothing is interpolated (fluidsynth does all the same)\n"
"  stereo  samples of two channels; fluidsynth has two voices for that, which are counted as one\n"
"\n"
"  segue        the whole engine. Its envelope is on its way in every frame (moving), or has come to rest (held)\n"
"  plain        one loop a voice, compiled as ours is, without envelope or swaps\n"
"  fluidsynth   its fourth-order interpolation, in linear its linear one; no reverb, no chorus, one thread\n"
"  swap         the same voices while ours goes over to another buffer: notes on a table sound on both,\n"
"               notes on a sample go on alone\n"
"\n"
"Voices begin one a cycle, so they are at different places. Who is measured takes turns, 45 rounds each.\n"
"Times are us a cycle, in JSON ns. ns/v/f: per voice per frame, of the median; swap/: that in a swap as a\n"
"multiple of that without. wc: for each phase of 32768\n"
"frames the median over its repetitions, then the largest.\n"
"\n"
"Exit status: 0 done, 1 failed, 2 usage.\n";

enum { STEADY, SWAP, N_PARTS };

struct run {
	struct segue_voice_work work;
	struct segue_make make;
	struct segue_buffer *buffers[2];
	float *out[SEGUE_PLAYER_OUTPUTS];
	uint32_t n_cycles;	/* of a round */
	void *data[N_PLAYERS];
	struct segue_samples samples[N_PLAYERS][N_PARTS];
};

uint32_t segue_voice_work_key(const struct segue_voice_work *work, uint32_t voice)
{
	return work->kind->reader == SEGUE_READER_UNITY ? ROOT_KEY : LOWEST_KEY + voice * KEY_STRIDE % N_KEYS;
}

/* ------------------------------------------------------------------- buffers */

/* A second of it: a chord, its first quarter isn't in the loop. */
static struct segue_buffer *make_sample(struct run *run)
{
	const struct segue_voice_work *w = &run->work;
	struct segue_sample *sample = segue_sample_new(&run->make, w->kind->n_channels, w->rate, w->rate);

	if (sample == NULL)
		return NULL;
	for (uint32_t c = 0; c < sample->n_channels; c++) {
		for (uint64_t i = 0; i < sample->n_frames; i++)
			sample->data[c][i] = 0.3f * (float)(sin(2 * M_PI * 261 * i / w->rate) +
					sin(2 * M_PI * 329 * i / w->rate + c));
	}
	sample->root_key = ROOT_KEY;
	sample->loop = SEGUE_LOOP_FORWARD;
	sample->loop_start = sample->n_frames / 4;
	sample->loop_end = sample->n_frames;
	return &sample->buffer;
}

static struct segue_buffer *make_buffer(struct run *run, const char *wave)
{
	struct segue_options options = SEGUE_OPTIONS_INIT;

	if (run->work.kind->reader != SEGUE_READER_TABLE)
		return make_sample(run);
	return segue_wave_make(&run->make, wave, &options, run->work.rate);
}

/* ------------------------------------------------------------------ measuring */

static void clear_run(struct run *run)
{
	uint32_t i, k;

	for (i = 0; i < N_PLAYERS; i++) {
		if (run->data[i] != NULL)
			players[i]->close(run->data[i]);
		for (k = 0; k < N_PARTS; k++)
			segue_samples_clear(&run->samples[i][k]);
	}
	for (i = 0; i < SPA_N_ELEMENTS(run->buffers); i++) {
		if (run->make.memory != NULL)
			segue_memory_free(run->make.memory, run->buffers[i]);
	}
	for (i = 0; i < SEGUE_PLAYER_OUTPUTS; i++)
		free(run->out[i]);
	if (run->make.memory != NULL)
		segue_memory_unref(run->make.memory);
}

static bool can_swap(uint32_t player)
{
	return player == 0;
}

static int init_run(struct run *run)
{
	static const char *const waves[] = { "saw", "square" };
	uint32_t i, k;

	run->make.name = "voice";
	if ((run->make.memory = segue_memory_new(MEMORY_MAX)) == NULL)
		return -ENOMEM;
	for (i = 0; i < SPA_N_ELEMENTS(run->buffers); i++) {
		if ((run->buffers[i] = run->work.buffers[i] = make_buffer(run, waves[i])) == NULL)
			return -ENOMEM;
	}
	for (i = 0; i < SEGUE_PLAYER_OUTPUTS; i++) {
		if ((run->out[i] = calloc(run->work.quantum, sizeof(float))) == NULL)
			return -ENOMEM;
	}
	for (i = 0; i < N_PLAYERS; i++) {
		if (!players[i]->can(run->work.kind))
			continue;
		for (k = 0; k < (can_swap(i) ? N_PARTS : 1u); k++) {
			if (segue_samples_init(&run->samples[i][k], ROUNDS * run->n_cycles) < 0)
				return -ENOMEM;
		}
		if ((run->data[i] = players[i]->open(&run->work)) == NULL)
			return -ENOMEM;
	}
	return 0;
}

static void play(struct run *run, uint32_t player, uint32_t n_cycles, struct segue_samples *samples)
{
	uint64_t begun;

	for (uint32_t i = 0; i < n_cycles; i++) {
		begun = segue_now_nsec();
		players[player]->process(run->data[player], run->out);
		if (samples != NULL)
			segue_samples_add(samples, (double)(segue_now_nsec() - begun));
	}
}

static int run_player(struct run *run, uint32_t player)
{
	int res;

	play(run, player, 1, NULL);	/* for the caches */
	play(run, player, run->n_cycles, &run->samples[player][STEADY]);
	if (!can_swap(player))
		return 0;
	if ((res = segue_player_ours_swap(run->data[player], run->n_cycles * run->work.quantum)) < 0)
		return res;
	play(run, player, run->n_cycles, &run->samples[player][SWAP]);
	play(run, player, 1, NULL);	/* it has let go */
	return 0;
}

static int run_rounds(struct run *run)
{
	uint32_t p, i;
	int res;

	for (p = 0; p < N_PLAYERS; p++) {
		for (i = 0; run->data[p] != NULL && i < run->work.n_voices; i++) {
			players[p]->strike(run->data[p], i);
			play(run, p, 1, NULL);
		}
		/* past the attack */
		if (run->data[p] != NULL)
			play(run, p, run->work.rate / 100 / run->work.quantum + 1, NULL);
	}
	for (i = 0; i < ROUNDS; i++) {
		for (p = N_PLAYERS; p-- > 0; ) {
			if (run->data[p] != NULL && (res = run_player(run, p)) < 0)
				return res;
		}
	}
	for (p = 0; p < N_PLAYERS; p++) {
		if (run->data[p] != NULL && players[p]->count(run->data[p]) != run->work.n_voices)
			return -EPIPE;
	}
	return 0;
}

/* ------------------------------------------------------------------- printing */

/* Per voice and frame, of the cycle in the middle: the mean would be of those others took from us, too. */
static double voice_frame(const struct run *run, uint32_t player, uint32_t part)
{
	return segue_samples_summary(&run->samples[player][part], 1).median / run->work.n_voices / run->work.quantum;
}

static void print_result(bool json, const struct run *run, uint32_t p, uint32_t part)
{
	static const char *const parts[] = { "steady", "swap" };
	const struct segue_voice_work *w = &run->work;
	const struct segue_samples *samples = &run->samples[p][part];
	struct segue_summary s = segue_samples_summary(samples, (SEGUE_PHASE_FRAMES + w->quantum - 1) / w->quantum);
	double nsec = voice_frame(run, p, part);
	char name[64];

	snprintf(name, sizeof(name), "%s, %u, %u", w->kind->name, w->n_voices, w->quantum);
	if (json) {
		printf("{\"bench\":\"source\",\"case\":\"%s, %s, %s, %s\",\"reader\":\"%s\",\"player\":\"%s\","
				"\"envelope\":\"%s\",\"part\":\"%s\",\"voices\":%u,\"quantum\":%u,\"rate\":%u,"
				"\"samples\":%u,\"mean\":%.1f,\"median\":%.1f,\"p999\":%.1f,\"wc\":%.1f,\"max\":%.1f,"
				"\"voice_frame\":%.4f}\n",
				name, players[p]->name, players[p]->envelope, parts[part], w->kind->name,
				players[p]->name, players[p]->envelope, parts[part], w->n_voices, w->quantum, w->rate,
				s.n, s.mean, s.median, s.p999, s.wc, s.max, nsec);
	} else {
		printf("%-21s %-10s %-6s %-6s %9.2f %9.2f %9.2f %9.2f %9.2f %8.3f", name, players[p]->name,
				players[p]->envelope, parts[part], s.mean / 1e3, s.median / 1e3, s.p999 / 1e3,
				s.wc / 1e3, s.max / 1e3, nsec);
		if (part == SWAP)
			printf(" %6.2f", nsec / voice_frame(run, p, STEADY));
		printf("\n");
	}
	fflush(stdout);
}

static int run_case(bool json, const struct segue_voice_work *work, uint32_t n_cycles)
{
	struct run run = { .work = *work, .n_cycles = n_cycles };
	int res;

	if ((res = init_run(&run)) == 0)
		res = run_rounds(&run);
	for (uint32_t p = 0; res == 0 && p < N_PLAYERS; p++) {
		for (uint32_t k = 0; k < N_PARTS; k++) {
			if (run.samples[p][k].n > 0)
				print_result(json, &run, p, k);
		}
	}
	clear_run(&run);
	return res;
}

int segue_bench_source(int argc, char *argv[])
{
	struct segue_bench_options o = {
		.numbers = {
			[SEGUE_OPTION_QUANTUM] = DEFAULT_QUANTUM,
			[SEGUE_OPTION_RATE] = DEFAULT_RATE,
			[SEGUE_OPTION_SECONDS] = DEFAULT_SECONDS,
			[SEGUE_OPTION_VOICES] = DEFAULT_VOICES,
		},
	};
	uint32_t i, k, n, n_counts = SPA_N_ELEMENTS(counts), n_quanta = SPA_N_ELEMENTS(quanta);
	int res = segue_bench_options_read(&o, SEGUE_OPTION_BIT(QUANTUM) | SEGUE_OPTION_BIT(RATE) |
			SEGUE_OPTION_BIT(SECONDS) | SEGUE_OPTION_BIT(VOICES) | SEGUE_OPTION_BIT(CYCLES), help, argc, argv);

	if (res >= 0)
		return res;
	if (o.given & SEGUE_OPTION_BIT(VOICES))
		n_counts = 1;
	if (o.given & SEGUE_OPTION_BIT(QUANTUM))
		n_quanta = 1;
	if (!o.json)
		printf("%-21s %-10s %-6s %-6s %9s %9s %9s %9s %9s %8s %6s\n", "voices, quantum", "", "envel.", "",
				"mean us", "median", "p99.9", "wc", "max", "ns/v/f", "swap/");
	for (res = 0, i = 0; res == 0 && i < SPA_N_ELEMENTS(kinds) * n_counts * n_quanta; i++) {
		struct segue_voice_work work = {
			.kind = &kinds[i / (n_counts * n_quanta)],
			.n_voices = (uint32_t)o.numbers[SEGUE_OPTION_VOICES],
			.quantum = (uint32_t)o.numbers[SEGUE_OPTION_QUANTUM],
			.rate = (uint32_t)o.numbers[SEGUE_OPTION_RATE],
		};

		k = i % (n_counts * n_quanta);
		if (n_counts > 1)
			work.n_voices = counts[k / n_quanta];
		if (n_quanta > 1)
			work.quantum = quanta[k % n_quanta];
		n = (uint32_t)ceil((o.given & SEGUE_OPTION_BIT(CYCLES) ? o.numbers[SEGUE_OPTION_CYCLES] :
				o.numbers[SEGUE_OPTION_SECONDS] * work.rate / work.quantum) / ROUNDS);
		res = run_case(o.json, &work, n);
	}
	if (res < 0)
		fprintf(stderr, "segue-bench: %s\n", res == -EPIPE ? "voices were lost" : strerror(-res));
	return res < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
