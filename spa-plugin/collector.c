/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "collector.h"

#include <stdlib.h>

#include <spa/utils/defs.h>

#include "now.h"

struct segue_collector {
	struct spa_loop_utils *utils;
	struct spa_source *timer;
	struct spa_list collected;
	uint64_t next_nsec;	/* CLOCK_MONOTONIC; SEGUE_COLLECT_NEVER: disarmed */
};

void segue_collector_arm(struct segue_collector *collector, uint64_t nsec)
{
	uint64_t at = segue_now_nsec() + nsec;
	struct timespec value;

	if (at >= collector->next_nsec)
		return;
	collector->next_nsec = at;
	value.tv_sec = at / SPA_NSEC_PER_SEC;
	value.tv_nsec = at % SPA_NSEC_PER_SEC;
	spa_loop_utils_update_timer(collector->utils, collector->timer, &value, NULL, true);
}

static void on_timer(void *data, uint64_t expirations)
{
	struct segue_collector *collector = data;
	struct segue_collected *c, *tmp;
	uint64_t next = SEGUE_COLLECT_NEVER;

	/* the timer fires once: it stays disarmed unless there is a reason to go on */
	collector->next_nsec = SEGUE_COLLECT_NEVER;
	spa_list_for_each_safe(c, tmp, &collector->collected, link)
		next = SPA_MIN(next, c->collect(c->data));
	if (next != SEGUE_COLLECT_NEVER)
		segue_collector_arm(collector, next);
}

struct segue_collector *segue_collector_new(struct spa_loop_utils *utils)
{
	struct segue_collector *collector = calloc(1, sizeof(*collector));

	if (collector == NULL)
		return NULL;
	collector->utils = utils;
	collector->next_nsec = SEGUE_COLLECT_NEVER;
	spa_list_init(&collector->collected);
	collector->timer = spa_loop_utils_add_timer(utils, on_timer, collector);
	if (collector->timer == NULL) {
		free(collector);
		return NULL;
	}
	return collector;
}

void segue_collector_free(struct segue_collector *collector)
{
	if (collector == NULL)
		return;
	spa_loop_utils_destroy_source(collector->utils, collector->timer);
	free(collector);
}

void segue_collector_add(struct segue_collector *collector, struct segue_collected *collected)
{
	spa_list_append(&collector->collected, &collected->link);
}

void segue_collector_remove(struct segue_collected *collected)
{
	spa_list_remove(&collected->link);
}
