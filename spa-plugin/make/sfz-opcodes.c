/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "sfz-opcodes.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <spa/utils/defs.h>
#include <spa/utils/string.h>

#define UNSET	(-1.0)		/* of what is 0 or more */
#define FRAMES_MAX	4294967295.0

enum loop_mode { LOOP_UNSET, NO_LOOP, ONE_SHOT, LOOP_CONTINUOUS, LOOP_SUSTAIN };
static const char *const loop_modes[] = { "", "no_loop", "one_shot", "loop_continuous", "loop_sustain", NULL };

enum trigger { ATTACK, RELEASE, FIRST, LEGATO, RELEASE_KEY };
static const char *const triggers[] = { "attack", "release", "first", "legato", "release_key", NULL };
static const char *const left_out[] = {
	[RELEASE] = "trigger=release", [FIRST] = "trigger=first", [LEGATO] = "trigger=legato",
	[RELEASE_KEY] = "trigger=release_key",
};

enum type {
	NUMBER,
	WHOLE,
	KEY,		/* a number or a name */
	KEY_ALONE,	/* `key`: the range and the centre */
	CENTER,		/* a key, or `sample` */
	CHOICE,		/* its place among the choices */
	SILENT,		/* for people only */
};

struct opcode {
	const char *name;
	enum type type;
	enum segue_sfz_value value;
	double min, max;
	const char *const *choices;
};

static const struct opcode opcodes[] = {
	{ "lokey", KEY, SEGUE_SFZ_LOKEY, -1, 127 },
	{ "hikey", KEY, SEGUE_SFZ_HIKEY, -1, 127 },
	{ "key", KEY_ALONE, SEGUE_SFZ_LOKEY, -1, 127 },
	{ "lovel", WHOLE, SEGUE_SFZ_LOVEL, 0, 127 },
	{ "hivel", WHOLE, SEGUE_SFZ_HIVEL, 0, 127 },
	{ "pitch_keycenter", CENTER, SEGUE_SFZ_KEYCENTER, 0, 127 },
	{ "pitch_keytrack", NUMBER, SEGUE_SFZ_KEYTRACK, -1200, 1200 },
	{ "transpose", NUMBER, SEGUE_SFZ_TRANSPOSE, -127, 127 },
	{ "tune", NUMBER, SEGUE_SFZ_TUNE, -9600, 9600 },
	{ "pitch", NUMBER, SEGUE_SFZ_TUNE, -9600, 9600 },
	{ "volume", NUMBER, SEGUE_SFZ_VOLUME, -144, 48 },
	{ "amplitude", NUMBER, SEGUE_SFZ_AMPLITUDE, 0, 10000 },
	{ "pan", NUMBER, SEGUE_SFZ_PAN, -100, 100 },
	{ "amp_veltrack", NUMBER, SEGUE_SFZ_VELTRACK, -100, 100 },
	{ "ampeg_attack", NUMBER, SEGUE_SFZ_ATTACK, 0, 1000 },
	{ "ampeg_decay", NUMBER, SEGUE_SFZ_DECAY, 0, 1000 },
	{ "ampeg_sustain", NUMBER, SEGUE_SFZ_SUSTAIN, 0, 100 },
	{ "ampeg_release", NUMBER, SEGUE_SFZ_RELEASE, 0, 1000 },
	{ "loop_mode", CHOICE, SEGUE_SFZ_LOOP_MODE, 0, 0, loop_modes },
	{ "loopmode", CHOICE, SEGUE_SFZ_LOOP_MODE, 0, 0, loop_modes },
	{ "loop_start", WHOLE, SEGUE_SFZ_LOOP_START, 0, FRAMES_MAX },
	{ "loopstart", WHOLE, SEGUE_SFZ_LOOP_START, 0, FRAMES_MAX },
	{ "loop_end", WHOLE, SEGUE_SFZ_LOOP_END, 0, FRAMES_MAX },
	{ "loopend", WHOLE, SEGUE_SFZ_LOOP_END, 0, FRAMES_MAX },
	{ "offset", WHOLE, SEGUE_SFZ_OFFSET, 0, FRAMES_MAX },
	{ "end", WHOLE, SEGUE_SFZ_END, -1, FRAMES_MAX },
	{ "group", WHOLE, SEGUE_SFZ_GROUP, INT32_MIN, UINT32_MAX },
	{ "off_by", WHOLE, SEGUE_SFZ_OFF_BY, INT32_MIN, UINT32_MAX },
	{ "offby", WHOLE, SEGUE_SFZ_OFF_BY, INT32_MIN, UINT32_MAX },
	{ "trigger", CHOICE, SEGUE_SFZ_TRIGGER, 0, 0, triggers },
	{ "seq_position", WHOLE, SEGUE_SFZ_SEQ_POSITION, 1, 1000 },
	{ "lorand", NUMBER, SEGUE_SFZ_LORAND, 0, 1 },
	{ "sw_last", KEY, SEGUE_SFZ_SW_LAST, 0, 127 },
	{ "sw_default", KEY, SEGUE_SFZ_SW_DEFAULT, 0, 127 },
	/* these go with what is followed: seq_position, lorand and sw_last choose alone */
	{ "seq_length", SILENT },
	{ "hirand", SILENT },
	{ "sw_lokey", SILENT },
	{ "sw_hikey", SILENT },
	{ "region_label", SILENT },
	{ "group_label", SILENT },
	{ "master_label", SILENT },
	{ "global_label", SILENT },
	{ "sw_label", SILENT },
};

