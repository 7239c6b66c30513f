/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_MAKE_SFZ_SCAN_H
#define SEGUE_MAKE_SFZ_SCAN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/** \file
 * Where things begin and end in an SFZ text, for sfz.c. All may look ahead as far as the zero byte behind it. */

#define NAME_CHARACTERS	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

/* A text being read; a zero byte follows its last. */
struct text {
	const char *name;	/* an include's; NULL: the instrument's own */
	const char *at, *end;
	uint32_t line;
};

static inline bool is_name(char c)
{
	return c != '\0' && strchr(NAME_CHARACTERS, c) != NULL;
}

static inline bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static inline bool is_break(char c)
{
	return c == '\n' || c == '\r' || c == '\0';
}

static inline bool starts_with(const char *at, const char *what)
{
	return strncmp(at, what, strlen(what)) == 0;
}

static inline void skip(struct text *t)
{
	if (t->at[0] == '\n' || (t->at[0] == '\r' && t->at[1] != '\n'))
		t->line++;
	t->at++;
}

static inline const char *skip_names(const char *at)
{
	while (is_name(*at) || *at == '$')
		at++;
	return at;
}

static inline const char *skip_blanks(const char *at)
{
	while (is_blank(*at))
		at++;
	return at;
}

/* Whether what follows blanks in a value isn't of the value any more. */
static inline bool begins_next(const char *at)
{
	const char *end = skip_names(at);

	return is_break(*at) || *at == '<' || (end > at && *end == '=') || starts_with(at, "#define") ||
		starts_with(at, "#include") || starts_with(at, "//") || starts_with(at, "/*");
}

/* A value may have blanks in it: it ends where the line does, or something else begins. */
static inline const char *value_end(const char *at)
{
	const char *next;

	while (!is_break(*at) && *at != '<' && !starts_with(at, "//") && !starts_with(at, "/*")) {
		if (is_blank(*at)) {
			next = skip_blanks(at);
			if (begins_next(next))
				break;
			at = next;
		} else {
			at++;
		}
	}
	return at;
}

#endif /* SEGUE_MAKE_SFZ_SCAN_H */
