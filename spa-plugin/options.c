/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "options.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <spa/utils/defs.h>
#include <spa/utils/string.h>

#include "texts.h"

#define LOAD	SEGUE_OPTIONS_LOAD
#define IMPORT	SEGUE_OPTIONS_IMPORT
#define WAVE	SEGUE_OPTIONS_WAVE
#define PLAY	SEGUE_OPTIONS_PLAY
#define SWAP	SEGUE_OPTIONS_SWAP
#define KEEP	SEGUE_OPTIONS_KEEP

enum option_type {
	OPTION_BOOL,
	OPTION_DOUBLE,
	OPTION_INT,	/* and all below take whole numbers */
	OPTION_UINT32,
	OPTION_UINT64,
	OPTION_CHOICE,	/* an int: a name's place among the choices */
	OPTION_LABEL,
	OPTION_CHANNELS,
};

struct option {
	const char *key;
	uint32_t groups;
	enum option_type type;
	double min, max;
	const char *const *choices;
	size_t offset;
	size_t flag;	/* of a bool that says it was given; 0: there is none */
};

static const char *const kinds[] = {
	[SEGUE_KIND_UNSET] = "", [SEGUE_KIND_TABLE] = "table", [SEGUE_KIND_SAMPLE] = "sample",
	[SEGUE_KIND_INSTRUMENT] = "instrument", [SEGUE_KIND_RESPONSE] = "response", NULL
};
static const char *const loops[] = {
	[SEGUE_LOOP_OPTION_UNSET] = "", [SEGUE_LOOP_OPTION_NONE] = "none",
	[SEGUE_LOOP_OPTION_FORWARD] = "forward", [SEGUE_LOOP_OPTION_FILE] = "file", NULL
};
static const char *const normalizes[] = {
	[SEGUE_NORMALIZE_NONE] = "none", [SEGUE_NORMALIZE_PEAK] = "peak",
	[SEGUE_NORMALIZE_ENERGY] = "energy", NULL
};

#define DAY	86400.0			/* seconds */
#define WHOLE	9007199254740992.0	/* 2^53: a double still tells every whole number below */
#define AT(field)	offsetof(struct segue_options, field)

/* The first row of a key that belongs to one of the groups counts. */
static const struct option table[] = {
	{ "channels", IMPORT, OPTION_UINT32, 1, 64, NULL, AT(import_channels) },
	{ "rate", IMPORT, OPTION_UINT32, 1000, 768000, NULL, AT(import_rate) },
	{ "interleaved", IMPORT, OPTION_BOOL, 0, 1, NULL, AT(interleaved) },
	{ "kind", LOAD, OPTION_CHOICE, 0, 0, kinds, AT(kind) },
	{ "rootkey", LOAD, OPTION_INT, 0, 127, NULL, AT(root_key) },
	{ "loop", LOAD | PLAY, OPTION_CHOICE, 0, 0, loops, AT(loop) },
	{ "gain", LOAD, OPTION_DOUBLE, -1e6, 1e6, NULL, AT(gain) },
	{ "normalize", LOAD, OPTION_CHOICE, 0, 0, normalizes, AT(normalize) },
	{ "channels", LOAD, OPTION_CHANNELS, 0, SEGUE_OPTION_CHANNELS_MAX - 1, NULL, AT(channels) },
	{ "delay", LOAD, OPTION_DOUBLE, 0, DAY, NULL, AT(delay) },
	{ "offset", LOAD, OPTION_DOUBLE, 0, DAY, NULL, AT(offset) },
	{ "length", LOAD, OPTION_DOUBLE, 0, DAY, NULL, AT(length) },
	{ "gain", WAVE, OPTION_DOUBLE, 0, 1, NULL, AT(gain) },
	{ "gain", PLAY, OPTION_DOUBLE, 0, 16, NULL, AT(gain) },
	{ "seconds", WAVE, OPTION_DOUBLE, 0.001, 3600, NULL, AT(seconds) },
	{ "from", WAVE, OPTION_DOUBLE, 0.01, 384000, NULL, AT(from) },
	{ "to", WAVE, OPTION_DOUBLE, 0.01, 384000, NULL, AT(to) },
	{ "seed", WAVE, OPTION_UINT64, 0, WHOLE, NULL, AT(seed) },
	{ "label", LOAD | WAVE, OPTION_LABEL, 0, 0, NULL, AT(label) },
	{ "keep", KEEP, OPTION_BOOL, 0, 1, NULL, AT(keep) },
	{ "fade", SWAP, OPTION_DOUBLE, 0, 10, NULL, AT(fade) },
	{ "at", SWAP, OPTION_UINT64, 0, WHOLE, NULL, AT(at), AT(has_at) },
	{ "after", SWAP, OPTION_DOUBLE, 0, DAY, NULL, AT(after), AT(has_after) },
	{ "late", SWAP, OPTION_BOOL, 0, 1, NULL, AT(late) },
	{ "wait", SWAP, OPTION_BOOL, 0, 1, NULL, AT(wait) },
	{ "key", PLAY, OPTION_INT, 0, 127, NULL, AT(play_key) },
	{ "velocity", PLAY, OPTION_INT, 1, 127, NULL, AT(velocity) },
};

