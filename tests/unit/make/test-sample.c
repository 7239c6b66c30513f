/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "make-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sndfile.h>
#include <spa/utils/defs.h>

/* What is made of good files, and of each option. */

#define RATE		48000u
#define N		150000u	/* more than there is room for at first, and several blocks */
#define CHANNELS	2u

static float frames[CHANNELS * N];

/* Channel c of frame i: exact in 32 bits and different everywhere. */
static float value(uint32_t c, uint64_t i)
{
	return (float)(i + 1) / N * (c == 0 ? 0.5f : -0.25f);
}

static struct segue_sample *load_paths(struct make_fixture *f, const char *const *paths, uint32_t n,
		const struct segue_options *options)
{
	struct segue_decoder *decoder = segue_decoder_open(&f->make, paths, NULL, n, options);
	struct segue_sample *sample;

	if (decoder == NULL)
		return NULL;
	sample = segue_sample_decode(&f->make, decoder, options);
	if (sample != NULL) {
		assert_int_equal(sample->n_frames, segue_decoder_header(decoder)->frames);
		assert_int_equal(sample->n_channels, segue_decoder_header(decoder)->channels);
		assert_int_equal(sample->buffer.refs, 1);
		assert_int_equal(sample->buffer.type, SEGUE_BUFFER_SAMPLE);
		assert_int_equal(sample->buffer.bytes, make_fixture_bytes(f));
	}
	segue_decoder_free(decoder);
	return sample;
}

static struct segue_sample *load(struct make_fixture *f, const struct segue_options *options)
{
	const char *path = f->path;

	return load_paths(f, &path, 1, options);
}

static void write_stereo(struct make_fixture *f)
{
	make_fixture_write_wav(f, "stereo.wav", frames, N, CHANNELS, RATE, WAV_BYTES(N, CHANNELS), NULL, 0);
}

static void assert_guards_silent(const struct segue_sample *sample)
{
	for (uint32_t c = 0; c < sample->n_channels; c++) {
		assert_int_equal((uintptr_t)sample->data[c] % 64, 0);
		for (uint32_t i = 0; i < SEGUE_GUARD_FRAMES; i++) {
			assert_true(sample->data[c][-1 - (int)i] == 0.0f);
			assert_true(sample->data[c][sample->n_frames + i] == 0.0f);
		}
	}
}

static void a_file_is_decoded_value_by_value_into_guarded_channels(void **state)
{
	struct make_fixture *f = *state;
	struct segue_sample *sample;

	write_stereo(f);
	sample = load(f, &SEGUE_OPTIONS_INIT);
	assert_non_null(sample);
	assert_int_equal(sample->n_frames, N);
	assert_int_equal(sample->rate, RATE);
	assert_int_equal(sample->loop, SEGUE_LOOP_NONE);
	assert_int_equal(sample->root_key, 60);
	for (uint32_t c = 0; c < CHANNELS; c++) {
		for (uint64_t i = 0; i < N; i++)
			assert_true(sample->data[c][i] == value(c, i));
	}
	assert_guards_silent(sample);
	make_fixture_free(f, sample);
}

static void channels_are_chosen_in_any_order(void **state)
{
	struct make_fixture *f = *state;
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_sample *sample;

	write_stereo(f);
	options.channels[0] = 1;
	options.channels[1] = 0;
	options.channels[2] = 1;
	options.n_channels = 3;
	sample = load(f, &options);
	assert_int_equal(sample->n_channels, 3);
	for (uint64_t i = 0; i < N; i++) {
		assert_true(sample->data[0][i] == value(1, i));
		assert_true(sample->data[1][i] == value(0, i));
		assert_true(sample->data[2][i] == value(1, i));
	}
	make_fixture_free(f, sample);

	options.channels[1] = 2;
	assert_null(load(f, &options));
	assert_int_equal(f->make.error.res, -EINVAL);
	assert_string_equal(f->make.error.message, "thing: channels: there is no 2, the last is 1");
}

