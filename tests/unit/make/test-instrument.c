/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "make/instrument.h"

#include "kit-fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <spa/utils/defs.h>

#include "make/layout.h"

/* A sampler chunk: root key 57, a loop from 10 to 29. */
static void write_looped(struct make_fixture *f, const char *name, uint32_t n_frames)
{
	const uint32_t chunk[] = { 0x6c706d73, 60, 0, 0, 0, 57, 0, 0, 0, 1, 0, 0, 0, 10, 29, 0, 0 };
	float frames[1000];

	for (uint32_t i = 0; i < n_frames; i++)
		frames[i] = ramp_value(0.0f, 0, i);
	make_fixture_write_wav(f, name, frames, n_frames, 1, RATE, WAV_BYTES(n_frames, 1), chunk, sizeof(chunk));
}

static void regions_play_their_files_at_their_own_rates(void **state)
{
	struct make_fixture *f = *state;
	struct segue_instrument *instrument;
	const struct segue_region *r;

	write_ramp(f, "a.wav", 0.125f, 1000, 1, RATE);
	write_ramp(f, "b c.wav", -0.5f, 3, 2, 96000);
	instrument = make_instrument(f, "<global> ampeg_attack=0.5\n"
			"<region> key=36 sample=a.wav volume=-6.0206 tune=50 group=1\n"
			"<region> sample=b c.wav key=38 pan=100 off_by=1 loop_mode=one_shot\n");
	assert_int_equal(instrument->n_regions, 2);
	r = instrument->regions;
	assert_frames(r[0].sample, 0.125f, 1, 0, 1000);
	assert_int_equal(r[0].sample->rate, RATE);
	assert_int_equal(r[0].sample->loop, SEGUE_LOOP_NONE);
	assert_int_equal(r[0].key_low, 36);
	assert_true(r[0].root == 35.5);
	assert_true(fabsf(r[0].gain - 0.5f) < 1e-6f);
	assert_int_equal(r[0].group, 1);
	assert_true(r[0].envelope.attack == 0.5f && r[0].envelope.release < 0.0f);
	assert_false(r[0].one_shot);
	assert_frames(r[1].sample, -0.5f, 2, 0, 3);
	assert_int_equal(r[1].sample->rate, 96000);
	assert_true(r[1].root == 38.0 && r[1].pan == 1.0f && r[1].one_shot && r[1].off_by == 1);
	make_fixture_free(f, instrument);
}

static void what_sizes_there_are_does_not_matter(void **state)
{
	static const uint32_t sizes[] = { 1, 2, 3, 11, 12, 13, 15, 16, 17, 64, 16383, 16384, 16385, 70000 };
	struct make_fixture *f = *state;
	struct segue_instrument *instrument;
	char text[4096], *p = text;

	for (uint32_t i = 0; i < SPA_N_ELEMENTS(sizes); i++) {
		char name[16];

		snprintf(name, sizeof(name), "%u.wav", i);
		write_ramp(f, name, i / 16.0f, sizes[i], 1 + i % 3, 1000 * (i + 1));
		p += sprintf(p, "<region> sample=%s\n", name);
		/* one by one, and ever more of them */
		instrument = make_instrument(f, text);
		for (uint32_t k = 0; k <= i; k++) {
			assert_frames(instrument->regions[k].sample, k / 16.0f, 1 + k % 3, 0, sizes[k]);
			assert_int_equal(instrument->regions[k].sample->rate, 1000 * (k + 1));
		}
		make_fixture_free(f, instrument);
	}
}

static void a_file_is_kept_once_and_only_what_is_played_of_it(void **state)
{
	struct make_fixture *f = *state;
	struct segue_instrument *instrument;
	const struct segue_region *r;
	size_t whole;

	write_ramp(f, "a.wav", 0.0f, 200000, 1, RATE);
	instrument = make_instrument(f, "<region> sample=a.wav\n"
			"<region> sample=./a.wav loop_mode=loop_continuous key=3");
	r = instrument->regions;
	assert_ptr_equal(r[0].sample->data[0], r[1].sample->data[0]);
	assert_ptr_not_equal(r[0].sample, r[1].sample);
	assert_int_equal(r[1].sample->loop, SEGUE_LOOP_FORWARD);
	whole = instrument->buffer.bytes;
	assert_in_range(whole, 200000 * sizeof(float), 200000 * sizeof(float) + 12288);
	make_fixture_free(f, instrument);
	instrument = make_instrument(f, "<region> sample=a.wav end=99 <region> sample=a.wav offset=100 end=149\n"
			"<region> sample=a.wav offset=199999 <region> sample=a.wav offset=100 end=149 pan=3\n"
			"<region> sample=a.wav offset=199990 end=1000000 <region> sample=a.wav end=0");
	r = instrument->regions;
	assert_frames(r[0].sample, 0.0f, 1, 0, 100);
	assert_frames(r[1].sample, 0.0f, 1, 100, 50);
	assert_frames(r[2].sample, 0.0f, 1, 199999, 1);
	assert_ptr_equal(r[3].sample->data[0], r[1].sample->data[0]);
	assert_frames(r[4].sample, 0.0f, 1, 199990, 10);
	assert_frames(r[5].sample, 0.0f, 1, 0, 1);
	assert_true(instrument->buffer.bytes < 16384);
	make_fixture_free(f, instrument);
}

