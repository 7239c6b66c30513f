/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "props.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <spa/debug/types.h>
#include <spa/param/param.h>
#include <spa/param/props.h>
#include <spa/param/type-info.h>
#include <spa/pod/dynamic.h>
#include <spa/pod/iter.h>
#include <spa/pod/parser.h>
#include <spa/utils/json-pod.h>

#include <cmocka.h>

#include "dummy-node.h"

#define N_STANDARD	3u

struct fixture {
	struct dummy_node node, before;
	struct segue_error error;
};

static int setup(void **state)
{
	static struct fixture f;

	dummy_node_init(&f.node);
	f.error = (struct segue_error) { 0 };
	*state = &f;
	return 0;
}

/* what pw-cli set-param sends */
static int set_json(struct fixture *f, const char *text)
{
	uint8_t buffer[8192];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(buffer, sizeof(buffer));

	assert_int_equal(spa_json_to_pod(&b, 0,
			spa_debug_type_find(spa_type_param, SPA_PARAM_Props), text, strlen(text)), 0);
	f->before = f->node;
	return segue_props_set(&f->node.iface, false, (struct spa_pod *)buffer, &f->error);
}

static void assert_unchanged(struct fixture *f)
{
	assert_memory_equal(f->before.numbers, f->node.numbers, sizeof(f->node.numbers));
	assert_memory_equal(f->before.texts, f->node.texts, sizeof(f->node.texts));
	assert_memory_equal(f->before.channel_volumes, f->node.channel_volumes,
			sizeof(f->node.channel_volumes));
	assert_true(f->before.volume == f->node.volume && f->before.mute == f->node.mute);
}

static void assert_refused(struct fixture *f, const char *text, int res, const char *key)
{
	assert_int_equal(set_json(f, text), res);
	if (strstr(f->error.message, key) == NULL)
		fail_msg("'%s' doesn't name %s", f->error.message, key);
	assert_unchanged(f);
	assert_int_equal(f->node.n_sets, 0);
}

static void every_type_of_number_sets_a_number(void **state)
{
	struct fixture *f = *state;
	uint8_t buffer[1024];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(buffer, sizeof(buffer));
	struct spa_pod_frame object, params;
	struct spa_pod *pod;

	spa_pod_builder_push_object(&b, &object, SPA_TYPE_OBJECT_Props, SPA_PARAM_Props);
	spa_pod_builder_prop(&b, SPA_PROP_params, 0);
	spa_pod_builder_push_struct(&b, &params);
	spa_pod_builder_string(&b, "segue.gain");
	spa_pod_builder_double(&b, 0.1);
	spa_pod_builder_string(&b, "segue.fade");
	spa_pod_builder_long(&b, 3);
	spa_pod_builder_string(&b, "segue.voices");
	spa_pod_builder_float(&b, 7.0f);
	spa_pod_builder_string(&b, "segue.bypass");
	spa_pod_builder_int(&b, 1);
	spa_pod_builder_pop(&b, &params);
	pod = spa_pod_builder_pop(&b, &object);

	assert_int_equal(segue_props_set(&f->node.iface, false, pod, &f->error), 4);
	assert_true(f->node.numbers[DUMMY_GAIN] == 0.1);
	assert_true(f->node.numbers[DUMMY_FADE] == 3.0);
	assert_true(f->node.numbers[DUMMY_COUNT] == 7.0);
	assert_true(f->node.numbers[DUMMY_SWITCH] == 1.0);
}

static void what_pw_cli_sends_is_understood(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set_json(f, "{ volume: 0.5, mute: true, channelVolumes: [ 0.25, 0.75 ],"
			" params = [ \"segue.gain\" 2.0 segue.voices 12 segue.bypass true"
			" segue.trigger notes segue.load /a.wav ] }"), 8);
	assert_true(f->node.volume == 0.5 && f->node.mute);
	assert_true(f->node.channel_volumes[0] == 0.25 && f->node.channel_volumes[1] == 0.75);
	assert_true(f->node.numbers[DUMMY_GAIN] == 2.0 && f->node.numbers[DUMMY_COUNT] == 12.0);
	assert_true(f->node.numbers[DUMMY_SWITCH] == 1.0);
	assert_string_equal(f->node.texts[DUMMY_MODE], "notes");
	assert_string_equal(f->node.texts[DUMMY_LOAD], "/a.wav");
}

