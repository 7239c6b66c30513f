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
#include "ramp.h"
#include "reading.h"
#include "table.h"

/** \file
 * One sounding note: a key's pitch, an envelope, and what it reads. Data loop only.
 *
 * A note keeps the integral of its frequency since its onset, in periods and fixed point; a table is read at its
 * fraction, so a new table is at once where it would have been. A sample is read at a place of its own, which
 * follows from that integral when a note on a table goes over to it. */

/** What a MIDI channel's notes have in common, for the next frames. */
struct segue_controls {
	double bend;				/**< factor of a frequency */
	bool is_moving;				/**< whether gains change .. */
	float rest[SEGUE_SIDES];		/**< .. or stay */
	bool is_unity;				/**< all of them at 1 */
	float gains[SEGUE_SIDES][SEGUE_BLOCK_FRAMES];
};

struct segue_channel {
	double volume, expression, pan;		/**< as in struct segue_midi_event */
	bool pedal;
	struct segue_ramp ramps[SEGUE_SIDES];
	struct segue_controls controls;
};

/** What every block looks at comes first. */
struct segue_note {
	double bend;				/**< that steps were worked out with; 0: anew */
	uint32_t channel;			/**< of the controls it follows */
	uint8_t key;
	bool is_held, is_sustained;		/**< by its key, by the pedal */
	bool is_one_shot;
	bool has_sounded;
	struct segue_reading now;
	struct segue_envelope envelope;
	struct segue_reading next;		/**< next.ticket: what a running fade goes over to */
	uint32_t off_by;			/**< of its region */
	uint64_t play;				/**< serial of what played it; 0: a key */
	double velocity;			/**< 0..1 */
	double gain;				/**< beside it */
	double frequency;			/**< without a bend */
	double pace;				/**< periods per frame, with that bend */
	uint64_t periods, phase, step;		/**< the same, 64 bits of fraction */
	double pitch, pitch_before;		/**< periods per frame that levels are chosen by */
} __attribute__((aligned(SEGUE_CACHE_LINE)));

SEGUE_DATA_LOOP double segue_key_frequency(double key);

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
/** Add n_frames of notes to the outputs' rows, and move on.
 * \param order  n_notes places in notes[]
 * \param run  of one block; or of several, where it begins with a whole one and no channel's gains move
 * \return whether a stage has changed, or one is over */
SEGUE_DATA_LOOP bool segue_notes_play(struct segue_note notes[], const uint16_t order[], uint32_t n_notes,
		const struct segue_channel channels[], const struct segue_note_block *run);

#endif /* SEGUE_RT_NOTE_H */
