/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "host-handle.h"

#include <errno.h>
#include <string.h>

#include <spa/utils/names.h>
#include <spa/utils/result.h>
#include <spa/utils/string.h>

#include "volumes.h"

/* Settings, by the plugin's table: a wrong one is refused by name. */
static int apply_settings(struct segue_node *node, const struct spa_dict *dict,
		struct segue_error *error)
{
	const struct spa_dict_item *item;

	spa_dict_for_each(item, dict) {
		const struct segue_value value = { .type = SEGUE_VALUE_STRING, .s = item->value };
		int res;

		if (segue_is_volume(item->key))
			res = segue_volume_set(node, item->key, item->value, error);
		else if (spa_strstartswith(item->key, "segue.") && !spa_streq(item->key, SEGUE_KEY_MODE))
			res = node->methods->set(node, item->key, &value, error);
		else
			continue;
		if (res == -ENXIO)
			return segue_error_set(error, -EINVAL, "%s: no such property", item->key);
		if (res < 0)
			return res;
	}
	return 0;
}

/* Of what is ours, a handle reads this when it is made. A bad value is left to apply_settings() to refuse,
 * which says why: a handle can't. */
static bool is_for_handle(const char *key, const char *value)
{
	double seconds;

	return spa_streq(key, SEGUE_KEY_LENGTH_MAX) && spa_atod(value, &seconds) &&
		seconds >= SEGUE_LENGTH_MAX_MIN && seconds <= SEGUE_LENGTH_MAX_MAX;
}

struct pw_properties *segue_handle_properties(struct pw_context *context, const struct pw_properties *entry,
		const char *type)
{
	const struct pw_properties *of_context = pw_context_get_properties(context);
	struct pw_properties *p = pw_properties_new(NULL, NULL);
	const struct spa_dict_item *item;

	if (p == NULL)
		return NULL;
	spa_dict_for_each(item, &entry->dict) {
		if ((!spa_strstartswith(item->key, "segue.") || is_for_handle(item->key, item->value)) &&
		    !spa_streq(item->key, "type") && !spa_streq(item->key, "override") && !segue_is_volume(item->key))
			pw_properties_set(p, item->key, item->value);
	}
	/* last: what is loaded isn't the entry's to say */
	pw_properties_setf(p, PW_KEY_FACTORY_NAME, "segue.%s", type);
	pw_properties_set(p, SPA_KEY_LIBRARY_NAME, SEGUE_LIBRARY);
	/* nothing adds it to a handle's dictionary for us */
	pw_properties_set(p, "clock.quantum-limit",
			pw_properties_get(of_context, "default.clock.quantum-limit"));
	return p;
}

/* Settings come later: of what a handle is given it can only refuse the channels. */
static int refuse_channels(const struct pw_properties *properties, struct segue_error *error)
{
	static const char *const keys[] = { "audio.position", "capture.props", "playback.props" };
	char names[64] = "";
	const char *text = NULL;
	uint32_t n = 0;

	for (uint32_t i = 0; i < SPA_N_ELEMENTS(keys); i++) {
		const char *value = pw_properties_get(properties, keys[i]);

		if (value == NULL)
			continue;
		text = value;
		strcat(strcat(names, n++ > 0 ? ", " : ""), keys[i]);
	}
	if (n == 0)
		return segue_error_set(error, -EINVAL, "%s", spa_strerror(-EINVAL));
	if (n == 1 && pw_properties_get(properties, keys[0]) != NULL)
		return segue_error_set(error, -EINVAL, "%s: %s isn't a list of channels", names, text);
	return segue_error_set(error, -EINVAL, "%s: audio.position isn't a list of channels", names);
}

static int refuse(const struct segue_hosted *hosted, const struct pw_properties *properties, int res,
		struct segue_error *error)
{
	if (res == -EINVAL)
		return refuse_channels(properties, error);
	if (res == -EDQUOT)
		return segue_error_set(error, res, "segue.ir.max: so many inputs of such a length are more "
				"than memory.max leaves to nodes");
	return segue_error_set(error, res, "can't make a %s: %s", hosted->type, spa_strerror(res));
}

static int find_control(struct segue_hosted *hosted, struct spa_handle *handle, struct segue_error *error)
{
	void *iface;
	int res;

	if ((res = spa_handle_get_interface(handle, SEGUE_TYPE_INTERFACE_Node, &iface)) < 0)
		return segue_error_set(error, res, "a %s has no control", hosted->type);
	hosted->node = iface;
	if (hosted->node->methods->version != SEGUE_CONTROL_VERSION)
		return segue_error_set(error, -EPROTO, "%s is of another version", SEGUE_LIBRARY);
	hosted->node->methods->set_connected(hosted->node, false);
	return 0;
}

struct spa_handle *segue_handle_load(struct pw_context *context, struct segue_hosted *hosted,
		const struct pw_properties *properties, const struct pw_properties *entry,
		struct segue_error *error)
{
	struct spa_handle *handle;
	int res;

	handle = pw_context_load_spa_handle(context, pw_properties_get(properties, PW_KEY_FACTORY_NAME),
			&properties->dict);
	if (handle == NULL) {
		res = refuse(hosted, properties, -errno, error);
	} else if ((res = find_control(hosted, handle, error)) < 0 ||
	    (res = apply_settings(hosted->node, &entry->dict, error)) < 0) {
		pw_unload_spa_handle(handle);
		handle = NULL;
	}
	errno = -res;
	return handle;
}
