/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_HANDOVER_H
#define SEGUE_HANDOVER_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** \file
 * Hand data of any size to a real-time loop, and have it freed elsewhere.
 *
 * A *buffer* is an immutable block on the heap, counted on the main loop with a plain integer. A
 * *ticket* is one node's claim on one buffer, and it is what travels: into the data loop through
 * a ring, back from it on a stack. The data loop counts its own uses of a ticket (current, fading,
 * one per voice) with a plain integer too. Nothing is allocated, freed, locked or waited for on
 * the data loop, and no count is ever shared between threads.
 *
 *     main loop                                            data loop
 *     make buffer, ticket
 *     segue_handover_send()    ── ring of commands ──▶     segue_handover_take()
 *                                                          segue_ticket_answer(), _ref(), _unref()
 *     segue_handover_collect() ◀── stack of retired ──     (the last _unref() retires)
 *     segue_buffer_unref(), free the ticket
 *
 * Which calls on one handover may overlap in time (yes) and which exclude each other (no):
 *
 *                 | send | collect | take | retire
 *       send      |  no  |   no    | yes  |  yes
 *       collect   |  no  |   no    | yes  |  yes
 *       take      | yes  |  yes    |  no  |   no
 *       retire    | yes  |  yes    |  no  |   no
 *
 * So: one main thread, and one data thread at a time. Where the data loop changes its thread, or
 * another thread takes its place while it is stopped, the change itself must order the two (a
 * blocking `spa_loop_invoke()` does).
 */

/** Marks a function that runs on the data loop: bounded time; it does not block, allocate, free,
 * lock or log. clang 20 and later check it with -Wfunction-effects and RealtimeSanitizer. */
#if defined(__clang__) && __clang_major__ >= 20
# define SEGUE_DATA_LOOP	__attribute__((nonblocking))
#else
# define SEGUE_DATA_LOOP
#endif
/** Marks a function of the main loop: may allocate; must not wait. */
#define SEGUE_MAIN_LOOP
/** Marks a function of a worker thread: may wait. */
#define SEGUE_WORKER

#define SEGUE_CACHE_LINE	64u

/** An immutable block, the first member of whatever it heads. Its count belongs to the main loop. */
struct segue_buffer {
	uint32_t refs;
	uint32_t type;		/**< what it heads: the program's own number */
	size_t bytes;		/**< all memory it keeps, for accounting */
	void (*destroy)(struct segue_buffer *buffer);	/**< main loop: the last reference is gone */
	void *owner;		/**< the program's own, for destroy() */
};

static inline SEGUE_MAIN_LOOP struct segue_buffer *segue_buffer_ref(struct segue_buffer *buffer)
{
	if (buffer != NULL)
		buffer->refs++;
	return buffer;
}

static inline SEGUE_MAIN_LOOP void segue_buffer_unref(struct segue_buffer *buffer)
{
	if (buffer != NULL && --buffer->refs == 0)
		buffer->destroy(buffer);
}

/** What became of a ticket. It is written once, by the data loop. */
enum segue_outcome {
	SEGUE_OUTCOME_NONE,		/**< not answered yet */
	SEGUE_OUTCOME_APPLIED,		/**< heard from `position` on */
	SEGUE_OUTCOME_SUPERSEDED,	/**< a newer one was ready before this one was taken */
	SEGUE_OUTCOME_TOO_LATE,		/**< `at` had passed, or could no longer be met exactly */
	SEGUE_OUTCOME_CLOCK_CHANGED,	/**< the clock `at` refers to is gone */
	SEGUE_OUTCOME_CANCELLED,	/**< withdrawn by the main loop before it was taken */
	SEGUE_OUTCOME_GONE,		/**< the node went first */
};

#define SEGUE_NOW	UINT64_MAX	/**< `at`: as soon as it is ready */

#define SEGUE_TICKET_LATE	(1u << 0)	/**< better late than failed */
#define SEGUE_TICKET_AFTER	(1u << 1)	/**< `at` counts nanoseconds from the cycle that takes it */
/** the same sound, by its serial, made for another rate: go on where it is */
#define SEGUE_TICKET_REMAKE	(1u << 2)

/** One node's claim on one buffer. Make it zeroed, with a reference on its buffer and one of its own. It
 * is just as large as a cache line: allocated on one (`aligned_alloc(SEGUE_CACHE_LINE, ...)`), it crosses
 * over and back in half the time. */
