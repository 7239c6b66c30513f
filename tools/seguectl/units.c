/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "units.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <spa/utils/defs.h>

static const struct {
	enum segue_unit unit;
	const char *suffix;
	double scale;	/* 0: decibels */
} suffixes[] = {
	{ SEGUE_UNIT_NUMBER, "", 1.0 },
	{ SEGUE_UNIT_GAIN, "", 1.0 },
	{ SEGUE_UNIT_GAIN, "%", 0.01 },
	{ SEGUE_UNIT_GAIN, "dB", 0.0 },
	{ SEGUE_UNIT_TIME, "", 1.0 },
	{ SEGUE_UNIT_TIME, "s", 1.0 },
	{ SEGUE_UNIT_TIME, "ms", 1e-3 },
	{ SEGUE_UNIT_TIME, "us", 1e-6 },
	{ SEGUE_UNIT_TIME, "min", 60.0 },
	{ SEGUE_UNIT_FREQUENCY, "", 1.0 },
	{ SEGUE_UNIT_FREQUENCY, "Hz", 1.0 },
	{ SEGUE_UNIT_FREQUENCY, "kHz", 1e3 },
};

static const struct {
	const char *word;
	bool value;
} bools[] = {
	{ "on", true }, { "true", true }, { "yes", true }, { "1", true },
	{ "off", false }, { "false", false }, { "no", false }, { "0", false },
};

