/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "plot.h"

#include <math.h>

#include <spa/utils/defs.h>

void segue_plot_wave(const struct segue_signal *signal, double scale, struct segue_span *spans, uint32_t n)
{
	for (uint32_t x = 0; x < n; x++) {
		uint64_t begin = signal->n_frames * x / n, end = signal->n_frames * (x + 1) / n;

		/* a short one shows each frame in several columns */
		for (uint64_t i = begin; i < SPA_MAX(end, begin + 1); i++) {
			float y = 0.5 + 0.5 * signal->data[i * signal->stride] / scale;

			spans[x].from = fminf(spans[x].from, y);
			spans[x].to = fmaxf(spans[x].to, y);
		}
	}
}

static double highest_of(uint32_t rate)
{
	return SPA_MIN(SEGUE_PLOT_HIGHEST, rate / 2.0);
}

double segue_plot_place(double hz, uint32_t rate)
{
	return log(hz / SEGUE_PLOT_LOWEST) / log(highest_of(rate) / SEGUE_PLOT_LOWEST);
}

static double frequency_at(double place, uint32_t rate)
{
	return SEGUE_PLOT_LOWEST * pow(highest_of(rate) / SEGUE_PLOT_LOWEST, place);
}

/* of the bins from one frequency to the next, of the nearest where there is none between them */
static double mean_between(const float *spectrum, uint32_t rate, double from, double to)
{
	double bins_per_hz = 2.0 * (SEGUE_SPECTRUM_BINS - 1) / rate, sum = 0.0;
	uint32_t begin = SPA_MIN((uint32_t)lround(from * bins_per_hz), SEGUE_SPECTRUM_BINS - 1);
	uint32_t end = SPA_CLAMP((uint32_t)lround(to * bins_per_hz), begin + 1, SEGUE_SPECTRUM_BINS);

	for (uint32_t k = begin; k < end; k++)
		sum += spectrum[k];
	return sum / (end - begin);
}

void segue_plot_spectrum(const float *spectrum, uint32_t rate, struct segue_span *spans, uint32_t n)
{
	float highest = 0.0f;

	for (uint32_t x = 0; x < n; x++) {
		spans[x].to = mean_between(spectrum, rate, frequency_at((double)x / n, rate),
				frequency_at((x + 1.0) / n, rate));
		highest = fmaxf(highest, spans[x].to);
	}
	for (uint32_t x = 0; x < n; x++) {
		double height = 1.0 + 10.0 * log10(spans[x].to / highest) / SEGUE_PLOT_RANGE_DB;

		/* of silence it isn't a number */
		spans[x] = (struct segue_span) { 0.0f, height > 0.0 ? height : 0.0 };
	}
}
