/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "meter.h"

#include <string.h>

#include <spa/utils/defs.h>

/* The bits of magnitudes are ordered as they are, and whole numbers are compared many at a time. */
SEGUE_DATA_LOOP static inline __attribute__((always_inline)) void watch(struct segue_meter *meter, uint32_t channel,
		const float values[], uint32_t n_frames)
{
	const union { float value; int32_t bits; } full_scale = { 1.0f };
	union { float value; int32_t bits; } largest = { 0.0f };
	int32_t bits, n_clipped = 0;

	for (uint32_t i = 0; i < n_frames; i++) {
		memcpy(&bits, &values[i], sizeof(bits));
		bits &= INT32_MAX;
		largest.bits = SPA_MAX(largest.bits, bits);
		n_clipped += bits > full_scale.bits;
	}
	if (largest.value > meter->peak[channel])
		meter->peak[channel] = largest.value;
	meter->n_clipped += (uint32_t)n_clipped;
}

SEGUE_DATA_LOOP static void watch_portable(struct segue_meter *meter, uint32_t channel, const float values[],
		uint32_t n_frames)
{
	watch(meter, channel, values, n_frames);
}

#if defined(__x86_64__) || defined(__i386__)

SEGUE_DATA_LOOP __attribute__((target("avx2"))) static void watch_avx2(struct segue_meter *meter, uint32_t channel,
		const float values[], uint32_t n_frames)
{
	watch(meter, channel, values, n_frames);
}

void segue_meter_init(struct segue_meter *meter)
{
	meter->watch = __builtin_cpu_supports("avx2") ? watch_avx2 : watch_portable;
}

#else

void segue_meter_init(struct segue_meter *meter)
{
	meter->watch = watch_portable;
}

#endif

void segue_meter_report(struct segue_meter *meter, uint32_t n_channels, struct segue_statistics *statistics)
{
	for (uint32_t c = 0; c < n_channels; c++) {
		segue_statistics_add_peak(statistics, c, meter->peak[c]);
		meter->peak[c] = 0.0f;
	}
	if (meter->n_clipped > 0)
		segue_statistics_add_clipped(statistics, meter->n_clipped);
	meter->n_clipped = 0;
}

SEGUE_DATA_LOOP static bool is_silent(const float values[], uint32_t n_frames)
{
	for (uint32_t i = 0; i < n_frames; i++)
		if (values[i] != 0.0f)
			return false;
	return true;
}

SEGUE_DATA_LOOP void segue_meter_watch_silence(const float *const in[], uint32_t n_in, uint32_t n_frames,
		struct segue_statistics *statistics)
{
	uint64_t n_silent = __atomic_load_n(&statistics->n_silent, __ATOMIC_RELAXED) + n_frames;

	for (uint32_t c = 0; c < n_in && n_silent > 0; c++)
		if (in[c] != NULL && !is_silent(in[c], n_frames))
			n_silent = 0;
	__atomic_store_n(&statistics->n_silent, n_silent, __ATOMIC_RELAXED);
}