static const struct option *find(uint32_t groups, const char *key)
{
	size_t i;

	for (i = 0; i < SPA_N_ELEMENTS(table); i++) {
		if ((table[i].groups & groups) && spa_streq(table[i].key, key))
			return &table[i];
	}
	return NULL;
}

static int fail_unknown(uint32_t groups, const char *key, struct segue_error *error)
{
	char names[256] = "";
	size_t i, used = 0;

	for (i = 0; i < SPA_N_ELEMENTS(table); i++) {
		if (find(groups, table[i].key) == &table[i] && used < sizeof(names))
			used += snprintf(names + used, sizeof(names) - used, "%s%s", used > 0 ? ", " : "",
					table[i].key);
	}
	return segue_error_set(error, -EINVAL, "no such option '%s' (%s)", key, names);
}

static int get_number(const struct option *option, const struct segue_value *value, double *ret,
		struct segue_error *error)
{
	double number;

	if (value->type == SEGUE_VALUE_INT)
		number = value->i;
	else if (value->type == SEGUE_VALUE_DOUBLE)
		number = value->d;
	else
		return segue_error_set(error, -EINVAL, "%s: a number is needed", option->key);
	/* this way around: not a number is in no range */
	if (!(number >= option->min && number <= option->max))
		return segue_error_set(error, -EINVAL, "%s: %.16g is not in %.16g..%.16g", option->key, number,
				option->min, option->max);
	if (option->type != OPTION_DOUBLE && number != floor(number))
		return segue_error_set(error, -EINVAL, "%s: a whole number is needed, not %g", option->key,
				number);
	*ret = number;
	return 0;
}

static int set_number(const struct option *option, void *field, const struct segue_value *value,
		struct segue_error *error)
{
	double number;
	int res = get_number(option, value, &number, error);

	if (res < 0)
		return res;
	if (option->type == OPTION_DOUBLE)
		*(double *)field = number;
	else if (option->type == OPTION_INT)
		*(int *)field = number;
	else if (option->type == OPTION_UINT32)
		*(uint32_t *)field = number;
	else
		*(uint64_t *)field = number;
	return 0;
}

static int set_choice(const struct option *option, int *field, const struct segue_value *value,
		struct segue_error *error)
{
	char names[128] = "";
	size_t used = 0;
	int i;

	for (i = 0; option->choices[i] != NULL; i++) {
		if (option->choices[i][0] == '\0')
			continue;	/* unset: nothing to ask for */
		if (value->type == SEGUE_VALUE_STRING && spa_streq(value->s, option->choices[i])) {
			*field = i;
			return 0;
		}
		used += snprintf(names + used, sizeof(names) - used, "%s%s", used > 0 ? ", " : "",
				option->choices[i]);
	}
	return segue_error_set(error, -EINVAL, "%s: one of %s is needed", option->key, names);
}

static int set_label(const struct option *option, char *field, const struct segue_value *value,
		struct segue_error *error)
{
	if (value->type != SEGUE_VALUE_STRING)
		return segue_error_set(error, -EINVAL, "%s: a string is needed", option->key);
	if (strlen(value->s) >= SEGUE_LABEL_MAX)
		return segue_error_set(error, -EINVAL, "%s: longer than %d bytes", option->key,
				SEGUE_LABEL_MAX - 1);
	strcpy(field, value->s);
	return 0;
}

