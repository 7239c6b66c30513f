/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "make-fixture.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <spa/utils/defs.h>

#include "make/fft.h"

/* The generators of samples, and which requests are refused; test-table.c has the tables. */

#define RATE	48000u

static struct segue_sample *make_sample(struct make_fixture *f, const char *wave,
		const struct segue_options *options, uint32_t rate)
{
	struct segue_header header = segue_wave_header(wave, options, rate);
	struct segue_sample *sample;
	struct segue_buffer *buffer;

	f->make.name = wave;
	if ((buffer = segue_wave_make(&f->make, wave, options, rate)) == NULL)
		return NULL;
	sample = SPA_CONTAINER_OF(buffer, struct segue_sample, buffer);
	assert_int_equal(segue_wave_kind(wave), SEGUE_KIND_SAMPLE);
	assert_int_equal(buffer->type, SEGUE_BUFFER_SAMPLE);
	assert_int_equal(sample->n_channels, 1);
	assert_int_equal(sample->n_channels, header.channels);
	assert_int_equal(sample->rate, rate);
	assert_int_equal(sample->rate, header.rate);
	assert_int_equal(sample->n_frames, header.frames);
	assert_int_equal(buffer->bytes, make_fixture_bytes(f));
	return sample;
}

static void assert_loops_whole(const struct segue_sample *sample)
{
	assert_int_equal(sample->loop, SEGUE_LOOP_FORWARD);
	assert_int_equal(sample->loop_start, 0);
	assert_int_equal(sample->loop_end, sample->n_frames);
}

static void what_cannot_be_generated_is_refused_by_name(void **state)
{
	static const struct { const char *wave; double gain; const char *message; } cases[] = {
		{ "wobble", 1.0, "wobble: no such waveform (sine, saw, square, triangle, noise, pink, sweep, "
			"impulse, silence, harmonics:1,0.5,...)" },
		{ "harmonics", 1.0, "harmonics: no such waveform (sine, saw, square, triangle, noise, pink, sweep, "
			"impulse, silence, harmonics:1,0.5,...)" },
		{ "sine", 1.5, "sine: gain: 1.5 is not in 0..1" },
		{ "sine", -0.1, "sine: gain: -0.1 is not in 0..1" },
		{ "noise", NAN, "noise: gain: nan is not in 0..1" },
		{ "harmonics:", 1.0, "harmonics: amplitude 1, '', is not a number from -1e6 to 1e6" },
		{ "harmonics:1,,2", 1.0, "harmonics: amplitude 2, '', is not a number from -1e6 to 1e6" },
		{ "harmonics:1,x", 1.0, "harmonics: amplitude 2, 'x', is not a number from -1e6 to 1e6" },
		{ "harmonics:1,nan", 1.0, "harmonics: amplitude 2, 'nan', is not a number from -1e6 to 1e6" },
		{ "harmonics:inf", 1.0, "harmonics: amplitude 1, 'inf', is not a number from -1e6 to 1e6" },
		{ "harmonics:0,0", 1.0, "harmonics: all amplitudes are zero" },
	};
	struct make_fixture *f = *state;

	for (size_t i = 0; i < SPA_N_ELEMENTS(cases); i++) {
		struct segue_options options = SEGUE_OPTIONS_INIT;
		struct segue_error error = { 0 };

		options.gain = cases[i].gain;
		assert_int_equal(segue_wave_check(cases[i].wave, &options, &error), -EINVAL);
		assert_string_equal(error.message, cases[i].message);
		assert_int_equal(error.res, -EINVAL);
		assert_null(segue_wave_make(&f->make, cases[i].wave, &options, RATE));
		assert_string_equal(f->make.error.message, cases[i].message);
	}
}

static void harmonics_may_be_2048_and_no_more(void **state)
{
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_error error;
	static char list[2 * 2049 + 16] = "harmonics:1";

	for (int i = 1; i < 2048; i++)
		strcat(list, ",1");
	assert_int_equal(segue_wave_check(list, &options, &error), 0);
	assert_int_equal(segue_wave_header(list, &options, RATE).frames, 16384);
	strcat(list, ",1");
	assert_int_equal(segue_wave_check(list, &options, &error), -EINVAL);
	assert_string_equal(error.message, "harmonics: more than 2048 amplitudes");
}

static void headers_tell_what_will_be_made(void **state)
{
	static const struct { const char *wave; double seconds; uint32_t rate; uint64_t frames; bool is_long; } cases[] = {
		{ "sine", 0, 0, 2048, false }, { "saw", 0, 0, 16384, false }, { "noise", 0, RATE, 480000, false },
		{ "pink", 0, RATE, 480000, false }, { "sweep", 0, RATE, 240000, false },
		{ "impulse", 0, RATE, 48000, false }, { "silence", 0, RATE, 48000, false },
		{ "noise", 10.01, RATE, 480480, true }, { "impulse", 0.00001, RATE, 1, false },
	};

	for (size_t i = 0; i < SPA_N_ELEMENTS(cases); i++) {
		struct segue_options options = SEGUE_OPTIONS_INIT;
		struct segue_header header;

		options.seconds = cases[i].seconds;
		header = segue_wave_header(cases[i].wave, &options, RATE);
		assert_int_equal(header.channels, 1);
		assert_int_equal(header.rate, cases[i].rate);
		assert_int_equal(header.frames, cases[i].frames);
		assert_int_equal(header.is_long, cases[i].is_long);
	}
}

