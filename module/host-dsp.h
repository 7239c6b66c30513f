/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_HOST_DSP_H
#define SEGUE_HOST_DSP_H

#include "host.h"

/** \file
 * A hosted raw DSP node: segue.mode = dsp. The handle with its sound lives as long as the struct; the node
 * around it comes and goes with the graph. */

extern const struct segue_host_form segue_host_dsp;

#endif /* SEGUE_HOST_DSP_H */
