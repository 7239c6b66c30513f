/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "make-fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUDGET	(512u * 1024u * 1024u)

int make_fixture_setup(void **state)
{
	struct make_fixture *f = calloc(1, sizeof(*f));

	if (f == NULL || (f->memory = segue_memory_new(BUDGET)) == NULL)
		return -1;
	f->make.memory = f->memory;
	f->make.name = "thing";
	strcpy(f->dir, "/tmp/segue-test-XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	*state = f;
	return 0;
}

int make_fixture_teardown(void **state)
{
	struct make_fixture *f = *state;
	char path[sizeof(f->dir) + 256];
	struct dirent *entry;
	DIR *dir = opendir(f->dir);
	size_t bytes = make_fixture_bytes(f);

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", f->dir, entry->d_name);
		unlink(path);
		rmdir(path);
	}
	if (dir != NULL)
		closedir(dir);
	rmdir(f->dir);
	segue_memory_unref(f->memory);
	free(f);
	assert_int_equal(bytes, 0);
	return 0;
}

size_t make_fixture_bytes(const struct make_fixture *f)
{
	size_t bytes = 0;

	for (int i = 0; i < SEGUE_MEMORY_STATES; i++)
		bytes += segue_memory_bytes(f->memory, i);
	return bytes;
}

void make_fixture_free(struct make_fixture *f, void *buffer)
{
	segue_memory_free(f->memory, buffer);
}

static FILE *create(struct make_fixture *f, const char *name)
{
	FILE *file;

	snprintf(f->path, sizeof(f->path), "%s/%s", f->dir, name);
	file = fopen(f->path, "w");
	assert_non_null(file);
	return file;
}

void make_fixture_write(struct make_fixture *f, const char *name, const void *bytes, size_t size)
{
	FILE *file = create(f, name);

	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

void make_fixture_write_text(struct make_fixture *f, const char *name, const char *text)
{
	make_fixture_write(f, name, text, strlen(text));
}

static void put(FILE *file, uint32_t value, int bytes)
{
	for (; bytes > 0; bytes--, value >>= 8)
		fputc(value & 0xff, file);
}

void make_fixture_write_wav(struct make_fixture *f, const char *name, const float *frames, uint32_t n_frames,
		uint32_t channels, uint32_t rate, uint32_t claim, const void *extra, size_t extra_size)
{
	FILE *file = create(f, name);

	fwrite("RIFF", 1, 4, file);
	put(file, 36 + extra_size + WAV_BYTES(n_frames, channels), 4);
	fwrite("WAVEfmt ", 1, 8, file);
	put(file, 16, 4);
	put(file, 3, 2);	/* IEEE float */
	put(file, channels, 2);
	put(file, rate, 4);
	put(file, rate * channels * 4, 4);
	put(file, channels * 4, 2);
	put(file, 32, 2);
	if (extra_size > 0)
		fwrite(extra, 1, extra_size, file);
	fwrite("data", 1, 4, file);
	put(file, claim, 4);
	if (n_frames > 0)
		fwrite(frames, sizeof(float) * channels, n_frames, file);
	assert_int_equal(fclose(file), 0);
}
