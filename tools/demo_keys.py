# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""The demo's third act: a source as a synthesizer plays a tune from a MIDI file, and gets another wave while the
last chord is held. What it played is compared with the notes, computed from formulas.
"""

import shutil
import sys
from dataclasses import dataclass

import numpy as np

from demo_show import ENOUGH, RATE, Heard
from files import MIDI_DIVISION, MIDI_TEMPO, write_midi
from mix import Swap, mix, silence, wavetable

NODE, PLAYER = 'segue-keys', 'segue-demo-player'
PORTS = [f'{NODE}:output_MONO']
ATTACK, DECAY, SUSTAIN, RELEASE = 0.005, 0.4, 0.5, 0.3      # seconds, but for the sustain level
END = 0.005             # seconds: what is left of a release
GAIN = 0.25             # the node's
CONFIG = f'''{{ type = source  node.name = {NODE}  audio.position = [ MONO ]  segue.gain = {GAIN}
                segue.trigger = notes  segue.attack = {ATTACK}  segue.decay = {DECAY}
                segue.sustain = {SUSTAIN}  segue.release = {RELEASE} }}'''
LEAD = 0.5              # seconds until the first note, while it is linked
EIGHTH = 0.18           # seconds
STEADY = 0.8            # seconds of the last chord before its wave is replaced
TAIL = 2.0              # seconds
LATE_MAX = 100          # cycles at a time


@dataclass
class Wave:
    label: str
    wave: str
    gain: float = 1.0
    fade: float = 0.0   # seconds


WAVES = [Wave('organ', 'harmonics:1,0.6,0.4,0.2'), Wave('saw', 'saw', 0.6, 0.5)]


@dataclass
class Note:
    key: int
    velocity: int
    on: int             # ticks of the file, or, once it was heard, positions
    off: int


# eighths at which they begin, how many they last, keys
BASS = [(0, 4, 48), (4, 4, 45), (8, 4, 50), (12, 4, 43)]
MIDDLE = [(0, 4, 64), (4, 4, 60), (8, 4, 65), (12, 2, 65), (14, 2, 62)]
TUNE = [(0, 1, 67), (1, 1, 72), (2, 2, 76), (4, 1, 74), (5, 1, 72), (6, 2, 69),
        (8, 1, 69), (9, 1, 74), (10, 2, 77), (12, 1, 76), (13, 1, 74), (14, 2, 71)]
CHORD = [(16, 12, key) for key in (48, 55, 64, 67, 72)]


def tick_of(eighths):
    return round((LEAD + eighths * EIGHTH) * 1e6 / MIDI_TEMPO * MIDI_DIVISION)


def frame_of(tick):
    """As pw-midiplay has it: cut to whole frames."""
    return int(tick * MIDI_TEMPO / (1e6 * MIDI_DIVISION) * RATE)


def notes():
    # a key that is struck again is released a little earlier
    return [Note(key, velocity, tick_of(at), tick_of(at + length) - MIDI_DIVISION // 25)
            for part, velocity in ((BASS, 92), (MIDDLE, 80), (TUNE, 110), (CHORD, 96))
            for at, length, key in part]


def make_file(path):
    """The tune as MIDI. Needs its player."""
    if shutil.which('pw-midiplay') is None:
        sys.exit('demo: no pw-midiplay. Please install pipewire-bin')
    ticks = [(n.on, bytes([0x90, n.key, n.velocity])) for n in notes()]
    ticks += [(n.off, bytes([0x80, n.key, 0])) for n in notes()]
    # all notes off: the player stays until nothing is recorded any more
    ticks.append((max(n.off for n in notes()) + round(TAIL * 1e6 / MIDI_TEMPO * MIDI_DIVISION), bytes([0xb0, 123, 0])))
    return write_midi(path, sorted(ticks))


def find_onset(show, channel, start):
    """The frame the file's first one fell on: a cycle's first."""
    take = show.recorder.take(channel)
    heard = np.flatnonzero(np.abs(np.nan_to_num(take[start:])) > 1e-6)
    assert len(heard) > 0, f'{NODE} has a voice, and nothing of it was recorded'
    quantum = show.segue.node(NODE).get('Quantum')
    at = start + int(heard[0]) - frame_of(min(n.on for n in notes()))
    return take.first + round((at - take.first) / quantum) * quantum


@dataclass
class Performance:
    first: int          # position of the file's first frame
    heard: list         # swaps
    quantum: int


def generate(show, wave):
    return show.segue.generate(wave.wave, gain=wave.gain)


def perform(show, session, path, channel):
    """Play it."""
    node = show.segue.node(NODE)
    organ, saw = WAVES
    heard = [Heard(organ.label, show.swap(node, generate(show, organ), organ.label, organ.fade), 0)]
    start = heard[0].position
    # it makes its events on its main loop, in time for the next cycle: nice, where that is allowed, helps
    session.start(PLAYER, ['nice', '-n', '-11', 'pw-midiplay', '--target', '0', '-P',
                           f'{{ node.name = {PLAYER} }}', path])
    port = show.wait(lambda: next((p for p in session.ports() if p.startswith(f'{PLAYER}:')), None), PLAYER)
    session.link(port, f'{NODE}:midi_in')
    show.line('playing', f'{NODE}: {path.name}, {len(notes())} notes by pw-midiplay')

    show.wait(lambda: node.get('Voices') > 0, 'note')
    show.wait_for(show.recorder.position(), 0.1)
    first = find_onset(show, channel, start)
    chord = first + frame_of(tick_of(CHORD[0][0]))
    show.line('holding', f'{len(CHORD)} keys from frame {chord} on')
    position = show.swap(node, generate(show, saw), saw.label, saw.fade, chord + round(STEADY * RATE))
    heard.append(Heard(saw.label, position, round(saw.fade * RATE)))
    show.wait_for(first + frame_of(max(n.off for n in notes())), RELEASE)
    show.wait(lambda: node.get('Voices') == 0, 'end of the last note')
    show.wait_for(show.recorder.position(), 0.1)
    heard.append(Heard('silence', show.clear(node), round(0.02 * RATE)))
    return Performance(first, heard, node.get('Quantum'))


def envelope(n_held, n_frames):
    """Of a note that is held so long: up in a line, down by 60 dB in DECAY and RELEASE, to nothing in a line."""
    attack, decay, release, end = (round(seconds * RATE) for seconds in (ATTACK, DECAY, RELEASE, END))
    up = (np.arange(attack) + 1) / (attack + 1)
    down = SUSTAIN + (1 - SUSTAIN) * 10.0 ** (-3 * np.arange(n_held + 1) / decay)
    held = np.append(up, down)[:n_held + 1]
    left = held[-1] * 10.0 ** (-3 * np.arange(release + 1) / release)
    line = left[-1] * (1 - (np.arange(end) + 1) / (end + 1))
    whole = np.concatenate([held[:-1], left[:-1], line])
    return np.append(whole, np.zeros(max(0, n_frames - len(whole))))[:n_frames]


@dataclass
class Tune:
    """Notes by the positions they were heard at, on one wave: a sound of mix.py's."""
    wave: Wave
    placed: list
    since: int = 0      # nothing before is asked for

    def __call__(self, positions, start):
        values = np.zeros(len(positions))
        first = int(positions[0]) if len(positions) else 0
        for note in self.placed:
            begin = max(note.on, first, self.since)
            end = min(note.off + round((RELEASE + END) * RATE), first + len(positions))
            if begin >= end:
                continue
            step = 440.0 * 2.0 ** ((note.key - 69) / 12) / RATE
            peak = self.wave.gain * GAIN * (note.velocity / 127) ** 2
            table = wavetable(self.wave.wave, peak, step, note.on)
            shape = envelope(note.off - note.on, end - note.on)[begin - note.on:]
            values[begin - first:end - first] += shape * table(positions[begin - first:end - first], start)
        return values