void segue_sfz_settings_init(struct segue_sfz_settings *settings)
{
	static const double values[SEGUE_SFZ_VALUES] = {
		[SEGUE_SFZ_HIKEY] = 127, [SEGUE_SFZ_HIVEL] = 127,
		[SEGUE_SFZ_KEYCENTER] = 60, [SEGUE_SFZ_KEYTRACK] = 100,
		[SEGUE_SFZ_AMPLITUDE] = 100, [SEGUE_SFZ_VELTRACK] = 100,
		[SEGUE_SFZ_ATTACK] = UNSET, [SEGUE_SFZ_DECAY] = UNSET,
		[SEGUE_SFZ_SUSTAIN] = UNSET, [SEGUE_SFZ_RELEASE] = UNSET,
		[SEGUE_SFZ_LOOP_START] = UNSET, [SEGUE_SFZ_LOOP_END] = UNSET,
		/* -1 is a value of its own: nothing is played */
		[SEGUE_SFZ_END] = FRAMES_MAX,
		[SEGUE_SFZ_SEQ_POSITION] = 1, [SEGUE_SFZ_SW_LAST] = UNSET, [SEGUE_SFZ_SW_DEFAULT] = UNSET,
	};

	memcpy(settings->values, values, sizeof(values));
	settings->centered = false;
	settings->path[0] = settings->name[0] = '\0';
}

/* ------------------------------------------------------------------ values */

static int set_number(const struct opcode *opcode, const char *value, double *ret, struct segue_error *why)
{
	double number;

	/* a hexadecimal one is what strtod() would take, nobody writes it */
	if (strpbrk(value, "xX") != NULL || !spa_atod(value, &number))
		return segue_error_set(why, -EBADMSG, "'%s' isn't a number", value);
	/* this way around: not a number is in no range */
	if (!(number >= opcode->min && number <= opcode->max))
		return segue_error_set(why, -EBADMSG, "%s is not in %.10g..%.10g", value, opcode->min, opcode->max);
	if (opcode->type != NUMBER && number != floor(number))
		return segue_error_set(why, -EBADMSG, "%s is not a whole number", value);
	*ret = number;
	return 0;
}

/* c4 is 60, and so is b#3. \return false: no name of a key */
static bool parse_key_name(const char *name, double *ret)
{
	static const int from_c[] = { 9, 11, 0, 2, 4, 5, 7 };	/* a to g */
	int letter = tolower((unsigned char)name[0]), key;
	char *end;
	long octave;

	if (letter < 'a' || letter > 'g')
		return false;
	key = from_c[letter - 'a'];
	name++;
	if (*name == '#') {
		key++;
		name++;
	} else if (*name == 'b' || *name == 'B') {
		key--;
		name++;
	}
	if (!isdigit((unsigned char)name[0]) && !(name[0] == '-' && isdigit((unsigned char)name[1])))
		return false;
	octave = strtol(name, &end, 10);
	if (*end != '\0' || octave < -1 || octave > 9)
		return false;
	key += 12 * ((int)octave + 1);
	*ret = key;
	return key >= 0 && key <= 127;
}

