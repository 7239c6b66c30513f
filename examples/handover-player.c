/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* A PipeWire program of its own that swaps what it plays through <segue/handover.h> alone.
 *
 *     cc handover-player.c $(pkg-config --cflags --libs libpipewire-0.3 segue) -lm
 *     ./a.out [SWAPS]
 *
 * Each tone is sent as soon as the one before is heard; link its port, say in Helvum, to hear them. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <pipewire/filter.h>
#include <pipewire/pipewire.h>
#include <segue/handover.h>

#define TONE_FRAMES	48000u

struct tone {			/* a ticket, a buffer and its data in one block */
	struct segue_ticket ticket;
	struct segue_buffer buffer;
	float data[TONE_FRAMES];
};

struct player {
	struct pw_main_loop *loop;
	struct segue_handover handover;
	struct segue_ticket *last;	/* main loop: sent last */
	int n_sent, n_swaps;
	void *port;			/* data loop, from here on */
	struct segue_ticket *current;
	uint32_t phase;
};

static void on_process(void *data, struct spa_io_position *position)
{
	struct player *p = data;
	float *out = pw_filter_get_dsp_buffer(p->port, position->clock.duration);
	struct segue_command command;

	if (segue_handover_take(&p->handover, &command)) {
		segue_ticket_answer(command.ticket, SEGUE_OUTCOME_APPLIED, position->clock.position);
		segue_ticket_unref(&p->handover, p->current);
		p->current = command.ticket;
	}
	for (uint64_t i = 0; out != NULL && p->current != NULL && i < position->clock.duration; i++)
		out[i] = SPA_CONTAINER_OF(p->current->buffer, struct tone, buffer)
				->data[p->phase++ % TONE_FRAMES];
}

static void send_tone(struct player *p)
{
	struct tone *tone = calloc(1, sizeof(*tone));
	struct segue_command command = { .type = SEGUE_COMMAND_SWAP, .ticket = &tone->ticket };

	if (tone == NULL)
		abort();
	for (uint32_t i = 0; i < TONE_FRAMES; i++)
		tone->data[i] = 0.1f * sinf(2 * (float)M_PI * (220 + 55 * (p->n_sent % 8)) * i / TONE_FRAMES);
	tone->ticket.buffer = &tone->buffer;
	tone->ticket.refs = 1;
	if (segue_handover_send(&p->handover, &command) == 0)	/* one is under way at a time: never full */
		p->last = &tone->ticket;
	p->n_sent++;
}

static void collect(struct player *p)
{
	struct segue_ticket *t = segue_handover_collect(&p->handover), *next;

	for (; t != NULL; t = next) {
		next = t->next;
		free(SPA_CONTAINER_OF(t, struct tone, ticket));
	}
}

static void on_timer(void *data, uint64_t expirations)
{
	struct player *p = data;

	/* the newest tone is played or on its way, so it can't have been collected */
	if (p->last != NULL && segue_ticket_outcome(p->last) == SEGUE_OUTCOME_NONE)
		return;
	collect(p);
	if (p->n_sent < p->n_swaps)
		send_tone(p);
	else
		pw_main_loop_quit(p->loop);
}

int main(int argc, char *argv[])
{
	static const struct pw_filter_events events = { PW_VERSION_FILTER_EVENTS, .process = on_process };
	struct player p = { .n_swaps = argc > 1 ? atoi(argv[1]) : 5 };
	struct timespec tick = { 0, 20 * SPA_NSEC_PER_MSEC };

	pw_init(&argc, &argv);
	p.loop = pw_main_loop_new(NULL);
	struct pw_loop *loop = pw_main_loop_get_loop(p.loop);
	struct pw_filter *filter = pw_filter_new_simple(loop, "handover-player",
			pw_properties_new(PW_KEY_NODE_ALWAYS_PROCESS, "true", NULL), &events, &p);
	if (filter != NULL)
		p.port = pw_filter_add_port(filter, PW_DIRECTION_OUTPUT, PW_FILTER_PORT_FLAG_MAP_BUFFERS, 0,
				pw_properties_new(PW_KEY_FORMAT_DSP, "32 bit float mono audio", NULL), NULL, 0);
	if (p.port == NULL || pw_filter_connect(filter, PW_FILTER_FLAG_RT_PROCESS, NULL, 0) < 0) {
		fprintf(stderr, "handover-player: can't connect to PipeWire: %m\n");
		return 1;
	}
	struct spa_source *timer = pw_loop_add_timer(loop, on_timer, &p);
	pw_loop_update_timer(loop, timer, &tick, &tick, false);
	pw_main_loop_run(p.loop);
	pw_filter_destroy(filter);

	/* the data loop has let go of us: act in its place, and nothing is left */
	segue_ticket_unref(&p.handover, p.current);
	collect(&p);
	printf("%d swaps applied, %u tones left\n", p.n_sent, p.handover.n_outstanding);
	pw_main_loop_destroy(p.loop);
	pw_deinit();
	return 0;
}
