/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_SOURCE_H
#define SEGUE_RT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spa/node/io.h>
#include <spa/pod/pod.h>

#include <segue/handover.h>

#include "play.h"
#include "statistics.h"

/** \file
 * The source engine: a steady voice on a table or a sample (`trigger = always`), or a note for each key (`trigger =
 * notes`); and in both what is played by itself. It knows ports only as arrays of floats; whatever hosts it hands in
 * the clock and the MIDI of the cycle. */

/** Settings and notes, sent as commands in order with swaps. Before the first cycle nothing is ramped. What follows
 * a `now` swap in the ring finds it started, at full weight if it is being faded in. */
enum segue_source_command {
	/* 0 is SEGUE_COMMAND_SWAP */
	SEGUE_SOURCE_CANCEL = 1,	/**< data: serial of a swap that isn't taken yet */
	SEGUE_SOURCE_GAIN,		/**< value: linear; ramped */
	SEGUE_SOURCE_BYPASS,		/**< value: 0 or 1; key: length of the fade, in microseconds */
	SEGUE_SOURCE_FREQUENCY,		/**< value: Hz */
	SEGUE_SOURCE_VOLUME,		/**< value: linear, key: channel; ramped (mute is volume 0) */
	SEGUE_SOURCE_TRIGGER,		/**< value: 0 always, 1 notes; the steady voice is ramped, keys are released */
	SEGUE_SOURCE_CHANNEL,		/**< value: MIDI channel 1..16, 0: all */
	SEGUE_SOURCE_VOICES,		/**< value: at most so many, 1..256 */
	SEGUE_SOURCE_ATTACK,		/**< value: seconds, for notes to come; so are the next three */
	SEGUE_SOURCE_DECAY,		/**< value: seconds */
	SEGUE_SOURCE_SUSTAIN,		/**< value: 0..1 */
	SEGUE_SOURCE_RELEASE,		/**< value: seconds */
	SEGUE_SOURCE_NOTE_ON,		/**< key: SEGUE_NOTE(key, velocity); with velocity 0 it is released */
	SEGUE_SOURCE_NOTE_OFF,		/**< key */
	SEGUE_SOURCE_NOTES_OFF,		/**< every key, MIDI's too, whatever holds it */
	SEGUE_SOURCE_STOP,		/**< data: serial of a play */
	/** ticket: that of a struct segue_play (play.h), applied in the cycle's first frame */
	SEGUE_SOURCE_PLAY = SEGUE_COMMAND_TICKET | 1,
};

#define SEGUE_NOTE(key, velocity)	((uint32_t)(key) | (uint32_t)(velocity) << 8)

struct segue_source;

/** Bytes an engine needs. Any thread. */
SEGUE_MAIN_LOOP size_t segue_source_size(uint32_t n_channels);

/** Set up an engine on the caller's memory. Before the data loop runs it; there is nothing to undo but
 * segue_source_drain().
 * \param memory      segue_source_size() zeroed bytes, aligned to SEGUE_CACHE_LINE
 * \param n_channels  outputs, 1..SEGUE_CHANNELS_MAX
 * \param handover    where its commands come from; outlives the engine, as do the statistics
 * \return the engine: frequency 440 Hz, gain and volumes 1, not bypassed, trigger always, all channels, 64 voices,
 *         attack 5 ms, decay 0, sustain 1, release 50 ms */
SEGUE_MAIN_LOOP struct segue_source *segue_source_init(void *memory, uint32_t n_channels,
		struct segue_handover *handover, struct segue_statistics *statistics);

/** Render one cycle. Data loop.
 * \param clock  the driver's, with this cycle's position, rate, nsec, duration, id and flags
 * \param midi  what has arrived, bounds checked from outside; or NULL
 * \param out    n_channels pointers to n_frames values; NULL for a port nobody listens to
 * \param n_frames  1..8192 */
SEGUE_DATA_LOOP void segue_source_process(struct segue_source *source,
		const struct spa_io_clock *clock, const struct spa_pod_sequence *midi, float *const out[],
		uint32_t n_frames);

/** Release a key the main loop struck although the ring is full: once the data loop has taken whatever is in
 * there now. Until then the key can't be struck again. Main loop. */
SEGUE_MAIN_LOOP void segue_source_release_key(struct segue_source *source, uint8_t key);
/** Is that still to be done? Main loop. */
SEGUE_MAIN_LOOP bool segue_source_is_releasing(const struct segue_source *source, uint8_t key);

/** Voices sounding, without those in their last 5 ms. Any thread. */
SEGUE_MAIN_LOOP uint32_t segue_source_count_voices(const struct segue_source *source);

/** The node has been taken off the graph or put back on it: what was missed meanwhile is a pause, not
 * missed cycles. Through the barrier only. */
SEGUE_DATA_LOOP void segue_source_pause(struct segue_source *source);

/** PipeWire is gone and its clock with it: what was scheduled by that has failed. Through the barrier. */
SEGUE_DATA_LOOP void segue_source_lose_clock(struct segue_source *source);

/** Take every command although no cycle runs: `now` swaps are applied at once (position 0), running
 * fades complete, settings jump, notes end; `at` swaps wait. Through the barrier only: runs on the data loop, or in
 * its place. */
SEGUE_DATA_LOOP void segue_source_settle(struct segue_source *source);

/** Let everything go: ring, schedule, fade, voices; what wasn't answered is GONE. Through the barrier. */
SEGUE_DATA_LOOP void segue_source_drain(struct segue_source *source);

#endif /* SEGUE_RT_SOURCE_H */
