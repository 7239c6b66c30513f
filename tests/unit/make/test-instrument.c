/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "make/instrument.h"
#include "make/layout.h"

#include "make-fixture.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <spa/utils/defs.h>

#define RATE		44100u

/* Frame i of channel c of a file that begins at base: different everywhere, exact in 32 bits. */
static float value(float base, uint32_t c, uint64_t i)
{
	return base + (float)i / (1 << 20) + c * 0.25f;
}

static void write_ramp(struct make_fixture *f, const char *name, float base, uint32_t n_frames, uint32_t channels,
		uint32_t rate)
{
	float *frames = calloc((size_t)n_frames * channels, sizeof(float));

	assert_non_null(frames);
	for (uint32_t i = 0; i < n_frames * channels; i++)
		frames[i] = value(base, i % channels, i / channels);
	make_fixture_write_wav(f, name, frames, n_frames, channels, rate, WAV_BYTES(n_frames, channels), NULL, 0);
	free(frames);
}

/* A sampler chunk: root key 57, a loop from 10 to 29. */
static void write_looped(struct make_fixture *f, const char *name, uint32_t n_frames)
{
	const uint32_t chunk[] = { 0x6c706d73, 60, 0, 0, 0, 57, 0, 0, 0, 1, 0, 0, 0, 10, 29, 0, 0 };
	float frames[1000];

	for (uint32_t i = 0; i < n_frames; i++)
		frames[i] = value(0.0f, 0, i);
	make_fixture_write_wav(f, name, frames, n_frames, 1, RATE, WAV_BYTES(n_frames, 1), chunk, sizeof(chunk));
}

static struct segue_kit *open_kit(struct make_fixture *f, const char *text)
{
	make_fixture_write_text(f, "kit.sfz", text);
	f->make.name = "kit.sfz";
	f->make.error = (struct segue_error) { 0 };
	return segue_kit_open(&f->make, f->path, NULL);
}

static struct segue_instrument *make_with_gain(struct make_fixture *f, const char *text, double gain, float *peak)
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

static struct segue_instrument *make(struct make_fixture *f, const char *text)
{
	float peak;
	struct segue_instrument *instrument = make_with_gain(f, text, 1.0, &peak);

	if (instrument == NULL)
		fail_msg("%s", f->make.error.message);
	return instrument;
}

static void assert_refused(struct make_fixture *f, const char *text, int res, const char *message)
{
	float peak = -1.0f;

	assert_null(make_with_gain(f, text, 1.0, &peak));
	assert_string_equal(f->make.error.message, message);
	assert_int_equal(f->make.error.res, res);
	assert_int_equal(make_fixture_bytes(f), 0);
}

static void assert_frames(const struct segue_sample *sample, float base, uint32_t n_channels, uint64_t first,
		uint64_t n_frames)
{
	assert_int_equal(sample->n_channels, n_channels);
	assert_int_equal(sample->n_frames, n_frames);
	for (uint32_t c = 0; c < n_channels; c++) {
		assert_int_equal((uintptr_t)sample->data[c] % 64, 0);
		for (uint64_t i = 0; i < n_frames; i++)
			assert_true(sample->data[c][i] == value(base, c, first + i));
		for (uint32_t i = 0; i < SEGUE_GUARD_FRAMES; i++) {
			assert_true(sample->data[c][-1 - (int)i] == 0.0f);
			assert_true(sample->data[c][n_frames + i] == 0.0f);
		}
	}
}

/* ---- what is made */

