/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_PLAY_H
#define SEGUE_RT_PLAY_H

#include <stdint.h>

#include <segue/handover.h>

#include "note.h"

/** \file
 * What SEGUE_SOURCE_PLAY carries. */

/** A ticket, and how what it claims is played. One allocation: where the ticket is freed, all of it is. */
struct segue_play {
	struct segue_ticket ticket;	/**< first; `serial` is the play's id, not 0; `at` SEGUE_NOW, `fade` 0 */
	float gain;			/**< linear */
	enum segue_note_loop loop;	/**< of a sample */
	int32_t key;			/**< 0..127; -1: a sample as it is, a table at the node's frequency, an
					  *  instrument's middle C */
	uint32_t velocity;		/**< 1..127, as loud as a key's; 0: 127 */
};

#endif /* SEGUE_RT_PLAY_H */
