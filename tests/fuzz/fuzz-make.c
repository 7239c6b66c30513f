/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "fuzz-make.h"

#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include <spa/utils/defs.h>

#include "make/response.h"
#include "make/transforms.h"
#include "rt/source.h"

#define BUDGET		(8u * 1024u * 1024u)
#define N_OUTPUTS	2u
#define RATE		48000u
#define QUANTUM_MAX	1024u
#define RESPONSE_MAX	65536u	/* frames */
#define WAV_FRAMES	400u
#define WAV_RATE	8000u

/* -------------------------------------------------------------------- make */

static struct segue_memory *memory;

struct segue_make fuzz_make_begin(const char *name)
{
	if (memory == NULL)
		memory = segue_memory_new(BUDGET);
	fuzz_check(memory != NULL, "no memory");
	return (struct segue_make) { .memory = memory, .name = name };
}

void fuzz_make_end(struct segue_make *make, int res)
{
	size_t pending = segue_memory_bytes(make->memory, SEGUE_MEMORY_PENDING);

	fuzz_check(pending == 0, "%zu bytes are still held", pending);
	if (res == 0)
		return;
	fuzz_check_refusal(&make->error, res);
	fuzz_check(strstr(make->error.message, make->name) != NULL || res == -EINVAL, "'%s' doesn't name %s",
			make->error.message, make->name);
}

