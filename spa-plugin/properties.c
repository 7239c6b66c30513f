/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "properties.h"

#include <math.h>
#include <string.h>

#include <spa/utils/string.h>

#define KEY_PREFIX	"segue."
#define OF_BOTH		(SEGUE_PROPERTY_SOURCE | SEGUE_PROPERTY_CONVOLVER)

static const char *const triggers[] = { "always", "notes", NULL };

/* the rows of both tables */
#define COMMON(gain, bypass, load) \
	[SEGUE_PROPERTY_GAIN] = { KEY_PREFIX "gain", "Gain", SEGUE_VALUE_DOUBLE, \
		gain, 0.0, 16.0, NULL, "linear", "Gain of the output; ramped", OF_BOTH }, \
	[SEGUE_PROPERTY_FADE] = { KEY_PREFIX "fade", "Fade", SEGUE_VALUE_DOUBLE, \
		0.02, 0.0, 10.0, NULL, "s", "Crossfade of swaps that don't ask for their own", OF_BOTH }, \
	[SEGUE_PROPERTY_BYPASS] = { KEY_PREFIX "bypass", "Bypass", SEGUE_VALUE_BOOL, \
		0.0, 0.0, 1.0, NULL, NULL, bypass ", while all goes on; faded", OF_BOTH }, \
	[SEGUE_PROPERTY_LOAD] = { KEY_PREFIX "load", NULL, SEGUE_VALUE_STRING, \
		0.0, 0.0, 0.0, NULL, NULL, load ", or { file = ... OPTION = ... }", \
		OF_BOTH | SEGUE_PROPERTY_REQUEST }
#define STATUS(text) \
	{ KEY_PREFIX "status", NULL, SEGUE_VALUE_STRING, \
		0.0, 0.0, 0.0, NULL, NULL, text ", or why not", OF_BOTH | SEGUE_PROPERTY_READ_ONLY }

const struct segue_property segue_source_properties[SEGUE_PROPERTIES_SOURCE] = {
	COMMON(0.25, "Silent", "An audio file to play: a path"),
	[SEGUE_PROPERTY_WAVE] = { KEY_PREFIX "wave", NULL, SEGUE_VALUE_STRING,
		0.0, 0.0, 0.0, NULL, NULL, "A waveform to play: sine saw square triangle noise pink sweep "
		"impulse silence harmonics:1,0.5, or { wave = ... OPTION = ... }",
		SEGUE_PROPERTY_SOURCE | SEGUE_PROPERTY_REQUEST },
	[SEGUE_PROPERTY_FREQUENCY] = { KEY_PREFIX "frequency", "Frequency", SEGUE_VALUE_DOUBLE,
		440.0, 0.01, 20000.0, NULL, "Hz", "Pitch of a table; at most 0.45 of the rate is heard",
		SEGUE_PROPERTY_SOURCE },
	[SEGUE_PROPERTY_TRIGGER] = { KEY_PREFIX "trigger", "Trigger", SEGUE_VALUE_STRING,
		0.0, 0.0, 0.0, triggers, NULL, "When it sounds: always, or for the notes of its keys",
		SEGUE_PROPERTY_SOURCE },
	[SEGUE_PROPERTY_CHANNEL] = { KEY_PREFIX "channel", "Channel", SEGUE_VALUE_INT,
		0.0, 0.0, 16.0, NULL, NULL, "The MIDI channel it hears; 0: all", SEGUE_PROPERTY_SOURCE },
	[SEGUE_PROPERTY_VOICES] = { KEY_PREFIX "voices", "VoicesMax", SEGUE_VALUE_INT,
		64.0, 1.0, 256.0, NULL, NULL, "Voices at a time", SEGUE_PROPERTY_SOURCE },
	[SEGUE_PROPERTY_ATTACK] = { KEY_PREFIX "attack", "Attack", SEGUE_VALUE_DOUBLE,
		0.005, 0.0, 60.0, NULL, "s", "Of a note: until it is at its loudest", SEGUE_PROPERTY_SOURCE },
	[SEGUE_PROPERTY_DECAY] = { KEY_PREFIX "decay", "Decay", SEGUE_VALUE_DOUBLE,
		0.0, 0.0, 60.0, NULL, "s", "Of a note: from there to the sustained level",
		SEGUE_PROPERTY_SOURCE },
	[SEGUE_PROPERTY_SUSTAIN] = { KEY_PREFIX "sustain", "Sustain", SEGUE_VALUE_DOUBLE,
		1.0, 0.0, 1.0, NULL, NULL, "Of a note: the level it stays on", SEGUE_PROPERTY_SOURCE },
	[SEGUE_PROPERTY_RELEASE] = { KEY_PREFIX "release", "Release", SEGUE_VALUE_DOUBLE,
		0.05, 0.0, 60.0, NULL, "s", "Of a note: until silence, when its key is released",
		SEGUE_PROPERTY_SOURCE },
	[SEGUE_PROPERTY_SOURCE_STATUS] = STATUS("What it plays"),
};

