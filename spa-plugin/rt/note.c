/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "note.h"

#include <math.h>
#include <string.h>

#include <spa/utils/defs.h>

#include "hermite.h"
#include "ramp.h"

#define FRACTION_BITS	48u
#define ONE_FRAME	(UINT64_C(1) << FRACTION_BITS)
#define FASTEST		1000.0	/* frames per frame: a block's must fit above the fraction */
#define A4_KEY		69.0
#define A4_HZ		440.0

double segue_key_frequency(double key)
{
	return A4_HZ * exp2((key - A4_KEY) / 12.0);
}

/* Interpolation finds nothing but the zeros behind the end. */
SEGUE_DATA_LOOP static uint64_t last_place(const struct segue_sample *sample)
{
	return sample->n_frames + 1;
}

/* ------------------------------------------------------------------ readings */

SEGUE_DATA_LOOP static void set_loop(struct segue_reading *r, enum segue_note_loop loop)
{
	bool has_loop = r->sample->loop != SEGUE_LOOP_NONE;

	if (loop == SEGUE_NOTE_LOOP_NONE || r->sample->n_frames == 0 || (loop == SEGUE_NOTE_LOOP_OWN && !has_loop))
		return;
	r->loop_start = has_loop ? r->sample->loop_start : 0;
	r->loop_end = has_loop ? r->sample->loop_end : r->sample->n_frames;
}

SEGUE_DATA_LOOP static void set_gains(struct segue_reading *r, const struct segue_region *region,
		const struct segue_note *note)
{
	double gain = note->velocity * note->velocity, angle;
	uint32_t s;

	if (region != NULL)
		gain = region->gain * (1.0 - region->velocity_tracking * (1.0 - gain));
	gain *= note->gain;
	for (s = 0; s < SEGUE_SIDES; s++)
		r->gains[s] = (float)gain;
	if (region == NULL || region->pan == 0.0f)
		return;
	angle = M_PI_4 * (1.0 + (double)region->pan);
	r->gains[0] = (float)(gain * M_SQRT2 * cos(angle));
	r->gains[1] = (float)(gain * M_SQRT2 * sin(angle));
}

void segue_reading_start(struct segue_reading *r, struct segue_ticket *ticket, const struct segue_region *region,
		const struct segue_note *note, enum segue_note_loop loop)
{
	const struct segue_buffer *buffer = ticket->buffer;

	*r = (struct segue_reading) { .ticket = segue_ticket_ref(ticket) };
	set_gains(r, region, note);
	if (region != NULL) {
		r->sample = region->sample;
		r->ratio = exp2((note->key - region->root) * region->key_tracking / 12.0);
		if (region->one_shot)
			loop = SEGUE_NOTE_LOOP_NONE;
	} else if (buffer != NULL && buffer->type == SEGUE_BUFFER_SAMPLE) {
		r->sample = SPA_CONTAINER_OF(buffer, struct segue_sample, buffer);
		r->ratio = exp2(((double)note->key - r->sample->root_key) / 12.0);
	} else if (buffer != NULL && buffer->type == SEGUE_BUFFER_TABLE) {
		r->table = SPA_CONTAINER_OF(buffer, struct segue_table, buffer);
	}
	if (r->sample != NULL)
		set_loop(r, loop);
}

SEGUE_DATA_LOOP static bool is_over(const struct segue_reading *r)
{
	if (r->sample != NULL)
		return r->loop_end == 0 && r->frame >= last_place(r->sample);
	return r->table == NULL;
}

SEGUE_DATA_LOOP static void wrap(struct segue_reading *r)
{
	if (r->loop_end == 0) {
		r->frame = SPA_MIN(r->frame, last_place(r->sample));
	} else if (r->frame >= r->loop_end) {
		r->frame = r->loop_start + (r->frame - r->loop_start) % (r->loop_end - r->loop_start);
		r->looped = true;
	}
}

SEGUE_DATA_LOOP static void move(struct segue_reading *r, uint32_t n_frames)
{
	uint64_t moved = r->fraction + n_frames * r->step;

	r->frame += moved >> FRACTION_BITS;
	r->fraction = moved & (ONE_FRAME - 1);
	wrap(r);
}

SEGUE_DATA_LOOP static void set_step(struct segue_reading *r, double bend, uint32_t rate)
{
	if (r->sample != NULL)
		r->step = (uint64_t)(int64_t)(SPA_MIN(r->ratio * bend * ((double)r->sample->rate / rate), FASTEST) *
				ONE_FRAME + 0.5);
}

