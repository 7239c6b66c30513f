/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "node-shell.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <spa/control/control.h>
#include <spa/node/command.h>
#include <spa/node/utils.h>
#include <spa/param/audio/dsp-utils.h>
#include <spa/param/audio/raw.h>
#include <spa/param/buffers.h>
#include <spa/param/latency-utils.h>
#include <spa/param/props.h>
#include <spa/pod/builder.h>
#include <spa/pod/iter.h>

#include "shell-fixture.h"

static int enum_port(struct fixture *f, enum spa_direction direction, uint32_t port, uint32_t id)
{
	f->n_results = 0;
	return spa_node_port_enum_params(&f->shell.sides[0].node, 1, direction, port, id, 0, 100, NULL);
}

static const struct spa_pod *result(struct fixture *f)
{
	return (const struct spa_pod *)f->result;
}

/* ------------------------------------------------------------ description */

static void a_listener_is_told_everything(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->n_infos, 1);
	assert_int_equal(f->n_port_infos[IN], 3);
	assert_int_equal(f->n_port_infos[OUT], 2);
	assert_string_equal(spa_dict_lookup(&f->node_props, "node.name"), "room");
	assert_string_equal(spa_dict_lookup(&f->node_props, "node.description"), "room");
	assert_string_equal(spa_dict_lookup(&f->node_props, "media.type"), "Audio");
	assert_string_equal(spa_dict_lookup(&f->node_props, "media.category"), "Filter");
	assert_string_equal(spa_dict_lookup(&f->node_props, "media.role"), "DSP");
	assert_null(spa_dict_lookup(&f->node_props, "media.class"));
	assert_string_equal(f->port_names[OUT][0], "output_FL|room:output_FL|32 bit float mono audio");
	assert_string_equal(f->port_names[IN][1], "input_FR|room:input_FR|32 bit float mono audio");
	assert_string_equal(f->port_names[IN][2], "midi_in|room:midi_in|8 bit raw midi");
	assert_string_equal(f->port_channels[OUT][1], "FR");
	assert_string_equal(f->port_channels[IN][2], "");
}

static void a_second_listener_does_not_repeat_it_to_the_first(void **state)
{
	struct fixture *f = *state, other = { 0 };
	struct spa_hook hook;

	spa_node_add_listener(&f->shell.sides[0].node, &hook, &shell_events, &other);
	assert_int_equal(other.n_infos, 1);
	assert_int_equal(other.n_port_infos[IN] + other.n_port_infos[OUT], 5);
	assert_int_equal(f->n_infos, 1);
	spa_hook_remove(&hook);
}

static int position_of(const char *text, uint32_t *ids)
{
	struct spa_dict_item item = SPA_DICT_ITEM_INIT("audio.position", text);

	return segue_shell_position(&SPA_DICT_INIT(&item, 1), NULL, ids);
}

static void the_position_is_read_in_either_notation(void **state)
{
	uint32_t ids[SEGUE_PORT_CHANNELS_MAX] = { 0 };
	char many[2048] = "";
	uint32_t i;

	assert_int_equal(segue_shell_position(NULL, NULL, ids), 2);
	assert_int_equal(position_of("[ FR FL LFE ]", ids), 3);
	assert_int_equal(ids[0], SPA_AUDIO_CHANNEL_FR);
	assert_int_equal(ids[2], SPA_AUDIO_CHANNEL_LFE);
	assert_int_equal(position_of("MONO", ids), 1);
	assert_int_equal(ids[0], SPA_AUDIO_CHANNEL_MONO);
	assert_int_equal(position_of("FL,AUX63", ids), 2);
	assert_int_equal(ids[1], SPA_AUDIO_CHANNEL_AUX63);
	assert_int_equal(position_of("", ids), -EINVAL);
	assert_int_equal(position_of("[ ]", ids), -EINVAL);
	assert_int_equal(position_of("[ FL XY ]", ids), -EINVAL);
	assert_int_equal(position_of("[ FL FL ]", ids), -EINVAL);
	assert_int_equal(position_of("[ FL", ids), -EINVAL);
	assert_int_equal(position_of("[ FL }", ids), -EINVAL);
	assert_int_equal(position_of("FL ]", ids), -EINVAL);
	for (i = 0; i < 64; i++)
		snprintf(many + strlen(many), 8, "AUX%u ", i);
	assert_int_equal(position_of(many, ids), 64);
	strcat(many, "FL");
	assert_int_equal(position_of(many, ids), -EINVAL);
}

