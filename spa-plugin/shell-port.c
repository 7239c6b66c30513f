/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "shell-port.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <spa/control/control.h>
#include <spa/debug/types.h>
#include <spa/node/io.h>
#include <spa/node/keys.h>
#include <spa/param/audio/dsp-utils.h>
#include <spa/param/audio/raw-types.h>
#include <spa/param/audio/raw-utils.h>
#include <spa/param/buffers.h>
#include <spa/param/format-utils.h>
#include <spa/param/latency-utils.h>
#include <spa/utils/json.h>
#include <spa/utils/string.h>

#include "brackets.h"
#include "control.h"
#include "params.h"
#include "rt/pages.h"

#define KEY_AUDIO_CHANNEL	"audio.channel"
#define KEY_AUDIO_POSITION	"audio.position"
#define KEY_FORMAT_DSP		"format.dsp"

#define POSITION_MAX		1024u	/* characters in an object */
#define DEFAULT_RATE		48000	/* Hz */

#define MIN_FRAMES		16
#define MIDI_BUFFER_SIZE	4096
/* A stream that fills its buffers outside its data loop, as pw-midiplay does, has one to fill while the other is
 * read: with one alone it finds a cycle without data after each one with, and 0.3.65 plays at half the tempo */
#define MIDI_BUFFERS		2

/* SPA_FORMAT_CONTROL_types of PipeWire 1.2 and later: without it a port is sent UMP from 1.4 on */
#define FORMAT_CONTROL_TYPES	0x60001
#define CONTROL_TYPES		(1 << SPA_CONTROL_Midi)

enum { IDX_ENUM_FORMAT, IDX_FORMAT, IDX_BUFFERS, IDX_IO, IDX_LATENCY };

SPA_STATIC_ASSERT(IDX_LATENCY < SEGUE_SHELL_PORT_PARAMS, "a param has no room");

static void add_item(struct segue_shell_port *port, const char *key, const char *value)
{
	port->items[port->dict.n_items++] = SPA_DICT_ITEM_INIT(key, value);
}

static void init_info(struct segue_shell_port *port)
{
	port->latency[SPA_DIRECTION_INPUT] = SPA_LATENCY_INFO(SPA_DIRECTION_INPUT);
	port->latency[SPA_DIRECTION_OUTPUT] = SPA_LATENCY_INFO(SPA_DIRECTION_OUTPUT);

	port->dict.items = port->items;
	port->params[IDX_ENUM_FORMAT] = SPA_PARAM_INFO(SPA_PARAM_EnumFormat, SPA_PARAM_INFO_READ);
	port->params[IDX_FORMAT] = SPA_PARAM_INFO(SPA_PARAM_Format, SPA_PARAM_INFO_WRITE);
	port->params[IDX_BUFFERS] = SPA_PARAM_INFO(SPA_PARAM_Buffers, 0);
	port->params[IDX_IO] = SPA_PARAM_INFO(SPA_PARAM_IO, SPA_PARAM_INFO_READ);
	port->params[IDX_LATENCY] = SPA_PARAM_INFO(SPA_PARAM_Latency, SPA_PARAM_INFO_READWRITE);
	port->info = SPA_PORT_INFO_INIT();
	port->info.props = &port->dict;
	port->info.params = port->params;
	port->info.n_params = SEGUE_SHELL_PORT_PARAMS;
}

static void init_port(struct segue_shell_port *port, const char *format, const char *node_name)
{
	snprintf(port->alias, sizeof(port->alias), "%s:%s", node_name, port->name);
	init_info(port);
	add_item(port, KEY_FORMAT_DSP, format);
	add_item(port, SPA_KEY_PORT_NAME, port->name);
	add_item(port, SPA_KEY_PORT_ALIAS, port->alias);
}

void segue_shell_port_init(struct segue_shell_port *port, enum spa_direction direction, uint32_t id,
		uint32_t channel, const char *node_name, struct segue_port *rt)
{
	*port = (struct segue_shell_port) { .direction = direction, .id = id, .rt = rt };
	snprintf(port->channel, sizeof(port->channel), "%s",
			spa_debug_type_find_short_name(spa_type_audio_channel, channel));
	snprintf(port->name, sizeof(port->name), "%s_%s",
			direction == SPA_DIRECTION_INPUT ? "input" : "output", port->channel);
	init_port(port, "32 bit float mono audio", node_name);
	add_item(port, KEY_AUDIO_CHANNEL, port->channel);
}

