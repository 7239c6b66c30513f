# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""The demo's second act: a voice through cabinets and a hall, which replace each other in mid-word. A second
source says it again and again into a convolver; both are recorded, and what comes out is compared with what
went in, convolved in double precision.
"""

import math
import sys
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from demo_show import RATE, Heard
from files import write_float_wav
from mix import Swap, mix, silence

VOICE, ROOM = 'segue-voice', 'segue-room'
PORTS = [f'{VOICE}:output_MONO', f'{ROOM}:output_FL', f'{ROOM}:output_FR']
LINKS = [(f'{VOICE}:output_MONO', f'{ROOM}:input_FL'), (f'{VOICE}:output_MONO', f'{ROOM}:input_FR')]
CONFIG = f'''{{ type = source  node.name = {VOICE}  audio.position = [ MONO ]  segue.gain = 1.0 }}
             {{ type = convolver  node.name = {ROOM}  audio.position = [ FL FR ] }}'''
FILE = Path('/usr/share/sounds/alsa/Front_Left.wav')
CABINETS = Path('/usr/share/gx_head/sounds/amps')   # of Debian's guitarix-common
AS_IT_IS, HALL = 'as it is', 'hall'


MID_WORD = 0.19     # seconds in the file
TAIL = 1.6          # seconds that are heard of the hall when the voice has ended


@dataclass
class Response:
    label: str
    gain: float = 1.0
    fade: float = 0.05      # seconds


# the voice begins with the first; it goes over to each of the others when it has begun once more
RESPONSES = [Response(AS_IT_IS), Response('Marshall MG 15', 0.4), Response('Blackat Leon S7', 0.4),
             Response('Peavey Vypyr 15', 0.4), Response(HALL, fade=0.25)]


def resample(h, rate):
    """A response at the graph's rate: the same gain at every frequency, so its values get smaller by as much
    as there are more of them. (A Fourier transform of whole periods of both rates.)"""
    unit, new = rate // math.gcd(rate, RATE), RATE // math.gcd(rate, RATE)
    n = 4 * len(h) // unit
    spectrum = np.zeros(n * new // 2 + 1, complex)
    low = np.fft.rfft(h, n * unit)
    spectrum[:len(low)] = low
    return np.fft.irfft(spectrum, n * new)[:math.ceil(len(h) * new / unit)]


def read_cabinet(name):
    """24 bits at 44.1 kHz, brought to the graph's rate here: only so can the comparison be exact."""
    path = CABINETS / f'{name}.wav'
    if not path.exists():
        sys.exit(f'demo: no {path}. Please install guitarix-common')
    with wave.open(str(path)) as w:
        assert (w.getnchannels(), w.getsampwidth()) == (1, 3), path
        octets = np.frombuffer(w.readframes(w.getnframes()), 'u1').reshape(-1, 3).astype('i4')
        rate = w.getframerate()
    values = (octets[:, 0] << 8 | octets[:, 1] << 16 | octets[:, 2] << 24) / 2.0 ** 31
    return resample(values, rate)[:, np.newaxis]


def make_hall(seconds=2.0):
    """Noise that loses 60 dB in that time, another one in each ear, after a bit of the voice itself."""
    n = round(seconds * RATE)
    noise = np.random.default_rng(1).standard_normal((n, 2))
    hall = noise * 10 ** (-3 * np.arange(n) / n)[:, np.newaxis]
    hall *= 0.6 / np.sqrt((hall ** 2).sum(axis=0))
    hall[0] = 0.4
    return hall


def make_files(folder):
    """The files that are loaded: label to (path, frames by channels)."""
    files = {}
    for response in RESPONSES:
        if response.label == AS_IT_IS:
            values = np.ones((1, 1))
        elif response.label == HALL:
            values = make_hall()
        else:
            values = read_cabinet(response.label)
        values = values.astype('f4')
        files[response.label] = write_float_wav(folder / f'{response.label}.wav', values), values
    return files


def perform(show, files):
    """Play it; the swaps as they were heard."""
    voice, room = show.segue.node(VOICE), show.segue.node(ROOM)
    show.line('playing', f'{VOICE}, through {ROOM}')
    heard = []
    at = None
    for response in RESPONSES:
        buffer = show.segue.load_file(files[response.label][0], gain=response.gain, kind='response')
        position = show.swap(room, buffer, response.label, response.fade, at)
        heard.append(Heard(response.label, position, round(response.fade * RATE)))
        if at is None:
            buffer = show.segue.load_file(FILE, loop='forward')
            n_frames = show.segue.buffer(buffer, 'Frames')
            at = show.swap(voice, buffer, FILE.name, 0.0) + round(MID_WORD * RATE)
        at += n_frames
    show.wait_for(at, 0.0)
    show.wait_for(show.clear(voice), TAIL)
    heard.append(Heard('silence', show.clear(room), round(0.02 * RATE)))
    return heard


def convolve(signal, response):
    n = 1 << (len(signal) + len(response)).bit_length()
    return np.fft.irfft(np.fft.rfft(signal, n) * np.fft.rfft(response, n), n)


def compute(heard, went_in, files, channel):
    """What must have come out on one side of what went in, silence before the first response and at last."""
    signal = np.nan_to_num(went_in.samples).astype(float)
    swaps = []
    for response, h in zip(RESPONSES, heard):
        values = files[response.label][1]
        out = convolve(signal, response.gain * values[:, channel % values.shape[1]].astype(float))
        swaps.append(Swap(h.position, h.fade, lambda positions, start, out=out: out[positions - went_in.first]))
    swaps.append(Swap(heard[-1].position, heard[-1].fade, silence))
    return mix(swaps, went_in.first, went_in.end)
