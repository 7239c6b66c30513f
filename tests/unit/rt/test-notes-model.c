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
#include "notes-model.h"

/* All of it at random, against the model. SEGUE_TEST_SECONDS=60 runs it for that long. */

#define N_SOUNDS	5u
#define MINUS_90_DB	3.16e-5

/* ------------------------------------------------------------------- sounds */

struct sounds {
	struct segue_table *tables[3];
	struct segue_sample *samples[2];
	struct segue_buffer *buffers[N_SOUNDS];
};

static void make_sounds(struct sounds *s)
{
	double saw[200], square[100], few[5] = { 0.02, 0.01, 0.0, 0.01, 0.02 };

	for (uint32_t p = 0; p < 200; p++)
		saw[p] = 0.03 / (p + 1);
	for (uint32_t p = 0; p < 100; p++)
		square[p] = p % 2 ? 0.0 : 0.04 / (p + 1);
	s->tables[0] = new_table(1, saw, 200);
	s->tables[1] = new_table(2, square, 100);
	s->tables[2] = new_table(1, few, 5);
	s->samples[0] = new_noise(1, 44100, 20000);
	s->samples[1] = new_noise(2, RATE, 9000);
	set_loop(s->samples[1], 3000, 8500);
	for (uint32_t k = 0; k < 2; k++) {
		s->samples[k]->root_key = 55 + 9 * k;
		/* dull noise: what it is played with is the point */
		for (uint32_t c = 0; c < s->samples[k]->n_channels; c++) {
			for (uint64_t i = 1; i < s->samples[k]->n_frames; i++)
				s->samples[k]->data[c][i] = 0.9f * s->samples[k]->data[c][i - 1] +
					0.01f * s->samples[k]->data[c][i];
		}
	}
	for (uint32_t k = 0; k < N_SOUNDS; k++)
		s->buffers[k] = k < 3 ? &s->tables[k]->buffer : &s->samples[k - 3]->buffer;
}

static void free_sounds(struct sounds *s)
{
	for (uint32_t k = 0; k < 3; k++)
		free_table(s->tables[k]);
	for (uint32_t k = 0; k < 2; k++)
		free_sample(s->samples[k]);
}

/* --------------------------------------------------------------------- runs */

/* A random part: chords, pedals, bends and floods, on three channels. */
static void compose(struct fixture *f, uint64_t n_frames)
{
	static const uint8_t controllers[] = { 7, 10, 11, 64, 64, 64, 120, 121, 123 };
	uint64_t frame = 0;

	while (frame < n_frames) {
		uint8_t channel = random_below(MODEL_CHANNELS), number = controllers[random_below(9)];

		switch (random_below(12)) {
		case 0:
			if (number < 120 || random_below(6) == 0)
				add_midi(f, frame, 0xb0 | channel, number,
						number == 7 || number == 11 ? 64 + random_below(64) : random_below(128));
			break;
		case 1:
			for (uint32_t i = 0; i < 20; i++, frame += random_below(200))
				add_midi(f, frame, 0xe0 | channel, random_below(128), random_below(128));
			break;
		case 2: case 3: case 4:
			add_midi(f, frame, 0x80 | channel, 30 + random_below(70), 0);
			break;
		default:
			add_midi(f, frame, 0x90 | channel, 30 + random_below(70), 1 + random_below(127));
		}
		frame += random_below(4) ? random_below(500) : 0;
	}
}

static void send_swaps(struct fixture *f, const struct sounds *s, uint64_t n_frames)
{
	uint64_t frame = 0;

	for (uint32_t k = 0; frame < n_frames && k < 60; k++) {
		send_swap(f, s->buffers[k % 4 == 3 ? 3 + random_below(2) : random_below(3)], k == 0 ? 0.0 :
				random_below(5) * 0.02 + random_below(2) * 0.3, START + frame, 0);
		frame += n_frames / 60 + HURRY + random_below(8000);
	}
}

static uint64_t n_frames_asked(void)
{
	const char *seconds = getenv("SEGUE_TEST_SECONDS");

	return (seconds != NULL ? strtoul(seconds, NULL, 10) : 4) * RATE;
}

