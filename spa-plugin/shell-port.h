/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

#ifndef SEGUE_SHELL_PORT_H
#define SEGUE_SHELL_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include <spa/node/node.h>
#include <spa/param/latency.h>
#include <spa/param/param.h>
#include <spa/pod/builder.h>
#include <spa/utils/dict.h>

#include "rt/ports.h"
#include "shell-info.h"

/** \file
 * One port of a shell as the main loop sees it: what it is called and what it can be set to. */

#define SEGUE_SHELL_PORT_PARAMS	5u
#define SEGUE_SHELL_PORT_ITEMS	4u

struct segue_shell_port {
	enum spa_direction direction;
	uint32_t id;
	bool is_midi;
	bool have_format;
	uint32_t n_planes;			/* 0: it is a mono DSP port */
	uint32_t position[SEGUE_PORT_CHANNELS_MAX];	/* of the planes */
	uint32_t rate;				/* Hz: of a planar port's format */
	char channel[16], name[32], alias[SEGUE_SHELL_NAME_MAX + 32];
	struct spa_latency_info latency[2];	/* by direction */
	struct spa_param_info params[SEGUE_SHELL_PORT_PARAMS];
	struct spa_dict_item items[SEGUE_SHELL_PORT_ITEMS];
	struct spa_dict dict;
	struct spa_port_info info;	/**< change_mask: what listeners haven't been told */
	struct segue_port *rt;		/**< the same port on the data loop, or as many as there are planes */
};

/** Read audio.position of an info dict: `[ FL FR ]`, `FL,FR`; stereo when it isn't there.
 * \param side  an object in it whose audio.position goes first: capture.props, playback.props; or NULL
 * \param ret  SEGUE_PORT_CHANNELS_MAX channel ids
 * \return how many, or -EINVAL: none, too many or an unknown name */
SEGUE_MAIN_LOOP int segue_shell_position(const struct spa_dict *info, const char *side,
		uint32_t *ret);

/** A mono audio port of the node called `node_name`.
 * \param channel  enum spa_audio_channel */
SEGUE_MAIN_LOOP void segue_shell_port_init(struct segue_shell_port *port, enum spa_direction direction,
		uint32_t id, uint32_t channel, const char *node_name, struct segue_port *rt);
/** Its MIDI input. */
SEGUE_MAIN_LOOP void segue_shell_port_init_midi(struct segue_shell_port *port, uint32_t id,
		const char *node_name, struct segue_port *rt);

/** The one port of a side of a device: all its channels, each in a plane of its own.
 * \param position  n_planes channel ids
 * \param rt  n_planes of them */
SEGUE_MAIN_LOOP void segue_shell_port_init_planar(struct segue_shell_port *port, enum spa_direction direction,
		const uint32_t *position, uint32_t n_planes, struct segue_port *rt);
/** How many rt has. */
static inline uint32_t segue_shell_port_n_rt(const struct segue_shell_port *port)
{
	return port->n_planes > 0 ? port->n_planes : 1;
}

/** Build value number `index` of a param.
 * \param quantum_limit  frames
 * \param rate  Hz: the graph's, which a planar port wants; 0: any
 * \return 1, 0 when there are no more, -ENOENT for an unknown param, -EIO without the format it needs */
SEGUE_MAIN_LOOP int segue_shell_port_build(const struct segue_shell_port *port, uint32_t quantum_limit,
		uint32_t rate, uint32_t id, uint32_t index, struct spa_pod_builder *b, struct spa_pod **ret);

/** Can this be the port's format? \return its rate, 0 of one that has none, or -EINVAL */
SEGUE_MAIN_LOOP int segue_shell_port_check_format(const struct segue_shell_port *port,
		const struct spa_pod *format);
SEGUE_MAIN_LOOP void segue_shell_port_set_have_format(struct segue_shell_port *port, bool have_format);

/** Have buffers present in memory that the data loop is about to be given: what is shared comes without its pages. */
SEGUE_MAIN_LOOP void segue_shell_port_touch_buffers(const struct segue_shell_port *port,
		struct spa_buffer *const buffers[], uint32_t n_buffers);

/** Take the latency of the other side's peers. NULL: none. \return 0 or -EINVAL */
SEGUE_MAIN_LOOP int segue_shell_port_set_latency(struct segue_shell_port *port, const struct spa_pod *param);
/** Tell its own peers another latency, unless it is the same. */
SEGUE_MAIN_LOOP void segue_shell_port_tell_latency(struct segue_shell_port *port,
		struct spa_latency_info info);

#endif /* SEGUE_SHELL_PORT_H */
