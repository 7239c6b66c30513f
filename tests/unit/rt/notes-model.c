/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "notes-model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <spa/utils/defs.h>

#include "fixture.h"

#define NOTES_MAX	4096u
#define BAND		0.45
#define QUARTER_TONE	1.0293022366434921

const struct model_shape model_shape = { 0.01, 0.1, 0.6, 0.3 };

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
	struct segue_ticket *const *tickets;
	uint32_t n_tickets;
	uint32_t current;	/* newest ticket started, and whether it is being faded in */
	bool fades;
	struct note *notes[NOTES_MAX];	/* by age */
	uint32_t n_notes;
	struct channel channels[MODEL_CHANNELS];
};

static double fall(double i, double seconds)
{
	return pow(10.0, -3.0 * i / (seconds * RATE));
}

static double held_level(uint64_t age)
{
	uint64_t attack = llround(model_shape.attack * RATE);

	if (age < attack)
		return (age + 1.0) / (attack + 1.0);
	return model_shape.sustain + (1.0 - model_shape.sustain) * fall(age - attack, model_shape.decay);
}

static double released_level(const struct note *n, uint64_t age)
{
	return n->released <= age ? held_level(n->released) * fall(age - n->released, model_shape.release) :
		held_level(age);
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
			n->age - n->released >= (uint64_t)llround(model_shape.release * RATE))
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

uint32_t model_count(const struct model *m)
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

	if (model_count(m) >= MODEL_VOICES) {
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
	assert_true(m->n_notes < NOTES_MAX);
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

void model_hear(struct model *m, const uint8_t *bytes)
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

void model_frame(struct model *m, uint64_t frame, double out[2])
{
	const struct segue_ticket *t = m->tickets[m->current];
	uint64_t start = t->position - START, until = m->current + 1 < m->n_tickets ?
		m->tickets[m->current + 1]->position - t->position : UINT64_MAX;
	double g = m->fades ? weight_of(t, frame - start, until) : 1.0;

	out[0] = out[1] = 0.0;
	for (uint32_t c = 0; c < MODEL_CHANNELS; c++) {
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

void model_begin(struct model *m, uint64_t frame)
{
	if (m->current + 1 < m->n_tickets && m->tickets[m->current + 1]->position == START + frame)
		start_swap(m);
}

struct model *model_new(struct segue_ticket *const tickets[], uint32_t n_tickets)
{
	struct model *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	m->tickets = tickets;
	m->n_tickets = n_tickets;
	for (uint32_t c = 0; c < MODEL_CHANNELS; c++) {
		m->channels[c] = (struct channel) { .volume = 1.0, .expression = 1.0, .pan = 0.5, .bend = 1.0 };
		set_gains(m, c);
	}
	return m;
}

void model_free(struct model *m)
{
	for (uint32_t i = 0; i < m->n_notes; i++)
		free(m->notes[i]);
	free(m);
}