static void init(struct fixture *f, const struct sounds *s, uint64_t n_frames)
{
	fixture_init(f, 2);
	send_value(f, SEGUE_SOURCE_TRIGGER, 0, 1);
	send_value(f, SEGUE_SOURCE_VOICES, 0, MODEL_VOICES);
	send_value(f, SEGUE_SOURCE_ATTACK, 0, model_shape.attack);
	send_value(f, SEGUE_SOURCE_DECAY, 0, model_shape.decay);
	send_value(f, SEGUE_SOURCE_SUSTAIN, 0, model_shape.sustain);
	send_value(f, SEGUE_SOURCE_RELEASE, 0, model_shape.release);
	compose(f, n_frames);
	/* what is taken is one swap a command, 64 a cycle: the first cycle takes all */
	send_swaps(f, s, n_frames);
}

static void check(struct fixture *f, const float *out, uint64_t n_frames)
{
	double worst = 0.0, peak = 0.0, frame_out[2];
	uint32_t n_applied = 0, event = 0, most = 0;
	struct model *m;

	while (n_applied < f->n_tickets && segue_ticket_outcome(f->tickets[n_applied]) == SEGUE_OUTCOME_APPLIED)
		n_applied++;
	m = model_new(f->tickets, n_applied);
	for (uint64_t i = 0; i < n_frames; i++) {
		model_begin(m, i);
		for (; event < f->score.n_events && f->score.events[event].frame <= i; event++) {
			/* gains stand where the last frame left them */
			model_hear(m, f->score.events[event].bytes);
		}
		model_frame(m, i, frame_out);
		for (uint32_t c = 0; c < 2; c++) {
			worst = fmax(worst, fabs(frame_out[c] - out[c * n_frames + i]));
			peak = fmax(peak, fabs(frame_out[c]));
		}
		most = SPA_MAX(most, model_count(m));
	}
	assert_true(n_applied > 10);
	assert_int_equal(most, MODEL_VOICES);
	assert_int_equal(segue_source_count_voices(f->source), model_count(m));
	if (!(worst < MINUS_90_DB * peak))
		fail_msg("%.3g of %.3g: %.1f dB", worst, peak, 20.0 * log10(worst / peak));
	model_free(m);
}

static void random_notes_are_those_of_the_model(void **state)
{
	uint64_t n_frames = n_frames_asked();
	float *out = calloc(2 * n_frames, sizeof(float));
	struct sounds s;
	struct fixture f;

	assert_non_null(out);
	make_sounds(&s);
	init(&f, &s, n_frames);
	run_frames(&f, out, n_frames, 0);
	check(&f, out, n_frames);
	fixture_clear(&f);
	free_sounds(&s);
	free(out);
}

static void where_cycles_end_does_not_matter(void **state)
{
	static const uint32_t quanta[] = { 1024, 64, 63, 8192, 1, 0 };
	uint32_t n_frames = 2 * RATE;
	float *first = calloc(2 * n_frames, sizeof(float)), *out = calloc(2 * n_frames, sizeof(float));
	struct score score = { NULL };
	struct sounds s;

	make_sounds(&s);
	for (size_t q = 0; q < SPA_N_ELEMENTS(quanta); q++) {
		struct fixture f;

		fixture_init(&f, 2);
		send_value(&f, SEGUE_SOURCE_TRIGGER, 0, 1);
		send_value(&f, SEGUE_SOURCE_VOICES, 0, 24);
		send_value(&f, SEGUE_SOURCE_DECAY, 0, 0.05);
		send_value(&f, SEGUE_SOURCE_SUSTAIN, 0, 0.5);
		if (q == 0) {
			compose(&f, n_frames);
			score = f.score;
		}
		f.score = (struct score) { NULL };
		for (uint32_t e = 0; e < score.n_events; e++)
			add_bytes(&f, score.events[e].frame, score.events[e].type, score.events[e].bytes,
					score.events[e].size);
		for (uint32_t k = 0; k < 12; k++)
			send_swap(&f, s.buffers[k % N_SOUNDS], k == 0 ? 0.0 : 0.05, START + k * 7777, 0);
		run_frames(&f, q == 0 ? first : out, n_frames, quanta[q]);
		if (q > 0)
			assert_memory_equal(first, out, 2 * n_frames * sizeof(float));
		fixture_clear(&f);
	}
	free(score.events);
	free_sounds(&s);
	free(first);
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_notes_are_those_of_the_model),
		cmocka_unit_test(where_cycles_end_does_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