const struct segue_property segue_convolver_properties[SEGUE_PROPERTIES_CONVOLVER] = {
	COMMON(1.0, "The input as it is", "An impulse response: a path, [ L.wav R.wav ]"),
	[SEGUE_PROPERTY_WET] = { KEY_PREFIX "wet", "Wet", SEGUE_VALUE_DOUBLE,
		1.0, 0.0, 16.0, NULL, "linear", "How much of the convolved is heard; ramped",
		SEGUE_PROPERTY_CONVOLVER },
	[SEGUE_PROPERTY_DRY] = { KEY_PREFIX "dry", "Dry", SEGUE_VALUE_DOUBLE,
		0.0, 0.0, 16.0, NULL, "linear", "How much of the input is heard as it is; ramped",
		SEGUE_PROPERTY_CONVOLVER },
	[SEGUE_PROPERTY_LATENCY] = { KEY_PREFIX "latency", "Latency", SEGUE_VALUE_DOUBLE,
		0.0, 0.0, 10.0, NULL, "s", "What the graph is told; auto: where the response has its peak",
		SEGUE_PROPERTY_CONVOLVER, "auto" },
	[SEGUE_PROPERTY_LENGTH_MAX] = { SEGUE_KEY_LENGTH_MAX, "LengthMax", SEGUE_VALUE_DOUBLE,
		10.0, SEGUE_LENGTH_MAX_MIN, SEGUE_LENGTH_MAX_MAX, NULL, "s",
		"The longest response; fixed when the node is made",
		SEGUE_PROPERTY_CONVOLVER | SEGUE_PROPERTY_CREATE_ONLY },
	[SEGUE_PROPERTY_CONVOLVER_STATUS] = STATUS("What it convolves with"),
};

const struct segue_property segue_volume_properties[SEGUE_PROPERTIES_VOLUME] = {
	[SEGUE_PROPERTY_VOLUME] = { "volume", NULL, SEGUE_VALUE_DOUBLE,
		1.0, 0.0, 16.0, NULL, NULL, "Volume of all channels" },
	[SEGUE_PROPERTY_MUTE] = { "mute", NULL, SEGUE_VALUE_BOOL,
		0.0, 0.0, 1.0, NULL, NULL, "Mute" },
	[SEGUE_PROPERTY_CHANNEL_VOLUMES] = { "channelVolumes", NULL, SEGUE_VALUE_DOUBLES,
		1.0, 0.0, 16.0, NULL, NULL, "Volume of each channel" },
};

int segue_property_find(const struct segue_property *table, uint32_t n, const char *key,
		struct segue_error *error)
{
	for (uint32_t i = 0; i < n; i++) {
		if (spa_streq(key, table[i].key) ||
		    spa_streq(key, table[i].key + strlen(KEY_PREFIX)))
			return i;
	}
	return segue_error_set(error, -ENXIO, "%s: no such property", key);
}

static bool to_double(const struct segue_value *value, double *ret)
{
	switch (value->type) {
	case SEGUE_VALUE_BOOL:
		*ret = value->b;
		return true;
	case SEGUE_VALUE_INT:
		*ret = value->i;
		return true;
	case SEGUE_VALUE_DOUBLE:
		*ret = value->d;
		return true;
	case SEGUE_VALUE_STRING:
		return spa_atod(value->s, ret);
	default:
		return false;
	}
}

static bool to_bool(const struct segue_value *value, double *ret)
{
	if (value->type == SEGUE_VALUE_STRING) {
		*ret = spa_atob(value->s);
		return *ret != 0.0 || spa_streq(value->s, "false") || spa_streq(value->s, "0");
	}
	return to_double(value, ret) && (*ret == 0.0 || *ret == 1.0);
}

