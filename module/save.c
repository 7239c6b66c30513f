/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "save.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <spa/utils/json.h>
#include <spa/utils/string.h>

#include "../spa-plugin/texts.h"

#include "volumes.h"

#define PLAIN	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

/* ---- what it plays */

static struct segue_node_info info_of(const struct segue_hosted *hosted)
{
	struct segue_node_info info;

	hosted->node->methods->info(hosted->node, &info);
	return info;
}

/* of segue.load or segue.wave: valid until the next call; NULL: it has none */
static const char *read_text(const struct segue_hosted *hosted, const char *key)
{
	struct segue_value value;

	if (hosted->node->methods->get(hosted->node, key, &value) < 0 || value.s[0] == '\0')
		return NULL;
	return value.s;
}

bool segue_save_has_text(const struct segue_hosted *hosted)
{
	return info_of(hosted).sound == 0 || read_text(hosted, SEGUE_KEY_LOAD) != NULL ||
		read_text(hosted, SEGUE_KEY_WAVE) != NULL;
}

/* What it was made with is on its way still, or has failed: nothing took its place. */
static bool keeps_own(const struct segue_hosted *hosted)
{
	struct segue_node_info info = info_of(hosted);

	return info.sound == 0 && info.n_applied == 0;
}

static uint64_t count_own(const struct segue_hosted *hosted)
{
	return (pw_properties_get(hosted->entry, SEGUE_KEY_LOAD) != NULL) +
		(pw_properties_get(hosted->entry, SEGUE_KEY_WAVE) != NULL);
}

char *segue_save_missing(const struct segue_hosted *hosted)
{
	struct segue_node_info info = info_of(hosted);

	/* its own requests were its first */
	if (info.next == 0 || (keeps_own(hosted) && info.next <= count_own(hosted)))
		return strdup("");
	return spa_aprintf("%s isn't heard yet", info.next_label[0] != '\0' ? info.next_label : "the silence");
}

/* ---- the entry */

static bool is_default(const struct segue_property *setting, const struct segue_value *value)
{
	switch (value->type) {
	case SEGUE_VALUE_BOOL:
		return value->b == (setting->def != 0.0);
	case SEGUE_VALUE_INT:
		return value->i == setting->def;
	case SEGUE_VALUE_DOUBLE:
		return value->d == setting->def;
	default:
		return setting->choices != NULL && spa_streq(value->s, setting->choices[0]);
	}
}

static void set_value(struct pw_properties *entry, const char *key, const struct segue_value *value)
{
	char number[SEGUE_NUMBER_MAX];

	switch (value->type) {
	case SEGUE_VALUE_BOOL:
		pw_properties_set(entry, key, value->b ? "true" : "false");
		break;
	case SEGUE_VALUE_INT:
		pw_properties_setf(entry, key, "%" PRIi64, value->i);
		break;
	case SEGUE_VALUE_DOUBLE:
		pw_properties_set(entry, key, segue_number_text(value->d, number));
		break;
	default:
		pw_properties_set(entry, key, value->s);
		break;
	}
}

static void set_sound(struct pw_properties *entry, const struct segue_hosted *hosted, const char *load)
{
	static const char *const keys[] = { SEGUE_KEY_LOAD, SEGUE_KEY_WAVE };

	if (load != NULL) {
		pw_properties_set(entry, SEGUE_KEY_LOAD, load);
		return;
	}
	for (uint32_t i = 0; i < SPA_N_ELEMENTS(keys); i++)
		pw_properties_set(entry, keys[i], keeps_own(hosted) ?
				pw_properties_get(hosted->entry, keys[i]) : read_text(hosted, keys[i]));
}

