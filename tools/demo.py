# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Replace a source's sound again and again while it plays, record it, and compare the recording with the
sound computed from formulas and from the decoded file.

Without options everything happens in a private, silent PipeWire. Writes build/demo.wav and build/demo.png;
the last line has the facts, and the exit status is 0 if they are as promised.
"""

import argparse
import os
import pathlib
import sys
import time
import wave
from dataclasses import dataclass

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
# the session, the recorder and the slow reference are the tests' own
sys.path[:0] = [str(ROOT / 'tests/integration'), str(ROOT / 'tools')]

from bus import Bus, BusError, Segue                            # noqa: E402
from demo_picture import draw                                   # noqa: E402
from fixture import Session, wait_until                         # noqa: E402
from mix import Sample, Swap, mix, phase_origin, silence, wavetable     # noqa: E402
from recording import Recorder                                  # noqa: E402

BUS_NAME = 'org.segue.Demo'     # beside a Segue that may be running
NODE = 'segue-demo'
RATE = 48000
FREQUENCY = 440.0
FILE = pathlib.Path('/usr/share/sounds/alsa/Front_Center.wav')
ENOUGH = 1e-5                   # of full scale: -100 dB
CONFIG = f'''
segue.properties = {{ dbus.name = {BUS_NAME} }}
segue.nodes = [ {{ type = source  node.name = {NODE}  audio.position = [ MONO ]
                   segue.wave = sine  segue.frequency = {FREQUENCY}  segue.gain = 1.0 }} ]
'''


@dataclass
class Act:
    """One sound of the show."""
    label: str
    wave: str = None        # None: the file
    gain: float = 1.0
    fade: float = 0.02      # seconds
    hold: float = 0.5       # seconds until the next; 0: as soon as it is heard


ACTS = ([Act(f'sine {g:.1f}', 'sine', g, hold=0.0) for g in (0.0, 0.2, 0.4, 0.6)] +
        [Act('sine 0.8', 'sine', 0.8),
         Act('saw', 'saw', 0.7, fade=0.1),
         Act('square', 'square', 0.5, fade=0.0),
         Act('triangle', 'triangle', 0.8, fade=0.25),
         Act('harmonics', 'harmonics:1,0,0.5,0,0.25', 0.7),
         Act(FILE.name, fade=0.05, hold=1.6),
         Act('sine 0.5', 'sine', 0.5)])


class LiveSession(Session):
    """The user's own PipeWire and bus; only Segue's configuration is the demo's."""

    def _make_env(self):
        super()._make_env()
        for key in ('XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS', 'PIPEWIRE_REMOTE',
                    'PIPEWIRE_RUNTIME_DIR'):
            self.env.pop(key, None)
            if key in os.environ:
                self.env[key] = os.environ[key]
        self.env.setdefault('DBUS_SESSION_BUS_ADDRESS',
                            f'unix:path={self.env.get("XDG_RUNTIME_DIR", "")}/bus')

    def __enter__(self):
        if not self.ports():
            sys.exit('demo: no PipeWire is running here to be heard on. Start it, or leave out --live.')
        return self

    def make_audible(self):
        """Link the node to the default sink, or else to the first there is."""
        sinks = [p for p in self.ports() if ':playback_' in p]
        default = self.run('pw-metadata', 0, 'default.audio.sink').stdout
        chosen = [p for p in sinks if f'"{p.split(":")[0]}"' in default] or sinks
        for port in chosen[:2]:
            self.link(f'{NODE}:output_MONO', port)


class Show:
    """Prints what happens, when it happens."""

    def __init__(self, bus):
        self.bus = bus
        self.began = time.monotonic()
        self.seen = 0
        self.labels = {}        # of buffers, by their paths

    def line(self, what, text, buffer=None):
        name = '' if buffer is None else '/'.join(buffer.split('/')[-2:]) if buffer != '/' else 'silence'
        label = f'{name:10} {self.labels.get(buffer, ""):17}' if name else ''
        print(f'{time.monotonic() - self.began:7.3f} s  {what:9}  {label}{text}', flush=True)

    def dispatch(self):
        """Tell of what the bus has told."""
        self.bus.dispatch()
        for _, _, member, args in self.bus.signals[self.seen:]:
            if member == 'Finished':
                _, result, buffer, position, _, message = args
                self.line(result, message or f'at frame {position}', buffer)
            elif member == 'BufferReclaimed':
                buffer, size, age = args
                self.line('reclaimed', f'{size / 1024:.0f} KiB, {age / 1e6:.2f} s old', buffer)
        self.seen = len(self.bus.signals)

    def wait(self, predicate, what):
        def step():
            self.dispatch()
            return predicate()
        return wait_until(what, step)


