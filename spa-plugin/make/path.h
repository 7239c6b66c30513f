/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_MAKE_PATH_H
#define SEGUE_MAKE_PATH_H

#include <stdbool.h>

/** \file
 * What files are called. Any thread. */

#define SEGUE_MEMFD	"/memfd:"	/* the path of a file in memory, with its name behind */

/** A path without its folders; one that ends with a slash as it is. */
const char *segue_path_name(const char *path);
bool segue_path_is_memfd(const char *path);
/** What the system calls a descriptor's file. \return allocated; NULL: nothing, or no memory */
char *segue_path_of_fd(int fd);

#endif /* SEGUE_MAKE_PATH_H */
