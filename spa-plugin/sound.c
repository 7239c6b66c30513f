/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "sound.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <spa/utils/result.h>
#include <spa/utils/string.h>

#include "give-back.h"
#include "recipe.h"
#include "sound-job.h"
#include "store.h"

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
	char *label, *path, *wave;
	struct segue_options options;
	struct segue_header header;
	char *identity;			/* of its files, "" when it can't be shared */
	struct segue_sound *same;	/* a want: it turned out to be the same as this one */
	struct segue_error error;
	float peak;
	double progress;
	uint64_t made_nsec;
	uint64_t bytes;			/* of all that was given back */

	struct segue_buffer *made;	/* for the rate wanted last */
	struct segue_buffer *origin;	/* what is better than made, or NULL */
	struct segue_buffer *remaking;	/* what a job makes a new one from */
	struct segue_sound_job *job;
	struct spa_list waiters;
};

#define emit(sound, method, ...) \
	spa_hook_list_call(&(sound)->store->listeners, struct segue_store_events, method, 0, __VA_ARGS__)

static uint64_t now_nsec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return SPA_TIMESPEC_TO_NSEC(&now);
}

static bool in_use(const struct segue_sound *sound)
{
	return sound->n_owners > 0 || sound->n_wants > 0;
}

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
	segue_give_back(sound->store, buffer, on_given_back, sound);
}

static struct segue_buffer *adopt(struct segue_sound *sound, struct segue_buffer *buffer)
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
	segue_buffer_unref(sound->remaking);
	segue_buffer_unref(sound->origin);
	segue_buffer_unref(sound->made);
	sound->remaking = sound->origin = sound->made = NULL;
	emit(sound, sound_changed, sound);
}

static void sound_free(struct segue_sound *sound)
{
	spa_list_remove(&sound->link);
	free(sound->label);
	free(sound->path);
	free(sound->wave);
	free(sound->identity);
	free(sound);
}

static void finish_if_gone(struct segue_sound *sound)
{
	uint64_t age_usec;

	if (in_use(sound) || sound->n_buffers > 0)
		return;
	age_usec = sound->made_nsec > 0 ? (now_nsec() - sound->made_nsec) / SPA_NSEC_PER_USEC : 0;
	if (sound->bytes > 0)
		sound->store->n_reclaimed++;
	emit(sound, sound_reclaimed, sound->id, sound->bytes, age_usec);
	sound_free(sound);
}

/* after anything that held it let go */
static void sound_check(struct segue_sound *sound)
{
	if (in_use(sound))
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
		emit(sound, sound_changed, sound);
}

void segue_sound_unclaim(struct segue_sound *sound)
{
	if (sound == NULL)
		return;
	if (--sound->n_claims == 0)
		emit(sound, sound_changed, sound);
	segue_sound_unwant(sound);
}

/* ---- making */

struct segue_sound *segue_sound_final(struct segue_sound *sound)
{
	while (sound->same != NULL)
		sound = sound->same;
	return sound;
}

static uint32_t sample_rate(const struct segue_buffer *buffer)
{
	return buffer->type == SEGUE_BUFFER_SAMPLE ?
		((const struct segue_sample *)buffer)->rate : UINT32_MAX;
}

struct segue_buffer *segue_sound_any_buffer(const struct segue_sound *sound)
{
	while (sound->same != NULL)
		sound = sound->same;
	return sound->made;
}

struct segue_buffer *segue_sound_buffer(const struct segue_sound *sound, uint32_t rate)
{
	struct segue_buffer *made = segue_sound_any_buffer(sound);

	if (made == NULL || rate == 0 || made->type == SEGUE_BUFFER_TABLE || sample_rate(made) == rate)
		return made;
	return NULL;
}

static void tell_waiters(struct segue_sound *sound, int res)
{
	struct segue_waiter *w;
	struct spa_list ready;

	/* a waiter may wait again, or forget another one, while it is told */
	spa_list_init(&ready);
	spa_list_insert_list(&ready, &sound->waiters);
	spa_list_init(&sound->waiters);
	while (!spa_list_is_empty(&ready)) {
		w = spa_list_first(&ready, struct segue_waiter, link);
		spa_list_remove(&w->link);
		if (res == 0 && segue_sound_buffer(sound, w->rate) == NULL)
			spa_list_append(&sound->waiters, &w->link);
		else
			w->ready(w, res);
	}
}

static void sound_fail(struct segue_sound *sound, const struct segue_error *error)
{
	sound->error = *error;
	/* one that can't be made for another rate is still what it was */
	if (sound->made == NULL)
		sound->state = SEGUE_SOUND_FAILED;
	emit(sound, sound_changed, sound);
	tell_waiters(sound, error->res);
}

static int set_job_error(const struct segue_sound *sound, int res, struct segue_error *error)
{
	switch (res) {
	case -EBUSY:
		return segue_error_set(error, res, "%s: too many loads stand still", sound->label);
	case -ETIMEDOUT:
		return segue_error_set(error, res, "%s: no answer from its file system", sound->label);
	default:
		return segue_error_set(error, res, "%s: %s", sound->label, spa_strerror(res));
	}
}

