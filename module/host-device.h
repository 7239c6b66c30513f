/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_HOST_DEVICE_H
#define SEGUE_HOST_DEVICE_H

#include "host.h"

/** \file
 * A hosted node as a virtual device, which the session manager links: segue.mode = sink, mic, stream.
 *
 * The handle's sides are two nodes of the graph, each behind an adapter: the one applications choose, and the
 * one that leads to or from the hardware. Both are driven together; the inputs' side runs the engine, and in the
 * same cycle the outputs' side has what came out. A source has one side only. */

extern const struct segue_host_form segue_host_device;

#endif /* SEGUE_HOST_DEVICE_H */