/* Where a sample is after so many seconds at its own pitch. */
SEGUE_DATA_LOOP static void set_place(struct segue_reading *r, double seconds)
{
	double place = seconds * r->sample->rate;

	if (r->step % ONE_FRAME == 0 && fabs(place - rint(place)) < 1e-4)
		place = rint(place);	/* on a frame: it is copied */
	r->frame = (uint64_t)place;
	r->fraction = (uint64_t)((place - (double)r->frame) * ONE_FRAME);
	wrap(r);
}

/* A neighbour of a frame: -1, 0, 1, 2. */
SEGUE_DATA_LOOP static float neighbour(const struct segue_reading *r, const float *data, int64_t frame, int32_t offset)
{
	int64_t start = (int64_t)r->loop_start, end = (int64_t)r->loop_end, place = frame + offset;

	if (end > 0 && place >= end)
		place = start + (place - start) % (end - start);
	else if (r->looped && place < start)
		place += end - start;
	return data[place];
}

/* How many places from first on have all neighbours where they lie in memory. */
SEGUE_DATA_LOOP static uint32_t count_plain(const struct segue_places *places, uint32_t first, uint32_t n_frames,
		int64_t base, int64_t end)
{
	uint32_t n = first;

	if (base + places->frame[n_frames - 1] < end)
		return n_frames - first;
	while (base + places->frame[n] < end)
		n++;
	return n - first;
}

SEGUE_DATA_LOOP static void interpolate(const struct segue_loops *loops, const struct segue_reading *reading,
		const struct segue_places *places, const float *data, float *ret, uint32_t n_frames)
{
	struct segue_reading r = { .loop_start = reading->loop_start, .loop_end = reading->loop_end,
		.looped = reading->looped };
	int64_t base = (int64_t)reading->frame, length = (int64_t)(r.loop_end - r.loop_start);
	int64_t end = r.loop_end > 0 ? (int64_t)r.loop_end - 2 : (int64_t)last_place(reading->sample) + 1;
	uint32_t i = 0, n;

	while (i < n_frames) {
		int64_t frame = base + places->frame[i];

		if (r.loop_end > 0 && frame >= (int64_t)r.loop_end) {
			base -= (frame - (int64_t)r.loop_start) / length * length;
			r.looped = true;
			continue;
		}
		if (r.loop_end == 0 && frame >= end) {
			memset(ret + i, 0, (n_frames - i) * sizeof(*ret));
			return;
		}
		if (frame < end && !(r.looped && frame == (int64_t)r.loop_start)) {
			n = count_plain(places, i, n_frames, base, end);
			loops->interpolate(data + base, places, i, ret + i, n);
			i += n;
			continue;
		}
		ret[i] = segue_hermite((const float[4]) { neighbour(&r, data, frame, -1), data[frame],
				neighbour(&r, data, frame, 1), neighbour(&r, data, frame, 2) }, places->t[i]);
		i++;
	}
}

/* Values as they are, in place if they lie there one after the other. */
SEGUE_DATA_LOOP static const float *copy(const struct segue_reading *r, const float *data, float *scratch,
		uint32_t n_frames)
{
	uint64_t frame = r->frame, end = r->loop_end > 0 ? r->loop_end : r->sample->n_frames;
	uint32_t done, n;

	if (frame + n_frames <= end)
		return data + frame;
	for (done = 0; done < n_frames && frame < end; done += n) {
		n = (uint32_t)SPA_MIN((uint64_t)(n_frames - done), end - frame);
		memcpy(scratch + done, data + frame, n * sizeof(*scratch));
		frame = r->loop_end > 0 && frame + n == end ? r->loop_start : frame + n;
	}
	memset(scratch + done, 0, (n_frames - done) * sizeof(*scratch));
	return scratch;
}

SEGUE_DATA_LOOP static bool is_copied(const struct segue_reading *r)
{
	return r->step == ONE_FRAME && r->fraction == 0;
}

/* A block of one note. */
struct reader {
	const struct segue_note *note;
	const struct segue_note_block *block;
	uint32_t bits;			/* what places were found for; 0: nothing yet */
	struct segue_places places;	/* what channels, and levels of one size, have in common */
	float scratch[SEGUE_BLOCK_FRAMES];
};

