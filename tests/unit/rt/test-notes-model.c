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

/* All of it at random, against a slow model: every frame of every note for itself, in double precision. Levels and
 * interpolation are the engine's, since they are part of the sound; nothing else is. SEGUE_TEST_SECONDS=60 runs it
 * for that long. */

#define N_VOICES	64u
#define N_NOTES_MAX	4096u
#define N_CHANNELS	3u
#define N_SOUNDS	5u
#define BAND		0.45
#define QUARTER_TONE	1.0293022366434921
#define MINUS_90_DB	3.16e-5

static const struct { double attack, decay, sustain, release; } shape = { 0.01, 0.1, 0.6, 0.3 };

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

/* -------------------------------------------------------------------- model */

struct note {
	uint32_t channel, key;
	double velocity;
	bool held, sustained, heard;
	uint32_t on;		/* ticket it sounds on */
	double frequency;
	long double phase;	/* periods since its onset */
	long double place[2];	/* on a sample: of the ticket it is on, and of the one it goes over to */
	double pitch, pitch_before;
	/* envelope: seconds are frames here */
	uint64_t age;		/* since its onset */
	uint64_t released, ended;	/* age at which it was; UINT64_MAX: not yet */
	double end_level;
	bool over;
};

struct channel {
	double volume, expression, pan, bend;
	bool pedal;
	double from[2], to[2];
	uint32_t ramp;		/* frames of it that are left */
	double gain[2];
};

struct model {
	const struct sounds *sounds;
	struct segue_ticket *const *tickets;
	uint32_t n_tickets;
	uint32_t current;	/* newest ticket started, and whether it is being faded in */
	bool fades;
	struct note *notes[N_NOTES_MAX];	/* by age */
	uint32_t n_notes;
	struct channel channels[N_CHANNELS];
};

static double fall(double i, double seconds)
{
	return pow(10.0, -3.0 * i / (seconds * RATE));
}

static double held_level(uint64_t age)
{
	uint64_t attack = llround(shape.attack * RATE);

	if (age < attack)
		return (age + 1.0) / (attack + 1.0);
	return shape.sustain + (1.0 - shape.sustain) * fall(age - attack, shape.decay);
}

static double released_level(const struct note *n, uint64_t age)
{
	return n->released <= age ? held_level(n->released) * fall(age - n->released, shape.release) : held_level(age);
}

static void end_note(struct note *n)
{
	if (n->ended != UINT64_MAX)
		return;
	n->end_level = released_level(n, n->age);
	n->ended = n->age;
	n->over = !n->heard;
}

/* The envelope's value now; a release that is through begins its end. */
static double level(struct note *n)
{
	if (n->ended == UINT64_MAX && n->released != UINT64_MAX &&
			n->age - n->released >= (uint64_t)llround(shape.release * RATE))
		end_note(n);
	if (n->ended == UINT64_MAX)
		return released_level(n, n->age);
	return n->end_level * (1.0 - (n->age - n->ended + 1.0) / (RAMP + 1.0));
}

static void collect(struct model *m)
{
	uint32_t n_left = 0;

	for (uint32_t i = 0; i < m->n_notes; i++) {
		if (m->notes[i]->over)
			free(m->notes[i]);
		else
			m->notes[n_left++] = m->notes[i];
	}
	m->n_notes = n_left;
}

static uint32_t count(const struct model *m)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->n_notes; i++)
		n += m->notes[i]->ended == UINT64_MAX;
	return n;
}

static double step_of(const struct note *n, const struct model *m)
{
	return fmin(n->frequency * m->channels[n->channel].bend / RATE, BAND);
}

static void note_on(struct model *m, uint32_t channel, uint32_t key, double velocity)
{
	struct note *note;

	if (count(m) >= N_VOICES) {
		struct note *victim = NULL;

		for (uint32_t i = 0; i < m->n_notes && victim == NULL; i++) {
			if (m->notes[i]->ended == UINT64_MAX && m->notes[i]->released != UINT64_MAX)
				victim = m->notes[i];
		}
		for (uint32_t i = 0; i < m->n_notes && victim == NULL; i++) {
			if (m->notes[i]->ended == UINT64_MAX)
				victim = m->notes[i];
		}
		end_note(victim);
		collect(m);
	}
	note = calloc(1, sizeof(*note));
	*note = (struct note) { .channel = channel, .key = key, .velocity = velocity, .held = true, .on = m->current,
		.frequency = key_frequency(key), .released = UINT64_MAX, .ended = UINT64_MAX };
	note->pitch = note->pitch_before = step_of(note, m);
	m->notes[m->n_notes++] = note;
	assert_true(m->n_notes < N_NOTES_MAX);
}

