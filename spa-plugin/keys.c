/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* Notes and plays of a node: they are for now, so what the data loop has no room for is refused, and what nobody
 * runs isn't begun. Only to release keys is never refused: no note hangs. */

#include "request.h"

#include <errno.h>
#include <inttypes.h>

#define KEYS		128u
#define VELOCITIES	128u

static int check_running(const struct segue_node_impl *node, struct segue_error *error)
{
	if (!node->connected)
		return segue_error_set(error, -ENOTCONN, "it isn't running: PipeWire is away");
	if (!node->running)
		return segue_error_set(error, -ENOTCONN, "it isn't running: nothing is linked to it");
	return 0;
}

static int check_keys(const struct segue_node_impl *node, struct segue_error *error)
{
	if (node->type->keys == NULL)
		return segue_error_set(error, -EINVAL, "a %s plays no notes", node->type->name);
	return 0;
}

static int refuse_busy(struct segue_error *error)
{
	return segue_error_set(error, -EBUSY, "the data loop has too much to take already");
}

int segue_node_note_on(struct segue_node_impl *node, uint32_t key, uint32_t velocity, struct segue_error *error)
{
	const struct segue_keys_type *keys = node->type->keys;
	struct segue_command command = { 0 };
	int res;

	if (velocity == 0)
		return segue_node_note_off(node, key, error);
	if ((res = check_keys(node, error)) < 0)
		return res;
	if (key >= KEYS || velocity >= VELOCITIES)
		return segue_error_set(error, -EINVAL, "NoteOn: key and velocity must be 0 to 127");
	if (node->values[SEGUE_PROPERTY_TRIGGER] == 0.0)
		return segue_error_set(error, -EINVAL, "NoteOn: segue.trigger is always, not notes");
	if ((res = check_running(node, error)) < 0)
		return res;
	command.type = keys->note_on;
	command.key = key | velocity << 8;
	/* a key that is still to be released would be released together with the new note */
	if (keys->is_releasing(node->engine, key) || segue_node_send_now(node, &command) < 0)
		return refuse_busy(error);
	return 0;
}

int segue_node_note_off(struct segue_node_impl *node, uint32_t key, struct segue_error *error)
{
	const struct segue_keys_type *keys = node->type->keys;
	struct segue_command command = { 0 };
	int res;

	if ((res = check_keys(node, error)) < 0)
		return res;
	if (key >= KEYS)
		return segue_error_set(error, -EINVAL, "NoteOff: key must be 0 to 127");
	command.type = keys->note_off;
	command.key = key;
	if (segue_node_send_now(node, &command) < 0)
		keys->release_key(node->engine, key);
	return 0;
}

int segue_node_notes_off(struct segue_node_impl *node, struct segue_error *error)
{
	const struct segue_keys_type *keys = node->type->keys;
	struct segue_command command = { 0 };
	int res;

	if ((res = check_keys(node, error)) < 0)
		return res;
	/* parked when the ring is full: keys of MIDI aren't among those release_key() knows */
	command.type = keys->notes_off;
	if (segue_node_send(node, &command) < 0)
		return segue_error_set(error, -ENOMEM, "no memory to release the keys");
	return 0;
}

/* ---- plays */

static enum segue_note_loop play_loop(const struct segue_options *options)
{
	switch (options->loop) {
	case SEGUE_LOOP_OPTION_NONE:
		return SEGUE_NOTE_LOOP_NONE;
	case SEGUE_LOOP_OPTION_FORWARD:
		return SEGUE_NOTE_LOOP_ALL;
	default:
		return SEGUE_NOTE_LOOP_OWN;
	}
}

static int check_play(const struct segue_node_impl *node, const struct segue_sound *sound,
		struct segue_error *error)
{
	struct segue_target any = { .rate = 0 };
	struct segue_sound_info info;
	int res;

	segue_sound_info(sound, &info);
	if (info.error != NULL) {
		*error = *info.error;
		return error->res;
	}
	if ((res = check_keys(node, error)) < 0 || (res = segue_sound_check(sound, &any, error)) < 0 ||
	    (res = check_running(node, error)) < 0)
		return res;
	if (segue_sound_buffer(sound, &any) == NULL)
		return segue_error_set(error, -EBUSY, "%s: is still loading", info.label);
	return 0;
}

int segue_node_play(struct segue_node_impl *node, struct segue_sound *sound, const struct segue_options *options,
		uint64_t *ret, struct segue_error *error)
{
	struct segue_command command = { 0 };
	struct segue_claim *claim;
	int res;

	sound = segue_sound_final(sound);
	if ((res = check_play(node, sound, error)) < 0)
		return res;
	/* at whatever rate it is there: it is heard at once, and at the right pitch */
	claim = segue_claim_new(sound, segue_sound_buffer(sound, &(struct segue_target) { .rate = 0 }));
	if (claim == NULL)
		return segue_error_set(error, -ENOMEM, "no memory to play it");
	claim->ticket.serial = node->last_play + 1;
	claim->ticket.at = SEGUE_NOW;
	claim->play.gain = (float)options->gain;
	claim->play.loop = play_loop(options);
	claim->play.key = options->play_key;
	claim->play.velocity = options->velocity;
	command.type = node->type->keys->play;
	command.ticket = &claim->ticket;
	if (segue_node_send_now(node, &command) < 0) {
		segue_claim_free(claim);
		return refuse_busy(error);
	}
	*ret = ++node->last_play;
	spa_list_append(&node->plays, &claim->link);
	segue_node_collect_soon(node, SEGUE_COLLECT_MIN_NSEC);
	return 0;
}

static int send_stop(struct segue_node_impl *node, uint64_t play, struct segue_error *error)
{
	/* the key tells one from another should they have to be parked */
	struct segue_command command = { .type = node->type->keys->stop, .key = (uint32_t)play, .data = play };

	if (segue_node_send(node, &command) < 0)
		return segue_error_set(error, -ENOMEM, "no memory to stop it");
	return 0;
}

int segue_node_stop(struct segue_node_impl *node, uint64_t play, struct segue_error *error)
{
	struct segue_claim *claim;
	int res, n = 0;

	if ((res = check_keys(node, error)) < 0)
		return res;
	spa_list_for_each(claim, &node->plays, link) {
		if (play != 0 && claim->ticket.serial != play)
			continue;
		if ((res = send_stop(node, claim->ticket.serial, error)) < 0)
			return res;
		n++;
	}
	if (play != 0 && n == 0)
		return segue_error_set(error, -ENXIO, "voice %" PRIu64 " isn't playing", play);
	return 0;
}
