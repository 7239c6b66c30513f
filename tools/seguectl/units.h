/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_CTL_UNITS_H
#define SEGUE_CTL_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** \file
 * What people type and read: -6dB, 80%, 50ms; into the bus's linear gains and seconds, and back. */

enum segue_unit {
	SEGUE_UNIT_FLAG,	/**< an option without an argument */
	SEGUE_UNIT_BOOL,	/**< on, off, true, false, yes, no, 1, 0 */
	SEGUE_UNIT_COUNT,	/**< a whole number from 0 */
	SEGUE_UNIT_NUMBER,
	SEGUE_UNIT_GAIN,	/**< linear, or with dB or % */
	SEGUE_UNIT_TIME,	/**< seconds, or with us, ms, s or min */
	SEGUE_UNIT_FREQUENCY,	/**< Hz, or with Hz or kHz */
	SEGUE_UNIT_KEY,		/**< of the keyboard, see segue_parse_key() */
	SEGUE_UNIT_TEXT,
};

/** A value as the bus takes it. */
struct segue_quantity {
	char type;	/**< D-Bus: b, t, d or s */
	union {
		bool b;
		uint64_t t;
		double d;
		const char *s;	/**< borrowed */
	};
};

/** Read a value with its unit; the case of letters and spaces between number and unit don't matter.
 * \return 0, or -EINVAL: not such a value, or not finite */
int segue_unit_parse(enum segue_unit unit, const char *text, struct segue_quantity *ret);

/** A key of the keyboard: 0..127, or a name: C4 is 60; sharps are #, flats b. \return it, or -EINVAL */
int segue_parse_key(const char *text);

/** What to write for such a value: "a time like 50ms or 1.5s". */
const char *segue_unit_example(enum segue_unit unit);

/** "-6.0 dB" of a linear gain, "-inf dB" of 0. \return buf */
char *segue_format_gain(char *buf, size_t size, double gain);
/** "-6.0 dB" */
char *segue_format_db(char *buf, size_t size, double db);
/** "12.5 us", "20 ms", "1.5 s", "2:05" minutes and seconds */
char *segue_format_time(char *buf, size_t size, double seconds);
/** "63 Hz", "1.2 kHz" */
char *segue_format_frequency(char *buf, size_t size, double hz);
/** "512", "12K", "1.5M": of 1024 */
char *segue_format_bytes(char *buf, size_t size, uint64_t bytes);
/** The fewest digits that read back as the same number. */
char *segue_format_number(char *buf, size_t size, double number);

/** No name or label may break a line in two, or speak to the terminal: its control characters become '?'. */
void segue_make_one_line(char *text);

#endif /* SEGUE_CTL_UNITS_H */