SEGUE_DATA_LOOP static void read_level(struct reader *reader, const struct segue_table_level *level, float *ret)
{
	const struct segue_loops *loops = reader->block->loops;
	uint32_t bits = 64 - (uint32_t)__builtin_ctz(level->n_frames);

	if (bits != reader->bits)
		loops->find(&reader->places, reader->note->phase, reader->note->step, bits,
				reader->block->n_frames);
	reader->bits = bits;
	loops->interpolate(level->data, &reader->places, 0, ret, reader->block->n_frames);
}

SEGUE_DATA_LOOP static void read_table(struct reader *reader, const struct segue_reading *r, uint32_t channel)
{
	const struct segue_table_level *levels = &r->table->levels[channel * r->table->n_levels];
	const struct segue_note_block *block = reader->block;
	float before[SEGUE_BLOCK_FRAMES], *ret = reader->scratch;

	read_level(reader, &levels[r->level], ret);
	if (r->level_before == r->level)
		return;
	read_level(reader, &levels[r->level_before], before);
	for (uint32_t i = 0; i < block->n_frames; i++) {
		double g = segue_smooth((block->place + i + 1) / (SEGUE_BLOCK_FRAMES + 1.0));

		ret[i] = (float)((1.0 - g) * before[i] + g * ret[i]);
	}
}

SEGUE_DATA_LOOP static const float *read_channel(struct reader *reader, const struct segue_reading *r,
		uint32_t channel)
{
	uint32_t n_frames = reader->block->n_frames;

	if (r->table != NULL)
		read_table(reader, r, channel);
	else if (is_copied(r))
		return copy(r, r->sample->data[channel], reader->scratch, n_frames);
	else
		interpolate(reader->block->loops, r, &reader->places, r->sample->data[channel], reader->scratch,
				n_frames);
	return reader->scratch;
}

/* --------------------------------------------------------------------- notes */

/* What a block's values are multiplied by on each side, but for the reading's own gain. */
struct loudness {
	bool is_steady;
	float steady[SEGUE_SIDES];
	const float *moving[SEGUE_SIDES];
	float rows[SEGUE_SIDES][SEGUE_BLOCK_FRAMES];
};

SEGUE_DATA_LOOP static uint32_t side_of(uint32_t output, uint32_t n_outputs)
{
	return n_outputs > 1 ? SPA_MIN(output, SEGUE_SIDES - 1) : SEGUE_SIDES - 1;
}

/* The values of an envelope times a channel's, in the same order whether they move or not: so they are the same
 * ones wherever a cycle ends. */
