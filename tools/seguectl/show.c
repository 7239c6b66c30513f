/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "commands.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <spa/utils/string.h>

#include "bus.h"
#include "drawing.h"
#include "json.h"
#include "sound.h"
#include "table.h"
#include "terminal.h"

#define TITLE_ROWS	2	/* what it is, and the table's heading */
#define PERIOD_HZ	440

static const struct segue_column columns[] = {
	{ "CHANNEL", "Channel", SEGUE_FORMAT_TEXT },
	{ "PEAK", "Peak", SEGUE_FORMAT_GAIN },
	{ "RMS", "Rms", SEGUE_FORMAT_GAIN },
	{ "PEAK GAIN", "PeakGain", SEGUE_FORMAT_GAIN },
	{ "AT", "PeakGainFrequency", SEGUE_FORMAT_FREQUENCY },
	{ "T60", "T60", SEGUE_FORMAT_TIME },
	{ 0 },
};

/** A sound with all that is told of it. */
struct shown {
	struct segue_ctl *ctl;
	char *name;
	bool is_period;				/* of a table, shown as it sounds at PERIOD_HZ */
	struct segue_recording recording;
	struct segue_measures *measures;	/* of each channel */
	float *spectrum;			/* of all */
};

static void clear(struct shown *shown)
{
	free(shown->name);
	free(shown->measures);
	free(shown->spectrum);
	segue_recording_clear(&shown->recording);
}

/* one of its channels after the other; 0 or -ENOMEM */
static int measure_channels(struct shown *shown, float *spectrum)
{
	struct segue_recording *recording = &shown->recording;
	int res = 0;

	for (uint32_t c = 0; c < recording->n_channels && res == 0; c++) {
		const struct segue_signal signal = { recording->data + c, recording->n_frames, recording->n_channels,
			recording->rate };

		res = segue_acoustics_measure(&signal, &shown->measures[c], spectrum);
		for (uint32_t k = 0; k < SEGUE_SPECTRUM_BINS && res == 0; k++)
			shown->spectrum[k] = fmaxf(shown->spectrum[k], spectrum[k]);
	}
	return res;
}

static enum segue_exit measure(struct shown *shown)
{
	float *spectrum = calloc(SEGUE_SPECTRUM_BINS, sizeof(*spectrum));
	enum segue_exit status = SEGUE_EXIT_OK;

	shown->spectrum = calloc(SEGUE_SPECTRUM_BINS, sizeof(*spectrum));
	shown->measures = calloc(shown->recording.n_channels, sizeof(*shown->measures));
	if (spectrum == NULL || shown->spectrum == NULL || shown->measures == NULL ||
	    measure_channels(shown, spectrum) < 0)
		status = segue_fail_memory(shown->ctl);
	free(spectrum);
	return status;
}

/* ------------------------------------------------------------ in words */

static json_object *new_number(double number)
{
	return isfinite(number) ? json_object_new_double(number) : NULL;
}

static json_object *measures_object(const struct segue_measures *measures, uint32_t channel)
{
	json_object *object = json_object_new_object();

	json_object_object_add(object, "Channel", json_object_new_int(channel + 1));
	json_object_object_add(object, "Peak", new_number(measures->peak));
	json_object_object_add(object, "Rms", new_number(measures->rms));
	json_object_object_add(object, "PeakGain", new_number(measures->gain));
	json_object_object_add(object, "PeakGainFrequency", new_number(measures->gain_frequency));
	json_object_object_add(object, "T60", new_number(measures->t60));
	return object;
}

static json_object *channels_array(const struct shown *shown)
{
	json_object *channels = json_object_new_array();

	for (uint32_t c = 0; c < shown->recording.n_channels; c++)
		json_object_array_add(channels, measures_object(&shown->measures[c], c));
	return channels;
}