struct segue_ticket {
	/* main loop, before it is sent; constant from then on */
	struct segue_buffer *buffer;	/**< NULL: silence */
	uint64_t serial;		/**< grows with every request of the node */
	uint64_t at;			/**< position of the driver's clock, or SEGUE_NOW; see SEGUE_TICKET_AFTER */
	double fade;			/**< seconds, 0: a hard cut */
	uint32_t flags;
	/* data loop, from the time it is sent */
	uint32_t refs;			/**< local uses; 1 when it is sent */
	struct segue_ticket *next;	/**< link of the stack; the main loop's again once collected */
	/* shared: the data loop writes position, then outcome (release); the main loop reads outcome
	 * (acquire), then position */
	uint64_t position;		/**< first frame it was heard at; 0 if the node wasn't running */
	uint32_t outcome;		/**< enum segue_outcome */
	uint32_t is_taken;		/**< it will be heard, and can't be withdrawn any more */
};

/** Something the data loop is told. `type` is the program's own number, but for SEGUE_COMMAND_SWAP. That, and
 * whatever has the bit SEGUE_COMMAND_TICKET set, carries a ticket. */
struct segue_command {
	uint32_t type;
	uint32_t key;
	union {
		struct segue_ticket *ticket;
		double value;
		uint64_t data;
	};
};

#define SEGUE_COMMAND_SWAP	0u	/**< `ticket` is handed over with its one reference */
#define SEGUE_COMMAND_TICKET	(1u << 16)	/**< a bit of `type`: as with a swap */
#define SEGUE_RING_SIZE		256u	/**< commands; a power of two */

static inline SEGUE_DATA_LOOP bool segue_command_has_ticket(const struct segue_command *command)
{
	return command->type == SEGUE_COMMAND_SWAP || (command->type & SEGUE_COMMAND_TICKET);
}

/** One node's two ways across. Zeroed memory is a valid, empty handover.
 * What different threads write is kept apart by padding, not by alignment: the memory may come from calloc(),
 * as an SPA handle's does. */
struct segue_handover {
	/* main loop writes, data loop reads */
	uint32_t written;
	uint32_t taken_seen;		/**< main loop only: `taken` when send() last had to know it */
	uint32_t n_outstanding;		/**< main loop only: tickets sent and not yet collected */
	char pad_written[SEGUE_CACHE_LINE];
	/* data loop writes, main loop reads */
	uint32_t taken;
	char pad_taken[SEGUE_CACHE_LINE];
	/* data loop pushes, main loop empties */
	struct segue_ticket *retired;
	char pad_retired[SEGUE_CACHE_LINE];
	/* slots between taken and written belong to the data loop, the others to the main loop */
	struct segue_command ring[SEGUE_RING_SIZE];
};

/** How many commands can be sent now, at least. */
static inline SEGUE_MAIN_LOOP uint32_t segue_handover_space(const struct segue_handover *h)
{
	/* relaxed: a number; send() itself orders the use of a slot */
	return SEGUE_RING_SIZE - (h->written - __atomic_load_n(&h->taken, __ATOMIC_RELAXED));
}

/** Send one command to the data loop. A ticket sent belongs to the data loop until it is collected.
 * \return 0, or -ENOSPC: nothing was sent */
static inline SEGUE_MAIN_LOOP int segue_handover_send(struct segue_handover *h,
		const struct segue_command *command)
{
	/* looked at only when the ring seems full, so that its cache line stays with the data loop; acquire,
	 * paired with the release in take(): the data loop has read the slots we reuse */
	if (h->written - h->taken_seen == SEGUE_RING_SIZE)
		h->taken_seen = __atomic_load_n(&h->taken, __ATOMIC_ACQUIRE);
	if (h->written - h->taken_seen == SEGUE_RING_SIZE)
		return -ENOSPC;
	h->ring[h->written % SEGUE_RING_SIZE] = *command;
	if (segue_command_has_ticket(command))
		h->n_outstanding++;
	/* release, paired with the acquire in take(): the slot, the ticket and the buffer are whole */
	__atomic_store_n(&h->written, h->written + 1, __ATOMIC_RELEASE);
	return 0;
}

/** Take the oldest command. Runs on the data loop. A sender can be as fast as the taker: who takes until
 * there is none bounds the number per cycle.
 * \return false when there is none; ret is untouched then */