static int refuse_choice(const struct segue_property *p, const char *text, struct segue_error *error)
{
	char choices[128];
	struct spa_strbuf buf;

	spa_strbuf_init(&buf, choices, sizeof(choices));
	for (uint32_t i = 0; p->choices[i] != NULL; i++)
		spa_strbuf_append(&buf, "%s%s", i > 0 ? ", " : "", p->choices[i]);
	return segue_error_set(error, -EINVAL, "%s: '%s' isn't one of %s", p->key, text, choices);
}

static int check_choice(const struct segue_property *p, const struct segue_value *value, double *ret,
		struct segue_error *error)
{
	if (value->type == SEGUE_VALUE_STRING) {
		for (uint32_t i = 0; p->choices[i] != NULL; i++) {
			if (spa_streq(value->s, p->choices[i])) {
				*ret = i;
				return 0;
			}
		}
		return refuse_choice(p, value->s, error);
	}
	return segue_error_set(error, -EINVAL, "%s: must be a text", p->key);
}

static bool is_automatic(const struct segue_property *p, const struct segue_value *value)
{
	double number;

	if (value->type == SEGUE_VALUE_STRING && spa_streq(value->s, p->automatic))
		return true;
	return to_double(value, &number) && number == SEGUE_AUTOMATIC;
}

static int check_number(const struct segue_property *p, double number, double *ret, struct segue_error *error)
{
	if (isnan(number))
		return segue_error_set(error, -EINVAL, "%s: must be a number", p->key);
	if (p->type == SEGUE_VALUE_INT && number != floor(number))
		return segue_error_set(error, -EINVAL, "%s: must be a whole number", p->key);
	if (number < p->min || number > p->max)
		return segue_error_set(error, -EINVAL, "%s: %g is out of range (%g to %g%s%s)", p->key,
				number, p->min, p->max, p->unit != NULL ? " " : "",
				p->unit != NULL ? p->unit : "");
	*ret = number;
	return 0;
}

static int check_numbers(const struct segue_property *p, const struct segue_value *value, double *ret,
		struct segue_error *error)
{
	int res = 0;

	if (value->type != SEGUE_VALUE_DOUBLES || value->f.n == 0)
		return segue_error_set(error, -EINVAL, "%s: must be an array of numbers", p->key);
	for (uint32_t i = value->f.n; i-- > 0 && res == 0; )
		res = check_number(p, value->f.values[i], ret, error);
	return res;
}

int segue_property_check(const struct segue_property *p, const struct segue_value *value, double *ret,
		struct segue_error *error)
{
	double number;

	if (p->flags & SEGUE_PROPERTY_READ_ONLY)
		return segue_error_set(error, -EROFS, "%s: can only be read", p->key);
	switch (p->type) {
	case SEGUE_VALUE_STRING:
		if (p->choices != NULL)
			return check_choice(p, value, ret, error);
		*ret = 0.0;
		return value->type == SEGUE_VALUE_STRING ? 0 :
			segue_error_set(error, -EINVAL, "%s: must be a text", p->key);
	case SEGUE_VALUE_BOOL:
		if (!to_bool(value, ret))
			return segue_error_set(error, -EINVAL, "%s: must be true or false", p->key);
		return 0;
	case SEGUE_VALUE_DOUBLES:
		return check_numbers(p, value, ret, error);
	default:
		break;
	}
	if (p->automatic != NULL && is_automatic(p, value)) {
		*ret = SEGUE_AUTOMATIC;
		return 0;
	}
	if (value->type == SEGUE_VALUE_BOOL || !to_double(value, &number))
		return segue_error_set(error, -EINVAL, "%s: must be a number", p->key);
	return check_number(p, number, ret, error);
}

struct segue_value segue_property_value(const struct segue_property *p, double kept)
{
	struct segue_value value = { .type = p->type };

	switch (p->type) {
	case SEGUE_VALUE_BOOL:
		value.b = kept != 0.0;
		break;
	case SEGUE_VALUE_INT:
		value.i = kept;
		break;
	case SEGUE_VALUE_STRING:
		value.s = p->choices != NULL ? p->choices[(uint32_t)kept] : "";
		break;
	default:
		value.d = kept;
		break;
	}
	if (p->automatic != NULL && kept == SEGUE_AUTOMATIC) {
		value.type = SEGUE_VALUE_STRING;
		value.s = p->automatic;
	}
	return value;
}
