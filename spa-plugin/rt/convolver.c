/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "convolver.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <spa/utils/defs.h>

#include "denormals.h"
#include "level.h"
#include "ramp.h"
#include "swap.h"
#include "watch.h"
#include "wetdry.h"

#define DEFAULT_RATE		48000u	/* Hz, until a clock tells */
#define COMMANDS_PER_CYCLE	64u
#define RAMP_SEC		0.005
#define TICK			SEGUE_TICK_FRAMES

/* an input's tick before, this tick, and what a group of frames may read beyond it */
typedef float segue_line[2 * TICK + SEGUE_FIR_FRAMES];
typedef float segue_tail[SEGUE_TICK_FRAMES];

static const segue_tail silence;

struct segue_convolver {
	/* constant */
	uint32_t n_in, n_out;
	const struct segue_vector *vector;
	struct segue_handover *handover;
	struct segue_statistics *statistics;
	uint32_t n_levels;
	/* data loop */
	struct segue_level levels[SEGUE_LEVELS_MAX];
	struct segue_swap swap;
	struct segue_watch watch;
	uint32_t rate;
	bool has_run;			/* what is set from now on is ramped */
	struct segue_ticket *heard;	/* the swap's current one when last looked at ... */
	uint32_t lane;			/* ... and its lane; the next one's is the other */
	uint64_t frame;			/* frames since the start */
	uint64_t silent_before;		/* frames before this one count as silence */
	bool is_whole;			/* this tick's tails have all taps in them */
	struct segue_wetdry wetdry;
	segue_line *lines;		/* [input] */
	segue_tail *tails;		/* [lane * n_out + output]: this tick's */
};

/* --------------------------------------------------------------------- setup */

/* Lay the engine out in memory, or only count. */
static size_t lay_out(struct segue_convolver *conv, void *memory, const struct segue_convolver_config *config)
{
	size_t at = SPA_ROUND_UP_N(sizeof(*conv), (size_t)64);
	uint32_t i;

	conv->lines = SPA_PTROFF(memory, at, segue_line);
	at += SPA_ROUND_UP_N(config->n_in * sizeof(segue_line), (size_t)64);
	conv->tails = SPA_PTROFF(memory, at, segue_tail);
	at += SEGUE_LANES * config->n_out * sizeof(segue_tail);
	conv->n_levels = segue_levels_used(config->frames_max);
	for (i = 0; i < conv->n_levels; i++) {
		struct segue_level *level = &conv->levels[i];

		level->number = i;
		level->block = segue_levels[i].block;
		level->n_in = config->n_in;
		level->n_out = config->n_out;
		at += segue_level_init(level, memory != NULL ? SPA_PTROFF(memory, at, void) : NULL,
				segue_level_partitions(i, config->frames_max));
	}
	return at;
}

size_t segue_convolver_size(const struct segue_convolver_config *config)
{
	struct segue_convolver conv;

	/* and what aligning the caller's memory may take */
	return lay_out(&conv, NULL, config) + 64;
}

struct segue_convolver *segue_convolver_init(void *memory, const struct segue_convolver_config *config)
{
	struct segue_convolver *conv = SPA_PTR_ALIGN(memory, 64, struct segue_convolver);
	uint32_t i;

	lay_out(conv, conv, config);
	conv->n_in = config->n_in;
	conv->n_out = config->n_out;
	conv->vector = config->vector != NULL ? config->vector : segue_vector_best();
	conv->handover = config->handover;
	conv->statistics = config->statistics;
	for (i = 0; i < conv->n_levels; i++) {
		conv->levels[i].transform = &config->transforms->levels[i];
		conv->levels[i].vector = conv->vector;
		conv->levels[i].handover = config->handover;
	}
	segue_swap_init(&conv->swap, config->handover);
	conv->rate = DEFAULT_RATE;
	segue_wetdry_init(&conv->wetdry);
	return conv;
}

/* ------------------------------------------------------------------ commands */

SEGUE_DATA_LOOP static uint64_t count_frames(const struct segue_convolver *conv, double seconds)
{
	return conv->has_run ? (uint64_t)llround(seconds * conv->rate) : 0;
}

SEGUE_DATA_LOOP static const struct segue_response *response_of(const struct segue_ticket *ticket)
{
	return ticket != NULL ? (const struct segue_response *)ticket->buffer : NULL;
}

SEGUE_DATA_LOOP static void add_swap(struct segue_convolver *conv, struct segue_ticket *ticket)
{
	const struct segue_response *response = response_of(ticket);
	uint32_t lead = segue_swap_lead(response != NULL ? response->n_levels : 0);

	segue_swap_add(&conv->swap, ticket, lead, lead / 2);
}

