# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Whether tests see the faults they are there for: see tests/mutations/run."""

import subprocess

import pytest

from fixture import ROOT

SKIPPED = 77


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_each_fault_is_seen_by_the_test_that_is_named():
    result = subprocess.run([ROOT / 'tests/mutations/run'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode == SKIPPED:
        pytest.skip(result.stdout)
    assert result.returncode == 0, result.stdout
    print(result.stdout)