static int set_key(const struct opcode *opcode, const char *value, double *ret, struct segue_error *why)
{
	double number;

	if (!isalpha((unsigned char)value[0]))
		return set_number(opcode, value, ret, why);
	if (!parse_key_name(value, &number))
		return segue_error_set(why, -EBADMSG, "'%s' isn't a key", value);
	*ret = number;
	return 0;
}

static int set_choice(const struct opcode *opcode, const char *value, double *ret, struct segue_error *why)
{
	for (uint32_t i = 0; opcode->choices[i] != NULL; i++) {
		if (value[0] != '\0' && strcasecmp(value, opcode->choices[i]) == 0) {
			*ret = i;
			return 0;
		}
	}
	return segue_error_set(why, -EBADMSG, "'%s' isn't known", value);
}

static int set_center(struct segue_sfz_settings *settings, const struct opcode *opcode, const char *value,
		struct segue_error *why)
{
	double *center = &settings->values[SEGUE_SFZ_KEYCENTER];
	int res = 0;

	if (strcasecmp(value, "sample") == 0)
		*center = SEGUE_SFZ_KEY_OF_FILE;
	else
		res = set_key(opcode, value, center, why);
	if (res == 0)
		settings->centered = true;
	return res;
}

static int set_key_alone(struct segue_sfz_settings *settings, const struct opcode *opcode, const char *value,
		struct segue_error *why)
{
	double key;
	int res = set_key(opcode, value, &key, why);

	if (res < 0)
		return res;
	settings->values[SEGUE_SFZ_LOKEY] = settings->values[SEGUE_SFZ_HIKEY] = key;
	if (!settings->centered && key >= 0)
		settings->values[SEGUE_SFZ_KEYCENTER] = key;
	return 0;
}

static int set(struct segue_sfz_settings *settings, const struct opcode *opcode, const char *value,
		struct segue_error *why)
{
	double *number = &settings->values[opcode->value];

	switch (opcode->type) {
	case NUMBER:
	case WHOLE:
		return set_number(opcode, value, number, why);
	case KEY:
		return set_key(opcode, value, number, why);
	case KEY_ALONE:
		return set_key_alone(settings, opcode, value, why);
	case CENTER:
		return set_center(settings, opcode, value, why);
	case CHOICE:
		return set_choice(opcode, value, number, why);
	case SILENT:
		break;
	}
	return 0;
}

int segue_sfz_settings_set(struct segue_sfz_settings *settings, const char *name, const char *value,
		struct segue_error *why)
{
	int res;

	for (size_t i = 0; i < SPA_N_ELEMENTS(opcodes); i++) {
		if (strcasecmp(name, opcodes[i].name) != 0)
			continue;
		if ((res = set(settings, &opcodes[i], value, why)) < 0)
			return res;
		/* louder the softer the key: as loud for all is the nearest there is */
		return opcodes[i].value != SEGUE_SFZ_VELTRACK || settings->values[SEGUE_SFZ_VELTRACK] >= 0;
	}
	/* sounds when a controller moves, and not with a key */
	if (strncasecmp(name, "on_locc", 7) == 0 || strncasecmp(name, "on_hicc", 7) == 0 ||
	    strncasecmp(name, "start_locc", 10) == 0 || strncasecmp(name, "start_hicc", 10) == 0)
		settings->values[SEGUE_SFZ_BY_CONTROLLER] = 1;
	return 0;
}

/* ------------------------------------------------------------------ region */

