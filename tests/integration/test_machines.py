# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Two machines, joined by a cable and the examples' rtp.conf: what is swapped on one is heard on the other."""

import os
import pathlib
import subprocess
import time

import numpy as np
import pytest

from bus import Segue
from chain import Unrecorded
from files import write_float_wav
from fixture import PLAIN_BUILD, ROOT, wait_until
from line import (CLICK_FRAMES, PERIOD, PILOT_PERIOD, RATE, click_times, click_train, gaps, latencies, levels, sine)
from machines import ADDRESSES, Machines, with_latency
from recording import Recorder

pytestmark = [pytest.mark.slow, pytest.mark.plain]

EXAMPLES = ROOT / 'examples'
PLAIN, BRIGHT = (1.0,), (1.0, 0.3)      # partials: what is swapped is the second one
QUANTUM = 256
N_SWAPS = 12
CUT = 2             # seconds
QUARTER = PERIOD // 4
SENT = 'tone:output_MONO', 'pilot:output_MONO'
HEARD = 'test-sink:monitor_FL', 'test-sink:monitor_FR'
SSHD = '/usr/sbin/sshd'


@pytest.fixture
def machines(request):
    try:
        machines = Machines(with_latency(100), build=PLAIN_BUILD)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f'{error}: it needs root, or users who may have namespaces')
    request.node.segue_session = machines
    try:
        with machines:
            for machine in machines.here, machines.there:
                machine.force_quantum(QUANTUM)      # a receiver wants half its latency
            yield machines
    finally:
        machines.remove()


class Player:
    """A tone, left, whose buffers are swapped, and a pilot, right, whose aren't: what is wrong with both isn't Segue's.
    """

    def __init__(self, machine):
        machine.start_service()
        self.bus = machine.bus()
        self.segue = Segue(self.bus)
        self.tone, self.pilot = (self.segue.create(name, audio_position='[ MONO ]', segue_gain=1.0)
                                 for name in ('tone', 'pilot'))
        for node, port in zip(('tone', 'pilot'), machine.inputs_of('line-out')):
            machine.link(f'{node}:output_MONO', port)

    def play(self, partials=PLAIN):
        self.tone.set('Frequency', RATE / PERIOD)
        self.pilot.set('Frequency', RATE / PILOT_PERIOD)
        self.swap(partials)
        self.pilot.heard(self.pilot.load_samples(sine(PILOT_PERIOD), kind='table', channels=1, rate=RATE))

    def swap(self, partials):
        self.tone.heard(self.tone.load_samples(sine(PERIOD, partials), kind='table', channels=1, rate=RATE))

    def click(self):
        for node in self.tone, self.pilot:
            node.heard(node.load_samples(click_train(), channels=1, rate=RATE, loop='forward', fade=0.0))


class Listener:
    """Who hears tone and pilot, in two channels of a recorder."""

    def __init__(self, recorder, first=0):
        self.recorder, self.channels = recorder, (first, first + 1)

    def since(self, position):
        takes = [self.recorder.take(c) for c in self.channels]
        return [take[position:min(t.end for t in takes)] for take in takes]

    def last(self, seconds):
        begin = self.recorder.position()
        self.recorder.wait_for_frames(round(seconds * RATE))
        return self.since(begin)

    def wait_until_steady(self):
        """A receiver has settled."""
        def steady():
            heard = list(zip(self.last(3), (PERIOD, PILOT_PERIOD)))
            return all(levels(x, p).min() > 0.1 and not gaps(x, p) for x, p in heard)
        wait_until('steady tone', steady, 60)

    def wait_until_silent(self):
        wait_until('silence', lambda: not np.any(self.last(0.2)))


def wait_for_line(machine):
    """What comes in is played."""
    wait_until('line', lambda: '<- line-in:' in machine.links())


def assert_no_gap(tone, pilot):
    if gaps(pilot, PILOT_PERIOD):
        raise Unrecorded('the line itself had gaps')
    assert gaps(tone, PERIOD) == []
    assert_gaps_are_seen(tone)


def assert_gaps_are_seen(tone):
    """5 ms of it: silent, and left out."""
    begin, end = len(tone) // 2, len(tone) // 2 + RATE // 200
    assert len(gaps(np.concatenate([tone[:begin], np.zeros(end - begin), tone[end:]]), PERIOD)) == 1
    assert len(gaps(np.concatenate([tone[:begin], tone[end:]]), PERIOD)) == 1


