/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_BENCH_SOUND_H
#define SEGUE_BENCH_SOUND_H

#include <stdint.h>

#include "convolver.h"
#include "measure.h"
#include "options.h"

/** \file
 * Sound for convolvers, and cycles of it. */

#define SEGUE_SOUND_CHANNELS	64u
#define SEGUE_PHASE_FRAMES	32768u	/* after so many the work of a convolver repeats itself */

struct segue_sound {
	const struct segue_convolver_work *work;
	float **paths;			/* noise that dies away */
	uint32_t n_frames;		/* of a path */
	float *in[SEGUE_SOUND_CHANNELS];	/* noise, n_quanta of it over and over */
	float *out[SEGUE_SOUND_CHANNELS];	/* a quantum */
	uint32_t n_quanta;
	uint64_t next_nsec;		/* paced: when the next cycle begins */
};

struct segue_player {
	const struct segue_convolver_peer *peer;
	void *data;
	uint64_t n_cycles;		/* so far */
};

/** Those of both benchmarks' options that make a case. */
#define SEGUE_SOUND_CASE	(SEGUE_OPTION_BIT(QUANTUM) | SEGUE_OPTION_BIT(IR) | SEGUE_OPTION_BIT(CHANNELS) | \
				 SEGUE_OPTION_BIT(DIAGONAL))

/** Read them.
 * \param seconds  unless it is given
 * \return as segue_bench_options_read() */
int segue_sound_read_options(struct segue_bench_options *ret, double seconds, const char *help, int argc,
		char *argv[]);
/** What they ask for. */
struct segue_convolver_work segue_sound_work(const struct segue_bench_options *options);

/** Is it more than memory should be taken for?
 * \return -1: go on; otherwise an exit status, and it has been said */
int segue_sound_check(const struct segue_convolver_work *work, const char *bench);

/** \return 0 or -ENOMEM; clear it then, too */
int segue_sound_init(struct segue_sound *sound, const struct segue_convolver_work *work);
void segue_sound_clear(struct segue_sound *sound);
/** Play on, in real time if the work is paced and measured.
 * \param samples  the thread's time of each cycle, its CPU time when paced; NULL: not measured */
void segue_sound_play(struct segue_sound *sound, struct segue_player *player, uint32_t n_cycles,
		struct segue_samples *samples);
/** How far the last cycle's output is from the direct sum in double precision, in dB below it. */
double segue_sound_snr(const struct segue_sound *sound, const struct segue_player *player);
/** Cycles until every partition has heard something, and the work repeats itself. */
uint32_t segue_sound_warm_cycles(const struct segue_sound *sound);

/** ns of a clock that counts CPU time, or of any other. */
uint64_t segue_clock_nsec(clockid_t clock);

#endif /* SEGUE_BENCH_SOUND_H */