static void a_list_of_files_arrives_as_text(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set_json(f, "{ params = [ segue.load [ a.wav \"b \\\"2\\\".wav\" ] ] }"), 1);
	assert_string_equal(f->node.texts[DUMMY_LOAD], "[ \"a.wav\" \"b \\\"2\\\".wav\" ]");
	assert_int_equal(set_json(f, "{ params = [ segue.load \"{ file = a.wav gain = 0.5 }\" ] }"), 1);
	assert_string_equal(f->node.texts[DUMMY_LOAD], "{ file = a.wav gain = 0.5 }");
}

static void a_limit_given_as_a_float_is_the_limit(void **state)
{
	struct fixture *f = *state;

	/* 0.01f is less than 0.01 */
	assert_int_equal(set_json(f, "{ params = [ segue.fade 0.01 ] }"), 1);
	assert_true(f->node.numbers[DUMMY_FADE] == 0.01);
}

static void unknown_keys_are_ignored(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set_json(f, "{ params = [ resample.quality 4 other [ a b ] segue.gain 1.0"
			" channelmix.normalize false ] channelMap: [ FL, FR ] }"), 1);
	assert_true(f->node.numbers[DUMMY_GAIN] == 1.0);
}

static void a_bad_value_changes_nothing(void **state)
{
	struct fixture *f = *state;

	assert_refused(f, "{ params = [ segue.gain 1.0 segue.voices 1.5 ] }", -EINVAL, "segue.voices");
	assert_refused(f, "{ params = [ segue.gain 17 ] }", -EINVAL, "segue.gain");
	assert_refused(f, "{ params = [ segue.gain -0.1 ] }", -EINVAL, "segue.gain");
	assert_refused(f, "{ params = [ segue.gain true ] }", -EINVAL, "segue.gain");
	assert_refused(f, "{ params = [ segue.gain loud ] }", -EINVAL, "segue.gain");
	assert_refused(f, "{ params = [ segue.gain [ 1 2 ] ] }", -EINVAL, "segue.gain");
	assert_refused(f, "{ params = [ segue.gain null ] }", -EINVAL, "segue.gain");
	assert_refused(f, "{ params = [ segue.gain ] }", -EINVAL, "segue.gain");
	assert_refused(f, "{ params = [ segue.bypass 2 ] }", -EINVAL, "segue.bypass");
	assert_refused(f, "{ params = [ segue.trigger never ] }", -EINVAL, "segue.trigger");
	assert_refused(f, "{ params = [ segue.load [ 1 2 ] ] }", -EINVAL, "segue.load");
	assert_refused(f, "{ params = [ segue.load 3 ] }", -EINVAL, "segue.load");
	assert_refused(f, "{ volume: 99, params = [ segue.gain 1.0 ] }", -EINVAL, "volume");
	assert_refused(f, "{ params = [ segue.gain 1.0 ] channelVolumes: [ 1.0, 99.0 ] }", -EINVAL,
			"channelVolumes");
	assert_refused(f, "{ channelVolumes: [ ] }", -EINVAL, "channelVolumes");
}

static void nan_is_refused(void **state)
{
	struct fixture *f = *state;
	uint8_t buffer[256];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(buffer, sizeof(buffer));
	struct spa_pod *pod = spa_pod_builder_add_object(&b, SPA_TYPE_OBJECT_Props, SPA_PARAM_Props,
			SPA_PROP_volume, SPA_POD_Float(NAN));

	assert_int_equal(segue_props_set(&f->node.iface, false, pod, &f->error), -EINVAL);
	assert_int_equal(f->node.n_sets, 0);
}

static void what_cannot_be_set_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_refused(f, "{ params = [ segue.gain 1.0 segue.status ready ] }", -EROFS, "segue.status");
	assert_refused(f, "{ params = [ segue.gain 1.0 segue.ir.max 20 ] }", -EROFS, "segue.ir.max");
}

static void a_refused_request_leaves_the_settings_alone(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set_json(f, "{ params = [ segue.gain 1.0 segue.fade 2.0 segue.load "
			DUMMY_BAD_PATH " segue.voices 3 ] volume: 0.5 }"), -ENOENT);
	assert_unchanged(f);
	assert_non_null(strstr(f->error.message, DUMMY_BAD_PATH));
}

static void a_request_is_heard_with_the_fade_beside_it(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set_json(f, "{ params = [ segue.load /a.wav segue.fade 2.0 ] }"), 2);
	assert_true(f->node.fade_of_load == 2.0);
}

