/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* busctl --user call org.segue.Segue1 /org/segue/Segue1/node/synth org.segue.Segue1.Node \
 *	Load 'sa{sv}' /usr/share/sounds/alsa/Front_Center.wav 1 wait b true */

#include "bus-call.h"

#include <errno.h>
#include <stdlib.h>

static struct segue_bus_call *call_new(struct segue_bus *bus, sd_bus_message *m)
{
	struct segue_bus_call *call = calloc(1, sizeof(*call));

	if (call != NULL) {
		call->bus = bus;
		call->message = sd_bus_message_ref(m);
	}
	return call;
}

void segue_bus_call_free(struct segue_bus_call *call)
{
	if (call == NULL)
		return;
	sd_bus_message_unref(call->message);
	free(call);
}

void segue_bus_call_check(struct segue_bus_call *call)
{
	if (!call->loading && call->node == NULL)
		segue_bus_call_free(call);
}

void segue_bus_call_answered(struct segue_bus_call *call)
{
	call->message = sd_bus_message_unref(call->message);
	segue_bus_rearm(call->bus);
}

void segue_bus_call_answer(struct segue_bus_call *call)
{
	if (call->message == NULL)
		return;
	(void)sd_bus_reply_method_return(call->message, "t", call->serial);
	segue_bus_node_emit_queued(call->node, &call->queued);
	segue_bus_call_answered(call);
}

void segue_bus_call_fail(struct segue_bus_call *call, const struct segue_error *why)
{
	if (call->message == NULL)
		return;
	segue_bus_reply_error(call->message, call->node != NULL ? call->node->hosted->name : NULL, why);
	segue_bus_call_answered(call);
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

/* All of it is over. */
static void call_end(struct segue_bus_call *call)
{
	struct segue_bus *bus = call->bus;
	struct segue_sound *sound = segue_bus_load_take(call);

	end_request(call);
	segue_bus_load_end(call);
	segue_bus_call_check(call);
	segue_bus_disown(bus, sound);
}

/* ------------------------------------------------ the request is finished */

static void answer_finished(struct segue_bus_call *call, const struct segue_finished *finished)
{
	static const struct segue_error superseded = { -EALREADY, "superseded by a newer request" };

	if (finished->result == SEGUE_RESULT_FAILED &&
	    (call->wait || call->sound != NULL))
		segue_bus_call_fail(call, finished->error);
	else if (finished->result == SEGUE_RESULT_SUPERSEDED && call->wait)
		segue_bus_call_fail(call, &superseded);
	else
		segue_bus_call_answer(call);
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
		segue_bus_call_fail(call, &gone);
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

int segue_bus_call_make(struct segue_bus *bus, sd_bus_message *m, struct segue_recipe *recipe,
		sd_bus_error *error)
{
	struct segue_bus_client *client = segue_bus_client_get(bus, m);
	struct segue_bus_call *call = call_new(bus, m);
	struct segue_error why = { -ENOMEM, "out of memory" };
	struct segue_sound *sound;

	if (client == NULL || call == NULL ||
	    (sound = segue_bus_load_make(call, client, NULL, recipe, &why)) == NULL) {
		segue_bus_call_free(call);
		return refuse(recipe, NULL, &why, error);
	}
	call->keep = recipe->options.keep;
	if (recipe->type == SEGUE_RECIPE_WAVE)
		return segue_bus_load_generated(call, client, sound, error);
	segue_bus_load_begin(call, client, sound, false);
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
	    (sound = segue_bus_load_make(call, client, node, recipe, &why)) == NULL)
		goto error;
	if (ask(node, sound, &recipe->options, &call->queued, &why) < 0) {
		segue_bus_client_end_load(client, 0);
		segue_bus_disown(bus, sound);
		goto error;
	}
	begin_request(call, node);
	segue_bus_load_begin(call, client, sound, recipe->options.wait);
	return 1;
error:
	segue_bus_call_free(call);
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
		segue_bus_call_free(call);
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
