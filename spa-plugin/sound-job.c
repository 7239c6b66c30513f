/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "sound-job.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <spa/utils/result.h>

#include "give-back.h"
#include "make/transforms.h"
#include "store.h"

static int run_open(struct segue_sound_job *j)
{
	int fd = j->fd;

	j->fd = -1;	/* the decoder's now, also when it fails */
	if (j->type == SEGUE_RECIPE_SAMPLES)
		j->decoder = segue_decoder_open_raw(&j->make, fd, &j->options);
	else
		j->decoder = segue_decoder_open(&j->make, (const char *const *)j->paths, j->n_paths, fd,
				&j->options);
	return j->decoder == NULL ? j->make.error.res : 0;
}

static int make_from_file(struct segue_sound_job *j)
{
	struct segue_sample *sample = segue_sample_decode(&j->make, j->decoder, &j->options);

	segue_decoder_free(j->decoder);
	j->decoder = NULL;
	if (sample == NULL)
		return j->make.error.res;
	j->peak = segue_buffer_peak(&sample->buffer);
	j->origin = &sample->buffer;

	if (j->kind == SEGUE_KIND_RESPONSE) {
		/* what convolvers need of it is made when one asks */
		j->made = j->origin;
		j->origin = NULL;
	} else if (j->kind == SEGUE_KIND_TABLE) {
		struct segue_table *table = segue_table_from_sample(&j->make, sample);

		if (table == NULL)
			return j->make.error.res;
		j->made = &table->buffer;
	} else if (j->rate != 0 && j->rate != sample->rate) {
		struct segue_sample *resampled = segue_sample_resample(&j->make, sample, j->rate);

		if (resampled == NULL)
			return j->make.error.res;
		j->made = &resampled->buffer;
	} else {
		j->made = j->origin;
		j->origin = NULL;
	}
	/* what was made has everything its origin had, unless that had the higher rate */
	if (j->origin != NULL && segue_buffer_rate(j->origin) <= segue_buffer_rate(j->made)) {
		segue_memory_free(j->memory, j->origin);
		j->origin = NULL;
	}
	return 0;
}

static int run_make(struct segue_sound_job *j)
{
	if (j->type != SEGUE_RECIPE_WAVE)
		return make_from_file(j);

	j->made = segue_wave_make(&j->make, j->wave, &j->options, j->rate);
	if (j->made == NULL)
		return j->make.error.res;
	j->peak = segue_buffer_peak(j->made);
	return 0;
}

static int run_remake(struct segue_sound_job *j)
{
	struct segue_sample *sample = segue_sample_resample(&j->make,
			(const struct segue_sample *)j->from, j->rate);

	if (sample == NULL)
		return j->make.error.res;
	j->made = &sample->buffer;
	return 0;
}

static int run_respond(struct segue_sound_job *j)
{
	const struct segue_sample *sample = (const struct segue_sample *)j->from;
	struct segue_sample *resampled = NULL;
	struct segue_response *response;

	if (sample->rate != j->rate) {
		if ((resampled = segue_response_resample(&j->make, sample, j->rate)) == NULL)
			return j->make.error.res;
		sample = resampled;
	}
	response = segue_response_from_sample(&j->make, sample, &j->response);
	segue_memory_free(j->memory, resampled);
	if (response == NULL)
		return j->make.error.res;
	j->made = &response->buffer;
	return 0;
}

static int run_step(struct segue_sound_job *j)
{
	switch (j->step) {
	case SEGUE_SOUND_OPEN:
		return run_open(j);
	case SEGUE_SOUND_MAKE:
		return run_make(j);
	case SEGUE_SOUND_REMAKE:
		return run_remake(j);
	case SEGUE_SOUND_RESPOND:
		return run_respond(j);
	}
	return -EINVAL;
}

static void free_buffers(struct segue_sound_job *j)
{
	segue_memory_free(j->memory, j->origin);
	segue_memory_free(j->memory, j->made);
	j->origin = j->made = NULL;
}

static int on_run(struct segue_job *job)
{
	struct segue_sound_job *j = SPA_CONTAINER_OF(job, struct segue_sound_job, job);
	int res;

	/* relaxed: whoever looks has been told by the jobs that it began */
	__atomic_store_n(&j->running, 1, __ATOMIC_RELAXED);
	res = run_step(j);
	/* here, because giving large memory back takes a while */
	if (res < 0 || segue_job_cancelled(job))
		free_buffers(j);
	/* release, paired with the acquire in segue_sound_job_is_running() */
	__atomic_store_n(&j->running, 0, __ATOMIC_RELEASE);
	return res;
}

bool segue_sound_job_is_running(const struct segue_sound_job *j)
{
	/* acquire, paired with the release in on_run(): what it made is whole */
	return __atomic_load_n(&j->running, __ATOMIC_ACQUIRE) != 0;
}

void segue_sound_job_give_up(struct segue_sound_job *j)
{
	/* a thread that was left behind gives back what it makes by itself */
	if (segue_sound_job_is_running(j))
		return;
	if (j->origin != NULL)
		segue_give_back(j->store, j->memory, j->origin, NULL, NULL);
	if (j->made != NULL)
		segue_give_back(j->store, j->memory, j->made, NULL, NULL);
	j->origin = j->made = NULL;
}