static void fail_to_start(struct segue_sound *sound, int res)
{
	struct segue_error error;

	set_job_error(sound, res, &error);
	sound_fail(sound, &error);
}

static void start_remake(struct segue_sound *sound, uint32_t rate);

/* keep the better of what there was, if it is better than what there is now */
static void take_remade(struct segue_sound *sound, struct segue_buffer *made)
{
	struct segue_buffer *best = sound->origin, *other = sound->made;

	if (best == NULL || sample_rate(best) < sample_rate(other)) {
		best = sound->made;
		other = sound->origin;
	}
	sound->made = made;
	sound->origin = NULL;
	segue_buffer_unref(other);
	if (sample_rate(best) > sample_rate(made))
		sound->origin = best;
	else
		segue_buffer_unref(best);
}

static void on_made(struct segue_job *job, int res)
{
	struct segue_sound_job *j = SPA_CONTAINER_OF(job, struct segue_sound_job, job);
	struct segue_sound *sound = j->sound;

	if (sound == NULL)
		return;
	sound->job = NULL;
	/* keep it while its waiters are told */
	segue_sound_want(sound);
	if (res < 0) {
		if (j->make.error.res == 0 || res == -ETIMEDOUT)
			fail_to_start(sound, res);
		else
			sound_fail(sound, &j->make.error);
		goto done;
	}
	if (j->step == SEGUE_SOUND_REMAKE) {
		take_remade(sound, adopt(sound, j->made));
	} else {
		sound->store->n_live++;
		sound->made = adopt(sound, j->made);
		sound->origin = adopt(sound, j->origin);
		sound->peak = j->peak;
		sound->made_nsec = now_nsec();
	}
	j->made = j->origin = NULL;
	sound->state = SEGUE_SOUND_READY;
	sound->progress = 1.0;
	emit(sound, sound_changed, sound);
	tell_waiters(sound, 0);
	if (!spa_list_is_empty(&sound->waiters))
		start_remake(sound, spa_list_first(&sound->waiters, struct segue_waiter, link)->rate);
done:
	/* a thread that was left behind may go on reading it: then it is never given back */
	if (res != -ETIMEDOUT)
		segue_buffer_unref(sound->remaking);
	sound->remaking = NULL;
	segue_sound_unwant(sound);
}

static void on_progressed(struct segue_job *job)
{
	struct segue_sound_job *j = SPA_CONTAINER_OF(job, struct segue_sound_job, job);

	if (j->sound == NULL)
		return;
	j->sound->progress = __atomic_load_n(&job->progress, __ATOMIC_RELAXED) / 1000.0;
	emit(j->sound, sound_changed, j->sound);
}

static int sound_start(struct segue_sound *sound, struct segue_sound_job *job,
		void (*done)(struct segue_job *job, int res))
{
	int res;

	if (job == NULL)
		return -errno;
	job->sound = sound;
	if ((res = segue_sound_job_start(job, done, on_progressed)) < 0)
		return res;
	sound->job = job;
	return 0;
}

static void start_remake(struct segue_sound *sound, uint32_t rate)
{
	struct segue_sound_job *job;
	int res;

	sound->remaking = segue_buffer_ref(sound->origin != NULL ? sound->origin : sound->made);
	job = segue_sound_job_remake(sound->store, sound->remaking, sound->label);
	if (job != NULL)
		job->rate = rate;
	if ((res = sound_start(sound, job, on_made)) < 0) {
		segue_buffer_unref(sound->remaking);
		sound->remaking = NULL;
		fail_to_start(sound, res);
	}
}

void segue_sound_wait(struct segue_sound *sound, struct segue_waiter *waiter, uint32_t rate)
{
	sound = segue_sound_final(sound);
	waiter->rate = rate;
	spa_list_append(&sound->waiters, &waiter->link);
	if (sound->job == NULL && sound->made != NULL)
		start_remake(sound, rate);
}

void segue_sound_forget(struct segue_waiter *waiter)
{
	spa_list_remove(&waiter->link);
}

static bool same_options(const struct segue_options *a, const struct segue_options *b)
{
	return a->kind == b->kind && a->root_key == b->root_key && a->loop == b->loop &&
		a->gain == b->gain && a->normalize == b->normalize &&
		a->n_channels == b->n_channels &&
		memcmp(a->channels, b->channels, a->n_channels * sizeof(a->channels[0])) == 0 &&
		a->delay == b->delay && a->offset == b->offset && a->length == b->length &&
		spa_streq(a->label, b->label);
}

static struct segue_sound *find_same(const struct segue_sound *sound)
{
	struct segue_sound *s;

	if (sound->identity[0] == '\0')
		return NULL;
	spa_list_for_each(s, &sound->store->sounds, link) {
		if (s != sound && s->same == NULL && in_use(s) && s->state != SEGUE_SOUND_FAILED &&
		    s->identity != NULL && spa_streq(s->identity, sound->identity) &&
		    same_options(&s->options, &sound->options))
			return s;
	}
	return NULL;
}

