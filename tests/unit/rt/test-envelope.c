/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "rt/envelope.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <spa/utils/defs.h>

#include "fixture.h"

#define N_FRAMES	30000u

struct shape {
	uint32_t attack, decay;		/* frames */
	double sustain;
	uint32_t release;
};

static const struct shape shapes[] = {
	{ 0, 0, 1.0, 0 }, { 0, 0, 1.0, 2400 }, { 240, 0, 1.0, 2400 }, { 1, 1, 0.5, 1 }, { 77, 1000, 0.25, 63 },
	{ 4800, 4800, 0.0, 4800 }, { 0, 4800, 0.0, 100 }, { 100, 100, 0.001, 100 }, { 0, 9600, 0.999, 64 },
	{ 64, 64, 0.5, 64 }, { 10, 0, 0.3, 480 },
};

static double fall(double frame, uint32_t n)
{
	return pow(10.0, -3.0 * frame / n);
}

static double held(const struct shape *s, uint32_t i)
{
	if (i < s->attack)
		return (i + 1.0) / (s->attack + 1.0);
	i -= s->attack;
	if (s->sustain > 0.0 || i < s->decay)
		return s->sustain + (1.0 - s->sustain) * (s->decay > 0 ? fall(i, s->decay) : 0.0);
	return s->decay > 0 ? 0.001 * last_5_ms(i - s->decay) : 0.0;
}

static double released(const struct shape *s, uint32_t at, uint32_t i)
{
	double from = held(s, at);

	if (s->sustain == 0.0 && at >= s->attack + s->decay)
		return held(s, i);	/* it had ended before */
	i -= at;
	if (s->release == 0)
		return from * last_5_ms(i);
	return i < s->release ? from * fall(i, s->release) : 0.001 * from * last_5_ms(i - s->release);
}

/* \param at  of how many frames it is, since the engine's first */
static void run(struct segue_envelope *e, uint32_t at, float *ret, uint32_t n_frames, bool random)
{
	uint32_t done, n, left;

	for (done = 0; done < n_frames; done += n) {
		left = SEGUE_BLOCK_FRAMES - (at + done) % SEGUE_BLOCK_FRAMES;
		n = SPA_MIN(n_frames - done, random ? 1 + random_below(left) : left);
		segue_envelope_run(e, segue_loops_best(), RATE, (at + done) % SEGUE_BLOCK_FRAMES, ret + done, n);
	}
}

static void start(struct segue_envelope *e, const struct shape *s)
{
	segue_envelope_start(e, &(struct segue_envelope_shape) { (float)s->attack / RATE, (float)s->decay / RATE,
			(float)s->sustain, (float)s->release / RATE }, RATE);
}

static void every_stage_is_its_formula(void **state)
{
	static const uint32_t times[] = { 0, 1, 63, 100, 500, 5000, 11000, 20000 };
	static float values[N_FRAMES], cut[N_FRAMES];

	for (size_t k = 0; k < SPA_N_ELEMENTS(shapes); k++) {
		for (size_t t = 0; t < SPA_N_ELEMENTS(times); t++) {
			struct segue_envelope e, other;
			uint32_t first = random_below(SEGUE_BLOCK_FRAMES);

			start(&e, &shapes[k]);
			start(&other, &shapes[k]);
			run(&e, first, values, times[t], false);
			run(&other, first, cut, times[t], true);
			segue_envelope_release(&e, RATE);
			segue_envelope_release(&other, RATE);
			run(&e, first + times[t], values + times[t], N_FRAMES - times[t], false);
			run(&other, first + times[t], cut + times[t], N_FRAMES - times[t], true);
			assert_memory_equal(values, cut, sizeof(values));
			for (uint32_t i = 0; i < N_FRAMES; i++)
				assert_near(values[i], i < times[t] ? held(&shapes[k], i) :
						released(&shapes[k], times[t], i), 2e-6);
			assert_int_equal(e.stage, SEGUE_STAGE_OVER);
			assert_true(values[N_FRAMES - 1] == 0.0f);
		}
	}
}

static void it_sustains_at_its_level_for_as_long_as_it_is_held(void **state)
{
	static float values[N_FRAMES];

	for (size_t k = 0; k < SPA_N_ELEMENTS(shapes); k++) {
		struct segue_envelope e;

		start(&e, &shapes[k]);
		run(&e, 0, values, N_FRAMES, false);
		if (shapes[k].sustain == 0.0) {
			assert_int_equal(e.stage, SEGUE_STAGE_OVER);
		} else {
			assert_int_equal(e.stage, SEGUE_STAGE_SUSTAIN);
			assert_true(values[N_FRAMES - 1] == (float)shapes[k].sustain);
		}
	}
}

static void cut_short_it_ends_in_5_ms_from_wherever_it_is(void **state)
{
	static const uint32_t times[] = { 0, 40, 240, 1000, 3000 };
	const struct shape s = { 240, 2400, 0.5, 4800 };
	float values[4000];

	for (size_t t = 0; t < SPA_N_ELEMENTS(times); t++) {
		struct segue_envelope e;

		start(&e, &s);
		run(&e, 0, values, times[t], false);
		if (times[t] == 3000) {
			segue_envelope_release(&e, RATE);
			run(&e, times[t], values, 100, false);
		}
		segue_envelope_end(&e, RATE);
		run(&e, 0, values, 100, false);
		segue_envelope_end(&e, RATE);	/* once is enough */
		segue_envelope_release(&e, RATE);
		run(&e, 100, values + 100, 200, false);
		for (uint32_t i = 0; i < 300; i++)
			assert_near(values[i], last_5_ms(i) * (times[t] < 3000 ? held(&s, times[t]) :
						released(&s, times[t], times[t] + 100)), 2e-6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_stage_is_its_formula),
		cmocka_unit_test(it_sustains_at_its_level_for_as_long_as_it_is_held),
		cmocka_unit_test(cut_short_it_ends_in_5_ms_from_wherever_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
