#!/usr/bin/python3
# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Stream 50 wavetables a second into a source of Segue: each is computed here, handed over in a memfd and faded in.

    seguectl create source synth
    ./stream-wavetables.py synth

It wants nothing but python3-gi. What became of each table is told at the end.
"""

import argparse
import collections
import math
import os
from array import array

from gi.repository import Gio, GLib

SERVICE = 'org.segue.Segue1'
MANAGER = '/org/segue/Segue1'
FRAMES = 1024               # of a table: one period
PER_SECOND = 50
UNDER_WAY = 32          # at most; a client may have 64
SWEEP_SECONDS = 2.0         # from the sine to the brightest and back


def wavetable(bend):
    """One period of a sine whose first half takes 1 - bend of the time it should, as in a phase distortion synthesizer:
    a sine at 0, nearly a saw at 1."""
    knee = 0.5 * (1 - bend)

    def bent(phase):
        if phase < knee:
            return 0.5 * phase / knee
        return 0.5 + 0.5 * (phase - knee) / (1 - knee)
    return array('f', (math.sin(2 * math.pi * bent(i / FRAMES)) for i in range(FRAMES)))


def bend_of(number):
    """How bent the table of this number is."""
    return 0.9 * math.sin(math.pi * number / (PER_SECOND * SWEEP_SECONDS)) ** 2


def in_memory(samples):
    """A descriptor that Segue can read them from."""
    fd = os.memfd_create('wavetable')
    with open(fd, 'wb', closefd=False) as file:
        samples.tofile(file)
    return fd


class Stream:
    def __init__(self, bus, path, n_tables):
        self.bus, self.path = bus, path
        self.n_tables = n_tables
        self.n_sent = 0
        self.serials = set()        # of ours, as the replies carry them
        self.results = {}           # by serial, of everybody's
        self.refused = collections.Counter()
        self.loop = GLib.MainLoop()
        bus.signal_subscribe(SERVICE, 'org.segue.Segue1.Node', 'Finished', path, None, Gio.DBusSignalFlags.NONE,
                             self.on_finished)

    def run(self):
        GLib.timeout_add(1000 // PER_SECOND, self.on_timer)
        self.loop.run()

    def on_timer(self):
        if self.n_sent == self.n_tables:
            return GLib.SOURCE_REMOVE
        if self.n_sent - len(self.results) - self.refused.total() >= UNDER_WAY:
            return GLib.SOURCE_CONTINUE     # a busy machine: later
        fd = in_memory(wavetable(bend_of(self.n_sent)))
        fds = Gio.UnixFDList.new()
        index = fds.append(fd)      # a duplicate
        os.close(fd)
        options = {
            'kind': GLib.Variant('s', 'table'),
            'channels': GLib.Variant('u', 1),
            'rate': GLib.Variant('u', 48000),
            'fade': GLib.Variant('d', 1 / PER_SECOND),
            'label': GLib.Variant('s', f'table {self.n_sent}'),
        }
        self.bus.call_with_unix_fd_list(
            SERVICE, self.path, 'org.segue.Segue1.Node', 'LoadSamples', GLib.Variant('(ha{sv})', (index, options)),
            GLib.VariantType('(t)'), Gio.DBusCallFlags.NONE, -1, fds, None, self.on_reply)
        self.n_sent += 1
        return GLib.SOURCE_CONTINUE

    def on_reply(self, bus, result):
        try:
            reply, _ = bus.call_with_unix_fd_list_finish(result)
            self.serials.add(reply.unpack()[0])
        except GLib.Error as error:
            self.refused[error.message] += 1
        self.end_if_done()

    def on_finished(self, bus, sender, path, interface, signal, arguments):
        serial, result = arguments.unpack()[:2]
        self.results[serial] = result
        self.end_if_done()

    def end_if_done(self):
        n_replies = len(self.serials) + self.refused.total()
        if n_replies == self.n_tables and self.serials <= self.results.keys():
            self.loop.quit()

    def summary(self):
        outcomes = collections.Counter(self.results[serial] for serial in self.serials)
        lines = [f'{self.n_sent} sent, {outcomes["applied"]} applied, {outcomes["superseded"]} superseded, '
                 f'{outcomes["failed"]} failed, {self.refused.total()} refused']
        return '\n'.join(lines + [f'refused: {message}' for message in self.refused])


def find_node(bus, name):
    objects, = bus.call_sync(SERVICE, MANAGER, 'org.freedesktop.DBus.ObjectManager', 'GetManagedObjects', None, None,
                             Gio.DBusCallFlags.NONE, -1, None).unpack()
    for path, interfaces in objects.items():
        if interfaces.get('org.segue.Segue1.Node', {}).get('Name') == name:
            return path
    raise SystemExit(f"No node '{name}': seguectl create source {name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('node')
    parser.add_argument('--seconds', type=float, default=10.0)
    args = parser.parse_args()

    bus = Gio.bus_get_sync(Gio.BusType.SESSION)
    stream = Stream(bus, find_node(bus, args.node), round(args.seconds * PER_SECOND))
    stream.run()
    print(stream.summary())


if __name__ == '__main__':
    main()
