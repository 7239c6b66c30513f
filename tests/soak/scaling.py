# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Measures a service with many nodes and buffers: see scale."""

import numpy as np

from bus import MANAGER, Segue
from files import write_float_wav
from fixture import PLAIN_BUILD, Session

QUANTUM = 64
N_CYCLES = 1500
N_FILES = 200           # that are loaded and released, or swapped in
N_TRIES = 3             # of which the cheapest counts
GROWTH = 5.0            # of a cost, from the fewest buffers to the most: caches miss, but nobody looks through them all


class Scaling:
    def __init__(self, n_nodes):
        self.n_nodes = n_nodes
        self.rows = []

    def run(self, numbers):
        session = Session(build=PLAIN_BUILD, quantum=QUANTUM)
        with session:
            self.service = session.start_service()
            self.files = self._write_files(session.path / 'files')
            with session.bus() as bus:
                self.segue = Segue(bus)
                self.nodes = [self._create(session, k) for k in range(self.n_nodes)]
                with session.bus() as owner:
                    self._grow(Segue(owner), numbers)
                self._end()
        session.remove()
        return self.rows

    def _write_files(self, path):
        path.mkdir()
        return [write_float_wav(path / f'{k}.wav', np.full(16, 0.1)) for k in range(N_FILES)]

    def _create(self, session, k):
        node = self.segue.create(f'node{k}', audio_position='[ MONO ]')
        node.heard(node.wave('sine'))
        session.link(f'node{k}:output_MONO', 'test-sink:playback_FL')
        return node

    def _grow(self, owner, numbers):
        empty, made = self.service.resident_kib(), 0
        for n in numbers:
            owner.import_many(n - made)
            made = n
            self.segue.wait_for_rest()
            row = {'nodes': self.n_nodes, 'buffers': n}
            # the nodes' own waves are one each
            row['live'] = self.segue.get('BuffersLive') - self.n_nodes
            row['counted'] = owner.buffer(f'{MANAGER}/buffer/{self.n_nodes + 1}', 'Bytes')
            row['resident'] = (self.service.resident_kib() - empty) * 1024 / n
            row['cycle_ns'] = min(self._cycle() for _ in range(N_TRIES))
            tries = [self._load_and_release() for _ in range(N_TRIES)]
            row['load_us'], row['reclaim_us'] = (min(costs) for costs in zip(*tries))
            row['swap_us'] = min(self._swap() for _ in range(N_TRIES))
            row['objects_ms'], row['objects'] = self._objects()
            row['xruns'] = sum(node.get('Xruns') for node in self.nodes)
            self.rows.append(row)
            owner.bus.signals.clear()
            self.segue.bus.signals.clear()

    def _end(self):
        """Their owner has left."""
        self.segue.bus.wait_until('end of all', lambda: self.segue.get('BuffersLive') == self.n_nodes, deadline=60)
        for node in self.nodes:
            self.segue.destroy(node)
        self.segue.assert_nothing_is_live()

    # ---- costs, as CPU time

    def _cpu_usec(self, thread):
        with open(f'/proc/{self.service.pid}/task/{thread}/schedstat') as f:
            return int(f.read().split()[0]) / 1e3

    def _cycle(self):
        thread, node = self.service.data_thread(), self.nodes[0]
        begun, before = node.get('Cycles'), self._cpu_usec(thread)
        self.segue.bus.wait_until('cycles', lambda: node.get('Cycles') >= begun + N_CYCLES, deadline=60)
        cycles, after = node.get('Cycles') - begun, self._cpu_usec(thread)
        return (after - before) * 1e3 / cycles / self.n_nodes

    def _main(self, n, call):
        before = self._cpu_usec(self.service.pid)
        call()
        return (self._cpu_usec(self.service.pid) - before) / n

    def _load_and_release(self):
        bus, paths = self.segue.bus, []
        live = self.segue.get('BuffersLive')

        def load():
            paths.extend(self.segue.make_many(N_FILES, lambda k: self.segue.begin(
                'LoadFile', '(sa{sv})', (str(self.files[k]), {}))))
            bus.wait_until('buffers', lambda: self.segue.get('BuffersLive') == live + N_FILES)

        def release():
            for reply in [bus.begin(path, 'org.segue.Segue1.Buffer', 'Release') for path in paths]:
                reply.result()
            bus.wait_until('reclaiming', lambda: self.segue.get('BuffersLive') == live)
        return self._main(N_FILES, load), self._main(N_FILES, release)

    def _swap(self):
        node = self.nodes[0]

        def swap():
            for k in range(N_FILES):
                serial = node.load(self.files[k], fade=0.0, wait=True)
            node.finished(serial)
        cost = self._main(N_FILES, swap)
        # the last file is to be loaded anew
        node.heard(node.wave('sine', fade=0.0))
        self.segue.wait_for_rest()
        return cost

    def _objects(self):
        """All at once, in a single message."""
        found = []

        def list_all():
            found.append(self.segue.bus.connection.call_sync(
                self.segue.bus.service, MANAGER, 'org.freedesktop.DBus.ObjectManager', 'GetManagedObjects',
                None, None, 0, -1, None).get_child_value(0).n_children())
        return self._main(1, list_all) / 1e3, found[0] - self.n_nodes


def complaints(rows):
    for row in rows:
        what = f'{row["nodes"]} nodes, {row["buffers"]} buffers'
        # a node has a buffer of its own; the one that was swapped is another's that has gone
        if row['live'] != row['buffers'] or row['objects'] != row['buffers']:
            yield f'{what}: {row["live"]} are live, {row["objects"]} on the bus'
        if row['xruns']:
            yield f'{what}: {row["xruns"]} cycles were missed'
    for few in rows:
        many = max((r for r in rows if r['nodes'] == few['nodes']), key=lambda r: r['buffers'])
        if few['counted'] != many['counted']:
            yield f'a buffer is {few["counted"]} bytes, of {many["buffers"]} {many["counted"]}'
        if few['buffers'] >= 1000 and many['resident'] > 1.5 * few['resident']:
            yield f'memory of a buffer: {few["resident"]:.0f} bytes, of {many["buffers"]} {many["resident"]:.0f}'
        for cost in 'cycle_ns', 'load_us', 'reclaim_us', 'swap_us':
            if many[cost] > GROWTH * few[cost]:
                yield f'{cost}: {few[cost]:.1f} with {few["buffers"]} buffers, {many[cost]:.1f} with {many["buffers"]}'
