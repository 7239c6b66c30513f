/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_PARAMS_H
#define SEGUE_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

#include <spa/node/io.h>
#include <spa/pod/builder.h>
#include <spa/pod/iter.h>
#include <spa/pod/pod.h>
#include <spa/utils/hook.h>

#include <segue/handover.h>

/** Build value number `index` of a param.
 * \return 1, 0 when there are no more, or a negative errno */
typedef int (*segue_params_build)(void *data, uint32_t id, uint32_t index, struct spa_pod_builder *b,
		struct spa_pod **ret);

/** Answer enum_params of a node or port: build one value after the other from `start` on, and emit up to
 * `num` that pass the filter as results of `seq`. Main loop.
 * \return 0, -EINVAL when num is 0, or build's error */
SEGUE_MAIN_LOOP int segue_params_emit(struct spa_hook_list *hooks, int seq, uint32_t id, uint32_t start,
		uint32_t num, const struct spa_pod *filter, segue_params_build build, void *data);

/** Build the IO param of one kind of io area. \return 1 or -ENOMEM */
SEGUE_MAIN_LOOP int segue_params_build_io(enum spa_io_type type, uint32_t size, struct spa_pod_builder *b,
		struct spa_pod **ret);

/** Is it an array of values of that size? spa_pod_copy_array() copies them as large as the array says they are, and
 * who sets a param may say anything. */
static inline bool segue_params_is_array(const struct spa_pod *pod, uint32_t value_size)
{
	return spa_pod_is_array(pod) && SPA_POD_ARRAY_VALUE_SIZE(pod) == value_size;
}

#endif /* SEGUE_PARAMS_H */
