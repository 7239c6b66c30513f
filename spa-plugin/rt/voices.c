/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "voices.h"

#include <math.h>
#include <string.h>

#include <spa/utils/defs.h>

#include "play.h"

#define RAMP_SEC	0.005
#define BEND_SEMITONES	2.0
#define DEFAULT_KEY	60u	/* of an instrument that is played by itself */

enum controller {
	CC_VOLUME = 7,
	CC_PAN = 10,
	CC_EXPRESSION = 11,
	CC_PEDAL = 64,
	CC_SOUND_OFF = 120,
	CC_RESET = 121,
	CC_NOTES_OFF = 123,
};

/* -------------------------------------------------------------------- notes */

SEGUE_DATA_LOOP static struct segue_note *note_at(struct segue_voices *v, uint32_t i)
{
	return &v->notes[v->order[i]];
}

/* Take out those of the first n_notes that are over, in one pass. */
SEGUE_DATA_LOOP static void collect(struct segue_voices *v)
{
	uint16_t free[SEGUE_NOTES_MAX];
	uint32_t i, n_left = 0, n_free = 0;

	v->n_counted = 0;
	for (i = 0; i < v->n_notes; i++) {
		struct segue_note *note = note_at(v, i);

		if (segue_note_is_over(note)) {
			segue_note_clear(note, v->handover);
			free[n_free++] = v->order[i];
			continue;
		}
		v->n_counted += note->envelope.stage < SEGUE_STAGE_END;
		v->order[n_left++] = v->order[i];
	}
	memcpy(&v->order[n_left], free, n_free * sizeof(free[0]));
	v->n_notes = n_left;
}

/* In 5 ms; at once if nothing has been heard of it. The caller collects. */
SEGUE_DATA_LOOP static void end(struct segue_voices *v, struct segue_note *note)
{
	v->n_counted -= note->envelope.stage < SEGUE_STAGE_END;
	segue_envelope_end(&note->envelope, v->rate);
	if (!note->has_sounded)
		note->envelope.stage = SEGUE_STAGE_OVER;
}

SEGUE_DATA_LOOP static void release(struct segue_voices *v, struct segue_note *note)
{
	note->is_held = note->is_sustained = false;
	v->n_counted -= note->envelope.stage < SEGUE_STAGE_END;
	segue_envelope_release(&note->envelope, v->rate);
	v->n_counted += note->envelope.stage < SEGUE_STAGE_END;
}

SEGUE_DATA_LOOP static void steal(struct segue_voices *v)
{
	struct segue_note *oldest = NULL;

	for (uint32_t i = 0; i < v->n_notes; i++) {
		struct segue_note *note = note_at(v, i);

		if (note->envelope.stage == SEGUE_STAGE_RELEASE) {
			oldest = note;
			break;
		}
		if (oldest == NULL && note->envelope.stage < SEGUE_STAGE_END)
			oldest = note;
	}
	end(v, oldest);
}

/* Of those in their last 5 ms the one that has the least of them left; all places are taken, so there is one. */
SEGUE_DATA_LOOP static void cut(struct segue_voices *v)
{
	struct segue_note *nearest = NULL;

	for (uint32_t i = 0; i < v->n_notes; i++) {
		struct segue_note *note = note_at(v, i);

		if (note->envelope.stage == SEGUE_STAGE_END &&
				(nearest == NULL || note->envelope.done > nearest->envelope.done))
			nearest = note;
	}
	if (nearest != NULL)
		nearest->envelope.stage = SEGUE_STAGE_OVER;
}

SEGUE_DATA_LOOP static struct segue_note *add_note(struct segue_voices *v)
{
	bool must_collect = v->n_notes == SEGUE_NOTES_MAX;
	struct segue_note *note;

	while (v->n_counted >= v->n_max) {
		steal(v);
		must_collect = true;
	}
	if (must_collect)
		collect(v);
	if (v->n_notes == SEGUE_NOTES_MAX) {
		cut(v);
		collect(v);
	}
	note = note_at(v, v->n_notes++);
	v->n_counted++;
	*note = (struct segue_note) { .channel = 0 };
	return note;
}

SEGUE_DATA_LOOP static float override(float theirs, float ours)
{
	return theirs >= 0.0f ? theirs : ours;
}