static void either_side_may_have_a_position_of_its_own(void **state)
{
	uint32_t ids[SEGUE_PORT_CHANNELS_MAX] = { 0 };
	struct spa_dict_item items[] = {
		SPA_DICT_ITEM_INIT("audio.position", "[ FL FR ]"),
		SPA_DICT_ITEM_INIT("capture.props", "{ a = { b = [ c ] } \"audio.position\": [ \"FC\", LFE SL ] }"),
		SPA_DICT_ITEM_INIT("playback.props", "{ node.passive = true }"),
	};
	struct spa_dict dict = SPA_DICT_INIT_ARRAY(items);

	assert_int_equal(segue_shell_position(&dict, "capture.props", ids), 3);
	assert_int_equal(ids[0], SPA_AUDIO_CHANNEL_FC);
	assert_int_equal(ids[2], SPA_AUDIO_CHANNEL_SL);
	assert_int_equal(segue_shell_position(&dict, "playback.props", ids), 2);
	assert_int_equal(ids[1], SPA_AUDIO_CHANNEL_FR);
	items[1].value = "FL FR";
	assert_int_equal(segue_shell_position(&dict, "capture.props", ids), -EINVAL);
	items[1].value = "{ audio.position = [ MONO }";
	assert_int_equal(segue_shell_position(&dict, "capture.props", ids), -EINVAL);
	items[1].value = "{ audio.position = MONO }";
	assert_int_equal(segue_shell_position(&dict, "capture.props", ids), 1);
}

static void a_nameless_node_is_called_as_its_type(void **state)
{
	struct fixture *f = *state;
	const struct segue_shell_config config = { .name = "segue.source", .category = "Source" };
	struct segue_shell shell;
	const struct spa_support *support;
	uint32_t n_support;

	support = host_support(f->host, &n_support);
	assert_int_equal(segue_shell_init(&shell, support, n_support, NULL, &config, &f->control.iface,
				&shell_ops, f), 0);
	assert_string_equal(spa_dict_lookup(shell.sides[0].info.node.props, "node.name"), "segue.source");
	segue_shell_clear(&shell);
	segue_shell_clear(&shell);
	/* no data loop, no node */
	assert_int_equal(segue_shell_init(&shell, NULL, 0, NULL, &config, &f->control.iface, &shell_ops, f),
			-EINVAL);
	segue_shell_clear(&shell);
}

/* ----------------------------------------------------------------- params */

static void unknown_params_and_ports_are_refused(void **state)
{
	struct fixture *f = *state;
	struct spa_node *node = &f->shell.sides[0].node;

	assert_int_equal(spa_node_enum_params(node, 1, SPA_PARAM_EnumFormat, 0, 1, NULL), -ENOENT);
	assert_int_equal(spa_node_enum_params(node, 1, SPA_PARAM_Props, 0, 0, NULL), -EINVAL);
	assert_int_equal(enum_port(f, OUT, 0, SPA_PARAM_Props), -ENOENT);
	assert_int_equal(enum_port(f, OUT, 2, SPA_PARAM_EnumFormat), -EINVAL);
	assert_int_equal(enum_port(f, IN, 3, SPA_PARAM_EnumFormat), -EINVAL);
	assert_int_equal(spa_node_set_io(node, SPA_IO_Memory, NULL, 0), -ENOENT);
	assert_int_equal(spa_node_port_set_io(node, OUT, 0, SPA_IO_Range, NULL, 0), -ENOENT);
	assert_int_equal(spa_node_set_param(node, SPA_PARAM_Format, 0, NULL), -ENOENT);
	assert_int_equal(spa_node_add_port(node, OUT, 9, NULL), -ENOTSUP);
	assert_int_equal(spa_node_remove_port(node, OUT, 0), -ENOTSUP);
	assert_int_equal(spa_node_send_command(node, &SPA_NODE_COMMAND_INIT(SPA_NODE_COMMAND_Drain)),
			-ENOTSUP);
	assert_int_equal(spa_node_send_command(node, &SPA_NODE_COMMAND_INIT(SPA_NODE_COMMAND_ParamBegin)),
			0);
}

static void sync_answers_with_its_number(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(spa_node_sync(&f->shell.sides[0].node, 7), 0);
	assert_int_equal(f->n_results, 1);
	assert_int_equal(f->last_seq, 7);
}

