/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "barrier.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "host.h"

/* With PipeWire's own loops. Also built with ThreadSanitizer: what is changed through the barrier is plain
 * memory, as a node's is. */

#define N_CHANGES	1000u
#define N_WORDS		64u
#define QUEUE_MAX	4096u	/* more than any loop takes */
#define BLOCKED_USEC	20000
#define SIGNAL_USEC	3000

#if defined(__SANITIZE_THREAD__)
# define SANITIZED
#elif defined(__has_feature)
# if __has_feature(thread_sanitizer)
#  define SANITIZED
# endif
#endif

struct fixture {
	struct host *host;
	struct spa_loop *data_loop;
	/* data loop; the main loop's through the barrier only */
	uint32_t words[N_WORDS];	/* all the same, but within process() */
	uint32_t n_torn;
	uint32_t n_called;
	const void *caller;		/* its thread */
	/* the queue's */
	sem_t blocked, go_on;
};

static int setup(void **state)
{
	static struct fixture f;
	const struct spa_support *support;
	uint32_t n_support;

	f = (struct fixture) { .host = host_new(NULL) };
	support = host_support(f.host, &n_support);
	f.data_loop = spa_support_find(support, n_support, SPA_TYPE_INTERFACE_DataLoop);
	assert_non_null(f.data_loop);
	sem_init(&f.blocked, 0, 0);
	sem_init(&f.go_on, 0, 0);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	host_free(f->host);
	sem_destroy(&f->blocked);
	sem_destroy(&f->go_on);
	return 0;
}

SEGUE_DATA_LOOP static void do_call(void *data)
{
	struct fixture *f = data;

	f->n_called++;
	f->caller = __builtin_thread_pointer();
}

static void the_function_has_run_on_the_data_loop_when_it_returns(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 0; i < N_CHANGES; i++) {
		segue_barrier(f->data_loop, do_call, f);
		assert_int_equal(f->n_called, i + 1);
		assert_ptr_not_equal(f->caller, __builtin_thread_pointer());
	}
}

/* ---- a node that runs */

SEGUE_DATA_LOOP static void count(struct fixture *f)
{
	for (uint32_t i = 1; i < N_WORDS; i++)
		f->n_torn += f->words[i] != f->words[0];
	for (uint32_t i = 0; i < N_WORDS; i++)
		f->words[i]++;
}

SEGUE_DATA_LOOP static int on_process(void *object)
{
	count(object);
	return SPA_STATUS_HAVE_DATA | SPA_STATUS_NEED_DATA;
}

static const struct spa_node_methods methods = HOST_NODE_METHODS(on_process);

SEGUE_DATA_LOOP static void do_count(void *data)
{
	count(data);
}

static void nothing_of_the_node_runs_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct spa_node node = { SPA_INTERFACE_INIT(SPA_TYPE_INTERFACE_Node, SPA_VERSION_NODE, &methods, f) };
	uint32_t n_cycles;

	host_add_node(f->host, &node, 0, 0, NULL, NULL);
	for (uint32_t i = 0; i < N_CHANGES; i++)
		segue_barrier(f->data_loop, do_count, f);
	host_wait_cycles(f->host, 10);
	host_remove_node(f->host);
	n_cycles = (uint32_t)host_cycles(f->host);
	assert_int_equal(f->n_torn, 0);
	assert_int_equal(f->words[0], N_CHANGES + n_cycles);
}

/* ---- a queue that is full */

static int do_block(struct spa_loop *loop, bool async, uint32_t seq, const void *data, size_t size,
		void *user_data)
{
	struct fixture *f = user_data;

	sem_post(&f->blocked);
	sem_wait(&f->go_on);
	return 0;
}

static int do_nothing(struct spa_loop *loop, bool async, uint32_t seq, const void *data, size_t size,
		void *user_data)
{
	return 0;
}

static bool fill_queue(struct fixture *f)
{
	for (uint32_t i = 0; i < QUEUE_MAX; i++) {
		if (spa_loop_invoke(f->data_loop, do_nothing, 0, NULL, 0, false, NULL) == -EPIPE)
			return true;
	}
	return false;
}

static void *run_other(void *data)
{
	struct fixture *f = data;

	/* long enough to be found full; if it isn't, less is tried */
	usleep(BLOCKED_USEC);
	sem_post(&f->go_on);
	return NULL;
}

static void a_full_queue_is_waited_for(void **state)
{
	struct fixture *f = *state;
	pthread_t other;
	bool is_full;

#if defined(SANITIZED)
	/* how the loop orders what it finds in its queue isn't seen: it isn't built with the sanitizer */
	skip();
#endif
	spa_loop_invoke(f->data_loop, do_block, 0, NULL, 0, false, f);
	sem_wait(&f->blocked);
	is_full = fill_queue(f);
	assert_int_equal(pthread_create(&other, NULL, run_other, f), 0);
	if (is_full) {
		segue_barrier(f->data_loop, do_call, f);
		assert_int_equal(f->n_called, 1);
	}
	pthread_join(other, NULL);
	/* PipeWire's from 1.4 on grows */
	if (!is_full)
		skip();
}

/* ---- signals */

static int do_sleep(struct spa_loop *loop, bool async, uint32_t seq, const void *data, size_t size,
		void *user_data)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	usleep(BLOCKED_USEC);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return 0;
}

static void on_alarm(int signal)
{
}

/* PipeWire's wait ends with a signal, and what it says is over may not even have begun. */
static void the_function_has_run_whatever_signals_come(void **state)
{
	struct fixture *f = *state;
	const struct sigaction action = { .sa_handler = on_alarm };
	const struct itimerval often = { { 0, SIGNAL_USEC }, { 0, SIGNAL_USEC } }, never = { 0 };

	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	for (uint32_t i = 1; i <= 10; i++) {
		spa_loop_invoke(f->data_loop, do_sleep, 0, NULL, 0, false, NULL);
		segue_barrier(f->data_loop, do_call, f);
		assert_int_equal(f->n_called, i);
	}
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_function_has_run_on_the_data_loop_when_it_returns),
		TEST(nothing_of_the_node_runs_meanwhile),
		TEST(a_full_queue_is_waited_for),
		TEST(the_function_has_run_whatever_signals_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
