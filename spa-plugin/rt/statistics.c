/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "statistics.h"

#include <stdlib.h>
#include <time.h>

#include <spa/utils/defs.h>

#define LOAD(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define STORE(x, v)	__atomic_store_n(&(x), (v), __ATOMIC_RELAXED)

/* data loop: the only writer, but for the zeros of take_peak() */

#if defined(__clang__) && __clang_major__ >= 20
# pragma clang diagnostic push
# pragma clang diagnostic ignored "-Wfunction-effects"
#endif
/* The vDSO reads this clock without a system call, which the compiler can't know. */
SEGUE_DATA_LOOP static uint64_t now_nsec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return SPA_TIMESPEC_TO_NSEC(&now);
}
#if defined(__clang__) && __clang_major__ >= 20
# pragma clang diagnostic pop
#endif

uint64_t segue_statistics_begin_cycle(struct segue_statistics *s, const struct segue_clock *clock)
{
	uint64_t begun = now_nsec();

	/* Each value is released and acquired in segue_statistics_clock(): who reads one of these values sees
	 * the odd number as well, and who sees the even number sees all of them. */
	STORE(s->sequence, s->sequence + 1);
	__atomic_store_n(&s->position, clock->position, __ATOMIC_RELEASE);
	__atomic_store_n(&s->nsec, clock->nsec, __ATOMIC_RELEASE);
	__atomic_store_n(&s->rate, clock->rate, __ATOMIC_RELEASE);
	__atomic_store_n(&s->quantum, clock->quantum, __ATOMIC_RELEASE);
	__atomic_store_n(&s->sequence, s->sequence + 1, __ATOMIC_RELEASE);
	return begun;
}

void segue_statistics_end_cycle(struct segue_statistics *s, uint64_t begun, bool is_timed)
{
	STORE(s->n_cycles, s->n_cycles + 1);
	if (!is_timed)
		return;
	STORE(s->cycle_nsec[s->n_timed % SEGUE_STATISTICS_CYCLES],
			(uint32_t)SPA_MIN(now_nsec() - begun, (uint64_t)UINT32_MAX));
	/* release, paired with the acquire in segue_statistics_cycle_times() */
	__atomic_store_n(&s->n_timed, s->n_timed + 1, __ATOMIC_RELEASE);
}

void segue_statistics_add_xruns(struct segue_statistics *s, uint64_t n)
{
	STORE(s->n_xruns, s->n_xruns + n);
}

void segue_statistics_add_clipped(struct segue_statistics *s, uint64_t n)
{
	STORE(s->n_clipped, s->n_clipped + n);
}

void segue_statistics_add_peak(struct segue_statistics *s, uint32_t channel, float peak)
{
	float largest;

	__atomic_load(&s->peak[channel], &largest, __ATOMIC_RELAXED);
	if (peak <= largest)
		return;
	/* only take_peak() writes here besides us, and it writes 0: when the (strong) exchange fails, that
	 * is what is there now */
	if (!__atomic_compare_exchange(&s->peak[channel], &largest, &peak, false,
				__ATOMIC_RELAXED, __ATOMIC_RELAXED))
		__atomic_store(&s->peak[channel], &peak, __ATOMIC_RELAXED);
}

/* main loop */

static int compare_times(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

struct segue_cycle_times segue_statistics_cycle_times(const struct segue_statistics *s)
{
	uint32_t times[SEGUE_STATISTICS_CYCLES];
	/* acquire, paired with the release in segue_statistics_end_cycle() */
	uint64_t n = SPA_MIN(__atomic_load_n(&s->n_timed, __ATOMIC_ACQUIRE),
			(uint64_t)SEGUE_STATISTICS_CYCLES);

	if (n == 0)
		return (struct segue_cycle_times) { 0.0, 0.0, 0.0 };
	for (uint64_t i = 0; i < n; i++)
		times[i] = LOAD(s->cycle_nsec[i]);
	qsort(times, n, sizeof(times[0]), compare_times);
	/* nearest rank: the smallest value that so many of them don't exceed */
	return (struct segue_cycle_times) {
		.median_usec = times[(n + 1) / 2 - 1] / 1e3,
		.p999_usec = times[(n * 999 + 999) / 1000 - 1] / 1e3,
		.max_usec = times[n - 1] / 1e3,
	};
}

struct segue_clock segue_statistics_clock(const struct segue_statistics *s)
{
	struct segue_clock clock;
	uint32_t before, after;

	/* writing takes some nanoseconds of each cycle, so this hardly ever goes round twice */
	do {
		before = __atomic_load_n(&s->sequence, __ATOMIC_ACQUIRE);
		clock.position = __atomic_load_n(&s->position, __ATOMIC_ACQUIRE);
		clock.nsec = __atomic_load_n(&s->nsec, __ATOMIC_ACQUIRE);
		clock.rate = __atomic_load_n(&s->rate, __ATOMIC_ACQUIRE);
		clock.quantum = __atomic_load_n(&s->quantum, __ATOMIC_ACQUIRE);
		after = LOAD(s->sequence);
	} while (before != after || (before & 1));
	return clock;
}

float segue_statistics_take_peak(struct segue_statistics *s, uint32_t channel)
{
	float none = 0.0f, peak;

	__atomic_exchange(&s->peak[channel], &none, &peak, __ATOMIC_RELAXED);
	return peak;
}
