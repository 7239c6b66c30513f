/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_NOTE_H
#define SEGUE_RT_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include <segue/handover.h>

#include "buffers.h"
#include "cubic.h"
#include "envelope.h"
#include "instrument.h"
#include "table.h"

/** \file
 * One sounding note: a key's pitch, an envelope, and what it reads. Data loop only.
 *
 * A note keeps the integral of its frequency since its onset, in periods and fixed point; a table is read at its
 * fraction, so a new table is at once where it would have been. A sample is read at a place of its own, which
 * follows from that integral when a note on a table goes over to it. */

/** What outputs are by a pan: the first of several, the second, and any other. */
#define SEGUE_SIDES	3u

/** What a MIDI channel's notes have in common, for the next frames. */
struct segue_controls {
	double bend;				/**< factor of a frequency */
	bool is_moving;				/**< whether gains change .. */
	float rest[SEGUE_SIDES];		/**< .. or stay */
	float gains[SEGUE_SIDES][SEGUE_BLOCK_FRAMES];
};

/** What is read of a ticket's buffer: a table, a sample or silence. */
struct segue_reading {
	struct segue_ticket *ticket;		/**< counted for this reading; NULL: there is none */
	const struct segue_table *table;
	const struct segue_sample *sample;
	float gains[SEGUE_SIDES];		/**< of velocity, region and pan */
	uint32_t level, level_before;		/**< of the table, in this block and the last one */
	double ratio;				/**< of the pitch to the sample's own, without a bend */
	uint64_t frame, fraction, step;		/**< of the sample; 48 bits of fraction */
	uint64_t loop_start, loop_end;		/**< loop_end 0: none */
	bool looped;				/**< the loop's first frame is preceded by its last */
};

struct segue_note {
	uint32_t channel;			/**< of the controls it follows */
	uint8_t key;
	bool is_held, is_sustained;		/**< by its key, by the pedal */
	bool is_one_shot;
	bool has_sounded;
	uint32_t off_by;			/**< of its region */
	uint64_t play;				/**< serial of what played it; 0: a key */
	double velocity;			/**< 0..1 */
	double gain;				/**< beside it */
	struct segue_reading now, next;		/**< next.ticket: what a running fade goes over to */
	struct segue_envelope envelope;
	double frequency;			/**< without a bend */
	double bend;				/**< that steps were worked out with; 0: anew */
	double pace;				/**< periods per frame, with that bend */
	uint64_t periods, phase, step;		/**< the same, 64 bits of fraction */
	double pitch, pitch_before;		/**< periods per frame that levels are chosen by */
};

/** How a sample is looped. */
enum segue_note_loop {
	SEGUE_NOTE_LOOP_OWN,		/**< as it says */
	SEGUE_NOTE_LOOP_NONE,
	SEGUE_NOTE_LOOP_ALL,		/**< its own loop, all of it if it has none */
};

/** Frames of one block, and where they go. */
struct segue_note_block {
	const struct segue_loops *loops;
	uint32_t n_frames;
	uint32_t place;			/**< of the first one in its block, counted from the engine's first */
	uint32_t rate;
	uint32_t n_outputs;
	float (*alone)[SEGUE_BLOCK_FRAMES];	/**< what the node's fade leaves alone is added here */
	float (*old)[SEGUE_BLOCK_FRAMES];	/**< and what it doesn't, here .. */
	float (*new)[SEGUE_BLOCK_FRAMES];	/**< .. and here */
};

SEGUE_DATA_LOOP double segue_key_frequency(double key);

/** Read a ticket's buffer from now on: one more use of the ticket.
 * \param region  of its instrument; NULL: it is a table, a sample or silence */
SEGUE_DATA_LOOP void segue_reading_start(struct segue_reading *reading, struct segue_ticket *ticket,
		const struct segue_region *region, const struct segue_note *note, enum segue_note_loop loop);

/** Begin at its first frame with what it reads, which has been started.
 * \param bend  of its channel */
SEGUE_DATA_LOOP void segue_note_start(struct segue_note *note, const struct segue_envelope_shape *shape,
		double bend, uint32_t rate);
/** A fade begins in which it goes over to a ticket's buffer, where it would be had it begun on it. */
SEGUE_DATA_LOOP void segue_note_follow(struct segue_note *note, struct segue_ticket *ticket, uint32_t rate);
/** The fade is over. */
SEGUE_DATA_LOOP void segue_note_arrive(struct segue_note *note, struct segue_handover *handover);
/** Let its tickets go. */
SEGUE_DATA_LOOP void segue_note_clear(struct segue_note *note, struct segue_handover *handover);
/** Is there nothing left to be heard? */
SEGUE_DATA_LOOP bool segue_note_is_over(const struct segue_note *note);
/** Add n_frames of it to the outputs' rows, and move on. \return whether its stage has changed, or it is over */
SEGUE_DATA_LOOP bool segue_note_play(struct segue_note *note, const struct segue_controls *controls,
		const struct segue_note_block *block);

#endif /* SEGUE_RT_NOTE_H */
