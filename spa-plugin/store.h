/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_STORE_H
#define SEGUE_STORE_H

#include <spa/support/log.h>
#include <spa/support/plugin.h>
#include <spa/utils/list.h>

#include "collector.h"
#include "control.h"
#include "fence.h"
#include "make/jobs.h"
#include "make/memory.h"

/** \file
 * What all handles with one main loop share: sounds, workers, memory and the collector. Main loop only. */

#define SEGUE_STORE_IDENTITIES	4096u

struct segue_store_impl {
	struct segue_store iface;
	struct spa_list link;		/* of the process's stores */
	uint32_t refs;			/* handles */

	struct spa_log *log;
	struct spa_loop_utils *utils;
	struct segue_memory *memory;	/* of sounds */
	struct segue_memory *node_memory;	/* of nodes: not counted with them */
	struct segue_jobs *jobs;	/* NULL once the store is going */
	struct segue_transforms *transforms;	/* of convolvers */
	struct segue_collector *collector;
	struct segue_fence fence;	/* for paths that come as Props */
	struct spa_hook_list listeners;

	struct spa_list sounds;		/* struct segue_sound.link */
	struct spa_list by_identity[SEGUE_STORE_IDENTITIES];	/* those of files, by a hash of what identifies them */
	uint64_t last_id;
	uint64_t last_written;		/* id of the last writing */
	uint32_t rate;			/* Hz: the graph's, as last seen by a node or configured */
	uint64_t n_reclaimed;
	uint32_t n_live;		/* sounds with a buffer */
};

/** The store of this main loop, made if it is the first; one reference more.
 * \return NULL with errno: ENOTSUP without a main loop to work on */
SEGUE_MAIN_LOOP struct segue_store_impl *segue_store_get(const struct spa_support *support,
		uint32_t n_support);
/** One reference less; the last one cancels all jobs and frees the sounds. */
SEGUE_MAIN_LOOP void segue_store_put(struct segue_store_impl *store);

#endif /* SEGUE_STORE_H */
