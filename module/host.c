/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <spa/utils/result.h>
#include <spa/utils/string.h>

#include "host-entry.h"

PW_LOG_TOPIC_STATIC(mod_topic, "mod.segue.host");
#define PW_LOG_TOPIC_DEFAULT mod_topic

/* Back within a second of PipeWire's return: no pause between two tries comes near it. */
#define RETRY_MIN_NSEC	(50 * SPA_NSEC_PER_MSEC)
#define RETRY_MAX_NSEC	(500 * SPA_NSEC_PER_MSEC)

struct segue_host {
	struct pw_context *context;
	struct spa_hook context_listener;
	struct pw_loop *loop;
	const struct segue_host_events *events;
	void *events_data;

	struct spa_list nodes;
	struct pw_properties *configured;	/* the names of those that a fragment of the user's has */
	bool in_daemon;
	struct pw_core *own_core;	/* the daemon's to itself, once a node needs it */
	bool closing;			/* the context is on its way out */
	struct spa_source *remove_timer;

	/* a process of its own */
	struct pw_core *core;
	struct spa_hook core_listener;
	struct spa_source *retry_timer;
	uint64_t retry_nsec;
	bool reachable;			/* there is a connection, of which no loss is known */
	bool connected;			/* PipeWire has answered */
};

#define host_emit(h,m,...) \
	do { if ((h)->events != NULL) (h)->events->m((h)->events_data, __VA_ARGS__); } while (0)

void segue_host_arm_timer(struct pw_loop *loop, struct spa_source *timer, uint64_t nsec)
{
	struct timespec value = {
		.tv_sec = nsec / SPA_NSEC_PER_SEC,
		.tv_nsec = nsec % SPA_NSEC_PER_SEC,
	};
	pw_loop_update_timer(loop, timer, &value, NULL, false);
}

/* --------------------------------------------------- the connection */

static void disconnect_nodes(struct segue_host *host)
{
	struct segue_hosted *hosted;

	spa_list_for_each(hosted, &host->nodes, link) {
		hosted->removed = hosted->left_out = false;
		hosted->removed_seq = SPA_ID_INVALID;
		hosted->form->disconnect(hosted->object);
	}
}

static void close_core(struct segue_host *host)
{
	if (host->own_core != NULL)
		pw_core_disconnect(host->own_core);
	host->own_core = NULL;
	if (host->core == NULL)
		return;
	spa_hook_remove(&host->core_listener);
	pw_core_disconnect(host->core);
	host->core = NULL;
	host->reachable = host->connected = false;
}

static void retry(struct segue_host *host)
{
	segue_host_arm_timer(host->loop, host->retry_timer, host->retry_nsec);
	host->retry_nsec = SPA_MIN(host->retry_nsec * 2, RETRY_MAX_NSEC);
}

static void on_core_info(void *data, const struct pw_core_info *info)
{
	struct segue_host *host = data;

	if (!host->connected)
		pw_log_info("connected to '%s'", info->name);
	host->connected = true;
	host->retry_nsec = RETRY_MIN_NSEC;
}

static void on_core_error(void *data, uint32_t id, int seq, int res, const char *message)
{
	struct segue_host *host = data;
	struct segue_hosted *hosted;

	if (id != PW_ID_CORE || res != -EPIPE) {
		pw_log_warn("PipeWire: object %u: %s (%s)", id, message, spa_strerror(res));
		return;
	}
	if (host->connected)
		pw_log_warn("PipeWire is gone, waiting for its return");
	host->reachable = host->connected = false;
	spa_list_for_each(hosted, &host->nodes, link) {
		hosted->node->methods->set_connected(hosted->node, false);
		segue_host_set_ids(hosted, NULL, 0);
	}
	/* not from within its own event: the timer takes the connection down */
	retry(host);
}

/* Answers the question segue_host_lost() asked. */
static void on_core_done(void *data, uint32_t id, int seq)
{
	struct segue_host *host = data;
	struct segue_hosted *hosted, *tmp;

	if (id != PW_ID_CORE)
		return;
	spa_list_for_each_safe(hosted, tmp, &host->nodes, link) {
		if (hosted->removed && hosted->removed_seq == seq) {
			pw_log_info("%s: removed from the graph", hosted->name);
			segue_host_remove(hosted);
		}
	}
}

static const struct pw_core_events core_events = {
	PW_VERSION_CORE_EVENTS,
	.info = on_core_info,
	.done = on_core_done,
	.error = on_core_error,
};

static struct pw_core *own_core(struct segue_host *host)
{
	if (host->own_core == NULL)
		host->own_core = pw_context_connect(host->context,
				pw_properties_new(PW_KEY_REMOTE_NAME, "internal", NULL), 0);
	return host->own_core;
}

