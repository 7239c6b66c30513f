/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "stage.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sndfile.h>

#include <spa/node/command.h>
#include <spa/node/utils.h>
#include <spa/param/audio/dsp-utils.h>
#include <spa/param/param.h>

#include "plugin.h"

#define DRIVER_ID	1u

static uint64_t now_nsec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return SPA_TIMESPEC_TO_NSEC(&now);
}

/* ------------------------------------------------------------------ events */

static void on_changed(void *data, uint32_t changes)
{
	struct stage *stage = data;

	stage->n_changes++;
}

static void on_accepted(void *data, uint64_t serial, uint64_t sound, const char *label)
{
	struct stage *stage = data;

	stage->n_accepted++;
}

static void on_finished(void *data, const struct segue_finished *finished)
{
	struct stage *stage = data;
	struct stage_finished *f = &stage->finished[stage->n_finished++];

	assert_true(stage->n_finished < STAGE_EVENTS_MAX);
	assert_false(stage->calling);
	f->finished = *finished;
	assert_true((finished->result == SEGUE_RESULT_FAILED) == (finished->error != NULL));
	if (finished->error != NULL) {
		f->error = *finished->error;
		f->finished.error = &f->error;
	}
}

static const struct segue_node_events node_events = {
	.version = SEGUE_CONTROL_VERSION,
	.changed = on_changed,
	.accepted = on_accepted,
	.finished = on_finished,
};

static void on_reclaimed(void *data, uint64_t id, uint64_t bytes, uint64_t age_usec)
{
	struct stage *stage = data;

	for (uint32_t i = 0; i < stage->n_reclaimed; i++)
		assert_int_not_equal(stage->reclaimed[i].id, id);
	assert_true(stage->n_reclaimed < STAGE_EVENTS_MAX);
	stage->reclaimed[stage->n_reclaimed++] = (struct stage_reclaimed) { id, bytes };
}

static const struct segue_store_events store_events = {
	.version = SEGUE_CONTROL_VERSION,
	.sound_reclaimed = on_reclaimed,
};

/* -------------------------------------------------------------------- node */

static struct spa_handle *make_handle(struct stage *stage, const struct spa_handle_factory *factory)
{
	static const struct spa_dict_item items[] = {
		{ "node.name", "stage" },
		{ "audio.position", "[ MONO ]" },
		{ "segue.gain", "1.0" },
	};
	struct spa_handle *handle = calloc(1, spa_handle_factory_get_size(factory, NULL));
	const struct spa_support *support;
	uint32_t n_support;

	assert_non_null(handle);
	support = host_support(stage->host, &n_support);
	assert_int_equal(spa_handle_factory_init(factory, handle, &SPA_DICT_INIT_ARRAY(items), support,
			n_support), 0);
	return handle;
}

static void *get(struct spa_handle *handle, const char *type)
{
	void *iface;

	assert_int_equal(spa_handle_get_interface(handle, type, &iface), 0);
	return iface;
}

static void connect_port(struct stage *stage)
{
	struct spa_audio_info_dsp info = { .format = SPA_AUDIO_FORMAT_DSP_F32 };
	struct spa_buffer *buffers[] = { &stage->buffer };
	uint8_t pod[256];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(pod, sizeof(pod));

	stage->data = (struct spa_data) { .type = SPA_DATA_MemPtr, .maxsize = sizeof(stage->out),
		.data = stage->out, .chunk = &stage->chunk };
	stage->buffer = (struct spa_buffer) { .n_datas = 1, .datas = &stage->data };
	stage->io = (struct spa_io_buffers) { SPA_STATUS_NEED_DATA, SPA_ID_INVALID };
	assert_int_equal(spa_node_port_set_io(stage->spa_node, SPA_DIRECTION_OUTPUT, 0, SPA_IO_Buffers,
			&stage->io, sizeof(stage->io)), 0);
	assert_int_equal(spa_node_port_set_param(stage->spa_node, SPA_DIRECTION_OUTPUT, 0, SPA_PARAM_Format, 0,
			spa_format_audio_dsp_build(&b, SPA_PARAM_Format, &info)), 0);
	assert_int_equal(spa_node_port_use_buffers(stage->spa_node, SPA_DIRECTION_OUTPUT, 0, 0, buffers, 1), 0);
}

static void create_node(struct stage *stage)
{
	stage->handle = make_handle(stage, &segue_source_factory);
	stage->node = get(stage->handle, SEGUE_TYPE_INTERFACE_Node);
	stage->spa_node = get(stage->handle, SPA_TYPE_INTERFACE_Node);
	stage->node->methods->add_listener(stage->node, &stage->node_listener, &node_events, stage);
	stage_change_clock(stage, DRIVER_ID, 0);
	stage->position.clock.rate = SPA_FRACTION(1, STAGE_RATE);
	assert_int_equal(spa_node_set_io(stage->spa_node, SPA_IO_Position, &stage->position,
			sizeof(stage->position)), 0);
	connect_port(stage);
}

