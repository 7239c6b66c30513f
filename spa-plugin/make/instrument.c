/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "instrument.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <spa/utils/defs.h>

#include "layout.h"

#define BLOCK_FRAMES	16384u	/* copied between two looks at the job */

int segue_instrument_check_options(const struct segue_options *options, struct segue_error *error)
{
	const char *key = options->root_key >= 0 ? "rootkey" : options->loop != SEGUE_LOOP_OPTION_UNSET ? "loop" :
		options->normalize != SEGUE_NORMALIZE_NONE ? "normalize" :
		options->n_channels > 0 ? "channels" : options->delay > 0.0 ? "delay" :
		options->offset > 0.0 ? "offset" : options->length > 0.0 ? "length" : NULL;

	if (key == NULL)
		return 0;
	return segue_error_set(error, -EINVAL, "%s: an instrument's regions have their own", key);
}

/* -------------------------------------------------------------------- make */

/* A run as it lies in the instrument. */
struct stored {
	uint64_t n_frames;
	uint64_t at;		/* bytes from the instrument's first, a multiple of 64: its first channel */
	float peak;
};

/* What is known of a file once it is decoded. */
struct decoded {
	uint32_t channels, rate;
	uint64_t frames;
	double root_key;
	uint64_t loop_start, loop_end;	/* equal: it has none */
};

struct building {
	struct segue_make *make;
	const struct segue_kit *kit;
	struct decoded *files;
	struct stored *stored;	/* as kit->runs */
	void *memory;		/* the instrument to be */
	uint64_t size, used;	/* bytes of it; used is a multiple of 64 */
};

/* Room for so much more: as what arrives needs it, twofold as long as headers speak of that much. So the whole
 * is never held twice, and moved seldom. */
static int make_room(struct building *b, uint64_t bytes)
{
	uint64_t needed = b->used + bytes, size;
	void *moved;

	if (needed <= b->size)
		return 0;
	size = SPA_MAX(needed, SPA_MIN(2 * b->size, b->kit->header.bytes));
	if ((moved = segue_make_resize(b->make, b->memory, size)) == NULL)
		return b->make->error.res;
	b->memory = moved;
	b->size = size;
	return 0;
}

static int copy_frames(struct building *b, float *to, const float *from, uint64_t n_frames, float *peak)
{
	for (uint64_t at = 0; at < n_frames; at += BLOCK_FRAMES) {
		uint64_t n = SPA_MIN(n_frames - at, (uint64_t)BLOCK_FRAMES);

		if (segue_make_cancelled(b->make))
			return -ECANCELED;
		memcpy(to + at, from + at, n * sizeof(float));
		for (uint64_t i = at; i < at + n; i++)
			*peak = SPA_MAX(*peak, fabsf(from[i]));
	}
	return 0;
}

/* A channel with silence around it. */
static int add_channel(struct building *b, struct stored *stored, const float *data)
{
	uint64_t bytes = segue_run_bytes(stored->n_frames);
	uint8_t *to = SPA_PTROFF(b->memory, b->used, uint8_t);
	float *first = SPA_PTROFF(to, SEGUE_RUN_FIRST, float);

	memset(to, 0, SEGUE_RUN_FIRST);
	memset(first + stored->n_frames, 0, bytes - SEGUE_RUN_FIRST - stored->n_frames * sizeof(float));
	b->used += bytes;
	return copy_frames(b, first, data, stored->n_frames, &stored->peak);
}

static int add_run(struct building *b, const struct segue_make *one, const struct segue_kit_run *run,
		struct stored *stored, const struct segue_sample *sample)
{
	uint64_t end = SPA_MIN(run->end, sample->n_frames);
	int res;

	if (run->first >= end)
		return segue_error_set(&b->make->error, -EBADMSG, "%s: offset: %" PRIu64 " is beyond its end at %"
				PRIu64, one->name, run->first, end);
	stored->n_frames = end - run->first;
	if ((res = make_room(b, sample->n_channels * segue_run_bytes(stored->n_frames))) < 0)
		return res;
	stored->at = b->used;
	for (uint32_t c = 0; c < sample->n_channels && res == 0; c++)
		res = add_channel(b, stored, sample->data[c] + run->first);
	return res;
}

static int add_file(struct building *b, uint32_t file)
{
	char name[SEGUE_KIT_NAME_MAX];
	struct segue_make one = segue_kit_make(b->kit, b->make, file, name);
	struct segue_sample *sample = segue_kit_decode(b->kit, &one, file);
	int res = 0;

	if (sample == NULL) {
		b->make->error = one.error;
		return one.error.res;
	}
	b->files[file] = (struct decoded) {
		.channels = sample->n_channels, .rate = sample->rate, .frames = sample->n_frames,
		.root_key = sample->root_key,
	};
	if (sample->loop == SEGUE_LOOP_FORWARD) {
		b->files[file].loop_start = sample->loop_start;
		b->files[file].loop_end = sample->loop_end;
	}
	for (uint32_t k = 0; k < b->kit->n_runs && res == 0; k++) {
		if (b->kit->runs[k].file == file)
			res = add_run(b, &one, &b->kit->runs[k], &b->stored[k], sample);
	}
	segue_memory_free(b->make->memory, sample);
	return res;
}

/* ------------------------------------------------------------------ regions */

static int fail_region(struct building *b, const struct segue_sfz_region *r, const char *what, uint64_t frame)
{
	return segue_error_set(&b->make->error, -EBADMSG, "%s: %s: %s at %" PRIu64, b->make->name,
			b->kit->sfz->files[r->file].name, what, frame);
}

/* What the text doesn't say the file does, if it has a loop, and whole frames otherwise. The loop of a file that
 * a region cuts into is none; one that the text asks for must be there. */