static void release_note(struct note *n)
{
	n->held = n->sustained = false;
	if (n->ended == UINT64_MAX && n->released == UINT64_MAX)
		n->released = n->age;
}

static void note_off(struct model *m, struct note *n)
{
	if (!n->held)
		return;
	n->held = false;
	n->sustained = m->channels[n->channel].pedal;
	if (!n->sustained)
		release_note(n);
}

static void set_gains(struct model *m, uint32_t channel)
{
	struct channel *c = &m->channels[channel];
	double gain = pow(c->volume * c->expression, 2.0);
	bool sounds = false;

	for (uint32_t i = 0; i < m->n_notes; i++)
		sounds |= m->notes[i]->channel == channel;
	for (uint32_t s = 0; s < 2; s++)
		c->from[s] = c->gain[s];
	c->to[0] = gain * sqrt(2.0) * cos(c->pan * M_PI / 2.0);
	c->to[1] = gain * sqrt(2.0) * sin(c->pan * M_PI / 2.0);
	c->ramp = sounds ? RAMP : 0;
}

static void pedal(struct model *m, uint32_t channel, bool down)
{
	m->channels[channel].pedal = down;
	for (uint32_t i = 0; !down && i < m->n_notes; i++) {
		if (m->notes[i]->channel == channel && m->notes[i]->sustained)
			release_note(m->notes[i]);
	}
}

static void controller(struct model *m, uint32_t channel, uint8_t number, uint8_t value)
{
	struct channel *c = &m->channels[channel];

	if (number == 7)
		c->volume = value / 127.0;
	if (number == 11)
		c->expression = value / 127.0;
	if (number == 10)
		c->pan = value <= 64 ? value / 128.0 : 0.5 + (value - 64) / 126.0;
	if (number == 121) {
		c->expression = c->bend = 1.0;
		pedal(m, channel, false);
	}
	if (number == 64)
		pedal(m, channel, value >= 64);
	for (uint32_t i = 0; i < m->n_notes; i++) {
		if (m->notes[i]->channel == channel && number == 120)
			end_note(m->notes[i]);
		if (m->notes[i]->channel == channel && number == 123)
			note_off(m, m->notes[i]);
	}
	collect(m);
	if (number == 7 || number == 10 || number == 11 || number == 121)
		set_gains(m, channel);
}

static void hear(struct model *m, const uint8_t *bytes)
{
	uint32_t channel = bytes[0] & 0x0f;

	switch (bytes[0] & 0xf0) {
	case 0x90:
		note_on(m, channel, bytes[1], bytes[2] / 127.0);
		break;
	case 0x80:
		for (uint32_t i = 0; i < m->n_notes; i++) {
			if (m->notes[i]->channel == channel && m->notes[i]->key == bytes[1])
				note_off(m, m->notes[i]);
		}
		break;
	case 0xb0:
		controller(m, channel, bytes[1], bytes[2]);
		break;
	case 0xe0:
		m->channels[channel].bend = pow(2.0, 2.0 * ((bytes[2] << 7 | bytes[1]) - 8192) / 8192.0 / 12.0);
		break;
	}
}

static double hermite(const double y[4], double t)
{
	return ((0.5 * (y[3] - y[0]) + 1.5 * (y[1] - y[2])) * t + y[0] - 2.5 * y[1] + 2.0 * y[2] - 0.5 * y[3]) * t * t +
		0.5 * (y[2] - y[0]) * t + y[1];
}

static double read_level(const struct segue_table *t, uint32_t channel, double pitch, double phase)
{
	const struct segue_table_level *level = &t->levels[channel * t->n_levels];
	double place, y[4];

	while (level->n_partials > 1 && level->n_partials * pitch > BAND)
		level++;
	place = phase * level->n_frames;
	for (int32_t k = 0; k < 4; k++)
		y[k] = level->data[(int32_t)place + k - 1];
	return hermite(y, place - floor(place));
}

