/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "sound.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include <spa/utils/string.h>

#include "args.h"
#include "bus.h"
#include "json.h"
#include "table.h"

#define STDIN_MAX	(UINT64_C(1) << 30)
#define CHUNK		65536

/* without folders */
static const char *base_name(const char *file)
{
	const char *slash = strrchr(file, '/');

	if (spa_streq(file, "-"))
		return "stdin";
	return slash != NULL && slash[1] != '\0' ? slash + 1 : file;
}

char *segue_sound_name(const char *const *files, int n_files)
{
	size_t size = 1;
	char *name, *p;

	for (int i = 0; i < n_files; i++)
		size += strlen(" + ") + strlen(base_name(files[i]));
	if ((name = p = malloc(size)) == NULL)
		return NULL;
	for (int i = 0; i < n_files; i++) {
		if (i > 0)
			p = stpcpy(p, " + ");
		p = stpcpy(p, base_name(files[i]));
	}
	return name;
}

enum segue_exit segue_sound_fail(struct segue_ctl *ctl, const char *node, const char *file, int res)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	enum segue_exit status;

	if (res == -ETIMEDOUT && ctl->texts[SEGUE_OPTION_TIMEOUT] != NULL)
		return segue_fail(ctl, SEGUE_EXIT_TIMEOUT, SD_BUS_ERROR_TIMEOUT, "%s: %s: not read within %s",
				node, base_name(file), ctl->texts[SEGUE_OPTION_TIMEOUT]);
	sd_bus_error_set_errno(&error, res);
	status = segue_fail(ctl, SEGUE_EXIT_FAILED, error.name, "%s%s%s: %s", node != NULL ? node : "",
			node != NULL ? ": " : "", base_name(file),
			res == -EFBIG ? "longer than 1 GiB" : strerror(-res));
	sd_bus_error_free(&error);
	return status;
}

/* 0 at the end of input, 1, or a negative errno */
static int copy_chunk(const struct segue_ctl *ctl, int to, uint64_t *total)
{
	static char chunk[CHUNK];
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	ssize_t n, written, done = 0;

	if (poll(&in, 1, segue_poll_timeout(ctl->deadline_usec)) == 0)
		return -ETIMEDOUT;
	if ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) < 0)
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
static int open_file(const struct segue_ctl *ctl, const char *file)
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
	while ((res = copy_chunk(ctl, fd, &total)) > 0)
		;
	if (res < 0) {
		close(fd);
		return res;
	}
	return fd;
}

/* the files after the first one */
static int append_join(sd_bus_message *m, const int *fds, int n_fds)
{
	int res;

	if ((res = sd_bus_message_open_container(m, 'e', "sv")) < 0 ||
	    (res = sd_bus_message_append(m, "s", "join")) < 0 ||
	    (res = sd_bus_message_open_container(m, 'v', "ah")) < 0 ||
	    (res = sd_bus_message_open_container(m, 'a', "h")) < 0)
		return res;
	for (int i = 0; i < n_fds; i++)
		if ((res = sd_bus_message_append(m, "h", fds[i])) < 0)
			return res;
	for (int i = 0; i < 3; i++)
		if ((res = sd_bus_message_close_container(m)) < 0)
			return res;
	return 0;
}

static int append_text(sd_bus_message *m, const char *key, const char *text)
{
	const struct segue_quantity value = { .type = 's', .s = text };

	return text == NULL ? 0 : segue_bus_append_entry(m, key, &value);
}

/* What an instrument consists of lies around its file: that goes by its path. */
static bool is_instrument(const char *file)
{
	size_t length = strlen(base_name(file));

	return length > strlen(".sfz") && strcasecmp(file + strlen(file) - strlen(".sfz"), ".sfz") == 0;
}

/* Has a pipe brought an instrument's text? No audio file begins like one. */
static bool has_instrument(int fd)
{
	char text[64];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	const char *start;

	text[SPA_MAX(n, 0)] = '\0';
	start = text + strspn(text, " \t\r\n");
	return spa_strstartswith(start, "//") || spa_strstartswith(start, "<region>") ||
		spa_strstartswith(start, "<group>") || spa_strstartswith(start, "<master>") ||
		spa_strstartswith(start, "<global>") || spa_strstartswith(start, "<control>");
}

static enum segue_exit refuse_instrument(struct segue_ctl *ctl, const char *node, const char *file,
		const char *why)
{
	return segue_fail(ctl, SEGUE_EXIT_FAILED, SD_BUS_ERROR_INVALID_ARGS, "%s%s%s: %s", node != NULL ? node : "",
			node != NULL ? ": " : "", base_name(file), why);
}

enum segue_exit segue_sound_open(struct segue_ctl *ctl, const char *file, int *ret)
{
	int fd;

	if (is_instrument(file))
		return refuse_instrument(ctl, NULL, file, "an instrument is many sounds: show one of its samples");
	if ((fd = open_file(ctl, file)) < 0)
		return segue_sound_fail(ctl, NULL, file, fd);
	*ret = fd;
	return SEGUE_EXIT_OK;
}

static int append_path(sd_bus_message *m, const char *file)
{
	char *path = segue_args_path(file);
	int res = path != NULL ? sd_bus_message_append(m, "s", path) : -errno;

	free(path);
	return res;
}

