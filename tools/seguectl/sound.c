/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "sound.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <spa/utils/string.h>

#include "args.h"
#include "bus.h"
#include "json.h"
#include "table.h"

#define STDIN_MAX	(UINT64_C(1) << 30)
#define CHUNK		65536

const char *segue_sound_name(const char *file)
{
	const char *slash = strrchr(file, '/');

	if (spa_streq(file, "-"))
		return "stdin";
	return slash != NULL && slash[1] != '\0' ? slash + 1 : file;
}

static enum segue_exit fail_file(struct segue_ctl *ctl, const char *node, const char *file, int res)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	enum segue_exit status;

	sd_bus_error_set_errno(&error, res);
	status = segue_fail(ctl, SEGUE_EXIT_FAILED, error.name, "%s%s%s: %s", node != NULL ? node : "",
			node != NULL ? ": " : "", segue_sound_name(file),
			res == -EFBIG ? "longer than 1 GiB" : strerror(-res));
	sd_bus_error_free(&error);
	return status;
}

/* 0 at the end of input, 1, or a negative errno */
static int copy_chunk(int to, uint64_t *total)
{
	static char chunk[CHUNK];
	ssize_t n = read(STDIN_FILENO, chunk, sizeof(chunk)), written, done = 0;

	if (n < 0)
		return errno == EINTR ? 1 : -errno;
	if ((*total += n) > STDIN_MAX)
		return -EFBIG;
	while (done < n) {
		if ((written = write(to, chunk + done, n - done)) < 0)
			return -errno;
		done += written;
	}
	return n > 0;
}

/* a descriptor or a negative errno */
static int open_file(const char *file)
{
	uint64_t total = 0;
	int fd, res;

	if (!spa_streq(file, "-")) {
		/* not blocking: a FIFO without a writer is opened, and refused by the service */
		fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		return fd < 0 ? -errno : fd;
	}
	/* the service reads with pread, and a pipe can't */
	if ((fd = memfd_create("stdin", MFD_CLOEXEC)) < 0)
		return -errno;
	while ((res = copy_chunk(fd, &total)) > 0)
		;
	if (res < 0) {
		close(fd);
		return res;
	}
	return fd;
}

static int build_load(struct segue_ctl *ctl, sd_bus_message *m, int fd, const char *file, bool keep)
{
	struct segue_quantity label = { .type = 's', .s = segue_sound_name(file) };
	struct segue_quantity kept = { .type = 'b', .b = true };
	int res;

	if ((res = sd_bus_message_append(m, "h", fd)) < 0 ||
	    (res = sd_bus_message_open_container(m, 'a', "{sv}")) < 0 ||
	    (res = segue_args_append(ctl, SEGUE_GROUP_LOAD, m)) < 0)
		return res;
	/* a file's own name the service knows from its descriptor */
	if (spa_streq(file, "-") && ctl->texts[SEGUE_OPTION_LABEL] == NULL &&
	    (res = segue_bus_append_entry(m, "label", &label)) < 0)
		return res;
	if (keep && (res = segue_bus_append_entry(m, "keep", &kept)) < 0)
		return res;
	return sd_bus_message_close_container(m);
}

enum segue_exit segue_sound_load(struct segue_ctl *ctl, const char *node, const char *file, bool keep,
		char **ret)
{
	sd_bus_message *m = NULL, *reply = NULL;
	enum segue_exit status;
	const char *path;
	int fd, res;

	if ((fd = open_file(file)) < 0)
		return fail_file(ctl, node, file, fd);
	if ((res = segue_bus_new_call(ctl, &m, SEGUE_BUS_ROOT, SEGUE_BUS_MANAGER, "LoadFd")) >= 0)
		res = build_load(ctl, m, fd, file, keep);
	status = segue_bus_send(ctl, res, m, node, &reply);
	close(fd);
	if (status != SEGUE_EXIT_OK)
		return status;

	res = sd_bus_message_read(reply, "o", &path);
	if (res >= 0 && (*ret = strdup(path)) == NULL)
		res = -ENOMEM;
	sd_bus_message_unref(reply);
	return res < 0 ? segue_bus_fail_errno(ctl, res) : SEGUE_EXIT_OK;
}

void segue_sound_describe(struct segue_ctl *ctl, const char *name, const char *buffer)
{
	sd_bus_message *reply;
	json_object *properties;
	char length[32], channels[32], peak[32];

	if (segue_bus_call(ctl, NULL, &reply, buffer, SEGUE_BUS_PROPERTIES, "GetAll", "s",
				SEGUE_BUS_BUFFER) != SEGUE_EXIT_OK)
		return;
	if (segue_json_read(reply, &properties) >= 0) {
		segue_format_property(channels, sizeof(channels), properties, "Channels", SEGUE_FORMAT_TEXT);
		fprintf(stderr, "%s: %s, %s channel%s, peak %s\n", name,
				segue_format_property(length, sizeof(length), properties, "Frames",
					SEGUE_FORMAT_FRAMES),
				channels, spa_streq(channels, "1") ? "" : "s",
				segue_format_property(peak, sizeof(peak), properties, "PeakGain",
					SEGUE_FORMAT_DB));
		json_object_put(properties);
	}
	sd_bus_message_unref(reply);
}
