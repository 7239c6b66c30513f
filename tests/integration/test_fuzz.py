# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""A minute of fuzzing for each target: see tests/fuzz/run."""

import pytest

from fixture import ROOT
from suite import run_suite


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nothing_is_found_by_fuzzing():
    run_suite(ROOT / 'tests/fuzz/run', '--seconds', 60)
