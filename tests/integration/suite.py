# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Suites that are programs of their own, as tests."""

import subprocess

import pytest

SKIPPED = 77


def run_suite(*command):
    """A suite that is a program of its own; 77 says that it can't be run here, and why."""
    result = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode == SKIPPED:
        pytest.skip(result.stdout)
    assert result.returncode == 0, result.stdout
    print(result.stdout)
