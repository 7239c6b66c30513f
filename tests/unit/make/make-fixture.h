/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_TEST_MAKE_FIXTURE_H
#define SEGUE_TEST_MAKE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "make/make.h"

/** \file
 * A make with a budget of its own, a directory for files, and files to put there. */

struct make_fixture {
	struct segue_memory *memory;
	struct segue_make make;
	char dir[32];
	char path[64];	/* of the file written last */
};

/** cmocka's setup and teardown. Teardown asserts that all memory has been given back. */
int make_fixture_setup(void **state);
int make_fixture_teardown(void **state);

/** Write bytes to dir/name. */
void make_fixture_write(struct make_fixture *f, const char *name, const void *bytes, size_t size);
void make_fixture_write_text(struct make_fixture *f, const char *name, const char *text);
/** A WAV file of 32-bit floats, interleaved, whose data chunk claims so many bytes.
 * \param extra  chunks before the data, or NULL */
void make_fixture_write_wav(struct make_fixture *f, const char *name, const float *frames, uint32_t n_frames,
		uint32_t channels, uint32_t rate, uint32_t claim, const void *extra, size_t extra_size);
/** Bytes that are held, in any state. */
size_t make_fixture_bytes(const struct make_fixture *f);
void make_fixture_free(struct make_fixture *f, void *buffer);
/** Bytes a WAV of floats has for a number of values. */
#define WAV_BYTES(n_frames, channels)	((n_frames) * (channels) * (uint32_t)sizeof(float))

#endif /* SEGUE_TEST_MAKE_FIXTURE_H */
