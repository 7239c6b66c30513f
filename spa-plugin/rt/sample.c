/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "sample.h"

#include <string.h>

#include <spa/utils/defs.h>

#include "hermite.h"

/* Back into the loop, or no further than where interpolation finds nothing but the zeros behind the end. */
SEGUE_DATA_LOOP static void wrap(struct segue_playhead *head, const struct segue_sample *sample)
{
	uint64_t length = sample->loop_end - sample->loop_start;

	if (sample->loop == SEGUE_LOOP_NONE) {
		head->frame = SPA_MIN(head->frame, sample->n_frames + 1);
	} else if (head->frame >= sample->loop_end) {
		head->frame = sample->loop_start + (head->frame - sample->loop_start) % length;
		head->looped = true;
	}
}

SEGUE_DATA_LOOP static void move(struct segue_playhead *head, const struct segue_sample *sample, double step)
{
	uint64_t whole;

	head->fraction += step;
	whole = (uint64_t)head->fraction;
	head->fraction -= whole;
	head->frame += whole;
	wrap(head, sample);
}

/* Whether values are copied as they are. */
SEGUE_DATA_LOOP static bool is_copied(const struct segue_playhead *head, const struct segue_sample *sample,
		uint32_t rate)
{
	return sample->rate == rate && head->fraction == 0.0;
}

/* A neighbour of the frame the playhead stands on: -1, 0, 1, 2. */
SEGUE_DATA_LOOP static float neighbour(const struct segue_sample *sample, const float *data,
		const struct segue_playhead *head, int offset)
{
	int64_t start = (int64_t)sample->loop_start, end = (int64_t)sample->loop_end;
	int64_t frame = (int64_t)head->frame + offset;

	if (sample->loop != SEGUE_LOOP_NONE) {
		if (frame >= end)
			frame = start + (frame - start) % (end - start);
		else if (head->looped && frame < start)
			frame += end - start;
	}
	return data[frame];
}

SEGUE_DATA_LOOP static float interpolate(const struct segue_sample *sample, const float *data,
		const struct segue_playhead *head)
{
	const float y[4] = {
		neighbour(sample, data, head, -1), neighbour(sample, data, head, 0),
		neighbour(sample, data, head, 1), neighbour(sample, data, head, 2),
	};

	return segue_hermite(y, (float)head->fraction);
}

SEGUE_DATA_LOOP static void copy(const struct segue_sample *sample, const float *data,
		struct segue_playhead *head, float *ret, uint32_t n_frames)
{
	uint64_t end = sample->loop == SEGUE_LOOP_NONE ? sample->n_frames : sample->loop_end;

	while (n_frames > 0 && head->frame < end) {
		uint32_t n = (uint32_t)SPA_MIN((uint64_t)n_frames, end - head->frame);

		memcpy(ret, data + head->frame, n * sizeof(*ret));
		ret += n;
		n_frames -= n;
		head->frame += n;
		wrap(head, sample);
	}
	memset(ret, 0, n_frames * sizeof(*ret));
}

void segue_sample_read(const struct segue_sample *sample, uint32_t channel, struct segue_playhead head,
		uint32_t rate, float *ret, uint32_t n_frames)
{
	const float *data = sample->data[channel];
	double step = (double)sample->rate / rate;

	if (is_copied(&head, sample, rate)) {
		copy(sample, data, &head, ret, n_frames);
		return;
	}
	for (uint32_t i = 0; i < n_frames; i++) {
		ret[i] = interpolate(sample, data, &head);
		move(&head, sample, step);
	}
}

void segue_playhead_advance(struct segue_playhead *head, const struct segue_sample *sample, uint32_t rate,
		uint32_t n_frames)
{
	double step = (double)sample->rate / rate;

	if (is_copied(head, sample, rate)) {
		head->frame += n_frames;
		wrap(head, sample);
		return;
	}
	/* frame by frame, as they are read: where frames are cut into cycles must not matter */
	for (uint32_t i = 0; i < n_frames; i++)
		move(head, sample, step);
}

struct segue_playhead segue_playhead_remade(const struct segue_playhead *head, uint32_t old_rate,
		const struct segue_sample *sample)
{
	uint64_t scaled = head->frame * sample->rate;
	double fraction = (scaled % old_rate + head->fraction * sample->rate) / old_rate;
	struct segue_playhead remade = { scaled / old_rate + (uint64_t)(fraction + 0.5), 0.0, head->looped };

	wrap(&remade, sample);
	return remade;
}
