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

/* ------------------------------------------------------------------ data loop */

inline touch(t)
{
	must(freed_after_its_last_use, !tickets[t].is_freed)
}

/* handover.h */
inline ticket_retire(t)
{
#ifdef FREE_ON_THE_DATA_LOOP
	claim_free(t);
#else
# ifdef LOCKED_STACK
	atomic { !is_locked -> is_locked = true };
# endif
	head = retired;
# ifndef RELAXED_RETIRE
	atomic { touch(t); tickets[t].next = head };
# endif
	/* compare and swap, release */
	atomic {
		if
		:: retired == head -> retired = t; is_swapped = true
# ifdef WEAK_CAS
		:: retired == head -> is_swapped = false
# endif
		:: else -> is_swapped = false
		fi
	};
	if
	:: is_swapped
	:: else ->
# ifndef RELAXED_RETIRE
		tickets[t].next = NONE;
# endif
		retired = t;		/* release */
# ifdef RELAXED_RETIRE
		head = NONE
# endif
	fi;
# ifdef RELAXED_RETIRE
	tickets[t].next = head;
# endif
# ifdef LOCKED_STACK
	is_locked = false;
# endif
#endif
	skip
}

/* handover.h */
inline ticket_unref(t)
{
	atomic { touch(t); tickets[t].refs-- };
	if
	:: tickets[t].refs == 0 -> ticket_retire(t)
	:: else
	fi
}

/* handover.h */
inline ticket_answer(t, what, where)
{
	atomic { touch(t); must(each_request_ends_once, tickets[t].outcome == NONE) };
#ifdef RELAXED_ANSWER
	tickets[t].outcome = what;
	d_step { tickets[t].position = where; tickets[t].has_position = true }
#else
	d_step { tickets[t].position = where; tickets[t].has_position = true };
	tickets[t].outcome = what	/* release */
#endif
}

/* rt/swap.c */
inline dismiss(t, what)
{
#ifdef LOST_SUPERSEDED
	if
	:: what == SUPERSEDED
	:: else -> ticket_answer(t, what, 0)
	fi;
#else
	ticket_answer(t, what, 0);
#endif
	ticket_unref(t)
}

/* handover.h */
inline handover_take()
{
#ifdef RELAXED_TAKE
	command = ring[taken % RING];
#endif
	if
	:: written == taken -> command = NONE	/* acquire */
	:: else ->
#ifdef RELAXED_TAKEN
		taken++;
		command = ring[(taken - 1) % RING];
#else
# ifndef RELAXED_TAKE
		command = ring[taken % RING];
# endif
		taken++;		/* release */
#endif
		atomic {
			n_taken++;
			if
			:: !is_swap(command)
			:: else ->
				must(nothing_is_lost, command != NONE && tickets[command].in_ring);
				must(what_is_taken_is_whole, tickets[command].is_whole);
				tickets[command].in_ring = false
			fi
		}
	fi
}

/* rt/swap.c: of two that wait the one with the greater serial stays */
inline swap_add(t)
{
	if
	:: waiting == NONE -> waiting = t
	:: else ->
		if
		:: tickets[t].serial < tickets[waiting].serial -> dismiss(t, SUPERSEDED)
		:: else ->
			dismiss(waiting, SUPERSEDED);
			waiting = t
		fi
	fi
}

/* rt/swap.c */
inline swap_cancel(number)
{
	if
	:: waiting != NONE && tickets[waiting].serial == number ->
		dismiss(waiting, CANCELLED);
		waiting = NONE
	:: else
	fi
}

/* rt/source.c, rt/convolver.c */
inline take_commands(n_max)
{
	n_taken = 0;
	do
	:: n_taken == n_max -> break
	:: else ->
		handover_take();
		if
		:: command == NONE -> break
		:: command != NONE && is_swap(command) -> swap_add(command)
		:: else -> swap_cancel(command - CANCEL(0))
		fi
	od
}

