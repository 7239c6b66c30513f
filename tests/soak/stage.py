# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""The graph that is soaked, and what happens to it from the outside.

A `bystander` that nobody asks anything; a `player` whose sound goes through a `room`; a `synth` with settings;
`keys`; all of them recorded. Two `wild` nodes that may be asked for anything, heard by the sink alone.
"""

import time
from dataclasses import dataclass

import sounds
from recording import Recorder

RECORDED = ['bystander', 'player', 'room', 'synth', 'keys']
QUANTA = [64, 128, 256, 333, 480, 1000, 2048]
QUANTUM, RATE = 256, 48000
PHASE_MAX = 300         # seconds: far beyond what any takes
STRETCH = 0.25          # seconds, in which cycles that are missed count once: they come in bursts
STEADY, STEADY_PEAK = 375.0, 0.5    # of the bystander


@dataclass
class Phase:
    """A stretch of a recording, by positions."""
    name: str
    start: int
    stop: int
    n_disturbances: int     # links made or broken, changes of rate and quantum
    xruns: dict             # of the recorded nodes, in it
    n_stretches: int
    n_bursts: int           # stretches in which there were any


class Stage:
    def __init__(self, session, segue):
        self.session, self.segue = session, segue
        create = segue.create
        self.nodes = {
            'bystander': create('bystander', audio_position='[ MONO ]', segue_gain=1.0),
            'player': create('player', audio_position='[ MONO ]', segue_gain=1.0, segue_frequency=80.0),
            'room': create('room', 'convolver', **{'audio.position': '[ MONO ]', 'segue.ir.max': 3.0}),
            'synth': create('synth', audio_position='[ MONO ]', segue_gain=1.0, segue_frequency=80.0),
            'keys': create('keys', audio_position='[ MONO ]', segue_gain=1.0, segue_trigger='notes',
                           segue_voices=sounds.VOICES, segue_attack=0.05, segue_release=0.1),
            'wild': create('wild'),
            'hall': create('hall', 'convolver'),
        }
        self.nodes['bystander'].set('Frequency', STEADY)
        self.nodes['bystander'].heard(self.nodes['bystander'].wave('sine', gain=STEADY_PEAK, fade=0.0))
        session.link('player:output_MONO', 'room:input_MONO')
        for c in 'FL', 'FR':
            session.link(f'wild:output_{c}', f'hall:input_{c}')
            session.link(f'hall:output_{c}', f'test-sink:playback_{c}')
        self.linked = set()
        self.n_disturbances = 0
        self.recorder = None

    # ---- recording

    def record(self, seconds):
        ports = [f'{name}:output_MONO' for name in RECORDED]
        self.recorder = Recorder(self.session, ports, seconds, watched=self.session.processes['service'])

    def stop_recording(self):
        complaint = self.recorder.process.stop()
        self.recorder = None
        return [complaint] if complaint else []

    def _xruns(self):
        return {name: self.nodes[name].get('Xruns') for name in RECORDED}

    def phase(self, name, seconds, turn):
        """So much of the recording, while turn() is called again and again."""
        seen, n_disturbances = [self._xruns()], self.n_disturbances
        start, end = self.recorder.position(), time.monotonic() + PHASE_MAX
        while self.recorder.position() < start + seconds * RATE:
            assert time.monotonic() < end, 'the graph stands still'
            turn()
            if self.recorder.position() > start + len(seen) * STRETCH * RATE:
                seen.append(self._xruns())
        seen.append(self._xruns())
        return Phase(name, start, self.recorder.position(), self.n_disturbances - n_disturbances,
                     {k: seen[-1][k] - seen[0][k] for k in seen[0]},
                     len(seen) - 1, sum(a != b for a, b in zip(seen, seen[1:])))

    # ---- from the outside

    def change_quantum(self, rng):
        self.session.force_quantum(rng.choice(QUANTA))

    def change_rate(self, rng):
        self.session.force_rate(rng.choice([44100, 48000, 96000]))

    def change_link(self, rng):
        """Of one of the recorded nodes to the sink."""
        link = f'{rng.choice(RECORDED)}:output_MONO', f'test-sink:playback_{rng.choice(["FL", "FR"])}'
        if link in self.linked:
            self.session.unlink(*link)
            self.linked.remove(link)
        else:
            self.session.link(*link)
            self.linked.add(link)

    def disturb(self, rng):
        """A link made or broken, more often than another rate or quantum."""
        self.n_disturbances += 1
        rng.choices([self.change_link, self.change_quantum, self.change_rate], [6, 2, 1])[0](rng)

    def calm(self):
        """As it was."""
        for link in sorted(self.linked):
            self.session.unlink(*link)
        self.linked.clear()
        self.session.force_quantum(QUANTUM)
        self.session.force_rate(RATE)

    def silence(self):
        """The recorded nodes but the bystander have nothing to play."""
        self.nodes['keys'].notes_off()
        self.nodes['keys'].call('Stop', '(t)', (0,), interface=self.nodes['keys'].SOURCE)
        for name in 'player', 'room', 'synth', 'keys', 'wild', 'hall':
            self.nodes[name].heard(self.nodes[name].clear(fade=0.0))

