/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "drawing.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include <cairo.h>

#include <spa/utils/defs.h>

#define WIDTH		800	/* of the picture; all in pixels */
#define HEIGHT		440
#define MARGIN		16
#define GUTTER		64	/* left of a plot, for what its heights mean */
#define TITLE_Y		32
#define SUMMARY_Y	52
#define PLOT_WIDTH	(WIDTH - GUTTER - MARGIN)
#define WAVE_Y		76
#define WAVE_HEIGHT	140
#define SPECTRUM_Y	256
#define SPECTRUM_HEIGHT	144
#define STRIPS_MAX	8	/* channels one below the other */
#define LABEL_STEP	64	/* from one label of an axis to the next, at least */
#define DB_STEP		20

struct colour {
	double red, green, blue;
};

static const struct colour ink = { 0.13, 0.19, 0.24 }, faint = { 0.54, 0.59, 0.64 }, pale = { 0.84, 0.86, 0.88 },
	wave = { 0.18, 0.53, 0.67 }, spectrum = { 0.48, 0.37, 0.66 };

static void set_colour(cairo_t *cairo, const struct colour *colour)
{
	cairo_set_source_rgb(cairo, colour->red, colour->green, colour->blue);
}

/* align: 0 begins at x, 0.5 is centred there, 1 ends there; but within the picture */
static void draw_text(cairo_t *cairo, double x, double y, double align, const char *text)
{
	cairo_text_extents_t extents;

	cairo_text_extents(cairo, text, &extents);
	x -= align * extents.x_advance;
	cairo_move_to(cairo, round(SPA_MIN(x, WIDTH - MARGIN - extents.x_advance)), y);
	cairo_show_text(cairo, text);
}

static void draw_line(cairo_t *cairo, double x, double y, double width, double height)
{
	/* between two pixels lines would be two wide, and grey */
	cairo_move_to(cairo, round(x) + 0.5, round(y) + 0.5);
	cairo_rel_line_to(cairo, round(width), round(height));
	cairo_stroke(cairo);
}

static void draw_spans(cairo_t *cairo, const struct segue_span *spans, double y, double height)
{
	for (int x = 0; x < PLOT_WIDTH; x++)
		cairo_rectangle(cairo, GUTTER + x, round(y + (height - 1.0) * (1.0 - spans[x].to)), 1.0,
				1.0 + round((height - 1.0) * (spans[x].to - spans[x].from)));
	cairo_fill(cairo);
}

/* Along a plot's bottom, with a line up through the plot where asked for. */
static void draw_labels(cairo_t *cairo, const struct segue_label *labels, int n, double y, double height)
{
	double free_from = 0.0;

	for (int i = 0; i < n; i++) {
		double x = GUTTER + labels[i].place * (PLOT_WIDTH - 1);

		set_colour(cairo, &pale);
		draw_line(cairo, x, y, 0.0, height);
		if (x < free_from)
			continue;
		set_colour(cairo, &faint);
		draw_text(cairo, x, y + height + 16, 0.5, labels[i].text);
		free_from = x + LABEL_STEP;
	}
}

static void draw_number(cairo_t *cairo, double y, const char *format, double number)
{
	char text[32];

	snprintf(text, sizeof(text), format, number);
	set_colour(cairo, &faint);
	draw_text(cairo, GUTTER - 8, y + 4, 1.0, text);
}

static void draw_waves(cairo_t *cairo, const struct segue_drawing *drawing)
{
	uint32_t n_channels = drawing->recording->n_channels;
	uint32_t n_strips = n_channels <= STRIPS_MAX ? n_channels : 1;
	double height = (double)WAVE_HEIGHT / n_strips, scale = segue_drawing_scale(drawing);
	struct segue_label labels[SEGUE_DRAWING_LABELS_MAX];
	struct segue_span spans[PLOT_WIDTH];

	draw_labels(cairo, labels, segue_drawing_times(drawing, labels), WAVE_Y, WAVE_HEIGHT);
	draw_number(cairo, WAVE_Y, "%.3g", scale);
	draw_number(cairo, WAVE_Y + WAVE_HEIGHT, "%.3g", -scale);
	for (uint32_t i = 0; i < n_strips; i++) {
		set_colour(cairo, &pale);
		draw_line(cairo, GUTTER, WAVE_Y + height * (i + 0.5), PLOT_WIDTH, 0.0);
		if (n_strips > 1)
			draw_number(cairo, WAVE_Y + height * (i + 0.5), "ch %.0f", i + 1);
		set_colour(cairo, &wave);
		segue_drawing_wave(drawing, i, n_strips > 1 ? 1 : n_channels, spans, PLOT_WIDTH);
		draw_spans(cairo, spans, WAVE_Y + height * i, height);
	}
}

static void draw_spectrum(cairo_t *cairo, const struct segue_drawing *drawing)
{
	struct segue_label labels[SEGUE_DRAWING_LABELS_MAX];
	struct segue_span spans[PLOT_WIDTH];

	segue_plot_spectrum(drawing->spectrum, drawing->recording->rate, spans, PLOT_WIDTH);
	set_colour(cairo, &spectrum);
	draw_spans(cairo, spans, SPECTRUM_Y, SPECTRUM_HEIGHT);
	draw_labels(cairo, labels, segue_drawing_frequencies(drawing, labels), SPECTRUM_Y, SPECTRUM_HEIGHT);
	for (int db = 0; db <= SEGUE_PLOT_RANGE_DB; db += DB_STEP) {
		double y = SPECTRUM_Y + SPECTRUM_HEIGHT * db / SEGUE_PLOT_RANGE_DB;

		set_colour(cairo, &pale);
		draw_line(cairo, GUTTER, y, PLOT_WIDTH, 0.0);
		draw_number(cairo, y, "%.0f dB", -db);
	}
}

static void draw(cairo_t *cairo, const struct segue_drawing *drawing)
{
	cairo_set_source_rgb(cairo, 1.0, 1.0, 1.0);
	cairo_paint(cairo);
	cairo_set_line_width(cairo, 1.0);
	set_colour(cairo, &ink);
	cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_BOLD);
	cairo_set_font_size(cairo, 16.0);
	draw_text(cairo, MARGIN, TITLE_Y, 0.0, drawing->title);
	cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
	cairo_set_font_size(cairo, 12.0);
	draw_text(cairo, MARGIN, SUMMARY_Y, 0.0, drawing->summary);
	draw_waves(cairo, drawing);
	draw_spectrum(cairo, drawing);
}

static cairo_status_t write_bytes(void *data, const unsigned char *bytes, unsigned int n)
{
	return fwrite(bytes, 1, n, data) == n ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static int write_png(cairo_surface_t *surface, const char *path)
{
	FILE *file = fopen(path, "wbe");
	cairo_status_t status;
	int res = 0;

	if (file == NULL)
		return -errno;
	if ((status = cairo_surface_write_to_png_stream(surface, write_bytes, file)) != CAIRO_STATUS_SUCCESS)
		res = status == CAIRO_STATUS_WRITE_ERROR ? -errno : -ENOMEM;
	if (fclose(file) != 0 && res == 0)
		res = -errno;
	return res;
}

int segue_drawing_write_png(const struct segue_drawing *drawing, const char *path)
{
	cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, WIDTH, HEIGHT);
	cairo_t *cairo = cairo_create(surface);
	int res = -ENOMEM;

	draw(cairo, drawing);
	if (cairo_status(cairo) == CAIRO_STATUS_SUCCESS)
		res = write_png(surface, path);
	cairo_destroy(cairo);
	cairo_surface_destroy(surface);
	return res;
}