def changes(tone):
    """How often the second partial came or went, looked at each 10 ms."""
    bright = (levels(tone, PERIOD, 2) > levels(tone, PERIOD) * BRIGHT[1] / 2)[::RATE // 100]
    return int((bright[1:] != bright[:-1]).sum())


def test_swaps_are_heard_there_without_a_gap(machines):
    player = Player(machines.here)
    wait_for_line(machines.there)
    listener = Listener(Recorder(machines.there, HEARD))
    player.play()
    listener.wait_until_steady()
    begin = listener.recorder.position()
    for i in range(N_SWAPS):
        player.swap(PLAIN if i % 2 else BRIGHT)
        listener.last(0.3)
    tone, pilot = listener.since(begin)
    assert_no_gap(tone, pilot)
    assert changes(tone) == N_SWAPS


def test_a_line_that_was_cut_comes_back_with_what_was_swapped_meanwhile(machines):
    player = Player(machines.here)
    wait_for_line(machines.there)
    here, there = Listener(Recorder(machines.here, SENT)), Listener(Recorder(machines.there, HEARD))
    player.play()
    there.wait_until_steady()
    begin = here.recorder.position()
    machines.network.cut()
    there.wait_until_silent()
    player.swap(BRIGHT)
    time.sleep(CUT)
    machines.network.mend()
    there.wait_until_steady()
    tone, pilot = there.last(1)
    assert np.median(levels(tone, PERIOD, 2)) == pytest.approx(BRIGHT[1] * 0.4, rel=0.05)
    assert_no_gap(tone, pilot)
    assert gaps(here.since(begin)[0], PERIOD) == []     # nothing of it is noticed here


def test_every_click_arrives_and_is_timed(machines):
    player = Player(machines.here)
    wait_for_line(machines.there)
    here, there = Recorder(machines.here, SENT), Recorder(machines.there, HEARD)
    player.click()
    there.wait_for_frames(6 * CLICK_FRAMES)
    sent, received = click_times(here), click_times(there)
    times = latencies(sent, received)
    print(f'{1e3 * np.median(times):.1f} ms, {1e3 * times.min():.1f} to {1e3 * times.max():.1f}')
    assert len(times) >= 4 and (times > 0).all()


# ---- the examples for one of the machines

def response(passes):
    """Left only what `passes` of two partials, right all: the first one is as loud either way. Frames by channels."""
    taps = np.zeros((2 * QUARTER + 1, 2), 'f4')
    taps[QUARTER] = 1
    if passes == PLAIN:
        taps[[0, -1], 0] = 0.5
    return taps


class Ssh:
    """A server there, and the ways to it from here."""

    def __init__(self, machines):
        if os.geteuid() != 0 or not os.path.exists(SSHD):
            pytest.skip('it needs root and sshd: ./tools/setup machines')
        self.here, self.there = machines.here, machines.there
        folder = self.there.path
        for key in 'host_key', 'key':
            self.here.run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', folder / key, check=True)
        config = folder / 'sshd_config'
        config.write_text(f'HostKey {folder}/host_key\nAuthorizedKeysFile {folder}/key.pub\nStrictModes no\n'
                          'UsePAM no\nPidFile none\n')
        pathlib.Path('/run/sshd').mkdir(exist_ok=True)
        process = self.there.start('sshd', [SSHD, '-D', '-e', '-f', config])
        process.expected |= {255}   # one's way to be terminated
        wait_until('sshd', lambda: 'Server listening' in process.text())

    def run(self, *command, **options):
        """As the README has it where the other side's shell has no XDG_RUNTIME_DIR."""
        return self.here.run('ssh', '-F', 'none', '-i', self.there.path / 'key', '-o', 'StrictHostKeyChecking=no', '-o',
                             'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR', ADDRESSES[1],
                             f'XDG_RUNTIME_DIR={self.there.path}/runtime', f'PATH={self.there.seguectl.parent}:$PATH',
                             *command, timeout=20, **options)


@pytest.fixture
def host(machines):
    """Start the service there with an example, whose files are in its home."""
    def start(name):
        home = machines.there.path / 'home'
        process = machines.there.start_service((EXAMPLES / f'{name}.conf').read_text().replace('/home/me', str(home)))
        assert [line for line in process.text().splitlines() if line.startswith('[E]')] == []
    return start


def test_a_room_there_is_swapped_over_ssh_and_heard_here_without_a_gap(machines, host):
    ssh = Ssh(machines)
    write_float_wav(machines.there.path / 'home/hall.wav', response(PLAIN))
    files = {passes: write_float_wav(machines.here.path / f'home/{len(passes)}.wav', response(passes))
             for passes in (PLAIN, BRIGHT)}
    host('convolver-host')
    player = Player(machines.here)
    wait_for_line(machines.there)
    wait_for_line(machines.here)
    listener = Listener(Recorder(machines.here, [*SENT, *HEARD]), len(SENT))
    player.play(BRIGHT)
    listener.wait_until_steady()
    begin = listener.recorder.position()
    for i in range(N_SWAPS):
        with open(files[PLAIN if i % 2 else BRIGHT]) as file:
            result = ssh.run('seguectl', 'load', 'room', '-', '--fade', '50ms', stdin=file)
        assert result.returncode == 0, result.stderr
        listener.last(0.3)
    tone, pilot = listener.since(begin)
    assert_no_gap(tone, pilot)
    assert changes(tone) == N_SWAPS
    result = ssh.run('seguectl', 'load', 'rom', 'hall.wav')
    assert (result.returncode, result.stderr) == (1, "seguectl: No node 'rom'. Did you mean 'room'?\n")


def test_a_synthesizer_there_is_played_over_ssh_and_heard_here(machines, host):
    ssh = Ssh(machines)
    host('synthesizer-host')
    for channel, port in zip(('FL', 'FR'), machines.there.inputs_of('line-out')):
        machines.there.link(f'keys:output_{channel}', port)
    wait_for_line(machines.here)
    recorder = Recorder(machines.here, HEARD)
    assert ssh.run('seguectl', 'wave', 'keys', 'sine', '--fade', '0').returncode == 0
    assert ssh.run('seguectl', 'note', 'keys', 'A4', '--length', '2s').returncode == 0
    recorder.wait_for_frames(RATE)
    samples = np.nan_to_num(recorder.take()[:])
    spectrum = np.abs(np.fft.rfft(samples))
    assert np.abs(samples).max() > 0.1
    assert spectrum.argmax() * RATE / len(samples) == pytest.approx(440, abs=1)
