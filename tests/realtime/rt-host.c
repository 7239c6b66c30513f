/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* Swap sounds of all kinds in a source, and responses in a convolver, in every way there is, while the data
 * thread calls process() as a nonblocking function. Built with RealtimeSanitizer a blocking call on that thread ends the program.
 *
 *     rt-host PLUGIN.so
 *     rt-host --violate      proves that the sanitizer sees an allocation there
 */

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <spa/node/command.h>
#include <spa/node/utils.h>
#include <spa/utils/result.h>
#include <spa/utils/string.h>

#include "control.h"
#include "host.h"

#define N_NODES		2	/* of each kind */
#define N_STEPS		150
#define STEP_MSEC	10
#define DEADLINE_MSEC	20000
#define SEED		1u
#define N_OUT		2u
#define EXIT_SKIPPED	77	/* meson's */
#define EXIT_VIOLATED	43	/* RealtimeSanitizer's */

static const char *const waves[] = {
	"sine", "saw", "square", "triangle", "noise", "pink", "sweep", "impulse", "silence",
	"harmonics:1,0.5,0.25",
};
/* of these a table is no response */
static const char *const responses[] = { "noise", "pink", "sweep", "impulse", "silence" };
static const double lengths[] = { 0.1, 3.0, 0.5, 0.001, 1.0 };	/* s */
static const double fades[] = { 0.0, 0.0001, 0.005, 0.02, 0.1 };
static const uint32_t quanta[] = { 16, 32, 64, 100, 256, 1000, 1024, 4096, 8192 };

#define pick(array)	((array)[rand_r(&test->seed) % SPA_N_ELEMENTS(array)])

struct kind {
	const char *factory;
	uint32_t n_in;
	const char *const *waves;
	const double *lengths;	/* NULL: the waves' own */
	uint32_t n_waves;
	const char *keys[2];	/* settings of its own */
	double max[2];
	float loudest;
};

static const struct kind kinds[] = {
	{ SEGUE_FACTORY_SOURCE, 0, waves, NULL, SPA_N_ELEMENTS(waves),
		{ "segue.frequency", "segue.gain" }, { 15000.0, 1.0 }, 4.0f },
	/* its input is the position, up to a million */
	{ SEGUE_FACTORY_CONVOLVER, 2, responses, lengths, SPA_N_ELEMENTS(responses),
		{ "segue.wet", "segue.dry" }, { 1.0, 1.0 }, 1e12f },
};

#define SOUNDS_MAX	SPA_N_ELEMENTS(waves)

struct test {
	const struct kind *kind;
	struct host *host;
	struct spa_handle *handle;
	struct spa_node *spa_node;
	struct segue_node *node;
	struct segue_store *store;
	struct spa_hook listener;
	struct segue_sound *sounds[SOUNDS_MAX];
	unsigned int seed;
	uint32_t n_requested, n_finished, n_results[3];
	/* data thread; atomic */
	uint32_t n_loud;
};

__attribute__((noreturn))
static void die(const char *what, int res)
{
	fprintf(stderr, "rt-host: %s: %s\n", what, spa_strerror(res));
	exit(EXIT_FAILURE);
}

/* ------------------------------------------------------------------ swaps */

static void on_finished(void *data, const struct segue_finished *finished)
{
	struct test *test = data;

	test->n_finished++;
	test->n_results[finished->result]++;
}

static const struct segue_node_events events = {
	.version = SEGUE_CONTROL_VERSION,
	.finished = on_finished,
};

static void on_heard(void *data, const struct spa_io_clock *clock, const float *const out[],
		uint32_t n_frames)
{
	struct test *test = data;
	uint32_t c, i;

	for (c = 0; c < N_OUT; c++) {
		for (i = 0; out[c] != NULL && i < n_frames; i++) {
			if (!isfinite(out[c][i]) || fabsf(out[c][i]) > test->kind->loudest) {
				fprintf(stderr, "rt-host: frame %u of channel %u is %f\n", i, c, out[c][i]);
				abort();
			}
			if (out[c][i] != 0.0f)
				__atomic_store_n(&test->n_loud, 1, __ATOMIC_RELAXED);
		}
	}
}

static struct segue_sound *any_sound(struct test *test)
{
	return test->sounds[rand_r(&test->seed) % test->kind->n_waves];
}

