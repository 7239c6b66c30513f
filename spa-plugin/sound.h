/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_SOUND_H
#define SEGUE_SOUND_H

#include <stdbool.h>

#include <spa/utils/list.h>

#include <segue/handover.h>

#include "control.h"

/** \file
 * A sound: where buffers come from and what they are called. It owns what was made of its material last;
 * nodes and bus clients hold it. Main loop only.
 *
 * Held by *owners* (bus clients) and *wants* (requests on their way, and tickets the data loop has, which
 * are *claims* as well). When the last one lets go it is reclaimed: its memory is given back. */

struct segue_store_impl;

/** What a buffer is wanted for. */
struct segue_target {
	uint32_t rate;		/**< Hz, of the graph; 0: a source that takes any */
	uint32_t n_in, n_out;	/**< of a convolver; 0: a source */
	uint64_t frames_max;	/**< of a convolver: the longest response */
};

/** Somebody waits for a buffer. Embed it. */
struct segue_waiter {
	struct spa_list link;
	/** There is a buffer for the target (error NULL), or never will be. Called once; from within
	 * segue_sound_wait() only when it fails at once. */
	void (*ready)(struct segue_waiter *waiter, const struct segue_error *error);
	struct segue_target target;
};

/** What struct segue_store_methods has, for the plugin's own use. make() and wait() are in sound-make.c, what
 * convolvers need in sound-response.c. */
SEGUE_MAIN_LOOP struct segue_sound *segue_sound_make(struct segue_store_impl *store,
		struct segue_recipe *recipe, struct segue_error *error);
SEGUE_MAIN_LOOP void segue_sound_own(struct segue_sound *sound);
SEGUE_MAIN_LOOP void segue_sound_disown(struct segue_sound *sound);
SEGUE_MAIN_LOOP struct segue_sound *segue_sound_resolve(struct segue_sound *sound);
/** The one it turned out to be the same as, or itself; borrowed. */
SEGUE_MAIN_LOOP struct segue_sound *segue_sound_final(struct segue_sound *sound);
SEGUE_MAIN_LOOP void segue_sound_info(const struct segue_sound *sound, struct segue_sound_info *ret);
/** The store is going, with its jobs gone already: free all, whoever owns them. */
SEGUE_MAIN_LOOP void segue_sound_free_all(struct segue_store_impl *store);

/** A claim is a want, too. All accept NULL. */
SEGUE_MAIN_LOOP void segue_sound_want(struct segue_sound *sound);
SEGUE_MAIN_LOOP void segue_sound_unwant(struct segue_sound *sound);
SEGUE_MAIN_LOOP void segue_sound_claim(struct segue_sound *sound);
SEGUE_MAIN_LOOP void segue_sound_unclaim(struct segue_sound *sound);

/** Can it be that at all, as far as its kind tells? \return 0 or -EINVAL with an error */
SEGUE_MAIN_LOOP int segue_sound_check(const struct segue_sound *sound, const struct segue_target *target,
		struct segue_error *error);
/** The buffer for a target, borrowed; NULL: it must be waited for. */
SEGUE_MAIN_LOOP struct segue_buffer *segue_sound_buffer(const struct segue_sound *sound,
		const struct segue_target *target);
/** Have the waiter told when there is one, which is made if need be. */
SEGUE_MAIN_LOOP void segue_sound_wait(struct segue_sound *sound, struct segue_waiter *waiter,
		const struct segue_target *target);
/** Wait no longer. */
SEGUE_MAIN_LOOP void segue_sound_forget(struct segue_waiter *waiter);

/** What it can be had again by, for reading properties back: what segue.load takes, or segue.wave. NULL: it is
 * the other one's, or has neither, as samples and a file in memory. */
SEGUE_MAIN_LOOP const char *segue_sound_load(const struct segue_sound *sound);
SEGUE_MAIN_LOOP const char *segue_sound_wave(const struct segue_sound *sound);
SEGUE_MAIN_LOOP const char *segue_sound_label(const struct segue_sound *sound);
SEGUE_MAIN_LOOP uint64_t segue_sound_id(const struct segue_sound *sound);

/** Have one that is made written into a file; the store's event tells when that is done. In sound-write.c.
 * \param fd    taken over, also on failure
 * \param path  what the file is going to be called
 * \param load  what segue.load takes for it, allocated; NULL: it isn't wanted
 * \param ret   the event's id
 * \return 0 or a negative errno with an error */
SEGUE_MAIN_LOOP int segue_sound_write(struct segue_sound *sound, int fd, const char *path, char **load, uint64_t *ret,
		struct segue_error *error);

#endif /* SEGUE_SOUND_H */
