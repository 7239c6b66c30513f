/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "params.h"

#include <errno.h>

#include <spa/node/node.h>
#include <spa/node/utils.h>
#include <spa/param/param.h>
#include <spa/pod/dynamic.h>
#include <spa/pod/filter.h>

#define POD_SIZE	4096

/* \return 1 if it was emitted, 0 if the filter rejects it */
static int emit_filtered(struct spa_hook_list *hooks, int seq, struct spa_result_node_params *result,
		struct spa_pod *param, const struct spa_pod *filter)
{
	struct spa_pod_dynamic_builder b;
	int passes = 1;

	/* large enough from the start: spa_pod_filter() holds pointers into what it builds */
	spa_pod_dynamic_builder_init(&b, NULL, 0, 2 * SPA_POD_SIZE(param) + POD_SIZE);
	result->param = param;
	if (filter != NULL)
		passes = spa_pod_filter(&b.b, &result->param, param, filter) >= 0;
	if (passes)
		spa_node_emit_result(hooks, seq, 0, SPA_RESULT_TYPE_NODE_PARAMS, result);
	spa_pod_dynamic_builder_clean(&b);
	return passes;
}

int segue_params_emit(struct spa_hook_list *hooks, int seq, uint32_t id, uint32_t start, uint32_t num,
		const struct spa_pod *filter, segue_params_build build, void *data)
{
	struct spa_result_node_params result = { .id = id, .next = start };
	uint32_t count = 0;
	int res = 1;

	spa_return_val_if_fail(num != 0, -EINVAL);

	while (res > 0 && count < num) {
		struct spa_pod_dynamic_builder b;
		uint8_t buffer[POD_SIZE];
		struct spa_pod *param;

		result.index = result.next++;
		spa_pod_dynamic_builder_init(&b, buffer, sizeof(buffer), POD_SIZE);
		res = build(data, id, result.index, &b.b, &param);
		if (res > 0)
			count += emit_filtered(hooks, seq, &result, param, filter);
		spa_pod_dynamic_builder_clean(&b);
	}
	return SPA_MIN(res, 0);
}

int segue_params_build_io(enum spa_io_type type, uint32_t size, struct spa_pod_builder *b,
		struct spa_pod **ret)
{
	*ret = spa_pod_builder_add_object(b, SPA_TYPE_OBJECT_ParamIO, SPA_PARAM_IO,
			SPA_PARAM_IO_id,   SPA_POD_Id(type),
			SPA_PARAM_IO_size, SPA_POD_Int(size));
	return *ret != NULL ? 1 : -ENOMEM;
}