/* rt/swap.c: is_outdated(), commit_ready(), commit() */
inline commit_ready()
{
	if
	:: waiting == NONE || committed != NONE
	:: else ->
#ifdef REMAKE_REPLACES_ANY
		is_outdated = false;
#else
		is_outdated = tickets[waiting].is_remake &&
			(newest == NONE || tickets[newest].serial != tickets[waiting].serial);
#endif
		if
		:: is_outdated -> dismiss(waiting, SUPERSEDED)
		:: else ->
			committed = waiting;
			tickets[committed].is_taken = true	/* relaxed */
		fi;
		waiting = NONE
	fi
}

/* rt/swap.c */
inline finish_fade()
{
	if
	:: fading_in == NONE
	:: else ->
		if
		:: current == NONE
		:: else -> ticket_unref(current)
		fi;
		atomic { current = fading_in; fading_in = NONE }
	fi
}

/* rt/swap.c */
inline start(where)
{
	atomic {
		must(a_remake_replaces_itself_alone, !tickets[committed].is_remake || newest == NONE ||
			tickets[newest].serial == tickets[committed].serial);
		must(a_newer_one_stays, newest == NONE || tickets[newest].serial <= tickets[committed].serial);
		fading_in = committed;
		committed = NONE
	};
	ticket_answer(fading_in, APPLIED, where)
}

/* rt/voices.c: what begins and ends with a note */
inline play_notes()
{
#ifdef VOICES
	if
	:: voice == NONE && current != NONE -> atomic { voice = current; tickets[voice].refs++ }
	:: voice != NONE -> end_notes()
	:: true
	fi
#else
	skip
#endif
}

/* rt/source.c */
inline end_notes()
{
#ifdef VOICES
	if
	:: voice == NONE
	:: else -> ticket_unref(voice); voice = NONE
	fi
#else
	skip
#endif
}

/* rt/source.c, rt/convolver.c: process(); a fade takes as long as it likes, but the live model's ends */
inline process()
{
#ifdef TAKE_ALL
	take_commands(255);
#else
	take_commands(TAKES);
#endif
	must(data_loop_never_waits, n_taken <= TAKES);
	used = io;
	commit_ready();
	if
	:: fading_in != NONE -> finish_fade()
#ifndef LIVE
	:: true
#else
	:: else
#endif
	fi;
	if
	:: committed != NONE && fading_in == NONE -> clock++; start(clock)
	:: else
	fi;
	play_notes();
	must(freed_after_its_last_use, !is_io_freed[used]);
	used = 0
}

/* rt/source.c, rt/swap.c */
inline settle_engine()
{
	take_commands(RING);
	end_notes();
	do
	:: fading_in != NONE -> finish_fade()
	:: fading_in == NONE ->
		commit_ready();
		if
		:: committed == NONE -> break
		:: else -> start(0)
		fi
	od
}

/* rt/source.c, rt/swap.c */
inline drain()
{
	do
	:: true ->
		handover_take();
		if
		:: command == NONE -> break
		:: command != NONE && is_swap(command) -> dismiss(command, GONE)
		:: else
		fi
	od;
	end_notes();
	if
	:: waiting != NONE -> dismiss(waiting, GONE); waiting = NONE
	:: else
	fi;
	if
	:: committed != NONE -> dismiss(committed, GONE); committed = NONE
	:: else
	fi;
	finish_fade();
	if
	:: current != NONE -> ticket_unref(current); current = NONE
	:: else
	fi
}

inline call(func)
{
	if
	:: func == DO_PAUSED
	:: func == DO_SETTLE -> settle_engine()
	:: func == DO_DRAIN -> drain()
	:: func == DO_SCHEDULE -> is_scheduled = true
	:: func == DO_UNSCHEDULE -> is_scheduled = false
	:: func == DO_SET_IO -> io = n_changes
	fi
}

/* ------------------------------------------------------------------ main loop */

/* barrier.c, and where PipeWire calls spa_loop_invoke() itself */
inline invoke(func)
{
	invoked = func;
	invoked == NONE		/* block = true */
}