void segue_shell_port_init_midi(struct segue_shell_port *port, uint32_t id, const char *node_name,
		struct segue_port *rt)
{
	*port = (struct segue_shell_port) { .direction = SPA_DIRECTION_INPUT, .id = id, .rt = rt };
	port->is_midi = true;
	snprintf(port->name, sizeof(port->name), "midi_in");
	init_port(port, "8 bit raw midi", node_name);
}

void segue_shell_port_init_planar(struct segue_shell_port *port, enum spa_direction direction,
		const uint32_t *position, uint32_t n_planes, struct segue_port *rt)
{
	*port = (struct segue_shell_port) { .direction = direction, .n_planes = n_planes, .rt = rt };
	memcpy(port->position, position, n_planes * sizeof(*position));
	for (uint32_t i = 0; i < n_planes; i++)
		rt[i].plane = i;
	init_info(port);
}

/* audio.position of an object within the dict, as JSON; the dict's own when it hasn't any */
static const char *find_position(const struct spa_dict *info, const char *side, char *text, size_t size)
{
	const char *object = side != NULL ? spa_dict_lookup(info, side) : NULL, *value;
	struct spa_json outer, items;
	char key[64];
	int length;

	if (object != NULL) {
		if (!segue_brackets_match(object, strlen(object)))
			return NULL;
		spa_json_init(&outer, object, strlen(object));
		if (spa_json_enter_object(&outer, &items) <= 0)
			return NULL;
		while (spa_json_get_string(&items, key, sizeof(key)) > 0) {
			if ((length = spa_json_next(&items, &value)) <= 0)
				return NULL;
			if (spa_json_is_container(value, length))
				length = spa_json_container_len(&items, value, length);
			if (!spa_streq(key, KEY_AUDIO_POSITION))
				continue;
			/* a string is without its quotes then */
			if (spa_json_parse_stringn(value, length, text, size) <= 0)
				return NULL;
			return text;
		}
	}
	value = spa_dict_lookup(info, KEY_AUDIO_POSITION);
	return value != NULL ? value : SEGUE_DEFAULT_POSITION;
}

int segue_shell_position(const struct spa_dict *info, const char *side, uint32_t *ret)
{
	uint32_t ids[SEGUE_PORT_CHANNELS_MAX], i, n = 0;
	struct spa_json outer, names;
	char buffer[POSITION_MAX], name[32];
	const char *text = info != NULL ? find_position(info, side, buffer, sizeof(buffer)) : SEGUE_DEFAULT_POSITION;

	if (text == NULL || !segue_brackets_match(text, strlen(text)))
		return -EINVAL;
	spa_json_init(&outer, text, strlen(text));
	if (spa_json_enter_array(&outer, &names) <= 0)
		spa_json_init(&names, text, strlen(text));
	while (spa_json_get_string(&names, name, sizeof(name)) > 0) {
		const struct spa_type_info *type = spa_debug_type_find_short(spa_type_audio_channel, name);

		if (n == SEGUE_PORT_CHANNELS_MAX || type == NULL)
			return -EINVAL;
		for (i = 0; i < n; i++)
			if (ids[i] == type->type)	/* two ports of one name */
				return -EINVAL;
		ids[n++] = type->type;
	}
	if (n == 0)
		return -EINVAL;
	memcpy(ret, ids, n * sizeof(*ids));
	return n;
}

/* ---------------------------------------------------------------- reading */

static struct spa_pod *build_midi_format(uint32_t id, struct spa_pod_builder *b)
{
	struct spa_pod_frame f;

