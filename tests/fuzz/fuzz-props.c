/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* Params of nodes and ports, as whoever may set them sends them: any pod, or what `pw-cli set-param` makes of a
 * text. */

#include <string.h>

#include <spa/debug/types.h>
#include <spa/node/utils.h>
#include <spa/param/param.h>
#include <spa/param/type-info.h>
#include <spa/pod/builder.h>
#include <spa/pod/iter.h>
#include <spa/utils/string.h>

/* the sender's: that it makes an int of any number is no concern of ours */
#if defined(__clang__)
# pragma clang attribute push(__attribute__((no_sanitize("undefined"))), apply_to = function)
#endif
#include <spa/utils/json-pod.h>
#if defined(__clang__)
# pragma clang attribute pop
#endif

#include "fuzz-make.h"
#include "fuzz-node.h"

#define POD_SIZE	65536u
#define ROWS_MAX	32u

/* -------------------------------------------------------------------- pods */

/* From text, or as the bytes are: what lies in the message a pod comes with is what PipeWire looks at, no more. */
static struct spa_pod *read_pod(struct fuzz_input *input, uint32_t id)
{
	static uint8_t buffer[POD_SIZE];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(buffer, sizeof(buffer));
	const struct spa_pod *pod = (const struct spa_pod *)buffer;
	struct spa_pod *copy;
	size_t size;
	char *text;

	if (fuzz_choose(input, 2)) {
		size = SPA_MIN(input->size, sizeof(buffer));
		memcpy(buffer, input->data, size);
		pod = spa_pod_from_data(buffer, size, 0, size);
	} else {
		text = fuzz_text_with_folder(input);
		if (spa_json_to_pod(&b, 0, spa_debug_type_find(spa_type_param, id), text, strlen(text)) < 0 ||
		    b.state.offset == 0 || b.state.offset > sizeof(buffer))
			pod = NULL;
		free(text);
	}
	if (pod == NULL)
		return NULL;
	/* just as large as it says: what is read behind it is seen by a sanitizer */
	if ((copy = malloc(SPA_POD_SIZE(pod))) == NULL)
		abort();
	return memcpy(copy, pod, SPA_POD_SIZE(pod));
}

static void enum_params(struct spa_node *node, uint32_t id)
{
	uint8_t buffer[POD_SIZE];
	struct spa_pod *pod;
	uint32_t index = 0, n = 0;
	int res;

	do {
		struct spa_pod_builder b = SPA_POD_BUILDER_INIT(buffer, sizeof(buffer));

		res = spa_node_enum_params_sync(node, id, &index, NULL, &pod, &b);
		n++;
	} while (res == 1);
	fuzz_check(res == 0 && n > 1, "param %u can't be read: %d", id, res);
}

/* ---------------------------------------------------------------- settings */

struct settings {
	double numbers[ROWS_MAX];
	char texts[ROWS_MAX][64];
};

static void read_settings(struct segue_node *node, struct settings *ret)
{
	uint32_t n;
	const struct segue_property *table = node->methods->properties(node, &n);

	fuzz_check(n <= ROWS_MAX, "%u rows", n);
	memset(ret, 0, sizeof(*ret));
	for (uint32_t i = 0; i < n; i++) {
		struct segue_value value;

		fuzz_check(node->methods->get(node, table[i].key, &value) == 0, "%s is lost", table[i].key);
		if (table[i].type == SEGUE_VALUE_STRING && table[i].choices == NULL)
			continue;	/* what is heard, and what came of this */
		if (value.type == SEGUE_VALUE_STRING)
			snprintf(ret->texts[i], sizeof(ret->texts[i]), "%s", value.s);
		else
			ret->numbers[i] = value.type == SEGUE_VALUE_DOUBLE ? value.d :
				value.type == SEGUE_VALUE_INT ? value.i : value.b;
		fuzz_check(value.type == SEGUE_VALUE_STRING || (ret->numbers[i] >= table[i].min &&
					ret->numbers[i] <= table[i].max), "%s is %g", table[i].key, ret->numbers[i]);
	}
}

static void set_props(struct fuzz_node *node, const struct spa_pod *pod)
{
	struct settings before, after;
	struct segue_value status;
	int res;

	read_settings(node->control, &before);
	res = spa_node_set_param(node->node, SPA_PARAM_Props, 0, pod);
	read_settings(node->control, &after);
	fuzz_check(node->control->methods->get(node->control, "segue.status", &status) == 0, "no status");
	if (res < 0) {
		fuzz_check(memcmp(&before, &after, sizeof(before)) == 0, "it was refused, and changed something");
		fuzz_check(strncmp(status.s, "failed: ", 8) == 0 && status.s[8] != '\0', "'%s'", status.s);
	}
	enum_params(node->node, SPA_PARAM_Props);
	enum_params(node->node, SPA_PARAM_PropInfo);
}

static void set_of_port(struct fuzz_node *node, uint32_t id, struct fuzz_input *input, const struct spa_pod *pod)
{
	enum spa_direction direction = fuzz_choose(input, 2);

	(void)spa_node_port_set_param(node->node, direction, 0, id, 0, pod);
}

static void write_files(void)
{
	static bool has_files;
	struct segue_make make = fuzz_make_begin("a.wav");

	if (has_files)
		return;
	fuzz_write_wav(&make, "a.wav", 1);
	fuzz_write_wav(&make, "b.wav", 2);
	has_files = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const factories[] = { SEGUE_FACTORY_SOURCE, SEGUE_FACTORY_CONVOLVER };
	static const uint32_t ids[] = { SPA_PARAM_Props, SPA_PARAM_Format, SPA_PARAM_Latency, SPA_PARAM_ProcessLatency };
	struct fuzz_input input = { data, size };
	uint32_t id = fuzz_pick(&input, ids);
	const char *factory = fuzz_pick(&input, factories);
	bool is_device = fuzz_choose(&input, 2), is_of_port = id == SPA_PARAM_Format || id == SPA_PARAM_Latency;
	struct fuzz_node node;
	struct fuzz_input rest = input;
	struct spa_pod *pod = read_pod(&input, id);

	if (pod == NULL)
		return 0;
	write_files();
	node = fuzz_node_new(factory, is_device);
	if (id == SPA_PARAM_Props)
		set_props(&node, pod);
	else if (is_of_port)
		set_of_port(&node, id, &rest, pod);
	else
		(void)spa_node_set_param(node.node, id, 0, pod);
	free(pod);
	fuzz_node_free(&node, 0);
	return 0;
}
