/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_CTL_ACOUSTICS_H
#define SEGUE_CTL_ACOUSTICS_H

#include <stdint.h>

/** \file
 * What can be measured of a recording, or of a room by its response. */

#define SEGUE_SPECTRUM_BINS	32769u	/* from 0 to half the rate, evenly */

/** One channel of a recording, borrowed: frame i is data[i * stride]. */
struct segue_signal {
	const float *data;
	uint64_t n_frames;
	uint32_t stride;
	uint32_t rate;		/**< Hz */
};

struct segue_measures {
	double peak;		/**< largest absolute value, linear */
	double rms;
	double gain;		/**< as a response: what it adds to the frequency it adds most to, linear */
	double gain_frequency;	/**< which one, Hz */
	double t60;		/**< as a response: seconds in which it decays by 60 dB; NAN: it doesn't do so evenly */
};

/** \param spectrum  SEGUE_SPECTRUM_BINS: the square of the gain of each frequency; allocates for the time it takes
 * \return 0 or -ENOMEM */
int segue_acoustics_measure(const struct segue_signal *signal, struct segue_measures *ret, float *spectrum);

#endif /* SEGUE_CTL_ACOUSTICS_H */
