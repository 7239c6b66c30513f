/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <spa/control/control.h>
#include <spa/pod/pod.h>
#include <spa/utils/defs.h>
#include <spa/utils/type.h>

static void *new_zeroed(size_t size)
{
	size_t whole = (size + SEGUE_CACHE_LINE - 1) / SEGUE_CACHE_LINE * SEGUE_CACHE_LINE;
	void *memory = aligned_alloc(SEGUE_CACHE_LINE, whole);

	assert_non_null(memory);
	return memset(memory, 0, whole);
}

void fixture_init(struct fixture *f, uint32_t n_channels)
{
	*f = (struct fixture) {
		.handover = new_zeroed(sizeof(struct segue_handover)),
		.statistics = new_zeroed(sizeof(struct segue_statistics)),
		.n_channels = n_channels,
		.clock = { .id = 7, .nsec = 1000 * SPA_NSEC_PER_SEC, .position = START,
			.rate = { 1, RATE } },
	};
	f->source = segue_source_init(new_zeroed(segue_source_size(n_channels)), n_channels,
			f->handover, f->statistics);
}

void fixture_init_keys(struct fixture *f, uint32_t n_channels, struct segue_buffer *buffer)
{
	fixture_init(f, n_channels);
	send_value(f, SEGUE_SOURCE_TRIGGER, 0, 1);
	send_value(f, SEGUE_SOURCE_ATTACK, 0, 0);
	send_value(f, SEGUE_SOURCE_RELEASE, 0, 0);
	if (buffer != NULL)
		send_swap(f, buffer, 0.0, SEGUE_NOW, 0);
}

void fixture_clear(struct fixture *f)
{
	segue_source_drain(f->source);
	segue_source_drain(f->source);
	(void)segue_handover_collect(f->handover);
	assert_int_equal(f->handover->n_outstanding, 0);
	for (uint32_t i = 0; i < f->n_tickets; i++) {
		assert_int_not_equal(segue_ticket_outcome(f->tickets[i]), SEGUE_OUTCOME_NONE);
		assert_int_equal(f->tickets[i]->refs, 0);
		free(f->tickets[i]);
	}
	free(f->score.events);
	free(f->source);
	free(f->statistics);
	free(f->handover);
}

struct segue_ticket *send_swap(struct fixture *f, struct segue_buffer *buffer, double fade, uint64_t at,
		uint32_t flags)
{
	struct segue_ticket *ticket = new_zeroed(sizeof(*ticket));

	/* a sound made anew has the serial of what it replaces */
	*ticket = (struct segue_ticket) { .buffer = buffer, .at = at, .fade = fade, .flags = flags, .refs = 1,
		.serial = f->n_tickets + (flags & SEGUE_TICKET_REMAKE ? 0 : 1) };
	assert_true(f->n_tickets < TICKETS_MAX);
	f->tickets[f->n_tickets++] = ticket;
	assert_int_equal(segue_handover_send(f->handover,
				&(struct segue_command) { SEGUE_COMMAND_SWAP, .ticket = ticket }), 0);
	return ticket;
}

void send_value(struct fixture *f, uint32_t type, uint32_t key, double value)
{
	assert_int_equal(segue_handover_send(f->handover,
				&(struct segue_command) { type, key, .value = value }), 0);
}

void send_cancel(struct fixture *f, uint64_t serial)
{
	assert_int_equal(segue_handover_send(f->handover,
				&(struct segue_command) { SEGUE_SOURCE_CANCEL, .data = serial }), 0);
}

void send_note(struct fixture *f, uint8_t key, uint8_t velocity)
{
	struct segue_command on = { SEGUE_SOURCE_NOTE_ON, SEGUE_NOTE(key, velocity) };
	struct segue_command off = { SEGUE_SOURCE_NOTE_OFF, key };

	assert_int_equal(segue_handover_send(f->handover, velocity > 0 ? &on : &off), 0);
}

