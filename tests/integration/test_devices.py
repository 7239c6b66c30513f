# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Virtual devices on a desktop: what WirePlumber links, and applications play to and record from."""

import numpy as np
import pytest

from bus import BusError, Segue, assert_refused, variant
from chain import GOOD_ENOUGH, RATE, Unrecorded, impulse_response, white
from convolution import Input, Swap, error_db, mix, taps
from files import write_float_wav
from fixture import wait_until
from recording import Recorder
from versions import QUIETLY, SETS_VOLUMES

RESPONSE = impulse_response(0.5, 2)
GAIN = 0.25
NODES = 'segue.nodes = [ {} ]'
SINK = '{{ type = convolver  node.name = room  segue.mode = sink  segue.gain = 0.25  segue.load = "{}" }}'


@pytest.fixture
def desktop(session):
    """A session with WirePlumber and a bus client; start() brings Segue."""
    session.start_wireplumber()
    with session.bus() as bus:
        yield Desktop(session, bus)


class Desktop:
    """What is on it by the time it is asked for."""

    def __init__(self, session, bus):
        self.session, self.bus = session, bus
        self.segue = Segue(bus)

    def file(self, name, samples):
        return write_float_wav(self.session.path / name, samples)

    def start(self, *nodes, **named):
        self.session.start_service(NODES.format(' '.join(nodes)), **named)

    def sink(self, response=RESPONSE, **named):
        """A sink `room` from nothing but the configuration, linked to the hardware."""
        self.start(SINK.format(self.file('response.wav', response)), **named)
        self.wait_for_links('room.output:output_FL', 'test-sink:playback_FL')
        return self.node('room')

    def node(self, name, n_ids=2):
        node = self.segue.node(name)
        self.bus.wait_until('its ids', lambda: len(node.get('Ids')) == n_ids)
        return node

    def links(self):
        """(output, input) names of all links."""
        found, port = set(), None
        for line in self.session.run('pw-link', '-l').stdout.splitlines():
            if not line.startswith(' '):
                port = line.strip()
            elif '|->' in line:
                found.add((port, line.split('|-> ')[1].strip()))
        return found

    def wait_for_links(self, out, into):
        wait_until(f'link {out} -> {into}', lambda: (out, into) in self.links())

    def play(self, samples, target='room', wait_for='room'):
        process = self.session.start('player', [*QUIETLY, 'pw-play', '--target', target,
                                                self.file('sound.wav', samples)])
        process.expected |= {1}     # ended by us
        if wait_for:
            self.wait_for_links('pw-play:output_FL', f'{wait_for}:playback_FL')
        return process

    def record(self, name, channels, seconds=2):
        """A plain pw-record's float samples: frames by channels."""
        path = self.session.path / 'recorded.wav'
        process = self.session.start('pw-record', [*QUIETLY, 'pw-record', '--target', name, '--format', 'f32',
                                                   '--channels', channels, path])
        size = seconds * RATE * channels * 4
        process.expected |= {1}     # ended by us
        wait_until('recording', lambda: path.exists() and path.stat().st_size > size)
        process.stop()
        data = path.read_bytes()
        data = data[data.index(b'data') + 8:]
        recorded = np.frombuffer(data[:len(data) // (4 * channels) * 4 * channels], '<f4').reshape(-1, channels)
        if QUIETLY and not is_smooth(recorded[-RATE:]):
            raise Unrecorded
        return recorded

    def through(self, passive=False):
        """Record what comes into the sink and what is heard at the hardware."""
        return Recorder(self.session, ['room:monitor_FL', 'room:monitor_FR', 'test-sink:monitor_FL',
                                       'test-sink:monitor_FR'], passive=passive)

    def state(self, name):
        return self.session.node(name)['info']['state']


def is_smooth(samples, hz=375):
    """Is it a tone of this pitch, with no break?"""
    return np.abs(np.diff(samples, axis=0)).max() < 1.05 * 2 * np.pi * hz / RATE * np.abs(samples).max()


def takes(recorder):
    """First position, what came in, what was heard."""
    assert recorder.gaps() == []
    recorded = [recorder.take(c) for c in range(4)]
    first = max(t.first for t in recorded)
    end = min(t.end for t in recorded)
    samples = np.stack([t[first:end] for t in recorded])
    return first, Input(samples[:2]), samples[2:]


def assert_convolved(recorder, swaps, from_frame=0):
    """From so many frames after the first on, when what wasn't recorded has rung out."""
    first, heard, out = takes(recorder)
    expected = mix(heard, swaps, first)
    assert np.abs(heard.signal[:, from_frame:]).max() > 0.1
    error = error_db(out[:, from_frame:], expected[:, from_frame:])
    print(f'error: {error:.1f} dB')
    assert error < GOOD_ENOUGH


# ---- a sink

def test_a_sink_is_heard_at_the_default_sink_with_nothing_but_the_configuration(desktop):
    room = desktop.sink()
    status = desktop.session.run('wpctl', 'status').stdout
    # among the sinks or, later, the filters
    assert f'{room.get("Ids")[0]}. room ' in status.split('Video')[0]
    player = desktop.play(white(4 * RATE, 2))
    recorder = desktop.through()
    player.popen.wait(20)
    recorder.wait_for_frames(RATE)
    assert_convolved(recorder, [Swap(0, 0, taps(RESPONSE, 2, 2), GAIN)], from_frame=len(RESPONSE))


def test_its_nodes_are_named_as_filter_chains(desktop):
    room = desktop.sink()
    face, other = (desktop.session.node(name) for name in ('room', 'room.output'))
    assert room.get('Ids') == [face['id'], other['id']]
    assert room.get('Mode') == 'sink'
    assert face['info']['props']['media.class'] == 'Audio/Sink'
    assert other['info']['props']['media.class'] == 'Stream/Output/Audio'
    assert other['info']['props']['node.passive'] is True
    for props in face['info']['props'], other['info']['props']:
        assert props['node.virtual'] is True
        assert props['node.link-group'] == props['node.group'] == face['info']['props']['node.group']
    assert {'room:playback_FL', 'room:playback_FR', 'room:monitor_FL', 'room:monitor_FR', 'room.output:output_FL',
            'room.output:output_FR'} <= set(desktop.session.ports())


def test_either_side_takes_properties_of_its_own(desktop):
    desktop.start('{ type = convolver  node.name = room  segue.mode = sink  node.description = "Bath room"'
                  '  capture.props = { audio.position = [ FL FR FC LFE ]  node.latency = 480/48000 }'
                  '  playback.props = { audio.position = [ FL FR ]  node.name = to-speakers  node.passive = false } }')
    desktop.node('room')
    face, other = (desktop.session.node(name)['info']['props'] for name in ('room', 'to-speakers'))
    assert face['node.description'] == other['node.description'] == 'Bath room'
    assert face['node.latency'] == '480/48000'
    assert 'node.latency' not in other
    assert other['node.passive'] is False
    wait_until('ports', lambda: {'room:playback_LFE', 'to-speakers:output_FR'} <= set(desktop.session.ports()))


def test_a_volume_is_applied_once_and_without_a_click(desktop):
    """A constant comes in: what is heard is the gain."""
    room = desktop.sink(np.array([[1.0, 1.0]]))
    desktop.play(np.full((20 * RATE, 2), 0.5))
    recorder = desktop.through()
    recorder.wait_for_frames(RATE)
    desktop.session.run('wpctl', 'set-volume', room.get('Ids')[0], 0.5, check=True)
    recorder.wait_for_frames(RATE)
    _, heard, out = takes(recorder)
    full, now = 0.5 * GAIN, 0.5 * GAIN * 0.125
    assert np.all(heard.signal == 0.5)
    assert np.allclose(out[:, :100], full, rtol=1e-5)
    assert np.allclose(out[:, -RATE // 2:], now, rtol=1e-5)
    steps = np.abs(np.diff(out))
    assert steps.max() < full / 100
    assert np.all(np.diff(out) < 1e-6)
    desktop.session.run('wpctl', 'set-mute', room.get('Ids')[0], 1, check=True)
    recorder.wait_for_frames(RATE)
    assert not takes(recorder)[2][:, -RATE // 4:].any()
    volume = desktop.session.run('wpctl', 'get-volume', room.get('Ids')[0]).stdout
    assert volume == 'Volume: 0.50 [MUTED]\n'


def test_properties_are_set_on_the_node_applications_choose(desktop):
    room = desktop.sink()
    session, (face, other) = desktop.session, room.get('Ids')
    assert session.set_props(face, **{'segue.gain': 0.5}).returncode == 0
    desktop.bus.wait_until('gain', lambda: room.get('Gain') == 0.5)
    assert 'segue.wet' in session.run('pw-cli', 'enum-params', face, 'PropInfo').stdout
    assert 'segue.wet' not in session.run('pw-cli', 'enum-params', other, 'PropInfo').stdout
    props = session.run('pw-cli', 'enum-params', face, 'Props').stdout
    assert 'ready response.wav' in props
    assert props.count('Spa:Pod:Object:Param:Props:channelVolumes') == 1


def test_swaps_are_heard_while_it_plays(desktop):
    room = desktop.sink()
    desktop.play(white(20 * RATE, 2))
    recorder = desktop.through()
    recorder.wait_for_frames(RATE)
    swaps = [Swap(0, 0, taps(RESPONSE, 2, 2), GAIN)]
    for seed, fade in (2, 4800), (3, 0):
        response = impulse_response(0.3, 2, seed)
        swap = Swap(0, fade, taps(response, 2, 2), GAIN)
        swap.position = room.heard(room.load_samples(response, channels=2, rate=RATE, fade=fade / RATE))
        swaps.append(swap)
        recorder.wait_for_frames(RATE)
    assert_convolved(recorder, swaps, from_frame=len(RESPONSE))


def test_the_tail_rings_out_when_the_player_has_gone_and_then_all_is_idle(desktop):
    room = desktop.sink(long := impulse_response(2.0, 2))
    player = desktop.play(white(5 * RATE, 2))
    recorder = desktop.through(passive=True)
    player.popen.wait(30)
    desktop.bus.wait_until('rest', lambda: room.get('State') == 'idle')
    assert_convolved(recorder, [Swap(0, 0, taps(long, 2, 2), GAIN)], from_frame=len(long))
    _, heard, out = takes(recorder)
    end = np.nonzero(heard.signal[0])[0][-1]
    assert out.shape[1] > end + len(long)
    for name in 'room', 'room.output', 'room.tail', 'test-sink':
        wait_until(f'{name} idle', lambda: desktop.state(name) in ('idle', 'suspended'))


def test_a_sink_nobody_plays_to_keeps_nothing_awake(desktop):
    desktop.sink()
    for name in 'room', 'room.output', 'room.tail', 'test-sink':
        assert desktop.state(name) in ('idle', 'suspended')


# ---- what comes and goes

def other_sink(session):
    """Preferred as long as it is there, and driven by its own clock."""
    session.run('pw-cli', 'create-node', 'adapter', '{ factory.name = support.null-audio-sink  node.name = headset '
                'media.class = Audio/Sink  object.linger = true  audio.position = [ FL FR ]  priority.session = 3000 }',
                check=True)
    return session.node_id('headset')


def test_it_follows_the_default_sink_as_that_comes_and_goes(desktop):
    desktop.sink()
    desktop.play(white(30 * RATE, 2))
    headset = other_sink(desktop.session)
    desktop.wait_for_links('room.output:output_FL', 'headset:playback_FL')
    assert ('room.output:output_FL', 'test-sink:playback_FL') not in desktop.links()
    desktop.session.run('pw-cli', 'destroy', headset, check=True)
    desktop.wait_for_links('room.output:output_FL', 'test-sink:playback_FL')
    recorder = desktop.through()
    recorder.wait_for_frames(2 * RATE)
    assert_convolved(recorder, [Swap(0, 0, taps(RESPONSE, 2, 2), GAIN)], from_frame=len(RESPONSE))


def test_it_is_back_after_a_restart_of_pipewire(desktop):
    room = desktop.sink()
    session = desktop.session
    saved = session.path / 'home/state/wireplumber/stream-properties'

    def is_quiet():
        """WirePlumber may have set its own only now; it saves what has been so for a while."""
        if session.run('wpctl', 'get-volume', room.get('Ids')[0]).stdout != 'Volume: 0.50\n':
            session.run('wpctl', 'set-volume', room.get('Ids')[0], 0.5, check=True)
            return False
        return not SETS_VOLUMES or saved.exists() and '0.125' in saved.read_text()
    wait_until('volume', is_quiet)
    desktop.play(white(30 * RATE, 2))
    session.processes['pipewire'].kill()
    desktop.bus.wait_until('disconnected', lambda: room.get('State') == 'disconnected' and room.get('Ids') == [])
    for name in 'wireplumber', 'player':
        session.processes[name].stop()
    session.start_pipewire()
    session.start_wireplumber()
    desktop.bus.wait_until('its ids', lambda: len(room.get('Ids')) == 2)
    desktop.wait_for_links('room.output:output_FL', 'test-sink:playback_FL')
    assert session.run('wpctl', 'get-volume', room.get('Ids')[0]).stdout == 'Volume: 0.50\n'
    desktop.play(white(30 * RATE, 2))
    recorder = desktop.through()
    recorder.wait_for_frames(2 * RATE)
    assert_convolved(recorder, [Swap(0, 0, taps(RESPONSE, 2, 2), GAIN * 0.125)], from_frame=len(RESPONSE))


def test_a_node_of_it_that_is_destroyed_takes_it_along(desktop):
    room = desktop.sink()
    desktop.session.run('pw-cli', 'destroy', room.get('Ids')[1], check=True)
    desktop.bus.wait_for('InterfacesRemoved')
    wait_until('its nodes gone', lambda: not any(desktop.session.node(n) for n in ('room', 'room.output')))


# ---- its first sound

def test_a_device_whose_response_can_not_be_had_appears_all_the_same(desktop):
    desktop.start(SINK.format('/no/such.wav'))
    room = desktop.node('room')
    assert room.get('State') == 'failed'
    assert 'such.wav' in room.get('LastError')


def test_a_device_appears_once_its_response_is_ready(desktop):
    """Nobody ever finds it empty: what is seen of it first has the response."""
    long = desktop.file('long.wav', impulse_response(9.0, 2))
    desktop.start()
    room = desktop.segue.create('room', 'convolver', segue_mode='sink', segue_load=str(long))
    assert len(room.get('Ids')) == 2
    assert room.get('State') == 'idle'
    assert np.isclose(room.get('Length'), 9.0, atol=1e-3)


def test_a_device_whose_response_takes_its_time_is_answered_for_before_it_appears(desktop, stalled_file):
    desktop.start()
    room = desktop.segue.create('room', 'convolver', segue_mode='sink', segue_load=str(stalled_file))
    assert (room.get('State'), room.get('Ids')) == ('loading', [])
    assert desktop.session.node('room') is None
    desktop.segue.destroy(room)
    assert_nothing_is_left(desktop)


# ---- microphones and sources

VOICE = '{ type = source  node.name = voice  segue.mode = mic  segue.wave = sine  segue.frequency = 375' \
        '  segue.gain = 0.5  priority.session = 3000 }'


def assert_sine(samples, peak):
    last = samples[-RATE:].astype(float)
    spectrum = np.abs(np.fft.rfft(last * np.hanning(RATE))) / RATE * 4
    assert np.argmax(spectrum) == 375
    assert np.isclose(spectrum.max(), peak, rtol=1e-3)


def test_a_plain_recorder_records_a_source_that_is_a_microphone(desktop):
    desktop.start(VOICE)
    desktop.node('voice', n_ids=1)
    recorded = desktop.record('voice', channels=2)
    assert_sine(recorded[:, 0], 0.5)
    assert_sine(recorded[:, 1], 0.5)
    assert not any(p.startswith('voice:midi') for p in desktop.session.ports())


def test_a_plain_recorder_records_a_microphone_through_a_convolver(desktop):
    """The default microphone is a source's: what is recorded is its tone, at the response's gain."""
    response = np.zeros((200, 2))
    response[100] = 0.5, 0.25
    path = desktop.file('response.wav', response)
    desktop.start(VOICE, f'{{ type = convolver  node.name = room  segue.mode = mic  segue.load = "{path}" }}')
    room = desktop.node('room')
    desktop.wait_for_links('voice:capture_FL', 'room.input:input_FL')
    assert desktop.session.node('room')['info']['props']['media.class'] == 'Audio/Source'
    recorded = desktop.record('room', channels=2)
    assert_sine(recorded[:, 0], 0.25)
    assert_sine(recorded[:, 1], 0.125)
    desktop.bus.wait_until('rest', lambda: room.get('State') == 'idle')
    wait_until('voice idle', lambda: desktop.state('voice') in ('idle', 'suspended'))


def test_a_stream_is_heard_at_once(desktop):
    desktop.start('{ type = source  node.name = synth  segue.mode = stream  segue.wave = sine'
                  '  segue.frequency = 375  segue.gain = 0.5 }')
    synth = desktop.node('synth', n_ids=1)
    desktop.wait_for_links('synth:output_FR', 'test-sink:playback_FR')
    recorder = Recorder(desktop.session, ['test-sink:monitor_FL', 'test-sink:monitor_FR'])
    recorder.wait_for_frames(2 * RATE)
    assert_sine(recorder.take(0).samples, 0.5)
    serial = synth.wave('saw', fade=0.1)
    assert synth.heard(serial) > 0


# ---- asking for the impossible

@pytest.mark.parametrize('kind, mode, message', [
    ('source', 'sink', "synth: segue.mode: a source can't be a sink"),
    ('convolver', 'stream', "synth: segue.mode: a convolver can't be a stream"),
    ('source', 'speaker', "synth: segue.mode: 'speaker' is none of dsp, sink, mic, stream"),
])
def test_a_mode_that_a_type_has_not_is_refused_by_name(segue, kind, mode, message):
    with pytest.raises(BusError) as error:
        segue.create('synth', kind, segue_mode=mode)
    assert error.value.name.endswith('InvalidArgs')
    assert error.value.message == message


# ---- its end

def assert_nothing_is_left(desktop):
    desktop.bus.wait_until('no bytes', lambda: desktop.segue.get('BytesLive') == desktop.segue.get('BytesPending') ==
                           desktop.segue.get('BytesRetired') == 0)
    wait_until('its nodes gone', lambda: not any(desktop.session.node(n) for n in
                                                 ('room', 'room.output', 'room.input', 'room.tail')))


@pytest.mark.parametrize('mode', ['sink', 'mic'])
def test_a_device_destroyed_before_it_was_there(desktop, mode):
    path = desktop.file('long.wav', impulse_response(9.0, 2))
    desktop.start()
    making = desktop.segue.begin('CreateNode', '(ssa{sv})', ('convolver', 'room', {
        'segue.mode': variant(mode), 'segue.load': variant(str(path))}))
    desktop.bus.wait_until('object', lambda: desktop.segue.objects())
    desktop.segue.destroy(desktop.segue.node('room'))
    assert_refused('org.segue.Segue1.Error.Gone', '^room: ', making.result)
    assert_nothing_is_left(desktop)


def test_a_device_destroyed_while_it_plays_and_fades(desktop):
    room = desktop.sink()
    desktop.play(white(20 * RATE, 2))
    desktop.bus.wait_until('cycles', lambda: room.get('Cycles') > 0)
    room.load_samples(impulse_response(0.3, 2, 2), channels=2, rate=RATE, fade=10.0)
    desktop.segue.destroy(room)
    assert_nothing_is_left(desktop)


def test_a_device_destroyed_at_rest(desktop):
    desktop.segue.destroy(desktop.sink())
    assert_nothing_is_left(desktop)


# ---- inside the daemon

IN_DAEMON = '''
context.modules = [ { name = libpipewire-module-segue } ]
segue.nodes = [ { type = source  node.name = synth  segue.mode = stream  segue.wave = sine
                  segue.frequency = 375  segue.gain = 0.5 }
                { type = convolver  node.name = room  segue.mode = sink } ]
'''


@pytest.mark.session(fragment=IN_DAEMON)
def test_devices_work_inside_the_daemon(desktop):
    room = desktop.node('room')
    desktop.wait_for_links('synth:output_FL', 'test-sink:playback_FL')
    desktop.wait_for_links('room.output:output_FL', 'test-sink:playback_FL')
    response = np.array([[0.5, 0.5]], 'f4')
    room.heard(room.load_samples(response, channels=2, rate=RATE))
    desktop.segue.destroy(desktop.segue.node('synth'))
    desktop.play(white(20 * RATE, 2))
    recorder = desktop.through()
    recorder.wait_for_frames(RATE)
    assert_convolved(recorder, [Swap(0, 0, taps(response, 2, 2))], from_frame=RATE // 4)
    desktop.segue.destroy(room)
    assert_nothing_is_left(desktop)