static void delay_offset_and_length_select_frames(void **state)
{
	static const struct { uint32_t delay, offset, length; } cases[] = {
		{ 0, 0, 1 }, { 0, 1, 0 }, { 1, 0, 0 }, { 70000, 0, 0 }, { 480, 100000, 4800 },
		{ 0, N - 1, 0 }, { 3, N - 1, N }, { 0, 16384, 16384 },
	};
	struct make_fixture *f = *state;

	write_stereo(f);
	for (size_t k = 0; k < SPA_N_ELEMENTS(cases); k++) {
		struct segue_options options = SEGUE_OPTIONS_INIT;
		uint64_t rest = N - cases[k].offset, i;
		struct segue_sample *sample;

		options.delay = (double)cases[k].delay / RATE;
		options.offset = (double)cases[k].offset / RATE;
		options.length = (double)cases[k].length / RATE;
		if (cases[k].length > 0)
			rest = SPA_MIN(rest, cases[k].length);
		sample = load(f, &options);
		assert_non_null(sample);
		assert_int_equal(sample->n_frames, cases[k].delay + rest);
		for (i = 0; i < sample->n_frames; i++)
			assert_true(sample->data[1][i] == (i < cases[k].delay ? 0.0f :
						value(1, i - cases[k].delay + cases[k].offset)));
		assert_guards_silent(sample);
		make_fixture_free(f, sample);
	}
}

static void an_offset_beyond_the_end_is_refused_by_name(void **state)
{
	struct make_fixture *f = *state;
	struct segue_options options = SEGUE_OPTIONS_INIT;

	write_stereo(f);
	options.offset = (double)N / RATE;
	assert_null(load(f, &options));
	assert_int_equal(f->make.error.res, -EINVAL);
	assert_string_equal(f->make.error.message, "thing: offset: 3.125 s is beyond the end at 3.125 s");
}

static void gain_and_normalize_scale_all_channels_alike(void **state)
{
	struct make_fixture *f = *state;
	struct segue_options options = SEGUE_OPTIONS_INIT;
	double energy = 0.0, factor[3], gain = -2.0;

	for (uint64_t i = 0; i < N; i++)
		energy += (double)value(0, i) * value(0, i);	/* the louder channel's */
	factor[SEGUE_NORMALIZE_NONE] = gain;
	factor[SEGUE_NORMALIZE_PEAK] = gain / 0.5;
	factor[SEGUE_NORMALIZE_ENERGY] = gain / sqrt(energy);
	write_stereo(f);
	options.gain = gain;
	for (int normalize = 0; normalize < 3; normalize++) {
		struct segue_sample *sample;

		options.normalize = normalize;
		sample = load(f, &options);
		for (uint32_t c = 0; c < CHANNELS; c++) {
			for (uint64_t i = 0; i < N; i++)
				assert_true(fabs(sample->data[c][i] - value(c, i) * factor[normalize]) < 1e-6);
		}
		make_fixture_free(f, sample);
	}
}

static void silence_cannot_be_normalized_and_stays_silence(void **state)
{
	static const float silence[100];
	struct make_fixture *f = *state;
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_sample *sample;

	make_fixture_write_wav(f, "silence.wav", silence, 100, 1, RATE, WAV_BYTES(100, 1), NULL, 0);
	for (options.normalize = 1; options.normalize < 3; options.normalize++) {
		sample = load(f, &options);
		assert_true(segue_buffer_peak(&sample->buffer) == 0.0f);
		make_fixture_free(f, sample);
	}
}

/* A sampler chunk: root key 64, one forward loop of frames 100..199. */
static const uint32_t smpl[] = {
	0x6c706d73, 60, 0, 0, 20833, 64, 0, 0, 0, 1, 0, /* loop: */ 0, 0, 100, 199, 0, 0
};

static void loop_and_root_key_come_from_the_file_unless_asked_otherwise(void **state)
{
	static const struct { int loop; double offset, delay; int root_key;
		int expect_loop; uint64_t start, end; uint32_t key; } cases[] = {
		{ SEGUE_LOOP_OPTION_UNSET, 0, 0, -1, SEGUE_LOOP_NONE, 0, 0, 64 },
		{ SEGUE_LOOP_OPTION_NONE, 0, 0, 40, SEGUE_LOOP_NONE, 0, 0, 40 },
		{ SEGUE_LOOP_OPTION_FORWARD, 0, 0, 0, SEGUE_LOOP_FORWARD, 0, 1000, 0 },
		{ SEGUE_LOOP_OPTION_FILE, 0, 0, -1, SEGUE_LOOP_FORWARD, 100, 200, 64 },
		{ SEGUE_LOOP_OPTION_FILE, 50, 10, -1, SEGUE_LOOP_FORWARD, 60, 160, 64 },
		{ SEGUE_LOOP_OPTION_FILE, 101, 0, -1, SEGUE_LOOP_NONE, 0, 0, 64 },
	};
	struct make_fixture *f = *state;

	make_fixture_write_wav(f, "smpl.wav", frames, 1000, 1, RATE, WAV_BYTES(1000, 1), smpl, sizeof(smpl));
	for (size_t i = 0; i < SPA_N_ELEMENTS(cases); i++) {
		struct segue_options options = SEGUE_OPTIONS_INIT;
		struct segue_sample *sample;

		options.loop = cases[i].loop;
		options.offset = cases[i].offset / RATE;
		options.delay = cases[i].delay / RATE;
		options.root_key = cases[i].root_key;
		sample = load(f, &options);
		assert_int_equal(sample->loop, cases[i].expect_loop);
		assert_int_equal(sample->loop_start, cases[i].start);
		assert_int_equal(sample->loop_end, cases[i].end);
		assert_int_equal(sample->root_key, cases[i].key);
		make_fixture_free(f, sample);
	}
}

