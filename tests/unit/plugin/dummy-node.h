/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_TESTS_DUMMY_NODE_H
#define SEGUE_TESTS_DUMMY_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include <spa/utils/hook.h>

#include "control.h"

/** \file A segue_node that remembers what it was set to, and how often. */

enum { DUMMY_GAIN, DUMMY_FADE, DUMMY_SWITCH, DUMMY_COUNT, DUMMY_MODE, DUMMY_LOAD, DUMMY_WAVE, DUMMY_FIXED,
	DUMMY_STATUS, DUMMY_N_PROPERTIES };

#define DUMMY_CHANNELS	2u
/* a request that dummy nodes refuse */
#define DUMMY_BAD_PATH	"/no/such.wav"

struct dummy_node {
	struct segue_node iface;
	struct spa_hook_list listeners;
	double numbers[DUMMY_N_PROPERTIES];
	char texts[DUMMY_N_PROPERTIES][256];
	double volume, channel_volumes[DUMMY_CHANNELS];
	bool mute;
	uint32_t n_sets;	/* that were accepted */
	uint32_t n_requests;	/* those of them that were requests */
	int answer;		/* of the last Props pod, as it was told: 0 or a negative errno */
	double fade_of_load;	/* the fade when `segue.load` was set */
};

void dummy_node_init(struct dummy_node *node);
/** Tell listeners, as a node does. */
void dummy_node_change(struct dummy_node *node, uint32_t changes);

#endif /* SEGUE_TESTS_DUMMY_NODE_H */
