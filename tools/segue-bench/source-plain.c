/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <spa/utils/defs.h>

#include "rt/note.h"
#include "source-plain.h"

struct plain {
	const struct segue_voice_work *work;
	void (*play)(struct segue_plain_voice *voice, float *restrict left, float *restrict right, uint32_t n_frames);
	uint32_t n_voices;
	struct segue_plain_voice voices[];
};

static bool can(const struct segue_voice_kind *kind)
{
	return true;
}

static void *open_plain(const struct segue_voice_work *work)
{
	struct plain *p = calloc(1, sizeof(*p) + work->n_voices * sizeof(p->voices[0]));
	bool stereo = work->kind->n_channels == 2;

	if (p == NULL)
		return NULL;
	p->work = work;
	if (work->kind->reader == SEGUE_READER_LINEAR)
		p->play = segue_plain_linear;
	else if (work->kind->reader == SEGUE_READER_UNITY)
		p->play = stereo ? segue_plain_unity_stereo : segue_plain_unity;
	else
		p->play = stereo ? segue_plain_cubic_stereo : segue_plain_cubic;
	return p;
}

static void strike(void *data, uint32_t voice)
{
	struct plain *p = data;
	const struct segue_voice_work *w = p->work;
	struct segue_plain_voice *v = &p->voices[p->n_voices++];
	uint32_t key = segue_voice_work_key(w, voice);

	v->gain = 0.25f / sqrtf(w->n_voices);
	if (w->kind->reader == SEGUE_READER_TABLE) {
		const struct segue_table *table = SPA_CONTAINER_OF(w->buffers[0], struct segue_table, buffer);
		double pitch = segue_key_frequency(key) / w->rate;
		const struct segue_table_level *level = &table->levels[segue_table_find_level(table, pitch)];

		v->data[0] = v->data[1] = level->data;
		v->step = pitch * level->n_frames;
		v->loop_end = level->n_frames;
	} else {
		const struct segue_sample *sample = SPA_CONTAINER_OF(w->buffers[0], struct segue_sample, buffer);

		v->data[0] = sample->data[0];
		v->data[1] = sample->data[sample->n_channels - 1];
		v->step = exp2(((double)key - sample->root_key) / 12.0) * sample->rate / w->rate;
		v->loop_start = (uint32_t)sample->loop_start;
		v->loop_end = (uint32_t)sample->loop_end;
	}
}

static void process(void *data, float *const out[SEGUE_PLAYER_OUTPUTS])
{
	struct plain *p = data;

	for (uint32_t i = 0; i < SEGUE_PLAYER_OUTPUTS; i++)
		memset(out[i], 0, p->work->quantum * sizeof(float));
	for (uint32_t i = 0; i < p->n_voices; i++)
		p->play(&p->voices[i], out[0], out[1], p->work->quantum);
}

static uint32_t count(const void *data)
{
	const struct plain *p = data;

	return p->n_voices;
}

const struct segue_voice_player segue_player_plain = { "plain", "none", can, open_plain, strike, process, count, free };
