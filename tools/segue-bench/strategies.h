/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_BENCH_STRATEGIES_H
#define SEGUE_BENCH_STRATEGIES_H

#include <stdint.h>

#include <segue/handover.h>

/** \file
 * The ways to hand blocks of floats to a real-time thread, all behind the same five functions. */

/** A block of floats on the heap, with what one strategy or another needs beside them. */
struct segue_block {
	struct segue_buffer buffer;
	struct segue_ticket *ticket;	/**< freed with the block */
	struct segue_block *next;	/**< link of a list of garbage */
	struct segue_block **garbage;	/**< where a destroyed one goes */
	uint32_t refs;			/**< atomic */
	float data[] __attribute__((aligned(SEGUE_CACHE_LINE)));
};

/** \return a block with one reference, its data not yet written; or NULL */
struct segue_block *segue_block_new(uint32_t n_frames);
void segue_block_free(struct segue_block *block);
/** A list linked by `next`. */
void segue_block_free_list(struct segue_block *list);
/** The data of *made, which is made first where it is NULL. \return NULL without memory */
float *segue_block_acquire(struct segue_block **made, uint32_t n_frames);

/** n_frames floats, zeroed, aligned to a cache line; free() them. */
float *segue_floats_new(uint32_t n_frames);

/** Each state is laid out as the producer's, the shared and the consumer's part, a cache line apart. */
#define SEGUE_APART(name)	char name[SEGUE_CACHE_LINE]

struct segue_setup {
	uint32_t n_frames;		/**< of each block */
	uint32_t n_batch;		/**< collect() is called after so many hand-overs at most */
	struct segue_block **live;	/**< in use elsewhere all the time; they outlive the strategy */
	uint32_t n_live;
};

/** The functions aren't marked for the data loop: some strategies are here because they lock and free. */
struct segue_strategy {
	const char *name;
	const char *description;
	/** \return NULL with errno */
	void *(*new)(const struct segue_setup *setup);
	/** Producer, when nobody else uses it any more. */
	void (*free)(void *state);
	/** Producer: where to write the next block. NULL: no room until something is taken or collected. */
	float *(*acquire)(void *state);
	/** Producer: hand over what acquire() gave. */
	void (*publish)(void *state);
	/** Producer, now and then: take back what the consumer has let go. NULL: happens by itself.
	 * \param garbage  blocks to be freed are prepended, linked by `next`
	 * \return how many were taken back */
	uint32_t (*collect)(void *state, struct segue_block **garbage);
	/** Consumer, each cycle: go over to the newest block, let the one before go.
	 * \return its data, valid until the next call; NULL: nothing new */
	const float *(*take)(void *state);
};

#define SEGUE_STRATEGIES_N	7u

/** Ours is the last. */
extern const struct segue_strategy *const segue_strategies[SEGUE_STRATEGIES_N];

#endif /* SEGUE_BENCH_STRATEGIES_H */
