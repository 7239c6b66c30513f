/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* A sound that has no file gets one, for whoever wants it again. */

#include "sound-impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "make/path.h"
#include "recipe.h"

static void on_written(struct segue_job *job, int res)
{
	struct segue_sound_job *j = SPA_CONTAINER_OF(job, struct segue_sound_job, job);
	struct segue_error error = { 0 };

	if (res < 0)
		segue_sound_job_failed(j, j->name, res, &error);
	spa_hook_list_call(&j->store->listeners, struct segue_store_events, written, 0, j->id,
			res < 0 ? &error : NULL);
}

static bool loops(const struct segue_buffer *buffer)
{
	return buffer->type == SEGUE_BUFFER_SAMPLE &&
		((const struct segue_sample *)buffer)->loop == SEGUE_LOOP_FORWARD;
}

/* What segue.load takes for the file: what else it needs to be the same is in there. */
static char *load_text(const struct segue_sound *sound, const struct segue_buffer *buffer, const char *path)
{
	struct segue_recipe recipe = {
		.type = SEGUE_RECIPE_FILES,
		.paths = &path,
		.n_paths = 1,
		.options = SEGUE_OPTIONS_INIT,
	};

	if (buffer->type == SEGUE_BUFFER_TABLE)
		recipe.options.kind = SEGUE_KIND_TABLE;
	if (loops(buffer))
		recipe.options.loop = SEGUE_LOOP_OPTION_FILE;
	strncpy(recipe.options.label, sound->label, SEGUE_LABEL_MAX - 1);
	return segue_recipe_text(&recipe);
}

static int start(struct segue_sound *sound, struct segue_buffer *from, int fd, const char *name, uint64_t *ret)
{
	struct segue_sound_job *job = segue_sound_job_write(sound->store, from, fd, name);
	int res;

	if (job == NULL) {
		close(fd);
		return -ENOMEM;
	}
	job->id = ++sound->store->last_written;
	if ((res = segue_sound_job_start(job, on_written, NULL)) < 0)
		return res;
	*ret = sound->store->last_written;
	return 0;
}

/* its samples, or NULL with an error */
static struct segue_buffer *find_samples(const struct segue_sound *sound, struct segue_error *error)
{
	struct segue_buffer *from = segue_sound_best(sound, 0);

	if (sound->state == SEGUE_SOUND_OPENING || sound->state == SEGUE_SOUND_LOADING)
		segue_error_set(error, -EBUSY, "%s: is still loading", sound->label);
	else if (from == NULL || from->type == SEGUE_BUFFER_INSTRUMENT)
		segue_error_set(error, -EINVAL, "%s: has no samples of its own", sound->label);
	else
		return from;
	return NULL;
}

int segue_sound_write(struct segue_sound *sound, int fd, const char *path, char **load, uint64_t *ret,
		struct segue_error *error)
{
	struct segue_buffer *from = find_samples(sound, error);
	const char *name = segue_path_name(path);
	char *text = NULL;
	int res;

	if (from == NULL) {
		close(fd);
		return error->res;
	}
	if (load != NULL && (text = load_text(sound, from, path)) == NULL) {
		close(fd);
		return segue_error_set(error, -ENOMEM, "%s: no memory", name);
	}
	if ((res = start(sound, from, fd, name, ret)) < 0) {
		free(text);
		return segue_sound_job_refused(name, res, error);
	}
	if (load != NULL)
		*load = text;
	return 0;
}
