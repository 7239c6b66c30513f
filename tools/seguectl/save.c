/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* The service tells each node as an entry of segue.nodes; that they become a file, whole or not at all, is ours. What
 * a node plays and no file has is written by the service into one that lies beside it. */

#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <spa/utils/defs.h>
#include <spa/utils/string.h>

#include "args.h"
#include "bus.h"
#include "json.h"

#define HEADER	"# Written by seguectl save, which writes it anew each time: keep what is yours in other files.\n\n"
#define RANDOM	"XXXXXX"
#define WAV	".wav"

struct save {
	struct segue_ctl *ctl;
	char *path;		/* of the fragment */
	char *folder, *stem;	/* it lies in, and is called without .conf */
	int folder_fd;		/* locked */
	char *old_text;		/* of the fragment there was, or NULL */
	char *text;		/* of the new one */
	size_t size;
	FILE *to;
	char **wavs;		/* made for it */
	size_t n_wavs, n_nodes;
	bool incomplete;
};

static enum segue_exit fail_errno(struct save *save, const char *path, int res)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	enum segue_exit status;

	sd_bus_error_set_errno(&error, res);
	status = segue_fail(save->ctl, SEGUE_EXIT_FAILED, error.name, "%s: %s", path, strerror(-res));
	sd_bus_error_free(&error);
	return status;
}

/* ---- where it goes */

/* as mkdir -p, and nobody else's business */
static int make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		int res;

		*slash = '\0';
		res = mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
		*slash = '/';
		if (res < 0)
			return res;
	}
	return 0;
}

/* The one that is read at the service's start. */
static enum segue_exit ask_path(struct save *save)
{
	enum segue_exit status;
	sd_bus_message *reply;
	const char *path;
	int res;

	if ((status = segue_bus_call(save->ctl, NULL, &reply, SEGUE_BUS_ROOT, SEGUE_BUS_PROPERTIES, "Get", "ss",
					SEGUE_BUS_MANAGER, "SavePath")) != SEGUE_EXIT_OK)
		return status;
	if ((res = sd_bus_message_read(reply, "v", "s", &path)) < 0) {
		status = segue_bus_fail_errno(save->ctl, res);
	} else if (path[0] != '/') {
		status = segue_fail(save->ctl, SEGUE_EXIT_FAILED, SD_BUS_ERROR_FILE_NOT_FOUND,
				"Segue has no folder for its configuration: name a file");
	} else if ((save->path = strdup(path)) == NULL) {
		status = segue_fail_memory(save->ctl);
	} else if ((res = make_folders(save->path)) < 0) {
		status = fail_errno(save, save->path, res);
	}
	sd_bus_message_unref(reply);
	return status;
}

static enum segue_exit take_path(struct save *save, const char *file)
{
	save->path = segue_args_path(file);
	return save->path != NULL ? SEGUE_EXIT_OK : fail_errno(save, file, -errno);
}

/* A link stays one, and what isn't a file stays what it is. */
static enum segue_exit resolve(struct save *save)
{
	char *real = realpath(save->path, NULL);
	struct stat st;

	if (real == NULL)
		return errno == ENOENT ? SEGUE_EXIT_OK : fail_errno(save, save->path, -errno);
	free(save->path);
	save->path = real;
	if (stat(real, &st) < 0)
		return fail_errno(save, real, -errno);
	if (!S_ISREG(st.st_mode))
		return segue_fail(save->ctl, SEGUE_EXIT_FAILED, SD_BUS_ERROR_INVALID_ARGS, "%s: not a regular file",
				real);
	return SEGUE_EXIT_OK;
}

static int split(struct save *save)
{
	const char *name = strrchr(save->path, '/') + 1;
	size_t length = strlen(name) - (spa_strendswith(name, ".conf") ? strlen(".conf") : 0);

	save->folder = strndup(save->path, name - save->path);
	save->stem = strndup(name, length);
	return save->folder != NULL && save->stem != NULL ? 0 : -ENOMEM;
}

