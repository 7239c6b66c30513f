/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* What runs on the data loop: a cycle, and what the barrier has run between two of them. */

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
	end_notes();
	do
	:: true ->
		handover_take();
		if
		:: command == NONE -> break
		:: command != NONE && is_swap(command) -> dismiss(command, GONE)
		:: else
		fi
	od;
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
