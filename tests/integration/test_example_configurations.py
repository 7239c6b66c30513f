# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Each configuration of examples/, as it is but for the user's folder, in the real daemon: what it is for is heard."""

import os
import signal
import subprocess
import wave

import numpy as np
import pytest

from bus import Segue
from chain import RATE, Chain, impulse_response, white
from convolution import Input, error_db, taps
from files import write_float_wav
from fixture import ROOT, wait_until
from recording import Recorder

EXAMPLES = ROOT / 'examples'
ENDINGS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
POSITIONS = 'FL FR FC LFE RL RR SL SR'.split()
# of HeSuVi's file
HESUVI = 'FL>L FL>R SL>L SL>R RL>L RL>R FC>L FR>R FR>L SR>R SR>L RR>R RR>L FC>R'.split()


@pytest.fixture
def home(session):
    return session.path / 'home'


@pytest.fixture
def script(session):
    """Run a script of the examples, which finds seguectl in its path; what it prints."""
    session.env['PATH'] = f'{session.build}/tools/seguectl:{os.environ["PATH"]}'

    def run(name, *args):
        result = session.run(EXAMPLES / name, *args, timeout=30)
        assert result.returncode == 0, result.stderr
        return result.stdout
    return run


@pytest.fixture
def example(session, home):
    """Start the service with one of them: the service, once its nodes have their sounds."""
    buses = []

    def start(name):
        process = session.start_service((EXAMPLES / f'{name}.conf').read_text().replace('/home/me', str(home)))
        buses.append(session.bus())
        segue = Segue(buses[0])
        nodes = [i['org.segue.Segue1.Node']['Name'] for i in segue.objects().values() if 'org.segue.Segue1.Node' in i]
        for node in nodes:
            buses[0].wait_until(f'{node} ready', lambda: segue.node(node).get('State') in ('idle', 'running', 'empty'))
        # a microphone may come after who wants one
        assert [line for line in process.text().splitlines()
                if line.startswith(('[E]', '[W]')) and 'no target node available' not in line] == []
        return segue
    yield start
    for bus in buses:
        bus.close()


# ---- the guitar's cabinets

def read_cabinet(name):
    """24 bits, mono: frames by one channel, of energy 1."""
    with wave.open(f'/usr/share/gx_head/sounds/amps/{name}.wav') as w:
        octets = np.frombuffer(w.readframes(w.getnframes()), 'u1').reshape(-1, 3).astype('i4')
    values = (octets[:, 0] << 8 | octets[:, 1] << 16 | octets[:, 2] << 24) / 2.0 ** 31
    return values[:, None] / np.sqrt((values ** 2).sum())


@pytest.mark.session(rate=44100)
def test_a_cabinet_is_switched_in_mid_note(session, example, script):
    segue = example('cabinets')
    chain = Chain(session, segue, ['MONO'], room=segue.node('cabinet'), room_name='cabinet')
    chain.player.heard(chain.player.wave('noise', seed=3, fade=0.0))
    for which, name in ((None, 'Mesa Boogie Mark V'), ('next', 'Peavey Vypyr 15'), ('previous', 'Mesa Boogie Mark V'),
                        ('blackat', 'Blackat Leon S7'), ('previous', 'Taurus Stomphead'), ('next', 'Blackat Leon S7')):
        if which:
            script('cabinet', which)
        assert f'* {name}' in script('cabinet').splitlines()
        chain.recorder.wait_for_frames(12000)
        _, source, out = chain.split()
        expected = source.convolved(taps(read_cabinet(name), 1, 1))
        assert error_db(out[:, -6000:], expected[:, -6000:]) < -100


# ---- 7.1 on headphones