static void noise_is_white_even_and_its_seeds_own(void **state)
{
	struct make_fixture *f = *state;
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_sample *a, *b;
	double mean = 0.0, power = 0.0, neighbours = 0.0;
	uint64_t i;

	options.gain = 0.5;
	a = make_sample(f, "noise", &options, RATE);
	assert_loops_whole(a);
	assert_true(segue_buffer_peak(&a->buffer) <= 0.5f);
	assert_true(segue_buffer_peak(&a->buffer) > 0.4999f);
	for (i = 0; i < a->n_frames; i++) {
		mean += a->data[0][i] / a->n_frames;
		power += (double)a->data[0][i] * a->data[0][i] / a->n_frames;
		neighbours += (double)a->data[0][i] * a->data[0][(i + 1) % a->n_frames] / a->n_frames;
	}
	/* uniform: power gain^2 / 3; the others vanish as 1 / sqrt(n) */
	assert_true(fabs(mean) < 0.003);
	assert_true(fabs(power * 12.0 - 1.0) < 0.01);
	assert_true(fabs(neighbours) < 0.001);
	make_fixture_free(f, a);

	options.seconds = 0.1;
	for (int other = 0; other < 2; other++) {
		options.seed = 1;
		a = make_sample(f, "noise", &options, RATE);
		options.seed += other;
		b = SPA_CONTAINER_OF(segue_wave_make(&f->make, "noise", &options, RATE), struct segue_sample, buffer);
		assert_int_equal(memcmp(a->data[0], b->data[0], a->n_frames * sizeof(float)) != 0, other);
		make_fixture_free(f, a);
		make_fixture_free(f, b);
	}
}

/* Mean power per bin of one octave, in dB. */
static double octave_db(const float complex *bins, uint64_t from)
{
	double power = 0.0;

	for (uint64_t k = from; k < 2 * from; k++)
		power += (double)(crealf(bins[k]) * crealf(bins[k]) + cimagf(bins[k]) * cimagf(bins[k]));
	return 10.0 * log10(power / from);
}

static void pink_falls_by_three_decibels_an_octave_and_has_no_seam(void **state)
{
	struct make_fixture *f = *state;
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_sample *sample;
	struct segue_fft *fft;
	float complex *bins;
	double step = 0.0;

	options.gain = 0.7;
	sample = make_sample(f, "pink", &options, RATE);
	assert_loops_whole(sample);
	assert_true(fabsf(segue_buffer_peak(&sample->buffer) - 0.7f) < 1e-6f);

	fft = segue_fft_new(sample->n_frames);
	bins = aligned_alloc(64, (sample->n_frames / 2 + 8) / 8 * 8 * sizeof(*bins) * 2);
	segue_fft_forward(fft, sample->data[0], bins);
	/* octaves from 410 Hz to 13 kHz, where each has thousands of bins */
	for (uint64_t k = 4096; k < 65536; k *= 2)
		assert_true(fabs(octave_db(bins, 2 * k) - octave_db(bins, k) + 10.0 * log10(2.0)) < 0.3);
	assert_true(cabsf(bins[0]) < 1.0f);
	segue_fft_free(fft);
	free(bins);

	/* around the seam it moves as it does everywhere */
	for (uint64_t i = 1; i < sample->n_frames; i++)
		step = fmax(step, fabs(sample->data[0][i] - sample->data[0][i - 1]));
	assert_true(fabs(sample->data[0][0] - sample->data[0][sample->n_frames - 1]) <= step);
	make_fixture_free(f, sample);
}

static void pink_beyond_the_largest_transform_is_too_long(void **state)
{
	struct make_fixture *f = *state;
	struct segue_options options = SEGUE_OPTIONS_INIT;

	options.seconds = 350.0;
	assert_null(make_sample(f, "pink", &options, RATE));
	assert_int_equal(f->make.error.res, -EFBIG);
	assert_string_equal(f->make.error.message, "pink: seconds: at most 349.525 at 48000 Hz");
}

