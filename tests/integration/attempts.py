# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""What is asked of a service while calls of it fail (see faults.py), and what must be as it was after it."""

import os

import numpy as np
import pytest
from gi.repository import GLib

from bus import BusError, Segue, memfd
from faults import Faults, open_descriptors
from files import write_float_wav, write_wav
from fixture import wait_until
from mix import curve, error_db
from recording import Recorder

NO_MEMORY = 'org.freedesktop.DBus.Error.NoMemory'
GONE = 'org.freedesktop.DBus.Error.UnknownObject'
NOT_OURS = 'org.freedesktop.DBus.Error.AccessDenied'
CANCELLED = 'org.segue.Segue1.Error.Cancelled'
FAILED = 'failed'   # a buffer that can't be made, without a name for why
PERIOD = 128        # frames of 375 Hz
SINE = np.sin(2 * np.pi * np.arange(PERIOD) / PERIOD)
RATE = 48000
HEADER_BYTES = 44   # of a WAV file, at least
SETTLED = 8192      # frames after which a swap has been heard for long that is known to have been answered


class Level:
    """How loud a node makes what it plays or hears: what its swaps were answered with, one after the other."""

    def __init__(self):
        self.now = 1.0
        self.steps = []     # (position, frames of the fade, from, to)
        self.unknown = []   # (from, to): there was one, and nobody was told when

    def __repr__(self):
        return f'{self.steps}, {self.unknown}'

    def other(self):
        """One that can be told from it."""
        return 1.5 - self.now

    def change(self, position, n_frames, to):
        self.steps.append((position, n_frames, self.now, to))
        self.now = to

    def change_within(self, begin, end, to):
        self.unknown.append((begin, end))
        self.change(end, 0, to)

    def at(self, first, n_frames):
        """For each frame; NaN: unknown."""
        levels = np.ones(n_frames)
        for position, n, old, new in self.steps:
            i, g = position - first, curve(n)
            levels[i:i + n] = ((1 - g) * old + g * new)[:max(n_frames - i, 0)]
            levels[i + n:] = new
        for begin, end in self.unknown:
            levels[begin - first:end - first] = np.nan
        return levels


class Stage:
    """A source that plays a sine into a convolver that passes it on, each as loud as it was last told to be:
    what both are heard as is recorded, and must be just that."""

    def __init__(self, session, faults):
        self.session, self.faults = session, faults
        self.service = session.start_service(env=faults.env)
        self.bus = session.bus()
        self.segue = Segue(self.bus)
        self.idle_descriptors = open_descriptors(self.service)
        self.synth = self.segue.create('synth', audio_position='[ MONO ]', segue_gain=1.0, segue_frequency=375.0)
        self.room = self.segue.create('room', 'convolver', audio_position='[ MONO ]')
        session.link('synth:output_MONO', 'room:input_MONO')
        self.recorder = Recorder(session, ['synth:output_MONO', 'room:output_MONO'], seconds=300)
        self.synth.heard(self.synth.wave('sine', gain=0.5, fade=0.0))
        first = self.room.heard(self.room.load_samples(np.ones(1), channels=1, rate=48000, fade=0.0))
        self.first = first + PERIOD
        self.recorder.wait_for_position(self.first)
        self.levels = {self.synth.path: Level(), self.room.path: Level()}
        # one that nobody hears
        self.keys = self.segue.create('keys', audio_position='[ MONO ]', segue_trigger='notes')
        session.link('keys:output_MONO', 'test-sink:playback_FL')
        self.keys.heard(self.keys.wave('saw'))
        self.bus.wait_until('running', lambda: self.keys.get('State') == 'running')
        self.bell = self.segue.ready(self.segue.generate('noise', seconds=0.1))
        self.nodes = {self.synth.path, self.room.path, self.keys.path}

    def clean(self):
        """Take away what a failed step has left."""
        for path in self.segue.objects():
            if '/node/' in path and path not in self.nodes:
                self.segue.call('DestroyNode', '(o)', (path,))
            if '/buffer/' in path and path != self.bell:
                try:
                    self.segue.release(path)
                except BusError as error:
                    assert error.name in (GONE, NOT_OURS), error
        kept = {self.bell, self.synth.get('Buffer'), self.keys.get('Buffer'), self.room.get('Buffer')}
        self.segue.bus.wait_until('rest', lambda: self.segue.buffers().keys() <= kept)
        self.segue.wait_for_rest()

    def listen(self, node, begin):
        """A node may have swapped since then: how loud is it?"""
        end = self.recorder.position() + SETTLED
        self.recorder.wait_for_position(end + PERIOD)
        loud = [np.abs(self.recorder.take(channel)[end:end + PERIOD]).max() for channel in range(2)]
        loud = loud[1] / loud[0] if node is self.room else loud[0] / 0.5
        level = self.levels[node.path]
        if not np.isclose(loud, level.now, atol=0.01):
            assert np.isclose(loud, level.other(), atol=0.01), loud
            level.change_within(begin, end, level.other())

    def assert_as_it_was(self):
        """The sound, all the time; the service answers, and nothing is left behind."""
        self.recorder.wait_for_frames(4096)
        assert self.recorder.gaps() == []
        end = self.recorder.position()
        loud = np.ones(end - self.first)
        for channel, node in enumerate([self.synth, self.room]):
            heard = self.recorder.take(channel)[self.first:end].astype(float)
            assert np.isclose(np.abs(heard[:PERIOD]).max(), 0.5, atol=1e-4)
            loud *= self.levels[node.path].at(self.first, len(loud))
            expected = np.resize(heard[:PERIOD], len(heard)) * loud
            known = ~np.isnan(expected)
            worst = self.first + int(np.nanargmax(np.abs(heard - expected)))
            assert error_db(heard[known], expected[known]) < -100, (node.path, worst, self.levels)
        for node in self.synth, self.room, self.keys:
            self.segue.destroy(node)
        self.segue.release(self.bell)
        self.segue.assert_nothing_is_live()
        wait_until('no more descriptors than before',
                   lambda: len(open_descriptors(self.service)) <= len(self.idle_descriptors))


