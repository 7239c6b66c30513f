/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "recipe.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <spa/utils/string.h>

#include "make/instrument.h"
#include "make/make.h"
#include "make/path.h"
#include "texts.h"

#define DELETED	" (deleted)"	/* at the end of what the system calls a file that was taken away, or is in memory */

/* A file that was taken away while it was open has none, nor has one in memory. */
static char *fd_named(int fd)
{
	char *path = segue_path_of_fd(fd);

	if (path != NULL && (path[0] != '/' || segue_path_is_memfd(path) || spa_strendswith(path, DELETED))) {
		free(path);
		path = NULL;
	}
	return path;
}

/* of one of its files, NULL: it has none */
static char *file_path(const struct segue_recipe *recipe, uint32_t i)
{
	return recipe->n_paths > 0 ? strdup(recipe->paths[i]) : fd_named(recipe->fds[i]);
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
		return segue_error_set(error, -EINVAL, "%s: an instrument needs a path", segue_path_name(path));
	if (recipe->options.kind == SEGUE_KIND_RESPONSE)
		return segue_error_set(error, -EINVAL, "%s: is an instrument, a convolver needs a recording",
				segue_path_name(path));
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
	path = file_path(recipe, 0);
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

/* ---- what it can be had again by */

static int write_files(const struct segue_recipe *recipe, uint32_t n, FILE *to)
{
	bool is_list = n > 1 || recipe->is_rates;

	fputs(is_list ? "[" : "", to);
	for (uint32_t i = 0; i < n; i++) {
		char *path = file_path(recipe, i);

		if (path == NULL)
			return -ENOENT;
		fputs(is_list ? " " : "", to);
		segue_write_quoted(to, path);
		free(path);
	}
	fputs(is_list ? " ]" : "", to);
	return 0;
}

/* { file = ... OPTION = ... }, or what stands for the file alone where there are no options */
static int write_load(const struct segue_recipe *recipe, const char *options, FILE *to)
{
	uint32_t n = recipe->n_paths + recipe->n_fds;
	char *path;
	int res;

	if (options[0] == '\0' && !recipe->is_rates && n == 1) {
		if ((path = file_path(recipe, 0)) == NULL)
			return -ENOENT;
		fputs(path, to);
		free(path);
		return 0;
	}
	if (options[0] == '\0' && !recipe->is_rates)
		return write_files(recipe, n, to);
	fprintf(to, "{ %s = ", recipe->is_rates ? "rates" : "file");
	res = write_files(recipe, n, to);
	fprintf(to, "%s }", options);
	return res;
}

static int write_wave(const struct segue_recipe *recipe, const char *options, FILE *to)
{
	if (options[0] == '\0') {
		fputs(recipe->text, to);
	} else {
		fputs("{ wave = ", to);
		segue_write_quoted(to, recipe->text);
		fprintf(to, "%s }", options);
	}
	return 0;
}

/* What can be written to memory, whole, or NULL. */
static char *written(int res, FILE *to, char **text)
{
	if (to == NULL)
		return NULL;
	if (ferror(to))
		res = -ENOMEM;
	if (fclose(to) < 0 || res < 0) {
		free(*text);
		return NULL;
	}
	return *text;
}

static char *options_text(const struct segue_options *options, uint32_t groups)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (to != NULL)
		segue_options_write(options, groups, to);
	return written(0, to, &text);
}

char *segue_recipe_text(const struct segue_recipe *recipe)
{
	bool is_wave = recipe->type == SEGUE_RECIPE_WAVE;
	char *options, *text = NULL;
	size_t size;
	FILE *to;

	if (!is_wave && recipe->type != SEGUE_RECIPE_FILES && recipe->type != SEGUE_RECIPE_FDS)
		return NULL;
	if ((options = options_text(&recipe->options, is_wave ? SEGUE_OPTIONS_WAVE : SEGUE_OPTIONS_LOAD)) == NULL)
		return NULL;
	to = open_memstream(&text, &size);
	text = written(to == NULL ? -ENOMEM : is_wave ? write_wave(recipe, options, to) :
			write_load(recipe, options, to), to, &text);
	free(options);
	return text;
}

/* ---- what it is called */

/* A memfd's is the one it was made with. */
static char *fd_label(int fd)
{
	char *path = segue_path_of_fd(fd), *label = NULL;
	const char *name = path != NULL ? segue_path_name(path) : "";
	size_t length = strlen(name);

	if (path != NULL && segue_path_is_memfd(path)) {
		name = path + strlen(SEGUE_MEMFD);
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
		return strdup(segue_path_name(recipe->paths[0]));
	return fd_label(recipe->fds[0]);
}
