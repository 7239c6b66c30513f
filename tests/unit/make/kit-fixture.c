/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "kit-fixture.h"

#include <stdlib.h>

#include <spa/utils/defs.h>

float ramp_value(float base, uint32_t c, uint64_t i)
{
	return base + (float)i / (1 << 20) + c * 0.25f;
}

void write_ramp(struct make_fixture *f, const char *name, float base, uint32_t n_frames, uint32_t channels,
		uint32_t rate)
{
	float *frames = calloc((size_t)n_frames * channels, sizeof(float));

	assert_non_null(frames);
	for (uint32_t i = 0; i < n_frames * channels; i++)
		frames[i] = ramp_value(base, i % channels, i / channels);
	make_fixture_write_wav(f, name, frames, n_frames, channels, rate, WAV_BYTES(n_frames, channels), NULL, 0);
	free(frames);
}

struct segue_kit *open_kit(struct make_fixture *f, const char *text)
{
	make_fixture_write_text(f, "kit.sfz", text);
	f->make.name = "kit.sfz";
	f->make.error = (struct segue_error) { 0 };
	return segue_kit_open(&f->make, f->path, NULL);
}

struct segue_instrument *make_with_gain(struct make_fixture *f, const char *text, double gain, float *peak)
{
	struct segue_kit *kit = open_kit(f, text);
	struct segue_instrument *instrument;

	if (kit == NULL)
		return NULL;
	/* no file stays open, no memory is held */
	assert_int_equal(make_fixture_bytes(f), 0);
	instrument = segue_instrument_make(&f->make, kit, gain, peak);
	if (instrument != NULL) {
		assert_int_equal(instrument->buffer.type, SEGUE_BUFFER_INSTRUMENT);
		assert_int_equal(instrument->buffer.refs, 1);
		assert_int_equal(instrument->buffer.bytes, make_fixture_bytes(f));
	}
	segue_kit_free(kit);
	return instrument;
}

struct segue_instrument *make_instrument(struct make_fixture *f, const char *text)
{
	float peak;
	struct segue_instrument *instrument = make_with_gain(f, text, 1.0, &peak);

	if (instrument == NULL)
		fail_msg("%s", f->make.error.message);
	return instrument;
}

void assert_refused(struct make_fixture *f, const char *text, int res, const char *message)
{
	float peak = -1.0f;

	assert_null(make_with_gain(f, text, 1.0, &peak));
	assert_string_equal(f->make.error.message, message);
	assert_int_equal(f->make.error.res, res);
	assert_int_equal(make_fixture_bytes(f), 0);
}

void assert_frames(const struct segue_sample *sample, float base, uint32_t n_channels, uint64_t first,
		uint64_t n_frames)
{
	assert_int_equal(sample->n_channels, n_channels);
	assert_int_equal(sample->n_frames, n_frames);
	for (uint32_t c = 0; c < n_channels; c++) {
		assert_int_equal((uintptr_t)sample->data[c] % 64, 0);
		for (uint64_t i = 0; i < n_frames; i++)
			assert_true(sample->data[c][i] == ramp_value(base, c, first + i));
		for (uint32_t i = 0; i < SEGUE_GUARD_FRAMES; i++) {
			assert_true(sample->data[c][-1 - (int)i] == 0.0f);
			assert_true(sample->data[c][n_frames + i] == 0.0f);
		}
	}
}