static void loops_are_the_texts_else_the_files(void **state)
{
	static const struct { const char *opcodes; uint64_t start, end; } cases[] = {
		{ "sample=plain.wav", 0, 0 },
		{ "sample=looped.wav", 10, 30 },
		{ "sample=looped.wav loop_mode=no_loop", 0, 0 },
		{ "sample=looped.wav loop_mode=one_shot", 0, 0 },
		{ "sample=looped.wav loop_mode=loop_sustain", 10, 30 },
		{ "sample=looped.wav loop_start=5", 5, 30 },
		{ "sample=looped.wav loop_end=39", 10, 40 },
		{ "sample=looped.wav loop_end=1000", 10, 100 },
		{ "sample=plain.wav loop_start=5 loop_end=9", 0, 0 },
		{ "sample=plain.wav loop_mode=loop_continuous", 0, 100 },
		{ "sample=plain.wav loop_mode=loop_continuous end=49", 0, 50 },
		{ "sample=plain.wav loop_mode=loop_continuous loop_start=99", 99, 100 },
		{ "sample=plain.wav loop_mode=loop_continuous loop_start=20 loop_end=20", 20, 21 },
		{ "sample=plain.wav loop_mode=loop_continuous loop_start=30 loop_end=49 offset=10", 20, 40 },
		{ "sample=plain.wav loop_mode=loop_continuous offset=10", 0, 90 },
		{ "sample=looped.wav offset=10", 0, 20 },
		/* cut into */
		{ "sample=looped.wav offset=11", 0, 0 },
		{ "sample=looped.wav end=9", 0, 0 },
		{ "sample=looped.wav end=19", 10, 20 },
	};
	struct make_fixture *f = *state;

	write_looped(f, "looped.wav", 100);
	write_ramp(f, "plain.wav", 0.0f, 100, 1, RATE);
	for (size_t i = 0; i < SPA_N_ELEMENTS(cases); i++) {
		struct segue_instrument *instrument;
		const struct segue_sample *sample;
		char text[256];

		snprintf(text, sizeof(text), "<region> %s", cases[i].opcodes);
		instrument = make_instrument(f, text);
		sample = instrument->regions[0].sample;
		if (sample->loop != (cases[i].end > 0 ? SEGUE_LOOP_FORWARD : SEGUE_LOOP_NONE) ||
		    sample->loop_start != cases[i].start || sample->loop_end != cases[i].end)
			fail_msg("%s: %d %d..%d", text, sample->loop, (int)sample->loop_start, (int)sample->loop_end);
		make_fixture_free(f, instrument);
	}
	assert_refused(f, "<region> sample=plain.wav loop_mode=loop_continuous offset=10 loop_start=9", -EBADMSG,
			"kit.sfz: plain.wav: loop_start: is before the offset at 10");
	assert_refused(f, "<region> sample=plain.wav loop_mode=loop_continuous loop_start=9 loop_end=8", -EBADMSG,
			"kit.sfz: plain.wav: loop_start: isn't before the loop's end at 9");
	assert_refused(f, "<region> sample=plain.wav loop_mode=loop_continuous loop_start=100", -EBADMSG,
			"kit.sfz: plain.wav: loop_start: isn't before the loop's end at 100");
	assert_refused(f, "<region> sample=plain.wav offset=100", -EBADMSG,
			"kit.sfz: plain.wav: offset: 100 is beyond its end at 100");
	assert_refused(f, "<region> sample=plain.wav offset=10 end=9", -EBADMSG,
			"kit.sfz: plain.wav: offset: 10 is beyond its end at 10");
}

static double semitones(const struct segue_region *r, uint32_t key)
{
	return (key - r->root) * r->key_tracking + 12.0 * log2((double)r->sample->rate / RATE);
}

