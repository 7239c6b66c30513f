/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* busctl --user call org.segue.Segue1 /org/segue/Segue1/node/synth org.segue.Segue1.Node \
 *	Load 'sa{sv}' /usr/share/sounds/alsa/Front_Center.wav 1 wait b true */

#include "bus-private.h"

#include <errno.h>
#include <stdlib.h>

/** A call of the bus that isn't over: its reply waits for a file's header or for a request's end, or
 * its load is still counted. */
struct segue_bus_call {
	struct segue_bus *bus;
	sd_bus_message *message;	/* to be answered; NULL: it has been */

	/* the load, until its sound is made */
	struct spa_list load_link;
	bool loading;
	struct segue_bus_client *client;	/* NULL: it left */
	uint64_t id;
	uint64_t bytes;			/* as counted at the client */
	/* until the header is read */
	struct segue_sound *sound;	/* owned; NULL: the header is read */
	struct segue_bus_deadline deadline;
	bool keep;

	/* the request, until it is finished */
	struct spa_list node_link;
	struct segue_bus_node *node;	/* NULL: there is none, or it is finished */
	uint64_t serial;
	struct segue_bus_queued queued;
	bool wait;
	bool refused;			/* the caller was told of an error: it knows no serial */
};

static struct segue_bus_call *call_new(struct segue_bus *bus, sd_bus_message *m)
{
	struct segue_bus_call *call = calloc(1, sizeof(*call));

	if (call != NULL) {
		call->bus = bus;
		call->message = sd_bus_message_ref(m);
	}
	return call;
}

static void call_free(struct segue_bus_call *call)
{
	if (call == NULL)
		return;
	sd_bus_message_unref(call->message);
	free(call);
}

/* Everything about it may be over by now. */
static void call_check(struct segue_bus_call *call)
{
	if (!call->loading && call->node == NULL)
		call_free(call);
}

static void answered(struct segue_bus_call *call)
{
	call->message = sd_bus_message_unref(call->message);
	segue_bus_rearm(call->bus);
}

static void answer_serial(struct segue_bus_call *call)
{
	if (call->message == NULL)
		return;
	(void)sd_bus_reply_method_return(call->message, "t", call->serial);
	segue_bus_node_emit_queued(call->node, &call->queued);
	answered(call);
}

static void answer_error(struct segue_bus_call *call, const struct segue_error *why)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;

	if (call->message == NULL)
		return;
	(void)segue_bus_error(&error, call->node != NULL ? call->node->hosted->name : NULL, why);
	(void)sd_bus_reply_method_error(call->message, &error);
	sd_bus_error_free(&error);
	answered(call);
}

/* Ask the node for a sound; that it was accepted is told after the reply. */
static int ask(struct segue_bus_node *node, struct segue_sound *sound, const struct segue_options *options,
		struct segue_bus_queued *queued, struct segue_error *why)
{
	struct segue_node *target = node->hosted->node;
	uint64_t serial;
	int res;

	node->asking = queued;
	res = target->methods->request(target, sound, options, &serial, why);
	node->asking = NULL;
	return res;
}

static void begin_request(struct segue_bus_call *call, struct segue_bus_node *node)
{
	call->node = node;
	call->serial = call->queued.serial;
	spa_list_append(&node->calls, &call->node_link);
}

static void end_request(struct segue_bus_call *call)
{
	if (call->node == NULL)
		return;
	spa_list_remove(&call->node_link);
	call->node = NULL;
}

static void end_load(struct segue_bus_call *call)
{
	if (!call->loading)
		return;
	call->loading = false;
	spa_list_remove(&call->load_link);
	if (call->client != NULL)
		segue_bus_client_end_load(call->client, call->bytes);
	call->client = NULL;
}

/* Stop waiting for the header; the ownership goes to the caller. */
static struct segue_sound *take_sound(struct segue_bus_call *call)
{
	struct segue_sound *sound = call->sound;

	call->sound = NULL;
	segue_bus_deadline_remove(call->bus, &call->deadline);
	return sound;
}

static void disown(struct segue_bus *bus, struct segue_sound *sound)
{
	if (sound != NULL)
		bus->store->methods->disown(bus->store, sound);
}

