# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Idle is idle, and the data loop calls the kernel no more with swaps than without."""

import collections
import pathlib
import re
import time

import pytest

pytestmark = pytest.mark.plain

SECONDS = 5
# a client of PipeWire with nothing of ours in it
BARE_CONFIG = '''
context.spa-libs = { support.* = support/libspa-support }
context.modules = [ { name = libpipewire-module-rt flags = [ ifexists nofail ] }
                    { name = libpipewire-module-protocol-native } ]
'''


def switches(pid):
    """Voluntary context switches of each of a process's threads: one for every wake-up."""
    found = {}
    for task in pathlib.Path(f'/proc/{pid}/task').iterdir():
        text = (task / 'status').read_text()
        found[task.name] = int(re.search(r'^voluntary_ctxt_switches:\s*(\d+)', text, re.M)[1])
    return found


def wakeups(pid, seconds=SECONDS):
    before = switches(pid)
    time.sleep(seconds)     # the measurement itself
    after = switches(pid)
    return sum(after[t] - before.get(t, 0) for t in after)


def bare_wakeups(session):
    path = session.path / 'bare.conf'
    path.write_text(BARE_CONFIG)
    process = session.start('bare', ['pipewire', '-c', path])
    time.sleep(1)           # until it has settled
    count = wakeups(process.pid)
    process.stop()
    return count


def test_a_service_with_nothing_to_do_sleeps(session, segue):
    bare = bare_wakeups(session)
    node = segue.create('synth')
    node.heard(node.wave('sine'))
    segue.release(segue.generate('saw'))
    segue.bus.wait_until('rest', lambda: segue.get('BytesPending') == segue.get('BytesRetired') == 0)
    time.sleep(2)           # the collector's last, slowest tick, and announcements held back
    assert wakeups(session.processes['service'].pid) <= bare


def data_thread(pid):
    """By its name, which later versions give it, or because it is the first that was made."""
    tasks = sorted(pathlib.Path(f'/proc/{pid}/task').iterdir(), key=lambda t: int(t.name))
    named = [t for t in tasks if (t / 'comm').read_text().startswith('data-loop')]
    return (named or tasks[1:])[0].name


class Strace:
    """System calls of one thread, counted by name."""

    def __init__(self, session, thread, name):
        self.path = session.path / f'strace.{name}'
        self.process = session.start('strace', ['strace', '-qq', '-o', self.path, '-p', thread])
        self.process.expected |= {-2, 130}

    def counts(self):
        self.process.signal(2)
        self.process.popen.wait(10)
        counts = collections.Counter(re.match(r'(\w+)\(', line)[1] for line in self.path.open()
                                     if re.match(r'\w+\(', line))
        counts.pop('restart_syscall', None)
        return counts


def test_1000_swaps_cost_the_data_loop_no_system_call(session, source):
    pid = session.processes['service'].pid
    source.heard(source.wave('sine'))

    def per_cycle(name, work):
        strace = Strace(session, data_thread(pid), name)
        source.recorder.wait_for_frames(9600)
        first = source.get('Cycles')
        work()
        cycles = source.get('Cycles') - first
        counts = strace.counts()
        return cycles, counts

    _, without = per_cycle('without', lambda: source.recorder.wait_for_frames(96000))
    applied = source.get('SwapsApplied')

    def swap():
        last = None
        while source.get('SwapsApplied') < applied + 1000:
            last = source.wave('sine', fade=0.0)
        source.heard(last)

    _, during = per_cycle('during', swap)
    assert set(during) == set(without), (without, during)
    # calls per wake-up are the same, however long it took
    for name in without:
        assert abs(during[name] / during['epoll_wait'] - without[name] / without['epoll_wait']) < 0.05