static double read_sample(const struct segue_sample *s, uint32_t channel, long double place)
{
	int64_t start = s->loop_start, end = s->loop_end, at;
	double y[4];

	for (int32_t k = 0; k < 4; k++) {
		at = (int64_t)floorl(place) + k - 1;
		if (s->loop == SEGUE_LOOP_FORWARD && at >= end)
			at = start + (at - start) % (end - start);
		y[k] = at < 0 || at >= (int64_t)s->n_frames ? 0.0 : s->data[channel][at];
	}
	return hermite(y, (double)(place - floorl(place)));
}

static const struct segue_sample *sample_of(const struct model *m, uint32_t ticket)
{
	const struct segue_buffer *buffer = m->tickets[ticket]->buffer;

	return buffer->type == SEGUE_BUFFER_SAMPLE ? SPA_CONTAINER_OF(buffer, struct segue_sample, buffer) : NULL;
}

static double read_note(const struct model *m, const struct note *n, uint32_t ticket, uint32_t channel, uint64_t frame)
{
	const struct segue_sample *sample = sample_of(m, ticket);
	const struct segue_table *table = SPA_CONTAINER_OF(m->tickets[ticket]->buffer, struct segue_table, buffer);
	double phase = (double)(n->phase - floorl(n->phase)), w = smooth((frame % 64 + 1) / 65.0), value;

	if (sample != NULL)
		return read_sample(sample, sample->n_channels > 1 ? channel : 0, n->place[ticket != n->on]);
	channel = table->n_channels > 1 ? channel : 0;
	value = read_level(table, channel, n->pitch, phase);
	if (n->pitch == n->pitch_before)
		return value;
	return (1.0 - w) * read_level(table, channel, n->pitch_before, phase) + w * value;
}

static double ratio_of(const struct note *n, const struct segue_sample *s)
{
	return pow(2.0, ((double)n->key - s->root_key) / 12.0);
}

/* A swap starts: held notes on tables are on their way. */
static void start_swap(struct model *m)
{
	m->current++;
	m->fades = true;
	for (uint32_t i = 0; i < m->n_notes; i++) {
		const struct segue_sample *next = sample_of(m, m->current);
		struct note *n = m->notes[i];

		if (sample_of(m, n->on) == NULL && next != NULL)
			n->place[1] = n->phase * ratio_of(n, next) / n->frequency * next->rate;
	}
}

static void end_swap(struct model *m)
{
	m->fades = false;
	for (uint32_t i = 0; i < m->n_notes; i++) {
		struct note *n = m->notes[i];

		if (sample_of(m, n->on) != NULL)
			continue;
		n->on = m->current;
		n->place[0] = n->place[1];
	}
}

static bool has_run_out(const struct model *m, const struct note *n)
{
	const struct segue_sample *s = sample_of(m, n->on);

	return s != NULL && s->loop == SEGUE_LOOP_NONE && n->place[0] >= s->n_frames + 1;
}

