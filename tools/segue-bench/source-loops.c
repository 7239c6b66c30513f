/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "source-plain.h"

#include "rt/hermite.h"

/* Everything is in a variable of its own, so that the compiler need not store it in every frame. */

static inline double move(double place, double step, double end, double length)
{
	place += step;
	return place >= end ? place - length : place;
}

void segue_plain_cubic(struct segue_plain_voice *v, float *restrict left, float *restrict right, uint32_t n_frames)
{
	double place = v->place, step = v->step, end = v->loop_end, length = end - v->loop_start;
	const float *data = v->data[0] - 1;
	float gain = v->gain;

	for (uint32_t i = 0; i < n_frames; i++) {
		int32_t frame = (int32_t)place;
		float value = gain * segue_hermite(data + frame, (float)(place - frame));

		left[i] += value;
		right[i] += value;
		place = move(place, step, end, length);
	}
	v->place = place;
}

void segue_plain_cubic_stereo(struct segue_plain_voice *v, float *restrict left, float *restrict right,
		uint32_t n_frames)
{
	double place = v->place, step = v->step, end = v->loop_end, length = end - v->loop_start;
	const float *data[2] = { v->data[0] - 1, v->data[1] - 1 };
	float gain = v->gain;

	for (uint32_t i = 0; i < n_frames; i++) {
		int32_t frame = (int32_t)place;
		float t = (float)(place - frame);

		left[i] += gain * segue_hermite(data[0] + frame, t);
		right[i] += gain * segue_hermite(data[1] + frame, t);
		place = move(place, step, end, length);
	}
	v->place = place;
}

void segue_plain_linear(struct segue_plain_voice *v, float *restrict left, float *restrict right, uint32_t n_frames)
{
	double place = v->place, step = v->step, end = v->loop_end, length = end - v->loop_start;
	const float *data = v->data[0];
	float gain = v->gain;

	for (uint32_t i = 0; i < n_frames; i++) {
		int32_t frame = (int32_t)place;
		float a = data[frame], value = gain * (a + (float)(place - frame) * (data[frame + 1] - a));

		left[i] += value;
		right[i] += value;
		place = move(place, step, end, length);
	}
	v->place = place;
}

/* frames until the loop ends, and on */
static inline uint32_t take(struct segue_plain_voice *v, uint32_t n_frames, uint32_t *ret_frame)
{
	uint32_t n = v->loop_end - v->frame < n_frames ? v->loop_end - v->frame : n_frames;

	*ret_frame = v->frame;
	v->frame = v->frame + n == v->loop_end ? v->loop_start : v->frame + n;
	return n;
}

void segue_plain_unity(struct segue_plain_voice *v, float *restrict left, float *restrict right, uint32_t n_frames)
{
	uint32_t n, i, frame;
	float gain = v->gain;

	for (; n_frames > 0; left += n, right += n, n_frames -= n) {
		const float *data;

		n = take(v, n_frames, &frame);
		data = v->data[0] + frame;
		for (i = 0; i < n; i++) {
			left[i] += gain * data[i];
			right[i] += gain * data[i];
		}
	}
}

void segue_plain_unity_stereo(struct segue_plain_voice *v, float *restrict left, float *restrict right,
		uint32_t n_frames)
{
	uint32_t n, i, frame;
	float gain = v->gain;

	for (; n_frames > 0; left += n, right += n, n_frames -= n) {
		const float *data, *other;

		n = take(v, n_frames, &frame);
		data = v->data[0] + frame;
		other = v->data[1] + frame;
		for (i = 0; i < n; i++)
			left[i] += gain * data[i];
		for (i = 0; i < n; i++)
			right[i] += gain * other[i];
	}
}