static void all_property_infos_can_be_read_in_parts(void **state)
{
	struct fixture *f = *state;
	struct spa_node *node = &f->shell.sides[0].node;

	assert_int_equal(spa_node_enum_params(node, 1, SPA_PARAM_PropInfo, 0, 1000, NULL), 0);
	assert_int_equal(f->n_results, 3 + DUMMY_N_PROPERTIES);
	f->n_results = 0;
	assert_int_equal(spa_node_enum_params(node, 1, SPA_PARAM_PropInfo, 2, 3, NULL), 0);
	assert_int_equal(f->n_results, 3);
}

static void a_filter_selects(void **state)
{
	struct fixture *f = *state;
	uint8_t buffer[256];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(buffer, sizeof(buffer));
	const struct spa_pod *filter = spa_pod_builder_add_object(&b, SPA_TYPE_OBJECT_PropInfo,
			SPA_PARAM_PropInfo, SPA_PROP_INFO_name, SPA_POD_String("segue.fade"));
	const char *name = NULL;

	assert_int_equal(spa_node_enum_params(&f->shell.sides[0].node, 1, SPA_PARAM_PropInfo, 0, 1000, filter), 0);
	assert_int_equal(f->n_results, 1);
	assert_true(spa_pod_parse_object(result(f), SPA_TYPE_OBJECT_PropInfo, NULL,
			SPA_PROP_INFO_name, SPA_POD_String(&name)) >= 0);
	assert_string_equal(name, "segue.fade");
}

static void a_port_speaks_of_buffers_once_it_has_a_format(void **state)
{
	struct fixture *f = *state;
	uint8_t pod[256];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(pod, sizeof(pod));
	struct spa_audio_info_dsp info = { .format = SPA_AUDIO_FORMAT_DSP_F32 };
	struct spa_buffer buffer = { 0 }, *buffers[] = { &buffer };
	struct spa_node *node = &f->shell.sides[0].node;
	const struct spa_pod_prop *size;
	uint32_t n_values, kind;

	assert_int_equal(enum_port(f, OUT, 0, SPA_PARAM_EnumFormat), 0);
	assert_int_equal(f->n_results, 1);
	assert_int_equal(enum_port(f, OUT, 0, SPA_PARAM_Format), -EIO);
	assert_int_equal(enum_port(f, OUT, 0, SPA_PARAM_Buffers), -EIO);
	assert_int_equal(spa_node_port_use_buffers(node, OUT, 0, 0, buffers, 1), -EIO);
	assert_int_equal(spa_node_port_set_param(node, OUT, 0, SPA_PARAM_Format, 0,
			spa_format_audio_dsp_build(&b, SPA_PARAM_Format, &info)), 0);
	assert_int_equal(f->n_port_infos[OUT], 3);
	assert_int_equal(enum_port(f, OUT, 0, SPA_PARAM_Format), 0);
	assert_int_equal(f->n_results, 1);
	assert_int_equal(enum_port(f, OUT, 0, SPA_PARAM_Buffers), 0);
	assert_non_null(size = spa_pod_find_prop(result(f), NULL, SPA_PARAM_BUFFERS_size));
	assert_int_equal(*(int32_t *)SPA_POD_BODY(spa_pod_get_values(&size->value, &n_values, &kind)),
			4096 * sizeof(float));
	/* a buffer without memory */
	assert_int_equal(spa_node_port_use_buffers(node, OUT, 0, 0, buffers, 1), -EINVAL);
	assert_int_equal(spa_node_port_use_buffers(node, OUT, 0, 0, buffers, 65), -ENOSPC);
	assert_int_equal(spa_node_port_set_param(node, OUT, 0, SPA_PARAM_Format, 0, NULL), 0);
	assert_int_equal(enum_port(f, OUT, 0, SPA_PARAM_Format), -EIO);
}

static void another_format_is_refused(void **state)
{
	struct fixture *f = *state;
	uint8_t pod[256];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(pod, sizeof(pod));
	struct spa_audio_info_dsp info = { .format = SPA_AUDIO_FORMAT_S16 };
	const struct spa_pod *format = spa_format_audio_dsp_build(&b, SPA_PARAM_Format, &info);

	assert_int_equal(spa_node_port_set_param(&f->shell.sides[0].node, OUT, 0, SPA_PARAM_Format, 0, format), -EINVAL);
	info.format = SPA_AUDIO_FORMAT_DSP_F32;
	format = spa_format_audio_dsp_build(&b, SPA_PARAM_Format, &info);
	/* audio into the MIDI port */
	assert_int_equal(spa_node_port_set_param(&f->shell.sides[0].node, IN, 2, SPA_PARAM_Format, 0, format), -EINVAL);
}

