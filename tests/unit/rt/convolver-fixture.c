/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "convolver-fixture.h"

#include <complex.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <spa/utils/defs.h>

#include "make/layout.h"
#include "make/transforms.h"

#define BUDGET		(1024u * 1024u * 1024u)
#define DIRECT_MAX	((uint64_t)1 << 25)	/* products that don't take too long */

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static uint32_t next_random(uint64_t *state)
{
	/* xorshift64* */
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (uint32_t)((*state * 0x2545f4914f6cdd1du) >> 32);
}

uint32_t random_below(uint32_t n)
{
	return next_random(&random_state) % n;
}

static float noise(uint64_t *state)
{
	return (float)(next_random(state) / 2147483648.0 - 1.0);
}

static void *new_zeroed(size_t size)
{
	void *memory = calloc(1, size);

	assert_non_null(memory);
	return memory;
}

void fixture_init(struct fixture *f, uint32_t n_in, uint32_t n_out, uint64_t frames_max, uint32_t n_frames,
		const struct segue_vector *vector)
{
	uint64_t state = 77;

	*f = (struct fixture) {
		.memory = segue_memory_new(BUDGET),
		.make.name = "room",
		.transforms = segue_transforms_new(),
		.handover = new_zeroed(sizeof(struct segue_handover)),
		.statistics = new_zeroed(sizeof(struct segue_statistics)),
		.clock = { .id = 7, .nsec = 1000 * SPA_NSEC_PER_SEC, .position = START, .rate = { 1, RATE } },
		.n_frames = n_frames,
	};
	assert_non_null(f->memory);
	assert_non_null(f->transforms);
	f->make.memory = f->memory;
	f->config = (struct segue_convolver_config) { n_in, n_out, frames_max, f->transforms, f->handover,
		f->statistics, vector };
	f->conv_memory = new_zeroed(segue_convolver_size(&f->config));
	f->conv = segue_convolver_init(f->conv_memory, &f->config);
	for (uint32_t c = 0; c < CHANNELS; c++) {
		f->in[c] = c < n_in ? new_zeroed(n_frames * sizeof(float)) : NULL;
		f->out[c] = c < n_out ? new_zeroed(n_frames * sizeof(float)) : NULL;
		for (uint32_t i = 0; c < n_in && i < n_frames; i++)
			f->in[c][i] = noise(&state);
	}
}

void fixture_clear(struct fixture *f, struct room *rooms, uint32_t n_rooms)
{
	segue_convolver_drain(f->conv);
	segue_convolver_drain(f->conv);
	(void)segue_handover_collect(f->handover);
	assert_int_equal(f->handover->n_outstanding, 0);
	for (uint32_t i = 0; i < f->n_tickets; i++) {
		assert_int_not_equal(segue_ticket_outcome(f->tickets[i]), SEGUE_OUTCOME_NONE);
		assert_int_equal(f->tickets[i]->refs, 0);
		free(f->tickets[i]);
	}
	for (uint32_t c = 0; c < CHANNELS; c++) {
		free(f->in[c]);
		free(f->out[c]);
	}
	for (uint32_t i = 0; i < n_rooms; i++) {
		segue_memory_free(f->memory, rooms[i].sample);
		segue_memory_free(f->memory, rooms[i].response);
	}
	free(f->conv_memory);
	free(f->statistics);
	free(f->handover);
	segue_transforms_unref(f->transforms);
	segue_memory_unref(f->memory);
}

struct room new_room(struct fixture *f, uint32_t n_channels, uint64_t n_frames, uint32_t seed)
{
	const struct segue_response_target target = { f->config.n_in, f->config.n_out, f->config.frames_max,
		f->transforms };
	struct room room = { segue_sample_new(&f->make, n_channels, n_frames, RATE) };
	uint64_t state = 0x123456789abcdefu + seed;

	assert_non_null(room.sample);
	for (uint32_t c = 0; c < n_channels; c++) {
		for (uint64_t i = 0; i < n_frames; i++)
			room.sample->data[c][i] = noise(&state) * (float)exp(-3.0 * i / n_frames);
	}
	room.response = segue_response_from_sample(&f->make, room.sample, &target);
	assert_non_null(room.response);
	return room;
}

struct segue_ticket *send_room(struct fixture *f, const struct room *room, double fade, uint64_t at)
{
	struct segue_ticket *ticket = new_zeroed(sizeof(*ticket));

	*ticket = (struct segue_ticket) { .buffer = room != NULL ? &room->response->buffer : NULL, .at = at,
		.fade = fade, .refs = 1, .serial = f->n_tickets + 1 };
	assert_true(f->n_tickets < TICKETS_MAX);
	f->tickets[f->n_tickets++] = ticket;
	assert_int_equal(segue_handover_send(f->handover,
				&(struct segue_command) { SEGUE_COMMAND_SWAP, .ticket = ticket }), 0);
	return ticket;
}

void send_value(struct fixture *f, uint32_t type, uint32_t key, double value)
{
	assert_int_equal(segue_handover_send(f->handover,
				&(struct segue_command) { type, key, .value = value }), 0);
}