int segue_sound_job_refused(const char *label, int res, struct segue_error *error)
{
	switch (res) {
	case -EBUSY:
		return segue_error_set(error, res, "%s: too many loads stand still", label);
	case -ETIMEDOUT:
		return segue_error_set(error, res, "%s: no answer from its file system", label);
	default:
		return segue_error_set(error, res, "%s: %s", label, spa_strerror(res));
	}
}

int segue_sound_job_failed(const struct segue_sound_job *j, const char *label, int res,
		struct segue_error *error)
{
	/* what a thread that was left behind writes isn't looked at */
	if (res == -ETIMEDOUT || j->make.error.res == 0)
		return segue_sound_job_refused(label, res, error);
	*error = j->make.error;
	return error->res;
}

static void job_free(struct segue_sound_job *j)
{
	if (j->fd >= 0)
		close(j->fd);
	segue_decoder_free(j->decoder);
	free_buffers(j);
	for (uint32_t i = 0; i < j->n_paths; i++)
		free(j->paths[i]);
	free(j->paths);
	free(j->wave);
	free(j->name);
	segue_transforms_unref(j->response.transforms);
	segue_memory_unref(j->memory);
	free(j);
}

static void on_destroy(struct segue_job *job)
{
	job_free(SPA_CONTAINER_OF(job, struct segue_sound_job, job));
}

static struct segue_sound_job *job_alloc(struct segue_store_impl *store)
{
	struct segue_sound_job *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return NULL;
	j->store = store;
	j->memory = segue_memory_ref(store->memory);
	j->make.memory = j->memory;
	j->make.job = &j->job;
	j->fd = -1;
	return j;
}

struct segue_sound_job *segue_sound_job_new(struct segue_store_impl *store,
		const struct segue_recipe *recipe, enum segue_kind kind, const char *name)
{
	struct segue_sound_job *j = job_alloc(store);

	if (j == NULL)
		return NULL;
	j->type = recipe->type;
	j->step = recipe->type == SEGUE_RECIPE_WAVE ? SEGUE_SOUND_MAKE : SEGUE_SOUND_OPEN;
	j->job.is_opening = j->step == SEGUE_SOUND_OPEN;
	j->kind = kind;
	j->options = recipe->options;
	j->make.bytes_max = recipe->bytes_max;
	if ((j->name = strdup(name)) == NULL)
		goto error;
	j->make.name = j->name;
	if (recipe->type == SEGUE_RECIPE_WAVE && (j->wave = strdup(recipe->wave)) == NULL)
		goto error;
	if (recipe->type == SEGUE_RECIPE_FILES) {
		if ((j->paths = calloc(recipe->n_paths, sizeof(char *))) == NULL)
			goto error;
		for (; j->n_paths < recipe->n_paths; j->n_paths++) {
			if ((j->paths[j->n_paths] = strdup(recipe->paths[j->n_paths])) == NULL)
				goto error;
		}
	} else if (recipe->type != SEGUE_RECIPE_WAVE) {
		j->fd = recipe->fd;
	}
	return j;
error:
	job_free(j);
	errno = ENOMEM;
	return NULL;
}

struct segue_sound_job *segue_sound_job_make(struct segue_sound_job *opened)
{
	struct segue_sound_job *j = job_alloc(opened->store);

	if (j == NULL)
		return NULL;
	j->step = SEGUE_SOUND_MAKE;
	j->type = opened->type;
	j->kind = opened->kind;
	j->options = opened->options;
	j->make.bytes_max = opened->make.bytes_max;
	j->decoder = opened->decoder;
	opened->decoder = NULL;
	j->name = opened->name;
	opened->name = NULL;
	j->make.name = j->name;
	return j;
}

static struct segue_sound_job *job_from(struct segue_store_impl *store, enum segue_sound_step step,
		struct segue_buffer *from, const char *name)
{
	struct segue_sound_job *j = job_alloc(store);

	if (j == NULL)
		return NULL;
	j->step = step;
	j->from = from;
	if ((j->name = strdup(name)) == NULL) {
		job_free(j);
		errno = ENOMEM;
		return NULL;
	}
	j->make.name = j->name;
	j->job.is_long = from->bytes > SEGUE_LONG_BYTES;
	return j;
}

struct segue_sound_job *segue_sound_job_remake(struct segue_store_impl *store,
		struct segue_buffer *from, const char *name)
{
	return job_from(store, SEGUE_SOUND_REMAKE, from, name);
}

struct segue_sound_job *segue_sound_job_respond(struct segue_store_impl *store,
		struct segue_buffer *from, const struct segue_target *target, const char *name)
{
	struct segue_sound_job *j = job_from(store, SEGUE_SOUND_RESPOND, from, name);

	if (j == NULL)
		return NULL;
	j->rate = target->rate;
	j->response = (struct segue_response_target) { target->n_in, target->n_out, target->frames_max,
		segue_transforms_ref(store->transforms) };
	return j;
}

int segue_sound_job_start(struct segue_sound_job *j, void (*done)(struct segue_job *job, int res),
		void (*progressed)(struct segue_job *job))
{
	int res;

	j->job.run = on_run;
	j->job.done = done;
	j->job.destroy = on_destroy;
	j->job.progressed = progressed;
	if ((res = segue_jobs_add(j->store->jobs, &j->job)) < 0)
		job_free(j);
	return res;
}
