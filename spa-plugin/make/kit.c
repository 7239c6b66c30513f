/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "kit.h"

#include <stdlib.h>
#include <string.h>

#include <spa/utils/defs.h>
#include <spa/utils/string.h>

#include "layout.h"

/* A file's own loop goes with it, for regions that have none. */
static const struct segue_options as_it_is = { .root_key = -1, .gain = 1.0, .loop = SEGUE_LOOP_OPTION_FILE };

struct segue_make segue_kit_make(const struct segue_kit *kit, const struct segue_make *make, uint32_t file,
		char name[SEGUE_KIT_NAME_MAX])
{
	const struct segue_sfz *sfz = kit->sfz;
	struct segue_make one = *make;

	snprintf(name, SEGUE_KIT_NAME_MAX, "%.250s: %s", make->name, sfz->files[file].name);
	one.name = name;
	one.part = file;
	one.n_parts = sfz->n_files;
	return one;
}

static struct segue_decoder *open_file(struct segue_make *one, const struct segue_sfz *sfz, uint32_t file)
{
	const char *path = sfz->files[file].path;

	return segue_decoder_open(one, &path, NULL, 1, &as_it_is);
}

static int add_header(struct segue_kit *kit, struct segue_make *one, uint32_t file,
		const struct segue_decoder *decoder)
{
	const struct segue_header *h = segue_decoder_header(decoder);
	struct segue_header *all = &kit->header;

	kit->files[file].channels = h->channels;
	kit->files[file].frames = h->frames;
	if ((kit->files[file].identity = strdup(segue_decoder_identity(decoder))) == NULL)
		return segue_error_set(&one->error, -ENOMEM, "%s: no memory", one->name);
	all->channels = SPA_MAX(all->channels, h->channels);
	all->rate = SPA_MAX(all->rate, h->rate);
	all->frames = h->frames == 0 || (file > 0 && all->frames == 0) ? 0 : all->frames + h->frames;
	return 0;
}

static int open_files(struct segue_kit *kit, struct segue_make *make)
{
	const struct segue_sfz *sfz = kit->sfz;
	char name[SEGUE_KIT_NAME_MAX];

	for (uint32_t i = 0; i < sfz->n_files; i++) {
		struct segue_make one = segue_kit_make(kit, make, i, name);
		struct segue_decoder *decoder;

		if (segue_make_cancelled(make))
			return -ECANCELED;
		if ((decoder = open_file(&one, sfz, i)) != NULL)
			(void)add_header(kit, &one, i, decoder);
		segue_decoder_free(decoder);
		if (one.error.res < 0) {
			make->error = one.error;
			return one.error.res;
		}
	}
	return 0;
}

static void find_runs(struct segue_kit *kit)
{
	const struct segue_sfz *sfz = kit->sfz;

	for (uint32_t i = 0; i < sfz->n_regions; i++) {
		const struct segue_sfz_region *r = &sfz->regions[i];
		uint32_t k = 0;

		while (k < kit->n_runs && !(kit->runs[k].file == r->file && kit->runs[k].first == r->first &&
					kit->runs[k].end == r->end))
			k++;
		if (k == kit->n_runs)
			kit->runs[kit->n_runs++] = (struct segue_kit_run) { r->file, r->first, r->end };
		kit->run_of[i] = k;
	}
}

/* What the headers make of it; 0: one of them doesn't tell. */
static uint64_t claimed_bytes(const struct segue_kit *kit)
{
	uint64_t bytes = segue_instrument_bytes(kit->sfz->n_regions);

	for (uint32_t k = 0; k < kit->n_runs; k++) {
		const struct segue_kit_run *run = &kit->runs[k];
		const struct segue_kit_file *file = &kit->files[run->file];
		uint64_t end = SPA_MIN(run->end, file->frames);

		if (file->frames == 0)
			return 0;
		bytes += file->channels * segue_run_bytes(end - SPA_MIN(run->first, end));
	}
	return bytes;
}

