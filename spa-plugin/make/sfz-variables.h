/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_MAKE_SFZ_VARIABLES_H
#define SEGUE_MAKE_SFZ_VARIABLES_H

#include <stddef.h>
#include <stdint.h>

/** \file
 * What `#define $NAME value` defines, for sfz.c. */

#define SEGUE_SFZ_VARIABLES_MAX	2048u

struct segue_sfz_variable {
	char *name;	/* without $ */
	char *value;	/* what it stood for where it was defined */
};

/** Zeroed, there are none. */
struct segue_sfz_variables {
	struct segue_sfz_variable list[SEGUE_SFZ_VARIABLES_MAX];
	uint32_t n;
};

/** Put in what the variables of a text stand for. A $ before anything else is itself. No name goes on where a
 * text ends.
 * \return 0, or -ENOSPC: that is longer than ret */
int segue_sfz_variables_expand(const struct segue_sfz_variables *variables, const char *text, size_t length,
		char *ret, size_t size);
/** \return 0, -ENOSPC: there are too many, or -ENOMEM */
int segue_sfz_variables_set(struct segue_sfz_variables *variables, const char *name, size_t name_length,
		const char *value);
void segue_sfz_variables_clear(struct segue_sfz_variables *variables);

#endif /* SEGUE_MAKE_SFZ_VARIABLES_H */
