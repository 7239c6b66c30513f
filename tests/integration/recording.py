# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Recordings that know the driver's clock: see recorder.c, whose file is read here."""

import numpy as np

from fixture import wait_until

HEADER = np.dtype([('n_cycles', '<u8'), ('n_frames', '<u8'), ('max_frames', '<u8'),
                   ('n_channels', '<u4'), ('max_cycles', '<u4')])
CYCLE = np.dtype([('position', '<u8'), ('nsec', '<u8'), ('offset', '<u8'), ('cpu_nsec', '<u8'),
                  ('n_frames', '<u4'), ('rate', '<u4'), ('clock_id', '<u4'), ('linked', '<u4')])


# PipeWire 0.3.65 leaves a recorder out of a cycle, or runs it twice in one, where a link is made into a
# running graph: what is recorded counts once so many cycles have followed each other
SETTLED_CYCLES = 4


class Recorder:
    """Records ports of the graph from the time they are linked and their links have settled."""

    def __init__(self, session, ports, seconds=60, rate=48000, passive=False, watched=None):
        """watched: a process the time of whose data loop is recorded as well"""
        self.session = session
        self.path = session.path / 'recording'
        schedstat = [f'/proc/{watched.pid}/task/{watched.data_thread()}/schedstat'] if watched else []
        self.process = session.start('recorder', [session.build / 'tests/integration/recorder', self.path,
                                                  len(ports), seconds * rate, *schedstat],
                                     {'PIPEWIRE_CONFIG_NAME': 'client-rt.conf',
                                      # driven by the test's driver, whatever it is linked to
                                      'PIPEWIRE_PROPS': f'{{ node.group = {session.group} }}'})
        for i, port in enumerate(ports):
            session.link(port, f'recorder:input_{i}', passive)
        self.header = np.memmap(self.path, HEADER, mode='r', shape=())
        n_channels = int(self.header['n_channels'])
        max_cycles = int(self.header['max_cycles'])
        self._cycles = np.memmap(self.path, CYCLE, mode='r', offset=HEADER.itemsize, shape=max_cycles)
        self._planes = np.memmap(self.path, '<f4', mode='r',
                                 offset=HEADER.itemsize + max_cycles * CYCLE.itemsize,
                                 shape=(n_channels, int(self.header['max_frames'])))
        self._first = 0
        self._first = wait_until('steady recording', lambda: self._settled((1 << n_channels) - 1))

    def _settled(self, all_linked):
        """The first cycle of some with all links that follow each other; 0: there are none yet."""
        cycles = self.cycles()
        last = cycles[-SETTLED_CYCLES:]
        settled = len(cycles) > len(last) and all(last['linked'] == all_linked) and not gaps(last)
        return len(cycles) - len(last) if settled else 0

    def cycles(self):
        """The cycles recorded so far, from when the links had settled."""
        return self._cycles[self._first:int(self.header['n_cycles'])]

    def position(self):
        """The frame after the last one recorded."""
        cycles = self.cycles()
        return int(cycles[-1]['position'] + cycles[-1]['n_frames']) if len(cycles) else 0

    def wait_for_position(self, position, deadline=30.0):
        wait_until(f'frame {position}', lambda: self.position() >= position, deadline)

    def wait_for_frames(self, n_frames, deadline=30.0):
        """Record this much more."""
        self.wait_for_position(self.position() + n_frames, deadline)

    def gaps(self):
        """(position expected, position found) wherever cycles are missing or out of order."""
        return gaps(self.cycles())

    def take(self, channel=0):
        """What was recorded, while the channel was linked and up to now."""
        cycles = self.cycles()
        cycles = cycles[(cycles['linked'] >> channel) & 1 == 1]
        assert len(cycles) > 0, 'nothing was recorded'
        return Take(cycles, self._planes[channel])


def gaps(cycles):
    ends = (cycles['position'] + cycles['n_frames'])[:-1]
    starts = cycles['position'][1:]
    return [(int(e), int(s)) for e, s in zip(ends, starts) if e != s]


def loads(cycles):
    """Of each cycle but the first: which part of its time the data loop that is watched was on a processor. Of what
    else the machine does only interrupts are in it: beyond 1 the cycle would be missed on an idle one as well."""
    nsec = np.diff(cycles['cpu_nsec'].astype(np.int64))
    return nsec / (cycles['n_frames'][1:] * 1e9 / cycles['rate'][1:])


class Take:
    """Samples of one channel by the position of the driver's clock; NaN where a cycle is missing."""

    def __init__(self, cycles, plane):
        self.first = int(cycles[0]['position'])
        self.end = int(cycles[-1]['position'] + cycles[-1]['n_frames'])
        self.samples = np.full(self.end - self.first, np.nan, 'f4')
        for c in cycles:
            at, offset, n = int(c['position']) - self.first, int(c['offset']), int(c['n_frames'])
            self.samples[at:at + n] = plane[offset:offset + n]

    def __getitem__(self, key):
        """take[position], take[start:stop]: positions, not indices."""
        if not isinstance(key, slice):
            return self.samples[key - self.first]
        start = self.first if key.start is None else key.start
        stop = self.end if key.stop is None else key.stop
        assert self.first <= start <= stop <= self.end, (self.first, start, stop, self.end)
        return self.samples[start - self.first:stop - self.first]

    def missing(self):
        return int(np.isnan(self.samples).sum())
