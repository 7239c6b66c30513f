/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "loop-fixture.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <spa/utils/names.h>
#include <spa/utils/result.h>
#include <spa/utils/string.h>
#include <spa/utils/type.h>

static void *open_library(void)
{
	const char *dirs = getenv("SPA_PLUGIN_DIR");
	char list[4096], path[4200], *dir, *rest = list;
	void *library = NULL;

	snprintf(list, sizeof(list), "%s:%s", dirs != NULL ? dirs : "", SPA_PLUGINDIR);
	while (library == NULL && (dir = strsep(&rest, ":")) != NULL) {
		snprintf(path, sizeof(path), "%s/support/libspa-support.so", dir);
		library = dlopen(path, RTLD_NOW);
	}
	return library;
}

static struct spa_handle *load(void *library, const char *name, const struct spa_support *support,
		uint32_t n_support)
{
	spa_handle_factory_enum_func_t next = dlsym(library, SPA_HANDLE_FACTORY_ENUM_FUNC_NAME);
	const struct spa_handle_factory *factory;
	struct spa_handle *handle;
	uint32_t index = 0;

	while (next != NULL && next(&factory, &index) > 0) {
		if (!spa_streq(factory->name, name))
			continue;
		handle = calloc(1, spa_handle_factory_get_size(factory, NULL));
		if (handle != NULL && spa_handle_factory_init(factory, handle, NULL, support, n_support) >= 0)
			return handle;
		free(handle);
		return NULL;
	}
	return NULL;
}

static int get_interfaces(struct loop_fixture *f)
{
	struct spa_support support[2];
	void *log, *system, *loop, *control, *utils;
	int res;

	if ((f->log_handle = load(f->library, SPA_NAME_SUPPORT_LOG, NULL, 0)) == NULL)
		return -ENOENT;
	if ((res = spa_handle_get_interface(f->log_handle, SPA_TYPE_INTERFACE_Log, &log)) < 0)
		return res;
	support[0] = SPA_SUPPORT_INIT(SPA_TYPE_INTERFACE_Log, log);
	if ((f->system_handle = load(f->library, SPA_NAME_SUPPORT_SYSTEM, support, 1)) == NULL)
		return -ENOENT;
	if ((res = spa_handle_get_interface(f->system_handle, SPA_TYPE_INTERFACE_System, &system)) < 0)
		return res;
	support[1] = SPA_SUPPORT_INIT(SPA_TYPE_INTERFACE_System, system);
	if ((f->loop_handle = load(f->library, SPA_NAME_SUPPORT_LOOP, support, 2)) == NULL)
		return -ENOENT;
	if ((res = spa_handle_get_interface(f->loop_handle, SPA_TYPE_INTERFACE_Loop, &loop)) < 0 ||
			(res = spa_handle_get_interface(f->loop_handle, SPA_TYPE_INTERFACE_LoopControl,
					&control)) < 0 ||
			(res = spa_handle_get_interface(f->loop_handle, SPA_TYPE_INTERFACE_LoopUtils,
					&utils)) < 0)
		return res;
	f->log = log;
	f->log->level = SPA_LOG_LEVEL_ERROR;
	f->system = system;
	f->loop = loop;
	f->control = control;
	f->utils = utils;
	return 0;
}

int loop_fixture_init(struct loop_fixture *f)
{
	int res = -ENOENT;

	memset(f, 0, sizeof(*f));
	if ((f->library = open_library()) != NULL)
		res = get_interfaces(f);
	if (res < 0) {
		fprintf(stderr, "no loop from libspa-support: %s\n", spa_strerror(res));
		loop_fixture_clear(f);
		return res;
	}
	spa_loop_control_enter(f->control);
	return 0;
}

void loop_fixture_clear(struct loop_fixture *f)
{
	if (f->control != NULL)
		spa_loop_control_leave(f->control);
	if (f->loop_handle != NULL)
		spa_handle_clear(f->loop_handle);
	if (f->system_handle != NULL)
		spa_handle_clear(f->system_handle);
	if (f->log_handle != NULL)
		spa_handle_clear(f->log_handle);
	free(f->loop_handle);
	free(f->system_handle);
	free(f->log_handle);
	if (f->library != NULL)
		dlclose(f->library);
	memset(f, 0, sizeof(*f));
}

uint64_t loop_fixture_msec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return SPA_TIMESPEC_TO_NSEC(&now) / SPA_NSEC_PER_MSEC;
}

bool loop_fixture_run_until(struct loop_fixture *f, bool (*done)(void *data), void *data, uint32_t msec)
{
	uint64_t end = loop_fixture_msec() + msec;

	while (!done(data)) {
		if (loop_fixture_msec() >= end)
			return false;
		spa_loop_control_iterate(f->control, 10);
	}
	return true;
}
