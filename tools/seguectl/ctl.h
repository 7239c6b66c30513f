/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_CTL_H
#define SEGUE_CTL_H

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

#include "units.h"

/** \file
 * One run of seguectl: the command line as understood, and how the run ends.
 *
 * Functions that return an enum segue_exit have already reported what isn't SEGUE_EXIT_OK. */

enum segue_exit {
	SEGUE_EXIT_OK = 0,
	SEGUE_EXIT_FAILED = 1,		/**< refused or failed */
	SEGUE_EXIT_USAGE = 2,
	SEGUE_EXIT_NO_SERVICE = 3,	/**< or no bus */
	SEGUE_EXIT_CANCELLED = 4,	/**< or superseded */
	SEGUE_EXIT_TIMEOUT = 5,		/**< --timeout passed */
};

/* which commands an option belongs to */
#define SEGUE_GROUP_ANY		(1u << 0)
#define SEGUE_GROUP_SWAP	(1u << 1)	/* options of the request, on the bus under the same names */
#define SEGUE_GROUP_WAIT	(1u << 2)	/* our own */
#define SEGUE_GROUP_LOAD	(1u << 3)	/* options of the sound */
#define SEGUE_GROUP_WAVE	(1u << 4)
#define SEGUE_GROUP_PLAY	(1u << 5)	/* options of one playing of a sound */
#define SEGUE_GROUP_NOTE	(1u << 6)	/* our own */
#define SEGUE_GROUP_SHOW	(1u << 7)	/* our own */

struct segue_option {
	const char *name;
	enum segue_unit unit;
	uint32_t groups;
	const char *argument;	/**< its name in the help; NULL: takes none */
	const char *help;
};

enum {	/* those that seguectl looks at itself; the others only pass through */
	SEGUE_OPTION_HELP,
	SEGUE_OPTION_VERSION,
	SEGUE_OPTION_JSON,
	SEGUE_OPTION_WAIT,
	SEGUE_OPTION_TIMEOUT,
	SEGUE_OPTION_LABEL,
	SEGUE_OPTION_AT,
	SEGUE_OPTION_AFTER,
	SEGUE_OPTION_LOOP,
	SEGUE_OPTION_LENGTH,
	SEGUE_OPTION_VELOCITY,
	SEGUE_OPTION_PNG,
	SEGUE_N_OPTIONS = 22,
};

#define SEGUE_FOREVER	UINT64_MAX

extern const struct segue_option segue_options[SEGUE_N_OPTIONS];

struct segue_ctl;

struct segue_command {
	const char *name;
	const char *synopsis;	/**< its arguments */
	const char *help;
	enum segue_exit (*run)(struct segue_ctl *ctl);
	int min_args, max_args;
	uint32_t groups;	/**< of options it takes besides SEGUE_GROUP_ANY */
	bool starts;		/**< starts the service if it isn't running */
	bool local;		/**< opens the bus itself, where it needs it */
};

struct segue_ctl {
	const struct segue_command *command;
	const char **args;		/**< after the command's name; NULL-terminated */
	int n_args;
	const char *texts[SEGUE_N_OPTIONS];	/**< options as written; NULL: not given */
	struct segue_quantity options[SEGUE_N_OPTIONS];
	bool json;
	uint64_t deadline_usec;		/**< of --timeout, CLOCK_MONOTONIC; SEGUE_FOREVER: none was given */

	sd_bus *bus;
};

/** Report an error on stderr, as a line or, with --json, as an object.
 * \param name  its D-Bus error name
 * \return status */
__attribute__((format(printf, 4, 5)))
enum segue_exit segue_fail(struct segue_ctl *ctl, enum segue_exit status, const char *name,
		const char *format, ...);

/** Report that memory is short. */
#define segue_fail_memory(ctl)	segue_fail(ctl, SEGUE_EXIT_FAILED, SD_BUS_ERROR_NO_MEMORY, "Out of memory")
/** Report wrong usage. */
#define segue_usage(ctl, ...)	segue_fail(ctl, SEGUE_EXIT_USAGE, SD_BUS_ERROR_INVALID_ARGS, __VA_ARGS__)

#endif /* SEGUE_CTL_H */
