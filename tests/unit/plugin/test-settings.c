/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "node.h"

#include <math.h>
#include <string.h>

#include "requests.h"

/* What a node is set to, and says of itself. */

static void a_property_loads_and_says_what_came_of_it(void **state)
{
	struct stage *stage = *state;
	struct segue_error error;
	const char *path = stage_write_ramp(stage, "a b.wav", 1000, 1, 48000);

	stage_start(stage);
	assert_int_equal(stage_set_text(stage, "segue.load", path, &error), 0);
	stage_wait(stage, 1);
	assert_applied(stage, 1);
	assert_string_equal(stage_get_text(stage, "segue.load"), stage_path(stage, "a b.wav"));
	assert_string_equal(stage_get_text(stage, "status"), "ready a b.wav");
	assert_int_equal(stage_set_text(stage, "segue.load", stage_path(stage, "none.wav"), &error), 0);
	stage_wait(stage, 2);
	assert_failed(stage, 2, -ENOENT);
	assert_non_null(strstr(stage_get_text(stage, "status"), "failed: none.wav: "));
	/* the sound went on as it was */
	assert_string_equal(stage_get_text(stage, "segue.load"), stage_path(stage, "a b.wav"));
	assert_int_equal(stage_node_info(stage).state, SEGUE_NODE_RUNNING);
	assert_int_equal(stage_set_text(stage, "segue.wave", "sinus", &error), -EINVAL);
	assert_int_equal(stage->n_accepted, 2);
	assert_int_equal(stage_set_text(stage, "segue.wave", "triangle", &error), 0);
	stage_wait(stage, 3);
	assert_string_equal(stage_get_text(stage, "segue.wave"), "triangle");
	assert_string_equal(stage_get_text(stage, "segue.load"), "");
}

static void an_empty_node_whose_request_failed_says_so(void **state)
{
	struct stage *stage = *state;
	struct segue_error error;

	assert_int_equal(stage_node_info(stage).state, SEGUE_NODE_EMPTY);
	assert_int_equal(stage_set_text(stage, "load", stage_path(stage, "none.wav"), &error), 0);
	stage_wait(stage, 1);
	assert_int_equal(stage_node_info(stage).state, SEGUE_NODE_FAILED);
	stage->node->methods->set_connected(stage->node, false);
	assert_int_equal(stage_node_info(stage).state, SEGUE_NODE_DISCONNECTED);
}

static void properties_are_checked_and_kept(void **state)
{
	struct stage *stage = *state;
	struct segue_error error;
	struct segue_value value = { .type = SEGUE_VALUE_DOUBLES };

	assert_int_equal(stage_set_number(stage, "segue.gain", 0.5), 0);
	assert_true(stage_get_number(stage, "gain") == 0.5);
	assert_int_equal(stage_set_number(stage, "gain", 16.1), -EINVAL);
	assert_int_equal(stage_set_number(stage, "gain", NAN), -EINVAL);
	assert_true(stage_get_number(stage, "gain") == 0.5);
	assert_int_equal(stage_set_number(stage, "nothing", 1.0), -ENXIO);
	assert_int_equal(stage_set_text(stage, "status", "ready", &error), -EROFS);
	assert_int_equal(stage_set_text(stage, "trigger", "never", &error), -EINVAL);
	assert_int_equal(stage_set_text(stage, "trigger", "always", &error), 0);
	assert_int_equal(stage_set_number(stage, "load", 1.0), -EINVAL);
	assert_int_equal(stage_set_number(stage, "volume", 0.5), 0);
	assert_true(stage_get_number(stage, "volume") == 0.5);
	assert_int_equal(stage_set_number(stage, "volume", -0.5), -EINVAL);
	assert_int_equal(stage_set_text(stage, "volume", "loud", &error), -EINVAL);
	assert_int_equal(stage_set_number(stage, "mute", 2.0), -EINVAL);
	assert_int_equal(stage->node->methods->set(stage->node, "channelVolumes", &value, &error), -EINVAL);
	assert_true(stage_get_number(stage, "volume") == 0.5);
}

#define test(name)	cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(a_property_loads_and_says_what_came_of_it),
		test(an_empty_node_whose_request_failed_says_so),
		test(properties_are_checked_and_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