struct segue_ticket *send_play(struct fixture *f, struct segue_buffer *buffer, float gain, enum segue_note_loop loop,
		int32_t key)
{
	struct segue_play *play = new_zeroed(sizeof(*play));

	*play = (struct segue_play) { .ticket = { .buffer = buffer, .at = SEGUE_NOW, .refs = 1,
			.serial = f->n_tickets + 1 }, .gain = gain, .loop = loop, .key = key };
	assert_true(f->n_tickets < TICKETS_MAX);
	f->tickets[f->n_tickets++] = &play->ticket;
	assert_int_equal(segue_handover_send(f->handover,
				&(struct segue_command) { SEGUE_SOURCE_PLAY, .ticket = &play->ticket }), 0);
	return &play->ticket;
}

void send_stop(struct fixture *f, uint64_t serial)
{
	assert_int_equal(segue_handover_send(f->handover,
				&(struct segue_command) { SEGUE_SOURCE_STOP, .data = serial }), 0);
}

uint64_t frame_now(const struct fixture *f)
{
	return f->clock.position - START;
}

void add_bytes(struct fixture *f, uint64_t frame, uint32_t type, const void *bytes, uint32_t size)
{
	struct score *s = &f->score;

	assert_true(size <= sizeof(s->events[0].bytes));
	if (s->n_events % 1024 == 0) {
		s->events = realloc(s->events, (s->n_events + 1024) * sizeof(s->events[0]));
		assert_non_null(s->events);
	}
	s->events[s->n_events].frame = frame;
	s->events[s->n_events].type = type;
	s->events[s->n_events].size = size;
	memcpy(s->events[s->n_events].bytes, bytes, size);
	s->n_events++;
}

void add_midi(struct fixture *f, uint64_t frame, uint8_t status, uint8_t a, uint8_t b)
{
	const uint8_t bytes[3] = { status, a, b };

	add_bytes(f, frame, SPA_CONTROL_Midi, bytes, (status & 0xe0) == 0xc0 ? 2 : 3);
}

/* The events of a cycle as PipeWire lays them out, or NULL. */
static const struct spa_pod_sequence *cut_score(struct score *s, uint64_t first, uint32_t n_frames, uint8_t **ret)
{
	size_t size = sizeof(struct spa_pod_sequence);
	struct spa_pod_sequence *sequence;
	uint32_t end = s->next;
	uint8_t *p;

	for (; end < s->n_events && s->events[end].frame < first + n_frames; end++)
		size += sizeof(struct spa_pod_control) + SPA_ROUND_UP_N(s->events[end].size, 8);
	if (end == s->next)
		return NULL;
	/* just as large as it says: whatever is read behind it is seen by a sanitizer */
	*ret = p = calloc(1, size);
	sequence = (struct spa_pod_sequence *)p;
	sequence->pod = (struct spa_pod) { size - sizeof(struct spa_pod), SPA_TYPE_Sequence };
	p += sizeof(*sequence);
	for (; s->next < end; s->next++) {
		struct spa_pod_control control = { s->events[s->next].frame - first, s->events[s->next].type,
			{ s->events[s->next].size, SPA_TYPE_Bytes } };

		memcpy(p, &control, sizeof(control));
		memcpy(p + sizeof(control), s->events[s->next].bytes, s->events[s->next].size);
		p += sizeof(control) + SPA_ROUND_UP_N(s->events[s->next].size, 8);
	}
	return sequence;
}

void run_cycle(struct fixture *f, float *out, uint32_t stride, uint32_t offset, uint32_t n_frames)
{
	const struct spa_pod_sequence *midi;
	float *outputs[SEGUE_CHANNELS_MAX];
	uint8_t *memory = NULL;

	for (uint32_t c = 0; c < f->n_channels; c++)
		outputs[c] = out != NULL ? out + (size_t)c * stride + offset : NULL;
	f->clock.duration = n_frames;
	midi = cut_score(&f->score, frame_now(f), n_frames, &memory);
	segue_source_process(f->source, &f->clock, midi, outputs, n_frames);
	free(memory);
	f->clock.position += n_frames;
	f->clock.nsec += n_frames * SPA_NSEC_PER_SEC / f->clock.rate.denom;
}

void run_frames(struct fixture *f, float *out, uint32_t n_frames, uint32_t quantum)
{
	uint32_t done, n;

	for (done = 0; done < n_frames; done += n) {
		n = quantum > 0 ? quantum : 1 + random_below(1u << (1 + random_below(13)));
		n = SPA_MIN(n, n_frames - done);
		run_cycle(f, out, n_frames, done, n);
	}
}