static void regions_play_their_files_at_their_own_rates(void **state)
{
	struct make_fixture *f = *state;
	struct segue_instrument *instrument;
	const struct segue_region *r;

	write_ramp(f, "a.wav", 0.125f, 1000, 1, RATE);
	write_ramp(f, "b c.wav", -0.5f, 3, 2, 96000);
	instrument = make(f, "<global> ampeg_attack=0.5 <region> key=36 sample=a.wav volume=-6.0206 tune=50 group=1\n"
			"<region> sample=b c.wav key=38 pan=100 off_by=1 loop_mode=one_shot\n");
	assert_int_equal(instrument->n_regions, 2);
	assert_int_equal(instrument->n_samples, 2);
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
		instrument = make(f, text);
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
	instrument = make(f, "<region> sample=a.wav <region> sample=./a.wav loop_mode=loop_continuous key=3");
	r = instrument->regions;
	assert_ptr_equal(r[0].sample->data[0], r[1].sample->data[0]);
	assert_ptr_not_equal(r[0].sample, r[1].sample);
	assert_int_equal(r[1].sample->loop, SEGUE_LOOP_FORWARD);
	whole = instrument->buffer.bytes;
	assert_in_range(whole, 200000 * sizeof(float), 200000 * sizeof(float) + 12288);
	make_fixture_free(f, instrument);
	instrument = make(f, "<region> sample=a.wav end=99 <region> sample=a.wav offset=100 end=149\n"
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
		instrument = make(f, text);
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
		instrument = make(f, text);
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
	assert_true(fabsf(peak - 2 * value(0.25f, 1, 1)) < 1e-5f);
	make_fixture_free(f, instrument);
	instrument = make_with_gain(f, "<region> sample=a.wav <region> sample=b.wav", -0.5, &peak);
	assert_true(peak == 0.5f * value(0.25f, 1, 1));
	assert_true(instrument->regions[0].gain == -0.5f && instrument->regions[1].gain == -0.5f);
	make_fixture_free(f, instrument);
}

static void the_header_tells_of_all(void **state)
{
	struct make_fixture *f = *state;
	struct segue_kit *kit;
	const struct segue_header *h;
	char *identity;

	write_ramp(f, "a.wav", 0.0f, 100, 1, 96000);
	write_ramp(f, "b.wav", 0.0f, 1000, 3, RATE);
	kit = open_kit(f, "<region> sample=a.wav <region> sample=b.wav <region> sample=a.wav cutoff=3");
	h = segue_kit_header(kit);
	assert_int_equal(h->channels, 3);
	assert_int_equal(h->rate, 96000);
	assert_int_equal(h->frames, 1100);
	assert_false(h->is_long);
	assert_in_range(h->bytes, 3100 * sizeof(float), 3100 * sizeof(float) + 4096);
	assert_string_equal(segue_kit_unfollowed(kit), "cutoff");
	identity = strdup(segue_kit_identity(kit));
	segue_kit_free(kit);
	kit = open_kit(f, "<region> sample=a.wav <region> sample=b.wav <region> sample=a.wav cutoff=3");
	/* the text was written again */
	assert_string_not_equal(segue_kit_identity(kit), identity);
	free(identity);
	identity = strdup(segue_kit_identity(kit));
	segue_kit_free(kit);
	write_ramp(f, "a.wav", 0.0f, 100, 1, 96000);
	snprintf(f->path, sizeof(f->path), "%s/kit.sfz", f->dir);
	kit = segue_kit_open(&f->make, f->path, NULL);
	assert_string_not_equal(segue_kit_identity(kit), identity);
	free(identity);
	segue_kit_free(kit);
	write_ramp(f, "long.wav", 0.0f, 2000000, 1, 768000);
	kit = open_kit(f, "<region> sample=long.wav");
	assert_true(segue_kit_header(kit)->is_long);
	segue_kit_free(kit);
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

/* ---- what goes wrong */

static void a_bad_sample_is_named(void **state)
{
	static const float nan_frames[] = { 0.0f, NAN };
	struct make_fixture *f = *state;
	char path[96];

	write_ramp(f, "a.wav", 0.0f, 100, 1, RATE);
	assert_refused(f, "<region> sample=a.wav <region> sample=snare.flac", -ENOENT, "kit.sfz: snare.flac: no such file");
	make_fixture_write(f, "snare.flac", "<region>", 8);
	assert_refused(f, "<region> sample=a.wav <region> sample=snare.flac", -EBADMSG,
			"kit.sfz: snare.flac: not an audio file");
	assert_refused(f, "<region> sample=a.wav <region> sample=kit.sfz", -EBADMSG, "kit.sfz: kit.sfz: not an audio file");
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
	static const char text[] = "<region> sample=a.wav <region> sample=b.wav <region> sample=c.wav offset=5 <region> sample=b.wav";
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
	instrument = make(f, "<region> sample=a.wav <region> sample=b.wav");
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

static void gain_is_never_infinite(void **state)
{
	struct make_fixture *f = *state;
	float peak;
	static const float loud[] = { 1e38f };

	make_fixture_write_wav(f, "a.wav", loud, 1, 1, RATE, WAV_BYTES(1, 1), NULL, 0);
	assert_null(make_with_gain(f, "<region> sample=a.wav", 1000.0, &peak));
	assert_int_equal(f->make.error.res, -EINVAL);
	assert_string_equal(f->make.error.message, "kit.sfz: gain: 1000 is too much for a.wav");
}

static void the_most_regions_there_may_be(void **state)
{
	struct make_fixture *f = *state;
	char *text = malloc(SEGUE_REGIONS_MAX * 64), *p = text;
	struct segue_instrument *instrument;

	write_ramp(f, "a.wav", 0.0f, 5000, 1, RATE);
	for (uint32_t i = 0; i < SEGUE_REGIONS_MAX; i++)
		p += sprintf(p, "<region> sample=a.wav offset=%u end=%u\n", i, i);
	instrument = make(f, text);
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
		test(the_header_tells_of_all),
		test(only_some_options_make_sense),
		test(a_bad_sample_is_named),
		test(a_file_that_changes_meanwhile_is_an_error),
		test(a_budget_that_is_too_small_at_any_step_leaves_nothing),
		test(a_header_that_claims_too_much_is_refused_at_once),
		test(a_cancelled_job_ends_at_every_step),
		test(progress_only_grows),
		test(gain_is_never_infinite),
		test(the_most_regions_there_may_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