static const char *why_left_out(const struct segue_sfz_settings *settings)
{
	const double *v = settings->values;

	if (settings->path[0] == '\0')
		return settings->name[0] == '*' ? "sample=*" : "a region without a sample";
	if (v[SEGUE_SFZ_TRIGGER] != ATTACK)
		return left_out[(int)v[SEGUE_SFZ_TRIGGER]];
	if (v[SEGUE_SFZ_END] < 0)
		return "end=-1";
	if (v[SEGUE_SFZ_HIKEY] < 0)
		return "hikey=-1";
	if (v[SEGUE_SFZ_SEQ_POSITION] > 1)
		return "seq_position";
	if (v[SEGUE_SFZ_LORAND] > 0)
		return "lorand";
	if (v[SEGUE_SFZ_SW_LAST] >= 0 && v[SEGUE_SFZ_SW_DEFAULT] >= 0 &&
	    v[SEGUE_SFZ_SW_LAST] != v[SEGUE_SFZ_SW_DEFAULT])
		return "sw_last";
	if (v[SEGUE_SFZ_BY_CONTROLLER] > 0)
		return "on_locc";
	return NULL;
}

static enum segue_sfz_loop loop_of(enum loop_mode mode)
{
	switch (mode) {
	case LOOP_UNSET:
		break;
	case NO_LOOP:
	case ONE_SHOT:
		return SEGUE_SFZ_LOOP_NONE;
	case LOOP_CONTINUOUS:
	case LOOP_SUSTAIN:	/* goes on looping as the note is released */
		return SEGUE_SFZ_LOOP_FORWARD;
	}
	return SEGUE_SFZ_LOOP_FILE;
}

/* the frame behind an inclusive one */
static uint64_t behind(double frame)
{
	return frame < 0 ? SEGUE_SFZ_UNSET : (uint64_t)frame + 1;
}

const char *segue_sfz_settings_region(const struct segue_sfz_settings *settings,
		struct segue_sfz_region *ret)
{
	const double *v = settings->values;
	const char *why = why_left_out(settings);

	if (why != NULL)
		return why;
	*ret = (struct segue_sfz_region) {
		.region = {
			.key_low = SPA_MAX(v[SEGUE_SFZ_LOKEY], 0.0),
			.key_high = v[SEGUE_SFZ_HIKEY],
			.velocity_low = v[SEGUE_SFZ_LOVEL],
			.velocity_high = v[SEGUE_SFZ_HIVEL],
			.one_shot = v[SEGUE_SFZ_LOOP_MODE] == ONE_SHOT,
			/* below 0 they are numbers like others */
			.group = (uint32_t)(int64_t)v[SEGUE_SFZ_GROUP],
			.off_by = (uint32_t)(int64_t)v[SEGUE_SFZ_OFF_BY],
			.key_tracking = v[SEGUE_SFZ_KEYTRACK] / 100.0,
			.velocity_tracking = SPA_MAX(v[SEGUE_SFZ_VELTRACK], 0.0) / 100.0,
			.gain = pow(10.0, v[SEGUE_SFZ_VOLUME] / 20.0) * v[SEGUE_SFZ_AMPLITUDE] / 100.0,
			.pan = v[SEGUE_SFZ_PAN] / 100.0,
			.envelope = {
				.attack = v[SEGUE_SFZ_ATTACK],
				.decay = v[SEGUE_SFZ_DECAY],
				.sustain = v[SEGUE_SFZ_SUSTAIN] < 0 ? UNSET : v[SEGUE_SFZ_SUSTAIN] / 100.0,
				.release = v[SEGUE_SFZ_RELEASE],
			},
		},
		.center = v[SEGUE_SFZ_KEYCENTER],
		.tuning = v[SEGUE_SFZ_TRANSPOSE] + v[SEGUE_SFZ_TUNE] / 100.0,
		.loop = loop_of(v[SEGUE_SFZ_LOOP_MODE]),
		.loop_start = v[SEGUE_SFZ_LOOP_START] < 0 ? SEGUE_SFZ_UNSET : (uint64_t)v[SEGUE_SFZ_LOOP_START],
		.loop_end = behind(v[SEGUE_SFZ_LOOP_END]),
		.first = v[SEGUE_SFZ_OFFSET],
		.end = v[SEGUE_SFZ_END] == FRAMES_MAX ? SEGUE_SFZ_UNSET : behind(v[SEGUE_SFZ_END]),
	};
	return NULL;
}
