/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "source.h"

#include <math.h>
#include <string.h>

#include <spa/utils/defs.h>

#include "buffers.h"
#include "ramp.h"
#include "swap.h"
#include "table.h"
#include "voice.h"
#include "watch.h"

#define DEFAULT_FREQUENCY	440.0	/* Hz */
#define DEFAULT_RATE		48000u	/* Hz, until a clock tells */
#define COMMANDS_PER_CYCLE	64u
#define RAMP_SEC		0.005
#define LEAD_FRAMES		0u	/* a source needs no time to get ready */
#define HURRY_FRAMES		256u

typedef float segue_row[SEGUE_BLOCK_FRAMES];

struct segue_source {
	/* constant */
	uint32_t n_channels;
	struct segue_handover *handover;
	struct segue_statistics *statistics;
	/* data loop */
	struct segue_swap swap;
	struct segue_watch watch;
	struct segue_phase phase;
	struct segue_voice current, next;	/* of the swap's */
	uint32_t rate;
	double frequency;
	bool has_run;			/* what is set from now on is ramped */
	struct segue_ramp gain;
	struct segue_ramp bypass;	/* 0: bypassed, 1: heard */
	struct segue_ramp restart;	/* 0..1 after a long pause */
	struct segue_ramp volume[SEGUE_CHANNELS_MAX];
	float peak[SEGUE_CHANNELS_MAX];	/* of this cycle */
	uint64_t n_clipped;		/* in this cycle */
	segue_row rows[];		/* n_channels of the current voice, as many of the next */
};

size_t segue_source_size(uint32_t n_channels)
{
	return sizeof(struct segue_source) + 2 * n_channels * sizeof(segue_row);
}

struct segue_source *segue_source_init(void *memory, uint32_t n_channels,
		struct segue_handover *handover, struct segue_statistics *statistics)
{
	struct segue_source *source = memory;

	source->n_channels = n_channels;
	source->handover = handover;
	source->statistics = statistics;
	segue_swap_init(&source->swap, handover);
	source->rate = DEFAULT_RATE;
	source->frequency = DEFAULT_FREQUENCY;
	segue_phase_set_frequency(&source->phase, source->frequency, source->rate);
	segue_ramp_jump(&source->gain, 1.0);
	source->bypass.smooth = true;
	segue_ramp_jump(&source->bypass, 1.0);
	segue_ramp_jump(&source->restart, 1.0);
	for (uint32_t c = 0; c < n_channels; c++)
		segue_ramp_jump(&source->volume[c], 1.0);
	return source;
}

/* ------------------------------------------------------------------ commands */

/* How many frames of a ramp fit into so many seconds. */
SEGUE_DATA_LOOP static uint64_t count_frames(const struct segue_source *source, double seconds)
{
	return source->has_run ? (uint64_t)llround(seconds * source->rate) : 0;
}

SEGUE_DATA_LOOP static void obey(struct segue_source *source, const struct segue_command *command)
{
	switch (command->type) {
	case SEGUE_COMMAND_SWAP:
		segue_swap_add(&source->swap, command->ticket, LEAD_FRAMES, HURRY_FRAMES);
		break;
	case SEGUE_SOURCE_CANCEL:
		segue_swap_cancel(&source->swap, command->data);
		break;
	case SEGUE_SOURCE_GAIN:
		segue_ramp_start(&source->gain, command->value, count_frames(source, RAMP_SEC));
		break;
	case SEGUE_SOURCE_BYPASS:
		segue_ramp_start(&source->bypass, command->value != 0.0 ? 0.0 : 1.0,
				count_frames(source, command->key * 1e-6));
		break;
	case SEGUE_SOURCE_FREQUENCY:
		source->frequency = command->value;
		segue_phase_set_frequency(&source->phase, source->frequency, source->rate);
		break;
	case SEGUE_SOURCE_VOLUME:
		if (command->key < source->n_channels)
			segue_ramp_start(&source->volume[command->key], command->value,
					count_frames(source, RAMP_SEC));
		break;
	}
}

SEGUE_DATA_LOOP static void take_commands(struct segue_source *source, uint32_t n_max)
{
	struct segue_command command;

	while (n_max-- > 0 && segue_handover_take(source->handover, &command))
		obey(source, &command);
}

/* ----------------------------------------------------------------- rendering */

/* Let the voices play what the swap says. */
SEGUE_DATA_LOOP static void follow_swap(struct segue_source *source)
{
	const struct segue_swap *swap = &source->swap;

	if (source->current.ticket != swap->current)
		source->current = source->next;
	if (swap->next == NULL)
		source->next = SEGUE_VOICE_SILENT;
	else if (source->next.ticket != swap->next)
		segue_voice_start(&source->next, swap->next, &source->current);
}

/* Mix the next voice into the current one. */
SEGUE_DATA_LOOP static void mix_fade(struct segue_source *source, uint32_t n_frames)
{
	double weights[SEGUE_BLOCK_FRAMES];
	uint32_t c, i;

	for (i = 0; i < n_frames; i++)
		weights[i] = segue_ramp_value(&source->swap.fade, i);
	for (c = 0; c < source->n_channels; c++) {
		float *old = source->rows[c];
		const float *new = source->rows[source->n_channels + c];

		for (i = 0; i < n_frames; i++)
			old[i] = (float)((1.0 - weights[i]) * old[i] + weights[i] * new[i]);
	}
}

/* Multiply levels by a ramp and move it on. */
SEGUE_DATA_LOOP static void apply_ramp(struct segue_ramp *ramp, float levels[], uint32_t n_frames)
{
	float rest = (float)ramp->to;
	uint32_t i;

	if (ramp->n_frames == 0) {
		for (i = 0; i < n_frames; i++)
			levels[i] *= rest;
		return;
	}
	for (i = 0; i < n_frames; i++)
		levels[i] *= (float)segue_ramp_value(ramp, i);
	segue_ramp_advance(ramp, n_frames);
}