static void the_node_is_told_what_came_of_it(void **state)
{
	static const char *const bad[] = { "segue.gain 99.0", "segue.gain", ("segue.load " DUMMY_BAD_PATH) };
	struct fixture *f = *state;
	char text[128];

	for (size_t i = 0; i < SPA_N_ELEMENTS(bad); i++) {
		snprintf(text, sizeof(text), "{ params = [ %s ] }", bad[i]);
		assert_true(set_json(f, text) < 0);
		assert_int_equal(f->node.answer, f->error.res);
		assert_int_equal(set_json(f, "{ params = [ segue.gain 1.0 ] }"), 1);
		assert_int_equal(f->node.answer, 0);
	}
}

/* The first might be heard although the second one is refused. */
static void only_one_sound_is_asked_for_at_a_time(void **state)
{
	struct fixture *f = *state;

	assert_refused(f, "{ params = [ segue.load /a.wav segue.wave saw ] }", -EINVAL, "segue.wave");
	assert_refused(f, "{ params = [ segue.wave [ a b ] segue.load [ c d ] ] }", -EINVAL, "segue.load");
}

/* PipeWire copies as many bytes of an array as it says. */
static void an_array_of_values_of_another_size_is_refused(void **state)
{
	static const float values[1024] = { 0.5f };
	static const uint32_t sizes[] = { 0, 1, 8, 100, sizeof(values) };
	struct fixture *f = *state;

	for (size_t i = 0; i < SPA_N_ELEMENTS(sizes); i++) {
		uint8_t buffer[8192];
		struct spa_pod_builder b = SPA_POD_BUILDER_INIT(buffer, sizeof(buffer));
		struct spa_pod *pod = spa_pod_builder_add_object(&b, SPA_TYPE_OBJECT_Props, SPA_PARAM_Props,
				SPA_PROP_channelVolumes, SPA_POD_Array(sizes[i], SPA_TYPE_Float, 1, values));

		assert_int_equal(segue_props_set(&f->node.iface, false, pod, &f->error), -EINVAL);
		assert_non_null(strstr(f->error.message, "channelVolumes"));
		assert_int_equal(f->node.n_sets, 0);
	}
}

static void what_is_no_props_object_is_refused(void **state)
{
	struct fixture *f = *state;
	struct spa_pod_int number = SPA_POD_INIT_Int(3);

	assert_int_equal(segue_props_set(&f->node.iface, false, &number.pod, &f->error), -EINVAL);
}

static void props_that_were_read_can_be_written_back(void **state)
{
	struct fixture *f = *state;
	uint8_t buffer[64];
	struct spa_pod_dynamic_builder b;
	struct spa_pod *props, *params = NULL;
	struct spa_pod_parser parser;
	struct spa_pod_frame frame;
	const char *key;
	struct spa_pod *value;
	uint32_t n = 0;
	float volume = 0.0f;
	bool mute = false;

	assert_true(set_json(f, "{ volume: 0.5, mute: true, params = [ segue.gain 2.0 segue.load /a.wav ] }") > 0);
	spa_pod_dynamic_builder_init(&b, buffer, sizeof(buffer), 64);
	assert_int_equal(segue_props_build(&f->node.iface, false, &b.b, &props), 1);
	assert_int_equal(spa_pod_parse_object(props, SPA_TYPE_OBJECT_Props, NULL,
			SPA_PROP_volume, SPA_POD_Float(&volume),
			SPA_PROP_mute, SPA_POD_Bool(&mute),
			SPA_PROP_params, SPA_POD_Pod(&params)), 3);
	assert_true(volume == 0.5f && mute);
	spa_pod_parser_pod(&parser, params);
	assert_int_equal(spa_pod_parser_push_struct(&parser, &frame), 0);
	while (spa_pod_parser_get_string(&parser, &key) >= 0) {
		assert_int_equal(spa_pod_parser_get_pod(&parser, &value), 0);
		n++;
	}
	assert_int_equal(n, DUMMY_N_PROPERTIES);

	/* all but what can't be set, and what would be heard anew */
	f->before = f->node;
	assert_true(segue_props_set(&f->node.iface, false, props, &f->error) > 0);
	assert_int_equal(f->node.n_requests, f->before.n_requests);
	assert_true(f->node.numbers[DUMMY_GAIN] == 2.0 && f->node.mute);
	spa_pod_dynamic_builder_clean(&b);
}

