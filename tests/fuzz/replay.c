/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* Each file of these folders, once: what libFuzzer does with -runs=0, for builds without it. Where nothing was found
 * there is no folder of it. */

#include <dirent.h>
#include <string.h>

#include "fuzz.h"

#define BYTES_MAX	(1u << 20)

static void replay(const char *path)
{
	uint8_t *bytes = malloc(BYTES_MAX), *exact;
	FILE *file = fopen(path, "rb");
	size_t size;

	fuzz_check(bytes != NULL && file != NULL, "%s can't be read", path);
	size = fread(bytes, 1, BYTES_MAX, file);
	fclose(file);
	/* so that a sanitizer sees what is read behind its end */
	exact = malloc(size > 0 ? size : 1);
	fuzz_check(exact != NULL, "no memory");
	memcpy(exact, bytes, size);
	free(bytes);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static uint32_t replay_all(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char path[4096];
	uint32_t n = 0;

	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		fprintf(stderr, "%s\n", path);
		replay(path);
		n++;
	}
	closedir(dir);
	return n;
}

int main(int argc, char *argv[])
{
	uint32_t n = 0;

	for (int i = 1; i < argc; i++)
		n += replay_all(argv[i]);
	printf("%u inputs replayed\n", n);
	return n > 0 ? 0 : 1;
}
