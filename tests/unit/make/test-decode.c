/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "make-fixture.h"

#include <errno.h>
#include <float.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <sndfile.h>
#include <spa/utils/defs.h>

/* What is refused, and how; test-sample.c has what is made of good files. */

#define RATE	48000u
#define N	1000u

static float ramp[2 * N];

/* Opens and decodes the file written last; both may fail. */
static struct segue_sample *load(struct make_fixture *f, const struct segue_options *options, int fd)
{
	const char *path = f->path, *slash = strrchr(path, '/');
	struct segue_decoder *decoder;
	struct segue_sample *sample = NULL;

	f->make.name = slash != NULL ? slash + 1 : path;
	decoder = segue_decoder_open(&f->make, &path, fd >= 0 ? &fd : NULL, 1, options);
	if (decoder != NULL)
		sample = segue_sample_decode(&f->make, decoder, options);
	segue_decoder_free(decoder);
	return sample;
}

static void assert_refused(struct make_fixture *f, int fd, int res, const char *message)
{
	struct segue_options options = SEGUE_OPTIONS_INIT;

	memset(&f->make.error, 0, sizeof(f->make.error));
	assert_null(load(f, &options, fd));
	assert_string_equal(f->make.error.message, message);
	assert_int_equal(f->make.error.res, res);
	assert_int_equal(make_fixture_bytes(f), 0);
}

static void assert_accepted(struct make_fixture *f, uint64_t n_frames)
{
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_sample *sample = load(f, &options, -1);

	if (sample == NULL)
		print_error("%s\n", f->make.error.message);
	assert_non_null(sample);
	assert_int_equal(sample->n_frames, n_frames);
	make_fixture_free(f, sample);
}

