/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_CTL_DRAWING_H
#define SEGUE_CTL_DRAWING_H

#include "plot.h"
#include "recording.h"

/** \file
 * What show draws of a sound, in a terminal or as a picture: its waveform, and below it its spectrum. */

struct segue_drawing {
	const char *title, *summary;
	const struct segue_recording *recording;
	const struct segue_measures *measures;	/**< of each channel */
	const float *spectrum;			/**< of each frequency the largest of all channels */
};

/** What a place along a plot means. */
struct segue_label {
	double place;		/**< 0 at the left, 1 at the right */
	char text[16];
};
#define SEGUE_DRAWING_LABELS_MAX	10

/** The largest absolute value of all channels; 1 if they are silent. */
double segue_drawing_scale(const struct segue_drawing *drawing);
/** The waveform of n_channels channels together, the first of them channel. */
void segue_drawing_wave(const struct segue_drawing *drawing, uint32_t channel, uint32_t n_channels,
		struct segue_span *spans, uint32_t n);
/** \return how many */
int segue_drawing_times(const struct segue_drawing *drawing, struct segue_label *ret);
int segue_drawing_frequencies(const struct segue_drawing *drawing, struct segue_label *ret);

/** Print it to stdout, as wide and as high as it may be. */
void segue_drawing_print(const struct segue_drawing *drawing, int columns, int rows);
/** Write it as a PNG. \return 0 or a negative errno */
int segue_drawing_write_png(const struct segue_drawing *drawing, const char *path);

#endif /* SEGUE_CTL_DRAWING_H */
