/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "drawing.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <spa/utils/defs.h>

#include "terminal.h"
#include "units.h"

#define COLUMNS_MAX	512
#define GUTTER		9	/* columns beside a plot, for what its rows mean */
#define STRIP_MIN	3	/* rows, for channels to be drawn one below the other */
#define ROWS_MIN	4	/* of a plot */
#define DOTS_ACROSS	2	/* of a sign of braille */
#define DOTS_DOWN	4

/** Rows of signs with one scale. */
struct strip {
	const struct segue_span *spans;		/**< one for each column of dots */
	int columns, rows;
	const char *top, *middle, *bottom;	/**< what these places mean */
};

/* ---------------------------------------------------- what is drawn */

double segue_drawing_scale(const struct segue_drawing *drawing)
{
	double scale = 0.0;

	for (uint32_t c = 0; c < drawing->recording->n_channels; c++)
		scale = SPA_MAX(scale, drawing->measures[c].peak);
	return scale > 0.0 ? scale : 1.0;
}

void segue_drawing_wave(const struct segue_drawing *drawing, uint32_t channel, uint32_t n_channels,
		struct segue_span *spans, uint32_t n)
{
	const struct segue_recording *recording = drawing->recording;
	double scale = segue_drawing_scale(drawing);

	for (uint32_t x = 0; x < n; x++)
		spans[x] = (struct segue_span) { 1.0f, 0.0f };
	for (uint32_t c = channel; c < channel + n_channels; c++) {
		const struct segue_signal signal = { recording->data + c, recording->n_frames, recording->n_channels,
			recording->rate };

		segue_plot_wave(&signal, scale, spans, n);
	}
}

int segue_drawing_times(const struct segue_drawing *drawing, struct segue_label *ret)
{
	double seconds = (double)drawing->recording->n_frames / drawing->recording->rate;

	for (int i = 0; i <= 2; i++) {
		ret[i].place = i * 0.5;
		segue_format_time(ret[i].text, sizeof(ret[i].text), seconds * ret[i].place);
	}
	return 3;
}

int segue_drawing_frequencies(const struct segue_drawing *drawing, struct segue_label *ret)
{
	static const double frequencies[] = { 20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 10e3, 20e3 };
	int n = 0;

	for (size_t i = 0; i < SPA_N_ELEMENTS(frequencies); i++) {
		ret[n].place = segue_plot_place(frequencies[i], drawing->recording->rate);
		segue_format_frequency(ret[n].text, sizeof(ret[n].text), frequencies[i]);
		n += ret[n].place <= 1.0;
	}
	return n;
}

/* --------------------------------------------------- in a terminal */

/* The dots of one sign, as Unicode numbers them: U+2800 and a bit for each. */
static uint8_t dots_of(const struct strip *strip, int column, int row)
{
	static const uint8_t bits[DOTS_DOWN][DOTS_ACROSS] = { { 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 },
		{ 0x40, 0x80 } };
	int top = strip->rows * DOTS_DOWN - 1;
	uint8_t dots = 0;

	for (int x = 0; x < DOTS_ACROSS; x++) {
		const struct segue_span *span = &strip->spans[column * DOTS_ACROSS + x];

		for (int y = 0; y < DOTS_DOWN; y++) {
			int dot = top - row * DOTS_DOWN - y;	/* from the bottom */

			if (dot >= lroundf(span->from * top) && dot <= lroundf(span->to * top))
				dots |= bits[y][x];
		}
	}
	return dots;
}

static void print_sign(uint8_t dots)
{
	if (dots == 0)
		putchar(' ');
	else if (segue_terminal_has_utf8())
		printf("\xe2%c%c", 0xa0 | dots >> 6, 0x80 | (dots & 0x3f));
	else
		putchar(__builtin_popcount(dots) * 2 >= DOTS_ACROSS * DOTS_DOWN ? '#' : '.');
}

static void print_strip(const struct strip *strip)
{
	for (int row = 0; row < strip->rows; row++) {
		const char *label = row == 0 ? strip->top : row == strip->rows - 1 ? strip->bottom :
			row == strip->rows / 2 ? strip->middle : "";

		printf("%*s ", GUTTER - 1, label);
		for (int column = 0; column < strip->columns; column++)
			print_sign(dots_of(strip, column, row));
		putchar('\n');
	}
}

/* Each below its place, but for those there is no room for. */
static void print_labels(const struct segue_label *labels, int n, int columns)
{
	char axis[COLUMNS_MAX + 1];
	int free_from = 0;

	memset(axis, ' ', columns);
	axis[columns] = '\0';
	for (int i = 0; i < n; i++) {
		int length = strlen(labels[i].text);
		int begin = lround(labels[i].place * columns) - length / 2;

		begin = SPA_CLAMP(begin, 0, columns - length);
		if (begin < free_from)
			continue;
		memcpy(axis + begin, labels[i].text, length);
		free_from = begin + length + 1;
	}
	printf("%*s%s\n", GUTTER, "", axis);
}

/* a channel below the other if there is room, or all in one */
static void print_waves(const struct segue_drawing *drawing, int columns, int rows)
{
	uint32_t n_channels = drawing->recording->n_channels;
	uint32_t n_strips = rows / STRIP_MIN >= (int)n_channels ? n_channels : 1;
	struct segue_span spans[COLUMNS_MAX * DOTS_ACROSS];
	char top[16], middle[32], bottom[16];
	struct strip strip = { spans, columns, rows / n_strips, top, middle, bottom };

	snprintf(top, sizeof(top), "%.3g", segue_drawing_scale(drawing));
	snprintf(bottom, sizeof(bottom), "%.3g", -segue_drawing_scale(drawing));
	for (uint32_t i = 0; i < n_strips; i++) {
		snprintf(middle, sizeof(middle), n_strips > 1 ? "ch %u" : n_channels > 1 ? "all" : "0", i + 1);
		segue_drawing_wave(drawing, i, n_strips > 1 ? 1 : n_channels, spans, columns * DOTS_ACROSS);
		print_strip(&strip);
	}
}

void segue_drawing_print(const struct segue_drawing *drawing, int columns, int rows)
{
	struct segue_span spans[COLUMNS_MAX * DOTS_ACROSS];
	struct segue_label labels[SEGUE_DRAWING_LABELS_MAX];
	struct strip strip = { spans, .top = "0 dB", .middle = "-30 dB", .bottom = "-60 dB" };

	strip.columns = SPA_CLAMP(columns - GUTTER, 16, COLUMNS_MAX);
	strip.rows = SPA_MAX((rows - 2) / 2, ROWS_MIN);		/* and a row of labels below each */
	print_waves(drawing, strip.columns, SPA_MAX(rows - 2 - strip.rows, ROWS_MIN));
	print_labels(labels, segue_drawing_times(drawing, labels), strip.columns);
	segue_plot_spectrum(drawing->spectrum, drawing->recording->rate, spans, strip.columns * DOTS_ACROSS);
	print_strip(&strip);
	print_labels(labels, segue_drawing_frequencies(drawing, labels), strip.columns);
}
