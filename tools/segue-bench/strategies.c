/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "strategies.h"

#include <stdlib.h>
#include <string.h>

static void *alloc_aligned(size_t size)
{
	return aligned_alloc(SEGUE_CACHE_LINE,
			(size + SEGUE_CACHE_LINE - 1) / SEGUE_CACHE_LINE * SEGUE_CACHE_LINE);
}

float *segue_floats_new(uint32_t n_frames)
{
	float *data = alloc_aligned(n_frames * sizeof(float));

	if (data != NULL)
		memset(data, 0, n_frames * sizeof(float));
	return data;
}

struct segue_block *segue_block_new(uint32_t n_frames)
{
	size_t size = sizeof(struct segue_block) + n_frames * sizeof(float);
	struct segue_block *b = alloc_aligned(size);

	if (b != NULL)
		*b = (struct segue_block) { .buffer = { .refs = 1, .bytes = size }, .refs = 1 };
	return b;
}

void segue_block_free(struct segue_block *block)
{
	if (block == NULL)
		return;
	free(block->ticket);
	free(block);
}

void segue_block_free_list(struct segue_block *list)
{
	struct segue_block *next;

	for (; list != NULL; list = next) {
		next = list->next;
		segue_block_free(list);
	}
}

float *segue_block_acquire(struct segue_block **made, uint32_t n_frames)
{
	if (*made == NULL)
		*made = segue_block_new(n_frames);
	return *made != NULL ? (*made)->data : NULL;
}

extern const struct segue_strategy segue_strategy_mutex, segue_strategy_copy, segue_strategy_pointers,
	segue_strategy_double, segue_strategy_pool, segue_strategy_scan, segue_strategy_segue;

const struct segue_strategy *const segue_strategies[SEGUE_STRATEGIES_N] = {
	&segue_strategy_mutex,
	&segue_strategy_copy,
	&segue_strategy_pointers,
	&segue_strategy_double,
	&segue_strategy_pool,
	&segue_strategy_scan,
	&segue_strategy_segue,
};
