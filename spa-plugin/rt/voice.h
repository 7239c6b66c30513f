/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_VOICE_H
#define SEGUE_RT_VOICE_H

#include <stdint.h>

#include <segue/handover.h>

#include "sample.h"
#include "table.h"

/** \file
 * The steady voice (`trigger = always`; notes are note.h's) plays what a ticket claims, a table or a sample, on any
 * number of outputs: one channel goes to all of them, one output gets the mean of all channels, otherwise channel i
 * goes to output i. Data loop only. */

struct segue_voice {
	const struct segue_ticket *ticket;	/**< NULL: silence. Borrowed: the swap counts it */
	struct segue_playhead head;
	uint32_t sample_rate;			/**< 0: it isn't a sample */
};

#define SEGUE_VOICE_SILENT	((struct segue_voice) { .ticket = NULL })

/** Begin to play a ticket: a sample from its first frame, or one that was remade for another rate from where
 * `before` is.
 * \param ticket  NULL: silence */
SEGUE_DATA_LOOP void segue_voice_start(struct segue_voice *voice, const struct segue_ticket *ticket,
		const struct segue_voice *before);
/** Play turns->n_frames frames into n_outputs rows, and move on. */
SEGUE_DATA_LOOP void segue_voice_play(struct segue_voice *voice, const struct segue_turns *turns,
		uint32_t rate, segue_row *outputs, uint32_t n_outputs);

#endif /* SEGUE_RT_VOICE_H */
