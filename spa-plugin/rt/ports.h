/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_RT_PORTS_H
#define SEGUE_RT_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include <spa/buffer/buffer.h>
#include <spa/node/io.h>
#include <spa/pod/pod.h>
#include <spa/utils/defs.h>

#include <segue/handover.h>

/** \file
 * What a node's data loop sees of its ports: io areas and buffers in, arrays of floats out.
 *
 * The structs are laid out and changed by the shell, through the barrier only; between two barriers
 * they belong to the data loop. */

#define SEGUE_PORT_BUFFERS_MAX	64u	/* bits of segue_port.free; PipeWire gives one or two */
#define SEGUE_PORT_CHANNELS_MAX	64u
#define SEGUE_QUANTUM_MAX	8192u	/* frames */

struct segue_port {
	struct spa_io_buffers *io;	/**< NULL: no link */
	struct spa_buffer *buffers[SEGUE_PORT_BUFFERS_MAX];
	uint32_t n_buffers;
	uint32_t plane;			/**< which of a buffer's datas: those of one planar port share io and buffers */
	/* outputs only */
	uint64_t free;			/**< bit i: buffer i is ours to write to */
	uint32_t last;			/**< the buffer written last */
};

/** What an engine is handed for one cycle. Everything in it is valid until process() returns. */
struct segue_cycle {
	/** the driver's; position, rate and duration of this cycle. Without a driver it goes on by itself
	 * from the last one known. */
	const struct spa_io_clock *clock;
	uint32_t n_frames;		/**< 1..SEGUE_QUANTUM_MAX */
	const float *const *in;		/**< n_in pointers to n_frames values; NULL: nothing arrives there */
	float *const *out;		/**< n_out pointers to n_frames values; NULL: nobody listens */
	const struct spa_pod_sequence *midi;	/**< bounds checked from outside; NULL: nothing arrives */
};

struct segue_ports {
	struct segue_port in[SEGUE_PORT_CHANNELS_MAX];
	struct segue_port out[SEGUE_PORT_CHANNELS_MAX];
	struct segue_port midi;
	uint32_t n_in, n_out;
	const struct spa_io_position *position;	/**< the driver's; NULL: none */
	/* data loop only */
	struct spa_io_clock clock;	/**< of this cycle, or the last one with a driver, gone on */
	const float *in_data[SEGUE_PORT_CHANNELS_MAX];
	float *out_data[SEGUE_PORT_CHANNELS_MAX];
};

/** Begin a cycle: read the clock, take what has arrived, find a buffer for each output. Data loop. */
SEGUE_DATA_LOOP void segue_ports_begin(struct segue_ports *ports, struct segue_cycle *ret);

/** End it: offer the outputs and ask for more input. Data loop. */
SEGUE_DATA_LOOP void segue_ports_end(struct segue_ports *ports, const struct segue_cycle *cycle);

/** The consumer is done with a buffer of an output. Data loop. */
SEGUE_DATA_LOOP void segue_port_reuse_buffer(struct segue_port *port, uint32_t id);

/** A new io area; buffers the old one still named are ours again. Through the barrier. */
SEGUE_DATA_LOOP void segue_port_set_io(struct segue_port *port, struct spa_io_buffers *io);

/** Is there something to read? Data loop. */
SEGUE_DATA_LOOP bool segue_port_has_arrived(const struct segue_port *port);

/** Has a buffer what the data loop takes for granted: mapped memory, aligned, for a frame at least, of each
 * plane? */
static inline SEGUE_MAIN_LOOP bool segue_port_can_use(const struct spa_buffer *buffer, uint32_t n_planes)
{
	bool can_use = buffer->n_datas >= n_planes;

	for (uint32_t i = 0; can_use && i < n_planes; i++) {
		const struct spa_data *d = &buffer->datas[i];

		can_use = d->data != NULL && d->chunk != NULL && d->maxsize >= sizeof(float) &&
				SPA_IS_ALIGNED(d->data, sizeof(float));
	}
	return can_use;
}

/** New buffers that can be used, at most SEGUE_PORT_BUFFERS_MAX; 0: none. Through the barrier. */
SEGUE_DATA_LOOP void segue_port_set_buffers(struct segue_port *port, struct spa_buffer *const buffers[],
		uint32_t n_buffers);

#endif /* SEGUE_RT_PORTS_H */
