/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "bus-error.h"

#include <string.h>

#include <spa/utils/defs.h>

#include "../spa-plugin/utf8.h"

#define DBUS(name)	"org.freedesktop.DBus.Error." name
#define SEGUE(name)	"org.segue.Segue1.Error." name

static const struct {
	int res;
	const char *name;
} names[] = {
	{ -EINVAL, DBUS("InvalidArgs") },
	{ -ENOENT, DBUS("FileNotFound") },
	{ -EACCES, DBUS("AccessDenied") },
	{ -EPERM, DBUS("AccessDenied") },
	{ -ENOMEM, DBUS("NoMemory") },
	{ -EDQUOT, DBUS("LimitsExceeded") },
	{ -ENXIO, DBUS("UnknownObject") },
	{ -EROFS, DBUS("PropertyReadOnly") },
	{ -ETIMEDOUT, DBUS("Timeout") },
	{ -EBADMSG, SEGUE("BadFormat") },
	{ -EFBIG, SEGUE("TooLong") },
	{ -EBUSY, SEGUE("Busy") },
	{ -EEXIST, SEGUE("NameInUse") },
	{ -ETIME, SEGUE("TooLate") },
	{ -ESTALE, SEGUE("ClockChanged") },
	{ -EALREADY, SEGUE("Superseded") },
	{ -ECANCELED, SEGUE("Cancelled") },
	{ -EIDRM, SEGUE("Gone") },
	{ -ENOTCONN, SEGUE("Disconnected") },
};

/* of a negative errno, as in error.h */
static const char *find_name(int res)
{
	for (size_t i = 0; i < SPA_N_ELEMENTS(names); i++)
		if (names[i].res == res)
			return names[i].name;
	return DBUS("Failed");
}

void segue_bus_text_mend(char *text)
{
	while (*text != '\0') {
		size_t n = segue_character_length(text);

		if (n == 0) {
			*text = '?';
			n = 1;
		}
		text += n;
	}
}

int segue_bus_text_append(sd_bus_message *m, const char *text)
{
	size_t size = strlen(text);
	char *space;
	int res;

	if ((res = sd_bus_message_append_string_space(m, size, &space)) < 0)
		return res;
	memcpy(space, text, size + 1);
	segue_bus_text_mend(space);
	return res;
}

int segue_bus_error(sd_bus_error *ret, const char *node, const struct segue_error *error)
{
	char text[SEGUE_ERROR_MAX];
	int res;

	snprintf(text, sizeof(text), "%s", error->message);
	segue_bus_text_mend(text);
	if (node != NULL)
		res = sd_bus_error_setf(ret, find_name(error->res), "%s: %s", node, text);
	else
		res = sd_bus_error_set(ret, find_name(error->res), text);
	return res < 0 ? res : -EIO;
}

void segue_bus_reply_error(sd_bus_message *m, const char *node, const struct segue_error *why)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;

	(void)segue_bus_error(&error, node, why);
	(void)sd_bus_reply_method_error(m, &error);
	sd_bus_error_free(&error);
}