	spa_pod_builder_push_object(b, &f, SPA_TYPE_OBJECT_Format, id);
	spa_pod_builder_add(b,
			SPA_FORMAT_mediaType,    SPA_POD_Id(SPA_MEDIA_TYPE_application),
			SPA_FORMAT_mediaSubtype, SPA_POD_Id(SPA_MEDIA_SUBTYPE_control),
			0);
	if (id == SPA_PARAM_EnumFormat)
		spa_pod_builder_add(b, FORMAT_CONTROL_TYPES, SPA_POD_CHOICE_FLAGS_Int(CONTROL_TYPES), 0);
	else
		spa_pod_builder_add(b, FORMAT_CONTROL_TYPES, SPA_POD_Int(CONTROL_TYPES), 0);
	return spa_pod_builder_pop(b, &f);
}

/* rate 0: any. Where there is a graph the adapter finds no other rate than its, and doesn't resample. */
static struct spa_pod *build_planar_format(const struct segue_shell_port *port, uint32_t id, uint32_t rate,
		struct spa_pod_builder *b)
{
	struct spa_pod_frame f;

	spa_pod_builder_push_object(b, &f, SPA_TYPE_OBJECT_Format, id);
	spa_pod_builder_add(b,
			SPA_FORMAT_mediaType,      SPA_POD_Id(SPA_MEDIA_TYPE_audio),
			SPA_FORMAT_mediaSubtype,   SPA_POD_Id(SPA_MEDIA_SUBTYPE_raw),
			SPA_FORMAT_AUDIO_format,   SPA_POD_Id(SPA_AUDIO_FORMAT_F32P),
			SPA_FORMAT_AUDIO_channels, SPA_POD_Int(port->n_planes),
			SPA_FORMAT_AUDIO_position, SPA_POD_Array(sizeof(uint32_t), SPA_TYPE_Id, port->n_planes,
				port->position),
			0);
	if (rate > 0)
		spa_pod_builder_add(b, SPA_FORMAT_AUDIO_rate, SPA_POD_Int(rate), 0);
	else
		spa_pod_builder_add(b, SPA_FORMAT_AUDIO_rate, SPA_POD_CHOICE_RANGE_Int(DEFAULT_RATE, 1, INT32_MAX), 0);
	return spa_pod_builder_pop(b, &f);
}

static struct spa_pod *build_format(const struct segue_shell_port *port, uint32_t id, uint32_t rate,
		struct spa_pod_builder *b)
{
	struct spa_audio_info_dsp info = { .format = SPA_AUDIO_FORMAT_DSP_F32 };

	if (port->n_planes > 0)
		return build_planar_format(port, id, id == SPA_PARAM_Format ? port->rate : rate, b);
	return port->is_midi ? build_midi_format(id, b) : spa_format_audio_dsp_build(b, id, &info);
}

static struct spa_pod *build_buffers(const struct segue_shell_port *port, uint32_t quantum_limit,
		struct spa_pod_builder *b)
{
	int stride = port->is_midi ? 1 : sizeof(float);
	int size = port->is_midi ? MIDI_BUFFER_SIZE : (int)quantum_limit * stride;
	int n_buffers = port->is_midi ? MIDI_BUFFERS : 1;

	return spa_pod_builder_add_object(b, SPA_TYPE_OBJECT_ParamBuffers, SPA_PARAM_Buffers,
			SPA_PARAM_BUFFERS_buffers, SPA_POD_CHOICE_RANGE_Int(n_buffers, 1, SEGUE_PORT_BUFFERS_MAX),
			SPA_PARAM_BUFFERS_blocks,  SPA_POD_Int(segue_shell_port_n_rt(port)),
			SPA_PARAM_BUFFERS_size,    SPA_POD_CHOICE_RANGE_Int(size, MIN_FRAMES * stride, INT_MAX),
			SPA_PARAM_BUFFERS_stride,  SPA_POD_Int(stride));
}

int segue_shell_port_build(const struct segue_shell_port *port, uint32_t quantum_limit, uint32_t rate,
		uint32_t id, uint32_t index, struct spa_pod_builder *b, struct spa_pod **ret)
{
	bool needs_format = id == SPA_PARAM_Format || id == SPA_PARAM_Buffers;

	if (needs_format && !port->have_format)
		return -EIO;
	if (index >= (id == SPA_PARAM_Latency ? 2u : 1u))
		return 0;
	switch (id) {
	case SPA_PARAM_EnumFormat:
	case SPA_PARAM_Format:
		*ret = build_format(port, id, rate, b);
		break;
	case SPA_PARAM_Buffers:
		*ret = build_buffers(port, quantum_limit, b);
		break;
	case SPA_PARAM_IO:
		return segue_params_build_io(SPA_IO_Buffers, sizeof(struct spa_io_buffers), b, ret);
	case SPA_PARAM_Latency:
		*ret = spa_latency_build(b, id, &port->latency[index]);
		break;
	default:
		return -ENOENT;
	}
	return *ret != NULL ? 1 : -ENOMEM;
}