static void run_cycle(struct fixture *f, uint32_t n)
{
	const float *in[CHANNELS];
	float *out[CHANNELS];

	for (uint32_t c = 0; c < CHANNELS; c++) {
		in[c] = f->in[c] != NULL ? f->in[c] + f->n_done : NULL;
		out[c] = f->out[c] != NULL ? f->out[c] + f->n_done : NULL;
	}
	f->clock.duration = n;
	segue_convolver_process(f->conv, &f->clock, in, out, n);
	f->clock.position += n;
	f->clock.nsec += n * SPA_NSEC_PER_SEC / RATE;
	f->n_done += n;
}

void run_frames(struct fixture *f, uint32_t n, uint32_t quantum)
{
	uint32_t end = f->n_done + n, count;

	assert_true(end <= f->n_frames);
	while (f->n_done < end) {
		count = quantum > 0 ? quantum : 1 + random_below(1u << (1 + random_below(13)));
		run_cycle(f, SPA_MIN(count, end - f->n_done));
	}
}

void let_pass(struct fixture *f, double seconds)
{
	f->clock.position += llround(seconds * RATE);
	f->clock.nsec += llround(seconds * 1e9);
}

/* ------------------------------------------------------------- the reference */

static const float *path_of(const struct fixture *f, const struct room *room, uint32_t input, uint32_t output)
{
	uint32_t n = room->sample->n_channels;

	if (n == f->config.n_in * f->config.n_out)
		return room->sample->data[input * f->config.n_out + output];
	return input == output ? room->sample->data[n == 1 ? 0 : output] : NULL;
}

double convolve_frame(const struct fixture *f, const struct room *room, uint32_t output, uint32_t first,
		uint32_t frame)
{
	double sum = 0.0;

	for (uint32_t i = 0; i < f->config.n_in; i++) {
		const float *h = path_of(f, room, i, output);

		for (uint64_t k = 0; h != NULL && k < room->sample->n_frames && k + first <= frame; k++)
			sum += (double)h[k] * f->in[i][frame - k];
	}
	return sum;
}

/* The textbook's transform: half the size twice. roots: exp(sign * 2 pi i k / n) is every step-th of them. */
static void transform(double complex *x, double complex *scratch, uint32_t n, const double complex *roots,
		uint32_t step)
{
	uint32_t k, half = n / 2;

	if (n == 1)
		return;
	for (k = 0; k < half; k++) {
		scratch[k] = x[2 * k];
		scratch[half + k] = x[2 * k + 1];
	}
	transform(scratch, x, half, roots, 2 * step);
	transform(scratch + half, x + half, half, roots, 2 * step);
	for (k = 0; k < half; k++) {
		double complex odd = roots[k * step] * scratch[half + k];

		x[k] = scratch[k] + odd;
		x[half + k] = scratch[k] - odd;
	}
}

/* Input and response as real and imaginary part: half the imaginary part of the square is their product. */
static void add_convolution(const float *x, uint32_t n_x, const float *h, uint32_t n_h, double *sum)
{
	uint32_t n = 1, k;
	double complex *z, *scratch, *roots;

	while (n < n_x + n_h)
		n *= 2;
	z = new_zeroed(n * sizeof(*z));
	scratch = new_zeroed(n * sizeof(*z));
	roots = new_zeroed(n * sizeof(*z));
	for (k = 0; k < n; k++) {
		z[k] = (k < n_x ? x[k] : 0.0) + I * (k < n_h ? h[k] : 0.0);
		roots[k] = cexp(2.0 * M_PI * I * k / n);
	}
	transform(z, scratch, n, roots, 1);
	/* the second one goes the same way, so comes out backwards */
	for (k = 0; k < n; k++)
		z[k] *= z[k];
	transform(z, scratch, n, roots, 1);
	for (k = 0; k < n_x; k++)
		sum[k] += cimag(z[(n - k) % n]) / 2.0 / n;
	free(z);
	free(scratch);
	free(roots);
}

double *convolve(const struct fixture *f, const struct room *room, uint32_t output, uint32_t first)
{
	double *ret = new_zeroed(f->n_frames * sizeof(*ret));
	uint32_t frame, i;

	if (room == NULL)
		return ret;
	if ((uint64_t)f->n_frames * room->sample->n_frames <= DIRECT_MAX) {
		for (frame = first; frame < f->n_frames; frame++)
			ret[frame] = convolve_frame(f, room, output, first, frame);
		return ret;
	}
	for (i = 0; i < f->config.n_in; i++) {
		const float *h = path_of(f, room, i, output);

		if (h != NULL)
			add_convolution(f->in[i] + first, f->n_frames - first, h, room->sample->n_frames, ret + first);
	}
	return ret;
}

double fade_weight(double n_fade, double n)
{
	double w = (n + 1.0) / (n_fade + 1.0);

	return n < n_fade ? w * w * (3.0 - 2.0 * w) : 1.0;
}

double snr(const float *out, const double *expected, uint32_t n_frames)
{
	double error = 0.0, power = 0.0;

	for (uint32_t i = 0; i < n_frames; i++) {
		error += (out[i] - expected[i]) * (out[i] - expected[i]);
		power += expected[i] * expected[i];
	}
	return 10.0 * log10(power / (error + 1e-300));
}

double peak_error(const float *out, const double *expected, uint32_t n_frames)
{
	double error = 1e-300, peak = 0.0;

	for (uint32_t i = 0; i < n_frames; i++) {
		error = SPA_MAX(error, fabs(out[i] - expected[i]));
		peak = SPA_MAX(peak, fabs(expected[i]));
	}
	return 20.0 * log10(peak / error);
}
