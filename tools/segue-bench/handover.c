/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "handover.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS			10u	/* each strategy's share is cut into so many, in turn with the others */
#define UNPACED_NSEC		5000u	/* a cycle */
#define SPIN_NSEC		100000u	/* shorter waits don't sleep */
#define COLLECT_BLOCKS		64u	/* the collector comes after so many hand-overs */
#define COLLECT_BYTES		(32u << 20)	/* or so much memory */
#define PRIORITY		20
#define MMAP_BYTES		(32 << 20)	/* the most malloc() accepts for it */

/* The work repeats itself with the slots of the rings, and four times as often for the collector. */
#define PHASES			256u

/* what is measured between two threads, and with both sides in one */
struct measured {
	struct segue_samples take, with_read;	/* consumer */
	SEGUE_APART(pad_consumer);
	struct segue_samples collect;		/* producer */
};

/* one strategy at work; what each thread writes is a cache line apart */
struct run {
	const struct segue_strategy *strategy;
	void *state;
	struct measured across, alone;
	/* producer */
	uint32_t n_published, n_uncollected;
	SEGUE_APART(pad_producer);
	/* consumer writes, producer reads */
	uint32_t n_taken;
	SEGUE_APART(pad_shared);
	/* consumer */
	uint32_t n_torn;
};

struct bench {
	const struct segue_handover_work *work;
	uint64_t cycle_nsec, quantum_nsec;
	uint32_t n_read;	/* floats per cycle */
	uint32_t n_batch;	/* hand-overs between two collections */
	struct segue_block **live;
	struct run runs[SEGUE_STRATEGIES_N];
	uint64_t random;
	/* shared */
	pthread_barrier_t barrier;	/* begin and end of a round */
	/* whose round it is (NULL: the end), how many hand-overs and how long; written between rounds */
	struct run *turn;
	uint32_t n_turn;
	uint64_t turn_nsec;
	uint32_t stop;
};

static void wait_until(uint64_t nsec)
{
	uint64_t now = segue_now_nsec();

	if (now + SPIN_NSEC < nsec) {
		struct timespec ts = { (time_t)(nsec / 1000000000u), (long)(nsec % 1000000000u) };

		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
			;
	}
	while (segue_now_nsec() < nsec)
		;
}

/* ------------------------------------------------------------- producer */

static uint64_t random_below(struct bench *b, uint64_t n)
{
	b->random ^= b->random << 13;	/* Marsaglia's xorshift64 */
	b->random ^= b->random >> 7;
	b->random ^= b->random << 17;
	return b->random % n;
}

static void collect(struct run *r, struct measured *m)
{
	struct segue_block *garbage = NULL;
	uint64_t begin, nsec;
	uint32_t n;

	r->n_uncollected = 0;
	if (r->strategy->collect == NULL)
		return;
	begin = segue_now_nsec();
	n = r->strategy->collect(r->state, &garbage);
	nsec = segue_now_nsec() - begin;
	if (n > 0)
		segue_samples_add(&m->collect, (double)nsec / n);
	segue_block_free_list(garbage);
}

/* make a block of n_frames or the beginning of it, hand it over `delay` later.
 * \return false when there is no room */
static bool produce(struct bench *b, struct run *r, struct measured *m, uint32_t n_frames, uint64_t delay)
{
	float *data = r->strategy->acquire(r->state);

	if (data == NULL)
		return false;
	for (uint32_t i = 0; i < n_frames; i++)
		data[i] = (float)(r->n_published % 1024 + 1);
	wait_until(segue_now_nsec() + delay);
	r->strategy->publish(r->state);
	r->n_published++;
	if (++r->n_uncollected >= b->n_batch)
		collect(r, m);
	return true;
}

/* ------------------------------------------------------------- consumer */

static float sum_of(const float *data, uint32_t n)
{
	float sums[8] = { 0 };
	uint32_t i = 0;

	for (; i + 8 <= n; i += 8)
		for (uint32_t j = 0; j < 8; j++)
			sums[j] += data[i + j];
	for (; i < n; i++)
		sums[0] += data[i];
	return sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] + sums[6] + sums[7];
}

/* one cycle: what is measured.
 * \param late  how much the one before was longer than a quantum: this one's time as well
 * \return the same for the next */