static void print_object(const struct shown *shown, const char *title)
{
	json_object *object = json_object_new_object();

	json_object_object_add(object, "Name", json_object_new_string(title));
	json_object_object_add(object, "Frames", json_object_new_uint64(shown->recording.n_frames));
	json_object_object_add(object, "Rate", json_object_new_int64(shown->recording.rate));
	json_object_object_add(object, "Channels", channels_array(shown));
	segue_json_print(object);
}

/* "500 ms, 2 channels, 48000 Hz", "a period of 441 frames, 1 channel, as at 440 Hz" */
static char *format_size(char *buf, size_t size, const struct shown *shown)
{
	const struct segue_recording *recording = &shown->recording;
	const char *plural = recording->n_channels > 1 ? "s" : "";
	char length[32];

	segue_format_time(length, sizeof(length), (double)recording->n_frames / recording->rate);
	if (shown->is_period)
		snprintf(buf, size, "a period of %" PRIu64 " frames, %u channel%s, as at %d Hz", recording->n_frames,
				recording->n_channels, plural, PERIOD_HZ);
	else
		snprintf(buf, size, "%s, %u channel%s, %u Hz", length, recording->n_channels, plural,
				recording->rate);
	return buf;
}

/* Of all channels the most: "500 ms, 1 channel, 48000 Hz; peak -6.0 dB; as a response: peak gain 3.1 dB at 63 Hz, T60
 * 1.2 s" */
static void format_summary(char *buf, size_t size, const struct shown *shown)
{
	struct segue_measures most = { .t60 = NAN };
	char length[96], peak[16], gain[16], at[16], t60[16];

	for (uint32_t c = 0; c < shown->recording.n_channels; c++) {
		const struct segue_measures *measures = &shown->measures[c];

		most.peak = fmax(most.peak, measures->peak);
		most.t60 = fmax(most.t60, measures->t60);
		if (measures->gain >= most.gain) {
			most.gain = measures->gain;
			most.gain_frequency = measures->gain_frequency;
		}
	}
	snprintf(buf, size, "%s; peak %s; as a response: peak gain %s at %s, T60 %s",
			format_size(length, sizeof(length), shown),
			segue_format_gain(peak, sizeof(peak), most.peak),
			segue_format_gain(gain, sizeof(gain), most.gain),
			segue_format_frequency(at, sizeof(at), most.gain_frequency),
			isnan(most.t60) ? "unknown" : segue_format_time(t60, sizeof(t60), most.t60));
}

static enum segue_exit print_words(const struct shown *shown, const char *title)
{
	json_object *channels = channels_array(shown);
	enum segue_exit status;
	char size[96];

	printf("%s: %s\n", title, format_size(size, sizeof(size), shown));
	status = segue_table_print(shown->ctl, columns, channels);
	json_object_put(channels);
	return status;
}

/* --------------------------------------------------------- in pictures */

static enum segue_exit write_picture(const struct segue_drawing *drawing, struct segue_ctl *ctl, const char *path)
{
	int res = segue_drawing_write_png(drawing, path);

	return res < 0 ? segue_sound_fail(ctl, NULL, path, res) : SEGUE_EXIT_OK;
}

static void print_picture(const struct segue_drawing *drawing)
{
	int n_columns, n_rows;

	segue_terminal_size(&n_columns, &n_rows);
	/* with the shell's prompt below */
	segue_drawing_print(drawing, n_columns, n_rows - TITLE_ROWS - (int)drawing->recording->n_channels - 1);
}

static enum segue_exit print(struct shown *shown)
{
	const char *path = shown->ctl->texts[SEGUE_OPTION_PNG];
	enum segue_exit status = measure(shown);
	char title[256], summary[256];
	const struct segue_drawing drawing = { title, summary, &shown->recording, shown->measures, shown->spectrum };

	if (status != SEGUE_EXIT_OK)
		return status;
	segue_terminal_clean(title, sizeof(title), shown->name);
	format_summary(summary, sizeof(summary), shown);
	if (path != NULL && (status = write_picture(&drawing, shown->ctl, path)) != SEGUE_EXIT_OK)
		return status;
	if (shown->ctl->json)
		print_object(shown, title);
	else if ((status = print_words(shown, title)) == SEGUE_EXIT_OK && path == NULL)
		print_picture(&drawing);
	return status;
}

