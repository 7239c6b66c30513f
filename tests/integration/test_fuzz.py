# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""A minute of fuzzing for each target: see tests/fuzz/run."""

import subprocess

import pytest

from fixture import ROOT

SKIPPED = 77


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nothing_is_found_by_fuzzing():
    result = subprocess.run([ROOT / 'tests/fuzz/run', '--seconds', '60'], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
    if result.returncode == SKIPPED:
        pytest.skip(result.stdout)
    assert result.returncode == 0, result.stdout
