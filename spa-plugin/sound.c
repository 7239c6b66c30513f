/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "sound-impl.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "give-back.h"
#include "now.h"

/* ---- memory: buffers come from jobs and are given back here */

static void finish_if_gone(struct segue_sound *sound);

static void given_back(struct segue_sound *sound)
{
	sound->n_buffers--;
	finish_if_gone(sound);
}

static void on_given_back(void *data)
{
	given_back(data);
}

static void on_buffer_destroy(struct segue_buffer *buffer)
{
	struct segue_sound *sound = buffer->owner;

	sound->bytes += buffer->bytes;
	segue_memory_move(sound->store->memory, buffer, SEGUE_MEMORY_RETIRED);
	segue_give_back(sound->store, sound->store->memory, buffer, on_given_back, sound);
}

struct segue_buffer *segue_sound_adopt(struct segue_sound *sound, struct segue_buffer *buffer)
{
	if (buffer == NULL)
		return NULL;
	buffer->owner = sound;
	buffer->destroy = on_buffer_destroy;
	sound->n_buffers++;
	segue_memory_move(sound->store->memory, buffer, SEGUE_MEMORY_LIVE);
	return buffer;
}

/* ---- life: of use to somebody, then reclaimed */

static void sound_release(struct segue_sound *sound)
{
	if (sound->job != NULL) {
		sound->job->sound = NULL;
		segue_jobs_cancel(sound->store->jobs, &sound->job->job);
		sound->job = NULL;
	}
	if (sound->same != NULL) {
		segue_sound_unwant(sound->same);
		sound->same = NULL;
	}
	if (sound->made != NULL)
		sound->store->n_live--;
	segue_sound_drop_responses(sound);
	while (sound->n_originals > 0)
		segue_buffer_unref(sound->originals[--sound->n_originals]);
	segue_buffer_unref(sound->made);
	sound->made = NULL;
	segue_sound_emit(sound, sound_changed, sound);
}

void segue_sound_free(struct segue_sound *sound)
{
	spa_list_remove(&sound->link);
	if (sound->identity != NULL)
		spa_list_remove(&sound->identity_link);
	free(sound->label);
	free(sound->text);
	free(sound->identity);
	free(sound);
}

static void finish_if_gone(struct segue_sound *sound)
{
	uint64_t age_usec;

	if (segue_sound_in_use(sound) || sound->n_buffers > 0)
		return;
	age_usec = sound->made_nsec > 0 ? (segue_now_nsec() - sound->made_nsec) / SPA_NSEC_PER_USEC : 0;
	if (sound->bytes > 0)
		sound->store->n_reclaimed++;
	segue_sound_emit(sound, sound_reclaimed, sound->id, sound->bytes, age_usec);
	segue_sound_free(sound);
}

/* after anything that held it let go */
static void sound_check(struct segue_sound *sound)
{
	if (segue_sound_in_use(sound))
		return;
	/* one buffer's end must not finish the sound while another is still to go */
	sound->n_buffers++;
	sound_release(sound);
	given_back(sound);
}

void segue_sound_free_all(struct segue_store_impl *store)
{
	struct segue_sound *sound, *tmp;

	spa_list_for_each(sound, &store->sounds, link)
		sound->same = NULL;
	spa_list_for_each_safe(sound, tmp, &store->sounds, link) {
		sound->n_owners = sound->n_wants = 0;
		sound_check(sound);
	}
}

void segue_sound_own(struct segue_sound *sound)
{
	sound->n_owners++;
}

void segue_sound_disown(struct segue_sound *sound)
{
	sound->n_owners--;
	sound_check(sound);
}

void segue_sound_want(struct segue_sound *sound)
{
	if (sound != NULL)
		sound->n_wants++;
}

void segue_sound_unwant(struct segue_sound *sound)
{
	if (sound == NULL)
		return;
	sound->n_wants--;
	sound_check(sound);
}

void segue_sound_claim(struct segue_sound *sound)
{
	if (sound == NULL)
		return;
	sound->n_wants++;
	if (sound->n_claims++ == 0)
		segue_sound_emit(sound, sound_changed, sound);
}

void segue_sound_unclaim(struct segue_sound *sound)
{
	if (sound == NULL)
		return;
	if (--sound->n_claims == 0)
		segue_sound_emit(sound, sound_changed, sound);
	segue_sound_unwant(sound);
}

/* ---- reading */

struct segue_sound *segue_sound_final(struct segue_sound *sound)
{
	while (sound->same != NULL)
		sound = sound->same;
	return sound;
}