/* barrier.c */
inline barrier(func)
{
#ifdef NO_BARRIER
	call(func);
#else
	do
	:: n_epipes < EPIPES ->
		n_epipes++;	/* -EPIPE: it did not run */
# ifdef EPIPE_IGNORED
		break
# endif
	:: true -> invoke(func); break
	od;
#endif
	skip
}

/* handover.h */
inline handover_send(c)
{
	atomic {
		if
		:: written - taken_seen == RING -> taken_seen = taken	/* acquire */
		:: else
		fi;
		is_sent = written - taken_seen < RING;
		if
		:: is_sent && is_swap(c) -> n_outstanding++; tickets[c].in_ring = true
		:: else
		fi
	};
	if
	:: !is_sent
	:: is_sent ->
#ifdef RELAXED_SEND
		if
		:: ring[written % RING] = c; written++
		:: written++; ring[(written - 1) % RING] = c
		:: ring[written % RING] = c; tickets[(is_swap(c) -> c : 0)].is_whole = false;
			written++; tickets[(is_swap(c) -> c : 0)].is_whole = true
		fi
#else
		ring[written % RING] = c;
		written++		/* release */
#endif
	fi
}

/* request.c: segue_claim_new() */
inline claim_new(t, number)
{
	d_step {
		tickets[t].serial = number;
		tickets[t].refs = 1;
		tickets[t].is_whole = true;
		tickets[t].is_made = true
	}
}

/* request.c: segue_claim_free() */
inline claim_free(t)
{
	atomic {
		must(freed_on_the_main_loop, _pid == MAIN_LOOP);
		must(freed_once, !tickets[t].is_freed);
		tickets[t].is_freed = true
	}
}

/* request.c: segue_request_settle() */
inline request_settle(r, what)
{
	outcomes[r] = what;
	requests[r] = FINISHED
}

/* outbox.c: withdraw(); request.c: segue_node_withdrawn() */
inline withdraw(i, what)
{
	atomic {
		old = parked[i];
		if
		:: old == remade -> remade = NONE
		:: else -> request_settle(old, what)
		fi;
		claim_free(old);
		n_parked--;
		do
		:: i < n_parked -> parked[i] = parked[i + 1]; i++
		:: else -> break
		od;
		parked[n_parked] = NONE
	}
}

/* outbox.c */
inline outbox_flush()
{
	is_sent = true;
	do
	:: n_parked > 0 && is_sent ->
		handover_send(parked[0]);
		atomic {
			if
			:: is_sent ->
				n_parked--;
				i = 0;
				do
				:: i < n_parked -> parked[i] = parked[i + 1]; i++
				:: else -> break
				od;
				parked[n_parked] = NONE
			:: else
			fi
		}
	:: else -> break
	od
}

/* outbox.c: replaces(), segue_outbox_send() */
inline outbox_send(c)
{
#ifdef OVERTAKE
	is_sent = true;
#else
	outbox_flush();
#endif
	if
	:: is_sent -> handover_send(c)
	:: else
	fi;
	atomic {
		if
		:: is_sent
		:: else ->
#ifndef PARK_ALL
			i = 0;
			do
			:: i < n_parked && is_swap(c) && is_swap(parked[i]) -> withdraw(i, SUPERSEDED); break
			:: i < n_parked && !(is_swap(c) && is_swap(parked[i])) -> i++
			:: i == n_parked -> break
			od;
#endif
			must(memory_is_bounded, n_parked < PARKED - 1);
			parked[n_parked] = c;
			n_parked++
		fi;
		i = NONE
	}
}

/* request.c */
inline node_settle()
{
	do
	:: true ->
		outbox_flush();
		is_all = is_sent;
		barrier(DO_SETTLE);
		if
		:: is_all -> break
		:: else
		fi
	od
}

/* request.c: segue_node_has_unanswered_now() */
inline find_unanswered()
{
	d_step {
		is_unanswered = false;
		for (r : 1 .. REQUESTS) {
			if
			:: requests[r] == SENT -> is_unanswered = true
			:: else
			fi
		}
		r = NONE
	}
}

