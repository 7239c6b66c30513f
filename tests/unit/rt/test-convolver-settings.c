/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "rt/convolver.h"

#include <float.h>
#include <malloc.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <spa/utils/defs.h>

#include "convolver-fixture.h"

#define ERROR_MIN	120.0	/* dB below the peak */
#define LENGTH		700u
#define N_FRAMES	20000u
#define RAMP		240u	/* frames of 5 ms */

static void start(struct fixture *f, struct room *room, uint32_t quantum, uint32_t n_frames)
{
	fixture_init(f, 2, 2, LENGTH, N_FRAMES, NULL);
	*room = new_room(f, 4, LENGTH, 5);
	send_room(f, room, 0.0, SEGUE_NOW);
	segue_convolver_settle(f->conv);
	run_frames(f, n_frames, quantum);
}

/* value = plain * in + convolved * response, from one frame on */
static void assert_mix(const struct fixture *f, const struct room *room, uint32_t output, double plain,
		double convolved, uint32_t from)
{
	double *expected = convolve(f, room, output, 0);

	for (uint32_t i = 0; i < N_FRAMES; i++)
		expected[i] = convolved * expected[i] + plain * f->in[output][i];
	assert_at_least(peak_error(f->out[output] + from, expected + from, f->n_done - from), ERROR_MIN);
	free(expected);
}

static void settings_set_the_levels(void **state)
{
	struct room room;
	struct fixture f;

	start(&f, &room, 480, 5000);
	send_value(&f, SEGUE_CONVOLVER_WET, 0, 0.5);
	send_value(&f, SEGUE_CONVOLVER_DRY, 0, 0.25);
	send_value(&f, SEGUE_CONVOLVER_GAIN, 0, 3.0);
	send_value(&f, SEGUE_CONVOLVER_VOLUME, 1, 0.1);
	run_frames(&f, 15000, 0);
	assert_mix(&f, &room, 0, 0.75, 1.5, 5000 + RAMP);
	assert_mix(&f, &room, 1, 0.075, 0.15, 5000 + RAMP);
	fixture_clear(&f, &room, 1);
}

static void levels_are_ramped_once_it_runs(void **state)
{
	struct room room;
	double *expected;
	struct fixture f;

	start(&f, &room, 480, 5000);
	send_value(&f, SEGUE_CONVOLVER_WET, 0, 0.0);
	run_frames(&f, RAMP, 0);
	expected = convolve(&f, &room, 0, 0);
	for (uint32_t i = 0; i < RAMP; i++)
		expected[5000 + i] *= 1.0 - (i + 1.0) / (RAMP + 1.0);
	assert_at_least(peak_error(f.out[0] + 5000, expected + 5000, RAMP), ERROR_MIN);
	free(expected);
	fixture_clear(&f, &room, 1);
}

static void before_the_first_cycle_nothing_is_ramped(void **state)
{
	struct room room;
	struct fixture f;

	start(&f, &room, 480, 0);
	send_value(&f, SEGUE_CONVOLVER_WET, 0, 0.5);
	run_frames(&f, N_FRAMES, 480);
	assert_mix(&f, &room, 0, 0.0, 0.5, 0);
	fixture_clear(&f, &room, 1);
}

static void bypassed_the_input_passes_as_it_is(void **state)
{
	struct room room;
	struct fixture f;

	start(&f, &room, 480, 5000);
	send_value(&f, SEGUE_CONVOLVER_GAIN, 0, 3.0);
	send_value(&f, SEGUE_CONVOLVER_BYPASS, 10000, 1.0);
	run_frames(&f, 6000, 100);
	assert_mix(&f, &room, 0, 1.0, 0.0, 5000 + 480);
	/* and the history is kept */
	send_value(&f, SEGUE_CONVOLVER_BYPASS, 10000, 0.0);
	run_frames(&f, 9000, 64);
	assert_mix(&f, &room, 0, 0.0, 3.0, 11000 + 480);
	fixture_clear(&f, &room, 1);
}

static void a_port_without_a_link_is_silence(void **state)
{
	struct room room;
	struct fixture f;
	const float *in[2] = { NULL, NULL };
	float values[64], *out[2] = { values, NULL };

	start(&f, &room, 64, 6400);
	for (uint32_t i = 0; i < 20; i++) {
		f.clock.duration = 64;
		segue_convolver_process(f.conv, &f.clock, in, out, 64);
		f.clock.position += 64;
		f.clock.nsec += 64 * SPA_NSEC_PER_SEC / RATE;
	}
	for (uint32_t i = 0; i < 64; i++)
		assert_true(fabsf(values[i]) < 1e-5f);
	fixture_clear(&f, &room, 1);
}

static void input_and_output_may_be_the_same_memory(void **state)
{
	struct room room;
	double *expected;
	struct fixture f;

	start(&f, &room, 64, 0);
	expected = convolve(&f, &room, 0, 0);
	for (uint32_t c = 0; c < 2; c++) {
		free(f.out[c]);
		f.out[c] = f.in[c];
	}
	run_frames(&f, N_FRAMES, 0);
	assert_at_least(peak_error(f.in[0], expected, N_FRAMES), ERROR_MIN);
	f.out[0] = f.out[1] = NULL;
	free(expected);
	fixture_clear(&f, &room, 1);
}

static void denormals_are_flushed_inside_and_only_there(void **state)
{
	volatile float tiny = FLT_MIN;
	struct room room;
	struct fixture f;

	start(&f, &room, 64, 6400);
	tiny /= 4.0f;
	assert_true(tiny > 0.0f);
	memset(f.in[0] + 6400, 0, (N_FRAMES - 6400) * sizeof(float));
	f.in[0][7000] = 1e-39f;
	memset(f.in[1] + 6400, 0, (N_FRAMES - 6400) * sizeof(float));
	run_frames(&f, N_FRAMES - 6400, 63);
	for (uint32_t i = 7100; i < N_FRAMES; i++)
		assert_false(fpclassify(f.out[0][i]) == FP_SUBNORMAL);
	fixture_clear(&f, &room, 1);
}

static uint32_t n_allocated;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/* what the transforms' library allocates with */
void *memalign(size_t alignment, size_t size)
{
	n_allocated++;
	return aligned_alloc(alignment, size);
}
#endif

static void cycles_and_swaps_allocate_nothing(void **state)
{
	struct room rooms[2];
	struct mallinfo2 before;
	uint32_t count;
	struct fixture f;

	fixture_init(&f, 2, 2, 60000, 60000, NULL);
	rooms[0] = new_room(&f, 4, 60000, 1);
	rooms[1] = new_room(&f, 2, 3000, 2);
	send_room(&f, &rooms[0], 0.0, SEGUE_NOW);
	send_room(&f, &rooms[1], 0.01, START + 40000);
	before = mallinfo2();
	count = n_allocated;
	run_frames(&f, 60000, 0);
	assert_int_equal(n_allocated, count);
	assert_int_equal(mallinfo2().uordblks, before.uordblks);
	fixture_clear(&f, rooms, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_set_the_levels),
		cmocka_unit_test(levels_are_ramped_once_it_runs),
		cmocka_unit_test(before_the_first_cycle_nothing_is_ramped),
		cmocka_unit_test(bypassed_the_input_passes_as_it_is),
		cmocka_unit_test(a_port_without_a_link_is_silence),
		cmocka_unit_test(input_and_output_may_be_the_same_memory),
		cmocka_unit_test(denormals_are_flushed_inside_and_only_there),
		cmocka_unit_test(cycles_and_swaps_allocate_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
