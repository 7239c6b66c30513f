# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""The rounds of the soak, and what they come to."""

import collections
import random
import time

from activity import Activity
from books import GROWTH_KIB, Books
from bus import Segue
from fixture import PLAIN_BUILD, Session
from hearing import CERTAIN, Hearing, applied, chance
from sounds import Files
from stage import QUANTUM, RECORDED, Stage

SECONDS = {'swaps': 12, 'quiet': 6, 'control': 5, 'both': 8}
UNDISTURBED = 'swaps', 'quiet'
FLOOR = 0.01            # of all: a busy machine has some, as interrupts count for the thread they come in
TURN = 0.01             # seconds, about as long as the requests of one take
RECORDING = 60          # seconds at most
PAUSE = 0.7             # seconds, after which what was heard before counts as silence
EXACT = -100.0          # dB of the peak


class Soak:
    def __init__(self, seed):
        self.seed = seed
        self.complaints = []
        self.totals = {name: collections.Counter() for name in SECONDS}
        self.bends = {name: dict.fromkeys(RECORDED, 0.0) for name in SECONDS}   # in parts of what there may be
        self.errors = {'bystander': float('-inf'), 'room': float('-inf')}
        self.cycle_times = {name: [0.0, 0.0, 0.0] for name in RECORDED}

    # ---- the rounds

    def run(self, seconds):
        """What isn't as promised."""
        session = Session(build=PLAIN_BUILD, quantum=QUANTUM)
        self.sanitized = session.sanitized
        try:
            with session:
                self.service = session.start_service()
                with session.bus() as bus:
                    self._soak(session, Segue(bus), time.monotonic() + seconds)
        except AssertionError as error:
            self.complaints.append(str(error))
        for name, text in session.logs() if self.complaints else []:
            print(f'---- log of {name}\n{text}')
        session.remove()
        return self.complaints

    def _soak(self, session, segue, end):
        self.stage = Stage(session, segue)
        self.books = Books(segue, self.service)
        files = Files(session.path / 'files', random.Random(self.seed))
        self.activity = Activity(self.stage, files, self.books, session.build / 'tools/seguectl/seguectl')
        while not self.complaints and time.monotonic() < end:
            self._round(len(self.books.resident))
        self.complaints += self._rest()
        for node in self.stage.nodes.values():
            segue.destroy(node)
        self.complaints += self.books.close()
        self._compare()

    def _round(self, number):
        rng = random.Random(f'{self.seed}/{number}')
        complaints = self._rest()
        self.stage.record(RECORDING)
        swaps = self._swaps(rng)
        room_swaps = dict(self.activity.room_swaps)
        others = [self._quiet(rng), self._control(rng), self._both(rng)]
        self.activity.end()
        self.stage.calm()
        self.books.wait_for_answers()
        for phase in [swaps, *others]:
            complaints += self._hear(Hearing(self.stage.recorder, phase))
        # what is missing can't be computed
        if not complaints:
            complaints += self._compute(Hearing(self.stage.recorder, swaps), room_swaps)
        complaints += self.stage.stop_recording() + self.activity.surprises
        self._note_cycle_times()
        self.complaints += [f'round {number}: {c}' for c in complaints]

    def _rest(self):
        self.stage.silence()
        self.books.segue.bus.wait_until('end of all buffers', self.activity.give_up_all)
        complaints = list(self.books.close_round())
        self.activity.room_swaps.clear()
        time.sleep(PAUSE)
        return complaints

    def _swaps(self, rng):
        def turn():
            self.activity.turn(rng)
            if rng.random() < 0.02:
                self.stage.change_quantum(rng)
        phase = self.stage.phase('swaps', SECONDS['swaps'], turn)
        self.activity.settle()
        return phase

    def _quiet(self, rng):
        """The quantum changes as often, and Segue has nothing to do but to play."""
        def turn():
            time.sleep(TURN)
            if rng.random() < 0.02:
                self.stage.change_quantum(rng)
        return self.stage.phase('quiet', SECONDS['quiet'], turn)

    def _control(self, rng):
        """The same disturbances, and Segue has nothing to do but to play."""
        return self.stage.phase('control', SECONDS['control'], lambda: self.stage.disturb(rng))

    def _both(self, rng):
        def turn():
            self.activity.turn(rng)
            self.stage.disturb(rng)
        return self.stage.phase('both', SECONDS['both'], turn)

    # ---- what was heard

    def _hear(self, hearing):
        phase = hearing.phase
        breaks = hearing.n_breaks()
        self.totals[phase.name].update(cycles=len(hearing.cycles), disturbances=phase.n_disturbances, breaks=breaks,
                                       late=hearing.n_late(), long=hearing.n_long(), xruns=sum(phase.xruns.values()),
                                       stretches=phase.n_stretches, bursts=phase.n_bursts)
        if phase.name in UNDISTURBED and (breaks or any(phase.xruns.values())):
            yield f'{phase.name}: cycles are missed at {breaks} places, xruns {phase.xruns}'
        for name in RECORDED:
            # what the graph left out of the room's input is heard for as long as the room remembers
            if name == 'room' and phase.name not in UNDISTURBED:
                continue
            bend, position = hearing.worst_bend(name)
            self.bends[phase.name][name] = max(self.bends[phase.name][name], bend)
            if bend > 1.0:
                self.totals[phase.name]['steps'] += 1
                step = f'{phase.name}: {name} steps at {position}, by {bend:.1f} times what there may be'
                if phase.name in UNDISTURBED:
                    yield step
                print(step, flush=True)

    def _compute(self, hearing, room_swaps):
        errors = {'bystander': hearing.error_of_bystander(),
                  'room': hearing.error_of_room(applied(room_swaps, self.books.endings))}
        for name, error in errors.items():
            self.errors[name] = max(self.errors[name], error)
            if error > EXACT:
                yield f'{name} is {error:.1f} dB from what it should be'

    def _note_cycle_times(self):
        for name, worst in self.cycle_times.items():
            self.cycle_times[name] = [max(pair) for pair in zip(worst, self.stage.nodes[name].get('CycleTime'))]

    def _is_more(self, what, of, name, control, floor=0.0):
        """Of a phase with requests than of one without, beyond chance and by at least so much."""
        more, fewer = self.totals[name], self.totals[control]
        return (more[what] * fewer[of] > (fewer[what] + floor * fewer[of]) * more[of] and
                chance(more[what], more[of], fewer[what], fewer[of]) < CERTAIN)

    def _compare(self):
        if self._is_more('breaks', 'disturbances', 'both', 'control'):
            self.complaints.append('more cycles are missed than without requests')
        if self._is_more('steps', 'disturbances', 'both', 'control'):
            self.complaints.append('there are more steps than without requests')
        if self._is_more('bursts', 'stretches', 'both', 'control', FLOOR):
            self.complaints.append('there are more Xruns than without requests')
        for pair in ('swaps', 'quiet'), ('both', 'control'):
            # a sanitizer takes its time
            if self._is_more('long', 'cycles', *pair, FLOOR) and not self.sanitized:
                self.complaints.append(f'{pair[0]}: more cycles than in {pair[1]} take longer than they have')
        # and keeps what is freed
        if self.books.growth_kib() > GROWTH_KIB and not self.sanitized:
            self.complaints.append(f'memory at rest has grown by {self.books.growth_kib():.0f} KiB')
        if self.books.descriptors_grow():
            self.complaints.append(f'descriptors at rest: {self.books.descriptors}')

    # ---- the summary

    def table(self):
        books, rows = self.books, []
        rows.append(['', *SECONDS])
        for key in 'cycles', 'disturbances', 'breaks', 'late', 'long', 'xruns', 'stretches', 'bursts', 'steps':
            rows.append([key, *(str(self.totals[name][key]) for name in SECONDS)])
        for node in RECORDED:
            rows.append([f'bend of {node}', *(f'{self.bends[name][node]:.2f}' for name in SECONDS)])
        lines = ['  '.join(cell.ljust(18) for cell in row).rstrip() for row in rows]
        lines.append(f'errors: bystander {self.errors["bystander"]:.1f} dB, room {self.errors["room"]:.1f} dB')
        for node, (median, p999, most) in self.cycle_times.items():
            lines.append(f'cycle of {node}: median {median:.1f} us, p99.9 {p999:.1f} us, longest {most:.1f} us')
        results = ', '.join(f'{n} {result}' for result, n in sorted(books.results.items()))
        lines.append(f'{self.activity.n_requests} requests, {self.activity.n_refused} refused; swaps: {results}')
        lines.append(f'{sum(books.reclaimed.values())} buffers reclaimed')
        lines.append(f'memory at rest: {books.resident[0]} KiB, then {min(books.resident[1:], default=0)} to '
                     f'{max(books.resident[1:], default=0)}, growth {books.growth_kib():.0f}')
        lines.append(f'descriptors at rest: {sorted(set(books.descriptors))}')
        return '\n'.join(lines)
