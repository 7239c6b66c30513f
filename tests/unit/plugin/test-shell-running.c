/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* A shell on the graph: what process() is given while all around it changes. */

#include "node-shell.h"

#include <spa/node/command.h>

#include "shell-fixture.h"

static void start_and_stop_are_told_once_each(void **state)
{
	struct fixture *f = *state;

	assert_true(f->shell.started);
	assert_int_equal(f->n_started, 1);
	host_command(f->host, SPA_NODE_COMMAND_Start);
	assert_int_equal(f->n_started, 1);
	host_command(f->host, SPA_NODE_COMMAND_Pause);
	host_command(f->host, SPA_NODE_COMMAND_Suspend);
	assert_int_equal(f->n_stopped, 1);
	assert_false(f->shell.started);
}

static void samples_pass_unharmed_at_every_quantum(void **state)
{
	static const uint32_t quanta[] = { 1, 16, 63, 64, 65, 1000, 1024, 8192, 256 };
	struct fixture *f = *state;
	uint32_t i;

	for (i = 0; i < SPA_N_ELEMENTS(quanta); i++) {
		host_set_quantum(f->host, quanta[i]);
		host_wait_cycles(f->host, 3);
		assert_int_equal(LOAD(f->n_frames), quanta[i]);
		assert_int_equal(LOAD(f->rate), HOST_RATE);
	}
	assert_true(LOAD(f->n_heard) > 0);
	assert_int_equal(LOAD(f->n_silent_in) + LOAD(f->n_no_out), 0);
	assert_int_equal(LOAD(f->n_wrong_in) + LOAD(f->n_wrong_out), 0);
}

static void a_small_buffer_bounds_the_cycle(void **state)
{
	struct fixture *f = *state;

	host_set_quantum(f->host, 1024);
	host_set_buffers(f->host, OUT, 1, 1, 100);
	host_wait_cycles(f->host, 3);
	assert_int_equal(LOAD(f->n_frames), 100);
	assert_int_equal(LOAD(f->n_wrong_out), 0);
}

static void two_buffers_are_used_in_turn(void **state)
{
	struct fixture *f = *state;
	uint64_t n;

	host_set_buffers(f->host, OUT, 0, 2, 1024);
	n = LOAD(f->n_no_out);
	host_wait_cycles(f->host, 10);
	assert_int_equal(LOAD(f->n_no_out), n);
	assert_int_equal(LOAD(f->n_wrong_out), 0);
}

static void without_a_position_time_goes_on(void **state)
{
	struct fixture *f = *state;
	uint64_t position;

	host_set_quantum(f->host, 480);
	host_wait_cycles(f->host, 2);
	host_set_position(f->host, false);
	position = LOAD(f->position);
	host_wait_cycles(f->host, 5);
	assert_int_equal(LOAD(f->n_frames), 480);
	assert_true(LOAD(f->position) >= position + 4 * 480);
	assert_int_equal((LOAD(f->position) - position) % 480, 0);
	host_set_position(f->host, true);
}

static void a_port_without_io_or_buffers_gets_no_samples(void **state)
{
	struct fixture *f = *state;
	uint64_t n;

	host_set_io(f->host, OUT, 0, false);
	n = LOAD(f->n_no_out);
	host_wait_cycles(f->host, 3);
	assert_true(LOAD(f->n_no_out) >= n + 2);
	host_set_io(f->host, OUT, 0, true);
	host_set_format(f->host, IN, 1, false);
	n = LOAD(f->n_silent_in);
	host_wait_cycles(f->host, 3);
	assert_true(LOAD(f->n_silent_in) >= n + 2);
	assert_int_equal(LOAD(f->n_wrong_in) + LOAD(f->n_wrong_out), 0);
}

/* what 0.3.65 does while process() runs, and more of it */
static void io_and_buffers_change_while_it_runs(void **state)
{
	struct fixture *f = *state;
	uint32_t i;

	for (i = 0; i < 300; i++) {
		enum spa_direction direction = i % 2 ? IN : OUT;
		uint32_t port = i / 2 % 2;

		host_set_quantum(f->host, 1 + i * 27 % HOST_QUANTUM_MAX);
		host_set_io(f->host, direction, port, false);
		host_set_buffers(f->host, direction, port, 1 + i % 2, 16 + i);
		host_set_io(f->host, direction, port, true);
		if (i % 7 == 0) {
			host_set_position(f->host, false);
			host_set_format(f->host, direction, port, false);
			host_set_format(f->host, direction, port, true);
			host_set_buffers(f->host, direction, port, 1, 1024);
			host_set_position(f->host, true);
		}
		if (i % 11 == 0) {
			host_command(f->host, SPA_NODE_COMMAND_Pause);
			host_command(f->host, SPA_NODE_COMMAND_Start);
		}
	}
	assert_int_equal(LOAD(f->n_wrong_out), 0);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, shell_setup_running, shell_teardown_running)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(start_and_stop_are_told_once_each),
		TEST(samples_pass_unharmed_at_every_quantum),
		TEST(a_small_buffer_bounds_the_cycle),
		TEST(two_buffers_are_used_in_turn),
		TEST(without_a_position_time_goes_on),
		TEST(a_port_without_io_or_buffers_gets_no_samples),
		TEST(io_and_buffers_change_while_it_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