void fuzz_write_wav(struct segue_make *make, const char *name, uint32_t n_channels)
{
	static float data[2][WAV_FRAMES];
	struct segue_sample sample = {
		.n_channels = n_channels, .rate = WAV_RATE, .n_frames = WAV_FRAMES, .root_key = 60,
		.data = { data[0], data[1] },
	};
	int fd = open(fuzz_path(name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	for (uint32_t i = 0; i < WAV_FRAMES; i++) {
		data[0][i] = sin(i * 0.3);
		data[1][i] = cos(i * 0.3);
	}
	if (n_channels == 2) {
		sample.loop = SEGUE_LOOP_FORWARD;
		sample.loop_start = 100;
		sample.loop_end = 300;
	}
	fuzz_check(fd >= 0 && segue_wav_write(make, &sample, fd) == 0, "%s can't be written", name);
	close(fd);
}

static void check_numbers(const float *values, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		fuzz_check(isfinite(values[i]), "value %zu is %g", (size_t)i, values[i]);
}

void fuzz_check_sample(const struct segue_sample *sample)
{
	fuzz_check(sample->n_channels >= 1 && sample->n_channels <= SEGUE_CHANNELS_MAX, "%u channels",
			sample->n_channels);
	fuzz_check(sample->n_frames > 0 && sample->rate > 0 && sample->root_key <= 127, "%zu frames at %u Hz",
			(size_t)sample->n_frames, sample->rate);
	for (uint32_t c = 0; c < sample->n_channels; c++)
		check_numbers(sample->data[c], sample->n_frames);
	if (sample->loop != SEGUE_LOOP_NONE)
		fuzz_check(sample->loop_start < sample->loop_end && sample->loop_end <= sample->n_frames,
				"a loop of %zu..%zu", (size_t)sample->loop_start, (size_t)sample->loop_end);
}

/* ----------------------------------------------------------------- options */

struct segue_options fuzz_load_options(struct fuzz_input *input)
{
	static const double gains[] = { 1.0, 0.5, -2.0, 1e6, 0.0 }, seconds[] = { 0.0, 0.001, 0.1, 1.0, 86400.0 };
	struct segue_options options = SEGUE_OPTIONS_INIT;

	options.loop = fuzz_choose(input, SEGUE_LOOP_OPTION_FILE + 1);
	options.normalize = fuzz_choose(input, SEGUE_NORMALIZE_ENERGY + 1);
	options.gain = fuzz_pick(input, gains);
	options.delay = fuzz_pick(input, seconds);
	options.offset = fuzz_pick(input, seconds);
	options.length = fuzz_pick(input, seconds);
	options.n_channels = fuzz_choose(input, 4);
	for (uint32_t i = 0; i < options.n_channels; i++)
		options.channels[i] = fuzz_choose(input, SEGUE_OPTION_CHANNELS_MAX);
	return options;
}

/* -------------------------------------------------------------------- play */

static void send(struct segue_handover *handover, uint32_t type, uint32_t key, double value)
{
	const struct segue_command command = { type, key, .value = value };

	fuzz_check(segue_handover_send(handover, &command) == 0, "the ring is full");
}

static void run(struct segue_source *source, uint32_t n_cycles, uint32_t n_frames)
{
	static struct spa_io_clock clock = { .id = 1, .rate = { 1, RATE } };
	static float heard[N_OUTPUTS][QUANTUM_MAX];
	float *const out[] = { heard[0], heard[1] };

	for (; n_cycles > 0; n_cycles--) {
		clock.duration = n_frames;
		segue_source_process(source, &clock, NULL, out, n_frames);
		clock.position += n_frames;
		clock.nsec += n_frames * SPA_NSEC_PER_SEC / RATE;
		check_numbers(heard[0], n_frames);
		check_numbers(heard[1], n_frames);
	}
}

/* The same again, or new where there is none yet. */
static void *zeroed(void *again, size_t size)
{
	if (again == NULL)
		again = aligned_alloc(SEGUE_CACHE_LINE, SPA_ROUND_UP_N(size, SEGUE_CACHE_LINE));
	fuzz_check(again != NULL, "no memory");
	return memset(again, 0, size);
}

void fuzz_play(struct segue_buffer *buffer)
{
	static const uint8_t keys[] = { 0, 36, 60, 61, 127 }, velocities[] = { 127, 1, 64, 100, 127 };
	static void *ring, *statistics, *engine;
	static struct segue_ticket ticket;
	struct segue_handover *handover = ring = zeroed(ring, sizeof(*handover));
	const struct segue_command swap = { SEGUE_COMMAND_SWAP, .ticket = &ticket };
	struct segue_source *source;

	statistics = zeroed(statistics, sizeof(struct segue_statistics));
	engine = zeroed(engine, segue_source_size(N_OUTPUTS));
	source = segue_source_init(engine, N_OUTPUTS, handover, statistics);
	ticket = (struct segue_ticket) { .buffer = buffer, .serial = 1, .at = SEGUE_NOW, .refs = 1 };
	fuzz_check(segue_handover_send(handover, &swap) == 0, "the ring is full");
	run(source, 3, 256);
	send(handover, SEGUE_SOURCE_TRIGGER, 0, 1);
	for (uint32_t i = 0; i < sizeof(keys); i++)
		send(handover, SEGUE_SOURCE_NOTE_ON, SEGUE_NOTE(keys[i], velocities[i]), 0);
	run(source, 2, QUANTUM_MAX);
	run(source, 5, 1);
	send(handover, SEGUE_SOURCE_NOTES_OFF, 0, 0);
	run(source, 2, 250);
	segue_source_drain(source);
	segue_source_drain(source);
	(void)segue_handover_collect(handover);
	fuzz_check(handover->n_outstanding == 0 && ticket.refs == 0, "a ticket is lost");
}

/* --------------------------------------------------------------------- use */

static void use_table(struct segue_make *make, const struct segue_sample *sample)
{
	struct segue_table *table = segue_table_from_sample(make, sample);

	if (table == NULL) {
		fuzz_check_refusal(&make->error, make->error.res);
		return;
	}
	for (uint32_t i = 0; i < table->n_channels * table->n_levels; i++)
		check_numbers(table->levels[i].data, table->levels[i].n_frames);
	fuzz_play(&table->buffer);
	segue_memory_free(make->memory, table);
}

static void use_response(struct segue_make *make, const struct segue_sample *sample, uint32_t rate)
{
	static struct segue_transforms *transforms;
	struct segue_response_target target = { N_OUTPUTS, N_OUTPUTS, RESPONSE_MAX };
	struct segue_sample *resampled = segue_response_resample(make, sample, sample->rate, rate, RESPONSE_MAX);
	struct segue_response *response = NULL;
	float gain;

	if (transforms == NULL)
		transforms = segue_transforms_new();
	target.transforms = transforms;
	if (resampled != NULL && segue_response_gain(make, sample, &gain) == 0) {
		fuzz_check(!isnan(gain), "a gain that is no number");
		response = segue_response_from_sample(make, resampled, &target);
	}
	if (response != NULL)
		fuzz_check(response->n_frames <= RESPONSE_MAX, "%zu frames", (size_t)response->n_frames);
	else
		fuzz_check_refusal(&make->error, make->error.res);
	segue_memory_free(make->memory, response);
	segue_memory_free(make->memory, resampled);
}

void fuzz_use_sample(struct segue_make *make, const struct segue_sample *sample, uint32_t rate)
{
	struct segue_sample *resampled = segue_sample_resample(make, sample, rate);

	if (resampled == NULL) {
		fuzz_check_refusal(&make->error, make->error.res);
	} else {
		fuzz_check(resampled->rate == rate, "%u Hz instead of %u", resampled->rate, rate);
		fuzz_check_sample(resampled);
		fuzz_play(&resampled->buffer);
	}
	segue_memory_free(make->memory, resampled);
	use_table(make, sample);
	use_response(make, sample, rate);
	make->error = (struct segue_error) { 0 };
}
