# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""A D-Bus client over Gio: calls with descriptors, and signals collected in a list."""

import collections
import os
import re
import time

import gi
import numpy as np
gi.require_version('Gio', '2.0')
from gi.repository import Gio, GLib   # noqa: E402

DEADLINE = 10.0     # seconds
UNDER_WAY = 32      # calls at once
LIMITS_EXCEEDED = 'org.freedesktop.DBus.Error.LimitsExceeded'
SERVICE = 'org.segue.Segue1'
MANAGER = '/org/segue/Segue1'
PROPERTIES = 'org.freedesktop.DBus.Properties'


class BusError(Exception):
    """An error reply: its name, and the sentence that came with it."""

    def __init__(self, error):
        self.name = Gio.DBusError.get_remote_error(error) or f'local:{error.domain}:{error.code}'
        self.message = error.message.removeprefix(f'GDBus.Error:{self.name}: ')
        super().__init__(f'{self.name}: {self.message}')


def variant(value):
    """A Python value as the obvious D-Bus type."""
    if isinstance(value, GLib.Variant):
        return value
    if isinstance(value, bool):
        return GLib.Variant('b', value)
    if isinstance(value, int):
        return GLib.Variant('t' if value >= 0 else 'x', value)
    if isinstance(value, float):
        return GLib.Variant('d', value)
    if isinstance(value, str):
        return GLib.Variant('s', value)
    return GLib.Variant('au', list(value))


def options(values):
    return {k: variant(v) for k, v in values.items()}


class Reply:
    """A call on its way."""

    def __init__(self, bus):
        self._bus = bus
        self._values = self._error = None
        self.done = False

    def _on_done(self, connection, result):
        try:
            self._values = connection.call_with_unix_fd_list_finish(result)[0].unpack()
        except GLib.Error as error:
            self._error = BusError(error)
        self.done = True

    def result(self, deadline=DEADLINE):
        """Its values, or BusError."""
        self._bus.wait_until('reply', lambda: self.done, deadline)
        if self._error is not None:
            raise self._error
        return self._values


