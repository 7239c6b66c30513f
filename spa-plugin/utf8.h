/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_UTF8_H
#define SEGUE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/** Length of the character at \a text, which isn't its end; 0: there is none. RFC 3629, without surrogates and
 * overlong forms, nor what never is to be a character: sd-bus sends no message with that, and leaves the bus.
 * Any thread. */
static inline size_t segue_character_length(const char *text)
{
	const uint8_t *p = (const uint8_t *)text;
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 :
		p[0] < 0xf5 ? 4 : 0;
	uint32_t code = p[0] & (0x7f >> n);

	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) == 0xfffe ? 0 : n;
}

#endif /* SEGUE_UTF8_H */