static inline SEGUE_DATA_LOOP bool segue_handover_take(struct segue_handover *h, struct segue_command *ret)
{
	/* acquire, paired with the release in send() */
	if (__atomic_load_n(&h->written, __ATOMIC_ACQUIRE) == h->taken)
		return false;
	*ret = h->ring[h->taken % SEGUE_RING_SIZE];
	/* release, paired with the acquire in send(): the slot has been read */
	__atomic_store_n(&h->taken, h->taken + 1, __ATOMIC_RELEASE);
	return true;
}

/** Say that a ticket is on its way to be heard, or waits again. Runs on the data loop. */
static inline SEGUE_DATA_LOOP void segue_ticket_take(struct segue_ticket *ticket, bool is_taken)
{
	/* relaxed: a flag, which orders nothing */
	__atomic_store_n(&ticket->is_taken, is_taken, __ATOMIC_RELAXED);
}

/** Is a ticket past being withdrawn, as far as can be told? Main loop; valid until the ticket is freed. */
static inline SEGUE_MAIN_LOOP bool segue_ticket_is_taken(const struct segue_ticket *ticket)
{
	return __atomic_load_n(&ticket->is_taken, __ATOMIC_RELAXED);
}

/** Say what became of a ticket, once, before it is retired. Runs on the data loop. */
static inline SEGUE_DATA_LOOP void segue_ticket_answer(struct segue_ticket *ticket, enum segue_outcome outcome,
		uint64_t position)
{
	ticket->position = position;
	/* release, paired with the acquire in segue_ticket_outcome() */
	__atomic_store_n(&ticket->outcome, (uint32_t)outcome, __ATOMIC_RELEASE);
}

/** What became of a ticket. Main loop; valid until the ticket is freed, also before it is retired. */
static inline SEGUE_MAIN_LOOP enum segue_outcome segue_ticket_outcome(
		const struct segue_ticket *ticket)
{
	/* acquire, paired with the release in segue_ticket_answer(): position is whole */
	return (enum segue_outcome)__atomic_load_n(&ticket->outcome, __ATOMIC_ACQUIRE);
}

/** One more local use of a ticket. Accepts NULL. Runs on the data loop. */
static inline SEGUE_DATA_LOOP struct segue_ticket *segue_ticket_ref(struct segue_ticket *ticket)
{
	if (ticket != NULL)
		ticket->refs++;
	return ticket;
}

/** Let a ticket go for good, whatever its count: it must not be touched afterwards. Runs on the data loop.
 * At most one compare-and-swap and one store. Where uses are counted segue_ticket_unref() calls it. */
static inline SEGUE_DATA_LOOP void segue_ticket_retire(struct segue_handover *h, struct segue_ticket *ticket)
{
	struct segue_ticket *head = __atomic_load_n(&h->retired, __ATOMIC_RELAXED);

	ticket->next = head;
	/* release, paired with the acquire in collect(). Only collect() writes here besides us, and
	 * it writes NULL: when the (strong) exchange fails the stack is empty and stays so */
	if (!__atomic_compare_exchange_n(&h->retired, &head, ticket, false,
				__ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
		ticket->next = NULL;
		__atomic_store_n(&h->retired, ticket, __ATOMIC_RELEASE);
	}
}

/** One local use less; the last one retires the ticket. Accepts NULL. Runs on the data loop. */
static inline SEGUE_DATA_LOOP void segue_ticket_unref(struct segue_handover *h, struct segue_ticket *ticket)
{
	if (ticket != NULL && --ticket->refs == 0)
		segue_ticket_retire(h, ticket);
}

/** Take back every ticket the data loop has let go. Its work grows with what was retired, never
 * with what is live.
 * \return a list linked by `next`, the first retired first; NULL when there is none. The caller
 *         drops each ticket's reference on its buffer and frees the ticket. */
static inline SEGUE_MAIN_LOOP struct segue_ticket *segue_handover_collect(struct segue_handover *h)
{
	struct segue_ticket *ticket, *next, *list = NULL;

	/* a plain look first: an exchange would take the cache line from the data loop every time */
	if (__atomic_load_n(&h->retired, __ATOMIC_RELAXED) == NULL)
		return NULL;
	/* acquire, paired with the release in retire(): the links and the answers are whole */
	ticket = __atomic_exchange_n(&h->retired, NULL, __ATOMIC_ACQUIRE);
	for (; ticket != NULL; ticket = next) {
		next = ticket->next;
		ticket->next = list;
		list = ticket;
		h->n_outstanding--;
	}
	return list;
}

#ifdef __cplusplus
}
#endif

#endif /* SEGUE_HANDOVER_H */
