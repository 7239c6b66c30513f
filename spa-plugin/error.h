/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_ERROR_H
#define SEGUE_ERROR_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/** \file
 * One clear error: a negative errno that the bus has a name for, and a sentence naming the thing. */

#define SEGUE_ERROR_MAX	512

struct segue_error {
	int res;			/**< 0 or a negative errno, see the table in CONTRACT's errors */
	char message[SEGUE_ERROR_MAX];	/**< "hall.wav: not an audio file" */
};

/* The contract's errors as errnos:
 *   InvalidArgs EINVAL      FileNotFound ENOENT    AccessDenied EACCES     NoMemory ENOMEM
 *   LimitsExceeded EDQUOT   UnknownObject ENXIO    PropertyReadOnly EROFS  Timeout ETIMEDOUT
 *   BadFormat EBADMSG       TooLong EFBIG          Busy EBUSY              NameInUse EEXIST
 *   TooLate ETIME           ClockChanged ESTALE    Superseded EALREADY     Cancelled ECANCELED
 *   Gone EIDRM              Disconnected ENOTCONN
 */

/** Fill in an error and return its res. Any thread; accepts NULL. */
__attribute__((format(printf, 3, 4)))
static inline int segue_error_set(struct segue_error *error, int res, const char *format, ...)
{
	va_list args;

	if (error != NULL) {
		error->res = res;
		va_start(args, format);
		vsnprintf(error->message, sizeof(error->message), format, args);
		va_end(args);
	}
	return res;
}

#endif /* SEGUE_ERROR_H */