static void command(struct stage *stage, uint32_t id)
{
	assert_int_equal(spa_node_send_command(stage->spa_node, &SPA_NODE_COMMAND_INIT(id)), 0);
}

void stage_start(struct stage *stage)
{
	command(stage, SPA_NODE_COMMAND_Start);
	stage->started = true;
}

void stage_stop(struct stage *stage)
{
	command(stage, SPA_NODE_COMMAND_Pause);
	stage->started = false;
}

void stage_destroy_node(struct stage *stage)
{
	if (stage->started)
		stage_stop(stage);
	/* the listener stays: it is told what ends as Gone */
	host_unload(stage->handle);
	stage->handle = NULL;
	stage->node = NULL;
}

void stage_cycles(struct stage *stage, uint32_t n_cycles, uint32_t n_frames)
{
	struct spa_io_clock *clock = &stage->position.clock;

	assert_true(stage->started);
	for (; n_cycles > 0; n_cycles--) {
		clock->duration = n_frames;
		clock->nsec = now_nsec();
		assert_int_equal(spa_node_process(stage->spa_node), SPA_STATUS_HAVE_DATA | SPA_STATUS_NEED_DATA);
		stage->io.status = SPA_STATUS_NEED_DATA;
		clock->position += n_frames;
	}
}

void stage_change_clock(struct stage *stage, uint32_t id, uint64_t position)
{
	stage->position.clock.id = id;
	stage->position.clock.position = position;
}

/* ----------------------------------------------------------------- waiting */

static void look(struct stage *stage)
{
	host_run(stage->host, 0);
	if (stage->started)
		stage_cycles(stage, 1, 256);
}

#define wait_until(stage, condition) do {					\
	uint64_t end = now_nsec() + STAGE_DEADLINE_MSEC * SPA_NSEC_PER_MSEC;	\
	while (!(condition)) {							\
		assert_true(now_nsec() < end);					\
		look(stage);							\
	}									\
} while (false)

static bool is_told(const struct stage *stage, uint64_t serial)
{
	for (uint32_t i = 0; i < stage->n_finished; i++) {
		if (stage->finished[i].finished.serial == serial)
			return true;
	}
	return false;
}

void stage_wait(struct stage *stage, uint64_t serial)
{
	for (uint64_t s = 1; s <= serial; s++)
		wait_until(stage, is_told(stage, s));
}

void stage_wait_reclaimed(struct stage *stage, uint32_t n)
{
	wait_until(stage, stage->n_reclaimed >= n);
	assert_int_equal(stage->n_reclaimed, n);
}

void stage_wait_state(struct stage *stage, struct segue_sound *sound, enum segue_sound_state state)
{
	wait_until(stage, stage_info(stage, sound).state == state);
}

const struct stage_finished *stage_result(const struct stage *stage, uint64_t serial)
{
	const struct stage_finished *found = NULL;

	for (uint32_t i = 0; i < stage->n_finished; i++) {
		if (stage->finished[i].finished.serial != serial)
			continue;
		assert_null(found);
		found = &stage->finished[i];
	}
	assert_non_null(found);
	return found;
}

/* ------------------------------------------------------------------ sounds */

struct segue_sound *stage_wave(struct stage *stage, const char *wave)
{
	struct segue_recipe recipe = {
		.type = SEGUE_RECIPE_WAVE, .text = wave, .options = SEGUE_OPTIONS_INIT,
	};
	struct segue_error error;
	struct segue_sound *sound = stage->store->methods->make(stage->store, &recipe, &error);

	assert_non_null(sound);
	return sound;
}

struct segue_sound *stage_load(struct stage *stage, const char *path, const struct segue_options *options,
		struct segue_error *error)
{
	struct segue_recipe recipe = {
		.type = SEGUE_RECIPE_FILES, .paths = &path, .n_paths = 1,
		.options = options != NULL ? *options : SEGUE_OPTIONS_INIT,
	};

	return stage->store->methods->make(stage->store, &recipe, error);
}

void stage_disown(struct stage *stage, struct segue_sound *sound)
{
	stage->store->methods->disown(stage->store, sound);
}

struct segue_sound_info stage_info(struct stage *stage, struct segue_sound *sound)
{
	struct segue_sound_info info;

	stage->store->methods->sound_info(stage->store, sound, &info);
	return info;
}

struct segue_memory_info stage_memory(const struct stage *stage)
{
	struct segue_memory_info info;

	stage->store->methods->memory_info(stage->store, &info);
	return info;
}

struct segue_node_info stage_node_info(const struct stage *stage)
{
	struct segue_node_info info;