/* ---------------------------------------------------------------- setting */

static int check_planar_format(const struct segue_shell_port *port, const struct spa_pod *format)
{
	struct spa_audio_info_raw info = { 0 };

	if (spa_format_audio_raw_parse(format, &info) < 0 || info.format != SPA_AUDIO_FORMAT_F32P ||
	    info.channels != port->n_planes || info.rate == 0 || info.rate > INT32_MAX)
		return -EINVAL;
	return info.rate;
}

int segue_shell_port_check_format(const struct segue_shell_port *port, const struct spa_pod *format)
{
	struct spa_audio_info_dsp info = { 0 };
	uint32_t type, subtype;

	if (spa_format_parse(format, &type, &subtype) < 0)
		return -EINVAL;
	if (port->n_planes > 0)
		return type == SPA_MEDIA_TYPE_audio && subtype == SPA_MEDIA_SUBTYPE_raw ?
				check_planar_format(port, format) : -EINVAL;
	if (port->is_midi)
		return type == SPA_MEDIA_TYPE_application && subtype == SPA_MEDIA_SUBTYPE_control ?
				0 : -EINVAL;
	if (type != SPA_MEDIA_TYPE_audio || subtype != SPA_MEDIA_SUBTYPE_dsp)
		return -EINVAL;
	if (spa_format_audio_dsp_parse(format, &info) < 0 || info.format != SPA_AUDIO_FORMAT_DSP_F32)
		return -EINVAL;
	return 0;
}

void segue_shell_port_set_have_format(struct segue_shell_port *port, bool have_format)
{
	port->have_format = have_format;
	port->params[IDX_FORMAT].flags ^= SPA_PARAM_INFO_SERIAL;
	SPA_FLAG_UPDATE(port->params[IDX_FORMAT].flags, SPA_PARAM_INFO_READ, have_format);
	port->params[IDX_BUFFERS].flags ^= SPA_PARAM_INFO_SERIAL;
	SPA_FLAG_UPDATE(port->params[IDX_BUFFERS].flags, SPA_PARAM_INFO_READ, have_format);
	port->info.change_mask |= SPA_PORT_CHANGE_MASK_PARAMS;
}

void segue_shell_port_touch_buffers(const struct segue_shell_port *port, struct spa_buffer *const buffers[],
		uint32_t n_buffers)
{
	bool is_written = port->direction == SPA_DIRECTION_OUTPUT;

	for (uint32_t i = 0; i < n_buffers; i++) {
		for (uint32_t j = 0; j < segue_shell_port_n_rt(port); j++) {
			const struct spa_data *d = &buffers[i]->datas[j];

			segue_pages_touch(d->data, d->maxsize, is_written);
			segue_pages_touch(d->chunk, sizeof(*d->chunk), is_written);
		}
	}
}

static void latency_changed(struct segue_shell_port *port)
{
	port->params[IDX_LATENCY].flags ^= SPA_PARAM_INFO_SERIAL;
	port->info.change_mask |= SPA_PORT_CHANGE_MASK_PARAMS;
}

void segue_shell_port_tell_latency(struct segue_shell_port *port, struct spa_latency_info info)
{
	if (spa_latency_info_compare(&port->latency[port->direction], &info) == 0)
		return;
	port->latency[port->direction] = info;
	latency_changed(port);
}

int segue_shell_port_set_latency(struct segue_shell_port *port, const struct spa_pod *param)
{
	enum spa_direction other = SPA_DIRECTION_REVERSE(port->direction);
	struct spa_latency_info info = SPA_LATENCY_INFO(other);

	if (param != NULL && (spa_latency_parse(param, &info) < 0 || info.direction != other))
		return -EINVAL;
	port->latency[other] = info;
	latency_changed(port);
	return 0;
}