/* go on as another sound's other name: those who wait wait for that one */
static void become(struct segue_sound *sound, struct segue_sound *same)
{
	struct segue_waiter *w;

	sound->same = same;
	sound->state = same->state;
	segue_sound_want(same);
	if (same->job == NULL)
		tell_waiters(sound, 0);
	while (!spa_list_is_empty(&sound->waiters)) {
		w = spa_list_first(&sound->waiters, struct segue_waiter, link);
		spa_list_remove(&w->link);
		segue_sound_wait(same, w, w->rate);
	}
	emit(sound, sound_changed, sound);
}

static void on_opened(struct segue_job *job, int res)
{
	struct segue_sound_job *j = SPA_CONTAINER_OF(job, struct segue_sound_job, job);
	struct segue_sound *sound = j->sound, *same;
	struct segue_sound_job *next;

	if (sound == NULL)
		return;
	sound->job = NULL;
	segue_sound_want(sound);
	if (res < 0) {
		if (j->make.error.res == 0 || res == -ETIMEDOUT)
			fail_to_start(sound, res);
		else
			sound_fail(sound, &j->make.error);
		goto done;
	}
	sound->header = *segue_decoder_header(j->decoder);
	sound->identity = strdup(segue_decoder_identity(j->decoder));
	if (sound->identity != NULL && (same = find_same(sound)) != NULL) {
		become(sound, same);
		goto done;
	}
	sound->state = SEGUE_SOUND_LOADING;
	if ((next = segue_sound_job_make(j)) != NULL) {
		next->rate = sound->store->rate;
		next->job.is_long = sound->header.is_long;
	}
	if ((res = sound_start(sound, next, on_made)) < 0)
		fail_to_start(sound, res);
	else
		emit(sound, sound_changed, sound);
done:
	segue_sound_unwant(sound);
}

/* ---- from a recipe */

struct segue_sound *segue_sound_make(struct segue_store_impl *store, const struct segue_recipe *recipe,
		struct segue_error *error)
{
	bool is_wave = recipe->type == SEGUE_RECIPE_WAVE;
	struct segue_sound *sound = NULL;
	struct segue_sound_job *job;
	enum segue_kind kind;
	int res;

	if ((res = segue_recipe_check(recipe, &kind, error)) < 0)
		goto error;
	res = -ENOMEM;
	if ((sound = calloc(1, sizeof(*sound))) == NULL)
		goto error_set;
	spa_list_init(&sound->waiters);
	spa_list_append(&store->sounds, &sound->link);
	sound->store = store;
	sound->kind = kind;
	sound->options = recipe->options;
	sound->n_owners = 1;
	if (is_wave && (sound->wave = strdup(recipe->wave)) == NULL)
		goto error_set;
	sound->path = segue_recipe_path(recipe);
	if ((sound->label = segue_recipe_label(recipe, sound->path)) == NULL)
		goto error_set;
	sound->state = is_wave ? SEGUE_SOUND_LOADING : SEGUE_SOUND_OPENING;
	if (is_wave)
		sound->header = segue_wave_header(recipe->wave, &recipe->options, store->rate);

	if ((job = segue_sound_job_new(store, recipe, kind, sound->label)) == NULL)
		goto error_set;
	job->rate = store->rate;
	job->job.is_long = is_wave && sound->header.is_long;
	if ((res = sound_start(sound, job, is_wave ? on_made : on_opened)) < 0) {
		set_job_error(sound, res, error);
		sound_free(sound);
		return NULL;	/* the job has closed the descriptor */
	}
	sound->id = ++store->last_id;
	return sound;

error_set:
	segue_error_set(error, res, "%s", spa_strerror(res));
error:
	segue_recipe_close(recipe);
	if (sound != NULL)
		sound_free(sound);
	errno = -res;
	return NULL;
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

/* ---- reading */

void segue_sound_info(const struct segue_sound *sound, struct segue_sound_info *ret)
{
	enum segue_sound_state state = sound->state;

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
		.bytes = (sound->made != NULL ? sound->made->bytes : 0) +
			(sound->origin != NULL ? sound->origin->bytes : 0),
		.peak_db = 20.0 * log10(sound->peak),
		.progress = sound->progress,
		.error = sound->state == SEGUE_SOUND_FAILED ? &sound->error : NULL,
	};
}

const char *segue_sound_path(const struct segue_sound *sound)
{
	return sound->path;
}

const char *segue_sound_wave(const struct segue_sound *sound)
{
	return sound->wave;
}

const char *segue_sound_label(const struct segue_sound *sound)
{
	return sound->label;
}

uint64_t segue_sound_id(const struct segue_sound *sound)
{
	return sound->id;
}

const struct segue_error *segue_sound_error(const struct segue_sound *sound)
{
	return &sound->error;
}
