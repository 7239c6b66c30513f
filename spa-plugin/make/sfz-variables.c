/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "sfz-variables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The longest name that what follows a $ begins with. */
static const struct segue_sfz_variable *find(const struct segue_sfz_variables *variables, const char *name)
{
	const struct segue_sfz_variable *found = NULL;

	for (uint32_t i = 0; i < variables->n; i++) {
		const struct segue_sfz_variable *v = &variables->list[i];

		if (strncmp(name, v->name, strlen(v->name)) == 0 &&
		    (found == NULL || strlen(v->name) > strlen(found->name)))
			found = v;
	}
	return found;
}

/* Values aren't looked at again: what they stand for was put in when they were defined. So nothing goes round. */
int segue_sfz_variables_expand(const struct segue_sfz_variables *variables, const char *text, size_t length,
		char *ret, size_t size)
{
	const struct segue_sfz_variable *v;
	const char *end = text + length;
	size_t used = 0, n;

	while (text < end) {
		const char *what = text++;

		n = 1;
		if (*what == '$' && (v = find(variables, text)) != NULL) {
			what = v->value;
			n = strlen(v->value);
			text += strlen(v->name);
		}
		if (n >= size - used)
			return -ENOSPC;
		memcpy(ret + used, what, n);
		used += n;
	}
	ret[used] = '\0';
	return 0;
}

int segue_sfz_variables_set(struct segue_sfz_variables *variables, const char *name, size_t name_length,
		const char *value)
{
	struct segue_sfz_variable *v = variables->list, *end = v + variables->n;
	char *copy;

	while (v < end && !(strlen(v->name) == name_length && memcmp(v->name, name, name_length) == 0))
		v++;
	if (v == variables->list + SEGUE_SFZ_VARIABLES_MAX)
		return -ENOSPC;
	if ((copy = strdup(value)) == NULL)
		return -ENOMEM;
	if (v < end) {
		free(v->value);
	} else if ((v->name = strndup(name, name_length)) != NULL) {
		variables->n++;
	} else {
		free(copy);
		return -ENOMEM;
	}
	v->value = copy;
	return 0;
}

void segue_sfz_variables_clear(struct segue_sfz_variables *variables)
{
	while (variables->n > 0) {
		struct segue_sfz_variable *v = &variables->list[--variables->n];

		free(v->name);
		free(v->value);
	}
}
