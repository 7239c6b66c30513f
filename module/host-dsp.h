/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_HOST_DSP_H
#define SEGUE_HOST_DSP_H

#include "host.h"

/** \file
 * A hosted raw DSP node. The handle with its sound lives as long as the struct; the node around it
 * comes and goes with the graph. Everything here runs on the main loop. */

/** Load the handle and apply the entry's segue.* keys.
 * \param hosted  its type and name are known; its node is filled in
 * \param entry  as in `segue.nodes`; borrowed
 * \return NULL with an error */
struct segue_dsp *segue_dsp_new(struct pw_context *context, struct segue_hosted *hosted,
		const struct pw_properties *entry, struct segue_error *error);
/** Leave the graph and unload the handle; its outstanding requests end. Accepts NULL. */
void segue_dsp_free(struct segue_dsp *dsp);

/** Enter the graph: through a connection, or with NULL that of this process, the daemon. */
int segue_dsp_connect(struct segue_dsp *dsp, struct pw_core *core);
/** Leave the graph. The node isn't told that PipeWire is gone: it may be the node that goes. */
void segue_dsp_disconnect(struct segue_dsp *dsp);

#endif /* SEGUE_HOST_DSP_H */
