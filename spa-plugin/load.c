/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* The values of segue.load (a path, a list of paths, or an object with options) and of segue.wave (a waveform,
 * or an object with options), as SPA-JSON. */

#include "load.h"

#include <stdlib.h>
#include <string.h>

#include <spa/utils/json.h>
#include <spa/utils/string.h>

#include "brackets.h"
#include "sound.h"

#define FILES_MAX	SEGUE_FILES_MAX
#define TEXT_MAX	4096
#define BLANKS		" \t\r\n"

struct load {
	struct segue_recipe recipe;
	const char *paths[FILES_MAX];
	char text[FILES_MAX][TEXT_MAX];
};

static int add_path(struct load *load, const char *path, const struct segue_fence *fence,
		struct segue_error *error)
{
	uint32_t n = load->recipe.n_paths;

	if (n == FILES_MAX)
		return segue_error_set(error, -EINVAL, "segue.load: more than %u files", FILES_MAX);
	if (path[0] == '\0')
		return segue_error_set(error, -EINVAL, "segue.load: no file is named");
	if (path[0] != '/')
		return segue_error_set(error, -EINVAL, "%s: the path must begin with /", path);
	if (fence != NULL && segue_fence_check(fence, path, error) < 0)
		return error->res;
	if (strlen(path) >= TEXT_MAX)
		return segue_error_set(error, -EINVAL, "segue.load: a path is too long");
	strcpy(load->text[n], path);
	load->paths[n] = load->text[n];
	load->recipe.n_paths++;
	return 0;
}

static int add_token(struct load *load, const char *token, int length, const struct segue_fence *fence,
		struct segue_error *error)
{
	char path[TEXT_MAX];

	if (spa_json_parse_stringn(token, length, path, sizeof(path)) <= 0)
		return segue_error_set(error, -EINVAL, "segue.load: '%.*s' isn't a path", length, token);
	return add_path(load, path, fence, error);
}

static int add_tokens(struct load *load, struct spa_json *array, const struct segue_fence *fence,
		struct segue_error *error)
{
	const char *token;
	int length, res = 0;

	while (res == 0 && (length = spa_json_next(array, &token)) > 0)
		res = add_token(load, token, length, fence, error);
	return res;
}

/* What options are set in, and which there are. */
struct wanted {
	const char *property;
	struct segue_options *options;
	uint32_t groups;
};

static int set_uints(const struct wanted *wanted, const char *key, struct spa_json *array,
		struct segue_error *error)
{
	uint32_t values[SEGUE_OPTION_CHANNELS_MAX], n = 0;
	struct segue_value value;
	const char *token;
	int length, i;

	while ((length = spa_json_next(array, &token)) > 0) {
		if (n == SPA_N_ELEMENTS(values) || spa_json_parse_int(token, length, &i) <= 0 || i < 0)
			return segue_error_set(error, -EINVAL, "%s: must be up to %u whole numbers", key,
					SEGUE_OPTION_CHANNELS_MAX);
		values[n++] = i;
	}
	value = (struct segue_value) { .type = SEGUE_VALUE_UINTS, .u = { values, n } };
	return segue_options_set(wanted->options, wanted->groups, key, &value, error);
}

/* As exactly as the bus tells it: the same option is the same sound. */
static bool parse_number(const char *token, int length, double *ret)
{
	char text[64];
	float rough;

	if (length >= (int)sizeof(text) || spa_json_parse_float(token, length, &rough) <= 0)
		return false;
	snprintf(text, sizeof(text), "%.*s", length, token);
	return spa_atod(text, ret);
}

static int set_option(const struct wanted *wanted, const char *key, const char *token, int length,
		struct segue_error *error)
{
	struct segue_value value = { 0 };
	char text[TEXT_MAX];
	bool flag;

	if (spa_json_parse_bool(token, length, &flag) > 0) {
		value.type = SEGUE_VALUE_BOOL;
		value.b = flag;
	} else if (parse_number(token, length, &value.d)) {
		value.type = SEGUE_VALUE_DOUBLE;
	} else {
		if (spa_json_parse_stringn(token, length, text, sizeof(text)) <= 0)
			return segue_error_set(error, -EINVAL, "%s: its value can't be read", key);
		value.type = SEGUE_VALUE_STRING;
		value.s = text;
	}
	return segue_options_set(wanted->options, wanted->groups, key, &value, error);
}

/* The next key of an object, and the token that is its value. \return 1, 0 at the end, or negative with an error */
static int next_entry(const struct wanted *wanted, struct spa_json *object, char *key, size_t size,
		const char **token, int *length, struct segue_error *error)
{
	int n = spa_json_next(object, token);

	if (n <= 0)
		return 0;
	if (spa_json_parse_stringn(*token, n, key, size) <= 0)
		return segue_error_set(error, -EINVAL, "%s: no such option '%.*s'", wanted->property, n, *token);
	if ((*length = spa_json_next(object, token)) <= 0)
		return segue_error_set(error, -EINVAL, "%s: %s has no value", wanted->property, key);
	return 1;
}