static enum segue_exit show_file(struct shown *shown)
{
	struct segue_ctl *ctl = shown->ctl;
	enum segue_exit status;

	if ((shown->name = segue_sound_name(ctl->args, 1)) == NULL)
		return segue_fail_memory(ctl);
	if ((status = segue_recording_read(ctl, ctl->args[0], &shown->recording)) != SEGUE_EXIT_OK)
		return status;
	return print(shown);
}

/* ---------------------------------------------------------- of the bus */

/* The service writes it into a file in memory. */
static enum segue_exit read_samples(struct shown *shown, const char *path)
{
	struct segue_ctl *ctl = shown->ctl;
	enum segue_exit status;
	const char *why;
	int fd;

	if ((fd = memfd_create("samples", MFD_CLOEXEC)) < 0)
		return segue_fail_memory(ctl);
	if ((status = segue_bus_call(ctl, NULL, NULL, path, SEGUE_BUS_BUFFER, "Write", "h", fd)) == SEGUE_EXIT_OK &&
	    (why = segue_recording_read_fd(fd, &shown->recording)) != NULL)
		status = segue_fail(ctl, SEGUE_EXIT_FAILED, SD_BUS_ERROR_FAILED, "%s: %s", shown->name, why);
	close(fd);
	return status;
}

static enum segue_exit print_buffer(struct shown *shown, json_object *buffer, const char *path)
{
	const char *kind = segue_json_text(buffer, "Kind");
	enum segue_exit status;

	if (spa_streq(kind, "instrument"))
		return segue_fail(shown->ctl, SEGUE_EXIT_FAILED, SD_BUS_ERROR_INVALID_ARGS,
				"%s: an instrument is many sounds: show one of its samples",
				segue_json_text(buffer, "Label"));
	if (asprintf(&shown->name, "%s (buffer %s, %s, %s)", segue_json_text(buffer, "Label"),
				path + strlen(SEGUE_BUS_BUFFERS "/"), kind, segue_json_text(buffer, "State")) < 0) {
		shown->name = NULL;
		return segue_fail_memory(shown->ctl);
	}
	if ((status = read_samples(shown, path)) != SEGUE_EXIT_OK)
		return status;
	if ((shown->is_period = spa_streq(kind, "table")))
		shown->recording.rate = PERIOD_HZ * shown->recording.n_frames;
	return print(shown);
}

static enum segue_exit show_buffer(struct shown *shown, const char *path)
{
	struct segue_ctl *ctl = shown->ctl;
	json_object *buffers, *buffer = NULL;
	enum segue_exit status;

	if ((status = segue_bus_open(ctl)) != SEGUE_EXIT_OK ||
	    (status = segue_json_objects(ctl, SEGUE_BUS_BUFFERS, &buffers)) != SEGUE_EXIT_OK)
		return status;
	for (size_t i = 0; i < json_object_array_length(buffers); i++)
		if (spa_streq(segue_json_text(json_object_array_get_idx(buffers, i), "Object"), path))
			buffer = json_object_array_get_idx(buffers, i);
	if (buffer != NULL)
		status = print_buffer(shown, buffer, path);
	else
		status = segue_fail(ctl, SEGUE_EXIT_FAILED, SD_BUS_ERROR_UNKNOWN_OBJECT,
				"No buffer %s. See seguectl buffers; a file of that name is ./%s", ctl->args[0],
				ctl->args[0]);
	json_object_put(buffers);
	return status;
}

enum segue_exit segue_command_show(struct segue_ctl *ctl)
{
	struct shown shown = { .ctl = ctl };
	char *path = segue_bus_buffer_path(ctl->args[0]);
	enum segue_exit status = path != NULL ? show_buffer(&shown, path) : show_file(&shown);

	clear(&shown);
	free(path);
	return status;
}