SEGUE_DATA_LOOP static void obey(struct segue_convolver *conv, const struct segue_command *command)
{
	uint64_t n_frames = count_frames(conv, RAMP_SEC);

	switch (command->type) {
	case SEGUE_COMMAND_SWAP:
		add_swap(conv, command->ticket);
		break;
	case SEGUE_CONVOLVER_CANCEL:
		segue_swap_cancel(&conv->swap, command->data);
		break;
	case SEGUE_CONVOLVER_GAIN:
		segue_ramp_start(&conv->wetdry.gain, command->value, n_frames);
		break;
	case SEGUE_CONVOLVER_WET:
		segue_ramp_start(&conv->wetdry.wet, command->value, n_frames);
		break;
	case SEGUE_CONVOLVER_DRY:
		segue_ramp_start(&conv->wetdry.dry, command->value, n_frames);
		break;
	case SEGUE_CONVOLVER_BYPASS:
		segue_ramp_start(&conv->wetdry.bypass, command->value != 0.0 ? 0.0 : 1.0,
				count_frames(conv, command->key * 1e-6));
		break;
	case SEGUE_CONVOLVER_VOLUME:
		if (command->key < conv->n_out)
			segue_ramp_start(&conv->wetdry.volume[command->key], command->value, n_frames);
		break;
	}
}

SEGUE_DATA_LOOP static void take_commands(struct segue_convolver *conv, uint32_t n_max)
{
	struct segue_command command;

	while (n_max-- > 0 && segue_handover_take(conv->handover, &command))
		obey(conv, &command);
}

/* --------------------------------------------------------------------- lanes */

/* The next ticket keeps its lane when it becomes the current one. */
SEGUE_DATA_LOOP static void follow_swap(struct segue_convolver *conv)
{
	if (conv->heard == conv->swap.current)
		return;
	conv->heard = conv->swap.current;
	conv->lane = !conv->lane;
}

/* Who may sound in the block of n_frames that begins `wait` frames from now. The committed ticket has the lane
 * of the one that the running fade leaves: that is over before a level which both use begins its block. */
SEGUE_DATA_LOOP static void find_lanes(const struct segue_convolver *conv, uint64_t wait, uint32_t n_frames,
		struct segue_ticket *lanes[SEGUE_LANES])
{
	const struct segue_swap *swap = &conv->swap;
	struct segue_ticket *coming = swap->committed.ticket != NULL && swap->wait < wait + n_frames ?
		swap->committed.ticket : NULL;

	lanes[conv->lane] = swap->current;
	lanes[!conv->lane] = swap->next != NULL ? swap->next : coming;
	if (swap->next != NULL && segue_ramp_left(&swap->fade) <= wait)
		lanes[conv->lane] = coming;
}

/* --------------------------------------------------------------------- ticks */

SEGUE_DATA_LOOP static void make_lane_tails(struct segue_convolver *conv, uint32_t lane,
		const struct segue_response *response, uint64_t begin)
{
	segue_tail *tails = &conv->tails[lane * conv->n_out];
	uint32_t i, o;

	segue_level_convolve(&conv->levels[0], response, conv->is_whole ? 0 : 1, begin + TICK,
			conv->silent_before, tails);
	for (i = 1; i < response->n_levels; i++) {
		for (o = 0; o < conv->n_out; o++)
			segue_level_read(&conv->levels[i], lane, o, begin, conv->silent_before, tails[o]);
	}
}

/* What the levels give for this tick, to each that sounds in it. */
SEGUE_DATA_LOOP static void make_tails(struct segue_convolver *conv, uint64_t begin)
{
	struct segue_ticket *lanes[SEGUE_LANES];

	find_lanes(conv, 0, TICK, lanes);
	for (uint32_t lane = 0; lane < SEGUE_LANES; lane++) {
		const struct segue_response *response = response_of(lanes[lane]);

		if (response == NULL)
			continue;
		memset(conv->tails[lane * conv->n_out], 0, conv->n_out * sizeof(segue_tail));
		if (response->n_levels > 0)
			make_lane_tails(conv, lane, response, begin);
	}
}

SEGUE_DATA_LOOP static void write_history(struct segue_convolver *conv, uint64_t begin)
{
	uint32_t level, i;

	for (level = 0; level < conv->n_levels; level++) {
		for (i = 0; i < conv->n_in; i++)
			segue_level_write(&conv->levels[level], i, begin, conv->lines[i] + TICK);
	}
	segue_level_forward(&conv->levels[0], begin + TICK, conv->silent_before);
}

