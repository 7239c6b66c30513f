/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "note.h"

#include <math.h>
#include <string.h>

#include <spa/utils/defs.h>

#define A4_KEY		69.0
#define A4_HZ		440.0

/* calls are a good part of what most notes cost */
#define INLINE	SEGUE_DATA_LOOP static inline __attribute__((always_inline))

double segue_key_frequency(double key)
{
	return A4_HZ * exp2((key - A4_KEY) / 12.0);
}

/* ------------------------------------------------------------------- adding */

enum loudness_kind {
	LOUDNESS_STEADY,	/* the same in every frame */
	LOUDNESS_FALLING,	/* whole blocks of a decay or release */
	LOUDNESS_MOVING,
};

/* What a block's values are multiplied by on each side, but for the reading's own gain. */
struct loudness {
	enum loudness_kind kind;
	const float *rest;			/* of the channel, on each side */
	float steady;				/* the envelope's, beside it */
	const struct segue_fall *falling;	/* the same; rest is 1 */
	float distances[SEGUE_RUN_BLOCKS];	/* of each block, from what it falls to */
	const float *moving[SEGUE_SIDES];	/* both */
	float rows[SEGUE_SIDES][SEGUE_BLOCK_FRAMES];
};

/* The envelope's values times a channel's. */
SEGUE_DATA_LOOP static void find_moving(struct segue_note *note, const struct segue_controls *controls,
		const struct segue_note_block *block, struct loudness *ret)
{
	float *shape = ret->rows[SEGUE_SIDES - 1];
	uint32_t s, i;

	segue_envelope_run(&note->envelope, block->loops, block->rate, block->place, shape, block->n_frames);
	if (controls->is_unity) {
		ret->moving[0] = ret->moving[1] = ret->moving[2] = shape;
		return;
	}
	/* the last side in its own row, and so last */
	for (s = 0; s < SEGUE_SIDES; s++) {
		float *row = ret->rows[s];

		ret->moving[s] = row;
		if (controls->is_moving) {
			for (i = 0; i < block->n_frames; i++)
				row[i] = shape[i] * controls->gains[s][i];
		} else if (s > 0 && controls->rest[s] == controls->rest[0]) {
			ret->moving[s] = ret->moving[0];
		} else {
			for (i = 0; i < block->n_frames; i++)
				row[i] = shape[i] * controls->rest[s];
		}
	}
}

/* In the same order whether they move or not: so values are the same ones wherever a cycle ends. */
INLINE void find_loudness(struct segue_note *note, const struct segue_controls *controls,
		const struct segue_note_block *block, struct loudness *ret)
{
	uint32_t n_blocks = block->n_frames / SEGUE_BLOCK_FRAMES;

	ret->rest = controls->rest;
	if (note->envelope.stage == SEGUE_STAGE_SUSTAIN && !controls->is_moving) {
		ret->kind = LOUDNESS_STEADY;
		ret->steady = (float)note->envelope.to;
	} else if (controls->is_unity && block->n_frames == n_blocks * SEGUE_BLOCK_FRAMES &&
			segue_envelope_count_falling(&note->envelope) >= n_blocks) {
		ret->kind = LOUDNESS_FALLING;
		ret->falling = &note->envelope.fall;
		segue_envelope_fall(&note->envelope, block->rate, ret->distances, n_blocks);
	} else {
		ret->kind = LOUDNESS_MOVING;
		find_moving(note, controls, block, ret);
	}
}

/* To one output, or two that are equally loud. \param right  NULL: there is one */
INLINE void add(const struct segue_reading *r, const struct loudness *loudness,
		const struct segue_note_block *block, segue_row *rows, uint32_t side,
		const float *left, const float *right, float gain)
{
	gain *= r->gains[side];
	switch (loudness->kind) {
	case LOUDNESS_STEADY:
		block->loops->add(rows, left, right, gain * (loudness->steady * loudness->rest[side]),
				block->n_frames);
		break;
	case LOUDNESS_FALLING:
		block->loops->add_falling(rows, left, right, gain, loudness->falling, loudness->distances,
				block->n_frames / SEGUE_BLOCK_FRAMES);
		break;
	case LOUDNESS_MOVING:
		block->loops->add_shaped(rows, left, right, gain, loudness->moving[side], block->n_frames);
		break;
	}
}

/* Is nothing panned? Then all outputs are equally loud. */
INLINE bool is_even(const struct segue_reading *r, const struct loudness *loudness)
{
	return r->gains[0] == r->gains[1] && (loudness->kind == LOUDNESS_MOVING ?
			loudness->moving[0] == loudness->moving[1] : loudness->rest[0] == loudness->rest[1]);
}

