/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "level-products.h"

#include <string.h>

#include <spa/utils/defs.h>

size_t segue_products_ahead_floats(const struct segue_level *l)
{
	/* long responses have nearly all of their partitions in the last level */
	return l->number + 1 == SEGUE_LEVELS_MAX ?
		(size_t)(SEGUE_SUMS_MAX - 1) * segue_level_eights(l->number) * 16 : 0;
}

/* Of the spectra that end at `end` and before it, those that have heard anything. */
SEGUE_DATA_LOOP static uint32_t count_partitions(const struct segue_level *l,
		const struct segue_response *response, uint64_t end, uint64_t silent_before)
{
	uint64_t n = end > silent_before ? (end - silent_before + l->block - 1) / l->block : 0;

	return (uint32_t)SPA_MIN(n, (uint64_t)response->n_partitions[l->number]);
}

struct segue_products segue_products_find(const struct segue_level *l, const struct segue_response *response,
		uint32_t output, uint32_t first, uint64_t end, uint64_t silent_before)
{
	return (struct segue_products) { response, output, segue_response_joint(response, output), first,
		segue_response_input(response, output) + response->n_inputs <= l->n_in ?
		count_partitions(l, response, end, silent_before) : 0, end };
}

/* For how many blocks a chunk is multiplied in its turn. */
SEGUE_DATA_LOOP static uint32_t n_sums(const struct segue_products *p)
{
	return p->ahead != NULL ? SEGUE_SUMS(p->n_joint) : 1;
}

/* Blocks since a chunk's turn. */
SEGUE_DATA_LOOP static uint32_t find_turn(const struct segue_level *l, const struct segue_products *p, uint32_t chunk)
{
	return (uint32_t)((p->end / l->block + chunk) % n_sums(p));
}

/* Blocks since the chunk was multiplied for this one: as many partitions are left, the first ones. 0: all are */
SEGUE_DATA_LOOP static uint32_t find_left(const struct segue_level *l, const struct segue_products *p, uint32_t chunk)
{
	return SPA_MIN(find_turn(l, p, chunk), p->n_before);
}

/* Products of a chunk for the block that is `turn` > 0 blocks from its turn. */
SEGUE_DATA_LOOP static float *ahead_of(const struct segue_level *l, const struct segue_products *p, uint32_t turn,
		uint32_t chunk)
{
	return p->ahead + ((turn - 1) * segue_level_eights(l->number) + chunk * SEGUE_CHUNK_EIGHTS) *
		(size_t)p->n_joint * 16;
}

/* The spectra of a quad for the block whose partition 0 takes the one that ends at `end`; partitions from first
 * up to valid. \return whether there is anything in them */
SEGUE_DATA_LOOP static bool find_quad(const struct segue_level *l, const struct segue_products *p, uint32_t chunk,
		uint32_t quad, uint64_t end, uint32_t first, uint32_t valid, const float *x[SEGUE_QUAD])
{
	uint32_t n = p->response->n_partitions[l->number], i;
	bool found = false;

	for (i = 0; i < SEGUE_QUAD; i++) {
		uint32_t pair = quad * SEGUE_QUAD + i, input = pair / n, partition = pair % n;

		x[i] = l->silence;
		if (input >= p->response->n_inputs || partition < first || partition >= valid)
			continue;
		x[i] = segue_level_spectrum(l, segue_response_input(p->response, p->output) + input,
				end - (uint64_t)partition * l->block) + chunk * SEGUE_CHUNK_EIGHTS * 16;
		found = true;
	}
	return found;
}

/* What others left there. */
SEGUE_DATA_LOOP static void clear_ahead(struct segue_level *l, const struct segue_products *p, uint32_t chunk)
{
	for (uint32_t turn = 1; turn < n_sums(p); turn++)
		memset(ahead_of(l, p, turn, chunk), 0, p->n_joint * segue_chunk_eights(l->number, chunk) * 16 *
				sizeof(float));
}

/* For how many blocks a chunk is multiplied now. */
SEGUE_DATA_LOOP static uint32_t find_sums(struct segue_level *l, const struct segue_products *p, uint32_t chunk,
		float *sums[SEGUE_SUMS_MAX])
{
	uint32_t turn = find_turn(l, p, chunk), n = 1;

	if (find_left(l, p, chunk) > 0) {
		sums[0] = ahead_of(l, p, turn, chunk);
		return 1;
	}
	sums[0] = l->sum;
	for (; turn + n < n_sums(p); n++)
		sums[n] = ahead_of(l, p, turn + n, chunk);
	return n;
}

void segue_products_multiply(struct segue_level *l, const struct segue_products *p, uint32_t chunk, uint32_t quad)
{
	uint32_t n_eights = segue_chunk_eights(l->number, chunk), left = find_left(l, p, chunk), n, i;
	uint32_t valid = left > 0 ? SPA_MIN(left, p->valid) : p->valid;
	const float *x[SEGUE_SUMS_MAX][SEGUE_QUAD];
	float *sums[SEGUE_SUMS_MAX];
	bool found = false;

	if (quad == 0 && p->n_before == 0)
		clear_ahead(l, p, chunk);
	n = find_sums(l, p, chunk, sums);
	for (i = 0; i < n; i++)
		found |= find_quad(l, p, chunk, quad, p->end + i * l->block, p->first + i, valid + i, x[i]);
	if (found)
		l->vector->mac(sums, x, n, segue_response_spectra(p->response, l->number, p->output, chunk, quad),
				p->n_joint, n_eights);
	if (quad + 1 < segue_response_quads(p->response, l->number))
		return;
	for (i = 0; i < p->n_joint; i++)
		segue_spectrum_unweave(sums[0] + 16 * i, 16 * p->n_joint, n_eights, SEGUE_BINS(2 * l->block),
				l->flat[i] + 8 * chunk * SEGUE_CHUNK_EIGHTS);
}

uint32_t segue_products_item_quads(const struct segue_level *l, const struct segue_products *p, uint32_t chunk)
{
	return find_left(l, p, chunk) > 0 ? segue_response_quads(p->response, l->number) : 1;
}

uint64_t segue_products_item_cost(const struct segue_level *l, const struct segue_products *p, uint32_t chunk)
{
	uint64_t cost = segue_chunk_eights(l->number, chunk) * (8 + 34 * p->n_joint);
	uint32_t n;

	if (find_left(l, p, chunk) > 0)
		return p->response->n_inputs * cost;
	if (p->ahead == NULL)
		return cost;
	/* once it is read a sum more is cheap */
	n = n_sums(p) - find_turn(l, p, chunk);
	return (n + 3) / 2 * cost;
}
