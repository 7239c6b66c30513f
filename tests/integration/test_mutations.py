# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Whether tests see the faults they are there for: see tests/mutations/run."""

import pytest

from fixture import ROOT
from suite import run_suite


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_each_fault_is_seen_by_the_test_that_is_named():
    run_suite(ROOT / 'tests/mutations/run')