/* All channels to one output. */
SEGUE_DATA_LOOP static void play_mean(struct segue_reader *reader, const struct segue_note *note,
		const struct segue_note_block *block, const struct segue_reading *r, const struct loudness *loudness,
		uint32_t n_channels, segue_row *rows)
{
	for (uint32_t c = 0; c < n_channels; c++)
		add(r, loudness, block, rows, SEGUE_SIDES - 1, segue_reader_read(reader, note, block, r, c), NULL,
				1.0f / (float)n_channels);
}

INLINE void play(struct segue_reader *reader,
		const struct segue_note *note, const struct segue_note_block *block, const struct segue_reading *r,
		const struct loudness *loudness, segue_row *rows)
{
	uint32_t c, n_channels;
	const float *left, *right;

	if (segue_reading_is_over(r))
		return;
	n_channels = r->table != NULL ? r->table->n_channels : r->sample->n_channels;
	if (block->n_outputs == 1) {
		play_mean(reader, note, block, r, loudness, n_channels, rows);
		return;
	}
	left = segue_reader_read(reader, note, block, r, 0);
	right = n_channels > 1 ? segue_reader_read(reader, note, block, r, 1) : left;
	if (is_even(r, loudness)) {
		add(r, loudness, block, rows, 0, left, right, 1.0f);
	} else {
		add(r, loudness, block, rows, 0, left, NULL, 1.0f);
		add(r, loudness, block, rows + 1, 1, right, NULL, 1.0f);
	}
	for (c = 2; c < block->n_outputs && (n_channels == 1 || c < n_channels); c++)
		add(r, loudness, block, rows + c, 2,
				n_channels == 1 ? left : segue_reader_read(reader, note, block, r, c), NULL, 1.0f);
}

/* -------------------------------------------------------------------- moving */

SEGUE_DATA_LOOP static void find_levels(struct segue_reading *r, const struct segue_note *note)
{
	if (r->table == NULL)
		return;
	r->level = segue_table_find_level(r->table, note->pitch);
	r->level_before = note->pitch_before == note->pitch ? r->level :
		segue_table_find_level(r->table, note->pitch_before);
}

SEGUE_DATA_LOOP static void tune(struct segue_note *note, double bend, uint32_t rate)
{
	note->bend = bend;
	note->pace = SPA_MIN(note->frequency * bend / rate, SEGUE_BAND);
	note->step = (uint64_t)(int64_t)(note->pace * 0x1p64);
	segue_reading_set_pace(&note->now, bend, rate);
	segue_reading_set_pace(&note->next, bend, rate);
}

/* A block begins. */
SEGUE_DATA_LOOP static void choose_levels(struct segue_note *note)
{
	bool was_moving = note->pitch_before != note->pitch;

	if (!was_moving && note->pitch == note->pace)
		return;
	note->pitch_before = note->pitch;
	note->pitch = segue_pitch_choose(note->pitch, note->pace);
	if (was_moving || note->pitch != note->pitch_before) {
		find_levels(&note->now, note);
		find_levels(&note->next, note);
	}
}

INLINE void advance(struct segue_note *note, uint32_t n_frames)
{
	if (note->now.table != NULL) {
		/* the carry of a multiplication */
		uint64_t high = (note->step >> 32) * n_frames + (((note->step & UINT32_MAX) * n_frames) >> 32);
		uint64_t phase = note->phase + note->step * n_frames;

		note->periods += (high >> 32) + (phase < note->phase);
		note->phase = phase;
	}
	if (note->now.sample != NULL)
		segue_reading_move(&note->now, n_frames);
	if (note->next.sample != NULL)
		segue_reading_move(&note->next, n_frames);
	note->has_sounded = true;
}

void segue_note_start(struct segue_note *note, const struct segue_envelope_shape *shape, double bend, uint32_t rate)
{
	segue_envelope_start(&note->envelope, shape, rate);
	tune(note, bend, rate);
	note->pitch = note->pitch_before = note->pace;
	find_levels(&note->now, note);
}

/* A note that goes over to an instrument plays one region of it. */
SEGUE_DATA_LOOP static const struct segue_region *find_region(const struct segue_buffer *buffer,
		const struct segue_note *note)
{
	const struct segue_instrument *instrument = SPA_CONTAINER_OF(buffer, struct segue_instrument, buffer);

	if (buffer == NULL || buffer->type != SEGUE_BUFFER_INSTRUMENT)
		return NULL;
	for (uint32_t i = 0; i < instrument->n_regions; i++) {
		if (segue_region_matches(&instrument->regions[i], note->key, note->velocity))
			return &instrument->regions[i];
	}
	return NULL;
}