/* None, if one of its files has none. */
static int join_identities(struct segue_kit *kit, struct segue_make *make)
{
	const struct segue_sfz *sfz = kit->sfz;
	size_t size = strlen(sfz->identity) + sizeof("sfz ");
	char *p;

	for (uint32_t i = 0; i < sfz->n_files; i++)
		size += strlen(kit->files[i].identity);
	if ((kit->identity = malloc(size)) == NULL)
		return segue_error_set(&make->error, -ENOMEM, "%s: no memory", make->name);
	p = stpcpy(stpcpy(kit->identity, "sfz "), sfz->identity);
	for (uint32_t i = 0; i < sfz->n_files; i++) {
		if (kit->files[i].identity[0] == '\0') {
			kit->identity[0] = '\0';
			break;
		}
		p = stpcpy(p, kit->files[i].identity);
	}
	return 0;
}

static int kit_open(struct segue_kit *kit, struct segue_make *make, const char *path,
		const struct segue_path_check *check)
{
	struct segue_header *header = &kit->header;
	int res;

	make->error.res = 0;
	if ((kit->sfz = segue_sfz_read(make, path, check)) == NULL)
		return make->error.res;
	kit->files = calloc(kit->sfz->n_files, sizeof(*kit->files));
	kit->runs = calloc(kit->sfz->n_regions, sizeof(*kit->runs));
	kit->run_of = calloc(kit->sfz->n_regions, sizeof(*kit->run_of));
	if (kit->files == NULL || kit->runs == NULL || kit->run_of == NULL)
		return segue_error_set(&make->error, -ENOMEM, "%s: no memory", make->name);
	if ((res = open_files(kit, make)) < 0 || (res = join_identities(kit, make)) < 0)
		return res;
	find_runs(kit);
	header->bytes = claimed_bytes(kit);
	header->is_long = header->bytes == 0 || header->bytes > SEGUE_LONG_BYTES ||
		header->frames > SEGUE_LONG_SECONDS * (uint64_t)header->rate;
	return 0;
}

struct segue_kit *segue_kit_open(struct segue_make *make, const char *path, const struct segue_path_check *check)
{
	struct segue_kit *kit = calloc(1, sizeof(*kit));

	if (kit == NULL) {
		segue_error_set(&make->error, -ENOMEM, "%s: no memory", make->name);
		return NULL;
	}
	if (kit_open(kit, make, path, check) < 0) {
		segue_kit_free(kit);
		return NULL;
	}
	return kit;
}

void segue_kit_free(struct segue_kit *kit)
{
	if (kit == NULL)
		return;
	for (uint32_t i = 0; kit->files != NULL && i < kit->sfz->n_files; i++)
		free(kit->files[i].identity);
	free(kit->files);
	free(kit->runs);
	free(kit->run_of);
	free(kit->identity);
	segue_sfz_free(kit->sfz);
	free(kit);
}

const struct segue_header *segue_kit_header(const struct segue_kit *kit)
{
	return &kit->header;
}

const char *segue_kit_identity(const struct segue_kit *kit)
{
	return kit->identity;
}

const char *segue_kit_unfollowed(const struct segue_kit *kit)
{
	return kit->sfz->unfollowed;
}

/* As far as can be told: what couldn't be asked for, for want of memory, is none. */
static bool is_same(const char *identity, const char *before)
{
	return identity[0] == '\0' || before[0] == '\0' || spa_streq(identity, before);
}

struct segue_sample *segue_kit_decode(const struct segue_kit *kit, struct segue_make *one, uint32_t file)
{
	struct segue_decoder *decoder = open_file(one, kit->sfz, file);
	struct segue_sample *sample = NULL;

	if (decoder == NULL)
		return NULL;
	if (!is_same(segue_decoder_identity(decoder), kit->files[file].identity))
		segue_error_set(&one->error, -EBADMSG, "%s: has changed while it was loaded", one->name);
	else
		sample = segue_sample_decode(one, decoder, &as_it_is);
	segue_decoder_free(decoder);
	return sample;
}