/* All of it is over. */
static void call_end(struct segue_bus_call *call)
{
	struct segue_bus *bus = call->bus;
	struct segue_sound *sound = take_sound(call);

	end_request(call);
	end_load(call);
	call_check(call);
	disown(bus, sound);
}

static bool is_loading(const struct segue_sound_info *info)
{
	return info->state == SEGUE_SOUND_OPENING || info->state == SEGUE_SOUND_LOADING;
}

/* -------------------------------------------------- the header is read */

static void open_failed(struct segue_bus_call *call, const struct segue_error *why)
{
	struct segue_bus *bus = call->bus;
	struct segue_sound *sound = take_sound(call);

	answer_error(call, why);
	call->refused = true;
	end_load(call);
	call_check(call);
	disown(bus, sound);
}

/* The same, when it is the bus that ends it: what waits for the sound at the node ends too. */
static void open_refused(struct segue_bus_call *call, const struct segue_error *why)
{
	struct segue_bus_node *node = call->node;
	uint64_t serial = call->serial;
	struct segue_error unused;

	open_failed(call, why);
	if (node != NULL)
		(void)node->hosted->node->methods->cancel(node->hosted->node, serial, &unused);
}

static void publish(struct segue_bus_call *call, struct segue_sound *sound)
{
	struct segue_bus_buffer *buffer;
	char path[SEGUE_BUS_PATH_MAX];

	if (call->client == NULL && !call->keep) {
		/* nobody is left to own it */
		disown(call->bus, sound);
		call->message = sd_bus_message_unref(call->message);
		return;
	}
	buffer = segue_bus_buffer_publish(call->bus, sound, call->client, call->keep);
	if (call->message == NULL)
		return;
	if (buffer != NULL)
		(void)sd_bus_reply_method_return(call->message, "o",
				segue_bus_buffer_path(path, buffer->id));
	else
		(void)sd_bus_reply_method_errno(call->message, -ENOMEM, NULL);
	answered(call);
}

/* What is kept is the service's, and what is there already is nobody's to load. */
static bool has_room(const struct segue_bus_call *call, const struct segue_sound_info *info,
		struct segue_error *why)
{
	if (call->client == NULL || call->keep || (call->node != NULL && !is_loading(info)))
		return true;
	return segue_bus_client_check_room(call->client, info, why) == 0;
}

static void opened(struct segue_bus_call *call)
{
	struct segue_bus *bus = call->bus;
	struct segue_store *store = bus->store;
	struct segue_sound_info info;
	struct segue_sound *sound;
	struct segue_error why;

	call->sound = store->methods->resolve(store, call->sound);
	store->methods->sound_info(store, call->sound, &info);
	call->id = info.id;
	if (!has_room(call, &info, &why)) {
		open_refused(call, &why);
		return;
	}
	sound = take_sound(call);

	if (call->node == NULL) {
		publish(call, sound);
		sound = NULL;
	} else {
		if (!call->wait)
			answer_serial(call);
		if (call->client != NULL)
			segue_bus_client_count_load(call->client, call->bytes, info.bytes_expected);
		call->bytes = info.bytes_expected;
	}
	if (!is_loading(&info))
		end_load(call);
	call_check(call);
	disown(bus, sound);
}

/* Whether a sound's state is news to a load. */
static bool is_news(const struct segue_bus_call *call, const struct segue_sound_info *info)
{
	return call->sound != NULL ? info->state != SEGUE_SOUND_OPENING : !is_loading(info);
}

static void sound_changed(struct segue_bus_call *call, const struct segue_sound_info *info)
{
	static const struct segue_error unknown = { -EIO, "can't be opened" };

	if (call->sound != NULL) {
		if (info->state == SEGUE_SOUND_FAILED)
			open_failed(call, info->error != NULL ? info->error : &unknown);
		else
			opened(call);
	} else {
		end_load(call);
		call_check(call);
	}
}

/* A call that ends may give up a sound, which may end another call: look from the start again. */
void segue_bus_calls_sound_changed(struct segue_bus *bus, const struct segue_sound_info *info)
{
	struct segue_bus_call *call;
again:
	spa_list_for_each(call, &bus->loads, load_link) {
		if (call->id == info->id && is_news(call, info)) {
			sound_changed(call, info);
			goto again;
		}
	}
}

