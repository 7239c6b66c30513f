/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef TEST_RT_CONVOLVER_FIXTURE_H
#define TEST_RT_CONVOLVER_FIXTURE_H

#include <stdint.h>

#include "make/response.h"
#include "rt/convolver.h"

/** \file
 * A convolver with a clock of its own, responses of noise, and what they should give: convolved in double
 * precision, directly or, when that takes too long, by transforms that a test compares with it. */

#define RATE		48000u
#define TICKETS_MAX	64u
#define CHANNELS	8u	/* at most */
#define START		100000u	/* position of the first frame */

/** A response and what it was made from. */
struct room {
	struct segue_sample *sample;
	struct segue_response *response;
};

struct fixture {
	struct segue_memory *memory;
	struct segue_make make;
	struct segue_transforms *transforms;
	struct segue_handover *handover;
	struct segue_statistics *statistics;
	struct segue_convolver_config config;
	struct segue_convolver *conv;
	void *conv_memory;
	struct spa_io_clock clock;	/* of the next cycle */
	struct segue_ticket *tickets[TICKETS_MAX];
	uint32_t n_tickets;
	/* all that came in and went out: [channel][frame] */
	uint32_t n_frames, n_done;
	float *in[CHANNELS], *out[CHANNELS];
};

/** \param n_frames  of noise that will be played
 * \param vector    NULL: the best */
void fixture_init(struct fixture *f, uint32_t n_in, uint32_t n_out, uint64_t frames_max, uint32_t n_frames,
		const struct segue_vector *vector);
/** Drains the engine, and fails unless every ticket has come back answered. Frees the rooms, too. */
void fixture_clear(struct fixture *f, struct room *rooms, uint32_t n_rooms);

/** Noise that dies away, the same for the same seed. */
struct room new_room(struct fixture *f, uint32_t n_channels, uint64_t n_frames, uint32_t seed);

struct segue_ticket *send_room(struct fixture *f, const struct room *room, double fade, uint64_t at);
void send_value(struct fixture *f, uint32_t type, uint32_t key, double value);
/** The next n frames in cycles of one quantum; 0: of random ones. */
void run_frames(struct fixture *f, uint32_t n, uint32_t quantum);
/** Time passes with no cycle. */
void let_pass(struct fixture *f, double seconds);

/** What a room gives for the frames of the input from `first` on, those before it being silence; room NULL:
 * silence. The caller frees. */
double *convolve(const struct fixture *f, const struct room *room, uint32_t output, uint32_t first);
/** One frame of it, directly. */
double convolve_frame(const struct fixture *f, const struct room *room, uint32_t output, uint32_t first,
		uint32_t frame);
/** Weight of the fade that a ticket asked for, n frames after its start. */
double fade_weight(double n_fade, double n);

/** How far an output is from what it should be, in dB below it. */
double snr(const float *out, const double *expected, uint32_t n_frames);
/** The largest error in dB below the largest value. */
double peak_error(const float *out, const double *expected, uint32_t n_frames);

uint32_t random_below(uint32_t n);

#define assert_at_least(value, min) do { \
	double value_ = (value); \
	if (!(value_ >= (min))) \
		fail_msg("%s is %.2f, below %.2f", #value, value_, (double)(min)); \
} while (0)

#endif /* TEST_RT_CONVOLVER_FIXTURE_H */