static int enter_graph(struct segue_host *host, struct segue_hosted *hosted)
{
	struct pw_core *core = host->core;

	if (host->in_daemon && hosted->form->needs_core && (core = own_core(host)) == NULL)
		return -errno;
	return hosted->form->connect(hosted->object, core);
}

static void connect_node(struct segue_host *host, struct segue_hosted *hosted)
{
	int res;

	if (!host->in_daemon && host->core == NULL)
		return;
	if ((res = enter_graph(host, hosted)) < 0)
		segue_host_left_out(hosted, res);
	else
		hosted->left_out = false;
}

/* Once the others are in the graph: they stay there. */
static void connect_left_out(struct segue_host *host)
{
	struct segue_hosted *hosted;

	spa_list_for_each(hosted, &host->nodes, link)
		if (hosted->left_out)
			connect_node(host, hosted);
}

static void open_core(struct segue_host *host)
{
	struct segue_hosted *hosted;

	host->core = pw_context_connect(host->context, NULL, 0);
	if (host->core == NULL) {
		pw_log_debug("can't connect to PipeWire: %m");
		retry(host);
		return;
	}
	host->reachable = true;
	pw_core_add_listener(host->core, &host->core_listener, &core_events, host);
	spa_list_for_each(hosted, &host->nodes, link)
		connect_node(host, hosted);
}

static void on_retry(void *data, uint64_t expirations)
{
	struct segue_host *host = data;

	if (segue_host_reachable(host)) {
		connect_left_out(host);
		return;
	}
	disconnect_nodes(host);
	close_core(host);
	open_core(host);
}

/* --------------------------------------------------------- the nodes */

static void on_remove_timer(void *data, uint64_t expirations)
{
	struct segue_host *host = data;
	struct segue_hosted *hosted, *tmp;

	spa_list_for_each_safe(hosted, tmp, &host->nodes, link)
		if (hosted->removed)
			segue_host_remove(hosted);
}

/* The node was taken out of the graph and not by us. In the daemon someone destroyed it, unless the
 * whole context goes; then the timer doesn't come any more. Over a connection it may be PipeWire on
 * its way down: if it still answers, it was an order. */
void segue_host_lost(struct segue_hosted *hosted)
{
	struct segue_host *host = hosted->host;

	if (host->closing || hosted->removed)
		return;
	hosted->removed = true;
	if (host->core != NULL)
		hosted->removed_seq = pw_core_sync(host->core, PW_ID_CORE, 0);
	else
		segue_host_arm_timer(host->loop, host->remove_timer, 1);
}

/* Want of memory or of descriptors passes. */
void segue_host_left_out(struct segue_hosted *hosted, int res)
{
	if (!hosted->left_out)
		pw_log_error("%s: can't enter the graph: %s", hosted->name, spa_strerror(res));
	hosted->left_out = res == -ENOMEM || res == -EMFILE || res == -ENFILE;
	if (hosted->left_out)
		retry(hosted->host);
}

void segue_host_set_ids(struct segue_hosted *hosted, const uint32_t ids[], uint32_t n_ids)
{
	if (hosted->n_ids == n_ids && (n_ids == 0 || memcmp(hosted->ids, ids, n_ids * sizeof(*ids)) == 0))
		return;
	if (n_ids > 0)
		memcpy(hosted->ids, ids, n_ids * sizeof(*ids));
	hosted->n_ids = n_ids;
	host_emit(hosted->host, ids_changed, hosted);
}

static struct segue_hosted *find_hosted(struct segue_host *host, const char *name)
{
	struct segue_hosted *hosted;

	spa_list_for_each(hosted, &host->nodes, link)
		if (spa_streq(hosted->name, name))
			return hosted;
	return NULL;
}

struct segue_hosted *segue_host_add(struct segue_host *host, struct pw_properties *entry,
		struct segue_error *error)
{
	struct segue_hosted *hosted, *old;
	struct segue_error why;
	int res;

	if ((hosted = calloc(1, sizeof(*hosted))) == NULL) {
		res = segue_error_set(error, -ENOMEM, "out of memory");
		goto error;
	}
	hosted->host = host;
	hosted->removed_seq = SPA_ID_INVALID;

	if ((res = segue_entry_read(entry, hosted, error)) < 0)
		goto error;
	if ((old = find_hosted(host, hosted->name)) != NULL &&
	    !pw_properties_get_bool(entry, "override", false)) {
		res = segue_error_set(error, -EEXIST, "%s: the name is taken", hosted->name);
		goto error;
	}
	if (pw_properties_get(entry, PW_KEY_NODE_DESCRIPTION) == NULL)
		pw_properties_set(entry, PW_KEY_NODE_DESCRIPTION, hosted->name);