static int read_object(struct load *load, struct spa_json *object, const struct segue_fence *fence,
		struct segue_error *error)
{
	const struct wanted wanted = { "segue.load", &load->recipe.options, SEGUE_OPTIONS_LOAD };
	char key[64];
	struct spa_json array;
	const char *token;
	bool is_rates, is_file;
	int length, res = 0;

	while (res == 0 && (res = next_entry(&wanted, object, key, sizeof(key), &token, &length, error)) > 0) {
		is_rates = spa_streq(key, "rates");
		is_file = is_rates || spa_streq(key, "file");
		if (is_file && load->recipe.n_paths > 0)
			return segue_error_set(error, -EINVAL, "segue.load: %s: there are files already", key);
		if (is_rates)
			load->recipe.is_rates = true;
		if (spa_json_is_array(token, length)) {
			spa_json_enter(object, &array);
			res = is_file ? add_tokens(load, &array, fence, error) :
				set_uints(&wanted, key, &array, error);
		} else if (is_file) {
			res = add_token(load, token, length, fence, error);
		} else {
			res = set_option(&wanted, key, token, length, error);
		}
	}
	return res;
}

static int check_brackets(const char *property, const char *text, struct segue_error *error)
{
	char first = text[strspn(text, BLANKS)];

	if ((first == '[' || first == '{') && !segue_brackets_match(text, strlen(text)))
		return segue_error_set(error, -EINVAL, "%s: '%s' isn't closed, or has brackets that don't match",
				property, text);
	return 0;
}

static int read_text(struct load *load, const char *text, const struct segue_fence *fence,
		struct segue_error *error)
{
	struct spa_json json, inner;

	if (check_brackets("segue.load", text, error) < 0)
		return error->res;
	spa_json_init(&json, text, strlen(text));
	if (spa_json_enter_array(&json, &inner) > 0)
		return add_tokens(load, &inner, fence, error);
	spa_json_init(&json, text, strlen(text));
	if (spa_json_enter_object(&json, &inner) > 0)
		return read_object(load, &inner, fence, error);
	/* a path with spaces need not be quoted */
	if (text[0] != '"')
		return add_path(load, text, fence, error);
	return add_token(load, text, strlen(text), fence, error);
}

struct segue_sound *segue_load(struct segue_store_impl *store, struct segue_recipe *recipe,
		struct segue_error *error)
{
	if (recipe->type == SEGUE_RECIPE_TEXT)
		return segue_load_text(store, recipe->text, &recipe->options, NULL, error);
	return segue_sound_make(store, recipe, error);
}

struct segue_sound *segue_load_text(struct segue_store_impl *store, const char *text,
		const struct segue_options *options, const struct segue_fence *fence, struct segue_error *error)
{
	struct segue_sound *sound = NULL;
	struct load *load = calloc(1, sizeof(*load));

	if (load == NULL) {
		segue_error_set(error, -ENOMEM, "segue.load: no memory");
		return NULL;
	}
	load->recipe.type = SEGUE_RECIPE_FILES;
	load->recipe.paths = load->paths;
	load->recipe.options = *options;
	load->recipe.fence = fence;
	if (read_text(load, text, fence, error) == 0) {
		if (load->recipe.n_paths == 0)
			segue_error_set(error, -EINVAL, "segue.load: no file is named");
		else
			sound = segue_sound_make(store, &load->recipe, error);
	}
	free(load);
	return sound;
}

/* ---- waves */

struct wave {
	struct segue_options options;
	char text[TEXT_MAX];
};

static int read_wave(struct wave *wave, struct spa_json *object, struct segue_error *error)
{
	const struct wanted wanted = { "segue.wave", &wave->options, SEGUE_OPTIONS_WAVE };
	char key[64];
	const char *token;
	int length, res = 0;

	while (res == 0 && (res = next_entry(&wanted, object, key, sizeof(key), &token, &length, error)) > 0) {
		if (!spa_streq(key, "wave"))
			res = set_option(&wanted, key, token, length, error);
		else if (spa_json_parse_stringn(token, length, wave->text, sizeof(wave->text)) > 0)
			res = 0;
		else
			res = segue_error_set(error, -EINVAL, "segue.wave: '%.*s' isn't a waveform", length, token);
	}
	return res;
}

struct segue_sound *segue_load_wave(struct segue_store_impl *store, const char *text, struct segue_error *error)
{
	struct segue_recipe recipe = { .type = SEGUE_RECIPE_WAVE, .text = text };
	struct wave wave = { .options = SEGUE_OPTIONS_INIT };
	struct spa_json json, object;

	spa_json_init(&json, text, strlen(text));
	if (spa_json_enter_object(&json, &object) > 0) {
		if (check_brackets("segue.wave", text, error) < 0 || read_wave(&wave, &object, error) < 0)
			return NULL;
		recipe.text = wave.text;
	}
	recipe.options = wave.options;
	return segue_sound_make(store, &recipe, error);
}
