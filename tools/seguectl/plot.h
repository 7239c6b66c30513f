/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_CTL_PLOT_H
#define SEGUE_CTL_PLOT_H

#include "acoustics.h"

/** \file
 * Pictures of sounds, as columns of which a part is filled: for terminals and files. */

#define SEGUE_PLOT_LOWEST	20.0	/* Hz, of a spectrum's left end */
#define SEGUE_PLOT_HIGHEST	20000.0	/* at its right, or half the rate if that is less */
#define SEGUE_PLOT_RANGE_DB	60.0	/* below its highest place */

/** What of a column is filled, from 0 at the bottom to 1 at the top. */
struct segue_span {
	float from, to;
};

/** Widen spans by what a waveform covers, with scale at the top and -scale at the bottom. */
void segue_plot_wave(const struct segue_signal *signal, double scale, struct segue_span *spans, uint32_t n);

/** Where a frequency is, from 0 at the left to 1 at the right: octaves are equally wide. */
double segue_plot_place(double hz, uint32_t rate);

/** A spectrum as of segue_acoustics_measure(): the mean of what falls on a column, in dB below the highest. */
void segue_plot_spectrum(const float *spectrum, uint32_t rate, struct segue_span *spans, uint32_t n);

#endif /* SEGUE_CTL_PLOT_H */