/* Begin a note whose channel, key and velocity are set. */
SEGUE_DATA_LOOP static void begin(struct segue_voices *v, struct segue_note *note, struct segue_ticket *ticket,
		const struct segue_region *region, enum segue_note_loop loop, struct segue_envelope_shape shape)
{
	if (region != NULL) {
		shape.attack = override(region->envelope.attack, shape.attack);
		shape.decay = override(region->envelope.decay, shape.decay);
		shape.sustain = override(region->envelope.sustain, shape.sustain);
		shape.release = override(region->envelope.release, shape.release);
		note->is_one_shot = region->one_shot;
		note->off_by = region->off_by;
	}
	segue_reading_start(&note->now, ticket, region, note, loop);
	segue_note_start(note, &shape, v->channels[note->channel].controls.bend, v->rate);
}

/* A region's note ends those that wait for its group. */
SEGUE_DATA_LOOP static void silence_group(struct segue_voices *v, uint32_t group)
{
	for (uint32_t i = 0; group != 0 && i < v->n_notes; i++) {
		if (note_at(v, i)->off_by == group)
			end(v, note_at(v, i));
	}
}

SEGUE_DATA_LOOP static void start_regions(struct segue_voices *v, const struct segue_instrument *instrument,
		struct segue_ticket *ticket, const struct segue_note *like)
{
	uint32_t i;

	/* groups first: what sounds together doesn't end itself */
	for (i = 0; i < instrument->n_regions; i++) {
		if (segue_region_matches(&instrument->regions[i], like->key, like->velocity))
			silence_group(v, instrument->regions[i].group);
	}
	collect(v);
	for (i = 0; i < instrument->n_regions; i++) {
		struct segue_note *note;

		if (!segue_region_matches(&instrument->regions[i], like->key, like->velocity))
			continue;
		note = add_note(v);
		*note = *like;
		begin(v, note, ticket, &instrument->regions[i], SEGUE_NOTE_LOOP_OWN, v->shape);
	}
}

/* ----------------------------------------------------------------- channels */

SEGUE_DATA_LOOP static bool is_sounding(struct segue_voices *v, uint32_t channel)
{
	for (uint32_t i = 0; i < v->n_notes; i++) {
		if (note_at(v, i)->channel == channel)
			return true;
	}
	return false;
}

SEGUE_DATA_LOOP static void find_state(struct segue_voices *v, uint32_t channel)
{
	struct segue_channel *c = &v->channels[channel];
	const float *rest = c->controls.rest;

	c->controls.is_moving = c->ramps[0].n_frames > 0;
	c->controls.is_unity = !c->controls.is_moving && rest[0] == 1.0f && rest[1] == 1.0f && rest[2] == 1.0f;
	v->moving &= ~(1u << channel);
	v->moving |= (uint32_t)c->controls.is_moving << channel;
}

/* Gains follow their controllers in 5 ms, at once where nothing sounds. */
SEGUE_DATA_LOOP static void set_gains(struct segue_voices *v, uint32_t channel)
{
	struct segue_channel *c = &v->channels[channel];
	double gain = c->volume * c->volume * c->expression * c->expression;
	/* equal power, but 1 in the middle */
	const double to[SEGUE_SIDES] = {
		gain * (c->pan == 0.5 ? 1.0 : M_SQRT2 * cos(c->pan * M_PI_2)),
		gain * (c->pan == 0.5 ? 1.0 : M_SQRT2 * sin(c->pan * M_PI_2)),
		gain,
	};
	bool ramps = is_sounding(v, channel);

	for (uint32_t s = 0; s < SEGUE_SIDES; s++) {
		if (ramps)
			segue_ramp_start(&c->ramps[s], to[s], llround(RAMP_SEC * v->rate));
		else
			segue_ramp_jump(&c->ramps[s], to[s]);
		c->controls.rest[s] = (float)to[s];
	}
	find_state(v, channel);
}

SEGUE_DATA_LOOP static void run_ramps(struct segue_channel *c, uint32_t n_frames)
{
	for (uint32_t s = 0; s < SEGUE_SIDES; s++) {
		for (uint32_t i = 0; i < n_frames; i++)
			c->controls.gains[s][i] = (float)segue_ramp_value(&c->ramps[s], i);
		segue_ramp_advance(&c->ramps[s], n_frames);
	}
}

