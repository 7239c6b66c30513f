# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""Everything at once and for long, and much of everything: see tests/soak."""

import pytest

from fixture import ROOT
from suite import run_suite


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_five_minutes_of_everything_are_as_promised():
    run_suite(ROOT / 'tests/soak/run', '--minutes', 5)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_many_buffers_cost_no_more_each_than_few():
    run_suite(ROOT / 'tests/soak/scale', '--nodes', 64, '--buffers', 10, 10000)
