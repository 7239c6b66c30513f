/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* How a sound comes to be: its files are opened, then its buffer is made, then perhaps made again for other
 * rates; and who waits for that is told. */

#include "sound-impl.h"

#include <stdlib.h>
#include <string.h>

#include <spa/utils/result.h>
#include <spa/utils/string.h>

#include "now.h"
#include "recipe.h"

static struct spa_log_topic log_topic = SPA_LOG_TOPIC(0, "spa.segue.sound");
#undef SPA_LOG_TOPIC_DEFAULT
#define SPA_LOG_TOPIC_DEFAULT &log_topic

static void tell_waiters(struct segue_sound *sound, const struct segue_error *error)
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
		if (error != NULL || segue_sound_buffer(sound, &w->target) != NULL)
			w->ready(w, error);
		else if (w->target.n_out > 0)
			segue_sound_wait_response(segue_sound_final(sound), w);
		else
			spa_list_append(&sound->waiters, &w->link);
	}
}

static void sound_fail(struct segue_sound *sound, const struct segue_error *error)
{
	sound->error = *error;
	/* one that can't be made for another rate is still what it was */
	if (sound->made == NULL)
		sound->state = SEGUE_SOUND_FAILED;
	segue_sound_emit(sound, sound_changed, sound);
	tell_waiters(sound, error);
}

static void fail_to_start(struct segue_sound *sound, int res)
{
	struct segue_error error;

	segue_sound_job_refused(sound->label, res, &error);
	sound_fail(sound, &error);
}

static void job_failed(struct segue_sound *sound, const struct segue_sound_job *j, int res)
{
	struct segue_error error;

	segue_sound_job_failed(j, sound->label, res, &error);
	sound_fail(sound, &error);
}

static void start_remake(struct segue_sound *sound, uint32_t rate);

/* keep the better of what there was, if it is better than what there is now */
static void take_remade(struct segue_sound *sound, struct segue_buffer *made)
{
	struct segue_buffer *best = sound->made, *other = NULL;

	sound->made = made;
	/* recordings at several rates are all kept */
	if (sound->n_originals > 1) {
		segue_buffer_unref(best);
		return;
	}
	if (sound->n_originals == 1) {
		other = sound->originals[--sound->n_originals];
		if (segue_buffer_rate(best) < segue_buffer_rate(other))
			SPA_SWAP(best, other);
	}
	segue_buffer_unref(other);
	if (segue_buffer_rate(best) > segue_buffer_rate(made))
		sound->originals[sound->n_originals++] = best;
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
		job_failed(sound, j, res);
		goto done;
	}
	if (j->step == SEGUE_SOUND_REMAKE) {
		take_remade(sound, segue_sound_adopt(sound, j->made));
	} else {
		sound->store->n_live++;
		sound->made = segue_sound_adopt(sound, j->made);
		for (uint32_t i = 0; i < j->n_originals; i++)
			sound->originals[i] = segue_sound_adopt(sound, j->originals[i]);
		sound->n_originals = j->n_originals;
		j->n_originals = 0;
		sound->peak = j->peak;
		sound->made_nsec = segue_now_nsec();
	}
	j->made = NULL;
	sound->state = SEGUE_SOUND_READY;
	sound->progress = 1.0;
	segue_sound_emit(sound, sound_changed, sound);
	tell_waiters(sound, NULL);
	if (!spa_list_is_empty(&sound->waiters))
		start_remake(sound, spa_list_first(&sound->waiters, struct segue_waiter, link)->target.rate);
done:
	segue_sound_unwant(sound);
}

static void on_progressed(struct segue_job *job)
{
	struct segue_sound_job *j = SPA_CONTAINER_OF(job, struct segue_sound_job, job);

	if (j->sound == NULL)
		return;
	j->sound->progress = __atomic_load_n(&job->progress, __ATOMIC_RELAXED) / 1000.0;
	segue_sound_emit(j->sound, sound_changed, j->sound);
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
	struct segue_buffer *from = segue_sound_best(sound, rate);
	struct segue_sound_job *job = segue_sound_job_remake(sound->store, from, sound->label);
	int res;

	if (job != NULL)
		job->rate = rate;
	if ((res = sound_start(sound, job, on_made)) < 0)
		fail_to_start(sound, res);
}

