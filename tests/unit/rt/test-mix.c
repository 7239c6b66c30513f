/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "rt/source.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <spa/utils/defs.h>

#include "fixture.h"

/* Promise 2: what is heard follows from the positions reported, the fades asked for and the sounds alone. */

#define N_CASES		250
#define N_FRAMES	40000u
#define FREQUENCY	997.0
#define N_CHANNELS	2u

#define N_SOUNDS	7u

struct sounds {
	struct segue_table *tables[3];
	struct segue_sample *samples[3];
};

static const double sine[] = { 0.8 }, octave[] = { 0.5, 0.4 }, odd[] = { 0.3, 0.0, -0.6 };
static const double *const amplitudes[] = { sine, octave, odd };
static const uint32_t n_partials[] = { 1, 2, 3 };

static int setup(void **state)
{
	struct sounds *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	for (uint32_t i = 0; i < 3; i++)
		s->tables[i] = new_table(1, amplitudes[i], n_partials[i]);
	s->samples[0] = new_noise(1, RATE, 1000);
	set_loop(s->samples[0], 300, 999);
	s->samples[1] = new_noise(2, RATE, 5000);
	s->samples[2] = new_noise(2, RATE, 7);
	set_loop(s->samples[2], 6, 7);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct sounds *s = *state;

	for (uint32_t i = 0; i < 3; i++) {
		free_table(s->tables[i]);
		free_sample(s->samples[i]);
	}
	free(s);
	return 0;
}

static struct segue_buffer *pick(const struct sounds *s, uint32_t i)
{
	if (i < 3)
		return &s->tables[i]->buffer;
	return i < 6 ? &s->samples[i - 3]->buffer : NULL;
}

static double sound_of_table(uint32_t i, uint64_t frame)
{
	double sum = 0.0;

	for (uint32_t p = 0; p < n_partials[i]; p++)
		sum += amplitudes[i][p] * sin(2.0 * M_PI * fmod((p + 1) * FREQUENCY * frame / RATE, 1.0));
	return sum;
}

static double sound_of_sample(const struct segue_sample *sample, uint32_t channel, uint64_t frame)
{
	const float *data = sample->data[sample->n_channels > 1 ? channel : 0];
	uint64_t start = sample->loop_start;

	if (sample->loop == SEGUE_LOOP_FORWARD && frame >= sample->loop_end)
		frame = start + (frame - start) % (sample->loop_end - start);
	return frame < sample->n_frames ? data[frame] : 0.0;
}

/* What a ticket alone would give in a frame of the engine's. */
static double sound_of(const struct sounds *s, const struct segue_ticket *t, uint32_t channel, uint64_t frame)
{
	for (uint32_t i = 0; t != NULL && i < 3; i++) {
		if (t->buffer == &s->tables[i]->buffer)
			return sound_of_table(i, frame);
		if (t->buffer == &s->samples[i]->buffer)
			return sound_of_sample(s->samples[i], channel, frame - (t->position - START));
	}
	return 0.0;
}

static int by_position(const void *a, const void *b)
{
	const struct segue_ticket *x = *(struct segue_ticket *const *)a;
	const struct segue_ticket *y = *(struct segue_ticket *const *)b;

	return (x->position > y->position) - (x->position < y->position);
}

static void assert_heard_as_reported(const struct fixture *f, const struct sounds *s, const float *out)
{
	struct segue_ticket *applied[TICKETS_MAX];
	uint32_t n_applied = 0, k = 0;

	for (uint32_t i = 0; i < f->n_tickets; i++) {
		if (segue_ticket_outcome(f->tickets[i]) == SEGUE_OUTCOME_APPLIED)
			applied[n_applied++] = f->tickets[i];
	}
	qsort(applied, n_applied, sizeof(applied[0]), by_position);
	for (uint64_t frame = 0; frame < N_FRAMES; frame++) {
		const struct segue_ticket *old, *new;
		double g = 1.0;

		while (k < n_applied && applied[k]->position - START <= frame)
			k++;
		old = k > 1 ? applied[k - 2] : NULL;
		new = k > 0 ? applied[k - 1] : NULL;
		if (new != NULL)
			g = weight_of(new, frame - (new->position - START),
					k < n_applied ? applied[k]->position - new->position : UINT64_MAX);
		for (uint32_t c = 0; c < N_CHANNELS; c++)
			assert_near(out[c * N_FRAMES + frame], (1.0 - g) * sound_of(s, old, c, frame) +
					g * sound_of(s, new, c, frame), 1e-6);
	}
}