void let_pass(struct fixture *f, double seconds)
{
	f->clock.position += llround(seconds * f->clock.rate.denom);
	f->clock.nsec += llround(seconds * 1e9);
}

static uint64_t random_state = 0x9e3779b97f4a7c15u;

uint32_t random_below(uint32_t n)
{
	/* xorshift64* */
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 0x2545f4914f6cdd1du) >> 32) % n;
}

double random_unit(void)
{
	return random_below(1u << 24) / (double)(1u << 24);
}

double key_frequency(double key)
{
	return 440.0 * pow(2.0, (key - 69.0) / 12.0);
}

double last_5_ms(uint32_t i)
{
	return fmax(1.0 - (i + 1.0) / (RAMP + 1.0), 0.0);
}

double smooth(double w)
{
	return w * w * (3.0 - 2.0 * w);
}

double weight_of(const struct segue_ticket *ticket, uint64_t i, uint64_t until)
{
	uint64_t n = llround(ticket->fade * RATE), hurried;
	double g0;

	if (n <= until)
		return i < n ? smooth((i + 1.0) / (n + 1.0)) : 1.0;
	assert_true(until >= HURRY);
	hurried = until - HURRY;
	if (i < hurried)
		return smooth((i + 1.0) / (n + 1.0));
	g0 = smooth(hurried / (n + 1.0));
	return g0 + (1.0 - g0) * smooth((i - hurried + 1.0) / (HURRY + 1.0));
}

void assert_silent(const float *out, uint32_t n_frames)
{
	for (uint32_t i = 0; i < n_frames; i++)
		assert_true(out[i] == 0.0f);
}

void assert_outputs_found(void (*begin)(struct fixture *f, uint32_t n_outputs, struct segue_buffer *buffer))
{
	static const float values[] = { 0.25f, -0.5f, 0.125f };
	static const struct {
		uint32_t n_channels, n_outputs;
		float expected[4];
	} cases[] = {
		{ 1, 1, { 0.25f } },
		{ 1, 3, { 0.25f, 0.25f, 0.25f } },
		{ 2, 1, { -0.125f } },
		{ 3, 1, { -0.125f / 3.0f } },
		{ 2, 2, { 0.25f, -0.5f } },
		{ 2, 4, { 0.25f, -0.5f, 0.0f, 0.0f } },
		{ 3, 2, { 0.25f, -0.5f } },
	};

	for (size_t k = 0; k < SPA_N_ELEMENTS(cases); k++) {
		struct segue_sample *s = new_constant(cases[k].n_channels, values);
		struct fixture f;
		float out[4 * 100];

		begin(&f, cases[k].n_outputs, &s->buffer);
		run_frames(&f, out, 100, 100);
		for (uint32_t c = 0; c < cases[k].n_outputs; c++) {
			for (uint32_t i = 0; i < 100; i++)
				assert_near(out[c * 100 + i], cases[k].expected[c], 1e-7);
		}
		fixture_clear(&f);
		free_sample(s);
	}
}

static float *new_run(uint64_t n_frames)
{
	float *run = calloc(n_frames + 2 * SEGUE_GUARD_FRAMES, sizeof(float));

	assert_non_null(run);
	return run + SEGUE_GUARD_FRAMES;
}

static void free_run(float *run)
{
	free(run - SEGUE_GUARD_FRAMES);
}

static struct segue_table *new_levels(uint32_t n_channels, uint32_t n_levels)
{
	struct segue_table *table = calloc(1, sizeof(*table));

	assert_non_null(table);
	table->buffer.type = SEGUE_BUFFER_TABLE;
	table->n_channels = n_channels;
	table->n_levels = n_levels;
	table->levels = calloc(n_channels * n_levels, sizeof(*table->levels));
	assert_non_null(table->levels);
	return table;
}

static void fill_level(struct segue_table_level *level, const double amplitudes[], uint32_t n_partials)
{
	int32_t i, guard = (int32_t)SEGUE_GUARD_FRAMES;

	level->n_partials = n_partials;
	for (level->n_frames = 2048; level->n_frames < 8 * n_partials; )
		level->n_frames *= 2;
	level->data = new_run(level->n_frames);
	for (i = -guard; i < (int32_t)level->n_frames + guard; i++) {
		double sum = 0.0;

		for (uint32_t p = 1; p <= n_partials; p++)
			sum += amplitudes[p - 1] * sin(2.0 * M_PI * p * i / level->n_frames);
		level->data[i] = (float)sum;
	}
}