static void the_midi_port_asks_for_midi_1(void **state)
{
	struct fixture *f = *state;
	const struct spa_pod_prop *types;
	struct spa_pod *choice;
	uint32_t n_values, kind;

	assert_int_equal(enum_port(f, IN, 2, SPA_PARAM_EnumFormat), 0);
	assert_int_equal(f->n_results, 1);
	types = spa_pod_find_prop(result(f), NULL, 0x60001);
	assert_non_null(types);
	choice = spa_pod_get_values(&types->value, &n_values, &kind);
	assert_int_equal(*(int32_t *)SPA_POD_BODY(choice), 1 << SPA_CONTROL_Midi);
	/* and takes what it offers */
	assert_int_equal(spa_node_port_set_param(&f->shell.sides[0].node, IN, 2, SPA_PARAM_Format, 0, result(f)), 0);
}

static void the_midi_port_wants_a_buffer_to_be_filled_while_it_reads_another(void **state)
{
	struct fixture *f = *state;
	const struct spa_pod_prop *buffers;
	uint32_t n_values, kind;

	assert_int_equal(enum_port(f, IN, 2, SPA_PARAM_EnumFormat), 0);
	assert_int_equal(spa_node_port_set_param(&f->shell.sides[0].node, IN, 2, SPA_PARAM_Format, 0, result(f)), 0);
	assert_int_equal(enum_port(f, IN, 2, SPA_PARAM_Buffers), 0);
	assert_non_null(buffers = spa_pod_find_prop(result(f), NULL, SPA_PARAM_BUFFERS_buffers));
	assert_int_equal(*(int32_t *)SPA_POD_BODY(spa_pod_get_values(&buffers->value, &n_values, &kind)), 2);
}

static void latency_of_the_other_side_is_kept(void **state)
{
	struct fixture *f = *state;
	uint8_t pod[256];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(pod, sizeof(pod));
	struct spa_latency_info info = SPA_LATENCY_INFO(SPA_DIRECTION_INPUT, .min_rate = 64, .max_rate = 64);
	const struct spa_pod *param = spa_latency_build(&b, SPA_PARAM_Latency, &info);
	struct spa_latency_info got;

	assert_int_equal(spa_node_port_set_param(&f->shell.sides[0].node, OUT, 0, SPA_PARAM_Latency, 0, param), 0);
	assert_int_equal(spa_node_port_set_param(&f->shell.sides[0].node, IN, 0, SPA_PARAM_Latency, 0, param), -EINVAL);
	f->n_results = 0;
	assert_int_equal(spa_node_port_enum_params(&f->shell.sides[0].node, 1, OUT, 0, SPA_PARAM_Latency, IN, 1, NULL), 0);
	assert_int_equal(f->n_results, 1);
	assert_int_equal(spa_latency_parse(result(f), &got), 0);
	assert_int_equal(got.min_rate, 64);
}

static struct spa_latency_info latency_of(struct fixture *f, enum spa_direction direction, uint32_t port,
		enum spa_direction of)
{
	struct spa_latency_info info = { 0 };

	f->n_results = 0;
	assert_int_equal(spa_node_port_enum_params(&f->shell.sides[0].node, 1, direction, port, SPA_PARAM_Latency, of, 1,
				NULL), 0);
	assert_int_equal(f->n_results, 1);
	assert_int_equal(spa_latency_parse(result(f), &info), 0);
	return info;
}

static void tell_latency(struct fixture *f, enum spa_direction direction, uint32_t port, uint32_t frames)
{
	uint8_t pod[256];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(pod, sizeof(pod));
	struct spa_latency_info info = SPA_LATENCY_INFO(SPA_DIRECTION_REVERSE(direction),
			.min_rate = frames, .max_rate = frames);

	assert_int_equal(spa_node_port_set_param(&f->shell.sides[0].node, direction, port, SPA_PARAM_Latency, 0,
				spa_latency_build(&b, SPA_PARAM_Latency, &info)), 0);
}

