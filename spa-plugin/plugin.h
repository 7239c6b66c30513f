/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_PLUGIN_H
#define SEGUE_PLUGIN_H

#include <spa/support/plugin.h>

extern const struct spa_handle_factory segue_source_factory;
extern const struct spa_handle_factory segue_convolver_factory;
extern const struct spa_handle_factory segue_store_factory;

#endif /* SEGUE_PLUGIN_H */
