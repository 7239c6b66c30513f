/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "source-private.h"

#include <string.h>

#include <spa/utils/defs.h>

#include "buffers.h"

#define DEFAULT_FREQUENCY	440.0	/* Hz */
#define DEFAULT_RATE		48000u	/* Hz, until a clock tells */
#define COMMANDS_PER_CYCLE	64u

size_t segue_source_size(uint32_t n_channels)
{
	return sizeof(struct segue_source) + 3 * n_channels * sizeof(segue_row);
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
	segue_voices_init(&source->voices, handover, n_channels, source->rate);
	segue_outlet_init(&source->outlet);
	segue_ramp_jump(&source->steady, 1.0);
	return source;
}

/* ----------------------------------------------------------------- main loop */

uint32_t segue_source_count_voices(const struct segue_source *source)
{
	return __atomic_load_n(&source->n_voices, __ATOMIC_RELAXED);
}

/* ---------------------------------------------------------------------- MIDI */

SEGUE_DATA_LOOP static void hear(struct segue_source *source, const struct segue_midi_event *event)
{
	struct segue_voices *voices = &source->voices;

	if (source->midi_channel != 0 && event->channel != source->midi_channel - 1)
		return;
	switch (event->type) {
	case SEGUE_MIDI_NOTE_OFF:
		segue_voices_note_off(voices, event->channel, event->key);
		break;
	case SEGUE_MIDI_NOTE_ON:
		if (source->plays_notes)
			segue_voices_note_on(voices, segue_source_newest(source), event->channel, event->key,
					event->value);
		break;
	case SEGUE_MIDI_CONTROLLER:
		segue_voices_controller(voices, event->channel, event->key, event->value);
		break;
	case SEGUE_MIDI_BEND:
		segue_voices_bend(voices, event->channel, event->value);
		break;
	}
}

/* All there is up to a frame. \return how many frames there are to the next one, at most n_max */
SEGUE_DATA_LOOP static uint32_t hear_events(struct segue_source *source, uint32_t frame, uint32_t n_max)
{
	while (source->has_event && source->event.frame <= frame) {
		hear(source, &source->event);
		source->has_event = segue_midi_next(&source->midi, &source->event);
	}
	return source->has_event ? SPA_MIN(n_max, source->event.frame - frame) : n_max;
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
	if (swap->next == source->followed)
		return;
	if (source->followed != NULL)
		segue_voices_arrive(&source->voices);
	if (swap->next != NULL)
		segue_voices_follow(&source->voices, swap->next);
	source->followed = swap->next;
}

/* Everything but the steady voice ends. */
SEGUE_DATA_LOOP static void end_notes(struct segue_source *source)
{
	segue_voices_clear(&source->voices);
	source->followed = NULL;
}

/* Mix what is faded in into what is faded out. */
SEGUE_DATA_LOOP static void mix_fade(struct segue_source *source, uint32_t n_frames)
{
	double weights[SEGUE_RUN_FRAMES];
	uint32_t c, i;

	for (i = 0; i < n_frames; i++)
		weights[i] = segue_ramp_value(&source->swap.fade, i);
	for (c = 0; c < source->n_channels; c++) {
		float *old = source->rows[c];
		const float *new = source->rows[source->n_channels + c];
		const float *alone = source->rows[2 * source->n_channels + c];

		for (i = 0; i < n_frames; i++)
			old[i] = (float)((1.0 - weights[i]) * old[i] + weights[i] * new[i]) + alone[i];
	}
}

SEGUE_DATA_LOOP static void silence(segue_row *rows, uint32_t n_rows, uint32_t n_frames)
{
	for (uint32_t i = 0; i < n_rows; i++)
		memset(rows[i], 0, n_frames * sizeof(float));
}

SEGUE_DATA_LOOP static bool has_steady(const struct segue_source *source)
{
	return source->steady.to > 0.0 || source->steady.n_frames > 0;
}

/* The steady voice, or silence, to the first rows; while a fade runs what is faded in to the second ones. */
SEGUE_DATA_LOOP static void play_steady(struct segue_source *source, uint32_t n_frames)
{
	uint32_t i, n_rows = source->n_channels * (source->swap.next != NULL ? 2 : 1);
	struct segue_ramp ramp = source->steady;
	struct segue_turns turns;

	if (!has_steady(source)) {
		segue_phase_skip(&source->phase, n_frames);
		silence(source->rows, n_rows, n_frames);
		return;
	}
	segue_phase_run(&source->phase, n_frames, &turns);
	segue_voice_play(&source->current, &turns, source->rate, source->rows, source->n_channels);
	if (source->swap.next != NULL)
		segue_voice_play(&source->next, &turns, source->rate, &source->rows[source->n_channels],
				source->n_channels);
	for (i = 0; source->steady.n_frames > 0 && i < n_rows; i++) {
		ramp = source->steady;
		segue_ramp_apply(&ramp, source->rows[i], n_frames);
	}
	source->steady = ramp;
}

/* What sounds alone goes to the third rows while a fade runs, else to the first. */
SEGUE_DATA_LOOP static void play_notes(struct segue_source *source, uint32_t place, uint32_t n_frames)
{
	uint32_t n_rows = source->n_channels;
	bool fades = source->swap.next != NULL;
	struct segue_note_block block = { .n_frames = n_frames, .place = place,
		.old = source->rows, .new = &source->rows[n_rows],
		.alone = fades ? &source->rows[2 * n_rows] : source->rows };

	if (fades)
		silence(&source->rows[2 * n_rows], n_rows, n_frames);
	segue_voices_render(&source->voices, &block);
}

