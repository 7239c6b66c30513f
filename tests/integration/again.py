# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

"""A pytest plugin: a test that could not measure, and says so by Again, is run once more.

Only that: whatever else fails, before, meanwhile or in the end of it, is a failure as ever.
"""

import pytest
from _pytest.runner import runtestprotocol

MOST = 5


class Again(Exception):
    """No measurement, for a reason that isn't Segue's: the test is run again, five times at most."""


repeated = []       # names of tests, once for each time


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(call):
    outcome = yield
    outcome.get_result().is_again = call.excinfo is not None and call.excinfo.errisinstance(Again)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for n in range(MOST + 1):
        item._initrequest()
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        failed = [report for report in reports if report.failed]
        if n == MOST or not failed or not all(report.is_again for report in failed):
            break
        repeated.append(item.nodeid)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_terminal_summary(terminalreporter):
    for name in dict.fromkeys(repeated):
        terminalreporter.write_line(f'run {repeated.count(name) + 1} times: {name}')