SEGUE_DATA_LOOP static void watch_levels(struct segue_source *source, uint32_t channel, const float values[],
		uint32_t n_frames)
{
	float peak = source->peak[channel];
	uint32_t i, n_clipped = 0;

	for (i = 0; i < n_frames; i++) {
		float level = fabsf(values[i]);

		peak = SPA_MAX(peak, level);
		n_clipped += level > 1.0f;
	}
	source->peak[channel] = peak;
	source->n_clipped += n_clipped;
}

/* Render n_frames of one block with the same current and next. */
SEGUE_DATA_LOOP static void render(struct segue_source *source, float *const out[], uint32_t offset,
		uint32_t n_frames)
{
	struct segue_turns turns;
	segue_row common, levels;
	uint32_t c, i;

	segue_phase_run(&source->phase, n_frames, &turns);
	segue_voice_play(&source->current, &turns, source->rate, source->rows, source->n_channels);
	if (source->swap.next != NULL) {
		segue_voice_play(&source->next, &turns, source->rate, &source->rows[source->n_channels],
				source->n_channels);
		mix_fade(source, n_frames);
	}

	for (i = 0; i < n_frames; i++)
		common[i] = 1.0f;
	apply_ramp(&source->gain, common, n_frames);
	apply_ramp(&source->bypass, common, n_frames);
	apply_ramp(&source->restart, common, n_frames);
	for (c = 0; c < source->n_channels; c++) {
		memcpy(levels, common, sizeof(levels));
		apply_ramp(&source->volume[c], levels, n_frames);
		for (i = 0; i < n_frames; i++)
			source->rows[c][i] *= levels[i];
		watch_levels(source, c, source->rows[c], n_frames);
		if (out[c] != NULL)
			memcpy(out[c] + offset, source->rows[c], n_frames * sizeof(float));
	}
}

/* -------------------------------------------------------------------- cycles */

SEGUE_DATA_LOOP static void begin_cycle(struct segue_source *source, const struct spa_io_clock *clock)
{
	struct segue_gap gap = segue_watch_cycle(&source->watch, clock);

	if (clock->rate.denom != 0 && clock->rate.denom != source->rate) {
		source->rate = clock->rate.denom;
		segue_phase_set_frequency(&source->phase, source->frequency, source->rate);
	}
	if (gap.is_long) {
		segue_swap_finish_fade(&source->swap);
		segue_ramp_jump(&source->restart, 0.0);
		segue_ramp_start(&source->restart, 1.0, count_frames(source, RAMP_SEC));
	}
	if (gap.n_missed > 0)
		segue_statistics_add_xruns(source->statistics, gap.n_missed);
	take_commands(source, COMMANDS_PER_CYCLE);
	segue_swap_begin(&source->swap, clock->id, clock->position, source->rate);
	source->has_run = true;
}

SEGUE_DATA_LOOP static void report_levels(struct segue_source *source)
{
	for (uint32_t c = 0; c < source->n_channels; c++) {
		segue_statistics_add_peak(source->statistics, c, source->peak[c]);
		source->peak[c] = 0.0f;
	}
	if (source->n_clipped > 0)
		segue_statistics_add_clipped(source->statistics, source->n_clipped);
	source->n_clipped = 0;
}

void segue_source_process(struct segue_source *source, const struct spa_io_clock *clock, float *const out[],
		uint32_t n_frames)
{
	uint64_t begun = segue_statistics_begin_cycle(source->statistics, &(struct segue_clock) {
			clock->position, clock->nsec, clock->rate.denom, n_frames });
	uint32_t done, n;

	begin_cycle(source, clock);
	for (done = 0; done < n_frames; done += n) {
		n = SPA_MIN(n_frames - done, segue_phase_block_left(&source->phase));
		n = segue_swap_span(&source->swap, n);
		follow_swap(source);
		render(source, out, done, n);
		segue_swap_advance(&source->swap, n);
	}
	report_levels(source);
	segue_statistics_end_cycle(source->statistics, begun,
			!(clock->flags & SPA_IO_CLOCK_FLAG_FREEWHEEL));
}

void segue_source_pause(struct segue_source *source)
{
	source->watch.paused = true;
}

void segue_source_lose_clock(struct segue_source *source)
{
	take_commands(source, SEGUE_RING_SIZE);
	segue_swap_lose_clock(&source->swap);
}

void segue_source_settle(struct segue_source *source)
{
	take_commands(source, SEGUE_RING_SIZE);
	follow_swap(source);
	while (segue_swap_settle(&source->swap))
		follow_swap(source);
	segue_phase_settle(&source->phase);
	segue_ramp_jump(&source->gain, source->gain.to);
	segue_ramp_jump(&source->bypass, source->bypass.to);
	segue_ramp_jump(&source->restart, 1.0);
	for (uint32_t c = 0; c < source->n_channels; c++)
		segue_ramp_jump(&source->volume[c], source->volume[c].to);
}

void segue_source_drain(struct segue_source *source)
{
	struct segue_command command;

	for (uint32_t i = 0; i < SEGUE_RING_SIZE && segue_handover_take(source->handover, &command); i++) {
		if (command.type != SEGUE_COMMAND_SWAP)
			continue;
		segue_ticket_answer(command.ticket, SEGUE_OUTCOME_GONE, 0);
		segue_ticket_unref(source->handover, command.ticket);
	}
	segue_swap_drain(&source->swap);
	source->current = source->next = SEGUE_VOICE_SILENT;
}
