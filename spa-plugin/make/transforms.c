/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "transforms.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include <spa/utils/defs.h>

#include "fft.h"

/* w^k .. w^(n_powers * k) for k = 0..n / 2 and those that fill the last eight, w = exp(-2 pi i / n_values) */
static float *make_twiddles(uint32_t n, uint32_t n_powers, uint32_t n_values)
{
	uint32_t k, p, n_groups = n / 2 / 8 + 1;
	float *twiddles = aligned_alloc(64, SPA_ROUND_UP_N(n_groups * n_powers * 16 * sizeof(float), 64u));

	for (k = 0; twiddles != NULL && k < n_groups * 8; k++) {
		for (p = 0; p < n_powers; p++) {
			float *group = twiddles + (k / 8 * n_powers + p) * 16;
			double angle = -2.0 * M_PI * k * (p + 1) / n_values;

			group[k % 8] = (float)cos(angle);
			group[k % 8 + 8] = (float)sin(angle);
		}
	}
	return twiddles;
}

static bool plan_level(struct segue_transform *t, const struct segue_level_shape *shape)
{
	uint32_t j, n;
	bool done;

	t->block = shape->block;
	t->n_joins = shape->n_joins;
	t->n_pieces = 1u << (2 * t->n_joins);
	t->n_streams = 2 * t->n_pieces;
	t->n_complex = t->block / t->n_pieces;
	t->forward = segue_fft_plan_split(t->n_complex, (int32_t)t->n_complex + 8);
	t->backward = segue_fft_plan_split(t->n_complex, -(int32_t)t->n_complex - 8);
	t->untangle = make_twiddles(t->n_complex, 1, 2 * t->n_complex);
	done = t->forward != NULL && t->backward != NULL && t->untangle != NULL;
	t->n_steps = t->n_pieces;
	for (j = 0; j < t->n_joins; j++) {
		n = 2 * t->n_complex << (2 * j);
		t->join[j] = make_twiddles(n, 3, 4 * n);
		t->n_steps += (t->n_pieces >> (2 * (j + 1))) * SPA_MAX(n / 2 / SEGUE_SLICE_BINS, 1u);
		done = done && t->join[j] != NULL;
	}
	return done;
}

struct segue_transforms *segue_transforms_new(void)
{
	struct segue_transforms *transforms = calloc(1, sizeof(*transforms));
	uint32_t i;

	if (transforms == NULL)
		return NULL;
	transforms->refs = 1;
	for (i = 0; i < SEGUE_LEVELS_MAX; i++) {
		if (!plan_level(&transforms->levels[i], &segue_levels[i])) {
			segue_transforms_unref(transforms);
			errno = ENOMEM;
			return NULL;
		}
	}
	return transforms;
}

struct segue_transforms *segue_transforms_ref(struct segue_transforms *transforms)
{
	__atomic_add_fetch(&transforms->refs, 1, __ATOMIC_RELAXED);
	return transforms;
}

void segue_transforms_unref(struct segue_transforms *transforms)
{
	uint32_t i, j;

	/* acquire and release, paired with one another: who frees them sees that all others are done */
	if (transforms == NULL || __atomic_sub_fetch(&transforms->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (i = 0; i < SEGUE_LEVELS_MAX; i++) {
		struct segue_transform *t = &transforms->levels[i];

		segue_fft_plan_free(t->forward);
		segue_fft_plan_free(t->backward);
		free(t->untangle);
		for (j = 0; j < SEGUE_JOINS_MAX; j++)
			free(t->join[j]);
	}
	free(transforms);
}
