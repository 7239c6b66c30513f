/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_BENCH_MEASURE_H
#define SEGUE_BENCH_MEASURE_H

#include <stdint.h>
#include <time.h>

/** \file
 * Times and what becomes of them. Nothing is subtracted: two readings of the clock in a row are part of
 * every sample (about 20 ns where the clock is read without a system call). */

static inline uint64_t segue_now_nsec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/** Samples in ns, in the order measured. */
struct segue_samples {
	double *nsec;
	uint32_t n, max;
};

/** Memory for max samples, present from the start: adding one doesn't fault. \return 0 or -ENOMEM */
int segue_samples_init(struct segue_samples *samples, uint32_t max);
void segue_samples_clear(struct segue_samples *samples);

/** What exceeds the maximum is dropped. */
static inline void segue_samples_add(struct segue_samples *samples, double nsec)
{
	if (samples->n < samples->max)
		samples->nsec[samples->n++] = nsec;
}

struct segue_summary {
	uint32_t n;
	double mean, median, p999, wc, max;
};

/** Summarise. Sorts a copy; all zero without samples or memory.
 * \param n_phases  the work repeats itself every so many samples: `wc` is the median over the repetitions
 *                  of each phase, then the largest of these; the machine's own hiccups hit no phase twice.
 *                  `p999` is the median of what nine parts of the run have each: hiccups come in bursts */
struct segue_summary segue_samples_summary(const struct segue_samples *samples, uint32_t n_phases);

#endif /* SEGUE_BENCH_MEASURE_H */
