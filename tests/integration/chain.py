# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""A player whose sound goes through a convolver, and a recorder of what comes in and what comes out.

The player is silent until the recorder has settled, so that all that ever came in is known.
"""

import copy
from dataclasses import dataclass

import numpy as np

from again import Again
from convolution import Input, Swap, error_db, mix, taps
from recording import Recorder

RATE = 48000
GOOD_ENOUGH = -100.0            # dB of the peak


def white(n_frames, n_channels, seed=1, level=0.5):
    return np.random.default_rng(seed).uniform(-level, level, (n_frames, n_channels)).astype('f4')


def impulse_response(seconds, n_channels=1, seed=1, rate=RATE, level=0.1):
    """Noise that decays by 60 dB, as a room does: frames by channels."""
    n = round(seconds * rate)
    decay = 10 ** (-3 * np.arange(n) / n)
    return (np.random.default_rng(seed).normal(0, level, (n, n_channels)) * decay[:, None]).astype('f4')


@dataclass
class Cycle:
    """What was recorded in it: channels by frames."""
    position: int
    rate: int
    heard: np.ndarray
    out: np.ndarray

    def is_lost(self, before):
        """Did the player play, and of an output nothing came, or what lay there from the cycle before?"""
        n = min(self.out.shape[1], before.out.shape[1]) if before else 0
        return self.heard.any() and any(not channel.any() or n and np.array_equal(channel[:n], old[:n])
                                        for channel, old in zip(self.out, before.out if before else self.out))


class Ran:
    """Cycles one after the other, however their positions are, without those that PipeWire left the convolver or what
    comes out of it out of (lost), or everyone (gaps)."""

    def __init__(self, cycles, gaps):
        self.cycles, self.lost, self.gaps = [], [], gaps
        for cycle in cycles:
            (self.lost if cycle.is_lost(self.cycles[-1] if self.cycles else None) else self.cycles).append(cycle)
        self._join()

    def _join(self):
        ends = np.cumsum([c.out.shape[1] for c in self.cycles]).tolist()
        self.begins = [0, *ends[:-1]]
        self.heard = Input(np.concatenate([c.heard for c in self.cycles], axis=1))
        self.out = np.concatenate([c.out for c in self.cycles], axis=1)

    def with_lost_before(self, k):
        """As if the convolver had run in the one that was lost before the kth cycle; None if there is none."""
        between = self.cycles[k - 1].position, self.cycles[k].position
        lost = [c for c in self.lost if between[0] < c.position < between[1]]
        if not lost:
            return None
        ran = copy.copy(self)
        ran.cycles = [*self.cycles[:k], lost[-1], *self.cycles[k:]]
        ran._join()
        return ran

    def index(self, position):
        """Of a frame, by its position."""
        k = max(k for k, c in enumerate(self.cycles) if c.position <= position)
        return self.begins[k] + position - self.cycles[k].position

    def changes(self):
        """Numbers of the first cycles at another rate."""
        rates = [c.rate for c in self.cycles]
        return [k for k, (before, after) in enumerate(zip(rates, rates[1:]), 1) if before != after]


class Unrecorded(Again):
    """Cycles are missing, and it seems that others ran in them: no measurement, and the test is run again. PipeWire
    0.3.65 starts nodes one after the other when the rate changes, the recorder maybe last."""


class Chain:
    """A source `player` linked to a convolver `room`. Channels are names of positions. Either is made
    unless it is there already: a room's node, and its name if it has another, a player's name."""

    def __init__(self, session, segue, inputs=('FL', 'FR'), outputs=None, room=None, player=None,
                 room_name='room', seconds=60, **properties):
        outputs = outputs or inputs
        self.session, self.segue = session, segue
        self.inputs, self.outputs = list(inputs), list(outputs)
        if room is None:
            room = segue.create('room', 'convolver', **{'audio.position': f'[ {" ".join(inputs)} ]'},
                                **properties)
        self.room, self.room_name = room, room_name
        self.player_name = player or 'player'
        if player is None:
            self.player = segue.create('player', audio_position=f'[ {" ".join(inputs)} ]', segue_gain=1.0)
        self.link()
        self.recorder = Recorder(session, [f'{self.player_name}:output_{c}' for c in self.inputs] +
                                 [f'{self.room_name}:output_{c}' for c in self.outputs], seconds)
        self.swaps = {}

    def response(self, seconds, seed=1, n_channels=None):
        """Arguments of a swap: a response and its taps."""
        response = impulse_response(seconds, n_channels or len(self.inputs), seed)
        return response, taps(response, len(self.inputs), len(self.outputs))

    # ---- links

    def _links(self):
        for c in self.inputs:
            yield f'{self.player_name}:output_{c}', f'{self.room_name}:input_{c}'
        for i, c in enumerate(self.outputs):
            yield f'{self.room_name}:output_{c}', f'recorder:input_{len(self.inputs) + i}'

    def link(self):
        for out, into in list(self._links())[:len(self.inputs)]:
            self.session.link(out, into)

    def pause(self, meanwhile):
        """Take the convolver out of the graph, do something meanwhile, and put it back."""
        for link in self._links():
            self.session.unlink(*link)
        meanwhile()
        for link in self._links():
            self.session.link(*link)

    # ---- asking

    def play(self, sound=None, **opts):
        """Make the player play frames by channels (noise if None), again and again; from which frame."""
        sound = white(2 * RATE, len(self.inputs)) if sound is None else sound
        return self.player.heard(self.player.load_samples(
            sound, **({'channels': sound.shape[1], 'rate': RATE, 'loop': 'forward', 'fade': 0.0} | opts)))

    def stop_playing(self):
        return self.player.heard(self.player.clear(fade=0.0))

    def ask(self, response, taps, fade=0, gain=1.0, **opts):
        """Begin a swap with a fade of so many frames; its serial. Responses are files or arrays."""
        opts['fade'] = fade / RATE
        if response is None:
            serial = self.room.clear(**opts)
        elif isinstance(response, np.ndarray):
            serial = self.room.load_samples(response, channels=response.shape[1], rate=RATE, gain=gain, **opts)
        else:
            serial = self.room.load(response, gain=gain, **opts)
        self.swaps[serial] = Swap(0, fade, taps, gain)
        return serial

    def heard(self, serial):
        self.swaps[serial].position = self.room.heard(serial)
        return self.swaps[serial].position

    def swap(self, *args, **opts):
        """Swap and wait until it is heard: the position."""
        return self.heard(self.ask(*args, **opts))

    # ---- listening

    def takes(self):
        takes = [self.recorder.take(c) for c in range(len(self.inputs) + len(self.outputs))]
        first, end = max(t.first for t in takes), min(t.end for t in takes)
        return first, [t[first:end] for t in takes]

    def split(self):
        """First position, what came in, what came out."""
        assert self.recorder.gaps() == []
        first, takes = self.takes()
        n = len(self.inputs)
        return first, Input(takes[:n]), np.stack(takes[n:])

    def ran(self):
        first, takes = self.takes()
        takes, n_in = np.stack(takes), len(self.inputs)
        cycles = []
        for c in self.recorder.cycles():
            begin = int(c['position']) - first
            part = takes[:, begin:begin + int(c['n_frames'])]
            cycles.append(Cycle(int(c['position']), int(c['rate']), part[:n_in], part[n_in:]))
        return Ran(cycles, self.recorder.gaps())

    def applied(self):
        """What was heard, once each request has been answered."""
        for serial, swap in self.swaps.items():
            finished = self.room.finished(serial)
            assert finished.result in ('applied', 'superseded'), finished
            swap.position = finished.position if finished.result == 'applied' else None
        return [s for s in self.swaps.values() if s.position is not None]

    def error(self):
        """How far what came out is from the mix, in dB of its peak."""
        swaps = self.applied()
        first, heard, out = self.split()
        assert np.abs(heard.signal).max() > 0.1
        assert not heard.signal[:, 0].any(), 'it played before it was recorded'
        return error_db(out, mix(heard, swaps, first))

    def assert_is_the_mix(self):
        error = self.error()
        print(f'error: {error:.1f} dB')
        assert error < GOOD_ENOUGH