def compute(performance, placed, first, end):
    """What must have been heard of these notes."""
    sounds = [Tune(wave, placed, first) for wave in WAVES] + [silence]
    return mix([Swap(h.position, h.fade, sound) for h, sound in zip(performance.heard, sounds)], first, end)


def place(performance, take):
    """The notes where they were heard, and the cycles by which the last of them was late: pw-midiplay makes its
    events outside its data loop, and where a busy machine lets it miss a cycle all that follow are one late."""
    times = sorted({n.on for n in notes()} | {n.off for n in notes()})
    delays = dict.fromkeys(times, 0)    # cycles

    def position(time):
        return performance.first + frame_of(time) + delays[time] * performance.quantum

    def placed():
        return [Note(n.key, n.velocity, position(n.on), position(n.off)) for n in notes()]

    for i, time in enumerate(times):
        begin, late, errors = position(time), delays[time], []
        # as late as the one before, or else later
        while len(errors) <= LATE_MAX and not (errors and errors[-1] < ENOUGH):
            delays.update(dict.fromkeys(times[i:], late + len(errors)))
            end = min(position(time) + RATE // 50, take.end)
            if i + 1 < len(times):
                end = min(end, position(times[i + 1]))
            difference = compute(performance, placed(), begin, end) - np.nan_to_num(take[begin:end])
            errors.append(np.abs(difference).max())
        delays.update(dict.fromkeys(times[i:], late + int(np.argmin(errors))))
        if errors[-1] > ENOUGH:     # nothing fits, nor will it later
            break
    return placed(), delays[times[-1]]
