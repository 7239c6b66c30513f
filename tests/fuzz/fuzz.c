/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char folder[64];

/* ------------------------------------------------------------------- input */

uint32_t fuzz_choose(struct fuzz_input *input, uint32_t n)
{
	return input->size > 0 ? input->data[--input->size] % n : 0;
}

char *fuzz_text(struct fuzz_input *input)
{
	char *text = strndup((const char *)input->data, input->size);
	size_t used;

	fuzz_check(text != NULL, "no memory");
	used = strlen(text);
	if (used < input->size)
		used++;
	input->data += used;
	input->size -= used;
	return text;
}

char *fuzz_text_with_folder(struct fuzz_input *input)
{
	char *text = fuzz_text(input), *whole = NULL;
	size_t size;
	FILE *to = open_memstream(&whole, &size);

	fuzz_check(to != NULL, "no memory");
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '@')
			fputs(fuzz_folder(), to);
		else
			fputc(*p, to);
	}
	fclose(to);
	free(text);
	return whole;
}

/* ------------------------------------------------------------------- files */

int fuzz_memfd(const void *bytes, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	fuzz_check(fd >= 0 && write(fd, bytes, size) == (ssize_t)size, "no file in memory");
	return fd;
}

const char *fuzz_path(const char *name)
{
	static char path[sizeof(folder) + 256];

	snprintf(path, sizeof(path), "%s/%s", fuzz_folder(), name);
	return path;
}

static void remove_folder(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		(void)unlink(fuzz_path(entry->d_name));
	if (dir != NULL)
		closedir(dir);
	rmdir(folder);
}

const char *fuzz_folder(void)
{
	if (folder[0] == '\0') {
		strcpy(folder, "/tmp/segue-fuzz-XXXXXX");
		fuzz_check(mkdtemp(folder) != NULL, "no folder");
		atexit(remove_folder);
	}
	return folder;
}

void fuzz_write(const char *name, const void *bytes, size_t size)
{
	int fd = open(fuzz_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	fuzz_check(fd >= 0 && write(fd, bytes, size) == (ssize_t)size, "%s can't be written", name);
	close(fd);
}

/* ------------------------------------------------------------------ errors */

void fuzz_check_refusal(const struct segue_error *error, int res)
{
	static const int known[] = {
		-EINVAL, -ENOENT, -EACCES, -ENOMEM, -EDQUOT, -ENXIO, -EROFS, -ETIMEDOUT, -EBADMSG, -EFBIG, -EBUSY,
		-EEXIST, -ETIME, -ESTALE, -EALREADY, -ECANCELED, -EIDRM, -ENOTCONN,
	};
	bool is_known = false;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		is_known |= known[i] == res;
	fuzz_check(is_known, "%d is no error of the contract's", res);
	fuzz_check(error->res == res, "%d was returned, and %d told", res, error->res);
	fuzz_check(error->message[0] != '\0', "it isn't said what is wrong");
}
