/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* What the main loop and the data loop of one node do to each other, for spin: the ring of commands, what is parked
 * when it is full, the stack of retired tickets, the barrier, starts and stops, changes of the rate, and the end. Each
 * inline bears the name of the function it mirrors, without `segue_`, and the file that has it. What one thread does to
 * memory of its own is one step; each access to shared memory is a step of its own.
 *
 * Orders. Spin's memory is sequentially consistent. Where the C code says release or acquire, the other order is in the
 * #ifdef beside it: the plain store comes after the atomic one that should publish it, or the plain load before the
 * one that should come first, with a step of the other thread between them if it likes.
 *
 * Properties are variables that are assigned and asserted in one place each, so that spin names them. */

#ifndef REQUESTS
# define REQUESTS	3	/* accepted in all, at most 4 */
#endif
#ifndef REMAKES
# define REMAKES	0	/* changes of the rate: each may make a ticket */
#endif
#ifndef CANCELS
# define CANCELS	0
#endif
#ifndef STOPS
# define STOPS		0	/* the node is taken off the graph and put back */
#endif
#ifndef CHANGES
# define CHANGES	0	/* of the memory that process() is given */
#endif
#ifndef EPIPES
# define EPIPES		0	/* calls of the barrier that find the loop's queue full */
#endif
#ifndef RING
# define RING		2
#endif
#ifndef TAKES
# define TAKES		2	/* commands per cycle */
#endif

#define REQUESTS_MAX	4
#define TICKETS		(REQUESTS + REMAKES)	/* those of requests have their numbers */
#define PARKED		(2 + CANCELS)
#define NONE		0

/* commands: a ticket's number, or */
#define CANCEL(serial)	(16 + (serial))
#define is_swap(command)	((command) < 16)

/* enum segue_outcome */
#define APPLIED		1
#define SUPERSEDED	2
#define CANCELLED	3
#define GONE		4

/* a request's life: request.h */
#define LOADING		1
#define SENT		2	/* it has a claim, parked or sent */
#define FINISHED	3	/* known on this side, to be told */
#define TOLD		4

/* what the barrier runs */
#define DO_PAUSED	1
#define DO_SETTLE	2
#define DO_DRAIN	3
#define DO_SCHEDULE	4	/* PipeWire's own */
#define DO_UNSCHEDULE	5
#define DO_SET_IO	6

/* ---- properties: CONTRACT.md, promises 1, 4 and 5 */

hidden byte each_request_ends_once, nothing_is_lost, nothing_leaks, freed_once, freed_after_its_last_use,
	freed_on_the_main_loop, what_is_taken_is_whole, an_answer_is_whole, what_is_heard_is_known,
	a_remake_replaces_itself_alone, a_newer_one_stays, memory_is_bounded, data_loop_never_waits, live_is_0_after_shutdown;

#define must(property, condition)	property = (condition); assert(property)

/* ---- memory: handover.h */

typedef ticket {
	/* main loop, before it is sent */
	bit is_whole;
	byte serial;
	bit is_remake;
	bit rate;		/* that it was made for */
	/* data loop */
	byte refs;
	byte next;
	/* shared */
	bit has_position;
	byte position;
	byte outcome;
	bit is_taken;
	/* main loop */
	bit is_retired;		/* claim->retired */
	bit is_garbage;
	/* nobody's: what the properties need */
	bit is_made, in_ring, is_freed
};

ticket tickets[TICKETS + 1];

byte ring[RING];
byte written, taken, taken_seen, n_outstanding;
byte retired;			/* the stack's head */

/* data loop: rt/swap.h, and one voice */
byte current, fading_in, committed, waiting, voice;
byte clock;			/* grows with every start */
bit rate;			/* of the driver's clock, seen by the main loop, too */
bit is_scheduled;
byte io;			/* rt/ports.h: whose areas and buffers there are */
bit is_io_freed[CHANGES + 1];

/* main loop: node.h */
byte requests[REQUESTS_MAX + 1], outcomes[REQUESTS_MAX + 1];
bit is_cancelling[REQUESTS_MAX + 1];
byte n_accepted, n_remakes, n_cancels, n_stops, n_epipes, n_rates, n_changes;
byte parked[PARKED];
byte n_parked;
byte heard[TICKETS + 1];
byte n_heard, remade;
bit is_remaking, is_running, node_rate, remake_rate, is_over;

/* the loop's queue: PipeWire's loop.c */
byte invoked;

bit halted;			/* the main loop isn't run any more */

#define heard_last	(n_heard > 0 -> heard[n_heard - 1] : NONE)
#define newest		(fading_in != NONE -> fading_in : current)

#define MAIN_LOOP	0	/* pids */

#include "data-loop.pml"
#include "requests.pml"
#include "collect.pml"

/* node-shell.c: set_started(). PipeWire takes it from the data loop's cycles, or gives it back, before or after; or
 * lets it run on (node.pause-on-idle = false) */
