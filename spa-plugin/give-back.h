/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_GIVE_BACK_H
#define SEGUE_GIVE_BACK_H

#include <segue/handover.h>

#include "make/memory.h"

struct segue_store_impl;

/** Give memory back: at once when it is small; large memory is unmapped in slices by a worker,
 * because unmapping it at once would hold the process's memory map while the data loop may need it.
 * \param memory  the budget that p was allocated from
 * \param done  called when it is given back, perhaps before this returns; or NULL */
SEGUE_MAIN_LOOP void segue_give_back(struct segue_store_impl *store, struct segue_memory *memory,
		void *p, void (*done)(void *data), void *data);

#endif /* SEGUE_GIVE_BACK_H */