def test_each_loudspeaker_is_heard_by_either_ear(session, example, home):
    session.start_wireplumber()
    responses = impulse_response(0.2, len(HESUVI))
    write_float_wav(home / 'hrir.wav', responses)
    segue = example('binaural')
    player = segue.create('player', audio_position=f'[ {" ".join(POSITIONS)} ]', segue_gain=1.0)
    for c in POSITIONS:
        session.link(f'player:output_{c}', f'binaural:playback_{c}')
    recorder = Recorder(session, [f'player:output_{c}' for c in POSITIONS] +
                        [f'binaural.output:output_{ear}' for ear in ('FL', 'FR')])
    begin = player.heard(player.load_samples(white(2 * RATE, 8), channels=8, rate=RATE, loop='forward', fade=0.0))
    recorder.wait_for_position(begin + RATE)
    takes = [recorder.take(c)[begin - 256:begin + RATE // 2] for c in range(10)]
    paths = np.array([[responses[:, HESUVI.index(f'{"FC" if p == "LFE" else p}>{ear}')] for ear in 'LR']
                      for p in POSITIONS])
    assert error_db(np.stack(takes[8:]), Input(takes[:8]).convolved(paths)) < -100


# ---- headphones

def test_what_is_played_to_the_headphones_is_corrected(session, example, home):
    session.start_wireplumber()
    responses = {rate: impulse_response(0.1, 2, rate=rate) for rate in (44100, 48000)}
    for rate, response in responses.items():
        write_float_wav(home / f'headphones-{rate}.wav', response, rate)
    example('headphones')
    session.start('player', ['pw-play', '--target', 'headphones', write_float_wav(home / 'a.wav', white(20 * RATE, 2))]
                  ).expected |= {1}     # ended by us
    recorder = Recorder(session, [f'{who}:monitor_{c}' for who in ('headphones', 'test-sink') for c in ('FL', 'FR')])
    recorder.wait_for_frames(RATE)
    end = recorder.position() - 4800
    takes = [recorder.take(c)[end - RATE // 2:end] for c in range(4)]
    source, out = Input(takes[:2]), np.stack(takes[2:])
    assert np.abs(source.signal).max() > 0.1
    expected = 0.5 * source.convolved(taps(responses[48000], 2, 2))
    assert error_db(out[:, 4800:], expected[:, 4800:]) < -100


# ---- voice and sounds

def level(samples, hz):
    """Amplitude of a sine in samples of whole periods."""
    turns = np.exp(-2j * np.pi * hz / RATE * np.arange(len(samples)))
    return 2 * np.abs((samples * turns).mean())


def test_the_microphone_has_voice_and_sounds(session, example, home):
    session.start_wireplumber()
    session._write('segue.conf.d/20-voice.conf', """segue.nodes = [
        { type = source  node.name = microphone  segue.mode = mic  segue.wave = sine  segue.frequency = 375
          segue.gain = 0.25  priority.session = 3000 } ]""")
    sound = np.sin(2 * np.pi * 1500 / RATE * np.arange(10 * RATE))
    path = write_float_wav(home / 'horn.wav', sound)
    segue = example('soundboard')
    recorder = Recorder(session, ['talk:capture_FL'])

    def levels():
        recorder.wait_for_frames(RATE // 2)
        take = recorder.take()
        return [level(take[take.end - 9600:], hz) for hz in (375, 1500)]
    wait_until('voice', lambda: levels()[0] == pytest.approx(0.25, rel=1e-3))
    voice, horn = levels()
    assert horn < 1e-4
    session.run(session.seguectl, 'play', 'board', path, check=True)
    voice_with, horn = levels()
    assert voice_with == pytest.approx(voice, rel=1e-3)
    assert horn == pytest.approx(0.5, rel=0.01)
    segue.node('board').stop(0)
    voice, horn = levels()
    assert voice > 0.1 and horn < 1e-4


# ---- test tones

def test_one_speaker_after_the_other_has_the_tone(session, example, script):
    example('test-tones')
    recorder = Recorder(session, ['test-sink:monitor_FL', 'test-sink:monitor_FR'])
    for waveform in 'pink', 'sweep':
        begin = recorder.position()
        assert script('speakers', 'test-sink', waveform, 0.3) == 'test-sink:playback_FL\ntest-sink:playback_FR\n'
        recorder.wait_for_frames(4800)
        left, right = (np.nan_to_num(recorder.take(c)[begin:]) for c in (0, 1))
        n = min(len(left), len(right))
        left, right = np.abs(left[:n]) > 1e-4, np.abs(right[:n]) > 1e-4
        assert left.sum() > 6000 and right.sum() > 6000
        assert np.flatnonzero(left).max() < np.flatnonzero(right).min()


def heed_signals():
    for number in ENDINGS:
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.parametrize('number', ENDINGS)
def test_the_tone_ends_with_its_script(session, example, script, number):
    node = example('test-tones').node('tone')
    process = subprocess.Popen([EXAMPLES / 'speakers', 'test-sink', 'pink', '60'], env=session.env,
                               start_new_session=True, preexec_fn=heed_signals)
    wait_until('tone', lambda: not node.get('Bypass'))
    os.killpg(process.pid, number)      # as a terminal does
    assert process.wait(20) != 0
    assert node.get('Bypass')


def test_the_tones_are_heard_when_they_are_asked_for(session, example):
    node = example('test-tones').node('tone')
    recorder = Recorder(session, ['tone:output_MONO'])
    recorder.wait_for_frames(4800)
    assert not recorder.take()[:].any()
    node.set('Bypass', False)
    recorder.wait_for_frames(9600)
    take = recorder.take()
    assert 0.01 < np.abs(take[take.end - 4800:]).max() <= 0.1
    for wave, opts, frames in (('sweep', {'from': 20.0, 'to': 20000.0, 'seconds': 0.25}, 12000), ('impulse', {}, 1)):
        position = node.heard(node.wave(wave, fade=0.0, **opts))
        recorder.wait_for_position(position + 24000)
        samples = recorder.take()[position:position + 24000]
        assert np.abs(samples).max() == pytest.approx(0.1, rel=1e-3)
        assert not samples[frames:].any()


# ---- the crossover

def test_what_the_crossover_parts_is_the_whole(session, example, home, script):
    script('make-crossover', 2500, home / 'crossover')
    segue = example('crossover')
    player = segue.create('player', audio_position='[ FL FR ]', segue_gain=1.0)
    for node in 'woofers', 'tweeters':
        for c in 'FL', 'FR':
            session.link(f'player:output_{c}', f'{node}:input_{c}')
    recorder = Recorder(session, [f'{n}:output_{c}' for c in ('FL', 'FR') for n in ('player', 'woofers', 'tweeters')])
    player.heard(player.wave('noise', fade=0.0))
    recorder.wait_for_frames(RATE)
    end = recorder.position() - 4800
    for c in 0, 1:
        source, low, high = (np.nan_to_num(recorder.take(3 * c + i)[end - RATE // 2:end]) for i in range(3))
        assert error_db((low + high)[512:], source[:-512]) < -100
        spectra = [np.abs(np.fft.rfft(s * np.hanning(len(s)))) for s in (low, high, source)]
        hz = np.fft.rfftfreq(len(source), 1 / RATE)
        for spectrum, stop in ((spectra[0], hz > 3000), (spectra[1], hz < 2000)):
            assert np.sqrt((spectrum[stop] ** 2).mean() / (spectra[2][stop] ** 2).mean()) < 1e-3
    wait_until('latency', lambda: segue.node('woofers').get('Latency') == -1.0)
