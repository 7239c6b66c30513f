/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "host-entry.h"

#include <errno.h>
#include <string.h>

#include <spa/utils/string.h>

#include "host-device.h"
#include "host-dsp.h"

int segue_entry_check_name(const char *name, struct segue_error *error)
{
	size_t len;

	if (name == NULL)
		return segue_error_set(error, -EINVAL, "node.name: missing");
	len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
	if (len == 0 || len > SEGUE_NAME_MAX || name[len] != '\0')
		return segue_error_set(error, -EINVAL,
				"node.name: '%s' isn't 1 to %d of A-Z a-z 0-9 . _ -", name,
				SEGUE_NAME_MAX);
	return 0;
}

static int read_mode(const char *mode, struct segue_hosted *ret, struct segue_error *error)
{
	static const struct {
		const char *name;
		const char *types;	/* that have it */
		const struct segue_host_form *form;
	} modes[] = {
		{ "dsp", "source convolver", &segue_host_dsp },
		{ "sink", "convolver", &segue_host_device },
		{ "mic", "source convolver", &segue_host_device },
		{ "stream", "source", &segue_host_device },
	};

	for (size_t i = 0; i < SPA_N_ELEMENTS(modes); i++) {
		if (!spa_streq(mode, modes[i].name))
			continue;
		if (strstr(modes[i].types, ret->type) == NULL)
			return segue_error_set(error, -EINVAL, "%s: " SEGUE_KEY_MODE ": a %s can't be a %s",
					ret->name, ret->type, mode);
		ret->mode = modes[i].name;
		ret->form = modes[i].form;
		return 0;
	}
	return segue_error_set(error, -EINVAL, "%s: " SEGUE_KEY_MODE ": '%s' is none of dsp, sink, mic, stream",
			ret->name, mode);
}

int segue_entry_read(const struct pw_properties *entry, struct segue_hosted *ret, struct segue_error *error)
{
	const char *name = pw_properties_get(entry, PW_KEY_NODE_NAME);
	const char *type = pw_properties_get(entry, "type");
	const char *mode = pw_properties_get(entry, SEGUE_KEY_MODE);
	int res;

	if ((res = segue_entry_check_name(name, error)) < 0)
		return res;
	if (type == NULL)
		return segue_error_set(error, -EINVAL, "%s: type: missing", name);
	if (spa_streq(type, "source"))
		ret->type = "source";
	else if (spa_streq(type, "convolver"))
		ret->type = "convolver";
	else
		return segue_error_set(error, -EINVAL, "%s: type: '%s' is neither source nor convolver", name,
				type);
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	return read_mode(mode != NULL ? mode : "dsp", ret, error);
}
