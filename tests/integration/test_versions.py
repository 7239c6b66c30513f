# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Later versions of PipeWire, as far as there is time: see tests/versions/run, which has all of it."""

import os
import pathlib

import pytest

from fixture import ROOT
from suite import run_suite

CHROOTS = pathlib.Path(os.environ.get('SEGUE_CHROOTS', ROOT / 'build/chroots'))
# what differs most: whoever runs the graph, MIDI, and a device's two nodes
NAMES = 'test_conditions', 'test_notes_sound_where', 'test_swaps_are_heard_while_it_plays'


pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def run(release, *arguments):
    """As built here, in the chroot of a release."""
    if not (CHROOTS / release).exists():
        pytest.skip(f'{CHROOTS} has no {release}: tests/versions/run makes it')
    run_suite(ROOT / 'tests/versions/run', '--release', release, '--build', 'here', *arguments)


@pytest.mark.parametrize('release', ['trixie', 'sid'])
def test_as_built_here_it_works_with_the_pipewire_of(release):
    run(release, *NAMES)


def test_two_machines_hear_each_other_with_the_pipewire_of_trixie():
    run('trixie', '--all', 'test_machines')
