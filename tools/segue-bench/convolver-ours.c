/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "convolver.h"

#include <stdlib.h>
#include <string.h>

#include "make/layout.h"
#include "make/response.h"
#include "make/transforms.h"
#include "rt/convolver.h"
#include "sound.h"

#define MEMORY_MAX	((size_t)8 << 30)

struct ours {
	const struct segue_convolver_work *work;
	float *const *paths;
	uint32_t n_frames;
	struct segue_make make;
	struct segue_transforms *transforms;
	struct segue_response *responses[2];	/* the second for swaps */
	struct segue_handover handover;
	struct segue_statistics statistics;
	struct segue_ticket tickets[2];
	uint32_t current;		/* response and ticket */
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
		segue_memory_free(o->make.memory, o->responses[0]);
		segue_memory_free(o->make.memory, o->responses[1]);
		segue_memory_unref(o->make.memory);
	}
	segue_transforms_unref(o->transforms);
	free(o);
}

/* ret_nsec: CPU time it took */
static struct segue_response *make_response(struct ours *o, double *ret_nsec)
{
	const struct segue_response_target target = { o->work->n_in, o->work->n_out, o->n_frames, o->transforms };
	struct segue_sample *sample = segue_sample_new(&o->make, segue_convolver_work_paths(o->work), o->n_frames,
			o->work->rate);
	struct segue_response *response;
	uint64_t begun;

	if (sample == NULL)
		return NULL;
	for (uint32_t i = 0; i < sample->n_channels; i++)
		memcpy(sample->data[i], o->paths[i], o->n_frames * sizeof(float));
	begun = segue_clock_nsec(CLOCK_THREAD_CPUTIME_ID);
	response = segue_response_from_sample(&o->make, sample, &target);
	*ret_nsec = (double)(segue_clock_nsec(CLOCK_THREAD_CPUTIME_ID) - begun);
	segue_memory_free(o->make.memory, sample);
	return response;
}

static bool open_engine(struct ours *o)
{
	struct segue_convolver_config config = { .n_in = o->work->n_in, .n_out = o->work->n_out,
		.frames_max = o->n_frames, .handover = &o->handover, .statistics = &o->statistics };
	void *memory;
	double nsec;

	o->make.name = "response";
	if ((o->make.memory = segue_memory_new(MEMORY_MAX)) == NULL ||
	    (config.transforms = o->transforms = segue_transforms_new()) == NULL ||
	    (o->responses[0] = make_response(o, &nsec)) == NULL ||
	    (memory = segue_memory_alloc(o->make.memory, segue_convolver_size(&config))) == NULL)
		return false;
	/* aligned as it is, the engine begins where its memory does */
	o->conv = segue_convolver_init(memory, &config);
	return true;
}

static void send_current(struct ours *o, uint32_t fade_frames)
{
	struct segue_ticket *ticket = &o->tickets[o->current];

	*ticket = (struct segue_ticket) { .buffer = &o->responses[o->current]->buffer, .at = SEGUE_NOW,
		.fade = (double)fade_frames / o->work->rate, .refs = 1 };
	(void)segue_handover_send(&o->handover, &(struct segue_command) { SEGUE_COMMAND_SWAP, .ticket = ticket });
}

static void *open_ours(const struct segue_convolver_work *work, float *const *paths, uint32_t n_frames)
{
	struct ours *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return NULL;
	o->work = work;
	o->paths = paths;
	o->n_frames = n_frames;
	o->clock = (struct spa_io_clock) { .id = 1, .rate = { 1, work->rate }, .duration = work->quantum };
	if (!open_engine(o)) {
		close_ours(o);
		return NULL;
	}
	send_current(o, 0);
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

double segue_convolver_ours_make(void *data)
{
	struct ours *o = data;
	double nsec = 0.0;

	segue_memory_free(o->make.memory, make_response(o, &nsec));
	return nsec;
}

uint32_t segue_convolver_ours_swap(void *data, uint32_t fade_frames)
{
	struct ours *o = data;
	bool first = o->responses[1] == NULL;
	double nsec;

	/* the one before has come back */
	if (!first && segue_handover_collect(&o->handover) == NULL)
		return 0;
	if (first && (o->responses[1] = make_response(o, &nsec)) == NULL)
		return 0;
	o->current = !o->current;
	send_current(o, fade_frames);
	return segue_swap_lead(o->responses[o->current]->n_levels) + fade_frames;
}