/* How many frames can be rendered at once: what is left of a block, but several blocks of notes alone. */
SEGUE_DATA_LOOP static uint32_t count_together(const struct segue_source *source, uint32_t n_max)
{
	uint32_t left = segue_phase_block_left(&source->phase);

	if (left == SEGUE_BLOCK_FRAMES && !has_steady(source) && source->voices.moving == 0)
		left = SEGUE_RUN_FRAMES;
	return SPA_MIN(n_max, left);
}

/* With the same current and next. */
SEGUE_DATA_LOOP static void render(struct segue_source *source, float *const out[], uint32_t offset,
		uint32_t n_frames)
{
	uint32_t place = SEGUE_BLOCK_FRAMES - segue_phase_block_left(&source->phase);
	struct segue_outlet_levels levels;
	uint32_t c;

	play_steady(source, n_frames);
	play_notes(source, place, n_frames);
	if (source->swap.next != NULL)
		mix_fade(source, n_frames);

	segue_outlet_advance(&source->outlet, n_frames, &levels);
	for (c = 0; c < source->n_channels; c++) {
		float *nowhere = source->rows[source->n_channels + c];	/* it has been mixed */

		segue_outlet_apply(&source->outlet, &levels, c, source->rows[c],
				out[c] != NULL ? out[c] + offset : nowhere, n_frames);
	}
}

/* -------------------------------------------------------------------- cycles */

SEGUE_DATA_LOOP static void begin_cycle(struct segue_source *source, const struct spa_io_clock *clock)
{
	struct segue_gap gap = segue_watch_cycle(&source->watch, clock);

	source->position = clock->position;
	if (clock->rate.denom != 0 && clock->rate.denom != source->rate) {
		source->rate = clock->rate.denom;
		segue_phase_set_frequency(&source->phase, source->frequency, source->rate);
		segue_voices_set_rate(&source->voices, source->rate);
	}
	if (gap.is_long) {
		end_notes(source);
		segue_swap_forget(&source->swap);
		segue_ramp_jump(&source->outlet.restart, 0.0);
		segue_source_ramp(source, &source->outlet.restart, 1.0, SEGUE_SOURCE_RAMP_SEC);
	}
	if (gap.n_missed > 0)
		segue_statistics_add_xruns(source->statistics, gap.n_missed);
	segue_source_take_commands(source, COMMANDS_PER_CYCLE);
	segue_swap_begin(&source->swap, clock, source->rate);
}

SEGUE_DATA_LOOP static void report_voices(struct segue_source *source)
{
	__atomic_store_n(&source->n_voices, source->voices.n_counted, __ATOMIC_RELAXED);
}

void segue_source_process(struct segue_source *source, const struct spa_io_clock *clock,
		const struct spa_pod_sequence *midi, float *const out[], uint32_t n_frames)
{
	uint64_t begun = segue_statistics_begin_cycle(source->statistics, &(struct segue_clock) {
			clock->position, clock->nsec, clock->rate.denom, n_frames });
	uint32_t done, n;

	begin_cycle(source, clock);
	segue_midi_begin(&source->midi, midi);
	source->has_event = segue_midi_next(&source->midi, &source->event);
	for (done = 0; done < n_frames; done += n) {
		n = segue_swap_span(&source->swap, n_frames - done);
		follow_swap(source);
		if (done == 0)
			segue_source_obey_deferred(source);
		source->has_run = true;
		n = hear_events(source, done, n);
		n = count_together(source, n);
		render(source, out, done, n);
		segue_swap_advance(&source->swap, n);
	}
	follow_swap(source);
	(void)hear_events(source, UINT32_MAX, 1);	/* beyond the cycle's end: late rather than lost */
	segue_meter_report(&source->outlet.meter, source->n_channels, source->statistics);
	report_voices(source);
	segue_statistics_end_cycle(source->statistics, begun,
			!(clock->flags & SPA_IO_CLOCK_FLAG_FREEWHEEL));
}

void segue_source_pause(struct segue_source *source)
{
	source->watch.paused = true;
}

void segue_source_lose_clock(struct segue_source *source)
{
	segue_source_take_commands(source, SEGUE_RING_SIZE);
	segue_swap_lose_clock(&source->swap);
	segue_source_obey_deferred(source);
}

void segue_source_settle(struct segue_source *source)
{
	source->position = 0;
	segue_source_take_commands(source, SEGUE_RING_SIZE);
	end_notes(source);
	follow_swap(source);
	while (segue_swap_settle(&source->swap))
		follow_swap(source);
	segue_source_obey_deferred(source);
	end_notes(source);
	report_voices(source);
	segue_phase_settle(&source->phase);
	segue_ramp_jump(&source->steady, source->steady.to);
	segue_outlet_settle(&source->outlet);
}

void segue_source_drain(struct segue_source *source)
{
	end_notes(source);
	report_voices(source);
	segue_swap_drain(&source->swap);
	source->current = source->next = SEGUE_VOICE_SILENT;
}
