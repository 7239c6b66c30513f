/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "spectra.h"

#include <stdbool.h>
#include <string.h>

#include <fftw3.h>

#include <spa/utils/defs.h>

#if defined(__clang__) && __clang_major__ >= 20
# pragma clang diagnostic push
# pragma clang diagnostic ignored "-Wfunction-effects"
#endif
/* Complex to complex, split, unit stride, out of place, estimated: the library runs such a plan in registers
 * and on the stack, which the compiler can't know. A test watches its allocator. */
SEGUE_DATA_LOOP static void execute(fftwf_plan plan, float *in_re, float *in_im, float *out_re, float *out_im)
{
	fftwf_execute_split_dft(plan, in_re, in_im, out_re, out_im);
}
#if defined(__clang__) && __clang_major__ >= 20
# pragma clang diagnostic pop
#endif

/* Values of a spectrum before a join. */
SEGUE_DATA_LOOP static uint32_t part_size(const struct segue_transform *t, uint32_t join)
{
	return 2 * t->n_complex << (2 * join);
}

SEGUE_DATA_LOOP static uint32_t n_slices(const struct segue_transform *t, uint32_t join)
{
	return SPA_MAX(part_size(t, join) / 2 / SEGUE_SLICE_BINS, 1u);
}

/* A step of a join. */
struct slice {
	uint32_t which;		/* of the spectra joined */
	uint32_t first, end;	/* bins of its parts */
	bool is_last;
};

SEGUE_DATA_LOOP static struct slice find_slice(const struct segue_transform *t, uint32_t join, uint32_t step)
{
	uint32_t n = n_slices(t, join), i = step % n, half = part_size(t, join) / 2;
	struct slice s = { step / n, i * SEGUE_SLICE_BINS, (i + 1) * SEGUE_SLICE_BINS, i + 1 == n };

	/* the middle bin, and its followers */
	if (s.is_last)
		s.end = half + 8;
	return s;
}

SEGUE_DATA_LOOP static uint32_t n_join_steps(const struct segue_transform *t, uint32_t join)
{
	return (t->n_pieces >> (2 * (join + 1))) * n_slices(t, join);
}

/* Of the n values a piece's frames are every n_streams-th, from here on: the first of two that follow each
 * other at half that distance. */
SEGUE_DATA_LOOP static uint32_t piece_stream(const struct segue_transform *t, uint32_t piece)
{
	return t->n_joins < 2 ? piece : piece % 4 * 4 + piece / 4;
}

/* Bins above the half are the conjugates of those below it. */
SEGUE_DATA_LOOP static void extend(float *spectrum, uint32_t n)
{
	uint32_t half = n / 2, im = SEGUE_BINS(n);

	for (uint32_t i = 1; i < 8; i++) {
		spectrum[half + i] = spectrum[half - i];
		spectrum[im + half + i] = -spectrum[im + half - i];
	}
}

/* ------------------------------------------------------------------- forward */

SEGUE_DATA_LOOP static void copy_stream(const struct segue_transform *t, uint32_t stream, const float *block,
		const float *next_block, uint32_t n_silent, float *ret)
{
	uint32_t n = t->n_complex / 2, silent = 0;

	if (n_silent > stream)
		silent = (n_silent - stream + t->n_streams - 1) / t->n_streams;
	memcpy(ret, block + stream * n, n * sizeof(float));
	memcpy(ret + n, next_block + stream * n, n * sizeof(float));
	memset(ret, 0, silent * sizeof(float));
}

SEGUE_DATA_LOOP static void forward_piece(const struct segue_transform *t, const struct segue_vector *v,
		const struct segue_work *work, uint32_t piece, const float *block, const float *next_block,
		uint32_t n_silent, float *ret)
{
	uint32_t n = t->n_complex, im = n + 8, stream = piece_stream(t, piece);

	copy_stream(t, stream, block, next_block, n_silent, work->in);
	copy_stream(t, stream + t->n_pieces, block, next_block, n_silent, work->in + im);
	execute(t->forward, work->in, work->in + im, work->out, work->out + im);
	work->out[n] = work->out[0];
	work->out[im + n] = work->out[im];
	v->untangle(ret, work->out, t->untangle, n);
	extend(ret, 2 * n);
}

void segue_transform_forward(const struct segue_transform *t, const struct segue_vector *v,
		const struct segue_work *work, uint32_t step, const float *block, const float *next_block,
		uint32_t n_silent, float *spectrum)
{
	uint32_t join;

	if (step < t->n_pieces) {
		float *parts = t->n_joins > 0 ? work->parts[0] : spectrum;

		forward_piece(t, v, work, step, block, next_block, n_silent,
				parts + step * SEGUE_SPECTRUM(2 * t->n_complex));
		return;
	}
	step -= t->n_pieces;
	for (join = 0; step >= n_join_steps(t, join); join++)
		step -= n_join_steps(t, join);

	struct slice s = find_slice(t, join, step);
	uint32_t n = part_size(t, join);
	float *joined = join + 1 < t->n_joins ? work->parts[join + 1] + s.which * SEGUE_SPECTRUM(4 * n) : spectrum;

	v->join(joined, work->parts[join] + s.which * 4 * SEGUE_SPECTRUM(n), t->join[join], n, s.first, s.end);
	if (s.is_last)
		extend(joined, 4 * n);
}

/* ------------------------------------------------------------------ backward */

