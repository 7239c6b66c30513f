/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_CTL_ARGS_H
#define SEGUE_CTL_ARGS_H

#include "ctl.h"
#include "names.h"

/** \file
 * The command line. */

/** Sort the words into ctl's options and arguments. Numbers such as -6dB are arguments.
 * \return SEGUE_EXIT_USAGE: an option that isn't there, lacks its argument or has a bad one */
enum segue_exit segue_args_parse(struct segue_ctl *ctl, int argc, char *argv[]);

/** Check the options and arguments against the command's. */
enum segue_exit segue_args_check(struct segue_ctl *ctl);

/** Understand the value of a property.
 * \param key  NULL: it isn't one of ours. \param name  as it was written
 * \return SEGUE_EXIT_USAGE: it isn't of the unit */
enum segue_exit segue_args_value(struct segue_ctl *ctl, const struct segue_key *key, enum segue_unit unit,
		const char *name, const char *text, struct segue_quantity *ret);

/** Append the options of these groups that were given: the entries of an a{sv} under their own names.
 * \return 0 or a negative errno */
int segue_args_append(struct segue_ctl *ctl, uint32_t groups, sd_bus_message *m);

/** The whole path of a file as the shell means it: the service's folder is another.
 * \return to be freed, or NULL with errno */
char *segue_args_path(const char *file);

/** What an option is to commands of these groups: to some it is another one. */
const struct segue_option *segue_option_for(int option, uint32_t groups);

/** List the options of these groups for the help. */
void segue_args_help(uint32_t groups);

#endif /* SEGUE_CTL_ARGS_H */
