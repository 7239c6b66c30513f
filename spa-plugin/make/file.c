/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "file.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "path.h"

#define READ_MAX	(1024u * 1024u)	/* at once: a sign of life in between */
#define CHUNKS_MAX	1000u		/* looked at in search of the samples */

static int fail_open(struct segue_error *error, const char *name, int err)
{
	switch (err) {
	case ENOENT:
	case ENOTDIR:
		return segue_error_set(error, -ENOENT, "%s: no such file", name);
	case EACCES:
	case EPERM:
		return segue_error_set(error, -EACCES, "%s: permission denied", name);
	case ENXIO:	/* a socket */
	case ENODEV:
		return segue_error_set(error, -EBADMSG, "%s: not a regular file", name);
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return segue_error_set(error, -ENOMEM, "%s: %s", name, strerror(err));
	default:
		return segue_error_set(error, -EBADMSG, "%s: %s", name, strerror(err));
	}
}

static int check(struct segue_file *file, const char *name, struct segue_error *error)
{
	int flags = fcntl(file->fd, F_GETFL);

	if (flags < 0)
		return segue_error_set(error, -EINVAL, "%s: not an open descriptor", name);
	if ((flags & O_ACCMODE) == O_WRONLY || (flags & O_PATH))
		return segue_error_set(error, -EACCES, "%s: not open for reading", name);
	if (fstat(file->fd, &file->stat) < 0)
		return fail_open(error, name, errno);
	if (S_ISDIR(file->stat.st_mode))
		return segue_error_set(error, -EBADMSG, "%s: is a directory", name);
	if (!S_ISREG(file->stat.st_mode))
		return segue_error_set(error, -EBADMSG, "%s: not a regular file", name);
	if (file->stat.st_size == 0)
		return segue_error_set(error, -EBADMSG, "%s: is empty", name);
	return 0;
}

int segue_file_open(struct segue_file *file, const char *path, int fd, const char *name,
		struct segue_error *error)
{
	int res;

	*file = (struct segue_file) { .fd = fd, .job = file->job };
	/* non-blocking: a FIFO without a writer would be waited for */
	if (fd < 0 && (file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) < 0)
		return fail_open(error, name, errno);
	if ((res = check(file, name, error)) < 0)
		segue_file_close(file);
	return res;
}

size_t segue_file_read(struct segue_file *file, uint64_t at, void *dst, size_t n)
{
	size_t done = 0;
	ssize_t res;

	while (done < n && file->error == 0 && !segue_job_cancelled(file->job)) {
		res = pread(file->fd, (uint8_t *)dst + done, n - done < READ_MAX ? n - done : READ_MAX,
				at + done);
		if (res == 0)
			break;
		if (res > 0)
			done += res;
		else if (errno != EINTR)
			file->error = errno;
	}
	return done;
}

/* Who writes a memfd through a mapping leaves its time as it was. */
static bool is_memfd(int fd)
{
	char *path = segue_path_of_fd(fd);
	/* of what can't be told it is taken for one */
	bool is = path == NULL || segue_path_is_memfd(path);

	free(path);
	return is;
}

/* Modification times in nanoseconds, because a file may be written twice within a second. */
size_t segue_file_identity(const struct segue_file *file, char ret[SEGUE_FILE_IDENTITY_MAX])
{
	const struct stat *s = &file->stat;

	ret[0] = '\0';
	if (is_memfd(file->fd))
		return 0;
	return snprintf(ret, SEGUE_FILE_IDENTITY_MAX, "%ju:%ju:%jd:%jd;",
			(uintmax_t)s->st_dev, (uintmax_t)s->st_ino, (intmax_t)s->st_size,
			(intmax_t)s->st_mtim.tv_sec * 1000000000 + s->st_mtim.tv_nsec);
}

void segue_file_close(struct segue_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

/* ------------------------------------------------------------------- claim */

/* 0 or the largest there is, less a header or rounded to whole frames: not known when it was written.
 * sox means 0x7ffff000, ALSA 0x7fffff00. */
static bool is_placeholder(uint32_t size)
{
	return size == 0 || (size >= 0x7fffe000 && size <= 0x7fffffff) || size >= 0xffffe000;
}

/* RIFF, RIFX, RF64 and FORM: chunks of a name, a size and so many bytes, padded to an even number. */
static bool find_chunk(struct segue_file *file, bool big_endian, const char *name, uint64_t *start,
		uint32_t *size)
{
	struct { char name[4]; uint32_t size; } head;
	uint64_t at = 12;
	uint32_t i;

	for (i = 0; i < CHUNKS_MAX; i++) {
		if (segue_file_read(file, at, &head, sizeof(head)) < sizeof(head))
			return false;
		*size = big_endian ? be32toh(head.size) : le32toh(head.size);
		*start = at + sizeof(head);
		if (memcmp(head.name, name, 4) == 0)
			return true;
		at = *start + *size + (*size & 1);
	}
	return false;
}

static bool claim_rf64(struct segue_file *file, uint64_t *start, uint64_t *size)
{
	uint64_t at;
	uint32_t size32;

	/* the 64-bit sizes: of the file, of the samples */
	if (!find_chunk(file, false, "ds64", &at, &size32) || size32 < 16 ||
			segue_file_read(file, at + 8, size, sizeof(*size)) < sizeof(*size) ||
			!find_chunk(file, false, "data", start, &size32))
		return false;
	*size = size32 == UINT32_MAX ? le64toh(*size) : size32;
	return *size != 0 && *size != UINT64_MAX;
}

bool segue_file_claim(struct segue_file *file, uint64_t *start, uint64_t *size)
{
	uint32_t head[3], size32;
	bool is_form;

	if (segue_file_read(file, 0, head, sizeof(head)) < sizeof(head))
		return false;
	if (memcmp(head, "RF64", 4) == 0)
		return claim_rf64(file, start, size);
	if (memcmp(head, ".snd", 4) == 0) {
		*start = be32toh(head[1]);
		size32 = be32toh(head[2]);
	} else {
		is_form = memcmp(head, "FORM", 4) == 0;
		if (!is_form && memcmp(head, "RIFF", 4) != 0 && memcmp(head, "RIFX", 4) != 0)
			return false;
		if (!find_chunk(file, memcmp(head, "RIFF", 4) != 0, is_form ? "SSND" : "data", start, &size32))
			return false;
		if (is_form && size32 >= 8) {	/* two words of alignment come first */
			*start += 8;
			size32 -= 8;
		}
	}
	*size = size32;
	return !is_placeholder(size32);
}
