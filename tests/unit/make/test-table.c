/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "make-fixture.h"

#include <errno.h>
#include <math.h>

#include <spa/utils/defs.h>

#include "make/layout.h"

#define RATE	48000u

/* --------------------------------------------------------------- references */

/* Amplitude of the sine-phase partial k of a period, by definition. */
static void correlate(const float *period, uint32_t n, uint32_t k, double *sine, double *cosine)
{
	*sine = *cosine = 0.0;
	for (uint32_t i = 0; i < n; i++) {
		double x = 2.0 * M_PI * (double)((uint64_t)k * i % n) / n;

		*sine += 2.0 / n * period[i] * sin(x);
		*cosine += 2.0 / n * period[i] * cos(x);
	}
}

static double saw(uint32_t k)
{
	return 2.0 / M_PI / k;
}

static double square(uint32_t k)
{
	return k % 2 ? 4.0 / M_PI / k : 0.0;
}

static double triangle(uint32_t k)
{
	return k % 2 ? 8.0 / M_PI / M_PI / k / k * (k % 4 == 1 ? 1 : -1) : 0.0;
}

static double sine_only(uint32_t k)
{
	return k == 1;
}

static double listed(uint32_t k)
{
	static const double a[] = { 0, 1, -0.5, 0, 0.25 };

	return k <= 4 ? a[k] : 0.0;
}

/* ------------------------------------------------------------------- tables */

static struct segue_table *make_table(struct make_fixture *f, const char *wave, double gain)
{
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_buffer *buffer;

	options.gain = gain;
	buffer = segue_wave_make(&f->make, wave, &options, RATE);
	assert_non_null(buffer);
	assert_int_equal(buffer->type, SEGUE_BUFFER_TABLE);
	assert_int_equal(buffer->refs, 1);
	assert_int_equal(buffer->bytes, make_fixture_bytes(f));
	return SPA_CONTAINER_OF(buffer, struct segue_table, buffer);
}

static void assert_layout(const struct segue_table *table, uint32_t n_partials)
{
	assert_in_range(table->n_levels, 1, SEGUE_TABLE_LEVELS_MAX);
	for (uint32_t i = 0; i < table->n_channels * table->n_levels; i++) {
		const struct segue_table_level *level = &table->levels[i];

		if (i % table->n_levels == 0)
			assert_int_equal(level->n_partials, n_partials);
		else	/* half an octave; whole partials make the steps among the lowest wider */
			assert_true(level->n_partials < level[-1].n_partials &&
					level->n_partials >= floor(level[-1].n_partials / 1.4143) - 1);
		assert_true(level->n_frames >= 2048 && level->n_frames >= 8 * level->n_partials);
		assert_int_equal(level->n_frames & (level->n_frames - 1), 0);
		for (uint32_t g = 0; g < SEGUE_GUARD_FRAMES; g++) {
			assert_true(level->data[level->n_frames + g] == level->data[g]);
			assert_true(level->data[-1 - (int)g] == level->data[level->n_frames - 1 - g]);
		}
	}
	assert_int_equal(table->levels[table->n_levels - 1].n_partials, 1);
}

static void waves_are_their_fourier_series_on_every_level(void **state)
{
	static const struct { const char *name; double (*amplitude)(uint32_t k); uint32_t n_partials; } waves[] = {
		{ "sine", sine_only, 1 }, { "saw", saw, 2048 }, { "square", square, 2047 },
		{ "triangle", triangle, 2047 }, { "harmonics:1,-0.5,0,0.25", listed, 4 },
		{ "harmonics:1,-0.5,0,.25,0,0", listed, 4 },
	};
	struct make_fixture *f = *state;

	for (size_t w = 0; w < SPA_N_ELEMENTS(waves); w++) {
		struct segue_table *table = make_table(f, waves[w].name, 0.8);
		double factor, sine, cosine;
		float peak = 0.0f;

		assert_layout(table, waves[w].n_partials);
		correlate(table->levels[0].data, table->levels[0].n_frames, 1, &factor, &cosine);
		for (uint32_t l = 0; l < table->n_levels; l++) {
			const struct segue_table_level *level = &table->levels[l];

			for (uint32_t i = 0; i < level->n_frames; i++)
				peak = fmaxf(peak, fabsf(level->data[i]));
			for (uint32_t k = 0; k <= SPA_MIN(level->n_partials + 3, 12u); k++) {
				double expected = k > 0 && k <= level->n_partials ?
					factor * waves[w].amplitude(k) / waves[w].amplitude(1) : 0.0;

				correlate(level->data, level->n_frames, k, &sine, &cosine);
				assert_true(fabs(sine - expected) < 1e-6);
				assert_true(fabs(cosine) < 1e-6);
			}
			/* at the level's edge */
			correlate(level->data, level->n_frames, level->n_partials, &sine, &cosine);
			assert_true(fabs(sine - factor * waves[w].amplitude(level->n_partials) /
						waves[w].amplitude(1)) < 1e-6);
			correlate(level->data, level->n_frames, level->n_partials + 1, &sine, &cosine);
			assert_true(fabs(sine) < 1e-6);
		}
		assert_true(fabsf(peak - 0.8f) < 1e-6f);
		make_fixture_free(f, table);
	}
}

