# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""In a graph that runs the data loop finds all it needs in memory, whatever is done for the first time.

Where a fault comes from: perf record -e page-faults -c 1 -d --call-graph dwarf -t TID
"""

import pathlib
from functools import partial

import pytest

from again import Again
from bus import Segue
from chain import impulse_response, white
from storm import QUANTUM, RATE, WAVES, play_music, write_instrument
from versions import REMAPS

pytestmark = pytest.mark.plain

# on most desktops little memory may be locked, which would make it present
UNLOCKED = 'setpriv', '--bounding-set=-ipc_lock', 'prlimit', '--memlock=0'
WARM_UP = 200       # cycles
N_LINKS = 2         # of the nodes that are watched
LOCKED_OR_NOT = pytest.mark.parametrize('wrapper', [(), UNLOCKED], ids=['locked', 'unlocked'])


class Reclaimed(Again):
    """Pages that aren't locked may be moved or taken away by the kernel at any time."""


class Faults:
    """Of the data loop's thread, minor and major, since they were looked at last."""

    def __init__(self, process):
        self.path = pathlib.Path(f'/proc/{process.pid}/task/{process.data_thread()}/stat')
        self.seen = self._read()

    def _read(self):
        fields = self.path.read_text().rpartition(')')[2].split()
        return int(fields[7]), int(fields[9])

    def new(self):
        before, self.seen = self.seen, self._read()
        return tuple(now - then for now, then in zip(self.seen, before))


def run(node, n_cycles=20):
    end = node.get('Cycles') + n_cycles
    node.bus.wait_until('cycles', lambda: node.get('Cycles') >= end)


def assert_no_faults(process, node, steps, is_locked):
    run(node, WARM_UP)
    faults, found = Faults(process), {}
    for name, step in steps:
        step()
        run(node)
        minor, major = faults.new()
        if minor > (N_LINKS if REMAPS and name.startswith('quantum') else 0) or major:
            found[name] = minor, major
    if found and not is_locked:
        raise Reclaimed(found)
    assert found == {}


def load(node, samples, rate=RATE, **options):
    node.heard(node.load_samples(samples, channels=samples.shape[1], rate=rate, **options))


def quanta(session):
    for quantum in 64, 1000, 8192, 1, QUANTUM:
        yield f'quantum {quantum}', partial(session.force_quantum, quantum)


def source_steps(session, node):
    def strike():
        for key in range(30, 94):
            node.note_on(key)

    def play():
        node.play(node.segue.ready(node.segue.import_samples(white(RATE, 2), channels=2, rate=RATE)))

    for wave in WAVES:
        yield wave, lambda wave=wave: node.heard(node.wave(wave))
        yield f'notes on {wave}', strike
    yield 'notes off', node.notes_off
    yield 'a long sample', lambda: load(node, white(20 * RATE, 2), 44100, fade=0.1)
    yield 'notes on it', strike
    yield 'an instrument', lambda: node.heard(node.load(write_instrument(session.path)))
    yield 'notes on it', strike
    yield 'a play', play
    yield 'bypass', lambda: node.set('Bypass', True)
    yield 'a steady sound', lambda: node.set('Trigger', 'always')
    yield 'none', lambda: node.heard(node.clear(fade=0.1))


def convolver_steps(node):
    yield 'a short response', lambda: load(node, impulse_response(0.01, 2))
    yield 'a response of 10 s', lambda: load(node, impulse_response(10, 2))
    yield 'a matrix of 9.9 s', lambda: load(node, impulse_response(9.9, 4), 96000, fade=0.5)
    yield 'dry', lambda: node.set('Dry', 0.5)
    yield 'bypass', lambda: node.set('Bypass', True)
    yield 'none', lambda: node.heard(node.clear(fade=0.1))


@LOCKED_OR_NOT
def test_a_source_never_meets_a_page_fault(session, wrapper):
    process = session.start_service(wrapper=wrapper)
    with session.bus() as bus:
        node = Segue(bus).create('keys', segue_trigger='notes')
        session.link('keys:output_FL', 'test-sink:playback_FL')
        play_music(session, begin=2 * WARM_UP * QUANTUM)
        assert_no_faults(process, node, [*source_steps(session, node), *quanta(session)], wrapper == ())


@LOCKED_OR_NOT
def test_a_convolver_never_meets_a_page_fault(session, wrapper):
    process = session.start_service(wrapper=wrapper)
    with session.bus() as bus:
        segue = Segue(bus)
        tone, room = segue.create('tone'), segue.create('room', 'convolver')
        tone.wave('noise')
        session.link('tone:output_FL', 'room:input_FL')
        session.link('room:output_FL', 'test-sink:playback_FL')
        assert_no_faults(process, room, [*convolver_steps(room), *quanta(session)], wrapper == ())