SEGUE_DATA_LOOP static void set_pedal(struct segue_voices *v, uint32_t channel, bool down)
{
	v->channels[channel].pedal = down;
	for (uint32_t i = 0; !down && i < v->n_notes; i++) {
		struct segue_note *note = note_at(v, i);

		if (note->channel == channel && note->is_sustained)
			release(v, note);
	}
}

SEGUE_DATA_LOOP static void reset_controllers(struct segue_voices *v, uint32_t channel)
{
	/* volume and pan stay, as MIDI's RP-015 has it */
	v->channels[channel].expression = 1.0;
	v->channels[channel].controls.bend = 1.0;
	set_gains(v, channel);
	set_pedal(v, channel, false);
}

SEGUE_DATA_LOOP static void init_channel(struct segue_voices *v, uint32_t channel)
{
	struct segue_channel *c = &v->channels[channel];

	c->volume = 1.0;
	c->pan = 0.5;
	reset_controllers(v, channel);
}

SEGUE_DATA_LOOP static void note_off(struct segue_voices *v, struct segue_note *note)
{
	if (!note->is_held || note->is_one_shot)
		return;
	note->is_held = false;
	if (v->channels[note->channel].pedal)
		note->is_sustained = true;
	else
		release(v, note);
}

/* Every key of a channel; key NULL: all of them. */
SEGUE_DATA_LOOP static void notes_off(struct segue_voices *v, uint32_t channel, const uint8_t *key)
{
	for (uint32_t i = 0; i < v->n_notes; i++) {
		struct segue_note *note = note_at(v, i);

		if (note->channel == channel && (key == NULL || note->key == *key))
			note_off(v, note);
	}
}

SEGUE_DATA_LOOP static void sound_off(struct segue_voices *v, uint32_t channel)
{
	for (uint32_t i = 0; i < v->n_notes; i++) {
		if (note_at(v, i)->channel == channel)
			end(v, note_at(v, i));
	}
	collect(v);
}

/* ------------------------------------------------------------------- called */

void segue_voices_init(struct segue_voices *v, struct segue_handover *handover, uint32_t n_outputs, uint32_t rate)
{
	v->handover = handover;
	v->loops = segue_loops_best();
	v->n_outputs = n_outputs;
	v->rate = rate;
	v->n_max = 64;
	v->shape = (struct segue_envelope_shape) { 0.005f, 0.0f, 1.0f, 0.05f };
	v->n_notes = v->n_counted = 0;
	for (uint32_t i = 0; i < SEGUE_NOTES_MAX; i++)
		v->order[i] = i;
	for (uint32_t i = 0; i < SEGUE_CHANNELS; i++)
		init_channel(v, i);
}

void segue_voices_set_rate(struct segue_voices *v, uint32_t rate)
{
	v->rate = rate;
	for (uint32_t i = 0; i < v->n_notes; i++)
		note_at(v, i)->bend = 0.0;
}

void segue_voices_set_max(struct segue_voices *v, uint32_t n_max)
{
	v->n_max = SPA_CLAMP(n_max, 1u, SEGUE_VOICES_MAX);
	while (v->n_counted > v->n_max)
		steal(v);
	collect(v);
}

void segue_voices_keep_channel(struct segue_voices *v, uint32_t channel)
{
	for (uint32_t c = 0; channel != 0 && c < SEGUE_CHANNEL_KEYS; c++) {
		if (c == channel - 1)
			continue;
		init_channel(v, c);
		notes_off(v, c, NULL);
	}
}

void segue_voices_note_on(struct segue_voices *v, struct segue_ticket *ticket, uint32_t channel, uint8_t key,
		double velocity)
{
	const struct segue_buffer *buffer = ticket != NULL ? ticket->buffer : NULL;
	struct segue_note like = { .channel = channel, .key = key, .velocity = velocity, .gain = 1.0,
		.is_held = true, .frequency = segue_key_frequency(key) }, *note;

	if (buffer == NULL)
		return;
	if (buffer->type == SEGUE_BUFFER_INSTRUMENT) {
		start_regions(v, SPA_CONTAINER_OF(buffer, struct segue_instrument, buffer), ticket, &like);
	} else {
		note = add_note(v);
		*note = like;
		begin(v, note, ticket, NULL, SEGUE_NOTE_LOOP_OWN, v->shape);
	}
}

void segue_voices_note_off(struct segue_voices *v, uint32_t channel, uint8_t key)
{
	notes_off(v, channel, &key);
}

