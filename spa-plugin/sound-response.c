/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* What a sound is to convolvers: responses, made from its recording for their inputs and outputs and the
 * graph's rate when one of them asks. Each is held once, however many use it. */

#include "sound-impl.h"

#include <errno.h>
#include <stdlib.h>

/* One channel serves any layout. */
static bool has_layout(const struct segue_form *form, const struct segue_target *target)
{
	return form->sound->header.channels == 1 ||
		(form->target.n_in == target->n_in && form->target.n_out == target->n_out);
}

static bool is_for(const struct segue_form *form, const struct segue_target *target)
{
	return has_layout(form, target) && form->target.rate == target->rate;
}

static uint64_t form_frames(const struct segue_form *form)
{
	return ((const struct segue_response *)form->made)->n_frames;
}

struct segue_buffer *segue_sound_response(const struct segue_sound *sound, const struct segue_target *target)
{
	struct segue_form *form;

	spa_list_for_each(form, &sound->forms, link) {
		if (form->made != NULL && is_for(form, target) && form_frames(form) <= target->frames_max)
			return form->made;
	}
	return NULL;
}

static void form_free(struct segue_form *form)
{
	if (form->job != NULL) {
		form->job->form = NULL;
		segue_jobs_cancel(form->sound->store->jobs, &form->job->job);
	}
	segue_buffer_unref(form->made);
	spa_list_remove(&form->link);
	free(form);
}

void segue_sound_drop_responses(struct segue_sound *sound)
{
	struct segue_form *form;

	spa_list_consume(form, &sound->forms, link)
		form_free(form);
}

/* each may wait again, or forget another one */
static void tell(struct segue_form *form, const struct segue_error *error)
{
	struct segue_waiter *w;

	spa_list_consume(w, &form->waiters, link) {
		spa_list_remove(&w->link);
		w->ready(w, error);
	}
}

static void form_made(struct segue_form *form, struct segue_buffer *made)
{
	struct segue_form *other, *tmp;

	form->made = segue_sound_adopt(form->sound, made);
	/* those of other rates aren't needed any more */
	spa_list_for_each_safe(other, tmp, &form->sound->forms, link) {
		if (other != form && other->made != NULL && has_layout(other, &form->target))
			form_free(other);
	}
	segue_sound_emit(form->sound, sound_changed, form->sound);
	tell(form, NULL);
}

/* For a node that allows another length. */
static bool is_made_already(const struct segue_form *form)
{
	struct segue_form *other;

	spa_list_for_each(other, &form->sound->forms, link) {
		if (other->made != NULL && is_for(other, &form->target))
			return true;
	}
	return false;
}

static void form_fail(struct segue_form *form, const struct segue_error *error)
{
	tell(form, error);
	form_free(form);
}

static void on_responded(struct segue_job *job, int res)
{
	struct segue_sound_job *j = SPA_CONTAINER_OF(job, struct segue_sound_job, job);
	struct segue_form *form = j->form;
	struct segue_buffer *made = j->made;
	struct segue_sound *sound;
	struct segue_error error;

	if (form == NULL)
		return;
	sound = form->sound;
	form->job = NULL;
	/* keep it while the waiters are told */
	segue_sound_want(sound);
	if (res < 0) {
		segue_sound_job_failed(j, sound->label, res, &error);
		form_fail(form, &error);
	} else if (is_made_already(form)) {
		tell(form, NULL);
		form_free(form);
	} else {
		j->made = NULL;
		form_made(form, made);
	}
	segue_sound_unwant(sound);
}

static int form_start(struct segue_form *form)
{
	struct segue_sound *sound = form->sound;
	struct segue_buffer *from = segue_sound_best(sound, form->target.rate);
	uint32_t own_rate = sound->n_originals > 0 ? segue_buffer_rate(from) : sound->header.rate;
	struct segue_sound_job *job;
	int res;

	if ((job = segue_sound_job_respond(sound->store, from, own_rate, &form->target, sound->label)) == NULL)
		return -errno;
	job->form = form;
	if ((res = segue_sound_job_start(job, on_responded, NULL)) < 0)
		return res;
	form->job = job;
	return 0;
}

static struct segue_form *form_new(struct segue_sound *sound, const struct segue_target *target)
{
	struct segue_form *form = calloc(1, sizeof(*form));

	if (form == NULL)
		return NULL;
	form->sound = sound;
	form->target = *target;
	spa_list_init(&form->waiters);
	spa_list_append(&sound->forms, &form->link);
	return form;
}

/* The one to wait for: on its way already, or made and then too long; NULL: there is none yet. */
static struct segue_form *find_form(const struct segue_sound *sound, const struct segue_target *target)
{
	struct segue_form *form;

	spa_list_for_each(form, &sound->forms, link) {
		if (is_for(form, target) &&
		    (form->made != NULL || form->target.frames_max == target->frames_max))
			return form;
	}
	return NULL;
}

void segue_sound_wait_response(struct segue_sound *sound, struct segue_waiter *waiter)
{
	const struct segue_target *target = &waiter->target;
	struct segue_form *form = find_form(sound, target);
	struct segue_error error;
	int res;

	if (form != NULL && form->made != NULL) {
		segue_error_set(&error, -EFBIG, "%s: has %.2f s, %.2f s at most", sound->label,
				(double)form_frames(form) / target->rate,
				(double)target->frames_max / target->rate);
		waiter->ready(waiter, &error);
		return;
	}
	if (form != NULL) {
		spa_list_append(&form->waiters, &waiter->link);
		return;
	}
	if ((form = form_new(sound, target)) == NULL) {
		segue_sound_job_refused(sound->label, -ENOMEM, &error);
		waiter->ready(waiter, &error);
		return;
	}
	spa_list_append(&form->waiters, &waiter->link);
	if ((res = form_start(form)) < 0) {
		segue_sound_job_refused(sound->label, res, &error);
		form_fail(form, &error);
	}
}
