/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "source-plain.h"

#include "rt/hermite.h"

static inline void move(struct segue_plain_voice *v)
{
	v->place += v->step;
	while (v->place >= v->loop_end)
		v->place -= v->loop_end - v->loop_start;
}

void segue_plain_cubic(struct segue_plain_voice *v, float *restrict left, float *restrict right, uint32_t n_frames)
{
	for (uint32_t i = 0; i < n_frames; i++) {
		int32_t frame = (int32_t)v->place;
		float value = v->gain * segue_hermite(v->data[0] + frame - 1, (float)(v->place - frame));

		left[i] += value;
		right[i] += value;
		move(v);
	}
}

void segue_plain_cubic_stereo(struct segue_plain_voice *v, float *restrict left, float *restrict right,
		uint32_t n_frames)
{
	for (uint32_t i = 0; i < n_frames; i++) {
		int32_t frame = (int32_t)v->place;
		float t = (float)(v->place - frame);

		left[i] += v->gain * segue_hermite(v->data[0] + frame - 1, t);
		right[i] += v->gain * segue_hermite(v->data[1] + frame - 1, t);
		move(v);
	}
}

void segue_plain_linear(struct segue_plain_voice *v, float *restrict left, float *restrict right, uint32_t n_frames)
{
	for (uint32_t i = 0; i < n_frames; i++) {
		int32_t frame = (int32_t)v->place;
		const float *y = v->data[0] + frame;
		float value = v->gain * (y[0] + (float)(v->place - frame) * (y[1] - y[0]));

		left[i] += value;
		right[i] += value;
		move(v);
	}
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

	for (; n_frames > 0; left += n, right += n, n_frames -= n) {
		n = take(v, n_frames, &frame);
		for (i = 0; i < n; i++) {
			left[i] += v->gain * v->data[0][frame + i];
			right[i] += v->gain * v->data[0][frame + i];
		}
	}
}

void segue_plain_unity_stereo(struct segue_plain_voice *v, float *restrict left, float *restrict right,
		uint32_t n_frames)
{
	uint32_t n, i, frame;

	for (; n_frames > 0; left += n, right += n, n_frames -= n) {
		n = take(v, n_frames, &frame);
		for (i = 0; i < n; i++) {
			left[i] += v->gain * v->data[0][frame + i];
			right[i] += v->gain * v->data[1][frame + i];
		}
	}
}
