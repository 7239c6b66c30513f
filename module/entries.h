/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_ENTRIES_H
#define SEGUE_ENTRIES_H

#include <stddef.h>

#include "../spa-plugin/brackets.h"

/** \file
 * The entries of a list of objects, one by one, however wrong one of them is: what isn't closed ends where the next
 * one must have begun. */

enum segue_entry {
	SEGUE_ENTRY_NONE,	/**< the list ends */
	SEGUE_ENTRY_GOOD,
	SEGUE_ENTRY_NO_OBJECT,
	SEGUE_ENTRY_BRACKETS,	/**< its brackets don't match */
	SEGUE_ENTRY_BEHIND,	/**< the list is over before its text is: what follows was meant to be something else */
	SEGUE_ENTRY_UNCLOSED,	/**< the text is over before the list is */
};

/** \param text  from the list's own bracket on */
struct segue_scan segue_entries_begin(const char *text, size_t size);
/** \param ret  where it begins, and where it ends. \return after NONE, BEHIND and UNCLOSED there is no more */
enum segue_entry segue_entries_next(struct segue_scan *scan, struct segue_scan *ret);

#endif /* SEGUE_ENTRIES_H */