void segue_note_follow(struct segue_note *note, struct segue_ticket *ticket, uint32_t rate)
{
	segue_reading_start(&note->next, ticket, find_region(ticket->buffer, note), note, SEGUE_NOTE_LOOP_OWN);
	find_levels(&note->next, note);
	if (note->next.sample == NULL)
		return;
	segue_reading_set_pace(&note->next, note->bend, rate);
	segue_reading_set_place(&note->next, ((double)note->periods + (double)note->phase * 0x1p-64) *
			note->next.ratio / note->frequency);
}

void segue_note_arrive(struct segue_note *note, struct segue_handover *handover)
{
	if (note->next.ticket == NULL)
		return;
	segue_ticket_unref(handover, note->now.ticket);
	note->now = note->next;
	note->next = (struct segue_reading) { NULL };
}

void segue_note_clear(struct segue_note *note, struct segue_handover *handover)
{
	segue_note_arrive(note, handover);
	segue_ticket_unref(handover, note->now.ticket);
	note->now = (struct segue_reading) { NULL };
}

bool segue_note_is_over(const struct segue_note *note)
{
	return note->envelope.stage == SEGUE_STAGE_OVER ||
		(segue_reading_is_over(&note->now) &&
		 (note->next.ticket == NULL || segue_reading_is_over(&note->next)));
}

/* How many of at most n_max frames are played at once: a block, but all that lie one after the other while
 * nothing moves, or falls. */
SEGUE_DATA_LOOP static uint32_t count_together(const struct segue_note *note, const struct segue_controls *controls,
		uint32_t n_max)
{
	uint64_t n_blocks = n_max / SEGUE_BLOCK_FRAMES;

	if (note->next.ticket == NULL && note->now.sample != NULL && segue_reading_is_straight(&note->now, n_max)) {
		if (note->envelope.stage == SEGUE_STAGE_SUSTAIN)
			return n_max;
		n_blocks = SPA_MIN(n_blocks, segue_envelope_count_falling(&note->envelope));
		if (controls->is_unity && n_blocks > 0)
			return (uint32_t)n_blocks * SEGUE_BLOCK_FRAMES;
	}
	return SPA_MIN(n_max, SEGUE_BLOCK_FRAMES);
}

INLINE void play_block(struct segue_note *note, const struct segue_controls *controls,
		const struct segue_note_block *block)
{
	struct segue_reader reader;
	struct loudness loudness;

	/* only from a table does it go over to another */
	if (block->place == 0 && note->now.table != NULL)
		choose_levels(note);
	find_loudness(note, controls, block, &loudness);
	reader.bits = 0;
	if (note->next.ticket == NULL) {
		play(&reader, note, block, &note->now, &loudness, block->alone);
	} else {
		play(&reader, note, block, &note->now, &loudness, block->old);
		play(&reader, note, block, &note->next, &loudness, block->new);
	}
	advance(note, block->n_frames);
}

INLINE void pass(segue_row **rows, uint32_t n_frames)
{
	*rows = (segue_row *)(**rows + n_frames);
}

SEGUE_DATA_LOOP static void play_blocks(struct segue_note *note, const struct segue_controls *controls,
		const struct segue_note_block *run)
{
	struct segue_note_block block = *run;
	uint32_t left;

	for (left = run->n_frames; left > 0 && !segue_note_is_over(note); left -= block.n_frames) {
		block.n_frames = count_together(note, controls, left);
		play_block(note, controls, &block);
		pass(&block.alone, block.n_frames);
		pass(&block.old, block.n_frames);
		pass(&block.new, block.n_frames);
	}
}

INLINE bool play_note(struct segue_note *note, const struct segue_controls *controls,
		const struct segue_note_block *run)
{
	enum segue_stage stage = note->envelope.stage;

	if (note->bend != controls->bend)
		tune(note, controls->bend, run->rate);
	if (run->n_frames <= SEGUE_BLOCK_FRAMES)
		play_block(note, controls, run);
	else
		play_blocks(note, controls, run);
	return note->envelope.stage != stage || segue_note_is_over(note);
}

bool segue_notes_play(struct segue_note notes[], const uint16_t order[], uint32_t n_notes,
		const struct segue_channel channels[], const struct segue_note_block *run)
{
	bool has_changed = false;

	for (uint32_t i = 0; i < n_notes; i++) {
		struct segue_note *note = &notes[order[i]];

		has_changed |= play_note(note, &channels[note->channel].controls, run);
	}
	return has_changed;
}
