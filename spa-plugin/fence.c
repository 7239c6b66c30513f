/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "fence.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <spa/utils/string.h>

static char *below_home(const char *folder)
{
	const char *home = getenv("HOME");

	return home != NULL && home[0] == '/' ? spa_aprintf("%s/%s", home, folder) : NULL;
}

static char *xdg_folder(const char *variable, const char *otherwise)
{
	const char *value = getenv(variable);

	return value != NULL && value[0] == '/' ? strdup(value) : below_home(otherwise);
}

void segue_fence_clear(struct segue_fence *fence)
{
	for (uint32_t i = 0; i < fence->n_dirs; i++)
		free(fence->dirs[i]);
	free(fence->dirs);
	fence->dirs = NULL;
	fence->n_dirs = 0;
}

int segue_fence_init(struct segue_fence *fence)
{
	char *dirs[] = {
		strdup("/usr/share"),
		xdg_folder("XDG_CONFIG_HOME", ".config"),
		xdg_folder("XDG_DATA_HOME", ".local/share"),
		xdg_folder("XDG_MUSIC_DIR", "Music"),
	};

	fence->mode = SEGUE_FENCE_PATHS;
	fence->n_dirs = 0;
	fence->dirs = calloc(SPA_N_ELEMENTS(dirs), sizeof(char *));
	for (uint32_t i = 0; i < SPA_N_ELEMENTS(dirs); i++) {
		if (fence->dirs == NULL)
			free(dirs[i]);
		else if (dirs[i] != NULL)
			fence->dirs[fence->n_dirs++] = dirs[i];
	}
	return fence->dirs == NULL ? -ENOMEM : 0;
}

int segue_fence_configure(struct segue_fence *fence, const char *mode, const char *const *dirs,
		uint32_t n_dirs)
{
	struct segue_fence new = { .mode = fence->mode };

	if (mode == NULL || spa_streq(mode, "paths"))
		new.mode = SEGUE_FENCE_PATHS;
	else if (spa_streq(mode, "true"))
		new.mode = SEGUE_FENCE_OPEN;
	else if (spa_streq(mode, "false"))
		new.mode = SEGUE_FENCE_CLOSED;
	else
		return -EINVAL;

	if (dirs != NULL) {
		new.dirs = calloc(n_dirs, sizeof(char *));
		if (new.dirs == NULL && n_dirs > 0)
			return -ENOMEM;
		for (; new.n_dirs < n_dirs; new.n_dirs++) {
			new.dirs[new.n_dirs] = strdup(dirs[new.n_dirs]);
			if (new.dirs[new.n_dirs] == NULL) {
				segue_fence_clear(&new);
				return -ENOMEM;
			}
		}
		segue_fence_clear(fence);
		fence->dirs = new.dirs;
		fence->n_dirs = new.n_dirs;
	}
	fence->mode = new.mode;
	return 0;
}

int segue_fence_copy(struct segue_fence *fence, const struct segue_fence *from)
{
	static const char *const modes[] = {
		[SEGUE_FENCE_PATHS] = "paths", [SEGUE_FENCE_OPEN] = "true", [SEGUE_FENCE_CLOSED] = "false",
	};

	*fence = (struct segue_fence) { 0 };
	return segue_fence_configure(fence, modes[from->mode], (const char *const *)from->dirs, from->n_dirs);
}

static bool has_dot_dot(const char *path)
{
	for (const char *p = path; (p = strstr(p, "/..")) != NULL; p += 3) {
		if (p[3] == '/' || p[3] == '\0')
			return true;
	}
	return false;
}

static bool is_below(const char *path, const char *dir)
{
	size_t length = strlen(dir);

	while (length > 1 && dir[length - 1] == '/')
		length--;
	/* one that isn't absolute, or empty, opens nothing */
	return dir[0] == '/' && strncmp(path, dir, length) == 0 && (path[length] == '/' || length == 1);
}

int segue_fence_check(const struct segue_fence *fence, const char *path, struct segue_error *error)
{
	switch (fence->mode) {
	case SEGUE_FENCE_OPEN:
		return 0;
	case SEGUE_FENCE_CLOSED:
		return segue_error_set(error, -EACCES,
				"%s: loading through Props is off (props.load)", path);
	case SEGUE_FENCE_PATHS:
		break;
	}
	if (path[0] == '/' && !has_dot_dot(path)) {
		for (uint32_t i = 0; i < fence->n_dirs; i++) {
			if (is_below(path, fence->dirs[i]))
				return 0;
		}
	}
	return segue_error_set(error, -EACCES,
			"%s: not below a folder that Props may load from (load.paths)", path);
}