/* fds NULL: by its path */
static int build_load(struct segue_ctl *ctl, const struct segue_sound_wanted *wanted, const int *fds,
		sd_bus_message *m)
{
	const struct segue_quantity kept = { .type = 'b', .b = true };
	/* a file's own name the service knows from its descriptor */
	bool nameless = spa_streq(wanted->files[0], "-") && ctl->texts[SEGUE_OPTION_LABEL] == NULL;
	int res;

	if ((res = fds == NULL ? append_path(m, wanted->files[0]) : sd_bus_message_append(m, "h", fds[0])) < 0 ||
	    (res = sd_bus_message_open_container(m, 'a', "{sv}")) < 0 ||
	    (res = segue_args_append(ctl, SEGUE_GROUP_LOAD, m)) < 0 ||
	    (res = append_text(m, "kind", wanted->kind)) < 0 ||
	    (res = append_text(m, "label", nameless ? base_name("-") : NULL)) < 0)
		return res;
	if (wanted->n_files > 1 && (res = append_join(m, fds + 1, wanted->n_files - 1)) < 0)
		return res;
	if (wanted->keep && (res = segue_bus_append_entry(m, "keep", &kept)) < 0)
		return res;
	return sd_bus_message_close_container(m);
}

static enum segue_exit open_files(struct segue_ctl *ctl, const struct segue_sound_wanted *wanted, int *ret,
		int *ret_n)
{
	for (int i = 0; i < wanted->n_files; i++) {
		const char *file = wanted->files[i];

		if (is_instrument(file))
			return refuse_instrument(ctl, wanted->node, file, "an instrument isn't joined with other files");
		if ((ret[i] = open_file(ctl, file)) < 0)
			return segue_sound_fail(ctl, wanted->node, file, ret[i]);
		*ret_n = i + 1;
		if (spa_streq(file, "-") && has_instrument(ret[i]))
			return refuse_instrument(ctl, wanted->node, file,
					"an instrument needs its folder: give its file's name");
	}
	return SEGUE_EXIT_OK;
}

/* The call, with descriptors that stay ours, or NULL. */
static enum segue_exit call_load(struct segue_ctl *ctl, const struct segue_sound_wanted *wanted, const int *fds,
		sd_bus_message **ret)
{
	sd_bus_message *m = NULL;
	int res = segue_bus_new_call(ctl, &m, SEGUE_BUS_ROOT, SEGUE_BUS_MANAGER,
			fds == NULL ? "LoadFile" : "LoadFd");

	if (res >= 0)
		res = build_load(ctl, wanted, fds, m);
	return segue_bus_send(ctl, res, m, wanted->node, ret);
}

static enum segue_exit load_files(struct segue_ctl *ctl, const struct segue_sound_wanted *wanted,
		sd_bus_message **ret)
{
	enum segue_exit status;
	int *fds, n_fds = 0;

	if ((fds = calloc(wanted->n_files, sizeof(*fds))) == NULL)
		return segue_fail_memory(ctl);
	if ((status = open_files(ctl, wanted, fds, &n_fds)) == SEGUE_EXIT_OK)
		status = call_load(ctl, wanted, fds, ret);
	while (n_fds > 0)
		close(fds[--n_fds]);
	free(fds);
	return status;
}

enum segue_exit segue_sound_load(struct segue_ctl *ctl, const struct segue_sound_wanted *wanted, char **ret)
{
	sd_bus_message *reply = NULL;
	enum segue_exit status;
	const char *path;
	int res;

	status = wanted->n_files == 1 && is_instrument(wanted->files[0]) ? call_load(ctl, wanted, NULL, &reply) :
		load_files(ctl, wanted, &reply);
	if (status != SEGUE_EXIT_OK)
		return status;

	res = sd_bus_message_read(reply, "o", &path);
	if (res >= 0 && (*ret = strdup(path)) == NULL)
		res = -ENOMEM;
	sd_bus_message_unref(reply);
	return res < 0 ? segue_bus_fail_errno(ctl, res) : SEGUE_EXIT_OK;
}

void segue_sound_describe(struct segue_ctl *ctl, FILE *to, const char *name, const char *buffer)
{
	sd_bus_message *reply;
	json_object *properties;
	char length[32], channels[32], bytes[32], peak[32];

	if (segue_bus_call(ctl, NULL, &reply, buffer, SEGUE_BUS_PROPERTIES, "GetAll", "s",
				SEGUE_BUS_BUFFER) != SEGUE_EXIT_OK)
		return;
	if (segue_json_read(reply, &properties) >= 0) {
		bool many = spa_streq(segue_json_text(properties, "Kind"), "instrument");

		segue_format_property(length, sizeof(length), properties, "Frames", SEGUE_FORMAT_FRAMES);
		segue_format_property(channels, sizeof(channels), properties, "Channels", SEGUE_FORMAT_TEXT);
		segue_format_property(bytes, sizeof(bytes), properties, "Bytes", SEGUE_FORMAT_BYTES);
		segue_format_property(peak, sizeof(peak), properties, "PeakGain", SEGUE_FORMAT_DB);
		fprintf(to, "%s: %s%s, %s channel%s%s%s, peak gain %s\n", name, many ? "an instrument of " : "",
				length, channels, spa_streq(channels, "1") ? "" : "s", many ? ", " : "",
				many ? bytes : "", peak);
		json_object_put(properties);
	}
	sd_bus_message_unref(reply);
}
