/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_OPTIONS_H
#define SEGUE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "error.h"

/** \file
 * The options of a load, a wave and a swap: one table, whoever speaks (D-Bus, Props, configuration). */

enum segue_value_type {
	SEGUE_VALUE_BOOL,
	SEGUE_VALUE_INT,
	SEGUE_VALUE_DOUBLE,
	SEGUE_VALUE_STRING,
	SEGUE_VALUE_UINTS,
	SEGUE_VALUE_DOUBLES,
};

/** A value on its way in or out; strings and arrays are borrowed. */
struct segue_value {
	enum segue_value_type type;
	union {
		bool b;
		int64_t i;
		double d;
		const char *s;
		struct {
			const uint32_t *values;
			uint32_t n;
		} u;
		struct {
			const double *values;
			uint32_t n;
		} f;
	};
};

enum segue_kind {
	SEGUE_KIND_UNSET,
	SEGUE_KIND_TABLE,
	SEGUE_KIND_SAMPLE,
	SEGUE_KIND_INSTRUMENT,
	SEGUE_KIND_RESPONSE,
};

enum segue_normalize {
	SEGUE_NORMALIZE_NONE,
	SEGUE_NORMALIZE_PEAK,
	SEGUE_NORMALIZE_ENERGY,
};

enum segue_loop_option {
	SEGUE_LOOP_OPTION_UNSET,	/**< as the kind has it: a sample of a file plays once */
	SEGUE_LOOP_OPTION_NONE,
	SEGUE_LOOP_OPTION_FORWARD,
	SEGUE_LOOP_OPTION_FILE,		/**< as the file's instrument chunk has it */
};

/* which requests an option belongs to */
#define SEGUE_OPTIONS_LOAD	(1u << 0)
#define SEGUE_OPTIONS_IMPORT	(1u << 1)	/* besides LOAD, where the samples are raw */
#define SEGUE_OPTIONS_WAVE	(1u << 2)
#define SEGUE_OPTIONS_SWAP	(1u << 3)
#define SEGUE_OPTIONS_PLAY	(1u << 4)
#define SEGUE_OPTIONS_KEEP	(1u << 5)	/* besides LOAD and WAVE, of a sound that no node has for itself */

#define SEGUE_LABEL_MAX		128
#define SEGUE_OPTION_CHANNELS_MAX	64

struct segue_options {
	/* load */
	int kind;			/* enum segue_kind */
	int root_key;			/* -1: the file's, else 60 */
	int loop;			/* enum segue_loop_option */
	double gain;			/* load: linear, any; wave: peak 0..1 */
	int normalize;			/* enum segue_normalize */
	uint32_t channels[SEGUE_OPTION_CHANNELS_MAX];	/* of the file's, from 0 */
	uint32_t n_channels;		/* 0: all */
	double delay, offset, length;	/* seconds; length 0: to the end */
	char label[SEGUE_LABEL_MAX];
	/* keep */
	bool keep;
	/* import */
	uint32_t import_channels;
	uint32_t import_rate;		/* Hz */
	bool interleaved;
	/* wave */
	double seconds;			/* 0: the waveform's own */
	double from, to;		/* Hz */
	uint64_t seed;
	/* swap */
	double fade;			/* seconds; < 0: the node's */
	bool has_at;
	uint64_t at;			/* position of the driver's clock */
	bool has_after;
	double after;			/* seconds */
	bool late;
	bool wait;
	/* play */
	int play_key;			/* -1: as it is */
	int velocity;
};

#define SEGUE_OPTIONS_INIT	(struct segue_options) { .root_key = -1, .gain = 1.0, \
	.interleaved = true, .from = 20.0, .to = 20000.0, .seed = 1, .fade = -1.0, .play_key = -1, .velocity = 127 }

/** Set one option by its name. Main loop.
 * \param groups  SEGUE_OPTIONS_*: which keys exist
 * \return 0, or -EINVAL with an error naming the key: unknown, wrong type, out of range */
int segue_options_set(struct segue_options *options, uint32_t groups, const char *key,
		const struct segue_value *value, struct segue_error *error);

/** The other way: the sound's options that aren't as SEGUE_OPTIONS_INIT has them, as ` KEY = VALUE` each, in the
 * order of the table; what only a convolver could ask for, kind = response, goes without saying. Main loop.
 * \param groups  SEGUE_OPTIONS_LOAD or SEGUE_OPTIONS_WAVE */
void segue_options_write(const struct segue_options *options, uint32_t groups, FILE *to);

#endif /* SEGUE_OPTIONS_H */
