/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* Each allocation fails in turn, of the main loop and of the workers: a clear error, and all that was accepted
 * ends. Leaks are the stage's to find, and the sanitizer's. */

#include "node.h"

#include <stdlib.h>
#include <string.h>

#include "plugin.h"
#include "requests.h"

#define N_MAX	1000

static int n_left;	/* atomic: allocations until one fails; 0: none will */

/* the linker puts these in the place of the plugin's calls */
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__real_strndup(const char *s, size_t n);
char *__wrap_strndup(const char *s, size_t n);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static bool fails(void)
{
	if (__atomic_load_n(&n_left, __ATOMIC_RELAXED) <= 0 ||
	    __atomic_sub_fetch(&n_left, 1, __ATOMIC_RELAXED) != 0)
		return false;
	errno = ENOMEM;
	return true;
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

char *__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strndup(const char *s, size_t n)
{
	return fails() ? NULL : __real_strndup(s, n);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

static void fail_after(int n)
{
	__atomic_store_n(&n_left, n, __ATOMIC_RELAXED);
}

/* \return whether there was such an allocation */
static bool stop_failing(void)
{
	return __atomic_exchange_n(&n_left, 0, __ATOMIC_RELAXED) <= 0;
}

static void assert_no_memory(int res, const struct segue_error *error)
{
	assert_int_equal(res, -ENOMEM);
	assert_int_equal(error->res, -ENOMEM);
	assert_true(error->message[0] != '\0');
}

static void swap_and_set(struct stage *stage, const char *file)
{
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_error error = { 0 };
	struct segue_sound *sound;
	double gain = stage_get_number(stage, "gain");
	uint64_t serial;
	int res;

	sound = stage_load(stage, stage_path(stage, file), NULL, &error);
	if (sound == NULL) {
		assert_no_memory(error.res, &error);
	} else {
		if ((res = stage_try_request(stage, sound, NULL, &serial, &error)) < 0)
			assert_no_memory(res, &error);
		stage_disown(stage, sound);
	}
	for (uint32_t i = 0; i <= SEGUE_RING_SIZE; i++) {
		if ((res = stage_set_number(stage, "gain", i / 1000.0)) == 0)
			gain = i / 1000.0;
		else
			assert_int_equal(res, -ENOMEM);
		/* a bad request changes nothing */
		assert_true(stage_get_number(stage, "gain") == gain);
	}
	if ((res = stage_try_request(stage, NULL, NULL, &serial, &error)) < 0)
		assert_no_memory(res, &error);
	options.has_at = true;
	options.at = 100000000;
	if ((res = stage_try_request(stage, NULL, &options, &serial, &error)) < 0)
		assert_no_memory(res, &error);
	else
		(void)stage_cancel(stage, serial);
	if ((res = stage_set_text(stage, "wave", "noise", &error)) < 0)
		assert_no_memory(res, &error);
}

static void try_all(void **state, const char *file)
{
	bool failed = true;

	for (int n = 1; failed; n++) {
		struct stage *stage;
		uint32_t n_failed = 0;

		assert_true(n < N_MAX);
		stage_setup(state);
		stage = *state;
		stage_write_ramp(stage, "a.wav", 1000, 1, 44100);
		stage_write_text(stage, "kit.sfz", "#define $a a.wav\n#include \"more.sfz\" <region> sample=$a end=9");
		stage_write_text(stage, "more.sfz", "#define $a a.wav <region> sample=a.wav <region> sample=./a.wav");
		stage_start(stage);
		stage_cycles(stage, 1, 256);
		fail_after(n);
		swap_and_set(stage, file);
		stage_wait(stage, stage->n_accepted > 0 ? stage->n_accepted - 1 : 0);
		failed = stop_failing();
		/* what could not be cancelled may wait for its time still */
		stage_destroy_node(stage);
		assert_int_equal(stage->n_finished, stage->n_accepted);
		for (uint32_t i = 0; i < stage->n_finished; i++) {
			if (stage->finished[i].error.res == -ENOMEM)
				n_failed++;
		}
		assert_true(n_failed <= 2);
		stage_teardown(state);
	}
}

static void a_request_fails_or_ends(void **state)
{
	try_all(state, "a.wav");
}

static void a_request_for_an_instrument_fails_or_ends(void **state)
{
	try_all(state, "kit.sfz");
}

static void a_swap_that_can_not_be_parked_lets_its_sound_go(void **state)
{
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct stage *stage;
	struct segue_sound *sound;
	struct segue_error error;
	bool failed = true;
	uint64_t serial;

	stage_setup(state);
	stage = *state;
	sound = ready_wave(stage, "sine");
	stage_start(stage);
	options.fade = 0.0;
	for (int n = 1; failed; n++) {
		assert_true(n < N_MAX);
		/* the ring is full */
		for (uint32_t i = 0; i <= SEGUE_RING_SIZE; i++)
			assert_int_equal(stage_set_number(stage, "gain", i / 1000.0), 0);
		fail_after(n);
		if (stage_try_request(stage, sound, &options, &serial, &error) < 0)
			assert_no_memory(error.res, &error);
		failed = stop_failing();
		stage_wait(stage, stage->n_accepted);
	}
	stage_destroy_node(stage);
	stage_disown(stage, sound);
	stage_wait_reclaimed(stage, 1);
	stage_teardown(state);
}

static void a_node_is_made_or_not(void **state)
{
	const struct spa_handle_factory *factory = &segue_source_factory;
	struct host *host = host_new(NULL);
	const struct spa_support *support;
	bool failed = true;
	uint32_t n_support;

	support = host_support(host, &n_support);
	for (int n = 1; failed; n++) {
		struct spa_handle *handle = calloc(1, spa_handle_factory_get_size(factory, NULL));
		int res;

		assert_true(n < N_MAX);
		fail_after(n);
		res = spa_handle_factory_init(factory, handle, NULL, support, n_support);
		failed = stop_failing();
		if (!failed)
			assert_int_equal(res, 0);
		if (res >= 0)
			spa_handle_clear(handle);
		free(handle);
	}
	host_free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_fails_or_ends),
		cmocka_unit_test(a_request_for_an_instrument_fails_or_ends),
		cmocka_unit_test(a_swap_that_can_not_be_parked_lets_its_sound_go),
		cmocka_unit_test(a_node_is_made_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
