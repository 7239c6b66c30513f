/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stage.h"

#define PATH	"/x/synth.wav"

struct written {
	struct spa_hook hook;
	uint32_t n;
	uint64_t id;
	int res;
};

static void on_written(void *data, uint64_t id, const struct segue_error *error)
{
	struct written *written = data;

	written->n++;
	written->id = id;
	written->res = error != NULL ? error->res : 0;
}

static const struct segue_store_events events = {
	.version = SEGUE_CONTROL_VERSION,
	.written = on_written,
};

static void listen(struct stage *stage, struct written *written)
{
	*written = (struct written) { 0 };
	stage->store->methods->add_listener(stage->store, &written->hook, &events, written);
}

/* Wait for the end of a writing: how it ended. */
static int finish(struct stage *stage, struct written *written, uint64_t id)
{
	for (int i = 0; written->n == 0 && i < 1000; i++)
		host_run(stage->host, 10);
	assert_int_equal(written->n, 1);
	assert_int_equal(written->id, id);
	written->n = 0;
	return written->res;
}

static off_t size_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_size;
}

/* Begin to write into a duplicate of fd. */
static int write_to(struct stage *stage, int fd, char **load, uint64_t *id)
{
	struct segue_error error = { 0 };

	return stage->node->methods->write(stage->node, dup(fd), PATH, load, id, &error);
}

static void ask_for(struct stage *stage, struct segue_sound *sound)
{
	stage_wait(stage, stage_request(stage, sound));
	stage_disown(stage, sound);
}

static void what_is_heard_is_written(void **state)
{
	struct stage *stage = *state;
	struct segue_options options = SEGUE_OPTIONS_INIT;
	int fd = memfd_create("wav", MFD_CLOEXEC);
	struct written written;
	uint64_t id;
	char *load;

	listen(stage, &written);
	options.loop = SEGUE_LOOP_OPTION_FORWARD;
	ask_for(stage, stage_load(stage, stage_write_ramp(stage, "a.wav", 1000, 2, 48000), &options, NULL));
	assert_int_equal(write_to(stage, fd, &load, &id), 0);
	assert_string_equal(load, "{ file = \"" PATH "\" loop = file label = \"a.wav\" }");
	free(load);
	assert_int_equal(finish(stage, &written, id), 0);
	assert_true(size_of(fd) > 1000 * 2 * (off_t)sizeof(float));
	/* there is something in it now */
	assert_int_equal(write_to(stage, fd, &load, &id), 0);
	free(load);
	assert_int_equal(finish(stage, &written, id), -EINVAL);
	assert_int_equal(ftruncate(fd, 0), 0);
	ask_for(stage, stage_wave(stage, "saw"));
	assert_int_equal(write_to(stage, fd, &load, &id), 0);
	assert_string_equal(load, "{ file = \"" PATH "\" kind = table label = \"saw\" }");
	free(load);
	assert_int_equal(finish(stage, &written, id), 0);
	spa_hook_remove(&written.hook);
	close(fd);
}

static void where_nothing_is_heard_nothing_is_written(void **state)
{
	struct stage *stage = *state;
	int fd = memfd_create("wav", MFD_CLOEXEC);
	uint64_t id;
	char *load;

	assert_int_equal(write_to(stage, fd, &load, &id), -EINVAL);
	ask_for(stage, stage_wave(stage, "saw"));
	stage_wait(stage, stage_request(stage, NULL));
	assert_int_equal(write_to(stage, fd, &load, &id), -EINVAL);
	assert_int_equal(size_of(fd), 0);
	close(fd);
}

static void the_node_may_go_and_the_sound_with_it_meanwhile(void **state)
{
	struct stage *stage = *state;
	int fd = memfd_create("wav", MFD_CLOEXEC);
	struct written written;
	uint64_t id;
	char *load;

	listen(stage, &written);
	ask_for(stage, stage_load(stage, stage_write_ramp(stage, "a.wav", 480000, 2, 48000), NULL, NULL));
	assert_int_equal(write_to(stage, fd, &load, &id), 0);
	free(load);
	stage_destroy_node(stage);
	assert_int_equal(finish(stage, &written, id), 0);
	assert_true(size_of(fd) > 480000 * 2 * (off_t)sizeof(float));
	spa_hook_remove(&written.hook);
	close(fd);
}

static void the_store_may_go_meanwhile(void **state)
{
	struct stage *stage = *state;
	int fd = memfd_create("wav", MFD_CLOEXEC);
	uint64_t id;
	char *load;

	ask_for(stage, stage_load(stage, stage_write_ramp(stage, "a.wav", 480000, 2, 48000), NULL, NULL));
	assert_int_equal(write_to(stage, fd, &load, &id), 0);
	free(load);
	close(fd);
	stage_destroy_node(stage);
	host_unload(stage->store_handle);
	stage->store_handle = NULL;
}

#define test(name)	cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(what_is_heard_is_written),
		test(where_nothing_is_heard_nothing_is_written),
		test(the_node_may_go_and_the_sound_with_it_meanwhile),
		test(the_store_may_go_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
