/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "volumes.h"

#include <errno.h>
#include <stdlib.h>

#include <spa/utils/json.h>
#include <spa/utils/string.h>

#include "../spa-plugin/texts.h"

#define VOLUME		"volume"
#define MUTE		"mute"
#define CHANNELS	"channelVolumes"
#define CHANNELS_MAX	64

bool segue_is_volume(const char *key)
{
	return spa_streq(key, VOLUME) || spa_streq(key, MUTE) || spa_streq(key, CHANNELS);
}

/* [ 1.0 0.5 ]; anything else is none */
static uint32_t parse_channels(const char *text, double volumes[CHANNELS_MAX])
{
	struct spa_json json, array;
	char number[32];
	uint32_t n = 0;

	spa_json_init(&json, text, strlen(text));
	if (spa_json_enter_array(&json, &array) <= 0)
		return 0;
	while (spa_json_get_string(&array, number, sizeof(number)) > 0)
		if (n == CHANNELS_MAX || !spa_atod(number, &volumes[n++]))
			return 0;
	return n;
}

int segue_volume_set(struct segue_node *node, const char *key, const char *text, struct segue_error *error)
{
	struct segue_value value = { .type = SEGUE_VALUE_STRING, .s = text };
	double volumes[CHANNELS_MAX];

	if (spa_streq(key, CHANNELS))
		value = (struct segue_value) { .type = SEGUE_VALUE_DOUBLES,
			.f = { volumes, parse_channels(text, volumes) } };
	return node->methods->set(node, key, &value, error);
}

static void save_channels(const struct segue_value *value, struct pw_properties *entry)
{
	char number[SEGUE_NUMBER_MAX], *text = NULL;
	bool is_default = true;
	size_t size;
	FILE *to;

	for (uint32_t i = 0; i < value->f.n; i++)
		is_default &= value->f.values[i] == 1.0;
	if (is_default || (to = open_memstream(&text, &size)) == NULL)
		return;
	fputc('[', to);
	for (uint32_t i = 0; i < value->f.n; i++)
		fprintf(to, " %s", segue_number_text(value->f.values[i], number));
	fputs(" ]", to);
	if (fclose(to) == 0)
		pw_properties_set(entry, CHANNELS, text);
	free(text);
}

void segue_volumes_save(struct segue_node *node, struct pw_properties *entry)
{
	char number[SEGUE_NUMBER_MAX];
	struct segue_value value;

	if (node->methods->get(node, VOLUME, &value) == 0 && value.d != 1.0)
		pw_properties_set(entry, VOLUME, segue_number_text(value.d, number));
	if (node->methods->get(node, MUTE, &value) == 0 && value.b)
		pw_properties_set(entry, MUTE, "true");
	if (node->methods->get(node, CHANNELS, &value) == 0)
		save_channels(&value, entry);
}