void segue_bus_calls_sound_reclaimed(struct segue_bus *bus, uint64_t id)
{
	struct segue_bus_call *call, *tmp;

	spa_list_for_each_safe(call, tmp, &bus->loads, load_link) {
		if (call->id == id && call->sound == NULL) {
			end_load(call);
			call_check(call);
		}
	}
}

static void on_expired(struct segue_bus_deadline *deadline)
{
	struct segue_bus_call *call = SPA_CONTAINER_OF(deadline, struct segue_bus_call, deadline);
	struct segue_sound_info info;
	struct segue_error why;

	call->bus->store->methods->sound_info(call->bus->store, call->sound, &info);
	segue_error_set(&why, -ETIMEDOUT, "%s: can't be opened within 4 s",
			info.label != NULL ? info.label : "the file");
	open_refused(call, &why);
}

/* ------------------------------------------------ the request is finished */

static void answer_finished(struct segue_bus_call *call, const struct segue_finished *finished)
{
	static const struct segue_error superseded = { -EALREADY, "superseded by a newer request" };

	if (finished->result == SEGUE_RESULT_FAILED &&
	    (call->wait || call->sound != NULL))
		answer_error(call, finished->error);
	else if (finished->result == SEGUE_RESULT_SUPERSEDED && call->wait)
		answer_error(call, &superseded);
	else
		answer_serial(call);
}

void segue_bus_call_finished(struct segue_bus_node *node, const struct segue_finished *finished)
{
	struct segue_bus_call *call;
	bool known = true;

	spa_list_for_each(call, &node->calls, node_link)
		if (call->serial == finished->serial)
			break;
	if (spa_list_is_end(call, &node->calls, node_link)) {
		segue_bus_node_emit_finished(node, finished);
		return;
	}

	/* the reply first; and who was told of an error before the header was read has no serial */
	if (call->message != NULL) {
		known = call->sound == NULL || finished->result != SEGUE_RESULT_FAILED;
		answer_finished(call, finished);
	} else if (call->refused) {
		known = false;
	}
	if (known)
		segue_bus_node_emit_finished(node, finished);
	call_end(call);
}

void segue_bus_calls_node_gone(struct segue_bus_node *node)
{
	static const struct segue_error gone = { -EIDRM, "the node was destroyed" };
	struct segue_bus_call *call;

	spa_list_consume(call, &node->calls, node_link) {
		answer_error(call, &gone);
		call_end(call);
	}
}

/* ----------------------------------------------------------- the calls */

/* A recipe's descriptor is taken over by make() only. */
static int refuse(struct segue_recipe *recipe, const char *node, const struct segue_error *why,
		sd_bus_error *error)
{
	segue_recipe_close(recipe);
	return segue_bus_error(error, node, why);
}

/* A call for a file begins: it counts, and its header has 4 s. */
static void begin_load(struct segue_bus_call *call, struct segue_bus_client *client,
		struct segue_sound *sound, bool wait)
{
	struct segue_bus *bus = call->bus;
	struct segue_sound_info info;

	bus->store->methods->sound_info(bus->store, sound, &info);
	call->client = client;
	call->sound = sound;
	call->id = info.id;
	call->wait = wait;
	call->loading = true;
	spa_list_append(&bus->loads, &call->load_link);
	/* who waits for the sound waits for the header too: the worker's own patience is the limit */
	if (!wait)
		segue_bus_deadline_add(bus, &call->deadline, on_expired);
	/* another's load may have read it already */
	if (is_news(call, &info))
		sound_changed(call, &info);
}

/* Everything up to the sound: the quotas, and the struct, so that later nothing can fail.
 * \param node  it is made for; NULL: anyone */
static struct segue_sound *make(struct segue_bus_call *call, struct segue_bus_client *client,
		struct segue_bus_node *node, struct segue_recipe *recipe, struct segue_error *why)
{
	struct segue_store *store = call->bus->store;
	struct segue_node *target = node != NULL ? node->hosted->node : NULL;
	struct segue_sound *sound;

	if (segue_bus_client_begin_load(client, why) < 0)
		goto error;
	if (segue_bus_client_budget(client, &recipe->bytes_max, why) < 0)
		goto error_counted;
	sound = target != NULL ? target->methods->make(target, recipe, why) :
		store->methods->make(store, recipe, why);
	if (sound != NULL)
		return sound;

error_counted:
	segue_bus_client_end_load(client, 0);
error:
	return NULL;
}

