# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""RealtimeSanitizer in an unmodified pipewire: whatever blocks in process() or below it ends the process, and its
log says from where."""

import os
import subprocess
import sys

import pytest

from bus import Segue
from fixture import ROOT, RTSAN_BUILD, realtime_sanitizer
from storm import Storm

VIOLATED = 43       # exit status
VIOLATE = RTSAN_BUILD / 'tests/realtime/libsegue-violate.so'
IN_DAEMON = 'context.modules = [ { name = libpipewire-module-segue } ]'
QUICK, LONG = 80, 800       # steps of a storm
# what sounds, and what comes and goes while it does
OTHERS = ('convolver', 'convolver_load', 'convolver_node', 'convolver_time', 'devices', 'instruments', 'keys',
          'keys_between', 'lifecycle', 'midi', 'misuse', 'mix', 'plays', 'props', 'swaps')

pytestmark = [pytest.mark.realtime,
              pytest.mark.skipif(not VIOLATE.exists(), reason='needs a build with RealtimeSanitizer')]


@pytest.mark.parametrize('kind', ['source', 'convolver'])
def test_a_violation_would_be_seen(session, kind):
    """A lock below process(), as violate.c takes one."""
    preload = f'LD_PRELOAD={realtime_sanitizer(RTSAN_BUILD)}:{VIOLATE}'
    process = session.start_service(wrapper=['env', preload])
    process.expected = {VIOLATED}
    with session.bus() as bus:
        Segue(bus).create('synth', kind)
    session.link('synth:output_FL', 'test-sink:playback_FL')
    assert process.popen.wait(10) == VIOLATED
    assert 'unsafe function `pthread_mutex_lock`' in process.text()
    assert f'segue_{kind}_process' in process.text()


def weather(session, segue, seed, n_steps):
    storm = Storm(session, segue, seed)
    storm.run(n_steps)
    storm.end()
    print(dict(storm.done))


def weather_inside_the_daemon(session, seed, n_steps):
    session.wait_for_name('org.segue.Segue1', session.processes['pipewire'])
    with session.bus() as bus:
        weather(session, Segue(bus), seed, n_steps)


def test_nothing_blocks_in_a_storm(session, segue):
    weather(session, segue, 1, QUICK)


@pytest.mark.session(fragment=IN_DAEMON)
def test_nothing_blocks_in_a_storm_inside_the_daemon(session):
    weather_inside_the_daemon(session, 2, QUICK)


@pytest.mark.slow
@pytest.mark.parametrize('seed', range(3, 7))
def test_nothing_blocks_in_a_long_storm(session, segue, seed):
    weather(session, segue, seed, LONG)


@pytest.mark.slow
@pytest.mark.session(fragment=IN_DAEMON)
def test_nothing_blocks_in_a_long_storm_inside_the_daemon(session):
    weather_inside_the_daemon(session, 7, LONG)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nothing_blocks_in_the_other_integration_tests(tmp_path):
    """All of them that have something sound, once more."""
    folder = ROOT / 'tests/integration'
    command = [sys.executable, '-m', 'pytest', '-q', '--timeout=180', '-p', 'no:cacheprovider',
               '-m', 'not slow and not plain', *(folder / f'test_{n}.py' for n in OTHERS)]
    result = subprocess.run(command, env=os.environ | {'SEGUE_BUILD': str(RTSAN_BUILD)}, cwd=ROOT,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(result.stdout.splitlines()[-1])
    assert result.returncode == 0, result.stdout