static int set_loop(struct building *b, const struct segue_sfz_region *r, struct segue_sample *sample)
{
	const struct decoded *file = &b->files[r->file];
	bool has_loop = file->loop_end > file->loop_start, said = r->loop_start != SEGUE_SFZ_UNSET;
	uint64_t end = r->first + sample->n_frames, loop_start, loop_end;

	if (r->loop == SEGUE_SFZ_LOOP_NONE || (r->loop == SEGUE_SFZ_LOOP_FILE && !has_loop))
		return 0;
	loop_start = said ? r->loop_start : has_loop ? file->loop_start : r->first;
	loop_end = r->loop_end != SEGUE_SFZ_UNSET ? r->loop_end : has_loop ? file->loop_end : end;
	loop_end = SPA_MIN(loop_end, end);
	if (loop_start < r->first || loop_start >= loop_end) {
		if (!said && r->loop_end == SEGUE_SFZ_UNSET)
			return 0;
		return loop_start < r->first ?
			fail_region(b, r, "loop_start: is before the offset", r->first) :
			fail_region(b, r, "loop_start: isn't before the loop's end", loop_end);
	}
	sample->loop = SEGUE_LOOP_FORWARD;
	sample->loop_start = loop_start - r->first;
	sample->loop_end = loop_end - r->first;
	return 0;
}

/* A region's pitch is (key - root) * tracking: where it doesn't follow the keys its tuning can only go into the
 * rate (whole Hz: a 50th of a cent at 44.1 kHz). */
static void tune(const struct segue_sfz_region *r, const struct decoded *file, struct segue_region *region,
		struct segue_sample *sample)
{
	double center = r->center == SEGUE_SFZ_KEY_OF_FILE ? file->root_key : r->center;

	if (region->key_tracking != 0.0f) {
		region->root = center - r->tuning / region->key_tracking;
		sample->rate = file->rate;
	} else {
		region->root = center;
		sample->rate = SPA_CLAMP(round(file->rate * exp2(r->tuning / 12.0)), 1.0, (double)UINT32_MAX);
	}
}

static int fill_region(struct building *b, uint32_t i, double gain, struct segue_region *region,
		struct segue_sample *sample)
{
	const struct segue_sfz_region *r = &b->kit->sfz->regions[i];
	const struct decoded *file = &b->files[r->file];
	const struct stored *stored = &b->stored[b->kit->run_of[i]];

	sample->buffer.type = SEGUE_BUFFER_SAMPLE;
	sample->n_channels = file->channels;
	sample->n_frames = stored->n_frames;
	for (uint32_t c = 0; c < file->channels; c++)
		sample->data[c] = SPA_PTROFF(b->memory, stored->at + c * segue_run_bytes(stored->n_frames) +
				SEGUE_RUN_FIRST, float);
	*region = r->region;
	region->gain *= gain;
	region->sample = sample;
	tune(r, file, region, sample);
	sample->root_key = SPA_CLAMP(round(region->root), 0.0, 127.0);
	if (stored->peak * fabs(r->region.gain * gain) > SEGUE_VALUE_MAX)
		return segue_error_set(&b->make->error, -EINVAL, "%s: gain: %g is too much for %s", b->make->name,
				gain, b->kit->sfz->files[r->file].name);
	return set_loop(b, r, sample);
}

static int fill(struct building *b, double gain, float *peak)
{
	struct segue_instrument *instrument = b->memory;
	struct segue_sample *samples = SPA_PTROFF(instrument, sizeof(*instrument), struct segue_sample);
	uint32_t n = b->kit->sfz->n_regions;
	float largest = 0.0f;
	int res;

	instrument->buffer.refs = 1;
	instrument->buffer.type = SEGUE_BUFFER_INSTRUMENT;
	instrument->buffer.bytes = segue_memory_size(instrument);
	instrument->n_regions = n;
	instrument->regions = SPA_PTROFF(samples, n * sizeof(*samples), struct segue_region);
	for (uint32_t i = 0; i < n; i++) {
		if ((res = fill_region(b, i, gain, &instrument->regions[i], &samples[i])) < 0)
			return res;
		largest = SPA_MAX(largest, b->stored[b->kit->run_of[i]].peak * fabsf(instrument->regions[i].gain));
	}
	*peak = largest;
	return 0;
}

static int build(struct building *b, double gain, float *peak)
{
	const struct segue_sfz *sfz = b->kit->sfz;
	void *moved;
	int res;

	b->stored = calloc(b->kit->n_runs, sizeof(*b->stored));
	b->files = calloc(sfz->n_files, sizeof(*b->files));
	if (b->stored == NULL || b->files == NULL)
		return segue_error_set(&b->make->error, -ENOMEM, "%s: no memory", b->make->name);
	/* so large a claim is refused before anything is read for it */
	if ((res = segue_make_check_size(b->make, b->kit->header.bytes)) < 0)
		return res;
	b->used = b->size = segue_instrument_bytes(sfz->n_regions);
	if ((b->memory = segue_make_alloc(b->make, b->size)) == NULL)
		return b->make->error.res;
	for (uint32_t i = 0; i < sfz->n_files; i++) {
		if ((res = add_file(b, i)) < 0)
			return res;
	}
	if (b->used < b->size) {
		if ((moved = segue_make_resize(b->make, b->memory, b->used)) == NULL)
			return b->make->error.res;
		b->memory = moved;
	}
	return fill(b, gain, peak);
}

struct segue_instrument *segue_instrument_make(struct segue_make *make, const struct segue_kit *kit, double gain,
		float *peak)
{
	struct building b = { .make = make, .kit = kit };
	int res = build(&b, gain, peak);

	free(b.stored);
	free(b.files);
	if (res < 0) {
		segue_memory_free(make->memory, b.memory);
		return NULL;
	}
	return b.memory;
}