static void what_is_not_a_regular_file_is_named(void **state)
{
	struct make_fixture *f = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fds[2], s;

	snprintf(f->path, sizeof(f->path), "%s/none.wav", f->dir);
	assert_refused(f, -1, -ENOENT, "none.wav: no such file");
	snprintf(f->path, sizeof(f->path), "%s/sub", f->dir);
	assert_int_equal(mkdir(f->path, 0700), 0);
	assert_refused(f, -1, -EBADMSG, "sub: is a directory");
	snprintf(f->path, sizeof(f->path), "%s/fifo", f->dir);
	assert_int_equal(mkfifo(f->path, 0600), 0);
	assert_refused(f, -1, -EBADMSG, "fifo: not a regular file");
	strcpy(f->path, "/dev/zero");
	assert_refused(f, -1, -EBADMSG, "zero: not a regular file");

	snprintf(f->path, sizeof(f->path), "%s/socket", f->dir);
	strcpy(address.sun_path, f->path);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(s, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_refused(f, -1, -EBADMSG, "socket: not a regular file");
	close(s);

	strcpy(f->path, "a pipe");
	assert_int_equal(pipe(fds), 0);
	assert_refused(f, fds[0], -EBADMSG, "a pipe: not a regular file");
	close(fds[1]);
}

static void what_may_not_be_read_is_refused(void **state)
{
	struct make_fixture *f = *state;
	int fd;

	make_fixture_write_wav(f, "a.wav", ramp, N, 1, RATE, WAV_BYTES(N, 1), NULL, 0);
	assert_refused(f, open(f->path, O_WRONLY), -EACCES, "a.wav: not open for reading");
	assert_refused(f, open(f->path, O_PATH), -EACCES, "a.wav: not open for reading");
	fd = dup(0);
	close(fd);
	assert_refused(f, fd, -EINVAL, "a.wav: not an open descriptor");
	if (geteuid() == 0) {
		print_message("the superuser may read every file: not tried\n");
		return;
	}
	assert_int_equal(chmod(f->path, 0), 0);
	assert_refused(f, -1, -EACCES, "a.wav: permission denied");
}

static void what_is_not_sound_is_told_by_its_first_bytes(void **state)
{
	static const char text[] = "Once upon a time there was a text file, and it was longer than a header is.";
	struct make_fixture *f = *state;
	uint8_t bytes[4096] = { 0 };

	make_fixture_write(f, "empty.wav", text, 0);
	assert_refused(f, -1, -EBADMSG, "empty.wav: is empty");
	make_fixture_write(f, "text.wav", text, sizeof(text));
	assert_refused(f, -1, -EBADMSG, "text.wav: not an audio file");
	make_fixture_write(f, "zero.wav", bytes, sizeof(bytes));
	assert_refused(f, -1, -EBADMSG, "zero.wav: not an audio file");
	make_fixture_write(f, "short.wav", "R", 1);
	assert_refused(f, -1, -EBADMSG, "short.wav: not an audio file");
	memcpy(bytes, "RIFF\0\0\0\0WAVE", 12);
	make_fixture_write(f, "hollow.wav", bytes, sizeof(bytes));
	assert_refused(f, -1, -EBADMSG, "hollow.wav: not an audio file that can be decoded");
}

static void headers_with_absurd_numbers_are_refused(void **state)
{
	struct make_fixture *f = *state;

	make_fixture_write_wav(f, "a.wav", ramp, N, 0, RATE, N, NULL, 0);
	assert_refused(f, -1, -EBADMSG, "a.wav: not an audio file that can be decoded");
	make_fixture_write_wav(f, "a.wav", ramp, 2, 65, RATE, WAV_BYTES(2, 65), NULL, 0);
	assert_refused(f, -1, -EBADMSG, "a.wav: has 65 channels, not 1 to 64");
	make_fixture_write_wav(f, "a.wav", ramp, N, 1, 999, WAV_BYTES(N, 1), NULL, 0);
	assert_refused(f, -1, -EBADMSG, "a.wav: has a rate of 999 Hz, not 1000 to 768000");
	make_fixture_write_wav(f, "a.wav", ramp, N, 1, 768001, WAV_BYTES(N, 1), NULL, 0);
	assert_refused(f, -1, -EBADMSG, "a.wav: has a rate of 768001 Hz, not 1000 to 768000");
	make_fixture_write_wav(f, "a.wav", ramp, 0, 1, RATE, 0, NULL, 0);
	assert_refused(f, -1, -EBADMSG, "a.wav: has no frames");
	make_fixture_write_wav(f, "a.wav", ramp, N, 1, RATE, 0x80000000u, NULL, 0);
	assert_refused(f, -1, -EBADMSG, "a.wav: ends after 1000 of 536870912 frames");
}

static void a_truncated_file_is_refused(void **state)
{
	static const int formats[] = {
		SF_FORMAT_WAV | SF_FORMAT_PCM_24, SF_FORMAT_RF64 | SF_FORMAT_PCM_16,
		SF_FORMAT_AIFF | SF_FORMAT_PCM_16, SF_FORMAT_AU | SF_FORMAT_FLOAT,
		SF_FORMAT_WAV | SF_FORMAT_PCM_16 | SF_ENDIAN_BIG,
	};
	struct make_fixture *f = *state;
	struct stat stat_;

	make_fixture_write_wav(f, "a.wav", ramp, N, 1, RATE, WAV_BYTES(2 * N, 1), NULL, 0);
	assert_refused(f, -1, -EBADMSG, "a.wav: ends after 1000 of 2000 frames");
	for (size_t i = 0; i < SPA_N_ELEMENTS(formats); i++) {
		SF_INFO info = { .channels = 2, .samplerate = RATE, .format = formats[i] };
		SNDFILE *snd;

		snprintf(f->path, sizeof(f->path), "%s/cut", f->dir);
		assert_non_null((snd = sf_open(f->path, SFM_WRITE, &info)));
		assert_int_equal(sf_writef_float(snd, ramp, N), N);
		sf_close(snd);
		assert_accepted(f, N);
		assert_int_equal(stat(f->path, &stat_), 0);
		assert_int_equal(truncate(f->path, stat_.st_size * 3 / 4), 0);
		assert_null(load(f, &SEGUE_OPTIONS_INIT, -1));
		assert_int_equal(f->make.error.res, -EBADMSG);
		assert_non_null(strstr(f->make.error.message, " of 1000 frames"));
	}
}

static void a_truncated_flac_is_refused_although_its_length_comes_from_its_header(void **state)
{
	struct make_fixture *f = *state;
	SF_INFO info = { .channels = 1, .samplerate = RATE, .format = SF_FORMAT_FLAC | SF_FORMAT_PCM_16 };
	float noise[4096];
	struct stat stat_;
	SNDFILE *snd;
	int i;

	for (i = 0; i < 4096; i++)
		noise[i] = (i * 7919 % 1009) / 1009.0f;
	snprintf(f->path, sizeof(f->path), "%s/cut.flac", f->dir);
	snd = sf_open(f->path, SFM_WRITE, &info);
	for (i = 0; i < 20; i++)
		sf_writef_float(snd, noise, 4096);
	sf_close(snd);
	assert_accepted(f, 20 * 4096);
	assert_int_equal(stat(f->path, &stat_), 0);
	assert_int_equal(truncate(f->path, stat_.st_size / 2), 0);
	assert_null(load(f, &SEGUE_OPTIONS_INIT, -1));
	assert_int_equal(f->make.error.res, -EBADMSG);
	assert_non_null(strstr(f->make.error.message, " of 81920 frames"));
}

static void what_was_written_to_a_pipe_with_its_size_left_open_is_accepted(void **state)
{
	static const uint32_t claims[] = { 0xffffffffu, 0x7ffff000u, 0x7fffff00u };
	struct make_fixture *f = *state;

	for (size_t i = 0; i < SPA_N_ELEMENTS(claims); i++) {
		make_fixture_write_wav(f, "a.wav", ramp, N, 1, RATE, claims[i], NULL, 0);
		assert_accepted(f, N);
	}
}

static void samples_that_are_not_numbers_are_refused(void **state)
{
	static const float bad[] = { NAN, INFINITY, -INFINITY };
	struct make_fixture *f = *state;

	for (size_t i = 0; i < SPA_N_ELEMENTS(bad); i++) {
		float frames[N] = { 0 };

		frames[N - 1] = bad[i];
		make_fixture_write_wav(f, "a.wav", frames, N, 1, RATE, WAV_BYTES(N, 1), NULL, 0);
		assert_refused(f, -1, -EBADMSG, "a.wav: has samples that are not numbers");
	}
}

/* Far beyond any sound: interpolated, summed and transformed they would be infinite, and then no numbers. */
static void samples_too_large_to_reckon_with_are_refused(void **state)
{
	static const float bad[] = { 2e12f, -1e38f, FLT_MAX };
	struct make_fixture *f = *state;
	float frames[N] = { 1e12f, -1e12f };

	make_fixture_write_wav(f, "a.wav", frames, N, 1, RATE, WAV_BYTES(N, 1), NULL, 0);
	assert_accepted(f, N);
	for (size_t i = 0; i < SPA_N_ELEMENTS(bad); i++) {
		frames[N - 1] = bad[i];
		make_fixture_write_wav(f, "a.wav", frames, N, 1, RATE, WAV_BYTES(N, 1), NULL, 0);
		assert_refused(f, -1, -EBADMSG, "a.wav: has samples beyond 1e+12");
	}
}

static void a_memfd_that_shrinks_between_header_and_samples_is_an_error(void **state)
{
	struct make_fixture *f = *state;
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_decoder *decoder;
	char bytes[WAV_BYTES(N, 1) + 44];
	int fd, mem = memfd_create("sound", 0);

	make_fixture_write_wav(f, "a.wav", ramp, N, 1, RATE, WAV_BYTES(N, 1), NULL, 0);
	fd = open(f->path, O_RDONLY);
	assert_int_equal(read(fd, bytes, sizeof(bytes)), sizeof(bytes));
	close(fd);
	assert_int_equal(write(mem, bytes, sizeof(bytes)), sizeof(bytes));
	f->make.name = "sound";
	fd = dup(mem);
	decoder = segue_decoder_open(&f->make, NULL, &fd, 1, &options);
	assert_non_null(decoder);
	assert_int_equal(ftruncate(mem, 44 + WAV_BYTES(10, 1)), 0);
	assert_null(segue_sample_decode(&f->make, decoder, &options));
	assert_string_equal(f->make.error.message, "sound: ends after 10 of 1000 frames");
	assert_int_equal(f->make.error.res, -EBADMSG);
	segue_decoder_free(decoder);
	close(mem);
}

static void the_owners_place_in_a_file_is_left_alone(void **state)
{
	struct make_fixture *f = *state;
	struct segue_sample *sample;
	int fd;

	make_fixture_write_wav(f, "a.wav", ramp, N, 1, RATE, WAV_BYTES(N, 1), NULL, 0);
	fd = open(f->path, O_RDONLY);
	assert_int_equal(lseek(fd, 17, SEEK_SET), 17);
	sample = load(f, &SEGUE_OPTIONS_INIT, dup(fd));
	assert_non_null(sample);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 17);
	make_fixture_free(f, sample);
	close(fd);
}