/* A list, or one number. */
static int set_channels(const struct option *option, struct segue_options *options,
		const struct segue_value *value, struct segue_error *error)
{
	const uint32_t *values = value->u.values;
	uint32_t i, one, n = value->u.n;
	double number;
	int res;

	if (value->type != SEGUE_VALUE_UINTS) {
		if ((res = get_number(option, value, &number, error)) < 0)
			return res;
		one = number;
		values = &one;
		n = 1;
	}
	if (n < 1 || n > SEGUE_OPTION_CHANNELS_MAX)
		return segue_error_set(error, -EINVAL, "%s: 1 to %d are needed, not %u", option->key,
				SEGUE_OPTION_CHANNELS_MAX, n);
	for (i = 0; i < n; i++) {
		if (values[i] > option->max)
			return segue_error_set(error, -EINVAL, "%s: %u is not in 0..%g", option->key, values[i],
					option->max);
	}
	memcpy(options->channels, values, n * sizeof(values[0]));
	options->n_channels = n;
	return 0;
}

static int set_bool(const struct option *option, bool *field, const struct segue_value *value,
		struct segue_error *error)
{
	if (value->type != SEGUE_VALUE_BOOL)
		return segue_error_set(error, -EINVAL, "%s: true or false is needed", option->key);
	*field = value->b;
	return 0;
}

static int set(const struct option *option, struct segue_options *options, const struct segue_value *value,
		struct segue_error *error)
{
	void *field = SPA_PTROFF(options, option->offset, void);

	switch (option->type) {
	case OPTION_BOOL:
		return set_bool(option, field, value, error);
	case OPTION_CHOICE:
		return set_choice(option, field, value, error);
	case OPTION_LABEL:
		return set_label(option, field, value, error);
	case OPTION_CHANNELS:
		return set_channels(option, options, value, error);
	default:
		return set_number(option, field, value, error);
	}
}

int segue_options_set(struct segue_options *options, uint32_t groups, const char *key,
		const struct segue_value *value, struct segue_error *error)
{
	const struct option *option = find(groups, key);
	int res;

	if (option == NULL)
		return fail_unknown(groups, key, error);
	if ((res = set(option, options, value, error)) == 0 && option->flag > 0)
		*SPA_PTROFF(options, option->flag, bool) = true;
	return res;
}

/* ---- as texts */

static void write_channels(const struct segue_options *options, FILE *to)
{
	fputc('[', to);
	for (uint32_t i = 0; i < options->n_channels; i++)
		fprintf(to, " %u", options->channels[i]);
	fputs(" ]", to);
}

static void write_value(const struct option *option, const struct segue_options *options, FILE *to)
{
	const void *field = SPA_PTROFF(options, option->offset, void);
	char number[SEGUE_NUMBER_MAX];

	switch (option->type) {
	case OPTION_BOOL:
		fputs(*(const bool *)field ? "true" : "false", to);
		break;
	case OPTION_DOUBLE:
		fputs(segue_number_text(*(const double *)field, number), to);
		break;
	case OPTION_INT:
		fprintf(to, "%d", *(const int *)field);
		break;
	case OPTION_UINT32:
		fprintf(to, "%" PRIu32, *(const uint32_t *)field);
		break;
	case OPTION_UINT64:
		fprintf(to, "%" PRIu64, *(const uint64_t *)field);
		break;
	case OPTION_CHOICE:
		fputs(option->choices[*(const int *)field], to);
		break;
	case OPTION_LABEL:
		segue_write_quoted(to, field);
		break;
	case OPTION_CHANNELS:
		write_channels(options, to);
		break;
	}
}

static size_t field_size(const struct option *option)
{
	switch (option->type) {
	case OPTION_BOOL:
		return sizeof(bool);
	case OPTION_DOUBLE:
		return sizeof(double);
	case OPTION_UINT64:
		return sizeof(uint64_t);
	case OPTION_LABEL:
		return 1;	/* is it empty? */
	default:
		return sizeof(int);
	}
}

static bool is_default(const struct option *option, const struct segue_options *options)
{
	const struct segue_options defaults = SEGUE_OPTIONS_INIT;

	if (option->offset == AT(channels))
		return options->n_channels == 0;
	if (option->offset == AT(kind) && options->kind == SEGUE_KIND_RESPONSE)
		return true;
	return memcmp(SPA_PTROFF(options, option->offset, void), SPA_PTROFF(&defaults, option->offset, void),
			field_size(option)) == 0;
}

void segue_options_write(const struct segue_options *options, uint32_t groups, FILE *to)
{
	for (size_t i = 0; i < SPA_N_ELEMENTS(table); i++) {
		if (!(table[i].groups & groups) || is_default(&table[i], options))
			continue;
		fprintf(to, " %s = ", table[i].key);
		write_value(&table[i], options, to);
	}
}
