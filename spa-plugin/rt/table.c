/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "table.h"

#include <spa/utils/defs.h>

#include "hermite.h"
#include "ramp.h"

/* Of a positive value. floor() would be a call on machines whose baseline lacks the instruction. */
SEGUE_DATA_LOOP static double fraction(double x)
{
	return x - (double)(int32_t)x;
}

SEGUE_DATA_LOOP static double phase_at(const struct segue_phase *phase, uint32_t i)
{
	/* signed, because that is what converts in one instruction */
	return fraction(phase->anchor + (double)(int32_t)(phase->n_frames + i) * phase->step);
}

SEGUE_DATA_LOOP static void move_anchor(struct segue_phase *phase)
{
	phase->anchor = phase_at(phase, 0);
	phase->n_frames = 0;
}

SEGUE_DATA_LOOP static void choose_pitch(struct segue_phase *phase)
{
	phase->pitch_before = phase->pitch;
	phase->pitch = segue_pitch_choose(phase->pitch, phase->step);
	if (phase->pitch_before == 0.0)
		phase->pitch_before = phase->pitch;
}

void segue_phase_set_frequency(struct segue_phase *phase, double frequency, uint32_t rate)
{
	move_anchor(phase);
	phase->step = SPA_MIN(frequency / rate, SEGUE_BAND);
}

void segue_phase_settle(struct segue_phase *phase)
{
	phase->pitch = phase->pitch_before = phase->step;
}

uint32_t segue_phase_block_left(const struct segue_phase *phase)
{
	return SEGUE_BLOCK_FRAMES - phase->place;
}

SEGUE_DATA_LOOP static void begin_block(struct segue_phase *phase)
{
	move_anchor(phase);
	choose_pitch(phase);
}

SEGUE_DATA_LOOP static void advance(struct segue_phase *phase, uint32_t n_frames)
{
	phase->n_frames += n_frames;
	phase->place = (phase->place + n_frames) % SEGUE_BLOCK_FRAMES;
}

void segue_phase_run(struct segue_phase *phase, uint32_t n_frames, struct segue_turns *ret)
{
	if (phase->place == 0)
		begin_block(phase);
	ret->n_frames = n_frames;
	ret->place = phase->place;
	ret->pitch = phase->pitch;
	ret->pitch_before = phase->pitch_before;
	for (uint32_t i = 0; i < n_frames; i++)
		ret->turns[i] = phase_at(phase, i);
	advance(phase, n_frames);
}

void segue_phase_skip(struct segue_phase *phase, uint32_t n_frames)
{
	for (uint32_t n; n_frames > 0; n_frames -= n) {
		n = SPA_MIN(n_frames, segue_phase_block_left(phase));
		if (phase->place == 0)
			begin_block(phase);
		advance(phase, n);
	}
}

uint32_t segue_table_find_level(const struct segue_table *table, double pitch)
{
	uint32_t level = 0;

	/* channel 0's, because all have the same */
	while (level < table->n_levels - 1 && table->levels[level].n_partials * pitch > SEGUE_BAND)
		level++;
	return level;
}

SEGUE_DATA_LOOP static float read_level(const struct segue_table_level *level, double turn)
{
	double place = turn * (int32_t)level->n_frames;
	int32_t frame = (int32_t)place;

	return segue_hermite(level->data + frame - 1, (float)(place - frame));
}

void segue_table_read(const struct segue_table *table, uint32_t channel, const struct segue_turns *turns,
		float *ret)
{
	const struct segue_table_level *levels = &table->levels[channel * table->n_levels];
	const struct segue_table_level *level = &levels[segue_table_find_level(table, turns->pitch)];
	const struct segue_table_level *before = &levels[segue_table_find_level(table, turns->pitch_before)];
	uint32_t i;

	for (i = 0; i < turns->n_frames; i++)
		ret[i] = read_level(level, turns->turns[i]);
	if (before == level)
		return;
	for (i = 0; i < turns->n_frames; i++) {
		double g = segue_smooth((turns->place + i + 1) / (SEGUE_BLOCK_FRAMES + 1.0));

		ret[i] = (float)((1.0 - g) * read_level(before, turns->turns[i]) + g * ret[i]);
	}
}