static void raw_samples_need_channels_rate_and_whole_frames(void **state)
{
	static const struct { uint32_t channels, rate; size_t size; int res; const char *message; } cases[] = {
		{ 0, RATE, 4000, -EINVAL, "raw: channels: 1 to 64 are needed, not 0" },
		{ 65, RATE, 4000, -EINVAL, "raw: channels: 1 to 64 are needed, not 65" },
		{ 1, 0, 4000, -EINVAL, "raw: rate: 1000 to 768000 Hz are needed, not 0" },
		{ 2, RATE, 4004, -EBADMSG, "raw: 4004 bytes aren't whole frames of 2 channels" },
		{ 2, RATE, 0, -EBADMSG, "raw: is empty" },
	};
	struct make_fixture *f = *state;

	f->make.name = "raw";
	for (size_t i = 0; i < SPA_N_ELEMENTS(cases); i++) {
		struct segue_options options = SEGUE_OPTIONS_INIT;

		options.import_channels = cases[i].channels;
		options.import_rate = cases[i].rate;
		make_fixture_write(f, "raw", ramp, cases[i].size);
		assert_null(segue_decoder_open_raw(&f->make, open(f->path, O_RDONLY), &options));
		assert_string_equal(f->make.error.message, cases[i].message);
		assert_int_equal(f->make.error.res, cases[i].res);
	}
}

