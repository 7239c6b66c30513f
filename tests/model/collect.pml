/* Segue: live-swappable sound for PipeWire */
/* SPDX-FileCopyrightText: Copyright © Segue contributors */
/* SPDX-License-Identifier: MIT */

/* The main loop: what the timer looks at. Answers are told, the retired are freed, another rate is answered. */

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
#ifdef CHAIN_IS_ONE
			n_outstanding--;
#endif
			do
			:: t == NONE -> break
			:: else ->
				must(freed_once, !tickets[t].is_garbage && !tickets[t].is_freed);
				must(each_request_ends_once, tickets[t].outcome != NONE);
				tickets[t].is_garbage = true;
				tickets[t].is_retired = true;
#ifndef CHAIN_IS_ONE
				n_outstanding--;
#endif
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
#ifndef GARBAGE_STAYS
			tickets[r].is_garbage = false;
#endif
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
#ifdef LOOKS_AT_THE_RETIRED
	if
	:: retired != NONE -> take_retired(); tell_answers(); free_garbage()
	:: else
	fi;
#else
	take_retired();
	tell_answers();
	free_garbage();
#endif
	compare_heard();
#if REMAKES > 0
	check_rate()
#endif
}