static void a_sweep_passes_each_frequency_when_it_should(void **state)
{
	struct make_fixture *f = *state;
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_sample *sample;

	options.gain = 0.5;
	options.seconds = 4.0;
	options.from = 100.0;
	options.to = 1600.0;	/* an octave a second */
	sample = make_sample(f, "sweep", &options, RATE);
	assert_int_equal(sample->loop, SEGUE_LOOP_NONE);
	assert_true(fabsf(segue_buffer_peak(&sample->buffer) - 0.5f) < 0.001f);
	for (int second = 0; second < 4; second++) {
		/* rising zeros in a tenth of a second: the integral of 100 * 2^t */
		uint64_t at = (second + 0.5) * RATE, i, n = 0;
		double expected = 100.0 * exp2(second + 0.5) * (exp2(0.1) - 1.0) / log(2.0);

		for (i = at; i < at + RATE / 10; i++)
			n += sample->data[0][i] < 0.0f && sample->data[0][i + 1] >= 0.0f;
		assert_true(fabs(n - expected) <= 1.0);
	}
	for (int i = RATE; i < 2 * RATE; i++) {
		double periods = 100.0 / log(2.0) * (exp2((double)i / RATE) - 1.0);

		assert_true(fabs(sample->data[0][i] - 0.5 * sin(2.0 * M_PI * periods)) < 1e-6);
	}
	/* faded over 5 ms */
	assert_true(sample->data[0][0] == 0.0f && sample->data[0][sample->n_frames - 1] == 0.0f);
	for (int i = 0; i < 24; i++)
		assert_true(fabs(sample->data[0][sample->n_frames - 1 - i]) <=
				0.5 * (0.5 - 0.5 * cos(M_PI * i / 240)) + 1e-6);
	make_fixture_free(f, sample);
}

static void a_sweep_stays_below_half_the_rate(void **state)
{
	struct make_fixture *f = *state;
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_sample *sample;

	options.seconds = 0.1;
	sample = make_sample(f, "sweep", &options, 8000);	/* the default goes to 20 kHz */
	assert_non_null(sample);
	make_fixture_free(f, sample);
	options.from = options.to = 1000.0;	/* a tone */
	sample = make_sample(f, "sweep", &options, RATE);
	for (int i = 1000; i < 2000; i++)
		assert_true(fabs(sample->data[0][i] - sin(2.0 * M_PI * 1000.0 * i / RATE)) < 1e-6);
	make_fixture_free(f, sample);
	options.from = options.to = 30000.0;
	assert_null(make_sample(f, "sweep", &options, RATE));
	assert_int_equal(f->make.error.res, -EINVAL);
}

static void an_impulse_is_one_frame_and_silence_none(void **state)
{
	struct make_fixture *f = *state;
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_sample *sample;

	options.gain = 0.25;
	sample = make_sample(f, "impulse", &options, 44100);
	assert_int_equal(sample->loop, SEGUE_LOOP_NONE);
	assert_true(sample->data[0][0] == 0.25f);
	for (uint64_t i = 1; i < sample->n_frames; i++)
		assert_true(sample->data[0][i] == 0.0f);
	make_fixture_free(f, sample);

	sample = make_sample(f, "silence", &options, 44100);
	assert_loops_whole(sample);
	assert_true(segue_buffer_peak(&sample->buffer) == 0.0f);
	make_fixture_free(f, sample);
}

static void every_generator_ends_when_cancelled_or_over_budget(void **state)
{
	static const char *const waves[] = { "sine", "saw", "noise", "pink", "sweep", "impulse", "silence" };
	struct make_fixture *f = *state;
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_job job = { .cancelled = 1 };

	for (size_t w = 0; w < SPA_N_ELEMENTS(waves); w++) {
		struct segue_buffer *buffer = NULL;

		f->make.name = waves[w];
		f->make.job = &job;
		segue_memory_set_max(f->memory, SIZE_MAX / 2);
		buffer = segue_wave_make(&f->make, waves[w], &options, RATE);
		if (buffer == NULL)	/* an impulse is done at once */
			assert_int_equal(f->make.error.res, -ECANCELED);
		make_fixture_free(f, buffer);
		buffer = NULL;
		f->make.job = NULL;
		for (size_t max = 1024; buffer == NULL; max *= 1.5) {
			segue_memory_set_max(f->memory, max);
			buffer = segue_wave_make(&f->make, waves[w], &options, RATE);
			if (buffer == NULL) {
				assert_int_equal(f->make.error.res, -EDQUOT);
				assert_int_equal(strncmp(f->make.error.message, waves[w], strlen(waves[w])), 0);
				assert_int_equal(make_fixture_bytes(f), 0);
			}
		}
		make_fixture_free(f, buffer);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_fixture_setup, make_fixture_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(what_cannot_be_generated_is_refused_by_name),
		TEST(harmonics_may_be_2048_and_no_more),
		TEST(headers_tell_what_will_be_made),
		TEST(noise_is_white_even_and_its_seeds_own),
		TEST(pink_falls_by_three_decibels_an_octave_and_has_no_seam),
		TEST(pink_beyond_the_largest_transform_is_too_long),
		TEST(a_sweep_passes_each_frequency_when_it_should),
		TEST(a_sweep_stays_below_half_the_rate),
		TEST(an_impulse_is_one_frame_and_silence_none),
		TEST(every_generator_ends_when_cancelled_or_over_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