	stage->node->methods->info(stage->node, &info);
	return info;
}

/* ---------------------------------------------------------------- requests */

int stage_try_request(struct stage *stage, struct segue_sound *sound, const struct segue_options *options,
		uint64_t *ret, struct segue_error *error)
{
	struct segue_options none = SEGUE_OPTIONS_INIT;
	int res;

	stage->calling = true;
	res = stage->node->methods->request(stage->node, sound, options != NULL ? options : &none, ret, error);
	stage->calling = false;
	return res;
}

uint64_t stage_request(struct stage *stage, struct segue_sound *sound)
{
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_error error;
	uint64_t serial;

	options.fade = 0.0;
	assert_int_equal(stage_try_request(stage, sound, &options, &serial, &error), 0);
	return serial;
}

int stage_cancel(struct stage *stage, uint64_t serial)
{
	struct segue_error error;
	int res;

	stage->calling = true;
	res = stage->node->methods->cancel(stage->node, serial, &error);
	stage->calling = false;
	return res;
}

static int set(struct stage *stage, const char *key, const struct segue_value *value, struct segue_error *error)
{
	int res;

	stage->calling = true;
	res = stage->node->methods->set(stage->node, key, value, error);
	stage->calling = false;
	return res;
}

int stage_set_number(struct stage *stage, const char *key, double d)
{
	struct segue_value value = { .type = SEGUE_VALUE_DOUBLE, .d = d };
	struct segue_error error;

	return set(stage, key, &value, &error);
}

int stage_set_text(struct stage *stage, const char *key, const char *text, struct segue_error *error)
{
	struct segue_value value = { .type = SEGUE_VALUE_STRING, .s = text };

	return set(stage, key, &value, error);
}

const char *stage_get_text(struct stage *stage, const char *key)
{
	struct segue_value value;

	assert_int_equal(stage->node->methods->get(stage->node, key, &value), 0);
	assert_int_equal(value.type, SEGUE_VALUE_STRING);
	return value.s;
}

double stage_get_number(struct stage *stage, const char *key)
{
	struct segue_value value;

	assert_int_equal(stage->node->methods->get(stage->node, key, &value), 0);
	assert_int_equal(value.type, SEGUE_VALUE_DOUBLE);
	return value.d;
}

/* ------------------------------------------------------------------- files */

const char *stage_path(struct stage *stage, const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", stage->dir, name);
	return path;
}

const char *stage_write_ramp(struct stage *stage, const char *name, uint32_t n_frames, uint32_t channels,
		uint32_t rate)
{
	const char *path = stage_path(stage, name);
	SF_INFO info = { .samplerate = rate, .channels = channels, .format = SF_FORMAT_WAV | SF_FORMAT_FLOAT };
	float *frames = calloc((size_t)n_frames * channels, sizeof(float));
	SNDFILE *file = sf_open(path, SFM_WRITE, &info);

	assert_non_null(frames);
	assert_non_null(file);
	for (size_t i = 0; i < (size_t)n_frames * channels; i++)
		frames[i] = (float)(i / channels) / rate;
	assert_int_equal(sf_writef_float(file, frames, n_frames), n_frames);
	sf_close(file);
	free(frames);
	return path;
}

const char *stage_write_text(struct stage *stage, const char *name, const char *text)
{
	const char *path = stage_path(stage, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	return path;
}

static void remove_files(struct stage *stage)
{
	DIR *dir = opendir(stage->dir);
	struct dirent *entry;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			unlink(stage_path(stage, entry->d_name));
	}
	closedir(dir);
	rmdir(stage->dir);
}

/* ------------------------------------------------------------------- stage */

int stage_setup(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));

	assert_non_null(stage);
	strcpy(stage->dir, "/tmp/segue-stage-XXXXXX");
	assert_non_null(mkdtemp(stage->dir));
	stage->host = host_new(NULL);
	stage->store_handle = make_handle(stage, &segue_store_factory);
	stage->store = get(stage->store_handle, SEGUE_TYPE_INTERFACE_Store);
	stage->store->methods->add_listener(stage->store, &stage->store_listener, &store_events, stage);
	create_node(stage);
	*state = stage;
	return 0;
}

static bool all_is_given_back(const struct stage *stage)
{
	struct segue_memory_info info = stage_memory(stage);

	return info.bytes_live == 0 && info.bytes_pending == 0 && info.bytes_retired == 0 && info.n_live == 0;
}

int stage_teardown(void **state)
{
	struct stage *stage = *state;

	if (stage->handle != NULL)
		stage_destroy_node(stage);
	/* what sounds there were have been disowned by the test */
	if (stage->store_handle != NULL) {
		wait_until(stage, all_is_given_back(stage));
		host_unload(stage->store_handle);
	}
	host_free(stage->host);
	remove_files(stage);
	free(stage);
	return 0;
}
