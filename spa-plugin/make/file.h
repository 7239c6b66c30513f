/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_MAKE_FILE_H
#define SEGUE_MAKE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "../error.h"
#include "jobs.h"

/** \file
 * A regular file or memfd, read with pread: never mapped, because its owner may cut it short at any time,
 * and without moving the owner's position in it. All on workers. */

struct segue_file {
	int fd;			/* -1: closed */
	struct stat stat;	/* as it was when opened */
	int error;		/* errno of the first read that failed */
	struct segue_job *job;	/* a cancelled job reads nothing more; may be NULL */
};

/** \param path  what to open, if fd < 0
 * \param fd    taken over, also on failure
 * \return 0 or a negative errno with an error that begins with name; then the file is closed */
int segue_file_open(struct segue_file *file, const char *path, int fd, const char *name,
		struct segue_error *error);
/** \return bytes read from `at`: fewer than n only at the end, after an error or when cancelled */
size_t segue_file_read(struct segue_file *file, uint64_t at, void *dst, size_t n);
/** How much sound its header speaks of, for WAV, RF64, AIFF and AU; libsndfile tells how much there is.
 * \return true, with where the samples begin and how many bytes there should be; false where it
 *         isn't said or left open, as programs do that write to a pipe */
bool segue_file_claim(struct segue_file *file, uint64_t *start, uint64_t *size);
#define SEGUE_FILE_IDENTITY_MAX	96u
/** What tells it from others: device, inode, size and modification time, as text.
 * \return its length; 0: a memfd has none */
size_t segue_file_identity(const struct segue_file *file, char ret[SEGUE_FILE_IDENTITY_MAX]);
void segue_file_close(struct segue_file *file);

#endif /* SEGUE_MAKE_FILE_H */