static uint64_t cycle(const struct bench *b, struct run *r, struct measured *m, uint64_t late)
{
	uint64_t begin, taken, read, nsec;
	const float *data;
	float sum;

	begin = segue_now_nsec();
	data = r->strategy->take(r->state);
	taken = segue_now_nsec();

	nsec = taken - begin + late;
	late = nsec > b->quantum_nsec ? nsec - b->quantum_nsec : 0;
	if (data == NULL)
		return late;
	sum = sum_of(data, b->n_read);
	read = segue_now_nsec();

	/* all floats of a block are one small whole number: exact */
	if (data[0] < 1.0f || sum != data[0] * (float)b->n_read)
		r->n_torn++;
	segue_samples_add(&m->take, (double)nsec);
	segue_samples_add(&m->with_read, (double)(nsec + read - taken));
	__atomic_store_n(&r->n_taken, r->n_taken + 1, __ATOMIC_RELEASE);
	return late;
}

static void consume(struct bench *b, struct run *r)
{
	uint64_t due = segue_now_nsec(), late = 0;

	while (!__atomic_load_n(&b->stop, __ATOMIC_ACQUIRE)) {
		wait_until(due += b->cycle_nsec);
		late = cycle(b, r, &r->across, late);
	}
}

/* both sides in this thread: what a strategy does by itself. A block is written only as far as it is read, else
 * the large ones would push the strategies' own data out of the cache. */
static void play_alone(struct bench *b, struct run *r, uint32_t n, uint64_t end)
{
	for (; n > 0 && segue_now_nsec() < end; n--)
		if (produce(b, r, &r->alone, b->n_read, 0))
			(void)cycle(b, r, &r->alone, 0);
}

/* has real-time priority: nobody interrupts the part it plays alone, either */
static void *run_consumer(void *data)
{
	struct bench *b = data;

	for (;;) {
		pthread_barrier_wait(&b->barrier);
		if (b->turn == NULL)
			return NULL;
		play_alone(b, b->turn, b->n_turn, segue_now_nsec() + b->turn_nsec / 4);
		pthread_barrier_wait(&b->barrier);
		consume(b, b->turn);
		pthread_barrier_wait(&b->barrier);
	}
}

/* ------------------------------------------------------------- both */

/* the producer's part: the consumer plays in its own thread */
static void play_across(struct bench *b, struct run *r, uint32_t n, uint64_t end)
{
	while (n > 0 && segue_now_nsec() < end) {
		/* one is under way at a time: the consumer takes each of them; it is sent at any moment of
		 * the cycle, so that strategies which can collide do */
		if (__atomic_load_n(&r->n_taken, __ATOMIC_ACQUIRE) == r->n_published &&
		    produce(b, r, &r->across, b->work->n_frames, random_below(b, b->cycle_nsec)))
			n--;
		else
			wait_until(segue_now_nsec() + (b->work->paced ? b->cycle_nsec / 16 : 0));
	}
	/* none is left under way for the next part */
	while (__atomic_load_n(&r->n_taken, __ATOMIC_ACQUIRE) != r->n_published)
		wait_until(segue_now_nsec() + b->cycle_nsec / 16);
}

static void play_rounds(struct bench *b)
{
	const struct segue_handover_work *w = b->work;

	b->turn_nsec = (uint64_t)(w->seconds * 1e9 / (ROUNDS * SEGUE_STRATEGIES_N));
	for (uint32_t i = 0; i < ROUNDS * SEGUE_STRATEGIES_N; i++) {
		b->turn = &b->runs[i % SEGUE_STRATEGIES_N];
		b->n_turn = w->cycles / ROUNDS + (i / SEGUE_STRATEGIES_N < w->cycles % ROUNDS);
		b->stop = 0;
		pthread_barrier_wait(&b->barrier);
		pthread_barrier_wait(&b->barrier);	/* meanwhile it has played alone */
		play_across(b, b->turn, b->n_turn, segue_now_nsec() + b->turn_nsec * 3 / 4);
		__atomic_store_n(&b->stop, 1, __ATOMIC_RELEASE);
		pthread_barrier_wait(&b->barrier);
	}
	b->turn = NULL;
	pthread_barrier_wait(&b->barrier);
}

/* the last processor we may use is the consumer's alone, if there are two: then it may have real-time
 * priority and spin. \return whether it has */
static bool prefer(pthread_t consumer)
{
	const struct sched_param param = { .sched_priority = PRIORITY };
	cpu_set_t all, one;
	int last = -1;

	if (pthread_getaffinity_np(pthread_self(), sizeof(all), &all) != 0 || CPU_COUNT(&all) < 2)
		return false;
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &all))
			last = i;
	CPU_ZERO(&one);
	CPU_SET(last, &one);
	CPU_CLR(last, &all);
	if (pthread_setaffinity_np(consumer, sizeof(one), &one) != 0 ||
	    pthread_setaffinity_np(pthread_self(), sizeof(all), &all) != 0)
		return false;
	return pthread_setschedparam(consumer, SCHED_FIFO, &param) == 0;
}

