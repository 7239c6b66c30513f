/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "measure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <spa/utils/defs.h>

#define PARTS_MAX	9u	/* an odd number: one of them is in the middle */
#define PART_MIN	2000u	/* samples of which one in a thousand can be told */

int segue_samples_init(struct segue_samples *samples, uint32_t max)
{
	double *nsec = malloc(max * sizeof(*nsec));

	if (nsec == NULL)
		return -ENOMEM;
	memset(nsec, 0xff, max * sizeof(*nsec));
	*samples = (struct segue_samples) { .nsec = nsec, .max = max };
	return 0;
}

void segue_samples_clear(struct segue_samples *samples)
{
	free(samples->nsec);
	*samples = (struct segue_samples) { 0 };
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double worst_phase(const struct segue_samples *samples, uint32_t n_phases, double *scratch)
{
	double worst = 0.0;

	for (uint32_t phase = 0; phase < n_phases && phase < samples->n; phase++) {
		uint32_t n = 0;

		for (uint32_t i = phase; i < samples->n; i += n_phases)
			scratch[n++] = samples->nsec[i];
		qsort(scratch, n, sizeof(*scratch), compare);
		if (scratch[n / 2] > worst)
			worst = scratch[n / 2];
	}
	return worst;
}

/* sorts each part in place */
static double parts_p999(double *nsec, uint32_t n)
{
	uint32_t n_parts = SPA_CLAMP(n / PART_MIN, 1u, PARTS_MAX), part = n / n_parts;
	double p999[PARTS_MAX];

	for (uint32_t i = 0; i < n_parts; i++) {
		qsort(nsec + i * part, part, sizeof(*nsec), compare);
		p999[i] = nsec[i * part + (uint64_t)part * 999 / 1000];
	}
	qsort(p999, n_parts, sizeof(*p999), compare);
	return p999[n_parts / 2];
}

struct segue_summary segue_samples_summary(const struct segue_samples *samples, uint32_t n_phases)
{
	struct segue_summary s = { 0 };
	double *sorted;
	double sum = 0.0;

	if (samples->n == 0 || (sorted = malloc(samples->n * sizeof(*sorted))) == NULL)
		return s;
	s.n = samples->n;
	s.wc = worst_phase(samples, n_phases, sorted);

	for (uint32_t i = 0; i < s.n; i++)
		sum += sorted[i] = samples->nsec[i];
	s.p999 = parts_p999(sorted, s.n);
	qsort(sorted, s.n, sizeof(*sorted), compare);
	s.mean = sum / s.n;
	s.median = sorted[s.n / 2];
	s.max = sorted[s.n - 1];
	free(sorted);
	return s;
}
