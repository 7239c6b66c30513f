# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Everything at once and for long, and much of everything: see tests/soak."""

import subprocess

import pytest

from fixture import ROOT


def run(*command):
    result = subprocess.run([ROOT / 'tests/soak' / command[0], *command[1:]], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
    print(result.stdout)
    assert result.returncode == 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_five_minutes_of_everything_are_as_promised():
    run('run', '--minutes', '5')


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_many_buffers_cost_no_more_each_than_few():
    run('scale', '--nodes', '64', '--buffers', '10', '10000')
