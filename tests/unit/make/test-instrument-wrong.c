/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "make/instrument.h"

#include "kit-fixture.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Whatever is wrong with an instrument's samples or its limits is named, and leaves nothing. */

static void a_bad_sample_is_named(void **state)
{
	static const float nan_frames[] = { 0.0f, NAN };
	struct make_fixture *f = *state;
	char path[96];

	write_ramp(f, "a.wav", 0.0f, 100, 1, RATE);
	assert_refused(f, "<region> sample=a.wav <region> sample=snare.flac", -ENOENT,
			"kit.sfz: snare.flac: no such file");
	make_fixture_write(f, "snare.flac", "<region>", 8);
	assert_refused(f, "<region> sample=a.wav <region> sample=snare.flac", -EBADMSG,
			"kit.sfz: snare.flac: not an audio file");
	assert_refused(f, "<region> sample=a.wav <region> sample=kit.sfz", -EBADMSG,
			"kit.sfz: kit.sfz: not an audio file");
	assert_refused(f, "<region> sample=a.wav <region> sample=.", -EBADMSG, "kit.sfz: .: is a directory");
	snprintf(path, sizeof(path), "%s/fifo", f->dir);
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_refused(f, "<region> sample=fifo", -EBADMSG, "kit.sfz: fifo: not a regular file");
	make_fixture_write_wav(f, "nan.wav", nan_frames, 2, 1, RATE, WAV_BYTES(2, 1), NULL, 0);
	assert_refused(f, "<region> sample=a.wav <region> sample=nan.wav", -EBADMSG,
			"kit.sfz: nan.wav: has samples that are not numbers");
	make_fixture_write_wav(f, "short.wav", nan_frames, 1, 1, RATE, WAV_BYTES(50, 1), NULL, 0);
	assert_refused(f, "<region> sample=a.wav <region> sample=short.wav", -EBADMSG,
			"kit.sfz: short.wav: ends after 1 of 50 frames");
}

static void a_file_that_changes_meanwhile_is_an_error(void **state)
{
	struct make_fixture *f = *state;
	struct segue_kit *kit;
	char path[96];
	float peak;

	write_ramp(f, "a.wav", 0.0f, 100, 1, RATE);
	kit = open_kit(f, "<region> sample=a.wav");
	write_ramp(f, "a.wav", 0.5f, 100, 1, RATE);
	assert_null(segue_instrument_make(&f->make, kit, 1.0, &peak));
	assert_string_equal(f->make.error.message, "kit.sfz: a.wav: has changed while it was loaded");
	snprintf(path, sizeof(path), "%s/a.wav", f->dir);
	unlink(path);
	assert_null(segue_instrument_make(&f->make, kit, 1.0, &peak));
	assert_string_equal(f->make.error.message, "kit.sfz: a.wav: no such file");
	segue_kit_free(kit);
}

static void a_budget_that_is_too_small_at_any_step_leaves_nothing(void **state)
{
	static const char text[] =
		"<region> sample=a.wav <region> sample=b.wav <region> sample=c.wav offset=5 <region> sample=b.wav";
	struct make_fixture *f = *state;
	struct segue_instrument *instrument;
	struct segue_kit *kit;
	uint32_t n_failed = 0;
	float peak;

	/* small and mapped, growing over and over */
	write_ramp(f, "a.wav", 0.0f, 300, 1, RATE);
	write_ramp(f, "b.wav", 0.0f, 60000, 2, RATE);
	write_ramp(f, "c.wav", 0.0f, 120000, 1, RATE);
	kit = open_kit(f, text);
	for (size_t max = 0;; max += 8192) {
		segue_memory_set_max(f->memory, max);
		instrument = segue_instrument_make(&f->make, kit, 1.0, &peak);
		if (instrument != NULL)
			break;
		n_failed++;
		assert_int_equal(f->make.error.res, -EDQUOT);
		assert_memory_equal(f->make.error.message, "kit.sfz: ", 9);
		assert_int_equal(make_fixture_bytes(f), 0);
		/* the whole and the largest file, the blocks it is decoded in and some pages */
		assert_true(max < segue_kit_header(kit)->bytes + 120000 * sizeof(float) + 400000);
	}
	assert_true(n_failed > 100);
	assert_frames(instrument->regions[2].sample, 0.0f, 1, 5, 120000 - 5);
	make_fixture_free(f, instrument);
	segue_memory_set_max(f->memory, 512u * 1024u * 1024u);
	f->make.bytes_max = 500000;
	assert_null(segue_instrument_make(&f->make, kit, 1.0, &peak));
	assert_int_equal(f->make.error.res, -EDQUOT);
	assert_non_null(strstr(f->make.error.message, "over its limit of 500000"));
	segue_kit_free(kit);
}

static void a_header_that_claims_too_much_is_refused_at_once(void **state)
{
	struct make_fixture *f = *state;
	struct segue_kit *kit;
	float peak;

	write_ramp(f, "a.wav", 0.0f, 200000, 1, RATE);
	kit = open_kit(f, "<region> sample=a.wav <region> sample=a.wav offset=1 <region> sample=a.wav offset=2");
	/* one file has room, but not three runs of it */
	segue_memory_set_max(f->memory, 2000000);
	assert_null(segue_instrument_make(&f->make, kit, 1.0, &peak));
	assert_int_equal(f->make.error.res, -EDQUOT);
	segue_kit_free(kit);
}

static void a_cancelled_job_ends_at_every_step(void **state)
{
	struct make_fixture *f = *state;
	struct segue_kit *kit;
	struct segue_job job = { .cancelled = 1 };
	float peak;

	write_ramp(f, "a.wav", 0.0f, 1000, 1, RATE);
	kit = open_kit(f, "<region> sample=a.wav");
	f->make.job = &job;
	assert_null(segue_instrument_make(&f->make, kit, 1.0, &peak));
	assert_int_equal(f->make.error.res, -ECANCELED);
	assert_null(open_kit(f, "<region> sample=a.wav"));
	assert_int_equal(f->make.error.res, -ECANCELED);
	f->make.job = NULL;
	segue_kit_free(kit);
}

static void gain_is_never_too_much_to_reckon_with(void **state)
{
	struct make_fixture *f = *state;
	float peak;
	static const float loud[] = { 1e11f };

	make_fixture_write_wav(f, "a.wav", loud, 1, 1, RATE, WAV_BYTES(1, 1), NULL, 0);
	assert_null(make_with_gain(f, "<region> sample=a.wav", 1000.0, &peak));
	assert_int_equal(f->make.error.res, -EINVAL);
	assert_string_equal(f->make.error.message, "kit.sfz: gain: 1000 is too much for a.wav");
}

#define test(name)	cmocka_unit_test_setup_teardown(name, make_fixture_setup, make_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(a_bad_sample_is_named),
		test(a_file_that_changes_meanwhile_is_an_error),
		test(a_budget_that_is_too_small_at_any_step_leaves_nothing),
		test(a_header_that_claims_too_much_is_refused_at_once),
		test(a_cancelled_job_ends_at_every_step),
		test(gain_is_never_too_much_to_reckon_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
