# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""All that can be done to nodes while they sound, in an order drawn from a seed.

Two sources, a steady one and one that plays notes, go through a convolver into the sink. A busy machine makes a
storm take longer, and misses nothing: see driver.c.
"""

import collections
import random
import time

import numpy as np

from bus import BusError
from chain import impulse_response, white
from files import write_midi, write_wav
from fixture import wait_until

RATE, QUANTUM = 48000, 256
QUANTA = 1, 16, 64, 100, 256, 1000, 1024, 4096, 8192
RATES = 44100, 48000, 96000
CHANNELS = 'FL', 'FR'
WAVES = 'sine', 'saw', 'square', 'triangle', 'noise', 'pink', 'sweep', 'impulse', 'silence', 'harmonics:1,0.5,0.25'
LENGTHS = 0.001, 0.05, 0.5, 2.0     # seconds, of responses
FADES = 0.0, 0.0001, 0.005, 0.02, 0.1
NOTES = range(30, 100)
# of the requests of a storm some come too fast, or too late, or to a node that is being linked anew
EXPECTED = 'Busy', 'LimitsExceeded', 'TooLate', 'UnknownObject', 'Disconnected'

SETTINGS = {
    'tone': {'Gain': (0, 0.2), 'Frequency': (20, 15000)},
    'keys': {'Gain': (0, 0.2), 'Attack': (0, 0.1), 'Decay': (0, 0.1), 'Sustain': (0, 1), 'Release': (0, 0.2)},
    'room': {'Gain': (0, 1), 'Wet': (0, 1), 'Dry': (0, 1)},
}


def write_instrument(folder):
    """Two samples side by side."""
    for k in range(2):
        write_wav(folder / f'hit{k}.wav', white(9600 * (k + 1), 2, k) * 0.2)
    path = folder / 'hits.sfz'
    path.write_text('<region> lokey=0 hikey=60 sample=hit0.wav\n<region> lokey=61 hikey=127 sample=hit1.wav\n')
    return path


def write_music(path, begin, n_events=3000):
    """From frame `begin` on notes, bends and controllers, the pedal and all sounds off among them."""
    draw, events = random.Random(1), []
    for k in range(n_events):
        key, value = draw.choice(NOTES), draw.randrange(1, 128)
        events.append((begin + 300 * k, draw.choice([
            (0x90, key, value), (0x90, key, value), (0x80, key, 0), (0xe0, 0, value),
            (0xb0, draw.choice([1, 7, 10, 11, 64, 120, 121, 123]), value)])))
    return write_midi(path, events)


def play_music(session, begin=0):
    """Unless some is playing."""
    playing = session.processes.get('midiplay')
    if playing is not None and playing.alive():
        return
    path = write_music(session.path / 'music.mid', begin)
    # its status when it is ended early
    session.start('midiplay', ['pw-midiplay', '--target', '0', path]).expected |= {1}
    ports = wait_until('port of pw-midiplay', lambda: [p for p in session.ports() if p.startswith('pw-midiplay:')])
    session.link(ports[0], 'keys:midi_in')


class Storm:
    def __init__(self, session, segue, seed=1):
        self.session, self.segue = session, segue
        self.random = random.Random(seed)
        self.tone = segue.create('tone', segue_gain=0.1)
        self.keys = segue.create('keys', segue_trigger='notes', segue_gain=0.1)
        self.room = segue.create('room', 'convolver', segue_dry=0.5)
        self.nodes = {'tone': self.tone, 'keys': self.keys, 'room': self.room}
        self.links = [(f'{node}:output_{c}', f'room:input_{c}') for node in ('tone', 'keys') for c in CHANNELS]
        self.links += [(f'room:output_{c}', f'test-sink:playback_{c}') for c in CHANNELS]
        self.sounds = [segue.ready(segue.generate(wave)) for wave in WAVES]
        self.sounds.append(segue.ready(segue.import_samples(white(4800, 2), channels=2, rate=44100, loop='forward')))
        self.instrument = write_instrument(session.path)
        self.requests = []      # (node, serial)
        self.done = collections.Counter()
        for link in self.links:
            session.link(*link)

    # ---- what can be done

    def _options(self, node):
        options = {'fade': self.random.choice(FADES)}
        way = self.random.randrange(5)
        if way == 0:
            options['after'] = self.random.uniform(0, 0.2)
        elif way == 1 and node.get('State') == 'running':
            options |= {'at': node.clock()[0] + self.random.randrange(20000), 'late': self.random.random() < 0.5}
        return options

    def _request(self, node, method, *args, **options):
        self.requests.append((node, getattr(node, method)(*args, **self._options(node), **options)))

    def swap_source(self):
        node = self.random.choice([self.tone, self.keys])
        way = self.random.randrange(5)
        if way == 0:
            self._request(node, 'wave', self.random.choice(WAVES))
        elif way == 1:
            self._request(node, 'clear')
        elif way == 2 and node is self.keys:
            self._request(node, 'load', self.instrument)
        else:
            self._request(node, 'set_buffer', self.random.choice(self.sounds))

    def swap_room(self):
        if self.random.random() < 0.2:
            self._request(self.room, 'clear')
            return
        n_channels = self.random.choice([1, 2, 4])
        response = impulse_response(self.random.choice(LENGTHS), n_channels, self.random.randrange(100))
        self._request(self.room, 'load_samples', response, channels=n_channels, rate=self.random.choice(RATES))

    def cancel(self):
        if self.requests:
            node, serial = self.random.choice(self.requests[-8:])
            node.cancel(serial)

    def strike_keys(self):
        for key in self.random.choices(NOTES, k=self.random.randrange(1, 40)):
            self.keys.note_on(key, self.random.randrange(1, 128))

    def release_keys(self):
        if self.random.random() < 0.3:
            self.keys.notes_off()
        for key in self.random.choices(NOTES, k=20):
            self.keys.note_off(key)

    def play(self):
        node = self.random.choice([self.tone, self.keys])
        node.play(self.random.choice(self.sounds), gain=0.1)
        if self.random.random() < 0.3:
            node.stop(0)

    def play_music(self):
        play_music(self.session)

    def set(self):
        name = self.random.choice(list(SETTINGS))
        key = self.random.choice(list(SETTINGS[name]))
        self.nodes[name].set(key, self.random.uniform(*SETTINGS[name][key]))

    def bypass(self):
        self.random.choice(list(self.nodes.values())).set('Bypass', self.random.random() < 0.3)

    def set_volume(self):
        """By Props, as sound settings do."""
        self.session.run('pw-cli', 'set-param', self.random.choice(list(self.nodes.values())).get('Ids')[0], 'Props',
                         f'{{ volume = {self.random.random():.3f} mute = {self.random.choice(["true", "false"])} }}')

    def change_trigger(self):
        self.keys.set('Trigger', 'always')
        self.keys.set('Trigger', 'notes')

    def change_quantum(self):
        self.session.force_quantum(self.random.choice(QUANTA))

    def change_rate(self):
        self.session.force_rate(self.random.choice(RATES))

    def relink(self):
        link = self.random.choice(self.links)
        self.session.unlink(*link)
        self.session.link(*link)

    def pause(self):
        """Nothing runs meanwhile, some of the times longer than a pause that counts."""
        for link in self.links[-2:]:
            self.session.unlink(*link)
        time.sleep(self.random.choice([0, 0.1, 0.7]))
        for link in self.links[-2:]:
            self.session.link(*link)

    def come_and_go(self):
        """A node is destroyed in mid-fade."""
        node = self.segue.create('guest', self.random.choice(['source', 'convolver']))
        self.session.link('guest:output_FL', 'test-sink:playback_FL')
        node.set_buffer(self.random.choice(self.sounds[:-1] if 'source' in node.get('Type') else self.sounds[4:8]),
                        fade=10.0)
        node.clear(fade=10.0)
        self.segue.destroy(node)

    def listen(self):
        time.sleep(self.random.uniform(0, 0.1))

    # often, and now and then
    OFTEN = swap_source, swap_room, strike_keys, release_keys, play, set, listen
    RARE = cancel, bypass, set_volume, change_trigger, change_quantum, relink, play_music
    RAREST = change_rate, pause, come_and_go

    # ---- the storm

    def run(self, n_steps):
        """So many of them; of each kind one to begin with."""
        kinds = [*self.OFTEN, *self.RARE, *self.RAREST]
        more = self.random.choices(kinds, [6] * len(self.OFTEN) + [3] * len(self.RARE) + [1] * len(self.RAREST),
                                   k=max(0, n_steps - len(kinds)))
        for kind in kinds + more:
            try:
                kind(self)
            except BusError as error:
                if error.name.rpartition('.')[2] not in EXPECTED:
                    raise
            self.done[kind.__name__] += 1

    def calm(self):
        """Every request has ended; back to the start's rate and quantum."""
        self.session.force_quantum(QUANTUM)
        self.session.force_rate(RATE)
        self.keys.notes_off()
        for node in self.nodes.values():
            node.set('Bypass', False)
        for node, serial in self.requests:
            self.done[node.finished(serial).result] += 1
        self.requests.clear()

    def end(self):
        """Every node goes, and nothing is left."""
        self.calm()
        for node in self.nodes.values():
            self.segue.destroy(node)
        for buffer in self.segue.buffers():
            self.segue.release(buffer)
        self.segue.assert_nothing_is_live()
