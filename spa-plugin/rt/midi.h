/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_MIDI_H
#define SEGUE_RT_MIDI_H

#include <stdbool.h>
#include <stdint.h>

#include <spa/pod/pod.h>

#include <segue/handover.h>

/** \file
 * A cycle's MIDI, as events: MIDI 1.0 bytes, and UMP of message types 2 and 4. Data loop only. */

/** SPA_CONTROL_UMP, which PipeWire has from 1.2 on; 3 is OSC. */
#define SEGUE_CONTROL_UMP	4u

enum segue_midi_type {
	SEGUE_MIDI_NOTE_OFF,
	SEGUE_MIDI_NOTE_ON,
	SEGUE_MIDI_CONTROLLER,
	SEGUE_MIDI_BEND,
};

struct segue_midi_event {
	uint32_t frame;			/**< in the cycle */
	enum segue_midi_type type;
	uint8_t channel;		/**< 0..15 */
	uint8_t key;			/**< or a controller's number */
	/** 0..1: how hard a key is struck, where a controller stands (64 / 127 in the middle, from which on a switch
	 * is on; a pan 0.5); a bend's -1..1 */
	double value;
};

/** Where we are in a sequence. What is left open by an event, a status or a system message, may go on in the
 * next one: zeroed at first, then kept. */
struct segue_midi {
	const uint8_t *next, *end;	/**< controls left */
	const uint8_t *bytes;		/**< of the control under way, that are left */
	uint32_t n_bytes;
	uint32_t frame;			/**< of it */
	bool is_ump;
	uint8_t status;			/**< running */
	bool in_system;			/**< inside a system exclusive message */
};

/** \param sequence  bounds checked from outside; NULL: nothing */
SEGUE_DATA_LOOP void segue_midi_begin(struct segue_midi *midi, const struct spa_pod_sequence *sequence);
/** \return false when there is none left */
SEGUE_DATA_LOOP bool segue_midi_next(struct segue_midi *midi, struct segue_midi_event *ret);

#endif /* SEGUE_RT_MIDI_H */