/* Two of us at a time would take each other's files for old ones. */
static int lock(struct save *save)
{
	if ((save->folder_fd = open(save->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return -errno;
	return flock(save->folder_fd, LOCK_EX) < 0 && errno != ENOTSUP && errno != ENOLCK ? -errno : 0;
}

/* ---- the old one */

static int read_old(struct save *save)
{
	size_t size = 0;
	FILE *from = fopen(save->path, "re");
	int res;

	if (from == NULL)
		return errno == ENOENT ? 0 : -errno;
	res = getdelim(&save->old_text, &size, '\0', from) < 0 ? -errno : 0;
	if (feof(from) && res < 0) {
		/* it is empty */
		free(save->old_text);
		save->old_text = NULL;
		res = 0;
	}
	fclose(from);
	return res;
}

/* Of the files we made for the old one, those that the new one doesn't use either. */
static void remove_old(struct save *save)
{
	char *prefix = spa_aprintf("%s%s.", save->folder, save->stem), *wav;
	const char *at = prefix != NULL ? save->old_text : NULL, *end;

	for (; at != NULL && (at = strstr(at, prefix)) != NULL; at++) {
		if ((end = strstr(at, WAV)) == NULL || (wav = strndup(at, end + strlen(WAV) - at)) == NULL)
			break;
		if (strchr(wav + strlen(prefix), '/') == NULL && strstr(save->text, wav) == NULL)
			(void)unlink(wav);
		free(wav);
	}
	free(prefix);
}

/* ---- the nodes */

/* A file for what a node plays, should it need one. */
static int make_wav(struct save *save, const char *node, char **ret)
{
	char *wav = spa_aprintf("%s%s.%s." RANDOM WAV, save->folder, save->stem, node);
	int fd;

	if (wav == NULL)
		return -ENOMEM;
	if ((fd = mkostemps(wav, strlen(WAV), O_CLOEXEC)) < 0) {
		fd = -errno;
		free(wav);
		return fd;
	}
	*ret = wav;
	return fd;
}

/* Has the service written it? Then it stays, unless the rest fails. */
static enum segue_exit keep_wav(struct save *save, int fd, const char *wav)
{
	char **wavs = reallocarray(save->wavs, save->n_wavs + 1, sizeof(*wavs));
	struct stat st;

	if (wavs != NULL)
		save->wavs = wavs;
	if (fstat(fd, &st) < 0 || (st.st_size > 0 && fsync(fd) < 0))
		return fail_errno(save, wav, -errno);
	if (st.st_size == 0) {
		(void)unlink(wav);
		return SEGUE_EXIT_OK;
	}
	if (wavs == NULL || (wavs[save->n_wavs] = strdup(wav)) == NULL)
		return segue_fail_memory(save->ctl);
	save->n_wavs++;
	return SEGUE_EXIT_OK;
}

static enum segue_exit add_entry(struct save *save, const char *node, sd_bus_message *reply)
{
	const char *missing;
	const void *entry;
	size_t size;
	int res;

	if ((res = sd_bus_message_read_array(reply, 'y', &entry, &size)) < 0 ||
	    (res = sd_bus_message_read(reply, "s", &missing)) < 0)
		return segue_bus_fail_errno(save->ctl, res);
	fputs("    ", save->to);
	fwrite(entry, 1, size, save->to);
	fputc('\n', save->to);
	save->n_nodes++;
	if (missing[0] != '\0') {
		(void)segue_fail(save->ctl, SEGUE_EXIT_FAILED, SD_BUS_ERROR_FAILED, "%s: %s, and isn't saved", node,
				missing);
		save->incomplete = true;
	}
	return SEGUE_EXIT_OK;
}

static enum segue_exit save_node(struct save *save, json_object *object)
{
	const char *node = segue_json_text(object, "Name");
	sd_bus_message *reply = NULL;
	enum segue_exit status;
	char *wav = NULL;
	int fd;

	if ((fd = make_wav(save, node, &wav)) < 0)
		return fail_errno(save, save->path, fd);
	status = segue_bus_call(save->ctl, node, &reply, segue_json_text(object, "Object"), SEGUE_BUS_NODE, "Save",
			"hs", fd, wav);
	if (status == SEGUE_EXIT_OK)
		status = add_entry(save, node, reply);
	if (status == SEGUE_EXIT_OK)
		status = keep_wav(save, fd, wav);
	if (status != SEGUE_EXIT_OK)
		(void)unlink(wav);
	sd_bus_message_unref(reply);
	close(fd);
	free(wav);
	return status;
}

/* Nodes that other fragments have and that were destroyed: they stay away. */
static enum segue_exit save_destroyed(struct save *save)
{
	enum segue_exit status;
	sd_bus_message *reply;
	json_object *names;
	int res;

	if ((status = segue_bus_call(save->ctl, NULL, &reply, SEGUE_BUS_ROOT, SEGUE_BUS_PROPERTIES, "Get", "ss",
					SEGUE_BUS_MANAGER, "Destroyed")) != SEGUE_EXIT_OK)
		return status;
	res = segue_json_read(reply, &names);
	sd_bus_message_unref(reply);
	if (res < 0)
		return segue_bus_fail_errno(save->ctl, res);
	for (size_t i = 0; i < json_object_array_length(names); i++)
		fprintf(save->to, "    { type = none  node.name = %s  override = true }\n",
				json_object_get_string(json_object_array_get_idx(names, i)));
	json_object_put(names);
	return SEGUE_EXIT_OK;
}

static enum segue_exit save_nodes(struct save *save)
{
	enum segue_exit status;
	json_object *nodes;

	if ((status = segue_json_objects(save->ctl, SEGUE_BUS_NODES, &nodes)) != SEGUE_EXIT_OK)
		return status;
	if ((save->to = open_memstream(&save->text, &save->size)) == NULL) {
		json_object_put(nodes);
		return segue_fail_memory(save->ctl);
	}
	fputs(HEADER "segue.nodes = [\n", save->to);
	for (size_t i = 0; status == SEGUE_EXIT_OK && i < json_object_array_length(nodes); i++)
		status = save_node(save, json_object_array_get_idx(nodes, i));
	if (status == SEGUE_EXIT_OK)
		status = save_destroyed(save);
	fputs("]\n", save->to);
	json_object_put(nodes);
	if (fclose(save->to) != 0 && status == SEGUE_EXIT_OK)
		status = segue_fail_memory(save->ctl);
	return status;
}

/* ---- the new one */

static int write_all(int fd, const char *data, size_t size)
{
	ssize_t n;

	for (; size > 0; data += n, size -= n)
		if ((n = write(fd, data, size)) < 0) {
			if (errno != EINTR)
				return -errno;
			n = 0;
		}
	return fsync(fd) < 0 ? -errno : 0;
}

/* Whole, or as it was: also when the machine goes down. */
static int replace(struct save *save)
{
	char *temporary = spa_aprintf("%s.%s." RANDOM, save->folder, save->stem);
	int fd, res;

	if (temporary == NULL)
		return -ENOMEM;
	if ((fd = mkostemp(temporary, O_CLOEXEC)) < 0) {
		res = -errno;
		free(temporary);
		return res;
	}
	res = write_all(fd, save->text, save->size);
	if (close(fd) < 0 && res == 0)
		res = -errno;
	if (res == 0 && rename(temporary, save->path) < 0)
		res = -errno;
	if (res < 0)
		(void)unlink(temporary);
	else
		(void)fsync(save->folder_fd);
	free(temporary);
	return res;
}

static void clear_wavs(struct save *save, bool saved)
{
	for (size_t i = 0; i < save->n_wavs; i++) {
		if (!saved)
			(void)unlink(save->wavs[i]);
		free(save->wavs[i]);
	}
	free(save->wavs);
}

static enum segue_exit write_file(struct save *save)
{
	enum segue_exit status;
	int res;

	if ((status = resolve(save)) != SEGUE_EXIT_OK)
		return status;
	if ((res = split(save)) < 0 || (res = lock(save)) < 0 || (res = read_old(save)) < 0)
		return fail_errno(save, save->path, res);
	if ((status = save_nodes(save)) != SEGUE_EXIT_OK)
		return status;
	if ((res = replace(save)) < 0)
		return fail_errno(save, save->path, res);
	remove_old(save);
	return SEGUE_EXIT_OK;
}

static void print_saved(const struct save *save)
{
	json_object *saved;

	if (!save->ctl->json) {
		puts(save->path);
		return;
	}
	saved = json_object_new_object();
	json_object_object_add(saved, "file", json_object_new_string(save->path));
	json_object_object_add(saved, "nodes", json_object_new_uint64(save->n_nodes));
	segue_json_print(saved);
}

enum segue_exit segue_command_save(struct segue_ctl *ctl)
{
	struct save save = { .ctl = ctl, .folder_fd = -1 };
	enum segue_exit status;
	sigset_t signals;

	/* it is short, and what it makes on its way would stay */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);

	status = ctl->n_args > 0 ? take_path(&save, ctl->args[0]) : ask_path(&save);
	if (status == SEGUE_EXIT_OK)
		status = write_file(&save);
	clear_wavs(&save, status == SEGUE_EXIT_OK);
	if (status == SEGUE_EXIT_OK)
		print_saved(&save);
	if (save.folder_fd >= 0)
		close(save.folder_fd);
	free(save.path);
	free(save.folder);
	free(save.stem);
	free(save.old_text);
	free(save.text);
	return status == SEGUE_EXIT_OK && save.incomplete ? SEGUE_EXIT_FAILED : status;
}
