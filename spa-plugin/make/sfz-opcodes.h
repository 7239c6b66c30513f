/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_MAKE_SFZ_OPCODES_H
#define SEGUE_MAKE_SFZ_OPCODES_H

#include <limits.h>

#include "sfz.h"

/** \file
 * What the opcodes of a region mean, for sfz.c. */

#define SEGUE_SFZ_NAME_MAX	160u

/* Numbers in the opcodes' own units. */
enum segue_sfz_value {
	SEGUE_SFZ_LOKEY, SEGUE_SFZ_HIKEY, SEGUE_SFZ_LOVEL, SEGUE_SFZ_HIVEL,
	SEGUE_SFZ_KEYCENTER, SEGUE_SFZ_KEYTRACK, SEGUE_SFZ_TRANSPOSE, SEGUE_SFZ_TUNE,
	SEGUE_SFZ_VOLUME, SEGUE_SFZ_AMPLITUDE, SEGUE_SFZ_PAN, SEGUE_SFZ_VELTRACK,
	SEGUE_SFZ_ATTACK, SEGUE_SFZ_DECAY, SEGUE_SFZ_SUSTAIN, SEGUE_SFZ_RELEASE,
	SEGUE_SFZ_LOOP_MODE, SEGUE_SFZ_LOOP_START, SEGUE_SFZ_LOOP_END, SEGUE_SFZ_OFFSET, SEGUE_SFZ_END,
	SEGUE_SFZ_GROUP, SEGUE_SFZ_OFF_BY, SEGUE_SFZ_TRIGGER,
	SEGUE_SFZ_SEQ_POSITION, SEGUE_SFZ_LORAND, SEGUE_SFZ_SW_LAST, SEGUE_SFZ_SW_DEFAULT,
	SEGUE_SFZ_BY_CONTROLLER,
	SEGUE_SFZ_VALUES,
};

/** What holds under a header, and is inherited by those below. */
struct segue_sfz_settings {
	double values[SEGUE_SFZ_VALUES];
	bool centered;		/**< this header has a pitch_keycenter, which `key` then leaves alone */
	/* of the sample: "": there is none, or it is made by the player (*sine) */
	char path[PATH_MAX];
	char name[SEGUE_SFZ_NAME_MAX];	/**< as the text has it, for messages */
};

void segue_sfz_settings_init(struct segue_sfz_settings *settings);
/** One opcode, but for `sample`.
 * \return 1; 0: it isn't followed; or -EBADMSG with why: "'x' isn't a number" */
int segue_sfz_settings_set(struct segue_sfz_settings *settings, const char *opcode, const char *value,
		struct segue_error *why);
/** \return NULL with a region, but for its file; or why it is left out: "trigger=release" */
const char *segue_sfz_settings_region(const struct segue_sfz_settings *settings,
		struct segue_sfz_region *ret);

#endif /* SEGUE_MAKE_SFZ_OPCODES_H */