/* request.c: segue_node_request() */
inline node_request()
{
	d_step {
		n_accepted++;
		requests[n_accepted] = LOADING
	}
}

/* request.c: supersede_older() */
inline supersede_older(than)
{
	d_step {
		for (r : 1 .. REQUESTS) {
			if
			:: r < than && requests[r] == LOADING -> request_settle(r, SUPERSEDED)
			:: else
			fi
		}
		r = NONE
	}
}

/* request.c: on_ready(), publish() */
inline publish()
{
	claim_new(now, now);
	tickets[now].rate = node_rate;
	/* the list has it from here on; it is told as sent by nobody but this thread */
	requests[now] = SENT;
	outbox_send(now);
	supersede_older(now);
	if
	:: is_running
	:: else -> node_settle()
	fi
}

/* request.c: is_open(), segue_node_cancel() */
inline node_cancel()
{
	if
	:: requests[now] == LOADING -> request_settle(now, CANCELLED)
	:: requests[now] == SENT && (is_cancelling[now] || tickets[now].is_taken ||
			tickets[now].outcome != NONE)	/* refused, or asked for already */
	:: else ->
		d_step {
			i = 0;
			do
			:: i < n_parked && parked[i] != now -> i++
			:: else -> break
			od
		}
		if
		:: i < n_parked -> withdraw(i, CANCELLED)
		:: else ->
			i = NONE;
			is_cancelling[now] = true;
			outbox_send(CANCEL(now));
			if
			:: is_running
			:: else -> node_settle()
			fi
		fi;
		i = NONE
	fi
}

/* handover.h: segue_handover_collect(); collect.c: take_retired() */
inline take_retired()
{
	if
	:: retired == NONE
	:: else ->
#ifdef LOCKED_STACK
		atomic { !is_locked -> is_locked = true };
#endif
#ifdef RELAXED_COLLECT
		/* links that were read before */
		d_step { for (r : 1 .. TICKETS) { early[r] = tickets[r].next } };
#endif
#ifdef NO_EXCHANGE
		t = retired;
		retired = NONE;
#else
		d_step { t = retired; retired = NONE };		/* exchange, acquire */
#endif
		/* reversed there, which is nothing to this thread */
		atomic {
			do
			:: t == NONE -> break
			:: else ->
				must(freed_once, !tickets[t].is_garbage && !tickets[t].is_freed);
				must(each_request_ends_once, tickets[t].outcome != NONE);
				tickets[t].is_garbage = true;
				tickets[t].is_retired = true;
				n_outstanding--;
				unhear();
#ifdef RELAXED_COLLECT
				t = early[t]
#else
				t = tickets[t].next
#endif
			od;
			r = NONE
		}
#ifdef LOCKED_STACK
		is_locked = false
#endif
	fi
}

/* its link in node->heard */
inline unhear()
{
	i = 0;
	do
	:: i < n_heard && heard[i] != t -> i++
	:: else -> break
	od;
	if
	:: i < n_heard ->
		n_heard--;
		do
		:: i < n_heard -> heard[i] = heard[i + 1]; i++
		:: else -> break
		od;
		heard[n_heard] = NONE
	:: else
	fi;
	i = NONE
}

/* collect.c: of those that the data loop still has, the later one is what is heard */
inline hear(c)
{
	if
	:: tickets[c].is_retired
	:: else ->
		if
		:: latest == NONE || tickets[c].position > tickets[latest].position ||
			(tickets[c].position == tickets[latest].position && tickets[c].serial >= tickets[latest].serial) ->
			heard[n_heard] = c;
			latest = c
		:: else ->
			/* before it, and it is the last */
			heard[n_heard] = heard[n_heard - 1];
			heard[n_heard - 1] = c
		fi;
		n_heard++
	fi
}

