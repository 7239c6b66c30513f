/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include <sched.h>
#include <time.h>

#include "delays.h"

static __thread uint64_t state;

static uint64_t next_random(void)
{
	state ^= state << 13;		/* Marsaglia's xorshift64 */
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

void delays_seed(uint64_t seed)
{
	/* 0 would stay 0, and neighbours shall not resemble each other */
	state = (seed + 1) * 0x9e3779b97f4a7c15u;
	state = state != 0 ? state : 1;
	for (int i = 0; i < 8; i++)
		(void)next_random();
}

void delays_step(void)
{
	uint64_t r = next_random();
	struct timespec pause = { 0, (long)(r >> 16) % 50000 };

	if (r % 2048 == 0)
		nanosleep(&pause, NULL);
	else if (r % 64 == 1)
		sched_yield();
	else if (r % 4 == 2)
		for (uint64_t i = r >> 16 & 127; i > 0; i--)
			__asm__ volatile ("");
}

bool delays_fail(void)
{
	return next_random() % 8 == 0;
}