static void model_frame(struct model *m, uint64_t frame, double out[2])
{
	const struct segue_ticket *t = m->tickets[m->current];
	uint64_t start = t->position - START, until = m->current + 1 < m->n_tickets ?
		m->tickets[m->current + 1]->position - t->position : UINT64_MAX;
	double g = m->fades ? weight_of(t, frame - start, until) : 1.0;

	out[0] = out[1] = 0.0;
	for (uint32_t c = 0; c < N_CHANNELS; c++) {
		struct channel *ch = &m->channels[c];
		double w = (RAMP - ch->ramp + 1.0) / (RAMP + 1.0);

		for (uint32_t s = 0; s < 2; s++)
			ch->gain[s] = ch->ramp > 0 ? ch->from[s] + (ch->to[s] - ch->from[s]) * w : ch->to[s];
		ch->ramp -= ch->ramp > 0;
	}
	for (uint32_t i = 0; i < m->n_notes; i++) {
		struct note *n = m->notes[i];
		bool follows = m->fades && n->on != m->current && sample_of(m, n->on) == NULL;
		double step = step_of(n, m), loudness = level(n) * n->velocity * n->velocity;

		if (frame % 64 == 0) {
			n->pitch_before = n->pitch;
			if (step > n->pitch || step * QUARTER_TONE < n->pitch)
				n->pitch = step;
		}
		for (uint32_t c = 0; c < 2; c++) {
			double value = read_note(m, n, n->on, c, frame);

			if (follows)
				value = (1.0 - g) * value + g * read_note(m, n, m->current, c, frame);
			out[c] += loudness * m->channels[n->channel].gain[c] * value;
		}
		for (uint32_t k = 0; k < 2; k++) {
			const struct segue_sample *s = sample_of(m, k ? m->current : n->on);

			if (s != NULL)
				n->place[k] += ratio_of(n, s) * m->channels[n->channel].bend * s->rate / RATE;
		}
		n->phase += step;
		n->age++;
		n->heard = true;
		n->over = has_run_out(m, n) || (n->ended != UINT64_MAX && n->age - n->ended >= RAMP);
		(void)level(n);		/* its end may begin with the next frame */
	}
	collect(m);
	if (m->fades && (g >= 1.0 || frame + 1 - start >= until))
		end_swap(m);
}

/* --------------------------------------------------------------------- runs */

/* A random part: chords, pedals, bends and floods, on three channels. */
static void compose(struct fixture *f, uint64_t n_frames)
{
	static const uint8_t controllers[] = { 7, 10, 11, 64, 64, 64, 120, 121, 123 };
	uint64_t frame = 0;

	while (frame < n_frames) {
		uint8_t channel = random_below(N_CHANNELS), number = controllers[random_below(9)];

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
	send_value(f, SEGUE_SOURCE_VOICES, 0, N_VOICES);
	send_value(f, SEGUE_SOURCE_ATTACK, 0, shape.attack);
	send_value(f, SEGUE_SOURCE_DECAY, 0, shape.decay);
	send_value(f, SEGUE_SOURCE_SUSTAIN, 0, shape.sustain);
	send_value(f, SEGUE_SOURCE_RELEASE, 0, shape.release);
	compose(f, n_frames);
	/* what is taken is one swap a command, 64 a cycle: the first cycle takes all */
	send_swaps(f, s, n_frames);
}

static void check(struct fixture *f, const struct sounds *s, const float *out, uint64_t n_frames)
{
	struct model *m = calloc(1, sizeof(*m));
	double worst = 0.0, peak = 0.0, frame_out[2];
	uint32_t event = 0, most = 0;

	m->sounds = s;
	m->tickets = f->tickets;
	while (m->n_tickets < f->n_tickets && segue_ticket_outcome(f->tickets[m->n_tickets]) == SEGUE_OUTCOME_APPLIED)
		m->n_tickets++;
	for (uint32_t c = 0; c < N_CHANNELS; c++) {
		m->channels[c] = (struct channel) { .volume = 1.0, .expression = 1.0, .pan = 0.5, .bend = 1.0 };
		set_gains(m, c);
	}
	for (uint64_t i = 0; i < n_frames; i++) {
		if (m->current + 1 < m->n_tickets && m->tickets[m->current + 1]->position == START + i)
			start_swap(m);
		for (; event < f->score.n_events && f->score.events[event].frame <= i; event++) {
			/* gains stand where the last frame left them */
			hear(m, f->score.events[event].bytes);
		}
		model_frame(m, i, frame_out);
		for (uint32_t c = 0; c < 2; c++) {
			worst = fmax(worst, fabs(frame_out[c] - out[c * n_frames + i]));
			peak = fmax(peak, fabs(frame_out[c]));
		}
		most = SPA_MAX(most, count(m));
	}
	assert_true(m->n_tickets > 10);
	assert_int_equal(most, N_VOICES);
	assert_int_equal(segue_source_count_voices(f->source), count(m));
	if (!(worst < MINUS_90_DB * peak))
		fail_msg("%.3g of %.3g: %.1f dB", worst, peak, 20.0 * log10(worst / peak));
	for (uint32_t i = 0; i < m->n_notes; i++)
		free(m->notes[i]);
	free(m);
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
	check(&f, &s, out, n_frames);
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