struct segue_table *new_table(uint32_t n_channels, const double amplitudes[], uint32_t n_partials)
{
	uint32_t counts[SEGUE_TABLE_LEVELS_MAX], n_levels = 0, c, l;
	struct segue_table *table;

	for (double n = n_partials; n >= 1.0; n /= M_SQRT2) {
		if (n_levels == 0 || counts[n_levels - 1] != (uint32_t)n)
			counts[n_levels++] = (uint32_t)n;
	}
	table = new_levels(n_channels, n_levels);
	for (c = 0; c < n_channels; c++) {
		for (l = 0; l < n_levels; l++)
			fill_level(&table->levels[c * n_levels + l], amplitudes, counts[l]);
	}
	return table;
}

struct segue_table *new_flat_table(const uint32_t n_partials[], const float values[], uint32_t n_levels)
{
	struct segue_table *table = new_levels(1, n_levels);
	int32_t i, guard = (int32_t)SEGUE_GUARD_FRAMES;

	for (uint32_t l = 0; l < n_levels; l++) {
		struct segue_table_level *level = &table->levels[l];

		*level = (struct segue_table_level) { n_partials[l], 2048, new_run(2048) };
		for (i = -guard; i < 2048 + guard; i++)
			level->data[i] = values[l];
	}
	return table;
}

struct segue_table *new_ones(void)
{
	static const uint32_t n_partials[] = { 1 };
	static const float values[] = { 1.0f };

	return new_flat_table(n_partials, values, 1);
}

void free_table(struct segue_table *table)
{
	for (uint32_t i = 0; i < table->n_channels * table->n_levels; i++)
		free_run(table->levels[i].data);
	free(table->levels);
	free(table);
}

struct segue_sample *new_sample(uint32_t n_channels, uint32_t rate, uint64_t n_frames)
{
	struct segue_sample *sample = calloc(1, sizeof(*sample));

	assert_non_null(sample);
	sample->buffer.type = SEGUE_BUFFER_SAMPLE;
	sample->n_channels = n_channels;
	sample->rate = rate;
	sample->n_frames = n_frames;
	sample->loop_end = n_frames;
	for (uint32_t c = 0; c < n_channels; c++)
		sample->data[c] = new_run(n_frames);
	return sample;
}

struct segue_sample *new_constant(uint32_t n_channels, const float values[])
{
	struct segue_sample *sample = new_sample(n_channels, RATE, 1);

	for (uint32_t c = 0; c < n_channels; c++)
		sample->data[c][0] = values[c];
	set_loop(sample, 0, 1);
	return sample;
}

struct segue_sample *new_noise(uint32_t n_channels, uint32_t rate, uint64_t n_frames)
{
	struct segue_sample *sample = new_sample(n_channels, rate, n_frames);

	for (uint32_t c = 0; c < n_channels; c++) {
		for (uint64_t i = 0; i < n_frames; i++)
			sample->data[c][i] = (float)(2.0 * random_unit() - 1.0);
	}
	return sample;
}

void set_loop(struct segue_sample *sample, uint64_t start, uint64_t end)
{
	sample->loop = SEGUE_LOOP_FORWARD;
	sample->loop_start = start;
	sample->loop_end = end;
}

void free_sample(struct segue_sample *sample)
{
	for (uint32_t c = 0; c < sample->n_channels; c++)
		free_run(sample->data[c]);
	free(sample);
}

struct segue_instrument *new_instrument(const struct segue_region regions[], uint32_t n_regions)
{
	struct segue_instrument *instrument = calloc(1, sizeof(*instrument));

	assert_non_null(instrument);
	instrument->buffer.type = SEGUE_BUFFER_INSTRUMENT;
	instrument->n_regions = n_regions;
	instrument->regions = calloc(n_regions, sizeof(regions[0]));
	assert_non_null(instrument->regions);
	memcpy(instrument->regions, regions, n_regions * sizeof(regions[0]));
	return instrument;
}

void free_instrument(struct segue_instrument *instrument)
{
	free(instrument->regions);
	free(instrument);
}
