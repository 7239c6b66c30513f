/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include <stdlib.h>
#include <string.h>

#include <zita-convolver.h>

#include "convolver.h"

/* Its tails are computed by threads of its own, at real-time priority where they may have it. */

#define PRIORITY	-1	/* that of the first such thread, below ours */
#define SCHEDULER	1	/* SCHED_FIFO */

struct zita {
	Convproc conv;
	const struct segue_convolver_work *work;
};

static void close_zita(void *data)
{
	struct zita *z = static_cast<struct zita *>(data);

	z->conv.stop_process();
	z->conv.cleanup();
	delete z;
}

static int add_paths(struct zita *z, float *const *paths, uint32_t n_frames)
{
	const struct segue_convolver_work *w = z->work;
	int res = 0;

	for (uint32_t i = 0; res == 0 && i < w->n_in; i++) {
		for (uint32_t o = 0; res == 0 && o < w->n_out; o++) {
			if (!w->diagonal)
				res = z->conv.impdata_create(i, o, 1, paths[i * w->n_out + o], 0, n_frames);
			else if (i == o)
				res = z->conv.impdata_create(i, o, 1, paths[i], 0, n_frames);
		}
	}
	return res;
}

static void *open_zita(const struct segue_convolver_work *work, float *const *paths, uint32_t n_frames)
{
	struct zita *z = new zita;
	float density = work->diagonal ? 1.0f / work->n_out : 1.0f;
	uint32_t smallest = work->quantum < Convproc::MINPART ? (uint32_t)Convproc::MINPART : work->quantum;

	z->work = work;
	z->conv.set_options(Convproc::OPT_VECTOR_MODE);
	/* without latency, where its smallest partition allows */
	if (z->conv.configure(work->n_in, work->n_out, n_frames, work->quantum, smallest,
				Convproc::MAXPART, density) != 0 ||
	    add_paths(z, paths, n_frames) != 0 ||
	    z->conv.start_process(PRIORITY, SCHEDULER) != 0) {
		close_zita(z);
		return nullptr;
	}
	return z;
}

static void process_zita(void *data, const float *const *in, float *const *out)
{
	struct zita *z = static_cast<struct zita *>(data);
	size_t size = z->work->quantum * sizeof(float);

	for (uint32_t i = 0; i < z->work->n_in; i++)
		memcpy(z->conv.inpdata(i), in[i], size);
	z->conv.process(true);
	for (uint32_t i = 0; i < z->work->n_out; i++)
		memcpy(out[i], z->conv.outdata(i), size);
}

const struct segue_convolver_peer segue_convolver_zita = { "zita", open_zita, process_zita, close_zita };
