/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "source-private.h"

#include <spa/utils/defs.h>

#define LEAD_FRAMES		0u	/* a source needs no time to get ready */
#define HURRY_FRAMES		256u

/* ----------------------------------------------------------------- main loop */

void segue_source_release_key(struct segue_source *source, uint8_t key)
{
	/* release, paired with the acquire in look_at_keys(): what was sent before is in the ring */
	__atomic_fetch_or(&source->released.words[key % SEGUE_SOURCE_KEYS / 32], UINT32_C(1) << key % 32,
			__ATOMIC_RELEASE);
}

bool segue_source_is_releasing(const struct segue_source *source, uint8_t key)
{
	/* relaxed: one number */
	return __atomic_load_n(&source->released.words[key % SEGUE_SOURCE_KEYS / 32], __ATOMIC_RELAXED) >> key % 32 & 1;
}

/* ----------------------------------------------------------------- data loop */

SEGUE_DATA_LOOP static void set_trigger(struct segue_source *source, bool notes)
{
	if (notes == source->plays_notes)
		return;
	source->plays_notes = notes;
	segue_source_ramp(source, &source->steady, notes ? 0.0 : 1.0, SEGUE_SOURCE_RAMP_SEC);
	if (notes)
		return;
	segue_voices_release(&source->voices);
	source->current.head = source->next.head = (struct segue_playhead) { .frame = 0 };
}

SEGUE_DATA_LOOP static void strike_key(struct segue_source *source, uint8_t key, uint8_t velocity)
{
	if (velocity == 0)
		segue_voices_note_off(&source->voices, SEGUE_CHANNEL_KEYS, key);
	else if (source->plays_notes)
		segue_voices_note_on(&source->voices, segue_source_newest(source), SEGUE_CHANNEL_KEYS, key,
				velocity / 127.0);
}

SEGUE_DATA_LOOP static void play(struct segue_source *source, struct segue_ticket *ticket)
{
	segue_voices_play(&source->voices, SPA_CONTAINER_OF(ticket, struct segue_play, ticket), source->frequency);
	segue_ticket_answer(ticket, SEGUE_OUTCOME_APPLIED, source->position);
	segue_ticket_unref(source->handover, ticket);
}

SEGUE_DATA_LOOP static void obey(struct segue_source *source, const struct segue_command *command)
{
	struct segue_voices *voices = &source->voices;

	switch (command->type) {
	case SEGUE_SOURCE_GAIN:
		segue_source_ramp(source, &source->outlet.gain, command->value, SEGUE_SOURCE_RAMP_SEC);
		break;
	case SEGUE_SOURCE_BYPASS:
		segue_source_ramp(source, &source->outlet.bypass, command->value != 0.0 ? 0.0 : 1.0,
				command->key * 1e-6);
		break;
	case SEGUE_SOURCE_FREQUENCY:
		source->frequency = command->value;
		segue_phase_set_frequency(&source->phase, source->frequency, source->rate);
		break;
	case SEGUE_SOURCE_VOLUME:
		if (command->key < source->n_channels)
			segue_source_ramp(source, &source->outlet.volume[command->key], command->value,
					SEGUE_SOURCE_RAMP_SEC);
		break;
	case SEGUE_SOURCE_TRIGGER:
		set_trigger(source, command->value != 0.0);
		break;
	case SEGUE_SOURCE_CHANNEL:
		source->midi_channel = (uint32_t)command->value;
		segue_voices_keep_channel(voices, source->midi_channel);
		break;
	case SEGUE_SOURCE_VOICES:
		segue_voices_set_max(voices, (uint32_t)command->value);
		break;
	case SEGUE_SOURCE_ATTACK:
		voices->shape.attack = (float)command->value;
		break;
	case SEGUE_SOURCE_DECAY:
		voices->shape.decay = (float)command->value;
		break;
	case SEGUE_SOURCE_SUSTAIN:
		voices->shape.sustain = (float)command->value;
		break;
	case SEGUE_SOURCE_RELEASE:
		voices->shape.release = (float)command->value;
		break;
	case SEGUE_SOURCE_NOTE_ON:
		strike_key(source, command->key & 0x7f, (command->key >> 8) & 0x7f);
		break;
	case SEGUE_SOURCE_NOTE_OFF:
		segue_voices_note_off(voices, SEGUE_CHANNEL_KEYS, command->key & 0x7f);
		break;
	case SEGUE_SOURCE_NOTES_OFF:
		segue_voices_release(voices);
		break;
	case SEGUE_SOURCE_PLAY:
		play(source, command->ticket);
		break;
	case SEGUE_SOURCE_STOP:
		segue_voices_stop(voices, command->data);
		break;
	}
}

/* Before the ring: what was sent before a bit was set is in there then. */
SEGUE_DATA_LOOP static void look_at_keys(struct segue_source *source, struct segue_keys *ret)
{
	/* acquire, paired with the release in segue_source_release_key() */
	for (uint32_t i = 0; i < SPA_N_ELEMENTS(ret->words); i++)
		ret->words[i] = __atomic_load_n(&source->released.words[i], __ATOMIC_ACQUIRE);
}

/* Swaps start with the cycle's first frame, so what came after one waits for that, in order. */
void segue_source_take_commands(struct segue_source *source, uint32_t n_max)
{
	struct segue_command command;
	bool has_swap = false, is_empty = false;
	struct segue_keys keys;

	look_at_keys(source, &keys);
	while (n_max-- > 0 && !(is_empty = !segue_handover_take(source->handover, &command))) {
		if (command.type == SEGUE_COMMAND_SWAP)
			segue_swap_add(&source->swap, command.ticket, LEAD_FRAMES, HURRY_FRAMES);
		else if (command.type == SEGUE_SOURCE_CANCEL)
			segue_swap_cancel(&source->swap, command.data);
		else if (has_swap)
			source->deferred[source->n_deferred++] = command;
		else
			obey(source, &command);
		has_swap |= command.type == SEGUE_COMMAND_SWAP;
	}
	source->releasing = is_empty ? keys : (struct segue_keys) { { 0 } };
}

SEGUE_DATA_LOOP static void release_keys(struct segue_source *source)
{
	for (uint32_t i = 0; i < SPA_N_ELEMENTS(source->releasing.words); i++) {
		uint32_t word = source->releasing.words[i];

		if (word == 0)
			continue;
		for (uint32_t k = 0; k < 32; k++) {
			if (word >> k & 1)
				segue_voices_note_off(&source->voices, SEGUE_CHANNEL_KEYS, 32 * i + k);
		}
		/* relaxed: one number. A key can be struck again from here on */
		__atomic_fetch_and(&source->released.words[i], ~word, __ATOMIC_RELAXED);
		source->releasing.words[i] = 0;
	}
}

void segue_source_obey_deferred(struct segue_source *source)
{
	for (uint32_t i = 0; i < source->n_deferred; i++)
		obey(source, &source->deferred[i]);
	source->n_deferred = 0;
	release_keys(source);
}
