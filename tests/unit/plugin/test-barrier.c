/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "barrier.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/time.h>
#include <time.h>

#include <cmocka.h>

#include <spa/support/plugin.h>
#include <spa/utils/type.h>

#include "host.h"

static int setup(void **state)
{
	*state = host_new(NULL);
	return 0;
}

static int teardown(void **state)
{
	host_free(*state);
	return 0;
}

static struct spa_loop *data_loop(struct host *host)
{
	uint32_t n;
	const struct spa_support *support = host_support(host, &n);

	return spa_support_find(support, n, SPA_TYPE_INTERFACE_DataLoop);
}

static int stand_still(struct spa_loop *loop, bool async, uint32_t seq, const void *data, size_t size, void *user_data)
{
	const struct timespec still = { 0, 50 * SPA_NSEC_PER_MSEC };
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	nanosleep(&still, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return 0;
}

static void count(void *data)
{
	(*(uint32_t *)data)++;
}

static void it_has_run(void **state)
{
	struct spa_loop *loop = data_loop(*state);
	uint32_t n = 0;

	for (uint32_t i = 1; i <= 1000; i++) {
		segue_barrier(loop, count, &n);
		assert_int_equal(n, i);
	}
}

static void on_alarm(int signal)
{
}

/* PipeWire's wait ends with a signal, and what it says is over may not even have begun. */
static void it_has_run_whatever_signals_come(void **state)
{
	struct spa_loop *loop = data_loop(*state);
	const struct sigaction action = { .sa_handler = on_alarm };
	const struct itimerval often = { { 0, 5000 }, { 0, 5000 } }, never = { 0 };
	uint32_t n = 0;

	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	for (uint32_t i = 1; i <= 5; i++) {
		spa_loop_invoke(loop, stand_still, 0, NULL, 0, false, NULL);
		segue_barrier(loop, count, &n);
		assert_int_equal(n, i);
	}
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_has_run, setup, teardown),
		cmocka_unit_test_setup_teardown(it_has_run_whatever_signals_come, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
