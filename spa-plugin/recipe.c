/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "recipe.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <spa/utils/string.h>

#include "make/instrument.h"
#include "make/make.h"

#define MEMFD	"/memfd:"	/* what the system calls it, with this at its end: */
#define DELETED	" (deleted)"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

static bool is_sfz(const char *path)
{
	size_t length = strlen(path);

	return length > 4 && strcasecmp(path + length - 4, ".sfz") == 0;
}

/* An instrument is one file, named by its path: what else it needs lies about that. */
static int check_instrument(const struct segue_recipe *recipe, struct segue_error *error)
{
	if (recipe->type != SEGUE_RECIPE_FILES)
		return segue_error_set(error, -EINVAL, "kind: an instrument needs a path");
	if (recipe->n_paths != 1 || recipe->is_rates)
		return segue_error_set(error, -EINVAL, "kind: an instrument is one file");
	return segue_instrument_check_options(&recipe->options, error);
}

/* By its name, if it is one file. */
static int check_named_instrument(const struct segue_recipe *recipe, const char *path, enum segue_kind *kind,
		struct segue_error *error)
{
	if (recipe->type != SEGUE_RECIPE_FILES)
		return segue_error_set(error, -EINVAL, "%s: an instrument needs a path", base_name(path));
	if (recipe->options.kind == SEGUE_KIND_RESPONSE)
		return segue_error_set(error, -EINVAL, "%s: is an instrument, a convolver needs a recording",
				base_name(path));
	*kind = SEGUE_KIND_INSTRUMENT;
	return 0;
}

static int find_kind(const struct segue_recipe *recipe, enum segue_kind *kind, struct segue_error *error)
{
	enum segue_kind asked = recipe->options.kind;
	char *path;
	int res = 0;

	*kind = asked == SEGUE_KIND_UNSET ? SEGUE_KIND_SAMPLE : asked;
	if ((asked != SEGUE_KIND_UNSET && asked != SEGUE_KIND_RESPONSE) || recipe->is_rates ||
	    recipe->n_paths + recipe->n_fds != 1 || recipe->type == SEGUE_RECIPE_SAMPLES)
		return 0;
	path = recipe->n_paths > 0 ? strdup(recipe->paths[0]) : segue_recipe_path(recipe);
	if (path != NULL && is_sfz(path))
		res = check_named_instrument(recipe, path, kind, error);
	free(path);
	return res;
}

int segue_recipe_check(const struct segue_recipe *recipe, enum segue_kind *kind,
		struct segue_error *error)
{
	int res;

	if (recipe->type == SEGUE_RECIPE_WAVE) {
		if ((res = segue_wave_check(recipe->text, &recipe->options, error)) == 0)
			*kind = segue_wave_kind(recipe->text);
		return res;
	}
	if (recipe->is_rates && recipe->n_paths + recipe->n_fds > SEGUE_RATES_MAX)
		return segue_error_set(error, -EINVAL, "rates: %u files at most", SEGUE_RATES_MAX);
	if ((res = find_kind(recipe, kind, error)) < 0)
		return res;
	if (*kind == SEGUE_KIND_INSTRUMENT)
		return check_instrument(recipe, error);
	if (recipe->is_rates && *kind == SEGUE_KIND_TABLE)
		return segue_error_set(error, -EINVAL, "rates: a table has none");
	return 0;
}

static char *fd_path(int fd)
{
	char link[64], path[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if ((n = readlink(link, path, sizeof(path) - 1)) <= 0)
		return NULL;
	path[n] = '\0';
	return strdup(path);
}

static bool is_memfd(const char *path)
{
	return spa_strstartswith(path, MEMFD);
}

char *segue_recipe_path(const struct segue_recipe *recipe)
{
	char *path;

	switch (recipe->type) {
	case SEGUE_RECIPE_FILES:
		return strdup(recipe->text != NULL ? recipe->text : recipe->paths[0]);
	case SEGUE_RECIPE_FDS:
	case SEGUE_RECIPE_SAMPLES:
		if ((path = fd_path(recipe->fds[0])) == NULL || !is_memfd(path))
			return path;
		free(path);
		break;
	case SEGUE_RECIPE_WAVE:
	case SEGUE_RECIPE_TEXT:
		break;
	}
	return NULL;
}

/* A memfd's is the one it was made with. */
static char *fd_label(int fd)
{
	char *path = fd_path(fd), *label = NULL;
	const char *name = path != NULL ? base_name(path) : "";
	size_t length = strlen(name);

	if (path != NULL && is_memfd(path)) {
		name = path + strlen(MEMFD);
		length = strlen(name);
		if (spa_strendswith(name, DELETED))
			length -= strlen(DELETED);
	}
	label = length > 0 ? strndup(name, length) : strdup("samples");
	free(path);
	return label;
}

char *segue_recipe_label(const struct segue_recipe *recipe)
{
	if (recipe->options.label[0] != '\0')
		return strdup(recipe->options.label);
	if (recipe->type == SEGUE_RECIPE_WAVE)
		return strdup(recipe->text);
	if (recipe->type == SEGUE_RECIPE_FILES)
		return strdup(base_name(recipe->paths[0]));
	return fd_label(recipe->fds[0]);
}
