/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_VOLUMES_H
#define SEGUE_VOLUMES_H

#include <pipewire/pipewire.h>

#include "../spa-plugin/control.h"

/** \file
 * volume, mute and channelVolumes in an entry of `segue.nodes`: what mixers set on a raw node, and what nobody but
 * the configuration remembers of it. Main loop. */

/** Is it one of these keys? */
bool segue_is_volume(const char *key);
/** Set a node's. \return 0, or -EINVAL with an error naming the key */
int segue_volume_set(struct segue_node *node, const char *key, const char *text, struct segue_error *error);
/** Add those to an entry that aren't as every node has them at first. */
void segue_volumes_save(struct segue_node *node, struct pw_properties *entry);

#endif /* SEGUE_VOLUMES_H */
