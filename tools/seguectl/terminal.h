/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_CTL_TERMINAL_H
#define SEGUE_CTL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/** \file
 * What can be shown to whom. */

/** Is this descriptor a terminal on which one can write anywhere? One that TERM doesn't name, or calls dumb, isn't. */
bool segue_terminal_is_screen(int fd);
/** May signs beyond ASCII be written? By the locale. */
bool segue_terminal_has_utf8(void);
/** May colours be used? Not where NO_COLOR is set and isn't empty: see https://no-color.org */
bool segue_terminal_wants_colour(void);
/** Columns and rows of stdout; 80 by 24 where it has none. */
void segue_terminal_size(int *ret_columns, int *ret_rows);

/** Put a text into width columns of a terminal: filled up with blanks, or cut to end with a dot for what is missing.
 * What can't be printed is a '?'.
 * \param right  blanks go before it
 * \return buf, cut where it is too small */
char *segue_terminal_fit(char *buf, size_t size, const char *text, int width, bool right);

/** The text alone, with what can't be printed as a '?'. \return buf, cut where it is too small */
char *segue_terminal_clean(char *buf, size_t size, const char *text);

#endif /* SEGUE_CTL_TERMINAL_H */