	if ((hosted->object = hosted->form->new(host->context, hosted, entry, &why)) == NULL) {
		res = segue_error_set(error, why.res, "%s: %s", hosted->name, why.message);
		goto error;
	}
	hosted->entry = entry;
	if (old != NULL)
		segue_host_remove(old);
	spa_list_append(&host->nodes, &hosted->link);
	host_emit(host, added, hosted);
	connect_node(host, hosted);
	return hosted;
error:
	pw_properties_free(entry);
	free(hosted);
	errno = -res;
	return NULL;
}

void segue_host_remove(struct segue_hosted *hosted)
{
	struct segue_host *host = hosted->host;

	/* its leave is no news to ask PipeWire about */
	hosted->removed = true;
	spa_list_remove(&hosted->link);
	hosted->form->disconnect(hosted->object);
	host_emit(host, removing, hosted);
	hosted->form->free(hosted->object);
	host_emit(host, removed, hosted->name);
	pw_properties_free(hosted->entry);
	free(hosted);
}

/* ------------------------------------------------- the configuration */

/* { type = none }: what lower fragments have of the name isn't wanted */
static int omit(struct segue_host *host, const struct pw_properties *entry, struct segue_error *error)
{
	const char *name = pw_properties_get(entry, PW_KEY_NODE_NAME);
	struct segue_hosted *old;
	int res;

	if ((res = segue_entry_check_name(name, error)) < 0)
		return res;
	if (!pw_properties_get_bool(entry, "override", false))
		return segue_error_set(error, -EINVAL, "%s: type: none goes with override = true", name);
	if ((old = find_hosted(host, name)) != NULL)
		segue_host_remove(old);
	return 0;
}

int segue_host_configure(struct segue_host *host, struct pw_properties *entry, bool is_saved,
		struct segue_error *error)
{
	struct segue_hosted *hosted;
	int res;

	if (spa_streq(pw_properties_get(entry, "type"), "none")) {
		res = omit(host, entry, error);
		pw_properties_free(entry);
		return res;
	}
	if ((hosted = segue_host_add(host, entry, error)) == NULL)
		return -errno;
	if (!is_saved)
		pw_properties_set(host->configured, hosted->name, "true");
	return 0;
}

const char *segue_host_next_destroyed(struct segue_host *host, void **state)
{
	const char *name;

	while ((name = pw_properties_iterate(host->configured, state)) != NULL)
		if (find_hosted(host, name) == NULL)
			return name;
	return NULL;
}

struct spa_list *segue_host_list(struct segue_host *host)
{
	return &host->nodes;
}

bool segue_host_connected(const struct segue_host *host)
{
	return host->in_daemon || host->connected;
}

bool segue_host_reachable(const struct segue_host *host)
{
	return host->in_daemon || host->reachable;
}

/* ----------------------------------------------------------- the host */

/* 0.3.65 destroys cores and nodes before modules, and nodes that were never registered not at all: take
 * ours down while everything is still there. */
static void on_context_destroy(void *data)
{
	struct segue_host *host = data;

	host->closing = true;
	disconnect_nodes(host);
	close_core(host);
}

static const struct pw_context_events context_events = {
	PW_VERSION_CONTEXT_EVENTS,
	.destroy = on_context_destroy,
};

struct segue_host *segue_host_new(struct pw_context *context)
{
	struct segue_host *host;
	const struct pw_properties *properties = pw_context_get_properties(context);

	PW_LOG_TOPIC_INIT(mod_topic);

	if ((host = calloc(1, sizeof(*host))) == NULL)
		return NULL;
	host->context = context;
	host->loop = pw_context_get_main_loop(context);
	host->in_daemon = pw_properties_get_bool(properties, PW_KEY_CORE_DAEMON, false);
	host->retry_nsec = RETRY_MIN_NSEC;
	spa_list_init(&host->nodes);
	host->configured = pw_properties_new(NULL, NULL);
	pw_context_add_listener(context, &host->context_listener, &context_events, host);

	host->remove_timer = pw_loop_add_timer(host->loop, on_remove_timer, host);
	host->retry_timer = pw_loop_add_timer(host->loop, on_retry, host);
	if (host->configured == NULL || host->remove_timer == NULL || host->retry_timer == NULL) {
		segue_host_free(host);
		return NULL;
	}
	if (!host->in_daemon)
		open_core(host);
	return host;
}

void segue_host_free(struct segue_host *host)
{
	struct segue_hosted *hosted;

	if (host == NULL)
		return;
	host->closing = true;
	spa_list_consume(hosted, &host->nodes, link)
		segue_host_remove(hosted);
	close_core(host);
	spa_hook_remove(&host->context_listener);
	if (host->retry_timer != NULL)
		pw_loop_destroy_source(host->loop, host->retry_timer);
	if (host->remove_timer != NULL)
		pw_loop_destroy_source(host->loop, host->remove_timer);
	pw_properties_free(host->configured);
	free(host);
}

void segue_host_set_events(struct segue_host *host, const struct segue_host_events *events, void *data)
{
	host->events = events;
	host->events_data = data;
}
