/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef TEST_RT_FIXTURE_H
#define TEST_RT_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "rt/buffers.h"
#include "rt/instrument.h"
#include "rt/midi.h"
#include "rt/source.h"

/** \file
 * A source engine with a clock of its own, and sounds that a formula knows. */

#define RATE		48000u
#define QUANTUM_MAX	8192u
#define TICKETS_MAX	256u
#define START		100000u	/* position of an engine's first frame */
#define RAMP		240u	/* frames: the 5 ms in which settings change and notes end */
#define LASTING(n_frames)	(((n_frames) * SPA_NSEC_PER_SEC + RATE / 2) / RATE)	/* in ns, of an `after` ticket */
#define HURRY		256u	/* frames: of a fade that makes way */

/** MIDI to come: messages in order, by the frame of the engine's they are heard in. */
struct score {
	struct {
		uint64_t frame;
		uint32_t type;		/* SPA_CONTROL_Midi, or SEGUE_CONTROL_UMP */
		uint32_t size;
		uint8_t bytes[16];
	} *events;
	uint32_t n_events, next;
};

struct fixture {
	struct segue_handover *handover;
	struct segue_statistics *statistics;
	struct segue_source *source;
	uint32_t n_channels;
	struct spa_io_clock clock;	/* of the next cycle */
	struct segue_ticket *tickets[TICKETS_MAX];	/* in the order sent; freed at teardown */
	uint32_t n_tickets;
	struct score score;
};

void fixture_init(struct fixture *f, uint32_t n_channels);
/** One whose keys sound at full level at once and end in 5 ms.
 * \param buffer  NULL: none yet */
void fixture_init_keys(struct fixture *f, uint32_t n_channels, struct segue_buffer *buffer);
/** Drains the engine, and fails unless every ticket has come back answered. */
void fixture_clear(struct fixture *f);

struct segue_ticket *send_swap(struct fixture *f, struct segue_buffer *buffer, double fade, uint64_t at,
		uint32_t flags);
void send_value(struct fixture *f, uint32_t type, uint32_t key, double value);
void send_cancel(struct fixture *f, uint64_t serial);

void send_note(struct fixture *f, uint8_t key, uint8_t velocity);	/* 0: off */
/** \param key  -1: none */
struct segue_ticket *send_play(struct fixture *f, struct segue_buffer *buffer, float gain, enum segue_note_loop loop,
		int32_t key);
void send_stop(struct fixture *f, uint64_t serial);

/** The engine's next frame, counted from its first. */
uint64_t frame_now(const struct fixture *f);
/** Add a MIDI 1.0 message of up to three bytes; the length follows from the status. */
void add_midi(struct fixture *f, uint64_t frame, uint8_t status, uint8_t a, uint8_t b);
void add_bytes(struct fixture *f, uint64_t frame, uint32_t type, const void *bytes, uint32_t size);

/** One cycle; out: n_channels runs of `stride` values, written from `offset` on. */
void run_cycle(struct fixture *f, float *out, uint32_t stride, uint32_t offset, uint32_t n_frames);
/** So many frames in cycles of one quantum; 0: of random ones. */
void run_frames(struct fixture *f, float *out, uint32_t n_frames, uint32_t quantum);
/** Time passes with no cycle. */
void let_pass(struct fixture *f, double seconds);

/** Pseudo-random, the same in every run. */
uint32_t random_below(uint32_t n);
double random_unit(void);

/** Hz */
double key_frequency(double key);
/** The level of a note that was released i frames ago. */
double last_5_ms(uint32_t i);
/** The curve of fades, 0..1. */
double smooth(double w);
/** Weight of a ticket in its i-th frame, when the next one starts `until` frames after it. */
double weight_of(const struct segue_ticket *ticket, uint64_t i, uint64_t until);
void assert_silent(const float *out, uint32_t n_frames);
/** Channels find their outputs.
 * \param begin  makes an engine of so many outputs, in which the buffer is heard as it is from the first frame on */
void assert_outputs_found(void (*begin)(struct fixture *f, uint32_t n_outputs, struct segue_buffer *buffer));

/** A table of partials amplitudes[0..n-1] in sine phase, in half-octave levels; one per channel. */
struct segue_table *new_table(uint32_t n_channels, const double amplitudes[], uint32_t n_partials);
/** A table whose levels are constant: level l holds n_partials[l] partials and reads as values[l]. */
struct segue_table *new_flat_table(const uint32_t n_partials[], const float values[], uint32_t n_levels);
void free_table(struct segue_table *table);

/** A table that reads 1 at any pitch. */
struct segue_table *new_ones(void);

/** A sample of zeros. */
struct segue_sample *new_sample(uint32_t n_channels, uint32_t rate, uint64_t n_frames);
/** A sample of one value a channel, for ever. */
struct segue_sample *new_constant(uint32_t n_channels, const float values[]);
/** A sample of noise in -1..1. */
struct segue_sample *new_noise(uint32_t n_channels, uint32_t rate, uint64_t n_frames);
void set_loop(struct segue_sample *sample, uint64_t start, uint64_t end);
void free_sample(struct segue_sample *sample);

/** An instrument of these regions, which borrow their samples. */
struct segue_instrument *new_instrument(const struct segue_region regions[], uint32_t n_regions);
void free_instrument(struct segue_instrument *instrument);

/** A region of every key and velocity, at the node's own envelope. */
#define REGION_ALL(sample_, root_)	.key_high = 127, .velocity_high = 127, .root = (root_), .key_tracking = 1.0f, \
	.velocity_tracking = 1.0f, .gain = 1.0f, .envelope = { -1.0f, -1.0f, -1.0f, -1.0f }, .sample = (sample_)

#define assert_near(a, b, tolerance) do { \
	double a_ = (a), b_ = (b); \
	if (!(fabs(a_ - b_) <= (tolerance))) \
		fail_msg("%.9g is not %.9g (%s is not %s)", a_, b_, #a, #b); \
} while (0)

#define assert_applied(ticket, at) do { \
	assert_int_equal(segue_ticket_outcome(ticket), SEGUE_OUTCOME_APPLIED); \
	assert_int_equal((ticket)->position, (at)); \
} while (0)

#endif /* TEST_RT_FIXTURE_H */
