/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#include "ports.h"

#include <errno.h>

#include <spa/pod/iter.h>

/* io areas and chunks may be shared with another process: what is read from them is read once, and
 * checked after that */
#define READ_ONCE(value)	__atomic_load_n(&(value), __ATOMIC_RELAXED)

SEGUE_DATA_LOOP static void advance_clock(struct segue_ports *ports)
{
	struct spa_io_clock *clock = &ports->clock;
	const struct spa_io_position *position = ports->position;

	if (position != NULL && position->clock.duration > 0 && position->clock.rate.denom > 0) {
		*clock = position->clock;
		return;
	}
	clock->position += clock->duration;
	clock->nsec += clock->duration * clock->rate.num * SPA_NSEC_PER_SEC / clock->rate.denom;
}

/* In turn, not the first one free: a consumer that works one cycle behind still reads the last. */
SEGUE_DATA_LOOP static float *next_buffer(struct segue_port *port, uint32_t *n_frames)
{
	uint32_t i, id;

	if (port->io == NULL)
		return NULL;
	segue_port_reuse_buffer(port, READ_ONCE(port->io->buffer_id));
	for (i = 1; i <= port->n_buffers; i++) {
		id = (port->last + i) % port->n_buffers;
		if (port->free & (UINT64_C(1) << id)) {
			const struct spa_data *d = &port->buffers[id]->datas[port->plane];

			port->last = id;
			*n_frames = SPA_MIN(*n_frames, d->maxsize / (uint32_t)sizeof(float));
			return d->data;
		}
	}
	return NULL;
}

SEGUE_DATA_LOOP static void offer_buffer(struct segue_port *port, const float *data, uint32_t n_frames)
{
	if (port->io == NULL)
		return;
	if (data != NULL) {
		struct spa_chunk *chunk = port->buffers[port->last]->datas[port->plane].chunk;

		chunk->offset = 0;
		chunk->size = n_frames * sizeof(float);
		chunk->stride = sizeof(float);
		chunk->flags = 0;
		port->free &= ~(UINT64_C(1) << port->last);
	}
	port->io->buffer_id = data != NULL ? port->last : SPA_ID_INVALID;
	port->io->status = data != NULL ? SPA_STATUS_HAVE_DATA : -EPIPE;
}

SEGUE_DATA_LOOP bool segue_port_has_arrived(const struct segue_port *port)
{
	return port->io != NULL && READ_ONCE(port->io->status) == SPA_STATUS_HAVE_DATA;
}

SEGUE_DATA_LOOP static void *arrived(const struct segue_port *port, uint32_t alignment, uint32_t *size)
{
	const struct spa_data *d;
	uint32_t id, offset;

	if (!segue_port_has_arrived(port))
		return NULL;
	id = READ_ONCE(port->io->buffer_id);
	if (id >= port->n_buffers)
		return NULL;
	d = &port->buffers[id]->datas[port->plane];
	offset = SPA_MIN(READ_ONCE(d->chunk->offset), d->maxsize);
	*size = SPA_MIN(READ_ONCE(d->chunk->size), d->maxsize - offset);
	return offset % alignment == 0 ? SPA_PTROFF(d->data, offset, void) : NULL;
}

SEGUE_DATA_LOOP static const float *read_audio(const struct segue_port *port, uint32_t n_frames)
{
	uint32_t size;
	const float *data = arrived(port, sizeof(float), &size);

	/* a short one is nothing: half a cycle of sound is a click as well */
	return data != NULL && size / sizeof(float) >= n_frames ? data : NULL;
}

SEGUE_DATA_LOOP static const struct spa_pod_sequence *read_midi(const struct segue_port *port)
{
	uint32_t size;
	void *data = arrived(port, sizeof(uint64_t), &size);
	const struct spa_pod *pod = data != NULL ? spa_pod_from_data(data, size, 0, size) : NULL;

	return pod != NULL && spa_pod_is_sequence(pod) ? (const struct spa_pod_sequence *)pod : NULL;
}

SEGUE_DATA_LOOP static void ask_for_more(const struct segue_port *port)
{
	if (port->io != NULL)
		port->io->status = SPA_STATUS_NEED_DATA;
}

SEGUE_DATA_LOOP void segue_ports_begin(struct segue_ports *ports, struct segue_cycle *ret)
{
	uint32_t i, n_frames;

	advance_clock(ports);
	n_frames = SPA_MIN(ports->clock.duration, SEGUE_QUANTUM_MAX);
	for (i = 0; i < ports->n_out; i++)
		ports->out_data[i] = next_buffer(&ports->out[i], &n_frames);
	for (i = 0; i < ports->n_in; i++)
		ports->in_data[i] = read_audio(&ports->in[i], n_frames);

	ret->clock = &ports->clock;
	ret->n_frames = n_frames;
	ret->in = ports->in_data;
	ret->out = ports->out_data;
	ret->midi = read_midi(&ports->midi);
}

SEGUE_DATA_LOOP void segue_ports_end(struct segue_ports *ports, const struct segue_cycle *cycle)
{
	uint32_t i;

	for (i = 0; i < ports->n_out; i++)
		offer_buffer(&ports->out[i], cycle->out[i], cycle->n_frames);
	for (i = 0; i < ports->n_in; i++)
		ask_for_more(&ports->in[i]);
	ask_for_more(&ports->midi);
}

SEGUE_DATA_LOOP void segue_port_reuse_buffer(struct segue_port *port, uint32_t id)
{
	if (id < port->n_buffers)
		port->free |= UINT64_C(1) << id;
}

SEGUE_DATA_LOOP static void free_all(struct segue_port *port)
{
	port->free = port->n_buffers > 0 ? UINT64_MAX >> (SEGUE_PORT_BUFFERS_MAX - port->n_buffers) : 0;
}

SEGUE_DATA_LOOP void segue_port_set_io(struct segue_port *port, struct spa_io_buffers *io)
{
	port->io = io;
	free_all(port);
}

SEGUE_DATA_LOOP void segue_port_set_buffers(struct segue_port *port, struct spa_buffer *const buffers[],
		uint32_t n_buffers)
{
	uint32_t i;

	for (i = 0; i < n_buffers; i++)
		port->buffers[i] = buffers[i];
	port->n_buffers = n_buffers;
	port->last = 0;
	free_all(port);
}