/* A tick begins, whose frames are all there when it is whole. */
SEGUE_DATA_LOOP static void begin_tick(struct segue_convolver *conv, bool is_whole)
{
	struct segue_ticket *lanes[SEGUE_LANES];
	uint32_t i;

	for (i = 1; i < conv->n_levels; i++) {
		struct segue_level *level = &conv->levels[i];

		if (segue_level_is_due(level, conv->frame)) {
			find_lanes(conv, level->block, level->block, lanes);
			segue_level_begin(level, conv->frame, conv->silent_before, lanes);
		}
		segue_level_work(level, conv->frame);
	}
	conv->is_whole = is_whole;
	if (is_whole)
		write_history(conv, conv->frame);
	make_tails(conv, conv->frame);
}

/* A tick is over; frame is that of the next one. */
SEGUE_DATA_LOOP static void end_tick(struct segue_convolver *conv)
{
	if (!conv->is_whole)
		write_history(conv, conv->frame - TICK);
	for (uint32_t i = 0; i < conv->n_in; i++)
		memcpy(conv->lines[i], conv->lines[i] + TICK, TICK * sizeof(float));
}

/* ----------------------------------------------------------------- rendering */

/* The first taps of one output, directly, added to its tail. */
SEGUE_DATA_LOOP static void add_head(struct segue_convolver *conv, const struct segue_response *response,
		uint32_t output, uint32_t offset, uint32_t n_frames, float *tail)
{
	uint32_t first = segue_response_input(response, output), i;
	float sum[2 * TICK] = { 0.0f };

	for (i = first; i < first + response->n_inputs && i < conv->n_in; i++)
		conv->vector->fir(sum, conv->lines[i] + TICK + offset, response->head +
				segue_response_path(response, i, output) * SEGUE_FIR_TAPS, n_frames);
	for (i = 0; i < n_frames; i++)
		tail[offset + i] += sum[i];
}

SEGUE_DATA_LOOP static void add_heads(struct segue_convolver *conv, uint32_t offset, uint32_t n_frames)
{
	const struct segue_ticket *tickets[SEGUE_LANES];
	uint32_t lane, o;

	tickets[conv->lane] = conv->swap.current;
	tickets[!conv->lane] = conv->swap.next;
	for (lane = 0; lane < SEGUE_LANES; lane++) {
		const struct segue_response *response = response_of(tickets[lane]);

		for (o = 0; response != NULL && response->n_levels > 0 && o < conv->n_out; o++)
			add_head(conv, response, o, offset, n_frames, conv->tails[lane * conv->n_out + o]);
	}
}

/* The mix of the two lanes; who has no response is silent. */
SEGUE_DATA_LOOP static void mix_lanes(const struct segue_convolver *conv, uint32_t output, uint32_t offset,
		uint32_t n_frames, const double weights[], float ret[])
{
	const float *old = silence, *new = silence;
	uint32_t i;

	if (response_of(conv->swap.current) != NULL)
		old = conv->tails[conv->lane * conv->n_out + output] + offset;
	if (response_of(conv->swap.next) != NULL)
		new = conv->tails[!conv->lane * conv->n_out + output] + offset;
	if (conv->swap.next == NULL) {
		memcpy(ret, old, n_frames * sizeof(float));
		return;
	}
	for (i = 0; i < n_frames; i++)
		ret[i] = (float)((1.0 - weights[i]) * old[i] + weights[i] * new[i]);
}

/* Render n_frames of one tick with the same current and next. */
SEGUE_DATA_LOOP static void render(struct segue_convolver *conv, float *const out[], uint32_t done,
		uint32_t offset, uint32_t n_frames)
{
	struct segue_wetdry_levels levels;
	double weights[TICK];
	segue_tail values;
	uint32_t o, i;

	if (!conv->is_whole)
		add_heads(conv, offset, n_frames);
	for (i = 0; conv->swap.next != NULL && i < n_frames; i++)
		weights[i] = segue_ramp_value(&conv->swap.fade, i);
	segue_wetdry_advance(&conv->wetdry, n_frames, &levels);
	for (o = 0; o < conv->n_out; o++) {
		mix_lanes(conv, o, offset, n_frames, weights, values);
		segue_wetdry_apply(&conv->wetdry, &levels, o,
				o < conv->n_in ? conv->lines[o] + TICK + offset : NULL, values, n_frames);
		if (out[o] != NULL)
			memcpy(out[o] + done, values, n_frames * sizeof(float));
	}
}

SEGUE_DATA_LOOP static void read_inputs(struct segue_convolver *conv, const float *const in[], uint32_t done,
		uint32_t offset, uint32_t n_frames)
{
	for (uint32_t i = 0; i < conv->n_in; i++) {
		float *line = conv->lines[i] + TICK + offset;

		if (in[i] != NULL)
			memcpy(line, in[i] + done, n_frames * sizeof(float));
		else
			memset(line, 0, n_frames * sizeof(float));
	}
}

