/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* A PipeWire program of its own that swaps what it plays through <segue/handover.h> alone.
 *
 *     cc handover-player.c $(pkg-config --cflags --libs libpipewire-0.3 segue) -lm
 *     ./a.out [SWAPS]
 *
 * Each wave is played as soon as the one before is heard. After SWAPS of them (default 5) it prints a line
 * of facts and ends. Nobody hears it until its port is linked, say in Helvum. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pipewire/filter.h>
#include <pipewire/pipewire.h>

#include <segue/handover.h>

#define WAVE_FRAMES	48000u
#define TICK_NSEC	(20 * SPA_NSEC_PER_MSEC)	/* of the collector */
#define TICKS_MAX	250u	/* 5 s without an answer */

struct wave {
	struct segue_buffer buffer;
	float data[WAVE_FRAMES];
};

struct player {
	/* main loop */
	struct pw_main_loop *loop;
	struct segue_ticket *last;	/* the newest sent; valid until a newer one is applied */
	uint32_t n_swaps, n_sent, n_reclaimed, n_ticks;
	const char *error;
	/* shared */
	struct segue_handover handover;
	/* data loop */
	void *port;
	struct segue_ticket *current;
	uint32_t phase;
};

/* top of the cycle: go over to the newest wave, let the old one go */
static SEGUE_DATA_LOOP void take(struct player *p, uint64_t position)
{
	struct segue_command command;

	if (!segue_handover_take(&p->handover, &command))
		return;
	segue_ticket_answer(command.ticket, SEGUE_OUTCOME_APPLIED, position);
	segue_ticket_unref(&p->handover, p->current);
	p->current = command.ticket;
}

static void on_process(void *data, struct spa_io_position *position)
{
	struct player *p = data;
	float *out = pw_filter_get_dsp_buffer(p->port, position->clock.duration);

	take(p, position->clock.position);
	if (out == NULL || p->current == NULL)
		return;
	const struct wave *wave = SPA_CONTAINER_OF(p->current->buffer, struct wave, buffer);
	for (uint64_t i = 0; i < position->clock.duration; i++) {
		out[i] = wave->data[p->phase];
		p->phase = (p->phase + 1) % WAVE_FRAMES;
	}
}

static void wave_destroy(struct segue_buffer *buffer)
{
	free(SPA_CONTAINER_OF(buffer, struct wave, buffer));
}

static bool send_wave(struct player *p)
{
	struct segue_ticket *ticket = calloc(1, sizeof(*ticket));
	struct wave *wave = calloc(1, sizeof(*wave));

	if (ticket == NULL || wave == NULL) {
		free(ticket);
		free(wave);
		return false;
	}
	wave->buffer = (struct segue_buffer) {
		.refs = 1, .bytes = sizeof(*wave), .destroy = wave_destroy
	};
	for (uint32_t i = 0; i < WAVE_FRAMES; i++)
		wave->data[i] = 0.1f * sinf(2 * (float)M_PI * (220 + 55 * (p->n_sent % 8)) * i / WAVE_FRAMES);

	ticket->buffer = &wave->buffer;
	ticket->refs = 1;
	/* never full: one is under way at a time */
	(void)segue_handover_send(&p->handover, &(struct segue_command) {
			.type = SEGUE_COMMAND_SWAP, .ticket = ticket });
	p->last = ticket;
	p->n_sent++;
	p->n_ticks = 0;
	return true;
}

static void collect(struct player *p)
{
	struct segue_ticket *ticket = segue_handover_collect(&p->handover), *next;

	for (; ticket != NULL; ticket = next) {
		next = ticket->next;
		segue_buffer_unref(ticket->buffer);
		free(ticket);
		p->n_reclaimed++;
	}
}

static void on_timer(void *data, uint64_t expirations)
{
	struct player *p = data;
	bool answered = p->last == NULL || segue_ticket_outcome(p->last) != SEGUE_OUTCOME_NONE;

	collect(p);
	if (!answered && ++p->n_ticks == TICKS_MAX)
		p->error = "no cycle in 5 seconds: does anything drive the graph?";
	else if (answered && p->n_sent < p->n_swaps && !send_wave(p))
		p->error = "out of memory";
	if (p->error != NULL || (answered && p->n_sent == p->n_swaps))
		pw_main_loop_quit(p->loop);
}

static const struct pw_filter_events filter_events = {
	PW_VERSION_FILTER_EVENTS,
	.process = on_process,
};

int main(int argc, char *argv[])
{
	struct player p = { .n_swaps = argc > 1 ? (uint32_t)atoi(argv[1]) : 5 };
	struct timespec tick = { 0, TICK_NSEC };
	struct pw_filter *filter;
	struct spa_source *timer;
	struct pw_loop *loop;
	int res;

	pw_init(&argc, &argv);
	p.loop = pw_main_loop_new(NULL);
	loop = pw_main_loop_get_loop(p.loop);
	filter = pw_filter_new_simple(loop, "handover-player", pw_properties_new(
			PW_KEY_MEDIA_TYPE, "Audio", PW_KEY_MEDIA_CATEGORY, "Playback",
			PW_KEY_NODE_ALWAYS_PROCESS, "true", NULL), &filter_events, &p);
	p.port = pw_filter_add_port(filter, PW_DIRECTION_OUTPUT, PW_FILTER_PORT_FLAG_MAP_BUFFERS, 0,
			pw_properties_new(PW_KEY_FORMAT_DSP, "32 bit float mono audio",
				PW_KEY_PORT_NAME, "output", NULL), NULL, 0);
	if ((res = pw_filter_connect(filter, PW_FILTER_FLAG_RT_PROCESS, NULL, 0)) < 0) {
		fprintf(stderr, "handover-player: can't connect to PipeWire: %s\n", strerror(-res));
	} else {
		timer = pw_loop_add_timer(loop, on_timer, &p);
		pw_loop_update_timer(loop, timer, &tick, &tick, false);
		pw_main_loop_run(p.loop);
	}
	pw_filter_destroy(filter);

	/* nothing runs on the data loop any more: act in its place, and nothing is left */
	take(&p, 0);
	segue_ticket_unref(&p.handover, p.current);
	collect(&p);
	pw_main_loop_destroy(p.loop);
	pw_deinit();

	if (p.error != NULL)
		fprintf(stderr, "handover-player: %s\n", p.error);
	if (res < 0 || p.error != NULL)
		return 1;
	printf("%u swaps applied, %u waves reclaimed, %u left\n", p.n_sent, p.n_reclaimed,
			p.handover.n_outstanding);
	return 0;
}
