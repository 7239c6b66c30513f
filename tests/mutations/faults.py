# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Faults, and the tests that see them: see `run`. What is replaced is looked for in all files of a folder, and must
be there once: a file may be split without a change here."""

from dataclasses import dataclass

RACE = 'ThreadSanitizer: data race'
VIOLATION = 'RealtimeSanitizer'


@dataclass
class Fault:
    what: str
    folder: str         # where it is looked for
    old: str
    new: str
    test: str           # a program of the build, or `FILE.py::TEST`
    sees: str = ''      # the case of a program that fails, or what a sanitizer says


HANDOVER = 'spa-plugin/include'
RT = 'spa-plugin/rt'
MAKE = 'spa-plugin/make'
MAIN = 'spa-plugin'
BUS = 'module'
CTL = 'tools/seguectl'

STRESS = 'tests/unit/handover/test-stress'
STRESS_CASE = 'every_ticket_is_answered_and_collected_once_and_nothing_is_left'
BARRIER = 'tests/unit/plugin/test-barrier'
NODE_RUNNING = 'tests/unit/plugin/test-node-running'    # all of it built with ThreadSanitizer
RT_HOST = 'tests/realtime/rt-host'      # built with RealtimeSanitizer


FAULTS = [
    # ---- the handover
    Fault('send(): relaxed instead of release', HANDOVER,
          '__atomic_store_n(&h->written, h->written + 1, __ATOMIC_RELEASE)',
          '__atomic_store_n(&h->written, h->written + 1, __ATOMIC_RELAXED)', STRESS + '-tsan', RACE),
    Fault('take(): relaxed instead of acquire', HANDOVER,
          '__atomic_load_n(&h->written, __ATOMIC_ACQUIRE)',
          '__atomic_load_n(&h->written, __ATOMIC_RELAXED)', STRESS + '-tsan', RACE),
    Fault('take(): relaxed instead of release', HANDOVER,
          '__atomic_store_n(&h->taken, h->taken + 1, __ATOMIC_RELEASE)',
          '__atomic_store_n(&h->taken, h->taken + 1, __ATOMIC_RELAXED)', STRESS + '-tsan', RACE),
    Fault('send(): relaxed instead of acquire', HANDOVER,
          '__atomic_load_n(&h->taken, __ATOMIC_ACQUIRE)',
          '__atomic_load_n(&h->taken, __ATOMIC_RELAXED)', STRESS + '-tsan', RACE),
    Fault('retire(): relaxed instead of release', HANDOVER,
          '__ATOMIC_RELEASE, __ATOMIC_RELAXED)) {',
          '__ATOMIC_RELAXED, __ATOMIC_RELAXED)) {', STRESS + '-tsan', RACE),
    Fault('retire(): a weak compare-and-swap instead of a strong one', HANDOVER,
          '&head, ticket, false,',
          '&head, ticket, true,', STRESS, STRESS_CASE),
    Fault('collect(): a load and a store instead of an exchange', HANDOVER,
          'ticket = __atomic_exchange_n(&h->retired, NULL, __ATOMIC_ACQUIRE);',
          'ticket = __atomic_load_n(&h->retired, __ATOMIC_ACQUIRE);'
          ' __atomic_store_n(&h->retired, NULL, __ATOMIC_RELAXED);', STRESS, STRESS_CASE),
    Fault('answer(): relaxed instead of release', HANDOVER,
          '(uint32_t)outcome, __ATOMIC_RELEASE)',
          '(uint32_t)outcome, __ATOMIC_RELAXED)', STRESS + '-tsan', RACE),

    # ---- the barrier
    Fault('no barrier: the function runs in its caller', MAIN,
          'while ((res = spa_loop_invoke(data_loop, do_call, 0, NULL, 0, true, &call)) == -EPIPE)',
          'while ((res = do_call(data_loop, false, 0, NULL, 0, &call)) == -EPIPE)', BARRIER + '-tsan', RACE),
    Fault('no barrier, without a sanitizer', MAIN,
          'while ((res = spa_loop_invoke(data_loop, do_call, 0, NULL, 0, true, &call)) == -EPIPE)',
          'while ((res = do_call(data_loop, false, 0, NULL, 0, &call)) == -EPIPE)', BARRIER,
          'the_function_has_run_on_the_data_loop_when_it_returns'),
    Fault("the loop's queue is full, and that counts as done", MAIN,
          '0, true, &call)) == -EPIPE)',
          '0, true, &call)) == -ENOSYS)', BARRIER, 'a_full_queue_is_waited_for'),
    Fault("a signal ends the loop's wait, and that counts as done", MAIN,
          'while (res >= 0 && !__atomic_load_n(&call.has_run,', 'while (false && !__atomic_load_n(&call.has_run,',
          BARRIER, 'the_function_has_run_whatever_signals_come'),

    # ---- and where it is called: the node goes on to run
    Fault('no barrier: a node is stopped', MAIN,
          'segue_barrier(shell->data_loop, do_paused, shell);', 'do_paused(shell);', NODE_RUNNING, RACE),
    Fault('no barrier: a node settles', MAIN,
          'segue_barrier(node->data_loop, do_settle, node);', 'do_settle(node);', NODE_RUNNING, RACE),
    Fault('no barrier: a node forgets after a long pause', MAIN,
          'segue_barrier(node->data_loop, do_forget, node);', 'do_forget(node);', NODE_RUNNING, RACE),
    Fault('no barrier: a node loses its clock', MAIN,
          'segue_barrier(node->data_loop, do_lose_clock, node);', 'do_lose_clock(node);', NODE_RUNNING, RACE),
    Fault('no barrier: a node gives everything back', MAIN,
          'segue_barrier(node->data_loop, do_drain, node);', 'do_drain(node);', NODE_RUNNING, RACE),
    Fault('no barrier: a device gets other callbacks', MAIN,
          'segue_barrier(side->shell->data_loop, do_set_callbacks, &c);', 'do_set_callbacks(&c);', NODE_RUNNING,
          RACE),

    # ---- the data loop
    Fault('a free in process()', RT,
          'segue_ticket_unref(swap->handover, swap->current);\n\tswap->current = swap->next;',
          '__builtin_free(swap->current);\n\tswap->current = swap->next;', RT_HOST, VIOLATION),
    Fault('a spin at each take', RT,
          'segue_swap_add(&source->swap, command.ticket, LEAD_FRAMES, HURRY_FRAMES);',
          '{\n\t\t\tsegue_swap_add(&source->swap, command.ticket, LEAD_FRAMES, HURRY_FRAMES);\n'
          '\t\t\tfor (volatile uint32_t i = 0; i < 2000000; i++);\n\t\t}',
          'test_cycle_load.py::test_a_swap_makes_no_cycle_long'),
    Fault('a lost superseded signal', RT,
          'dismiss(swap, take_out(swap, i).ticket, SEGUE_OUTCOME_SUPERSEDED);\n\t\tbreak;',
          'segue_ticket_unref(swap->handover, take_out(swap, i).ticket);\n\t\tbreak;',
          'tests/unit/rt/test-rt-swap', 'a_newer_swap_supersedes_the_one_that_waits'),
    Fault('a fade that starts one frame late', RT,
          'w = (double)(frame + 1) / (double)(ramp->n_frames + 1);',
          'w = (double)frame / (double)(ramp->n_frames + 1);',
          'tests/unit/rt/test-rt-swap-model',
          'every_frame_of_thousands_of_random_schedules_is_as_the_model_has_it'),
    Fault('an `at` swap one frame late', RT,
          'commit(swap, &entry, entry.at - swap->position);',
          'commit(swap, &entry, entry.at - swap->position + 1);',
          'tests/unit/rt/test-rt-swap', 'an_at_swap_starts_at_exactly_its_frame_in_any_quantum'),
    Fault('keys released are looked at after the ring', RT,
          'source->releasing = is_empty ? keys :',
          'look_at_keys(source, &keys);\n\tsource->releasing = is_empty ? keys :',
          'tests/unit/rt/test-rt-keys-steps', 'no_key_hangs_whatever_step_it_comes_at'),
    Fault('a stolen note is the newest', RT,
          'if (oldest == NULL && note->envelope.stage < SEGUE_STAGE_END)',
          'if (note->envelope.stage < SEGUE_STAGE_END)',
          'tests/unit/rt/test-rt-voices', 'the_oldest_released_one_gives_way_else_the_oldest'),
    Fault('a note takes no reference', RT,
          '{ .ticket = segue_ticket_ref(ticket) };', '{ .ticket = ticket };',
          'tests/unit/rt/test-rt-notes-swap', 'a_note_on_a_sample_ends_where_it_began'),
    Fault("a level whose window is one tick late", RT,
          'segue_level_write(&conv->levels[level], i, begin, conv->lines[i] + TICK);',
          'segue_level_write(&conv->levels[level], i, begin, conv->lines[i]);',
          'tests/unit/rt/test-rt-convolver', 'every_length_and_every_quantum_give_the_convolution'),
    Fault("a level's lane takes no reference", RT,
          'l->lanes[i] = segue_ticket_ref(lanes[i]);', 'l->lanes[i] = lanes[i];',
          'tests/unit/rt/test-rt-convolver-swap', 'random_swaps_in_random_cycles_are_heard_as_reported'),
    Fault('after a long pause the past is heard', RT,
          'conv->silent_before = conv->frame;', '',
          'tests/unit/rt/test-rt-convolver-swap', 'after_a_long_pause_the_past_is_silence'),

    # ---- the main loop
    Fault('an unref forgotten where a request is out of memory', MAIN,
          'if (segue_node_send(node, &command) < 0) {\n\t\tsegue_claim_free(r->claim);',
          'if (segue_node_send(node, &command) < 0) {',
          'tests/unit/plugin/test-no-memory', 'a_swap_that_can_not_be_parked_lets_its_sound_go'),
    Fault('what is parked is never superseded', MAIN,
          'withdraw(outbox, older, SEGUE_OUTCOME_SUPERSEDED);', '(void)older;',
          'tests/unit/plugin/test-outbox', 'only_the_newest_now_swap_waits'),
    Fault('what comes later overtakes what is parked', MAIN,
          'if (segue_outbox_flush(outbox) && segue_handover_send(', 'if (segue_handover_send(',
          'tests/unit/plugin/test-outbox', 'what_comes_later_does_not_overtake'),
    Fault('a newer request leaves older ones loading', MAIN,
          'supersede_older(node, r);', '(void)supersede_older;',
          'tests/unit/plugin/test-request', 'a_newer_one_that_is_ready_first_ends_the_older_and_its_job'),
    Fault('what was answered is told after its ticket is freed', MAIN,
          'answers = tell_answers(node);\n\tgarbage = free_garbage(node, GARBAGE_PER_TICK);',
          'garbage = free_garbage(node, GARBAGE_PER_TICK);\n\tanswers = tell_answers(node);',
          'tests/unit/plugin/test-request', 'another_clock_fails_what_was_scheduled'),
    Fault('`..` leads out of a fence', MAIN,
          "if (path[0] == '/' && !has_dot_dot(path)) {", "(void)has_dot_dot;\n\tif (path[0] == '/') {",
          'tests/unit/plugin/test-fence', 'no_path_leads_up'),

    # ---- the workers
    Fault('a cancelled job counts as done', MAKE,
          'res = -ECANCELED;\n\tif (--jobs->n_untold == 0)', 'res = res;\n\tif (--jobs->n_untold == 0)',
          'tests/unit/make/test-make-jobs', 'a_cancelled_job_that_ends_well_counts_as_cancelled'),
    Fault('cancel(): relaxed instead of release', MAKE,
          '__atomic_store_n(&job->cancelled, 1, __ATOMIC_RELEASE);', '__atomic_store_n(&job->cancelled, 1, __ATOMIC_RELAXED);',
          'tests/unit/make/test-make-jobs-tsan', RACE),
    Fault('memory that is given back stays counted', MAKE,
          '__atomic_sub_fetch(&memory->total, size, __ATOMIC_RELAXED);', '',
          'tests/unit/make/test-make-memory', 'the_budget_is_kept_and_a_refused_resize_leaves_the_old'),
    Fault('the highest partial twice as loud', MAKE,
          '2 * k == n ? 2.0f * n : n', '(float)n',
          'tests/unit/make/test-make-table', 'a_full_spectrum_goes_through_a_table_unharmed'),

    # ---- the bus
    Fault("somebody else's buffer is released", BUS,
          'if (!buffer->kept) {\n\t\tsegue_error_set(&why, -EACCES,', 'if (false) {\n\t\tsegue_error_set(&why, -EACCES,',
          'test_bus.py::test_someone_elses_buffer_is_not_released'),
    Fault('a client leaves, and its buffers stay', BUS,
          'if (sd_bus_is_open(sd_bus_track_get_bus(track)) <= 0)',
          'if (sd_bus_is_open(sd_bus_track_get_bus(track)) >= 0)',
          'test_bus.py::test_a_buffer_goes_with_its_client'),
    Fault('a name twice', BUS,
          '!pw_properties_get_bool(entry, "override", false)) {', 'false) {',
          'test_bus.py::test_a_taken_name_is_refused'),

    # ---- seguectl
    Fault('decibels of a power', CTL,
          'pow(10.0, number / 20.0)', 'pow(10.0, number / 10.0)',
          'tests/unit/seguectl/test-seguectl-units', 'numbers_with_units_become_linear_and_si'),
    Fault('a distant name is suggested', CTL,
          'strlen(name)) + 2) / 3)', 'strlen(name)) + 2) / 1)',
          'tests/unit/seguectl/test-seguectl-names', 'the_nearest_name_is_suggested_and_no_distant_one'),
    Fault('what was waited for in vain counts as heard', CTL,
          'return segue_fail(follow->ctl, SEGUE_EXIT_TIMEOUT,', 'return segue_fail(follow->ctl, SEGUE_EXIT_OK,',
          'test_seguectl.py::test_a_timeout_exits_with_5_and_leaves_the_request'),
]
