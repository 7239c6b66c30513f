/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_MAKE_TABLE_H
#define SEGUE_MAKE_TABLE_H

#include <complex.h>
#include <stdint.h>

#include "make.h"

/** \file
 * Wavetables from Fourier series: half an octave of partials less from level to level. */

/** The spectrum of one period: value(phi) = 2 Re sum of bins[k] * exp(2 pi i k phi), k = 1..n_partials. */
struct segue_spectrum {
	uint32_t n_partials;	/**< 0..SEGUE_TABLE_PARTIALS_MAX: beyond it all are zero */
	float complex bins[SEGUE_TABLE_PARTIALS_MAX + 1];	/**< the first, a constant, is left out */
};

/** The highest level's frames of a table of so many partials. */
uint32_t segue_table_frames(uint32_t n_partials);
/** Levels as loud as the spectra say. \return NULL with make->error */
SEGUE_WORKER struct segue_table *segue_table_from_spectra(struct segue_make *make,
		const struct segue_spectrum *spectra, uint32_t n_channels);

#endif /* SEGUE_MAKE_TABLE_H */