struct segue_sound *segue_sound_resolve(struct segue_sound *sound)
{
	struct segue_sound *same = segue_sound_final(sound);

	if (same != sound) {
		segue_sound_own(same);
		segue_sound_disown(sound);
	}
	return same;
}

int segue_sound_check(const struct segue_sound *sound, const struct segue_target *target,
		struct segue_error *error)
{
	if (target->n_out > 0 && (sound->kind == SEGUE_KIND_TABLE || sound->kind == SEGUE_KIND_INSTRUMENT))
		return segue_error_set(error, -EINVAL, "%s: is %s, a convolver needs a recording", sound->label,
				sound->kind == SEGUE_KIND_TABLE ? "a table" : "an instrument");
	if (target->n_out == 0 && sound->kind == SEGUE_KIND_RESPONSE)
		return segue_error_set(error, -EINVAL, "%s: is a response, a source needs a table or a sample",
				sound->label);
	return 0;
}

struct segue_buffer *segue_sound_best(const struct segue_sound *sound, uint32_t rate)
{
	uint32_t rates[SEGUE_RATES_MAX];

	for (uint32_t i = 0; i < sound->n_originals; i++)
		rates[i] = segue_buffer_rate(sound->originals[i]);
	return sound->n_originals > 0 ?
		sound->originals[segue_sound_job_pick(rates, sound->n_originals, rate)] : sound->made;
}

struct segue_buffer *segue_sound_buffer(const struct segue_sound *sound, const struct segue_target *target)
{
	while (sound->same != NULL)
		sound = sound->same;
	if (target->n_out > 0)
		return segue_sound_response(sound, target);
	if (sound->made == NULL || target->rate == 0 || segue_buffer_is_for(sound->made, target->rate))
		return sound->made;
	return NULL;
}

/* More than guards and alignment take of each channel, heads and the last page of the whole. */
static double bytes_at_most(uint32_t channels, double frames)
{
	return (frames + 64.0) * channels * sizeof(float) + 8192.0;
}

/* At the graph's rate, and at its own where that is higher; a table's levels all together are below six
 * times the first. */
static uint64_t expected_bytes(const struct segue_sound *sound)
{
	const struct segue_header *h = &sound->header;
	double rate = sound->store->rate;

	if (h->bytes > 0)
		return h->bytes + 8192;
	if (sound->kind == SEGUE_KIND_RESPONSE || sound->kind == SEGUE_KIND_INSTRUMENT)
		return bytes_at_most(h->channels, h->frames);
	if (sound->kind == SEGUE_KIND_TABLE || h->rate == 0)
		return 6.0 * bytes_at_most(h->channels, h->frames);
	return bytes_at_most(h->channels, h->frames * rate / h->rate) +
		(h->rate > rate ? bytes_at_most(h->channels, h->frames) : 0.0);
}

void segue_sound_info(const struct segue_sound *sound, struct segue_sound_info *ret)
{
	enum segue_sound_state state = sound->state;
	uint64_t bytes = sound->made != NULL ? sound->made->bytes : 0;
	struct segue_form *form;

	for (uint32_t i = 0; i < sound->n_originals; i++)
		bytes += sound->originals[i]->bytes;
	spa_list_for_each(form, &sound->forms, link)
		bytes += form->made != NULL ? form->made->bytes : 0;
	if (state == SEGUE_SOUND_READY) {
		if (sound->made == NULL)
			state = SEGUE_SOUND_RETIRED;
		else if (sound->n_claims > 0)
			state = SEGUE_SOUND_LIVE;
	}
	*ret = (struct segue_sound_info) {
		.id = sound->id,
		.state = state,
		.kind = sound->kind,
		.label = sound->label,
		.channels = sound->header.channels,
		.rate = sound->header.rate,
		.frames = sound->header.frames,
		.bytes = bytes,
		.bytes_expected = state == SEGUE_SOUND_LOADING ? expected_bytes(sound) : bytes,
		.peak_db = 20.0 * log10(sound->peak),
		.progress = sound->progress,
		.error = sound->state == SEGUE_SOUND_FAILED ? &sound->error : NULL,
	};
}

const char *segue_sound_load(const struct segue_sound *sound)
{
	return sound->is_wave ? NULL : sound->text;
}

const char *segue_sound_wave(const struct segue_sound *sound)
{
	return sound->is_wave ? sound->text : NULL;
}

const char *segue_sound_label(const struct segue_sound *sound)
{
	return sound->label;
}

uint64_t segue_sound_id(const struct segue_sound *sound)
{
	return sound->id;
}