static void set_settings(struct pw_properties *entry, const struct segue_hosted *hosted)
{
	const struct segue_property *settings;
	struct segue_value value;
	uint32_t n;

	settings = hosted->node->methods->properties(hosted->node, &n);
	for (uint32_t i = 0; i < n; i++) {
		if ((settings[i].flags & (SEGUE_PROPERTY_READ_ONLY | SEGUE_PROPERTY_REQUEST)) ||
		    hosted->node->methods->get(hosted->node, settings[i].key, &value) < 0 ||
		    is_default(&settings[i], &value))
			continue;
		set_value(entry, settings[i].key, &value);
	}
}

static bool is_lasting(const struct segue_hosted *hosted, const char *key, const char *value)
{
	if (spa_streq(key, PW_KEY_NODE_DESCRIPTION))
		return !spa_streq(value, hosted->name);
	return (!spa_strstartswith(key, "segue.") && !segue_is_volume(key)) || spa_streq(key, SEGUE_KEY_MODE);
}

static struct pw_properties *describe(const struct segue_hosted *hosted, const char *load)
{
	struct pw_properties *entry = pw_properties_new("type", hosted->type, PW_KEY_NODE_NAME, hosted->name,
			"override", "true", NULL);
	const struct spa_dict_item *item;

	if (entry == NULL)
		return NULL;
	spa_dict_for_each(item, &hosted->entry->dict)
		if (is_lasting(hosted, item->key, item->value) && pw_properties_get(entry, item->key) == NULL)
			pw_properties_set(entry, item->key, item->value);
	set_settings(entry, hosted);
	segue_volumes_save(hosted->node, entry);
	set_sound(entry, hosted, load);
	return entry;
}

/* ---- as a text */

static bool next_is(struct spa_json *it, const char *meant)
{
	const char *token;
	char *text;
	int n = spa_json_next(it, &token);
	bool is_same;

	if (n > 0 && spa_json_is_container(token, n)) {
		n = spa_json_container_len(it, token, n);
		return n > 0 && strlen(meant) == (size_t)n && memcmp(token, meant, n) == 0;
	}
	if (n <= 0 || (text = malloc(n + 1)) == NULL)
		return false;
	is_same = spa_json_parse_stringn(token, n, text, n + 1) > 0 && spa_streq(text, meant);
	free(text);
	return is_same;
}

/* Whether the line that is written is read as what is meant, and as nothing else. PipeWire's own way to read
 * properties logs what it can't read. */
static bool reads_back(const char *line, const char *key, const char *value)
{
	char *text = spa_aprintf("{ %s\nend = 1 }", line);
	struct spa_json it[2];
	bool is_same = false;

	if (text != NULL) {
		spa_json_init(&it[0], text, strlen(text));
		is_same = spa_json_enter_object(&it[0], &it[1]) > 0 && next_is(&it[1], key) && next_is(&it[1], value) &&
			next_is(&it[1], "end") && next_is(&it[1], "1");
	}
	free(text);
	return is_same;
}

static void write_item(FILE *to, const struct spa_dict_item *item)
{
	char *line = spa_aprintf("%s = %s", item->key, item->value);

	/* lists, objects, numbers and words as people write them, texts in quotes */
	if (line != NULL && item->key[strspn(item->key, PLAIN)] == '\0' && reads_back(line, item->key, item->value)) {
		fprintf(to, "        %s\n", line);
	} else {
		fputs("        ", to);
		segue_write_quoted(to, item->key);
		fputs(" = ", to);
		segue_write_quoted(to, item->value);
		fputc('\n', to);
	}
	free(line);
}

char *segue_save_entry(const struct segue_hosted *hosted, const char *load)
{
	struct pw_properties *entry = describe(hosted, load);
	const struct spa_dict_item *item;
	char *text = NULL;
	size_t size;
	FILE *to;

	if (entry == NULL)
		return NULL;
	if ((to = open_memstream(&text, &size)) != NULL) {
		fputs("{\n", to);
		spa_dict_for_each(item, &entry->dict)
			write_item(to, item);
		fputs("    }", to);
		if (fclose(to) != 0) {
			free(text);
			text = NULL;
		}
	}
	pw_properties_free(entry);
	return text;
}
