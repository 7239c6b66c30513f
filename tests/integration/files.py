# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Files to load, good ones and bad ones, and to play."""

import struct
import wave

import numpy as np


def write_wav(path, samples, rate=48000):
    """16 bits; frames, or frames by channels."""
    data = np.asarray(samples).reshape(len(samples), -1)
    with wave.open(str(path), 'wb') as w:
        w.setparams((data.shape[1], 2, rate, 0, 'NONE', None))
        w.writeframes((data * 32767).round().astype('<i2').tobytes())
    return path


def wav_header(channels, frames, rate=48000, data_bytes=None):
    """The header of a 32-bit float WAV that claims what it likes."""
    size = (channels * frames * 4 if data_bytes is None else data_bytes) & 0xffffffff
    fmt = struct.pack('<HHIIHH', 3, channels & 0xffff, rate, (rate * channels * 4) & 0xffffffff,
                      (channels * 4) & 0xffff, 32)
    return (b'RIFF' + struct.pack('<I', (36 + size) & 0xffffffff) + b'WAVE'
            + b'fmt ' + struct.pack('<I', len(fmt)) + fmt + b'data' + struct.pack('<I', size))


def write_float_wav(path, samples, rate=48000):
    """32-bit float: NaN and infinite values stay what they are."""
    data = np.asarray(samples, '<f4').reshape(len(samples), -1)
    path.write_bytes(wav_header(data.shape[1], len(data), rate) + data.tobytes())
    return path


MIDI_DIVISION = 24000       # ticks a beat: with the half second that a beat has, one is a frame at 48 kHz
MIDI_TEMPO = 500000         # microseconds a beat


def midi_number(value):
    """Seven bits a byte, the highest first."""
    data = bytes([value & 0x7f])
    while value := value >> 7:
        data = bytes([value & 0x7f | 0x80]) + data
    return data


def write_midi(path, events):
    """One track of (tick, bytes) in their order."""
    track = b'\0\xff\x51\x03' + MIDI_TEMPO.to_bytes(3, 'big')
    last = 0
    for tick, data in events:
        track += midi_number(tick - last) + bytes(data)
        last = tick
    track += b'\0\xff\x2f\0'
    path.write_bytes(struct.pack('>4sIHHH', b'MThd', 6, 0, 1, MIDI_DIVISION)
                     + struct.pack('>4sI', b'MTrk', len(track)) + track)
    return path
