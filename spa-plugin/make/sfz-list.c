/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "sfz-list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <spa/utils/defs.h>
#include <spa/utils/string.h>

void segue_sfz_note(struct segue_sfz *sfz, const char *before, const char *name, const char *after)
{
	static const char more[] = ", ...";
	char *text = sfz->unfollowed, item[272];
	size_t used = strlen(text), length, room = sizeof(sfz->unfollowed) - used;

	length = snprintf(item, sizeof(item), "%s%s%s", before, name, after);
	for (const char *found = text; (found = strstr(found, item)) != NULL; found += length) {
		if ((found == text || found[-1] == ' ') && (found[length] == ',' || found[length] == '\0'))
			return;
	}
	if (used >= sizeof(more) && spa_streq(text + used - strlen(more), more))
		return;
	if (length + 2 + sizeof(more) <= room)
		snprintf(text + used, room, "%s%s", used > 0 ? ", " : "", item);
	else
		strcpy(text + used, more);
}

/* Room for one more in a list that grows twofold. \return the list, or NULL */
static void *grow(void *list, uint32_t n, size_t size)
{
	/* 0 and the powers of two */
	return (n & (n - 1)) == 0 ? reallocarray(list, SPA_MAX(2 * (size_t)n, 1u), size) : list;
}

/* \return the sample's place among the files, or -ENOMEM */
static int64_t add_file(struct segue_sfz *sfz, const struct segue_sfz_settings *settings)
{
	struct segue_sfz_file *files;

	for (uint32_t i = 0; i < sfz->n_files; i++) {
		if (spa_streq(sfz->files[i].path, settings->path))
			return i;
	}
	if ((files = grow(sfz->files, sfz->n_files, sizeof(*files))) == NULL)
		return -ENOMEM;
	sfz->files = files;
	files += sfz->n_files;
	files->path = strdup(settings->path);
	files->name = strdup(settings->name);
	if (files->path == NULL || files->name == NULL) {
		free(files->path);
		free(files->name);
		return -ENOMEM;
	}
	return sfz->n_files++;
}

int segue_sfz_add_region(struct segue_sfz *sfz, const struct segue_sfz_settings *settings)
{
	struct segue_sfz_region region, *regions;
	const char *why;
	int64_t file;

	if ((why = segue_sfz_settings_region(settings, &region)) != NULL) {
		segue_sfz_note(sfz, "", why, "");
		return 0;
	}
	if (sfz->n_regions == SEGUE_REGIONS_MAX)
		return -EDQUOT;
	if ((file = add_file(sfz, settings)) < 0)
		return file;
	if ((regions = grow(sfz->regions, sfz->n_regions, sizeof(*regions))) == NULL)
		return -ENOMEM;
	sfz->regions = regions;
	region.file = file;
	regions[sfz->n_regions++] = region;
	return 0;
}

void segue_sfz_free(struct segue_sfz *sfz)
{
	if (sfz == NULL)
		return;
	for (uint32_t i = 0; i < sfz->n_files; i++) {
		free(sfz->files[i].path);
		free(sfz->files[i].name);
	}
	free(sfz->files);
	free(sfz->regions);
	free(sfz->identity);
	free(sfz);
}
