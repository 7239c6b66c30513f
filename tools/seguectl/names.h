/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_CTL_NAMES_H
#define SEGUE_CTL_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "units.h"

/** \file
 * Keys of node properties, and what somebody meant who wrote a name that isn't there. */

#define SEGUE_KEY_AUTOMATIC	-1.0	/* on the bus, for what is a word elsewhere */

/** A node property: how it is called in configurations and by people, and on the bus. */
struct segue_key {
	const char *key;	/**< without "segue.": ir.max */
	const char *name;	/**< of the D-Bus property: LengthMax */
	enum segue_unit unit;
	const char *automatic;	/**< a word for SEGUE_KEY_AUTOMATIC; NULL: there is none */
	bool fixed;		/**< when the node is made */
	bool request;		/**< set by a method there: load, wave */
};

/** All of them, ending with an empty one. */
extern const struct segue_key segue_keys[];

/** \param key  with or without "segue.", or the D-Bus name
 * \return NULL: not a property of Segue's */
const struct segue_key *segue_key_find(const char *key);
/** The key of a D-Bus property, or its name if it has none. */
const char *segue_key_of(const char *name);
/** The nearest key to a wrong one, or NULL. */
const char *segue_key_nearest(const char *key);

/** Insertions, deletions, replacements and swaps of neighbours between two words; case is ignored. */
size_t segue_distance(const char *a, const char *b);

/** The best guess among names offered one after the other, beginning with { 0 }. */
struct segue_guess {
	const char *name;	/**< borrowed; NULL: none is near enough to be suggested */
	size_t distance;
};

void segue_guess_offer(struct segue_guess *guess, const char *word, const char *name);

#endif /* SEGUE_CTL_NAMES_H */
