# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""The Debian packages: see tests/package."""

import subprocess

import pytest

from fixture import ROOT

SKIPPED = 77


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_package_is_built_installed_activated_and_purged():
    result = subprocess.run([ROOT / 'tests/package'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode == SKIPPED:
        pytest.skip(result.stdout)
    assert result.returncode == 0, result.stdout
