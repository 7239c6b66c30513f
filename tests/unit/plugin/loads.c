/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "loads.h"

#include <stdio.h>
#include <string.h>

struct segue_store_impl *store_of(struct stage *stage)
{
	return SPA_CONTAINER_OF(stage->store, struct segue_store_impl, iface);
}

struct segue_sound *try_load_text(struct stage *stage, const char *format, enum segue_kind kind,
		const struct segue_fence *fence, struct segue_error *error)
{
	struct segue_options options = SEGUE_OPTIONS_INIT;
	char text[512], *out = text;

	for (; *format != '\0'; format++)
		out += *format == '@' ? sprintf(out, "%s/", stage->dir) : sprintf(out, "%c", *format);
	*out = '\0';
	options.kind = kind;
	return segue_load_text(store_of(stage), text, &options, fence, error);
}

struct segue_sound *load_text(struct stage *stage, const char *format, enum segue_kind kind)
{
	struct segue_error error;
	struct segue_sound *sound = try_load_text(stage, format, kind, NULL, &error);

	if (sound == NULL)
		fail_msg("%s", error.message);
	return sound;
}

struct segue_sound *load_file(struct stage *stage, const char *name)
{
	struct segue_error error;
	struct segue_sound *sound = stage_load(stage, stage_path(stage, name), NULL, &error);

	if (sound == NULL)
		fail_msg("%s", error.message);
	return sound;
}

static void on_ready(struct segue_waiter *waiter, const struct segue_error *error)
{
	struct listener *listener = SPA_CONTAINER_OF(waiter, struct listener, waiter);

	listener->n_told++;
	if (error != NULL)
		listener->error = *error;
}

void listener_begin(struct listener *listener, struct segue_sound *sound, const struct segue_target *target)
{
	*listener = (struct listener) { .waiter.ready = on_ready };
	segue_sound_wait(sound, &listener->waiter, target);
}

void listener_wait(struct stage *stage, const struct listener *listener)
{
	for (uint32_t i = 0; i < STAGE_DEADLINE_MSEC && listener->n_told == 0; i++)
		host_run(stage->host, 1);
	assert_int_equal(listener->n_told, 1);
}

void assert_told(struct stage *stage, const struct listener *listener, int res)
{
	listener_wait(stage, listener);
	assert_int_equal(listener->error.res, res);
}
