# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""What Segue has told of its requests and buffers, and how much it holds: each must come out even."""

import collections
import os
import statistics

BUFFERS = '/org/segue/Segue1/buffer/'
GROWTH_KIB = 8192       # of the resident set from the first third to the last: what the heap's holes may make


class Books:
    """Kept by a client of the bus that sees every signal."""

    def __init__(self, segue, service):
        self.segue, self.service = segue, service
        self.accepted = set()       # (node, serial) that a reply or a signal has told
        self.finished = collections.Counter()
        self.results = collections.Counter()
        self.endings = {}           # (node, serial): (result, position)
        self.cancelled = set()      # (node, serial) that were, or tried to be
        self.unmade = set()         # nodes
        self.hopeless = set()       # (node, serial) of files that aren't to be had
        self.failed = []            # what shouldn't have
        self.heard = set()          # buffers
        self.objects = set()        # buffers on the bus
        self.reclaimed = collections.Counter()
        self.resident, self.descriptors, self.live = [], [], []

    def collect(self):
        """Enter what has been signalled."""
        bus = self.segue.bus
        bus.dispatch()
        signals, bus.signals = bus.signals, []
        for path, _, member, args in signals:
            if member == 'Queued':
                self.accepted.add((path, args[0]))
            elif member == 'Finished':
                serial, result, buffer, position, error, message = args
                self.finished[path, serial] += 1
                self.results[result] += 1
                self.endings[path, serial] = result, position
                if result == 'failed' and not self.may_fail(path, serial, error):
                    self.failed.append(f'{path}: {serial} failed: {error}: {message}')
                if result == 'applied' and buffer != '/':
                    self.heard.add(buffer)
            elif member == 'InterfacesAdded' and args[0].startswith(BUFFERS):
                self.objects.add(args[0])
            elif member == 'InterfacesRemoved':
                self.objects.discard(args[0])
            elif member == 'BufferReclaimed':
                self.reclaimed[args[0]] += 1

    def may_fail(self, path, serial, error):
        """A request that was accepted, as all are whose file is to be had."""
        name = error.split('.')[-1]
        return (name == 'Cancelled' and (path, serial) in self.cancelled or name == 'Gone' and path in self.unmade or
                name in ('TooLate', 'ClockChanged'))    # of those for later

    def unanswered(self):
        self.collect()
        return self.accepted - set(self.finished)

    def wait_for_answers(self):
        self.segue.bus.wait_until('answer to each request', lambda: not self.unanswered(), deadline=30)

    def close_round(self):
        """Nothing goes on: measure, and say what is wrong."""
        self.wait_for_answers()
        self.segue.wait_for_rest()
        self.segue.bus.wait_until('end of all buffers but one', lambda: self.segue.get('BuffersLive') == 1)
        self.collect()
        self.live.append(self.segue.get('BytesLive'))
        self.resident.append(self.service.resident_kib())
        self.descriptors.append(len(os.listdir(f'/proc/{self.service.pid}/fd')))
        yield from self.failed
        yield from [f'{key} is applied' for key in self.hopeless if self.endings[key][0] == 'applied']
        twice = [key for key, n in self.finished.items() if n > 1]
        if twice:
            yield f'finished more than once: {twice[:5]}'
        twice = [path for path, n in self.reclaimed.items() if n > 1]
        if twice:
            yield f'reclaimed more than once: {twice[:5]}'
        if self.live[-1] != self.live[0]:
            yield f'{self.live[-1]} bytes are live at rest, {self.live[0]} were at first'
        self.segue.bus.wait_until('word of each that was reclaimed', self.is_told_of_all)

    def is_told_of_all(self):
        self.collect()
        return sum(self.reclaimed.values()) == self.segue.get('BuffersReclaimed')

    def close(self):
        """All nodes are gone, and every client but this one."""
        self.segue.assert_nothing_is_live()
        self.collect()
        if self.objects:
            yield f'still on the bus: {sorted(self.objects)[:5]}'
        if self.heard - set(self.reclaimed):
            yield f'heard and never reclaimed: {sorted(self.heard - set(self.reclaimed))[:5]}'

    def descriptors_grow(self):
        """Are there more after each of the last rounds than after any of the first, but the one to warm up?"""
        return len(self.descriptors) > 6 and min(self.descriptors[-3:]) > max(self.descriptors[1:4])

    def growth_kib(self):
        """Of memory at rest, from the first third of the rounds (after one to warm up) to the last."""
        rounds = self.resident[1:]
        third = len(rounds) // 3
        if third < 2:
            return 0
        return statistics.median(rounds[-third:]) - statistics.median(rounds[:third])
