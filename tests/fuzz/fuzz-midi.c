/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* What arrives at midi_in, cycle after cycle: MIDI 1.0 and UMP in good sequences, or bytes that call themselves
 * one. */

#include <math.h>
#include <string.h>

#include <spa/buffer/buffer.h>
#include <spa/control/control.h>
#include <spa/node/command.h>
#include <spa/node/io.h>
#include <spa/node/utils.h>
#include <spa/param/audio/dsp-utils.h>
#include <spa/param/param.h>

#include "rt/midi.h"

#include "fuzz-node.h"

#define CHANNELS	2u
#define FRAMES_MAX	8192u
#define LOUDEST		100.0f	/* more than all voices of full scale together, at segue.gain = 0.25 */
#define CYCLES_MAX	16u

struct port {
	struct spa_io_buffers io;
	struct spa_buffer buffer;
	struct spa_data data;
	struct spa_chunk chunk;
};

static struct port outputs[CHANNELS], midi;
static float heard[CHANNELS][FRAMES_MAX];
static struct spa_io_position position;

/* -------------------------------------------------------------------- node */

static void connect_port(struct spa_node *node, enum spa_direction direction, uint32_t id, struct port *port,
		const struct spa_pod *format)
{
	struct spa_buffer *buffers[] = { &port->buffer };

	port->buffer = (struct spa_buffer) { .n_datas = 1, .datas = &port->data };
	port->data.type = SPA_DATA_MemPtr;
	port->data.chunk = &port->chunk;
	port->io = (struct spa_io_buffers) { SPA_STATUS_NEED_DATA, SPA_ID_INVALID };
	fuzz_check(spa_node_port_set_io(node, direction, id, SPA_IO_Buffers, &port->io, sizeof(port->io)) == 0 &&
			spa_node_port_set_param(node, direction, id, SPA_PARAM_Format, 0, format) == 0 &&
			spa_node_port_use_buffers(node, direction, id, 0, buffers, 1) == 0, "port %u", id);
}

static void connect_ports(struct spa_node *node)
{
	struct spa_audio_info_dsp info = { .format = SPA_AUDIO_FORMAT_DSP_F32 };
	static uint64_t room;	/* of a buffer before there are bytes */
	uint8_t pod[256];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(pod, sizeof(pod));
	struct spa_pod *format = spa_format_audio_dsp_build(&b, SPA_PARAM_Format, &info);

	for (uint32_t c = 0; c < CHANNELS; c++) {
		outputs[c].data.data = heard[c];
		outputs[c].data.maxsize = sizeof(heard[c]);
		connect_port(node, SPA_DIRECTION_OUTPUT, c, &outputs[c], format);
	}
	spa_pod_builder_init(&b, pod, sizeof(pod));
	format = spa_pod_builder_add_object(&b, SPA_TYPE_OBJECT_Format, SPA_PARAM_Format,
			SPA_FORMAT_mediaType, SPA_POD_Id(SPA_MEDIA_TYPE_application),
			SPA_FORMAT_mediaSubtype, SPA_POD_Id(SPA_MEDIA_SUBTYPE_control));
	midi.data.data = &room;
	midi.data.maxsize = sizeof(room);
	connect_port(node, SPA_DIRECTION_INPUT, 0, &midi, format);
}

static void set_text(struct segue_node *node, const char *key, const char *text)
{
	const struct segue_value value = { .type = SEGUE_VALUE_STRING, .s = text };
	struct segue_error error;

	fuzz_check(node->methods->set(node, key, &value, &error) == 0, "%s", error.message);
}

static struct fuzz_node begin(struct fuzz_input *input, uint64_t *kept)
{
	static const char *const triggers[] = { "notes", "always" }, *const channels[] = { "0", "1", "16" };
	static struct segue_sound *sounds[2];
	const struct segue_options options = SEGUE_OPTIONS_INIT;
	struct fuzz_node node;
	struct segue_error error;
	uint64_t serial;

	if (sounds[0] == NULL) {
		sounds[0] = fuzz_wave("saw", 0.0);
		sounds[1] = fuzz_wave("noise", 0.05);
		*kept = fuzz_bytes();
	}
	node = fuzz_node_new(SEGUE_FACTORY_SOURCE, false);
	position.clock = (struct spa_io_clock) { .id = 1, .rate = { 1, 48000 } };
	fuzz_check(spa_node_set_io(node.node, SPA_IO_Position, &position, sizeof(position)) == 0, "no position");
	connect_ports(node.node);
	set_text(node.control, "segue.trigger", fuzz_pick(input, triggers));
	set_text(node.control, "segue.channel", fuzz_pick(input, channels));
	fuzz_check(node.control->methods->request(node.control, fuzz_pick(input, sounds), &options, &serial,
				&error) == 0, "%s", error.message);
	fuzz_check(spa_node_send_command(node.node, &SPA_NODE_COMMAND_INIT(SPA_NODE_COMMAND_Start)) == 0, "no start");
	return node;
}