SEGUE_DATA_LOOP static void find_loudness(struct segue_note *note, const struct segue_controls *controls,
		const struct segue_note_block *block, struct loudness *ret)
{
	bool sustains = note->envelope.stage == SEGUE_STAGE_SUSTAIN;
	float level = (float)note->envelope.to, *shape = ret->rows[SEGUE_SIDES - 1];
	uint32_t s, i;

	ret->is_steady = sustains && !controls->is_moving;
	if (ret->is_steady) {
		for (s = 0; s < SEGUE_SIDES; s++)
			ret->steady[s] = level * controls->rest[s];
		return;
	}
	segue_envelope_run(&note->envelope, block->loops, block->rate, block->place, shape, block->n_frames);
	if (!controls->is_moving && controls->rest[0] == 1.0f && controls->rest[1] == 1.0f && controls->rest[2] == 1.0f) {
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

/* \param n  1, or 2: to this output and the one after it, which are equally loud */
SEGUE_DATA_LOOP static void add(const struct segue_reading *r, const struct loudness *loudness,
		const struct segue_note_block *block, float (*rows)[SEGUE_BLOCK_FRAMES], uint32_t output, uint32_t n,
		const float *values, float gain)
{
	uint32_t s = side_of(output, block->n_outputs);
	float *other = n > 1 ? rows[output + 1] : NULL;

	gain *= r->gains[s];
	if (loudness->is_steady)
		block->loops->add(rows[output], other, values, gain * loudness->steady[s], block->n_frames);
	else
		block->loops->add_shaped(rows[output], other, values, gain, loudness->moving[s], block->n_frames);
}

/* Is nothing panned? Then all outputs are equally loud. */
SEGUE_DATA_LOOP static bool is_even(const struct segue_reading *r, const struct loudness *loudness)
{
	if (r->gains[0] != r->gains[1])
		return false;
	return loudness->is_steady ? loudness->steady[0] == loudness->steady[1] :
		loudness->moving[0] == loudness->moving[1];
}

/* One channel to all outputs. */
SEGUE_DATA_LOOP static void add_to_all(const struct segue_reading *r, const struct loudness *loudness,
		const struct segue_note_block *block, float (*rows)[SEGUE_BLOCK_FRAMES], const float *values)
{
	uint32_t c = 0;

	if (block->n_outputs > 1 && is_even(r, loudness)) {
		add(r, loudness, block, rows, 0, 2, values, 1.0f);
		c = 2;
	}
	for (; c < block->n_outputs; c++)
		add(r, loudness, block, rows, c, 1, values, 1.0f);
}

/* A sample at its own pitch, as it lies in memory. \return false: it is something else, or not all there */
SEGUE_DATA_LOOP static bool play_straight(const struct segue_reading *r, const struct loudness *loudness,
		const struct segue_note_block *block, float (*rows)[SEGUE_BLOCK_FRAMES])
{
	uint64_t end = r->loop_end > 0 ? r->loop_end : r->sample->n_frames;
	uint32_t c, n_channels = r->sample->n_channels;

	if (!is_copied(r) || r->frame + block->n_frames > end || (n_channels > 1 && block->n_outputs == 1))
		return false;
	if (n_channels == 1) {
		add_to_all(r, loudness, block, rows, r->sample->data[0] + r->frame);
		return true;
	}
	for (c = 0; c < SPA_MIN(n_channels, block->n_outputs); c++)
		add(r, loudness, block, rows, c, 1, r->sample->data[c] + r->frame, 1.0f);
	return true;
}

SEGUE_DATA_LOOP static void play(struct reader *reader, const struct segue_reading *r,
		const struct loudness *loudness, float (*rows)[SEGUE_BLOCK_FRAMES])
{
	const struct segue_note_block *block = reader->block;
	uint32_t c, n_channels;

	if (r->sample != NULL && play_straight(r, loudness, block, rows))
		return;
	if (is_over(r))
		return;
	n_channels = r->table != NULL ? r->table->n_channels : r->sample->n_channels;
	if (r->sample != NULL && !is_copied(r)) {
		block->loops->find(&reader->places, r->fraction, r->step, FRACTION_BITS, block->n_frames);
		reader->bits = 0;
	}
	if (n_channels == 1) {
		add_to_all(r, loudness, block, rows, read_channel(reader, r, 0));
	} else if (block->n_outputs == 1) {
		for (c = 0; c < n_channels; c++)
			add(r, loudness, block, rows, 0, 1, read_channel(reader, r, c), 1.0f / (float)n_channels);
	} else {
		for (c = 0; c < SPA_MIN(n_channels, block->n_outputs); c++)
			add(r, loudness, block, rows, c, 1, read_channel(reader, r, c), 1.0f);
	}
}

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
	set_step(&note->now, bend, rate);
	set_step(&note->next, bend, rate);
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

SEGUE_DATA_LOOP static void advance(struct segue_note *note, uint32_t n_frames)
{
	if (note->now.table != NULL) {
		/* the carry of a multiplication */
		uint64_t high = (note->step >> 32) * n_frames + (((note->step & UINT32_MAX) * n_frames) >> 32);
		uint64_t phase = note->phase + note->step * n_frames;

		note->periods += (high >> 32) + (phase < note->phase);
		note->phase = phase;
	}
	if (note->now.sample != NULL)
		move(&note->now, n_frames);
	if (note->next.sample != NULL)
		move(&note->next, n_frames);
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
	set_step(&note->next, note->bend, rate);
	set_place(&note->next, ((double)note->periods + (double)note->phase * 0x1p-64) * note->next.ratio /
			note->frequency);
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
		(is_over(&note->now) && (note->next.ticket == NULL || is_over(&note->next)));
}

bool segue_note_play(struct segue_note *note, const struct segue_controls *controls,
		const struct segue_note_block *block)
{
	enum segue_stage stage = note->envelope.stage;
	struct reader reader;
	struct loudness loudness;

	reader.note = note;
	reader.block = block;
	reader.bits = 0;
	if (note->bend != controls->bend)
		tune(note, controls->bend, block->rate);
	/* only from a table does it go over to another */
	if (block->place == 0 && note->now.table != NULL)
		choose_levels(note);
	find_loudness(note, controls, block, &loudness);
	if (note->next.ticket == NULL) {
		play(&reader, &note->now, &loudness, block->alone);
	} else {
		play(&reader, &note->now, &loudness, block->old);
		play(&reader, &note->next, &loudness, block->new);
	}
	advance(note, block->n_frames);
	return note->envelope.stage != stage || segue_note_is_over(note);
}
