/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include <math.h>
#include <pthread.h>
#include <string.h>

#include <soxr.h>
#include <spa/utils/defs.h>

#include "input.h"
#include "layout.h"
#include "make.h"

#define BLOCK_FRAMES	8192u	/* between two looks at the job */
#define ROLL_FRAMES	4096u	/* longer than the filter, on either side, at the lower rate */

/* One channel's way through the resampler: frames of a period or of silence around it, as if without
 * end, of which a part is kept. */
struct run {
	struct segue_make *make;
	soxr_t soxr;
	const float *in;
	uint64_t n_in;
	uint64_t n_roll;	/* frames of the loop fed before and after it; 0: no loop */
	float *out;
	uint64_t n_out;
	uint64_t n_skip;	/* frames that come out first and aren't kept */
	uint64_t n_kept;
};

/* soxr keeps tables for the whole process, and prepares them in the first resampler */
static pthread_mutex_t creation = PTHREAD_MUTEX_INITIALIZER;

static soxr_t create(double rate_in, double rate_out)
{
	soxr_quality_spec_t quality = soxr_quality_spec(SOXR_VHQ, 0);
	soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
	soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
	soxr_t soxr;

	pthread_mutex_lock(&creation);
	soxr = soxr_create(rate_in, rate_out, 1, NULL, &io, &quality, &runtime);
	pthread_mutex_unlock(&creation);
	return soxr;
}

/* Keep what falls between n_skip and n_out. */
static void keep(struct run *run, const float *frames, uint64_t n)
{
	uint64_t skip = SPA_MIN(n, run->n_skip);

	run->n_skip -= skip;
	n = SPA_MIN(n - skip, run->n_out - run->n_kept);
	memcpy(run->out + run->n_kept, frames + skip, n * sizeof(float));
	run->n_kept += n;
}

/* in NULL: the end, drain. */
static int feed(struct run *run, const float *in, uint64_t n)
{
	float block[BLOCK_FRAMES];
	size_t used, got;

	do {
		if (segue_make_cancelled(run->make))
			return -ECANCELED;
		if (soxr_process(run->soxr, in, n, &used, block, BLOCK_FRAMES, &got) != NULL)
			return segue_error_set(&run->make->error, -ENOMEM, "%s: the resampler failed",
					run->make->name);
		if (in != NULL)
			in += used;
		n -= used;
		keep(run, block, got);
	} while (n > 0 || got == BLOCK_FRAMES);
	return 0;
}

static int run_channel(struct run *run)
{
	uint64_t total = run->n_in + 2 * run->n_roll, done, at, n;
	int res;

	for (done = 0; done < total; done += n) {
		/* n_roll frames before the start, modulo the loop */
		at = (done + run->n_in - run->n_roll % run->n_in) % run->n_in;
		n = SPA_MIN(run->n_in - at, total - done);
		n = SPA_MIN(n, BLOCK_FRAMES);
		if ((res = feed(run, run->in + at, n)) < 0)
			return res;
	}
	/* what a rounded length lacks stays silent */
	return run->n_kept < run->n_out ? feed(run, NULL, 0) : 0;
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
	return b == 0 ? a : gcd(b, a % b);
}

/* A sample that is one loop is resampled as the endless signal it stands for, by the ratio of its two
 * lengths, so that it joins itself exactly. The rolls are a whole number of frames at both rates. */
static void set_roll(struct run *run)
{
	uint64_t unit = run->n_in / gcd(run->n_in, run->n_out);
	uint64_t least = ROLL_FRAMES * SPA_MAX(1.0, (double)run->n_in / run->n_out);

	run->n_roll = (least + unit - 1) / unit * unit;
	run->n_skip = run->n_roll / unit * (run->n_out / gcd(run->n_in, run->n_out));
}

static int convert(struct segue_make *make, const struct segue_sample *sample, struct segue_sample *to)
{
	bool whole = sample->loop == SEGUE_LOOP_FORWARD && sample->loop_start == 0 &&
		sample->loop_end == sample->n_frames;
	uint32_t c;
	int res = 0;

	for (c = 0; c < sample->n_channels && res == 0; c++) {
		struct run run = { .make = make, .in = sample->data[c], .n_in = sample->n_frames,
			.out = to->data[c], .n_out = to->n_frames };

		if (whole)
			set_roll(&run);
		run.soxr = whole ? create(run.n_in, run.n_out) : create(sample->rate, to->rate);
		if (run.soxr == NULL)
			return segue_error_set(&make->error, -ENOMEM, "%s: no memory to resample", make->name);
		res = run_channel(&run);
		soxr_delete(run.soxr);
		segue_job_progress(make->job, c + 1, sample->n_channels);
	}
	return res;
}

static uint64_t scaled(uint64_t frame, uint32_t from, uint32_t to)
{
	return llround((double)frame * to / from);
}

static void copy_loop(struct segue_sample *to, const struct segue_sample *sample)
{
	to->root_key = sample->root_key;
	to->loop = sample->loop;
	if (sample->loop == SEGUE_LOOP_NONE)
		return;
	to->loop_end = SPA_CLAMP(scaled(sample->loop_end, sample->rate, to->rate), 1u, to->n_frames);
	to->loop_start = SPA_MIN(scaled(sample->loop_start, sample->rate, to->rate), to->loop_end - 1);
}

struct segue_sample *segue_sample_resample(struct segue_make *make, const struct segue_sample *sample,
		uint32_t rate)
{
	struct segue_sample *to;
	uint64_t n_frames = SPA_MAX(scaled(sample->n_frames, sample->rate, rate), 1u);
	uint32_t c;

	if (n_frames >= SEGUE_FRAMES_MAX) {
		segue_error_set(&make->error, -EFBIG, "%s: %llu frames at %u Hz are too many", make->name,
				SEGUE_FRAMES_MAX, rate);
		return NULL;
	}
	if ((to = segue_sample_new(make, sample->n_channels, n_frames, rate)) == NULL)
		return NULL;
	copy_loop(to, sample);
	if (rate == sample->rate) {
		for (c = 0; c < sample->n_channels; c++)
			memcpy(to->data[c], sample->data[c], n_frames * sizeof(float));
	} else if (convert(make, sample, to) < 0) {
		segue_memory_free(make->memory, to);
		return NULL;
	}
	return to;
}