static void send_random_swap(struct fixture *f, const struct sounds *s)
{
	static const uint32_t fades[] = { 0, 1, 2, 64, 256, 257, 960, 4801, 20000 };
	uint64_t at = SEGUE_NOW;
	uint32_t flags = random_below(2) ? SEGUE_TICKET_LATE : 0;

	if (random_below(2))
		at = f->clock.position + random_below(8000);
	send_swap(f, pick(s, random_below(N_SOUNDS)),
			fades[random_below(SPA_N_ELEMENTS(fades))] / (double)RATE, at, flags);
}

static void random_swaps_in_random_cycles_are_heard_as_reported(void **state)
{
	const struct sounds *s = *state;
	float *out = malloc(N_CHANNELS * N_FRAMES * sizeof(*out));

	for (uint32_t i = 0; i < N_CASES; i++) {
		struct fixture f;
		uint32_t largest = random_below(3) ? 13 : 8;

		fixture_init(&f, N_CHANNELS);
		send_value(&f, SEGUE_SOURCE_FREQUENCY, 0, FREQUENCY);
		for (uint32_t done = 0, n; done < N_FRAMES; done += n) {
			n = SPA_MIN(N_FRAMES - done, 1 + random_below(1u << (1 + random_below(largest))));
			if (random_below(3) == 0 && f.n_tickets + 3 < TICKETS_MAX) {
				for (uint32_t k = random_below(4); k > 0; k--)
					send_random_swap(&f, s);
			}
			run_cycle(&f, out, N_FRAMES, done, n);
		}
		/* what is heard at the end may depend on a swap that comes after it */
		run_frames(&f, NULL, 10000, 1000);
		assert_heard_as_reported(&f, s, out);
		fixture_clear(&f);
	}
	free(out);
}

static void render_script(const struct sounds *s, uint32_t quantum, float *out)
{
	struct fixture f;

	fixture_init(&f, N_CHANNELS);
	send_value(&f, SEGUE_SOURCE_FREQUENCY, 0, FREQUENCY);
	send_value(&f, SEGUE_SOURCE_GAIN, 0, 0.7);
	for (uint32_t i = 0; i < 12; i++)
		send_swap(&f, pick(s, i % N_SOUNDS), i % 3 * 0.05, START + i * 3001, 0);
	run_frames(&f, out, N_FRAMES, quantum);
	for (uint32_t i = 0; i < 12; i++)
		assert_int_equal(f.tickets[i]->position, START + i * 3001);
	fixture_clear(&f);
}

static void the_quantum_does_not_change_a_single_bit_of_the_output(void **state)
{
	static const uint32_t quanta[] = { 1, 63, 64, 65, 480, 1024, 8192, 0, 0, 0 };
	size_t size = N_CHANNELS * N_FRAMES * sizeof(float);
	float *reference = malloc(size), *out = malloc(size);

	render_script(*state, 256, reference);
	for (size_t i = 0; i < SPA_N_ELEMENTS(quanta); i++) {
		render_script(*state, quanta[i], out);
		assert_memory_equal(reference, out, size);
	}
	free(reference);
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(random_swaps_in_random_cycles_are_heard_as_reported,
				setup, teardown),
		cmocka_unit_test_setup_teardown(the_quantum_does_not_change_a_single_bit_of_the_output,
				setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
