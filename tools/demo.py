# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Replace sounds while they play: what a source plays, what a voice is convolved with, and what a synthesizer's
keys sound like. Record all of it, and compare the recording with the sound computed from formulas, files, notes
and the frames that were reported.

Without options everything happens in a private, silent PipeWire. Writes build/demo.wav, build/demo.mid (what the
synthesizer plays) and build/demo.png; the last line has the facts, and the exit status is 0 if they are as promised.
"""

import argparse
import os
import pathlib
import signal
import sys
import wave

# until there is something to tidy up, Ctrl-C ends it as any program
signal.signal(signal.SIGINT, signal.SIG_DFL)

import numpy as np                                              # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[1]
# the session, the recorder and the slow reference are the tests' own
sys.path[:0] = [str(ROOT / 'tests/integration'), str(ROOT / 'tools')]

import demo_convolver                                           # noqa: E402
import demo_keys                                                # noqa: E402
import demo_source                                              # noqa: E402
from bus import Bus, BusError, Segue                            # noqa: E402
from demo_picture import draw                                   # noqa: E402
from demo_show import ENOUGH, RATE, Show                           # noqa: E402
from fixture import Session                                     # noqa: E402
from recording import Recorder                                  # noqa: E402

BUS_NAME = 'org.segue.Demo'     # beside a Segue that may be running
PORTS = demo_source.PORTS + demo_convolver.PORTS + demo_keys.PORTS
ENDINGS = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
CONFIG = f'''
segue.properties = {{ dbus.name = {BUS_NAME} }}
segue.nodes = [ {demo_source.CONFIG}
                {demo_convolver.CONFIG}
                {demo_keys.CONFIG} ]
'''


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
        """Link what is heard to the default sink, or else to the first there is."""
        sinks = [p for p in self.ports() if ':playback_' in p]
        default = self.run('pw-metadata', 0, 'default.audio.sink').stdout
        chosen = [p for p in sinks if f'"{p.split(":")[0]}"' in default] or sinks
        for port, out in zip(chosen, demo_convolver.PORTS[1:]):
            for source in (demo_source.PORTS[0], demo_keys.PORTS[0], out):
                self.link(source, port)


def write_wav(path, channels):
    samples = np.nan_to_num(np.stack(channels, axis=1)).clip(-1, 1)
    with wave.open(str(path), 'wb') as w:
        w.setparams((2, 2, RATE, 0, 'NONE', None))
        w.writeframes((samples * 32767).round().astype('<i2').tobytes())


def start(session, live):
    """The service with all nodes linked, a client of its bus, and a recorder."""
    session.start_service(CONFIG, wait=False)
    session.wait_for_name(BUS_NAME, session.processes['service'])
    segue = Segue(Bus(session.env['DBUS_SESSION_BUS_ADDRESS'], BUS_NAME))
    for out, into in demo_convolver.LINKS:
        session.link(out, into)
    if live:
        session.make_audible()
    return segue, Recorder(session, PORTS)


def read_facts(segue, show):
    """What the service counts, once all is given back."""
    show.wait(lambda: segue.get('BytesLive') + segue.get('BytesPending') + segue.get('BytesRetired') == 0,
              'everything reclaimed')
    nodes = [segue.node(name) for name in (demo_source.NODE, demo_convolver.VOICE, demo_convolver.ROOM,
                                           demo_keys.NODE)]
    return {
        'applied': sum(node.get('SwapsApplied') for node in nodes),
        'reclaimed': segue.get('BuffersReclaimed'),
        'live': segue.get('BytesLive'),
        'missed': max(node.get('Xruns') for node in nodes) + len(show.recorder.gaps()),
        'longest': max(node.get('CycleTime')[2] for node in nodes),
    }


def run(session, live):
    files = demo_convolver.make_files(session.path)
    tune = demo_keys.make_file(ROOT / 'build/demo.mid')
    segue, recorder = start(session, live)
    show = Show(segue, recorder, exact=not live)

    tones = demo_source.perform(show)
    voices = demo_convolver.perform(show, files)
    keys = demo_keys.perform(show, session, tune, len(PORTS) - 1)
    show.wait_for(keys.heard[-1].position, 0.1)
    facts = read_facts(segue, show)
    # all channels up to the same frame
    recorder.process.stop()
    source, went_in, *came_out, played = [recorder.take(i) for i in range(len(PORTS))]

    notes, late = demo_keys.place(keys, played)
    pairs = [(source, demo_source.compute(tones, source))]
    pairs += [(take, demo_convolver.compute(voices, went_in, files, i)) for i, take in enumerate(came_out)]
    pairs += [(played, demo_keys.compute(keys, notes, played.first, played.end))]
    # a cycle that was missed is counted, and not compared
    worst = max(np.abs(np.nan_to_num(take.samples - computed)).max() for take, computed in pairs)
    write_wav(ROOT / 'build/demo.wav', [source.samples + take.samples + played.samples for take in came_out])
    draw(ROOT / 'build/demo.png', (*pairs[0], tones), (*pairs[1], voices, went_in),
         (*pairs[-1], keys.heard, notes), RATE)

    print(f'\nbuild/demo.wav, build/demo.png: {len(source.samples) / RATE:.1f} s. '
          f'The longest cycle of a node took {facts["longest"]:.0f} us.')
    if late > 0:
        print(f'pw-midiplay was {late} cycles late at last; its notes are compared where they were.')
    print(f'{facts["applied"]} swaps applied, {facts["reclaimed"]} buffers reclaimed, {len(notes)} notes played, '
          f'{facts["live"]} bytes live, {facts["missed"]} cycles missed, '
          f'largest error {worst:.1e} ({20 * np.log10(max(worst, 1e-12)):.0f} dB)')
    segue.bus.close()
    # the sine there was at first is a swap and a buffer besides
    right = (facts['applied'] == show.n_swaps + 1 and facts['reclaimed'] == show.n_buffers + 1 and
             facts['live'] == 0)
    return right and (live or (facts['missed'] == 0 and worst < ENOUGH))


class Interrupted(BaseException):
    """A signal has ended the show."""


def interrupt(number, frame):
    # no other one in the midst of tidying up
    for other in ENDINGS:
        signal.signal(other, signal.SIG_IGN)
    raise Interrupted(number)


def main():
    parser = argparse.ArgumentParser(prog='tools/demo', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--live', action='store_true', help='play on the running PipeWire, to be heard')
    args = parser.parse_args()

    for number in ENDINGS:
        signal.signal(number, interrupt)
    session = (LiveSession if args.live else Session)(build=ROOT / 'build')
    ended_by = None
    try:
        with session:
            right = run(session, args.live)
    except BrokenPipeError:     # who reads has seen enough
        ended_by = signal.SIGPIPE
    except (AssertionError, BusError, OSError) as error:
        right = False
        print(f'demo: {error}', file=sys.stderr)
        for name, text in session.logs():
            print(f'---- {name}\n{text}', file=sys.stderr)
    except Interrupted as interrupted:
        ended_by = interrupted.args[0]
    finally:
        session.remove()
    if ended_by is not None:    # for who started it, the signal did
        signal.signal(ended_by, signal.SIG_DFL)
        os.kill(os.getpid(), ended_by)
    sys.exit(0 if right else 1)


main()
