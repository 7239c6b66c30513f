/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_BRACKETS_H
#define SEGUE_BRACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** \file
 * Do the brackets of an SPA-JSON text match? PipeWire's parser doesn't ask: any closing one will do for the one
 * that is due, and the end of the text for all that are missing, so that what isn't closed swallows what follows. */

#define SEGUE_BRACKETS_MAX	64u	/* within each other */

/** Goes through a text bracket by bracket, word by word: words, strings and comments as PipeWire's parser has them. */
struct segue_scan {
	const char *at, *end;
};

static inline bool segue_scan_is_blank(char c)
{
	return c == '\0' || memchr("\t \r\n:=,", c, 7) != NULL;
}

static inline void segue_scan_skip_blanks(struct segue_scan *scan)
{
	for (; scan->at < scan->end; scan->at++) {
		if (*scan->at == '#') {
			while (scan->at < scan->end && *scan->at != '\n' && *scan->at != '\r')
				scan->at++;
			if (scan->at == scan->end)
				return;
		} else if (!segue_scan_is_blank(*scan->at)) {
			return;
		}
	}
}

/** \return a bracket; 'w' for a word or a string; 0 at the end. The next one begins at `at` */
static inline char segue_scan_next(struct segue_scan *scan)
{
	char first;

	segue_scan_skip_blanks(scan);
	if (scan->at == scan->end)
		return 0;
	first = *scan->at++;
	if (memchr("[]{}", first, 4) != NULL)
		return first;
	if (first == '"') {
		while (scan->at < scan->end && *scan->at != '"')
			scan->at += *scan->at == '\\' && scan->at + 1 < scan->end ? 2 : 1;
		scan->at += scan->at < scan->end;
	} else {
		while (scan->at < scan->end && memchr("\t \r\n:,=]}", *scan->at, 9) == NULL)
			scan->at++;
	}
	return 'w';
}

static inline char segue_bracket_closing(char opening)
{
	return opening == '[' ? ']' : '}';
}

/** Of a text that need not be a string. */
static inline bool segue_brackets_match(const char *text, size_t size)
{
	struct segue_scan scan = { text, text + size };
	char opened[SEGUE_BRACKETS_MAX], token;
	uint32_t depth = 0;

	while ((token = segue_scan_next(&scan)) != 0) {
		if (token == 'w')
			continue;
		if (token == '[' || token == '{') {
			if (depth == SEGUE_BRACKETS_MAX)
				return false;
			opened[depth++] = token;
		} else if (depth == 0 || token != segue_bracket_closing(opened[--depth])) {
			return false;
		}
	}
	return depth == 0;
}

#endif /* SEGUE_BRACKETS_H */
