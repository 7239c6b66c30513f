/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "names.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <spa/utils/defs.h>
#include <spa/utils/string.h>

#define WORD_MAX	64	/* the longest name there can be */

const struct segue_key segue_keys[] = {
	{ "gain", "Gain", SEGUE_UNIT_GAIN },
	{ "fade", "Fade", SEGUE_UNIT_TIME },
	{ "bypass", "Bypass", SEGUE_UNIT_BOOL },
	{ "load", "Loaded", SEGUE_UNIT_TEXT, .request = true },
	{ "wave", "Waveform", SEGUE_UNIT_TEXT, .request = true },
	{ "frequency", "Frequency", SEGUE_UNIT_FREQUENCY },
	{ "trigger", "Trigger", SEGUE_UNIT_TEXT },
	{ "channel", "Channel", SEGUE_UNIT_COUNT },
	{ "voices", "VoicesMax", SEGUE_UNIT_COUNT },
	{ "attack", "Attack", SEGUE_UNIT_TIME },
	{ "decay", "Decay", SEGUE_UNIT_TIME },
	{ "sustain", "Sustain", SEGUE_UNIT_GAIN },
	{ "release", "Release", SEGUE_UNIT_TIME },
	{ "wet", "Wet", SEGUE_UNIT_GAIN },
	{ "dry", "Dry", SEGUE_UNIT_GAIN },
	{ "latency", "Latency", SEGUE_UNIT_TIME, .automatic = "auto" },
	{ "ir.max", "LengthMax", SEGUE_UNIT_TIME, .fixed = true },
	{ "mode", "Mode", SEGUE_UNIT_TEXT, .fixed = true },
	{ "status", "State", SEGUE_UNIT_TEXT },
	{ 0 },
};

static const char *without_prefix(const char *key)
{
	return spa_strstartswith(key, "segue.") ? key + strlen("segue.") : key;
}

const struct segue_key *segue_key_find(const char *key)
{
	key = without_prefix(key);
	/* those that sound: a property of its own, beside segue.voices */
	if (spa_streq(key, "Voices"))
		return NULL;
	for (const struct segue_key *k = segue_keys; k->key != NULL; k++) {
		if (strcasecmp(key, k->key) == 0 || strcasecmp(key, k->name) == 0)
			return k;
	}
	return NULL;
}

const char *segue_key_of(const char *name)
{
	for (const struct segue_key *k = segue_keys; k->key != NULL; k++) {
		/* status is more than State: it belongs to configurations and pw-cli */
		if (spa_streq(k->name, name) && !spa_streq(name, "State"))
			return k->key;
	}
	return name;
}

const char *segue_key_nearest(const char *key)
{
	struct segue_guess guess = { 0 };

	for (const struct segue_key *k = segue_keys; k->key != NULL; k++)
		segue_guess_offer(&guess, without_prefix(key), k->key);
	return guess.name;
}

size_t segue_distance(const char *a, const char *b)
{
	/* Damerau's distance, optimal string alignment: rows of the table for a's last three prefixes */
	size_t rows[3][WORD_MAX + 1], *before = rows[0], *last = rows[1], *row = rows[2], *oldest;
	size_t n_a = strnlen(a, WORD_MAX), n_b = strnlen(b, WORD_MAX);
	size_t rest_a = strlen(a) - n_a, rest_b = strlen(b) - n_b;

	for (size_t j = 0; j <= n_b; j++)
		last[j] = j;
	for (size_t i = 1; i <= n_a; i++) {
		row[0] = i;
		for (size_t j = 1; j <= n_b; j++) {
			int c = tolower((unsigned char)a[i - 1]), d = tolower((unsigned char)b[j - 1]);

			row[j] = SPA_MIN(last[j], row[j - 1]) + 1;
			row[j] = SPA_MIN(row[j], last[j - 1] + (c != d));
			if (i > 1 && j > 1 && c == tolower((unsigned char)b[j - 2]) &&
			    d == tolower((unsigned char)a[i - 2]))
				row[j] = SPA_MIN(row[j], before[j - 2] + 1);
		}
		oldest = before;
		before = last;
		last = row;
		row = oldest;
	}
	/* what is beyond that counts by its length */
	return last[n_b] + SPA_MAX(rest_a, rest_b) - SPA_MIN(rest_a, rest_b);
}

void segue_guess_offer(struct segue_guess *guess, const char *word, const char *name)
{
	size_t distance = segue_distance(word, name);

	/* a third of the letters wrong is a slip; more is another word */
	if (distance > (SPA_MAX(strlen(word), strlen(name)) + 2) / 3)
		return;
	if (guess->name == NULL || distance < guess->distance)
		*guess = (struct segue_guess) { name, distance };
}
