/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_TEST_DELAYS_H
#define SEGUE_TEST_DELAYS_H

#include <stdbool.h>
#include <stdint.h>

/** \file
 * Chance at every atomic step. Included before what is tested, it puts a delay before and after each atomic
 * operation there, so that any two steps of two threads may be met in either order. And it lets a weak
 * compare-and-swap fail without a reason, as it may: x86 never does it. */

/** Of the calling thread: from here on its delays follow from this. */
void delays_seed(uint64_t seed);
/** Nothing, some turns of a loop, a yield, or a sleep. */
void delays_step(void);
/** Does a weak compare-and-swap fail this time? */
bool delays_fail(void);

#if defined(__has_feature)
# if __has_feature(realtime_sanitizer)
#  define DELAYS_NONE	/* it would hold them against the data loop */
# endif
#endif
#if defined(__clang__) && __clang_major__ >= 20
# pragma clang diagnostic ignored "-Wfunction-effects"
#endif

#ifndef DELAYS_NONE

#define __atomic_load_n(p, order) __extension__ ({					\
	delays_step();									\
	__typeof__(*(p)) delays_value = __atomic_load_n(p, order);			\
	delays_step();									\
	delays_value;									\
})

#define __atomic_store_n(p, value, order) __extension__ ({				\
	delays_step();									\
	__atomic_store_n(p, value, order);						\
	delays_step();									\
})

#define __atomic_exchange_n(p, value, order) __extension__ ({				\
	delays_step();									\
	__typeof__(*(p)) delays_value = __atomic_exchange_n(p, value, order);		\
	delays_step();									\
	delays_value;									\
})

#define __atomic_compare_exchange_n(p, expected, desired, weak, success, failure) __extension__ ({	\
	delays_step();									\
	bool delays_done = !((weak) && delays_fail()) &&				\
		__atomic_compare_exchange_n(p, expected, desired, weak, success, failure);	\
	delays_step();									\
	delays_done;									\
})

#endif /* DELAYS_NONE */

#endif /* SEGUE_TEST_DELAYS_H */
