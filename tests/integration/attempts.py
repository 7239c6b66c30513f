# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""What is asked of a service while calls of it fail (see faults.py), and what must be as it was after it."""

import numpy as np
import pytest
from gi.repository import GLib

from bus import BusError, Segue, memfd
from faults import Faults, open_descriptors
from files import write_float_wav, write_wav
from fixture import wait_until
from mix import error_db
from recording import Recorder

NO_MEMORY = 'org.freedesktop.DBus.Error.NoMemory'
GONE = 'org.freedesktop.DBus.Error.UnknownObject'
NOT_OURS = 'org.freedesktop.DBus.Error.AccessDenied'
CANCELLED = 'org.segue.Segue1.Error.Cancelled'
FAILED = 'failed'   # a buffer that can't be made, without a name for why
PERIOD = 128        # frames of 375 Hz
SINE = np.sin(2 * np.pi * np.arange(PERIOD) / PERIOD)


class Stage:
    """A source that plays a sine into a convolver that passes it on: what both are heard as is recorded, and
    must stay the same."""

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

    def assert_as_it_was(self):
        """The sound, all the time; the service answers, and nothing is left behind."""
        self.recorder.wait_for_frames(4096)
        assert self.recorder.gaps() == []
        for channel in range(2):
            steady = self.recorder.take(channel)[self.first:]
            assert np.isclose(np.abs(steady).max(), 0.5, atol=1e-4)
            assert error_db(steady, np.resize(steady[:PERIOD].astype(float), len(steady))) < -100
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
        self.mono = write_float_wav(folder / 'mono.wav', np.ones(1000))
        self.odd_rate = write_wav(folder / 'odd.wav', np.zeros(4410), rate=44100)
        self.high_rate = write_wav(folder / 'high.wav', np.zeros(9600), rate=96000)
        self.response = write_float_wav(folder / 'response.wav', [1.0] + [0.0] * 2999)
        self.period = write_float_wav(folder / 'period.wav', 0.5 * SINE)
        self.kit = folder / 'kit.sfz'
        self.kit.write_text('#define $f mono\n<group> ampeg_release=1 <region> sample=$f.wav <region> sample=odd.wav\n')

    def create(self, kind, **properties):
        self.segue.destroy(self.segue.create('other', kind, **properties))

    def make_source(self):
        self.create('source', audio_position='[ FL FR ]', segue_wave='saw', segue_gain=0.5)

    def make_convolver(self):
        self.create('convolver', audio_position='[ FL FR ]', segue_load=str(self.mono))

    def make_sink(self):
        self.create('convolver', segue_mode='sink', segue_load=str(self.mono))

    def make_microphone(self):
        self.create('convolver', segue_mode='mic')

    def make_stream(self):
        self.create('source', segue_mode='stream', segue_wave='saw')

    def finished(self, node, serial):
        """How a request ended. The signal may be what there was no memory for: LastFinished tells of it, too."""
        def ended():
            told = [f for f in node.all_finished() if f.serial == serial]
            return told or node.get('LastFinished') >= serial and 'untold'
        told = self.segue.bus.wait_until(f'end of request {serial}', ended)
        if told == 'untold' or told[0].result == 'applied':
            return None
        return told[0].error, told[0].message

    def wave(self):
        return self.finished(self.stage.synth, self.stage.synth.wave('sine', gain=0.5, fade=0.0))

    def table(self):
        return self.finished(self.stage.synth, self.stage.synth.load(self.period, kind='table', fade=0.01))

    def table_of_a_descriptor(self):
        with open(self.period, 'rb') as f:
            return self.finished(self.stage.synth, self.stage.synth.load_fd(f.fileno(), kind='table'))

    def response_of_a_file(self):
        return self.finished(self.stage.room, self.stage.room.load(self.response, fade=0.01))

    def response_of_samples(self):
        return self.finished(self.stage.room, self.stage.room.load_samples(np.eye(1, 9000)[0], channels=1, rate=48000))

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
        error = self.finished(node, serial)
        return None if error and error[0] == CANCELLED else error

    def swap_of_a_buffer(self):
        buffer = self.segue.generate('sine', gain=0.5)
        return self.made(buffer) or self.finished(self.stage.synth, self.stage.synth.set_buffer(buffer, wait=True))

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
        self.segue.objects()
        self.segue.bus.call(self.stage.synth.path, 'org.freedesktop.DBus.Introspectable', 'Introspect')

    def save(self):
        with memfd(b'') as fd:
            self.stage.room.call('Save', '(hs)', (0, f'{self.folder}/saved.wav'), fds=[fd])

    def write(self):
        with memfd(b'') as fd:
            self.segue.bus.call(self.stage.bell, 'org.segue.Segue1.Buffer', 'Write', '(h)', (0,), fds=[fd])


@pytest.fixture
def stage(session):
    stage = Stage(session, Faults(session))
    yield stage
    stage.faults.disarm()
    stage.assert_as_it_was()
    stage.bus.close()


def try_each(stage, operation, call, is_right, **how):
    """Each such call fails in turn: the operation gets by or gives the right error, and what it left goes."""
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
        stage.clean()