inline set_started(started, change)
{
	if
	:: invoke(change); barrier(DO_PAUSED); is_running = started
	:: barrier(DO_PAUSED); is_running = started; invoke(change)
	:: change == DO_UNSCHEDULE -> barrier(DO_PAUSED); is_running = started
	fi
}

/* node-shell.c: impl_node_set_io(), impl_node_port_set_io(), set_buffers(); PipeWire frees what was there then */
inline set_io()
{
	n_changes++;
	barrier(DO_SET_IO);
	is_io_freed[n_changes - 1] = true
}

/* node.c: segue_node_clear(); collect.c: segue_node_collect_all() */
inline node_clear()
{
	is_remaking = false;
	d_step {
		for (r : 1 .. REQUESTS) {
			if
			:: requests[r] == LOADING -> request_settle(r, GONE)
			:: else
			fi
		}
		r = NONE
	}
	/* outbox.c: segue_outbox_clear() */
	do
	:: n_parked > 0 && is_swap(parked[0]) -> i = 0; withdraw(i, GONE); i = NONE
	:: n_parked > 0 && !is_swap(parked[0]) ->
		d_step {
			n_parked--;
			i = 0;
			do
			:: i < n_parked -> parked[i] = parked[i + 1]; i++
			:: else -> break
			od;
			parked[n_parked] = NONE;
			i = NONE
		}
	:: else -> break
	od;
	barrier(DO_DRAIN);
	take_retired();
	tell_answers();
	free_garbage()
}

inline check_end()
{
	atomic {
		r = 1;
		do
		:: r > TICKETS -> break
		:: else ->
			must(nothing_leaks, !tickets[r].is_made || tickets[r].is_freed);
			must(nothing_is_lost, r > n_accepted || requests[r] == TOLD);
			r++
		od;
		r = NONE;
		must(live_is_0_after_shutdown, n_outstanding == 0 && n_parked == 0 && n_heard == 0 && remade == NONE)
	}
}

/* one of the requests, any of those that are in this state */
#define is(r, state)	(requests[r] == (state))
#define any(state)	(is(1, state) || is(2, state) || is(3, state) || is(4, state))

inline choose(state)
{
	if
	:: is(1, state) -> now = 1
	:: is(2, state) -> now = 2
	:: is(3, state) -> now = 3
	:: is(4, state) -> now = 4
	fi
}

#ifdef LOCKED_STACK
bit is_locked;
#endif

active proctype main_loop()
{
	byte now, r, t, i, old, what, latest;
	bit is_sent, is_all, is_any, is_unanswered, has_position;
#ifdef RELAXED_COLLECT
	byte early[TICKETS + 1];
#endif
#if defined(NO_BARRIER)
	byte head, command, n_taken;
	bit is_swapped, is_outdated;
#endif

#ifdef HALTS
	{
#endif
	set_started(true, DO_SCHEDULE);
	do
	:: n_accepted < REQUESTS -> node_request()
	:: any(LOADING) ->
		choose(LOADING);
		publish();
		now = NONE
#if CANCELS > 0
	:: n_cancels < CANCELS && (any(LOADING) || any(SENT)) ->
		if
		:: any(LOADING) -> choose(LOADING)
		:: any(SENT) -> choose(SENT)
		fi;
		n_cancels++;
		node_cancel();
		now = NONE
#endif
#if STOPS > 0
	:: is_running && n_stops < STOPS -> n_stops++; set_started(false, DO_UNSCHEDULE)
	:: !is_running -> set_started(true, DO_SCHEDULE)
#endif
#if REMAKES > 0
	:: is_remaking -> on_remade()
#endif
#if CHANGES > 0
	:: n_changes < CHANGES -> set_io()
#endif
	:: node_collect()
#ifndef LIVE
	:: break
#endif
	od;
	invoke(DO_UNSCHEDULE);
	node_clear();
	check_end();
	is_over = true
#ifdef HALTS
	} unless { halted }
#endif
}

#ifdef HALTS
/* The main loop stands still, at any step: the data loop must not notice. */
active proctype halt()
{
	halted = true
}
#endif

active proctype data_loop()
{
	byte head, command, n_taken, used;
	bit is_swapped, is_outdated;

end:	do
	:: invoked != NONE -> call(invoked); invoked = NONE
	:: invoked == NONE && is_scheduled ->
#if REMAKES > 0
		if
		:: n_rates < REMAKES -> n_rates++; rate = !rate
		:: true
		fi;
#endif
		must(freed_after_its_last_use, !is_over);
		process();
		d_step { command = NONE; n_taken = 0; head = NONE; is_swapped = false; is_outdated = false }
	od
}

#ifdef LIVE
ltl each_request_ends { [] ((requests[1] == SENT) -> <> (requests[1] == TOLD)) }
#endif