void segue_sound_wait(struct segue_sound *sound, struct segue_waiter *waiter, const struct segue_target *target)
{
	sound = segue_sound_final(sound);
	waiter->target = *target;
	if (target->n_out > 0 && sound->made != NULL) {
		segue_sound_wait_response(sound, waiter);
		return;
	}
	spa_list_append(&sound->waiters, &waiter->link);
	if (sound->job == NULL && sound->made != NULL)
		start_remake(sound, target->rate);
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
		a->import_channels == b->import_channels && a->import_rate == b->import_rate &&
		a->interleaved == b->interleaved &&
		spa_streq(a->label, b->label);
}

static struct spa_list *with_hash_of(struct segue_store_impl *store, const char *identity)
{
	uint32_t hash = 5381;	/* djb2 */

	for (const char *c = identity; *c != '\0'; c++)
		hash = hash * 33 + (uint8_t)*c;
	return &store->by_identity[hash % SEGUE_STORE_IDENTITIES];
}

static struct segue_sound *find_same(const struct segue_sound *sound)
{
	struct segue_sound *s;

	spa_list_for_each(s, with_hash_of(sound->store, sound->identity), identity_link) {
		if (s != sound && s->same == NULL && segue_sound_in_use(s) && s->state != SEGUE_SOUND_FAILED &&
		    spa_streq(s->identity, sound->identity) && same_options(&s->options, &sound->options))
			return s;
	}
	return NULL;
}

static void identify(struct segue_sound *sound, const struct segue_sound_job *opened)
{
	char *identity = segue_sound_job_identity(opened);

	if (identity == NULL || identity[0] == '\0') {
		free(identity);
		return;
	}
	sound->identity = identity;
	spa_list_append(with_hash_of(sound->store, identity), &sound->identity_link);
}

/* go on as another sound's other name: those who wait wait for that one */
static void become(struct segue_sound *sound, struct segue_sound *same)
{
	struct segue_waiter *w;

	sound->same = same;
	sound->state = same->state;
	segue_sound_want(same);
	if (same->job == NULL)
		tell_waiters(sound, NULL);
	while (!spa_list_is_empty(&sound->waiters)) {
		w = spa_list_first(&sound->waiters, struct segue_waiter, link);
		spa_list_remove(&w->link);
		segue_sound_wait(same, w, &w->target);
	}
	segue_sound_emit(sound, sound_changed, sound);
}

/* It sounds, but perhaps not as its maker meant it to. */
static void log_unfollowed(const struct segue_sound *sound, const struct segue_sound_job *opened)
{
	const char *what = opened->kit != NULL ? segue_kit_unfollowed(opened->kit) : "";

	spa_log_topic_init(sound->store->log, &log_topic);
	if (what[0] != '\0')
		spa_log_warn(sound->store->log, "%p: '%s' goes on without what isn't followed: %s", sound,
				sound->label, what);
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
		job_failed(sound, j, res);
		goto done;
	}
	segue_sound_job_header(j, &sound->header);
	log_unfollowed(sound, j);
	identify(sound, j);
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
		segue_sound_emit(sound, sound_changed, sound);
done:
	segue_sound_unwant(sound);
}

/* ---- from a recipe */

struct segue_sound *segue_sound_make(struct segue_store_impl *store, struct segue_recipe *recipe,
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
	spa_list_init(&sound->forms);
	spa_list_append(&store->sounds, &sound->link);
	sound->store = store;
	sound->kind = kind;
	sound->options = recipe->options;
	sound->n_owners = 1;
	sound->is_wave = is_wave;
	sound->text = segue_recipe_text(recipe);
	if ((sound->label = segue_recipe_label(recipe)) == NULL)
		goto error_set;
	sound->state = is_wave ? SEGUE_SOUND_LOADING : SEGUE_SOUND_OPENING;
	if (is_wave)
		sound->header = segue_wave_header(recipe->text, &recipe->options, store->rate);

	if ((job = segue_sound_job_new(store, recipe, kind, sound->label)) == NULL)
		goto error_set;
	job->rate = store->rate;
	job->job.is_long = is_wave && sound->header.is_long;
	if ((res = sound_start(sound, job, is_wave ? on_made : on_opened)) < 0) {
		segue_sound_job_refused(sound->label, res, error);
		segue_sound_free(sound);
		recipe->n_fds = 0;	/* the job has closed them */
		return NULL;
	}
	recipe->n_fds = 0;
	sound->id = ++store->last_id;
	return sound;

error_set:
	segue_error_set(error, res, "%s", spa_strerror(res));
error:
	segue_recipe_close(recipe);
	if (sound != NULL)
		segue_sound_free(sound);
	errno = -res;
	return NULL;
}
