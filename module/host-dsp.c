/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "host-dsp.h"

#include <errno.h>
#include <stdlib.h>

#include <spa/node/node.h>

#include "graph-node.h"
#include "host-handle.h"

struct dsp {
	struct segue_hosted *hosted;
	struct spa_handle *handle;
	struct segue_graph_node graph;
};

static void on_bound(void *data)
{
	struct dsp *dsp = data;

	dsp->hosted->node->methods->set_connected(dsp->hosted->node, true);
	segue_host_set_ids(dsp->hosted, &dsp->graph.id, 1);
}

static void on_lost(void *data)
{
	struct dsp *dsp = data;

	segue_host_lost(dsp->hosted);
}

static const struct segue_graph_node_events graph_events = {
	.bound = on_bound,
	.lost = on_lost,
};

static int dsp_connect(void *object, struct pw_core *core)
{
	struct dsp *dsp = object;

	return segue_graph_node_connect(&dsp->graph, core);
}

static void dsp_disconnect(void *object)
{
	struct dsp *dsp = object;

	segue_graph_node_disconnect(&dsp->graph);
}

static void dsp_free(void *object)
{
	struct dsp *dsp = object;

	segue_graph_node_clear(&dsp->graph);
	if (dsp->handle != NULL)
		pw_unload_spa_handle(dsp->handle);
	free(dsp);
}

static void *dsp_new(struct pw_context *context, struct segue_hosted *hosted,
		const struct pw_properties *entry, struct segue_error *error)
{
	struct pw_properties *properties;
	struct dsp *dsp;
	void *iface;

	if ((dsp = calloc(1, sizeof(*dsp))) == NULL ||
	    (properties = segue_handle_properties(context, entry, hosted->type)) == NULL) {
		free(dsp);
		segue_error_set(error, -ENOMEM, "out of memory");
		return NULL;
	}
	dsp->hosted = hosted;
	/* the handle and its node get the same properties, node.loop.name among them: newer versions
	 * choose the data loop by it for each */
	if ((dsp->handle = segue_handle_load(context, hosted, properties, entry, error)) == NULL) {
		pw_properties_free(properties);
		free(dsp);
		return NULL;
	}
	/* every handle of ours has it */
	(void)spa_handle_get_interface(dsp->handle, SPA_TYPE_INTERFACE_Node, &iface);
	segue_graph_node_init(&dsp->graph, context, iface, properties, &graph_events, dsp);
	return dsp;
}

const struct segue_host_form segue_host_dsp = {
	.new = dsp_new,
	.free = dsp_free,
	.connect = dsp_connect,
	.disconnect = dsp_disconnect,
};