static void channels_of_several_files_are_joined_and_the_shorter_goes_on_in_silence(void **state)
{
	struct make_fixture *f = *state;
	struct segue_options options = SEGUE_OPTIONS_INIT;
	char a[64], b[64];
	const char *const paths[] = { a, b };
	struct segue_sample *sample;

	write_stereo(f);
	strcpy(a, f->path);
	make_fixture_write_wav(f, "mono.wav", frames, 20000, 1, RATE, WAV_BYTES(20000, 1), NULL, 0);
	strcpy(b, f->path);
	sample = load_paths(f, paths, 2, &options);
	assert_non_null(sample);
	assert_int_equal(sample->n_channels, 3);
	assert_int_equal(sample->n_frames, N);
	for (uint64_t i = 0; i < N; i++) {
		assert_true(sample->data[1][i] == value(1, i));
		assert_true(sample->data[2][i] == (i < 20000 ? frames[i] : 0.0f));
	}
	make_fixture_free(f, sample);

	options.offset = 20000.0 / RATE;	/* beyond the shorter one's end */
	sample = load_paths(f, paths, 2, &options);
	assert_true(sample->data[0][0] == value(0, 20000));
	assert_true(sample->data[2][0] == 0.0f);
	make_fixture_free(f, sample);
	options.offset = 0.0;

	make_fixture_write_wav(f, "mono.wav", frames, 100, 1, 44100, WAV_BYTES(100, 1), NULL, 0);
	assert_null(load_paths(f, paths, 2, &options));
	assert_string_equal(f->make.error.message, "mono.wav: has a rate of 44100 Hz, stereo.wav has 48000");
	make_fixture_write_wav(f, "mono.wav", frames, 100, 1, RATE, WAV_BYTES(200, 1), NULL, 0);
	assert_null(load_paths(f, paths, 2, &options));
	assert_string_equal(f->make.error.message, "mono.wav: ends after 100 of 200 frames");
	assert_null(load_paths(f, paths, 0, &options));
	assert_int_equal(f->make.error.res, -EINVAL);
}

static void raw_samples_are_taken_as_they_are(void **state)
{
	struct make_fixture *f = *state;
	static float planar[CHANNELS * N];

	for (uint64_t i = 0; i < N; i++) {
		planar[i] = value(0, i);
		planar[N + i] = value(1, i);
	}
	for (int interleaved = 0; interleaved < 2; interleaved++) {
		struct segue_options options = SEGUE_OPTIONS_INIT;
		struct segue_decoder *decoder;
		struct segue_sample *sample;

		options.import_channels = CHANNELS;
		options.import_rate = 12345;
		options.interleaved = interleaved;
		options.offset = 1.0 / 12345;
		make_fixture_write(f, "raw", interleaved ? frames : planar, sizeof(frames));
		decoder = segue_decoder_open_raw(&f->make, open(f->path, O_RDONLY), &options);
		assert_non_null(decoder);
		sample = segue_sample_decode(&f->make, decoder, &options);
		if (sample == NULL)
			print_error("%s\n", f->make.error.message);
		assert_non_null(sample);
		assert_int_equal(sample->n_frames, N - 1);
		assert_int_equal(sample->rate, 12345);
		for (uint32_t c = 0; c < CHANNELS; c++) {
			for (uint64_t i = 0; i < N - 1; i++)
				assert_true(sample->data[c][i] == value(c, i + 1));
		}
		segue_decoder_free(decoder);
		make_fixture_free(f, sample);
	}
}

