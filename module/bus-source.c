/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* busctl --user call org.segue.Segue1 /org/segue/Segue1/node/synth org.segue.Segue1.Source \
 *	Wave 'sa{sv}' harmonics:1,0.5,0.25 1 fade d 0.5 */

#include "bus-private.h"

#include <errno.h>

static const struct segue_bus_row rows[] = {
	{ "Waveform", "s", offsetof(struct segue_bus_node_values, waveform), 0 },
	{ "Voices", "u", offsetof(struct segue_bus_node_values, info.n_voices), 0 },
};

static int on_wave(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct segue_bus_node *node = userdata;
	struct segue_store *store = node->bus->store;
	struct segue_recipe recipe = {
		.type = SEGUE_RECIPE_WAVE,
		.options = SEGUE_OPTIONS_INIT,
	};
	struct segue_sound *sound;
	struct segue_error why;
	int res;

	if ((res = sd_bus_message_read_basic(m, 's', &recipe.text)) < 0)
		return res;
	if (segue_bus_read_options(node->bus, m, SEGUE_OPTIONS_WAVE | SEGUE_OPTIONS_SWAP,
			&recipe.options, &why) < 0 ||
	    (sound = store->methods->make(store, &recipe, &why)) == NULL)
		return segue_bus_error(error, node->hosted->name, &why);
	res = segue_bus_call_swap(node, m, sound, &recipe.options, error);
	store->methods->disown(store, sound);
	return res;
}

static int reply(sd_bus_message *m, struct segue_bus_node *node, int res, const struct segue_error *why,
		sd_bus_error *error)
{
	return res < 0 ? segue_bus_error(error, node->hosted->name, why) : sd_bus_reply_method_return(m, NULL);
}

static int on_note_on(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct segue_bus_node *node = userdata;
	struct segue_node *target = node->hosted->node;
	struct segue_error why;
	uint8_t key, velocity;
	int res;

	if ((res = sd_bus_message_read(m, "yy", &key, &velocity)) < 0)
		return res;
	return reply(m, node, target->methods->note_on(target, key, velocity, &why), &why, error);
}

static int on_note_off(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct segue_bus_node *node = userdata;
	struct segue_node *target = node->hosted->node;
	struct segue_error why;
	uint8_t key;
	int res;

	if ((res = sd_bus_message_read_basic(m, 'y', &key)) < 0)
		return res;
	return reply(m, node, target->methods->note_off(target, key, &why), &why, error);
}

static int on_all_notes_off(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct segue_bus_node *node = userdata;
	struct segue_node *target = node->hosted->node;
	struct segue_error why;

	return reply(m, node, target->methods->notes_off(target, &why), &why, error);
}

static int on_play(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct segue_bus_node *node = userdata;
	struct segue_node *target = node->hosted->node;
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_bus_buffer *buffer;
	struct segue_error why;
	const char *path;
	uint64_t voice;
	int res;

	if ((res = sd_bus_message_read_basic(m, 'o', &path)) < 0)
		return res;
	if (segue_bus_read_options(node->bus, m, SEGUE_OPTIONS_PLAY, &options, &why) < 0 ||
	    (buffer = segue_bus_buffer_usable(node->bus, path, &why)) == NULL ||
	    target->methods->play(target, buffer->sound, &options, &voice, &why) < 0)
		return segue_bus_error(error, node->hosted->name, &why);
	return sd_bus_reply_method_return(m, "t", voice);
}

static int on_stop(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct segue_bus_node *node = userdata;
	struct segue_node *target = node->hosted->node;
	struct segue_error why;
	uint64_t voice;
	int res;

	if ((res = sd_bus_message_read_basic(m, 't', &voice)) < 0)
		return res;
	return reply(m, node, target->methods->stop(target, voice, &why), &why, error);
}

static const sd_bus_vtable methods[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_NAMES("Wave", "sa{sv}", SD_BUS_PARAM(waveform) SD_BUS_PARAM(options),
		"t", SD_BUS_PARAM(serial), on_wave, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_NAMES("NoteOn", "yy", SD_BUS_PARAM(key) SD_BUS_PARAM(velocity),
		NULL,, on_note_on, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_NAMES("NoteOff", "y", SD_BUS_PARAM(key),
		NULL,, on_note_off, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("AllNotesOff", NULL, NULL, on_all_notes_off, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_NAMES("Play", "oa{sv}", SD_BUS_PARAM(buffer) SD_BUS_PARAM(options),
		"t", SD_BUS_PARAM(voice), on_play, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_NAMES("Stop", "t", SD_BUS_PARAM(voice),
		NULL,, on_stop, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END
};

const struct segue_bus_type segue_bus_source = {
	.name = "source",
	.interface = SEGUE_BUS_SOURCE,
	.flags = SEGUE_PROPERTY_SOURCE,
	.methods = methods,
	.rows = rows,
	.n_rows = SPA_N_ELEMENTS(rows),
};
