/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_SOUND_IMPL_H
#define SEGUE_SOUND_IMPL_H

#include "make/make.h"
#include "sound-job.h"
#include "sound.h"
#include "store.h"

/** \file
 * A sound from the inside, for sound.c (who holds it, how it ends), sound-make.c (how it comes to be) and
 * sound-response.c (what convolvers make of it). */

/** The response a sound is to convolvers of one layout, made or on its way. */
struct segue_form {
	struct spa_list link;
	struct segue_sound *sound;
	struct segue_target target;
	struct segue_buffer *made;	/* NULL: on its way */
	struct segue_sound_job *job;
	struct spa_list waiters;
};

struct segue_sound {
	struct spa_list link;
	struct segue_store_impl *store;
	uint64_t id;
	uint32_t n_owners;
	uint32_t n_wants;
	uint32_t n_claims;
	uint32_t n_buffers;		/* made for it and not yet given back */

	enum segue_sound_state state;	/* OPENING, LOADING, READY, FAILED; the others follow from the counts */
	enum segue_kind kind;
	char *label;
	char *text;			/* what it can be had again by; NULL: nothing */
	bool is_wave;
	struct segue_options options;
	struct segue_header header;
	char *identity;			/* of its files, NULL when it can't be shared */
	struct spa_list identity_link;
	struct segue_sound *same;	/* a want: it turned out to be the same as this one */
	struct segue_error error;
	float peak;
	double progress;
	uint64_t made_nsec;
	uint64_t bytes;			/* of all that was given back */

	struct segue_buffer *made;	/* for the rate wanted last; a response's recording at its own */
	struct segue_buffer *originals[SEGUE_RATES_MAX];	/* what is better than made */
	uint32_t n_originals;	/* more than one: the same at several rates */
	struct segue_sound_job *job;
	struct spa_list waiters;
	struct spa_list forms;		/* one of each layout, for the rate wanted last; others on their way */
};

#define segue_sound_emit(sound, method, ...)				\
	spa_hook_list_call(&(sound)->store->listeners,			\
			struct segue_store_events, method, 0, __VA_ARGS__)

/** Does anybody want it? */
static inline bool segue_sound_in_use(const struct segue_sound *sound)
{
	return sound->n_owners > 0 || sound->n_wants > 0;
}

/** A buffer a job has made belongs to the sound. Accepts and returns NULL. */
SEGUE_MAIN_LOOP struct segue_buffer *segue_sound_adopt(struct segue_sound *sound,
		struct segue_buffer *buffer);
/** What a buffer for that rate is best made from. */
SEGUE_MAIN_LOOP struct segue_buffer *segue_sound_best(const struct segue_sound *sound, uint32_t rate);
/** Free one that never was. */
SEGUE_MAIN_LOOP void segue_sound_free(struct segue_sound *sound);

/** The response that is there for a target, of a sound that isn't the same as another; or NULL. */
SEGUE_MAIN_LOOP struct segue_buffer *segue_sound_response(const struct segue_sound *sound,
		const struct segue_target *target);
/** Have one made of a sound that is ready, and the waiter told. */
SEGUE_MAIN_LOOP void segue_sound_wait_response(struct segue_sound *sound, struct segue_waiter *waiter);
/** Nobody wants the sound any more: let go of its responses. */
SEGUE_MAIN_LOOP void segue_sound_drop_responses(struct segue_sound *sound);

#endif /* SEGUE_SOUND_IMPL_H */
