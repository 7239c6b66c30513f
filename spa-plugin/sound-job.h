/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_SOUND_JOB_H
#define SEGUE_SOUND_JOB_H

#include "control.h"
#include "fence.h"
#include "make/kit.h"
#include "make/make.h"
#include "make/response.h"
#include "sound.h"

/** \file
 * The work behind a sound, as jobs: open its files, make its buffer, make it again for another rate. A job
 * has its own copy of all it needs, because its thread may have to be left behind. */

struct segue_store_impl;

enum segue_sound_step {
	SEGUE_SOUND_OPEN,	/**< recipe -> decoders or kit */
	SEGUE_SOUND_MAKE,	/**< decoders, kit or wave -> originals, made */
	SEGUE_SOUND_REMAKE,	/**< from -> made */
	SEGUE_SOUND_RESPOND,	/**< from, a sample -> made, a response */
	SEGUE_SOUND_WRITE,	/**< from, a sample or a table -> the file */
};

struct segue_sound_job {
	struct segue_job job;
	enum segue_sound_step step;
	struct segue_sound *sound;	/* main loop; NULL: nobody waits for it any more, */
	struct segue_form *form;	/* or only for this response of it */
	struct segue_store_impl *store;	/* main loop */
	uint64_t id;			/* main loop: of a writing */
	struct segue_sound_job *opened;	/* main loop: whose files it has, until it is started */
	void (*done)(struct segue_job *job, int res);	/* main loop */
	uint32_t running;		/* atomic: a worker is at it */

	/* the worker's, while it runs */
	struct segue_make make;
	struct segue_memory *memory;	/* a reference, for the leftovers */
	enum segue_recipe_type type;
	enum segue_kind kind;
	char **paths;
	uint32_t n_paths;
	int fds[SEGUE_FILES_MAX];	/* -1: taken over by a decoder; closed by a worker */
	uint32_t n_fds;
	bool is_rates;
	char *wave;
	char *name;
	struct segue_options options;
	uint32_t rate;
	uint32_t own_rate;		/* of a response's recording, before it was resampled as a sound */
	struct segue_response_target response;	/* holds its transforms */
	struct segue_buffer *from;	/* held from its start to its end */
	struct segue_decoder *decoders[SEGUE_RATES_MAX];
	uint32_t n_decoders;		/* one, or of each rate */
	bool is_fenced;
	struct segue_fence fence;	/* for samples of an instrument */
	struct segue_kit *kit;		/* an instrument, opened */
	/* recordings as they are: of each rate, or the only one where it has more than what was made */
	struct segue_buffer *originals[SEGUE_RATES_MAX];
	uint32_t n_originals;
	struct segue_buffer *made;
	float peak;			/* of a response its gain */
};

/** Do its step; in sound-work.c. \return 0, or a negative errno with make.error */
SEGUE_WORKER int segue_sound_work(struct segue_sound_job *job);

/** Of recordings at several rates: the one at a rate, else the highest. */
SEGUE_WORKER uint32_t segue_sound_job_pick(const uint32_t rates[], uint32_t n, uint32_t rate);

/** A buffer's rate; a table and an instrument are good for all: UINT32_MAX. */
static inline uint32_t segue_buffer_rate(const struct segue_buffer *buffer)
{
	switch (buffer->type) {
	case SEGUE_BUFFER_SAMPLE:
		return ((const struct segue_sample *)buffer)->rate;
	case SEGUE_BUFFER_RESPONSE:
		return ((const struct segue_response *)buffer)->rate;
	default:
		return UINT32_MAX;
	}
}

static inline bool segue_buffer_is_for(const struct segue_buffer *buffer, uint32_t rate)
{
	uint32_t own = segue_buffer_rate(buffer);

	return own == rate || own == UINT32_MAX;
}

/** The recipe copied, its descriptor taken over if this succeeds. \return NULL with errno */
SEGUE_MAIN_LOOP struct segue_sound_job *segue_sound_job_new(struct segue_store_impl *store,
		const struct segue_recipe *recipe, enum segue_kind kind, const char *name);
/** To make what a job that has opened its files is for: all it has moves to the new one. \return NULL with
 * errno */
SEGUE_MAIN_LOOP struct segue_sound_job *segue_sound_job_make(struct segue_sound_job *opened);
/** To make a sample for another rate. \return NULL with errno */
SEGUE_MAIN_LOOP struct segue_sound_job *segue_sound_job_remake(struct segue_store_impl *store,
		struct segue_buffer *from, const char *name);
/** To make a sample a response, likewise.
 * \param own_rate  of the recording the sample is of */
SEGUE_MAIN_LOOP struct segue_sound_job *segue_sound_job_respond(struct segue_store_impl *store,
		struct segue_buffer *from, uint32_t own_rate, const struct segue_target *target,
		const char *name);
/** To write it into a file, likewise.
 * \param fd  taken over if this succeeds */
SEGUE_MAIN_LOOP struct segue_sound_job *segue_sound_job_write(struct segue_store_impl *store,
		struct segue_buffer *from, int fd, const char *name);
/** In done(): may its thread, which was left behind, still be using what is the worker's? */
SEGUE_MAIN_LOOP bool segue_sound_job_is_running(const struct segue_sound_job *job);
/** What an opened job has: the header of the file for its rate, and what tells its files from others
 * (allocated; NULL: no memory). */
SEGUE_MAIN_LOOP void segue_sound_job_header(const struct segue_sound_job *opened, struct segue_header *ret);
SEGUE_MAIN_LOOP char *segue_sound_job_identity(const struct segue_sound_job *opened);
/** Why it failed, or why none could be started for `label`. \return error->res */
SEGUE_MAIN_LOOP int segue_sound_job_failed(const struct segue_sound_job *job, const char *label, int res,
		struct segue_error *error);
SEGUE_MAIN_LOOP int segue_sound_job_refused(const char *label, int res, struct segue_error *error);
/** Put it to work. What is still its own in the end, a worker gives up. \return 0 or a negative errno: then it is
 * freed */
SEGUE_MAIN_LOOP int segue_sound_job_start(struct segue_sound_job *job,
		void (*done)(struct segue_job *job, int res),
		void (*progressed)(struct segue_job *job));

#endif /* SEGUE_SOUND_JOB_H */
