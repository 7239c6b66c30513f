/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "text.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "../utf8.h"

const char *segue_text_show(const char *text, char *ret, size_t size)
{
	size_t used = 0;

	/* a character of four bytes and what says that it goes on */
	while (*text != '\0' && used + 4 + sizeof("...") <= size) {
		size_t n = segue_character_length(text);

		if (n == 0 || iscntrl((unsigned char)*text)) {
			ret[used++] = '?';
			text++;
			continue;
		}
		memcpy(ret + used, text, n);
		used += n;
		text += n;
	}
	ret[used] = '\0';
	if (*text != '\0')
		strcpy(ret + used, "...");
	return ret;
}

void segue_path_to_slashes(char *path)
{
	for (; *path != '\0'; path++) {
		if (*path == '\\')
			*path = '/';
	}
}

static bool is_dots(const char *name, size_t length, size_t n)
{
	return length == n && strspn(name, ".") >= n;
}

void segue_path_normalize(char *path)
{
	bool absolute = path[0] == '/', more = true;
	char *first = path + absolute, *to = first, *from = path;
	uint32_t n_named = 0;	/* that .. takes back */
	size_t length;

	while (more && *(from += strspn(from, "/")) != '\0') {
		length = strcspn(from, "/");
		more = from[length] != '\0';
		if (is_dots(from, length, 2) && n_named > 0) {
			n_named--;
			do {
				to--;
			} while (to > first && to[-1] != '/');
		} else if (!is_dots(from, length, 1) && !(absolute && is_dots(from, length, 2))) {
			n_named += !is_dots(from, length, 2);
			memmove(to, from, length);
			to += length;
			*to++ = '/';
		}
		from += length;
	}
	if (to > first)
		to--;
	*to = '\0';
}

bool segue_path_leaves(const char *path)
{
	if (path[0] == '/')
		return true;
	for (; *path != '\0'; path += strcspn(path, "/"), path += strspn(path, "/")) {
		if (is_dots(path, strcspn(path, "/"), 2))
			return true;
	}
	return false;
}