static void request(struct test *test, struct segue_sound *sound, double fade)
{
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_clock_info clock;
	struct segue_error error;
	uint64_t serial;
	int res;

	options.fade = fade;
	switch (rand_r(&test->seed) % 4) {
	case 0:
		if (test->node->methods->clock(test->node, &clock) < 0)
			break;
		options.has_at = true;
		options.at = clock.position + rand_r(&test->seed) % 20000;
		options.late = rand_r(&test->seed) % 2;
		break;
	case 1:
		options.has_after = true;
		options.after = 0.1 * rand_r(&test->seed) / RAND_MAX;
		break;
	default:
		break;
	}
	res = test->node->methods->request(test->node, sound, &options, &serial, &error);
	/* more at a time than a node takes */
	if (res < 0 && res != -EBUSY && res != -EDQUOT)
		die(error.message, res);
	if (res >= 0)
		test->n_requested++;
	if (res >= 0 && rand_r(&test->seed) % 16 == 0)
		(void)test->node->methods->cancel(test->node, serial, &error);
}

static void set(struct test *test, const char *key, double d)
{
	struct segue_value value = { .type = SEGUE_VALUE_DOUBLE, .d = d };
	struct segue_error error;
	int res;

	if (spa_streq(key, "segue.bypass"))
		value = (struct segue_value) { .type = SEGUE_VALUE_BOOL, .b = d != 0.0 };
	if ((res = test->node->methods->set(test->node, key, &value, &error)) < 0)
		die(error.message, res);
}

/* as PipeWire does: off the data loop first, told second */
static void pause_node(struct test *test, uint32_t msec)
{
	host_schedule(test->host, false);
	host_command(test->host, SPA_NODE_COMMAND_Pause);
	request(test, any_sound(test), pick(fades));
	host_run(test->host, msec);
	host_command(test->host, SPA_NODE_COMMAND_Start);
	host_schedule(test->host, true);
}

static void step(struct test *test)
{
	uint32_t i;

	request(test, any_sound(test), pick(fades));
	switch (rand_r(&test->seed) % 12) {
	case 0:
		request(test, NULL, pick(fades));
		break;
	case 1:
	case 2:
		/* one after the other: they hurry, or supersede each other */
		request(test, any_sound(test), pick(fades));
		request(test, any_sound(test), pick(fades));
		break;
	case 3:
		set(test, "segue.gain", rand_r(&test->seed) % 100 / 100.0);
		break;
	case 4:
		set(test, "segue.bypass", rand_r(&test->seed) % 2);
		break;
	case 5:
		i = rand_r(&test->seed) % 2;
		set(test, test->kind->keys[i], 0.01 + 0.99 * test->kind->max[i] * rand_r(&test->seed) / RAND_MAX);
		break;
	case 6:
		pause_node(test, rand_r(&test->seed) % 10);
		break;
	case 7:
		host_set_position(test->host, false);
		host_set_position(test->host, true);
		break;
	default:
		host_set_quantum(test->host, pick(quanta));
		break;
	}
	host_run(test->host, rand_r(&test->seed) % STEP_MSEC);
}

static void wait_finished(struct test *test)
{
	uint32_t msec;

	for (msec = 0; test->n_finished < test->n_requested; msec++) {
		if (msec == DEADLINE_MSEC)
			die("requests haven't ended", -ETIMEDOUT);
		host_run(test->host, 1);
	}
}

/* ------------------------------------------------------------------ nodes */

static void make_sounds(struct test *test)
{
	uint32_t i;

	for (i = 0; i < test->kind->n_waves; i++) {
		struct segue_recipe recipe = {
			.type = SEGUE_RECIPE_WAVE, .text = test->kind->waves[i], .options = SEGUE_OPTIONS_INIT,
		};
		struct segue_error error = { 0 };

		recipe.options.gain = 0.5;
		if (test->kind->lengths != NULL)
			recipe.options.seconds = test->kind->lengths[i];
		test->sounds[i] = test->store->methods->make(test->store, &recipe, &error);
		if (test->sounds[i] == NULL)
			die(error.message, error.res);
	}
}

