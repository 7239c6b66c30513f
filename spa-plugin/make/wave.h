/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_MAKE_WAVE_H
#define SEGUE_MAKE_WAVE_H

#include <stdint.h>

#include "make.h"
#include "table.h"

/** \file
 * The generators behind segue_wave_make(). */

/** Fourier series of sine phase, each starting at 0 and rising, but the saw, which falls:
 *   sine      sin(x)
 *   saw       from 1 to -1:  2/pi * sum of sin(k x) / k
 *   square    1, then -1:    4/pi * sum of sin(k x) / k, k odd
 *   triangle  8/pi^2 * sum of (-1)^((k-1)/2) sin(k x) / k^2, k odd
 *   harmonics:a1,a2,...      sum of a_k sin(k x)
 * \param wave  one of these
 * \return 0, or -EINVAL with an error */
int segue_series_fill(const char *wave, struct segue_spectrum *ret, struct segue_error *error);

/** Fill a sample of one channel, zeroed, whose rate and length are set; loop mode too.
 *   noise    white, evenly spread over +-gain, by xoshiro256** from a seed spread by splitmix64; loops
 *   pink     the same, its spectrum weighted by 1/sqrt(f), so that its loop has no seam; peak = gain
 *   sweep    sine from `from` to `to` Hz, exponentially (Farina, AES 108, 2000), plays once, ends faded
 *            over 5 ms
 *   impulse  gain in frame 0, then silence, plays once
 *   silence  loops
 * \return 0 or a negative errno with make->error */
int segue_noise_fill(struct segue_make *make, const struct segue_options *options, struct segue_sample *sample);
int segue_pink_fill(struct segue_make *make, const struct segue_options *options, struct segue_sample *sample);
int segue_sweep_fill(struct segue_make *make, const struct segue_options *options, struct segue_sample *sample);
int segue_impulse_fill(struct segue_make *make, const struct segue_options *options,
		struct segue_sample *sample);
int segue_silence_fill(struct segue_make *make, const struct segue_options *options,
		struct segue_sample *sample);

#endif /* SEGUE_MAKE_WAVE_H */
