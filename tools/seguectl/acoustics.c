/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "acoustics.h"

#include <complex.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include <fftw3.h>

#include <spa/utils/defs.h>

#define N_FOLDED	(2 * (SEGUE_SPECTRUM_BINS - 1))

#define DECAY_BEGIN_DB	-5.0	/* of what is measured; the direct sound is before it */
#define FIT_MIN		8	/* frames */
#define CURVED_MAX	0.01	/* of what a straight line leaves unexplained; ISO 3382-2, annex B */

/* A straight line through points (t, l), which come one by one. */
struct fit {
	uint64_t n;
	double t, l, tt, tl, ll;	/* sums */
};

static void fit_add(struct fit *fit, double t, double l)
{
	fit->n++;
	fit->t += t;
	fit->l += l;
	fit->tt += t * t;
	fit->tl += t * l;
	fit->ll += l * l;
}

/* its slope; NAN: the points don't lie on a line */
static double fit_slope(const struct fit *fit)
{
	double tt = fit->n * fit->tt - fit->t * fit->t;
	double tl = fit->n * fit->tl - fit->t * fit->l;
	double ll = fit->n * fit->ll - fit->l * fit->l;

	if (fit->n < FIT_MIN || tl * tl < (1.0 - CURVED_MAX) * tt * ll)
		return NAN;
	return tl / tt;
}

static double energy_of(const struct segue_signal *signal)
{
	double energy = 0.0;

	for (uint64_t i = 0; i < signal->n_frames; i++) {
		double x = signal->data[i * signal->stride];

		energy += x * x;
	}
	return energy;
}

/* The energy that is still to come falls as the sound of a room does that was filled with noise: Schroeder, JASA 37,
 * 1965, "New method of measuring reverberation time". Taken as ISO 3382 does, from -5 to -35 dB (T30), or where noise
 * bends that to -25 dB (T20), and extrapolated to 60 dB. */
static double decay_time(const struct segue_signal *signal, double whole)
{
	static const double ends_db[] = { -35.0, -25.0 };
	struct fit fits[SPA_N_ELEMENTS(ends_db)] = { 0 };
	double energy = 0.0, slope = NAN;

	for (uint64_t i = signal->n_frames; i > 0; i--) {
		double x = signal->data[(i - 1) * signal->stride], db;

		energy += x * x;
		db = 10.0 * log10(energy / whole);
		if (db > DECAY_BEGIN_DB)
			break;
		for (size_t k = 0; k < SPA_N_ELEMENTS(fits); k++)
			if (db >= ends_db[k])
				fit_add(&fits[k], (double)(i - 1) / signal->rate, db);
	}
	for (size_t k = 0; k < SPA_N_ELEMENTS(fits) && isnan(slope); k++)
		slope = fit_slope(&fits[k]);
	return -60.0 / slope;
}

static double largest(const struct segue_signal *signal)
{
	float peak = 0.0f;

	for (uint64_t i = 0; i < signal->n_frames; i++)
		peak = fmaxf(peak, fabsf(signal->data[i * signal->stride]));
	return peak;
}

/* Folded to n frames a recording has the spectrum of the whole, at n frequencies. */
static int find_spectrum(const struct segue_signal *signal, float *spectrum)
{
	float *folded = fftwf_alloc_real(N_FOLDED);
	fftwf_complex *bins = fftwf_alloc_complex(SEGUE_SPECTRUM_BINS);
	fftwf_plan plan = NULL;

	if (folded != NULL && bins != NULL)
		plan = fftwf_plan_dft_r2c_1d(N_FOLDED, folded, bins, FFTW_ESTIMATE);
	if (plan != NULL) {
		memset(folded, 0, N_FOLDED * sizeof(*folded));
		for (uint64_t i = 0; i < signal->n_frames; i++)
			folded[i % N_FOLDED] += signal->data[i * signal->stride];
		fftwf_execute(plan);
		for (uint32_t k = 0; k < SEGUE_SPECTRUM_BINS; k++)
			spectrum[k] = crealf(bins[k]) * crealf(bins[k]) + cimagf(bins[k]) * cimagf(bins[k]);
		fftwf_destroy_plan(plan);
	}
	fftwf_free(bins);
	fftwf_free(folded);
	return plan != NULL ? 0 : -ENOMEM;
}

int segue_acoustics_measure(const struct segue_signal *signal, struct segue_measures *ret, float *spectrum)
{
	double energy = energy_of(signal);
	uint32_t loudest = 0;
	int res;

	if ((res = find_spectrum(signal, spectrum)) < 0)
		return res;
	for (uint32_t k = 0; k < SEGUE_SPECTRUM_BINS; k++)
		loudest = spectrum[k] > spectrum[loudest] ? k : loudest;
	*ret = (struct segue_measures) {
		.peak = largest(signal),
		.rms = sqrt(energy / SPA_MAX(signal->n_frames, UINT64_C(1))),
		.gain = sqrt(spectrum[loudest]),
		.gain_frequency = (double)loudest * signal->rate / N_FOLDED,
		.t60 = decay_time(signal, energy),
	};
	return 0;
}