static void a_sine_is_a_sine(void **state)
{
	struct make_fixture *f = *state;
	struct segue_table *table = make_table(f, "sine", 1.0);

	assert_int_equal(table->n_levels, 1);
	assert_int_equal(table->levels[0].n_frames, 2048);
	for (int i = 0; i < 2048; i++)
		assert_true(fabs(table->levels[0].data[i] - sin(2.0 * M_PI * i / 2048)) < 2e-7);
	make_fixture_free(f, table);
}

static void a_gain_of_zero_is_silence(void **state)
{
	struct make_fixture *f = *state;
	struct segue_table *table = make_table(f, "saw", 0.0);

	assert_true(segue_buffer_peak(&table->buffer) == 0.0f);
	make_fixture_free(f, table);
}

/* A period with the constant 0.25, and partials of any phase up to half its length. */
static double period_value(uint32_t channel, uint32_t i, uint32_t n)
{
	double x = 2.0 * M_PI * i / n;

	return 0.25 + (channel == 0 ? 0.5 * cos(x) + 0.1 * sin(3 * x) : 0.3 * sin(x) - 0.2 * cos(2 * x));
}

static void a_sample_is_one_period_of_a_table_without_its_constant(void **state)
{
	static const uint32_t lengths[] = { 7, 100, 2047, 4096, 10000 };
	struct make_fixture *f = *state;

	for (size_t k = 0; k < SPA_N_ELEMENTS(lengths); k++) {
		uint32_t n = lengths[k];
		struct segue_sample *sample = segue_sample_new(&f->make, 2, n, RATE);
		struct segue_table *table;

		for (uint32_t i = 0; i < n; i++) {
			sample->data[0][i] = period_value(0, i, n);
			sample->data[1][i] = period_value(1, i, n);
		}
		table = segue_table_from_sample(&f->make, sample);
		assert_non_null(table);
		assert_int_equal(table->n_channels, 2);
		assert_layout(table, SPA_MIN(n / 2, 2048u));
		for (uint32_t c = 0; c < 2; c++) {
			const struct segue_table_level *level = &table->levels[c * table->n_levels];

			for (uint32_t i = 0; i < level->n_frames; i++)
				assert_true(fabs(level->data[i] + 0.25 - period_value(c, i, level->n_frames)) < 2e-6);
		}
		make_fixture_free(f, table);
		make_fixture_free(f, sample);
	}
}

static void a_full_spectrum_goes_through_a_table_unharmed(void **state)
{
	struct make_fixture *f = *state;
	struct segue_sample *sample = segue_sample_new(&f->make, 1, 64, RATE);
	struct segue_table *table;
	double mean = 0.0;

	for (int i = 0; i < 64; i++) {
		sample->data[0][i] = (i * 37 % 64) / 64.0f - 0.5f;
		mean += sample->data[0][i] / 64;
	}
	table = segue_table_from_sample(&f->make, sample);
	/* the first level's frames fall on the period's, the highest bin (a cosine) included */
	for (int i = 0; i < 64; i++)
		assert_true(fabs(table->levels[0].data[i * (table->levels[0].n_frames / 64)] -
					(sample->data[0][i] - mean)) < 1e-6);
	make_fixture_free(f, table);
	make_fixture_free(f, sample);
}

static void what_is_no_period_is_refused(void **state)
{
	struct make_fixture *f = *state;
	struct segue_sample *sample = segue_sample_new(&f->make, 1, 1, RATE);

	assert_null(segue_table_from_sample(&f->make, sample));
	assert_int_equal(f->make.error.res, -EBADMSG);
	make_fixture_free(f, sample);
	sample = segue_sample_new(&f->make, 1, (1u << 20) + 1, RATE);
	assert_null(segue_table_from_sample(&f->make, sample));
	assert_int_equal(f->make.error.res, -EFBIG);
	make_fixture_free(f, sample);
}

static void a_table_ends_when_cancelled_and_at_every_size_of_budget(void **state)
{
	struct make_fixture *f = *state;
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_job job = { .cancelled = 1 };
	struct segue_sample *sample = segue_sample_new(&f->make, 2, 1000, RATE);
	size_t bytes = make_fixture_bytes(f), max;
	struct segue_table *table = NULL;

	f->make.job = &job;
	assert_null(segue_wave_make(&f->make, "saw", &options, RATE));
	assert_int_equal(f->make.error.res, -ECANCELED);
	f->make.job = NULL;
	for (max = bytes; table == NULL; max += 4096) {
		segue_memory_set_max(f->memory, max);
		table = segue_table_from_sample(&f->make, sample);
		if (table == NULL) {
			assert_int_equal(f->make.error.res, -EDQUOT);
			assert_int_equal(make_fixture_bytes(f), bytes);
		}
	}
	assert_true(max > bytes + 40960);
	make_fixture_free(f, table);
	make_fixture_free(f, sample);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_fixture_setup, make_fixture_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(waves_are_their_fourier_series_on_every_level),
		TEST(a_sine_is_a_sine),
		TEST(a_gain_of_zero_is_silence),
		TEST(a_sample_is_one_period_of_a_table_without_its_constant),
		TEST(a_full_spectrum_goes_through_a_table_unharmed),
		TEST(what_is_no_period_is_refused),
		TEST(a_table_ends_when_cancelled_and_at_every_size_of_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
