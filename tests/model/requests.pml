/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* The main loop: the barrier, how a request is accepted, sent, parked, superseded and cancelled. */

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
#elif defined(RELAXED_TICKET)
		/* what is in the ticket, not what is in the ring */
		tickets[(is_swap(c) -> c : 0)].is_whole = false;
		ring[written % RING] = c;
		written++;
		tickets[(is_swap(c) -> c : 0)].is_whole = true
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
