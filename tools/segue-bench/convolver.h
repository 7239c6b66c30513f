/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_BENCH_CONVOLVER_H
#define SEGUE_BENCH_CONVOLVER_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** \file
 * The convolvers that are measured side by side. */

struct segue_convolver_work {
	uint32_t quantum, rate;
	double seconds;		/* of sound to measure */
	uint32_t n_in, n_out;
	bool diagonal;		/* n_in paths rather than n_in * n_out */
	double ir;		/* seconds of response */
	bool paced;
};

static inline uint32_t segue_convolver_work_paths(const struct segue_convolver_work *work)
{
	return work->diagonal ? work->n_in : work->n_in * work->n_out;
}

struct segue_convolver_peer {
	const char *name;
	/** \param paths  responses of n_frames each, in-major; outlive it
	 * \return NULL: no memory, or not possible */
	void *(*open)(const struct segue_convolver_work *work, float *const *paths, uint32_t n_frames);
	/** One quantum. */
	void (*process)(void *data, const float *const *in, float *const *out);
	void (*close)(void *data);
};

extern const struct segue_convolver_peer segue_convolver_ours;
#ifdef HAVE_ZITA_CONVOLVER
extern const struct segue_convolver_peer segue_convolver_zita;
#endif

/* what only ours can */

/** Make its response once more, off the data loop. \return ns of CPU time, 0: no memory */
double segue_convolver_ours_make(void *data);
/** Go over to another response, in the next cycle.
 * \return frames from there to the end of the fade, 0: no memory, or the swap before isn't over */
uint32_t segue_convolver_ours_swap(void *data, uint32_t fade_frames);

/** `segue-bench convolver`, `segue-bench swap`. \return an exit status */
int segue_bench_convolver(int argc, char *argv[]);
int segue_bench_swap(int argc, char *argv[]);

#ifdef __cplusplus
}
#endif

#endif /* SEGUE_BENCH_CONVOLVER_H */
