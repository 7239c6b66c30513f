/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "reading.h"

#include <math.h>
#include <string.h>

#include <spa/utils/defs.h>

#include "hermite.h"
#include "note.h"
#include "ramp.h"

#define FASTEST		1000.0	/* frames per frame: a block's must fit above the fraction */

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
	if (r->sample == NULL)
		return;
	set_loop(r, loop);
	r->end = r->loop_end > 0 ? r->loop_end : r->sample->n_frames;
}

void segue_reading_wrap(struct segue_reading *r)
{
	if (r->loop_end == 0) {
		r->frame = SPA_MIN(r->frame, segue_reading_last_place(r));
	} else if (r->frame >= r->loop_end) {
		r->frame = r->loop_start + (r->frame - r->loop_start) % (r->loop_end - r->loop_start);
		r->looped = true;
	}
}

void segue_reading_set_pace(struct segue_reading *r, double bend, uint32_t rate)
{
	if (r->sample != NULL)
		r->step = (uint64_t)(int64_t)(SPA_MIN(r->ratio * bend * ((double)r->sample->rate / rate), FASTEST) *
				SEGUE_READING_FRAME + 0.5);
}

void segue_reading_set_place(struct segue_reading *r, double seconds)
{
	double place = seconds * r->sample->rate;

	if (r->step % SEGUE_READING_FRAME == 0 && fabs(place - rint(place)) < 1e-4)
		place = rint(place);	/* on a frame: it is copied */
	r->frame = (uint64_t)place;
	r->fraction = (uint64_t)((place - (double)r->frame) * SEGUE_READING_FRAME);
	segue_reading_wrap(r);
}

/* ------------------------------------------------------------------- samples */

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
	int64_t end = r.loop_end > 0 ? (int64_t)r.loop_end - 2 : (int64_t)segue_reading_last_place(reading) + 1;
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

/* Values as they are. */
SEGUE_DATA_LOOP static void copy(const struct segue_reading *r, const float *data, float *scratch,
		uint32_t n_frames)
{
	uint64_t frame = r->frame;
	uint32_t done, n;

	for (done = 0; done < n_frames && frame < r->end; done += n) {
		n = (uint32_t)SPA_MIN((uint64_t)(n_frames - done), r->end - frame);
		memcpy(scratch + done, data + frame, n * sizeof(*scratch));
		frame = r->loop_end > 0 && frame + n == r->end ? r->loop_start : frame + n;
	}
	memset(scratch + done, 0, (n_frames - done) * sizeof(*scratch));
}

SEGUE_DATA_LOOP static void read_sample(struct segue_reader *reader, const struct segue_note_block *block,
		const struct segue_reading *r, uint32_t channel, float *ret)
{
	const float *data = r->sample->data[channel];

	if (segue_reading_is_copied(r)) {
		copy(r, data, ret, block->n_frames);
		return;
	}
	if (channel == 0)
		block->loops->find(&reader->places, r->fraction, r->step, SEGUE_READING_BITS, block->n_frames);
	reader->bits = 0;
	interpolate(block->loops, r, &reader->places, data, ret, block->n_frames);
}

/* -------------------------------------------------------------------- tables */

SEGUE_DATA_LOOP static void read_level(struct segue_reader *reader, const struct segue_note *note,
		const struct segue_note_block *block, const struct segue_table_level *level, float *ret)
{
	uint32_t bits = 64 - (uint32_t)__builtin_ctz(level->n_frames);

	if (bits != reader->bits)
		block->loops->find(&reader->places, note->phase, note->step, bits, block->n_frames);
	reader->bits = bits;
	block->loops->interpolate(level->data, &reader->places, 0, ret, block->n_frames);
}

SEGUE_DATA_LOOP static void read_table(struct segue_reader *reader, const struct segue_note *note,
		const struct segue_note_block *block, const struct segue_reading *r, uint32_t channel, float *ret)
{
	const struct segue_table_level *levels = &r->table->levels[channel * r->table->n_levels];
	float before[SEGUE_BLOCK_FRAMES];

	read_level(reader, note, block, &levels[r->level], ret);
	if (r->level_before == r->level)
		return;
	read_level(reader, note, block, &levels[r->level_before], before);
	for (uint32_t i = 0; i < block->n_frames; i++) {
		double g = segue_smooth((block->place + i + 1) / (SEGUE_BLOCK_FRAMES + 1.0));

		ret[i] = (float)((1.0 - g) * before[i] + g * ret[i]);
	}
}

const float *segue_reader_work_out(struct segue_reader *reader, const struct segue_note *note,
		const struct segue_note_block *block, const struct segue_reading *r, uint32_t channel)
{
	float *ret = reader->scratch[channel % 2];

	if (r->table != NULL)
		read_table(reader, note, block, r, channel, ret);
	else
		read_sample(reader, block, r, channel, ret);
	return ret;
}