static int measured_init(struct measured *m, uint32_t max)
{
	if (segue_samples_init(&m->take, max) < 0 ||
	    segue_samples_init(&m->with_read, max) < 0 ||
	    segue_samples_init(&m->collect, max) < 0)
		return -ENOMEM;
	return 0;
}

static void measured_clear(struct measured *m)
{
	segue_samples_clear(&m->take);
	segue_samples_clear(&m->with_read);
	segue_samples_clear(&m->collect);
}

static void bench_clear(struct bench *b)
{
	for (uint32_t i = 0; i < SEGUE_STRATEGIES_N; i++) {
		struct run *r = &b->runs[i];

		if (r->state != NULL)
			r->strategy->free(r->state);
		measured_clear(&r->across);
		measured_clear(&r->alone);
	}
	for (uint32_t i = 0; b->live != NULL && i < b->work->n_live; i++)
		segue_block_free(b->live[i]);
	free(b->live);
}

static int bench_init(struct bench *b, const struct segue_handover_work *work)
{
	uint64_t batch = COLLECT_BYTES / (work->n_frames * sizeof(float));
	struct segue_setup setup = { .n_frames = work->n_frames, .n_live = work->n_live };

	b->work = work;
	b->quantum_nsec = (uint64_t)work->quantum * 1000000000u / work->rate;
	b->cycle_nsec = work->paced ? b->quantum_nsec : UNPACED_NSEC;
	b->n_read = work->quantum < work->n_frames ? work->quantum : work->n_frames;
	b->n_batch = batch > COLLECT_BLOCKS ? COLLECT_BLOCKS : batch < 1 ? 1 : (uint32_t)batch;
	b->random = 88172645463325252u;
	if ((b->live = calloc(work->n_live, sizeof(struct segue_block *))) == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < work->n_live; i++) {
		if ((b->live[i] = segue_block_new(work->n_frames)) == NULL)
			return -ENOMEM;
		for (uint32_t j = 0; j < work->n_frames; j++)
			b->live[i]->data[j] = 0.0f;
	}
	setup.live = b->live;
	setup.n_batch = b->n_batch;
	for (uint32_t i = 0; i < SEGUE_STRATEGIES_N; i++) {
		struct run *r = &b->runs[i];

		r->strategy = segue_strategies[i];
		if ((r->state = r->strategy->new(&setup)) == NULL ||
		    measured_init(&r->across, work->cycles) < 0 ||
		    measured_init(&r->alone, work->cycles) < 0)
			return -ENOMEM;
	}
	return 0;
}

int segue_handover_bench(const struct segue_handover_work *work,
		struct segue_handover_result ret[SEGUE_STRATEGIES_N], bool *realtime)
{
	struct bench b = { 0 };
	cpu_set_t affinity;
	pthread_t consumer;
	int res;

	/* memory that is freed stays with the process: unmapping stops the other threads for a moment, whatever
	 * the strategy */
	mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	mallopt(M_ARENA_MAX, 1);
	if ((res = bench_init(&b, work)) < 0)
		goto done;
	pthread_barrier_init(&b.barrier, NULL, 2);
	pthread_getaffinity_np(pthread_self(), sizeof(affinity), &affinity);
	if ((res = -pthread_create(&consumer, NULL, run_consumer, &b)) < 0)
		goto done;
	*realtime = prefer(consumer);
	play_rounds(&b);
	pthread_join(consumer, NULL);
	pthread_barrier_destroy(&b.barrier);
	pthread_setaffinity_np(pthread_self(), sizeof(affinity), &affinity);

	for (uint32_t i = 0; i < SEGUE_STRATEGIES_N; i++) {
		const struct run *r = &b.runs[i];

		ret[i] = (struct segue_handover_result) {
			.across = segue_samples_summary(&r->across.take, PHASES),
			.across_read = segue_samples_summary(&r->across.with_read, PHASES),
			.across_collect = segue_samples_summary(&r->across.collect, PHASES / b.n_batch),
			.alone = segue_samples_summary(&r->alone.take, PHASES),
			.alone_read = segue_samples_summary(&r->alone.with_read, PHASES),
			.alone_collect = segue_samples_summary(&r->alone.collect, PHASES / b.n_batch),
			.n_torn = r->n_torn,
		};
	}
done:
	bench_clear(&b);
	return res;
}
