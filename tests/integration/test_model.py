# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""The handover and all around it as a model: see tests/model/run. And with threads, for longer than in every run."""

import pytest

from fixture import PLAIN_BUILD, ROOT
from suite import run_suite

STRESS_SEC = 30

pytestmark = pytest.mark.slow


@pytest.mark.timeout(900)
def test_the_model_holds_and_each_fault_of_it_is_seen():
    run_suite(ROOT / 'tests/model/run')


@pytest.mark.timeout(300)
def test_the_handover_under_thread_sanitizer_for_longer():
    folder = 'tests/unit/handover'
    run_suite(ROOT / folder / 'tsan', PLAIN_BUILD / folder / 'test-stress-tsan', STRESS_SEC)
