/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_VOICES_H
#define SEGUE_RT_VOICES_H

#include <stdbool.h>
#include <stdint.h>

#include <segue/handover.h>

#include "midi.h"
#include "note.h"
#include "ramp.h"

/** \file
 * All the notes there are: who gets a voice, who loses his, and what a channel's controllers do. Data loop only.
 *
 * A voice counts until its last 5 ms begin. When a note finds none, the oldest released one gives way, else the
 * oldest one, and ends in 5 ms; at once if it hasn't been heard yet. */

#define SEGUE_VOICES_MAX	256u
/* those in their last 5 ms have room for as many again: then the one nearest its end is cut */
#define SEGUE_NOTES_MAX		(2u * SEGUE_VOICES_MAX)

/** Channels 0..15 are MIDI's; what the main loop plays has no controllers. */
#define SEGUE_CHANNEL_KEYS	16u	/**< its keys */
#define SEGUE_CHANNEL_PLAYS	17u
#define SEGUE_CHANNELS		18u

struct segue_voices {
	struct segue_handover *handover;
	const struct segue_loops *loops;
	uint32_t n_outputs;
	uint32_t rate;
	uint32_t n_max;
	struct segue_envelope_shape shape;	/**< for notes to come */
	uint32_t n_notes, n_counted;		/**< with and without those in their last 5 ms */
	uint16_t order[SEGUE_NOTES_MAX];	/**< of notes[]: from the oldest on, then those that are free */
	uint32_t moving;			/**< a bit for each channel whose gains move */
	struct segue_channel channels[SEGUE_CHANNELS];
	struct segue_note notes[SEGUE_NOTES_MAX];
};

/** What the main loop plays: a ticket and what it needs beside it, allocated as one. */
struct segue_play;

SEGUE_DATA_LOOP void segue_voices_init(struct segue_voices *voices, struct segue_handover *handover,
		uint32_t n_outputs, uint32_t rate);
SEGUE_DATA_LOOP void segue_voices_set_rate(struct segue_voices *voices, uint32_t rate);
/** \param n_max  1..SEGUE_VOICES_MAX; those that are too many give way */
SEGUE_DATA_LOOP void segue_voices_set_max(struct segue_voices *voices, uint32_t n_max);
/** Keys of the other MIDI channels are released and their controllers reset.
 * \param channel  0: all are heard; 1..16 */
SEGUE_DATA_LOOP void segue_voices_keep_channel(struct segue_voices *voices, uint32_t channel);

/** \param ticket  the newest that has started; NULL: silence */
SEGUE_DATA_LOOP void segue_voices_note_on(struct segue_voices *voices, struct segue_ticket *ticket, uint32_t channel,
		uint8_t key, double velocity);
SEGUE_DATA_LOOP void segue_voices_note_off(struct segue_voices *voices, uint32_t channel, uint8_t key);
SEGUE_DATA_LOOP void segue_voices_controller(struct segue_voices *voices, uint32_t channel, uint8_t controller,
		double value);
/** \param value  -1..1 */
SEGUE_DATA_LOOP void segue_voices_bend(struct segue_voices *voices, uint32_t channel, double value);
/** Release every key, whatever holds it. */
SEGUE_DATA_LOOP void segue_voices_release(struct segue_voices *voices);

/** Play a ticket by itself: one use more for each voice.
 * \param frequency  of a table that is given no key */
SEGUE_DATA_LOOP void segue_voices_play(struct segue_voices *voices, struct segue_play *play, double frequency);
/** \param play  serial of its ticket */
SEGUE_DATA_LOOP void segue_voices_stop(struct segue_voices *voices, uint64_t play);

/** A fade begins: keys that sound on a table go over to a ticket's buffer. */
SEGUE_DATA_LOOP void segue_voices_follow(struct segue_voices *voices, struct segue_ticket *ticket);
/** It is over. */
SEGUE_DATA_LOOP void segue_voices_arrive(struct segue_voices *voices);
/** Everything ends at once. */
SEGUE_DATA_LOOP void segue_voices_clear(struct segue_voices *voices);

/** Add all notes to rows, and move on.
 * \param block  loops, n_outputs and rate are filled in here */
SEGUE_DATA_LOOP void segue_voices_render(struct segue_voices *voices, struct segue_note_block *block);

#endif /* SEGUE_RT_VOICES_H */
