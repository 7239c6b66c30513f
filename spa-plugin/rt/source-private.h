/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_SOURCE_PRIVATE_H
#define SEGUE_RT_SOURCE_PRIVATE_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include <segue/handover.h>

#include "midi.h"
#include "outlet.h"
#include "ramp.h"
#include "source.h"
#include "swap.h"
#include "table.h"
#include "voice.h"
#include "voices.h"
#include "watch.h"

/** \file
 * What the files of the source engine share.
 *
 * source.c           cycles and what they sound like
 * source-commands.c  what the main loop asks for */

#define SEGUE_SOURCE_RAMP_SEC	0.005
#define SEGUE_SOURCE_KEYS	128u

/* Keys to be released once the ring is empty, a bit each. */
struct segue_keys {
	uint32_t words[SEGUE_SOURCE_KEYS / 32];
};

struct segue_source {
	/* constant */
	uint32_t n_channels;
	struct segue_handover *handover;
	struct segue_statistics *statistics;
	/* shared, relaxed: the data loop writes, the main loop reads */
	uint32_t n_voices;
	/* shared: the main loop sets bits, the data loop clears them */
	struct segue_keys released;
	/* data loop */
	struct segue_swap swap;
	struct segue_watch watch;
	struct segue_phase phase;
	struct segue_voice current, next;	/* the steady voice, of the swap's */
	const struct segue_ticket *followed;	/* what notes on tables are going over to */
	uint64_t position;		/* of the cycle's first frame */
	uint32_t rate;
	double frequency;
	bool plays_notes;		/* trigger */
	uint32_t midi_channel;		/* 0: all, 1..16 */
	bool has_run;			/* what is set from now on is ramped */
	struct segue_ramp steady;	/* the steady voice's, 0: trigger notes */
	struct segue_outlet outlet;
	struct segue_midi midi;
	struct segue_midi_event event;	/* the next one of this cycle */
	bool has_event;
	struct segue_command deferred[SEGUE_RING_SIZE];	/* what came after a swap */
	uint32_t n_deferred;
	struct segue_keys releasing;		/* in this cycle */
	struct segue_voices voices;
	/* n_channels each of what is faded out, of what is faded in, and of notes that aren't */
	segue_row rows[] __attribute__((aligned(SEGUE_CACHE_LINE)));
};

/** Set out for another value, so that it is reached in so many seconds; before the first cycle at once. */
static inline SEGUE_DATA_LOOP void segue_source_ramp(const struct segue_source *source, struct segue_ramp *ramp,
		double to, double seconds)
{
	segue_ramp_start(ramp, to, source->has_run ? (uint64_t)llround(seconds * source->rate) : 0);
}

/** The newest buffer that has started. */
static inline SEGUE_DATA_LOOP struct segue_ticket *segue_source_newest(const struct segue_source *source)
{
	return source->swap.next != NULL ? source->swap.next : source->swap.current;
}

/** Take up to n_max commands: what came before a swap is obeyed at once. */
SEGUE_DATA_LOOP void segue_source_take_commands(struct segue_source *source, uint32_t n_max);
/** What came after one, now that it has started, and keys that are to be released after all of it. */
SEGUE_DATA_LOOP void segue_source_obey_deferred(struct segue_source *source);

#endif /* SEGUE_RT_SOURCE_PRIVATE_H */