static void the_limits_of_a_make_and_of_the_budget_are_errors_with_both_sizes(void **state)
{
	struct make_fixture *f = *state;
	static float frames[100000];

	make_fixture_write_wav(f, "a.wav", frames, 100000, 1, RATE, WAV_BYTES(100000, 1), NULL, 0);
	f->make.bytes_max = 1000;
	assert_null(load(f, &SEGUE_OPTIONS_INIT, -1));
	assert_int_equal(f->make.error.res, -EDQUOT);
	assert_non_null(strstr(f->make.error.message, "a.wav: needs 400"));
	assert_non_null(strstr(f->make.error.message, " bytes, over its limit of 1000"));
	f->make.bytes_max = 0;
	/* a budget for each allocation but the last, and so on: fails in turn, until it is enough */
	for (size_t max = 0; ; max += 50000) {
		struct segue_sample *sample;

		segue_memory_set_max(f->memory, max);
		if ((sample = load(f, &SEGUE_OPTIONS_INIT, -1)) != NULL) {
			assert_true(max > 400000);
			make_fixture_free(f, sample);
			break;
		}
		assert_int_equal(f->make.error.res, -EDQUOT);
		assert_int_equal(make_fixture_bytes(f), 0);
		assert_true(max < 2000000);
	}
}

static void a_cancelled_decode_ends_with_nothing_held(void **state)
{
	struct make_fixture *f = *state;
	struct segue_job job = { .cancelled = 0 };
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_decoder *decoder;
	const char *path = f->path;

	make_fixture_write_wav(f, "a.wav", ramp, N, 1, RATE, WAV_BYTES(N, 1), NULL, 0);
	f->make.job = &job;
	decoder = segue_decoder_open(&f->make, &path, NULL, 1, &options);
	assert_non_null(decoder);
	job.cancelled = 1;
	assert_null(segue_sample_decode(&f->make, decoder, &options));
	assert_int_equal(f->make.error.res, -ECANCELED);
	segue_decoder_free(decoder);
	assert_null(segue_decoder_open(&f->make, &path, NULL, 1, &options));
	assert_int_equal(f->make.error.res, -ECANCELED);
}

static void what_debian_ships_can_be_loaded(void **state)
{
	static const char *const paths[] = {
		"/usr/share/sounds/alsa/Front_Center.wav", "/usr/share/sounds/alsa/Noise.wav",
		"/usr/share/sounds/freedesktop/stereo/bell.oga",
		"/usr/share/sounds/freedesktop/stereo/complete.oga",
	};
	struct make_fixture *f = *state;
	size_t i, n = 0;

	for (i = 0; i < SPA_N_ELEMENTS(paths); i++) {
		struct segue_sample *sample;

		if (access(paths[i], R_OK) < 0)
			continue;
		n++;
		strcpy(f->path, paths[i]);
		sample = load(f, &SEGUE_OPTIONS_INIT, -1);
		assert_non_null(sample);
		assert_in_range(sample->n_frames, 1000, 1000000);
		assert_true(segue_buffer_peak(&sample->buffer) > 0.01f);
		make_fixture_free(f, sample);
	}
	if (n == 0) {
		print_message("neither alsa-utils nor sound-theme-freedesktop is installed\n");
		skip();
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_fixture_setup, make_fixture_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(what_is_not_a_regular_file_is_named),
		TEST(what_may_not_be_read_is_refused),
		TEST(what_is_not_sound_is_told_by_its_first_bytes),
		TEST(headers_with_absurd_numbers_are_refused),
		TEST(a_truncated_file_is_refused),
		TEST(a_truncated_flac_is_refused_although_its_length_comes_from_its_header),
		TEST(what_was_written_to_a_pipe_with_its_size_left_open_is_accepted),
		TEST(samples_that_are_not_numbers_are_refused),
		TEST(samples_too_large_to_reckon_with_are_refused),
		TEST(a_memfd_that_shrinks_between_header_and_samples_is_an_error),
		TEST(the_owners_place_in_a_file_is_left_alone),
		TEST(raw_samples_need_channels_rate_and_whole_frames),
		TEST(the_limits_of_a_make_and_of_the_budget_are_errors_with_both_sizes),
		TEST(a_cancelled_decode_ends_with_nothing_held),
		TEST(what_debian_ships_can_be_loaded),
	};

	for (uint32_t i = 0; i < SPA_N_ELEMENTS(ramp); i++)
		ramp[i] = (float)i / SPA_N_ELEMENTS(ramp);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