static void every_property_has_its_info(void **state)
{
	struct fixture *f = *state;
	uint32_t i, n_params = 0, n_ids = 0;

	for (i = 0; i < N_STANDARD + DUMMY_N_PROPERTIES; i++) {
		uint8_t buffer[4096];
		struct spa_pod_builder b = SPA_POD_BUILDER_INIT(buffer, sizeof(buffer));
		struct spa_pod *info;
		const char *name = NULL, *description = NULL;
		bool params = false;
		uint32_t id = 0;

		assert_int_equal(segue_props_build_info(&f->node.iface, false, i, &b, &info), 1);
		assert_true(spa_pod_parse_object(info, SPA_TYPE_OBJECT_PropInfo, NULL,
				SPA_PROP_INFO_id, SPA_POD_OPT_Id(&id),
				SPA_PROP_INFO_name, SPA_POD_String(&name),
				SPA_PROP_INFO_description, SPA_POD_String(&description),
				SPA_PROP_INFO_params, SPA_POD_OPT_Bool(&params)) >= 2);
		assert_non_null(spa_pod_find_prop(info, NULL, SPA_PROP_INFO_type));
		n_params += params;
		n_ids += id != 0;
	}
	assert_int_equal(n_params, DUMMY_N_PROPERTIES);
	assert_int_equal(n_ids, N_STANDARD);
	assert_int_equal(segue_props_build_info(&f->node.iface, false, i, NULL, NULL), 0);
}

static const struct spa_pod_choice *info_type(struct fixture *f, uint32_t index, uint8_t buffer[4096])
{
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(buffer, 4096);
	struct spa_pod *info, *type = NULL;

	assert_int_equal(segue_props_build_info(&f->node.iface, false, N_STANDARD + index, &b, &info), 1);
	spa_pod_parse_object(info, SPA_TYPE_OBJECT_PropInfo, NULL, SPA_PROP_INFO_type,
			SPA_POD_OPT_PodChoice(&type));
	assert_non_null(type);
	return (const struct spa_pod_choice *)type;
}

static void a_number_has_its_default_and_range(void **state)
{
	uint8_t buffer[4096];
	const struct spa_pod_choice *type = info_type(*state, DUMMY_GAIN, buffer);
	const float *values = SPA_POD_BODY_CONST(&type->body.child);

	assert_int_equal(type->body.type, SPA_CHOICE_Range);
	assert_int_equal(SPA_POD_CHOICE_N_VALUES(type), 3);
	assert_true(values[0] == 0.25f && values[1] == 0.0f && values[2] == 16.0f);
}

static void choices_of_different_lengths_can_all_be_read(void **state)
{
	static const char *const names[] = { "always", "always", "notes", "x" };
	uint8_t buffer[4096];
	const struct spa_pod_choice *type = info_type(*state, DUMMY_MODE, buffer);
	uint32_t i;

	assert_int_equal(type->body.type, SPA_CHOICE_Enum);
	assert_int_equal(SPA_POD_CHOICE_N_VALUES(type), SPA_N_ELEMENTS(names));
	for (i = 0; i < SPA_N_ELEMENTS(names); i++)
		assert_string_equal((const char *)SPA_POD_BODY_CONST(&type->body.child) +
				i * SPA_POD_CHOICE_VALUE_SIZE(type), names[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_type_of_number_sets_a_number, setup),
		cmocka_unit_test_setup(what_pw_cli_sends_is_understood, setup),
		cmocka_unit_test_setup(a_list_of_files_arrives_as_text, setup),
		cmocka_unit_test_setup(a_limit_given_as_a_float_is_the_limit, setup),
		cmocka_unit_test_setup(unknown_keys_are_ignored, setup),
		cmocka_unit_test_setup(a_bad_value_changes_nothing, setup),
		cmocka_unit_test_setup(nan_is_refused, setup),
		cmocka_unit_test_setup(what_cannot_be_set_is_refused, setup),
		cmocka_unit_test_setup(a_refused_request_leaves_the_settings_alone, setup),
		cmocka_unit_test_setup(a_request_is_heard_with_the_fade_beside_it, setup),
		cmocka_unit_test_setup(the_node_is_told_what_came_of_it, setup),
		cmocka_unit_test_setup(only_one_sound_is_asked_for_at_a_time, setup),
		cmocka_unit_test_setup(an_array_of_values_of_another_size_is_refused, setup),
		cmocka_unit_test_setup(what_is_no_props_object_is_refused, setup),
		cmocka_unit_test_setup(props_that_were_read_can_be_written_back, setup),
		cmocka_unit_test_setup(every_property_has_its_info, setup),
		cmocka_unit_test_setup(a_number_has_its_default_and_range, setup),
		cmocka_unit_test_setup(choices_of_different_lengths_can_all_be_read, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