# ---- what is tried: each ends as it began, but for what it leaves to Stage.clean()

class Attempts:
    """Operations of a service, by name. Each gives the error it ended with, or None."""

    def __init__(self, stage, folder):
        self.stage, self.segue, self.folder = stage, stage.segue, folder
        self.is_unsure = False  # an error may be that of the answer to what was done
        self.mono = write_float_wav(folder / 'mono.wav', np.ones(1000))
        self.odd_rate = write_wav(folder / 'odd.wav', np.zeros(4410), rate=44100)
        self.high_rate = write_wav(folder / 'high.wav', np.zeros(9600), rate=96000)
        self.response = write_float_wav(folder / 'response.wav', [1.0] + [0.0] * 2999)
        self.period = write_float_wav(folder / 'period.wav', 0.5 * SINE)
        self.kit = folder / 'kit.sfz'
        self.kit.write_text('#define $f mono\n<group> ampeg_release=1 <region> sample=$f.wav <region> sample=odd.wav\n')

    def create(self, kind, state, **properties):
        """With a sound, or without."""
        node = self.segue.create('other', kind, **properties)
        self.segue.bus.wait_until(f'{state} or failed', lambda: node.get('State') in (state, 'failed'))
        error = (FAILED, node.get('LastError')) if node.get('State') == 'failed' else None
        self.segue.destroy(node)
        return error

    def make_source(self):
        return self.create('source', 'idle', audio_position='[ FL FR ]', segue_wave='saw', segue_gain=0.5)

    def make_convolver(self):
        return self.create('convolver', 'idle', audio_position='[ FL FR ]', segue_load=str(self.mono))

    def make_sink(self):
        return self.create('convolver', 'idle', segue_mode='sink', segue_load=str(self.mono))

    def make_microphone(self):
        return self.create('convolver', 'empty', segue_mode='mic')

    def make_stream(self):
        return self.create('source', 'idle', segue_mode='stream', segue_wave='saw')

    def finished(self, node, serial):
        """How a request ended: its signal, or None. That may be what there was no memory for: LastFinished tells
        that it has ended."""
        def told():
            return [f for f in node.all_finished() if f.serial == serial]

        def ended():
            # the signal, if there is one, comes before this
            return told() or node.get('LastFinished') >= serial and (told() or [None])
        return self.segue.bus.wait_until(f'end of request {serial}', ended)[0]

    def swapped(self, node, ask, fade=0.02):
        """A swap to another level. Once it is said to be heard, it must be; otherwise what was heard before."""
        level, recorder = self.stage.levels[node.path], self.stage.recorder
        to, begin = level.other(), recorder.position()
        try:
            end = self.finished(node, ask(to))
        except BusError:
            if self.is_unsure:
                self.stage.listen(node, begin)
            raise
        if end is None:
            # nobody was told when, but one fault at a time is all there is: it is heard by now
            self.stage.listen(node, begin)
            return None if self.is_unsure or level.now == to else (FAILED, 'it is not heard')
        if end.result == 'applied':
            n_frames = round(fade * RATE)
            level.change(end.position, n_frames, to)
            until = end.position + n_frames
        else:
            return end.error, end.message
        # a fade that the next one hurries would be another
        recorder.wait_for_position(until + PERIOD)
        return None

    def wave(self):
        return self.swapped(self.stage.synth, lambda to: self.stage.synth.wave('sine', gain=0.5 * to, fade=0.0), 0.0)

    def table(self):
        return self.swapped(self.stage.synth, lambda to: self.stage.synth.load(self.period, kind='table', gain=to,
                                                                               fade=0.01), 0.01)

    def table_of_a_descriptor(self):
        with open(self.period, 'rb') as f:
            return self.swapped(self.stage.synth,
                                lambda to: self.stage.synth.load_fd(f.fileno(), kind='table', gain=to))

    def response_of_a_file(self):
        return self.swapped(self.stage.room, lambda to: self.stage.room.load(self.response, gain=to, fade=0.01), 0.01)

    def response_of_samples(self):
        impulse = np.eye(1, 9000)[0]
        return self.swapped(self.stage.room,
                            lambda to: self.stage.room.load_samples(to * impulse, channels=1, rate=RATE))

    def response_of_another_rate(self):
        """It is heard as another sound, so nobody hears it."""
        return self.cancelled(self.stage.room, lambda at: self.stage.room.load(self.odd_rate, at=at))

    def response_of_several_rates(self):
        text = f'{{ rates = [ "{self.odd_rate}" "{self.high_rate}" ] }}'
        return self.cancelled(self.stage.room, lambda at: self.stage.room.load(text, at=at))

    def cancelled(self, node, ask):
        """A swap for a time that doesn't come, cancelled once it is ready or has failed."""
        serial = ask(self.stage.recorder.position() + 10 ** 9)

        def ready():
            return node.get('State') != 'loading' or [f for f in node.all_finished() if f.serial == serial]
        self.segue.bus.wait_until(f'sound of request {serial}', ready)
        try:
            node.cancel(serial)
        except BusError as error:
            # it has failed before: with what, is the answer
            if error.name == NO_MEMORY:
                node.cancel(serial)
                return error.name, error.message
        end = self.finished(node, serial)
        return None if end is None or end.error == CANCELLED else (end.error, end.message)

    def swap_of_a_buffer(self):
        synth = self.stage.synth
        buffer = self.segue.generate('sine', gain=0.5 * self.stage.levels[synth.path].other())
        return self.made(buffer) or self.swapped(synth, lambda to: synth.set_buffer(buffer, wait=True))

    def made(self, buffer):
        """Whether a buffer is made in the end."""
        self.segue.bus.wait_until(f'end of {buffer}', lambda: self.segue.buffer(buffer, 'State') != 'loading')
        if self.segue.buffer(buffer, 'State') == 'failed':
            return FAILED, self.segue.buffer(buffer, 'LastError')
        return None

    def buffer_of_a_file(self):
        return self.made(self.segue.load_file(self.odd_rate, kind='sample'))

    def buffer_of_a_file_that_is_loaded(self):
        first = self.segue.load_file(self.mono, kind='sample', label='one')
        return self.made(self.segue.load_file(self.mono, kind='sample', label='one')) or self.made(first)

    def buffer_of_joined_files(self):
        with open(self.mono, 'rb') as left, open(self.mono, 'rb') as right:
            return self.made(self.segue.call('LoadFd', '(ha{sv})', (0, {'join': GLib.Variant('ah', [1])}),
                                             fds=[left.fileno(), right.fileno()]))

    def buffer_of_samples(self):
        return self.made(self.segue.import_samples(np.zeros(100000), channels=1, rate=44100, keep=True))

    def buffer_of_noise(self):
        return self.made(self.segue.generate('noise', seconds=0.1))

    def instrument(self):
        return self.made(self.segue.load_file(self.kit, kind='instrument'))

    def notes(self):
        self.stage.keys.note_on(60)
        self.stage.keys.note_off(60)
        self.stage.keys.notes_off()

    def play(self):
        self.stage.keys.stop(self.stage.keys.play(self.stage.bell))

    def settings(self):
        for node in self.stage.synth, self.stage.room:
            node.set('Gain', 1.0)
            node.set('Bypass', False)

    def reading(self):
        assert self.stage.nodes <= self.segue.objects().keys()
        text = self.segue.bus.call(self.stage.synth.path, 'org.freedesktop.DBus.Introspectable', 'Introspect')
        assert 'Cancel' in text

    def save(self):
        with memfd(b'') as fd:
            self.stage.room.call('Save', '(hs)', (0, f'{self.folder}/saved.wav'), fds=[fd])
            assert os.fstat(fd).st_size > HEADER_BYTES

    def write(self):
        with memfd(b'') as fd:
            self.segue.bus.call(self.stage.bell, 'org.segue.Segue1.Buffer', 'Write', '(h)', (0,), fds=[fd])
            assert os.fstat(fd).st_size > HEADER_BYTES


@pytest.fixture
def stage(session):
    stage = Stage(session, Faults(session))
    yield stage
    stage.faults.disarm()
    stage.assert_as_it_was()
    stage.bus.close()


def try_each(stage, operation, call, is_right, least=1, **how):
    """Each such call fails in turn: the operation gets by or gives the right error, and what it left goes. At
    least so many must be met: else it isn't the calls that are looked after, but nothing."""
    n_met = n_got_by = 0
    assert operation() is None
    stage.clean()
    for nth in stage.faults.each(call, **how):
        try:
            error = operation()
        except BusError as e:
            error = e.name, e.message
        except AssertionError:
            print(f'{call} {nth}, {stage.faults.place()}')
            raise
        met = stage.faults.disarm()
        print(f'{call} {nth}, {stage.faults.place()}: {error}')
        assert error is None or met is not None and is_right(*error)
        n_met += met is not None
        n_got_by += met is not None and error is None
        stage.clean()
    print(f'{call} fails {how}: {n_met} met, of which {n_got_by} got by')
    assert n_met >= least