class Bus:
    """One connection, with every signal it has received in `signals`, oldest first, each as
    (path, interface, member, arguments)."""

    def __init__(self, address, service=SERVICE):
        self.service = service
        self.context = GLib.MainContext.new()
        self.context.push_thread_default()
        try:
            self.connection = Gio.DBusConnection.new_for_address_sync(
                address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
                Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
            self.connection.set_exit_on_close(False)
            self.signals = []
            self._subscription = self.connection.signal_subscribe(
                service, None, None, None, None, Gio.DBusSignalFlags.NONE, self._on_signal)
        finally:
            self.context.pop_thread_default()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        # it holds us, and so descriptors
        self.connection.signal_unsubscribe(self._subscription)
        if not self.connection.is_closed():
            self.connection.close_sync(None)
        self.dispatch()

    def _on_signal(self, connection, sender, path, interface, member, parameters):
        self.signals.append((path, interface, member, parameters.unpack()))

    # ---- waiting

    def dispatch(self):
        while self.context.iteration(False):
            pass

    def wait_until(self, what, predicate, deadline=DEADLINE):
        """Dispatch until predicate() is true; its value."""
        end = time.monotonic() + deadline
        self.dispatch()
        while not (value := predicate()):
            if time.monotonic() > end:
                raise AssertionError(f'no {what} within {deadline:g} s')
            timer = GLib.timeout_source_new(10)
            timer.set_callback(lambda *_: GLib.SOURCE_REMOVE)
            timer.attach(self.context)
            self.context.iteration(True)
            timer.destroy()
            self.dispatch()
        return value

    def wait_for(self, member, path=None, where=lambda *args: True, deadline=DEADLINE, since=0):
        """Arguments of the first signal of this name (from index `since` on) for which where() holds."""
        def find():
            for at, _, name, args in self.signals[since:]:
                if name == member and path in (None, at) and where(*args):
                    return (args,)
            return None
        return self.wait_until(f'signal {member}', find, deadline)[0]

    # ---- calls

    def begin(self, path, interface, method, signature='()', args=(), fds=(), destination=None,
              deadline=DEADLINE):
        """Send a call; the reply can be waited for later. Descriptors stay the caller's: an `h` in
        args is an index into fds."""
        fd_list = Gio.UnixFDList.new()
        for fd in fds:
            fd_list.append(fd)      # duplicates it
        reply = Reply(self)
        self.context.push_thread_default()
        try:
            self.connection.call_with_unix_fd_list(
                destination or self.service, path, interface, method, GLib.Variant(signature, args), None,
                Gio.DBusCallFlags.NO_AUTO_START, int(deadline * 1000), fd_list, None, reply._on_done)
        finally:
            self.context.pop_thread_default()
        return reply

    def call(self, *args, deadline=DEADLINE, **named):
        """The reply's values; one value alone is not wrapped."""
        values = self.begin(*args, deadline=deadline, **named).result(deadline + 1)
        return values[0] if len(values) == 1 else values or None

    def has_owner(self, name):
        return self.call('/org/freedesktop/DBus', 'org.freedesktop.DBus', 'NameHasOwner', '(s)', (name,),
                         destination='org.freedesktop.DBus')

    def get(self, path, interface, name):
        return self.call(path, PROPERTIES, 'Get', '(ss)', (interface, name))

    def get_all(self, path, interface):
        return self.call(path, PROPERTIES, 'GetAll', '(s)', (interface,))

    def set(self, path, interface, name, value):
        self.call(path, PROPERTIES, 'Set', '(ssv)', (interface, name, variant(value)))


class Segue:
    """The service, as its users see it."""

    INTERFACE = 'org.segue.Segue1.Manager'

    def __init__(self, bus):
        self.bus = bus

    def get(self, name):
        return self.bus.get(MANAGER, self.INTERFACE, name)

    def begin(self, method, signature, args, **named):
        return self.bus.begin(MANAGER, self.INTERFACE, method, signature, args, **named)

    def call(self, method, signature, args, **named):
        return self.bus.call(MANAGER, self.INTERFACE, method, signature, args, **named)

    def create(self, name, kind='source', **properties):
        """Underscores in keys stand for dots: segue_gain=0.5."""
        values = {k.replace('_', '.'): v for k, v in properties.items()}
        return Node(self, self.call('CreateNode', '(ssa{sv})', (kind, name, options(values))))

    def node(self, name):
        return Node(self, self._node_path(name))

    def _node_path(self, name):
        for path, interfaces in self.objects().items():
            if interfaces.get('org.segue.Segue1.Node', {}).get('Name') == name:
                return path
        raise KeyError(name)

    def objects(self):
        return self.bus.call(MANAGER, 'org.freedesktop.DBus.ObjectManager', 'GetManagedObjects')

    def buffers(self):
        return {p: i['org.segue.Segue1.Buffer'] for p, i in self.objects().items()
                if 'org.segue.Segue1.Buffer' in i}

    def destroy(self, node):
        self.call('DestroyNode', '(o)', (node.path,))

    def generate(self, wave, **opts):
        return self.call('Generate', '(sa{sv})', (wave, options(opts)))

    def ready(self, buffer):
        """The same buffer, once it is made."""
        self.bus.wait_until(f'{buffer} ready', lambda: self.buffer(buffer, 'State') == 'ready')
        return buffer

    def load_file(self, path, **opts):
        return self.call('LoadFile', '(sa{sv})', (str(path), options(opts)))

    def load_fd(self, fd, **opts):
        return self.call('LoadFd', '(ha{sv})', (0, options(opts)), fds=[fd])

    def import_samples(self, samples, **opts):
        """A numpy array of float32: frames, or frames by channels."""
        with memfd(samples.astype('<f4').tobytes()) as fd:
            return self.call('ImportSamples', '(ha{sv})', (0, options(opts)), fds=[fd])

    def make_many(self, n, begin):
        """So many buffers, of calls begin(0..n-1) that answer with one, many of them under way. Their paths."""
        left, under_way, paths = collections.deque(range(n)), collections.deque(), {}
        while left or under_way:
            if left and len(under_way) < UNDER_WAY:
                k = left.popleft()
                under_way.append((k, begin(k)))
                continue
            k, reply = under_way.popleft()
            try:
                paths[k], = reply.result()
            except BusError as error:
                # a load is under way for a while after its answer
                if error.name != LIMITS_EXCEEDED:
                    raise
                left.append(k)
        return [paths[k] for k in range(n)]

    def import_many(self, n, n_frames=16, **opts):
        """So many small buffers."""
        values = options({'channels': 1, 'rate': 48000} | opts)
        with memfd(np.full(n_frames, 0.1, '<f4').tobytes()) as fd:
            return self.make_many(n, lambda k: self.begin('ImportSamples', '(ha{sv})', (0, values), fds=[fd]))

    def import_mono(self, values, **opts):
        """At 48 kHz."""
        return self.import_samples(np.asarray(values, 'f4'), channels=1, rate=48000, **opts)

    def reclaimed(self):
        """Buffers that were, in their order."""
        self.bus.dispatch()
        return [args[0] for _, _, member, args in self.bus.signals if member == 'BufferReclaimed']

    def release(self, buffer):
        self.bus.call(buffer, 'org.segue.Segue1.Buffer', 'Release')

    def buffer(self, path, name):
        return self.bus.get(path, 'org.segue.Segue1.Buffer', name)

    def wait_for_rest(self):
        """Nothing is being made or given back any more."""
        self.bus.wait_until('rest', lambda: self.get('BytesPending') == self.get('BytesRetired') == 0)

    def assert_nothing_is_live(self):
        """Once it has come to rest."""
        self.bus.wait_until('no bytes', lambda: self.get('BytesLive') == self.get('BytesPending') ==
                            self.get('BytesRetired') == 0)
        assert self.get('BuffersLive') == 0
        self.bus.wait_until('no buffers', lambda: self.buffers() == {})


class Node:
    """A node of the service."""

    INTERFACE = 'org.segue.Segue1.Node'
    SOURCE = 'org.segue.Segue1.Source'

    def __init__(self, segue, path):
        self.segue = segue
        self.bus = segue.bus
        self.path = path

    def _interface(self, name):
        if name in ('Frequency', 'Trigger', 'Channel', 'VoicesMax', 'Attack', 'Decay', 'Sustain', 'Release',
                    'Voices'):
            return self.SOURCE
        if name in ('Wet', 'Dry', 'Latency', 'LengthMax', 'Length'):
            return 'org.segue.Segue1.Convolver'
        return self.INTERFACE

    def get(self, name):
        return self.bus.get(self.path, self._interface(name), name)

    def set(self, name, value):
        # whole numbers are signed here
        value = GLib.Variant('i', value) if type(value) is int else value
        self.bus.set(self.path, self._interface(name), name, value)

    def begin(self, method, signature, args, interface=INTERFACE, **named):
        return self.bus.begin(self.path, interface, method, signature, args, **named)

    def call(self, method, signature='()', args=(), interface=INTERFACE, **named):
        return self.bus.call(self.path, interface, method, signature, args, **named)

    def set_buffer(self, buffer, **opts):
        return self.call('SetBuffer', '(oa{sv})', (buffer, options(opts)))

    def wave(self, wave, **opts):
        return self.call('Wave', '(sa{sv})', (wave, options(opts)), interface=self.SOURCE)

    def load(self, path, **opts):
        return self.call('Load', '(sa{sv})', (str(path), options(opts)))

    def load_fd(self, fd, **opts):
        return self.call('LoadFd', '(ha{sv})', (0, options(opts)), fds=[fd])

    def load_samples(self, samples, **opts):
        with memfd(samples.astype('<f4').tobytes()) as fd:
            return self.call('LoadSamples', '(ha{sv})', (0, options(opts)), fds=[fd])

    def clear(self, **opts):
        return self.call('Clear', '(a{sv})', (options(opts),))

    def note_on(self, key, velocity=127):
        self.call('NoteOn', '(yy)', (key, velocity), interface=self.SOURCE)

    def note_off(self, key):
        self.call('NoteOff', '(y)', (key,), interface=self.SOURCE)

    def notes_off(self):
        self.call('AllNotesOff', interface=self.SOURCE)

    def play(self, buffer, **opts):
        return self.call('Play', '(oa{sv})', (buffer, options(opts)), interface=self.SOURCE)

    def stop(self, voice):
        self.call('Stop', '(t)', (voice,), interface=self.SOURCE)

    def wait_for_voices(self, count):
        self.bus.wait_until(f'{count} voices', lambda: self.get('Voices') == count)

    def cancel(self, serial):
        self.call('Cancel', '(t)', (serial,))

    def clock(self):
        return self.call('GetClock')

    def finished(self, serial, deadline=DEADLINE):
        """How a request ended."""
        return Finished(*self.bus.wait_for('Finished', self.path, lambda s, *_: s == serial, deadline))

    def all_finished(self):
        self.bus.dispatch()
        return [Finished(*args) for path, _, member, args in self.bus.signals
                if member == 'Finished' and path == self.path]

    def heard(self, serial, deadline=DEADLINE):
        """The position a request was applied at."""
        finished = self.finished(serial, deadline)
        assert finished.result == 'applied', finished
        return finished.position


class Finished:
    """The arguments of the signal, by name."""

    def __init__(self, serial, result, buffer, position, error, message):
        self.serial, self.result, self.buffer = serial, result, buffer
        self.position, self.error, self.message = position, error, message

    def __repr__(self):
        return f'Finished({self.serial}, {self.result}, {self.position}, {self.error!r}, {self.message!r})'


def error_of(node, method, *args, **opts):
    """How a request ends that is refused at once, or fails later: name and message."""
    try:
        serial = getattr(node, method)(*args, **opts)
    except BusError as error:
        return error.name, error.message
    finished = node.finished(serial)
    assert finished.result == 'failed', finished
    return finished.error, finished.message


def assert_refused(name, pattern, call, *args, **opts):
    """A call ends at once with this error, in whose message the pattern is found."""
    try:
        call(*args, **opts)
    except BusError as error:
        assert error.name == name and re.search(pattern, error.message), error
    else:
        raise AssertionError(f'{args} {opts} are accepted')


class memfd:
    """A sealed-off file in memory with these bytes, closed at the end of the block."""

    def __init__(self, data, name='samples'):
        self.fd = os.memfd_create(name)
        with os.fdopen(os.dup(self.fd), 'wb') as f:
            f.write(data)

    def __enter__(self):
        return self.fd

    def __exit__(self, *exc):
        os.close(self.fd)
