/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_READING_H
#define SEGUE_RT_READING_H

#include <stdbool.h>
#include <stdint.h>

#include <segue/handover.h>

#include "buffers.h"
#include "cubic.h"
#include "instrument.h"

/** \file
 * What a note reads, and where. Data loop only.
 *
 * A table is read at the note's phase. A sample is read at a place of its own: from there a block's values lie
 * one after the other in memory if it sounds at its own pitch, else they are interpolated. */

/** What outputs are by a pan: the first of several, the second, and any other. */
#define SEGUE_SIDES	3u

#define SEGUE_READING_BITS	48u	/* of a fraction */
#define SEGUE_READING_FRAME	(UINT64_C(1) << SEGUE_READING_BITS)

struct segue_note;

/** How a sample is looped. */
enum segue_note_loop {
	SEGUE_NOTE_LOOP_OWN,		/**< as it says */
	SEGUE_NOTE_LOOP_NONE,
	SEGUE_NOTE_LOOP_ALL,		/**< its own loop, all of it if it has none */
};

/** What is read of a ticket's buffer: a table, a sample or silence. */
struct segue_reading {
	struct segue_ticket *ticket;		/**< counted for this reading; NULL: there is none */
	const struct segue_table *table;
	const struct segue_sample *sample;
	uint64_t frame, fraction, step;		/**< of the sample */
	uint64_t loop_start, loop_end;		/**< loop_end 0: none */
	uint64_t end;				/**< of what lies one after the other: the loop's, or the sample's */
	bool looped;				/**< the loop's first frame is preceded by its last */
	float gains[SEGUE_SIDES];		/**< of velocity, region and pan */
	uint32_t level, level_before;		/**< of the table, in this block and the last one */
	double ratio;				/**< of the pitch to the sample's own, without a bend */
};

/** Frames of a block, or of several, and where they go. */
struct segue_note_block {
	const struct segue_loops *loops;
	uint32_t n_frames;
	uint32_t place;			/**< of the first one in its block, counted from the engine's first */
	uint32_t rate;
	uint32_t n_outputs;
	segue_row *alone;	/**< what the node's fade leaves alone is added here */
	segue_row *old;		/**< and what it doesn't, here .. */
	segue_row *new;		/**< .. and here */
};

/** What a note's channels, and levels of one size, have in common in a block. */
struct segue_reader {
	uint32_t bits;				/**< what places were found for; 0: nothing yet */
	struct segue_places places;
	float scratch[2][SEGUE_BLOCK_FRAMES];	/**< of even and odd channels */
};

/** Read a ticket's buffer from now on: one more use of the ticket.
 * \param region  of its instrument; NULL: it is a table, a sample or silence */
SEGUE_DATA_LOOP void segue_reading_start(struct segue_reading *reading, struct segue_ticket *ticket,
		const struct segue_region *region, const struct segue_note *note, enum segue_note_loop loop);
/** Follow a bend. */
SEGUE_DATA_LOOP void segue_reading_set_pace(struct segue_reading *reading, double bend, uint32_t rate);
/** Where a sample is after so many seconds at its own pitch. */
SEGUE_DATA_LOOP void segue_reading_set_place(struct segue_reading *reading, double seconds);
/** Back into the loop, or no further than the last place. */
SEGUE_DATA_LOOP void segue_reading_wrap(struct segue_reading *reading);

/** A channel's block that has to be worked out. */
SEGUE_DATA_LOOP const float *segue_reader_work_out(struct segue_reader *reader, const struct segue_note *note,
		const struct segue_note_block *block, const struct segue_reading *reading, uint32_t channel);

/** Beyond it interpolation finds nothing but the zeros behind a sample's end. */
static inline SEGUE_DATA_LOOP uint64_t segue_reading_last_place(const struct segue_reading *r)
{
	return r->sample->n_frames + 1;
}

static inline SEGUE_DATA_LOOP bool segue_reading_is_over(const struct segue_reading *r)
{
	if (r->sample != NULL)
		return r->loop_end == 0 && r->frame > r->end;
	return r->table == NULL;
}

/** Are its values those of the sample, as they are? */
static inline SEGUE_DATA_LOOP bool segue_reading_is_copied(const struct segue_reading *r)
{
	return r->step == SEGUE_READING_FRAME && r->fraction == 0;
}

/** And do they lie one after the other? */
static inline SEGUE_DATA_LOOP bool segue_reading_is_straight(const struct segue_reading *r, uint32_t n_frames)
{
	return segue_reading_is_copied(r) && r->frame + n_frames <= r->end;
}

/** A channel's block; valid until the next but one is read. Channel 0 first. */
static inline SEGUE_DATA_LOOP const float *segue_reader_read(struct segue_reader *reader, const struct segue_note *note,
		const struct segue_note_block *block, const struct segue_reading *r, uint32_t channel)
{
	if (segue_reading_is_straight(r, block->n_frames))
		return r->sample->data[channel] + r->frame;
	return segue_reader_work_out(reader, note, block, r, channel);
}

static inline SEGUE_DATA_LOOP void segue_reading_move(struct segue_reading *r, uint32_t n_frames)
{
	uint64_t moved = r->fraction + n_frames * r->step;

	r->frame += moved >> SEGUE_READING_BITS;
	r->fraction = moved & (SEGUE_READING_FRAME - 1);
	if (r->frame >= r->end)
		segue_reading_wrap(r);
}

#endif /* SEGUE_RT_READING_H */
