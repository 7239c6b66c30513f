/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include <stdlib.h>
#include <string.h>

#include "convolver.h"
#include "make/layout.h"
#include "make/response.h"
#include "make/transforms.h"
#include "rt/convolver.h"

#define MEMORY_MAX	((size_t)8 << 30)

struct ours {
	const struct segue_convolver_work *work;
	struct segue_make make;
	struct segue_transforms *transforms;
	struct segue_response *response;
	struct segue_handover handover;
	struct segue_statistics statistics;
	struct segue_ticket ticket;
	struct segue_convolver *conv;	/* in memory that is ours */
	struct spa_io_clock clock;
};

static void close_ours(void *data)
{
	struct ours *o = data;

	if (o->conv != NULL)
		segue_convolver_drain(o->conv);
	if (o->make.memory != NULL) {
		segue_memory_free(o->make.memory, o->conv);
		segue_memory_free(o->make.memory, o->response);
		segue_memory_unref(o->make.memory);
	}
	segue_transforms_unref(o->transforms);
	free(o);
}

static struct segue_response *make_response(struct ours *o, const struct segue_convolver_config *config,
		float *const *paths, uint32_t n_frames)
{
	const struct segue_response_target target = { config->n_in, config->n_out, n_frames, o->transforms };
	struct segue_sample *sample = segue_sample_new(&o->make, segue_convolver_work_paths(o->work), n_frames,
			o->work->rate);
	struct segue_response *response;

	if (sample == NULL)
		return NULL;
	for (uint32_t i = 0; i < sample->n_channels; i++)
		memcpy(sample->data[i], paths[i], n_frames * sizeof(float));
	response = segue_response_from_sample(&o->make, sample, &target);
	segue_memory_free(o->make.memory, sample);
	return response;
}

static bool open_engine(struct ours *o, float *const *paths, uint32_t n_frames)
{
	struct segue_convolver_config config = { .n_in = o->work->n_in, .n_out = o->work->n_out,
		.frames_max = n_frames, .handover = &o->handover, .statistics = &o->statistics };
	void *memory;

	o->make.name = "response";
	if ((o->make.memory = segue_memory_new(MEMORY_MAX)) == NULL ||
	    (config.transforms = o->transforms = segue_transforms_new()) == NULL ||
	    (o->response = make_response(o, &config, paths, n_frames)) == NULL ||
	    (memory = segue_memory_alloc(o->make.memory, segue_convolver_size(&config))) == NULL)
		return false;
	/* aligned as it is, the engine begins where its memory does */
	o->conv = segue_convolver_init(memory, &config);
	return true;
}

static void *open_ours(const struct segue_convolver_work *work, float *const *paths, uint32_t n_frames)
{
	struct ours *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return NULL;
	o->work = work;
	o->clock = (struct spa_io_clock) { .id = 1, .rate = { 1, work->rate }, .duration = work->quantum };
	if (!open_engine(o, paths, n_frames)) {
		close_ours(o);
		return NULL;
	}
	o->ticket = (struct segue_ticket) { .buffer = &o->response->buffer, .at = SEGUE_NOW, .refs = 1 };
	(void)segue_handover_send(&o->handover, &(struct segue_command) { SEGUE_COMMAND_SWAP,
			.ticket = &o->ticket });
	segue_convolver_settle(o->conv);
	return o;
}

static void process_ours(void *data, const float *const *in, float *const *out)
{
	struct ours *o = data;

	segue_convolver_process(o->conv, &o->clock, in, out, o->work->quantum);
	o->clock.position += o->work->quantum;
	o->clock.nsec += (uint64_t)o->work->quantum * SPA_NSEC_PER_SEC / o->work->rate;
}

const struct segue_convolver_peer segue_convolver_ours = { "segue", open_ours, process_ours, close_ours };
