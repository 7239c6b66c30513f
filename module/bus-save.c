/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* seguectl save and show: a sound is written into the caller's file, by a worker. */

#include "bus-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "save.h"

#define SAVES_MAX	64u	/* under way */

/** A call that waits for its file. */
struct segue_bus_save {
	struct spa_list link;
	struct segue_bus *bus;
	sd_bus_message *message;
	uint64_t id;		/* of the writing */
	bool is_node;		/* that has these to tell, too: */
	char *entry, *missing;
	struct segue_bus_deadline deadline;
};

static void save_free(struct segue_bus_save *save)
{
	segue_bus_deadline_remove(save->bus, &save->deadline);
	spa_list_remove(&save->link);
	sd_bus_message_unref(save->message);
	free(save->entry);
	free(save->missing);
	free(save);
}

/* The entry as bytes: the names of files may be any. */
static int reply(sd_bus_message *m, const char *entry, const char *missing)
{
	sd_bus_message *reply;
	int res;

	if (entry == NULL || missing == NULL)
		return -ENOMEM;
	if ((res = sd_bus_message_new_method_return(m, &reply)) < 0)
		return res;
	if ((res = sd_bus_message_append_array(reply, 'y', entry, strlen(entry))) >= 0 &&
	    (res = segue_bus_text_append(reply, missing)) >= 0)
		res = sd_bus_send(NULL, reply, NULL);
	sd_bus_message_unref(reply);
	return res;
}

static void on_expired(struct segue_bus_deadline *deadline)
{
	static const struct segue_error late = { -ETIMEDOUT, "the file can't be written within 4 s" };
	struct segue_bus_save *save = SPA_CONTAINER_OF(deadline, struct segue_bus_save, deadline);

	segue_bus_reply_error(save->message, NULL, &late);
	save_free(save);
}

void segue_bus_saves_written(struct segue_bus *bus, uint64_t id, const struct segue_error *error)
{
	static const struct segue_error no_memory = { -ENOMEM, "out of memory" };
	struct segue_bus_save *save;

	spa_list_for_each(save, &bus->saves, link)
		if (save->id == id)
			break;
	if (spa_list_is_end(save, &bus->saves, link))
		return;
	if (error != NULL)
		segue_bus_reply_error(save->message, NULL, error);
	else if ((save->is_node ? reply(save->message, save->entry, save->missing) :
				sd_bus_reply_method_return(save->message, NULL)) < 0)
		segue_bus_reply_error(save->message, NULL, &no_memory);
	save_free(save);
	segue_bus_rearm(bus);
}

void segue_bus_saves_free(struct segue_bus *bus)
{
	struct segue_bus_save *save;

	spa_list_consume(save, &bus->saves, link)
		save_free(save);
}

static uint32_t count(const struct segue_bus *bus)
{
	const struct segue_bus_save *save;
	uint32_t n = 0;

	spa_list_for_each(save, &bus->saves, link)
		n++;
	return n;
}

/* One that waits for nothing yet, and a descriptor of our own. */
static struct segue_bus_save *save_new(struct segue_bus *bus, sd_bus_message *m, int *fd, struct segue_error *why)
{
	struct segue_bus_save *save;

	if (count(bus) == SAVES_MAX) {
		segue_error_set(why, -EDQUOT, "%u files are being written already", SAVES_MAX);
		return NULL;
	}
	if ((*fd = segue_bus_own_fd(*fd, why)) < 0)
		return NULL;
	if ((save = calloc(1, sizeof(*save))) == NULL) {
		close(*fd);
		segue_error_set(why, -ENOMEM, "out of memory");
		return NULL;
	}
	save->bus = bus;
	save->message = m;
	return save;
}

/* From now on it is answered. */
static int await(struct segue_bus_save *save)
{
	sd_bus_message_ref(save->message);
	spa_list_append(&save->bus->saves, &save->link);
	segue_bus_deadline_add(save->bus, &save->deadline, on_expired);
	return 1;
}

static int begin(struct segue_bus_node *node, sd_bus_message *m, int fd, const char *path, struct segue_error *why)
{
	struct segue_hosted *hosted = node->hosted;
	struct segue_bus_save *save;
	char *load;
	int res;

	if ((save = save_new(node->bus, m, &fd, why)) == NULL)
		return why->res;
	if ((res = hosted->node->methods->write(hosted->node, fd, path, &load, &save->id, why)) < 0) {
		free(save);
		return res;
	}
	save->is_node = true;
	save->entry = segue_save_entry(hosted, load);
	save->missing = segue_save_missing(hosted);
	free(load);
	return await(save);
}

int segue_bus_write(struct segue_bus_buffer *buffer, sd_bus_message *m, sd_bus_error *error)
{
	struct segue_store *store = buffer->bus->store;
	struct segue_bus_save *save;
	struct segue_error why;
	int fd, res;

	if ((res = sd_bus_message_read(m, "h", &fd)) < 0)
		return res;
	if ((save = save_new(buffer->bus, m, &fd, &why)) == NULL)
		return segue_bus_error(error, NULL, &why);
	if (store->methods->write(store, buffer->sound, fd, &save->id, &why) < 0) {
		free(save);
		return segue_bus_error(error, NULL, &why);
	}
	return await(save);
}

int segue_bus_save(struct segue_bus_node *node, sd_bus_message *m, sd_bus_error *error)
{
	struct segue_hosted *hosted = node->hosted;
	char *entry, *missing;
	struct segue_error why;
	const char *path;
	int fd, res;

	if ((res = sd_bus_message_read(m, "hs", &fd, &path)) < 0)
		return res;
	if (path[0] != '/') {
		segue_error_set(&why, -EINVAL, "path: '%s' isn't absolute", path);
		return segue_bus_error(error, hosted->name, &why);
	}
	if (!segue_save_has_text(hosted))
		return (res = begin(node, m, fd, path, &why)) < 0 ?
			segue_bus_error(error, hosted->name, &why) : res;
	entry = segue_save_entry(hosted, NULL);
	missing = segue_save_missing(hosted);
	res = reply(m, entry, missing);
	free(entry);
	free(missing);
	return res < 0 ? res : 1;
}