/* A wave has no header to wait for, and isn't a load for long. */
static int generated(struct segue_bus_call *call, struct segue_bus_client *client,
		struct segue_sound *sound, sd_bus_error *error)
{
	struct segue_sound_info info;
	struct segue_error why;
	int res = 1;

	call->bus->store->methods->sound_info(call->bus->store, sound, &info);
	call->client = client;
	if (has_room(call, &info, &why)) {
		publish(call, sound);
	} else {
		disown(call->bus, sound);
		res = segue_bus_error(error, NULL, &why);
	}
	segue_bus_client_end_load(client, 0);
	call_free(call);
	return res;
}

int segue_bus_call_make(struct segue_bus *bus, sd_bus_message *m, struct segue_recipe *recipe,
		sd_bus_error *error)
{
	struct segue_bus_client *client = segue_bus_client_get(bus, m);
	struct segue_bus_call *call = call_new(bus, m);
	struct segue_error why = { -ENOMEM, "out of memory" };
	struct segue_sound *sound;

	if (client == NULL || call == NULL ||
	    (sound = make(call, client, NULL, recipe, &why)) == NULL) {
		call_free(call);
		return refuse(recipe, NULL, &why, error);
	}
	call->keep = recipe->options.keep;
	if (recipe->type == SEGUE_RECIPE_WAVE)
		return generated(call, client, sound, error);
	begin_load(call, client, sound, false);
	return 1;
}

int segue_bus_call_load(struct segue_bus_node *node, sd_bus_message *m, struct segue_recipe *recipe,
		sd_bus_error *error)
{
	struct segue_bus *bus = node->bus;
	struct segue_bus_client *client = segue_bus_client_get(bus, m);
	struct segue_bus_call *call = call_new(bus, m);
	struct segue_error why = { -ENOMEM, "out of memory" };
	struct segue_sound *sound;

	if (client == NULL || call == NULL ||
	    (sound = make(call, client, node, recipe, &why)) == NULL)
		goto error;
	if (ask(node, sound, &recipe->options, &call->queued, &why) < 0) {
		segue_bus_client_end_load(client, 0);
		disown(bus, sound);
		goto error;
	}
	begin_request(call, node);
	begin_load(call, client, sound, recipe->options.wait);
	return 1;
error:
	call_free(call);
	return refuse(recipe, node->hosted->name, &why, error);
}

int segue_bus_call_swap(struct segue_bus_node *node, sd_bus_message *m, struct segue_sound *sound,
		const struct segue_options *options, sd_bus_error *error)
{
	struct segue_bus_queued unanswered = { 0 };
	struct segue_bus_call *call = NULL;
	struct segue_error why;

	if (options->wait && (call = call_new(node->bus, m)) == NULL)
		return -ENOMEM;
	if (ask(node, sound, options, call != NULL ? &call->queued : &unanswered, &why) < 0) {
		call_free(call);
		return segue_bus_error(error, node->hosted->name, &why);
	}
	if (call == NULL) {
		int res = sd_bus_reply_method_return(m, "t", unanswered.serial);

		segue_bus_node_emit_queued(node, &unanswered);
		return res;
	}
	call->wait = true;
	begin_request(call, node);
	return 1;
}

/* ------------------------------------------------------- clients that go */

static void forget_message(struct segue_bus_call *call)
{
	call->message = sd_bus_message_unref(call->message);
}

void segue_bus_calls_client_gone(struct segue_bus *bus, struct segue_bus_client *client)
{
	struct segue_bus_node *node;
	struct segue_bus_call *call;

	spa_list_for_each(call, &bus->loads, load_link)
		if (client == NULL || call->client == client)
			call->client = NULL;
	if (client != NULL)
		return;
	/* the bus itself: a message would keep it alive */
	spa_list_for_each(call, &bus->loads, load_link)
		forget_message(call);
	spa_list_for_each(node, &bus->nodes, link)
		spa_list_for_each(call, &node->calls, node_link)
			forget_message(call);
}

void segue_bus_calls_free(struct segue_bus *bus)
{
	struct segue_bus_call *call;

	spa_list_consume(call, &bus->loads, load_link)
		call_end(call);
}