/* request.c: segue_request_finish() */
inline request_finish(r, what)
{
	must(each_request_ends_once, requests[r] == SENT || requests[r] == FINISHED);
	/* by a newer one */
	must(nothing_is_lost, what != SUPERSEDED || r < n_accepted);
	requests[r] = TOLD;
	is_any = true
}

/* handover.h: segue_ticket_outcome(), and its position after it */
inline look_at(c)
{
	must(freed_after_its_last_use, !tickets[c].is_freed);
	what = tickets[c].outcome;	/* acquire */
#ifndef RELAXED_OUTCOME
	has_position = tickets[c].has_position;
#endif
	must(an_answer_is_whole, what != APPLIED || has_position);
	if
	:: what == APPLIED -> hear(c)
	:: else
	fi
}

/* collect.c: tell_some() until a look finds none, tell_answers() */
inline tell_answers()
{
	latest = NONE;
	do
	:: true ->
		is_any = false;
		r = 1;
		do
		:: r > REQUESTS -> break
		:: else ->
#ifdef RELAXED_OUTCOME
			has_position = tickets[r].has_position;
#endif
			atomic {
				if
				:: requests[r] == FINISHED -> request_finish(r, outcomes[r])
				:: requests[r] == SENT ->
					look_at(r);
					if
					:: what != NONE -> request_finish(r, what)
					:: else
					fi
				:: else
				fi;
				r++
			}
		od;
		atomic {
			if
			:: remade != NONE ->
#ifdef RELAXED_OUTCOME
				has_position = tickets[remade].has_position;
#endif
				look_at(remade);
				if
				:: what != NONE -> remade = NONE; is_any = true
				:: else
				fi
			:: else
			fi
		};
		if
		:: is_any
		:: else -> break
		fi
	od;
	atomic { latest = NONE; r = NONE; what = NONE; has_position = false }
}

/* collect.c */
inline free_garbage()
{
	atomic {
		r = 1;
		do
		:: r > TICKETS -> break
		:: r <= TICKETS && tickets[r].is_garbage ->
			/* what is retired has been answered, and told */
			must(each_request_ends_once, r > REQUESTS || requests[r] == TOLD);
			claim_free(r);
			tickets[r].is_garbage = false;
			r++
		:: else -> r++
		od;
		r = NONE
	}
}

/* What the main loop takes for heard is what the data loop plays. */
inline compare_heard()
{
	find_unanswered();
	atomic {
		must(what_is_heard_is_known, is_unanswered || remade != NONE || heard_last == newest);
		is_unanswered = false
	}
}

/* collect.c: check_rate(); on_remade() comes later */
inline check_rate()
{
	node_rate = rate;
	find_unanswered();
	if
	:: n_heard > 0 && remade == NONE && !is_remaking && !is_unanswered &&
			tickets[heard_last].rate != node_rate ->
		is_remaking = true;
		remake_rate = node_rate
	:: else
	fi;
	is_unanswered = false
}

/* collect.c */
inline on_remade()
{
	is_remaking = false;
#ifndef REMAKE_REPLACES_ANY
	find_unanswered();
#endif
	if
	:: is_unanswered || n_remakes == REMAKES || n_heard == 0
	:: else ->
		n_remakes++;
		now = REQUESTS + n_remakes;
		t = heard_last;
		claim_new(now, tickets[t].serial);
		d_step {
			t = NONE;
			tickets[now].is_remake = true;
			tickets[now].rate = remake_rate;
			remade = now
		}
		outbox_send(now);
		if
		:: is_running
		:: else -> node_settle()
		fi;
		now = NONE
	fi;
	is_unanswered = false
}

/* collect.c: segue_node_collect() */
inline node_collect()
{
	outbox_flush();
	/* a pause that has become a long one */
	if
	:: !is_running && n_outstanding + n_parked > 0 -> node_settle()
#ifndef LIVE
	:: true
#else
	:: else
#endif
	fi;
	take_retired();
	tell_answers();
	free_garbage();
	compare_heard();
#if REMAKES > 0
	check_rate()
#endif
}

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
