# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""The handover and all around it as a model: see tests/model/run. And with threads, for longer than in every run."""

import subprocess

import pytest

from fixture import PLAIN_BUILD, ROOT

SKIPPED = 77
STRESS_SEC = 30

pytestmark = pytest.mark.slow


def run(command):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode == SKIPPED:
        pytest.skip(result.stdout)
    assert result.returncode == 0, result.stdout
    print(result.stdout)


@pytest.mark.timeout(900)
def test_the_model_holds_and_each_fault_of_it_is_seen():
    run([ROOT / 'tests/model/run'])


@pytest.mark.timeout(300)
def test_the_handover_under_thread_sanitizer_for_longer():
    folder = 'tests/unit/handover'
    run([ROOT / folder / 'tsan', PLAIN_BUILD / folder / 'test-stress-tsan', str(STRESS_SEC)])
