/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "source.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <spa/utils/defs.h>

#include "rt/source.h"

#define LONG_SEC	10000.0	/* a decay whose end nobody waits for */

struct ours {
	const struct segue_voice_work *work;
	struct segue_handover handover;
	struct segue_statistics statistics;
	struct segue_ticket tickets[3];	/* held by voices on a sample, heard, and heard next; buffer NULL: free */
	uint32_t current;		/* buffer */
	struct segue_source *source;
	struct spa_io_clock clock;
};

static bool can(const struct segue_voice_kind *kind)
{
	return kind->reader != SEGUE_READER_LINEAR;
}

static void close_ours(void *data)
{
	struct ours *o = data;

	if (o->source != NULL)
		segue_source_drain(o->source);
	free(o->source);
	free(o);
}

static void set(struct ours *o, uint32_t type, double value)
{
	(void)segue_handover_send(&o->handover, &(struct segue_command) { .type = type, .value = value });
}

static int send_current(struct ours *o, uint32_t fade_frames)
{
	struct segue_ticket *ticket;
	uint32_t i = 0;

	for (ticket = segue_handover_collect(&o->handover); ticket != NULL; ticket = ticket->next)
		ticket->buffer = NULL;
	while (i < SPA_N_ELEMENTS(o->tickets) && o->tickets[i].buffer != NULL)
		i++;
	if (i == SPA_N_ELEMENTS(o->tickets))
		return -EBUSY;
	ticket = &o->tickets[i];
	*ticket = (struct segue_ticket) { .buffer = o->work->buffers[o->current], .at = SEGUE_NOW,
		.fade = (double)fade_frames / o->work->rate, .refs = 1 };
	return segue_handover_send(&o->handover, &(struct segue_command) { SEGUE_COMMAND_SWAP, .ticket = ticket });
}

static void *open_ours(const struct segue_voice_work *work, bool moves)
{
	struct ours *o = calloc(1, sizeof(*o));
	size_t size = SPA_ROUND_UP_N(segue_source_size(SEGUE_PLAYER_OUTPUTS), SEGUE_CACHE_LINE);
	void *memory = aligned_alloc(SEGUE_CACHE_LINE, size);

	if (o == NULL || memory == NULL) {
		free(o);
		free(memory);
		return NULL;
	}
	memset(memory, 0, size);
	o->work = work;
	o->clock = (struct spa_io_clock) { .id = 1, .rate = { 1, work->rate }, .duration = work->quantum };
	o->source = segue_source_init(memory, SEGUE_PLAYER_OUTPUTS, &o->handover, &o->statistics);
	set(o, SEGUE_SOURCE_TRIGGER, 1.0);
	set(o, SEGUE_SOURCE_VOICES, work->n_voices);
	set(o, SEGUE_SOURCE_GAIN, 0.25 / sqrt(work->n_voices));
	set(o, SEGUE_SOURCE_DECAY, moves ? LONG_SEC : 0.0);
	set(o, SEGUE_SOURCE_SUSTAIN, 0.5);
	(void)send_current(o, 0);
	segue_source_settle(o->source);
	return o;
}

static void *open_moving(const struct segue_voice_work *work)
{
	return open_ours(work, true);
}

static void *open_held(const struct segue_voice_work *work)
{
	return open_ours(work, false);
}

static void strike(void *data, uint32_t voice)
{
	struct ours *o = data;

	(void)segue_handover_send(&o->handover, &(struct segue_command) { SEGUE_SOURCE_NOTE_ON,
			SEGUE_NOTE(segue_voice_work_key(o->work, voice), 100) });
}

static void process(void *data, float *const out[SEGUE_PLAYER_OUTPUTS])
{
	struct ours *o = data;

	segue_source_process(o->source, &o->clock, NULL, out, o->work->quantum);
	o->clock.position += o->work->quantum;
	o->clock.nsec += (uint64_t)o->work->quantum * SPA_NSEC_PER_SEC / o->work->rate;
}

static uint32_t count(const void *data)
{
	const struct ours *o = data;

	return segue_source_count_voices(o->source);
}

const struct segue_voice_player segue_player_ours = { "segue", "moving", can, open_moving, strike, process, count,
	close_ours };
const struct segue_voice_player segue_player_ours_held = { "segue", "held", can, open_held, strike, process, count,
	close_ours };

int segue_player_ours_swap(void *data, uint32_t fade_frames)
{
	struct ours *o = data;

	o->current = !o->current;
	return send_current(o, fade_frames);
}
