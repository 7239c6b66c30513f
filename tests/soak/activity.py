# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Whatever clients do, at random: swaps of every kind, settings, notes, plays, buffers kept and given up, nodes made
and unmade, clients that are killed in the midst of it, requests that make no sense."""

import subprocess

import numpy as np

import sounds
from bus import MANAGER, PROPERTIES, BusError, Segue, memfd, options, variant
from convolution import Swap

KEPT_MAX = 12
WAVES = ['sine', 'saw', 'square', 'triangle', 'noise', 'pink', 'sweep', 'impulse', 'silence', 'harmonics:1,0.5']
# what may be refused, besides requests that make no sense: a queue that is full, a time that is over
REFUSALS = {'Busy', 'UnknownObject', 'LimitsExceeded', 'NoMemory', 'Disconnected'}


class Activity:
    def __init__(self, stage, files, books, seguectl):
        self.stage, self.files, self.books, self.seguectl = stage, files, books, seguectl
        self.segue = stage.segue
        self.session = stage.session
        self.rng = None
        self.replies = []       # (reply, what becomes of it, may it be refused)
        self.kept = []          # buffers that are smooth
        self.strangers = []     # processes to be killed
        self.n_requests = self.n_refused = self.n_made = 0
        self.room_swaps = {}    # by (node, serial)
        self.surprises = []

    def turn(self, rng):
        """Some requests, and a look at what has become of others."""
        self.rng = rng
        for _ in range(rng.choice([1, 1, 1, 2, 4, 20])):
            rng.choices(*zip(*self.ACTIONS))[0](self)
        self.segue.bus.dispatch()
        self.answer(len(self.replies) > 100)
        self.books.collect()

    # ---- asking

    def ask(self, target, method, signature='()', args=(), then=None, refused=False, **named):
        """A node or the manager; what becomes of the reply, and whether it may well be an error."""
        self.replies.append((target.begin(method, signature, args, **named), then, refused))
        self.n_requests += 1

    def answer(self, wait=False):
        """Take the replies that have come, or all."""
        waiting, replies, self.replies = [], self.replies, []
        for reply, then, refused in replies:
            if not (wait or reply.done):
                waiting.append((reply, then, refused))
                continue
            try:
                values = reply.result(30)
            except BusError as error:
                self.n_refused += 1
                if not refused and error.name.split('.')[-1] not in REFUSALS:
                    self.surprises.append(str(error))
                continue
            if then is not None:
                then(*values)
        self.replies += waiting

    def swap_options(self, wild=False):
        rng = self.rng
        values = {'fade': rng.uniform(sounds.SHORTEST_FADE, 0.3)}
        if wild:
            values['fade'] = rng.choice([0.0, 0.001, 1.0])
        if rng.random() < 0.1:
            values['after'] = rng.uniform(0.0, 0.5)
        return values

    def swap(self, node, method, signature, args, then=None, refused=False, **named):
        def accepted(serial):
            self.books.accepted.add((node.path, serial))
            if then is not None:
                then(serial)
            if self.rng.random() < 0.05:
                self.books.cancelled.add((node.path, serial))
                self.ask(node, 'Cancel', '(t)', (serial,))
        self.ask(node, method, signature, args, accepted, refused, **named)

    def wave(self, node, wave, peak, **opts):
        self.swap(node, 'Wave', '(sa{sv})', (wave, options({'gain': peak} | opts)), interface=node.SOURCE)

    # ---- swaps

    def smooth_swap(self, node):
        rng, opts = self.rng, self.swap_options()
        kind = rng.choice(['wave', 'file', 'fd', 'samples', 'kept', 'clear'])
        if kind == 'wave':
            self.wave(node, sounds.wave(rng), rng.uniform(0.05, sounds.PEAK), **opts)
        elif kind == 'file':
            path = str(rng.choice(self.files.sounds))
            self.swap(node, 'Load', '(sa{sv})', (path, options(opts | {'loop': 'forward'})))
        elif kind == 'fd':
            with open(rng.choice(self.files.sounds), 'rb') as f:
                self.swap(node, 'LoadFd', '(ha{sv})', (0, options(opts | {'loop': 'forward'})), fds=[f.fileno()])
        elif kind == 'samples':
            with memfd(sounds.periods(rng, rng.choice([4800, 48000])).tobytes()) as fd:
                self.swap(node, 'LoadSamples', '(ha{sv})', (0, options(
                    opts | {'channels': 1, 'rate': 48000, 'loop': 'forward'})), fds=[fd])
        elif kind == 'kept' and self.kept:
            self.swap(node, 'SetBuffer', '(oa{sv})', (rng.choice(self.kept), options(opts)))
        elif kind == 'clear':
            self.swap(node, 'Clear', '(a{sv})', (options(opts),))

    def swap_player(self):
        self.smooth_swap(self.stage.nodes['player'])

    def swap_synth(self):
        self.smooth_swap(self.stage.nodes['synth'])

    def swap_keys(self):
        self.wave(self.stage.nodes['keys'], sounds.wave(self.rng), sounds.NOTE_PEAK, **self.swap_options())

    def swap_room(self):
        """What is asked of it is remembered: its sound is computed afterwards."""
        rng, room, opts = self.rng, self.stage.nodes['room'], self.swap_options()
        # whole frames
        opts['fade'] = round(opts['fade'] * 48000) / 48000
        swap = Swap(0, round(opts['fade'] * 48000))

        def remember(serial):
            self.room_swaps[room.path, serial] = swap
        if rng.random() < 0.15:
            self.swap(room, 'Clear', '(a{sv})', (options(opts),), then=remember)
            return
        path = rng.choice(self.files.responses)
        swap.taps, swap.gain = self.files.taps[path], rng.choice([1.0, 1.0, 0.5])
        arguments = opts | {'gain': swap.gain}
        if rng.random() < 0.5:
            self.swap(room, 'Load', '(sa{sv})', (str(path), options(arguments)), then=remember)
        else:
            with open(path, 'rb') as f:
                self.swap(room, 'LoadFd', '(ha{sv})', (0, options(arguments)), fds=[f.fileno()], then=remember)

    def swap_wild(self):
        rng, opts = self.rng, self.swap_options(wild=True)
        if rng.random() < 0.5:
            self.wave(self.stage.nodes['wild'], rng.choice(WAVES), 0.5, **opts)
        else:
            node = self.stage.nodes[rng.choice(['wild', 'hall'])]
            self.swap(node, 'Load', '(sa{sv})', (str(rng.choice(self.files.all)), options(opts)), refused=True)

    # ---- settings, notes

    def set(self, name, key, interface, value):
        node = self.stage.nodes[name]
        self.replies.append((self.segue.bus.begin(node.path, PROPERTIES, 'Set', '(ssv)',
                                                  (interface, key, variant(value))), None, False))
        self.n_requests += 1

    def set_synth(self):
        node, rng = self.stage.nodes['synth'], self.rng
        key, value = rng.choice([('Gain', rng.uniform(0.3, 1.0)), ('Frequency', rng.uniform(40.0, 100.0)),
                                 ('Bypass', rng.random() < 0.2)])
        self.set('synth', key, node.SOURCE if key == 'Frequency' else node.INTERFACE, value)

    def set_hall(self):
        key = self.rng.choice(['Wet', 'Dry'])
        self.set('hall', key, 'org.segue.Segue1.Convolver', self.rng.uniform(0.0, 1.0))

    def press_keys(self):
        node, rng = self.stage.nodes['keys'], self.rng
        for _ in range(rng.randint(1, 3)):
            key = rng.randint(20, 43)
            if rng.random() < 0.6:
                self.ask(node, 'NoteOn', '(yy)', (key, rng.randint(1, 127)), interface=node.SOURCE)
            else:
                self.ask(node, 'NoteOff', '(y)', (key,), interface=node.SOURCE)
        if rng.random() < 0.05:
            self.ask(node, 'AllNotesOff', interface=node.SOURCE)

    def play(self):
        node, rng = self.stage.nodes['keys'], self.rng
        path = str(rng.choice(self.files.bursts))

        def loaded(buffer):
            # it may still be loading then, which is refused
            self.ask(node, 'Play', '(oa{sv})', (buffer, options({})), interface=node.SOURCE, refused=True, then=played)
            self.release(buffer)

        def played(voice):
            if rng.random() < 0.3:
                self.ask(node, 'Stop', '(t)', (voice,), interface=node.SOURCE)
        self.ask(self.segue, 'LoadFile', '(sa{sv})', (path, options({})), then=loaded)

    # ---- buffers

    def keep(self):
        rng = self.rng

        def kept(buffer):
            self.kept.append(buffer)
        if len(self.kept) > KEPT_MAX:
            self.release(self.kept.pop(rng.randrange(len(self.kept))))
        elif rng.random() < 0.5:
            self.ask(self.segue, 'Generate', '(sa{sv})', (sounds.wave(rng), options(
                {'gain': rng.uniform(0.05, sounds.PEAK), 'keep': True})), then=kept)
        else:
            with memfd(sounds.periods(rng, 4800).tobytes()) as fd:
                self.ask(self.segue, 'ImportSamples', '(ha{sv})', (0, options(
                    {'channels': 1, 'rate': 48000, 'loop': 'forward', 'keep': True})), fds=[fd], then=kept)

    def release(self, buffer):
        self.replies.append((self.segue.bus.begin(buffer, 'org.segue.Segue1.Buffer', 'Release'), None, True))
        self.n_requests += 1

    # ---- nodes that come and go

    def pass_by(self):
        """A node that is made, asked and unmade, in whatever state it is by then."""
        rng = self.rng
        self.n_made += 1
        kind = rng.choice(['source', 'convolver'])

        def made(path):
            node = type(self.stage.nodes['wild'])(self.segue, path)
            if rng.random() < 0.8:
                files = self.files.responses if kind == 'convolver' else self.files.sounds
                self.swap(node, 'Load', '(sa{sv})', (str(rng.choice(files)), options(self.swap_options(wild=True))),
                          refused=True)
            self.books.unmade.add(path)
            self.ask(self.segue, 'DestroyNode', '(o)', (path,))
        self.ask(self.segue, 'CreateNode', '(ssa{sv})', (kind, f'guest{self.n_made}', options({})), then=made)

    # ---- clients that are killed

    def die(self):
        """A client that asks, and is gone before all of it is answered, or even read."""
        rng = self.rng
        bus = self.session.bus()
        segue = Segue(bus)
        for _ in range(rng.randint(1, 12)):
            kind = rng.choice(['file', 'samples', 'swap', 'objects'])
            if kind == 'file':
                segue.begin('LoadFile', '(sa{sv})', (str(rng.choice(self.files.all)), options({})))
            elif kind == 'samples':
                with memfd(np.zeros(rng.choice([10, 100000]), 'f4').tobytes()) as fd:
                    segue.begin('ImportSamples', '(ha{sv})', (0, options({'channels': 1, 'rate': 48000})), fds=[fd])
            elif kind == 'swap':
                path = str(rng.choice(self.files.all))
                bus.begin(self.stage.nodes[rng.choice(['wild', 'hall'])].path, 'org.segue.Segue1.Node', 'Load',
                          '(sa{sv})', (path, options(self.swap_options(wild=True) | {'wait': True})))
            else:
                bus.begin(MANAGER, 'org.freedesktop.DBus.ObjectManager', 'GetManagedObjects')
            self.n_requests += 1
        if rng.random() < 0.7:
            bus.connection.flush_sync(None)
        bus.connection.get_stream().get_socket().shutdown(True, True)
        bus.wait_until('end', bus.connection.is_closed)
        bus.close()

    def kill(self):
        """A program that is killed at one of its steps."""
        command = self.rng.choice([['load', 'hall', self.rng.choice(self.files.all), '--wait'],
                                   ['keep', self.rng.choice(self.files.sounds)], ['top', '--json'], []])
        self.strangers.append(subprocess.Popen(
            [self.seguectl, *command], env=self.session.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL))
        if len(self.strangers) > 2:
            self.bury(self.strangers.pop(0))

    def bury(self, process):
        process.kill()
        process.wait()

    # ---- nonsense

    def talk_nonsense(self):
        rng, node = self.rng, self.stage.nodes[self.rng.choice(['player', 'synth', 'room'])]
        method, signature, args = rng.choice([
            ('Load', '(sa{sv})', (str(self.files.broken), options({}))),
            ('Load', '(sa{sv})', ('/no/such.wav', options({}))),
            ('Load', '(sa{sv})', (str(self.files.sounds[0]), options({'gian': 1.0}))),
            ('SetBuffer', '(oa{sv})', ('/org/segue/Segue1/buffer/999999999', options({}))),
            ('Clear', '(a{sv})', (options({'fade': -1.0}),)),
            ('Cancel', '(t)', (999999999,))])

        def accepted(serial=None):
            # before its file has been opened, if a newer one was ready first
            if method == 'Load' and not args[1]:
                self.books.hopeless.add((node.path, serial))
            else:
                self.surprises.append(f'{method} {args} is accepted')
        self.ask(node, method, signature, args, accepted, refused=True)

    # ---- the end of a round

    def settle(self):
        """All is answered, and every swap has ended."""
        while self.replies:
            self.answer(wait=True)
        self.books.wait_for_answers()

    def end(self):
        """And nobody is there who asks."""
        for process in self.strangers:
            self.bury(process)
        self.strangers.clear()
        self.settle()

    def give_up_all(self):
        """Also what programs that were killed have kept, and what still loads for them."""
        for path in self.segue.buffers():
            self.release(path)
        self.kept.clear()
        self.settle()
        return not self.segue.buffers()

    ACTIONS = [(swap_player, 6), (swap_synth, 6), (swap_room, 6), (swap_keys, 3), (swap_wild, 6), (set_synth, 4),
               (set_hall, 2), (press_keys, 6), (play, 2), (keep, 3), (pass_by, 1), (die, 1), (kill, 0.3),
               (talk_nonsense, 1)]
