# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Idle is idle."""

import pathlib
import re
import time

import pytest

from chain import impulse_response
from files import write_wav

pytestmark = pytest.mark.plain

SECONDS = 5
# a client of PipeWire with nothing of ours in it
BARE_CONFIG = '''
context.spa-libs = { support.* = support/libspa-support }
context.modules = [ { name = libpipewire-module-rt flags = [ ifexists nofail ] }
                    { name = libpipewire-module-protocol-native } ]
'''


def switches(pid):
    """Voluntary context switches of each of a process's threads: one for every wake-up."""
    found = {}
    for task in pathlib.Path(f'/proc/{pid}/task').iterdir():
        text = (task / 'status').read_text()
        found[task.name] = int(re.search(r'^voluntary_ctxt_switches:\s*(\d+)', text, re.M)[1])
    return found


def wakeups(pid, seconds=SECONDS):
    before = switches(pid)
    time.sleep(seconds)     # the measurement itself
    after = switches(pid)
    return sum(after[t] - before.get(t, 0) for t in after)


def bare_wakeups(session):
    path = session.path / 'bare.conf'
    path.write_text(BARE_CONFIG)
    process = session.start('bare', ['pipewire', '-c', path])
    time.sleep(1)           # until it has settled
    count = wakeups(process.pid)
    process.stop()
    return count


def test_a_service_with_nothing_to_do_sleeps(session, segue):
    bare = bare_wakeups(session)
    node = segue.create('synth')
    node.heard(node.wave('sine'))
    segue.release(segue.generate('saw'))
    play_some(session, segue)
    segue.wait_for_rest()
    time.sleep(2)           # the collector's last, slowest tick, and announcements held back
    assert wakeups(session.processes['service'].pid) <= bare


def test_a_sink_nobody_plays_to_any_more_sleeps(session, segue):
    bare = bare_wakeups(session)
    session.start_wireplumber()
    room = segue.create('room', 'convolver', segue_mode='sink')
    room.heard(room.load_samples(impulse_response(0.5, 2), channels=2, rate=48000))
    player = session.start('player', ['pw-play', '--target', 'room',
                                      write_wav(session.path / 'sound.wav', [[0.5, 0.5]] * 48000)])
    player.popen.wait(20)
    segue.bus.wait_until('cycles', lambda: room.get('Cycles') > 0)
    segue.bus.wait_until('rest', lambda: room.get('State') == 'idle')
    time.sleep(7)           # the collector's slowest tick, and WirePlumber's suspending what is idle for 5 s
    assert wakeups(session.processes['service'].pid) <= bare


def play_some(session, segue):
    """Notes and plays, which leave nothing behind once they have ended."""
    node = segue.create('keys', segue_trigger='notes', segue_wave='sine')
    session.link('keys:output_FL', 'test-sink:playback_FL')
    segue.bus.wait_until('cycles', lambda: node.get('State') == 'running' and node.get('Cycles') > 0)
    node.note_on(60)
    node.play(segue.ready(segue.generate('noise', seconds=0.1, keep=True)), loop='none')
    node.wait_for_voices(2)
    node.notes_off()
    node.wait_for_voices(0)
    session.unlink('keys:output_FL', 'test-sink:playback_FL')
    segue.bus.wait_until('rest', lambda: node.get('State') == 'idle')
