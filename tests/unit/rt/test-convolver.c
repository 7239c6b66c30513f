/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "rt/convolver.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <spa/utils/defs.h>

#include "convolver-fixture.h"

#define SNR_MIN		120.0	/* dB */

static const uint32_t quanta[] = { 1, 16, 63, 64, 480, 1024, 8192, 0 };
static const uint32_t at_random = 0;

/* All outputs of one response from a standing start, in cycles of each of the quanta. */
static void assert_convolves(uint32_t n_in, uint32_t n_out, uint32_t n_channels, uint64_t length,
		uint32_t n_frames, const uint32_t *cycles, uint32_t n_cycles, const struct segue_vector *vector)
{
	double *expected[CHANNELS] = { NULL };
	uint32_t o, q;

	for (q = 0; q < n_cycles; q++) {
		struct fixture f;
		struct room room;

		fixture_init(&f, n_in, n_out, length, n_frames, vector);
		room = new_room(&f, n_channels, length, 1);
		send_room(&f, &room, 0.0, SEGUE_NOW);
		segue_convolver_settle(f.conv);
		run_frames(&f, n_frames, cycles[q]);
		for (o = 0; o < n_out; o++) {
			if (q == 0)
				expected[o] = convolve(&f, &room, o, 0);
			assert_at_least(snr(f.out[o], expected[o], n_frames), SNR_MIN);
		}
		fixture_clear(&f, &room, 1);
	}
	for (o = 0; o < n_out; o++)
		free(expected[o]);
}

static void the_reference_equals_the_direct_sum(void **state)
{
	struct fixture f;
	struct room room;
	double *fast;

	fixture_init(&f, 2, 2, 60000, 90000, NULL);
	room = new_room(&f, 4, 60000, 3);
	for (uint32_t o = 0; o < 2; o++) {
		fast = convolve(&f, &room, o, 1000);
		for (uint32_t i = 0; i < 20; i++) {
			uint32_t frame = 1000 + random_below(89000);

			assert_true(fabs(fast[frame] - convolve_frame(&f, &room, o, 1000, frame)) < 1e-9);
		}
		free(fast);
	}
	fixture_clear(&f, &room, 1);
}

static void every_length_and_every_quantum_give_the_convolution(void **state)
{
	static const uint32_t lengths[] = { 1, 2, 63, 64, 65, 1000 };

	for (size_t i = 0; i < SPA_N_ELEMENTS(lengths); i++)
		assert_convolves(1, 1, 1, lengths[i], 20000, quanta, SPA_N_ELEMENTS(quanta), NULL);
}

static void a_second_of_response_gives_the_convolution(void **state)
{
	assert_convolves(2, 2, 4, 48000, 110000, quanta, SPA_N_ELEMENTS(quanta), NULL);
}

static void ten_seconds_of_response_give_the_convolution(void **state)
{
	assert_convolves(1, 1, 1, 480000, 520000, &at_random, 1, NULL);
}

static void every_number_of_channels_gives_the_convolution(void **state)
{
	static const struct {
		uint32_t n_in, n_out, n_channels;
	} cases[] = { { 2, 2, 1 }, { 2, 2, 2 }, { 2, 2, 4 }, { 8, 8, 8 }, { 8, 8, 64 }, { 1, 2, 2 }, { 3, 1, 3 } };

	for (size_t i = 0; i < SPA_N_ELEMENTS(cases); i++)
		assert_convolves(cases[i].n_in, cases[i].n_out, cases[i].n_channels, 5000, 12000, &at_random, 1,
				NULL);
}

static void plain_code_gives_the_convolution(void **state)
{
	assert_convolves(2, 2, 4, 48000, 110000, &at_random, 1, &segue_vector_portable);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reference_equals_the_direct_sum),
		cmocka_unit_test(every_length_and_every_quantum_give_the_convolution),
		cmocka_unit_test(a_second_of_response_gives_the_convolution),
		cmocka_unit_test(ten_seconds_of_response_give_the_convolution),
		cmocka_unit_test(every_number_of_channels_gives_the_convolution),
		cmocka_unit_test(plain_code_gives_the_convolution),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