/* The next frames, as far as the tick goes. \return how many */
SEGUE_DATA_LOOP static uint32_t run_tick(struct segue_convolver *conv, const float *const in[],
		float *const out[], uint32_t done, uint32_t n_max)
{
	uint32_t offset = (uint32_t)(conv->frame % TICK), n_frames = SPA_MIN(n_max, TICK - offset), i, n;

	read_inputs(conv, in, done, offset, n_frames);
	if (offset == 0)
		begin_tick(conv, n_frames == TICK);
	for (i = 0; i < n_frames; i += n) {
		n = segue_swap_span(&conv->swap, n_frames - i);
		follow_swap(conv);
		render(conv, out, done + i, offset + i, n);
		segue_swap_advance(&conv->swap, n);
		follow_swap(conv);
	}
	conv->frame += n_frames;
	if (conv->frame % TICK == 0)
		end_tick(conv);
	return n_frames;
}

/* -------------------------------------------------------------------- cycles */

/* What came in so far, and what was made of it, counts as silence. */
SEGUE_DATA_LOOP static void forget(struct segue_convolver *conv)
{
	uint32_t offset = (uint32_t)(conv->frame % TICK), i;

	segue_swap_forget(&conv->swap);
	follow_swap(conv);
	conv->silent_before = conv->frame;
	for (i = 0; i < conv->n_in; i++)
		memset(conv->lines[i], 0, (TICK + offset) * sizeof(float));
	for (i = 0; i < SEGUE_LANES * conv->n_out; i++)
		memset(conv->tails[i], 0, sizeof(segue_tail));
	segue_ramp_jump(&conv->wetdry.restart, 0.0);
	segue_ramp_start(&conv->wetdry.restart, 1.0, count_frames(conv, RAMP_SEC));
}

SEGUE_DATA_LOOP static void begin_cycle(struct segue_convolver *conv, const struct spa_io_clock *clock)
{
	struct segue_gap gap = segue_watch_cycle(&conv->watch, clock);

	if (clock->rate.denom != 0)
		conv->rate = clock->rate.denom;
	if (gap.is_long)
		forget(conv);
	if (gap.n_missed > 0)
		segue_statistics_add_xruns(conv->statistics, gap.n_missed);
	take_commands(conv, COMMANDS_PER_CYCLE);
	segue_swap_begin(&conv->swap, clock, conv->rate);
	conv->has_run = true;
}

void segue_convolver_process(struct segue_convolver *conv, const struct spa_io_clock *clock,
		const float *const in[], float *const out[], uint32_t n_frames)
{
	uint64_t begun = segue_statistics_begin_cycle(conv->statistics, &(struct segue_clock) {
			clock->position, clock->nsec, clock->rate.denom, n_frames });
	uint64_t denormals = segue_denormals_flush();
	uint32_t done;

	begin_cycle(conv, clock);
	for (done = 0; done < n_frames; )
		done += run_tick(conv, in, out, done, n_frames - done);
	segue_meter_report(&conv->wetdry.meter, conv->n_out, conv->statistics);
	segue_denormals_restore(denormals);
	segue_statistics_end_cycle(conv->statistics, begun, !(clock->flags & SPA_IO_CLOCK_FLAG_FREEWHEEL));
}

void segue_convolver_pause(struct segue_convolver *conv)
{
	conv->watch.paused = true;
}

void segue_convolver_forget(struct segue_convolver *conv)
{
	forget(conv);
}

/* Others sound than the levels have been working for. With a history that counts this takes milliseconds. */
SEGUE_DATA_LOOP static void redo(struct segue_convolver *conv)
{
	struct segue_ticket *lanes[SEGUE_LANES];
	uint32_t i, offset = (uint32_t)(conv->frame % TICK);

	find_lanes(conv, 0, 0, lanes);
	for (i = 1; i < conv->n_levels; i++)
		segue_level_redo(&conv->levels[i], conv->silent_before, lanes);
	if (offset > 0)
		make_tails(conv, conv->frame - offset);
}

void segue_convolver_settle(struct segue_convolver *conv)
{
	uint64_t denormals = segue_denormals_flush();
	const struct segue_ticket *before;

	take_commands(conv, SEGUE_RING_SIZE);
	before = conv->swap.current;
	while (segue_swap_settle(&conv->swap))
		follow_swap(conv);
	if (conv->frame > 0 && conv->swap.current != before)
		redo(conv);
	segue_wetdry_settle(&conv->wetdry);
	segue_denormals_restore(denormals);
}

void segue_convolver_lose_clock(struct segue_convolver *conv)
{
	segue_swap_lose_clock(&conv->swap);
}

void segue_convolver_drain(struct segue_convolver *conv)
{
	for (uint32_t i = 0; i < conv->n_levels; i++)
		segue_level_release(&conv->levels[i]);
	segue_swap_drain(&conv->swap);
	follow_swap(conv);
}
