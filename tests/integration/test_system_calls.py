# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""The data loop calls the kernel as often while sounds are swapped and notes are played as while nothing happens."""

import collections
import os
import pathlib
import re

import pytest

from bus import BusError, Segue
from fixture import wait_until
from storm import EXPECTED, Storm, play_music

pytestmark = pytest.mark.plain

IN_DAEMON = 'context.modules = [ { name = libpipewire-module-segue } ]'
CYCLES = 300        # that are looked at, at least
# what leaves the graph as it is
QUIET = [*Storm.OFTEN, Storm.bypass, Storm.cancel, Storm.change_trigger]


class Strace:
    """System calls of one thread, counted by name and descriptor but for waits: one may tell of two descriptors."""

    def __init__(self, session, thread):
        self.path = session.path / 'strace'
        self.process = session.start('strace', ['strace', '-qq', '-o', self.path, '-p', thread])
        self.process.expected |= {-2, 130}
        status = pathlib.Path(f'/proc/{thread}/status')
        wait_until('trace', lambda: f'TracerPid:\t{self.process.pid}' in status.read_text())

    def counts(self):
        self.process.signal(2)
        self.process.popen.wait(10)
        calls = re.findall(r'^(\w+)\((\d+|)', self.path.read_text(), re.MULTILINE)
        counts = collections.Counter(c for c in calls if c[0] not in ('epoll_wait', 'restart_syscall'))
        reads = sum(n for (name, _), n in counts.items() if name == 'read')
        assert sum(name == 'epoll_wait' for name, _ in calls) <= reads + 2
        return counts


class Graph:
    """A storm's, with music."""

    def __init__(self, session, process, segue):
        self.session, self.process, self.segue = session, process, segue
        self.storm = Storm(session, segue)
        play_music(session)
        self.run()

    def run(self):
        end = self.storm.room.get('Cycles') + CYCLES
        self.segue.bus.wait_until('cycles', lambda: self.storm.room.get('Cycles') >= end, 30)

    def calls(self, do=lambda: None):
        """Those made meanwhile: a read for each wake-up, once a cycle, but for those that were cut in two, or that a
        busy machine was late for, and no more than one write, by the last of all a node waits for. On its timer the
        test's own driver makes as many as it needs for these."""
        strace = Strace(self.session, self.process.data_thread())
        do()
        self.run()
        counts = strace.counts()
        print(dict(counts))
        timers = {fd for name, fd in counts if name == 'timerfd_settime'}
        reads = [n for (name, fd), n in counts.items() if name == 'read' and fd not in timers]
        assert min(reads) >= CYCLES - 2
        assert max(n for (_, fd), n in counts.items() if fd not in timers) <= min(reads) * 1.01 + 2
        return {(name, self.kind(fd) if name == 'write' else fd) for name, fd in counts}

    def kind(self, fd):
        """Of an open descriptor: which of those a node may wake is chance."""
        return os.readlink(f'/proc/{self.process.pid}/fd/{fd}')

    def assert_same(self, do):
        calls = self.calls()
        assert {name for name, _ in calls} <= {'read', 'write', 'timerfd_settime'}
        assert {kind for name, kind in calls if name == 'write'} == {'anon_inode:[eventfd]'}
        assert self.calls(do) == calls


def bluster(storm):
    for _ in range(60):
        try:
            storm.random.choice(QUIET)(storm)
        except BusError as error:
            if error.name.rpartition('.')[2] not in EXPECTED:
                raise


def swap_1000_times(storm):
    applied = storm.tone.get('SwapsApplied')
    while storm.tone.get('SwapsApplied') < applied + 1000:
        storm.tone.wave('sine', fade=0.0)


def play_notes(storm):
    for _ in range(20):
        for key in range(40, 80):
            storm.keys.note_on(key)
        storm.keys.play(storm.sounds[0])
        storm.keys.notes_off()


@pytest.mark.parametrize('do', [bluster, swap_1000_times, play_notes])
def test_in_a_process_of_its_own(session, segue, do):
    graph = Graph(session, session.processes['service'], segue)
    graph.assert_same(lambda: do(graph.storm))


@pytest.mark.session(fragment=IN_DAEMON)
def test_inside_the_daemon(session):
    pipewire = session.processes['pipewire']
    session.wait_for_name('org.segue.Segue1', pipewire)
    with session.bus() as bus:
        graph = Graph(session, pipewire, Segue(bus))
        graph.assert_same(lambda: bluster(graph.storm))