void segue_voices_controller(struct segue_voices *v, uint32_t channel, uint8_t controller, double value)
{
	struct segue_channel *c = &v->channels[channel];

	switch (controller) {
	case CC_VOLUME:
		c->volume = value;
		set_gains(v, channel);
		break;
	case CC_PAN:
		c->pan = value;
		set_gains(v, channel);
		break;
	case CC_EXPRESSION:
		c->expression = value;
		set_gains(v, channel);
		break;
	case CC_PEDAL:
		set_pedal(v, channel, value >= 64.0 / 127.0);
		break;
	case CC_SOUND_OFF:
		sound_off(v, channel);
		break;
	case CC_RESET:
		reset_controllers(v, channel);
		break;
	case CC_NOTES_OFF:
		notes_off(v, channel, NULL);
		break;
	}
}

void segue_voices_bend(struct segue_voices *v, uint32_t channel, double value)
{
	v->channels[channel].controls.bend = exp2(value * BEND_SEMITONES / 12.0);
}

void segue_voices_release(struct segue_voices *v)
{
	for (uint32_t i = 0; i < v->n_notes; i++) {
		if (note_at(v, i)->play == 0)
			release(v, note_at(v, i));
	}
}

void segue_voices_play(struct segue_voices *v, struct segue_play *play, double frequency)
{
	/* a sample plays at its own level; when it is stopped it ends as whatever is cut short does */
	const struct segue_envelope_shape flat = { 0.0f, 0.0f, 1.0f, 0.0f };
	const struct segue_buffer *buffer = play->ticket.buffer;
	struct segue_note like = { .channel = SEGUE_CHANNEL_PLAYS, .play = play->ticket.serial, .velocity = 1.0,
		.gain = play->gain, .frequency = frequency }, *note;

	if (buffer == NULL)
		return;
	like.key = play->key >= 0 ? (uint8_t)play->key : DEFAULT_KEY;
	if (play->velocity > 0)
		like.velocity = play->velocity / 127.0;
	if (play->key >= 0)
		like.frequency = segue_key_frequency(play->key);
	if (buffer->type == SEGUE_BUFFER_INSTRUMENT) {
		start_regions(v, SPA_CONTAINER_OF(buffer, struct segue_instrument, buffer), &play->ticket, &like);
		return;
	}
	if (buffer->type == SEGUE_BUFFER_SAMPLE && play->key < 0)
		like.key = SPA_CONTAINER_OF(buffer, struct segue_sample, buffer)->root_key;
	note = add_note(v);
	*note = like;
	begin(v, note, &play->ticket, NULL, play->loop, flat);
}

void segue_voices_stop(struct segue_voices *v, uint64_t play)
{
	for (uint32_t i = 0; play != 0 && i < v->n_notes; i++) {
		if (note_at(v, i)->play == play)
			release(v, note_at(v, i));
	}
}

void segue_voices_follow(struct segue_voices *v, struct segue_ticket *ticket)
{
	for (uint32_t i = 0; i < v->n_notes; i++) {
		struct segue_note *note = note_at(v, i);

		if (note->play == 0 && note->now.table != NULL)
			segue_note_follow(note, ticket, v->rate);
	}
}

void segue_voices_arrive(struct segue_voices *v)
{
	for (uint32_t i = 0; i < v->n_notes; i++)
		segue_note_arrive(note_at(v, i), v->handover);
	collect(v);
}

void segue_voices_clear(struct segue_voices *v)
{
	for (uint32_t i = 0; i < v->n_notes; i++)
		note_at(v, i)->envelope.stage = SEGUE_STAGE_OVER;
	collect(v);
	for (uint32_t c = 0; c < SEGUE_CHANNELS; c++) {
		if (v->channels[c].controls.is_moving)
			set_gains(v, c);
	}
}

void segue_voices_render(struct segue_voices *v, struct segue_note_block *block)
{
	uint32_t i;

	block->loops = v->loops;
	block->n_outputs = v->n_outputs;
	block->rate = v->rate;
	for (i = 0; v->moving >> i != 0; i++) {
		if (v->moving >> i & 1)
			run_ramps(&v->channels[i], block->n_frames);
	}
	if (segue_notes_play(v->notes, v->order, v->n_notes, v->channels, block))
		collect(v);
	for (i = 0; v->moving >> i != 0; i++) {
		if (v->moving >> i & 1)
			find_state(v, i);
	}
}