/* 16 bits of each value survive any lossless format. */
static void other_formats_decode_to_the_same(void **state)
{
	static const int formats[] = {
		SF_FORMAT_FLAC | SF_FORMAT_PCM_16, SF_FORMAT_AIFF | SF_FORMAT_PCM_16,
		SF_FORMAT_CAF | SF_FORMAT_PCM_16, SF_FORMAT_AU | SF_FORMAT_PCM_16,
		SF_FORMAT_RF64 | SF_FORMAT_PCM_16, SF_FORMAT_WAV | SF_FORMAT_PCM_16,
	};
	struct make_fixture *f = *state;

	snprintf(f->path, sizeof(f->path), "%s/other", f->dir);
	for (size_t k = 0; k < SPA_N_ELEMENTS(formats); k++) {
		SF_INFO info = { .channels = CHANNELS, .samplerate = RATE, .format = formats[k] };
		SNDFILE *snd = sf_open(f->path, SFM_WRITE, &info);
		struct segue_sample *sample;

		assert_non_null(snd);
		assert_int_equal(sf_writef_float(snd, frames, N), N);
		sf_close(snd);
		sample = load(f, &SEGUE_OPTIONS_INIT);
		assert_non_null(sample);
		for (uint64_t i = 0; i < N; i++)
			assert_true(fabsf(sample->data[1][i] - value(1, i)) <= 1.0f / 32768);
		make_fixture_free(f, sample);
	}
}

static void a_file_is_the_same_until_it_is_written_again(void **state)
{
	struct make_fixture *f = *state;
	struct segue_options options = SEGUE_OPTIONS_INIT;
	char identity[256], expected[256];
	const char *path = f->path;
	struct segue_decoder *decoder;
	struct stat s;

	for (int i = 0; i < 3; i++) {
		if (i != 1) {
			usleep(20000);
			write_stereo(f);
		}
		decoder = segue_decoder_open(&f->make, &path, NULL, 1, &options);
		if (i > 0)
			assert_int_equal(strcmp(identity, segue_decoder_identity(decoder)) == 0, i == 1);
		strcpy(identity, segue_decoder_identity(decoder));
		assert_int_equal(stat(f->path, &s), 0);
		snprintf(expected, sizeof(expected), "%llu:%llu:%llu:%llu%09llu;", (unsigned long long)s.st_dev,
				(unsigned long long)s.st_ino, (unsigned long long)s.st_size,
				(unsigned long long)s.st_mtim.tv_sec, (unsigned long long)s.st_mtim.tv_nsec);
		assert_string_equal(identity, expected);
		segue_decoder_free(decoder);
	}
}

static void long_jobs_are_told_by_seconds_or_bytes(void **state)
{
	struct make_fixture *f = *state;
	struct segue_options options = SEGUE_OPTIONS_INIT;
	const char *path = f->path;

	write_stereo(f);
	for (int is_long = 0; is_long < 2; is_long++) {
		struct segue_decoder *decoder;

		options.delay = 10.0 - (double)N / RATE + (is_long ? 0.001 : 0.0);
		decoder = segue_decoder_open(&f->make, &path, NULL, 1, &options);
		assert_int_equal(segue_decoder_header(decoder)->is_long, is_long);
		segue_decoder_free(decoder);
	}
}

static void progress_ends_at_the_whole(void **state)
{
	struct make_fixture *f = *state;
	struct segue_job job = { .progress = 0 };

	f->make.job = &job;
	write_stereo(f);
	make_fixture_free(f, load(f, &SEGUE_OPTIONS_INIT));
	assert_int_equal(job.progress, 1000);
	assert_in_range(job.n_steps, N / 16384, 10000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_fixture_setup, make_fixture_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(a_file_is_decoded_value_by_value_into_guarded_channels),
		TEST(channels_are_chosen_in_any_order),
		TEST(delay_offset_and_length_select_frames),
		TEST(an_offset_beyond_the_end_is_refused_by_name),
		TEST(gain_and_normalize_scale_all_channels_alike),
		TEST(silence_cannot_be_normalized_and_stays_silence),
		TEST(loop_and_root_key_come_from_the_file_unless_asked_otherwise),
		TEST(channels_of_several_files_are_joined_and_the_shorter_goes_on_in_silence),
		TEST(raw_samples_are_taken_as_they_are),
		TEST(other_formats_decode_to_the_same),
		TEST(a_file_is_the_same_until_it_is_written_again),
		TEST(long_jobs_are_told_by_seconds_or_bytes),
		TEST(progress_ends_at_the_whole),
	};

	for (uint64_t i = 0; i < N; i++) {
		frames[2 * i] = value(0, i);
		frames[2 * i + 1] = value(1, i);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
