/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_CTL_COMMANDS_H
#define SEGUE_CTL_COMMANDS_H

#include "ctl.h"

/** \file
 * What seguectl can do: one function per sub-command. */

/** All of them, ending with an empty one. In main.c. */
extern const struct segue_command segue_commands[];
/** \return NULL: there is none of that name */
const struct segue_command *segue_command_find(const char *name);

/* list.c */
enum segue_exit segue_command_list(struct segue_ctl *ctl);
enum segue_exit segue_command_buffers(struct segue_ctl *ctl);
/* node.c */
enum segue_exit segue_command_create(struct segue_ctl *ctl);
enum segue_exit segue_command_destroy(struct segue_ctl *ctl);
/* property.c */
enum segue_exit segue_command_bypass(struct segue_ctl *ctl);
enum segue_exit segue_command_set(struct segue_ctl *ctl);
enum segue_exit segue_command_get(struct segue_ctl *ctl);
/* swap.c */
enum segue_exit segue_command_load(struct segue_ctl *ctl);
enum segue_exit segue_command_wave(struct segue_ctl *ctl);
enum segue_exit segue_command_clear(struct segue_ctl *ctl);
/* buffer.c */
enum segue_exit segue_command_keep(struct segue_ctl *ctl);
enum segue_exit segue_command_release(struct segue_ctl *ctl);
/* play.c */
enum segue_exit segue_command_note(struct segue_ctl *ctl);
enum segue_exit segue_command_play(struct segue_ctl *ctl);
enum segue_exit segue_command_stop(struct segue_ctl *ctl);
/* monitor.c */
enum segue_exit segue_command_monitor(struct segue_ctl *ctl);

/* save.c */
enum segue_exit segue_command_save(struct segue_ctl *ctl);
/* show.c */
enum segue_exit segue_command_show(struct segue_ctl *ctl);
/* top.c */
enum segue_exit segue_command_top(struct segue_ctl *ctl);
/* complete.c */
enum segue_exit segue_command_complete(struct segue_ctl *ctl);

#endif /* SEGUE_CTL_COMMANDS_H */
