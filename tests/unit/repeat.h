/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_TEST_REPEAT_H
#define SEGUE_TEST_REPEAT_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/** `before`, then `what` n times, then `after`; freed by the caller. */
static inline char *repeat(const char *before, const char *what, uint32_t n, const char *after)
{
	char *text = malloc(strlen(before) + n * strlen(what) + strlen(after) + 1), *p = stpcpy(text, before);

	while (n-- > 0)
		p = stpcpy(p, what);
	strcpy(p, after);
	return text;
}

#endif /* SEGUE_TEST_REPEAT_H */
