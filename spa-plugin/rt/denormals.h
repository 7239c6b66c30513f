/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_DENORMALS_H
#define SEGUE_RT_DENORMALS_H

#include <stdint.h>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include <segue/handover.h>

/** \file
 * Denormal numbers are taken and given as zero between the two calls: a reverb that dies away would otherwise
 * cost a hundred times as much as one that sounds. Where we don't know how, nothing changes. */

#if defined(__SSE__)

#define SEGUE_FLUSH_BITS	0x8040u	/* FTZ and DAZ of MXCSR */

static inline SEGUE_DATA_LOOP uint64_t segue_denormals_flush(void)
{
	uint32_t state = _mm_getcsr();

	_mm_setcsr(state | SEGUE_FLUSH_BITS);
	return state;
}

static inline SEGUE_DATA_LOOP void segue_denormals_restore(uint64_t state)
{
	_mm_setcsr((uint32_t)state);
}

#elif defined(__aarch64__)

#define SEGUE_FLUSH_BITS	(1u << 24)	/* FZ of FPCR */

static inline SEGUE_DATA_LOOP uint64_t segue_denormals_flush(void)
{
	uint64_t state;

	__asm__ volatile ("mrs %0, fpcr" : "=r" (state));
	__asm__ volatile ("msr fpcr, %0" : : "r" (state | SEGUE_FLUSH_BITS));
	return state;
}

static inline SEGUE_DATA_LOOP void segue_denormals_restore(uint64_t state)
{
	__asm__ volatile ("msr fpcr, %0" : : "r" (state));
}

#else

static inline SEGUE_DATA_LOOP uint64_t segue_denormals_flush(void)
{
	return 0;
}

static inline SEGUE_DATA_LOOP void segue_denormals_restore(uint64_t state)
{
	(void)state;
}

#endif

#endif /* SEGUE_RT_DENORMALS_H */
