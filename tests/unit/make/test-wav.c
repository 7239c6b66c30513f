/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "make-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <spa/utils/defs.h>

#include "make/layout.h"

static int memory_file(void)
{
	int fd = memfd_create("wav", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static struct segue_sample *make_sample(struct make_fixture *f, uint32_t n_channels, uint64_t n_frames, uint32_t rate)
{
	struct segue_sample *sample = segue_sample_new(&f->make, n_channels, n_frames, rate);

	assert_non_null(sample);
	for (uint32_t c = 0; c < n_channels; c++)
		for (uint64_t i = 0; i < n_frames; i++)
			sample->data[c][i] = 3.0f * sinf(0.01f * (c + 1) * i + c);	/* beyond full scale, too */
	return sample;
}

/* As the file has it; the descriptor is used up. */
static struct segue_sample *decode(struct make_fixture *f, int fd)
{
	struct segue_options options = SEGUE_OPTIONS_INIT;
	struct segue_decoder *decoder;
	struct segue_sample *sample;

	options.loop = SEGUE_LOOP_OPTION_FILE;
	if ((decoder = segue_decoder_open(&f->make, NULL, &fd, 1, &options)) == NULL)
		fail_msg("%s", f->make.error.message);
	sample = segue_sample_decode(&f->make, decoder, &options);
	assert_non_null(sample);
	segue_decoder_free(decoder);
	return sample;
}

static void assert_same(const struct segue_sample *a, const struct segue_sample *b)
{
	assert_int_equal(a->n_channels, b->n_channels);
	assert_int_equal(a->rate, b->rate);
	assert_int_equal(a->n_frames, b->n_frames);
	assert_int_equal(a->root_key, b->root_key);
	assert_int_equal(a->loop, b->loop);
	assert_int_equal(a->loop_start, b->loop_start);
	assert_int_equal(a->loop_end, b->loop_end);
	for (uint32_t c = 0; c < a->n_channels; c++)
		assert_memory_equal(a->data[c], b->data[c], a->n_frames * sizeof(float));
}

static void a_sample_is_read_back_as_it_was(void **state)
{
	static const struct {
		uint32_t n_channels, rate;
		uint64_t n_frames, loop_start, loop_end;
		uint32_t root_key;
	} cases[] = {
		{ 1, 48000, 1, 0, 0, 60 },
		{ 2, 44100, 4096, 0, 4096, 0 },
		{ 14, 96000, 4097, 100, 4096, 127 },
		{ 64, 8000, 9000, 8999, 9000, 61 },
		{ 1, 768000, 100, 0, 1, 60 },
	};
	struct make_fixture *f = *state;

	for (size_t i = 0; i < SPA_N_ELEMENTS(cases); i++) {
		struct segue_sample *sample = make_sample(f, cases[i].n_channels, cases[i].n_frames, cases[i].rate);
		struct segue_sample *again;
		int fd = memory_file();

		sample->root_key = cases[i].root_key;
		sample->loop = cases[i].loop_end > 0 ? SEGUE_LOOP_FORWARD : SEGUE_LOOP_NONE;
		sample->loop_start = cases[i].loop_start;
		sample->loop_end = cases[i].loop_end;
		assert_int_equal(segue_wav_write(&f->make, sample, fd), 0);
		again = decode(f, fd);
		assert_same(again, sample);
		make_fixture_free(f, again);
		make_fixture_free(f, sample);
	}
}

static void assert_same_levels(const struct segue_table *a, const struct segue_table *b)
{
	assert_int_equal(a->n_levels, b->n_levels);
	for (uint32_t i = 0; i < a->n_levels; i++) {
		assert_int_equal(a->levels[i].n_partials, b->levels[i].n_partials);
		assert_int_equal(a->levels[i].n_frames, b->levels[i].n_frames);
		for (uint32_t k = 0; k < a->levels[i].n_frames; k++)
			assert_true(fabsf(a->levels[i].data[k] - b->levels[i].data[k]) < 2e-6f);
	}
}

static void a_table_is_read_back_with_the_same_levels(void **state)
{
	static const char *const waves[] = { "sine", "saw", "harmonics:1,0,0.3,-0.2,0.1", "triangle" };
	struct make_fixture *f = *state;

	for (size_t i = 0; i < SPA_N_ELEMENTS(waves); i++) {
		struct segue_options options = SEGUE_OPTIONS_INIT;
		struct segue_buffer *table;
		struct segue_sample *period, *read;
		struct segue_table *again;
		int fd = memory_file();

		options.gain = 0.8;
		table = segue_wave_make(&f->make, waves[i], &options, 48000);
		assert_non_null(table);
		period = segue_sample_from_table(&f->make, (struct segue_table *)table);
		assert_non_null(period);
		assert_int_equal(segue_wav_write(&f->make, period, fd), 0);
		read = decode(f, fd);
		again = segue_table_from_sample(&f->make, read);
		assert_non_null(again);
		assert_same_levels(again, (struct segue_table *)table);
		make_fixture_free(f, again);
		make_fixture_free(f, read);
		make_fixture_free(f, period);
		make_fixture_free(f, table);
	}
}

static void where_there_is_no_room_it_says_so(void **state)
{
	struct make_fixture *f = *state;
	struct segue_sample *sample = make_sample(f, 2, 20000, 48000);
	struct rlimit before, limit;
	int fd = memory_file();

	/* a file that may not grow stands for a full disk */
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	for (rlim_t room = 0; room < 160000; room += 40000) {
		limit = (struct rlimit) { room, before.rlim_max };
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		assert_int_equal(segue_wav_write(&f->make, sample, fd), -EDQUOT);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
		assert_non_null(strstr(f->make.error.message, "can't be written: "));
	}
	signal(SIGXFSZ, SIG_DFL);
	close(fd);
	make_fixture_free(f, sample);
}

static void a_file_that_cannot_be_written_is_refused(void **state)
{
	struct make_fixture *f = *state;
	struct segue_sample *sample = make_sample(f, 1, 10, 48000);
	int fd, fds[2];

	make_fixture_write(f, "full", "x", 1);
	fd = open(f->path, O_RDWR);
	assert_int_equal(segue_wav_write(&f->make, sample, fd), -EINVAL);
	close(fd);
	fd = open(f->path, O_RDONLY);
	assert_int_equal(segue_wav_write(&f->make, sample, fd), -EACCES);
	close(fd);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(segue_wav_write(&f->make, sample, fds[1]), -EINVAL);
	close(fds[0]);
	close(fds[1]);
	make_fixture_free(f, sample);
}

#define test(name)	cmocka_unit_test_setup_teardown(name, make_fixture_setup, make_fixture_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		test(a_sample_is_read_back_as_it_was),
		test(a_table_is_read_back_with_the_same_levels),
		test(where_there_is_no_room_it_says_so),
		test(a_file_that_cannot_be_written_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
