/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "sound-job.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <spa/utils/result.h>

#include "make/transforms.h"
#include "store.h"

uint32_t segue_sound_job_pick(const uint32_t rates[], uint32_t n, uint32_t rate)
{
	uint32_t best = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (rates[i] == rate)
			return i;
		if (rates[i] > rates[best])
			best = i;
	}
	return best;
}

/* what it was given, */
static void close_fds(struct segue_sound_job *j)
{
	while (j->n_fds > 0) {
		if (j->fds[--j->n_fds] >= 0)
			close(j->fds[j->n_fds]);
	}
}

/* and what it has opened */
static void close_files(struct segue_sound_job *j)
{
	while (j->n_decoders > 0)
		segue_decoder_free(j->decoders[--j->n_decoders]);
	segue_kit_free(j->kit);
	j->kit = NULL;
}

static void free_buffers(struct segue_sound_job *j)
{
	while (j->n_originals > 0)
		segue_memory_free(j->memory, j->originals[--j->n_originals]);
	segue_memory_free(j->memory, j->made);
	j->made = NULL;
}

static int on_run(struct segue_job *job)
{
	struct segue_sound_job *j = SPA_CONTAINER_OF(job, struct segue_sound_job, job);
	bool has_failed;
	int res;

	/* relaxed: whoever looks has been told by the jobs that it began */
	__atomic_store_n(&j->running, 1, __ATOMIC_RELAXED);
	res = segue_sound_work(j);
	/* here, because giving large memory back takes a while, and a file system may let whoever closes a file wait */
	has_failed = res < 0 || segue_job_cancelled(job);
	close_fds(j);
	if (has_failed)
		free_buffers(j);
	if (has_failed || j->step != SEGUE_SOUND_OPEN)
		close_files(j);
	/* release, paired with the acquire in segue_sound_job_is_running() */
	__atomic_store_n(&j->running, 0, __ATOMIC_RELEASE);
	return res;
}

bool segue_sound_job_is_running(const struct segue_sound_job *j)
{
	/* acquire, paired with the release in on_run(): what it made is whole */
	return __atomic_load_n(&j->running, __ATOMIC_ACQUIRE) != 0;
}

void segue_sound_job_header(const struct segue_sound_job *j, struct segue_header *ret)
{
	uint32_t rates[SEGUE_RATES_MAX];

	if (j->kit != NULL) {
		*ret = *segue_kit_header(j->kit);
		return;
	}
	for (uint32_t i = 0; i < j->n_decoders; i++)
		rates[i] = segue_decoder_header(j->decoders[i])->rate;
	*ret = *segue_decoder_header(j->decoders[segue_sound_job_pick(rates, j->n_decoders, j->rate)]);
}

char *segue_sound_job_identity(const struct segue_sound_job *j)
{
	size_t size = sizeof("rates ");
	char *identity;

	if (j->kit != NULL)
		return strdup(segue_kit_identity(j->kit));
	for (uint32_t i = 0; i < j->n_decoders; i++)
		size += strlen(segue_decoder_identity(j->decoders[i]));
	if ((identity = calloc(1, size)) == NULL)
		return NULL;
	for (uint32_t i = 0; i < j->n_decoders; i++) {
		const char *text = segue_decoder_identity(j->decoders[i]);

		/* without one of them it can't be shared */
		if (text[0] == '\0') {
			identity[0] = '\0';
			break;
		}
		if (i == 0 && j->is_rates)
			strcat(identity, "rates ");
		strcat(identity, text);
	}
	return identity;
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
	close_fds(j);
	close_files(j);
	free_buffers(j);
	segue_fence_clear(&j->fence);
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

/* What nobody has taken: of one that was cancelled in time, or whose sound is another's. */
static bool has_leftovers(const struct segue_sound_job *j)
{
	return j->n_fds > 0 || j->n_decoders > 0 || j->kit != NULL || j->n_originals > 0 || j->made != NULL;
}

static void on_done(struct segue_job *job, int res)
{
	struct segue_sound_job *j = SPA_CONTAINER_OF(job, struct segue_sound_job, job);

	j->done(job, res);
	/* a thread that was left behind goes on reading it: then it is never given back */
	if (!segue_sound_job_is_running(j))
		segue_buffer_unref(j->from);
	job->destroy_waits = segue_sound_job_is_running(j) || has_leftovers(j);
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
	j->is_rates = recipe->is_rates;
	j->make.bytes_max = recipe->bytes_max;
	if ((j->name = strdup(name)) == NULL)
		goto error;
	j->make.name = j->name;
	if (recipe->type == SEGUE_RECIPE_WAVE && (j->wave = strdup(recipe->text)) == NULL)
		goto error;
	if (recipe->n_paths > 0) {
		if ((j->paths = calloc(recipe->n_paths, sizeof(char *))) == NULL)
			goto error;
		for (; j->n_paths < recipe->n_paths; j->n_paths++) {
			if ((j->paths[j->n_paths] = strdup(recipe->paths[j->n_paths])) == NULL)
				goto error;
		}
	}
	j->is_fenced = recipe->fence != NULL;
	if (j->is_fenced && segue_fence_copy(&j->fence, recipe->fence) < 0)
		goto error;
	memcpy(j->fds, recipe->fds, recipe->n_fds * sizeof(j->fds[0]));
	j->n_fds = recipe->n_fds;
	return j;
error:
	job_free(j);
	errno = ENOMEM;
	return NULL;
}

static void move_files(struct segue_sound_job *to, struct segue_sound_job *from)
{
	memcpy(to->decoders, from->decoders, sizeof(to->decoders));
	to->n_decoders = from->n_decoders;
	from->n_decoders = 0;
	to->kit = from->kit;
	from->kit = NULL;
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
	j->opened = opened;
	move_files(j, opened);
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
		struct segue_buffer *from, uint32_t own_rate, const struct segue_target *target, const char *name)
{
	struct segue_sound_job *j = job_from(store, SEGUE_SOUND_RESPOND, from, name);

	if (j == NULL)
		return NULL;
	j->own_rate = own_rate;
	j->rate = target->rate;
	j->response = (struct segue_response_target) { target->n_in, target->n_out, target->frames_max,
		segue_transforms_ref(store->transforms) };
	return j;
}

struct segue_sound_job *segue_sound_job_write(struct segue_store_impl *store, struct segue_buffer *from, int fd,
		const char *name)
{
	struct segue_sound_job *j = job_from(store, SEGUE_SOUND_WRITE, from, name);

	if (j == NULL)
		return NULL;
	j->fds[j->n_fds++] = fd;
	return j;
}

int segue_sound_job_start(struct segue_sound_job *j, void (*done)(struct segue_job *job, int res),
		void (*progressed)(struct segue_job *job))
{
	struct segue_sound_job *opened = j->opened;
	int res;

	j->opened = NULL;
	j->job.run = on_run;
	j->job.done = on_done;
	j->job.destroy = on_destroy;
	j->job.progressed = progressed;
	j->done = done;
	if ((res = segue_jobs_add(j->store->jobs, &j->job)) < 0) {
		/* they aren't closed here: a worker destroys the one that was done */
		if (opened != NULL)
			move_files(opened, j);
		job_free(j);
	} else {
		segue_buffer_ref(j->from);
	}
	return res;
}