/* ------------------------------------------------------------------ cycles */

static void run(struct spa_node *node, uint32_t n_frames)
{
	struct spa_io_clock *clock = &position.clock;

	clock->duration = n_frames;
	fuzz_check(spa_node_process(node) == (SPA_STATUS_HAVE_DATA | SPA_STATUS_NEED_DATA), "the graph would stall");
	for (uint32_t c = 0; c < CHANNELS; c++) {
		fuzz_check(outputs[c].chunk.size == n_frames * sizeof(float), "%u bytes", outputs[c].chunk.size);
		for (uint32_t i = 0; i < n_frames; i++)
			fuzz_check(fabsf(heard[c][i]) <= LOUDEST, "frame %u is %g", i, heard[c][i]);
		outputs[c].io.status = SPA_STATUS_NEED_DATA;
	}
	clock->position += n_frames;
	clock->nsec += n_frames * SPA_NSEC_PER_SEC / clock->rate.denom;
}

/* Just these bytes: what is read behind them is seen by a sanitizer. */
static void run_with(struct spa_node *node, const uint8_t *bytes, uint32_t size, uint32_t offset, uint32_t n_frames)
{
	void *before = midi.data.data;
	uint32_t room = midi.data.maxsize;

	if ((midi.data.data = malloc(SPA_MAX(size, 1u))) == NULL)
		abort();
	memcpy(midi.data.data, bytes, size);
	midi.data.maxsize = size;
	midi.chunk = (struct spa_chunk) { .offset = offset, .size = size };
	midi.io = (struct spa_io_buffers) { SPA_STATUS_HAVE_DATA, 0 };
	run(node, n_frames);
	free(midi.data.data);
	midi.data.data = before;
	midi.data.maxsize = room;
}

/* Events are a frame, a length of which the highest bit says UMP, and so many bytes; one of length 0 ends a cycle.
 * \return bytes used */
static size_t build_sequence(const struct fuzz_input *input, struct spa_pod_builder *b)
{
	struct spa_pod_frame f;
	size_t used = 0;

	spa_pod_builder_push_sequence(b, &f, 0);
	while (used + 2 <= input->size) {
		const uint8_t *event = input->data + used;
		uint32_t length = SPA_MIN(event[1] & 0x7fu, input->size - used - 2);

		used += 2 + length;
		if (length == 0)
			break;
		spa_pod_builder_control(b, event[0], event[1] & 0x80 ? SEGUE_CONTROL_UMP : SPA_CONTROL_Midi);
		spa_pod_builder_bytes(b, event + 2, length);
	}
	spa_pod_builder_pop(b, &f);
	return SPA_MAX(used, 1u);
}

static void run_good(struct spa_node *node, struct fuzz_input *input, uint32_t n_frames)
{
	static uint8_t buffer[65536];

	for (uint32_t i = 0; input->size > 0 && i < CYCLES_MAX; i++) {
		struct spa_pod_builder b = SPA_POD_BUILDER_INIT(buffer, sizeof(buffer));
		size_t used = build_sequence(input, &b);

		input->data += used;
		input->size -= used;
		run_with(node, buffer, SPA_MIN(b.state.offset, sizeof(buffer)), 0, n_frames);
	}
}

/* --------------------------------------------------------------------- end */

static void end(struct fuzz_node *node, uint64_t kept)
{
	struct segue_node_info info;
	struct segue_error error;

	node->control->methods->info(node->control, &info);
	fuzz_check(info.n_voices <= 64, "%u voices", info.n_voices);
	set_text(node->control, "segue.trigger", "notes");
	fuzz_check(node->control->methods->notes_off(node->control, &error) == 0, "%s", error.message);
	for (uint32_t i = 0; i < 3; i++)
		run(node->node, FRAMES_MAX);
	node->control->methods->info(node->control, &info);
	fuzz_check(info.n_voices == 0, "%u voices are left", info.n_voices);
	for (uint32_t i = 0; i < FRAMES_MAX; i++)
		fuzz_check(heard[0][i] == 0.0f && heard[1][i] == 0.0f, "frame %u isn't silent", i);
	fuzz_node_free(node, kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t quanta[] = { 256, 1, 64, 1000 };
	static uint64_t kept;
	struct fuzz_input input = { data, size };
	uint32_t n_frames = fuzz_pick(&input, quanta);
	bool is_raw = fuzz_choose(&input, 2);
	struct fuzz_node node = begin(&input, &kept);

	if (is_raw)
		run_with(node.node, input.data, input.size, fuzz_choose(&input, 64), n_frames);
	else
		run_good(node.node, &input, n_frames);
	run(node.node, n_frames);
	end(&node, kept);
	return 0;
}
