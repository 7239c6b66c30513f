/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "rt/source.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <spa/utils/defs.h>

#include "fixture.h"

/* However frames are cut into cycles, notes sound the same bit by bit: on tables and samples, held, falling and
 * moving, alone and in a fade. */

#define N_FRAMES	20000u
#define N_OUTPUTS	2u
#define N_NOTES		24u
#define ROOT		60u

static const uint32_t quanta[] = { 1, 63, 64, 100, 128, 256, 480, 1024, 8192, 0 };	/* 0: random */

/* One part for all of them: keys near the root, on which samples are copied, bends and pans. */
static struct score compose(void)
{
	struct fixture f = { .n_channels = 0 };

	for (uint32_t i = 0, frame = 0; i < N_NOTES; i++) {
		uint8_t key = i % 2 == 0 ? ROOT : 48 + random_below(24);

		add_midi(&f, frame += random_below(900), 0x90, key, 1 + random_below(127));
		if (i % 5 == 4)
			add_midi(&f, frame += random_below(400), 0xb0, 10, random_below(128));
		if (i % 7 == 6)
			add_midi(&f, frame += random_below(400), 0xe0, random_below(128), random_below(128));
		if (i % 3 != 0)
			add_midi(&f, frame += random_below(500), 0x80, key, 0);
	}
	return f.score;
}

/* \param panned  from the first frame on: nothing is at unity then */
static void play(const struct score *part, struct segue_buffer *const buffers[2], bool panned, uint32_t quantum,
		float out[N_OUTPUTS][N_FRAMES])
{
	struct fixture f;

	fixture_init_keys(&f, N_OUTPUTS, buffers[0]);
	send_value(&f, SEGUE_SOURCE_ATTACK, 0, 0.003);
	send_value(&f, SEGUE_SOURCE_DECAY, 0, 0.3);
	send_value(&f, SEGUE_SOURCE_SUSTAIN, 0, 0.4);
	send_value(&f, SEGUE_SOURCE_RELEASE, 0, 0.1);
	send_swap(&f, buffers[1], 0.05, START + 9000, 0);
	if (panned)
		add_midi(&f, 0, 0xb0, 10, 20);
	for (uint32_t i = 0; i < part->n_events; i++)
		add_bytes(&f, part->events[i].frame, part->events[i].type, part->events[i].bytes, part->events[i].size);
	run_frames(&f, out[0], N_FRAMES, quantum);
	fixture_clear(&f);
}

static void cycles_of_any_length_sound_the_same(void **state)
{
	struct segue_sample *sample = new_noise(2, RATE, 5000), *other = new_noise(1, 44100, 30000);
	struct segue_table *saw = new_table(1, (const double[]) { 1.0, 0.5, 0.3, 0.25, 0.2, 0.1, 0.1, 0.1 }, 8);
	struct segue_buffer *const buffers[][2] = {
		{ &sample->buffer, &other->buffer },
		{ &other->buffer, &saw->buffer },
		{ &saw->buffer, &sample->buffer },
	};
	float (*out)[N_OUTPUTS][N_FRAMES] = malloc(2 * sizeof(*out));
	struct score part = compose();

	assert_non_null(out);
	set_loop(sample, 1000, 4321);
	sample->root_key = other->root_key = ROOT;
	for (size_t k = 0; k < 2 * SPA_N_ELEMENTS(buffers); k++) {
		play(&part, buffers[k / 2], k % 2, 64, out[0]);
		for (size_t q = 0; q < SPA_N_ELEMENTS(quanta); q++) {
			play(&part, buffers[k / 2], k % 2, quanta[q], out[1]);
			assert_memory_equal(out[0], out[1], sizeof(*out));
		}
	}
	free(part.events);
	free(out);
	free_sample(sample);
	free_sample(other);
	free_table(saw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cycles_of_any_length_sound_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
