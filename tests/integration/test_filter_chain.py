# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""The configurations of docs/from-filter-chain.md, PipeWire's and ours, give the same sound."""

import re

import numpy as np

from bus import Segue
from chain import impulse_response
from convolution import error_db
from files import write_float_wav
from fixture import ROOT
from recording import Recorder

PAGE = (ROOT / 'docs/from-filter-chain.md').read_text()
THEIRS = re.findall('```filter-chain\n(.*?)```', PAGE, re.S)
OURS = re.findall('```segue\n(.*?)```', PAGE, re.S)
PROCESS = '''
context.spa-libs = { audio.convert.* = audioconvert/libspa-audioconvert  support.* = support/libspa-support }
context.modules = [
    { name = libpipewire-module-protocol-native }
    { name = libpipewire-module-client-node }
    { name = libpipewire-module-adapter }
]
'''
PORT_CONFIG = '''{{ direction: {direction}, mode: dsp, format: {{ mediaType: audio, mediaSubtype: raw, format: F32P,
    rate: {rate}, channels: 2, position: [ FL, FR ] }} }}'''
LATENCY_MAX = 4096


def start_filter_chain(session, fragment, rate):
    """Their process, with the ports that a session manager would give its nodes."""
    session._write('filter-chain.conf', PROCESS)
    session._write('filter-chain.conf.d/correction.conf', fragment)
    session.start('filter-chain', ['pipewire', '-c', 'filter-chain.conf'])
    for name, direction in ('input.correction', 'Input'), ('output.correction', 'Output'):
        session.run('pw-cli', 'set-param', session.node_id(name), 'PortConfig',
                    PORT_CONFIG.format(direction=direction, rate=rate), check=True)


def write_files(home):
    write_float_wav(home / 'left.wav', impulse_response(0.2, seed=1))
    write_float_wav(home / 'right.wav', impulse_response(0.15, seed=2))
    for rate in 44100, 48000:
        write_float_wav(home / f'eq-{rate}.wav', impulse_response(0.1, 2, seed=rate, rate=rate), rate)


def start_ours(session, fragment):
    """Our service: which node a channel goes through."""
    session.start_service(fragment)
    names = re.findall('node.name = (\\S+)', fragment)
    with session.bus() as bus:
        segue = Segue(bus)
        for name in names:
            bus.wait_until(name, lambda: segue.node(name).get('State') in ('idle', 'running'))
        segue.create('player', audio_position='[ FL FR ]', segue_gain=0.5)
    return dict(zip(('FL', 'FR'), names * 2))


def aligned(theirs, ours):
    """Theirs, as much earlier as its streams are late: whole frames."""
    n = len(ours)
    correlation = np.fft.irfft(np.fft.rfft(theirs, 2 * n) * np.conj(np.fft.rfft(ours, 2 * n)))
    late = int(np.argmax(correlation[:LATENCY_MAX]))
    print(f'filter-chain is {late} frames late')
    return theirs[late:], ours[:n - late]


def compare(session, rate, nodes):
    for c, node in nodes.items():
        session.link(f'player:output_{c}', f'{node}:input_{c}')
        session.link(f'player:output_{c}', f'input.correction:playback_{c}')
    recorder = Recorder(session, [f'{who}:output_{c}' for c in nodes for who in (nodes[c], 'output.correction')])
    with session.bus() as bus:
        player = Segue(bus).node('player')
        begin = player.heard(player.wave('noise', seconds=3.0, fade=0.0))
    recorder.wait_for_position(begin + rate)
    for i, c in enumerate(nodes):
        ours, theirs = (recorder.take(2 * i + k)[begin:begin + rate] for k in (0, 1))
        theirs, ours = aligned(np.nan_to_num(theirs), np.nan_to_num(ours))
        assert np.abs(ours).max() > 0.05
        error = error_db(theirs[rate // 4:], ours[rate // 4:])
        print(f'{c}: {error:.1f} dB')
        assert error < -100, c


def correct(session, pair):
    home = session.path / 'home'
    write_files(home)
    return (text[pair].replace('/home/me', str(home)) for text in (THEIRS, OURS))


def test_files_for_channels_sound_as_they_did(session):
    theirs, ours = correct(session, 0)
    start_filter_chain(session, theirs, 48000)
    compare(session, 48000, start_ours(session, ours))


def test_each_its_own_way_sounds_as_it_did(session):
    theirs, ours = correct(session, 1)
    start_filter_chain(session, theirs, 48000)
    compare(session, 48000, start_ours(session, ours))
