/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_TEST_FUZZ_H
#define SEGUE_TEST_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "error.h"

/** \file
 * What the targets share. Each is one function that makes something of any bytes: called by libFuzzer with those it
 * thinks of, and by replay.c with those of files.
 *
 * What is chosen besides the thing itself is taken from the input's end, so that a seed begins as what it is; where
 * there is nothing left each choice is the first. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Ends the program, which is what a target has to say. */
#define fuzz_check(condition, ...) do {						\
	if (!(condition)) {							\
		fprintf(stderr, "%s:%d: " #condition "\n", __FILE__, __LINE__);	\
		fprintf(stderr, __VA_ARGS__);					\
		fputc('\n', stderr);						\
		abort();							\
	}									\
} while (false)

struct fuzz_input {
	const uint8_t *data;
	size_t size;
};

/** One of n. */
uint32_t fuzz_choose(struct fuzz_input *input, uint32_t n);
/** One of a list. */
#define fuzz_pick(input, list)	((list)[fuzz_choose(input, sizeof(list) / sizeof((list)[0]))])
/** Everything before the first zero byte, which the rest follows. \return a string, to be freed */
char *fuzz_text(struct fuzz_input *input);
/** The same, in which each @ is fuzz_folder(). */
char *fuzz_text_with_folder(struct fuzz_input *input);

/** A file in memory with these bytes: a descriptor of the caller's. */
int fuzz_memfd(const void *bytes, size_t size);
/** A folder of this process's own, taken away at its end. */
const char *fuzz_folder(void);
/** A path there, valid until the next call. */
const char *fuzz_path(const char *name);
/** Write a file there. */
void fuzz_write(const char *name, const void *bytes, size_t size);

/** What was refused says so, by one of the contract's errors and in words. */
void fuzz_check_refusal(const struct segue_error *error, int res);

#endif /* SEGUE_TEST_FUZZ_H */
