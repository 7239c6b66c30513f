/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_PROPERTIES_H
#define SEGUE_PROPERTIES_H

#include <segue/handover.h>

#include "control.h"

/** \file
 * The properties of nodes: the contract's table, its checks, and texts read as values. */

/** The first rows of every node's table. */
enum segue_common_property {
	SEGUE_PROPERTY_GAIN,
	SEGUE_PROPERTY_FADE,
	SEGUE_PROPERTY_BYPASS,
	SEGUE_PROPERTY_LOAD,
	SEGUE_PROPERTIES_COMMON,
};

enum segue_source_property {
	SEGUE_PROPERTY_WAVE = SEGUE_PROPERTIES_COMMON,
	SEGUE_PROPERTY_FREQUENCY,
	SEGUE_PROPERTY_TRIGGER,
	SEGUE_PROPERTY_CHANNEL,
	SEGUE_PROPERTY_VOICES,
	SEGUE_PROPERTY_ATTACK,
	SEGUE_PROPERTY_DECAY,
	SEGUE_PROPERTY_SUSTAIN,
	SEGUE_PROPERTY_RELEASE,
	SEGUE_PROPERTY_SOURCE_STATUS,
	SEGUE_PROPERTIES_SOURCE,
};

enum segue_convolver_property {
	SEGUE_PROPERTY_WET = SEGUE_PROPERTIES_COMMON,
	SEGUE_PROPERTY_DRY,
	SEGUE_PROPERTY_LATENCY,
	SEGUE_PROPERTY_LENGTH_MAX,
	SEGUE_PROPERTY_CONVOLVER_STATUS,
	SEGUE_PROPERTIES_CONVOLVER,
};

/** What every node of PipeWire has: no rows of its table. */
enum segue_volume_property {
	SEGUE_PROPERTY_VOLUME,
	SEGUE_PROPERTY_MUTE,
	SEGUE_PROPERTY_CHANNEL_VOLUMES,
	SEGUE_PROPERTIES_VOLUME,
};

#define SEGUE_PROPERTIES_MAX	32u
#define SEGUE_AUTOMATIC		-1.0	/* struct segue_property.automatic, as it is kept */

extern const struct segue_property segue_source_properties[SEGUE_PROPERTIES_SOURCE];
extern const struct segue_property segue_convolver_properties[SEGUE_PROPERTIES_CONVOLVER];
extern const struct segue_property segue_volume_properties[SEGUE_PROPERTIES_VOLUME];

/** Find a row by its key, with or without "segue.". \return its index or -ENXIO with an error */
SEGUE_MAIN_LOOP int segue_property_find(const struct segue_property *table, uint32_t n, const char *key,
		struct segue_error *error);
/** Check a value against a row: type, range, choices; any number will do for a number, and a text that
 * is one.
 * \param ret  numbers and bools as they are kept; a choice as its index; of several numbers the first
 * \return 0, -EINVAL, or -EROFS for what can only be read, with an error naming the key */
SEGUE_MAIN_LOOP int segue_property_check(const struct segue_property *property,
		const struct segue_value *value, double *ret, struct segue_error *error);
/** The other way: a kept value as what it means. */
SEGUE_MAIN_LOOP struct segue_value segue_property_value(const struct segue_property *property, double kept);

#endif /* SEGUE_PROPERTIES_H */
