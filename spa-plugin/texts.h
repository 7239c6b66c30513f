/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_TEXTS_H
#define SEGUE_TEXTS_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <spa/utils/json.h>
#include <spa/utils/string.h>

/** \file
 * Values as a configuration has them. */

#define SEGUE_NUMBER_MAX	32u

/** A number as a text that reads back as exactly it, whatever the locale. \return ret */
static inline const char *segue_number_text(double number, char ret[SEGUE_NUMBER_MAX])
{
	double again;
	char *comma;

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(ret, SEGUE_NUMBER_MAX, "%.*g", digits, number);
		if ((comma = strchr(ret, ',')) != NULL)
			*comma = '.';
		if (spa_atod(ret, &again) && again == number)
			break;
	}
	return ret;
}

/** Write a text in quotes, as JSON has it. */
static inline void segue_write_quoted(FILE *to, const char *text)
{
	fputc('"', to);
	for (; *text != '\0'; text++) {
		const char one[] = { *text, '\0' };
		char quoted[16];
		int n = spa_json_encode_string(quoted, sizeof(quoted), one);

		fwrite(quoted + 1, 1, n - 2, to);
	}
	fputc('"', to);
}

#endif /* SEGUE_TEXTS_H */
