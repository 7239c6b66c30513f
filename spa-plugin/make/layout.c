/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "layout.h"

#include <inttypes.h>
#include <string.h>

#include <spa/utils/defs.h>

#include "../rt/instrument.h"

/* floats in 64 bytes: what stands before frame 0, the guard at its end */
#define LINE	16u

SPA_STATIC_ASSERT(LINE >= SEGUE_GUARD_FRAMES, "the guards must fit");
SPA_STATIC_ASSERT(LINE * sizeof(float) == SEGUE_RUN_FIRST, "a line stands before the first frame");

/* -------------------------------------------------------------------- make */

static int fail_alloc(struct segue_make *make, int res, uint64_t size)
{
	if (res == -ENOMEM)
		return segue_error_set(&make->error, res, "%s: no memory for %" PRIu64 " bytes",
				make->name, size);
	return segue_error_set(&make->error, res, "%s: needs %" PRIu64 " bytes beside what is held, over the "
			"limit of %zu", make->name, size, segue_memory_max(make->memory));
}

int segue_make_check_size(struct segue_make *make, uint64_t size)
{
	if (make->bytes_max > 0 && size > make->bytes_max)
		return segue_error_set(&make->error, -EDQUOT, "%s: needs %" PRIu64 " bytes, over its limit "
				"of %zu", make->name, size, make->bytes_max);
	if (size > segue_memory_max(make->memory))
		return fail_alloc(make, -EDQUOT, size);
	return 0;
}

void *segue_make_alloc(struct segue_make *make, uint64_t size)
{
	void *p;

	if (segue_make_check_size(make, size) < 0)
		return NULL;
	if ((p = segue_memory_alloc(make->memory, size)) == NULL)
		fail_alloc(make, -errno, size);
	return p;
}

void *segue_make_resize(struct segue_make *make, void *p, uint64_t size)
{
	void *moved;

	if (segue_make_check_size(make, size) < 0)
		return NULL;
	if ((moved = segue_memory_resize(make->memory, p, size)) == NULL)
		fail_alloc(make, -errno, size);
	return moved;
}

void segue_make_progress(struct segue_make *make, uint64_t done, uint64_t total)
{
	if (make->n_parts == 0)
		segue_job_progress(make->job, done, total);
	else if (total == 0)
		segue_job_progress(make->job, make->part, make->n_parts);
	else
		segue_job_progress(make->job, make->part * total + SPA_MIN(done, total), make->n_parts * total);
}

bool segue_make_cancelled(struct segue_make *make)
{
	if (!segue_job_cancelled(make->job))
		return false;
	segue_error_set(&make->error, -ECANCELED, "%s: cancelled", make->name);
	return true;
}

/* ------------------------------------------------------------------ sample */

static uint64_t stride(uint64_t n_frames)
{
	return LINE + SPA_ROUND_UP_N(n_frames + SEGUE_GUARD_FRAMES, (uint64_t)LINE);
}

uint64_t segue_run_bytes(uint64_t n_frames)
{
	return stride(n_frames) * sizeof(float);
}

static float *first_run(void *buffer, size_t size)
{
	return SPA_PTROFF(buffer, SPA_ROUND_UP_N(size, LINE * sizeof(float)), float) + LINE;
}

uint64_t segue_instrument_bytes(uint32_t n_regions)
{
	return SPA_ROUND_UP_N(sizeof(struct segue_instrument) +
			n_regions * (sizeof(struct segue_region) + sizeof(struct segue_sample)), (uint64_t)64);
}

uint64_t segue_sample_bytes(uint32_t n_channels, uint64_t n_frames)
{
	return SPA_ROUND_UP_N(sizeof(struct segue_sample), LINE * sizeof(float)) +
		n_channels * stride(n_frames) * sizeof(float);
}

static void point_at(struct segue_sample *sample, uint64_t n_frames)
{
	float *first = first_run(sample, sizeof(*sample));
	uint32_t c;

	for (c = 0; c < sample->n_channels; c++)
		sample->data[c] = first + c * stride(n_frames);
	sample->n_frames = n_frames;
	sample->buffer.bytes = segue_memory_size(sample);
}

struct segue_sample *segue_sample_new(struct segue_make *make, uint32_t n_channels, uint64_t n_frames,
		uint32_t rate)
{
	struct segue_sample *sample = segue_make_alloc(make, segue_sample_bytes(n_channels, n_frames));

	if (sample == NULL)
		return NULL;
	sample->buffer.refs = 1;
	sample->buffer.type = SEGUE_BUFFER_SAMPLE;
	sample->n_channels = n_channels;
	sample->rate = rate;
	sample->root_key = 60;
	point_at(sample, n_frames);
	return sample;
}

/* Each channel's frames go to where they lie in a sample of n_to: the last channel first when they part,
 * the first one first when they draw together. */
static void move_channels(struct segue_sample *sample, uint64_t n_from, uint64_t n_to)
{
	float *first = first_run(sample, sizeof(*sample));
	uint32_t i, c;

	for (i = 1; i < sample->n_channels; i++) {
		c = n_to > n_from ? sample->n_channels - i : i;
		memmove(first + c * stride(n_to), first + c * stride(n_from),
				SPA_MIN(n_from, n_to) * sizeof(float));
	}
}

struct segue_sample *segue_sample_resize(struct segue_make *make, struct segue_sample *sample,
		uint64_t n_frames)
{
	uint64_t n_from = sample->n_frames, size = segue_sample_bytes(sample->n_channels, n_frames);
	struct segue_sample *moved;

	if (segue_make_check_size(make, size) < 0)
		return NULL;
	if (n_frames < n_from)
		move_channels(sample, n_from, n_frames);
	if ((moved = segue_make_resize(make, sample, size)) == NULL)
		return NULL;
	if (n_frames > n_from)
		move_channels(moved, n_from, n_frames);
	point_at(moved, n_frames);
	return moved;
}

void segue_sample_clear_guards(struct segue_sample *sample)
{
	uint32_t c;

	for (c = 0; c < sample->n_channels; c++) {
		memset(sample->data[c] - SEGUE_GUARD_FRAMES, 0, SEGUE_GUARD_FRAMES * sizeof(float));
		memset(sample->data[c] + sample->n_frames, 0, SEGUE_GUARD_FRAMES * sizeof(float));
	}
}

/* ------------------------------------------------------------------- table */

struct segue_table *segue_table_new(struct segue_make *make, uint32_t n_channels,
		const struct segue_table_level *levels, uint32_t n_levels)
{
	size_t head = sizeof(struct segue_table) + n_channels * n_levels * sizeof(*levels);
	uint64_t size = SPA_ROUND_UP_N(head, LINE * sizeof(float));
	struct segue_table *table;
	uint32_t i;
	float *run;

	for (i = 0; i < n_levels; i++)
		size += n_channels * stride(levels[i].n_frames) * sizeof(float);
	if ((table = segue_make_alloc(make, size)) == NULL)
		return NULL;
	table->buffer.refs = 1;
	table->buffer.type = SEGUE_BUFFER_TABLE;
	table->buffer.bytes = segue_memory_size(table);
	table->n_channels = n_channels;
	table->n_levels = n_levels;
	table->levels = (struct segue_table_level *)(table + 1);
	run = first_run(table, head);
	for (i = 0; i < n_channels * n_levels; i++) {
		table->levels[i] = levels[i % n_levels];
		table->levels[i].data = run;
		run += stride(levels[i % n_levels].n_frames);
	}
	return table;
}