static void create(struct test *test, const char *plugin)
{
	static const struct spa_dict_item items[] = {
		SPA_DICT_ITEM_INIT("node.name", "rt-host"),
		SPA_DICT_ITEM_INIT("audio.position", "[ FL FR ]"),
	};
	void *node, *spa_node, *store;

	test->handle = host_load(test->host, plugin, test->kind->factory, &SPA_DICT_INIT_ARRAY(items));
	if (spa_handle_get_interface(test->handle, SPA_TYPE_INTERFACE_Node, &spa_node) < 0 ||
	    spa_handle_get_interface(test->handle, SEGUE_TYPE_INTERFACE_Node, &node) < 0 ||
	    spa_handle_get_interface(test->handle, SEGUE_TYPE_INTERFACE_Store, &store) < 0)
		die("interfaces", -ENOTSUP);
	test->spa_node = spa_node;
	test->node = node;
	test->store = store;
	spa_zero(test->listener);
	test->node->methods->add_listener(test->node, &test->listener, &events, test);
}

static void destroy(struct test *test)
{
	uint32_t i;

	host_remove_node(test->host);
	for (i = 0; i < test->kind->n_waves; i++)
		test->store->methods->disown(test->store, test->sounds[i]);
	spa_hook_remove(&test->listener);
	host_unload(test->handle);
}

static void run(const struct kind *kind, const char *plugin)
{
	static struct test test;
	uint32_t i, j;

	test = (struct test) { .kind = kind, .seed = SEED, .host = host_new(NULL) };
	for (i = 0; i < N_NODES; i++) {
		create(&test, plugin);
		make_sounds(&test);
		host_add_node(test.host, test.spa_node, kind->n_in, N_OUT, on_heard, &test);
		for (j = 0; j < N_STEPS; j++)
			step(&test);
		wait_finished(&test);
		/* it goes in mid-fade, with another request on its way */
		host_set_quantum(test.host, 16);
		request(&test, test.sounds[0], 10.0);
		host_wait_cycles(test.host, 50);
		request(&test, test.sounds[1], 10.0);
		destroy(&test);
		/* what has become of these two is told to nobody */
		test.n_requested = test.n_finished = 0;
	}
	printf("%s: %u applied, %u superseded, %u failed in %llu cycles\n", kind->factory,
			test.n_results[SEGUE_RESULT_APPLIED], test.n_results[SEGUE_RESULT_SUPERSEDED],
			test.n_results[SEGUE_RESULT_FAILED], (unsigned long long)host_cycles(test.host));
	host_free(test.host);
	if (!__atomic_load_n(&test.n_loud, __ATOMIC_RELAXED) || test.n_results[SEGUE_RESULT_APPLIED] == 0)
		die("nothing was heard", -EIO);
}

/* -------------------------------------------------------------- violation */

static int violating_process(void *object)
{
	/* volatile: or the compiler sees that nobody needs it */
	void *volatile memory = malloc(64);

	free(memory);
	return SPA_STATUS_HAVE_DATA | SPA_STATUS_NEED_DATA;
}

static const struct spa_node_methods violating_methods = HOST_NODE_METHODS(violating_process);

static void violate(void)
{
	struct host *host = host_new(NULL);
	struct spa_node node = {
		SPA_INTERFACE_INIT(SPA_TYPE_INTERFACE_Node, SPA_VERSION_NODE, &violating_methods, NULL),
	};

	host_add_node(host, &node, 0, 0, NULL, NULL);
	host_wait_cycles(host, 10);
	host_remove_node(host);
	host_free(host);
}

static int expect_violation(void)
{
	int status;
	pid_t pid;

#if defined(__has_feature)
# if __has_feature(realtime_sanitizer)
#  define SANITIZED
# endif
#endif
#ifndef SANITIZED
	return EXIT_SKIPPED;
#endif
	if ((pid = fork()) < 0)
		die("fork", -errno);
	if (pid == 0) {
		violate();
		_exit(EXIT_SUCCESS);
	}
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid", -errno);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_VIOLATED) {
		fprintf(stderr, "rt-host: an allocation in process() went unseen\n");
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s PLUGIN.so | --violate\n", argv[0]);
		return EXIT_FAILURE;
	}
	if (spa_streq(argv[1], "--violate"))
		return expect_violation();
	for (size_t i = 0; i < SPA_N_ELEMENTS(kinds); i++)
		run(&kinds[i], argv[1]);
	return EXIT_SUCCESS;
}