def perform(segue, node, recorder, show):
    """Play the acts; the swaps as they were heard, each with what it was."""
    heard = []
    for act in ACTS:
        if act.wave is None:
            buffer = segue.load_file(FILE)
        else:
            buffer = segue.generate(act.wave, gain=act.gain)
        show.labels[buffer] = act.label
        serial = node.set_buffer(buffer, fade=act.fade)
        # ours no more: it lives as long as it is heard
        segue.release(buffer)
        show.line('queued', f'fade {act.fade * 1000:.0f} ms', buffer)
        show.wait(lambda: any(f.serial == serial for f in node.all_finished()), 'answer')
        finished = node.finished(serial)
        if finished.result != 'applied':
            sys.exit(f'demo: {act.label} was not heard: {finished.message}')
        heard.append((act, finished.position))
        end = finished.position + int(act.hold * RATE)
        show.wait(lambda: recorder.position() >= end, f'frame {end}')
    return heard


def read_file(path):
    """As 16 bits decode: n / 32768."""
    with wave.open(str(path)) as w:
        assert (w.getnchannels(), w.getsampwidth(), w.getframerate()) == (1, 2, RATE), path
        return np.frombuffer(w.readframes(w.getnframes()), '<i2') / 32768.0


def compute(heard, last, first, end, origin, opening):
    """The same, from formulas: every swap where its position says, and silence at last."""
    step = FREQUENCY / RATE
    swaps = [Swap(first, 0, wavetable('sine', opening, step, origin))]
    for act, position in heard:
        sound = Sample(read_file(FILE)) if act.wave is None else wavetable(act.wave, act.gain, step, origin)
        swaps.append(Swap(position, round(act.fade * RATE), sound))
    swaps.append(Swap(last, round(0.02 * RATE), silence))
    return mix(swaps, first, end)


def write_wav(path, samples):
    with wave.open(str(path), 'wb') as w:
        w.setparams((1, 2, RATE, 0, 'NONE', None))
        w.writeframes((np.nan_to_num(samples).clip(-1, 1) * 32767).round().astype('<i2').tobytes())


def run(session, live):
    session.start_service(CONFIG, wait=False)
    session.wait_for_name(BUS_NAME, session.processes['service'])
    bus = Bus(session.env['DBUS_SESSION_BUS_ADDRESS'], BUS_NAME)
    segue = Segue(bus)
    show = Show(bus)
    node = segue.node(NODE)
    recorder = Recorder(session, [f'{NODE}:output_MONO'])
    if live:
        session.make_audible()
    show.line('playing', f'{NODE}: sine, {FREQUENCY:g} Hz, quantum {node.get("Quantum")} at {RATE} Hz')
    start = recorder.position()
    show.wait(lambda: recorder.position() >= start + RATE // 2, 'recording')

    heard = perform(segue, node, recorder, show)
    last = node.heard(node.clear(fade=0.02))
    show.wait(lambda: recorder.position() >= last + RATE // 10, 'the end')
    show.wait(lambda: segue.get('BytesLive') + segue.get('BytesPending') + segue.get('BytesRetired') == 0,
              'everything reclaimed')
    applied, reclaimed, live_bytes = node.get('SwapsApplied'), segue.get('BuffersReclaimed'), segue.get('BytesLive')
    missed = node.get('Xruns') + len(recorder.gaps())
    median, _, longest = node.get('CycleTime')

    take = recorder.take()
    sine = take[take.first:take.first + RATE // 4]
    opening = np.abs(sine).max()
    opening = 1.0 if abs(opening - 1.0) < 0.01 else opening
    origin = phase_origin(sine, take.first, FREQUENCY / RATE)
    computed = compute(heard, last, take.first, take.end, origin, opening)
    # a cycle that was missed is counted, and not compared
    error = np.nan_to_num(take.samples - computed)
    worst = np.abs(error).max()
    write_wav(ROOT / 'build/demo.wav', take.samples)
    draw(ROOT / 'build/demo.png', take, computed, heard, last, RATE)

    print(f'\nbuild/demo.wav, build/demo.png: {len(take.samples) / RATE:.1f} s. '
          f'Cycles took {median:.1f} us, the longest {longest:.0f} us.')
    print(f'{applied} swaps applied, {reclaimed} buffers reclaimed, {live_bytes} bytes live, '
          f'{missed} cycles missed, largest error {worst:.1e} ({20 * np.log10(max(worst, 1e-12)):.0f} dB)')
    bus.close()
    # the opening sine was the first swap; silence was the last
    right = applied == len(ACTS) + 2 and reclaimed == len(ACTS) + 1 and live_bytes == 0
    return right and (live or (missed == 0 and worst < ENOUGH))


def main():
    parser = argparse.ArgumentParser(prog='tools/demo', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--live', action='store_true', help='play on the running PipeWire, to be heard')
    args = parser.parse_args()

    session = (LiveSession if args.live else Session)(build=ROOT / 'build')
    try:
        with session:
            right = run(session, args.live)
    except (AssertionError, BusError) as error:
        right = False
        print(f'demo: {error}', file=sys.stderr)
        for name, text in session.logs():
            print(f'---- {name}\n{text}', file=sys.stderr)
    except KeyboardInterrupt:
        right = False
    finally:
        session.remove()
    sys.exit(0 if right else 1)


main()