SEGUE_DATA_LOOP static void backward_piece(const struct segue_transform *t, const struct segue_vector *v,
		const struct segue_work *work, uint32_t piece, const float *spectrum, float *block)
{
	uint32_t n = t->n_complex, im = n + 8, stream = piece_stream(t, piece), half = n / 2;

	v->tangle(work->in, spectrum, t->untangle, n);
	execute(t->backward, work->in + im, work->in, work->out + im, work->out);
	memcpy(block + stream * half, work->out + half, half * sizeof(float));
	memcpy(block + (stream + t->n_pieces) * half, work->out + im + half, half * sizeof(float));
}

void segue_transform_backward(const struct segue_transform *t, const struct segue_vector *v,
		const struct segue_work *work, uint32_t step, const float *spectrum, float *block)
{
	uint32_t join = t->n_joins;

	while (join > 0 && step >= n_join_steps(t, join - 1))
		step -= n_join_steps(t, --join);
	if (join > 0) {
		struct slice s = find_slice(t, join - 1, step);
		uint32_t n = part_size(t, join - 1);

		if (join < t->n_joins)
			spectrum = work->parts[join] + s.which * SEGUE_SPECTRUM(4 * n);
		v->part(work->parts[join - 1] + s.which * 4 * SEGUE_SPECTRUM(n), spectrum, t->join[join - 1], n,
				s.first, s.end);
		return;
	}
	if (t->n_joins > 0)
		spectrum = work->parts[0] + step * SEGUE_SPECTRUM(2 * t->n_complex);
	backward_piece(t, v, work, step, spectrum, block);
}

/* --------------------------------------------------------------------- steps */

uint32_t segue_transform_cost(const struct segue_transform *t, uint32_t step)
{
	return step < t->n_pieces ? 11 * t->n_complex : 11 * SEGUE_SLICE_BINS;
}

uint32_t segue_work_floats(uint32_t level, uint32_t join)
{
	uint32_t n_pieces = 1u << (2 * segue_levels[level].n_joins), n = 2 * segue_levels[level].block;

	if (join >= segue_levels[level].n_joins)
		return 0;
	n_pieces >>= 2 * join;
	return n_pieces * SEGUE_SPECTRUM(n / n_pieces);
}

uint32_t segue_work_piece_floats(uint32_t level)
{
	return 2 * ((segue_levels[level].block >> (2 * segue_levels[level].n_joins)) + 8);
}

/* Streams of a tick: its frames dealt once for each doubling of the streams; as six times is not at all, 32
 * streams are dealt by one riffle. */
void segue_transform_scatter(const struct segue_transform *t, const struct segue_vector *v,
		const float *frames, float *block, uint32_t offset)
{
	uint32_t n = t->n_complex / 2, s;
	float a[SEGUE_TICK_FRAMES], b[SEGUE_TICK_FRAMES];

	block += offset / t->n_streams;
	switch (t->n_joins) {
	case 0:
		v->deal(a, frames);
		memcpy(block, a, 32 * sizeof(float));
		memcpy(block + n, a + 32, 32 * sizeof(float));
		break;
	case 1:
		v->deal(a, frames);
		v->deal(b, a);
		v->deal(a, b);
		for (s = 0; s < 8; s++)
			memcpy(block + s * n, a + 8 * s, 8 * sizeof(float));
		break;
	default:
		v->riffle(a, frames);
		for (s = 0; s < 32; s++)
			memcpy(block + s * n, a + 2 * s, 2 * sizeof(float));
		break;
	}
}

void segue_transform_gather(const struct segue_transform *t, const struct segue_vector *v, const float *block,
		uint32_t offset, float *frames)
{
	uint32_t n = t->n_complex / 2, s, i;
	float a[SEGUE_TICK_FRAMES], b[SEGUE_TICK_FRAMES];

	block += offset / t->n_streams;
	switch (t->n_joins) {
	case 0:
		memcpy(b, block, 32 * sizeof(float));
		memcpy(b + 32, block + n, 32 * sizeof(float));
		v->riffle(a, b);
		break;
	case 1:
		for (s = 0; s < 8; s++)
			memcpy(b + 8 * s, block + s * n, 8 * sizeof(float));
		v->riffle(a, b);
		v->riffle(b, a);
		v->riffle(a, b);
		break;
	default:
		for (s = 0; s < 32; s++)
			memcpy(b + 2 * s, block + s * n, 2 * sizeof(float));
		v->deal(a, b);
		break;
	}
	for (i = 0; i < SEGUE_TICK_FRAMES; i++)
		frames[i] += a[i];
}

void segue_spectrum_weave(const float *spectrum, uint32_t im, uint32_t n_eights, uint32_t stride, float *woven)
{
	for (uint32_t k = 0; k < n_eights; k++) {
		memcpy(woven + k * stride, spectrum + 8 * k, 8 * sizeof(float));
		memcpy(woven + k * stride + 8, spectrum + im + 8 * k, 8 * sizeof(float));
	}
}

void segue_spectrum_unweave(float *woven, uint32_t stride, uint32_t n_eights, uint32_t im, float *spectrum)
{
	for (uint32_t k = 0; k < n_eights; k++) {
		memcpy(spectrum + 8 * k, woven + k * stride, 8 * sizeof(float));
		memcpy(spectrum + im + 8 * k, woven + k * stride + 8, 8 * sizeof(float));
		memset(woven + k * stride, 0, 16 * sizeof(float));
	}
}