static int parse_bool(const char *text, struct segue_quantity *ret)
{
	for (size_t i = 0; i < SPA_N_ELEMENTS(bools); i++) {
		if (strcasecmp(text, bools[i].word) == 0) {
			*ret = (struct segue_quantity) { .type = 'b', .b = bools[i].value };
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_count(const char *text, struct segue_quantity *ret)
{
	unsigned long long count;
	char *end;

	/* strtoull() would take "-1" for the largest number there is */
	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	count = strtoull(text, &end, 10);
	if (errno != 0 || *end != '\0')
		return -EINVAL;
	*ret = (struct segue_quantity) { .type = 't', .t = count };
	return 0;
}

static int parse_number(enum segue_unit unit, const char *text, struct segue_quantity *ret)
{
	double number;
	char *end;

	number = strtod(text, &end);
	if (end == text || !isfinite(number))
		return -EINVAL;
	while (*end == ' ')
		end++;
	for (size_t i = 0; i < SPA_N_ELEMENTS(suffixes); i++) {
		if (suffixes[i].unit != unit || strcasecmp(suffixes[i].suffix, end) != 0)
			continue;
		number = suffixes[i].scale != 0.0 ? number * suffixes[i].scale : pow(10.0, number / 20.0);
		if (!isfinite(number))
			return -EINVAL;
		*ret = (struct segue_quantity) { .type = 'd', .d = number };
		return 0;
	}
	return -EINVAL;
}

int segue_parse_key(const char *text)
{
	static const int semitones[] = { 9, 11, 0, 2, 4, 5, 7 };	/* A to G */
	long number, octave;
	char *end;

	if (isdigit((unsigned char)text[0])) {
		number = strtol(text, &end, 10);
		return *end == '\0' && number <= 127 ? (int)number : -EINVAL;
	}
	if (toupper((unsigned char)text[0]) < 'A' || toupper((unsigned char)text[0]) > 'G')
		return -EINVAL;
	number = semitones[toupper((unsigned char)text[0]) - 'A'];
	for (text++; *text == '#' || *text == 'b'; text++)
		number += *text == '#' ? 1 : -1;
	if (!isdigit((unsigned char)text[*text == '-']))
		return -EINVAL;
	octave = strtol(text, &end, 10);
	/* sharps and flats lead out of an octave, and strtol() saturates */
	if (octave < -100 || octave > 100)
		return -EINVAL;
	number += 12 * (octave + 1);
	return *end == '\0' && number >= 0 && number <= 127 ? (int)number : -EINVAL;
}

static int parse_key(const char *text, struct segue_quantity *ret)
{
	int key = segue_parse_key(text);

	if (key < 0)
		return key;
	*ret = (struct segue_quantity) { .type = 't', .t = key };
	return 0;
}

int segue_unit_parse(enum segue_unit unit, const char *text, struct segue_quantity *ret)
{
	switch (unit) {
	case SEGUE_UNIT_FLAG:
		*ret = (struct segue_quantity) { .type = 'b', .b = true };
		return 0;
	case SEGUE_UNIT_BOOL:
		return parse_bool(text, ret);
	case SEGUE_UNIT_COUNT:
		return parse_count(text, ret);
	case SEGUE_UNIT_KEY:
		return parse_key(text, ret);
	case SEGUE_UNIT_TEXT:
		*ret = (struct segue_quantity) { .type = 's', .s = text };
		return 0;
	default:
		return parse_number(unit, text, ret);
	}
}

const char *segue_unit_example(enum segue_unit unit)
{
	switch (unit) {
	case SEGUE_UNIT_BOOL:
		return "on or off";
	case SEGUE_UNIT_COUNT:
		return "a whole number";
	case SEGUE_UNIT_GAIN:
		return "a gain like 0.5, -6dB or 80%";
	case SEGUE_UNIT_TIME:
		return "a time like 50ms or 1.5s";
	case SEGUE_UNIT_KEY:
		return "a key: 0 to 127, or a name like C4 or F#3";
	case SEGUE_UNIT_FREQUENCY:
		return "a frequency like 440Hz or 1.2kHz";
	default:
		return "a number";
	}
}

char *segue_format_db(char *buf, size_t size, double db)
{
	/* not "-0.0" */
	snprintf(buf, size, "%.1f dB", fabs(db) < 0.05 ? 0.0 : db);
	return buf;
}

char *segue_format_gain(char *buf, size_t size, double gain)
{
	return segue_format_db(buf, size, 20.0 * log10(gain));
}

char *segue_format_time(char *buf, size_t size, double seconds)
{
	unsigned long whole = (unsigned long)(seconds + 0.5);

	/* the bounds are where three digits round up to the next unit */
	if (seconds >= 59.95)
		snprintf(buf, size, "%lu:%02lu", whole / 60, whole % 60);
	else if (seconds >= 0.9995 || seconds == 0.0)
		snprintf(buf, size, "%.3g s", seconds);
	else if (seconds >= 0.9995e-3)
		snprintf(buf, size, "%.3g ms", seconds * 1e3);
	else
		snprintf(buf, size, "%.3g us", seconds * 1e6);
	return buf;
}

char *segue_format_frequency(char *buf, size_t size, double hz)
{
	if (hz >= 999.5)
		snprintf(buf, size, "%.3g kHz", hz * 1e-3);
	else
		snprintf(buf, size, "%.3g Hz", hz);
	return buf;
}

char *segue_format_bytes(char *buf, size_t size, uint64_t bytes)
{
	static const char *const prefixes[] = { "", "K", "M", "G", "T" };
	double n = bytes;
	size_t i = 0;

	/* 1023.95 and more would be written as 1024.0 */
	while (n >= 1023.95 && i + 1 < SPA_N_ELEMENTS(prefixes)) {
		n /= 1024.0;
		i++;
	}
	snprintf(buf, size, i > 0 && n < 9.95 ? "%.1f%s" : "%.0f%s", n, prefixes[i]);
	return buf;
}

char *segue_format_number(char *buf, size_t size, double number)
{
	int digits = 6;

	do
		snprintf(buf, size, "%.*g", digits, number);
	while (digits++ < 17 && strtod(buf, NULL) != number);
	return buf;
}

void segue_make_one_line(char *text)
{
	for (; *text != '\0'; text++)
		if (iscntrl((unsigned char)*text))
			*text = '?';
}
