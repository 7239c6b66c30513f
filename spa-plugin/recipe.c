/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "recipe.h"

#include <string.h>
#include <unistd.h>

#include "make/make.h"

int segue_recipe_check(const struct segue_recipe *recipe, enum segue_kind *kind,
		struct segue_error *error)
{
	if (recipe->type == SEGUE_RECIPE_WAVE) {
		int res = segue_wave_check(recipe->wave, &recipe->options, error);

		if (res == 0)
			*kind = segue_wave_kind(recipe->wave);
		return res;
	}
	*kind = recipe->options.kind == SEGUE_KIND_UNSET ? SEGUE_KIND_SAMPLE : recipe->options.kind;
	if (*kind == SEGUE_KIND_INSTRUMENT)
		return segue_error_set(error, -EINVAL, "kind: this version makes no instruments");
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

char *segue_recipe_path(const struct segue_recipe *recipe)
{
	switch (recipe->type) {
	case SEGUE_RECIPE_FILES:
		return strdup(recipe->paths[0]);
	case SEGUE_RECIPE_FD:
	case SEGUE_RECIPE_SAMPLES:
		return fd_path(recipe->fd);
	case SEGUE_RECIPE_WAVE:
		break;
	}
	return NULL;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

char *segue_recipe_label(const struct segue_recipe *recipe, const char *path)
{
	if (recipe->options.label[0] != '\0')
		return strdup(recipe->options.label);
	if (recipe->type == SEGUE_RECIPE_WAVE)
		return strdup(recipe->wave);
	return strdup(path != NULL ? base_name(path) : "samples");
}

void segue_recipe_close(const struct segue_recipe *recipe)
{
	if (recipe->type == SEGUE_RECIPE_FD || recipe->type == SEGUE_RECIPE_SAMPLES)
		close(recipe->fd);
}
