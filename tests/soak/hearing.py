# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""What a round's recording tells: cycles missed, cycles that were late, steps, and how far the sound is from the one
computed."""

import math

import numpy as np

import sounds
from convolution import Input, Swap, error_db, mix
from mix import phase_origin, wavetable
from recording import loads
from stage import RATE, RECORDED, STEADY, STEADY_PEAK

CERTAIN = 1e-6      # what is so improbable isn't chance
BENDS = {'bystander': sounds.bend_of_content(STEADY_PEAK, STEADY), 'player': sounds.PLAYER_BEND,
         'synth': sounds.SYNTH_BEND, 'keys': sounds.KEYS_BEND, 'room': sounds.ROOM_BEND}
# after a pause of half a second, which another rate may bring, sound starts with a ramp
RESTART_BEND = sounds.bend_of_ends(sounds.PEAK)


class Hearing:
    """Of one phase of a recording."""

    def __init__(self, recorder, phase):
        self.recorder, self.phase = recorder, phase
        cycles = recorder.cycles()
        self.cycles = cycles[(cycles['position'] >= phase.start) & (cycles['position'] < phase.stop)]
        self.broken = self._broken()

    def samples(self, name):
        return self.recorder.take(RECORDED.index(name))[self.phase.start:self.phase.stop]

    def _broken(self):
        """Cycles that don't follow the one before, or that somebody was left out of. PipeWire 0.3.65 does that when
        links are made, and when the rate changes it starts nodes one after the other."""
        c = self.cycles
        broken = c['linked'] != (1 << len(RECORDED)) - 1
        broken[1:] |= c['position'][:-1] + c['n_frames'][:-1] != c['position'][1:]
        return broken | self._silent('bystander')

    def _silent(self, name):
        heard = self.samples(name)
        starts = (self.cycles['position'] - self.phase.start).astype(int)
        return np.array([not heard[a:a + n].any() for a, n in zip(starts, self.cycles['n_frames'])], bool)

    def n_breaks(self):
        """Runs of broken cycles."""
        return int(self.broken[0]) + int(np.sum(self.broken[1:] & ~self.broken[:-1])) if len(self.broken) else 0

    def n_late(self):
        """How many began later than they should, because nodes hadn't finished the one before: a sound card's would
        have been missed."""
        c = self.cycles
        periods = c['n_frames'][:-1] * 1e9 / c['rate'][:-1]
        return int(np.sum(np.diff(c['nsec'].astype(np.int64)) > periods + 1000))

    def n_long(self):
        """How many were on a processor for longer than they had time: missed on any machine, however idle."""
        return int(np.sum((loads(self.cycles) > 1) & ~self.broken[1:]))

    def _whole(self, name):
        """Which frames are in cycles that aren't broken, nor behind one that is or a change of rate. Where the graph is
        disturbed a silent cycle is one the node was left out of, or hasn't been started for."""
        c = self.cycles
        doubtful = self.broken.copy()
        doubtful[1:] |= c['rate'][1:] != c['rate'][:-1]
        if self.phase.n_disturbances > 0:
            doubtful |= self._silent(name)
        doubtful[1:] |= doubtful[:-1].copy()
        whole = np.zeros(self.phase.stop - self.phase.start, bool)
        for cycle in c[~doubtful]:
            at = int(cycle['position']) - self.phase.start
            whole[at:at + int(cycle['n_frames'])] = True
        return whole

    def worst_bend(self, name):
        """The largest second difference in parts of what there may be, and its position."""
        whole = self._whole(name)
        bends = sounds.bends(self.samples(name)) * (whole[:-2] & whole[1:-1] & whole[2:])
        worst = int(np.argmax(bends))
        most = BENDS[name] + (RESTART_BEND if self.phase.n_disturbances > 0 else 0.0)
        return bends[worst] / most, self.phase.start + worst + 1

    # ---- computed

    def error_of_bystander(self):
        """It is the sine it was."""
        heard = self.samples('bystander')
        origin = phase_origin(heard[:9600], 0, STEADY / RATE)
        return error_db(heard, wavetable('sine', STEADY_PEAK, STEADY / RATE, origin)(np.arange(len(heard)), 0))

    def error_of_room(self, swaps):
        """It is what its swaps make of what came in. It had heard nothing before the recording."""
        if not swaps:
            return -np.inf
        player, room = (self.recorder.take(RECORDED.index(name)) for name in ('player', 'room'))
        first, stop = player.first, self.phase.stop
        # a swap after the end may have made the last fade hurry
        end = max([stop] + [s.position + 1 for s in swaps])
        expected = mix(Input([np.nan_to_num(player[first:end])]), swaps, first)[0]
        return error_db(room[first:stop], expected[:stop - first])


def applied(swaps, endings):
    """Those of the swaps (by key) that were heard, where they were."""
    heard = [(endings[key][1], swap) for key, swap in swaps.items() if endings[key][0] == 'applied']
    return [Swap(position, swap.frames, swap.taps, swap.gain) for position, swap in heard]


def chance(more, of_more, fewer, of_fewer):
    """How probable it is by chance that of all events so many are among the former."""
    def ways(n, k):
        """The logarithm: after an hour the numbers are long."""
        return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)

    k = more + fewer
    return sum(math.exp(ways(of_more, i) + ways(of_fewer, k - i) - ways(of_more + of_fewer, k))
               for i in range(max(more, k - of_fewer), min(k, of_more) + 1))
