/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "entries.h"

/* What is open, from the entry's own bracket on. */
struct open {
	char brackets[SEGUE_BRACKETS_MAX];
	bool has_word[SEGUE_BRACKETS_MAX];	/* an object: a key whose value is due; a list: any */
	uint32_t depth;
};

static bool push(struct open *o, char bracket)
{
	if (o->depth == SEGUE_BRACKETS_MAX)
		return false;
	o->brackets[o->depth] = bracket;
	o->has_word[o->depth++] = false;
	return true;
}

/* May that begin here? A container can't be a key, and objects aren't among words. */
static bool is_due(const struct open *o, char token)
{
	bool has_word = o->has_word[o->depth - 1];

	if (token == 'w')
		return true;
	return o->brackets[o->depth - 1] == '{' ? has_word : token == '[' || !has_word;
}

static void take(struct open *o, char token)
{
	bool *has_word = &o->has_word[o->depth - 1];

	if (o->brackets[o->depth - 1] == '{')
		*has_word = !*has_word;
	else
		*has_word |= token == 'w';
}

/* \return the place of the last one that this closes, -1: none is open */
static int find_opening(const struct open *o, char closing)
{
	int i = o->depth - 1;

	while (i >= 0 && segue_bracket_closing(o->brackets[i]) != closing)
		i--;
	return i;
}

/* The list's own end, or a slip? Behind it there is nothing, or the next section's name. */
static bool is_end_of_list(struct segue_scan scan, char token)
{
	char next = segue_scan_next(&scan);

	return token == ']' && (next == 0 || next == 'w');
}

/* From behind its bracket to behind the one that closes it, or to where it must have ended. \return do they match? */
static bool skip_entry(struct segue_scan *scan, char bracket)
{
	struct open open = { { bracket }, { false }, 1 };
	struct segue_scan before;
	bool is_good = true;
	char token;
	int place;

	while (open.depth > 0) {
		segue_scan_skip_blanks(scan);
		before = *scan;
		if ((token = segue_scan_next(scan)) == 0)
			return false;
		if (token == ']' || token == '}') {
			place = find_opening(&open, token);
			if (place < 0 && is_end_of_list(*scan, token))
				goto ended_before;
			is_good &= place == (int)open.depth - 1;
			if (place >= 0)
				open.depth = place;
			continue;
		}
		if (token == '{' && !is_due(&open, token))
			goto ended_before;
		is_good &= is_due(&open, token);
		take(&open, token);
		if (token != 'w' && !push(&open, token))
			return false;
	}
	return is_good;

ended_before:
	*scan = before;
	return false;
}

struct segue_scan segue_entries_begin(const char *text, size_t size)
{
	struct segue_scan scan = { text, text + size };

	(void)segue_scan_next(&scan);
	return scan;
}

static enum segue_entry end_of_list(struct segue_scan *scan)
{
	segue_scan_skip_blanks(scan);
	return scan->at < scan->end ? SEGUE_ENTRY_BEHIND : SEGUE_ENTRY_NONE;
}

enum segue_entry segue_entries_next(struct segue_scan *scan, struct segue_scan *ret)
{
	enum segue_entry entry;
	char token;

	segue_scan_skip_blanks(scan);
	ret->at = scan->at;
	switch ((token = segue_scan_next(scan))) {
	case 0:
		entry = SEGUE_ENTRY_UNCLOSED;
		break;
	case ']':
		entry = end_of_list(scan);
		ret->at = scan->at;
		break;
	case '{':
		entry = skip_entry(scan, token) ? SEGUE_ENTRY_GOOD : SEGUE_ENTRY_BRACKETS;
		break;
	case '}':
		entry = SEGUE_ENTRY_BRACKETS;
		break;
	case '[':
		(void)skip_entry(scan, token);
		entry = SEGUE_ENTRY_NO_OBJECT;
		break;
	default:
		entry = SEGUE_ENTRY_NO_OBJECT;
		break;
	}
	ret->end = scan->at;
	return entry;
}