static void latency_passes_through_and_grows_by_the_nodes_own(void **state)
{
	struct fixture *f = *state;
	struct spa_process_latency_info process;
	struct spa_latency_info info;

	tell_latency(f, IN, 0, 100);
	tell_latency(f, IN, 1, 300);
	tell_latency(f, OUT, 0, 50);
	segue_shell_set_latency(&f->shell, 2000000);
	info = latency_of(f, OUT, 1, OUT);
	assert_int_equal(info.max_rate, 300);
	assert_int_equal(info.min_ns, 2000000);
	info = latency_of(f, IN, 1, IN);
	assert_int_equal(info.max_rate, 50);
	assert_int_equal(info.max_ns, 2000000);
	/* what a port has been told it doesn't tell back */
	assert_int_equal(latency_of(f, IN, 0, OUT).max_ns, 0);
	f->n_results = 0;
	assert_int_equal(spa_node_enum_params(&f->shell.sides[0].node, 1, SPA_PARAM_ProcessLatency, 0, 1, NULL), 0);
	assert_int_equal(spa_process_latency_parse(result(f), &process), 0);
	assert_int_equal(process.ns, 2000000);
}

/* ------------------------------------------------------------------ Props */

static int set_volume(struct fixture *f, float volume)
{
	uint8_t pod[256];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(pod, sizeof(pod));
	const struct spa_pod *props = spa_pod_builder_add_object(&b, SPA_TYPE_OBJECT_Props, SPA_PARAM_Props,
			SPA_PROP_volume, SPA_POD_Float(volume),
			SPA_PROP_mute,   SPA_POD_Bool(true));

	return spa_node_set_param(&f->shell.sides[0].node, SPA_PARAM_Props, 0, props);
}

static void one_set_flips_the_serial_once_and_is_told_whole(void **state)
{
	struct fixture *f = *state;
	uint32_t before = f->props_flags;

	assert_int_equal(set_volume(f, 0.5f), 0);
	assert_true(f->control.volume == 0.5 && f->control.mute);
	assert_int_equal(f->n_infos, 2);
	assert_int_equal(f->props_flags, before ^ SPA_PARAM_INFO_SERIAL);
	host_run(f->host, 250);
	assert_int_equal(f->n_infos, 2);
}

static void a_bad_set_is_refused_without_a_sign_of_change(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set_volume(f, -1.0f), -EINVAL);
	assert_true(f->control.volume == 1.0 && !f->control.mute);
	assert_int_equal(f->n_infos, 1);
}

static void a_storm_of_changes_is_told_ten_times_a_second(void **state)
{
	struct fixture *f = *state;
	uint32_t i;

	for (i = 0; i < 250; i++) {
		dummy_node_change(&f->control, SEGUE_NODE_CHANGE_STATE);
		host_run(f->host, 1);
	}
	assert_in_range(f->n_infos, 3, 20);
	/* the last one always, then nothing */
	host_run(f->host, 250);
	i = f->n_infos;
	host_run(f->host, 250);
	assert_int_equal(f->n_infos, i);
	dummy_node_change(&f->control, SEGUE_NODE_CHANGE_STATE);
	assert_int_equal(f->n_infos, i + 1);
	/* a new rate isn't among the Props */
	host_run(f->host, 250);
	dummy_node_change(&f->control, SEGUE_NODE_CHANGE_RATE);
	assert_int_equal(f->n_infos, i + 1);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, shell_setup, shell_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_listener_is_told_everything),
		TEST(a_second_listener_does_not_repeat_it_to_the_first),
		TEST(the_position_is_read_in_either_notation),
		TEST(either_side_may_have_a_position_of_its_own),
		TEST(a_nameless_node_is_called_as_its_type),
		TEST(unknown_params_and_ports_are_refused),
		TEST(sync_answers_with_its_number),
		TEST(all_property_infos_can_be_read_in_parts),
		TEST(a_filter_selects),
		TEST(a_port_speaks_of_buffers_once_it_has_a_format),
		TEST(another_format_is_refused),
		TEST(the_midi_port_asks_for_midi_1),
		TEST(the_midi_port_wants_a_buffer_to_be_filled_while_it_reads_another),
		TEST(latency_of_the_other_side_is_kept),
		TEST(latency_passes_through_and_grows_by_the_nodes_own),
		TEST(one_set_flips_the_serial_once_and_is_told_whole),
		TEST(a_bad_set_is_refused_without_a_sign_of_change),
		TEST(a_storm_of_changes_is_told_ten_times_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