static void pitches_are_the_formats(void **state)
{
	static const struct { const char *opcodes; uint32_t key; double semitones; } cases[] = {
		{ "", 60, 0 },
		{ "key=40", 40, 0 },
		{ "pitch_keycenter=72", 60, -12 },
		{ "pitch_keycenter=sample", 60, 3 },	/* 57 in the file */
		{ "pitch_keycenter=sample tune=-50", 57, -0.5 },
		{ "transpose=7 tune=33", 60, 7.33 },
		{ "pitch_keytrack=50", 64, 2 },
		{ "pitch_keytrack=-100 tune=100", 62, -1 },
		{ "pitch_keytrack=0", 100, 0 },
		{ "pitch_keytrack=0 tune=1", 1, 0.01 },
		{ "pitch_keytrack=0 transpose=-12 tune=-25", 60, -12.25 },
		{ "pitch_keytrack=0 transpose=24", 60, 24 },
		{ "pitch_keytrack=0.001 transpose=1", 60, 1 },
	};
	struct make_fixture *f = *state;

	write_looped(f, "a.wav", 100);
	for (size_t i = 0; i < SPA_N_ELEMENTS(cases); i++) {
		struct segue_instrument *instrument;
		char text[256];

		snprintf(text, sizeof(text), "<region> sample=a.wav %s", cases[i].opcodes);
		instrument = make_instrument(f, text);
		/* a tenth of a cent; floats multiply it where keys hardly count */
		assert_true(fabs(semitones(instrument->regions, cases[i].key) - cases[i].semitones) < 0.001);
		make_fixture_free(f, instrument);
	}
}

static void the_peak_is_what_the_loudest_region_plays(void **state)
{
	struct make_fixture *f = *state;
	struct segue_instrument *instrument;
	float peak;

	write_ramp(f, "a.wav", -0.5f, 2, 1, RATE);
	write_ramp(f, "b.wav", 0.25f, 2, 2, RATE);
	instrument = make_with_gain(f, "<region> sample=a.wav <region> sample=b.wav volume=6.0206", 1.0, &peak);
	assert_true(fabsf(peak - 2 * ramp_value(0.25f, 1, 1)) < 1e-5f);
	make_fixture_free(f, instrument);
	instrument = make_with_gain(f, "<region> sample=a.wav <region> sample=b.wav", -0.5, &peak);
	assert_true(peak == 0.5f * ramp_value(0.25f, 1, 1));
	assert_true(instrument->regions[0].gain == -0.5f && instrument->regions[1].gain == -0.5f);
	make_fixture_free(f, instrument);
}

static void only_some_options_make_sense(void **state)
{
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_error error;

	options.gain = 3.0;
	options.keep = true;
	assert_int_equal(segue_instrument_check_options(&options, &error), 0);
	options.normalize = SEGUE_NORMALIZE_PEAK;
	assert_int_equal(segue_instrument_check_options(&options, &error), -EINVAL);
	assert_string_equal(error.message, "normalize: an instrument's regions have their own");
	options = SEGUE_OPTIONS_INIT;
	options.delay = 1.0;
	assert_int_equal(segue_instrument_check_options(&options, &error), -EINVAL);
	options = SEGUE_OPTIONS_INIT;
	options.root_key = 0;
	assert_int_equal(segue_instrument_check_options(&options, &error), -EINVAL);
}

static void progress_only_grows(void **state)
{
	struct make_fixture *f = *state;
	struct segue_job job = { 0 };
	struct segue_make one = f->make;
	struct segue_instrument *instrument;
	uint32_t last = 0;

	write_ramp(f, "a.wav", 0.0f, 1000, 1, RATE);
	write_ramp(f, "b.wav", 0.0f, 1000, 1, RATE);
	f->make.job = one.job = &job;
	instrument = make_instrument(f, "<region> sample=a.wav <region> sample=b.wav");
	assert_int_equal(job.progress, 1000);
	make_fixture_free(f, instrument);
	for (one.part = 0, one.n_parts = 3; one.part < one.n_parts; one.part++) {
		for (uint32_t done = 0; done <= 10; done++) {
			segue_make_progress(&one, done, 10);
			assert_true(job.progress >= last);
			last = job.progress;
		}
		segue_make_progress(&one, 5, 0);
		assert_int_equal(job.progress, 1000 * one.part / 3);
	}
	assert_int_equal(last, 1000);
}

static void the_most_regions_there_may_be(void **state)
{
	struct make_fixture *f = *state;
	char *text = malloc(SEGUE_REGIONS_MAX * 64), *p = text;
	struct segue_instrument *instrument;

	write_ramp(f, "a.wav", 0.0f, 5000, 1, RATE);
	for (uint32_t i = 0; i < SEGUE_REGIONS_MAX; i++)
		p += sprintf(p, "<region> sample=a.wav offset=%u end=%u\n", i, i);
	instrument = make_instrument(f, text);
	assert_int_equal(instrument->n_regions, SEGUE_REGIONS_MAX);
	for (uint32_t i = 0; i < SEGUE_REGIONS_MAX; i++)
		assert_frames(instrument->regions[i].sample, 0.0f, 1, i, 1);
	make_fixture_free(f, instrument);
	free(text);
}

#define test(name)	cmocka_unit_test_setup_teardown(name, make_fixture_setup, make_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(regions_play_their_files_at_their_own_rates),
		test(what_sizes_there_are_does_not_matter),
		test(a_file_is_kept_once_and_only_what_is_played_of_it),
		test(loops_are_the_texts_else_the_files),
		test(pitches_are_the_formats),
		test(the_peak_is_what_the_loudest_region_plays),
		test(only_some_options_make_sense),
		test(progress_only_grows),
		test(the_most_regions_there_may_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
