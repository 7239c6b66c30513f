/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "sound.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define DEFAULT_QUANTUM		64
#define DEFAULT_RATE		48000
#define DEFAULT_IR		10.0	/* seconds */
#define DEFAULT_CHANNELS	2
#define BYTES_MAX		(1u << 30)	/* of a response as it is; its spectra take twice that */
#define LOOP_FRAMES		8192u	/* of the input, at least */
#define DECAY			6.9	/* nepers: 60 dB */
#define SNR_FRAMES		64u	/* of the last cycle that are looked at */

int segue_sound_read_options(struct segue_bench_options *ret, double seconds, const char *help, int argc,
		char *argv[])
{
	*ret = (struct segue_bench_options) {
		.numbers = {
			[SEGUE_OPTION_QUANTUM] = DEFAULT_QUANTUM,
			[SEGUE_OPTION_RATE] = DEFAULT_RATE,
			[SEGUE_OPTION_SECONDS] = seconds,
			[SEGUE_OPTION_IR] = DEFAULT_IR,
		},
		.n_in = DEFAULT_CHANNELS,
		.n_out = DEFAULT_CHANNELS,
	};
	return segue_bench_options_read(ret, SEGUE_SOUND_CASE | SEGUE_OPTION_BIT(RATE) | SEGUE_OPTION_BIT(SECONDS) |
			SEGUE_OPTION_BIT(PACED), help, argc, argv);
}

struct segue_convolver_work segue_sound_work(const struct segue_bench_options *o)
{
	return (struct segue_convolver_work) {
		.quantum = (uint32_t)o->numbers[SEGUE_OPTION_QUANTUM],
		.rate = (uint32_t)o->numbers[SEGUE_OPTION_RATE],
		.seconds = o->numbers[SEGUE_OPTION_SECONDS],
		.n_in = o->n_in,
		.n_out = o->n_out,
		.diagonal = o->diagonal,
		.ir = o->numbers[SEGUE_OPTION_IR],
		.paced = o->paced,
	};
}

int segue_sound_check(const struct segue_convolver_work *work, const char *bench)
{
	double bytes = segue_convolver_work_paths(work) * work->ir * work->rate * sizeof(float);

	return bytes <= BYTES_MAX ? -1 : segue_bench_usage_error(bench, "channels",
			"with so long a response over 1 GiB");
}

uint64_t segue_clock_nsec(clockid_t clock)
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

void segue_sound_clear(struct segue_sound *s)
{
	uint32_t i;

	for (i = 0; s->paths != NULL && i < segue_convolver_work_paths(s->work); i++)
		free(s->paths[i]);
	free(s->paths);
	for (i = 0; i < SEGUE_SOUND_CHANNELS; i++) {
		free(s->in[i]);
		free(s->out[i]);
	}
}

int segue_sound_init(struct segue_sound *s, const struct segue_convolver_work *work)
{
	uint32_t i, n_paths = segue_convolver_work_paths(work);

	*s = (struct segue_sound) { .work = work, .n_frames = (uint32_t)fmax(work->ir * work->rate, 1.0),
		.n_quanta = LOOP_FRAMES / work->quantum + 1 };
	if ((s->paths = calloc(n_paths, sizeof(*s->paths))) == NULL)
		return -ENOMEM;
	for (i = 0; i < n_paths; i++) {
		if ((s->paths[i] = new_noise(s->n_frames, DECAY)) == NULL)
			return -ENOMEM;
	}
	for (i = 0; i < work->n_in; i++) {
		if ((s->in[i] = new_noise(s->n_quanta * work->quantum, 0.0)) == NULL)
			return -ENOMEM;
	}
	for (i = 0; i < work->n_out; i++) {
		if ((s->out[i] = calloc(work->quantum, sizeof(float))) == NULL)
			return -ENOMEM;
	}
	s->next_nsec = segue_now_nsec();
	return 0;
}

static void wait_for_cycle(struct segue_sound *s)
{
	uint64_t now = segue_now_nsec(), period = (uint64_t)s->work->quantum * 1000000000u / s->work->rate;
	struct timespec ts;

	s->next_nsec += period;
	if (s->next_nsec + 100 * period < now)
		s->next_nsec = now;
	ts = (struct timespec) { (time_t)(s->next_nsec / 1000000000u), (long)(s->next_nsec % 1000000000u) };
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

void segue_sound_play(struct segue_sound *s, struct segue_player *player, uint32_t n_cycles,
		struct segue_samples *samples)
{
	bool paced = s->work->paced && samples != NULL;
	clockid_t clock = paced ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
	const float *in[SEGUE_SOUND_CHANNELS];
	uint64_t begun;
	uint32_t i, c;

	for (i = 0; i < n_cycles; i++) {
		for (c = 0; c < s->work->n_in; c++)
			in[c] = s->in[c] + player->n_cycles % s->n_quanta * s->work->quantum;
		if (paced)
			wait_for_cycle(s);
		begun = segue_clock_nsec(clock);
		player->peer->process(player->data, in, s->out);
		if (samples != NULL)
			segue_samples_add(samples, (double)(segue_clock_nsec(clock) - begun));
		player->n_cycles++;
	}
}

static double direct_sum(const struct segue_sound *s, uint32_t output, uint64_t frame)
{
	const struct segue_convolver_work *w = s->work;
	uint32_t n_loop = s->n_quanta * w->quantum, i, k, at;
	double sum = 0.0;

	for (i = 0; i < w->n_in; i++) {
		const float *h = s->paths[w->diagonal ? i : i * w->n_out + output];

		if (w->diagonal && i != output)
			continue;
		for (k = 0, at = frame % n_loop; k < s->n_frames && k <= frame; k++) {
			sum += (double)h[k] * s->in[i][at];
			at = at > 0 ? at - 1 : n_loop - 1;
		}
	}
	return sum;
}

double segue_sound_snr(const struct segue_sound *s, const struct segue_player *player)
{
	uint64_t begin = (player->n_cycles - 1) * s->work->quantum;
	double error = 1e-300, power = 0.0;

	for (uint32_t o = 0; o < s->work->n_out; o++) {
		for (uint32_t i = 0; i < s->work->quantum && i < SNR_FRAMES; i++) {
			double expected = direct_sum(s, o, begin + i), e = s->out[o][i] - expected;

			error += e * e;
			power += expected * expected;
		}
	}
	return 10.0 * log10(power / error);
}

uint32_t segue_sound_warm_cycles(const struct segue_sound *s)
{
	return (s->n_frames + SEGUE_PHASE_FRAMES) / s->work->quantum + 1;
}
